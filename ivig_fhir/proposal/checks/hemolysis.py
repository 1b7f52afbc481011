"""Haemolysis: does the blood group, with this much immunoglobulin, put the red cells at risk?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ivig_fhir.chart.facts import Measurement
from ivig_fhir.fhir.quantity import half_up
from ivig_fhir.proposal.branches import Hit, finding
from ivig_fhir.proposal.case import Case
from ivig_fhir.proposal.cumulative import given
from ivig_fhir.proposal.findings import Evidence, Result
from ivig_fhir.proposal.matching import is_below, measured, newest, problems

GROUP = "hemolysis.blood-group"
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


CHECKS: tuple[tuple[str, Callable[[Case], Result]], ...] = ((GROUP, non_o_group),)
