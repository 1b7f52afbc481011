"""Companion orders: which of the content's companions this patient is offered, and which are chosen to begin with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ivig_fhir.content.model import Companion, Content
from ivig_fhir.proposal.findings import Finding, Result
from ivig_fhir.proposal.model import CompanionOrder
from ivig_fhir.proposal.selections import Selections


def companions_for(content: Content, results: Mapping[str, Result], selections: Selections, adult: bool) -> tuple[CompanionOrder, ...]:
    """Every companion of the content, each chosen or not: by the clinician, else by the findings that its rule words name.

    Required ones stay chosen. See: `order_sets/companions.toml`, [rules].
    """
    words = {"always": True, "offered": False, "adult": adult, "child": not adult}
    words |= {word: any(_fired(results.get(check)) for check in checks) for word, checks in content.constants["rules"].items()}
    made = (_order(item, _holds(item, words), selections, adult) for item in content.companions)
    return tuple(replace(order, against=_against(item, content, results)) for order, item in zip(made, content.companions, strict=True))


def _against(item: Companion, content: Content, results: Mapping[str, Result]) -> tuple[str, ...]:
    """The checks whose findings speak against it."""
    rules = content.constants["rules"]
    return tuple(check for word in item.unless for check in rules.get(word, ()) if _fired(results.get(check)))


def _holds(item: Companion, words: Mapping[str, bool]) -> bool:
    return any(words[w] for w in item.when) and not any(words[w] for w in item.unless)


def _fired(result: Result | None) -> bool:
    """A finding above information; what was not assessed adds no companion."""
    return isinstance(result, Finding) and result.severity != "info"


def _order(item: Companion, holds: bool, selections: Selections, adult: bool) -> CompanionOrder:
    selected = selections.companions.get(item.id, _premedication(item, selections, holds))
    return CompanionOrder(
        id=item.id,
        kind=item.kind,
        title=item.title,
        text=item.adult if adult or not item.child else item.child,
        selected=selected or item.required,
        required=item.required,
        codes=item.codes,
        offset_minutes=item.offset_minutes,
        citations=item.source.citations,
        confidence=item.source.confidence,
    )


def _premedication(item: Companion, selections: Selections, holds: bool) -> bool:
    """A premedication is what the clinician listed, when a list was given; `[]` means none."""
    if selections.premedication is None or not item.id.startswith("premedication-"):
        return holds
    return item.id.removeprefix("premedication-") in selections.premedication or item.id in selections.premedication
