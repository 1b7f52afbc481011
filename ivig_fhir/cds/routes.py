"""Routes of CDS Hooks: discovery, the services, their feedback; each checks who calls, reads, asks the core, and answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, jsonify, request

from ivig_fhir.cds.errors import answer_error
from ivig_fhir.cds.feedback import Feedback, feedback_of
from ivig_fhir.cds.prefetch import read_prefetch
from ivig_fhir.cds.requests import body_of, hook_request
from ivig_fhir.cds.services import discovery, find, provider
from ivig_fhir.cds.trust import Callers
from ivig_fhir.content.model import Content
from ivig_fhir.content.site import Site
from ivig_fhir.errors import BadRequest
from ivig_fhir.observe import log
from ivig_fhir.settings import LOOPBACK
from ivig_fhir.smart.issuers import Issuers
from ivig_fhir.workflow.open_chart import chart_from_answers

LARGEST = 20_000_000
_PATH = "/cds-services"


def cds_blueprint(
    content: Content,
    site: Site,
    now: Callable[[], datetime],
    issuers: Issuers,
    allow_unsigned: bool,
    *,
    base_url: str,
    fetch_keys: Callable[[str], Any],
    record: Callable[[Feedback], None],
) -> Blueprint:
    """The CDS Hooks entrance.

    `now` answers an aware moment; `base_url` is the address that tokens must be meant for and that links lead to; `fetch_keys` gets the
    JSON at an issuer's `cds_jku`; `record` keeps one report of feedback and may be given the same one again (its id tells).
    `allow_unsigned` accepts calls without a token from this machine itself, and logs that it does. The routes take JSON from machines,
    without cookies: a CSRF guard of the app must leave this blueprint out.
    """
    blueprint = Blueprint("cds", __name__)
    machine = _Machine(content, site, now, Callers(issuers, fetch_keys, allow_unsigned), base_url, record)
    origins = _origins(issuers)

    @blueprint.before_request
    def limit() -> Response | None:
        request.max_content_length = LARGEST
        return _preflight(origins) if request.method == "OPTIONS" else None

    @blueprint.after_request
    def allow_origin(response: Response) -> Response:
        response.headers["Cache-Control"] = "no-store"
        response.vary.add("Origin")
        if request.origin in origins:
            response.headers["Access-Control-Allow-Origin"] = request.origin
        return response

    rules: tuple[tuple[str, str, Callable[..., Response]], ...] = (
        (_PATH, "GET", machine.discover),
        (f"{_PATH}/<service_id>", "POST", machine.call),
        (f"{_PATH}/<service_id>/feedback", "POST", machine.feedback),
    )
    for path, method, view in rules:
        blueprint.add_url_rule(path, view.__name__, view, methods=[method, "OPTIONS"], provide_automatic_options=False)
    blueprint.register_error_handler(Exception, answer_error)
    if allow_unsigned:
        log().warning("cds.unsigned_calls_accepted", detail="from this machine itself, for demonstration")
    return blueprint


@dataclass(frozen=True)
class _Machine:
    content: Content
    site: Site
    now: Callable[[], datetime]
    callers: Callers
    base_url: str
    record: Callable[[Feedback], None]

    def discover(self) -> Response:
        self._caller(f"{self.base_url}{_PATH}")
        return jsonify(discovery())

    def call(self, service_id: str) -> Response:
        service = find(service_id)
        self._caller(f"{self.base_url}{_PATH}/{service.id}")
        asked = hook_request(_body(), service.hook, service.context)
        found = read_prefetch(asked.prefetch, asked.patient_id, service.queries)
        if found.foreign:
            log().warning("cds.foreign_resources_discarded", count=found.foreign)
        chart = chart_from_answers(found.answers, self.content, self.now().astimezone(self.site.timezone), self.site)
        cards = service.answer(asked, chart, provider(service, self.content, self.site, self.base_url))
        log().info("cds.answered", content=service.id, count=len(cards))
        return jsonify({"cards": [card.as_json() for card in cards]})

    def feedback(self, service_id: str) -> Response:
        service = find(service_id)
        address = f"{self.base_url}{_PATH}/{service.id}"
        self._caller(address, f"{address}/feedback")
        for item in feedback_of(_body(), service.id):
            self.record(item)
        return jsonify({})

    def _caller(self, *audiences: str) -> None:
        """Who calls, or CallerUnproven. EHRs sign feedback for the service or for the feedback address; both are ours."""
        # The name that was called counts as well as the sender: a page may point a name of its own at this machine.
        loopback = request.remote_addr in LOOPBACK and urlsplit(request.host_url).hostname in LOOPBACK
        self.callers.check(request.headers.get("Authorization", ""), audiences, loopback, self.now())


def _body() -> Any:
    if not request.is_json:  # a page of another origin could otherwise post a form here without asking first
        raise BadRequest(said="The content type is not JSON.")
    return body_of(request.get_data(cache=False))


def _origins(issuers: Issuers) -> frozenset[str]:
    """The origins that a browser may call from: those of the issuers, and those that may frame us."""
    own = (f"{urlsplit(e.iss).scheme}://{urlsplit(e.iss).netloc}" for e in issuers.entries)
    return frozenset(own) | {origin for e in issuers.entries for origin in e.frame_ancestors}


def _preflight(origins: frozenset[str]) -> Response:
    """The answer to a browser that asks first; an origin that is not ours gets no permission."""
    if request.origin not in origins:
        return Response(status=403)
    allowed = {"Access-Control-Allow-Methods": "GET, POST", "Access-Control-Allow-Headers": "authorization, content-type"}
    return Response(status=204, headers={**allowed, "Access-Control-Max-Age": "600"})
