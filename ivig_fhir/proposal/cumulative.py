"""Cumulative dose: grams of immunoglobulin given in the last days, each dose counted once, with what was not counted and why."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from ivig_fhir.fhir.dates import FhirTime
from ivig_fhir.fhir.quantity import plain
from ivig_fhir.proposal.case import Case
from ivig_fhir.proposal.findings import Evidence
from ivig_fhir.proposal.ledger import Line, ledger
from ivig_fhir.proposal.matching import remarked
from ivig_fhir.proposal.model import GivenBefore

CUMULATIVE = "duplication.cumulative-dose"


def given(case: Case, days: Decimal) -> GivenBefore:
    """Grams of other courses in the rolling `days` before now; a dose exactly at the far end is outside.

    What belongs to the run of this proposal is this order and is not counted against it. See: CONTRACTS, precise points 5 and 6.
    """
    words = case.check(CUMULATIVE).thresholds
    lines = [x for x in ledger(case) if _may_be_inside(case, x.time, days)]
    grams, order = sum((x.grams for x in lines if not x.why and x.grams is not None), Decimal(0)), case.order
    return GivenBefore(
        days,
        grams,
        (grams + order.course_exact_g) / order.dosing_kg if order.course_exact_g is not None and order.dosing_kg else None,
        tuple(_counted(x) for x in lines if not x.why),
        _with_reasons(lines, words["elsewhere"]),
        _with_reasons(lines, words["not_counted"]),
        words["rules"],
    )


def _may_be_inside(case: Case, time: FhirTime | None, days: Decimal) -> bool:
    ago = case.days_ago_latest(time)
    return ago is None or ago < days


def _counted(line: Line) -> Evidence:
    return remarked(line.match.evidence, *_dated(line), f"{plain(line.grams or Decimal(0))} g")


def _with_reasons(lines: Iterable[Line], reasons: dict[str, str]) -> tuple[Evidence, ...]:
    return tuple(remarked(x.match.evidence, *_dated(x), reasons[x.why].format(of=x.of)) for x in lines if x.why in reasons)


def _dated(line: Line) -> tuple[str, ...]:
    """The day of the dose, where the entry itself is of another day."""
    own = line.match.item.time
    return (line.time.text,) if line.time is not None and (own is None or own.text != line.time.text) else ()


def given_before(case: Case) -> GivenBefore:
    """The grams of the check's own days, with what they come to with this course."""
    return given(case, case.check(CUMULATIVE).number("window_days"))
