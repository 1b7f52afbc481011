"""After verification: vials leave the pharmacy for one infusion, if the gate lets them; what broke a condition is reconciled later."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from ivig_fhir.errors import NotAllowed, StateError
from ivig_fhir.fhir.building import encode
from ivig_fhir.fhir.codes import codings
from ivig_fhir.fhir.reading import parts, word
from ivig_fhir.fhir.references import plain_reference
from ivig_fhir.fhir.stored_order import StoredOrder
from ivig_fhir.order.approval import Clinician
from ivig_fhir.order.authorization import Permit, permits
from ivig_fhir.order.dispense import Broken, Handed, Plan, Vial, Wanted, broken
from ivig_fhir.order.states import OrderState
from ivig_fhir.order.unsigned import said_of
from ivig_fhir.proposal.recognition import Recognition
from ivig_fhir.store import dispenses, sessions
from ivig_fhir.store.dispenses import Dispense
from ivig_fhir.workflow.course import refuse_held
from ivig_fhir.workflow.runtime import Runtime, clinician
from ivig_fhir.workflow.verify import Case, open_case

_IMMUNOGLOBULIN, _GIVEN = "ig-therapy", ("MedicationAdministration", "Immunization")
_COVERAGE, _DUPLICATION = "authorization.coverage", "duplication.immunoglobulin"
NOT_SECOND = "A second person reconciles it: not who dispensed, nor somebody of whom only a role is known."
_SETTINGS = {"inpatient": "inpatient", "outpatient": "outpatient", "community": "home"}


@dataclass(frozen=True)
class Counter:
    """The order at the counter: the case as read now, what the gate asks of it, and what was dispensed before."""

    case: Case
    kept: Mapping[str, Any]
    plan: Plan
    before: tuple[Dispense, ...]

    @property
    def next_infusion(self) -> date | None:
        """The first day of the order for which vials are still due."""
        return next((d for d in self.plan.dates if self.supplied(d) < self.plan.supply_g), None)

    def supplied(self, infusion: date) -> Decimal:
        """Grams that were dispensed for one infusion."""
        return sum((h.grams for h in self.plan.earlier if h.infusion == infusion), Decimal(0))


def open_counter(runtime: Runtime, session: sessions.Session, run: str) -> Counter:
    """Reads order and record now. Errors: as of `open_case`."""
    case = open_case(runtime, session, run)
    with runtime.database.read() as tx:
        before = dispenses.of_run(tx, run)
        others = dispenses.of_others(tx, session.context.tenancy, case.run.patient, run)
    kept = json.loads(case.approved.body)
    return Counter(case, kept, _plan(runtime, case, kept, before, others), before)


def dispense(runtime: Runtime, session: sessions.Session, run: str, wanted: Wanted, reason: Mapping[str, str]) -> tuple[Broken, ...]:
    """Dispenses vials; or every condition that does not hold, if one of them is not excusable or no coded reason with a note is given.

    Order and record are read again. Empty when it is done. NotAllowed for a person whom the EHR did not prove; StateError while somebody's
    look before an infusion holds the order, also where the EHR was not told.
    """
    who, gate = clinician(session), runtime.content.constants["dispense"]
    if not who.proven:
        raise NotAllowed("dispense unproven", said="The EHR did not prove who is signed in, so nothing can be dispensed.")
    refuse_held(runtime, run)
    counter = open_counter(runtime, session, run)
    found = broken(wanted, counter.plan, gate)
    excused = reason.get("code") in gate.reasons and bool(reason.get("note", "").strip())
    if found and not (excused and all(b.excusable for b in found)):
        return found
    conditions = tuple(dict.fromkeys(b.condition for b in found))
    said = {"code": reason["code"], "label": gate.reasons[reason["code"]], "note": reason["note"].strip()} if conditions else {}
    vials = {
        "product": wanted.product,
        "by": who.display,
        "who": who.to_json(),
        "vials": [{"grams": str(v.grams), "lot": v.lot, "expiry": v.expiry.isoformat() if v.expiry else None} for v in wanted.vials],
    }
    number = 1 + sum(d.infusion == wanted.infusion.isoformat() for d in counter.before)
    by = plain_reference(who.reference)
    made = Dispense(
        runtime.new_run(),
        run,
        wanted.infusion.isoformat(),
        number,
        runtime.now(),
        by,
        conditions,
        _text(vials),
        _text(said) if said else "",
    )
    with runtime.database.write() as tx:
        dispenses.put(tx, session.context.tenancy, made)
    return ()


def reconcile(runtime: Runtime, session: sessions.Session, id_: str, note: str) -> None:
    """Closes a discrepancy with a note. StateError without one.

    NotAllowed for a person whom the EHR did not prove, and for whoever dispensed with that reason: a second person looks at it.
    """
    who = clinician(session)
    if not who.proven:
        raise NotAllowed("reconcile unproven", said="The EHR did not prove who is signed in, so nothing can be reconciled.")
    if not note.strip():
        raise StateError("reconciliation without a note", said="Say what was found out; a discrepancy is not closed without a note.")
    with runtime.database.write() as tx:
        made = dispenses.load(tx, session.context.tenancy, id_)
        if not may_reconcile(who, made):
            raise NotAllowed("reconcile own dispense", said=NOT_SECOND)
        dispenses.reconcile(tx, session.context.tenancy, id_, note.strip(), plain_reference(who.reference), runtime.now())


def may_reconcile(who: Clinician, made: Dispense) -> bool:
    """Whether this person is certainly another one than who dispensed."""
    return who.known and not who.may_be(dispenser(made))


def dispenser(made: Dispense) -> Clinician:
    """Who dispensed, as it was kept; of earlier ones the reference alone."""
    kept = json.loads(made.vials)
    return Clinician.from_json(kept.get("who") or {"reference": made.by, "display": kept["by"]})


def _plan(runtime: Runtime, case: Case, kept: Mapping[str, Any], before: tuple[Dispense, ...], others: tuple[Dispense, ...]) -> Plan:
    content, product = runtime.content, str(kept["product"]["id"])
    stored, series = StoredOrder(case.review.stored.order), kept.get("series")
    supply = sum((Decimal(v["grams"]) * v["count"] for v in kept["vials"]), Decimal(0)) or Decimal(kept["dose"]["per_infusion_g"])
    usual = int(content.checks[_DUPLICATION].number("override_days_below"))
    codes = {c.code for concept in parts(stored.order, "category") for c in codings(concept)}
    settings = {setting for code, setting in _SETTINGS.items() if code in codes}
    return Plan(
        OrderState(case.approved.state),
        word(stored.order, "status"),
        product,
        content.products[product].brand,
        supply,
        tuple(sorted(stored.dates)),
        min(usual, int(series["interval_weeks"]) * 7) if series else usual,
        not settings or bool(settings & set(content.checks[_COVERAGE].thresholds["settings"])),
        _permits(runtime, case, product),
        _given(runtime, case),
        tuple(_handed(d) for d in before),
        tuple(_handed(d) for d in others if json.loads(d.vials)["product"] == product),
        tuple(said_of(x) for x in case.review.altered),
    )


def _permits(runtime: Runtime, case: Case, product: str) -> tuple[Permit, ...] | None:
    if case.chart.unread(("ClaimResponse",)):
        return None
    content, answers = runtime.content, case.chart.resources("ClaimResponse")
    return permits(answers, content.products[product], content, runtime.site.timezone)


def _given(runtime: Runtime, case: Case) -> tuple[date, ...] | None:
    """The days on which immunoglobulin was given; None where that could not be read, or an infusion has no full date."""
    if case.chart.unread(_GIVEN):
        return None
    found = Recognition(case.chart, runtime.content.lexicon)
    times = [d.time for d, _ in found.drugs.of((_IMMUNOGLOBULIN,)) if d.kind == "administration" and d.state == "given"]
    times += [e.time for e, _ in found.events.of((_IMMUNOGLOBULIN,)) if e.type == "Immunization"]
    if any(t is None or t.is_partial for t in times):
        return None
    return tuple(t.earliest.astimezone(runtime.site.timezone).date() for t in times if t is not None)


def _handed(made: Dispense) -> Handed:
    grams = sum((Decimal(v["grams"]) for v in json.loads(made.vials)["vials"]), Decimal(0))
    return Handed(date.fromisoformat(made.infusion), grams)


def vials_planned(counter: Counter, day: date) -> tuple[Vial, ...]:
    """The vials that the order foresees for one infusion, as if each had a lot and were fresh: for asking the gate beforehand."""
    fresh = day + timedelta(days=1)
    return tuple(Vial(Decimal(v["grams"]), "planned", fresh) for v in counter.kept["vials"] for _ in range(v["count"]))


def _text(data: Any) -> str:
    return encode(data).decode("utf-8")
