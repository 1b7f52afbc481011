"""Companion orders: which of the content's companions this patient is offered, which are chosen to begin with, and their doses."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum

from ivig_fhir.content.companion import Companion, OrderRule, Rules, Trigger
from ivig_fhir.content.model import SEVERITIES
from ivig_fhir.fhir.quantity import down, plain
from ivig_fhir.proposal.case import Case
from ivig_fhir.proposal.findings import Finding, Result
from ivig_fhir.proposal.model import CompanionAmount, CompanionOrder

_PREMEDICATION = "premedication-"
_FOR_REACTORS = "previous-reaction"


class Premedication(Enum):
    """Whether premedication is on the order: chosen by the clinician, proposed by the content to those who reacted, or not there."""

    CHOSEN = "chosen"
    PROPOSED = "proposed"
    NONE = "none"


def premedication(case: Case) -> Premedication:
    """What a patient who reacted before would get with this order; an empty list, or every one unticked, is none."""
    offered = [c for c in case.content.companions if c.id.startswith(_PREMEDICATION)]
    if case.selections.premedication or any(_named(c, case) for c in offered):
        return Premedication.CHOSEN
    words = {**_words(case), _FOR_REACTORS: True}
    left = [c for c in offered if _named(c, case) is None and _FOR_REACTORS in c.when]
    proposed = any(_holds(c, words) and _fits(c, words, case) for c in left)
    return Premedication.PROPOSED if proposed else Premedication.NONE


def companions_for(case: Case) -> tuple[CompanionOrder, ...]:
    """Every companion that fits the patient, each chosen or not: by the clinician, else by its rule words. `case` holds all results.

    Required ones stay chosen. What is withheld, for other orders only, or without a dose for this age and weight comes only when the
    clinician names it. See: `order_sets/companions.toml`.
    """
    words = _words(case)
    made = []
    for item in case.content.companions:
        named = _named(item, case)
        if _fits(item, words, case) or named:
            made.append(_order(item, _holds(item, words), named, _dose(item, case), case))
    return tuple(made)


def _fits(item: Companion, words: Mapping[str, bool], case: Case) -> bool:
    """Whether it is for this order at all: not withheld, and with a dose for this age and weight where it has doses."""
    meant = not item.only or any(words[w] for w in item.only)
    return meant and not any(words[w] for w in item.withheld) and (_dose(item, case) is not None or not item.doses)


def _holds(item: Companion, words: Mapping[str, bool]) -> bool:
    return any(words[w] for w in item.when) and not any(words[w] for w in item.unless)


def _words(case: Case) -> Mapping[str, bool]:
    """What each rule word is for this order; the words that name a finding are true above information only."""
    rules: Rules = case.content.constants["rules"]
    words = {"always": True, "offered": False, "adult": case.adult, "child": not case.adult}
    words |= {word: any(_fired(t, case.earlier.get(t.check)) for t in triggers) for word, triggers in rules.findings.items()}
    return words | {word: _is_order(rule, case) for word, rule in rules.orders.items()}


def _fired(trigger: Trigger, result: Result | None) -> bool:
    """A finding of the branch that the trigger names, and at least that severe; what was not assessed adds nothing."""
    if not isinstance(result, Finding) or SEVERITIES.index(result.severity) < SEVERITIES.index(trigger.severity):
        return False
    return not trigger.branch or trigger.branch in result.branches


def _is_order(rule: OrderRule, case: Case) -> bool:
    order = case.order
    named = (
        (rule.indications, order.indication.id),
        (rule.regimens, order.regimen.id if order.regimen else None),
        (rule.settings, case.selections.setting),
    )
    if any(among and value not in among for among, value in named):
        return False
    return rule.course_g_kg_from is None or (order.course_g_kg is not None and order.course_g_kg >= rule.course_g_kg_from)


def _named(item: Companion, case: Case) -> bool | None:
    """What the clinician said of it: yes, no, or nothing. A list of premedication says no to what it leaves out; `[]` means none."""
    chosen, listed = case.selections.companions.get(item.id), case.selections.premedication
    if chosen is not None or listed is None or not item.id.startswith(_PREMEDICATION):
        return chosen
    return item.id in listed or item.id.removeprefix(_PREMEDICATION) in listed


def _order(item: Companion, holds: bool, named: bool | None, dose: CompanionAmount | None, case: Case) -> CompanionOrder:
    required = item.required and holds
    sentence = item.adult if case.adult else item.child
    return CompanionOrder(
        id=item.id,
        kind=item.kind,
        title=item.title,
        text=" ".join((sentence, *([dose.said] if dose and dose.said else []))),
        selected=required or (holds if named is None else named),
        required=required,
        codes=item.codes,
        offset_minutes=item.offset_minutes,
        citations=item.source.citations,
        confidence=item.source.confidence,
        against=_against(item, case),
        as_needed=item.as_needed,
        dose=dose,
        due=_due(item, case),
    )


def _against(item: Companion, case: Case) -> tuple[str, ...]:
    """The checks whose findings speak against it."""
    findings = case.content.constants["rules"].findings
    triggers = [t for word in (*item.unless, *item.withheld) for t in findings.get(word, ())]
    return tuple(dict.fromkeys(t.check for t in triggers if _fired(t, case.earlier.get(t.check))))


def _dose(item: Companion, case: Case) -> CompanionAmount | None:
    """The first of its doses that is for a patient of this age and weight; a dose by weight is computed on the actual weight."""
    kg = case.order.actual_kg if case.order.actual_kg is not None else case.order.dosing_kg
    for dose in item.doses:
        by_age = _within(case.age_months, *dose.months)
        if dose.who not in ("any", "adult" if case.adult else "child") or not by_age or kg is None or not _within(kg, *dose.kg):
            continue
        low, high = (down(x * kg, str(dose.step)) if dose.per_kg else x for x in dose.amount)
        if dose.most is not None:
            low, high = min(low, dose.most), min(high, dose.most)
        amount = f"{plain(low)} {dose.unit}" if low == high else f"{plain(low)} to {plain(high)} {dose.unit}"
        words = case.content.constants["words"]
        said = words["dose_by_weight"] if dose.per_kg or dose.kg != (None, None) else words["dose_by_age"] if dose.who == "child" else ""
        return CompanionAmount(low, high, dose.unit, dose.most if dose.per_kg else None, said.format(kg=plain(kg), dose=amount))
    return None


def _within(value: Decimal | int | None, low: Decimal | int | None, high: Decimal | int | None) -> bool:
    """From `low`, included, to `high`, excluded; with both ends open also for what is not known."""
    if value is None:
        return low is None and high is None
    return (low is None or value >= low) and (high is None or value < high)


def _due(item: Companion, case: Case) -> tuple[datetime, datetime] | None:
    """When a follow-up is due: from and until, counted from the start of the last infusion."""
    if item.after_hours is None or not case.order.dates:
        return None
    start = datetime.combine(case.order.dates[-1], case.order.start.timetz())
    first, last = (start + timedelta(hours=hours) for hours in item.after_hours)
    return first, last
