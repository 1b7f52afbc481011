"""OperationOutcome, and the error that becomes one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class FhirError(Exception):
    """A refusal: HTTP status, issue type and one sentence. See: FHIR R4 http.html, OperationOutcome."""

    def __init__(self, status: int, code: str, diagnostics: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(diagnostics)
        self.status = status
        self.code = code
        self.diagnostics = diagnostics
        self.headers = dict(headers or {})

    def outcome(self) -> dict[str, Any]:
        """This refusal as an OperationOutcome."""
        return outcome("error", self.code, self.diagnostics)


def outcome(severity: str, code: str, *diagnostics: str) -> dict[str, Any]:
    """An OperationOutcome with one issue for each sentence."""
    issues = [{"severity": severity, "code": code, "diagnostics": text} for text in diagnostics]
    return {"resourceType": "OperationOutcome", "issue": issues}


def invalid(diagnostics: str) -> FhirError:
    """400: the request itself is wrong."""
    return FhirError(400, "invalid", diagnostics)


def not_found(what: str) -> FhirError:
    """404: nothing of that name here."""
    return FhirError(404, "not-found", f"{what} is not known here.")
