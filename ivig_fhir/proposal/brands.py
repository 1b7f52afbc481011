"""Brands: which immunoglobulin products the words and codes of an entry may mean."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from ivig_fhir.content.model import Content, Product
from ivig_fhir.fhir.codes import NDC, SHORT, Code, code

Ids = frozenset[str]
NONE: Ids = frozenset()


def products_named(content: Content, codes: Iterable[Code], texts: Iterable[str]) -> Ids:
    """Ids of the products that an entry may be about, ordered here or only known by name.

    Several share a billing code; words tell them apart. Empty when neither names a product, or when they name different ones. The codes of
    a product that is only known by name are not known here, so they contradict nothing.
    """
    by_words, by_codes = _by_words(content.constants["known_products"], texts), _by_codes(content, tuple(codes))
    if not by_words or not by_codes:
        return by_words or by_codes
    return by_words & by_codes or frozenset(id_ for id_ in by_words if id_ not in content.products)


def _by_words(names: Mapping[str, Iterable[str]], texts: Iterable[str]) -> Ids:
    """Of several names in one text the longest counts: Gammagard Liquid ERC is not Gammagard Liquid."""
    found: set[str] = set()
    for text in texts:
        lowered = text.lower()
        named = [(len(n), id_) for id_, all_ in names.items() for n in all_ if n in lowered and _whole(n).search(lowered)]
        longest = max((length for length, _ in named), default=0)
        found |= {id_ for length, id_ in named if length == longest}
    return frozenset(found)


def _whole(name: str) -> re.Pattern[str]:
    return re.compile(r"(?<!\w)" + re.escape(name) + r"(?!\w)")


def _by_codes(content: Content, codes: Iterable[Code]) -> Ids:
    return frozenset(p.id for p in content.products.values() if any(_has(p, c) for c in codes))


def _has(product: Product, item: Code) -> bool:
    """NDC stand for all packages that begin with them."""
    for system, values in product.codes.items():
        own = [code(SHORT[system], v) for v in values] if SHORT[system] == item.system else []
        if any(o is not None and (item == o or (o.system == NDC and item.code.startswith(o.code))) for o in own):
            return True
    return False
