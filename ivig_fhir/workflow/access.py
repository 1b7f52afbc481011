"""Access: by what right an order is written or looked for: the session of a person, or this app by itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ivig_fhir.ehr.client import FhirClient
from ivig_fhir.ehr.modes import WriteMode
from ivig_fhir.smart.backend import AppBearer
from ivig_fhir.smart.issuers import Issuer
from ivig_fhir.smart.tenancy import Tenancy
from ivig_fhir.store import sessions
from ivig_fhir.store.seal import hashed
from ivig_fhir.workflow.demotion import right_of
from ivig_fhir.workflow.open_server import introduce
from ivig_fhir.workflow.runtime import Runtime, clinician, verdict_of


def _nobody() -> None:
    """Nobody has to be made known."""


@dataclass(frozen=True)
class Access:
    """One way into one EHR: how it is asked, how orders and decisions are written there, and who stands for it in the audit.

    `first` is done before a write, where the server wants to know who writes. `session` is that of a person who acts now, if one does.
    `right` is, as a hash, the right that a refusal speaks of.
    """

    tenancy: Tenancy
    client: FhirClient
    by: str
    mode: Callable[[], WriteMode] = field(repr=False)
    decisions: Callable[[], WriteMode] = field(repr=False)
    first: Callable[[], None] = field(default=_nobody, repr=False)
    session: sessions.Session | None = field(default=None, repr=False)
    right: str = ""


def session_access(runtime: Runtime, session: sessions.Session, by: str = "") -> Access:
    """What the person of a session may do; `by` where somebody else does it with their right."""
    return Access(
        session.context.tenancy,
        runtime.client(session),
        by or clinician(session).reference,
        lambda: runtime.mode(session),
        lambda: runtime.decision_mode(session),
        lambda: introduce(runtime, session),
        None if by else session,
        right_of(session),
    )


def app_access(runtime: Runtime, issuer: Issuer, bearer: AppBearer) -> Access:
    """What this app may do by itself, by its own token: its grant is read in the context `system`, where no person's scope counts.

    The tenancy is the one that the token is for: an order of another tenant is not in reach. Errors: those of the bearer.
    """
    grant = bearer.grant()
    tenancy = Tenancy.of(issuer.iss, str(grant.context.get("tenant") or ""))
    client = FhirClient(issuer.iss, runtime.http, bearer.token, bearer.renew)
    may, key = verdict_of(grant.scope, "system"), f"system {grant.scope}"
    right = hashed(key)
    return Access(
        tenancy,
        client,
        f"ivig-fhir deliver as {issuer.backend.client_id if issuer.backend else ''}",
        lambda: runtime.mode_for(tenancy, key, may, client, right),
        lambda: runtime.decision_mode_for(tenancy, key, may, client),
        right=right,
    )
