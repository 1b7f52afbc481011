"""The same writes one by one or in pieces: the order of them, references filled in, what goes when a part was not stored."""

from __future__ import annotations

from typing import Any

import pytest
from an_approved_order import written
from an_order import RUN, finding

from ivig_fhir.errors import StateError
from ivig_fhir.fhir.building import decode, encode, gate
from ivig_fhir.order.transaction import Transaction, chunked, from_json, resolve, sequential, to_json


def rich() -> Transaction:
    return written(findings=(finding("renal.reduced-function", "warning"),))


def urns(element: Any) -> set[str]:
    if isinstance(element, dict):
        own = {element["reference"]} if str(element.get("reference", "")).startswith("urn:") else set()
        return own.union(*(urns(v) for v in element.values()))
    return set().union(*(urns(v) for v in element)) if isinstance(element, list) else set()


def test_sequential_writes_refer_only_to_what_came_before() -> None:
    before: set[str] = set()
    for entry in sequential(rich()):
        assert urns(entry.resource) <= before
        before.add(entry.full_url)


def test_sequential_writes_drop_the_back_reference_to_findings() -> None:
    assert "detectedIssue" in rich().entries[0].resource
    assert "detectedIssue" not in sequential(rich())[0].resource


def test_references_are_filled_in_as_ids_become_known() -> None:
    known: dict[str, str] = {}
    for number, entry in enumerate(sequential(rich())):
        ready = resolve(entry, known)
        assert urns(ready.resource) == set()
        gate(ready.resource)
        known[entry.full_url] = f"{entry.type}/{number}"
    task = resolve(sequential(rich())[-1], known).resource
    assert task["focus"] == {"reference": "MedicationRequest/0"}


def test_a_companion_that_was_not_stored_leaves_the_group_with_its_action() -> None:
    made = rich()
    group = made.entry("request-group")
    assert group is not None
    lost = next(e for e in made.entries if e.type == "ServiceRequest")
    known = {e.full_url: f"{e.type}/1" for e in made.entries if e is not lost}
    ready = resolve(group, known).resource
    gate(ready)
    ids = {a["id"] for phase in ready["action"] for a in phase.get("action", [phase])}
    assert lost.role.removeprefix("companion-") not in ids
    assert len(ids) == len([e for e in made.entries if e.role.startswith("companion-")])


def test_a_phase_without_any_stored_companion_is_still_valid() -> None:
    made = rich()
    group = made.entry("request-group")
    assert group is not None
    ready = resolve(group, {RUN: "MedicationRequest/1"}).resource
    assert [a["id"] for a in ready["action"] if "resource" in a] == ["ivig"]
    gate(ready)


def test_a_task_without_its_order_is_not_written() -> None:
    task = rich().entry("task")
    assert task is not None
    with pytest.raises(StateError):
        resolve(task, {})


@pytest.mark.parametrize("limit", [1, 8, 20])
def test_pieces_keep_the_order_first_and_refer_backwards(limit: int) -> None:
    pieces = chunked(rich(), limit)
    assert pieces[0].entries[0].full_url == RUN
    assert [len(p.entries) for p in pieces[:-1]] == [limit] * (len(pieces) - 1)
    assert [e.role for p in pieces for e in p.entries] == [e.role for e in rich().entries]
    known: dict[str, str] = {}
    for piece in pieces:
        within = {e.full_url for e in piece.entries}
        ready = Transaction(piece.run, tuple(resolve(e, known, within) for e in piece.entries))
        gate(ready.bundle())
        known |= {e.full_url: f"{e.type}/{len(known)}" for e in piece.entries}


@pytest.mark.parametrize("limit", [None, 500])
def test_a_transaction_within_the_limit_stays_whole(limit: int | None) -> None:
    assert chunked(rich(), limit) == (rich(),)


def test_an_unconditional_transaction_is_never_cut() -> None:
    plain = Transaction(RUN, tuple(e for e in rich().entries if not e.conditional))
    assert chunked(plain, 0) == (plain,)


def test_what_is_kept_is_exactly_what_was_to_be_sent() -> None:
    made = rich()
    again = from_json(decode(encode(to_json(made))))
    assert encode(again.bundle()) == encode(made.bundle())
