"""Lung: did a transfusion or an infusion injure this patient's lungs before?"""

from __future__ import annotations

from collections.abc import Callable

from ivig_fhir.proposal.branches import Hit, finding
from ivig_fhir.proposal.case import Case
from ivig_fhir.proposal.findings import Result
from ivig_fhir.proposal.matching import problems

TRALI = "lung.previous-trali"


def previous_trali(case: Case) -> Result:
    """Transfusion-related acute lung injury at any time."""
    hits = [Hit("previous", (m.evidence,), {"said": m.item.said}) for m in problems(case, "trali", active_only=False)]
    return finding(case, TRALI, hits) if hits else case.clear(TRALI)


CHECKS: tuple[tuple[str, Callable[[Case], Result]], ...] = ((TRALI, previous_trali),)
