"""Companions as types: orders beside the infusion, their doses by age and weight, and the words that choose them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from ivig_fhir.content.authority import Basis


@dataclass(frozen=True, slots=True)
class CompanionDose:
    """What one dose of a medicine is for patients of `who` (adult, child, any), of an age in months and of a weight in kg.

    Ages and weights run from the first number, included, to the second, excluded; None is open. `amount` is low and high in `unit`, for
    each kilogram where `per_kg`; `most` is never exceeded. What is computed is cut to `step`.
    """

    who: str
    months: tuple[int | None, int | None]
    kg: tuple[Decimal | None, Decimal | None]
    per_kg: bool
    amount: tuple[Decimal, Decimal]
    most: Decimal | None
    unit: str
    step: Decimal


@dataclass(frozen=True, slots=True)
class OrderRule:
    """A rule word about the order: true when everything it names holds; an empty list or None names nothing."""

    indications: tuple[str, ...]
    regimens: tuple[str, ...]
    settings: tuple[str, ...]
    course_g_kg_from: Decimal | None


@dataclass(frozen=True, slots=True)
class Trigger:
    """A finding that makes a rule word true: of this check, of this branch where one is named, and at least this severe."""

    check: str
    branch: str
    severity: str


@dataclass(frozen=True, slots=True)
class Rules:
    """The rule words of `companions.toml`: those about findings, and those about the order."""

    findings: Mapping[str, tuple[Trigger, ...]]
    orders: Mapping[str, OrderRule]


@dataclass(frozen=True, slots=True)
class Companion:
    """An order beside the infusion. kind: medication, lab, monitoring, nursing, education. `when`, `unless`, `only` and `withheld` are

    rule words: chosen when any of `when` and none of `unless` is true; not even offered when one of `withheld` is, or when there are words
    of `only` and none of them is. `adult` and `child` are the complete sentences of the order; `codes` are "system|code|display".
    `after_hours` counts from the start of the last infusion.
    """

    id: str
    kind: str
    title: str
    required: bool
    when: tuple[str, ...]
    unless: tuple[str, ...]
    only: tuple[str, ...]
    withheld: tuple[str, ...]
    adult: str
    child: str
    codes: tuple[str, ...]
    doses: tuple[CompanionDose, ...]
    as_needed: bool
    offset_minutes: int | None
    after_hours: tuple[int, int] | None
    source: Basis
