"""Searching over HTTP: filters, order, pages, includes, strict and lenient handling."""

from __future__ import annotations

from typing import Any

import pytest
from conftest import CATEGORY, FHIR, LOINC, Ehr, Fhir, issue, observation, patient
