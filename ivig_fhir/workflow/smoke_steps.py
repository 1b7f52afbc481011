"""The steps of a smoke test, in order: each asks one thing of a server, and says what was seen or why it did not hold."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Literal

from ivig_fhir.chart.answers import Answers
from ivig_fhir.ehr.capability import read_capabilities
from ivig_fhir.ehr.client import FhirClient
from ivig_fhir.ehr.loading import load
from ivig_fhir.ehr.profiles import recognised
from ivig_fhir.ehr.search import search
from ivig_fhir.errors import OutcomeUnknown
from ivig_fhir.fhir.identifiers import URI
from ivig_fhir.fhir.quantity import plain
from ivig_fhir.fhir.reading import identifiers, word
from ivig_fhir.order.receipt import ALREADY, STORED, Receipt
from ivig_fhir.order.recompute import disagreements
from ivig_fhir.order.states import OrderState
from ivig_fhir.proposal.model import Proposal
from ivig_fhir.proposal.selections import ChosenOverride
from ivig_fhir.smart.issuers import Issuer, Issuers, TestUser
from ivig_fhir.smart.tenancy import Tenancy
from ivig_fhir.smart.token import TokenResponse
from ivig_fhir.store import orders, sessions
from ivig_fhir.workflow.approve import approve_order, refuse
from ivig_fhir.workflow.propose import drafted, open_page, run_of_launch
from ivig_fhir.workflow.runtime import Runtime
from ivig_fhir.workflow.sign_in import open_development
from ivig_fhir.workflow.verify import decide_order, open_case, read_stored
from ivig_fhir.workflow.worklist import worklist
from ivig_fhir.workflow.write_back import write_back

PEOPLE = (("prescriber", "Smoke Prescriber"), ("pharmacist", "Smoke Pharmacist"))
_REASON = ("9", "Smoke test with a synthetic patient.")
_TOKEN_LASTS = timedelta(hours=1)
_LIMITS = sessions.Limits()


class NotHeldError(Exception):
    """A step that came to its end and saw something else than it should."""


@dataclass
class Visit:
    """One visit to one server: what was made there so far, and how far the order has come."""

    runtime: Runtime
    base: str
    token: str
    chart: Sequence[Mapping[str, Any]]
    client: FhirClient
    made: dict[str, str] = field(default_factory=dict)
    profile: str = "generic"
    prescriber: sessions.Session | None = None
    pharmacist: sessions.Session | None = None
    run: str = ""

    @property
    def stored(self) -> Receipt:
        """What the EHR stored of the order."""
        with self.runtime.database.read() as tx:
            order = orders.load(tx, Tenancy(self.base), self.run)
        return Receipt.from_json(json.loads(order.receipt))

    def open(self, role: Literal["prescriber", "pharmacist"]) -> sessions.Session:
        """A session of one of the two people."""
        patient = next((now for was, now in self.made.items() if was.startswith("Patient/")), "").removeprefix("Patient/")
        ends = self.runtime.now() + _TOKEN_LASTS
        token = TokenResponse(self.token, ends, "user/*.cruds") if self.token else None
        opened = open_development(self.runtime, self.base, role, patient, token)
        with self.runtime.database.read() as tx:
            return sessions.load(tx, opened.session, opened.cookie, self.runtime.now(), _LIMITS)


def _ask(visit: Visit) -> str:
    found = read_capabilities(visit.client)
    if not found.known:
        raise NotHeldError(found.said)
    visit.profile = recognised(found.software) or "generic"
    if not found.fhir_version.startswith("4.0"):
        raise NotHeldError(f"It says FHIR {found.fhir_version or 'without a version'}; this app speaks R4 (4.0).")
    return f"{found.software or 'A server without a name'}, FHIR {found.fhir_version}; profile {visit.profile}."


def _load(visit: Visit) -> str:
    people = [{"resourceType": "Practitioner", "id": role, "active": True, "name": [{"text": name}]} for role, name in PEOPLE]
    try:
        load(visit.client, [*people, *visit.chart], visit.made)
    except OutcomeUnknown as error:
        raise NotHeldError("The server did not answer; a resource with the tag HTEST may be left there.") from error
    users = {role: TestUser(visit.made[f"Practitioner/{role}"], name) for role, name in PEOPLE}
    issuer = Issuer(visit.base, "Smoke test", profile=visit.profile, prescriber=users["prescriber"], pharmacist=users["pharmacist"])
    visit.runtime = replace(visit.runtime, smart=replace(visit.runtime.smart, issuers=Issuers((issuer,))))
    return f"{len(visit.made)} resources were created, one patient and two people among them."


def _read(visit: Visit) -> str:
    visit.prescriber = visit.open("prescriber")
    visit.run = run_of_launch(visit.runtime, visit.prescriber).run
    answers = open_page(visit.runtime, visit.prescriber, visit.run).reading.answers
    short = _short(visit.chart, answers)
    if short:
        raise NotHeldError(f"What was loaded is not all found: {', '.join(short)}.")
    unread = [type_ for type_, answer in answers.by_type.items() if not answer.complete]
    note = f" Not assessed: {', '.join(sorted(unread))}." if unread else ""
    return f"{sum(len(a.resources) for a in answers.by_type.values())} resources of {len(answers.by_type)} types were read.{note}"


def _short(chart: Sequence[Mapping[str, Any]], answers: Answers) -> list[str]:
    """The types of which fewer were found than were loaded."""
    types = [str(r["resourceType"]) for r in chart]
    counts = {t: (types.count(t), len(answers.by_type[t].resources)) for t in sorted(set(types)) if t in answers.by_type}
    return [f"{found} of {loaded} {type_}" for type_, (loaded, found) in counts.items() if found < loaded]


def _propose(visit: Visit) -> str:
    made = drafted(open_page(visit.runtime, _known(visit.prescriber), visit.run))
    if made.outcome != "proposed" or made.dose is None:
        why = "; ".join(f.message for f in made.hard_stops)
        raise NotHeldError(f"The proposal is {made.outcome}. {why}".strip())
    days, need = len(made.dose.infusions), len(_needed(made))
    return f"{made.product.brand} {plain(made.dose.per_infusion_g)} g on {days} days; {need} findings ask for a reason."


def _approve(visit: Visit) -> str:
    session = _known(visit.prescriber)
    made = drafted(open_page(visit.runtime, session, visit.run))
    reasons = [ChosenOverride(check, *_REASON) for check in _needed(made)]
    refuse(approve_order(visit.runtime, session, visit.run, made.digest, reasons))
    return f"Signed as {session.context.user}, after the record was read again."


def _write(visit: Visit) -> str:
    mode = visit.runtime.mode(_known(visit.prescriber))
    if not mode.writes:
        raise NotHeldError(mode.reason)
    try:
        state = write_back(visit.runtime, _known(visit.prescriber), visit.run)
    except OutcomeUnknown:  # the answer was lost: it is looked for, and never sent again
        state = write_back(visit.runtime, _known(visit.prescriber), visit.run)
    if state == "approved":
        raise NotHeldError("The server did not store the order.")
    receipt = visit.stored
    visit.made |= {f"order {part.role}": part.reference for part in receipt.parts if part.reference}
    if state != "sent":
        lost = [*(f"{line.field} {line.result}" for line in receipt.lost), *(f"{p.role} {p.state}: {p.said}" for p in receipt.missing)]
        raise NotHeldError(f"The order is {state}: {'; '.join(lost)}.")
    stored = sum(p.state in (STORED, ALREADY) for p in receipt.parts)
    return f"{mode.reason} {stored} of {len(receipt.parts)} parts are there."


def _compare(visit: Visit) -> str:
    lines = visit.stored.lines
    kept = sum(line.result in ("same", "same-meaning") for line in lines)
    others = sorted(f"{line.field} {line.result}" for line in lines if line.result not in ("same", "same-meaning"))
    return f"{kept} of {len(lines)} fields are as they were sent.{' ' + ', '.join(others) + '.' if others else ''}"


def _once(visit: Visit) -> str:
    state = write_back(visit.runtime, _known(visit.prescriber), visit.run)
    key = f"{URI}|urn:uuid:{visit.run}"
    found = search(visit.client, "MedicationRequest", [("identifier", key)], fresh=True)
    mine = [r for r in found.matches.values() if key in identifiers(r)]
    if state != "sent" or len(mine) != 1:
        raise NotHeldError(f"The order is {state}, and a search by its identifier finds {len(mine)}.")
    return "Sent a second time, there is one order."


def _list(visit: Visit) -> str:
    visit.pharmacist = visit.open("pharmacist")
    found = worklist(visit.runtime, visit.pharmacist)
    if visit.run not in {row.run for row in found.rows}:
        raise NotHeldError(f"The order is not among the {len(found.rows)} of the worklist. {found.problem}".strip())
    return f"One of {len(found.rows)}."


def _recalculate(visit: Visit) -> str:
    case = open_case(visit.runtime, _known(visit.pharmacist), visit.run)
    against = disagreements(case.review.lines)
    if against or not case.review.lines:
        raise NotHeldError(
            "; ".join(f"{a.what}: ordered {a.ordered}, recalculated {a.recomputed}" for a in against) or "Nothing to recalculate."
        )
    return f"{sum(line.agrees is True for line in case.review.lines)} of {len(case.review.lines)} values agree, none disagrees."


def _verify(visit: Visit) -> str:
    session = _known(visit.pharmacist)
    case = open_case(visit.runtime, session, visit.run)
    unread = {u.type: "A synthetic patient, loaded by this program: nothing else is there." for u in case.review.since.unread}
    refuse(decide_order(visit.runtime, session, visit.run, OrderState.VERIFIED, case.review.digest, None, unread=unread))
    answered = f" Answered for, as not readable: {', '.join(unread)}." if unread else ""
    return f"Signed as {session.context.user}.{answered}"


def _active(visit: Visit) -> str:
    with visit.runtime.database.read() as tx:
        order = orders.load(tx, Tenancy(visit.base), visit.run)
    now = read_stored(visit.client, visit.run, order)
    seen = {"order": now.order, "group": now.group, "task": now.task}
    statuses = {name: word(resource, "status") for name, resource in seen.items() if resource is not None}
    if statuses.get("order") != "active" or order.state != "verified":
        raise NotHeldError(f"The order is {statuses.get('order')}.")
    return ", ".join(f"{name} {status}" for name, status in statuses.items()) + "."


def _needed(made: Proposal) -> list[str]:
    """The checks that ask for a reason."""
    return [f.check for f in made.findings if f.severity == "override"]


def _known(session: sessions.Session | None) -> sessions.Session:
    if session is None:
        raise ValueError("no session")
    return session


STEPS: tuple[tuple[str, str, Callable[[Visit], str]], ...] = (
    ("metadata", "The server says what it is", _ask),
    ("load", "A synthetic patient can be loaded", _load),
    ("read", "The chart is read as it was loaded", _read),
    ("propose", "An order is proposed", _propose),
    ("approve", "The order is approved", _approve),
    ("write", "The order is stored", _write),
    ("compare", "What is stored was compared with what was sent", _compare),
    ("once", "The order is there once", _once),
    ("worklist", "The pharmacist's worklist shows it", _list),
    ("recalculate", "The second calculation agrees", _recalculate),
    ("verify", "A pharmacist verifies it", _verify),
    ("active", "The order is active in the EHR", _active),
)
