"""What is new since the approval, on the pharmacist's screen: findings, what could not be read now, and what can no longer be checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ivig_fhir.content.model import Content
from ivig_fhir.order.since import New, Since
from ivig_fhir.web.finding_view import finding_view
from ivig_fhir.web.render import REASONS, SEVERITY, dated

View = dict[str, Any]
_KINDS = {"hard-stop": "stop", "override": "need", "warning": "warn", "info": "info"}


def since_view(new: Since, content: Content, typed: Mapping[str, str]) -> View:
    """All of it; `typed` is what was said of unread parts on a page that was refused."""
    titles = {id_: title for _, id_, title in content.constants["check_index"]}
    return {
        "found": [_found(x) for x in new.found],
        "unread": [{"type": u.type, "said": dated(u.said), "checks": u.checks, "typed": typed.get(u.type, "")} for u in new.unread],
        "lapsed": [{"title": titles[n.check], "why": REASONS[n.reason.value], "said": dated(n.message)} for n in new.lapsed],
        "problem": new.problem,
    }


def stands_against(new: Since) -> str:
    """Why the order cannot be verified as the record is now; "" where nothing but a word on unread parts is needed."""
    if any(x.blocks for x in new.found):
        return "New findings since the approval: ask the prescriber, or reject the order."
    return new.problem


def _found(x: New) -> View:
    was = f"When it was approved: {SEVERITY[x.was][1].lower()}." if x.was and x.was != x.finding.severity else ""
    asked = "It needs the prescriber's reason: ask, or reject." if x.asks and not x.answer else ""
    return {
        **finding_view(x.finding, x.title),
        "kind": _KINDS[x.finding.severity],
        "was": " ".join(filter(None, (was, asked, f"The prescriber answered: “{x.answer}”" if x.answer else ""))),
    }
