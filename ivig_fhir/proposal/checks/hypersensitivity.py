"""Hypersensitivity: did immunoglobulin, or any blood product in an IgA-deficient patient, harm this patient before?"""

from __future__ import annotations

from collections.abc import Callable

from ivig_fhir.chart.facts import Allergy, Measurement, Problem
from ivig_fhir.proposal.branches import Hit, finding
from ivig_fhir.proposal.case import Case
from ivig_fhir.proposal.findings import Clear, Result
from ivig_fhir.proposal.matching import Match, allergies, is_below, measured, newest, problems

SEVERE, OTHER = "hypersensitivity.severe-reaction", "hypersensitivity.other-reaction"
ANTIBODIES, DEFICIENCY = "hypersensitivity.iga-antibodies", "hypersensitivity.iga-deficiency"


def severe_reaction(case: Case) -> Result:
    """Anaphylaxis or another severe reaction to immunoglobulin, as an allergy or as a diagnosis that names it.

    An unconfirmed allergy counts in full: a patient's own report is enough. A diagnosis that is only suspected asks for an override.
    """
    hits = [
        Hit("active" if m.item.active else "past", (m.evidence,), {"said": m.item.said})
        for m in allergies(case, "ig-therapy")
        if _is_severe(case, m.item)
    ]
    hits += [h for m in problems(case, "severe-ig-reaction-condition", active_only=False) if (h := _diagnosis(case, m)) is not None]
    return finding(case, SEVERE, hits) if hits else case.clear(SEVERE)


def _is_severe(case: Case, item: Allergy) -> bool:
    signs = case.content.value_sets["anaphylaxis-manifestation"]
    sign = signs.by_code(item.manifestations) or signs.by_text(item.manifestation_texts)
    return item.criticality == "high" or "severe" in item.severities or sign is not None


def _diagnosis(case: Case, match: Match[Problem]) -> Hit | None:
    """These codes mean blood products of any kind: words must say which. Words for another product are no reaction to this one."""
    sets, texts = case.content.value_sets, match.item.texts
    values = {"said": match.item.said}
    if sets["ig-therapy"].by_text(texts):
        return Hit("suspected" if match.item.soft else "diagnosis", (match.evidence,), values)
    return None if sets["other-blood-product"].by_text(texts) else Hit("unnamed-product", (match.evidence,), values)


def other_reaction(case: Case) -> Result:
    """An active allergy to immunoglobulin that is not known to be severe; one that nobody described may have been."""
    hits = [
        Hit("described" if _is_described(case, m.item) else "undescribed", (m.evidence,), {"said": m.item.said})
        for m in allergies(case, "ig-therapy")
        if m.item.active and not _is_severe(case, m.item)
    ]
    return finding(case, OTHER, hits) if hits else case.clear(OTHER)


def _is_described(case: Case, item: Allergy) -> bool:
    empty = case.check(OTHER).thresholds["uninformative"]
    said = item.manifestations or [t for t in item.manifestation_texts if t.strip().lower() not in empty]
    return bool(said or item.severities or item.criticality in ("low", "high"))


def iga_antibodies(case: Case) -> Result:
    """IgA deficiency with antibodies against IgA and a reaction before: together the labelled contraindication.

    An antibody test that was never made is not a negative one.
    """
    deficient, reacted = _deficient(case), _reacted(case)
    if not deficient:
        return case.clear(ANTIBODIES)
    positive, negative = _antibody_tests(case)
    shown = tuple(m.evidence if isinstance(m, Match) else measured(m) for m in deficient)
    tests = tuple(measured(m) for m in (*positive, *negative))
    reactions = tuple(m.evidence for m in reacted)
    if positive and reacted:
        branch = "suspected" if _all_soft(deficient) or _all_soft(reacted) else "all-three"
    elif positive:
        branch = "antibodies"
    elif reacted and not negative:
        branch = "untested"
    else:
        return case.clear(ANTIBODIES)
    return finding(case, ANTIBODIES, [Hit(branch, (*shown, *tests, *reactions))])


def iga_deficiency(case: Case) -> Result:
    """IgA deficiency where nothing worse is known of it."""
    deficient = _deficient(case)
    if case.fired(ANTIBODIES):
        return Clear(DEFICIENCY)
    if deficient:
        shown = tuple(m.evidence if isinstance(m, Match) else measured(m) for m in deficient)
        return finding(case, DEFICIENCY, [Hit("deficient", shown)])
    if case.age_years is None and _low_iga(case):
        return case.unknown(DEFICIENCY, case.check(DEFICIENCY).messages["age-unknown"])
    return case.clear(DEFICIENCY)


def _deficient(case: Case) -> tuple[Match[Problem] | Measurement, ...]:
    """The diagnosis, or a low IgA at an age at which that means deficiency."""
    oldest_unsure = case.check(ANTIBODIES).number("min_age_years")
    low = _low_iga(case) if case.age_years is not None and case.age_years >= oldest_unsure else ()
    return (*problems(case, "iga-deficiency"), *low)


def _low_iga(case: Case) -> tuple[Measurement, ...]:
    limit = case.check(ANTIBODIES).number("iga_deficient_below_mg_dl")
    return tuple(m for m in newest(case, "iga") if is_below(m, limit))


def _reacted(case: Case) -> tuple[Match[Allergy] | Match[Problem], ...]:
    """Reactions to immunoglobulin, headache and chills apart, or to any blood product, whenever they were."""
    return (
        *(m for m in allergies(case, "ig-therapy") if _is_severe(case, m.item) or not _is_mild(case, m.item)),
        *problems(case, "blood-product-hypersensitivity", active_only=False),
    )


def _is_mild(case: Case, item: Allergy) -> bool:
    """Every manifestation is one that does not point to hypersensitivity, and there is at least one."""
    mild = case.content.value_sets["mild-infusion-symptom"]
    codes = [mild.by_code((c,)) is not None for c in item.manifestations]
    words = [mild.by_text((t,)) is not None for t in item.manifestation_texts]
    return bool(codes or words) and all(codes) and all(words)


def _antibody_tests(case: Case) -> tuple[tuple[Measurement, ...], tuple[Measurement, ...]]:
    """Positive results, and negative ones that are final; a result that says neither shows nothing."""
    positive, negative = case.content.value_sets["result-positive"], case.content.value_sets["result-negative"]
    tests = case.chart.panel("anti-iga")
    found = tuple(m for m in tests if positive.by_code(m.codes) or positive.by_text((m.text,)))
    rest = (m for m in tests if m not in found and not m.preliminary)
    return found, tuple(m for m in rest if negative.by_code(m.codes) or negative.by_text((m.text,)))


def _all_soft(items: tuple[object, ...]) -> bool:
    return all(isinstance(m, Match) and isinstance(m.item, Problem) and m.item.soft for m in items)


CHECKS: tuple[tuple[str, Callable[[Case], Result]], ...] = (
    (SEVERE, severe_reaction),
    (OTHER, other_reaction),
    (ANTIBODIES, iga_antibodies),
    (DEFICIENCY, iga_deficiency),
)
