"""Record: was everything read that the checks stand on, was all of it usable, and does it say anything at all?"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ivig_fhir.chart.facts import Allergy, Problem
from ivig_fhir.fhir.codes import ICD10CM, SNOMED
from ivig_fhir.proposal.absence import none_recorded, refused
from ivig_fhir.proposal.branches import Hit, finding
from ivig_fhir.proposal.case import Case, evidence
from ivig_fhir.proposal.findings import Evidence, Result
from ivig_fhir.proposal.matching import BY_TEXT, drugs, measured, remarked

ALLERGIES, UNUSABLE = "hypersensitivity.allergies-unknown", "record.value-unusable"
UNREADABLE, EMPTY = "record.unreadable", "record.empty-lists"
_READ = (SNOMED, ICD10CM)  # what the value sets of diagnoses are made of
_MEDICINES = ("MedicationRequest", "MedicationStatement", "MedicationAdministration")


def allergies(case: Case) -> Result:
    """No entry that says what the patient is allergic to, or that no (drug) allergy is known; fires also when allergies were not read.

    "Not asked" and "no known food allergy" answer neither.
    """
    if any(_answers(case, a) for a in case.chart.allergies):
        return case.clear(ALLERGIES)
    types = case.check(ALLERGIES).depends_on
    shown = tuple(evidence(a) for a in case.chart.allergies)
    unread = case.chart.unread(types)
    if unread is not None:
        return finding(case, ALLERGIES, [Hit("unread", (*shown, Evidence(unread.type, unread.said)))])
    return finding(case, ALLERGIES, [Hit("not-asked" if shown else "none", shown or none_recorded(case, *types))])


def _answers(case: Case, item: Allergy) -> bool:
    if item.not_asked:
        return False
    if item.negation:
        return item.active
    other = case.content.value_sets["no-known-other-allergy"]
    return not (other.by_code(item.codes) or other.by_text(item.texts))


def values(case: Case) -> Result:
    """Weights, heights and some laboratory values that were refused, and any value dated in the future, each with the reason.

    What was doubtful of those used stands beside it. Results and diagnoses that only their words name are offered to be confirmed. See:
    CONTRACTS, precise point 9.
    """
    panels, hits = case.check(UNUSABLE).thresholds["panels"], []
    dropped = [u for u in case.chart.unusable if u.panel in panels or u.kind == "future"]
    if dropped:
        newest = (case.chart.latest(p) for p in panels)
        doubtful = [remarked(measured(m), *m.doubts) for m in newest if m is not None and m.doubts]
        hits.append(Hit("dropped", (*(refused(u) for u in dropped), *doubtful), {"count": len(dropped)}))
    offered = tuple(measured(m) for m in case.chart.candidates) + tuple(remarked(evidence(p), BY_TEXT) for p in _worded(case))
    if offered:
        hits.append(Hit("by-words", offered, {"count": len(offered)}))
    return finding(case, UNUSABLE, hits) if hits else case.clear(UNUSABLE)


def _worded(case: Case) -> Iterator[Problem]:
    """Diagnoses that count and have no code in a system that the checks can read."""
    return (p for p in case.chart.problems if p.active and p.texts and not any(c.system in _READ for c in p.codes))


def unreadable(case: Case) -> Result:
    """Every type that could not be read, wholly or in part, and what the server said; also types that a check needs and nobody read."""
    needed = {t for check in case.content.checks.values() for t in check.depends_on}
    answers = [case.chart.answer(t) for t in sorted(needed | set(case.chart.answers))]
    unread = [a for a in answers if not a.complete]
    if not unread:
        return case.clear(UNREADABLE)
    shown = tuple(Evidence(a.type, a.said or str(a.problem)) for a in unread)
    return finding(case, UNREADABLE, [Hit("unread", shown, {"types": ", ".join(a.type for a in unread)})])


def lists(case: Case) -> Result:
    """No Condition at all, or no medicine but immunoglobulin, although both were read: more often not recorded than not there."""
    hits = []
    if not case.chart.problems and case.chart.unread(("Condition",)) is None:
        hits.append(Hit("no-conditions", none_recorded(case, "Condition")))
    immunoglobulin = {m.item.source.reference for m in drugs(case, "ig-therapy")}
    others = [d for d in case.chart.drugs if d.kind != "dispense" and d.source.reference not in immunoglobulin]
    if not others and case.chart.unread(_MEDICINES) is None:
        hits.append(Hit("no-medicines", none_recorded(case, *_MEDICINES)))
    return finding(case, EMPTY, hits) if hits else case.clear(EMPTY)


CHECKS: tuple[tuple[str, Callable[[Case], Result]], ...] = (
    (ALLERGIES, allergies),
    (UNUSABLE, values),
    (UNREADABLE, unreadable),
    (EMPTY, lists),
)
