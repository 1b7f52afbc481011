"""Pages of a session as such: log-out, and the look that the EHR asks for."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, render_template

from ivig_fhir.smart.styling import read_style, style_sheet
from ivig_fhir.web.doors import known, take_back
from ivig_fhir.workflow.runtime import Runtime


def pages(runtime: Runtime) -> Blueprint:
    """The routes right below `/s/<session>/`."""
    blueprint = Blueprint("session", __name__, url_prefix="/s/<sid>")

    @blueprint.post("/log-out")
    def log_out(sid: str) -> Response:
        runtime.renewal.log_out(known(runtime, sid))
        return take_back(runtime, sid, make_response(render_template("logged_out.html")))

    @blueprint.get("/look.css")
    def look(sid: str) -> Response:
        session = known(runtime, sid)
        return Response(_sheet(runtime, session.context.iss, session.context.style_url), content_type="text/css; charset=utf-8")

    return blueprint


def _sheet(runtime: Runtime, iss: str, url: str) -> str:
    """The style sheet of an address, which is also its version: read once. One that could not be had is asked for again."""
    key = f"{iss}|{url}"
    sheet = runtime.looks.find(key)
    if sheet is None:
        style = read_style(runtime.http, runtime.issuer(iss), url, runtime.settings.timeouts)
        sheet = style_sheet(style)
        if style:
            runtime.looks.keep(key, sheet)
    return sheet
