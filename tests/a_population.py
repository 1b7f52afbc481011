"""A population: random patients with random orders over all order sets, products and policies, and what must hold of every proposal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from ivig_fhir.chart.answers import Answer
from ivig_fhir.chart.facts import Measurement, Person, Source
from ivig_fhir.chart.queries import TYPES
from ivig_fhir.chart.snapshot import ChartSnapshot
from ivig_fhir.content.model import Content
from ivig_fhir.content.site import Site
from ivig_fhir.errors import SelectionError
from ivig_fhir.fhir.dates import parse_time
from ivig_fhir.fhir.quantity import half_up
from ivig_fhir.proposal.ambiguity import ambiguities
from ivig_fhir.proposal.context import proposal_context
from ivig_fhir.proposal.model import Proposal
from ivig_fhir.proposal.propose import propose
from ivig_fhir.proposal.requests import medication_request
from ivig_fhir.proposal.selections import parse_selections
from tests.a_case import content

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SITE = Site()
BASE = "https://ivig.example.org/fhir"
# Policies whose weight never falls while the patient gets heavier; the others change formula at a limit and fall there by design.
SMOOTH = ("actual", "ibw", "ddw-always-if-heavier")


@dataclass(frozen=True)
class Patient:
    """A patient as far as a dose needs one."""

    kg: Decimal
    cm: Decimal | None
    born: date
    sex: str

    def chart(self) -> ChartSnapshot:
        """The record: a weight, a height where it is known, and nothing else, all of it readable."""
        person = Person("Patient/p1", self.born, self.sex, False, True, "", "", Source("Patient/p1"), self.sex, self.born.isoformat())
        facts = [_measured("body-weight", self.kg, "29463-7")] + (
            [_measured("body-height", self.cm, "8302-2")] if self.cm is not None else []
        )
        return ChartSnapshot(person, NOW, UTC, {t: Answer(t) for t in TYPES}, measurements=tuple(facts), digest="sha256:0")


def _measured(panel: str, value: Decimal, loinc: str) -> Measurement:
    when = "2026-03-01T07:00:00Z"
    source = Source(f"Observation/{panel}", "1", when)
    return Measurement(panel, loinc, value, "", None, (), "", parse_time(when), "final", "", source, f"{value}")


def tenths(low: str, high: str) -> st.SearchStrategy[Decimal]:
    """Decimals with one place."""
    return st.integers(int(Decimal(low) * 10), int(Decimal(high) * 10)).map(lambda n: Decimal(n) / 10)


@st.composite
def patients(draw: st.DrawFn) -> Patient:
    """From newborns to the very old, from 1 to 300 kg, tall and short, with and without height and sex."""
    days = draw(st.one_of(st.integers(0, 2 * 365), st.integers(0, 18 * 365), st.integers(18 * 365, 100 * 365)))
    kg = draw(st.one_of(tenths("1", "15"), tenths("10", "120"), tenths("40", "300")))
    cm = draw(st.one_of(st.none(), tenths("45", "215"), st.sampled_from([Decimal("152.3"), Decimal("152.4"), Decimal("175")])))
    return Patient(kg, cm, NOW.date() - timedelta(days=days), draw(st.sampled_from(["male", "female", "male", "female", ""])))


@st.composite
def orders(draw: st.DrawFn, of: Content | None = None) -> dict[str, Any]:
    """Selections over everything that a clinician can choose about an order, most of them left to the content."""
    known = of or content()
    order_set = known.order_sets[draw(st.sampled_from(sorted(known.order_sets)))]
    product = known.products[draw(st.sampled_from(sorted(known.products)))]
    made: dict[str, Any] = {
        "indication": order_set.id,
        "product": product.id,
        "weight": {"policy": draw(st.sampled_from(sorted(known.weight_policies)))},
    }
    if order_set.regimens:
        made["regimen"] = draw(st.sampled_from([r.id for r in order_set.regimens]))
    if draw(st.booleans()):
        made["dose"] = draw(
            st.one_of(
                tenths("0.1", "3").map(lambda g: {"per_kg": str(g), "unit": "g/kg"}),
                tenths("0.5", "250").map(lambda g: {"course_g": str(g)}),
            )
        )
    if draw(st.booleans()):
        made["days"] = draw(st.integers(1, 7))
    if len(product.concentrations_mg_ml) > 1 and draw(st.booleans()):
        made["concentration_mg_ml"] = str(draw(st.sampled_from(product.concentrations_mg_ml)))
    if draw(st.integers(0, 3)) == 0:
        made["rounding"] = {
            "increments_g": draw(st.sampled_from([["5", "2.5", "1"], ["10"], ["1", "0.5"], ["2.5"]])),
            "tolerance": draw(st.sampled_from(["0", "0.05", "0.10"])),
        }
    if draw(st.integers(0, 3)) == 0:
        made["vial_sizes_g"] = [
            str(s)
            for s in draw(
                st.lists(st.sampled_from(["0.5", "1", "2.5", "5", "6", "10", "12", "20", "30", "40"]), min_size=1, max_size=4, unique=True)
            )
        ]
    if draw(st.integers(0, 2)) == 0:
        made["rate"] = draw(
            st.one_of(
                tenths("0.3", "12").map(lambda c: {"cap_mg_kg_min": str(c)}),
                st.integers(1, 24).map(lambda h: {"mode": "hours", "hours": str(h)}),
                st.just({"cap_mg_kg_min": None}),
            )
        )
    return made


@dataclass
class Census:
    """What was seen: proposals by outcome, refusals by sentence, and how often each property was put to the test."""

    seen: Counter[str] = field(default_factory=Counter)

    def count(self, *names: str) -> None:
        """One more of each."""
        self.seen.update(names)


def proposal_of(patient: Patient, order: Mapping[str, Any], census: Census) -> Proposal | None:
    """The proposal, or None where the choices contradict each other; the refusal is counted under its first words."""
    try:
        made = propose(patient.chart(), parse_selections(dict(order)), content(), NOW, SITE)
    except SelectionError as refusal:
        census.count("refused: " + " ".join(refusal.message.split()[:4]))
        return None
    census.count("proposals", f"outcome {made.outcome}")
    return made


def hold(p: Proposal, census: Census) -> None:
    """Every property of one proposal. AssertionError names the first that does not hold."""
    weights(p, census)
    if p.dose is None:
        assert p.vials == () and p.rate.steps == () and p.series is None and p.companions == ()
        assert p.regimen is None or p.outcome != "proposed"
        return
    dose(p, census)
    vials(p, census)
    rates(p, census)


def weights(p: Proposal, census: Census) -> None:
    """The dosing weight is never above the actual one, to 0.1 kg or below 10 kg to 0.01 kg."""
    kg, actual = p.weight.dosing_kg, p.weight.actual_kg
    if kg is not None and actual is not None:
        assert 0 < kg <= actual
        assert kg == half_up(kg, "0.1" if kg >= 10 else "0.01")
        census.count("dosing weight is not above the actual weight")


def dose(p: Proposal, census: Census) -> None:
    """Grams of days sum to the course, rounding stays within its tolerance, and what is above a maximum is found."""
    d = p.dose
    assert d is not None and p.weight.dosing_kg is not None
    assert d.course_g == sum(i.grams for i in d.infusions) == d.per_infusion_g * len(d.infusions)
    assert d.calculated_course_g == (p.selections.course_g if p.selections.course_g is not None else (d.per_kg or 0) * p.weight.dosing_kg)
    assert [i.date for i in d.infusions] == sorted({i.date for i in d.infusions})
    census.count("the course is the sum of its days")
    if d.increment_g is not None and p.rounding is not None:
        assert d.per_infusion_g % d.increment_g == 0
        assert abs(d.per_infusion_g - d.calculated_per_infusion_g) <= d.calculated_per_infusion_g * p.rounding.tolerance
        assert p.waste_g == 0
        census.count("rounding is within its tolerance, and whole vials make it")
    else:
        assert d.per_infusion_g == half_up(d.calculated_per_infusion_g, "0.1")
        census.count("without an increment the dose is rounded to 0.1 g")
    if p.series is not None:
        assert p.series.total_g == d.course_g * p.series.cycles and len(p.series.dates) == p.series.cycles * len(d.infusions)
        assert list(p.series.dates) == sorted(set(p.series.dates)) and p.series.last == p.series.dates[-1]
        census.count("the series is the sum of its courses")
    _limits(p, census)


def _limits(p: Proposal, census: Census) -> None:
    d, most, kg = p.dose, p.order_set.maximum, p.weight.dosing_kg
    assert d is not None and kg is not None
    stated = Decimal("0.05") if p.selections.course_g is not None else Decimal(0)
    above = [
        d.calculated_course_g > most["course_g_kg"] * kg + stated if "course_g_kg" in most else False,
        d.calculated_per_infusion_g > most["per_day_g_kg"] * kg + stated if "per_day_g_kg" in most else False,
        d.calculated_per_infusion_g > most["per_infusion_g_kg"] * kg + stated if "per_infusion_g_kg" in most else False,
        d.course_g > most["course_g"] if "course_g" in most else False,
        d.per_infusion_g > most["per_infusion_g"] if "per_infusion_g" in most else False,
    ]
    if any(above):
        assert any(f.check == "dose.above-maximum" for f in p.findings)
        census.count("a dose above a maximum never goes without its finding")


def vials(p: Proposal, census: Census) -> None:
    """Vials sum to the dose and what is left over; larger first, each size once; nothing left over where whole vials make the dose."""
    d = p.dose
    assert d is not None
    held = sum((v.grams * v.count for v in p.vials), Decimal(0))
    sizes = p.selections.vial_sizes_g or p.product.vials_g
    if not sizes:
        assert p.vials == () and p.waste_g is None
        census.count("without known sizes no vials are named")
        return
    assert all(v.count > 0 and v.grams in sizes for v in p.vials)
    assert [v.grams for v in p.vials] == sorted({v.grams for v in p.vials}, reverse=True)
    assert p.waste_g is not None and p.waste_g >= 0
    assert held == d.per_infusion_g + p.waste_g
    census.count("vials sum to the dose and the waste")


def rates(p: Proposal, census: Census) -> None:
    """Steps sum to the volume exactly, none is empty, the pump never runs above the cap, and the time is at least that of the steps."""
    steps, kg = p.rate.steps, p.weight.dosing_kg
    assert p.dose is not None and p.volume_ml is not None and kg is not None
    assert p.volume_ml == p.dose.per_infusion_g * 1000 / p.concentration_mg_ml
    if not steps:
        return
    assert sum(s.volume_ml for s in steps) == p.volume_ml
    assert all(s.volume_ml > 0 and s.ml_h > 0 and s.minutes > 0 for s in steps)
    census.count("steps sum to the volume, none is empty")
    assert p.rate.total_minutes is not None
    rounding = Decimal(len(steps)) / 20  # each step's minutes are printed to 0.1
    assert -rounding <= p.rate.total_minutes - sum(s.minutes for s in steps) < 1 + rounding
    if p.rate.mode == "steps":
        assert p.rate.cap_ml_kg_h is not None and p.rate.label_max_ml_kg_h is not None
        assert p.rate.cap_ml_kg_h <= p.rate.label_max_ml_kg_h
        assert all(s.ml_h <= s.ml_kg_h * kg and s.ml_kg_h <= p.rate.cap_ml_kg_h for s in steps)
        assert [s.ml_kg_h for s in steps] == sorted({s.ml_kg_h for s in steps})
        census.count("no rate is above its cap")
    elif p.rate.label_max_ml_kg_h is not None and max(s.ml_h for s in steps) > p.rate.label_max_ml_kg_h * kg:
        assert any(f.check == "dose.above-maximum" for f in p.findings)
        census.count("a rate over hours above the label never goes without its finding")


def unambiguous(p: Proposal, census: Census) -> None:
    """No text of the order can be read as the course on each day."""
    if p.dose is not None and p.rate.steps:
        order = medication_request(p, content(), proposal_context(p, BASE, "0"))
        assert ambiguities(order) == []
        census.count("no text can be read as another dose")


def monotone(patient: Patient, heavier: Decimal, order: Mapping[str, Any], census: Census) -> None:
    """More weight never means less immunoglobulin, under policies without a step; grams are compared before they are rounded to vials."""
    smooth = {**order, "weight": {"policy": order["weight"]["policy"] if order["weight"]["policy"] in SMOOTH else "actual"}}
    light = proposal_of(patient, smooth, Census())
    heavy = proposal_of(Patient(max(heavier, patient.kg), patient.cm, patient.born, patient.sex), smooth, Census())
    if light is None or heavy is None or light.dose is None or heavy.dose is None:
        return
    assert light.dose.calculated_course_g <= heavy.dose.calculated_course_g
    assert light.dose.calculated_per_infusion_g <= heavy.dose.calculated_per_infusion_g
    census.count("the dose does not fall with weight")


def repeatable(patient: Patient, order: Mapping[str, Any], first: Proposal, census: Census) -> None:
    """The same input gives the same digest, and another dose another one."""
    again = proposal_of(patient, dict(reversed(order.items())), Census())
    assert again is not None and again.digest == first.digest
    census.count("the same input gives the same digest")
    if first.dose is not None:
        unrounded = {key: value for key, value in order.items() if key != "rounding"}
        other = proposal_of(patient, {**unrounded, "dose": {"course_g": str(first.dose.course_g + 1)}}, Census())
        assert other is None or other.digest != first.digest
