"""Errors as a page or as JSON: what happened, what to do, a reference number; never a trace, never patient data."""

from __future__ import annotations

import os
from typing import Any

from flask import Flask, Response, jsonify, render_template, request
from werkzeug.exceptions import HTTPException

from ivig_fhir.errors import BadRequest, CookieBlocked, IvigError, NotFound
from ivig_fhir.observe import log, reference_number

_UNTOUCHED = "Nothing was sent or changed."


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
        log().error("unforeseen", error=type(error).__name__, exc_info=error)
        return shown(IvigError(type(error).__name__), logged=True)


def _of_status(status: int) -> IvigError:
    if status in (404, 405):
        return NotFound("no such page", said="There is no such page.", remedy="Start IVIG orders from the patient's chart.")
    if status == 413:
        return BadRequest("too large", said="What was sent is too large.")
    return BadRequest(detail=f"http {status}")


def noted(error: IvigError) -> str:
    """The reference number under which an error is in the log."""
    number = reference_number(os.urandom(5))
    log().warning("refused", code=error.code, reference=number, detail=error.detail)
    return number


def shown(error: IvigError, status: int | None = None, logged: bool = False) -> tuple[Response, int]:
    """The error for whoever asked: a page for people, JSON for scripts."""
    number = reference_number(os.urandom(5)) if logged else noted(error)
    view: dict[str, Any] = {"code": error.code, "message": error.message, "remedy": error.remedy, "reference": number}
    if wants_json():
        return jsonify({"error": {**view, "retry": error.retry}}), status or error.status
    view |= {"untouched": "" if status in (404, 405) else _UNTOUCHED, "again": "", "again_label": "", "new_window": False}
    if isinstance(error, CookieBlocked):
        view |= {"again": request.full_path.replace("/go?", "?", 1), "again_label": "Open in a new window", "new_window": True}
    return Response(render_template("error.html", v=view)), status or error.status


def wants_json() -> bool:
    """Whether the caller is a script: it asks for JSON, or sends it."""
    best = request.accept_mimetypes.best_match(["text/html", "application/json"], default="text/html")
    return best == "application/json" or request.is_json
