"""What a reviewer can choose on the page, what a form changes, and what it cannot."""

from __future__ import annotations

from typing import Any

import pytest
from werkzeug.datastructures import MultiDict

from ivig_fhir.content.site import Site
from ivig_fhir.errors import SelectionError
from ivig_fhir.proposal.model import Proposal
from ivig_fhir.web.choices import choices_view
from ivig_fhir.web.choices_form import with_choices, with_companions, with_override
from tests.a_case import content
from tests.a_record import proposed

Chosen = dict[str, Any]
BEFORE: Chosen = {"indication": "cidp", "regimen": "cidp-maint", "product": "gamunex-c"}


def shown(p: Proposal, **more: Any) -> dict[str, dict[str, Any]]:
    """Each field of the page by its name."""
    rows = choices_view(p, content(), more.pop("site", Site()), **more)
    return {f["name"]: f for row in rows for f in row["fields"]}


def options(p: Proposal, name: str, **more: Any) -> list[str]:
    """The values that a list offers."""
    return [o["value"] for o in shown(p, **more)[name]["options"]]


def sent(p: Proposal, **typed: str) -> dict[str, str]:
    """The page's form as a browser sends it, with what was typed over what stood there."""
    return {name: field["value"] for name, field in shown(p).items()} | typed


def chosen(form: dict[str, str], before: Chosen, p: Proposal) -> Chosen:
    return with_choices(MultiDict(form), before, p)


@pytest.fixture(scope="module")
def plain() -> Proposal:
    """CIDP, maintenance, with the page's defaults for all the rest."""
    return proposed()


def test_a_list_offers_what_content_has_and_what_stands_is_one_of_it(plain: Proposal) -> None:
    assert set(options(plain, "indication")) == set(content().order_sets)
    assert options(plain, "regimen") == [r.id for r in content().order_sets["cidp"].regimens]
    assert options(plain, "policy") == list(content().weight_policies)
    lists = {name: field for name, field in shown(plain).items() if field["options"] is not None}
    assert len(lists) >= 6
    assert [n for n, f in lists.items() if f["value"] not in {o["value"] for o in f["options"]}] == []


def test_only_products_that_can_be_ordered_here_are_offered(plain: Proposal) -> None:
    assert set(options(plain, "product")) == {p.id for p in content().products.values() if p.orderable}
    assert options(plain, "product", site=Site(formulary=("privigen", "gamunex-c"))) == ["gamunex-c", "privigen"]


def test_an_order_set_without_a_regimen_says_that_none_is_recommended() -> None:
    made = proposed(indication="als-longcovid-other", regimen=None, product=None)
    field = shown(made)["regimen"]
    assert (field["value"], [o["label"] for o in field["options"]]) == ("", ["none is recommended"])


def test_each_choice_says_whether_content_or_clinician_made_it(plain: Proposal) -> None:
    notes = {row["label"]: row["note"] for row in choices_view(plain, content(), Site())}
    mine = {"Indication", "Regimen", "Product"}
    assert {label for label, note in notes.items() if note == "Chosen by you."} == mine
    assert {notes[label] for label in notes.keys() - mine} == {"Default of the content."}


def test_what_could_not_be_used_stands_as_typed_and_its_row_is_open(plain: Proposal) -> None:
    rows = choices_view(plain, content(), Site(), {"per_kg": "abc"})
    assert [row["label"] for row in rows if row["open"]] == ["Dose"]
    assert shown(plain, typed={"per_kg": "abc"})["per_kg"]["value"] == "abc"


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"dose": {"course_g": "70"}},
        {"days": 2, "interval_weeks": 3, "cycles": 4},
        {"dates": ["2026-03-02", "2026-03-05"]},
        {"weight": {"dosing_kg": "70", "basis": "ideal", "reason": "weighed in bed"}},
        {"weight": {"policy": "ibw"}},
        {"rate": {"cap_mg_kg_min": "2"}},
        {"rate": {"cap_mg_kg_min": None}},
        {"setting": "home", "start": "2026-03-04T08:30"},
    ],
)
def test_a_form_that_is_sent_as_it_stood_changes_nothing(more: Chosen) -> None:
    made = proposed(**more)
    assert chosen(sent(made), {**BEFORE, **more}, made) == {**BEFORE, **more}


@pytest.mark.parametrize(
    ("typed", "added"),
    [
        ({"product": "privigen"}, {"product": "privigen"}),
        ({"setting": "home"}, {"setting": "home"}),
        ({"per_kg": " 1.5 "}, {"dose": {"per_kg": "1.5", "unit": "g/kg"}}),
        ({"days": "2"}, {"days": "2"}),
        ({"interval_weeks": "4"}, {"interval_weeks": "4"}),
        ({"cycles": "2"}, {"cycles": "2"}),
        ({"start": "2026-03-04T08:30"}, {"start": "2026-03-04T08:30"}),
        ({"dates": "2026-03-02, 2026-03-05,"}, {"dates": ["2026-03-02", "2026-03-05"]}),
        ({"policy": "ibw"}, {"weight": {"policy": "ibw"}}),
        ({"dosing_kg": "70", "weight_reason": " in bed "}, {"weight": {"dosing_kg": "70", "basis": "other", "reason": "in bed"}}),
        ({"dosing_kg": "70", "basis": "actual"}, {"weight": {"dosing_kg": "70", "basis": "actual", "reason": ""}}),
        ({"cap_mg_kg_min": "2"}, {"rate": {"cap_mg_kg_min": "2"}}),
        ({"cap_mode": "label"}, {"rate": {"cap_mg_kg_min": None}}),
    ],
    ids=str,
)
def test_what_was_typed_becomes_a_choice_and_nothing_else_does(plain: Proposal, typed: dict[str, str], added: Chosen) -> None:
    assert chosen(sent(plain, **typed), BEFORE, plain) == {**BEFORE, **added}


@pytest.mark.parametrize(
    ("before", "typed"),
    [
        ({"dose": {"per_kg": "1.5", "unit": "g/kg"}}, {"per_kg": ""}),
        ({"days": 2}, {"days": ""}),
        ({"dates": ["2026-03-02", "2026-03-05"]}, {"dates": ""}),
        ({"weight": {"dosing_kg": "65", "basis": "other", "reason": "asked"}}, {"dosing_kg": "", "policy": ""}),
        ({"rate": {"cap_mg_kg_min": "2"}}, {"cap_mg_kg_min": "", "cap_mode": "content"}),
        ({"rate": {"cap_mg_kg_min": None}}, {"cap_mode": "content"}),
    ],
    ids=str,
)
def test_what_is_cleared_is_a_default_again(before: Chosen, typed: dict[str, str]) -> None:
    made = proposed(**before)
    assert chosen(sent(made, **typed), {**BEFORE, **before}, made) == BEFORE


def test_days_one_by_one_give_way_to_a_number_of_days_and_the_other_way_round() -> None:
    listed = {"dates": ["2026-03-02", "2026-03-05"]}
    made = proposed(**listed)
    assert chosen(sent(made, days="3"), {**BEFORE, **listed}, made) == {**BEFORE, "days": "3"}
    counted = proposed(days=3)
    assert chosen(sent(counted, dates="2026-03-02"), {**BEFORE, "days": 3}, counted) == {**BEFORE, "dates": ["2026-03-02"]}


DEEP: Chosen = {
    **BEFORE, "dose": {"per_kg": "1.5", "unit": "g/kg"}, "days": 2, "interval_weeks": 4, "cycles": 2, "setting": "home", "start": "2026-03-04T08:30",
    "weight": {"policy": "ibw"}, "rate": {"cap_mg_kg_min": "2"}, "companions": {"lab-liver": True},
}  # fmt: skip


def test_another_indication_keeps_patient_and_place_and_drops_what_hung_on_the_old_one() -> None:
    made = proposed(**DEEP)
    kept = {"indication": "gbs", "setting": "home", "start": "2026-03-04T08:30", "weight": {"policy": "ibw"}}
    assert chosen(sent(made, indication="gbs", per_kg="1"), DEEP, made) == kept


def test_another_regimen_brings_its_own_dose_days_and_series() -> None:
    made = proposed(**DEEP)
    gone = ("dose", "days", "interval_weeks", "cycles", "rate")
    expected = {k: v for k, v in DEEP.items() if k not in gone} | {"regimen": "cidp-load"}
    assert chosen(sent(made, regimen="cidp-load", per_kg="1"), DEEP, made) == expected


def test_another_product_drops_the_limit_that_was_set_for_the_first_one() -> None:
    made = proposed(**DEEP)
    expected = {k: v for k, v in DEEP.items() if k != "rate"} | {"product": "privigen"}
    assert chosen(sent(made, product="privigen"), DEEP, made) == expected


def test_a_limit_of_ones_own_needs_its_figure(plain: Proposal) -> None:
    with pytest.raises(SelectionError, match="E-42") as refused:
        chosen(sent(plain, cap_mode="own"), BEFORE, plain)
    assert refused.value.message == "Type your own limit in mg/kg/min."


def test_a_kind_of_limit_that_is_not_offered_is_refused(plain: Proposal) -> None:
    with pytest.raises(SelectionError) as refused:
        chosen(sent(plain, cap_mode="none"), BEFORE, plain)
    assert refused.value.message == "There is no rate limit of the kind none."


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"indication": "gout"}, "There is no order set gout"),
        ({"regimen": "cidp-cure"}, "has no regimen cidp-cure"),
        ({"product": "elixir"}, "There is no product elixir"),
        ({"policy": "guess"}, "There is no weight policy guess"),
        ({"setting": "car"}, "setting is not one of"),
        ({"dosing_kg": "70", "basis": "guess"}, "basis is not one of"),
    ],
)
def test_an_id_that_content_does_not_have_is_kept_by_no_form(plain: Proposal, typed: dict[str, str], said: str) -> None:
    asked = chosen(sent(plain, **typed), BEFORE, plain)
    with pytest.raises(SelectionError) as refused:
        proposed(**{"regimen": None, "product": None, **asked})
    assert said in refused.value.message


def test_a_field_that_the_page_does_not_have_is_no_choice(plain: Proposal) -> None:
    assert chosen(sent(plain, flavour="cherry", dose="9", overrides="all"), BEFORE, plain) == BEFORE


def test_a_reason_is_given_once_for_a_finding_and_taken_back() -> None:
    one = with_override(MultiDict({"override_check": "weight.stale", "override_code": "9", "override_note": " old "}), BEFORE)
    assert one["overrides"] == [{"check": "weight.stale", "code": "9", "note": "old"}]
    two = with_override(MultiDict({"override_check": "weight.stale", "override_code": "8", "override_note": "new"}), one)
    assert two["overrides"] == [{"check": "weight.stale", "code": "8", "note": "new"}]
    assert with_override(MultiDict({"override_remove": "weight.stale"}), two) == {**BEFORE, "overrides": []}


def test_ticks_that_differ_from_the_default_are_choices_and_a_required_line_is_none(plain: Proposal) -> None:
    ticked = [c.id for c in plain.companions if c.selected]
    free = next(c.id for c in plain.companions if c.selected and not c.required)
    offered = next(c.id for c in plain.companions if not c.selected)
    required = next(c.id for c in plain.companions if c.required)
    assert with_companions(MultiDict([("companion", c) for c in ticked]), BEFORE, plain)["companions"] == {}
    changed = [c for c in ticked if c not in (free, required)] + [offered, "elixir"]
    made = with_companions(MultiDict([("companion", c) for c in changed]), BEFORE, plain)
    assert made["companions"] == {free: False, offered: True}
