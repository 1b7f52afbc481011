"""What the second calculation takes from content and site: label tables, policies, code sets, limits; no rule of how to use them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from fractions import Fraction
from typing import Any

from ivig_fhir.content.model import SEVERITIES, Content, OrderSet, Panel, Product, RoundingPolicy, WeightPolicy
from ivig_fhir.content.site import Site
from ivig_fhir.fhir.codes import ValueSet


@dataclass(frozen=True)
class Tables:
    """The tables of one content version, and what the site narrowed."""

    products: Mapping[str, Product]
    policies: Mapping[str, WeightPolicy]
    roundings: Mapping[str, RoundingPolicy]
    order_sets: Mapping[str, OrderSet]
    panels: Mapping[str, Panel]
    value_sets: Mapping[str, ValueSet]
    thresholds: Mapping[str, Mapping[str, Any]]
    titles: Mapping[str, str]
    depends_on: Mapping[str, tuple[str, ...]]
    adult_years: int
    min_height_cm: Fraction
    same_instant: Fraction
    review_months: int
    severities: tuple[str, ...]
    site: Site = field(default_factory=Site)
    _limits: dict[tuple[str, str], Fraction] = field(default_factory=dict, compare=False, repr=False)

    @property
    def zone(self) -> tzinfo:
        """Where a date without an offset is."""
        return self.site.timezone or UTC

    def limit(self, check: str, name: str) -> Fraction:
        """A threshold of a check as an exact number."""
        found = self._limits.get((check, name))
        if found is None:
            found = self._limits[check, name] = Fraction(str(self.thresholds[check][name]))
        return found


def tables_of(content: Content, site: Site | None = None) -> Tables:
    """The tables of one content version at one site."""
    limits = content.constants
    return Tables(
        content.products,
        content.weight_policies,
        content.rounding_policies,
        content.order_sets,
        content.panels,
        content.value_sets,
        {id_: check.thresholds for id_, check in content.checks.items()},
        {id_: check.title for id_, check in content.checks.items()},
        {id_: check.depends_on for id_, check in content.checks.items()},
        int(limits["adult_years"]),
        Fraction(limits["min_height_cm"]),
        Fraction(limits["same_instant_fraction"]),
        int(limits["review_months"]),
        SEVERITIES,
        site or Site(),
    )
