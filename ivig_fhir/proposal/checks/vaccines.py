"""Vaccines: was a measles or varicella vaccine given just before, and when may one follow this course?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from ivig_fhir.fhir.dates import plus_months
from ivig_fhir.fhir.quantity import half_up, plain
from ivig_fhir.proposal.absence import ordered
from ivig_fhir.proposal.branches import Hit, finding
from ivig_fhir.proposal.case import Case
from ivig_fhir.proposal.findings import Result
from ivig_fhir.proposal.matching import events

RECENT, INTERVAL = "vaccine.recent-live", "vaccine.future-interval"
_SET = "measles-varicella-vaccine"


def recent_live(case: Case) -> Result:
    """A measles or varicella vaccine of the last days; one without a date cannot be judged. Other live vaccines are not affected."""
    check, given = case.check(RECENT), events(case, ("Immunization",), _SET)
    days = check.number("days_below")
    hits = [Hit("recent", (m.evidence,), {"said": m.item.said, "days": days}) for m in given if case.less_than(m.item.time, days)]
    if hits:
        return finding(case, RECENT, hits)
    undated = [m.item.said for m in given if m.item.time is None or case.in_future(m.item.time)]
    return case.unknown(RECENT, check.messages["no-date"].format(said="; ".join(undated))) if undated else case.clear(RECENT)


def interval_months(case: Case) -> int | None:
    """Months to wait after the last infusion, by grams per kilogram of the course; None without a dose."""
    dose, check = case.order.course_g_kg, case.check(INTERVAL)
    if dose is None:
        return None
    for limit, months in check.thresholds["steps_g_kg_months"]:
        if dose <= limit:
            return int(months)
    return int(check.number("months_above"))


def last_infusion(case: Case) -> date | None:
    """The day of the last infusion, of the last cycle where the course is repeated."""
    order = case.order
    return order.series.last if order.series else order.dates[-1] if order.dates else None


def future_interval(case: Case) -> Result:
    """Always said: how long measles and varicella vaccines have to wait, and the earliest day."""
    months, last, dose = interval_months(case), last_infusion(case), case.order.course_g_kg
    if months is None or last is None or dose is None:
        return case.unknown(INTERVAL, case.check(INTERVAL).messages["no-dose"])
    shown = ordered(f"{plain(half_up(dose, '0.001'))} g/kg"), ordered(last.isoformat())
    return finding(case, INTERVAL, [Hit("interval", shown, {"months": months, "date": plus_months(last, months).isoformat()})])


CHECKS: tuple[tuple[str, Callable[[Case], Result]], ...] = (
    (RECENT, recent_live),
    (INTERVAL, future_interval),
)
