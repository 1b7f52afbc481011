"""The first write gate catches every fault that an order could carry, and lets a good order pass."""

from __future__ import annotations

import copy
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ivig_fhir.fhir.r4_check import check

Resource = dict[str, Any]
UCUM = "http://unitsofmeasure.org"


def amount(value: str, code: str) -> Resource:
    return {"value": Decimal(value), "unit": code, "system": UCUM, "code": code}


def good_order() -> Resource:
    """An immunoglobulin order with its product contained, a rate ladder as an extension and everything coded."""
    step = {"url": "rateOrdered", "valueQuantity": amount("0.5", "mL/kg/h")}
    return {
        "resourceType": "MedicationRequest",
        "id": "order-1",
        "contained": [{"resourceType": "Medication", "id": "med", "code": {"text": "Immune globulin 10 %"}}],
        "identifier": [{"system": "urn:ietf:rfc:3986", "value": "urn:uuid:6c1b1a5e-8a39-4f5f-9b5e-0c2f3f1d7a11"}],
        "status": "draft",
        "intent": "order",
        "category": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/medicationrequest-category", "code": "outpatient"}]}],
        "reportedBoolean": False,
        "medicationReference": {"reference": "#med"},
        "subject": {"reference": "Patient/p1"},
        "encounter": {"reference": "Encounter/e1"},
        "authoredOn": "2026-03-02T09:00:00+00:00",
        "requester": {"reference": "Practitioner/dr"},
        "dosageInstruction": [
            {
                "extension": [{"url": "https://example.org/infusion-rate-step", "extension": [step]}],
                "text": "40 g IV once daily for 4 days",
                "timing": {
                    "repeat": {
                        "boundsPeriod": {"start": "2026-03-02", "end": "2026-03-05"},
                        "count": 4,
                        "frequency": 1,
                        "period": 1,
                        "periodUnit": "d",
                    }
                },
                "doseAndRate": [
                    {"doseQuantity": amount("40.0", "g"), "rateRange": {"low": amount("98", "mL/h"), "high": amount("393", "mL/h")}}
                ],
            }
        ],
        "substitution": {"allowedBoolean": False},
    }


def codes(resource: Any) -> set[str]:
    return {problem.code for problem in check(resource)}


def dosage(order: Resource) -> Any:
    return order["dosageInstruction"][0]


def dose(order: Resource) -> Any:
    return dosage(order)["doseAndRate"][0]


def repeat(order: Resource) -> Any:
    return dosage(order)["timing"]["repeat"]


def observation(**more: Any) -> Resource:
    return {"resourceType": "Observation", "status": "final", "code": {"text": "Body weight"}, **more}


def test_a_good_order_passes() -> None:
    assert check(good_order()) == []


# Each fault alone in an otherwise good order; the code that names it.
FAULTS: dict[str, tuple[Callable[[Resource], Any], str]] = {
    "a status outside the required value set": (lambda o: o.update(status="activ"), "binding"),
    "a period unit in words": (lambda o: repeat(o).update(periodUnit="day"), "binding"),
    "a period without its unit": (lambda o: repeat(o).pop("periodUnit"), "tim-2"),
    "a practitioner as the subject": (lambda o: o.update(subject={"reference": "Practitioner/p1"}), "reference-target"),
    "a coded dose without a system": (lambda o: dose(o)["doseQuantity"].pop("system"), "qty-3"),
    "the medication in the shape of R5": (lambda o: o.update(medication={"concept": {"text": "IG"}}), "unknown-element"),
    "a dose as text": (lambda o: dose(o)["doseQuantity"].update(value="40"), "type"),
    "a date that does not exist": (lambda o: o.update(authoredOn="2026-02-30"), "format"),
    "an extension with a value and extensions": (lambda o: dosage(o)["extension"][0].update(valueString="x"), "ext-1"),
    "the medication twice": (lambda o: o.update(medicationCodeableConcept={"text": "IG"}), "choice"),
    "a unit that is not UCUM": (lambda o: dose(o)["doseQuantity"].update(code="grams"), "ucum"),
    "a contained medication that is not there": (lambda o: o.pop("contained"), "ref-1"),
    "no intent": (lambda o: o.pop("intent"), "cardinality"),
    "an unknown element deep inside": (lambda o: repeat(o).update(periodUnits="d"), "unknown-element"),
    "reported as text": (lambda o: (o.pop("reportedBoolean"), o.update(reportedString="no")), "unknown-element"),
    "an id of 65 characters": (lambda o: o.update(id="x" * 65), "format"),
    "a dose and a range of doses": (lambda o: dose(o).update(doseRange={"low": amount("40", "g")}), "choice"),
    "a course that ends before it starts": (lambda o: repeat(o)["boundsPeriod"].update(end="2026-03-01"), "per-1"),
    "the encounter as text": (lambda o: o.update(encounter="Encounter/e1"), "type"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_an_order_with_one_fault_is_refused(fault: str) -> None:
    order = good_order()
    mutate, expected = FAULTS[fault]
    mutate(order)
    assert codes(order) == {expected}


def test_a_category_that_is_only_an_example_is_not_judged() -> None:
    order = good_order()
    order["category"][0]["coding"][0]["code"] = "bogus"
    assert check(order) == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"duration": 30}, "tim-1"),
        ({"duration": -1, "durationUnit": "min"}, "tim-4"),
        ({"period": Decimal("-0.5")}, "tim-5"),
        ({"period": None, "periodUnit": None, "periodMax": 2}, "tim-6"),
        ({"durationMax": 30}, "tim-7"),
        ({"count": None, "countMax": 5}, "tim-8"),
        ({"offset": 30}, "tim-9"),
        ({"offset": 30, "when": ["CM"]}, "tim-9"),
        ({"timeOfDay": ["10:00:00"], "when": ["MORN"]}, "tim-10"),
        ({"duration": 30, "durationUnit": "min", "durationMax": 60}, None),
        ({"periodMax": 2, "countMax": 5}, None),
        ({"offset": 30, "when": ["ACM"]}, None),
        ({"timeOfDay": ["10:00:00"]}, None),
        ({"count": 0}, "format"),
        ({"count": Decimal("4.0")}, "type"),
        ({"boundsRange": {"low": amount("1", "d")}}, "choice"),
    ],
)
def test_a_timing_keeps_its_invariants(change: Resource, expected: str | None) -> None:
    order = good_order()
    repeat(order).update(change)
    for absent in [name for name, value in change.items() if value is None]:
        del repeat(order)[absent]
    assert codes(order) == ({expected} if expected else set())


def test_a_rate_range_is_ordered_up_to_and_with_equality() -> None:
    order = good_order()
    dose(order)["rateRange"] = {"low": amount("98", "mL/h"), "high": amount("98.0", "mL/h")}
    assert check(order) == []
    dose(order)["rateRange"]["low"]["value"] = Decimal("98.1")
    assert codes(order) == {"rng-2"}


@pytest.mark.parametrize(
    ("start", "end", "passes"),
    [
        ("2026-03-02", "2026-03-02", True),
        ("2026-03", "2026-03-02", True),
        ("2026-03-02T10:00:00Z", "2026-03-02", True),
        ("2026-03-02T10:00:00Z", "2026-03-01", False),
        ("2026-03-02T10:00:00+02:00", "2026-03-02T09:00:00Z", True),
        ("2026-03-02T10:00:00-02:00", "2026-03-02T09:00:00Z", False),
        ("2026", "2025-12-31", False),
        ("2026-12", "2026", True),
    ],
)
def test_a_period_ends_after_it_starts_whatever_its_precision(start: str, end: str, passes: bool) -> None:
    order = good_order()
    repeat(order)["boundsPeriod"] = {"start": start, "end": end}
    assert codes(order) == (set() if passes else {"per-1"})


@pytest.mark.parametrize(
    ("name", "value", "passes"),
    [
        ("authoredOn", "2026", True),
        ("authoredOn", "2024-02-29", True),
        ("authoredOn", "2025-02-29", False),
        ("authoredOn", "2026-13", False),
        ("authoredOn", "2026-03-02T09:00:00", False),
        ("authoredOn", "2026-03-02T09:00Z", False),
        ("authoredOn", "2026-03-02T24:00:00Z", False),
        ("authoredOn", "2026-03-02T23:59:60Z", True),
        ("authoredOn", "2026-03-02T09:00:00.123456789-05:00", True),
        ("authoredOn", "2026-03-02 09:00:00Z", False),
        ("authoredOn", "0000-01-01", False),
        ("id", "x" * 64, True),
        ("id", "under_score", False),
        ("id", "line\n", False),
        ("language", "en-US", True),
        ("language", " en", False),
        ("implicitRules", "two words", False),
        ("implicitRules", "urn:uuid:6C1B", False),
        ("doNotPerform", "true", False),
        ("doNotPerform", 1, False),
        ("doNotPerform", True, True),
        ("instantiatesUri", ["urn:oid:2.16.840.1"], True),
        ("instantiatesUri", ["urn:oid:9.1"], False),
    ],
)
def test_primitives_keep_their_formats(name: str, value: Any, passes: bool) -> None:
    assert (check(good_order() | {name: value}) == []) is passes


@pytest.mark.parametrize("value", [Decimal("NaN"), Decimal("Infinity"), True, "40", None, [], {}])
def test_a_dose_is_a_finite_number(value: Any) -> None:
    order = good_order()
    dose(order)["doseQuantity"]["value"] = value
    assert check(order)


def test_a_float_is_refused_by_name() -> None:
    order = good_order()
    dose(order)["doseQuantity"]["value"] = 40.0
    assert codes(order) == {"float"}


@pytest.mark.parametrize("empty", [{}, [], "", " ", None, [None], {"id": "x"}, [{}]])
def test_nothing_empty_is_sent(empty: Any) -> None:
    for name in ("note", "subject", "authoredOn", "instantiatesUri"):
        assert check(good_order() | {name: empty}), name


@pytest.mark.parametrize("name", ["doseQuantity", "rateRange"])
def test_lists_and_single_elements_are_not_confused(name: str) -> None:
    order = good_order()
    dose(order)[name] = [dose(order)[name]]
    assert codes(order) == {"cardinality"}
    order = good_order()
    order["dosageInstruction"] = dosage(order)
    assert codes(order) == {"cardinality"}


def test_a_dose_carries_no_comparator() -> None:
    order = good_order()
    dose(order)["doseQuantity"]["comparator"] = "<"
    assert codes(order) == {"unknown-element"}
    assert check(observation(valueQuantity=amount("5", "mg/dL") | {"comparator": "<"})) == []


def test_no_message_repeats_what_was_found() -> None:
    secret = "Zebedee"
    for fault, (mutate, _) in FAULTS.items():
        order = good_order()
        order["note"] = [{"text": secret}]
        order["subject"]["display"] = secret
        order["authoredOn"] = order["id"] = secret + "_"
        mutate(order)
        assert secret not in repr(check(order)), fault


def test_a_type_that_is_not_compiled_is_never_green() -> None:
    assert codes({"resourceType": "Subscription", "status": "active"}) == {"not-checked"}
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": {"resourceType": "Subscription"}}]}
    assert codes(bundle) == {"not-checked"}


@pytest.mark.parametrize("thing", [None, [], "x", 7, {}, *({"resourceType": name} for name in (5, "Timing", "DomainResource", "Foo"))])
def test_what_is_not_a_resource_is_refused(thing: Any) -> None:
    assert codes(thing) == {"resource-type"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals() | st.text(max_size=8) | st.sampled_from(["#med", "2026-03-02", "Patient/x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "url", "value", "code", "x"]), inner, max_size=3),
    max_leaves=6,
)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) inside a JSON value."""
    found: list[tuple[Any, Any]] = []
    pairs = list(value.items()) if isinstance(value, dict) else list(enumerate(value)) if isinstance(value, list) else []
    for key, inner in pairs:
        found += [(value, key), *places(inner)]
    return found


@settings(max_examples=300, deadline=None)
@given(st.data(), JSON)
def test_no_malformed_input_makes_the_check_fail_itself(data: st.DataObject, junk: Any) -> None:
    order = copy.deepcopy(good_order())
    container, key = data.draw(st.sampled_from(places(order)))
    container[key] = junk
    assert isinstance(check(order), list)
