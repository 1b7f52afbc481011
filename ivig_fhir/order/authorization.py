"""Prior authorizations as a payer's answer states them: granted or why not, for which product, for which days, for how many grams."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from decimal import Decimal
from typing import Any

from ivig_fhir.content.model import Content, Product
from ivig_fhir.fhir.codes import HCPCS, Code, codings, texts
from ivig_fhir.fhir.dates import parse_time
from ivig_fhir.fhir.quantity import Quantity
from ivig_fhir.fhir.reading import number, part, parts, short, word
from ivig_fhir.fhir.units import UCUM, UnitError, code_of, convert
from ivig_fhir.proposal.brands import products_named

Resource = Mapping[str, Any]

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
# Words after which a text names what it leaves out, so that a product's name in it is no match.
_EXCLUDES = re.compile(
    r"\b(except\w*|exclud\w*|other than|but not|not (?:for|covered|including|authorized|approved)|no longer|all but|instead of"
    r"|rather than|in place of|without|non)\b",
    re.IGNORECASE,
)
# How a count of billing units is written, beside a number without any unit. See: UCUM (1 and annotations), X12 element 355 (UN).
_COUNTS = frozenset({"", "1", "un", "unit", "units", "{unit}", "{units}", "each", "ea"})


@dataclass(frozen=True, slots=True)
class Permit:
    """A prior authorization as the record has it: granted, for this product, for which days (None: open). `said` is what it says.

    `dated` is False where it names no day at all, or one that cannot be read. `grams` is what it authorizes in all, None where it states no
    amount; `unclear` the amount that it states and that is none in grams, "" otherwise. `against` is why it is not granted, "" where it is.
    """

    granted: bool
    for_product: bool
    begins: date | None
    ends: date | None
    said: str
    dated: bool = True
    grams: Decimal | None = None
    unclear: str = ""
    against: str = ""

    def holds(self, day: date) -> bool:
        """Whether the day is within those that it names; one that names none holds on every day, and is asked about."""
        return (self.begins is None or self.begins <= day) and (self.ends is None or day <= self.ends)


def permits(answers: Iterable[Resource], product: Product, content: Content, zone: tzinfo) -> tuple[Permit, ...]:
    """Every answer to a request for prior authorization, one for each item that the payer added.

    Only what the payer states counts: FHIR R4 ClaimResponse, with the answers of Da Vinci PAS.
    """
    refusing = content.checks["authorization.coverage"].thresholds["not_granted"]
    asked = (r for r in answers if word(r, "use") == "preauthorization" and word(r, "status") != "entered-in-error")
    return tuple(_permit(r, item, product, content, refusing, zone) for r in asked for item in parts(r, "addItem") or ({},))


def _permit(answer: Resource, item: Resource, product: Product, content: Content, refusing: Sequence[str], zone: tzinfo) -> Permit:
    named = item.get("productOrService")
    codes, names = codings(named), texts(named)
    against = next(_against(answer, item, refusing), "")
    begins, ends, dated = _days(answer, item, zone)
    grams, unclear = _amount(answer, item, codes, product)
    shown = ["ClaimResponse", word(answer, "status"), word(answer, "outcome"), *names[:1], word(answer, "created"), against]
    return Permit(
        not against,
        product.id in products_named(content, codes, names) and not any(_EXCLUDES.search(n) for n in names),
        begins,
        ends,
        short(", ".join(w for w in shown if w)),
        dated,
        grams,
        unclear,
        short(against),
    )


def _against(answer: Resource, item: Resource, refusing: Sequence[str]) -> Iterator[str]:
    """Each reason for which nothing is granted, in words."""
    if word(answer, "status") != "active" or word(answer, "outcome") != "complete":
        yield "not complete and in force"
    if answer.get("error"):
        yield "answered with an error"
    if _refuses((word(answer, "disposition"),), refusing):
        yield word(answer, "disposition")
    for made in _adjudications(answer, item):
        for code, said in _actions(made):
            if code not in _WHOLE | _PART:
                yield f"review action {said}"
        reason = made.get("reason")
        if _refuses(texts(reason), refusing) or any(c.code in _DENYING_REASONS for c in codings(reason)):
            yield f"reason {', '.join(texts(reason)) or 'of denial'}"
        stated = [made.get("value"), part(made, "amount").get("value")]
        if _GRANTING_CATEGORIES & _codes(made.get("category")) and any(s is not None and number(s) == 0 for s in stated):
            yield "nothing of it eligible"


def _refuses(said: Iterable[str], refusing: Sequence[str]) -> bool:
    return any(words in text.lower() for text in said for words in refusing)


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


def _days(answer: Resource, item: Resource, zone: tzinfo) -> tuple[date | None, date | None, bool]:
    """First and last day on which all that it says of days holds, and whether it says anything that can be read."""
    day, own = item.get("servicedDate"), next((e for e in parts(item, "extension") if word(e, "url") == _ITEM_PERIOD), {})
    stated = [part(item, "servicedPeriod"), {"start": day, "end": day}, part(own, "valuePeriod"), part(answer, "preAuthPeriod")]
    bounds = [(p.get("start"), p.get("end")) for p in stated if p.get("start") or p.get("end")]
    read = [(parse_time(start, zone), parse_time(end, zone)) for start, end in bounds]
    lost = any((b[0] and not r[0]) or (b[1] and not r[1]) for b, r in zip(bounds, read, strict=True))
    begins = [_local(r[0].earliest, zone) for r in read if r[0]]
    ends = [_local(r[1].latest, zone) for r in read if r[1]]
    return max(begins, default=None), min(ends, default=None), bool(read) and not lost


def _local(moment: datetime, zone: tzinfo) -> date:
    return moment.astimezone(zone).date()


def _amount(answer: Resource, item: Resource, codes: Sequence[Code], product: Product) -> tuple[Decimal | None, str]:
    """The grams that are authorized, or the amount in its own words where it cannot be told in grams."""
    stated = part(item, "quantity")
    if not stated:
        partly = any(code in _PART for made in _adjudications(answer, item) for code, _ in _actions(made))
        return None, "only a part, and not how much" if partly else ""
    value, unit = number(stated.get("value")), _unit(stated)
    billed, hcpcs = product.code_sets.get("hcpcs"), {c.code for c in codes if c.system == HCPCS}
    if value is not None and value >= 0 and word(stated, "comparator") in ("", "<="):
        if unit.lower() in _COUNTS and billed is not None and billed.unit_mg is not None and hcpcs & set(billed.values):
            return convert(Quantity(value * billed.unit_mg, "mg"), "g").value, ""
        try:
            return convert(Quantity(value, code_of(unit) or unit or "1"), "g").value, ""
        except UnitError:
            pass
    return None, " ".join(w for w in ("" if value is None else f"{value}", unit or "without a unit") if w)


def _unit(stated: Resource) -> str:
    coded = word(stated, "code") if word(stated, "system") in ("", UCUM) else ""
    return coded or word(stated, "unit") or word(stated, "code")
