"""`ivig-fhir audit` and `ivig-fhir deliver`: the audit chain, and orders whose fate in the EHR is uncertain."""

from __future__ import annotations

import argparse
