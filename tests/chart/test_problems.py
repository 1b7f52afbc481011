"""Problems: which Conditions count, and as what."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize("status", ["refuted", "entered-in-error"])
def test_refuted_and_erroneous_conditions_do_not_count(make, chart, status):
    assert not chart(make.condition(verificationStatus=make.coded(status))).problems


@pytest.mark.parametrize(
    ("status", "soft"),
    [("confirmed", False), (None, False), ("unconfirmed", True), ("provisional", True), ("differential", True), ("local-word", False)],
)
def test_suspected_conditions_are_soft(make, chart, status, soft):
    found = chart(make.condition(verificationStatus=make.coded(status) if status else None)).problems
    assert [p.soft for p in found] == [soft]


@pytest.mark.parametrize(
    ("status", "active"),
    [
        ("active", True),
        ("recurrence", True),
        ("relapse", True),
        (None, True),
        ("local-word", True),
        ("inactive", False),
        ("remission", False),
        ("resolved", False),
    ],
)
def test_only_an_ended_status_makes_history(make, chart, status, active):
    found = chart(make.condition(clinicalStatus=make.coded(status) if status else None)).problems
    assert [p.active for p in found] == [active]


def test_a_status_in_words_alone_is_understood(make, chart):
    assert not chart(make.condition(clinicalStatus={"text": "Resolved"})).problems[0].active


def test_an_end_without_a_status_stays_active_and_is_doubted(make, chart):
    found = chart(make.condition(clinicalStatus=None, abatementDateTime="2020-01-01")).problems[0]
    assert found.active
    assert found.doubts == ("an end is recorded, but no clinical status",)


def test_codes_and_words_are_both_kept_and_old_codings_stay_foreign(make, chart):
    icd9 = {"system": "http://hl7.org/fhir/sid/icd-9-cm", "code": "250.00"}
    code = {"coding": [make.coding("icd10cm", "d69.3 "), icd9, make.coding("snomed", "32273002 ", display="ITP")], "text": "Low platelets"}
    found = chart(make.condition(code=code)).problems[0]
    assert [(c.system.rpartition("/")[2], c.code) for c in found.codes] == [
        ("icd-10-cm", "D693"),
        ("icd-9-cm", "250.00"),
        ("sct", "32273002"),
    ]
    assert found.texts == ("Low platelets", "ITP")


@pytest.mark.parametrize(
    ("dates", "onset"),
    [
        ({"onsetDateTime": "2019"}, "2019"),
        ({"onsetPeriod": {"start": "2019-05"}}, "2019-05"),
        ({"onsetString": "last spring"}, None),
        ({"onsetDateTime": "soon"}, None),
    ],
)
def test_the_onset_keeps_its_precision(make, chart, dates, onset):
    found = chart(make.condition(**dates, recordedDate="2020-02-02")).problems[0]
    assert (found.onset.text if found.onset else None) == onset
    assert found.recorded.text == "2020-02-02"


@pytest.mark.parametrize("broken", [{"code": None}, {"code": 7}, {"code": {"coding": "x"}}, {"clinicalStatus": []}, {"onsetPeriod": "x"}])
def test_a_malformed_condition_is_still_one(make, chart, broken):
    assert len(chart(make.condition(**broken)).problems) == 1


def test_said_is_short_even_where_the_record_is_not(make, chart):
    assert len(chart(make.condition(code={"text": "x" * 5000})).problems[0].said) <= 120


def test_what_is_written_beside_a_condition_is_kept_as_notes(make, chart):
    beside = {"note": [{"text": "during IVIG"}, {"time": "2024"}], "evidence": [{"code": [{"text": "hypotension"}]}, {"detail": []}]}
    assert chart(make.condition(**beside)).problems[0].notes == ("during IVIG", "hypotension")
    assert chart(make.condition(note="no list", evidence=7)).problems[0].notes == ()
