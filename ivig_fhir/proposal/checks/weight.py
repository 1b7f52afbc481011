"""Weight and height: is there a measured, recent and plausible weight to dose on, and a height to judge it by?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from decimal import Decimal

from ivig_fhir.chart.facts import Measurement
from ivig_fhir.content.model import Panel
from ivig_fhir.fhir.dates import completed_years
from ivig_fhir.fhir.quantity import half_up
from ivig_fhir.proposal.absence import none_recorded, nothing_usable, ordered, refused
from ivig_fhir.proposal.branches import Hit, finding
from ivig_fhir.proposal.case import Case
from ivig_fhir.proposal.findings import Evidence, Result
from ivig_fhir.proposal.formulas import body_mass_index
from ivig_fhir.proposal.matching import measured
from ivig_fhir.proposal.ordered_weight import ordered_weights
from ivig_fhir.proposal.weight import heights, reads_like_inches

MISSING, STALE, IMPLAUSIBLE = "weight.missing", "weight.stale", "weight.implausible"
CHANGED, NOT_MEASURED, HEIGHT = "weight.changed", "weight.not-measured", "height.missing"
_WEIGHT, _HEIGHT = "body-weight", "body-height"


def missing(case: Case) -> Result:
    """No weight that a dose may stand on, and none stated: data required, whether or not Observations could be read."""
    if case.order.weight_used is not None or case.order.weight_stated:
        return case.clear(MISSING)
    dated = [m for m in case.chart.panel(_WEIGHT) if m.time and not m.preliminary]
    if dated:
        return finding(case, MISSING, [Hit("contradicted", tuple(measured(m) for m in dated if m.time == dated[0].time))])
    left = tuple(measured(m) for m in case.chart.panel(_WEIGHT)) or nothing_usable(case, _WEIGHT)
    return finding(case, MISSING, [Hit("unread" if case.chart.unread(case.check(MISSING).depends_on) else "none", left)])


def stale(case: Case) -> Result:
    """The age of the chart's weight against the days that hold for the patient's age; the far end is still recent."""
    used, check = case.order.weight_used, case.check(STALE)
    ago = case.known_age(used.time) if used else None
    if used is None or ago is None:
        return case.unknown(STALE, check.messages["no-weight"])
    if case.age_years is None and ago > check.number("infant_days"):
        return case.unknown(STALE, check.messages["age-unknown"])
    branch = _too_old(case, ago)
    return finding(case, STALE, [Hit(branch, (measured(used),), {"days": int(ago)})]) if branch else case.clear(STALE)


def _too_old(case: Case, ago: Decimal) -> str:
    days = case.check(STALE).number
    if case.adult:
        return "adult-very-old" if ago > days("adult_override_days") else "adult-old" if ago > days("adult_warn_days") else ""
    if case.age_years == 0 or case.age_years is None:
        return "infant-old" if ago > days("infant_days") else ""
    return "child-old" if ago > days("child_days") else ""


def implausible(case: Case) -> Result:
    """An impossible weight anywhere in the chart, or a weight of this order that does not fit age, height or the weight before it."""
    hits = [*_impossible(case), *_outside_band(case), *_odd_body_mass(case), *_unit_error(case)]
    if hits:
        return finding(case, IMPLAUSIBLE, hits)
    check = case.check(IMPLAUSIBLE)
    if case.order.weight_used is None and not case.order.weight_stated:
        return case.unknown(IMPLAUSIBLE, check.messages["no-weight"])
    return case.clear(IMPLAUSIBLE) if case.age_years is not None else case.unknown(IMPLAUSIBLE, check.messages["age-unknown"])


def _impossible(case: Case) -> Iterator[Hit]:
    panel = case.content.panels[_WEIGHT]
    for item in case.chart.unusable:
        if item.panel == _WEIGHT and item.kind == "implausible":
            yield Hit("impossible", (refused(item),), _limits(panel))
    stated = case.selections.weight.dosing_kg
    if stated is not None and panel.hard and not panel.hard[0] <= stated <= panel.hard[1]:
        yield Hit("impossible", (_stated(case),), _limits(panel))


def _limits(panel: Panel) -> dict[str, object]:
    low, high = panel.hard or (None, None)
    return {"low": low, "high": high}


def _stated(case: Case) -> Evidence:
    chosen = case.selections.weight
    return ordered(", ".join(x for x in (f"{chosen.dosing_kg} kg", chosen.basis, chosen.reason) if x))


def _outside_band(case: Case) -> Iterator[Hit]:
    band = _band(case)
    for kg, shown in _weights(case):
        if band and not band[0] <= kg <= band[1]:
            yield Hit("outside-band", (shown,), {"kg": kg, "low": band[0], "high": band[1]})


def _weights(case: Case) -> Iterator[tuple[Decimal, Evidence]]:
    used, stated = case.order.weight_used, case.selections.weight.dosing_kg
    if used is not None and used.value is not None:
        yield half_up(used.value, "0.01"), measured(used)
    if stated is not None:
        yield stated, _stated(case)


def _band(case: Case) -> tuple[Decimal, Decimal] | None:
    """The soft limits for the age; bands are named by completed years, from and below ("5-12y")."""
    soft = case.content.panels[_WEIGHT].soft
    if case.adult:
        return soft["adult"]
    for name, limits in soft.items():
        low, _, high = name.removesuffix("y").partition("-")
        if high and case.age_years is not None and int(low) <= case.age_years < int(high):
            return limits
    return None


def _odd_body_mass(case: Case) -> Iterator[Hit]:
    """The body mass index of an adult from the newest weight and height, unrounded."""
    check, used, kg, cm = case.check(IMPLAUSIBLE), case.order.weight_used, case.order.actual_kg, case.order.height_cm
    if not case.adult or used is None or kg is None or cm is None:
        return
    bmi = body_mass_index(kg, cm)
    if bmi > check.number("bmi_hi") or bmi < check.number("bmi_lo"):
        height = next((measured(m) for m in case.chart.panel(_HEIGHT) if m.value == cm), None)
        yield Hit("body-mass", (measured(used), *((height,) if height else ())), {"bmi": half_up(bmi, "0.1")})


def _unit_error(case: Case) -> tuple[Hit, ...]:
    """A ratio to the weight before it as between pounds and kilograms; nothing is converted on suspicion."""
    used, check = case.order.weight_used, case.check(IMPLAUSIBLE)
    before = _before(used, _usable(case), check.number("ratio_days")) if used else None
    if used is None or before is None or not used.value or not before.value:
        return ()
    ratio = used.value / before.value
    ranges = (check.thresholds["ratio_hi"], check.thresholds["ratio_lo"])
    if not any(low <= ratio <= high for low, high in ranges):
        return ()
    return (Hit("pounds-as-kilograms", (measured(used), measured(before)), {"ratio": half_up(ratio, "0.01")}),)


def _usable(case: Case) -> list[Measurement]:
    return [m for m in case.chart.panel(_WEIGHT) if m.time and m.value and m.loinc and not m.preliminary]


def _before(newest: Measurement, weights: Sequence[Measurement], days: Decimal) -> Measurement | None:
    """The weight before this one, unless it is more than `days` older."""
    time = newest.time
    older = next((m for m in weights if time and m.time and m.time.latest < time.latest), None)
    near = older is not None and older.time and time and time.earliest - older.time.latest <= timedelta(days=int(days))
    return older if near else None


def changed(case: Case) -> Result:
    """The newest measured weight against the one before it, against those on which this run was ordered, and against a stated actual one.

    Actual is compared with actual only. Silent where the ratio already looks like an error of units.
    """
    check, weights = case.check(CHANGED), [m for m in _usable(case) if _how(case, m) == ""]
    if not weights or case.order.weight_used is None:
        return case.unknown(CHANGED, check.messages["no-weight"])
    newest, references = weights[0], []
    before = _before(newest, weights, check.number("days"))
    if before is not None and before.value:
        references.append((before.value, measured(before)))
    references += [(w.kg, w.evidence) for w in ordered_weights(case)]
    if case.order.weight_stated and case.order.weight_basis == "actual" and case.order.dosing_kg:
        references.append((case.order.dosing_kg, _stated(case)))
    hits = [h for kg, shown in references if (h := _change(case, newest, kg, shown))]
    return finding(case, CHANGED, hits) if hits and not _unit_error(case) else case.clear(CHANGED)


def _change(case: Case, newest: Measurement, kg: Decimal, shown: Evidence) -> Hit | None:
    fraction = ((newest.value or kg) - kg) / kg
    if abs(fraction) < case.check(CHANGED).number("fraction"):
        return None
    return Hit("rise" if fraction > 0 else "fall", (measured(newest), shown), {"percent": half_up(abs(fraction) * 100, "0.1")})


def not_measured(case: Case) -> Result:
    """The weight that the dose stands on was stated, estimated or reported, by its code or by its method."""
    used, check = case.order.weight_used, case.check(NOT_MEASURED)
    if used is None and case.order.weight_stated:
        return finding(case, NOT_MEASURED, [Hit("clinician", (_stated(case), *none_recorded(case, case.content.panels[_WEIGHT].title)))])
    if used is None:
        return case.unknown(NOT_MEASURED, check.messages["no-weight"])
    how = _how(case, used)
    return finding(case, NOT_MEASURED, [Hit("record", (measured(used),), {"how": how})]) if how else case.clear(NOT_MEASURED)


def _how(case: Case, item: Measurement) -> str:
    """How a weight that nobody measured came about, or ""."""
    words = case.check(NOT_MEASURED).thresholds["unmeasured"]
    said = (case.content.panels[_WEIGHT].qualified.get(item.loinc, ""), item.method.lower())
    return next((word for word in words if any(word in text for text in said)), "")


def height(case: Case) -> Result:
    """No usable height, a newest one of an adult that reads like inches, or heights of an adult that contradict each other.

    Without any, a heavy adult is dosed on actual weight only with a reason.
    """
    newest = next(iter(heights(case.chart)), None)
    if newest is not None and newest.value is not None and case.adult and reads_like_inches(newest, case.content):
        return finding(case, HEIGHT, [Hit("inches", (measured(newest),), {"cm": half_up(newest.value, "0.1")})])
    if case.order.height_cm is not None and newest is not None:
        other = next((m for m in heights(case.chart) if _far_from(case, newest, m)), None)
        shown = (measured(newest), measured(other)) if other else ()
        return finding(case, HEIGHT, [Hit("differ", shown)]) if other else case.clear(HEIGHT)
    if case.order.height_cm is not None or case.chart.unread(case.check(HEIGHT).depends_on):
        return case.clear(HEIGHT)
    kg, heavy = case.order.actual_kg, case.check(HEIGHT).number("heavy_kg")
    branch = "missing-and-heavy" if case.adult and kg is not None and kg >= heavy else "missing"
    return finding(case, HEIGHT, [Hit(branch, nothing_usable(case, _HEIGHT), {"kg": kg})])


def _far_from(case: Case, newest: Measurement, other: Measurement) -> bool:
    """Whether another height, taken when the patient was grown up, cannot be that of the same person."""
    born = case.chart.patient.birth_date
    if born is None or other.time is None or newest.value is None or other.value is None:
        return False
    grown = completed_years(born, other.time.latest.date()) >= case.content.constants["adult_years"]
    far = abs(newest.value - other.value) >= case.check(HEIGHT).number("differ_cm")
    return grown and far and not reads_like_inches(other, case.content)


CHECKS: tuple[tuple[str, Callable[[Case], Result]], ...] = (
    (MISSING, missing),
    (STALE, stale),
    (IMPLAUSIBLE, implausible),
    (CHANGED, changed),
    (NOT_MEASURED, not_measured),
    (HEIGHT, height),
)
