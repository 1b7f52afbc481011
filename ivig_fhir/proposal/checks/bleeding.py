"""Bleeding: does this patient bleed easily, and is thromboprophylaxis ordered beside it?"""

from __future__ import annotations

from collections.abc import Callable

from ivig_fhir.chart.facts import Measurement
from ivig_fhir.proposal.absence import ordered
from ivig_fhir.proposal.branches import Hit, finding
from ivig_fhir.proposal.case import Case
from ivig_fhir.proposal.findings import Result
from ivig_fhir.proposal.matching import is_below, measured, newest, problems, recent_problems, taken

DISORDER = "bleeding.disorder"


def disorder(case: Case) -> Result:
    """A bleeding disorder, few platelets or a drug against clotting; with thromboprophylaxis on the order it weighs more.

    Without a platelet count of the last days it is not known whether platelets are few.
    """
    check, counts = case.check(DISORDER), _platelets(case)
    few = [m for m in counts if is_below(m, check.number("plt"))]
    hits = [*_signs(case, few), *(_with_prophylaxis(case, few) if case.selections.thromboprophylaxis else ())]
    known = bool(few) or any(is_below(m, check.number("plt")) is False and not m.preliminary for m in counts)
    missing = {"days": check.number("plt_days")}
    if hits:
        return finding(case, DISORDER, [*hits, *(() if known else (Hit("no-platelets", (), missing),))])
    return case.clear(DISORDER) if known else case.unknown(DISORDER, check.messages["no-platelets"].format(**missing))


def _platelets(case: Case) -> list[Measurement]:
    return [m for m in newest(case, "platelets") if case.within(m.time, case.check(DISORDER).number("plt_days"))]


def _signs(case: Case, few: list[Measurement]) -> list[Hit]:
    check = case.check(DISORDER)
    days, limit = check.number("med_window_days"), check.number("plt")
    hits = [Hit("disorder", (m.evidence,), {"said": m.item.said}) for m in problems(case, "bleeding-disorder")]
    against = [m for set_id in check.thresholds["drugs"] for m in taken(case, set_id, days)]
    hits += [Hit("drug", (m.evidence,), {"said": m.item.said, "days": days}) for m in against]
    return hits + [Hit("low-platelets", (measured(m),), {"said": m.said, "limit": limit}) for m in few]


def _with_prophylaxis(case: Case, few: list[Measurement]) -> list[Hit]:
    check, order = case.check(DISORDER), ordered("thromboprophylaxis")
    days = check.number("bleeding_days")
    hits = [Hit("prophylaxis-disorder", (order, m.evidence)) for m in problems(case, "bleeding-disorder")]
    hits += [Hit("prophylaxis-low-platelets", (order, measured(m)), {"limit": check.number("plt")}) for m in few]
    bleeding = recent_problems(case, "active-bleeding", days)
    return hits + [Hit("prophylaxis-bleeding", (order, m.evidence), {"said": m.item.said, "days": days}) for m in bleeding]


CHECKS: tuple[tuple[str, Callable[[Case], Result]], ...] = ((DISORDER, disorder),)
