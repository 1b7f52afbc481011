"""Mitigations: what can be done about a finding in one press, each as changed selections; the rule itself is never switched off."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from ivig_fhir.chart.snapshot import ChartSnapshot
from ivig_fhir.content.actions import ADD, CAP, LEAVE_OUT, SPLIT, Action
from ivig_fhir.content.model import Content
from ivig_fhir.content.site import Site
from ivig_fhir.errors import SelectionError
from ivig_fhir.fhir.quantity import down, plain
from ivig_fhir.proposal.changes import Desk, first_that_helps, over_days, severity_of
from ivig_fhir.proposal.checks import RENAL_OR_THROMBOSIS_RISK
from ivig_fhir.proposal.compare_products import ProductRow
from ivig_fhir.proposal.findings import Finding
from ivig_fhir.proposal.measures import action_words, is_capped
from ivig_fhir.proposal.model import Proposal
from ivig_fhir.proposal.propose import propose
from ivig_fhir.proposal.rates import mg_kg_min
from ivig_fhir.proposal.selections import ChosenRate, Selections


@dataclass(frozen=True)
class Offer:
    """One thing that can be done about a finding: `selections` are the choices once it is pressed.

    None: a figure in mg/kg/min has to be typed first (`asks`), or it cannot be done for this patient (`why_not`). `then` is the finding's
    severity afterwards, `clear` when it is gone, empty where it stays as grave as it is.
    """

    check: str
    action: Action
    label: str
    selections: Selections | None = None
    asks: bool = False
    why_not: str = ""
    then: str = ""

    @property
    def id(self) -> str:
        """The offer within its proposal."""
        return f"{self.check}/{self.action.id}"


def offers(proposal: Proposal, chart: ChartSnapshot, content: Content, site: Site, rows: Sequence[ProductRow] = ()) -> tuple[Offer, ...]:
    """Everything that can be done about the findings and is not done yet, in the order of findings and content.

    `rows` are the products compared for the same selections; without them no product is offered. What changes dose, product or rate steps
    is proposed again first, and offered only where its rule is then no longer true, or less grave, and nothing else graver.
    """

    tried: list[tuple[Selections, Proposal]] = []  # several findings ask for the same change

    def again(selections: Selections) -> Proposal | None:
        known = next((made for one, made in tried if one == selections), None)
        if known is None:
            try:
                known = propose(chart, selections, content, proposal.now, site)
            except SelectionError:
                return None
            tried.append((selections, known))
        return known

    desk = Desk(proposal, content, rows, again)
    return tuple(o for f in proposal.findings for o in _offers_for(f, desk))


def take(found: Iterable[Offer], id_: str, mg_kg_min_typed: Decimal | None, proposal: Proposal) -> Selections:
    """The selections after an offer was pressed. SelectionError where it is not offered (any more), or lacks a usable figure."""
    offer = next((o for o in found if o.id == id_ and not o.why_not), None)
    if offer is None:
        raise SelectionError(said="This is no longer offered, because the order has changed.")
    return offer.selections if offer.selections is not None else _with_cap(proposal, mg_kg_min_typed)


def _offers_for(finding: Finding, desk: Desk) -> Iterator[Offer]:
    check, done = desk.content.checks.get(finding.check), {m.action for m in finding.measures}
    for action in check.actions if check and desk.now.dose is not None else ():
        if action.id not in done:
            yield from _MAKERS.get(action.kind, _change)(finding, action, desk)


def _label(action: Action, desk: Desk, **values: object) -> str:
    return action_words(action, desk.content).offer.format(**values)


def _companion(finding: Finding, action: Action, desk: Desk) -> Iterator[Offer]:
    """A companion to choose or to leave out; one that another finding speaks against is named with it, and not offered."""
    item = next((c for c in desk.now.companions if c.id == action.companion), None)
    if item is None or (item.required and action.kind == LEAVE_OUT):
        return
    label = _label(action, desk, what=item.title)
    if action.kind == ADD and item.against:
        against = ", ".join(desk.content.checks[c].title for c in item.against)
        yield Offer(finding.check, action, label, why_not=desk.content.constants["words"]["companion_against"].format(against=against))
        return
    chosen = desk.now.selections
    companions = {**chosen.companions, action.companion: action.kind == ADD}
    selections = replace(chosen, companions=companions, given=_given(chosen, "companions"))
    made = desk.again(selections)
    after = finding.severity if made is None else severity_of(made, finding.check)
    yield Offer(finding.check, action, label, selections, then="" if after == finding.severity else after)


def _cap(finding: Finding, action: Action, desk: Desk) -> Iterator[Offer]:
    """A lower rate: the label's or the site's for patients at risk, where the clinician had set it aside; else the clinician's figure."""
    words, chosen, concentration = desk.content.constants["words"], desk.now.selections, desk.now.concentration_mg_ml
    if desk.now.rate.label_max_ml_kg_h is None:
        return
    if finding.check in RENAL_OR_THROMBOSIS_RISK and chosen.rate.cap_given:
        left_to_content = replace(chosen, rate=ChosenRate(chosen.rate.ladder))
        made = desk.again(left_to_content)
        if made is not None and is_capped(made.rate) and made.rate.cap_ml_kg_h is not None:
            figure = plain(down(mg_kg_min(made.rate.cap_ml_kg_h, concentration), "0.01"))
            yield Offer(finding.check, action, _label(action, desk, cap=words["cap_figure"].format(figure=figure)), left_to_content)
            return
    yield Offer(finding.check, action, _label(action, desk, cap=words["cap_typed"]), asks=True)


def _with_cap(proposal: Proposal, figure: Decimal | None) -> Selections:
    chosen, limit = proposal.selections, proposal.rate.label_max_ml_kg_h
    most = None if limit is None else mg_kg_min(limit, proposal.concentration_mg_ml)
    if figure is None or most is None or not 0 < figure < most:
        below = "" if most is None else f" and below the label's maximum of {plain(down(most, '0.01'))}"
        raise SelectionError(said=f"Type a rate in mg/kg/min that is above 0{below}.")
    rate = ChosenRate(chosen.rate.ladder, cap_given=True, cap_mg_kg_min=figure)
    return replace(chosen, rate=rate, given=_given(chosen, "rate"))


def _split(finding: Finding, action: Action, desk: Desk) -> Iterator[Offer]:
    """The least number of days that content asks for, within the regimen."""
    regimen, label = desk.now.regimen, _label(action, desk, days=action.days)
    if regimen is not None and action.days > regimen.days[1]:
        why = desk.content.constants["words"]["days_at_most"].format(days=regimen.days[1])
        yield Offer(finding.check, action, label, why_not=why)
    else:
        yield Offer(finding.check, action, label, over_days(desk.now, action.days))


def _change(finding: Finding, action: Action, desk: Desk) -> Iterator[Offer]:
    change = first_that_helps(action.kind, finding.check, desk)
    if change is not None:
        yield Offer(finding.check, action, _label(action, desk, **change.values), change.selections, then=change.severity(finding.check))


_MAKERS: dict[str, Callable[[Finding, Action, Desk], Iterator[Offer]]] = {ADD: _companion, LEAVE_OUT: _companion, CAP: _cap, SPLIT: _split}


def _given(selections: Selections, key: str) -> tuple[str, ...]:
    return tuple(sorted({*selections.given, key}))
