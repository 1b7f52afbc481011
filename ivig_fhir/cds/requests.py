"""Hook requests: what an EHR sends when a hook fires, checked for what we use; whatever else it carries is ignored."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from ivig_fhir.errors import BadRequest
from ivig_fhir.fhir.building import MalformedJson, decode
from ivig_fhir.fhir.reading import word
from ivig_fhir.smart.issuers import safe_address

_UUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_USER = re.compile(r"(Practitioner|PractitionerRole|Patient|RelatedPerson)/[A-Za-z0-9\-.]{1,64}")


@dataclass(frozen=True, slots=True)
class HookRequest:
    """One firing of a hook. The access token of `fhirAuthorization` is left out on purpose: nothing here may keep or use it."""

    hook: str
    instance: UUID
    patient_id: str
    user: str
    context: Mapping[str, Any] = field(repr=False)
    prefetch: Mapping[str, Any] = field(repr=False)


def body_of(data: bytes) -> Mapping[str, Any]:
    """The JSON object of a body, its numbers exact. BadRequest when it is anything else."""
    try:
        body = decode(data)
    except MalformedJson as error:
        raise BadRequest(said="The body is not JSON.") from error
    if not isinstance(body, dict):
        raise BadRequest(said="The body is not a JSON object.")
    return body


def hook_request(body: Mapping[str, Any], hook: str, needed: tuple[str, ...]) -> HookRequest:
    """The request of one service, whose hook and required context fields are given.

    BadRequest names the first member that is missing or malformed. A missing prefetch is an empty one.
    See: CDS Hooks 2.0, HTTP request.
    """
    if body.get("hook") != hook:
        raise BadRequest(said=f"hook is not {hook}, which is the hook of this service.")
    if not _UUID.fullmatch(word(body, "hookInstance")):
        raise BadRequest(said="hookInstance is not a UUID.")
    context, prefetch = body.get("context"), body.get("prefetch")
    if not isinstance(context, dict):
        raise BadRequest(said="context is not an object.")
    if prefetch is not None and not isinstance(prefetch, dict):
        raise BadRequest(said="prefetch is not an object.")
    for name in needed:
        if not context.get(name):
            raise BadRequest(said=f"context.{name} is missing.")
    if not _ID.fullmatch(word(context, "patientId")):
        raise BadRequest(said="context.patientId is not a FHIR id.")
    if not _USER.fullmatch(word(context, "userId")):
        raise BadRequest(said="context.userId is not a reference to a person, such as Practitioner/1.")
    _authorization(body)
    return HookRequest(hook, UUID(word(body, "hookInstance")), word(context, "patientId"), word(context, "userId"), context, prefetch or {})


def _authorization(body: Mapping[str, Any]) -> None:
    """An access token must come with the server that it is for, and that over https; it is not used."""
    given = body.get("fhirAuthorization")
    if given is None:
        return
    if not isinstance(given, dict) or not word(given, "access_token") or word(given, "token_type").lower() != "bearer":
        raise BadRequest(said="fhirAuthorization is not a bearer token.")
    if not safe_address(word(body, "fhirServer")):
        raise BadRequest(said="fhirAuthorization needs fhirServer, an https address.")
