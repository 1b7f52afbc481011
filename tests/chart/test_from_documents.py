"""From a document to Answers: every kind of Bundle, one patient, and gaps that stay gaps."""

from __future__ import annotations

from decimal import Decimal

import pytest

from ivig_fhir.chart.answers import Reason
from ivig_fhir.chart.bundle import from_documents
from ivig_fhir.chart.gaps import READ_TYPES
from ivig_fhir.errors import ChartError
from ivig_fhir.fhir.building import decode

FULL_URL = "urn:uuid:6e0b9c1c-5f6e-4a6b-9d37-0f0f0f0f0f0f"


def ids(answers, type_="Observation"):
    return [r["id"] for r in answers.of(type_).resources]


@pytest.mark.parametrize("type_", ["collection", "searchset", "transaction", "batch", "batch-response", "document", "message", "", "odd"])
def test_a_bundle_of_any_type_is_read(make, type_):
    answers = from_documents(make.bundle(make.patient, make.observation("29463-7", 71), type_=type_))
    assert answers.patient["id"] == "p1"
    assert ids(answers) == ["obs-29463-7"]


def test_a_list_of_resources_and_bundles_is_read(make):
    page = make.bundle(make.observation("29463-7", 71), type_="searchset")
    assert ids(from_documents([make.patient, page, make.observation("8302-2", 170, "cm")])) == ["obs-29463-7", "obs-8302-2"]


def test_searchsets_inside_a_batch_response_are_flattened(make):
    inner = make.bundle(make.observation("29463-7", 71), type_="searchset")
    outer = make.bundle(make.patient, make.bundle(inner), type_="batch-response")
    assert ids(from_documents(outer)) == ["obs-29463-7"]


def test_a_patient_alone_is_a_chart_whose_types_are_all_empty_and_complete(make):
    answers = from_documents(make.patient)
    assert set(answers.by_type) == set(READ_TYPES)
    assert all(a.complete and not a.resources for a in answers.by_type.values())


@pytest.mark.parametrize("document", [[], {}, None, 7, "text", {"resourceType": "Bundle"}, {"resourceType": "Bundle", "entry": "x"}])
def test_a_chart_without_a_patient_is_refused_in_one_sentence(document):
    with pytest.raises(ChartError) as refused:
        from_documents(document)
    assert refused.value.message == "The chart holds no Patient."


def test_several_patients_need_a_choice(make):
    second = {**make.patient, "id": "p2"}
    with pytest.raises(ChartError, match="E-43") as refused:
        from_documents([make.patient, second])
    assert refused.value.message == "The chart holds 2 patients; say which one by its id."
    assert from_documents([make.patient, second], "p2").patient["id"] == "p2"
    assert from_documents([make.patient, second], "Patient/p2").patient["id"] == "p2"


def test_an_unknown_choice_is_refused_without_repeating_it(make):
    with pytest.raises(ChartError) as refused:
        from_documents(make.patient, "p-secret")
    assert "secret" not in refused.value.message + str(refused.value)


def test_the_same_patient_twice_is_one_patient(make):
    assert from_documents([make.patient, dict(make.patient)]).patient == make.patient


@pytest.mark.parametrize(
    "reference",
    [
        {"reference": "Patient/p1"},
        {"reference": "https://ehr.example.org/fhir/Patient/p1"},
        {"reference": "Patient/p1/_history/3"},
        {"reference": FULL_URL},
        {"reference": "Patient?identifier=urn:mrn|  7"},
        {"reference": "Patient?identifier=urn%3Amrn%7C7"},
        {"identifier": {"system": "urn:mrn", "value": "7"}},
    ],
)
def test_every_way_to_point_to_the_patient_is_understood(make, reference):
    patient = {**make.patient, "identifier": [{"system": "urn:mrn", "value": " 7 "}]}
    weight = make.observation("29463-7", 71, subject=reference)
    bundle = {"resourceType": "Bundle", "entry": [{"fullUrl": FULL_URL, "resource": patient}, {"resource": weight}]}
    found = from_documents(bundle)
    understood = reference.get("reference") != "Patient?identifier=urn:mrn|  7"
    assert bool(ids(found)) is understood


@pytest.mark.parametrize(
    ("reference", "why"),
    [
        ({"reference": "Patient/p2"}, "belongs to another patient"),
        ({"reference": "Group/p1"}, "belongs to another patient"),
        ({"reference": "urn:uuid:00000000-0000-0000-0000-000000000000"}, "belongs to another patient"),
        ({"reference": "#p1"}, "does not say whose it is"),
        ({"display": "Somebody"}, "does not say whose it is"),
        (None, "does not say whose it is"),
        ("Patient/p1", "does not say whose it is"),
    ],
)
def test_what_is_not_the_patient_s_is_left_out_and_named(make, reference, why):
    answers = from_documents([make.patient, make.observation("29463-7", 71, subject=reference)])
    assert not ids(answers)
    assert [(o.reference, why in o.said) for o in answers.oddities] == [("Observation/obs-29463-7", True)]


@pytest.mark.parametrize(("type_", "owner"), [("AllergyIntolerance", "patient"), ("Coverage", "beneficiary"), ("Device", "patient")])
def test_ownership_is_read_from_each_type_s_own_element(make, type_, owner):
    mine = {"resourceType": type_, "id": "mine", owner: {"reference": "Patient/p1"}}
    theirs = {"resourceType": type_, "id": "theirs", owner: {"reference": "Patient/p2"}}
    assert ids(from_documents([make.patient, mine, theirs]), type_) == ["mine"]


def test_other_patients_of_the_same_file_are_counted_in_one_sentence(make):
    second = {**make.patient, "id": "p2"}
    theirs = [make.observation("29463-7", 71, id=f"o{n}", subject={"reference": "Patient/p2"}) for n in range(3)]
    answers = from_documents([make.patient, second, *theirs], "p1")
    assert [o.said for o in answers.oddities] == ["3 resources of other patients in the same file were left out."]


def test_what_belongs_to_nobody_is_kept_for_what_points_to_it(make):
    answers = from_documents([make.patient, {"resourceType": "Medication", "id": "m"}, {"resourceType": "Device", "id": "d"}])
    assert (ids(answers, "Medication"), ids(answers, "Device")) == (["m"], ["d"])
    assert not answers.oddities


@pytest.mark.parametrize("entry", [None, 7, "x", [], {}, {"resourceType": ""}, {"resourceType": 7}, {"id": "no type"}])
def test_a_malformed_entry_is_passed_over_and_named(make, entry):
    answers = from_documents({"resourceType": "Bundle", "entry": [{"resource": make.patient}, {"resource": entry}, entry]})
    assert answers.patient["id"] == "p1"
    assert answers.oddities


def test_a_resource_that_stands_twice_is_read_once(make):
    weight = make.observation("29463-7", 71)
    answers = from_documents([make.patient, weight, dict(weight)])
    assert ids(answers) == ["obs-29463-7"]
    assert not answers.oddities


def test_of_two_versions_the_newer_is_used_and_the_difference_named(make):
    old = make.observation("29463-7", 71, meta={"lastUpdated": "2026-01-01T00:00:00Z"})
    new = make.observation("29463-7", 75, meta={"lastUpdated": "2026-02-01T00:00:00Z"})
    for pair in ([old, new], [new, old]):
        answers = from_documents([make.patient, *pair])
        assert [r["valueQuantity"]["value"] for r in answers.of("Observation").resources] == [75]
        assert "twice" in answers.oddities[0].said


def test_of_a_history_only_the_newest_state_counts_and_a_deletion_hides_what_is_older(make):
    entries = [
        {"resource": make.observation("29463-7", 75)},
        {"resource": make.observation("29463-7", 71)},
        {"request": {"method": "DELETE", "url": "Observation/obs-8302-2"}},
        {"resource": make.observation("8302-2", 170, "cm")},
        {"resource": make.patient},
    ]
    answers = from_documents({"resourceType": "Bundle", "type": "history", "entry": entries})
    assert [r["valueQuantity"]["value"] for r in answers.of("Observation").resources] == [75]


def test_a_resource_without_an_id_takes_the_one_of_its_address(make):
    bundle = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {"fullUrl": FULL_URL, "resource": {"resourceType": "Patient"}},
            {"fullUrl": "https://e.org/fhir/Condition/c9", "resource": make.condition(id=None, subject={"reference": FULL_URL})},
            {"resource": make.condition(id=None, subject={"reference": FULL_URL})},
            {"resource": make.condition(id=7, subject={"reference": FULL_URL})},
        ],
    }
    answers = from_documents(bundle)
    assert answers.patient["id"] == FULL_URL.removeprefix("urn:uuid:")
    assert [r.get("id") for r in answers.of("Condition").resources] == ["c9", None, "7"]


def test_references_inside_a_transaction_become_literal(make):
    bundle = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {"resource": make.patient},
            {"fullUrl": FULL_URL, "resource": {"resourceType": "Medication", "id": "med-9"}},
            {"resource": make.request(medicationCodeableConcept=None, medicationReference={"reference": FULL_URL})},
        ],
    }
    request = from_documents(bundle).of("MedicationRequest").resources[0]
    assert request["medicationReference"] == {"reference": "Medication/med-9"}


def test_floats_of_another_parser_become_the_decimals_that_were_printed(make):
    answers = from_documents([make.patient, make.observation("29463-7", 70.1)])
    assert answers.of("Observation").resources[0]["valueQuantity"]["value"] == Decimal("70.1")


def test_digits_survive_reading(make):
    document = decode(
        '[{"resourceType":"Patient","id":"p1"},{"resourceType":"Observation","id":"o","subject":{"reference":"Patient/p1"},"n":70.10}]'
    )
    assert str(from_documents(document).of("Observation").resources[0]["n"]) == "70.10"


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("suppressed", Reason.NOT_PERMITTED),
        ("forbidden", Reason.NOT_PERMITTED),
        ("security", Reason.NOT_PERMITTED),
        ("exception", Reason.ERROR),
        ("timeout", Reason.ERROR),
        ("throttled", Reason.ERROR),
        ("not-supported", Reason.NOT_SUPPORTED),
    ],
)
def test_a_type_that_an_outcome_names_is_unread_and_never_empty(make, code, reason):
    outcome = make.outcome(code, "Client not authorized for AllergyIntolerance. Search results have not been included.")
    for document in ([make.patient, outcome], make.bundle(make.patient, outcome, type_="searchset")):
        answers = from_documents(document)
        assert answers.of("AllergyIntolerance").problem is reason
        assert answers.of("AllergyIntolerance").unread
        assert "AllergyIntolerance could not be read" in answers.of("AllergyIntolerance").said
        assert answers.of("Condition").complete


def test_a_type_may_be_named_in_the_text_of_the_details(make):
    outcome = {"resourceType": "OperationOutcome", "issue": [{"code": "timeout", "details": {"text": "Condition took too long"}}]}
    assert from_documents([make.patient, outcome]).of("Condition").problem is Reason.ERROR


def test_a_type_is_named_as_a_whole_word(make):
    answers = from_documents([make.patient, make.outcome("forbidden", "Not allowed: MedicationRequest.")])
    assert not answers.of("MedicationRequest").complete
    assert answers.of("Medication").complete


def test_the_outside_record_makes_a_type_partial_and_what_was_read_is_kept(make):
    words = "Client not authorized for Condition - Outside Record Encounter Diagnosis. Search results of this type have not been included."
    answers = from_documents([make.patient, make.condition(), make.outcome("suppressed", words)])
    answer = answers.of("Condition")
    assert answer.resources
    assert not answer.complete
    assert not answer.unread
    assert "only in part" in answer.said
    assert answers.of("Encounter").complete


def test_what_was_withheld_without_a_name_is_taken_from_the_search(make):
    link = [{"relation": "self", "url": "https://e.org/fhir/Immunization?patient=p1"}]
    page = make.bundle(make.outcome("forbidden", "Not for you."), type_="searchset", link=link)
    assert not from_documents([make.patient, page]).of("Immunization").complete


def test_a_failure_that_names_nothing_is_an_oddity(make):
    answers = from_documents([make.patient, make.outcome("exception", "Something broke.")])
    assert answers.oddities[0].said == "Something could not be read: Something broke."
    assert all(a.complete for a in answers.by_type.values())


def test_a_type_that_nothing_depends_on_leaves_no_gap(make):
    link = [{"relation": "self", "url": "https://e.org/fhir/DiagnosticReport?patient=p1"}]
    page = make.bundle(make.outcome("suppressed", "Client not authorized for DiagnosticReport - Outside Record."), link=link)
    assert not from_documents([make.patient, page]).oddities


@pytest.mark.parametrize(
    ("code", "severity"), [("processing", "warning"), ("informational", "information"), ("not-found", "error"), ("deleted", "error")]
)
def test_a_remark_or_an_answered_question_is_no_gap(make, code, severity):
    outcome = make.outcome(code, "Resource request for Condition returns no results.", severity)
    answers = from_documents([make.patient, outcome])
    assert answers.of("Condition").complete
    assert not answers.oddities


def test_any_error_that_names_a_type_leaves_it_unread(make):
    outcome = make.outcome("processing", "The search on Condition failed.", "fatal")
    assert from_documents([make.patient, outcome]).of("Condition").problem is Reason.ERROR


def test_an_error_inside_a_batch_response_counts(make):
    failed = {"response": {"status": "403 Forbidden", "outcome": make.outcome("forbidden", "Procedure is not for you.", "error")}}
    silent = {"response": {"status": "500"}}
    bundle = {"resourceType": "Bundle", "type": "batch-response", "entry": [{"resource": make.patient}, failed, silent]}
    answers = from_documents(bundle)
    assert answers.of("Procedure").problem is Reason.NOT_PERMITTED
    assert "answered with 500" in answers.oddities[0].said


def test_a_whole_gap_outweighs_a_partial_one(make):
    part = make.outcome("suppressed", "Condition - Outside Record Problems. Results have not been included.")
    whole = make.outcome("forbidden", "Condition is not for you.")
    for pair in ([part, whole], [whole, part]):
        assert "could not be read" in from_documents([make.patient, *pair]).of("Condition").said


def page(make, *resources, address="", following=""):
    links = [{"relation": r, "url": u} for r, u in (("self", address), ("next", following)) if u]
    return {**make.bundle(*resources, type_="searchset"), "link": links}


@pytest.mark.parametrize("asked", ["", "https://ehr/r4/Observation?patient=p1"])
def test_a_first_page_alone_is_a_type_read_in_part(make, asked):
    answers = from_documents([make.patient, page(make, make.observation("29463-7", 71), address=asked, following="https://ehr/r4?page=2")])
    observations = answers.of("Observation")
    assert ids(answers) == ["obs-29463-7"]
    assert (observations.complete, observations.problem) == (False, Reason.ERROR)
    assert observations.said == "Observation was read only in part: the next page is not in the record."
    assert answers.of("Condition").complete


def test_with_its_last_page_a_type_is_complete(make):
    first = page(make, make.observation("29463-7", 71), address="https://ehr/r4/Observation?patient=p1", following="https://ehr/r4?page=2")
    last = page(make, make.observation("8302-2", 170, "cm"), address="https://ehr/r4?page=2")
    assert from_documents([make.patient, first, last]).of("Observation").complete


def test_a_first_page_of_everything_leaves_every_type_open(make):
    everything = page(make, make.patient, make.observation("29463-7", 71), address="https://ehr/r4/Patient/p1/$everything", following="x")
    assert not any(a.complete for a in from_documents(everything).by_type.values())


def test_a_first_page_of_what_nothing_depends_on_leaves_no_gap(make):
    first = page(make, address="https://ehr/r4/Account?patient=p1", following="https://ehr/r4?page=2")
    assert all(a.complete for a in from_documents([make.patient, first]).by_type.values())
