"""A payer's answer to a request for prior authorization: what in it, as coded, grants nothing, and for which days it holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ivig_fhir.chart.answers import Resource
from ivig_fhir.fhir.codes import codings, texts
from ivig_fhir.fhir.reading import number, part, parts, word

# Da Vinci PAS puts the answer of an X12 278 into extensions of an adjudication.
# See: hl7.org/fhir/us/davinci-pas, StructureDefinition extension-reviewAction, extension-reviewActionCode, extension-itemPreAuthPeriod.
_PAS = "http://hl7.org/fhir/us/davinci-pas/StructureDefinition/"
_ACTION, _ACTION_CODE, _ITEM_PERIOD = (f"{_PAS}extension-{name}" for name in ("reviewAction", "reviewActionCode", "itemPreAuthPeriod"))
# X12 element 306, action code: certified in total, certified in part, modified. Every other one (A3 not certified, A4 pended, C cancelled,
# CT contact payer, NA no action required) certifies nothing, and neither does one that is not known here.
_WHOLE, _PART = frozenset({"A1"}), frozenset({"A2", "A6"})
# terminology.hl7.org: adjudication-reason is not covered, plan limit reached; of these categories of adjudication zero means nothing.
_DENYING_REASONS = frozenset({"ar001", "ar002"})
_GRANTING_CATEGORIES = frozenset({"eligible", "eligpercent", "benefit"})


def added_items(answer: Resource) -> tuple[Resource, ...]:
    """The items that the payer added, one authorization each; an empty one stands for an answer without any."""
    return parts(answer, "addItem") or ({},)


def denials(answer: Resource, item: Resource) -> Iterator[str]:
    """Each reason, as coded, for which even a complete answer in force grants nothing of an item that the payer added, in words."""
    if answer.get("error"):
        yield "answered with an error"
    for made in _adjudications(answer, item):
        for code, said in _actions(made):
            if code not in _WHOLE | _PART:
                yield f"review action {said}"
        reason = made.get("reason")
        if any(c.code in _DENYING_REASONS for c in codings(reason)):
            yield f"reason {', '.join(texts(reason)) or 'of denial'}"
        stated = [made.get("value"), part(made, "amount").get("value")]
        if _GRANTING_CATEGORIES & _codes(made.get("category")) and any(s is not None and number(s) == 0 for s in stated):
            yield "nothing of it eligible"


def reasons_in_words(answer: Resource, item: Resource) -> Iterator[str]:
    """What the payer wrote beside its codes: of the whole answer, and as the reason of each adjudication."""
    if said := word(answer, "disposition"):
        yield said
    for made in _adjudications(answer, item):
        yield from texts(made.get("reason"))


def certified_in_part(answer: Resource, item: Resource) -> bool:
    """Whether a review action certifies a part only, or something else than was asked for."""
    return any(code in _PART for made in _adjudications(answer, item) for code, _ in _actions(made))


def stated_periods(answer: Resource, item: Resource) -> tuple[tuple[Any, Any], ...]:
    """Every first and last day that the answer states for an item, as it states them; it holds on what all of them have in common."""
    day, own = item.get("servicedDate"), next((e for e in parts(item, "extension") if word(e, "url") == _ITEM_PERIOD), {})
    stated = [part(item, "servicedPeriod"), {"start": day, "end": day}, part(own, "valuePeriod"), part(answer, "preAuthPeriod")]
    return tuple((p.get("start"), p.get("end")) for p in stated if p.get("start") or p.get("end"))


def _adjudications(answer: Resource, item: Resource) -> Iterator[Resource]:
    """Those of the whole answer, of the added item and its parts, and of the claim's items that it stands for.

    Where it does not say for which of the claim's items it stands, each may be its own.
    """
    yield from parts(answer, "adjudication")
    added = [item, *parts(item, "detail"), *(sub for detail in parts(item, "detail") for sub in parts(detail, "subDetail"))]
    linked = item.get("itemSequence")
    own = [i for i in parts(answer, "item") if not isinstance(linked, list) or i.get("itemSequence") in linked]
    for one in (*added, *own):
        yield from parts(one, "adjudication")


def _actions(adjudication: Resource) -> Iterator[tuple[str, str]]:
    """Code and words of each review action; a review action that gives no code is one that is not known."""
    outer = parts(adjudication, "extension")
    found = [e for e in outer if word(e, "url") == _ACTION_CODE]
    for action in (e for e in outer if word(e, "url") == _ACTION):
        found += [e for e in parts(action, "extension") if word(e, "url") == _ACTION_CODE] or [{}]
    for given in found:
        concept = given.get("valueCodeableConcept") or {"coding": [given.get("valueCoding")], "text": given.get("valueCode")}
        code = next(iter(_codes(concept) or [word(given, "valueCode")]), "")
        yield code, " ".join(w for w in (code, *texts(concept)[:1]) if w) or "without a code"


def _codes(concept: object) -> set[str]:
    """The bare codes of a concept, whatever their system says."""
    return {word(c, "code") for c in parts(concept, "coding") if word(c, "code")}
