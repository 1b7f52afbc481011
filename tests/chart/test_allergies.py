"""Allergies: what counts, what denies, and what only says that nobody asked."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize("status", ["refuted", "entered-in-error"])
def test_refuted_and_erroneous_allergies_do_not_count(make, chart, status):
    assert not chart(make.allergy(verificationStatus=make.coded(status), clinicalStatus=None)).allergies


def test_an_unconfirmed_allergy_counts(make, chart):
    found = chart(make.allergy(verificationStatus=make.coded("unconfirmed"), criticality="high")).allergies[0]
    assert (found.active, found.soft, found.criticality) == (True, True, "high")


@pytest.mark.parametrize(("status", "active"), [("active", True), (None, True), ("inactive", False), ("resolved", False)])
def test_a_resolved_allergy_is_kept_as_history(make, chart, status, active):
    found = chart(make.allergy(clinicalStatus=make.coded(status) if status else None)).allergies
    assert [a.active for a in found] == [active]


@pytest.mark.parametrize(
    "code",
    [
        {"coding": [{"system": "http://snomed.info/sct", "code": "716186003"}]},
        {"coding": [{"system": "urn:oid:2.16.840.1.113883.6.96", "code": "409137002"}]},
        {"text": "No Known Allergies"},
        {"text": "No Known Medication Allergies"},
        {"text": "NKDA"},
    ],
)
def test_a_denial_is_no_allergy(make, chart, code):
    found = chart(make.allergy(code=code)).allergies[0]
    assert (found.negation, found.not_asked) == (True, False)


@pytest.mark.parametrize(
    "code",
    [
        {"coding": [{"system": "http://snomed.info/sct", "code": "1631000175102"}], "text": "Not on File"},
        {"text": "Not on File"},
        {"text": "Patient not asked"},
    ],
)
def test_nobody_asked_is_neither_an_allergy_nor_a_denial(make, chart, code):
    found = chart(make.allergy(code=code, verificationStatus=make.coded("unconfirmed"))).allergies[0]
    assert (found.negation, found.not_asked) == (False, True)


@pytest.mark.parametrize("text", ["Corn", "insulin", "CeraVe Itch Relief", "Nkandla bean"])
def test_a_named_allergy_is_neither(make, chart, text):
    found = chart(make.allergy(code={"text": text})).allergies[0]
    assert (found.negation, found.not_asked) == (False, False)


def test_substances_and_manifestations_of_reactions_are_kept(make, chart):
    reaction = {
        "substance": {"coding": [make.coding("rxnorm", "1426680")]},
        "manifestation": [{"coding": [make.coding("snomed", "39579001", display="Anaphylaxis")]}, {"text": "hives"}],
        "severity": "severe",
    }
    found = chart(make.allergy(code={"text": "Biologicals"}, reaction=[reaction, {"severity": "mild"}, "odd"])).allergies[0]
    assert [c.code for c in found.codes] == ["1426680"]
    assert [c.code for c in found.manifestations] == ["39579001"]
    assert found.manifestation_texts == ("Anaphylaxis", "hives")
    assert found.severities == ("severe", "mild")
    assert found.said.startswith("Biologicals, Anaphylaxis, hives")


@pytest.mark.parametrize("broken", [{"code": None}, {"code": "corn"}, {"reaction": "x"}, {"reaction": [{"manifestation": "x"}]}])
def test_a_malformed_allergy_is_still_one(make, chart, broken):
    assert len(chart(make.allergy(**broken)).allergies) == 1


def test_what_is_written_beside_an_allergy_is_kept_as_notes(make, chart):
    reaction = [{"manifestation": [{"text": "fever"}], "description": "dark urine two days later", "note": [{"text": "Hb fell to 7"}]}]
    found = chart(make.allergy(note=[{"text": "told by the patient"}], reaction=reaction)).allergies[0]
    assert found.notes == ("told by the patient", "dark urine two days later", "Hb fell to 7")
