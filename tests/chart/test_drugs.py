"""Drugs: which entries are treatment, what they give in grams, and to which order they belong."""

from __future__ import annotations

from decimal import Decimal

import pytest

from ivig_fhir.chart.answers import Answer, Answers
from ivig_fhir.chart.bundle import from_documents
from ivig_fhir.chart.drugs import REPORTED, STALE, read_drugs

RUN = "urn:uuid:0b0a3a52-9f0e-4f6e-8b59-6a1f4f2b1a11"
RUN_IDENTIFIER = {"system": "urn:ietf:rfc:3986", "value": RUN}


def states(chart, *resources):
    return [d.state for d in chart(*resources).drugs]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("active", ["active"]),
        ("unknown", ["active"]),
        (None, ["active"]),
        ("draft", ["pending"]),
        ("on-hold", ["pending"]),
        ("completed", ["recent"]),
        ("stopped", ["recent"]),
        ("cancelled", []),
        ("entered-in-error", []),
    ],
)
def test_the_state_of_an_order(make, chart, status, expected):
    assert states(chart, make.request(status=status)) == expected


@pytest.mark.parametrize(
    ("intent", "counts"),
    [
        ("order", True),
        ("original-order", True),
        ("instance-order", True),
        (None, True),
        ("proposal", False),
        ("plan", False),
        ("option", False),
    ],
)
def test_plans_proposals_and_options_are_no_orders(make, chart, intent, counts):
    assert bool(states(chart, make.request(intent=intent))) is counts


@pytest.mark.parametrize("reported", [{"reportedBoolean": True}, {"reportedReference": {"reference": "Practitioner/1"}}])
def test_a_reported_plan_is_what_the_patient_takes_at_home_and_no_order(make, chart, reported):
    found = chart(make.request(intent="plan", **reported)).drugs
    assert [(d.kind, d.state, d.doubts) for d in found] == [("statement", "active", (REPORTED,))]
    assert not chart(make.request(intent="plan", reportedBoolean=False)).drugs
    assert not chart(make.request(intent="plan", status="entered-in-error", **reported)).drugs
    assert [(d.kind, d.doubts) for d in chart(make.request(**reported)).drugs] == [("request", (REPORTED,))]


@pytest.mark.parametrize("intent", ["proposal", "option"])
def test_a_reported_proposal_is_still_a_proposal(make, chart, intent):
    assert not states(chart, make.request(intent=intent, reportedBoolean=True))


def test_an_order_not_to_give_is_no_treatment(make, chart):
    assert not states(chart, make.request(doNotPerform=True))


@pytest.mark.parametrize(("end", "state"), [("2026-03-01", "recent"), ("2026-03-02", "active"), ("2026-03-02T08:59:59Z", "recent")])
def test_an_order_ends_with_its_validity_or_with_its_dosage(make, chart, end, state):
    bounds = {"timing": {"repeat": {"boundsPeriod": {"end": end}}}}
    by_validity = chart(make.request(dispenseRequest={"validityPeriod": {"end": end}})).drugs[0]
    by_dosage = chart(make.request(dosageInstruction=[bounds])).drugs[0]
    assert (by_validity.state, by_dosage.state) == (state, state)
    assert by_validity.ended.text == by_dosage.ended.text == end


def test_one_open_dosage_keeps_an_order_active(make, chart):
    bounds = {"timing": {"repeat": {"boundsPeriod": {"end": "2026-01-01"}}}}
    assert states(chart, make.request(dosageInstruction=[bounds, {"text": "as needed"}])) == ["active"]


@pytest.mark.parametrize(("written", "stale"), [("2025-03-01", True), ("2025-03-02", False), (None, False)])
def test_an_active_order_of_more_than_a_year_without_an_end_is_doubted(make, chart, written, stale):
    found = chart(make.request(authoredOn=written)).drugs[0]
    assert found.state == "active"
    assert (STALE in found.doubts) is stale


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("active", ["active"]),
        ("intended", ["active"]),
        ("unknown", ["active"]),
        ("on-hold", ["pending"]),
        ("completed", ["recent"]),
        ("stopped", ["recent"]),
        ("not-taken", []),
        ("entered-in-error", []),
    ],
)
def test_the_state_of_a_statement(make, chart, status, expected):
    statement = make.other("MedicationStatement", status=status, medicationCodeableConcept={"text": "Naproxen"})
    assert states(chart, statement) == expected


def test_a_statement_whose_period_is_over_is_recent(make, chart):
    statement = make.other("MedicationStatement", status="active", effectivePeriod={"start": "2025-01-01", "end": "2026-01-01"})
    found = chart(statement).drugs[0]
    assert (found.state, found.time.text, found.ended.text) == ("recent", "2025-01-01", "2026-01-01")


@pytest.mark.parametrize(
    ("status", "counts", "certain"),
    [
        ("completed", True, True),
        ("in-progress", True, True),
        ("stopped", True, False),
        ("on-hold", True, False),
        ("unknown", True, False),
        ("not-done", False, True),
        ("entered-in-error", False, True),
    ],
)
def test_an_administration_counts_unless_nothing_was_given(make, chart, status, counts, certain):
    found = chart(make.given(status=status)).drugs
    assert [d.state for d in found] == (["given"] if counts else [])
    assert all(bool(d.doubts) is not certain for d in found)


@pytest.mark.parametrize(
    ("status", "expected"),
    [("completed", ["given"]), ("in-progress", ["pending"]), ("cancelled", []), ("declined", []), ("entered-in-error", [])],
)
def test_the_state_of_a_dispense(make, chart, status, expected):
    assert states(chart, make.other("MedicationDispense", status=status, medicationCodeableConcept={"text": "IVIG"})) == expected


@pytest.mark.parametrize(
    ("dose", "grams"),
    [
        ({"value": 70, "code": "g"}, "70"),
        ({"value": 7000, "code": "mg"}, "7"),
        ({"value": 400, "code": "mL"}, None),
        ({"value": 7000, "code": "MG"}, None),
        ({"value": 70, "code": "g", "system": None}, None),
        ({"value": 70, "code": None, "unit": "g"}, None),
        ({"value": "70", "code": "g"}, None),
        ({"value": 70, "code": "g", "comparator": "<"}, None),
        ({"value": 1}, None),
    ],
)
def test_grams_are_a_coded_mass_and_nothing_else(make, chart, dose, grams):
    written = {k: v for k, v in {"system": "http://unitsofmeasure.org", **dose}.items() if v is not None}
    found = chart(make.given(dosage={"dose": written, "rateQuantity": make.quantity(200, "g")})).drugs[0]
    assert found.grams == (Decimal(grams) if grams else None)
    assert bool(found.doubts) is (grams is None)


def test_a_dose_that_is_not_there_is_no_dose_and_no_doubt(make, chart):
    found = chart(make.given(dosage=None)).drugs[0]
    assert (found.grams, found.doubts) == (None, ())


def test_of_several_doses_the_ordered_one_is_taken(make, chart):
    entries = [
        {"type": {"coding": [{"system": "urn:epic", "code": "calculated"}]}, "doseQuantity": make.quantity(28, "g")},
        {"type": {"coding": [{"system": "urn:epic", "code": "admin-amount"}]}, "doseQuantity": {"value": 3, "unit": "vial"}},
        {"type": {"text": "Ordered"}, "doseQuantity": make.quantity(30, "g"), "rateQuantity": make.quantity(70, "mL/h")},
    ]
    assert chart(make.request(dosageInstruction=[{"doseAndRate": entries}])).drugs[0].grams == 30
    unmarked = chart(make.request(dosageInstruction=[{"doseAndRate": entries[:2]}])).drugs[0]
    assert unmarked.grams is None
    assert "ordered" in unmarked.doubts[0]


def test_a_dose_range_is_no_dose(make, chart):
    found = chart(make.request(dosageInstruction=[{"doseAndRate": [{"doseRange": {"low": make.quantity(1, "g")}}]}])).drugs[0]
    assert (found.grams, found.doubts) == (None, ("its dose is a range",))


def test_dated_doses_of_an_order_are_kept_with_their_grams(make, chart):
    def day(date, grams):
        return {"timing": {"event": [date, "never"]}, "doseAndRate": [{"doseQuantity": make.quantity(grams, "g")}]}

    found = chart(make.request(dosageInstruction=[day("2026-02-02", 40), day("2026-02-03", 30)])).drugs[0]
    assert [(t.text, g) for t, g in found.doses] == [("2026-02-02", 40), ("2026-02-03", 30)]
    assert (found.grams, found.doubts) == (None, ("its dosages have different doses",))


def test_a_contained_medicine_is_found(make, chart):
    medication = {"resourceType": "Medication", "id": "m", "code": {"coding": [make.coding("rxnorm", "1426680")], "text": "IVIG"}}
    order = make.request(medicationCodeableConcept=None, medicationReference={"reference": "#m"}, contained=[medication])
    assert [c.code for c in chart(order).drugs[0].codes] == ["1426680"]


@pytest.mark.parametrize("reference", ["Medication/m", "https://e.org/fhir/Medication/m", "Medication/m/_history/2"])
def test_a_referenced_medicine_and_its_ingredients_are_found(make, chart, reference):
    ingredient = {"itemCodeableConcept": {"coding": [make.coding("rxnorm", "5640", display="ibuprofen")]}}
    medication = {"resourceType": "Medication", "id": "m", "code": {"text": "Advil"}, "ingredient": [ingredient]}
    order = make.request(medicationCodeableConcept=None, medicationReference={"reference": reference})
    found = chart(order, medication).drugs[0]
    assert (found.texts, [c.code for c in found.codes]) == (("Advil", "ibuprofen"), ["5640"])


def test_a_medicine_brought_along_by_a_search_is_found(make):
    medication = {"resourceType": "Medication", "id": "m", "code": {"text": "Privigen"}}
    order = make.request(medicationCodeableConcept=None, medicationReference={"reference": "Medication/m"})
    answers = Answers(make.patient, {"MedicationRequest": Answer("MedicationRequest", (order, medication))})
    assert [d.texts for d in read_drugs(answers, make.now, make.now.tzinfo)] == [("Privigen",)]


def test_a_reference_that_leads_nowhere_keeps_the_name_it_shows(make, chart):
    order = make.request(medicationCodeableConcept=None, medicationReference={"reference": "Medication/gone", "display": "Hizentra"})
    found = chart(order)
    assert found.drugs[0].texts == ("Hizentra",)
    assert found.drugs[0].doubts == ("its medicine could not be read",)
    assert found.answer("MedicationRequest").complete


@pytest.mark.parametrize("medicine", [{"medicationReference": {"reference": "Medication/gone"}}, {}, {"medicationReference": "x"}])
def test_an_unknown_medicine_is_kept_and_its_type_is_not_completely_read(make, chart, medicine):
    found = chart(make.request(medicationCodeableConcept=None, **medicine), make.given())
    assert found.drugs[0].said.startswith("unknown medicine")
    assert not found.answer("MedicationRequest").complete
    assert found.answer("MedicationRequest").resources
    assert found.answer("MedicationAdministration").complete


def test_an_unknown_medicine_that_does_not_count_leaves_no_gap(make, chart):
    assert chart(make.request(medicationCodeableConcept=None, status="cancelled")).answer("MedicationRequest").complete


def test_an_order_belongs_to_the_run_of_its_group_or_of_its_anchor(make, chart):
    by_group = chart(make.request(groupIdentifier=RUN_IDENTIFIER)).drugs[0]
    by_anchor = chart(make.request(identifier=[{"system": "urn:mrn", "value": "9"}, RUN_IDENTIFIER])).drugs[0]
    assert by_group.run == by_anchor.run == RUN
    assert by_anchor.identifiers == ("urn:mrn|9", f"urn:ietf:rfc:3986|{RUN}")
    assert chart(make.request()).drugs[0].run == ""


def test_an_administration_belongs_to_the_run_that_its_order_names(make, chart):
    by_identifier = chart(make.given(request={"identifier": RUN_IDENTIFIER})).drugs[0]
    order = make.request(groupIdentifier=RUN_IDENTIFIER)
    by_reference = chart(order, make.given(request={"reference": "https://e.org/fhir/MedicationRequest/mr1/_history/1"})).drugs[1]
    assert by_identifier.run == by_reference.run == RUN
    assert by_reference.request == "MedicationRequest/mr1"


def test_a_dispense_points_to_its_order_and_gives_what_was_dispensed(make, chart):
    dispense = make.other(
        "MedicationDispense",
        status="completed",
        medicationCodeableConcept={"text": "IVIG"},
        authorizingPrescription=[{"reference": "MedicationRequest/mr1"}],
        quantity=make.quantity(40, "g"),
        whenHandedOver="2026-02-09",
    )
    found = chart(make.request(groupIdentifier=RUN_IDENTIFIER), dispense).drugs[1]
    assert (found.request, found.run, found.grams, found.time.text) == ("MedicationRequest/mr1", RUN, 40, "2026-02-09")


def test_reasons_are_codes_and_the_conditions_pointed_to(make, chart):
    cidp = make.condition(code={"coding": [make.coding("icd10cm", "G61.81")]})
    order = make.request(reasonCode=[{"coding": [make.coding("snomed", "128209004")]}], reasonReference=[{"reference": "Condition/c1"}])
    assert [c.code for c in chart(cidp, order).drugs[0].reasons] == ["128209004", "G6181"]


@pytest.mark.parametrize(
    "broken",
    [
        {"dosageInstruction": "x"},
        {"dosageInstruction": [7, {"doseAndRate": "x"}, {"timing": {"event": 7}}]},
        {"identifier": 7},
        {"contained": "x"},
        {"dispenseRequest": []},
        {"medicationCodeableConcept": "IVIG"},
        {"authoredOn": 2020},
        {"status": 7},
    ],
)
def test_a_malformed_order_is_still_one(make, chart, broken):
    assert len(chart(make.request(**broken)).drugs) == 1


@pytest.mark.parametrize(
    ("more", "doubts"),
    [
        ({"reportedBoolean": True}, (REPORTED,)),
        ({"reportedReference": {"reference": "Patient/p1"}}, (REPORTED,)),
        ({"reportedBoolean": False}, ()),
        ({}, ()),
    ],
)
def test_an_order_that_was_only_reported_counts_and_says_so(make, chart, more, doubts):
    found = chart(make.request(status="active", authoredOn="2026-02-01", **more)).drugs[0]
    assert (found.state, found.doubts) == ("active", doubts)


@pytest.mark.parametrize(
    ("when", "dosage", "doses"),
    [
        ({"effectiveDateTime": "2026-02-20"}, [{}], [("2026-02-20", 40)]),
        ({"effectivePeriod": {"start": "2026-02-20T09:00:00Z", "end": "2026-02-20T14:00:00Z"}}, [{}], [("2026-02-20T09:00:00Z", 40)]),
        ({"effectivePeriod": {"start": "2026-02-20", "end": "2026-02-21"}}, [{}], []),
        ({"effectivePeriod": {"start": "2026-02-20"}}, [{}], []),
        ({"dateAsserted": "2026-02-20"}, [{}], []),
        ({"effectiveDateTime": "2026-02-20"}, [{"timing": {"code": {"text": "every 3 weeks"}}}], []),
        (
            {"effectiveDateTime": "2026-02-20"},
            [{"timing": {"event": ["2026-02-19", "2026-02-20"]}}],
            [("2026-02-19", 40), ("2026-02-20", 40)],
        ),
    ],
)
def test_a_statement_about_one_day_is_one_dose(make, chart, when, dosage, doses):
    written = [{"doseAndRate": [{"doseQuantity": make.quantity(40, "g")}], **d} for d in dosage]
    statement = make.other("MedicationStatement", status="completed", medicationCodeableConcept={"text": "IVIG"}, dosage=written, **when)
    assert [(t.text, g) for t, g in chart(statement).drugs[0].doses] == doses


def test_a_statement_about_one_day_without_a_dose_is_a_dose_of_unknown_grams(make, chart):
    statement = make.other(
        "MedicationStatement", status="completed", medicationCodeableConcept={"text": "IVIG"}, effectiveDateTime="2026-02-20"
    )
    assert [g for _, g in chart(statement).drugs[0].doses] == [None]


@pytest.mark.parametrize(
    ("resource", "links"),
    [
        (
            {"resourceType": "MedicationAdministration", "status": "completed", "partOf": [{"reference": "MedicationAdministration/a"}]},
            ["a"],
        ),
        ({"resourceType": "MedicationAdministration", "status": "completed", "partOf": [{"reference": "Procedure/p"}]}, []),
        (
            {
                "resourceType": "MedicationDispense",
                "status": "completed",
                "authorizingPrescription": [{"reference": "MedicationRequest/o"}],
            },
            ["o"],
        ),
        (
            {
                "resourceType": "MedicationStatement",
                "status": "completed",
                "basedOn": [{"reference": "MedicationRequest/o"}],
                "partOf": [{"reference": "MedicationAdministration/a"}],
                "derivedFrom": [{"reference": "https://e.org/fhir/MedicationDispense/d"}, {"reference": "Observation/x"}],
            },
            ["o", "a", "d"],
        ),
        ({"resourceType": "MedicationRequest", "status": "active", "basedOn": [{"reference": "MedicationRequest/o"}]}, ["o"]),
    ],
)
def test_an_entry_keeps_what_it_is_based_on_part_of_or_derived_from(make, chart, resource, links):
    entry = {**make.other(resource["resourceType"], medicationCodeableConcept={"text": "IVIG"}), **resource}
    assert [x.rpartition("/")[2] for x in chart(entry).drugs[0].links] == links


def test_links_inside_a_transaction_are_followed(make):
    order = make.request()
    given = make.given(partOf=[{"reference": "urn:uuid:b"}], request={"reference": "urn:uuid:a"})
    entries = [{"fullUrl": f"urn:uuid:{n}", "resource": r} for n, r in (("a", order), ("b", make.given(id="whole")), ("c", given))]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [{"resource": make.patient}, *entries]}
    found = read_drugs(from_documents(bundle), make.now, make.now.tzinfo)
    assert found[2].links == ("MedicationRequest/mr1", "MedicationAdministration/whole")
