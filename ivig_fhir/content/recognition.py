"""What a chart may call immunoglobulin: the value set, and the names and codes of every product that content knows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from ivig_fhir.content.product import Product
from ivig_fhir.fhir.codes import NDC, SHORT, Code, ValueSet, code

IMMUNOGLOBULIN = "ig-therapy"


def with_products(found: ValueSet, products: Iterable[Product], names: Mapping[str, Iterable[str]]) -> ValueSet:
    """The set with what it does not recognise yet: an NDC stands for all packages that begin with it, every other code for itself."""
    new = [c for p in products for c in _codes(p) if not found.by_code([c])]
    words = [n for own in names.values() for n in own if not found.by_text([n])]
    return replace(
        found,
        exact=found.exact | {c for c in new if c.system != NDC},
        prefixes=(*found.prefixes, *(c for c in new if c.system == NDC)),
        terms=(*found.terms, *words),
    )


def _codes(product: Product) -> Iterable[Code]:
    made = (code(SHORT[system], value) for system, values in product.codes.items() for value in values)
    return (c for c in made if c is not None)
