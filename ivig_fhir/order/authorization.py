"""Prior authorizations as a payer's answer states them: granted or why not, for which product, for which days, for how many grams."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from decimal import Decimal
from typing import Any

from ivig_fhir.chart.payer_answer import added_items, certified_in_part, denials, reasons_in_words, stated_periods
from ivig_fhir.content.model import Content, Product
from ivig_fhir.fhir.codes import HCPCS, Code, codings, texts
from ivig_fhir.fhir.dates import parse_time
from ivig_fhir.fhir.quantity import Quantity
from ivig_fhir.fhir.reading import number, part, short, word
from ivig_fhir.fhir.units import UCUM, UnitError, code_of, convert
from ivig_fhir.proposal.brands import products_named

Resource = Mapping[str, Any]

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
    return tuple(_permit(r, item, product, content, refusing, zone) for r in asked for item in added_items(r))


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
    """Each reason for which nothing is granted, in words: as coded, then as written."""
    if word(answer, "status") != "active" or word(answer, "outcome") != "complete":
        yield "not complete and in force"
    yield from denials(answer, item)
    yield from (said for said in reasons_in_words(answer, item) if any(words in said.lower() for words in refusing))


def _days(answer: Resource, item: Resource, zone: tzinfo) -> tuple[date | None, date | None, bool]:
    """First and last day on which all that it says of days holds, and whether it says anything that can be read."""
    bounds = stated_periods(answer, item)
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
        return None, "only a part, and not how much" if certified_in_part(answer, item) else ""
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
