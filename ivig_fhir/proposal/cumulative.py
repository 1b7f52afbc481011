"""Cumulative dose: grams of immunoglobulin given in the last days, each dose counted once, with what could not be counted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from ivig_fhir.chart.facts import Drug
from ivig_fhir.fhir.dates import FhirTime
from ivig_fhir.fhir.quantity import plain
from ivig_fhir.proposal.case import Case
from ivig_fhir.proposal.findings import Evidence
from ivig_fhir.proposal.matching import Match, drugs, remarked

_NO_GRAMS = "not counted: no coded dose in grams"
_NO_DATE = "not counted: no date"
_NO_ORDER = "not counted: it may be one of the administrations"
_NO_DOSES = "not counted: no dated doses"
_STOPPED = "not counted: the order was stopped"


@dataclass(frozen=True)
class Given:
    """Grams given in a window, the evidence of each dose counted, and of each that may have been given and could not be counted."""

    grams: Decimal
    counted: tuple[Evidence, ...]
    not_counted: tuple[Evidence, ...]

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """What was counted, then what was not."""
        return (*self.counted, *self.not_counted)


@dataclass(frozen=True)
class _Dose:
    match: Match[Drug]
    time: FhirTime | None
    grams: Decimal | None
    why_not: str = ""


def given(case: Case, days: Decimal) -> Given:
    """Grams of other courses in the rolling `days` before now; a dose exactly at the far end is outside.

    A dose is an administration; else, of an order to which no administration points, its dispense; else the order's dated doses, when it
    is completed, or active with the date past. What belongs to the run of this proposal is this order and is not counted against it.
    """
    own = case.selections.run
    found = [m for m in drugs(case, "ig-therapy") if not (own and m.item.run == own)]
    doses = [d for d in _doses(case, found, days) if _may_be_inside(case, d.time, days)]
    counted = [(d, d.grams) for d in doses if d.time is not None and d.grams is not None and not d.why_not]
    left_out = [d for d in doses if d.time is None or d.grams is None or d.why_not]
    return Given(
        sum((grams for _, grams in counted), Decimal(0)),
        tuple(remarked(d.match.evidence, f"{plain(grams)} g") for d, grams in counted),
        tuple(remarked(d.match.evidence, d.why_not or (_NO_DATE if d.time is None else _NO_GRAMS)) for d in left_out),
    )


def _doses(case: Case, found: Sequence[Match[Drug]], days: Decimal) -> list[_Dose]:
    administered = [m for m in found if m.item.kind == "administration" and m.item.state == "given"]
    dispensed = [m for m in found if m.item.kind == "dispense" and m.item.state == "given"]
    orders = [m for m in found if m.item.kind == "request" and m.item.state in ("active", "recent")]
    doses = [_Dose(m, m.item.time, m.item.grams) for m in administered]
    inside = any(_may_be_inside(case, m.item.time, days) for m in administered)
    for m in dispensed:
        if not _any_points_to(administered, m.item.request, m.item.run):
            unclear = inside and not (m.item.request or m.item.run)
            doses.append(_Dose(m, m.item.time, m.item.grams, _NO_ORDER if unclear else ""))
    for m in orders:
        if not _any_points_to((*administered, *dispensed), m.item.source.reference, m.item.run):
            doses.extend(_ordered(case, m))
    return doses


def _any_points_to(given_: Iterable[Match[Drug]], order: str, run: str) -> bool:
    return any((order and m.item.request == order) or (run and m.item.run == run) for m in given_)


def _ordered(case: Case, match: Match[Drug]) -> list[_Dose]:
    """The dated doses of an order that nobody documented as given."""
    order = match.item
    if not order.doses:  # an active order without dates may not have begun; one that ended most likely was given
        return [_Dose(match, order.ended or order.time, None, _NO_DOSES)] if order.state == "recent" else []
    completed = order.status == "completed"
    why_not = _STOPPED if order.state == "recent" and order.status == "stopped" else ""
    past = [(t, g) for t, g in order.doses if (t.earliest if completed else t.latest) <= case.now]
    return [_Dose(match, time, grams, why_not) for time, grams in past]


def _may_be_inside(case: Case, time: FhirTime | None, days: Decimal) -> bool:
    ago = case.days_ago_latest(time)
    return ago is None or ago < days
