"""All checks in the order a pharmacist reads them: one function per check, one file per clinical question."""

from __future__ import annotations
