"""The site file: what one hospital narrows or answers; it can never widen what the content allows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time
from decimal import Decimal
from zoneinfo import ZoneInfo

from ivig_fhir.content.governance import Review
from ivig_fhir.content.model import RateStep


@dataclass(frozen=True, slots=True)
class AdoptedLadder:
    """Rate steps that a site made its own, with who adopted them and when; None: the product comes in one concentration."""

    steps: tuple[RateStep, ...]
    adopted_by: str
    adopted_on: str
    concentration_mg_ml: Decimal | None = None


@dataclass(frozen=True)
class Site:
    """One hospital's answers. Absent means: the content's default, unanswered questions stay open.

    `formulary` limits the products; `risk_cap_mg_kg_min` is the site's ceiling for patients at risk; `ladders` by (product, ladder);
    `reviews` by content hash; `stale_days` by check id, then by threshold; `never_override`: checks whose overrides are stops here.
    """

    timezone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    infusion_start: time = time(10, 0)
    glucose_meters_maltose_safe: bool | None = None
    consent_required: bool = True
    formulary: tuple[str, ...] | None = None
    weight_policy: str | None = None
    rounding_increments_g: tuple[Decimal, ...] | None = None
    rounding_tolerance: Decimal | None = None
    stale_days: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    ladders: Mapping[tuple[str, str], AdoptedLadder] = field(default_factory=dict)
    reviews: Mapping[str, Review] = field(default_factory=dict)
    risk_cap_mg_kg_min: Decimal | None = None
    never_override: tuple[str, ...] = ()
