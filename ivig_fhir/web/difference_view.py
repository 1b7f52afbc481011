"""What the last change did: before and now, only what is different, and which findings came or went."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ivig_fhir.content.model import Content
from ivig_fhir.fhir.quantity import plain
from ivig_fhir.proposal.changes import GONE
from ivig_fhir.proposal.model import Proposal
from ivig_fhir.web.render import SEVERITY, amount, day, duration, measured, plural, short_name
from ivig_fhir.workflow.runtime import LastChange

View = dict[str, Any]
Line = tuple[str, str, str]


def difference_view(change: LastChange, before: Proposal | None, now: Proposal, content: Content) -> View | None:
    """The lines that differ, as (what, before, now); None where there was nothing before or nothing differs."""
    if before is None:
        return None
    lines = [line for line in (*_order(before, now), *_companions(before, now), *_findings(before, now, content)) if line[1] != line[2]]
    same = [what for what, was, is_ in _order(before, now) if was == is_]
    if not lines and not change.understood:
        return None
    return {"lines": lines, "understood": change.understood, "unchanged": ", ".join(same).lower()}


def _order(before: Proposal, now: Proposal) -> Iterator[Line]:
    for what, said in _ORDER:
        yield what, said(before), said(now)


def _companions(before: Proposal, now: Proposal) -> Iterator[Line]:
    was, is_ = ({c.title for c in p.companions if c.selected} for p in (before, now))
    for title in sorted(was ^ is_):
        yield title, "in the order" if title in was else "not in the order", "in the order" if title in is_ else "not in the order"


def _findings(before: Proposal, now: Proposal, content: Content) -> Iterator[Line]:
    """Every finding above information whose severity is another one now, and every reason that was given or taken back."""
    titles = {id_: title for _, id_, title in content.constants["check_index"]}
    was, is_ = ({f.check: f.severity for f in p.findings if f.severity != "info"} for p in (before, now))
    for check in sorted({*was, *is_}, key=list(titles).index):
        yield titles[check], _said(was.get(check, GONE), check, before), _said(is_.get(check, GONE), check, now)


def _said(severity: str, check: str, p: Proposal) -> str:
    if severity == GONE:
        return "not found"
    given = any(o.check == check for o in p.overrides)
    return "reason given" if severity == "override" and given else SEVERITY[severity][1].lower()


def _grams(p: Proposal) -> str:
    return amount(p.dose.per_infusion_g, "g") if p.dose else "none"


def _days(p: Proposal) -> str:
    if p.dose is None:
        return "none"
    first, count = p.dose.infusions[0].date, len(p.dose.infusions)
    return f"{day(first)}" if count == 1 else f"{count}, from {day(first)}"


def _series(p: Proposal) -> str:
    return f"{plural(p.series.cycles, 'course')}, last {day(p.series.last)}" if p.series else "one course"


def _pump(p: Proposal) -> str:
    return f"up to {amount(max(s.ml_h for s in p.rate.steps), 'mL/h')}, {duration(p.rate.total_minutes)}" if p.rate.steps else "none"


_ORDER = (
    ("Indication", lambda p: short_name(p.order_set.name)),
    ("Regimen", lambda p: p.regimen.title if p.regimen else "none"),
    ("Product", lambda p: f"{p.product.brand}, {plain(p.concentration_mg_ml)} mg/mL"),
    ("Each infusion", _grams),
    ("Days", _days),
    ("Series", _series),
    ("Dosing weight", lambda p: measured(p.weight.dosing_kg, "kg")),
    ("Pump", _pump),
)
