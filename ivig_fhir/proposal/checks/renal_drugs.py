"""Renal drugs: does the patient take something that harms the kidneys, now or until a few days ago?"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ivig_fhir.chart.facts import Drug
from ivig_fhir.proposal.absence import none_recorded
from ivig_fhir.proposal.branches import Hit, finding
from ivig_fhir.proposal.case import Case
from ivig_fhir.proposal.checks.renal import egfr
from ivig_fhir.proposal.findings import Evidence, Result
from ivig_fhir.proposal.matching import Match, taken

DRUGS = "renal.nephrotoxic-drugs"
_MEDICINES = ("request", "statement", "administration")


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
    return case.fire(DRUGS, "no-medicines", none_recorded(case, *check.depends_on)) if empty else case.clear(DRUGS)


def _triple(case: Case) -> tuple[Evidence, ...]:
    """An ACE inhibitor or ARB with a diuretic and an NSAID; empty unless all three are there."""
    days = case.check(DRUGS).number("med_window_days")
    groups = [tuple(m for s in sets for m in taken(case, s, days)) for sets in case.check(DRUGS).thresholds["triple"]]
    return tuple(m.evidence for group in groups for m in group) if all(groups) else ()


CHECKS: tuple[tuple[str, Callable[[Case], Result]], ...] = ((DRUGS, nephrotoxic_drugs),)
