"""Measures: what in an order already answers its findings; a finding stays as grave as its rule made it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from ivig_fhir.content.actions import ADD, CAP, LEAVE_OUT, SPLIT, Action, ActionWords
from ivig_fhir.content.model import Content
from ivig_fhir.fhir.quantity import half_up, plain
from ivig_fhir.proposal.findings import Finding, Measure
from ivig_fhir.proposal.model import CompanionOrder, RateSchedule


def with_measures(
    findings: Iterable[Finding], companions: Sequence[CompanionOrder], rate: RateSchedule, days: int, content: Content
) -> tuple[Finding, ...]:
    """The findings, each with what this order does about it: companions chosen or left out, a capped rate, a split over days.

    Severity and the need for a reason are untouched: an answered hard stop is a hard stop.
    """
    by_id = {c.id: c for c in companions}
    found = []
    for item in findings:
        actions = content.checks[item.check].actions if companions and item.check in content.checks else ()
        found.append(replace(item, measures=tuple(m for a in actions for m in _measure(a, by_id, rate, days, content))))
    return tuple(found)


def action_words(action: Action, content: Content) -> ActionWords:
    """The words of an action; those of adding a companion depend on what it is."""
    words: dict[str, ActionWords] = content.constants["action_words"]
    if action.kind != ADD:
        return words[action.kind]
    return words[f"{ADD}-{next(c.kind for c in content.companions if c.id == action.companion)}"]


def _measure(action: Action, companions: dict[str, CompanionOrder], rate: RateSchedule, days: int, content: Content) -> Iterator[Measure]:
    """The action as a measure, if the order has it."""
    companion, title = companions.get(action.companion), next((c.title for c in content.companions if c.id == action.companion), "")
    values: dict[str, object] = {}
    if action.kind in (ADD, LEAVE_OUT):
        if (companion is not None and companion.selected) != (action.kind == ADD):  # one that is withheld is left out too
            return
        values = {"what": title}
    elif action.kind == CAP and is_capped(rate):
        values = {"rate": plain(half_up(max(s.ml_h for s in rate.steps), "0.1"))}
    elif action.kind == SPLIT and days >= action.days:
        values = {"days": days}
    else:
        return
    words = action_words(action, content)
    yield Measure(action.id, words.code, words.done.format(**values))


def is_capped(rate: RateSchedule) -> bool:
    """Whether the pump stays below the label's maximum because somebody said so: label at risk, site or clinician."""
    if not rate.steps:
        return False
    if rate.mode == "hours":
        highest = max(s.ml_kg_h for s in rate.steps)
        return rate.label_max_ml_kg_h is not None and highest < rate.label_max_ml_kg_h
    return rate.cap_reason not in (None, "label")
