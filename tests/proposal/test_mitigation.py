"""Mitigations with one press: what is offered, what it changes, and that no rule is switched off by it."""

from __future__ import annotations

from datetime import UTC
from decimal import Decimal
from typing import Any

import pytest

from ivig_fhir.chart.bundle import from_documents
from ivig_fhir.chart.read import read_chart
from ivig_fhir.chart.snapshot import ChartSnapshot
from ivig_fhir.content.site import Site
from ivig_fhir.errors import SelectionError
from ivig_fhir.proposal.answer import answer
from ivig_fhir.proposal.compare_products import compare_products
from ivig_fhir.proposal.context import proposal_context
from ivig_fhir.proposal.findings import Finding
from ivig_fhir.proposal.mitigation import Offer, offers, take
from ivig_fhir.proposal.model import Proposal
from ivig_fhir.proposal.propose import propose
from ivig_fhir.proposal.resources import proposal_resources
from ivig_fhir.proposal.selections import Selections, parse_selections
from tests.a_case import content
from tests.a_record import CREATININE, NOW, SNOMED, Resource, coded, observation, quiet

ICD = "http://hl7.org/fhir/sid/icd-10-cm"
POOR_KIDNEYS = observation("creatinine", CREATININE, 3.1, "mg/dL", "2026-02-27T07:00:00Z")
HEART_FAILURE = coded("Condition", "hf", ICD, "I50.22")
PROLINE = coded("Condition", "prolin", SNOMED, "61071003")
RECENT_CLOT = coded("Condition", "clot", ICD, "I26.99", onsetDateTime="2026-02-10")
CIDP = {"indication": "cidp", "regimen": "cidp-load", "product": "gamunex-c"}


class Desk:
    """One chart on which choices are tried."""

    def __init__(self, *added: Resource, site: Site | None = None) -> None:
        record = quiet() | {str(a["id"]): a for a in added}
        self.chart: ChartSnapshot = read_chart(from_documents(list(record.values())), content(), NOW, UTC)
        self.site = site or Site()

    def propose(self, selections: Selections) -> Proposal:
        return propose(self.chart, selections, content(), NOW, self.site)

    def start(self, **selections: Any) -> Proposal:
        return self.propose(parse_selections({**CIDP, **selections}))

    def offers(self, made: Proposal) -> dict[str, Offer]:
        rows = compare_products(self.chart, made.selections, content(), NOW, self.site)
        return {o.id: o for o in offers(made, self.chart, content(), self.site, rows)}

    def press(self, made: Proposal, id_: str, figure: str | None = None) -> Proposal:
        found = self.offers(made)
        return self.propose(take(found.values(), id_, Decimal(figure) if figure else None, made))


def found(made: Proposal, check: str) -> Finding:
    return next(f for f in made.findings if f.check == check)


def done(made: Proposal, check: str) -> set[str]:
    return {m.action for m in found(made, check).measures}


def test_a_companion_that_was_taken_out_comes_back_with_one_press_and_the_finding_says_so() -> None:
    desk = Desk(POOR_KIDNEYS)
    made = desk.start(companions={"hydration-before": False})
    assert "add.hydration-before" not in done(made, "renal.reduced-function")
    after = desk.press(made, "renal.reduced-function/add.hydration-before")
    assert next(c for c in after.companions if c.id == "hydration-before").selected
    assert "add.hydration-before" in done(after, "renal.reduced-function")
    assert "renal.reduced-function/add.hydration-before" not in desk.offers(after)


def test_one_companion_answers_every_finding_that_asks_for_it() -> None:
    desk = Desk(POOR_KIDNEYS)
    after = desk.press(desk.start(companions={"lab-creatinine-after": False}), "renal.reduced-function/add.lab-creatinine-after")
    risk = found(after, "renal.risk-factors")
    assert "add.lab-creatinine-after" in {m.action for m in risk.measures}


def test_hydration_is_named_and_not_offered_where_the_heart_fails() -> None:
    desk = Desk(POOR_KIDNEYS, HEART_FAILURE)
    made = desk.start()
    offer = desk.offers(made)["renal.reduced-function/add.hydration-before"]
    assert "Heart failure" in offer.why_not and offer.selections is None
    with pytest.raises(SelectionError):
        desk.press(made, offer.id)
    assert "leave-out.hydration-before" in done(made, "volume.heart-failure")


def test_what_was_added_against_a_heart_failure_can_be_left_out_again() -> None:
    desk = Desk(HEART_FAILURE)
    made = desk.start(companions={"hydration-before": True})
    after = desk.press(made, "volume.heart-failure/leave-out.hydration-before")
    assert not next(c for c in after.companions if c.id == "hydration-before").selected


def test_a_cap_is_never_invented_the_figure_has_to_be_typed() -> None:
    desk = Desk(POOR_KIDNEYS)
    made = desk.start()
    assert made.rate.cap_reason == "label"
    offer = desk.offers(made)["renal.reduced-function/cap"]
    assert offer.asks and offer.selections is None
    with pytest.raises(SelectionError) as refused:
        desk.press(made, offer.id)
    assert "Type a rate in mg/kg/min" in refused.value.message
    after = desk.press(made, offer.id, "2")
    assert (after.rate.cap_reason, after.rate.cap_ml_kg_h) == ("clinician", Decimal("1.2"))
    assert "cap" in done(after, "renal.reduced-function")


@pytest.mark.parametrize(("figure", "taken"), [("0", False), ("7.99", True), ("8", False), ("9", False), ("-1", False)])
def test_a_cap_lies_below_the_maximum_of_the_label(figure: str, taken: bool) -> None:
    desk = Desk(POOR_KIDNEYS)
    made = desk.start()
    if taken:
        assert desk.press(made, "renal.reduced-function/cap", figure).rate.cap_reason == "clinician"
    else:
        with pytest.raises(SelectionError) as refused:
            desk.press(made, "renal.reduced-function/cap", figure)
        assert "below the label's maximum of 8." in refused.value.message


def test_the_rate_that_the_label_prints_for_patients_at_risk_needs_no_figure() -> None:
    desk = Desk(POOR_KIDNEYS)
    made = desk.start(product="octagam-10", rate={"cap_mg_kg_min": None})
    offer = desk.offers(made)["renal.reduced-function/cap"]
    risk_rate = content().products["octagam-10"].risk_rate
    figure = risk_rate.max_mg_kg_min if risk_rate else None
    assert offer.selections is not None and f"{figure} mg/kg/min" in offer.label
    after = desk.press(made, offer.id)
    assert after.rate.cap_reason == "risk"
    assert "cap" in done(after, "renal.reduced-function")


def test_the_sites_figure_is_offered_where_the_label_prints_none() -> None:
    desk = Desk(POOR_KIDNEYS, site=Site(risk_cap_mg_kg_min=Decimal("2")))
    made = desk.start(rate={"cap_mg_kg_min": None})
    after = desk.press(made, "renal.reduced-function/cap")
    assert after.rate.cap_reason == "site"


def test_a_rate_that_was_slowed_without_a_risk_is_no_limit_for_patients_at_risk() -> None:
    desk = Desk(HEART_FAILURE)
    made = desk.start(product="octagam-10", rate={"cap_mg_kg_min": None})
    assert desk.offers(made)["volume.heart-failure/cap"].asks


def test_the_dose_is_split_over_as_many_days_as_content_asks_for() -> None:
    desk = Desk(RECENT_CLOT)
    made = desk.start(days=2, start="2026-03-09")
    offer = desk.offers(made)["thrombosis.recent-event/split"]
    assert "4 days" in offer.label
    after = desk.press(made, offer.id)
    assert after.dose is not None
    assert [i.date.isoformat() for i in after.dose.infusions] == ["2026-03-09", "2026-03-10", "2026-03-11", "2026-03-12"]
    assert "split" in done(after, "thrombosis.recent-event")


def test_a_split_of_chosen_dates_begins_on_the_first_of_them() -> None:
    desk = Desk(RECENT_CLOT)
    after = desk.press(desk.start(dates=["2026-03-09", "2026-03-12"]), "thrombosis.recent-event/split")
    assert after.dose is not None
    assert (after.dose.infusions[0].date.isoformat(), len(after.dose.infusions)) == ("2026-03-09", 4)


def test_a_split_beyond_the_regimen_is_not_offered() -> None:
    desk = Desk(RECENT_CLOT)
    made = desk.start(indication="mg", regimen="mg-maint")
    offer = desk.offers(made)["thrombosis.recent-event/split"]
    assert "at most 2 days" in offer.why_not


def test_another_product_is_offered_when_the_hard_stop_is_then_gone() -> None:
    desk = Desk(PROLINE)
    made = desk.start(product="privigen")
    assert made.outcome == "stopped"
    offer = desk.offers(made)["excipient.proline/product"]
    assert offer.then == "clear"
    after = desk.press(made, offer.id)
    assert after.outcome == "proposed"
    assert "excipient.proline" in after.clear
    assert after.product.id != "privigen"


def test_no_product_is_offered_where_none_of_the_formulary_helps() -> None:
    desk = Desk(PROLINE, site=Site(formulary=("privigen",)))
    assert "excipient.proline/product" not in desk.offers(desk.start(product="privigen"))


def test_a_hard_stop_stays_one_and_open_whatever_the_order_does_about_it() -> None:
    desk = Desk(PROLINE)
    made = desk.start(product="privigen")
    assert (found(made, "excipient.proline").severity, found(made, "excipient.proline").state) == ("hard-stop", "open")


def test_a_dose_outside_the_regimen_goes_back_with_one_press() -> None:
    desk = Desk()
    made = desk.start(dose={"per_kg": "3", "unit": "g/kg"}, days=3)
    assert found(made, "dose.outside-regimen").severity == "override"
    after = desk.press(made, "dose.outside-regimen/regimen")
    assert "dose.outside-regimen" in after.clear
    assert after.selections.given == ("indication", "product", "regimen")


def test_an_excluded_diluent_is_left_away() -> None:
    desk = Desk()
    made = desk.start(diluent="saline")
    assert found(made, "product.diluent").severity == "hard-stop"
    after = desk.press(made, "product.diluent/undiluted")
    assert "product.diluent" in after.clear


def test_a_rate_above_the_label_goes_back_to_the_products_own_steps() -> None:
    desk = Desk()
    made = desk.start(rate={"mode": "hours", "hours": "0.5"})
    assert found(made, "dose.above-maximum").severity == "override"
    after = desk.press(made, "dose.above-maximum/steps")
    assert "dose.above-maximum" in after.clear
    assert after.rate.mode == "steps"


def test_an_override_keeps_asking_for_its_reason_after_every_measure() -> None:
    desk = Desk(POOR_KIDNEYS)
    made = desk.start()
    for _ in range(8):
        open_ = [o for o in desk.offers(made).values() if o.check == "renal.reduced-function" and not o.why_not]
        if not open_:
            break
        made = desk.press(made, open_[0].id, "2")
    item = found(made, "renal.reduced-function")
    assert (item.severity, item.state) == ("override", "mitigated")
    assert item.check in {f.check for f in made.open_overrides}


REACTED = coded(
    "AllergyIntolerance", "ig", "http://www.nlm.nih.gov/research/umls/rxnorm", "1426680", criticality="low", reaction=[{"severity": "mild"}]
)
CHARTS = [(POOR_KIDNEYS,), (HEART_FAILURE, POOR_KIDNEYS), (PROLINE,), (RECENT_CLOT,), (REACTED,), ()]
CHOICES: list[dict[str, Any]] = [
    {},
    {"product": "privigen", "days": 2},
    {"dose": {"per_kg": "3", "unit": "g/kg"}, "days": 1},
    {"product": "octagam-10", "rate": {"cap_mg_kg_min": None}, "companions": {"hydration-before": False}},
    {"diluent": "saline", "rate": {"mode": "hours", "hours": "1"}},
    {"premedication": []},
]


@pytest.mark.parametrize("choices", CHOICES)
@pytest.mark.parametrize("added", CHARTS)
def test_every_offer_keeps_its_word(added: tuple[Resource, ...], choices: dict[str, Any]) -> None:
    desk = Desk(*added)
    made = desk.start(**choices)
    before = {f.check: f.severity for f in made.findings}
    for offer in desk.offers(made).values():
        if offer.why_not:
            continue
        after = desk.press(made, offer.id, "1.5")
        severity = next((f.severity for f in after.findings if f.check == offer.check), "clear")
        assert offer.action.id in done(after, offer.check) if not offer.then else severity == offer.then
        grave = {f.check for f in after.findings if f.severity == "hard-stop"} - {c for c, s in before.items() if s == "hard-stop"}
        assert grave == set(), f"{offer.id} brings a hard stop"


def test_premedication_that_was_missing_is_added_with_one_press_and_the_finding_follows() -> None:
    desk = Desk(REACTED)
    made = desk.start(premedication=[])
    check = "tolerance.reaction-without-premedication"
    offer = desk.offers(made)[f"{check}/add.premedication-acetaminophen"]
    assert (found(made, check).severity, offer.then) == ("warning", "clear")
    assert check in desk.press(made, offer.id).clear


def test_pressing_twice_is_refused_and_an_unknown_offer_too() -> None:
    desk = Desk(POOR_KIDNEYS)
    made = desk.start(companions={"hydration-before": False})
    after = desk.press(made, "renal.reduced-function/add.hydration-before")
    for id_ in ("renal.reduced-function/add.hydration-before", "nothing/at-all", ""):
        with pytest.raises(SelectionError) as refused:
            desk.press(after, id_)
        assert "no longer offered" in refused.value.message


def test_the_answer_carries_state_and_measures_and_the_digest_covers_them() -> None:
    desk = Desk(POOR_KIDNEYS)
    with_, without = desk.start(), desk.start(companions={"lab-creatinine-after": False})
    item = next(f for f in answer(with_)["findings"] if f["check"] == "renal.reduced-function")
    assert item["state"] == "mitigated"
    assert any("Creatinine" in m for m in item["mitigated_by"])
    assert all(isinstance(m, str) for m in item["mitigation"])
    assert with_.digest != without.digest


def test_a_finding_without_a_measure_is_open() -> None:
    made = Desk().start(product="privigen")
    assert {f.state for f in made.findings if not f.measures} <= {"open"}


def test_what_the_order_does_travels_as_a_coded_mitigation() -> None:
    made = Desk(POOR_KIDNEYS).start()
    parts = proposal_resources(made, content(), proposal_context(made, "https://ivig.example.org/fhir", "0.1.0"))
    taken = parts["detected-issue-renal.reduced-function"]["mitigation"]
    said = {m["action"]["text"]: m["action"]["coding"][0]["code"] for m in taken}
    assert said["Hydration before the infusion is part of this order"] == "11"
    assert any(code == "9" and "Creatinine" in text for text, code in said.items())


def test_without_a_dose_nothing_is_offered_and_nothing_is_claimed() -> None:
    desk = Desk({**observation("weight", "29463-7", None, None, None), "status": "cancelled"})
    made = desk.start()
    assert made.outcome == "data-required"
    assert desk.offers(made) == {}
    assert all(not f.measures for f in made.findings)
