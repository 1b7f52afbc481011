"""Haemolysis: are the red cells at risk, by the blood group and the dose, or because it happened before?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ivig_fhir.chart.facts import Allergy, Measurement, Problem
from ivig_fhir.fhir.quantity import half_up
from ivig_fhir.proposal.branches import Hit, finding
from ivig_fhir.proposal.case import Case
from ivig_fhir.proposal.cumulative import given
from ivig_fhir.proposal.findings import Evidence, Result
from ivig_fhir.proposal.matching import Match, allergies, is_below, measured, newest, problems

GROUP, PREVIOUS = "hemolysis.blood-group", "hemolysis.previous"
_SETS = {"A": "blood-group-a", "B": "blood-group-b", "AB": "blood-group-ab", "O": "blood-group-o"}


@dataclass(frozen=True)
class BloodGroup:
    """The ABO group that the record shows: A, B, AB or O; `final` when a final result shows it."""

    group: str
    final: bool
    evidence: tuple[Evidence, ...]


def blood_group(case: Case) -> BloodGroup | None:
    """The ABO group, or None when no result can be read, code and words disagree, or results contradict each other."""
    read = [(m, groups) for m in case.chart.panel("abo") if (groups := _groups(case, m))]
    every = {g for _, groups in read for g in groups}
    if len(every) != 1:
        return None
    items = [m for m, _ in read]
    return BloodGroup(every.pop(), any(not m.preliminary for m in items), (measured(items[0]),))


def _groups(case: Case, item: Measurement) -> set[str]:
    """Every group that the result names, by code, by words, or as nothing but its letters."""
    sets = {group: case.content.value_sets[id_] for group, id_ in _SETS.items()}
    alone = {word.strip().upper() for word in item.text.split(";")}
    return {g for g, s in sets.items() if g in alone or s.by_code(item.codes) or s.by_text((item.text,))}


def non_o_group(case: Case) -> Result:
    """A blood group other than O and a high dose within the rolling days, this course included; worse with anaemia or haemolysis."""
    check, order, group = case.check(GROUP), case.order, blood_group(case)
    if group is not None and group.group == "O" and group.final:
        return case.clear(GROUP)
    if order.course_exact_g is None or not order.dosing_kg:
        return case.unknown(GROUP, check.messages["no-dose"])
    before = given(case, check.number("window_days"))
    rolling = (before.grams + order.course_exact_g) / order.dosing_kg
    high = rolling >= check.number("high_g_kg")
    if not high and rolling < check.number("mid_g_kg"):
        return case.unknown(GROUP, check.messages["doses-unknown"]) if before.not_counted else case.clear(GROUP)
    if group is None or group.group == "O":
        return case.unknown(GROUP, check.messages["no-group"])
    values = {"group": group.group, "total": half_up(rolling, "0.01"), "days": check.number("window_days")}
    hits = [Hit("high-dose" if high else "medium-dose", (*group.evidence, *before.evidence), values)]
    if high:
        hits += _fragile(case)
    return finding(case, GROUP, hits)


def _fragile(case: Case) -> list[Hit]:
    """A low haemoglobin of the last months, or a haemolytic disorder that is more than a trait."""
    check = case.check(GROUP)
    limit, days = check.number("hb_low_g_dl"), check.number("hb_days")
    low = [m for m in newest(case, "hemoglobin") if case.within(m.time, days) and is_below(m, limit)]
    traits = {m.item.source.reference for m in problems(case, "hemolytic-trait")}
    disorders = [m for m in problems(case, "hemolytic-disorder") if m.item.source.reference not in traits]
    hits = [Hit("low-hemoglobin", (measured(m),), {"said": m.said, "limit": limit}) for m in low]
    return hits + [Hit("hemolytic-disorder", (m.evidence,), {"said": m.item.said}) for m in disorders]


def previous(case: Case) -> Result:
    """Haemolysis after immunoglobulin at any time, as a diagnosis or as an allergy.

    A code for haemolysis by a drug counts when words name immunoglobulin, an allergy to immunoglobulin when the reaction was haemolysis.
    """
    found: tuple[Match[Problem] | Match[Allergy], ...] = (
        *problems(case, "hemolysis-due-to-ig", active_only=False),
        *allergies(case, "hemolysis-due-to-ig"),
        *(m for m in problems(case, "hemolysis-drug-induced", active_only=False) if _names_immunoglobulin(case, m.item)),
        *(m for m in allergies(case, "ig-therapy") if _was_hemolysis(case, m.item)),
    )
    once = {m.item.source.reference: m for m in reversed(found)}
    hits = [Hit("previous", (m.evidence,), {"said": m.item.said}) for m in reversed(once.values())]
    return finding(case, PREVIOUS, hits) if hits else case.clear(PREVIOUS)


def _names_immunoglobulin(case: Case, item: Problem) -> bool:
    return case.content.value_sets["ig-therapy"].by_text((*item.texts, *item.notes)) is not None


def _was_hemolysis(case: Case, item: Allergy) -> bool:
    signs = case.content.value_sets["hemolysis-reaction"]
    return bool(signs.by_code(item.manifestations) or signs.by_text((*item.manifestation_texts, *item.notes)))


CHECKS: tuple[tuple[str, Callable[[Case], Result]], ...] = (
    (GROUP, non_o_group),
    (PREVIOUS, previous),
)
