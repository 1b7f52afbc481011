"""The FHIR server's HTTP surface: addresses, headers and content types; the work is done elsewhere."""

from __future__ import annotations

import re
from typing import Any

from flask import Blueprint, Response, g, request
from werkzeug.exceptions import HTTPException

from ivig_fhir.sandbox import capability, grants, interactions, transaction, writing
from ivig_fhir.sandbox.access import Access
from ivig_fhir.sandbox.codec import decode, encode
from ivig_fhir.sandbox.interactions import Answer
from ivig_fhir.sandbox.outcome import FhirError, invalid, outcome
from ivig_fhir.sandbox.parts import current
from ivig_fhir.sandbox.resource_types import RESOURCE_TYPES

JSON = "application/fhir+json"
# Set in the request's environment when the connection is to end without an answer; whoever serves the request obeys.
DIES = "ivig_fhir.sandbox.dies"
_JSON_TYPES = frozenset({JSON, "application/json", "application/json+fhir"})

blueprint = Blueprint("fhir", __name__, url_prefix="/fhir")


@blueprint.before_request
def _gate() -> None:
    """Before anything else: a form of answer that we have, a token, the fault of its launch, a type that exists."""
    accept = request.headers.get("Accept", "*/*").lower()
    if request.args.get("_format", "json") not in ("json", *_JSON_TYPES) or not re.search(r"json|\*/\*|application/\*", accept):
        raise FhirError(406, "not-supported", "Only JSON is spoken here.")
    if request.endpoint == "fhir.metadata":
        return
    g.access = grants.access(current(), request.headers.get("Authorization"))
    refusal = g.access.fault.refuse(request.method, request.path.removeprefix("/fhir").strip("/"))
    if refusal:
        raise refusal
    type_ = (request.view_args or {}).get("type_")
    if type_ is not None and type_ not in RESOURCE_TYPES:
        raise FhirError(404, "not-supported", f"{type_!r} is not a resource type of FHIR R4.")


@blueprint.get("/metadata")
def metadata() -> Response:
    """The CapabilityStatement; with a token, bent by the fault of its launch."""
    sandbox = current()
    statement = capability.statement(sandbox.store.base, sandbox.authorize_url, sandbox.token_url, sandbox.started)
    if request.headers.get("Authorization"):
        statement = grants.access(sandbox, request.headers["Authorization"]).fault.capability(statement)
    return respond(Answer(200, statement))


@blueprint.get("", strict_slashes=False)
def page() -> Response:
    """A later page of a search."""
    if "_page" not in request.args:
        raise FhirError(404, "not-supported", "Searches over all types are not supported.")
    return respond(interactions.page(current().server, _access(), request.args["_page"]))


@blueprint.post("", strict_slashes=False)
def bundle() -> Response:
    """A transaction or a batch."""
    return respond(transaction.process(current().server, _access(), _body()))


@blueprint.get("/<type_>")
@blueprint.get("/<type_>/_search")
@blueprint.post("/<type_>/_search")
def search(type_: str) -> Response:
    """A search, its parameters in the address or in a form."""
    pairs = [*request.args.items(multi=True), *request.form.items(multi=True)]
    strict = "handling=strict" in _prefer()
    return respond(interactions.search(current().server, _access(), type_, pairs, strict))


@blueprint.post("/<type_>")
def create(type_: str) -> Response:
    """A create, conditional with If-None-Exist."""
    return respond(writing.create(current().server, _access(), type_, _body(), request.headers.get("If-None-Exist")))


@blueprint.get("/<type_>/<id_>")
def read(type_: str, id_: str) -> Response:
    """A read."""
    return respond(interactions.read(current().server, _access(), type_, id_))


@blueprint.put("/<type_>/<id_>")
def update(type_: str, id_: str) -> Response:
    """An update, with If-Match only of the version named."""
    return respond(writing.update(current().server, _access(), type_, id_, _body(), request.headers.get("If-Match")))


@blueprint.delete("/<type_>/<id_>")
def delete(type_: str, id_: str) -> Response:
    """A deletion."""
    return respond(writing.delete(current().server, _access(), type_, id_, request.headers.get("If-Match")))


@blueprint.get("/<type_>/<id_>/_history")
def history(type_: str, id_: str) -> Response:
    """All versions of one resource."""
    return respond(interactions.history(current().server, _access(), type_, id_))


@blueprint.get("/<type_>/<id_>/_history/<version>")
def vread(type_: str, id_: str, version: str) -> Response:
    """One version of one resource."""
    return respond(interactions.vread(current().server, _access(), type_, id_, version))


def respond(answer: Answer) -> Response:
    """An answer as HTTP: body by the Prefer header, validators, and the mark of a connection that is to die."""
    body: dict[str, Any] | None = answer.body
    if answer.stored and request.method in ("POST", "PUT"):
        if "return=minimal" in _prefer():
            body = None
        elif "return=OperationOutcome" in _prefer():
            body = outcome("information", "informational", f"Stored as version {answer.stored.version}.")
    response = Response(encode(body) if body is not None else b"", answer.status, content_type=JSON)
    response.headers.update(answer.headers)
    response.headers["Cache-Control"] = "no-store"
    fault_access: Access | None = g.get("access")
    if fault_access and fault_access.fault.dies(answer.wrote):
        request.environ[DIES] = True
    return response


def refusal(error: Exception) -> Response:
    """Any refusal below the FHIR base as an OperationOutcome."""
    if isinstance(error, FhirError):
        return respond(Answer(error.status, error.outcome(), error.headers))
    status = error.code or 500 if isinstance(error, HTTPException) else 500
    code = {404: "not-found", 405: "not-supported", 413: "too-long"}.get(status, "exception")
    return respond(Answer(status, outcome("error", code, "This server does not do that here.")))


def _access() -> Access:
    access: Access = g.access
    return access


def _prefer() -> list[str]:
    return re.split(r"[,;]\s*", request.headers.get("Prefer", ""))


def _body() -> Any:
    if request.mimetype not in _JSON_TYPES:
        raise FhirError(415, "not-supported", f"The content type must be {JSON}.")
    try:
        return decode(request.get_data())
    except ValueError:
        raise invalid("The body is not JSON.") from None
