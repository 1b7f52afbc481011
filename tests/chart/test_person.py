"""The person: what of the Patient may be used, and what is only said."""

from __future__ import annotations

from datetime import date

import pytest

from ivig_fhir.chart.person import read_person


@pytest.mark.parametrize(("gender", "sex"), [("male", "male"), ("female", "female"), ("other", ""), ("unknown", ""), (None, ""), (1, "")])
def test_sex_is_male_female_or_nothing(gender, sex):
    assert read_person({"id": "p", "gender": gender}).sex == sex


@pytest.mark.parametrize(
    ("written", "born"),
    [("1980-05-06", date(1980, 5, 6)), ("1980-05", None), ("1980", None), ("1980-02-30", None), (None, None), (1980, None)],
)
def test_a_birth_date_is_a_whole_date_or_none(written, born):
    assert read_person({"id": "p", "birthDate": written}).birth_date == born


@pytest.mark.parametrize(
    ("elements", "deceased"),
    [
        ({}, False),
        ({"deceasedBoolean": False}, False),
        ({"deceasedBoolean": True}, True),
        ({"deceasedDateTime": "2020-01-01"}, True),
        ({"deceasedDateTime": "some day"}, True),
    ],
)
def test_any_statement_of_death_counts(elements, deceased):
    assert read_person({"id": "p", **elements}).deceased is deceased


def test_of_many_names_the_official_current_one_is_shown():
    names = [{"use": "old", "family": "Alt", "period": {"end": "2001"}}] * 23
    names += [{"use": "usual", "family": "Rufname"}, {"use": "official", "family": "Ørsted-李", "given": ["Ann ", "7", None]}, "odd", {}]
    assert read_person({"id": "p", "name": names}).name == "Ørsted-李, Ann 7"
    assert read_person({"id": "p", "name": [{"text": "Baby of Ann"}]}).name == "Baby of Ann"
    assert read_person({"id": "p"}).name == ""


def test_the_record_number_is_shown_without_its_blanks():
    numbers = [{"value": "1"}, {"type": {"coding": [{"code": "MR"}]}, "value": "     Z6129"}]
    assert read_person({"id": "p", "identifier": numbers}).identifier == "Z6129"
    assert read_person({"id": "p", "identifier": [{"value": ""}, {"value": "2"}]}).identifier == "2"


@pytest.mark.parametrize("active", [True, None])
def test_a_record_is_in_use_unless_it_says_otherwise(active):
    assert read_person({"id": "p", "active": active}).active
    assert not read_person({"id": "p", "active": False}).active
