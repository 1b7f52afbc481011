"""Every product for the same patient and order, side by side: each row is a proposal of its own with only the product changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from ivig_fhir.chart.snapshot import ChartSnapshot
from ivig_fhir.content.model import Content, Product
from ivig_fhir.content.site import Site
from ivig_fhir.errors import SelectionError
from ivig_fhir.proposal.findings import Finding
from ivig_fhir.proposal.model import Proposal, Vial
from ivig_fhir.proposal.propose import propose
from ivig_fhir.proposal.selections import Selections

_AGE = "product.age"
_AGAINST = ("override", "hard-stop")


@dataclass(frozen=True, slots=True)
class Against:
    """A reason for which a product does not suit this patient, in one sentence, and the check that found it, if one did."""

    said: str
    check: str | None = None


@dataclass(frozen=True, slots=True)
class Load:
    """What one infusion brings of something: low and high in `unit` (None: no figure is known), and what the label says of it.

    `says` is empty where nothing about it was verified.
    """

    low: Decimal | None
    high: Decimal | None
    unit: str
    says: str


@dataclass(frozen=True, slots=True)
class ProductRow:
    """One product for this patient. Of one infusion: g, mL, minutes, mL/h, vials; how many there are, and grams of the course.

    None where it could not be computed. `chosen` marks the product of the selections themselves. `against` is empty for a product that
    suits. `found` are the findings above information of checks that depend on the product. `proposal` is the whole proposal that the row
    was read from, None where there can be none.
    """

    product: Product
    chosen: bool
    on_label: bool
    against: tuple[Against, ...]
    found: tuple[Finding, ...]
    per_infusion_g: Decimal | None
    infusions: int | None
    course_g: Decimal | None
    vials: tuple[Vial, ...]
    waste_g: Decimal | None
    volume_ml: Decimal | None
    minutes: int | None
    highest_ml_h: Decimal | None
    rate_basis: str
    cap_reason: str | None
    sodium: Load
    sugar: Load
    iga: str
    proposal: Proposal | None

    @property
    def suits(self) -> bool:
        """Whether nothing speaks against this product for this patient."""
        return not self.against


def compare_products(chart: ChartSnapshot, selections: Selections, content: Content, now: datetime, site: Site) -> tuple[ProductRow, ...]:
    """A row for every product that is made: those that suit first, of these the labelled ones, the default before others, then by brand.

    Products of which it was not verified that they can be had come after the others.

    Everything that the clinician chose is kept but for what belongs to a product: concentration, vials, and a rate table that the other
    product does not have. SelectionError where the selections themselves cannot be proposed.
    """
    chosen = propose(chart, selections, content, now, site)
    rows = [_row(chosen.product, chosen, True, content, site)]
    for product in content.products.values():
        if product.orderable and product.id != chosen.product.id:
            other = _moved(selections, product)
            try:
                made = propose(chart, other, content, now, replace(site, formulary=None))
            except SelectionError as why:
                rows.append(_row(product, None, False, content, site, why.message))
            else:
                rows.append(_row(product, made, False, content, site))
    default = chosen.order_set.default_product
    return tuple(sorted(rows, key=lambda r: (not r.suits, not r.on_label, r.product.id != default, not _to_be_had(r), r.product.brand)))


def _to_be_had(row: ProductRow) -> bool:
    return "availability" not in row.product.unverified


def _moved(selections: Selections, product: Product) -> Selections:
    """The same choices for another product."""
    ladder = selections.rate.ladder
    kept = ladder if any(ladder in x.for_ for x in product.ladders) else None
    rate = replace(selections.rate, ladder=kept)
    return replace(selections, product=product.id, concentration_mg_ml=None, vial_sizes_g=None, rate=rate)


def _row(product: Product, made: Proposal | None, chosen: bool, content: Content, site: Site, refused: str = "") -> ProductRow:
    found = tuple(f for f in made.findings if f.check in content.constants["product_checks"] and f.severity != "info") if made else ()
    grams = made.dose.per_infusion_g if made and made.dose else None
    rates = [s.ml_h for s in made.rate.steps] if made else []
    return ProductRow(
        product=product,
        chosen=chosen,
        on_label=made.on_label if made else False,
        against=tuple(_against(product, found, site, refused, content)),
        found=found,
        per_infusion_g=grams,
        infusions=len(made.dose.infusions) if made and made.dose else None,
        course_g=made.dose.course_g if made and made.dose else None,
        vials=made.vials if made else (),
        waste_g=made.waste_g if made else None,
        volume_ml=made.volume_ml if made else None,
        minutes=made.rate.total_minutes if made else None,
        highest_ml_h=max(rates, default=None),
        rate_basis=made.rate.basis if made else "none",
        cap_reason=made.rate.cap_reason if made else None,
        sodium=_load(product, "sodium", "mmol", grams),
        sugar=_load(product, "sugar", "g", grams),
        iga=_iga(product),
        proposal=made,
    )


def _against(product: Product, found: tuple[Finding, ...], site: Site, refused: str, content: Content) -> Iterator[Against]:
    if refused:
        yield Against(refused)
    if site.formulary is not None and product.id not in site.formulary:
        yield Against(content.constants["words"]["not_on_formulary"].format(product=product.brand))
    for finding in found:
        if finding.severity in _AGAINST or finding.check == _AGE:
            yield Against(finding.message, finding.check)


def _load(product: Product, name: str, unit: str, grams: Decimal | None) -> Load:
    amount = product.amount(name)
    low, high = amount.of(grams) if amount and grams is not None else (None, None)
    return Load(low, high, unit, product.properties.get(name, ""))


def _iga(product: Product) -> str:
    """What the label says of IgA: its limit, its average, or both; empty where neither was verified."""
    return "; ".join(product.properties[name] for name in ("iga_max", "iga_average") if name in product.properties)
