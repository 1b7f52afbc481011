"""A proposal for a synthetic adult with CIDP, built from the project's content and its own dosing, rate and vial functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from ivig_fhir.chart.answers import Reason
from ivig_fhir.chart.facts import Person, Source
from ivig_fhir.content.load import load_content
from ivig_fhir.content.model import Content
from ivig_fhir.content.site import Site
from ivig_fhir.proposal.dosing import Rounding, calculate
from ivig_fhir.proposal.findings import Evidence, Finding, NotAssessed
from ivig_fhir.proposal.model import CompanionOrder, Proposal, Series, WeightCalculation
from ivig_fhir.proposal.rates import Cap, choose_ladder, schedule_hours, schedule_steps
from ivig_fhir.proposal.selections import ChosenOverride, Selections
from ivig_fhir.proposal.vials import vials_for

BASE = "https://ivig.example.org/fhir"
RUN = "urn:uuid:3f6c21a8-0b1c-4d7e-9a51-0c9a4e2f7b10"
NOW = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)
START = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
ROOT = Path(__file__).resolve().parent.parent


@cache
def content() -> Content:
    """The project's own content."""
    return load_content(ROOT / "order_sets")


def weight(kg: str = "82.0", policy: str = "adj-bmi30") -> WeightCalculation:
    """A measured actual weight, 180 cm, below the policy's limit."""
    return WeightCalculation(
        actual_kg=Decimal(kg),
        ideal_kg=Decimal("75.0"),
        adjusted_kg=Decimal("77.8"),
        bmi=Decimal("25.3"),
        height_cm=Decimal(180),
        dosing_kg=Decimal(kg),
        used="actual",
        policy=policy,
        policy_version=content().weight_policies[policy].version,
        why="Actual weight: BMI 25.3 against a limit of 30.",
        basis="actual",
        reason="",
        source="Observation/weight-1",
        version="1",
        effective="2026-02-27",
        said=f"{kg} kg",
    )


def finding(check: str, severity: str) -> Finding:
    """A finding with one Observation as evidence."""
    seen = Evidence("Observation/creatinine-1", "Creatinine 1.65 mg/dL", "2026-02-27", "1")
    return Finding(check, "B02", severity, severity, f"{check}: look at this.", (seen,), ("Hydrate.",), ("label-gamunex-c",))


def proposal(
    *,
    per_kg: str = "2",
    days: int = 4,
    dates: Sequence[date] | None = None,
    product: str = "gamunex-c",
    findings: tuple[Finding, ...] = (),
    overrides: tuple[ChosenOverride, ...] = (),
    series: int = 0,
    kg: str = "82.0",
    hours: str | None = None,
    companions: tuple[CompanionOrder, ...] | None = None,
    **changes: Any,
) -> Proposal:
    """The proposal, computed; `changes` replace fields of it at the end."""
    chosen, order_set = content().products[product], content().order_sets["cidp"]
    on = tuple(dates) if dates else tuple(START.date() + timedelta(days=n) for n in range(days))
    concentration = chosen.concentrations_mg_ml[0]
    rounding = Rounding((Decimal(5), Decimal("2.5"), Decimal(1)), Decimal("0.10"), "adult", "1")
    dose = calculate(Decimal(kg), Decimal(per_kg), None, on, rounding, chosen.vials_g)
    volume = dose.per_infusion_g * 1000 / concentration
    vials, waste = vials_for(dose.per_infusion_g, chosen.vials_g)
    ladder = choose_ladder(chosen, "CIDP", None, concentration)
    assert ladder is not None
    if hours is None:
        name = "CIDP" if "CIDP" in ladder.for_ else ladder.for_[0]
        rate = schedule_steps(ladder, name, Site(), chosen, Cap(ladder.max_ml_kg_h, "label"), Decimal(kg), volume)
    else:
        rate = schedule_hours(Decimal(hours), Decimal(kg), volume, ladder)
    repeated = None
    if series:
        every = tuple(d + timedelta(weeks=3 * n) for n in range(series) for d in on)
        repeated = Series(Decimal(3), series, every, every[-1], every[-1] + timedelta(days=1), dose.course_g * series)
    made = Proposal(
        outcome="stopped" if any(f.severity == "hard-stop" for f in findings) else "proposed",
        digest="sha256:" + "a" * 64,
        run=RUN,
        now=NOW,
        patient=Person("Patient/cidp-adult", date(1980, 6, 14), "male", False, True, "SAMPLETON, Edwin", "SYN-0412",
                       Source("Patient/cidp-adult"), "male", "1980-06-14"),
        age="45 years",
        order_set=order_set,
        regimen=order_set.regimens[0],
        product=chosen,
        on_label=True,
        content_version=content().version,
        review="unreviewed",
        rounding=rounding,
        defaulted=("product",),
        selections=Selections(),
        overrides=overrides,
        weight=weight(kg),
        dose=dose,
        series=repeated,
        concentration_mg_ml=concentration,
        vials=vials,
        waste_g=waste,
        volume_ml=volume,
        rate=rate,
        findings=findings,
        not_assessed=(NotAssessed("record.empty-lists", Reason.NOT_SUPPORTED, "Not built."),),
        clear=("excipient.proline",),
        companions=companions if companions is not None else all_companions(),
        vaccine_interval_months=11,
        condition="Condition/cidp-1",
        start=START,
        chart_digest="sha256:" + "b" * 64,
        used={"Observation/weight-1": "sha256:w", "Observation/creatinine-1": "sha256:c", "Patient/cidp-adult": "sha256:p"},
    )  # fmt: skip
    return replace(made, **changes)


def all_companions() -> tuple[CompanionOrder, ...]:
    """Every companion of the content; premedication with acetaminophen, the required ones and the laboratory ones chosen."""
    return tuple(
        CompanionOrder(c.id, c.kind, c.title, c.adult, c.required or c.kind == "lab", c.required, c.codes, c.offset_minutes, c.source.citations,
                       c.source.confidence)
        for c in content().companions
    )  # fmt: skip
