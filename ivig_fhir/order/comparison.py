"""The order as sent against the order as stored: every field compared by meaning, the essential ones named and first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from ivig_fhir.fhir.building import canonical
from ivig_fhir.fhir.codes import codings
from ivig_fhir.fhir.extensions import DOSE_BASIS, RATE_STEP, read
from ivig_fhir.fhir.quantity import plain
from ivig_fhir.fhir.reading import identifiers, part, parts, word
from ivig_fhir.order.meaning import meaning, same
from ivig_fhir.order.receipt import ADDED, CHANGED, LOST, SAME, SAME_MEANING, Line
from ivig_fhir.proposal.dosage_problems import dose_of

NOTHING = "nothing"
_SERVERS_OWN = frozenset({"id", "meta", "text", "resourceType", "language", "contained"})
Element = Mapping[str, Any]


def compare(sent: Element, stored: Element, known: Mapping[str, str] | None = None) -> tuple[Line, ...]:
    """The order as sent and as read back, field by field, essential fields first.

    Compared by meaning: references without base and version (`known` says what each urn became), numbers as numbers, times as instants,
    extensions in any order. Fields that only the server has are named last. Narrative, id and meta are the server's own.
    """
    references = known or {}
    lines = [_line(name, _picked(sent, path), _picked(stored, path), references, _KIND[path], show) for name, path, show in _ESSENTIAL]
    rest = [k for k in sent if k not in _COVERED and k not in _SERVERS_OWN]
    lines += [_line(k, sent.get(k), stored.get(k), references, "", _shown) for k in rest]
    lines += _dosage_lines(_dosage(sent), _dosage(stored), references)
    lines += [_line(k, None, stored[k], references, "", _shown) for k in stored if k not in sent and k not in _SERVERS_OWN]
    return tuple(lines)


def _dosage_lines(sent: Element, stored: Element, known: Mapping[str, str]) -> list[Line]:
    """The parts of the dosage that are not essential fields of their own."""
    keys = [k for k in (*sent, *(k for k in stored if k not in sent)) if k not in _COVERED_DOSAGE]
    lines = [_line(f"dosageInstruction.{k}", sent.get(k), stored.get(k), known, "", _shown) for k in keys]
    mine, theirs = (_other_extensions(d) for d in (sent, stored))
    return lines if mine is theirs is None else [*lines, _line("dosageInstruction.extension", mine, theirs, known, "", _shown)]


def _line(name: str, sent: Any, stored: Any, known: Mapping[str, str], kind: str, show: Any) -> Line:
    if _empty(stored):
        result = LOST if not _empty(sent) else SAME
    elif _empty(sent):
        result = ADDED
    elif same(sent, stored):
        result = SAME
    else:
        gained = _kept(sent, stored) if kind == _NUMBER else _translated(sent, stored)
        result = SAME_MEANING if gained or meaning(sent, known) == meaning(stored, {}) else CHANGED
    return Line(name, show(sent), show(stored), result, bool(kind), kind)


def _translated(sent: Any, stored: Any) -> bool:
    """Whether a concept kept its text and every code of its own, and only gained others."""
    if not isinstance(sent, dict) or not isinstance(stored, dict) or not isinstance(sent.get("coding"), list):
        return False
    return sent.get("text") == stored.get("text") and set(codings(sent)) <= set(codings(stored))


def _kept(sent: Any, stored: Any) -> bool:
    """Whether every number by which the order is found is still there; a server may add its own, and say more about ours."""
    return set(_numbers(sent)) <= set(_numbers(stored))


def _numbers(value: Any) -> tuple[str, ...]:
    """Each identifier as `system|value`, of one or of a list."""
    return identifiers({"identifier": value if isinstance(value, list) else [value]})


def _empty(value: Any) -> bool:
    return value is None or value in ("", [], {}) or (isinstance(value, dict) and all(_empty(v) for v in value.values()))


def _dosage(order: Element) -> Element:
    """The one dosage; a server that made several of it stored something else, so that nothing of it compares equal."""
    items = order.get("dosageInstruction")
    return items[0] if isinstance(items, list) and len(items) == 1 and isinstance(items[0], dict) else {}


def _other_extensions(dosage: Element) -> Element | None:
    """The extensions beside the rate steps, as an element, so that their order does not count."""
    found = [e for e in parts(dosage, "extension") if not word(e, "url").endswith(f"/{RATE_STEP}")]
    return {"extension": found} if found else None


def _beside(dosage: Element, known: Sequence[Element]) -> dict[str, Any]:
    """Doses beside the ordered and the calculated one: a receiver may give any of them."""
    more = [item for item in parts(dosage, "doseAndRate") if not any(item is one for one in known)]
    return {"beside": more} if more else {}


def _picked(order: Element, path: str) -> Any:
    """The essential field of that name as JSON."""
    dosage = _dosage(order)
    ordered, calculated = dose_of(dosage, "ordered"), dose_of(dosage, "calculated")
    doses = {"ordered": ordered.get("doseQuantity"), "calculated": calculated.get("doseQuantity")}
    fields = {
        "patient": order.get("subject"),
        "product": order.get("medicationCodeableConcept") or order.get("medicationReference"),
        "dose": doses | _beside(dosage, (ordered, calculated)),
        "dates": {name: part(dosage, "timing").get(name) for name in ("event", "repeat")},
        "rate": ordered.get("rateRange"),
        "steps": sorted(read(dosage, RATE_STEP), key=lambda s: str(s.get("sequence")).zfill(len("00"))),
        "weight": read(calculated, DOSE_BASIS),
        "status": {"status": order.get("status"), "intent": order.get("intent")},
        "requester": order.get("requester"),
        "identifier": order.get("identifier"),
        "group": order.get("groupIdentifier"),
    }
    return fields[path]


def _value(element: Any) -> str:
    if not isinstance(element, dict) or not isinstance(element.get("value"), int | Decimal):
        return NOTHING
    return f"{plain(Decimal(element['value']))} {element.get('unit') or element.get('code') or ''}".strip()


def _dose(value: Element) -> str:
    if _empty(value):
        return NOTHING
    more = f"; and beside it {_shown(value['beside'])}" if "beside" in value else ""
    return f"{_value(value.get('ordered'))} (calculated {_value(value.get('calculated'))}){more}"


def _rate(value: Any) -> str:
    return _shown(value) if _empty(value) or not isinstance(value, dict) else f"{_value(value.get('low'))} to {_value(value.get('high'))}"


def _steps(value: Sequence[Element]) -> str:
    return ", ".join(f"{_value(s.get('rateCalculated'))} {_how_long(s.get('duration'))}" for s in value) or NOTHING


def _how_long(duration: Any) -> str:
    return f"for {_value(duration)}" if duration else "to the end"


def _weight(value: Sequence[Element]) -> str:
    said = [f"{_value(b.get('dosingWeight'))}, {b.get('weightUsed')}, {b.get('policy')}, {_value(b.get('dosePerWeight'))}" for b in value]
    return "; ".join(said) or NOTHING


def _shown(value: Any) -> str:
    """A field as text: words as they are, a concept by its text, a reference by what it names, a list item by item, else as JSON."""
    if _empty(value):
        return NOTHING
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "; ".join(_shown(item) for item in value)
    if isinstance(value, dict) and isinstance(value.get("text"), str):
        return str(value["text"])
    if isinstance(value, dict) and ("display" in value or "reference" in value):
        return str(value.get("display") or value.get("reference"))
    return canonical(value).decode()


def _dates(value: Element) -> str:
    """The days, and what a repeat beside them says: a receiver may read either."""
    days, repeat = value.get("event"), value.get("repeat")
    said = ", ".join(str(v) for v in days) if isinstance(days, list) and days else NOTHING
    return f"{said} ({_repeat(repeat)})" if isinstance(repeat, dict) and repeat else said


def _repeat(repeat: Element) -> str:
    bounds = repeat.get("boundsPeriod")
    often = f"{repeat.get('count')} times, {repeat.get('frequency')} in {repeat.get('period')} {repeat.get('periodUnit')}"
    return f"{often}, {bounds.get('start')} to {bounds.get('end')}" if isinstance(bounds, dict) else often


def _numbered(value: Any) -> str:
    return ", ".join(n.partition("|")[2] or n for n in _numbers(value)) or NOTHING


def _status(value: Element) -> str:
    return NOTHING if _empty(value) else f"{value.get('status')} {value.get('intent')}"


_ESSENTIAL = (
    ("Patient", "patient", _shown),
    ("Product", "product", _shown),
    ("Dose of one infusion", "dose", _dose),
    ("Dates", "dates", _dates),
    ("Pump rate, lowest and highest", "rate", _rate),
    ("Rate steps", "steps", _steps),
    ("Dosing weight and policy", "weight", _weight),
    ("Status", "status", _status),
    ("Requester", "requester", _shown),
    ("Number of the order", "identifier", _numbered),
    ("Number of its group", "group", _numbered),
)
# What each of these is about, in the one word that the audit keeps.
_KIND = {"patient": "patient", "product": "product", "dose": "dose", "dates": "timing", "rate": "rate", "steps": "rate", "weight": "weight"}
_NUMBER = "identifier"
_KIND |= {name: name for name in ("status", "requester")} | {"identifier": _NUMBER, "group": _NUMBER}
_COVERED = frozenset({"subject", "medicationCodeableConcept", "medicationReference", "status", "intent", "requester", "dosageInstruction"})
_COVERED |= {"identifier", "groupIdentifier"}
_COVERED_DOSAGE = frozenset({"doseAndRate", "extension"})
