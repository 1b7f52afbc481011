"""Figures: which formulas a chart allows, from which measurements, and how they are shown."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from a_case import case, content, infusion, lab
from a_record import HEIGHT, observation, proposed

from ivig_fhir.proposal.figures import figures_of
from ivig_fhir.proposal.model import Figure

AT = "2026-03-01T07:00:00Z"


def shown(*facts: object, **options: Any) -> dict[str, Figure]:
    """The figures of a case by id."""
    return {f"{f.id}{f.sex and '/' + f.sex}": f for f in figures_of(case(*facts, **options))}


def test_an_adult_gets_weights_surface_and_kidney_function_with_their_sources() -> None:
    height, creatinine = lab("body-height", "175"), lab("creatinine", "1.0")
    found = shown(height, creatinine)
    assert {k: str(f.value) for k, f in found.items()} == {
        "bmi": "22.9", "bsa-mosteller": "1.84", "bsa-du-bois": "1.85", "ideal-weight": "70.5", "adjusted-weight": "70.3",
        "egfr-ckd-epi-2021": "98", "egfr-ckd-epi-2009": "94", "clearance-cockcroft-gault": "97", "volume-per-kg": "5.0", "given-lately": "0.00",
    }  # fmt: skip
    assert list(found) == [k for k in content().constants["figures"] if k in found]
    assert found["bmi"].sources == ("Observation/body-weight-70-2026-03-01T07:00:00Z", height.source.reference)
    assert found["egfr-ckd-epi-2021"].sources == (creatinine.source.reference,)
    assert found["ideal-weight"].sources == (height.source.reference,)
    assert found["clearance-cockcroft-gault"].unit == "mL/min"
    assert "not to be compared" in found["clearance-cockcroft-gault"].note
    assert found["egfr-ckd-epi-2021"].citations == ("nkf-2021",)


def test_a_child_gets_the_formulas_for_children() -> None:
    found = shown(lab("creatinine", "0.4"), born="2018-01-01", cm="110", kg="18.5")
    assert {k: str(f.value) for k, f in found.items()} == {
        "bmi": "15.3", "bsa-mosteller": "0.75", "bsa-du-bois": "0.75", "egfr-schwartz": "114", "egfr-ckid-u25": "104", "volume-per-kg": "18.9",
        "given-lately": "0.00",
    }  # fmt: skip
    assert "ideal-weight-pediatric" in shown(born="2012-01-01", cm="152")
    assert "ideal-weight-pediatric" not in shown(born="2012-01-01", cm="151.9")


@pytest.mark.parametrize(
    ("born", "schwartz", "u25", "ckd_epi"),
    [
        ("2025-03-03", False, False, False),  # 11 months
        ("2025-03-02", True, True, False),
        ("2008-03-03", True, True, False),
        ("2008-03-02", False, True, True),
        ("2000-03-03", False, True, True),  # 25 years
        ("2000-03-02", False, False, True),
    ],
)
def test_each_estimate_of_kidney_function_has_its_ages(born: str, schwartz: bool, u25: bool, ckd_epi: bool) -> None:
    found = shown(lab("creatinine", "0.5"), born=born)
    assert ("egfr-schwartz" in found, "egfr-ckid-u25" in found, "egfr-ckd-epi-2021" in found) == (schwartz, u25, ckd_epi)


@pytest.mark.parametrize(("cm", "there"), [("152.3", False), ("152.4", True)])
def test_an_ideal_weight_is_not_extrapolated_below_its_height(cm: str, there: bool) -> None:
    assert ("ideal-weight" in shown(cm=cm)) is there


def test_without_a_recorded_sex_both_are_shown() -> None:
    found = shown(lab("creatinine", "1.0"), sex="")
    assert {"ideal-weight/female", "ideal-weight/male", "egfr-ckd-epi-2021/female", "egfr-ckd-epi-2021/male", "bmi"} <= set(found)
    assert "ideal-weight" not in found
    assert found["ideal-weight/female"].value < found["ideal-weight/male"].value


def test_what_is_missing_leaves_its_figures_out() -> None:
    assert shown(born=None) == {}
    assert set(shown(kg=None, cm=None, dose_g=None)) == set()
    assert set(shown(cm=None)) == {"volume-per-kg", "given-lately"}
    assert "egfr-ckd-epi-2021" not in shown()
    bound = shown(lab("creatinine", "1.0", comparator="<"), lab("creatinine", "1.1", status="preliminary"))
    assert "egfr-ckd-epi-2021" not in bound


def test_blood_results_count_together_only_at_one_moment() -> None:
    sodium, glucose, urea = lab("sodium", "128", AT), lab("glucose", "500", AT), lab("bun", "14", AT)
    found = shown(sodium, glucose, urea, lab("osmolality", "300", AT), lab("total-protein", "10.5", AT), lab("albumin", "3.2", AT))
    values = {k: str(found[k].value) for k in ("sodium-for-glucose", "osmolality", "osmolal-gap", "globulin-gap")}
    assert values == {"sodium-for-glucose": "134.4", "osmolality": "289", "osmolal-gap": "11", "globulin-gap": "7.3"}
    assert found["osmolal-gap"].sources == tuple(m.source.reference for m in (lab("osmolality", "300", AT), sodium, glucose, urea))
    apart = shown(sodium, lab("glucose", "500", "2026-03-01T08:00:00Z"), urea)
    assert not {"sodium-for-glucose", "osmolality"} & set(apart)


@pytest.mark.parametrize(("glucose", "there"), [("100", False), ("101", True)])
def test_sodium_is_corrected_only_for_a_high_glucose(glucose: str, there: bool) -> None:
    assert ("sodium-for-glucose" in shown(lab("sodium", "130", AT), lab("glucose", glucose, AT))) is there


def planned(*facts: object, weeks: str | None = "4", **options: Any) -> dict[str, Figure]:
    """The figures of a replacement order with an interval."""
    made = case(*facts, **{"indication": "pi-cvid", "product": "gammagard-liquid", "dose_g": "28", "days": 1, **options})
    order = replace(made.order, interval_weeks=None if weeks is None else Decimal(weeks))
    return {f.id: f for f in figures_of(replace(made, order=order))}


def test_what_was_given_lately_is_counted_on_the_dosing_weight() -> None:
    dose = infusion("2026-02-20T10:00:00Z", "35")
    found = shown(dose, infusion("2026-01-01T10:00:00Z", "35"))["given-lately"]
    assert (str(found.value), found.unit, found.sources) == ("0.50", "g/kg", (dose.source.reference,))
    days = content().checks["duplication.cumulative-dose"].number("window_days")
    assert f"last {days} days" in found.title


@pytest.mark.parametrize(("igg", "dose"), [("400", "500"), ("499", "401"), ("500", None), ("700", None)])
def test_a_low_trough_asks_for_more_in_proportion(igg: str, dose: str | None) -> None:
    minimum = content().order_sets["pi-cvid"].trough
    assert minimum is not None
    assert minimum.minimum_mg_dl == 500
    found = planned(lab("igg", igg)).get("dose-for-trough")
    assert (None if found is None else str(found.value)) == dose
    assert "dose-for-trough" not in planned(lab("igg", igg), indication="cidp")


def test_the_subcutaneous_dose_is_that_of_the_label_and_of_its_product_alone() -> None:
    assert str(planned(dose_g="30")["subcutaneous-weekly"].value) == "10.3"  # 30 g every 4 weeks times 1.37
    assert "subcutaneous-weekly" not in planned(product="privigen")
    assert "subcutaneous-weekly" not in planned(weeks=None)
    assert "subcutaneous-weekly" not in planned(indication="cidp")


def test_every_figure_of_the_content_can_appear() -> None:
    blood = [
        lab(p, v, AT)
        for p, v in (("sodium", "130"), ("glucose", "300"), ("bun", "20"), ("osmolality", "300"), ("total-protein", "8"), ("albumin", "3"))
    ]
    adult = shown(lab("creatinine", "1.0", AT), *blood)
    child = shown(lab("creatinine", "0.5", AT), born="2012-01-01", cm="160")
    assert set(content().constants["figures"]) == {*adult, *child, *planned(lab("igg", "400"))}


def test_the_answer_holds_the_figures_as_texts() -> None:
    from ivig_fhir.proposal.answer import answer

    made = {f["id"]: f for f in answer(proposed(observation("height", HEIGHT, 175, "cm", "2025-06-01")))["figures"]}
    assert made["bmi"]["value"] == "22.9"
    assert made["bmi"]["sources"] == ["Observation/weight", "Observation/height"]
    assert made["bmi"]["sex"] is None
