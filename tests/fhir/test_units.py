"""The one table of conversions: exact, complete for its spellings, and refusing everything else."""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivig_fhir.fhir import units
from ivig_fhir.fhir.quantity import Quantity
from ivig_fhir.fhir.units import UnitError, code_of, convert, is_known


def converted(value, code, to, substance=""):
    return convert(Quantity(Decimal(value), code), to, substance).value


@pytest.mark.parametrize(
    ("value", "code", "to", "expected"),
    [
        ("1", "[lb_av]", "kg", "0.45359237"),
        ("220", "[lb_av]", "kg", "99.7903214"),
        ("16", "[oz_av]", "[lb_av]", "1"),
        ("1", "[in_i]", "cm", "2.54"),
        ("1", "[ft_i]", "[in_i]", "12"),
        ("1.75", "m", "cm", "175"),
        ("7", "g/L", "mg/dL", "700"),
        ("70", "ug/mL", "mg/dL", "7"),
        ("150000", "/uL", "10*3/uL", "150"),
        ("230", "10*9/L", "10*3/uL", "230"),
        ("0.42", "1", "%", "42"),
        ("98.6", "[degF]", "Cel", "37"),
        ("37", "Cel", "[degF]", "98.6"),
        ("40000", "mg", "g", "40"),
    ],
)
def test_conversions_are_exact(value, code, to, expected):
    assert converted(value, code, to) == Decimal(expected)


def test_kilopascals_become_millimetres_of_mercury():
    assert round(converted("16", "kPa", "mm[Hg]"), 3) == Decimal("120.010")


@pytest.mark.parametrize(
    ("value", "code", "to", "substance", "expected"),
    [
        ("88.42", "umol/L", "mg/dL", "creatinine", "1"),
        ("0.08842", "mmol/L", "mg/dL", "creatinine", "1"),
        ("140", "meq/L", "mmol/L", "sodium", "140"),
        ("5", "mmol/L", "mg/dL", "bun", "14.005"),
        ("5", "mmol/L", "mg/dL", "glucose", "90.08"),
        ("17.104", "umol/L", "mg/dL", "bilirubin-total", "1"),
        ("10", "mmol/L", "g/dL", "hemoglobin", "16.11"),
        ("60", "mL/min", "mL/min/{1.73_m2}", "egfr", "60"),
        ("30", "mg/dL", "mg/dL", "urea", "14.01"),
        ("30", "mg/dL", "mg/dL", "bun", "30"),
        ("2.5", "1", "{INR}", "inr", "2.5"),
    ],
)
def test_what_depends_on_the_substance_needs_its_name(value, code, to, substance, expected):
    assert round(converted(value, code, to, substance), 20) == Decimal(expected)


@pytest.mark.parametrize(
    ("code", "to", "substance"),
    [
        ("kg", "cm", ""),
        ("umol/L", "mg/dL", ""),
        ("umol/L", "mg/dL", "sodium"),
        ("mL/min", "mL/min/{1.73_m2}", "creatinine"),
        ("stones", "kg", ""),
        ("kg", "stones", ""),
        ("K/uL", "10*3/uL", ""),
        ("MG", "g", ""),
    ],
)
def test_what_has_no_exact_way_is_refused(code, to, substance):
    with pytest.raises(UnitError, match=rf"^no conversion from {re.escape(code)} to {re.escape(to)}$"):
        converted("1", code, to, substance)


@given(
    st.decimals(min_value="0.001", max_value="100000", places=3),
    st.sampled_from([("kg", "[lb_av]"), ("cm", "[in_i]"), ("g/L", "mg/dL"), ("mm[Hg]", "kPa"), ("Cel", "[degF]")]),
)
def test_there_and_back_again_is_the_same_amount(value, pair):
    there = convert(Quantity(value, pair[0]), pair[1])
    assert abs(convert(there, pair[0]).value - value) < Decimal("1e-18")


def test_every_spelling_stands_for_a_known_code():
    for spelling, code in units._CODE_OF.items():
        assert code_of(f" {spelling} ") == code
        assert is_known(code)


@pytest.mark.parametrize("word", ["kilo", "stones", "K", "MG", "", "mgdl", "Mg/Dl"])
def test_an_unknown_spelling_is_not_guessed(word):
    assert code_of(word) is None


@pytest.mark.parametrize(
    ("text", "code"), [("K/uL", "10*3/uL"), ("lbs", "[lb_av]"), ("µmol/L", "umol/L"), ("μmol/L", "umol/L"), ("mmHg", "mm[Hg]")]
)
def test_spellings_of_real_records_are_understood(text, code):
    assert code_of(text) == code


def test_factors_are_fractions_so_that_no_digit_is_lost():
    assert all(isinstance(factor, Fraction) for _, factor in units._FACTORS.values())
    assert all(isinstance(factor, Fraction) for factor in units._SUBSTANCE.values())
