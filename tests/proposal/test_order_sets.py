"""All order sets as they are used: which one a chart leads to, what each regimen proposes, what is stopped and what needs a reason."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from ivig_fhir.content.model import OrderSet, Regimen
from ivig_fhir.content.site import Site
from ivig_fhir.errors import SelectionError
from ivig_fhir.fhir.codes import ICD10CM, SNOMED
from ivig_fhir.order.approval import Approval, Clinician, approve
from ivig_fhir.order.bundle import Abilities, checked, tolerance_of, transaction
from ivig_fhir.order.recompute import disagreements, recompute, tables_of
from ivig_fhir.proposal.answer import answer
from ivig_fhir.proposal.applicability import within_years
from ivig_fhir.proposal.context import MAIN, proposal_context
from ivig_fhir.proposal.model import Proposal
from ivig_fhir.proposal.selections import ChosenOverride
from tests.a_case import content
from tests.a_kept_proposal import kept
from tests.a_record import NOW, Resource, coded, infused, proposed, quiet, weight

ADULT, CHILD, INFANT = (("1986-01-15", Decimal(70)), ("2018-01-15", Decimal(26)), ("2026-02-20", Decimal("3.1")))
BASE = "https://ivig.example.org/fhir"
PRESCRIBER = Clinician("Practitioner/prescriber", "Dr Nora Testfield", frozenset({"prescriber"}))
SETS = content().order_sets
REGIMENS = [(s.id, r.id) for s in SETS.values() for r in s.regimens]


def patient(years: tuple[int | None, int | None]) -> tuple[str, Decimal]:
    """Birth date and weight of somebody whom an order set with these ages is for."""
    ages = {40: ADULT, 8: CHILD, 0: INFANT}
    return next(who for age, who in ages.items() if within_years(age, years))


def diagnosis(system: str, code: str, **more: Any) -> Resource:
    """A Condition with one code, in the place of the quiet patient's own."""
    return coded("Condition", "cidp", system, code, **more)


def facts(order_set: OrderSet, years: tuple[int | None, int | None]) -> tuple[Resource, ...]:
    """The first code of an order set, and a weight that goes with the age."""
    code = min(order_set.codes.exact, key=lambda c: (c.system, c.code))
    return diagnosis(code.system, code.code), weight(patient(years)[1])


def case(order_set: OrderSet, regimen: str | None = None, years: tuple[int | None, int | None] | None = None, **chosen: Any) -> Proposal:
    """The proposal of an order set for a suitable patient who carries its first code."""
    ages_ = years or order_set.age_years
    born = patient(ages_)[0]
    drop = () if born == ADULT[0] else ("height",)
    chosen = {"indication": order_set.id, "regimen": regimen, "product": None, **chosen}
    return proposed(*facts(order_set, ages_), drop=drop, patient={"birthDate": born, "gender": "female"}, **chosen)


def ages(order_set: OrderSet, regimen: Regimen) -> tuple[int | None, int | None]:
    """Whom a regimen is for: its own ages, else those of its order set."""
    return regimen.age_years if regimen.age_years != (None, None) else order_set.age_years


def severity(proposal: Proposal, check: str) -> str:
    """How a check ended in a proposal; "" for clear or not assessed."""
    return next((f.severity for f in proposal.findings if f.check == check), "")


@pytest.mark.parametrize(("id_", "regimen"), REGIMENS, ids=[r for _, r in REGIMENS])
def test_each_regimen_gives_a_whole_proposal_within_itself(id_: str, regimen: str) -> None:
    order_set, wanted = SETS[id_], SETS[id_].regimen(regimen)
    assert wanted is not None
    made = case(order_set, regimen, ages(order_set, wanted))
    assert made.outcome == "proposed", [f.message for f in made.hard_stops]
    assert made.dose is not None
    assert made.weight.dosing_kg is not None
    assert len(made.dose.infusions) == len({i.date for i in made.dose.infusions})
    assert sum(v.grams * v.count for v in made.vials) == made.dose.per_infusion_g + (made.waste_g or 0)
    assert made.rate.steps
    assert sum(s.volume_ml for s in made.rate.steps) == made.volume_ml
    assert severity(made, "dose.outside-regimen") == ""
    assert severity(made, "dose.above-maximum") == ""
    assert (made.series is None) is (wanted.interval_weeks is None)
    if made.series:
        assert made.series.last <= made.series.review_on
        assert made.series.total_g == made.dose.course_g * made.series.cycles


@pytest.mark.parametrize(("id_", "regimen"), REGIMENS, ids=[r for _, r in REGIMENS])
def test_each_regimen_is_an_order_that_may_leave_and_that_the_second_calculation_bears_out(id_: str, regimen: str) -> None:
    order_set, wanted = SETS[id_], SETS[id_].regimen(regimen)
    assert wanted is not None
    made = case(order_set, regimen, ages(order_set, wanted))
    assert made.dose is not None
    everything = {f.check: ChosenOverride(f.check, "2", "Seen.") for f in made.findings if f.severity == "override"}
    signed = approve(made, made.digest, tuple(everything.values()), PRESCRIBER, NOW, content(), "development", Site())
    assert isinstance(signed, Approval), signed
    written = transaction(made, signed, content(), proposal_context(made, BASE, "0.1.0"), Abilities())
    assert checked(written, tolerance_of(made), made.dose.course_g)
    order = next(e.resource for e in written.entries if e.role == MAIN)
    record = [*({**quiet(), **{str(f["id"]): f for f in facts(order_set, ages(order_set, wanted))}}).values()]
    person = {**record[0], "birthDate": patient(ages(order_set, wanted))[0], "gender": "female"}
    assert disagreements(recompute(order, [person, *record[1:]], tables_of(content()), NOW, kept(made))) == ()


def defaults() -> Iterator[tuple[str, str | None]]:
    """The regimen that each order set proposes by itself."""
    for item in SETS.values():
        usual = [r for r in item.regimens if not r.exception]
        yield item.id, usual[0].id if usual else None


@pytest.mark.parametrize(("id_", "regimen"), list(defaults()))
def test_an_order_set_proposes_its_first_regimen_or_stops(id_: str, regimen: str | None) -> None:
    made = case(SETS[id_])
    assert (made.regimen.id if made.regimen else None) == regimen
    stops = {f.check for f in made.hard_stops}
    assert stops == ({"indication.not-recommended"} if regimen is None else set())
    assert made.outcome == ("stopped" if regimen is None else "proposed")
    if regimen is None:
        assert made.dose is None
        assert answer(made)["dose"]["course_g"] is None
        assert len(answer(made)["clear"]) + len(made.findings) + len(made.not_assessed) == len(content().constants["check_index"])


TIERS = {"A": "", "B": "warning", "C": "override", "D": ""}


@pytest.mark.parametrize("id_", sorted(SETS))
def test_the_tier_decides_whether_a_reason_is_asked_for(id_: str) -> None:
    made = case(SETS[id_])
    assert severity(made, "indication.off-label") == TIERS[SETS[id_].tier]
    assert severity(made, "indication.not-recommended") == ("hard-stop" if SETS[id_].tier == "D" else "")
    assert answer(made)["tier"] == SETS[id_].tier


@pytest.mark.parametrize(("id_", "named"), [("gbs", "EAN/PNS 2023"), ("sle", "2014"), ("ra", "ACR 2021"), ("ms", "Ontario")])
def test_whoever_recommends_it_or_does_not_is_named_with_the_source_and_what_is_unsure_is_not(id_: str, named: str) -> None:
    check = "indication.not-recommended" if SETS[id_].tier == "D" else "indication.off-label"
    told = next(f for f in case(SETS[id_]).findings if f.check == check)
    assert any(named in e.said for e in told.evidence)
    assert {k for e in SETS[id_].evidence if e.source.confidence != "?" for k in e.source.citations} <= set(told.citations)
    assert not [e for e in told.evidence if "part that was looked at" in e.said]


def test_the_exception_of_multiple_sclerosis_has_to_be_chosen_and_needs_a_reason() -> None:
    assert case(SETS["ms"]).regimen is None
    made = case(SETS["ms"], "rrms-exception")
    assert severity(made, "indication.not-recommended") == "override"
    assert made.outcome == "proposed"
    assert made.dose is not None
    assert made.dose.per_kg == Decimal("0.4")
    assert [f.check for f in made.open_overrides if f.check == "indication.not-recommended"]


@pytest.mark.parametrize(
    ("code", "system", "other"),
    [
        ("G35.A", ICD10CM, False),
        ("G35.D", ICD10CM, False),
        ("24700007", SNOMED, False),
        ("G35.C1", ICD10CM, True),
        ("428700003", SNOMED, True),
    ],
)
def test_the_exception_says_so_where_the_chart_names_a_progressive_form(code: str, system: str, other: bool) -> None:
    made = proposed(diagnosis(system, code), indication="ms", regimen="rrms-exception")
    told = next(f for f in made.findings if f.check == "indication.not-recommended")
    assert told.severity == "override"
    assert ("exception-other-form" in told.branches) is other


def test_a_child_with_labelled_products_is_not_told_that_no_label_carries_it() -> None:
    message = next(f.message for f in case(SETS["itp-child"]).findings if f.check == "indication.off-label")
    assert message.startswith("Labels carry it for some products and ages only")


def test_a_combination_with_corticosteroids_is_graded_below_its_indication() -> None:
    alone, combined = case(SETS["cidp"], "cidp-load"), case(SETS["cidp"], "cidp-combo")
    assert severity(alone, "indication.off-label") == ""
    assert severity(combined, "indication.off-label") == "warning"
    assert "No label carries this regimen" in next(f.message for f in combined.findings if f.check == "indication.off-label")
    assert (alone.on_label, combined.on_label) == (True, False)
    assert combined.dose is not None
    assert alone.dose is not None
    assert combined.dose.course_g == alone.dose.course_g


STEROID = {"steroid-own-order", "steroid-diabetes", "steroid-infection", "steroid-bone", "steroid-teaching"}


def test_what_corticosteroids_ask_for_comes_with_that_regimen_alone() -> None:
    alone, combined = case(SETS["cidp"], "cidp-load"), case(SETS["cidp"], "cidp-combo")
    assert {c.id for c in combined.companions if c.selected} >= STEROID
    assert next(c for c in combined.companions if c.id == "steroid-own-order").required
    assert not {c.id for c in alone.companions} & STEROID
    assert not any(c.kind == "medication" for c in combined.companions if c.id in STEROID)


def test_replacement_comes_with_its_trough_and_nothing_else_does() -> None:
    for item in SETS.values():
        chosen = {c.id for c in case(item).companions if c.selected}
        replaces = item.id in ("pi-cvid", "pi-scid", "pi-xla-other", "hiv-paediatric", "sid-cll", "hsct")
        assert ("lab-igg-trough" in chosen) is replaces, item.id
        assert item.trough is None or replaces


# --- which order set a chart leads to ----------------------------------------------------------------------------------------


def found(*facts: Resource, born: str = ADULT[0]) -> str:
    """The order set that a chart leads to without a choice, or what is said when it is not one."""
    try:
        made = proposed(*facts, patient={"birthDate": born}, indication=None, regimen=None, product=None)
    except SelectionError as said:
        return said.message
    return made.order_set.id


CODES = [
    ("D83.1", ICD10CM, "pi-cvid"), ("D8312", ICD10CM, ""), ("23238000", SNOMED, "pi-cvid"), ("D81.31", ICD10CM, "pi-scid"),
    ("D82.0", ICD10CM, "pi-xla-other"), ("190981001", SNOMED, "pi-xla-other"), ("G61.0", ICD10CM, "gbs"), ("G61.81", ICD10CM, "cidp"),
    ("G61.82", ICD10CM, "mmn"), ("G61.8", ICD10CM, ""), ("230591002", SNOMED, "mmn"), ("G35.A", ICD10CM, "ms"), ("G35.B0", ICD10CM, "ms"),
    ("G35.C2", ICD10CM, "ms"), ("G35.D", ICD10CM, "ms"), ("G35", ICD10CM, ""), ("G35.B", ICD10CM, ""), ("426373005", SNOMED, "ms"),
    ("M32.14", ICD10CM, "sle"), ("55464009", SNOMED, "sle"), ("156450004", SNOMED, ""), ("M32.0", ICD10CM, ""), ("M05.9", ICD10CM, "ra"),
    ("M30.3", ICD10CM, "kawasaki"), ("M33.13", ICD10CM, "dm"), ("M33.03", ICD10CM, "dm"), ("M33.20", ICD10CM, ""), ("C91.10", ICD10CM, "sid-cll"),
    ("119250001", SNOMED, ""), ("G25.82", ICD10CM, "sps"), ("G73.1", ICD10CM, "lems"), ("D59.11", ICD10CM, "aiha"), ("D59.12", ICD10CM, ""),
    ("O36.8210", ICD10CM, "fnait"), ("O36.8211", ICD10CM, ""), ("A48.3", ICD10CM, "tss"), ("L12.30", ICD10CM, "ambd"), ("L51.2", ICD10CM, "sjs-ten"),
    ("T86.11", ICD10CM, "abmr"), ("D89.811", ICD10CM, "hsct"), ("G04.81", ICD10CM, "aie"), ("Z20.828", ICD10CM, "measles-pep"),
    ("D69.51", ICD10CM, "ptp"), ("B97.6", ICD10CM, "parvo-prca"), ("G37.81", ICD10CM, "nmosd-mogad"), ("G14", ICD10CM, "ibm-postpolio-sfn"),
    ("U09.9", ICD10CM, "als-longcovid-other"), ("G70.01", ICD10CM, "mg"), ("G70.81", ICD10CM, "lems"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "system", "id_"), CODES)
def test_a_code_leads_to_its_order_set_and_a_near_miss_to_none(code: str, system: str, id_: str) -> None:
    said = found(diagnosis(system, code))
    assert said == id_ if id_ else "carries no indication" in said


@pytest.mark.parametrize(
    ("code", "born", "id_"),
    [
        ("D69.3", "2008-03-02", "itp-adult"),  # 18 today
        ("D69.3", "2008-03-03", "itp-child"),  # 18 tomorrow
        ("D69.41", "1990-01-01", "itp-adult"),
        ("D69.41", "2015-01-01", ""),
        ("B20", "2015-01-01", "hiv-paediatric"),
        ("B20", "1990-01-01", ""),
        ("M35.81", "2015-01-01", "misc"),
        ("M35.81", "1990-01-01", ""),
        ("P55.1", "2026-02-27", "hdn"),
        ("P55.1", "2025-03-03", "hdn"),
        ("P55.1", "2025-03-02", ""),
        ("P61.0", "2026-02-27", "fnait"),
    ],
)
def test_ages_decide_between_order_sets_of_one_code(code: str, born: str, id_: str) -> None:
    said = found(diagnosis(ICD10CM, code), born=born)
    assert said == id_ if id_ else "carries no indication" in said


def test_an_unknown_age_leaves_the_choice_to_the_clinician() -> None:
    with pytest.raises(SelectionError) as said:
        proposed(diagnosis(ICD10CM, "D69.3"), patient={"birthDate": None}, indication=None, regimen=None, product=None)
    assert "itp-adult, itp-child" in said.value.message


@pytest.mark.parametrize(("code", "among"), [("D80.1", "hsct, pi-xla-other, sid-cll"), ("Z94.84", "hsct, sid-cll")])
def test_a_code_of_several_order_sets_names_them(code: str, among: str) -> None:
    assert found(diagnosis(ICD10CM, code)).endswith(f"choose one of {among}.")


def test_two_diagnoses_name_both_and_a_resolved_one_does_not_count() -> None:
    arthritis = coded("Condition", "ra", ICD10CM, "M06.9")
    assert found(arthritis).endswith("choose one of cidp, ra.")
    assert found({**arthritis, "clinicalStatus": {"coding": [{"code": "resolved"}]}}) == "cidp"


# --- a mother and her newborn, adults and children ----------------------------------------------------------------------------


def test_the_regimen_follows_the_age_where_one_order_set_is_for_mother_and_newborn() -> None:
    fnait = SETS["fnait"]
    for regimen, years in (("fnait-infant", (0, 0)), ("fnait-mother-std", (18, None))):
        made = case(fnait, years=years)
        assert made.regimen is not None
        assert made.regimen.id == regimen


@pytest.mark.parametrize(
    ("id_", "regimen", "years", "branch"),
    [
        ("fnait", "fnait-infant", (18, None), "for 0 years and younger"),
        ("fnait", "fnait-mother-std", (0, 0), "for 1 years and older"),
        ("itp-child", None, (18, None), "for 17 years and younger"),
        ("itp-adult", None, (1, 17), "for 18 years and older"),
        ("hdn", None, (18, None), "for 0 years and younger"),
    ],
)
def test_whoever_is_too_old_or_too_young_for_a_regimen_needs_a_reason(
    id_: str, regimen: str | None, years: tuple[int | None, int | None], branch: str
) -> None:
    said = next(f for f in case(SETS[id_], regimen, years).findings if f.check == "dose.outside-regimen")
    assert said.severity == "override"
    assert branch in said.message


# --- limits of amount, hours and grams, on both sides ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("id_", "chosen", "expected"),
    [
        ("mmn", {"regimen": "mmn-maint", "dose": {"per_kg": "2.4"}, "days": 5}, ""),
        ("mmn", {"regimen": "mmn-maint", "dose": {"per_kg": "2.41"}, "days": 5}, "override"),
        ("mmn", {"regimen": "mmn-maint", "dose": {"per_kg": "1.2"}, "interval_weeks": 2}, ""),
        ("mmn", {"regimen": "mmn-maint", "dose": {"per_kg": "1.21"}, "interval_weeks": 2}, "override"),
        ("mmn", {"regimen": "mmn-maint", "dose": {"per_kg": "4.8"}, "interval_weeks": 8, "days": 5}, ""),
        ("mmn", {"regimen": "mmn-load", "dose": {"per_kg": "2.4"}, "days": 5}, ""),
        ("mmn", {"regimen": "mmn-load", "dose": {"per_kg": "2.41"}, "days": 5}, "override"),
        ("fnait", {"regimen": "fnait-mother-ich", "dose": {"per_kg": "2"}, "days": 2}, ""),
        ("fnait", {"regimen": "fnait-mother-ich", "dose": {"per_kg": "2.01"}, "days": 2}, "override"),
        ("sid-cll", {"dose": {"per_kg": "0.4"}}, ""),
        ("sid-cll", {"dose": {"per_kg": "0.41"}}, "override"),
        ("hsct", {"dose": {"per_kg": "0.5"}}, ""),
        ("hsct", {"dose": {"per_kg": "0.51"}}, "override"),
        ("sjs-ten", {"dose": {"per_kg": "3"}, "days": 3}, ""),
        ("sjs-ten", {"dose": {"per_kg": "3.01"}, "days": 3}, "override"),
        ("ms", {"regimen": "rrms-exception", "dose": {"per_kg": "1"}}, ""),
        ("ms", {"regimen": "rrms-exception", "dose": {"per_kg": "1.01"}}, "override"),
        ("abmr", {"dose": {"per_kg": "2"}, "days": 4}, ""),
        ("abmr", {"dose": {"per_kg": "2.01"}, "days": 4}, "override"),
        ("misc", {"weight": {"dosing_kg": "50"}}, ""),
        ("misc", {"weight": {"dosing_kg": "52"}}, "override"),
    ],
)
def test_the_maximum_of_each_kind_is_held_on_both_sides(id_: str, chosen: dict[str, Any], expected: str) -> None:
    regimen = chosen.get("regimen")
    made = case(SETS[id_], regimen, **{k: v for k, v in chosen.items() if k != "regimen"})
    assert severity(made, "dose.above-maximum") == expected


@pytest.mark.parametrize(
    ("id_", "rate", "expected"),
    [
        ("kawasaki", None, ""),
        ("kawasaki", {"mode": "hours", "hours": "8"}, ""),
        ("kawasaki", {"mode": "hours", "hours": "7.9"}, "override"),
        ("kawasaki", {"mode": "hours", "hours": "12.1"}, "override"),
        ("kawasaki", {"mode": "steps"}, "override"),
        ("misc", {"mode": "hours", "hours": "7"}, "override"),
        ("hdn", None, ""),
        ("hdn", {"mode": "hours", "hours": "2"}, ""),
        ("hdn", {"mode": "hours", "hours": "1.9"}, "override"),
    ],
)
def test_an_infusion_takes_the_hours_that_its_regimen_gives(id_: str, rate: dict[str, str] | None, expected: str) -> None:
    made = case(SETS[id_], years=(1, 17) if id_ == "kawasaki" else None, rate=rate)
    assert severity(made, "dose.outside-regimen") == expected
    if rate is None:
        assert made.rate.mode == "hours"
        assert severity(made, "product.no-rate-table") == ""


@pytest.mark.parametrize(
    ("product", "per_kg", "expected"),
    [
        ("gamunex-c", "0.3", ""),
        ("gamunex-c", "0.28", "override"),
        ("gamunex-c", "0.66", "override"),
        ("privigen", "0.2", ""),
        ("privigen", "0.8", ""),
    ],
)
def test_a_dose_that_the_products_label_prints_is_within_the_regimen(product: str, per_kg: str, expected: str) -> None:
    made = case(SETS["pi-cvid"], product=product, dose={"per_kg": per_kg})
    assert severity(made, "dose.outside-regimen") == expected


def test_label_asks_for_the_regimen_of_which_the_products_label_prints_something() -> None:
    assert case(SETS["itp-adult"], "label", product="privigen").regimen == SETS["itp-adult"].regimen("itp-adult-label")
    assert case(SETS["cidp"], "label", product="privigen").regimen == SETS["cidp"].regimen("cidp-load")
    assert case(SETS["itp-adult"], "label", product="gammagard-sd").regimen == SETS["itp-adult"].regimen("itp-adult-1")
    assert case(SETS["kawasaki"], "label", (1, 17), product="gammagard-sd").regimen == SETS["kawasaki"].regimen("kd-label")
    for id_, product in (("gbs", "gamunex-c"), ("cidp", "octagam-10"), ("ra", "gamunex-c")):
        with pytest.raises(SelectionError) as said:
            case(SETS[id_], "label", product=product)
        assert "No dose is known here that the label" in said.value.message


@pytest.mark.parametrize(
    ("product", "per_kg", "expected"), [("panzyga", "2", ""), ("panzyga", "2.11", "override"), ("privigen", "1.1", "override")]
)
def test_a_maintenance_dose_that_one_label_allows_is_within_the_regimen_for_that_product(product: str, per_kg: str, expected: str) -> None:
    made = case(SETS["cidp"], "cidp-maint", product=product, days=2, dose={"per_kg": per_kg})
    assert severity(made, "dose.outside-regimen") == expected


def test_a_monthly_dose_is_that_of_four_weeks_times_the_interval() -> None:
    for weeks, grams in ((2, "0.25"), (4, "0.5"), (8, "1")):
        made = case(SETS["mmn"], "mmn-maint", interval_weeks=weeks)
        assert made.dose is not None
        assert made.dose.per_kg == Decimal(grams)
        assert severity(made, "dose.outside-regimen") == ""


@pytest.mark.parametrize(("born", "grams"), [("2026-02-20", "3.1"), ("2025-03-03", "3.1"), ("2025-03-02", "3")])
def test_below_one_year_a_dose_is_not_rounded_to_vials(born: str, grams: str) -> None:
    infant = {"birthDate": born}
    made = proposed(weight(6.2), drop=("height",), patient=infant, indication="pi-scid", regimen="scid-maint", dose={"per_kg": "0.5"})
    assert made.dose is not None
    assert made.dose.per_infusion_g == Decimal(grams)


@pytest.mark.parametrize(("weeks", "expected"), [(None, "override"), (1, ""), (4, "override")])
def test_an_infusion_ten_days_ago_fits_a_weekly_series_and_no_slower_one(weeks: int | None, expected: str) -> None:
    chosen = {} if weeks is None else {"interval_weeks": weeks}
    made = proposed(
        diagnosis(ICD10CM, "D89.811"), infused("2026-02-20T10:00:00Z"), indication="hsct", regimen="hsct-repl", product=None, **chosen
    )
    assert severity(made, "duplication.immunoglobulin") == expected
