"""How an order is written: by the kind of server, by what it declares, by what was granted; and what is said of it before approval."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from a_case import content
from an_ehr_server import mode_of
from ehr.a_statement import ALL, declared, granted

from ivig_fhir.ehr.capability import Capabilities
from ivig_fhir.ehr.client import FhirClient
from ivig_fhir.ehr.modes import MOST_ENTRIES, ORDER, WRITTEN, Mode, WriteMode, without, write_mode
from ivig_fhir.ehr.profiles import names, profile
from ivig_fhir.order.bundle import Abilities

# What each kind of server is known to declare: the types that can be created, and the interactions of the whole system.
TYPICAL: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "generic": (WRITTEN, ("transaction", "batch")),
    "sandbox": (WRITTEN, ("transaction", "batch")),
    "epic": (("ServiceRequest", "Observation", "Condition", "DocumentReference", "Communication", "QuestionnaireResponse"), ()),
    "oracle": ((ORDER, "Provenance", "Observation", "Condition"), ("batch",)),
    "athena": (("QuestionnaireResponse",), ()),
    "meditech": (("Communication", "QuestionnaireResponse"), ()),
    "openemr": (("Patient", "Practitioner", "Organization"), ()),
    "hapi": (WRITTEN, ("transaction",)),
    "medplum": (WRITTEN, ("transaction", "batch")),
    "azure": (WRITTEN, ("transaction", "batch")),
    "google": (WRITTEN, ("transaction", "batch")),
}
METADATA: dict[str, Callable[[str], Capabilities]] = {
    "typical": lambda name: declared(*TYPICAL[name]),
    "everything": lambda name: declared(),
    "no transaction": lambda name: declared(system=("batch",)),
    "no order": lambda name: declared(set(WRITTEN) - {ORDER}),
    "nothing": lambda name: declared((), ()),
    "unreadable": lambda name: Capabilities(said="The server's metadata could not be read (E-28)."),
}
T, S, H, R = "transaction", "sequential", "hand-off", "read-only"
# Each kind of server by each metadata, in their order above, with everything granted.
MODES: dict[str, tuple[str, ...]] = {
    "generic": (T, T, S, H, R, R),
    "sandbox": (T, T, S, H, R, R),
    "epic": (H, H, H, H, R, R),
    "oracle": (H, H, H, H, R, R),
    "athena": (R, R, R, R, R, R),
    "meditech": (R, R, R, R, R, R),
    "openemr": (R, R, R, R, R, R),
    "hapi": (T, T, T, H, R, R),
    "medplum": (S, S, S, H, R, R),
    "azure": (T, T, S, H, R, R),
    "google": (T, T, S, H, R, R),
}
CELLS = [(name, kind, mode) for name, row in MODES.items() for kind, mode in zip(METADATA, row, strict=True)]
GRANTS = {
    "everything": ALL,
    "the order alone": granted(ORDER),
    "everything but the order": granted(*(t for t in WRITTEN if t != ORDER)),
    "the order in part": ALL | granted(ORDER, verdict="partial"),
    "nothing": {},
}


def test_every_profile_is_in_the_table() -> None:
    assert set(MODES) == set(TYPICAL) == set(names())


@pytest.mark.parametrize("grant", GRANTS)
@pytest.mark.parametrize(("name", "kind", "mode"), CELLS)
def test_the_way_of_writing_follows_server_metadata_and_grant(name: str, kind: str, mode: str, grant: str) -> None:
    how = write_mode(METADATA[kind](name), GRANTS[grant], profile(name))
    creates = set(how.abilities.creates or ())
    assert how.reason.endswith(".")
    assert (
        creates <= {t for t in WRITTEN if GRANTS[grant].get((t, "c")) == "yes"} - profile(name).never_created - profile(name).reported_only
    )
    if grant == "everything":
        assert how.mode == mode
    elif mode in (T, S) and grant == "the order alone":
        assert (how.mode, creates, how.left_out) == (mode, {ORDER}, WRITTEN[1:])
    else:
        assert how.mode == (H if creates else R)
    assert how.writes is (ORDER in creates)
    assert how.left_out == tuple(t for t in WRITTEN if not how.writes or t not in creates)


@pytest.mark.parametrize(
    ("name", "kind", "said"),
    [
        ("oracle", "typical", "lets apps record only what a patient is said to take, not what is ordered"),
        ("oracle", "nothing", "does not let apps create orders"),
        ("epic", "typical", "does not let apps create orders"),
        ("openemr", "everything", "does not let apps create orders"),
        ("medplum", "typical", "limits its transactions"),
        ("generic", "no transaction", "takes no transactions"),
        ("generic", "unreadable", "could not be read"),
        ("generic", "typical", "Everything is stored in one transaction."),
    ],
)
def test_the_reason_is_said_in_words(name: str, kind: str, said: str) -> None:
    assert said in write_mode(METADATA[kind](name), ALL, profile(name)).reason


def test_a_right_that_was_not_given_is_told_from_one_that_nobody_has() -> None:
    assert (
        "gave this app no right to create orders" in write_mode(declared(), GRANTS["everything but the order"], profile("generic")).reason
    )


def test_a_type_that_cannot_be_created_is_left_out_and_named() -> None:
    how = write_mode(declared(set(WRITTEN) - {"Task"}), granted(*(set(WRITTEN) - {"Provenance"})), profile("generic"))
    assert how.mode == "transaction"
    assert how.left_out == ("Provenance", "Task")
    assert how.reason.endswith("Not stored in the EHR: Provenance, Task.")


def test_without_a_right_to_read_the_order_it_is_said_that_nothing_can_be_read_back() -> None:
    unread = {k: v for k, v in ALL.items() if k != (ORDER, "r")}
    assert "cannot be read back" in write_mode(declared(), unread, profile("generic")).reason


@pytest.mark.parametrize(
    ("choice", "parameters", "finds"),
    [("declared", ("identifier",), True), ("declared", ("status",), False), ("yes", (), True), ("no", ("identifier",), False)],
)
def test_only_what_is_found_by_identifier_is_created_conditionally(choice: Any, parameters: tuple[str, ...], finds: bool) -> None:
    how = write_mode(declared(parameters=parameters), ALL, replace(profile("generic"), found_by_identifier=choice))
    assert (ORDER in (how.abilities.finds or ())) is finds
    assert "Provenance" not in (how.abilities.finds or ())


@pytest.mark.parametrize(("limit", "mode"), [(0, T), (1, S), (MOST_ENTRIES - 1, S), (MOST_ENTRIES, T)])
def test_a_transaction_is_used_only_where_the_largest_order_fits(limit: int, mode: Mode) -> None:
    assert write_mode(declared(), ALL, replace(profile("generic"), conditional_limit=limit)).mode == mode


def test_no_order_of_this_content_has_more_entries_than_that() -> None:
    assert len(content().checks) + len(content().companions) + len(WRITTEN) < MOST_ENTRIES


def test_the_sandbox_declares_what_it_takes_to_write_in_one_transaction(connect: Callable[..., FhirClient]) -> None:
    how = mode_of(connect())
    assert how.mode == "transaction"
    assert how.abilities.creates == frozenset(WRITTEN)
    assert how.abilities.finds == frozenset(WRITTEN) - {"Provenance"}


def test_a_server_that_takes_no_transactions_is_written_to_one_by_one(connect: Callable[..., FhirClient]) -> None:
    how = mode_of(connect(fault="no-transaction"))
    assert (how.mode, how.atomic) == ("sequential", False)


def written(mode: Mode = "transaction") -> WriteMode:
    return WriteMode(mode, "So.", Abilities(frozenset(WRITTEN), frozenset(WRITTEN) - {"Provenance"}))


def test_a_refused_order_is_handed_over_and_a_refused_part_left_out() -> None:
    by_hand = without(written(), {ORDER})
    assert (by_hand.mode, by_hand.writes, ORDER in (by_hand.abilities.creates or ())) == ("hand-off", False, False)
    assert "refused to store this order" in by_hand.reason
    less = without(written("sequential"), {"Task", "DetectedIssue"})
    assert (less.mode, less.left_out) == ("sequential", ("DetectedIssue", "Task"))
    assert less.reason == "So. It refused: DetectedIssue, Task."
    assert "Task" not in (less.abilities.finds or ())


@pytest.mark.parametrize("mode", ["hand-off", "read-only"])
def test_where_nothing_is_written_a_refusal_changes_nothing(mode: Mode) -> None:
    assert without(written(mode), {ORDER}) == written(mode)
    assert without(written(), ()) == written()
