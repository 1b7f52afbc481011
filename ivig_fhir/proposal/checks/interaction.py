"""Interaction: would another therapy undo the immunoglobulin, or immunoglobulin the other therapy?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from ivig_fhir.chart.facts import Drug, Event
from ivig_fhir.fhir.dates import FhirTime
from ivig_fhir.proposal.branches import Hit, finding
from ivig_fhir.proposal.case import Case
from ivig_fhir.proposal.findings import Result
from ivig_fhir.proposal.matching import Match, drugs, events, taken

FCRN, EXCHANGE, ANTIBODIES = "interaction.fcrn-inhibitor", "interaction.plasma-exchange", "interaction.monoclonal-antibodies"
_HOUR = timedelta(hours=1)


def fcrn_inhibitor(case: Case) -> Result:
    """An FcRn inhibitor that is ordered or taken, or whose last dose was a short time ago or on an unknown day."""
    found = drugs(case, "fcrn-inhibitor")
    doses = [m.item for m in found if m.item.state == "given" and m.item.time is not None]
    days = case.check(FCRN).number("days")
    branches = [(m, _last_dose(case, m.item, doses)) for m in found if m.item.kind != "dispense"]
    hits = [Hit(b, (m.evidence,), {"said": m.item.said, "days": days}) for m, b in branches if b]
    return finding(case, FCRN, hits) if hits else case.clear(FCRN)


def _last_dose(case: Case, item: Drug, doses: list[Drug]) -> str:
    """How an entry counts. The end of an order without one is known only where an infusion was recorded after it was written."""
    if item.state in ("active", "pending"):
        return "active" if item.state == "active" else ""
    last = item.time if item.state == "given" or item.doses else item.ended
    if last is not None:
        return "recent" if case.within(last, case.check(FCRN).number("days")) else ""
    written = item.time
    known = written is not None and any(d.time and d.time.latest >= written.earliest for d in doses)
    return "" if known else "undated"


def plasma_exchange(case: Case) -> Result:
    """A plasma exchange that takes the dose away: planned, or done, between the first infusion and some hours after the last."""
    found = events(case, ("ServiceRequest", "Procedure"), "plasma-exchange")
    hits = [hit for m in found if (hit := _exchange(case, m)) is not None]
    return finding(case, EXCHANGE, hits) if hits else case.clear(EXCHANGE)


def _exchange(case: Case, match: Match[Event]) -> Hit | None:
    check, time, done = case.check(EXCHANGE), match.item.time, _is_done(case, match.item)
    said = match.item.said
    if time is None:
        return Hit("done-undated" if done else "planned-undated", (match.evidence,), {"said": said})
    first, last = case.order.start, _last_start(case)
    after, before = check.number("after_hours"), check.number("before_hours")
    if _may_overlap(time, first, last + _HOUR * int(after)):
        return Hit("done-after" if done else "planned", (match.evidence,), {"said": said, "hours": after})
    if done and _may_overlap(time, first - _HOUR * int(before), first):
        return Hit("done", (match.evidence,), {"said": said, "hours": before})
    return None


def _is_done(case: Case, item: Event) -> bool:
    """A procedure is done when it is completed, or of unknown status and past; a request never is."""
    past = item.time is None or item.time.earliest <= case.now
    return item.type == "Procedure" and (item.status == "completed" or (item.status in ("", "unknown") and past))


def _may_overlap(time: FhirTime, begin: datetime, end: datetime) -> bool:
    return time.latest >= begin and time.earliest <= end


def _last_start(case: Case) -> datetime:
    """When the last infusion of this course begins: the clock time of the first, on the last day."""
    order, zone = case.order, case.chart.zone
    local = order.start.astimezone(zone)
    if not order.dates:
        return local + timedelta(days=order.days - 1)
    return datetime.combine(order.dates[-1], local.time(), tzinfo=zone)


def monoclonal_antibodies(case: Case) -> Result:
    """A complement inhibitor or another therapeutic antibody that is taken, or was within the last weeks."""
    days = case.check(ANTIBODIES).number("med_window_days")
    hits = [
        Hit(branch, (m.evidence,), {"said": m.item.said, "days": days})
        for branch, set_id in (("complement", "complement-mab"), ("antibody", "therapeutic-mab"))
        for m in taken(case, set_id, days)
    ]
    return finding(case, ANTIBODIES, hits) if hits else case.clear(ANTIBODIES)


CHECKS: tuple[tuple[str, Callable[[Case], Result]], ...] = (
    (FCRN, fcrn_inhibitor),
    (EXCHANGE, plasma_exchange),
    (ANTIBODIES, monoclonal_antibodies),
)
