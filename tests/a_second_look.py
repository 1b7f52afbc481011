"""A second look: one random order through the first engine to the resource that is written, then recalculated from raw JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, timedelta
from decimal import Decimal
from functools import cache
from random import Random
from typing import Any

import msgspec

from ivig_fhir.chart.allergies import read_allergies
from ivig_fhir.chart.answers import Answer, Answers
from ivig_fhir.chart.drugs import read_drugs
from ivig_fhir.chart.events import read_events
from ivig_fhir.chart.observations import read_observations
from ivig_fhir.chart.person import read_person
from ivig_fhir.chart.problems import read_problems
from ivig_fhir.chart.queries import TYPES
from ivig_fhir.chart.snapshot import ChartSnapshot
from ivig_fhir.content.model import Content, Panel
from ivig_fhir.content.site import AdoptedLadder, Site
from ivig_fhir.errors import SelectionError
from ivig_fhir.fhir.building import decode
from ivig_fhir.order.recompute import Approved, Recalculated, Tables, recompute, tables_of
from ivig_fhir.proposal import answer
from ivig_fhir.proposal.case import Case
from ivig_fhir.proposal.checks import dose as dose_checks
from ivig_fhir.proposal.checks import duplication, excipient, hypersensitivity, identity, order, renal_product
from ivig_fhir.proposal.context import proposal_context
from ivig_fhir.proposal.cumulative import given_before
from ivig_fhir.proposal.findings import Finding, Result
from ivig_fhir.proposal.ladders import offered_ladder
from ivig_fhir.proposal.model import Proposal
from ivig_fhir.proposal.plan import plan_order, planned, rate_for
from ivig_fhir.proposal.requests import medication_request
from ivig_fhir.proposal.selections import ChosenOverride, parse_selections
from tests.a_case import content
from tests.a_raw_patient import NOW, REPLACED, RUN, RawPatient, Resource, raw_patient

_JSON = msgspec.json.Encoder(decimal_format="number")
BASE = "https://ivig.example.org/fhir"
SIGNER = ("Practitioner/prescriber", "Dr Nora Testfield")
RISK = "renal.reduced-function"
# The checks that are made twice; the others of the first engine have no part in a recalculation.
CHECKS = (
    ("hypersensitivity.severe-reaction", hypersensitivity.severe_reaction),
    ("hypersensitivity.iga-antibodies", hypersensitivity.iga_antibodies),
    ("excipient.proline", excipient.proline),
    ("excipient.fructose", excipient.fructose),
    ("excipient.sorbitol-under-two", excipient.sorbitol_under_two),
    ("excipient.corn-maltose", excipient.corn),
    ("renal.sucrose", renal_product.sucrose),
    ("identity.birth-date-or-sex", identity.demographics),
    ("identity.deceased", identity.deceased),
    ("duplication.immunoglobulin", duplication.immunoglobulin),
    ("duplication.cumulative-dose", duplication.cumulative_dose),
)
ORDER_CHECKS = (
    ("product.no-rate-table", order.rate_table),
    ("product.diluent", order.diluent),
    ("dose.above-maximum", dose_checks.above_maximum),
)


@cache
def sites() -> tuple[Site, ...]:
    """A site that narrows nothing, and one that adopted steps, has a ceiling for patients at risk and rounds to 5 g alone."""
    product = content().products["privigen"]
    table = next(x for x in product.ladders if "PI" in x.for_)
    steps = tuple(replace(s, printed=True) for s in table.steps)
    adopted = {
        ("privigen", "PI"): AdoptedLadder((*steps[:-2], replace(steps[-2], minutes=Decimal(20)), steps[-1]), "Pharmacy", "2026-01-01")
    }
    own = Site(ladders=adopted, risk_cap_mg_kg_min=Decimal("2"), rounding_increments_g=(Decimal(5),), rounding_tolerance=Decimal("0.05"))
    return Site(), Site(), Site(), own


@cache
def tables(site: int) -> Tables:
    """The tables of each site."""
    return tables_of(content(), sites()[site])


@dataclass
class Seen:
    """One order: what the first engine wrote, the raw record, the second calculation, and by which choices it came about."""

    order: Resource
    record: list[Resource]
    approved: Approved
    lines: tuple[Recalculated, ...]
    forbidden: frozenset[str]
    chosen: Mapping[str, Any]
    unit: str
    rounding: str
    site: int

    @property
    def against(self) -> tuple[Recalculated, ...]:
        """What the second calculation holds against the order, beside what the first one forbids as well."""
        return tuple(x for x in self.lines if x.agrees is False and not (x.what in self.forbidden and x.recomputed == "hard-stop"))

    @property
    def missed(self) -> frozenset[str]:
        """What the first calculation forbids and the second does not."""
        return self.forbidden - {x.what for x in self.lines if x.agrees is False}


@dataclass
class Figures:
    """Orders by what they were, refusals, fields compared, and faults."""

    seen: Counter[str] = field(default_factory=Counter)
    fields: Counter[str] = field(default_factory=Counter)


def choices(rng: Random, known: Content) -> dict[str, Any]:
    """What a clinician may choose about an order, most of it left to the content."""
    order_set = known.order_sets[rng.choice(_ids(known)[0])]
    product = known.products[rng.choice(_ids(known)[1])]
    made: dict[str, Any] = {"indication": order_set.id, "product": product.id, "run": RUN}
    if rng.random() < 0.04:
        made["weight"] = {"dosing_kg": str(Decimal(rng.randint(30, 1200)) / 10), "basis": "actual", "reason": "scale out of order"}
    else:
        made["weight"] = {"policy": rng.choice(_ids(known)[2])}
    if order_set.regimens and rng.random() < 0.8:
        made["regimen"] = rng.choice(order_set.regimens).id
    if rng.random() < 0.4:
        per_kg = {"per_kg": str(Decimal(rng.randint(1, 30)) / 10), "unit": "g/kg"}
        made["dose"] = rng.choice((per_kg, per_kg, {"course_g": str(Decimal(rng.randint(5, 25000)) / 100)}))
    _dates(rng, made)
    if len(product.concentrations_mg_ml) > 1 and rng.random() < 0.5:
        made["concentration_mg_ml"] = str(rng.choice(product.concentrations_mg_ml))
    if rng.random() < 0.2:
        made["rounding"] = {
            "increments_g": rng.choice((["5", "2.5", "1"], ["10"], ["1", "0.5"], ["2.5"], [], ["0.3"])),
            "tolerance": rng.choice(("0", "0.05", "0.10")),
        }
    if rng.random() < 0.2:
        made["vial_sizes_g"] = rng.sample(("0.5", "1", "2.5", "5", "6", "10", "12", "20", "30", "40"), rng.randint(1, 4))
    if rng.random() < 0.4:
        made["rate"] = _rate(rng, [n for x in product.ladders for n in x.for_])
    if rng.random() < 0.1:
        made["replaces"] = REPLACED
    if rng.random() < 0.03:
        made["diluent"] = rng.choice(("d5w", "saline"))
    return made


@cache
def _ids_of(version: str) -> tuple[list[str], list[str], list[str]]:
    known = content()
    treated = [i for i, o in sorted(known.order_sets.items()) if o.regimens]
    # Panzyga has a table that only patients who are used to it may get: it is drawn more often.
    rated = [i for i, p in sorted(known.products.items()) if p.ladders]
    # Those without a regimen or a rate table make no order; they are drawn now and then all the same.
    return (
        [*treated * 20, *sorted(known.order_sets)],
        [*rated * 20, *["panzyga"] * 40, *sorted(known.products)],
        sorted(known.weight_policies),
    )


def _ids(known: Content) -> tuple[list[str], list[str], list[str]]:
    return _ids_of(known.version)


def _dates(rng: Random, made: dict[str, Any]) -> None:
    start = NOW.date() + timedelta(days=rng.randint(0, 9))
    kind = rng.random()
    if kind < 0.3:
        made["days"] = rng.randint(1, 7)
    elif kind < 0.45:
        days = sorted({start + timedelta(days=rng.randint(0, 12)) for _ in range(rng.randint(1, 5))})
        made["dates"] = [d.isoformat() for d in days]
    if rng.random() < 0.4 and "dates" not in made:
        made["start"] = rng.choice((start.isoformat(), f"{start.isoformat()}T14:30:00Z"))
    if rng.random() < 0.25:
        made |= {"interval_weeks": rng.choice(("1", "2", "3", "4", "1.5", "3.5", "4.25")), "cycles": rng.randint(1, 8)}


def _rate(rng: Random, ladders: list[str]) -> dict[str, Any]:
    if rng.random() < 0.2:
        return {"mode": "hours", "hours": rng.choice(("3", "4", "6", "8", "12", "5.5", "24"))}
    made: dict[str, Any] = {}
    if ladders and rng.random() < 0.5:
        made["ladder"] = rng.choice(ladders)
    if rng.random() < 0.6:
        made["cap_mg_kg_min"] = rng.choice((None, str(Decimal(rng.randint(3, 120)) / 10), "2", "3.3"))
    return made


@cache
def _panels() -> Mapping[str, Panel]:
    """The panels that an order and its recalculation look at."""
    return {id_: content().panels[id_] for id_ in ("body-weight", "body-height", "iga", "anti-iga")}


def chart_of(patient: RawPatient, known: Content) -> ChartSnapshot:
    """The chart as the first engine reads it, of the types that an order and its recalculation look at."""
    held: dict[str, list[Resource]] = {t: [] for t in TYPES}
    person: Resource = {}
    for r in patient.resources:
        if r["resourceType"] == "Patient":
            person = r
        elif r.get("subject", r.get("patient", {})).get("reference") == "Patient/p1":
            held[r["resourceType"]].append(r)
    answers = Answers(person, {t: Answer(t, tuple(rs)) for t, rs in held.items()})
    readings = read_observations(answers.of("Observation").resources, _panels(), NOW, UTC)
    return ChartSnapshot(
        read_person(person, NOW),
        NOW,
        UTC,
        {"Patient": Answer("Patient", (person,)), **answers.by_type},
        measurements=readings.measurements,
        unusable=readings.unusable,
        problems=read_problems(held["Condition"], UTC),
        allergies=read_allergies(held["AllergyIntolerance"], known.value_sets),
        drugs=read_drugs(answers, NOW, UTC),
        events=read_events(answers, UTC) if held["Immunization"] else (),
        digest="sha256:0",
        candidates=readings.candidates,
    )


def look(number: int, figures: Figures | None = None) -> Seen | None:
    """The order of a number, through both calculations; None where the first engine makes no order of it."""
    figures = figures or Figures()
    rng = Random(number)
    patient = raw_patient(rng)
    chosen = choices(rng, content())
    at_site, risk = rng.randrange(len(sites())), rng.random() < 0.3
    made = first(patient, chosen, sites()[at_site], risk)
    if isinstance(made, str):
        figures.seen[made] += 1
        return None
    return second(made, patient, chosen, at_site)


def first(patient: RawPatient, chosen: dict[str, Any], site: Site, risk: bool) -> tuple[Proposal, dict[str, Result]] | str:
    """The first engine's proposal, with the checks that are made twice; or why there is none."""
    known = content()
    chart = chart_of(patient, known)
    try:
        selections = parse_selections(chosen)
        plan = plan_order(chart, selections, known, site)
        case = Case(chart, known, selections, site, planned(plan, None))
        rate = rate_for(plan, offered_ladder(case), selections, site, risk)
    except SelectionError as refusal:
        return "refused: " + " ".join(refusal.message.split()[:4])
    if plan.dose is None or not rate.steps:
        return "no dose" if plan.dose is None else "no rate"
    results: dict[str, Result] = {}
    seen = replace(case, earlier=results)
    for id_, check in CHECKS:
        results[id_] = check(seen)
    final = replace(case, order=planned(plan, rate), earlier=results)
    for id_, check in ORDER_CHECKS:
        results[id_] = check(final)
    if risk:
        results[RISK] = Finding(RISK, "B02", "override", "", "The kidneys are at risk.", (), (), ())
    findings = tuple(r for r in results.values() if isinstance(r, Finding))
    reasons = tuple(ChosenOverride(f.check, "9", "seen") for f in findings if f.severity == "override")
    proposal = Proposal(
        outcome="proposed",
        digest="sha256:0",
        run=RUN,
        now=NOW,
        patient=chart.patient,
        age="",
        order_set=plan.order_set,
        regimen=plan.regimen,
        product=plan.product,
        on_label=True,
        content_version=known.version,
        review="unreviewed",
        defaulted=(),
        selections=selections,
        overrides=reasons,
        weight=plan.weight,
        dose=plan.dose,
        rounding=plan.rounding,
        series=plan.series,
        concentration_mg_ml=plan.concentration,
        vials=plan.vials,
        waste_g=plan.waste_g,
        volume_ml=plan.volume_ml,
        rate=rate,
        findings=findings,
        not_assessed=(),
        clear=(),
        companions=(),
        vaccine_interval_months=None,
        condition=None,
        start=plan.start,
        chart_digest="sha256:0",
        used={m.source.reference: None for m in (plan.body.weight, plan.body.height) if m},
        given_before=given_before(final),
    )
    return proposal, results


def second(made: tuple[Proposal, dict[str, Result]], patient: RawPatient, chosen: dict[str, Any], site: int) -> Seen:
    """The order as written and read back, recalculated."""
    proposal, results = made
    known = tables(site)
    signed = proposal_context(proposal, BASE, "0").signed(SIGNER, NOW)
    written = decode(_JSON.encode(medication_request(proposal, content(), signed)))
    approved = Approved(_kept(proposal), chosen)
    lines = recompute(written, patient.resources, known, NOW, approved)
    titles = known.titles
    stops = frozenset(titles[id_] for id_, r in results.items() if isinstance(r, Finding) and r.severity == "hard-stop" and id_ != RISK)
    rounding = proposal.rounding.policy if proposal.rounding else "grams stated"
    return Seen(written, patient.resources, approved, lines, stops, chosen, patient.unit, rounding, site)


def _kept(p: Proposal) -> dict[str, Any]:
    """Those parts of the approved proposal, in its own shape, that a recalculation compares."""
    before = p.given_before
    return {
        "patient": {"sex": p.patient.sex or None, "birth_date": p.patient.birth_date.isoformat() if p.patient.birth_date else None},
        "start": p.start.isoformat(),
        "regimen": p.regimen.id if p.regimen else None,
        "weight": answer._weight(p.weight),
        "waste_g": answer._text(p.waste_g),
        "rate": {"total_minutes": p.rate.total_minutes},
        "findings": [{"check": f.check, "severity": f.severity} for f in p.findings],
        "overrides": [{"check": o.check} for o in p.overrides],
        "given_before": {"grams": answer.plain(before.grams)} if before else None,
    }


def count(seen: Seen, figures: Figures) -> None:
    """What the order was, and which fields were compared."""
    order_set, product, policy = seen.chosen["indication"], seen.chosen["product"], seen.chosen["weight"].get("policy", "stated")
    figures.seen.update(
        (
            "orders",
            f"indication {order_set}",
            f"product {product}",
            f"policy {policy}",
            f"unit {seen.unit or 'none'}",
            f"rounding {seen.rounding}",
        )
    )
    figures.fields.update(line.what for line in seen.lines if line.agrees is not None)
