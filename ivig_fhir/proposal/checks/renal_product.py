"""Renal product: does the product hold sucrose, which harms kidneys, above all those at risk?"""

from __future__ import annotations

from collections.abc import Callable

from ivig_fhir.proposal.branches import Hit, finding
from ivig_fhir.proposal.case import Case
from ivig_fhir.proposal.checks.excipient import composition, holds
from ivig_fhir.proposal.findings import Clear, NotAssessed, Result

SUCROSE = "renal.sucrose"
_RISKS = ("renal.acute-kidney-injury", "renal.reduced-function", "renal.risk-factors")


def sucrose(case: Case) -> Result:
    """A product stabilised with sucrose: forbidden to kidneys at risk, a question where the risk could not be judged, a warning to all."""
    check, held = case.check(SUCROSE), holds(case, SUCROSE)
    if held is None:
        return case.unknown(SUCROSE, check.messages["composition-unknown"].format(product=case.order.product.brand))
    if not held:
        return Clear(SUCROSE)
    risks = [f for f in (case.fired(id_) for id_ in _RISKS) if f is not None]
    if risks:
        names = ", ".join(case.check(f.check).title for f in risks)
        shown = (composition(case), *(e for f in risks for e in f.evidence))
        return finding(case, SUCROSE, [Hit("at-risk", shown, {"risks": names})])
    open_ = [id_ for id_ in _RISKS if isinstance(case.earlier.get(id_), NotAssessed)]
    if open_:
        return finding(
            case, SUCROSE, [Hit("risk-unknown", (composition(case),), {"risks": ", ".join(case.check(id_).title for id_ in open_)})]
        )
    return finding(case, SUCROSE, [Hit("no-risk", (composition(case),))])


CHECKS: tuple[tuple[str, Callable[[Case], Result]], ...] = ((SUCROSE, sucrose),)
