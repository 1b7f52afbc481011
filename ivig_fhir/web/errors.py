"""Errors as a page or as JSON: what happened, what to do, a reference number; never a trace, never patient data."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import urlencode

from flask import Flask, Response, jsonify, render_template, request
from werkzeug.exceptions import HTTPException

from ivig_fhir.errors import (
    AuditBroken,
    BadRequest,
    CookieBlocked,
    IvigError,
    MissingIssuer,
    NotFound,
    NotNegotiable,
    OutcomeUnknown,
    SealBroken,
    SessionEnded,
    SeveralAnchors,
    TokenRejected,
)
from ivig_fhir.observe import log, reference_number

_UNTOUCHED = "Nothing was sent or changed."
_UNSURE = "It is not known whether anything was changed: look at the order before you try again."
# Errors after which the EHR may hold what was sent; their own words say what to do.
_IN_DOUBT = (OutcomeUnknown, SeveralAnchors)
# Errors of ours that may come after something was sent.
_AT_ANY_MOMENT = (AuditBroken, SealBroken)


def register(app: Flask) -> None:
    """Hands every error to one rendering."""

    @app.errorhandler(IvigError)
    def ours(error: IvigError) -> tuple[Response, int]:
        return shown(error)

    @app.errorhandler(HTTPException)
    def of_http(error: HTTPException) -> tuple[Response, int]:
        return shown(_of_status(error.code or 500), error.code or 500)

    @app.errorhandler(Exception)
    def unforeseen(error: Exception) -> tuple[Response, int]:
        number = reference_number(os.urandom(5))
        log().error("unforeseen", error_code=IvigError.code, reference=number, exc_info=error)
        return shown(IvigError(type(error).__name__), number=number)


def _of_status(status: int) -> IvigError:
    if status in (404, 405):
        return NotFound("no such page", said="There is no such page.", remedy="Start IVIG orders from the patient's chart.")
    if status == 413:
        return BadRequest("too large", said="What was sent is too large.")
    return BadRequest(detail=f"http {status}")


def noted(error: IvigError) -> str:
    """The reference number under which an error is in the log; one that an administrator has to mend is logged as an error."""
    number = reference_number(os.urandom(5))
    say = log().error if isinstance(error, NotNegotiable) else log().warning
    say("refused", error_code=error.code, reference=number, detail=error.detail)
    return number


def ended(error: IvigError) -> IvigError:
    """A token that the EHR refuses after every renewal ends the session; any other error is what it is."""
    return SessionEnded(error.detail, told=error.told) if isinstance(error, TokenRejected) else error


def shown(error: IvigError, status: int | None = None, number: str = "") -> tuple[Response, int]:
    """The error for whoever asked: a page for people, JSON for scripts. `number` is its reference where it is in the log already."""
    error = ended(error)
    number = number or noted(error)
    view: dict[str, Any] = {"code": error.code, "message": error.message, "remedy": error.remedy, "reference": number}
    view["told"] = list(error.told)
    if wants_json():
        return jsonify({"error": {**view, "retry": error.retry}}), status or error.status
    again, label = _onward(error)
    view |= {"untouched": _touched(error, status), "again": again, "again_label": label, "new_window": isinstance(error, CookieBlocked)}
    return Response(render_template("error.html", v=view)), status or error.status


def _touched(error: IvigError, status: int | None) -> str:
    """What an error page may say of the order: that nothing was done only where that is sure."""
    if status in (404, 405) or isinstance(error, _IN_DOUBT):
        return ""
    at_any_moment = isinstance(error, _AT_ANY_MOMENT) or type(error) is IvigError
    return _UNSURE if at_any_moment and request.method == "POST" else _UNTOUCHED


def _onward(error: IvigError) -> tuple[str, str]:
    """Where an error page leads on to, and what its link says; only to pages of our own, and never with what an EHR answered."""
    if isinstance(error, MissingIssuer):
        return "/", "What this app is, and how it opens"
    launching = request.path.startswith("/launch")
    if isinstance(error, CookieBlocked) or (error.retry and launching):
        kept = {name: request.args[name] for name in ("iss", "launch", "patient") if name in request.args}
        return f"{request.path.removesuffix('/go')}?{urlencode(kept)}", "Open in a new window" if not error.retry else "Try again"
    if error.retry and request.method == "GET" and request.path.startswith("/s/"):
        return request.path, "Try again"
    return "", ""


def wants_json() -> bool:
    """Whether the caller is a script: it asks for JSON, or sends it."""
    best = request.accept_mimetypes.best_match(["text/html", "application/json"], default="text/html")
    return best == "application/json" or request.is_json
