"""Which rate table a patient may be offered: that of product, indication and concentration; a maker's chart only to who is used to it."""

from __future__ import annotations

from datetime import timedelta

from ivig_fhir.chart.facts import Drug
from ivig_fhir.content.model import Content, Ladder
from ivig_fhir.proposal.applicability import choose_concentration
from ivig_fhir.proposal.brands import products_named
from ivig_fhir.proposal.case import Case
from ivig_fhir.proposal.matching import drugs
from ivig_fhir.proposal.rates import choose_ladder, for_patient, rate_of


def offered_ladder(case: Case) -> Ladder | None:
    """The rate table of the order as planned, None where its product has none. SelectionError for a table that it does not have."""
    order = case.order
    chosen = rate_of(case.selections, order.regimen).ladder
    ladder = choose_ladder(order.product, order.indication.label_code, chosen, choose_concentration(order.product, case.selections))
    if ladder is None or ladder.new_patients is None:
        return ladder
    return for_patient(ladder, used_to_it(case, ladder.new_patients.within_days))


def used_to_it(case: Case, days: int) -> bool:
    """Whether the same product was surely given within `days` before the first infusion; without a brand or a date nothing is sure."""
    given = (m.item for m in drugs(case, "ig-therapy") if m.item.kind == "administration" and m.item.state == "given")
    return any(_is_of(item, case.order.product.id, case.content) and _within(case, item, days) for item in given)


def _is_of(item: Drug, product: str, content: Content) -> bool:
    return products_named(content, item.codes, item.texts) == {product}


def _within(case: Case, item: Drug, days: int) -> bool:
    return item.time is not None and case.order.start - item.time.earliest <= timedelta(days=days)
