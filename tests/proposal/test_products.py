"""Every product as it is proposed: its schedule or its refusal, whose figures it runs by, and what has to be read with them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from ivig_fhir.cli.text import as_text
from ivig_fhir.content.model import OrderSet, Product
from ivig_fhir.content.site import AdoptedLadder, Site
from ivig_fhir.order.approval import Approval, Clinician, approve
from ivig_fhir.proposal.answer import answer
from ivig_fhir.proposal.model import Proposal
from ivig_fhir.proposal.resources import proposal_bundle
from tests.a_case import content, found, outcome
from tests.a_record import NOW, Resource, coded, infused, proposed, result

ICD = "http://hl7.org/fhir/sid/icd-10-cm"
KIDNEY = coded("Condition", "ckd", ICD, "N18.31")
LABELLED = [(p, o) for p in content().products.values() for o in content().order_sets.values() if p.orderable and p.label(o.label_code)]
WITH_TABLE = [(p, o) for p, o in LABELLED if p.ladders]
WITHOUT = [p for p in content().products.values() if not p.ladders]
TODAY = NOW.date()
PRESCRIBER = Clinician("Practitioner/a", "Dr. A", frozenset({"prescriber"}))


def for_(product: Product, order_set: OrderSet, *added: Resource, **options: Any) -> Proposal:
    """The quiet record with this product for this indication, in steps, also where the regimen gives hours."""
    return proposed(*added, indication=order_set.id, regimen=None, product=product.id, **{"rate": {"mode": "steps"}, **options})


def named(pair: tuple[Product, OrderSet]) -> str:
    """A product and an indication as the name of a test."""
    return f"{pair[0].id}-{pair[1].id}"


def pi(product: str, *added: Resource, **options: Any) -> Proposal:
    """The quiet record with this product for primary immunodeficiency."""
    return for_(content().products[product], content().order_sets["pi-cvid"], *added, **options)


def mitigations(made: Proposal) -> str:
    """What the finding of kidney disease advises."""
    return " ".join(found(result("renal.reduced-function", made)).mitigation)


# ── the schedule ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("pair", WITH_TABLE, ids=named)
def test_a_labelled_product_runs_by_the_table_of_the_indication_and_below_its_maximum(pair: tuple[Product, OrderSet]) -> None:
    product, order_set = pair
    rate = for_(product, order_set).rate
    ladder = next(x for x in product.ladders if order_set.label_code in x.for_)
    most = ladder.new_patients.max_ml_kg_h if ladder.new_patients else ladder.max_ml_kg_h
    assert (rate.ladder, rate.cap_ml_kg_h, rate.cap_reason) == (order_set.label_code, most, "label")
    assert all(s.ml_kg_h <= most and s.ml_h <= s.ml_kg_h * 70 for s in rate.steps)
    assert sum(s.volume_ml for s in rate.steps) == for_(product, order_set).volume_ml
    assert rate.basis == ("illustrative" if ladder.new_patients else ladder.basis)


@pytest.mark.parametrize("product", WITHOUT, ids=lambda p: p.id)
def test_a_product_whose_rates_are_not_verified_has_no_schedule_and_says_what_is_missing(product: Product) -> None:
    for rate in ({}, {"mode": "hours", "hours": "4"}):
        made = pi(product.id, rate=rate)
        said = found(result("product.no-rate-table", made))
        assert (made.outcome, said.severity, made.rate.mode, made.rate.steps) == ("stopped", "hard-stop", "none", ())
        assert product.brand in said.message
        assert product.no_rate_table in said.message
        assert all(word in said.message for word in product.unverified)


def test_the_weaker_solution_comes_first_and_the_stronger_one_says_who_may_have_it() -> None:
    weak, strong = pi("gammagard-sd"), pi("gammagard-sd", concentration_mg_ml="100")
    assert (weak.concentration_mg_ml, weak.rate.label_max_ml_kg_h, weak.rate.notes) == (50, 4, ())
    assert (strong.concentration_mg_ml, strong.rate.label_max_ml_kg_h) == (100, 8)
    assert "tolerated the 5 % solution" in strong.rate.notes[0]
    assert weak.volume_ml == 2 * (strong.volume_ml or 0)


# ── contradictions of a label ────────────────────────────────────────────────────────────────────────────────────────


def test_how_a_contradiction_was_resolved_stands_in_every_rendering() -> None:
    made = pi("gammagard-liquid")
    note = content().products["gammagard-liquid"].ladders[0].contradiction
    assert made.rate.notes == (note,)
    assert answer(made)["rate"]["notes"] == [note]
    assert note in as_text(made, content())
    entries = [e["resource"] for e in proposal_bundle(made, content(), "https://example.org", "1")["entry"]]
    notes = [n["text"] for r in entries if r["resourceType"] == "MedicationRequest" for n in r.get("note", ())]
    assert f"Rate: {note}" in notes


def test_an_illustration_is_called_one_on_the_order_itself() -> None:
    def notes(made: Proposal) -> str:
        entries = [e["resource"] for e in proposal_bundle(made, content(), "https://example.org", "1")["entry"]]
        return " ".join(n["text"] for r in entries if r["resourceType"] == "MedicationRequest" for n in r.get("note", ()))

    assert "are an illustration that this site has not adopted" in notes(pi("privigen"))
    assert "illustration" not in notes(pi("bivigam"))
    assert "Pump (illustrative)" in as_text(pi("privigen"), content())


def test_at_risk_the_lower_of_two_printed_figures_holds_and_says_so() -> None:
    made = for_(content().products["octagam-10"], content().order_sets["itp-adult"], KIDNEY)
    assert (made.rate.cap_ml_kg_h, made.rate.cap_reason) == (Decimal("1.8"), "risk")
    assert any("0.03 mL/kg/min" in note and "lower" in note for note in made.rate.notes)
    assert "reduced rate" not in mitigations(made)


def test_without_a_risk_the_contradiction_of_the_risk_rate_is_not_told() -> None:
    assert not any("0.03" in note for note in for_(content().products["octagam-10"], content().order_sets["itp-adult"]).rate.notes)


# ── no ceiling is invented ───────────────────────────────────────────────────────────────────────────────────────────

AT_RISK = {
    "gammagard-liquid": "1.92", "gammagard-sd": "3.96", "octagam-5": "3.96", "bivigam": "1.2",
    "asceniv": None, "alyglo": None, "gamunex-c": None, "gammaked": None, "gammaplex-5": None, "gammaplex-10": None, "panzyga": None,
    "privigen": None, "flebogamma-dif-5": None, "flebogamma-dif-10": None,
}  # fmt: skip


@pytest.mark.parametrize(("product", "cap"), AT_RISK.items())
def test_at_risk_only_a_printed_figure_lowers_the_rate(product: str, cap: str | None) -> None:
    rate = pi(product, KIDNEY).rate
    quiet = pi(product).rate
    assert (rate.cap_ml_kg_h, rate.cap_reason) == ((Decimal(cap), "risk") if cap else (quiet.cap_ml_kg_h, "label"))
    assert quiet.cap_reason == "label"


def test_every_product_that_is_labelled_for_immunodeficiency_and_has_a_table_is_in_that_list() -> None:
    assert set(AT_RISK) == {p.id for p, o in WITH_TABLE if o.id == "pi-cvid"}


@pytest.mark.parametrize(("product", "words"), [
    ("privigen", "the label prints no figure. Neither the product's label nor this site"),
    ("gamunex-c", "below 8 mg/kg/min. Neither the product's label nor this site"),
    ("flebogamma-dif-5", "was not verified"),
])  # fmt: skip
def test_where_no_figure_lowers_the_rate_the_finding_says_whose_it_is_to_set(product: str, words: str) -> None:
    assert words in mitigations(pi(product, KIDNEY))
    assert "the clinician's or the site's to set" in mitigations(pi(product, KIDNEY))


def test_a_site_or_a_clinician_who_sets_a_figure_is_not_told_to() -> None:
    by_site = pi("privigen", KIDNEY, site=Site(risk_cap_mg_kg_min=Decimal(2)))
    by_clinician = pi("privigen", KIDNEY, rate={"cap_mg_kg_min": "2"})
    assert (by_site.rate.cap_ml_kg_h, by_site.rate.cap_reason) == (Decimal("1.2"), "site")
    assert (by_clinician.rate.cap_ml_kg_h, by_clinician.rate.cap_reason) == (Decimal("1.2"), "clinician")
    assert "to set" not in mitigations(by_site) + mitigations(by_clinician)


def test_a_label_figure_comes_before_that_of_the_site() -> None:
    assert pi("bivigam", KIDNEY, site=Site(risk_cap_mg_kg_min=Decimal(1))).rate.cap_reason == "risk"


@pytest.mark.parametrize(("cap", "told"), [(None, True), ("2.1", True), ("2", False), ("1", False)])
def test_going_above_the_label_figure_for_patients_at_risk_is_told(cap: str | None, told: bool) -> None:
    made = pi("bivigam", KIDNEY, rate={"cap_mg_kg_min": cap})
    assert ("goes up to 1.2 mL/kg/h, and this order goes above it" in mitigations(made)) is told


def test_one_rate_over_hours_is_held_against_the_figure_for_patients_at_risk_too() -> None:
    assert "goes above it" in mitigations(pi("bivigam", KIDNEY, rate={"mode": "hours", "hours": "2"}))
    assert "goes above it" not in mitigations(pi("bivigam", KIDNEY, rate={"mode": "hours", "hours": "8"}))


# ── a maker's chart for patients who are used to the product ─────────────────────────────────────────────────────────


def brand(text: str, when: str | None, **more: Any) -> Resource:
    """An infusion of a product that is named, at a time or without one."""
    made = {**infused(when or ""), "medicationCodeableConcept": {"text": text}, **more}
    return made if when else {k: v for k, v in made.items() if k != "effectiveDateTime"}


def test_whoever_is_used_to_the_product_gets_the_makers_chart() -> None:
    made = pi("panzyga", brand("Panzyga", "2026-02-02T10:00:00Z"))
    assert (made.rate.basis, made.rate.label_max_ml_kg_h) == ("maker", Decimal("8.4"))
    assert [s.ml_kg_h for s in made.rate.steps] == [Decimal(r) for r in ("0.6", "2.4", "4.8", "8.4")]
    assert made.rate.notes == ()
    assert outcome(result("product.no-rate-table", made)) == "clear"


NEW = [
    (), (brand("Gamunex-C", "2026-02-02T10:00:00Z"),), (brand("immunoglobulin G, human", "2026-02-02T10:00:00Z"),),
    (brand("Panzyga", None),), (brand("Panzyga", "2026-02-02T10:00:00Z", status="not-done"),),
    (brand("Panzyga and Privigen", "2026-02-02T10:00:00Z"),),
]  # fmt: skip


@pytest.mark.parametrize("record", NEW, ids=("nothing", "another", "no-brand", "no-date", "not-given", "two-brands"))
def test_whoever_is_new_to_it_gets_the_lower_maximum_and_reads_why(record: tuple[Resource, ...]) -> None:
    made = pi("panzyga", *record)
    assert (made.rate.basis, made.rate.label_max_ml_kg_h, made.rate.cap_reason) == ("illustrative", Decimal("7.2"), "label")
    assert max(s.ml_kg_h for s in made.rate.steps) <= Decimal("7.2")
    assert "not certain" in made.rate.notes[0]
    said = found(result("product.no-rate-table", made))
    assert said.severity == "warning"
    assert "7.2" in said.evidence[1].said


@pytest.mark.parametrize(("when", "basis"), [("2026-01-05T10:00:00Z", "maker"), ("2026-01-05T09:59:59Z", "illustrative")])
def test_used_to_it_means_within_eight_weeks_of_the_first_infusion(when: str, basis: str) -> None:
    assert pi("panzyga", brand("Panzyga", when), start="2026-03-02").rate.basis == basis


def test_a_day_without_an_hour_counts_from_its_beginning() -> None:
    assert pi("panzyga", brand("Panzyga", "2026-01-05"), start="2026-03-02").rate.basis == "illustrative"
    assert pi("panzyga", brand("Panzyga", "2026-01-06"), start="2026-03-02").rate.basis == "maker"


def test_a_faster_rate_over_hours_is_held_against_the_lower_maximum() -> None:
    hours = {"mode": "hours", "hours": "0.55"}
    assert "dose.above-maximum" in {f.check for f in pi("panzyga", rate=hours).findings}
    assert "dose.above-maximum" not in {f.check for f in pi("panzyga", brand("Panzyga", "2026-02-02T10:00:00Z"), rate=hours).findings}


def test_steps_of_the_chart_for_other_indications_are_nobodys_chart() -> None:
    assert for_(content().products["panzyga"], content().order_sets["cidp"]).rate.basis == "illustrative"


# ── illustrative steps, and who may sign them ────────────────────────────────────────────────────────────────────────


def refusals(made: Proposal, environment: str, site: Site) -> set[str]:
    """Why this proposal cannot be approved."""
    said = approve(made, made.digest, (), PRESCRIBER, NOW, content(), environment, site)
    return set() if isinstance(said, Approval) else {r.code for r in said}


@pytest.mark.parametrize("pair", WITH_TABLE, ids=named)
def test_in_production_steps_that_nobody_printed_are_signed_only_after_the_site_adopted_them(pair: tuple[Product, OrderSet]) -> None:
    product, order_set = pair
    ladder = next(x for x in product.ladders if order_set.label_code in x.for_)
    made = for_(product, order_set)
    assert ("illustrative" in refusals(made, "production", Site())) is (made.rate.basis == "illustrative")
    assert "illustrative" not in refusals(made, "demo", Site())
    adopted = Site(ladders={(product.id, order_set.label_code): AdoptedLadder(ladder.steps, "P. Harmacist", "2026-01-01")})
    by_site = for_(product, order_set, site=adopted)
    assert (by_site.rate.basis, outcome(result("product.no-rate-table", by_site))) == ("site", "clear")
    assert "illustrative" not in refusals(by_site, "production", adopted)


def test_steps_adopted_for_one_solution_are_not_those_of_the_other() -> None:
    weak = content().products["gammagard-sd"].ladders[0]
    site = Site(ladders={("gammagard-sd", "PI"): AdoptedLadder(weak.steps, "P. Harmacist", "2026-01-01", Decimal(50))})
    assert pi("gammagard-sd", site=site).rate.basis == "site"
    strong = pi("gammagard-sd", site=site, concentration_mg_ml="100")
    assert (strong.rate.basis, outcome(result("product.no-rate-table", strong))) == ("illustrative", "warning")


def test_steps_that_a_site_adopted_stay_below_the_maximum_of_a_new_patient() -> None:
    adopted = Site(ladders={("panzyga", "PI"): AdoptedLadder(content().products["panzyga"].ladders[0].steps, "P. Harmacist", "2026-01-01")})
    assert max(s.ml_kg_h for s in pi("panzyga", site=adopted, dose={"per_kg": "0.8"}).rate.steps) == Decimal("7.2")


# ── age, indication, diluent ─────────────────────────────────────────────────────────────────────────────────────────


def birthday(years: Decimal) -> date:
    """The birth date of whoever reaches that age today."""
    return TODAY.replace(year=TODAY.year - int(years))


def with_limits() -> Iterator[tuple[Product, OrderSet, Decimal]]:
    """Labelled indications with their lower limit of age."""
    for product, order_set in LABELLED:
        label = product.label(order_set.label_code)
        if label is not None and label.min_age_years is not None:
            yield product, order_set, label.min_age_years


@pytest.mark.parametrize(("product", "order_set", "years"), list(with_limits()), ids=lambda x: getattr(x, "id", str(x)))
def test_a_label_begins_on_the_birthday(product: Product, order_set: OrderSet, years: Decimal) -> None:
    old_enough, too_young = birthday(years), birthday(years) + timedelta(days=1)
    made = for_(product, order_set, patient={"birthDate": old_enough.isoformat()})
    assert (outcome(result("product.age", made)), made.on_label) == ("clear", True)
    made = for_(product, order_set, patient={"birthDate": too_young.isoformat()})
    assert (outcome(result("product.age", made)), made.on_label) == ("warning", False)


@pytest.mark.parametrize(("birth", "ends", "on_label"), [("2008-03-02", "clear", True), ("2008-03-03", "unknown", False)])
def test_a_limit_that_nobody_verified_leaves_a_child_unassessed(birth: str, ends: str, on_label: bool) -> None:
    made = pi("octagam-5", patient={"birthDate": birth})
    assert (outcome(result("product.age", made)), made.on_label) == (ends, on_label)


@pytest.mark.parametrize("order_set", [o for o in content().order_sets.values() if o.label_code], ids=lambda o: o.id)
def test_a_product_is_told_apart_by_what_its_own_label_carries(order_set: OrderSet) -> None:
    for product in content().products.values():
        if product.orderable:
            ends = "clear" if product.label(order_set.label_code) else "warning"
            assert outcome(result("product.not-for-indication", for_(product, order_set))) == ends, product.id


@pytest.mark.parametrize("product", [p for p in content().products.values() if p.orderable], ids=lambda p: p.id)
@pytest.mark.parametrize("diluent", ["d5w", "saline"])
def test_a_diluent_is_allowed_excluded_or_not_known(product: Product, diluent: str) -> None:
    ends = "clear" if diluent in product.diluents_allowed else "hard-stop" if diluent in product.diluents_excluded else "unknown"
    assert outcome(result("product.diluent", pi(product.id, diluent=diluent))) == ends


# ── the product that is proposed ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("formulary", "birth", "chosen"), [
    (("gamunex-c", "asceniv"), "1986-01-15", "gamunex-c"),  # the default of the order set comes first
    (("asceniv", "privigen"), "1986-01-15", "asceniv"),
    (("asceniv", "privigen"), "2020-01-15", "privigen"),  # the first that is labelled at this age
    (("octagam-10", "privigen"), "1986-01-15", "privigen"),  # the first that is labelled for the indication
    (("qivigy", "octagam-10"), "1986-01-15", "octagam-10"),  # the first that can be run at all
    (("qivigy",), "1986-01-15", "qivigy"),
])  # fmt: skip
def test_a_formulary_without_the_default_gives_what_can_be_run_and_is_labelled(formulary: tuple[str, ...], birth: str, chosen: str) -> None:
    made = proposed(indication="pi-cvid", regimen=None, product=None, patient={"birthDate": birth}, site=Site(formulary=formulary))
    assert made.product.id == chosen


# ── a product that is no longer made ─────────────────────────────────────────────────────────────────────────────────


def test_a_discontinued_product_is_proposed_without_vials_or_rate_and_cannot_be_approved() -> None:
    made = pi("carimune-nf")
    assert (made.outcome, made.vials, made.waste_g, made.rate.mode) == ("stopped", (), None, "none")
    assert made.dose is not None
    assert "no longer made" in found(result("product.no-rate-table", made)).message
    assert {"discontinued", "hard-stop"} <= refusals(made, "demo", Site())


def test_a_discontinued_product_is_never_chosen_by_default() -> None:
    only_sucrose = replace(content().order_sets["pi-cvid"], default_product="carimune-nf")
    using = replace(content(), order_sets={**content().order_sets, "pi-cvid": only_sucrose})
    assert proposed(indication="pi-cvid", regimen=None, product=None, using=using).product.orderable
