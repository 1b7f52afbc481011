"""The story of one order: a sentence for each act, with time and person, and under it what was signed, stored, asked and answered."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any

from ivig_fhir.content.model import Content
from ivig_fhir.fhir.references import plain_reference
from ivig_fhir.store.audit import AuditRow
from ivig_fhir.store.orders import text_digest
from ivig_fhir.web.render import STATES, amount, clock, day, short_name
from ivig_fhir.web.schedule import days_view
from ivig_fhir.web.story_words import ANSWERED, WENT_ON, sentence
from ivig_fhir.web.supply_view import receipt_said
from ivig_fhir.workflow.story import Story

View = dict[str, Any]
_DECIDED = "order.deciding"
_SHORT = 19  # of a digest: the algorithm and enough to compare by eye


def story_view(told: Story, content: Content, zone: tzinfo, person: View) -> View:
    """Everything on the page; times in the site's zone."""
    return {
        "banner": person,
        "title": STATES.get(told.run.state, told.run.state),
        "zone": str(zone),
        "acts": [_act(row, word, said, told, content, zone) for row, word, said in placed(told.rows, told.words)],
    }


def placed(rows: Sequence[AuditRow], words: Sequence[Mapping[str, Any]]) -> Iterator[tuple[AuditRow, str, Mapping[str, Any] | None]]:
    """Each row with the word of the table that tells it, and the word that somebody said then.

    The row after a decision on its way records it; the words that are kept belong to the last of these rows, one each from the end.
    """
    told = [at for at, row in enumerate(rows) if at and rows[at - 1].what == _DECIDED and _is_outcome(row.what)]
    said = dict(zip(reversed(told), reversed(words), strict=False))
    for at, row in enumerate(rows):
        word = said.get(at)
        if at in told and row.what == "order.sent":
            yield row, ANSWERED, word
        elif word is not None and word.get("event") == "resume":
            yield row, WENT_ON, word
        else:
            yield row, row.what, word


def _is_outcome(what: str) -> bool:
    return what not in (_DECIDED, "order.undecided", "order.unanswered")


def _act(row: AuditRow, word: str, said: Mapping[str, Any] | None, told: Story, content: Content, zone: tzinfo) -> View:
    order, under = told.order, list[str]()
    kept: dict[str, str] = {}
    if word == "order.approved" and order and row.digest == order.digest:
        body = json.loads(order.body)
        kept["order"], under = _ordered(body, content), list(_signed(body, content))
    if word in ("order.sent", "order.incomplete") and order and order.receipt and row.digest == text_digest(order.receipt):
        kept["stored"] = f": {receipt_said(order.receipt)['said']}"
    if said is not None:
        kept |= {"said": _said(said), "second": _second(said)}
        under += [f"{u['type']} could not be read. Pharmacist: “{u['note']}”" for u in said.get("unread") or ()]
        under += [f"The EHR does not hold: {', '.join(said['not_stored'])}."] if said.get("not_stored") else []
        under += [str(x["said"]) for x in said.get("companions") or ()]
    return {
        "when": _when(row.at, zone),
        "said": sentence(word, _name(row.who, told.names), row.note, **kept),
        "under": under,
        "digest": row.digest[:_SHORT],
    }


def _when(at: datetime, zone: tzinfo) -> str:
    here = at.astimezone(zone)
    return f"{day(here)}, {clock(here)}"


def _name(who: str, names: Mapping[str, str]) -> str:
    return names.get(plain_reference(who), who) if who else "The app"


def _ordered(body: Mapping[str, Any], content: Content) -> str:
    """`: 25 g each day, on 5 days, of Gamunex-C for Myasthenia gravis, on a dosing weight of 68.4 kg`."""
    dose, series = body["dose"], body["series"]
    dates = series["dates"] if series else [i["date"] for i in dose["infusions"]]
    number = days_view(dose["per_infusion_g"], dates, series)
    brand, name = content.products[body["product"]["id"]].brand, short_name(content.order_sets[body["indication"]].name)
    weight = amount(body["weight"]["dosing_kg"], "kg")
    return f": {number['grams']} {number['each']}, of {brand} for {name}, from {day(dates[0])}, on a dosing weight of {weight}"


def _signed(body: Mapping[str, Any], content: Content) -> Iterator[str]:
    """What was known and overridden with the signature, and on which content."""
    titles = {id_: title for _, id_, title in content.constants["check_index"]}
    labels = dict(content.constants["override_reasons"])
    for o in body["overrides"]:
        yield f"Overridden: {titles.get(o['check'], o['check'])}. {labels.get(o['code'], o['code'])}: “{o['note']}”"
    gaps = [titles.get(n["check"], n["check"]) for n in body["not_assessed"]]
    if gaps:
        yield f"Signed as not assessed: {', '.join(gaps)}."
    yield f"Content version {body['content']['version']}."


def _said(word: Mapping[str, Any]) -> str:
    reason = word.get("reason") or {}
    note, label = str(reason.get("note") or word.get("note") or "").removesuffix("."), reason.get("display", "")
    return "".join((f": {label}" if label else "", f": “{note}”" if note else ""))


def _second(word: Mapping[str, Any]) -> str:
    """What the second calculation said when the order was verified."""
    if word.get("lines") is None:
        return ""
    version = f" of version {word['version']} of the order" if word.get("version") else ""
    return f": the second calculation{version} agreed in {word['agreed']} of {word['lines']} lines"
