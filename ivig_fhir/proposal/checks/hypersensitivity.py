"""Hypersensitivity: did immunoglobulin, or any blood product in an IgA-deficient patient, harm this patient before?"""

from __future__ import annotations

from collections.abc import Callable

from ivig_fhir.chart.facts import Allergy, Measurement, Problem
from ivig_fhir.fhir.reading import short
from ivig_fhir.proposal.branches import Hit, finding
from ivig_fhir.proposal.case import Case
from ivig_fhir.proposal.findings import Clear, Result
from ivig_fhir.proposal.matching import Match, allergies, is_below, measured, problems, remarked
from ivig_fhir.proposal.recent import EVER, recent

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
    """These codes mean blood products of any kind: words must say which, its name first, then what is written beside it.

    Words for another product are no reaction to this one; notes that name both leave it open.
    """
    ours, others, item = case.content.value_sets["ig-therapy"], case.content.value_sets["other-blood-product"], match.item
    branch = "suspected" if item.soft else "diagnosis"
    if ours.by_text(item.texts):
        return Hit(branch, (match.evidence,), {"said": item.said})
    if others.by_text(item.texts):
        return None
    note, other = ours.by_text(item.notes), others.by_text(item.notes)
    if note is not None and other is None:
        return Hit(branch, (remarked(match.evidence, f"its note: {short(note)}"),), {"said": item.said})
    return None if other is not None and note is None else Hit("unnamed-product", (match.evidence,), {"said": item.said})


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
    deficient, reacted, (positive, negative) = _deficient(case), _reacted(case), _antibody_tests(case)
    if not deficient and _undecided(case) and (positive or reacted):
        return case.unknown(ANTIBODIES, case.check(ANTIBODIES).messages["undecided"])
    if not deficient:
        return case.clear(ANTIBODIES)
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
    if _undecided(case):
        return case.unknown(DEFICIENCY, case.check(DEFICIENCY).messages["undecided"])
    return case.clear(DEFICIENCY)


def _deficient(case: Case) -> tuple[Match[Problem] | Measurement, ...]:
    """The diagnosis, or a low IgA at an age at which that means deficiency."""
    oldest_unsure = case.check(ANTIBODIES).number("min_age_years")
    low = _low_iga(case) if case.age_years is not None and case.age_years >= oldest_unsure else ()
    return (*problems(case, "iga-deficiency"), *low)


def _low_iga(case: Case) -> tuple[Measurement, ...]:
    limit = case.check(ANTIBODIES).number("iga_deficient_below_mg_dl")
    return tuple(m for m in recent(case, "iga", EVER).shown if is_below(m, limit))


def _undecided(case: Case) -> bool:
    """IgA was measured, and the result does not tell: a bound across the limit, an unreadable or contradicted value, no age beside it."""
    values, limit = recent(case, "iga", EVER), case.check(ANTIBODIES).number("iga_deficient_below_mg_dl")
    if case.age_years is None:
        return bool(values.obscured) or any(is_below(m, limit) is not False for m in values.shown)
    open_ = values.obscured or (values.shown and not values.ends(lambda m: is_below(m, limit) is False))
    return case.age_years >= case.check(ANTIBODIES).number("min_age_years") and bool(open_)


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
