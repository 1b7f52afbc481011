"""Accessors over received JSON: they find what is there and answer with nothing for whatever is malformed."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivig_fhir.fhir.reading import (
    called,
    exact,
    identifiers,
    number,
    part,
    parts,
    plain_decimal,
    reference,
    reference_key,
    short,
    status_among,
    status_words,
    word,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["x", "coding", "code", "text", "identifier"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(JSON)
def test_no_accessor_ever_raises(value):
    for element in (value, {"x": value}):
        assert isinstance(part(element, "x"), dict)
        assert all(isinstance(p, dict) for p in parts(element, "x"))
        assert isinstance(word(element, "x"), str)
        assert isinstance(reference(element, "x"), str)
        assert isinstance(called(element), str)
        assert isinstance(identifiers(element), tuple)
        assert isinstance(status_words(element), tuple)
    assert number(value) is None or number(value).is_finite()
    assert plain_decimal(value) is None or isinstance(value, str)


@given(JSON)
def test_exact_data_holds_no_float(value):
    def floats(item):
        if isinstance(item, dict | list):
            return any(floats(i) for i in (item.values() if isinstance(item, dict) else item))
        return isinstance(item, float)

    assert not floats(exact(value))
    assert floats(value) or exact(value) is value


def test_a_single_object_counts_as_a_list_of_one():
    assert parts({"x": {"a": 1}}, "x") == ({"a": 1},)
    assert parts({"x": [{"a": 1}, None, 3, {"b": 2}]}, "x") == ({"a": 1}, {"b": 2})


@pytest.mark.parametrize(
    ("value", "expected"), [(70, "70"), (70.1, "70.1"), (Decimal("70.10"), "70.10"), (True, None), ("70", None), (None, None)]
)
def test_numbers_are_exact(value, expected):
    assert number(value) == (Decimal(expected) if expected else None)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), Decimal("NaN"), Decimal("1E+999999"), Decimal("1E-999999"), 10**400])
def test_what_is_not_finite_or_beyond_any_measurement_is_no_number(value):
    assert number(value) is None
    assert number(10**18 - 1) == 10**18 - 1


@pytest.mark.parametrize(
    ("text", "expected"), [("95", "95"), (" 95.50 ", "95.50"), ("-1", "-1"), ("1e3", None), ("1,5", None), ("95 kg", None), (".5", None)]
)
def test_only_a_plain_decimal_is_read_from_text(text, expected):
    assert plain_decimal(text) == (Decimal(expected) if expected else None)


@pytest.mark.parametrize(
    ("literal", "key"),
    [
        ("Patient/1", "Patient/1"),
        ("https://e.org/fhir/Patient/1", "Patient/1"),
        ("Patient/1/_history/2", "Patient/1"),
        ("Patient?identifier=x|1", "Patient?identifier=x|1"),
        ("urn:uuid:1", "urn:uuid:1"),
        ("#p", "#p"),
        ("", ""),
    ],
)
def test_a_reference_is_known_by_type_and_id(literal, key):
    assert reference_key(literal) == key


def test_a_status_is_found_among_codes_and_words():
    concept = {"coding": [{"code": "local"}, {"code": "Resolved"}], "text": "done"}
    assert status_words(concept) == ("local", "resolved", "done")
    assert status_among(concept, ("resolved",)) == "resolved"
    assert status_among("Active", ("active",)) == "active"
    assert status_among(None, ("active",)) == ""


def test_identifiers_without_a_value_are_none():
    assert identifiers({"identifier": [{"system": "a", "value": " 7 "}, {"system": "b"}, {"value": "8"}]}) == ("a|7", "|8")


def test_a_concept_is_called_by_its_text_its_display_or_its_code():
    assert called({"text": "A", "coding": [{"display": "B", "code": "c"}]}) == "A"
    assert called({"coding": [{"display": "B", "code": "c"}]}) == "B"
    assert called({"coding": [{"code": "c"}]}) == "c"
    assert called({}) == ""


def test_a_long_text_is_one_short_line():
    assert short("a \n b") == "a b"
    assert short("x" * 200) == "x" * 119 + "…"
