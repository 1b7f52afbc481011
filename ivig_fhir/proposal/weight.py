"""The dosing weight: which weight the dose is computed on, by which policy, and why."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from ivig_fhir.chart.facts import Measurement
from ivig_fhir.chart.snapshot import ChartSnapshot
from ivig_fhir.content.model import Content, WeightPolicy
from ivig_fhir.errors import SelectionError
from ivig_fhir.fhir.dates import completed_years
from ivig_fhir.fhir.quantity import half_up, plain
from ivig_fhir.proposal.formulas import adjusted_weight, body_mass_index, ideal_weight_devine
from ivig_fhir.proposal.model import WeightCalculation
from ivig_fhir.proposal.selections import ChosenWeight

_TEN = Decimal(10)


@dataclass(frozen=True, slots=True)
class Body:
    """What the chart says of the body: newest usable weight and height, age, sex. Kilograms and centimetres, unrounded."""

    weight: Measurement | None
    height: Measurement | None
    age_years: int | None
    sex: str

    @property
    def kg(self) -> Decimal | None:
        """Actual weight in kg."""
        return self.weight.value if self.weight else None

    @property
    def cm(self) -> Decimal | None:
        """Height in cm."""
        return self.height.value if self.height else None


def read_body(chart: ChartSnapshot, content: Content) -> Body:
    """The measurements that a dose may stand on: dated, final, by code (a match by text alone never doses), not contradicted."""
    born = chart.patient.birth_date
    age = None if born is None else completed_years(born, chart.now.date())
    adult = age is not None and age >= content.constants["adult_years"]
    return Body(_usable_weight(chart, content), _usable_height(chart, content, adult), age, chart.patient.sex)


def _usable_weight(chart: ChartSnapshot, content: Content) -> Measurement | None:
    newest = next((m for m in chart.panel("body-weight") if m.time and m.value is not None and not m.preliminary and m.loinc), None)
    return None if newest is None or contradicted(chart, newest, content) else newest


def contradicted(chart: ChartSnapshot, newest: Measurement, content: Content) -> bool:
    """Whether another value of the same panel and instant differs from this one by more than the content's fraction."""
    limit = content.constants["same_instant_fraction"]
    same = [m.value for m in chart.panel(newest.panel) if m.time and newest.time and m.time.latest == newest.time.latest and m.value]
    return bool(same) and max(same) - min(same) > limit * max(same)


def _usable_height(chart: ChartSnapshot, content: Content, adult: bool) -> Measurement | None:
    """The newest height; one of an adult that reads like inches is passed over, and `height.missing` says so."""
    return next((m for m in heights(chart) if not (adult and reads_like_inches(m, content))), None)


def heights(chart: ChartSnapshot) -> tuple[Measurement, ...]:
    """The heights that may be used, newest first: dated, final, by code."""
    return tuple(m for m in chart.panel("body-height") if m.value is not None and m.time and m.loinc and not m.preliminary)


def reads_like_inches(item: Measurement, content: Content) -> bool:
    """Whether the centimetres of an adult lie where inches would."""
    low, high = (Decimal(str(x)) for x in content.checks["height.missing"].thresholds["inch_as_cm"])
    return item.value is not None and low <= item.value <= high


def dosing_weight(body: Body, chosen: ChosenWeight, policy_id: str, content: Content) -> WeightCalculation:
    """The weight that the dose is multiplied by, rounded to 0.1 kg (0.01 kg below 10 kg), never above the actual weight.

    A stated weight is used as it is. SelectionError for an unknown policy. See: CONTRACTS, arithmetic.
    """
    policy = content.weight_policies.get(chosen.policy or policy_id)
    if policy is None:
        raise SelectionError(said=f"There is no weight policy {chosen.policy or policy_id}.")
    obstacle = _obstacle(body, content)
    bmi = body_mass_index(body.kg, body.cm) if body.kg is not None and body.cm else None
    ideal = adjusted = None
    if obstacle is None and body.cm is not None:
        ideal = ideal_weight_devine(body.cm, body.sex)
        adjusted = adjusted_weight(ideal, body.kg, policy.factor) if body.kg is not None else None
    if chosen.dosing_kg is not None:
        why = "The dosing weight was stated by the clinician."
        return _calculation(body, chosen, policy, bmi, ideal, adjusted, chosen.dosing_kg, "stated", why)
    kg, used, why = _by_policy(body, policy, obstacle, bmi, ideal, adjusted)
    return _calculation(body, chosen, policy, bmi, ideal, adjusted, kg, used, why)


def _obstacle(body: Body, content: Content) -> str | None:
    """Why an ideal weight cannot be computed, so that every policy is the actual weight; None when it can."""
    least = content.constants["min_height_cm"]
    if body.age_years is None or body.age_years < content.constants["adult_years"]:
        return f"below {content.constants['adult_years']} years"
    if body.cm is None:
        return "no height"
    if body.cm < least:
        return f"height below {plain(least)} cm"
    if body.sex not in ("male", "female"):
        return "sex is not recorded as male or female"
    return None


def _by_policy(
    body: Body, policy: WeightPolicy, obstacle: str | None, bmi: Decimal | None, ideal: Decimal | None, adjusted: Decimal | None
) -> tuple[Decimal | None, str | None, str]:
    if body.kg is None:
        return None, None, "The chart has no usable weight."
    if policy.rule == "actual":
        return body.kg, "actual", "The policy doses on the actual weight."
    if obstacle or ideal is None or adjusted is None or bmi is None:
        return body.kg, "actual", f"Actual weight: {obstacle}."
    limit = policy.limit or Decimal(1)
    if policy.rule == "lower-of-ideal-and-actual":
        lower = ideal < body.kg
        return (ideal, "ideal", "Ideal weight is lower than actual.") if lower else (body.kg, "actual", "Actual weight is not above ideal.")
    if policy.rule == "adjusted-from-bmi":
        applies, why = bmi >= limit, f"BMI {half_up(bmi, '0.1')} against a limit of {plain(limit)}"
    else:
        applies = body.kg > ideal * limit
        why = f"actual is {half_up(body.kg / ideal * 100, '1')} % of ideal against a limit of {plain(limit * 100)} %"
    if applies and adjusted < body.kg:
        return adjusted, "adjusted", f"Adjusted weight: {why}."
    return body.kg, "actual", f"Actual weight: {why}."


def rounded_weight(kg: Decimal) -> Decimal:
    """0.1 kg, below 10 kg 0.01 kg, half up."""
    return half_up(kg, "0.1" if kg >= _TEN else "0.01")


def _calculation(
    body: Body,
    chosen: ChosenWeight,
    policy: WeightPolicy,
    bmi: Decimal | None,
    ideal: Decimal | None,
    adjusted: Decimal | None,
    kg: Decimal | None,
    used: str | None,
    why: str,
) -> WeightCalculation:
    stated = used == "stated"
    source = body.weight.source if body.weight else None
    return WeightCalculation(
        actual_kg=None if body.kg is None else rounded_weight(body.kg),
        ideal_kg=None if ideal is None else half_up(ideal, "0.1"),
        adjusted_kg=None if adjusted is None else half_up(adjusted, "0.1"),
        bmi=None if bmi is None else half_up(bmi, "0.1"),
        height_cm=body.cm,
        dosing_kg=kg if stated or kg is None else rounded_weight(kg),
        used=used,
        policy=policy.id,
        policy_version=policy.version,
        why=why,
        basis=chosen.basis if stated else (used or ""),
        reason=chosen.reason,
        source=source.reference if source else None,
        version=source.version if source else None,
        effective=body.weight.time.text if body.weight and body.weight.time else None,
        said=body.weight.said if body.weight else None,
    )
