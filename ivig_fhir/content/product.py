"""One immunoglobulin product as types: label, rate tables, vials, composition, codes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from ivig_fhir.content.authority import Basis
from ivig_fhir.content.governance import Governance


@dataclass(frozen=True, slots=True)
class RateStep:
    """One step of an infusion: mL per kg per hour and its minutes (None: to the end); `printed` when the source prints this step."""

    ml_kg_h: Decimal
    minutes: Decimal | None
    printed: bool


@dataclass(frozen=True, slots=True)
class Ladder:
    """Rate steps of a product for label indications (`for_`), at a concentration. basis: label, maker, illustrative or none."""

    for_: tuple[str, ...]
    concentration_mg_ml: Decimal
    basis: str
    steps: tuple[RateStep, ...]
    max_ml_kg_h: Decimal
    label_text: str
    source: Basis


@dataclass(frozen=True, slots=True)
class LabelIndication:
    """An indication that the product's label prints, from which age (years, None: no lower limit seen)."""

    code: str
    min_age_years: Decimal | None
    age_text: str
    dose_text: str
    source: Basis


@dataclass(frozen=True, slots=True)
class Amount:
    """How much of something a solution holds: low and high (equal where one figure is given), in `unit`, at a concentration in mg/mL."""

    low: Decimal
    high: Decimal
    unit: str
    at_mg_ml: Decimal

    def of(self, grams: Decimal) -> tuple[Decimal, Decimal]:
        """Low and high for so many grams of immunoglobulin: mmol for mmol/L, grams for mg/mL, mg for mcg/mL."""
        return self.low * grams / self.at_mg_ml, self.high * grams / self.at_mg_ml


@dataclass(frozen=True)
class Product:
    """One immunoglobulin product. Vials in grams; `risk_rate_mg_kg_min` is the label's own ceiling for patients at risk, if it prints one.

    `properties` is what is said of composition and handling, `amounts` the figures in it, both by name (sodium, sugar, ...).
    `stabilizers` are lower-case words (glycine, l-proline, maltose, d-sorbitol, sucrose, glucose). `diluents_excluded` by selection word.
    """

    id: str
    brand: str
    proper_name: str
    maker: str
    governance: Governance
    marketed: bool
    concentrations_mg_ml: tuple[Decimal, ...]
    intravenous: bool
    labels: tuple[LabelIndication, ...]
    ladders: tuple[Ladder, ...]
    risk_rate_mg_kg_min: Decimal | None
    risk_rate_text: str
    risk_rate_source: Basis
    stabilizers: tuple[str, ...]
    excipients: tuple[str, ...]
    vials_g: tuple[Decimal, ...]
    diluents_allowed: tuple[str, ...]
    diluents_excluded: tuple[str, ...]
    properties: Mapping[str, str]
    codes: Mapping[str, tuple[str, ...]]
    names: tuple[str, ...]
    source: Basis
    content_hash: str
    property_sources: Mapping[str, Basis] = field(default_factory=dict)
    amounts: Mapping[str, Amount] = field(default_factory=dict)

    def label(self, code: str) -> LabelIndication | None:
        """The label's entry for an indication code, if it prints one."""
        return next((x for x in self.labels if x.code == code), None)
