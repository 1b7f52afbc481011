"""Renal function: are the kidneys injured now, or working less than they should?"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

from ivig_fhir.chart.facts import Measurement
from ivig_fhir.fhir.dates import FhirTime
from ivig_fhir.fhir.quantity import down
from ivig_fhir.proposal.branches import Hit, finding
from ivig_fhir.proposal.case import Case
from ivig_fhir.proposal.findings import Evidence, Result
from ivig_fhir.proposal.formulas import egfr_ckd_epi_2021, egfr_schwartz_bedside
from ivig_fhir.proposal.matching import below, events, measured, newest, problems, recent_problems
from ivig_fhir.proposal.recent import EVER, refused_since

INJURY, FUNCTION = "renal.acute-kidney-injury", "renal.reduced-function"
_LOWER_BOUND, _UPPER_BOUND = (">", ">="), ("<", "<=")
_OPPOSITE = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "": ""}


@dataclass(frozen=True)
class Egfr:
    """Estimated GFR in mL/min/1.73 m2, unrounded. `comparator` when the creatinine was only a bound; `how` names the formula.

    `contradiction` is what the laboratory reported, where it falls on the other side of a limit; `value` is then the worse of the two.
    `final` when a final result stands behind it; a preliminary one alone never says that function is good.
    """

    value: Decimal
    comparator: str
    how: str
    evidence: tuple[Evidence, ...]
    contradiction: Decimal | None = None
    final: bool = True

    def below(self, limit: Decimal) -> bool | None:
        """Whether it is below a limit; None when a bound leaves it open."""
        return below(self.value, self.comparator, limit)

    def undecided(self, limit: Decimal) -> bool:
        """Whether it neither is below a limit nor may be taken for being above it."""
        held = self.below(limit)
        return held is None or (not held and not self.final)

    @property
    def shown(self) -> Decimal:
        """To 0.1, cut and not rounded: 59.98 is below 60 and must not be shown as 60."""
        return down(self.value, "0.1")


def egfr(case: Case) -> Egfr | None:
    """The estimated GFR: recomputed from the newest creatinine, else as reported; None when neither can be had.

    CKD-EPI 2021 from 18 years, bedside Schwartz below. Of a preliminary and a final creatinine the worse one counts. A reported value that
    is a lower bound (">60") or of a race-stratified formula for Black patients is not used.
    """
    computed = [(e, m) for m in newest(case, "creatinine") if (e := _computed(case, m)) is not None]
    if not computed:
        return _worse(_as_reported(case, m) for m in _reported(case, fallback=True))
    estimate, creatinine = min(computed, key=lambda e: e[0].value)
    estimate = replace(estimate, final=any(e.final for e, _ in computed))
    other = _worse(_as_reported(case, m) for m in _reported(case, fallback=False, since=creatinine.time))
    if other is None or not _disagree(case, estimate, other):
        return estimate
    worse = min(estimate, other, key=lambda e: e.value)
    better = max(estimate, other, key=lambda e: e.value)
    return replace(worse, evidence=(*worse.evidence, *better.evidence), contradiction=better.shown)


def _worse(estimates: Iterable[Egfr]) -> Egfr | None:
    """The lowest of a preliminary and a final estimate; final when one of them is."""
    found = tuple(estimates)
    return replace(min(found, key=lambda e: e.value), final=any(e.final for e in found)) if found else None


def _computed(case: Case, item: Measurement) -> Egfr | None:
    age, sex, shown = case.age_years, case.chart.patient.sex, [measured(item)]
    if item.value is None or item.value <= 0 or age is None:
        return None
    if case.adult:
        if not sex:
            return None
        value, how = egfr_ckd_epi_2021(item.value, age, sex), "CKD-EPI 2021"
    else:
        height = case.chart.latest("body-height")
        if case.order.height_cm is None:
            return None
        value, how = egfr_schwartz_bedside(case.order.height_cm, item.value), "bedside Schwartz"
        shown += [measured(height)] if height else []
    return Egfr(value, _OPPOSITE[item.comparator], how, tuple(shown), final=not item.preliminary)


def _reported(case: Case, fallback: bool, since: FhirTime | None = None) -> Iterable[Measurement]:
    """The newest reported values that may be used; formulas that are only a fallback never contradict a computed value."""
    limits = case.check(FUNCTION).thresholds
    unfit = (*limits["race_stratified"], *(() if fallback else limits["fallback_only"]))
    found = newest(case, "egfr", lambda m: m.comparator not in _LOWER_BOUND and m.loinc not in unfit)
    return (m for m in found if since is None or (m.time is not None and m.time.latest >= since.earliest))


def _as_reported(case: Case, item: Measurement) -> Egfr:
    value, how = item.value or Decimal(0), case.check(FUNCTION).thresholds["reported"]
    return Egfr(value, item.comparator, how, (measured(item),), final=not item.preliminary)


def _disagree(case: Case, one: Egfr, other: Egfr) -> bool:
    limits = (case.check(FUNCTION).number("warn_below"), case.check(FUNCTION).number("override_below"))
    return any(one.below(limit) != other.below(limit) for limit in limits)


def acute_kidney_injury(case: Case) -> Result:
    """Acute kidney injury, as a recent diagnosis or as a rise of creatinine within 48 hours or 7 days."""
    hits = [
        Hit("diagnosis", (m.evidence,), {"said": m.item.said})
        for m in recent_problems(case, "aki", case.check(INJURY).number("aki_dx_days"))
    ]
    latest = newest(case, "creatinine")
    hits += [hit for item in latest for hit in (_rise(case, item), _ratio(case, item)) if hit is not None]
    if hits:
        return finding(case, INJURY, hits)
    final, messages = next((m for m in latest if not m.preliminary), None), case.check(INJURY).messages
    if final is None:
        return case.unknown(INJURY, messages["no-creatinine"])
    undated = [m.said for m in case.chart.panel("creatinine") if m.time is None]
    obscured = [*undated, *(e.said for e in refused_since(case, "creatinine", EVER, final.time))]
    return case.unknown(INJURY, messages["not-usable"].format(said="; ".join(obscured))) if obscured else case.clear(INJURY)


def _rise(case: Case, item: Measurement) -> Hit | None:
    check = case.check(INJURY)
    lowest = _lowest_before(case, item, timedelta(hours=int(check.number("delta_hours"))))
    if lowest is None or item.value is None or lowest.value is None or item.value < lowest.value + check.number("delta_mg_dl"):
        return None
    values = {"low": lowest.value, "high": item.value, "hours": check.number("delta_hours")}
    return Hit("rise", (measured(item), measured(lowest)), values)


def _ratio(case: Case, item: Measurement) -> Hit | None:
    check = case.check(INJURY)
    lowest = _lowest_before(case, item, timedelta(days=int(check.number("ratio_days"))))
    if lowest is None or item.value is None or lowest.value is None or item.value < lowest.value * check.number("ratio"):
        return None
    values = {"low": lowest.value, "high": item.value, "ratio": check.number("ratio"), "days": check.number("ratio_days")}
    return Hit("ratio", (measured(item), measured(lowest)), values)


def _lowest_before(case: Case, item: Measurement, window: timedelta) -> Measurement | None:
    """The lowest creatinine in the window before `item`, when `item` itself is no older than the window; undecided bounds do not count."""
    if item.time is None or case.now - item.time.latest > window or item.comparator in _UPPER_BOUND:
        return None
    before = [
        m
        for m in case.chart.panel("creatinine")
        if m is not item and m.value is not None and m.comparator not in _LOWER_BOUND and _within_before(m.time, item.time, window)
    ]
    return min(before, key=lambda m: m.value or Decimal(0), default=None)


def _within_before(earlier: FhirTime | None, later: FhirTime, window: timedelta) -> bool:
    return earlier is not None and earlier.latest < later.latest and later.earliest - earlier.latest <= window


def reduced_function(case: Case) -> Result:
    """A low eGFR, chronic kidney disease or dialysis. Compared unrounded."""
    estimate = egfr(case)
    hits = [*_low_egfr(case, estimate), *_dialysis(case)]
    kidney = problems(case, "ckd")
    if kidney:
        hits.append(Hit("chronic-disease", tuple(m.evidence for m in kidney), {"said": kidney[0].item.said}))
    if hits:
        return finding(case, FUNCTION, hits)
    if estimate is None or estimate.undecided(case.check(FUNCTION).number("warn_below")):
        return case.unknown(FUNCTION, case.check(FUNCTION).messages["not-evaluated"])
    return case.clear(FUNCTION)


def _low_egfr(case: Case, estimate: Egfr | None) -> Iterable[Hit]:
    check = case.check(FUNCTION)
    for branch, limit in (("below-30", "override_below"), ("below-60", "warn_below")):
        if estimate is not None and estimate.below(check.number(limit)):
            values = {"value": estimate.shown, "how": estimate.how, "limit": check.number(limit)}
            yield Hit(branch, estimate.evidence, values)
            if estimate.contradiction is not None:
                yield Hit("contradiction", (), {"value": estimate.shown, "other": estimate.contradiction})
            return


def _dialysis(case: Case) -> Iterable[Hit]:
    days = case.check(FUNCTION).number("dialysis_days")
    done = [m for m in events(case, ("Procedure", "ServiceRequest"), "dialysis") if case.within(m.item.time, days, undated=True)]
    found = (*((m.evidence, m.item.said) for m in problems(case, "dialysis")), *((m.evidence, m.item.said) for m in done))
    if found:
        yield Hit("dialysis", tuple(shown for shown, _ in found), {"said": found[0][1]})


CHECKS: tuple[tuple[str, Callable[[Case], Result]], ...] = (
    (INJURY, acute_kidney_injury),
    (FUNCTION, reduced_function),
)
