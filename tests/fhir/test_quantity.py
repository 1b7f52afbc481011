"""Quantities: exact, finite, with a unit; and the two directions of rounding."""

from __future__ import annotations

from decimal import Decimal

import pytest

from ivig_fhir.fhir.quantity import Quantity, down, half_up, plain


@pytest.mark.parametrize("value", [1.5, 1, "1", None, Decimal("NaN"), Decimal("Infinity")])
def test_a_quantity_is_a_finite_decimal(value):
    with pytest.raises(TypeError, match="^a quantity is a finite Decimal$"):
        Quantity(value, "g")


def test_a_quantity_has_a_unit():
    with pytest.raises(ValueError, match="^a quantity has a unit$"):
        Quantity(Decimal(1), "")


@pytest.mark.parametrize(("value", "rounded"), [("0.25", "0.3"), ("0.24", "0.2"), ("0.35", "0.4"), ("2.449", "2.4"), ("40", "40.0")])
def test_half_goes_up_and_never_to_even(value, rounded):
    assert str(half_up(Decimal(value), "0.1")) == rounded


@pytest.mark.parametrize(("value", "cut"), [("393.6", "393"), ("393", "393"), ("0.99", "0")])
def test_a_pump_rate_is_cut_and_never_rounded_up(value, cut):
    assert str(down(Decimal(value), "1")) == cut


@pytest.mark.parametrize(
    ("value", "text"), [("40.0", "40"), ("2.50", "2.5"), ("100", "100"), ("1E+2", "100"), ("0.10", "0.1"), ("-0.50", "-0.5")]
)
def test_a_number_is_printed_as_people_write_it(value, text):
    assert plain(Decimal(value)) == text
