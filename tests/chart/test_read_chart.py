"""The snapshot: a digest that follows the content, gaps that survive, oddities that are named."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from ivig_fhir.chart.answers import Answer, Answers, Reason
from ivig_fhir.chart.bundle import from_documents
from ivig_fhir.chart.read import chart_digest, read_chart


def test_a_chart_holds_every_kind_of_fact(make, chart):
    found = chart(
        make.observation("29463-7", 71),
        make.condition(),
        make.allergy(),
        make.request(),
        make.other("Procedure", status="completed", code={"text": "x"}),
        make.other("Consent", patient=make.subject, status="active"),
    )
    assert [len(x) for x in (found.measurements, found.problems, found.allergies, found.drugs, found.events, found.papers)] == [1] * 6
    assert found.now == make.now == found.patient.read_at
    assert found.patient.reference == "Patient/p1"


def test_the_source_of_a_fact_names_resource_version_and_time(make, chart):
    source = chart(make.observation("29463-7", 71, meta={"versionId": "3"})).panel("body-weight")[0].source
    assert (source.reference, source.version, source.time) == ("Observation/obs-29463-7", "3", "2026-03-01T08:00:00Z")


def test_a_source_without_an_id_names_its_type(make, chart):
    assert chart(make.observation("29463-7", 71, id=None)).panel("body-weight")[0].source.reference == "Observation"


def test_the_digest_changes_with_any_content_and_with_any_gap(make, chart):
    digest = chart(make.observation("29463-7", 71)).digest
    assert digest.startswith("sha256:")
    assert chart(make.observation("29463-7", 72)).digest != digest
    assert chart(make.observation("29463-7", 71), make.condition()).digest != digest
    assert chart(make.observation("29463-7", 71), make.outcome("timeout", "Condition took too long")).digest != digest


def test_the_digest_does_not_change_with_order_narrative_or_version(make, chart):
    first, second = make.observation("29463-7", 71), make.observation("8302-2", 170, "cm")
    told = {**first, "text": {"status": "generated"}, "meta": {"versionId": "2"}}
    assert chart(first, second).digest == chart(second, told).digest


def test_the_digest_is_the_same_whichever_parser_read_the_number(make):
    read = [from_documents([make.patient, make.observation("29463-7", value)]) for value in (70.5, Decimal("70.5"))]
    assert chart_digest(read[0]) == chart_digest(read[1])


def test_an_unread_type_stays_unread_in_the_chart(make, chart):
    found = chart(make.outcome("suppressed", "Client not authorized for AllergyIntolerance."))
    assert found.unread(["Condition", "AllergyIntolerance"]).problem is Reason.NOT_PERMITTED
    assert found.unread(["Condition", "Observation"]) is None


def test_a_type_that_nobody_asked_for_is_not_readable_and_never_empty(make, content):
    found = read_chart(Answers(make.patient, {"Condition": Answer("Condition")}), content, make.now, make.now.tzinfo)
    assert found.answer("Condition").complete
    assert found.answer("AllergyIntolerance").problem is Reason.NOT_READABLE


def test_what_was_left_out_is_named_in_the_chart(make, chart):
    found = chart(make.observation("29463-7", 71, subject={"reference": "Patient/p2"}))
    assert not found.measurements
    assert [o.reference for o in found.oddities] == ["Observation/obs-29463-7"]


@pytest.mark.parametrize(
    ("patient", "said"),
    [
        ({"birthDate": "1980"}, "The birth date is not a full date."),
        ({"birthDate": "2027-01-01"}, "The birth date is in the future."),
        ({"active": False}, "The record is marked as not in use."),
    ],
)
def test_what_the_patient_says_that_cannot_be_used_is_named(make, content, patient, said):
    found = read_chart(from_documents({**make.patient, **patient}), content, make.now, make.now.tzinfo)
    assert [o.said for o in found.oddities] == [said]


def test_resources_of_another_type_in_an_answer_are_not_read_as_its_own(make, content):
    answers = Answers(make.patient, {"Observation": Answer("Observation", (make.condition(), make.observation("29463-7", 71)))})
    found = read_chart(answers, content, make.now, make.now.tzinfo)
    assert len(found.resources("Observation")) == 1
    assert not found.problems


def test_content_without_the_sets_for_allergies_still_reads_them(make, content):
    bare = replace(content, value_sets={})
    found = read_chart(from_documents([make.patient, make.allergy(code={"text": "NKDA"})]), bare, make.now, make.now.tzinfo)
    assert not found.allergies[0].negation
