"""Runtime: what every step of the spine works with; made once in `app.py`, handed over, never looked up."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Generic, Literal, TypeVar

import ivig_fhir
from ivig_fhir.chart.answers import Answers
from ivig_fhir.chart.snapshot import ChartSnapshot
from ivig_fhir.content.model import Content
from ivig_fhir.content.site import Site
from ivig_fhir.ehr.capability import Capabilities, read_capabilities
from ivig_fhir.ehr.client import FhirClient
from ivig_fhir.ehr.modes import WRITTEN, WriteMode, write_mode
from ivig_fhir.ehr.profiles import ServerProfile, profile
from ivig_fhir.order.approval import Clinician
from ivig_fhir.order.bundle import Abilities
from ivig_fhir.order.companions import TYPES
from ivig_fhir.settings import Settings
from ivig_fhir.smart.issuers import Issuer
from ivig_fhir.smart.scopes import Verdict, allowed
from ivig_fhir.smart.signin import SmartClient
from ivig_fhir.smart.tenancy import Tenancy
from ivig_fhir.store import sessions
from ivig_fhir.store.database import Database
from ivig_fhir.workflow.demotion import demoted, right_of
from ivig_fhir.workflow.renewal import Bearer, Renewal

_MOST_KEPT = 200
_METADATA_SECONDS = 8.0
T = TypeVar("T")


class Memory(Generic[T]):
    """Things of open runs, in this process only; the oldest goes first. Nothing depends on it but a page's speed and comfort."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, T] = OrderedDict()

    def keep(self, key: str, item: T) -> None:
        """Remembers something."""
        with self._lock:
            self._kept[key] = item
            self._kept.move_to_end(key)
            while len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)

    def find(self, key: str) -> T | None:
        """What was remembered, if this process still has it."""
        with self._lock:
            return self._kept.get(key)

    def forget(self, key: str) -> None:
        """Drops it."""
        with self._lock:
            self._kept.pop(key, None)


@dataclass(frozen=True)
class Reading:
    """A chart as it was read: what the EHR answered, when, and the facts in it, worked out once."""

    answers: Answers
    at: datetime
    chart: ChartSnapshot


@dataclass(frozen=True)
class LastChange:
    """The choices of a run before and after its last change, and what was understood of a typed dose ("" for other changes)."""

    before: Mapping[str, Any]
    after: Mapping[str, Any]
    understood: str = ""


@dataclass(frozen=True)
class Runtime:
    """Settings, content, the EHRs, the store, and the sources of time and chance."""

    settings: Settings
    content: Content
    site: Site
    smart: SmartClient
    database: Database
    http: Any  # a requests.Session; only smart/ and ehr/ know it by name
    now: Callable[[], datetime]
    chance: Callable[[int], str]
    new_run: Callable[[], str]
    charts: Memory[Reading] = field(default_factory=Memory)  # a page recalculates without asking the EHR again
    changes: Memory[LastChange] = field(default_factory=Memory)
    looks: Memory[str] = field(default_factory=Memory)
    notices: Memory[tuple[str, ...]] = field(default_factory=Memory)  # what a launch settled, until its first page said so
    courses: Memory[Mapping[str, Any]] = field(default_factory=Memory)  # a running order as it was on screen, by run and version
    modes: dict[tuple[Tenancy, str], WriteMode] = field(default_factory=dict)

    @property
    def version(self) -> str:
        """The app's version, as it stands in what it writes."""
        return ivig_fhir.__version__

    @property
    def canonical(self) -> str:
        """The base of the app's own definitions."""
        return f"{self.settings.base_url}/fhir"

    @property
    def limits(self) -> sessions.Limits:
        """How long a session lasts here."""
        idle, absolute = self.settings.session_idle_minutes, self.settings.session_absolute_minutes
        return sessions.Limits(timedelta(minutes=idle), timedelta(minutes=absolute))

    def issuer(self, iss: str) -> Issuer:
        """The issuer's entry."""
        return self.smart.issuers.find(iss)

    def profile(self, iss: str) -> ServerProfile:
        """What is known of the issuer's server."""
        return profile(self.issuer(iss).profile)

    @property
    def renewal(self) -> Renewal:
        """How sessions keep their access."""
        return Renewal(self.smart, self.database, self.now)

    def client(self, session: sessions.Session) -> FhirClient:
        """The FHIR server of a session, asked with its token; with its next one where the EHR refuses that before its time."""
        bearer = Bearer(self.renewal, session)
        return FhirClient(session.context.iss, self.http, bearer.token, bearer.renew)

    def mode(self, session: sessions.Session) -> WriteMode:
        """How an order can be written in this session, without what the EHR has refused to store lately."""
        context = session.context
        return self.mode_for(context.tenancy, context.scope, verdict(session), self.client(session), right_of(session))

    def mode_for(self, tenancy: Tenancy, grant: str, ask: Callable[[str, str], str], client: FhirClient, whose: str) -> WriteMode:
        """The same for any grant; `ask` says what it allows of a type and a letter of cruds, `whose` is the right that it is.

        What the server declares is read once for each tenant and grant; metadata that could not be read are asked for again.
        """
        key = (tenancy, grant)
        how = self.modes.get(key)
        if how is None:
            rights = {(t, x): ask(t, x) for t in WRITTEN for x in "crus"}
            how = write_mode(_declared(client), rights, self.profile(tenancy.iss))
            if how.known:
                self.modes[key] = how
        return demoted(self.database, tenancy, whose, how, self.now(), self.site.timezone)

    def decision_mode(self, session: sessions.Session) -> WriteMode:
        """How a pharmacist's decision is written: order and task are updated, so the right that counts is to update."""
        return self.decision_mode_for(session.context.tenancy, session.context.scope, verdict(session), self.client(session))

    def decision_mode_for(self, tenancy: Tenancy, grant: str, ask: Callable[[str, str], str], client: FhirClient) -> WriteMode:
        """The same for any grant; metadata that could not be read are asked for again."""
        key = (tenancy, f"decision {grant}")
        made = self.modes.get(key)
        if made is None:
            declared, known = _declared(client), self.profile(tenancy.iss)
            # Where a failed transaction is not undone, the order goes first and alone: a task is never completed beside a draft.
            whole = known.atomic and (known.transaction == "yes" or (known.transaction == "declared" and declared.transaction))
            updates = declared.known and declared.can("MedicationRequest", "update") and ask("MedicationRequest", "u") == "yes"
            creates = frozenset(t for t in ("Provenance", "Task") if declared.can(t, "create") and ask(t, "c") == "yes")
            mode: Literal["transaction", "sequential", "read-only"] = "transaction" if whole else "sequential"
            reason = "The decision is written to the EHR." if updates else "The EHR does not let this app change the order."
            follow = frozenset(t for t in TYPES if updates and declared.can(t, "update") and ask(t, "u") == "yes")
            how = mode if updates else "read-only"
            reason = reason if declared.known else f"{declared.said} Nothing is written."
            made = WriteMode(how, reason, Abilities(creates, frozenset()), whole, known=declared.known, updates=follow)
            if made.known:
                self.modes[key] = made
        return made


def _declared(client: FhirClient) -> Capabilities:
    """What the server declares; a page does not wait long for it."""
    return read_capabilities(client, deadline=client.patience.clock() + _METADATA_SECONDS)


_INTERACTIONS = {"c": "create", "r": "read", "u": "update", "d": "delete", "s": "search"}


def granted(session: sessions.Session, type_: str, letter: str) -> Verdict:
    """What the session was granted of one interaction (a letter of cruds) on one type."""
    context: Literal["patient", "user"] = "patient" if session.context.target == "order" else "user"
    return allowed(session.context.scope, type_, _INTERACTIONS[letter], context)


def verdict(session: sessions.Session) -> Callable[[str, str], str]:
    """The same as a question: (type, letter) to yes, no or partial."""
    return lambda type_, letter: granted(session, type_, letter).answer


def verdict_of(grant: str, context: Literal["patient", "user", "system"]) -> Callable[[str, str], str]:
    """The same question to a grant without a session."""
    return lambda type_, letter: allowed(grant, type_, _INTERACTIONS[letter], context).answer


def clinician(session: sessions.Session) -> Clinician:
    """Who is signed in, with the role that this site gives them."""
    identity = session.context.identity
    reference = session.context.user
    display = (identity.display if identity else "") or reference or "Nobody proven"
    others, login = (identity.others, identity.login) if identity and reference else ((), "")
    return Clinician(reference, display, frozenset({session.role}), proven=bool(reference), aliases=others, login=login)
