"""Changes: what else this order could be after which a check no longer finds anything, or something less grave."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from ivig_fhir.content.model import SEVERITIES, Content
from ivig_fhir.fhir.dates import parse_time
from ivig_fhir.proposal.compare_products import ProductRow
from ivig_fhir.proposal.model import Proposal
from ivig_fhir.proposal.selections import ChosenRate, Selections

GONE = "clear"


@dataclass(frozen=True)
class Desk:
    """What changes are tried on: the proposal as it is, the products compared for it, and a way to propose other choices.

    `again` answers None where the choices cannot be proposed.
    """

    now: Proposal
    content: Content
    rows: Sequence[ProductRow]
    again: Callable[[Selections], Proposal | None]


@dataclass(frozen=True)
class Change:
    """Other choices, the words that name them, and the proposal that they give."""

    values: dict[str, object]
    selections: Selections
    made: Proposal

    def severity(self, check: str) -> str:
        """What the check finds afterwards; `clear` when nothing."""
        return severity_of(self.made, check)


def first_that_helps(kind: str, check: str, desk: Desk) -> Change | None:
    """The first change of a kind after which the finding is gone or less grave, and no other that needs a reason is new or graver."""
    before = severity_of(desk.now, check)
    for change in _CHANGES[kind](desk):
        if _rank(change.severity(check)) < _rank(before) and _no_graver(desk.now, change.made):
            return change
    return None


def over_days(proposal: Proposal, days: int) -> Selections:
    """The same order over other days, which follow each other from the same first day."""
    chosen = proposal.selections
    start = chosen.start or (parse_time(chosen.dates[0].isoformat()) if chosen.dates else None)
    given = {*(k for k in chosen.given if k != "dates"), "days", *(["start"] if start else [])}
    return replace(chosen, days=days, dates=None, start=start, given=tuple(sorted(given)))


def _other_days(desk: Desk) -> Iterator[Change]:
    """Every number of days that the regimen allows, the nearest first."""
    regimen, dose = desk.now.regimen, desk.now.dose
    if regimen is None or dose is None:
        return
    now = len(dose.infusions)
    for days in sorted(range(regimen.days[0], regimen.days[1] + 1), key=lambda n: abs(n - now)):
        if days != now:
            yield from _made(desk, over_days(desk.now, days), days=days)


def _other_products(desk: Desk) -> Iterator[Change]:
    """The products of the comparison that suit this patient, in its order."""
    for row in desk.rows:
        if row.proposal is not None and row.suits and not row.chosen:
            yield Change({"product": row.product.brand}, row.proposal.selections, row.proposal)


def _as_the_regimen_says(desk: Desk) -> Iterator[Change]:
    chosen = desk.now.selections
    replaced = ("dose", "days", "dates", "interval_weeks", "cycles", "absolute_max_g")
    empty = dict.fromkeys(("per_kg", "course_g", "days", "dates", "interval_weeks", "cycles", "absolute_max_g"))
    given = tuple(k for k in chosen.given if k not in replaced)
    if desk.now.regimen is not None:
        yield from _made(desk, replace(chosen, **empty, given=given), regimen=desk.now.regimen.title)  # type: ignore[arg-type]


def _undiluted(desk: Desk) -> Iterator[Change]:
    chosen = desk.now.selections
    yield from _made(desk, replace(chosen, diluent=None, given=tuple(k for k in chosen.given if k != "diluent")))


def _own_steps(desk: Desk) -> Iterator[Change]:
    chosen = desk.now.selections
    yield from _made(desk, replace(chosen, rate=ChosenRate(), given=tuple(k for k in chosen.given if k != "rate")))


def _made(desk: Desk, selections: Selections, **values: object) -> Iterator[Change]:
    made = desk.again(selections)
    if made is not None:
        yield Change(values, selections, made)


_CHANGES: dict[str, Callable[[Desk], Iterator[Change]]] = {
    "days": _other_days,
    "product": _other_products,
    "regimen": _as_the_regimen_says,
    "undiluted": _undiluted,
    "steps": _own_steps,
}


def severity_of(proposal: Proposal, check: str) -> str:
    """What a check found in a proposal; `clear` when nothing."""
    return next((f.severity for f in proposal.findings if f.check == check), GONE)


def _rank(severity: str) -> int:
    return SEVERITIES.index(severity) if severity in SEVERITIES else -1


def _no_graver(before: Proposal, after: Proposal) -> bool:
    grave = _rank("override")
    return not any(_rank(f.severity) >= grave and _rank(f.severity) > _rank(severity_of(before, f.check)) for f in after.findings)
