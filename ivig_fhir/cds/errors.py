"""How a call that fails is answered: a status, an OperationOutcome with one sentence and a reference number, never a trace."""

from __future__ import annotations

import secrets

from flask import Response, jsonify
from werkzeug.exceptions import HTTPException

from ivig_fhir.errors import IvigError
from ivig_fhir.observe import log, reference_number

_ISSUE = {400: "invalid", 401: "login", 403: "forbidden", 404: "not-found", 405: "not-supported", 412: "incomplete", 413: "too-long"}


def answer_error(error: Exception) -> Response:
    """The one answer to whatever went wrong in this entrance. What is not an error of ours says nothing about itself but a number."""
    reference = reference_number(secrets.token_bytes(5))
    if isinstance(error, IvigError):
        status, code, said = error.status, error.code, f"{error.message} {error.remedy}"
    elif isinstance(error, HTTPException) and error.code:
        status, code, said = error.code, IvigError.code, f"{error.name}."
    else:
        status, code, said = 500, IvigError.code, f"{IvigError.message} {IvigError.remedy}"
    if status >= 500:
        log().error("cds.failed", reference=reference, error_code=code, status=status, exc_info=error)
    else:
        log().info("cds.refused", reference=reference, error_code=code, status=status, detail=getattr(error, "detail", ""))
    kind, number = _ISSUE.get(status, "exception"), f"{code}, reference {reference}"
    issue = {"severity": "error", "code": kind, "details": {"text": said}, "diagnostics": number}
    response = jsonify({"resourceType": "OperationOutcome", "issue": [issue]})
    response.status_code = status
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response
