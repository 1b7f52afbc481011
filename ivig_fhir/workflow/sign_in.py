"""Before the first step: a launch from the EHR becomes a session, with the patient, the person and their role."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ivig_fhir import observe
from ivig_fhir.chart.answers import Reason
from ivig_fhir.chart.queries import QUERIES
from ivig_fhir.ehr.client import FhirClient
from ivig_fhir.ehr.profiles import profile
from ivig_fhir.ehr.search import problem_of, search
from ivig_fhir.errors import FhirError, LaunchError
from ivig_fhir.fhir.reading import part, parts, word
from ivig_fhir.smart import signin
from ivig_fhir.smart.context import LaunchContext, development_context, role_of
from ivig_fhir.smart.identity import Identity
from ivig_fhir.smart.issuers import ROLES, Role
from ivig_fhir.smart.launch import AuthorizationRequest, LaunchSecrets, Target
from ivig_fhir.smart.token import TokenResponse
from ivig_fhir.store import audit, launches, sessions
from ivig_fhir.workflow.runtime import Runtime
from ivig_fhir.workflow.same_person import with_others

_SHOWS_NONE = (Reason.NOT_PERMITTED, Reason.NOT_SUPPORTED)


@dataclass(frozen=True)
class Opened:
    """A session that was just opened: its id for the path, its cookie for the browser."""

    session: str
    cookie: str
    context: LaunchContext
    role: Role


def begin_launch(runtime: Runtime, iss: str, launch: str | None, target: Target, browser: str) -> AuthorizationRequest:
    """Where to send the browser to sign in; `browser` is the value of a cookie that must come back with the answer."""
    secrets, now = LaunchSecrets.draw(runtime.chance), runtime.now()
    rows = [q.scope for q in QUERIES]
    pending, request = signin.begin(runtime.smart, iss, launch, target, rows, secrets, now, lambda issuer: profile(issuer.profile).scopes)
    with runtime.database.write() as tx:
        launches.keep(tx, secrets.state, browser, pending)
    return request


def finish_launch(runtime: Runtime, parameters: Mapping[str, str], browser: str) -> Opened:
    """The session that a callback opens. The state is used up, whatever comes of it; a launch that comes to nothing is in the audit."""
    now = runtime.now()
    with runtime.database.write() as tx:
        pending = launches.take(tx, parameters.get("state", ""), browser, now)
    try:
        signed = signin.complete(runtime.smart, parameters, pending, now)
    except LaunchError as error:
        if pending is not None:  # one that nobody began here leaves no trace: anybody could write the audit full
            with runtime.database.write() as tx:
                audit.append(tx, now, "", pending.iss, "launch.refused", note=error.code)
            if parameters.get("error") == "invalid_scope":  # an administrator compares them with what this app is registered for
                observe.log().warning("launch.scopes_refused", asked_scopes=pending.scope)
        raise
    return _open(runtime, signed.context, signed.token)


def open_development(runtime: Runtime, iss: str, role: Any, patient: str | None, token: TokenResponse | None = None) -> Opened:
    """The session of a named test user on a server that is open and marked so; nobody signed in, and every page says it.

    `token` is one that a script was given for a server that asks for one.
    """
    return _open(runtime, development_context(runtime.issuer(iss), role, patient), token)


def _open(runtime: Runtime, context: LaunchContext, token: TokenResponse | None) -> Opened:
    issuer = runtime.issuer(context.iss)
    bearer = token.access_token if token else ""
    client = FhirClient(context.iss, runtime.http, (lambda: bearer) if bearer else (lambda: None))
    recorded = _roles(client, context.identity)
    context = replace(context, identity=_named(client, context.identity, recorded or ()))
    role = role_of(context.identity, recorded or (), issuer, runtime.now().date())
    if recorded is None and role in ROLES:  # the default for people without a role says nothing about one whose roles are not known
        role = "unproven"
    opened = Opened(runtime.chance(24), runtime.chance(32), context, role)
    runtime.renewal.end_overdue(runtime.limits)
    with runtime.database.write() as tx:
        sessions.start(tx, opened.session, opened.cookie, context, role, token, runtime.now())
    return opened


def _named(client: FhirClient, identity: Identity | None, roles: tuple[dict[str, Any], ...]) -> Identity | None:
    """The person with every reference to them, and with a name for the page, where the EHR lets us read it.

    A role has no name: it is that of its Practitioner, else the display that the role has for them.
    """
    if identity is None or not identity.proven or not identity.local or identity.development:
        return identity
    identity = with_others(identity, roles)
    as_role = identity.type == "PractitionerRole"
    display = next((word(part(r, "practitioner"), "display") for r in roles), "") if as_role else ""
    where = next(iter(identity.others), "") if as_role else identity.reference
    return replace(identity, display=((_name(client, where) if where else "") or display)[:100])


def _name(client: FhirClient, where: str) -> str:
    """What a person is called, as one text; "" where the EHR does not say."""
    try:
        names = parts(client.read(where).body, "name")
    except FhirError:
        return ""
    name = next((n for n in names if word(n, "use") == "official"), names[0] if names else {})
    given = name.get("given")
    words = [*(name.get("prefix") or []), *(given if isinstance(given, list) else []), word(name, "family")]
    return word(name, "text") or " ".join(str(w) for w in words if w)


def _roles(client: FhirClient, identity: Identity | None) -> tuple[dict[str, Any], ...] | None:
    """The person's PractitionerRoles, none where the EHR shows none to apps; None where reading them failed and nobody knows."""
    if identity is None or not identity.proven or not identity.local or identity.development:
        return ()
    try:
        if identity.type == "PractitionerRole":
            return (client.read(identity.reference).body,)
        found = search(client, "PractitionerRole", (("practitioner", identity.id),))
    except FhirError as error:
        return () if problem_of(error) in _SHOWS_NONE else None
    if found.problem is not None and found.problem not in _SHOWS_NONE:
        return None
    return tuple(dict(r) for r in found.matches.values())
