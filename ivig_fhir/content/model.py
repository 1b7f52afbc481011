"""Clinical content as types: order sets, products, checks, policies, each with its citation and confidence mark."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any

from ivig_fhir.content.actions import Action
from ivig_fhir.content.authority import Basis, Citation
from ivig_fhir.content.companion import Companion
from ivig_fhir.content.governance import ContentFile
from ivig_fhir.content.order_set import Evidence, OrderSet, PayerCriterion, Regimen, Trough
from ivig_fhir.content.product import LabelIndication, Ladder, Product, RateStep
from ivig_fhir.fhir.codes import ValueSet
from ivig_fhir.fhir.lexicon import Lexicon

__all__ = [
    "SEVERITIES", "Basis", "Check", "Citation", "Companion", "Content", "Evidence", "LabelIndication", "Ladder", "OrderSet", "Panel",
    "Product", "RateStep", "Regimen", "RoundingPolicy", "Trough", "WeightPolicy",
]  # fmt: skip
SEVERITIES = ("info", "warning", "override", "hard-stop")


@dataclass(frozen=True)
class Check:
    """What a check asks, its thresholds, and per branch how severe it is and what it says; the code says only how to look.

    `severity` and `messages` share their keys (branches). `messages` are templates with {named} values. `depends_on` are resource types.
    `mitigation` says what helps, `actions` what of it the program can do. `absence` marks checks whose finding is the absence itself and
    which fire also when the type could not be read. `fires` says in one sentence when the check fires, as a template over `thresholds`.
    """

    id: str
    ref: str
    title: str
    question: str
    depends_on: tuple[str, ...]
    absence: bool
    thresholds: Mapping[str, Any]
    severity: Mapping[str, str]
    messages: Mapping[str, str]
    mitigation: tuple[str, ...]
    detected_issue: str
    source: Basis
    actions: tuple[Action, ...] = ()
    fires: str = ""

    @property
    def threshold(self) -> str:
        """When the check fires, with the numbers that hold, those that a site shortened too."""
        return self.fires.format(**self.thresholds)

    def number(self, name: str) -> Decimal:
        """A threshold as an exact number."""
        return Decimal(str(self.thresholds[name]))


@dataclass(frozen=True)
class Panel:
    """How a laboratory value or vital sign is found and read: LOINC codes, canonical and accepted units, limits of plausibility.

    `never` are look-alike codes that must not be taken (birth weight); `qualified` maps a code to what it says about the value (stated).
    Of an `exact` one a bound ("> 100") is no value, because a dose is reckoned from it.
    """

    id: str
    title: str
    loinc: Mapping[str, str]
    never: tuple[str, ...]
    qualified: Mapping[str, str]
    unit: str
    accepted: tuple[str, ...]
    hard: tuple[Decimal, Decimal] | None
    soft: Mapping[str, tuple[Decimal, Decimal]]
    exact: bool
    terms: tuple[str, ...]
    source: Basis


@dataclass(frozen=True, slots=True)
class WeightPolicy:
    """A dosing-weight policy: when the adjusted (or ideal) weight is used, and with which factor.

    rule: actual, adjusted-from-bmi, adjusted-above-ideal, lower-of-ideal-and-actual, adjusted-if-heavier.
    `limit` is the BMI or the ratio to ideal.
    """

    id: str
    title: str
    rule: str
    limit: Decimal | None
    factor: Decimal
    version: str
    source: Basis


@dataclass(frozen=True, slots=True)
class RoundingPolicy:
    """Vial rounding: increments in grams tried in order (none: no vial rounding), and the tolerated fraction of the calculated dose."""

    id: str
    title: str
    increments_g: tuple[Decimal, ...]
    tolerance: Decimal
    applies: str  # adult | child | infant
    version: str
    source: Basis


@dataclass(frozen=True)
class Content:
    """All content of one version, valid as a whole.

    `files` is every file by name; `common` are the parts that every order stands on, beside its order set and its product.
    """

    version: str
    order_sets: Mapping[str, OrderSet]
    products: Mapping[str, Product]
    checks: Mapping[str, Check]
    panels: Mapping[str, Panel]
    weight_policies: Mapping[str, WeightPolicy]
    rounding_policies: Mapping[str, RoundingPolicy]
    companions: tuple[Companion, ...]
    payers: tuple[PayerCriterion, ...]
    value_sets: Mapping[str, ValueSet]
    citations: Mapping[str, Citation]
    constants: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, ContentFile] = field(default_factory=dict)
    common: tuple[ContentFile, ...] = ()
    digest: str = ""

    def payer_criteria(self, order_set: str) -> tuple[PayerCriterion, ...]:
        """What payers ask for of an order set: what they ask of nearly all, then what is its own."""
        common = [c for c in self.payers if not c.order_sets]
        return (*common, *(c for c in self.payers if order_set in c.order_sets))

    @cached_property
    def lexicon(self) -> Lexicon:
        """All value sets at once."""
        return Lexicon(self.value_sets.values())
