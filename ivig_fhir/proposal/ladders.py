"""Which rate table a patient may be offered: that of product, indication and concentration; a maker's chart only to who is used to it."""

from __future__ import annotations

from datetime import timedelta

from ivig_fhir.content.model import Ladder
from ivig_fhir.proposal.applicability import choose_concentration
from ivig_fhir.proposal.case import Case
from ivig_fhir.proposal.history import infusions
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
    product, start = case.order.product.id, case.order.start
    dated = ((i.products, i.time) for i in infusions(case) if i.time is not None and not case.in_future(i.time))
    return any(products == {product} and start - time.earliest <= timedelta(days=days) for products, time in dated)
