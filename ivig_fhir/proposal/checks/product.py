"""Product: what has to be said of every product made from plasma?"""

from __future__ import annotations

from collections.abc import Callable

from ivig_fhir.proposal.absence import printed
from ivig_fhir.proposal.branches import Hit, finding
from ivig_fhir.proposal.case import Case
from ivig_fhir.proposal.findings import Result

PLASMA = "product.plasma-derived"


def plasma_derived(case: Case) -> Result:
    """Always said: made from human plasma."""
    product = case.order.product
    return finding(case, PLASMA, [Hit("always", (printed("products", product.id, product.proper_name),), {"brand": product.brand})])


CHECKS: tuple[tuple[str, Callable[[Case], Result]], ...] = ((PLASMA, plasma_derived),)
