"""Duplication: is this patient already getting immunoglobulin, and how much does it come to?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

from ivig_fhir.chart.facts import Drug, Event
from ivig_fhir.fhir.quantity import half_up, plain
from ivig_fhir.proposal.absence import none_recorded, ordered
from ivig_fhir.proposal.branches import Hit, finding
from ivig_fhir.proposal.case import Case
from ivig_fhir.proposal.cumulative import given
from ivig_fhir.proposal.findings import Result
from ivig_fhir.proposal.history import IMMUNOGLOBULIN
from ivig_fhir.proposal.matching import Match, drugs, events

OTHER, CUMULATIVE = "duplication.immunoglobulin", "duplication.cumulative-dose"
_MEDICINES = ("request", "statement", "administration")
_MEDICINE_TYPES = ("MedicationRequest", "MedicationStatement", "MedicationAdministration")


def immunoglobulin(case: Case) -> Result:
    """Another immunoglobulin order, waiting or active, or an infusion of another course a short time ago; this order itself apart."""
    own = case.selections.own_runs
    others = [m for m in drugs(case, IMMUNOGLOBULIN) if m.item.run not in own]
    hits = [hit for m in others if (hit := _duplicate(case, m)) is not None]
    hits += [hit for m in events(case, ("Immunization",), IMMUNOGLOBULIN) if (hit := _infusion(case, m)) is not None]
    if hits:
        return finding(case, OTHER, hits)
    empty = not any(d.kind in _MEDICINES for d in case.chart.drugs) and case.chart.unread(case.check(OTHER).depends_on) is None
    return case.fire(OTHER, "no-medicines", none_recorded(case, *_MEDICINE_TYPES)) if empty else case.clear(OTHER)


def _duplicate(case: Case, match: Match[Drug]) -> Hit | None:
    item, values = match.item, _words(case, match.item)
    if item.kind in ("request", "statement") and item.state == "active":
        return Hit("active-order", (match.evidence,), values)
    if item.kind == "request" and item.state == "pending":
        return Hit("waiting-order", (match.evidence,), values)
    return _infusion(case, match) if item.kind == "administration" and item.state == "given" else None


def _infusion(case: Case, match: Match[Drug] | Match[Event]) -> Hit | None:
    branch = _interval_branch(case, match.item)
    return Hit(branch, (match.evidence,), _words(case, match.item)) if branch else None


def _words(case: Case, item: Drug | Event) -> dict[str, object]:
    check = case.check(OTHER)
    return {"said": item.said, "days": check.number("override_days_below"), "weeks": check.number("warn_days_below")}


def _interval_branch(case: Case, item: Drug | Event) -> str:
    """How an earlier infusion is judged. Where the regimen itself comes back within two weeks, only one that is sooner than that counts."""
    check, expected = case.check(OTHER), _expected_days(case)
    if item.time is None:
        return "undated-infusion"
    if expected is not None and _same_indication(case, item):
        return "sooner-than-interval" if case.days_before_start(item.time) < expected else ""
    ago = case.days_ago_latest(item.time)
    if ago is None or ago < check.number("override_days_below"):
        return "recent-infusion"
    return "infusion-weeks-ago" if ago < check.number("warn_days_below") else ""


def _expected_days(case: Case) -> Decimal | None:
    """The order's interval in days, else its regimen's shortest, where it is below the days of the check.

    At exactly these days an infusion warns as any other: what comes back every two weeks is close enough to be looked at.
    """
    regimen = case.order.regimen
    if regimen is None or regimen.interval_weeks is None:
        return None
    days = (case.order.interval_weeks or regimen.interval_weeks[0]) * timedelta(weeks=1).days
    return days if days < case.check(OTHER).number("override_days_below") else None


def _same_indication(case: Case, item: Drug | Event) -> bool:
    """An infusion without a recorded reason is taken for one of the same indication."""
    return not isinstance(item, Drug) or not item.reasons or case.order.indication.codes.by_code(item.reasons) is not None


def cumulative_dose(case: Case) -> Result:
    """Grams per kilogram within the rolling days, this course included, and of one day; a small excess is rounding."""
    check, order = case.check(CUMULATIVE), case.order
    if order.course_exact_g is None or not order.dosing_kg:
        return case.unknown(CUMULATIVE, check.messages["no-dose"])
    before = given(case, check.number("window_days"))
    rolling, daily = (before.grams + order.course_exact_g) / order.dosing_kg, order.per_infusion_g_kg
    hits = []
    if rolling > check.number("rolling") * check.number("tolerance"):
        values = {
            "total": half_up(rolling, "0.01"),
            "before": before.grams,
            "limit": check.number("rolling"),
            "days": check.number("window_days"),
        }
        hits.append(Hit("rolling", (ordered(f"{plain(order.course_exact_g)} g"), *before.evidence), values))
    exempt = order.indication.id in check.thresholds["exempt_daily"]
    if daily is not None and not exempt and daily > check.number("daily") * check.number("tolerance"):
        shown = half_up(daily, "0.01")
        hits.append(Hit("daily", (ordered(f"{plain(shown)} g/kg"),), {"daily": shown, "limit": check.number("daily")}))
    if hits and before.not_counted:
        hits.append(Hit("not-counted", before.not_counted))
    if hits:
        return finding(case, CUMULATIVE, hits)
    if before.not_counted:
        said = "; ".join(f"{e.reference} ({e.said})" for e in before.not_counted)
        return case.unknown(CUMULATIVE, check.messages["doses-unknown"].format(said=said))
    return case.clear(CUMULATIVE)


CHECKS: tuple[tuple[str, Callable[[Case], Result]], ...] = (
    (OTHER, immunoglobulin),
    (CUMULATIVE, cumulative_dose),
)
