"""Renal risk: what else puts the kidneys at risk?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal

from ivig_fhir.proposal.branches import Hit, finding
from ivig_fhir.proposal.case import Case, evidence
from ivig_fhir.proposal.checks.depletion import depletion_diagnoses
from ivig_fhir.proposal.checks.infection import sepsis_diagnoses
from ivig_fhir.proposal.checks.renal import FUNCTION, egfr
from ivig_fhir.proposal.checks.renal_drugs import DRUGS, nephrotoxic_classes
from ivig_fhir.proposal.findings import Evidence, Result
from ivig_fhir.proposal.formulas import body_mass_index
from ivig_fhir.proposal.matching import problems

FACTORS = "renal.risk-factors"
_DIAGNOSES = ("diabetes", "paraproteinemia", "sepsis", "volume-depletion")


def risk_factors(case: Case) -> Result:
    """Age, diabetes, obesity, paraproteinaemia, sepsis, volume depletion, reduced function and nephrotoxic drugs: one is enough."""
    names = case.check(FACTORS).thresholds["factors"]
    found = {**_conditions(case), **_body_and_age(case), **_function_and_drugs(case)}
    open_ = set(_unknown_factors(case)) - set(found)
    unknown = ", ".join(names[key] for key in names if key in open_)
    if found:
        shown = tuple(e for items in found.values() for e in items)
        hits = [Hit("factors", shown, {"factors": ", ".join(names[key] for key in names if key in found)})]
        return finding(case, FACTORS, [*hits, *([Hit("unknown-factors", (), {"factors": unknown})] if unknown else [])])
    if unknown:
        return case.unknown(FACTORS, case.check(FACTORS).messages["unknown-factors"].format(factors=unknown))
    return case.clear(FACTORS)


def _conditions(case: Case) -> Mapping[str, tuple[Evidence, ...]]:
    found = {
        "diabetes": problems(case, "diabetes"),
        "paraproteinemia": problems(case, "paraproteinemia"),
        "sepsis": sepsis_diagnoses(case),
        "volume-depletion": depletion_diagnoses(case),
    }
    return {key: tuple(m.evidence for m in matches) for key, matches in found.items() if matches}


def _body_and_age(case: Case) -> Mapping[str, tuple[Evidence, ...]]:
    found: dict[str, tuple[Evidence, ...]] = {}
    if case.age_years is not None and case.age_years >= case.check(FACTORS).number("age_years"):
        found["age"] = (age_evidence(case),)
    bmi = adult_bmi(case)
    if bmi is not None and bmi >= case.check(FACTORS).number("bmi"):
        found["obesity"] = body_evidence(case)
    return found


def _function_and_drugs(case: Case) -> Mapping[str, tuple[Evidence, ...]]:
    estimate, kidney = egfr(case), problems(case, "ckd")
    low = estimate is not None and bool(estimate.below(case.check(FUNCTION).number("warn_below")))
    found: dict[str, tuple[Evidence, ...]] = {}
    if kidney or low:
        found["function"] = (*(m.evidence for m in kidney), *(estimate.evidence if low and estimate else ()))
    classes = nephrotoxic_classes(case)
    if classes:
        found["drugs"] = tuple(m.evidence for matches in classes.values() for m in matches)
    return found


def _unknown_factors(case: Case) -> Iterable[str]:
    """What the record leaves open: a value that is missing, or a type that was not read completely."""
    estimate = egfr(case)
    if case.age_years is None:
        yield "age"
    if (case.age_years is None or case.adult) and adult_bmi(case) is None:
        yield "obesity"
    if estimate is None or estimate.undecided(case.check(FUNCTION).number("warn_below")):
        yield "function"
    if case.chart.unread(("Condition",)):
        yield from _DIAGNOSES
    if case.chart.unread(case.check(DRUGS).depends_on):
        yield "drugs"


def adult_bmi(case: Case) -> Decimal | None:
    """Body mass index of an adult from the newest actual weight and height; None for a child, or when one of them is missing."""
    kg, cm = case.order.actual_kg, case.order.height_cm
    return body_mass_index(kg, cm) if case.adult and kg is not None and cm else None


def body_evidence(case: Case) -> tuple[Evidence, ...]:
    """The weight and the height behind the body mass index."""
    items = (case.order.weight_used or case.chart.latest("body-weight"), case.chart.latest("body-height"))
    return tuple(evidence(m) for m in items if m is not None)


def age_evidence(case: Case) -> Evidence:
    """The birth date, as the record has it."""
    person = case.chart.patient
    return Evidence(person.reference, f"born {person.birth_said}", person.source.time, person.source.version)


CHECKS: tuple[tuple[str, Callable[[Case], Result]], ...] = ((FACTORS, risk_factors),)
