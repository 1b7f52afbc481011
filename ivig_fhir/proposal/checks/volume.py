"""Volume: can this patient's heart take the volume of the infusion?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from decimal import Decimal

from ivig_fhir.proposal.branches import Hit, finding
from ivig_fhir.proposal.case import Case
from ivig_fhir.proposal.findings import Result
from ivig_fhir.proposal.matching import is_below, measured, problems, recent_problems
from ivig_fhir.proposal.recent import Recent, recent

HEART = "volume.heart-failure"


def heart_failure(case: Case) -> Result:
    """Heart failure; decompensated by diagnosis, natriuretic peptide or ejection fraction, or with much volume a day, it weighs more."""
    check = case.check(HEART)
    days = check.number("acute_days")
    acute = recent_problems(case, "heart-failure-acute", days)
    known = problems(case, "heart-failure")
    hits = [Hit("acute", (m.evidence,), {"said": m.item.said, "days": days}) for m in acute]
    hits += [Hit("known", (m.evidence,), {"said": m.item.said}) for m in known]
    values = _values(case)
    hits += _laboratory(case, values)
    volume = _ml_kg_day(case)
    if (acute or known) and volume is not None and volume > check.number("volume_ml_kg_day_above"):
        hits.append(Hit("much-volume", (), {"volume": volume, "limit": check.number("volume_ml_kg_day_above")}))
    if (acute or known) and not values["lvef"].shown:
        hits.append(Hit("no-ejection-fraction"))
    if hits:
        return finding(case, HEART, hits)
    unclear = any(v.obscured for v in values.values())
    return case.unknown(HEART, check.messages["not-readable"]) if unclear else case.clear(HEART)


def _laboratory(case: Case, values: Mapping[str, Recent]) -> Iterable[Hit]:
    check = case.check(HEART)
    for panel, limit in (("nt-probnp", "ntprobnp"), ("bnp", "bnp")):
        for item in values[panel].shown:
            if is_below(item, check.number(limit)) is False:
                yield Hit("natriuretic-peptide", (measured(item),), {"said": item.said, "limit": check.number(limit)})
    for item in values["lvef"].shown:
        if is_below(item, check.number("lvef")):
            yield Hit("ejection-fraction", (measured(item),), {"said": item.said, "limit": check.number("lvef")})


def _values(case: Case) -> Mapping[str, Recent]:
    check = case.check(HEART)
    windows = {"nt-probnp": "lab_days", "bnp": "lab_days", "lvef": "lvef_days"}
    return {panel: recent(case, panel, timedelta(days=int(check.number(days)))) for panel, days in windows.items()}


def _ml_kg_day(case: Case) -> Decimal | None:
    """Millilitres per kilogram of one day, before vial rounding, so that rounding alone cannot cross the limit."""
    order = case.order
    if order.per_infusion_g_kg is None or order.volume_ml is None or not order.per_infusion_g:
        return None
    return order.per_infusion_g_kg * order.volume_ml / order.per_infusion_g


CHECKS: tuple[tuple[str, Callable[[Case], Result]], ...] = ((HEART, heart_failure),)
