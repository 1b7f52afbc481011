"""Glucose: may the product's maltose be read as glucose by a bedside meter, and insulin be given for it?"""

from __future__ import annotations

from collections.abc import Callable

from ivig_fhir.chart.facts import Drug
from ivig_fhir.proposal.branches import Hit, finding
from ivig_fhir.proposal.case import Case
from ivig_fhir.proposal.checks.excipient import composition, holds
from ivig_fhir.proposal.findings import Clear, Result
from ivig_fhir.proposal.matching import Match, drugs, problems

METER = "glucose.maltose-meter"
_RUNNING = "in-progress"


def maltose_meter(case: Case) -> Result:
    """A product with maltose: gravest with insulin or a drug that releases it, only information where the site's meters are safe."""
    check, held = case.check(METER), holds(case, METER)
    if held is None:
        return case.unknown(METER, check.messages["composition-unknown"].format(product=case.order.product.brand))
    if not held:
        return Clear(METER)
    if case.site.glucose_meters_maltose_safe:
        return finding(case, METER, [Hit("safe-meters", (composition(case),))])
    treated = [m for m in drugs(case, "insulin-or-secretagogue") if _is_running(m)]
    diabetic = problems(case, "diabetes")
    hits = [Hit("insulin", (composition(case), m.evidence), {"said": m.item.said}) for m in treated]
    hits += [Hit("diabetes", (composition(case), m.evidence), {"said": m.item.said}) for m in diabetic]
    unread = case.chart.unread(check.depends_on)
    if hits and unread is not None and not treated:
        hits.append(Hit("not-all-read", (), {"type": unread.type}))
    if hits:
        return finding(case, METER, hits)
    return case.clear(METER) if unread is not None else finding(case, METER, [Hit("maltose", (composition(case),))])


def _is_running(match: Match[Drug]) -> bool:
    """An active order or statement, or an infusion that runs now."""
    return match.item.state == "active" or (match.item.kind == "administration" and match.item.status == _RUNNING)


CHECKS: tuple[tuple[str, Callable[[Case], Result]], ...] = ((METER, maltose_meter),)
