"""What leaves keeps its digits, has one digest, and has passed both gates."""

from __future__ import annotations

import copy
import hashlib
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivig_fhir.fhir import building
from ivig_fhir.fhir.building import (
    GateRefused,
    MalformedJson,
    canonical,
    coding,
    concept,
    decode,
    digest,
    drop_empty,
    encode,
    gate,
    quantity,
    reference,
)
from ivig_fhir.fhir.r4_check import check

ROOT = Path(__file__).resolve().parent.parent.parent
SNOMED = "http://snomed.info/sct"


def order() -> dict[str, Any]:
    """An order built with the builders only."""
    return drop_empty(
        {
            "resourceType": "MedicationRequest",
            "status": "draft",
            "intent": "order",
            "medicationCodeableConcept": concept(text="Immune globulin 10 %"),
            "subject": reference("Patient/p1", "Example"),
            "encounter": None,
            "note": [],
            "dosageInstruction": [
                {
                    "text": "40 g IV once",
                    "route": concept(coding(SNOMED, "47625008", "Intravenous route")),
                    "doseAndRate": [{"doseQuantity": quantity(Decimal("40.0"), "g", "g")}],
                }
            ],
        }
    )


def test_a_good_order_passes_both_gates_and_is_left_as_it_was() -> None:
    good = order()
    before = copy.deepcopy(good)
    gate(good)
    assert good == before
    assert encode(good) == encode(before)


def test_the_first_gate_names_every_fault_and_no_value() -> None:
    bad = order()
    bad["status"] = "Zebedee"
    bad["subject"]["reference"] = "Practitioner/Zebedee"
    with pytest.raises(GateRefused) as refusal:
        gate(bad)
    status, subject = refusal.value.problems
    assert status == "MedicationRequest.status is not a code of the required value set medicationrequest-status [binding]"
    assert subject.startswith("MedicationRequest.subject points to Practitioner") and subject.endswith("[reference-target]")
    assert "Zebedee" not in repr(refusal.value.problems) + str(refusal.value)


def test_a_float_cannot_leave() -> None:
    bad = order()
    bad["dosageInstruction"][0]["doseAndRate"][0]["doseQuantity"]["value"] = 40.0
    with pytest.raises(GateRefused) as refusal:
        gate(bad)
    assert [problem.endswith("[float]") for problem in refusal.value.problems] == [True]
    with pytest.raises(TypeError, match="float"):
        encode(bad)


def test_the_second_gate_refuses_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the first gate open, the models of fhir.resources still stop what they can see, without naming the value."""
    monkeypatch.setattr(building, "check", lambda resource: [])
    gate(order())
    for fault in ({"authoredOn": "2026-02-30"}, {"zebedee": "x"}, {"subject": "Zebedee"}, {"medicationReference": {"reference": "#m"}}):
        with pytest.raises(GateRefused) as refusal:
            gate(order() | fault)
        assert all(problem.endswith("[fhir.resources]") for problem in refusal.value.problems)
        assert "Zebedee" not in repr(refusal.value.problems) + str(refusal.value)
    with pytest.raises(GateRefused):
        gate({"resourceType": "Zebedee"})


def test_published_resources_pass_the_second_gate_where_they_pass_the_first(shared: Path) -> None:
    passed = 0
    for file in sorted((shared / "data" / "hl7-r4-examples").glob("*.json"))[::3]:
        resource = decode(file.read_bytes())
        if not check(resource):
            gate(resource)
            passed += 1
    assert passed > 70


def test_reading_alone_does_not_load_the_models() -> None:
    program = "import sys, ivig_fhir.fhir.building as b; b.check({}); sys.exit('pydantic' in sys.modules or 'fhir' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0


def test_numbers_keep_the_digits_they_were_written_with() -> None:
    text = b'{"a":0.10,"b":72.50,"c":40,"d":-1.0,"e":12345678901234567.123456789}'
    assert encode(decode(text)) == text
    assert decode(text)["a"] == Decimal("0.10") and isinstance(decode(text)["c"], int)
    assert decode("1E400") == Decimal("1E400")


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_every_finite_decimal_survives_the_wire(number: Decimal) -> None:
    assert Decimal(decode(encode({"value": number}))["value"]) == number


@pytest.mark.parametrize("data", [b"", b"{", b'{"a":NaN}', b"\xff", b'"\xff"', "<html>", b"[" * 100_000])
def test_malformed_json_is_one_sentence(data: bytes | str) -> None:
    with pytest.raises(MalformedJson, match=r"^This is not well-formed JSON\.$"):
        decode(data)
    assert issubclass(MalformedJson, ValueError)


@pytest.mark.parametrize("thing", [1.5, {1: 2}, {"a": {1, 2}}, [b"x"], object()])
def test_only_plain_json_data_is_encoded(thing: Any) -> None:
    for write in (encode, canonical, digest):
        with pytest.raises(TypeError):
            write(thing)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_only_finite_numbers_are_encoded(number: str) -> None:
    with pytest.raises(ValueError):
        encode([Decimal(number)])


def test_canonical_json_ignores_the_order_of_keys_and_nothing_else() -> None:
    one = {"b": [1, Decimal("2.0")], "a": {"d": "é", "c": None}}
    assert canonical(one) == '{"a":{"c":null,"d":"é"},"b":[1,2.0]}'.encode()
    assert digest(one) == digest({"a": {"c": None, "d": "é"}, "b": [1, Decimal("2.0")]})
    assert digest(one) == "sha256:" + hashlib.sha256(canonical(one)).hexdigest()
    for other in ({"b": [Decimal("2.0"), 1]}, {"b": [1, Decimal("2.00")]}, {"a": {"d": "e", "c": None}}, {"a": {"d": "é"}}):
        assert digest(one | other) != digest(one)


def test_builders_leave_out_what_is_not_given() -> None:
    assert coding("urn:x", "a") == {"system": "urn:x", "code": "a"}
    assert concept(text="IG") == {"text": "IG"}
    assert concept(coding("urn:x", "a", "A"), text="IG") == {"coding": [{"system": "urn:x", "code": "a", "display": "A"}], "text": "IG"}
    assert reference("Patient/p1") == {"reference": "Patient/p1"}
    assert quantity(Decimal("0.40"), "g/kg", "g/kg") == {
        "value": Decimal("0.40"),
        "unit": "g/kg",
        "system": "http://unitsofmeasure.org",
        "code": "g/kg",
    }


@pytest.mark.parametrize("value", [40, 40.0, "40", Decimal("NaN")])
def test_a_quantity_is_built_from_a_finite_decimal_only(value: Any) -> None:
    with pytest.raises(TypeError):
        quantity(value, "g", "g")


def test_dropping_what_is_empty_keeps_false_zero_and_positions() -> None:
    assert drop_empty(
        {"a": None, "b": "", "c": [], "d": {"e": {"f": None}}, "g": False, "h": 0, "i": Decimal("0.0"), "j": [None, {"k": "", "l": 1}]}
    ) == {"g": False, "h": 0, "i": Decimal("0.0"), "j": [None, {"l": 1}]}


@pytest.mark.parametrize("number", ["0.10", "1.50", "1E2", "1e2", "1.5E-3", "-2.0E+10", "0.0000001", "-0.00000010", "0.0", "100", "1e-7"])
def test_a_number_that_was_read_leaves_as_it_was_spelt(number: str) -> None:
    text = f'{{"b":{number},"a":[{number}]}}'.encode()
    assert encode(decode(text)) == text
    assert canonical(decode(text)) == f'{{"a":[{number}],"b":{number}}}'.encode()
    assert decode(text)["b"] == Decimal(number)


def test_what_is_calculated_from_a_number_is_a_plain_one() -> None:
    [read] = decode("[1E2]")
    assert type(read + 1) is Decimal
    assert encode([read + 1]) == b"[101]"
