"""Tolerance: is this patient used to this product, and is the order prepared for a reaction that came before?"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ivig_fhir.proposal.absence import none_recorded
from ivig_fhir.proposal.branches import Hit, finding
from ivig_fhir.proposal.case import Case
from ivig_fhir.proposal.companions import Premedication, premedication
from ivig_fhir.proposal.findings import Evidence, Result
from ivig_fhir.proposal.history import IMMUNOGLOBULIN, Infusion, infusions, only_named
from ivig_fhir.proposal.matching import problems

REACTED, NAIVE = "tolerance.reaction-without-premedication", "tolerance.naive-or-switch"
_OTHER_REACTION = "hypersensitivity.other-reaction"


def reaction_without_premedication(case: Case) -> Result:
    """An earlier reaction that was not severe, and no premedication on this order. Resolved diagnoses count: the reaction was before."""
    shown = _reactions(case)
    chosen = premedication(case)
    if not shown or chosen is Premedication.CHOSEN:
        return case.clear(REACTED)
    branch = "proposed" if chosen is Premedication.PROPOSED else "no-premedication"
    return finding(case, REACTED, [Hit(branch, shown, {"said": "; ".join(e.said for e in shown)})])


def _reactions(case: Case) -> tuple[Evidence, ...]:
    """An allergy to immunoglobulin, its adverse effect as a diagnosis, or an infusion reaction whose words name immunoglobulin."""
    allergy, names = case.fired(_OTHER_REACTION), case.content.value_sets[IMMUNOGLOBULIN]
    unnamed = problems(case, "infusion-reaction-condition", active_only=False)
    named = [m for m in unnamed if names.by_text((*m.item.texts, *m.item.notes))]
    effects = problems(case, "ig-adverse-effect-condition", active_only=False)
    return (*(allergy.evidence if allergy else ()), *(m.evidence for m in (*effects, *named)))


def naive_or_switch(case: Case) -> Result:
    """No immunoglobulin given so far, none for weeks, or another product the last time. What could not be read counts as a first dose."""
    check, past = case.check(NAIVE), infusions(case)
    dated = [i for i in past if i.time is not None and not case.in_future(i.time)]
    if not dated:
        return finding(case, NAIVE, [_no_history(case, past)])
    last = max(i.time.latest for i in dated if i.time)
    latest = [i for i in dated if i.time and i.time.latest == last]
    hits = [*_gap(case, latest), *_switch(case, latest)]
    if hits:
        return finding(case, NAIVE, hits)
    unsure = [i.evidence.said for i in latest if i.products != {case.order.product.id}]
    return case.unknown(NAIVE, check.messages["product-unknown"].format(said="; ".join(unsure))) if unsure else case.clear(NAIVE)


def _no_history(case: Case, past: Iterable[Infusion]) -> Hit:
    undated = tuple(i.evidence for i in past)
    if undated:
        return Hit("undated", undated, {"said": "; ".join(e.said for e in undated)})
    named = tuple(m.evidence for m in only_named(case))
    unread = case.chart.unread(case.check(NAIVE).depends_on)
    if unread is not None:
        return Hit("unread", (Evidence(unread.type, unread.said), *named))
    return Hit("none", (*none_recorded(case, "MedicationAdministration"), *named))


def _gap(case: Case, latest: list[Infusion]) -> Iterable[Hit]:
    days = case.check(NAIVE).number("gap_days")
    for item in latest:
        ago = case.days_ago(item.time)
        if ago is not None and ago > days:
            yield Hit("gap", (item.evidence,), {"ago": int(ago), "days": days, "said": item.evidence.said})


def _switch(case: Case, latest: list[Infusion]) -> Iterable[Hit]:
    product = case.order.product
    for item in latest:
        if item.products and product.id not in item.products:
            yield Hit("switch", (item.evidence,), {"brand": product.brand, "said": item.evidence.said})


CHECKS: tuple[tuple[str, Callable[[Case], Result]], ...] = (
    (REACTED, reaction_without_premedication),
    (NAIVE, naive_or_switch),
)
