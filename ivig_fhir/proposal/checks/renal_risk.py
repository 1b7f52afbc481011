"""Renal risk: what else, the patient's or the drugs', puts the kidneys at risk?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal

from ivig_fhir.chart.facts import Drug
from ivig_fhir.proposal.branches import Hit, finding
from ivig_fhir.proposal.case import Case, evidence
from ivig_fhir.proposal.checks.renal import FUNCTION, egfr
from ivig_fhir.proposal.findings import Evidence, Result
from ivig_fhir.proposal.formulas import body_mass_index
from ivig_fhir.proposal.matching import Match, problems, recent_problems, taken

FACTORS, DRUGS = "renal.risk-factors", "renal.nephrotoxic-drugs"
_MEDICINES = ("request", "statement", "administration")


def risk_factors(case: Case) -> Result:
    """Age, diabetes, obesity, paraproteinaemia, sepsis, volume depletion, reduced function and nephrotoxic drugs: one is enough."""
    names = case.check(FACTORS).thresholds["factors"]
    found = {**_conditions(case), **_body_and_age(case), **_function_and_drugs(case)}
    unknown = ", ".join(names[key] for key in _unknown_factors(case) if key not in found)
    if found:
        shown = tuple(e for items in found.values() for e in items)
        hits = [Hit("factors", shown, {"factors": ", ".join(names[key] for key in names if key in found)})]
        return finding(case, FACTORS, [*hits, *([Hit("unknown-factors", (), {"factors": unknown})] if unknown else [])])
    if unknown:
        return case.unknown(FACTORS, case.check(FACTORS).messages["unknown-factors"].format(factors=unknown))
    return case.clear(FACTORS)


def _conditions(case: Case) -> Mapping[str, tuple[Evidence, ...]]:
    check = case.check(FACTORS)
    found = {
        "diabetes": problems(case, "diabetes"),
        "paraproteinemia": problems(case, "paraproteinemia"),
        "sepsis": recent_problems(case, "sepsis", check.number("sepsis_days")),
        "volume-depletion": recent_problems(case, "volume-depletion", check.number("depletion_days")),
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
    if case.age_years is None:
        yield "age"
    if (case.age_years is None or case.adult) and adult_bmi(case) is None:
        yield "obesity"
    if egfr(case) is None:
        yield "function"


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


def nephrotoxic_classes(case: Case) -> Mapping[str, tuple[Match[Drug], ...]]:
    """Nephrotoxic drugs that are taken or were until a few days ago, by class; ACE inhibitors and thiazides alone are not of them."""
    check = case.check(DRUGS)
    found = {}
    for name in check.thresholds["classes"]:
        days = check.number("contrast_window_days" if name == check.thresholds["contrast"] else "med_window_days")
        matches = tuple(m for m in taken(case, name, days) if not _harmless_by_mouth(case, m.item))
        if matches:
            found[name] = matches
    return found


def _harmless_by_mouth(case: Case, item: Drug) -> bool:
    """Acyclovir counts only as an infusion."""
    limits, text = case.check(DRUGS).thresholds, " ".join(item.texts).lower()
    return any(w in text for w in limits["only_intravenous"]) and any(w in text for w in limits["by_mouth"])


def nephrotoxic_drugs(case: Case) -> Result:
    """Nephrotoxic drugs at the same time; two classes, a class of high risk, or a low eGFR weigh more."""
    check, classes = case.check(DRUGS), nephrotoxic_classes(case)
    names = check.thresholds["classes"]
    shown = tuple(m.evidence for matches in classes.values() for m in matches)
    hits = [Hit("several" if len(classes) > 1 else "one", shown, {"classes": ", ".join(names[c] for c in classes)})] if classes else []
    dangerous = [c for c in classes if c in check.thresholds["high_risk"]]
    if dangerous:
        hits.append(Hit("high-risk", (), {"classes": ", ".join(names[c] for c in dangerous)}))
    estimate = egfr(case)
    if classes and estimate is not None and estimate.below(check.number("override_egfr_below")):
        hits.append(Hit("low-egfr", estimate.evidence, {"value": estimate.shown}))
    triple = _triple(case)
    if triple:
        hits.append(Hit("triple", triple))
    if hits:
        return finding(case, DRUGS, hits)
    empty = not any(d.kind in _MEDICINES for d in case.chart.drugs) and case.chart.unread(check.depends_on) is None
    return case.fire(DRUGS, "no-medicines", ()) if empty else case.clear(DRUGS)


def _triple(case: Case) -> tuple[Evidence, ...]:
    """An ACE inhibitor or ARB with a diuretic and an NSAID; empty unless all three are there."""
    days = case.check(DRUGS).number("med_window_days")
    groups = [tuple(m for s in sets for m in taken(case, s, days)) for sets in case.check(DRUGS).thresholds["triple"]]
    return tuple(m.evidence for group in groups for m in group) if all(groups) else ()


CHECKS: tuple[tuple[str, Callable[[Case], Result]], ...] = (
    (FACTORS, risk_factors),
    (DRUGS, nephrotoxic_drugs),
)
