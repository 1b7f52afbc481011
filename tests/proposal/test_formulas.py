"""Formulas against worked values: published examples and values computed by hand."""

from __future__ import annotations

from decimal import Decimal, localcontext

import pytest

from ivig_fhir.proposal import formulas


def to_four(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.0001"))


@pytest.mark.parametrize(
    ("creatinine", "age", "sex", "value"),
    [
        ("1.0", 50, "male", "91.6915"),
        ("1.0", 50, "female", "68.6335"),
        ("0.6", 30, "female", "123.7579"),
        ("2.0", 70, "male", "35.2430"),
        ("0.9", 55, "female", "75.4988"),
        ("4.5", 40, "male", "16.0503"),
        ("0.7", 18, "female", "128.4845"),
        ("1.5", 40, "male", "59.9832"),
    ],
)
def test_ckd_epi_2021_gives_the_worked_values(creatinine: str, age: int, sex: str, value: str) -> None:
    assert to_four(formulas.egfr_ckd_epi_2021(Decimal(creatinine), age, sex)) == Decimal(value)


@pytest.mark.parametrize(("cm", "creatinine", "value"), [("110", "0.4", "113.5750"), ("140", "0.7", "82.6000"), ("160", "1.8", "36.7111")])
def test_bedside_schwartz_gives_the_worked_values(cm: str, creatinine: str, value: str) -> None:
    assert to_four(formulas.egfr_schwartz_bedside(Decimal(cm), Decimal(creatinine))) == Decimal(value)


@pytest.mark.parametrize(
    ("creatinine", "age", "kg", "sex", "value"),
    [("1.0", 50, "70", "male", "87.5000"), ("1.0", 50, "70", "female", "74.3750"), ("0.8", 80, "50", "female", "44.2708")],
)
def test_cockcroft_gault_gives_the_worked_values(creatinine: str, age: int, kg: str, sex: str, value: str) -> None:
    assert to_four(formulas.creatinine_clearance_cockcroft_gault(Decimal(creatinine), age, Decimal(kg), sex)) == Decimal(value)


@pytest.mark.parametrize(("kg", "cm", "value"), [("70", "175", "22.8571"), ("120", "165", "44.0771"), ("18.5", "108", "15.8608")])
def test_body_mass_index_gives_the_worked_values(kg: str, cm: str, value: str) -> None:
    assert to_four(formulas.body_mass_index(Decimal(kg), Decimal(cm))) == Decimal(value)


@pytest.mark.parametrize(("kg", "cm", "value"), [("70", "175", "1.8447"), ("120", "165", "2.3452"), ("45", "150", "1.3693")])
def test_mosteller_gives_the_worked_values(kg: str, cm: str, value: str) -> None:
    assert to_four(formulas.body_surface_mosteller(Decimal(kg), Decimal(cm))) == Decimal(value)


@pytest.mark.parametrize(
    ("cm", "sex", "value"),
    [("175", "male", "70.4646"), ("165", "female", "56.9094"), ("152.4", "female", "45.5000"), ("190", "male", "84.0472")],
)
def test_devine_gives_the_worked_values(cm: str, sex: str, value: str) -> None:
    assert to_four(formulas.ideal_weight_devine(Decimal(cm), sex)) == Decimal(value)


@pytest.mark.parametrize(("factor", "value"), [("0.4", "82.1457"), ("0.5", "88.4547")])
def test_the_adjusted_weight_lies_between_ideal_and_actual(factor: str, value: str) -> None:
    ideal = formulas.ideal_weight_devine(Decimal(165), "female")
    assert to_four(formulas.adjusted_weight(ideal, Decimal(120), Decimal(factor))) == Decimal(value)


def test_a_third_sex_is_never_guessed() -> None:
    with pytest.raises(ValueError, match="male and female"):
        formulas.egfr_ckd_epi_2021(Decimal(1), 50, "")


def test_powers_do_not_depend_on_the_callers_precision() -> None:
    exact = formulas.egfr_ckd_epi_2021(Decimal("1.5"), 40, "male")
    with localcontext() as context:
        context.prec = 12
        assert abs(formulas.egfr_ckd_epi_2021(Decimal("1.5"), 40, "male") - exact) < Decimal("1e-8")
