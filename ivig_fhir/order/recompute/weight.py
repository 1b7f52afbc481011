"""Weights: the newest usable one of the raw record, picked here, and what the policy named in the order makes of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from ivig_fhir.content.model import WeightPolicy
from ivig_fhir.fhir.reading import part, word
from ivig_fhir.fhir.stored_order import said
from ivig_fhir.order.recompute.facts import Facts
from ivig_fhir.order.recompute.lines import HUNDREDTH, TENTH, Recalculated, half_up
from ivig_fhir.order.recompute.measured import Measured, contradicted, newest

# Ideal weight in kg: 50 (men) or 45.5 (women) plus 2.3 for each inch above 60. See: Devine 1974, Drug Intell Clin Pharm 8:650.
_IDEAL_MALE, _IDEAL_FEMALE, _PER_INCH, _INCHES, _CM = (Fraction(x) for x in ("50", "45.5", "2.3", "60", "2.54"))
_TEN = 10
STATED = "stated"


@dataclass(frozen=True, slots=True)
class Body:
    """Actual, ideal, adjusted and dosing weight in kg as found here, which one is dosed on, and how; None: there is none."""

    weighed: Measured | None
    height: Measured | None
    ideal: Fraction | None
    adjusted: Fraction | None
    used: str
    kg: Fraction | None
    working: str

    @property
    def actual(self) -> Fraction | None:
        """Actual weight in kg."""
        return self.weighed.value if self.weighed else None


def weigh(f: Facts) -> Body:
    """The patient's weights when the order was approved. A weight that the prescriber stated is taken as it stands in the order."""
    weighed, height = _weighed(f, f.at), _height(f)
    stated = STATED in (f.basis.get("policy"), f.basis.get("weightUsed"))
    kept = word(part(f.approved.body, "weight"), "policy") if f.approved and stated else ""
    policy = f.tables.policies.get(kept or str(f.basis.get("policy")))
    cm = height.value if height else None
    ideal = _ideal(f, cm)
    factor = Fraction(policy.factor) if policy else None
    adjusted = ideal + factor * (weighed.value - ideal) if ideal is not None and factor is not None and weighed else None
    if stated:
        return Body(weighed, height, ideal, adjusted, STATED, f.kg, "stated by the prescriber")
    if weighed is None or policy is None:
        why = "no usable weight in the record" if weighed is None else "the policy is not known"
        return Body(weighed, height, ideal, adjusted, "", None, why)
    used, kg, how = _by_policy(f, policy, weighed.value, cm, ideal, adjusted)
    return Body(weighed, height, ideal, adjusted, used, rounded(kg), f"{how}; {said(kg, 'kg')}, rounded {said(rounded(kg), 'kg')}")


def rounded(kg: Fraction) -> Fraction:
    """To 0.1 kg, below 10 kg to 0.01 kg."""
    return half_up(kg, TENTH if kg >= _TEN else HUNDREDTH)


def _weighed(f: Facts, at: datetime | None) -> Measured | None:
    """The newest weight that was there at a moment. One dated within the hour after it counts only where the order itself stands on it."""
    return None if at is None else _latest(f, "body-weight", at, {f.weighed_in})


def _height(f: Facts) -> Measured | None:
    return None if f.at is None else _latest(f, "body-height", f.at, set(f.supported_by))


def _latest(f: Facts, id_: str, at: datetime, named: Iterable[str]) -> Measured | None:
    panel, known = f.tables.panels[id_], set(named)
    found = tuple(m for m in newest(f, panel, at) if m.time.earliest <= at or m.reference in known)
    usable = (m for m in found if m.final and not (id_ == "body-height" and f.adult and _like_inches(f, m.value)))
    first = next(usable, None)
    if first is None or (id_ == "body-weight" and contradicted(first, found, f.tables.same_instant)):
        return None
    return first


def _like_inches(f: Facts, cm: Fraction) -> bool:
    """An adult's centimetres where inches would lie: no height to reckon with."""
    low, high = (Fraction(str(x)) for x in f.tables.thresholds["height.missing"]["inch_as_cm"])
    return low <= cm <= high


def _ideal(f: Facts, cm: Fraction | None) -> Fraction | None:
    """Devine's weight; None for a child, a short person, or without height or sex."""
    sex = f.person.get("gender")
    if not f.adult or cm is None or cm < f.tables.min_height_cm or sex not in ("male", "female"):
        return None
    return (_IDEAL_MALE if sex == "male" else _IDEAL_FEMALE) + _PER_INCH * (cm / _CM - _INCHES)


def _by_policy(
    f: Facts, policy: WeightPolicy, actual: Fraction, cm: Fraction | None, ideal: Fraction | None, adjusted: Fraction | None
) -> tuple[str, Fraction, str]:
    """Which weight the policy takes, its kilograms before rounding, and why."""
    if policy.rule == "actual":
        return "actual", actual, "the policy takes the actual weight"
    if ideal is None or adjusted is None or cm is None:
        return "actual", actual, "no ideal weight for this age, height or sex, so the actual weight"
    devine = f"ideal weight {said(half_up(ideal, HUNDREDTH), 'kg')}"
    if policy.rule == "lower-of-ideal-and-actual":
        lower = ideal < actual
        return ("ideal", ideal, f"{devine}, below the actual") if lower else ("actual", actual, f"{devine}, not below the actual")
    limit, bmi = Fraction(policy.limit or 1), actual / (cm / 100) ** 2
    heavy = bmi >= limit if policy.rule == "adjusted-from-bmi" else actual > ideal * limit
    measure = f"BMI {said(half_up(bmi, HUNDREDTH))}" if policy.rule == "adjusted-from-bmi" else devine
    against = f"{measure} against a limit of {said(limit)}"
    if not heavy or adjusted >= actual:
        return "actual", actual, against
    return (
        "adjusted",
        adjusted,
        f"{against}; {said(half_up(ideal, HUNDREDTH))} + {said(Fraction(policy.factor))} × ({said(actual)} − ideal)",
    )


def weight_lines(f: Facts, body: Body) -> Iterable[Recalculated]:
    """Which weight the order stands on, and which it should."""
    if body.used == STATED:
        seen = (
            f"{said(body.weighed.value, 'kg')} of {body.weighed.time.text} in the record"
            if body.weighed
            else "no usable weight in the record"
        )
        yield Recalculated("Dosing weight", said(f.kg, "kg"), "stated by the prescriber", None, "stated", seen)
        yield from _printed(f, body)
        return
    yield _source(f, body)
    yield from _since(f, body)
    ordered = f"{said(f.kg, 'kg')}, {f.basis.get('weightUsed')}"
    policy = f.tables.policies.get(str(f.basis.get("policy")))
    first = f"policy {f.basis.get('policy')}, from {f.weighed_in or 'no Observation'}"
    if body.kg is None or policy is None:
        yield Recalculated("Dosing weight", ordered, body.working, False, first, body.working)
        return
    version = f.basis.get("policyVersion")  # of another version nothing is held against the order: the weight tells what it changes
    yield Recalculated("Weight policy", f"version {version}", f"version {policy.version}", version == policy.version or None)
    same = (body.kg, body.used) == (f.kg, f.basis.get("weightUsed"))
    yield Recalculated("Dosing weight", ordered, f"{said(body.kg, 'kg')}, {body.used}", same, first, body.working)
    yield from _printed(f, body)


def _source(f: Facts, body: Body) -> Recalculated:
    """The Observation that was weighed: the newest usable one of the record, and named by the order in support."""
    found = body.weighed.reference if body.weighed else "no usable weight in the record"
    agrees = body.weighed is not None and found == f.weighed_in and found in f.supported_by
    working = f"{said(body.weighed.value, 'kg')} on {body.weighed.time.text}, the newest that was usable" if body.weighed else found
    return Recalculated(
        "Weighed in", f.weighed_in or "no Observation", found, agrees, f"weight of {f.weighed_in or 'no Observation'}", working
    )


def _since(f: Facts, body: Body) -> Iterable[Recalculated]:
    """A weight that came after the approval: shown, and from the fraction on at which a weight counts as changed a disagreement."""
    later = _weighed(f, f.now) if f.now is not None and f.at is not None and f.now > f.at else None
    if later is None or body.weighed is None or later.reference == body.weighed.reference or later.time.latest <= body.weighed.time.latest:
        return
    moved, limit = abs(later.value - body.weighed.value), f.tables.limit("weight.changed", "fraction")
    agrees = None if moved < limit * body.weighed.value else False
    told = f"{said(moved, 'kg')} from {said(body.weighed.value, 'kg')}, against a limit of {said(limit * 100)} %"
    now = f"{said(later.value, 'kg')} on {later.time.text}"
    yield Recalculated("Weight since the approval", said(body.weighed.value, "kg"), now, agrees, f"weight of {f.weighed_in}", told)


def _printed(f: Facts, body: Body) -> Iterable[Recalculated]:
    """The weights, sex and birth date that the prescriber saw, where the approved proposal was kept."""
    if f.approved is None:
        return
    for name, key, value in (("Ideal weight", "ideal_kg", body.ideal), ("Adjusted weight", "adjusted_kg", body.adjusted)):
        kept, here = f.approved.printed("weight", key), None if value is None else half_up(value, TENTH)
        height = f"from {said(body.height.value, 'cm')} on {body.height.time.text}" if body.height else "without a usable height"
        yield Recalculated(name, said(kept, "kg"), said(here, "kg"), kept == here, "as approved", height)
    kept, here = f.approved.printed("weight", "actual_kg"), None if body.actual is None else rounded(body.actual)
    yield Recalculated(
        "Actual weight",
        said(kept, "kg"),
        said(here, "kg"),
        kept == here,
        "as approved",
        f"from {body.weighed.reference if body.weighed else 'no weight'}",
    )
    patient = part(f.approved.body, "patient")
    sex = word(f.person, "gender") if word(f.person, "gender") in ("male", "female") else ""
    born = f.born.isoformat() if f.born else ""
    seen, now = ((s or "not recorded", b or "not recorded") for s, b in ((word(patient, "sex"), word(patient, "birth_date")), (sex, born)))
    yield Recalculated("Sex and birth date", ", ".join(seen), ", ".join(now), seen == now, "as approved", f"as {f.patient} says now")
