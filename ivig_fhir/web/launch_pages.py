"""Launch pages: what this is, the launch from an EHR with its cookie probe, the callback that opens a session."""

from __future__ import annotations

import json
from urllib.parse import urlencode

from flask import Blueprint, Response, make_response, redirect, render_template, request

from ivig_fhir.errors import CookieBlocked, MissingIssuer, StateMismatch
from ivig_fhir.smart.issuers import Issuer
from ivig_fhir.smart.launch import AuthorizationRequest, Target
from ivig_fhir.store import client_keys
from ivig_fhir.web.doors import hand_over
from ivig_fhir.web.security import browser_cookie, browser_handle, framed_by, posts_to, set_cookie
from ivig_fhir.workflow.at_launch import settle_at_launch
from ivig_fhir.workflow.open_server import nobody_signed_in, patients_of
from ivig_fhir.workflow.runtime import Runtime
from ivig_fhir.workflow.sign_in import Opened, begin_launch, finish_launch, open_development

_FORWARDED = ("iss", "launch")


def pages(runtime: Runtime) -> Blueprint:
    """The routes below `/`, `/launch` and `/callback`."""
    blueprint = Blueprint("launch", __name__)

    @blueprint.get("/")
    def index() -> str:
        offered = [i for i in runtime.smart.issuers.entries if i.standalone or i.development]
        links = [
            {"name": i.name, "order": "/launch?" + urlencode({"iss": i.iss}), "pharmacy": "/launch/pharmacy?" + urlencode({"iss": i.iss})}
            for i in offered
        ]
        return render_template("index.html", v={"issuers": links})

    @blueprint.get("/launch")
    def launch() -> Response:
        return _probe(runtime, "/launch/go")

    @blueprint.get("/launch/pharmacy")
    def launch_pharmacy() -> Response:
        return _probe(runtime, "/launch/pharmacy/go")

    @blueprint.get("/launch/go")
    def go() -> Response:
        return _go(runtime, "order")

    @blueprint.get("/launch/pharmacy/go")
    def go_pharmacy() -> Response:
        return _go(runtime, "pharmacy")

    @blueprint.get("/callback")
    def callback() -> Response:
        browser = browser_handle(runtime.settings.secure_cookies)
        if not browser:
            raise StateMismatch("no browser cookie")
        return _enter(runtime, finish_launch(runtime, request.args.to_dict(), browser))

    @blueprint.get("/.well-known/jwks.json")
    def keys() -> Response:
        with runtime.database.read() as tx:
            shown = client_keys.published(tx, runtime.now())
        body = json.dumps({"keys": shown}, separators=(",", ":"))
        return Response(body, content_type="application/json", headers={"Cache-Control": "public, max-age=3600"})

    return blueprint


def _probe(runtime: Runtime, onward: str) -> Response:
    """Sets the browser's cookie and sends it on; whether the cookie comes back tells if this frame may have one."""
    _issuer(runtime)  # an unknown EHR is refused before anything is set or asked
    forwarded = {k: request.args[k] for k in (*_FORWARDED, "patient") if k in request.args}
    response = make_response(redirect(f"{onward}?{urlencode(forwarded)}", 303))
    secure = runtime.settings.secure_cookies
    set_cookie(response, browser_cookie(secure), browser_handle(secure) or runtime.chance(32), "/", secure)
    return response


def _issuer(runtime: Runtime) -> Issuer:
    """The EHR that the address names, whose frames may hold what is answered."""
    if not request.args.get("iss"):
        raise MissingIssuer()
    issuer = runtime.issuer(request.args["iss"])
    framed_by(issuer.frame_ancestors)
    return issuer


def _go(runtime: Runtime, target: Target) -> Response:
    browser = browser_handle(runtime.settings.secure_cookies)
    if not browser:
        raise CookieBlocked("no browser cookie")
    issuer, patient = _issuer(runtime), request.args.get("patient")
    if issuer.development and target == "order" and not patient:
        return _pick(runtime, issuer)
    if issuer.development:
        role = "prescriber" if target == "order" else "pharmacist"
        return _enter(runtime, open_development(runtime, issuer.iss, role, patient))
    return _to_ehr(begin_launch(runtime, issuer.iss, request.args.get("launch"), target, browser), issuer)


def _pick(runtime: Runtime, issuer: Issuer) -> Response:
    """The patients of an open development server, where no EHR brings one."""
    name = request.args.get("name", "")[:100]
    found = patients_of(runtime, issuer, name)
    links = [(p, "/launch/go?" + urlencode({"iss": issuer.iss, "patient": p.id})) for p in found.patients]
    view = {"iss": issuer.iss, "ehr": issuer.name, "name": name, "patients": links, "problem": found.problem}
    return make_response(render_template("pick.html", v=view, strip=nobody_signed_in(issuer)))


def _to_ehr(asked: AuthorizationRequest, issuer: Issuer) -> Response:
    if asked.method == "GET":
        return make_response(redirect(asked.url, 303))
    posts_to(asked.url, issuer.hosts)
    return make_response(render_template("post_on.html", url=asked.url, fields=asked.fields))


def _enter(runtime: Runtime, opened: Opened) -> Response:
    """Into the session, at a clean address: neither code nor state stay in the history."""
    settle_at_launch(runtime, opened)
    review = opened.context.intent == "pharmacist-review" and opened.role == "pharmacist"  # any other intent: the launch's own page
    where = "pharmacy/" if opened.context.target == "pharmacy" or review else "orders/"
    return hand_over(runtime, opened, make_response(redirect(f"/s/{opened.session}/{where}", 303)))
