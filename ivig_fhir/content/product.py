"""One immunoglobulin product as types: label, rate tables, vials, composition, codes, and what of it could not be verified."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
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
class NewPatients:
    """The lower maximum of a maker's chart for patients who did not get the same product within so many days, in mL/kg/h.

    Its source may be unsure, since it can only lower a rate; `says` tells the reader so.
    """

    max_ml_kg_h: Decimal
    within_days: int
    says: str
    source: Basis


@dataclass(frozen=True, slots=True)
class Ladder:
    """Rate steps of a product for label indications (`for_`), at a concentration. basis: label, maker, illustrative or none.

    `contradiction` says how units of the label disagree and which figure is used, `condition` for whom the table is or what its maximum
    means; both are shown with every schedule. `new_patients` is given for a maker's chart for experienced patients.
    """

    for_: tuple[str, ...]
    concentration_mg_ml: Decimal
    basis: str
    steps: tuple[RateStep, ...]
    max_ml_kg_h: Decimal
    label_text: str
    source: Basis
    contradiction: str = ""
    condition: str = ""
    new_patients: NewPatients | None = None


@dataclass(frozen=True, slots=True)
class RiskRate:
    """What the label says of patients at risk of renal dysfunction or thrombosis; `max_mg_kg_min` None where it prints no figure."""

    max_mg_kg_min: Decimal | None
    text: str
    contradiction: str
    source: Basis


@dataclass(frozen=True, slots=True)
class LabelIndication:
    """An indication that the product's label prints, from which age (years, None: no lower limit seen), at which dose.

    `age_verified` is False where the label's limit of age is not known; `dose_text` is empty where its dose is not.
    """

    code: str
    min_age_years: Decimal | None
    age_text: str
    dose_text: str
    source: Basis
    age_verified: bool = True


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


@dataclass(frozen=True, slots=True)
class Property:
    """One statement on composition or handling, on its own authority, with the figure in it where there is one."""

    says: str
    source: Basis
    amount: Amount | None = None


@dataclass(frozen=True, slots=True)
class ProductCodes:
    """Codes of one system. `packages` maps a package code to what it holds; `unit_mg` is what one billing unit stands for."""

    values: tuple[str, ...]
    packages: Mapping[str, str]
    unit_mg: Decimal | None
    says: str
    source: Basis


@dataclass(frozen=True)
class Product:
    """One immunoglobulin product. Vials in grams; the first concentration is the one that is used unless another is chosen.

    `risk_rate` None: what the label says of patients at risk was not verified. `no_rate_table` says why there are no ladders.
    `stabilizers` are lower-case words (glycine, l-proline, maltose, d-sorbitol, sucrose, glucose), none where they are unknown.
    `diluents_excluded` by selection word. `unverified` names what no source that was read gives. `same_as` is the id of the product that
    this one is under another name. Not `marketed`: known to histories and checks, never ordered.
    """

    id: str
    brand: str
    proper_name: str
    maker: str
    governance: Governance
    marketed: bool
    intravenous: bool
    same_as: str
    concentrations_mg_ml: tuple[Decimal, ...]
    vials_g: tuple[Decimal, ...]
    labels: tuple[LabelIndication, ...]
    ladders: tuple[Ladder, ...]
    no_rate_table: str
    risk_rate: RiskRate | None
    stabilizers: tuple[str, ...]
    excipients: tuple[str, ...]
    diluents_allowed: tuple[str, ...]
    diluents_excluded: tuple[str, ...]
    statements: Mapping[str, Property]
    code_sets: Mapping[str, ProductCodes]
    names: tuple[str, ...]
    unverified: tuple[str, ...]
    source: Basis
    content_hash: str

    @property
    def orderable(self) -> bool:
        """Whether it is offered for new orders: it is made, and its file is in use."""
        return self.marketed and not self.governance.retired

    @property
    def properties(self) -> Mapping[str, str]:
        """The words of each statement on composition and handling."""
        return {name: p.says for name, p in self.statements.items()}

    @property
    def codes(self) -> Mapping[str, tuple[str, ...]]:
        """The codes of each system."""
        return {system: c.values for system, c in self.code_sets.items()}

    def label(self, code: str) -> LabelIndication | None:
        """The label's entry for an indication code, if it prints one."""
        return next((x for x in self.labels if x.code == code), None)

    def amount(self, name: str) -> Amount | None:
        """The figure of a statement, if there is one."""
        found = self.statements.get(name)
        return found.amount if found else None
