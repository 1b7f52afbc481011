"""Excipient: does the product hold something that this patient's metabolism cannot handle?"""

from __future__ import annotations

from collections.abc import Callable

from ivig_fhir.proposal.branches import Hit, finding
from ivig_fhir.proposal.case import Case
from ivig_fhir.proposal.findings import Clear, Result
from ivig_fhir.proposal.matching import problems

PROLINE = "excipient.proline"


def proline(case: Case) -> Result:
    """Hyperprolinaemia and a product stabilised with L-proline; a code that covers other disorders too asks for an override."""
    if case.check(PROLINE).thresholds["stabilizer"] not in case.order.product.stabilizers:
        return Clear(PROLINE)
    specific = problems(case, "hyperprolinemia")
    named = {m.item.source.reference for m in specific}
    hits = [Hit("suspected" if m.item.soft else "specific", (m.evidence,), {"said": m.item.said}) for m in specific]
    hits += [
        Hit("nonspecific", (m.evidence,), {"said": m.item.said})
        for m in problems(case, "hyperprolinemia-nonspecific")
        if m.item.source.reference not in named
    ]
    return finding(case, PROLINE, hits) if hits else case.clear(PROLINE)


CHECKS: tuple[tuple[str, Callable[[Case], Result]], ...] = ((PROLINE, proline),)
