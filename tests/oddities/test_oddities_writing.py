"""Oddities 1 to 3: whether an order can be written at all, and what a server makes of what was written."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from an_approved_order import as_stored, written
from an_order import NOW, RUN
from oddities.a_real_file import CERNER, EPIC, found, load

from ivig_fhir.ehr.capability import Capabilities, from_statement
from ivig_fhir.ehr.modes import WRITTEN, WriteMode, write_mode
from ivig_fhir.ehr.profiles import profile
from ivig_fhir.order.bundle import Abilities
from ivig_fhir.order.comparison import compare
from ivig_fhir.order.receipt import Line, Part, Receipt
from ivig_fhir.order.states import Event

EVERYTHING = {(type_, letter): "yes" for type_ in WRITTEN for letter in "crus"}


def declared(data: Path, vendor: str) -> Capabilities:
    """What the vendor's sandbox declared when it was recorded."""
    statement = load(found(data / vendor / "server", "CapabilityStatement"))
    return from_statement(statement.get("body", statement))


def mode(data: Path, vendor: str) -> WriteMode:
    """How the app would write there, with everything granted and nothing known but what is declared."""
    return write_mode(declared(data, vendor), EVERYTHING, profile("generic"))


def probe(data: Path, name: str) -> tuple[dict[str, Any], Any, dict[str, Any]]:
    """What was sent to Epic, what `create` answered, and what a later read gave back."""
    held = load(data / EPIC / "write-probe" / f"{name}.json")
    return held["_canonical_submitted"], held["_epic_returned_create"], held["_epic_returned_get"]


@pytest.mark.oddity(1)
@pytest.mark.parametrize("vendor", [EPIC, CERNER])
def test_a_server_that_declares_no_orders_gets_none_and_says_so_before_anybody_approves(data: Path, vendor: str) -> None:
    assert declared(data, vendor).can("MedicationRequest", "search-type")
    assert not declared(data, vendor).can("MedicationRequest", "create")
    how = mode(data, vendor)
    assert not how.writes
    assert "does not let apps create orders" in how.reason
    assert "handed over as text" in how.reason


@pytest.mark.oddity(1)
def test_what_epic_lets_apps_create_is_known_and_is_no_order(data: Path) -> None:
    epic = declared(data, EPIC)
    assert all(epic.can(t, "create") for t in ("ServiceRequest", "Observation", "AllergyIntolerance", "Condition"))
    assert epic.can("Task", "update")
    assert not epic.can("Task", "create")
    assert mode(data, EPIC).mode == "hand-off"
    assert mode(data, CERNER).mode == "read-only"


@pytest.mark.oddity(1)
def test_an_order_that_was_not_read_back_as_it_was_sent_is_no_success() -> None:
    made = written()
    held, known = as_stored(made)
    parts = (Part("medication-request", "MedicationRequest", "stored", "MedicationRequest/1", "1"),)
    faithful = Receipt(RUN, "transaction", NOW, parts, compare(made.entries[0].resource, held["medication-request"], known))
    nothing = Receipt(RUN, "transaction", NOW, parts, compare(made.entries[0].resource, {}, known))
    assert faithful.event is Event.STORE
    assert nothing.event is Event.STORE_IN_PART


@pytest.mark.oddity(2)
def test_a_create_may_answer_with_an_empty_object(data: Path) -> None:
    for name in ("Condition", "Observation"):
        assert probe(data, name)[1] == {}


@pytest.mark.oddity(2)
def test_what_epic_lost_of_a_condition_is_listed_by_name(data: Path) -> None:
    sent, _, stored = probe(data, "Condition")
    lines = {line.field: line.result for line in compare(sent, stored)}
    assert {f for f, result in lines.items() if result == "lost"} == {"onsetDateTime", "recordedDate", "encounter"}
    assert (lines["category"], lines["code"], lines["Patient"]) == ("changed", "changed", "same-meaning")


@pytest.mark.oddity(2)
def test_an_observation_that_came_back_with_more_codes_and_another_text_is_called_changed(data: Path) -> None:
    sent, _, stored = probe(data, "Observation")
    assert len(stored["code"]["coding"]) == 7
    lines = {line.field: line.result for line in compare(sent, stored)}
    assert lines["code"] == "changed"
    assert lines["effectiveDateTime"] == "same-meaning"  # +00:00 came back as Z
    assert lines["Patient"] == "same-meaning"


def as_epic_stores(path: str) -> tuple[Line, ...]:
    """An order of ours, stored the way Epic stored the Condition: with one of its parts lost."""
    made = written()
    held, known = as_stored(made)
    stored = deepcopy(held["medication-request"])
    dosage = stored["dosageInstruction"][0]
    lost = {
        "dose": lambda: dosage["doseAndRate"][0].pop("doseQuantity"),
        "rate": lambda: dosage["doseAndRate"][0].pop("rateRange"),
        "weight": lambda: dosage["doseAndRate"][1].pop("extension"),
        "product": lambda: stored["medicationCodeableConcept"].pop("text"),
        "patient": lambda: stored.pop("subject"),
        "timing": lambda: dosage.pop("timing"),
        "note": lambda: stored.pop("note", None),
    }
    lost[path]()
    return compare(made.entries[0].resource, stored, known)


@pytest.mark.oddity(2)
@pytest.mark.parametrize(
    ("path", "blocks"),
    [("dose", True), ("rate", True), ("weight", True), ("product", True), ("patient", True), ("timing", True), ("note", False)],
)
def test_a_loss_of_dose_rate_weight_product_patient_or_timing_blocks_and_another_is_only_listed(path: str, blocks: bool) -> None:
    receipt = Receipt(RUN, "transaction", NOW, (), as_epic_stores(path))
    assert receipt.incomplete is blocks


@pytest.mark.oddity(3)
@pytest.mark.parametrize("vendor", [EPIC, CERNER])
def test_no_order_relies_on_a_provenance_that_can_only_be_read(data: Path, vendor: str) -> None:
    assert not declared(data, vendor).can("Provenance", "create")
    assert "Provenance" not in (mode(data, vendor).abilities.creates or ())


@pytest.mark.oddity(3)
def test_an_order_without_provenance_is_whole() -> None:
    without = frozenset(WRITTEN) - {"Provenance"}
    made = written(Abilities(without, without))
    assert "Provenance" not in {e.type for e in made.entries}
    assert "MedicationRequest" in {e.type for e in made.entries}
    assert "Provenance/" not in str([e.resource for e in made.entries])
