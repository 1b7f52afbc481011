"""An approved order is in the EHR exactly once, or it is known that it is not there, or it is said that nobody knows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import requests
from an_act import ROLES, a_decision, an_act, unconditional
from an_ehr_server import Hours, Send, Wire, mode_of, outcome

from ivig_fhir.ehr.client import FhirClient
from ivig_fhir.ehr.modes import WriteMode
from ivig_fhir.ehr.reconcile import Written
from ivig_fhir.ehr.search import search
from ivig_fhir.ehr.update import read_back
from ivig_fhir.ehr.write import complete, find_out, write
from ivig_fhir.errors import (
    BreakTheGlass,
    ChangedInEhr,
    EhrBusy,
    EhrUnavailable,
    FhirError,
    Forbidden,
    OutcomeInstead,
    OutcomeUnknown,
    RequestRejected,
    SeveralAnchors,
    StateError,
    TokenRejected,
)
from ivig_fhir.fhir.building import decode, encode
from ivig_fhir.order.receipt import ALREADY, MISSING, REFUSED, STORED, UNKNOWN, UNSUPPORTED
from ivig_fhir.order.transaction import Transaction

Connect = Callable[..., FhirClient]
SCOPES = (
    "patient/*.rs patient/MedicationRequest.cru patient/RequestGroup.cru patient/DetectedIssue.cr patient/Provenance.cr patient/Task.crus"
)
BLIND = "patient/Patient.rs patient/MedicationRequest.crus patient/RequestGroup.cru patient/DetectedIssue.cr patient/Provenance.cr patient/Task.crus"


def one_by_one(how: WriteMode) -> WriteMode:
    return replace(how, mode="sequential", atomic=False)


def states(written: Written) -> dict[str, str]:
    return {p.role: p.state for p in written.parts}


def held(client: FhirClient, act: Transaction) -> dict[str, int]:
    """How many resources of a run the EHR holds, by type; a Provenance counts for the order it is about."""
    found: dict[str, int] = {}
    for entry in act.entries:
        if entry.type == "Provenance":
            mine = search(client, "Provenance", [], fresh=True).matches.values()
            orders = search(client, "MedicationRequest", [("identifier", act.run)], fresh=True).matches
            found["Provenance"] = sum(1 for p in mine for t in p["target"] if t["reference"] in orders)
        else:
            found[entry.type] = len(search(client, entry.type, [("identifier", entry.full_url)], fresh=True).matches)
    return found


ONCE = {"MedicationRequest": 1, "DetectedIssue": 1, "RequestGroup": 1, "Provenance": 1, "Task": 1}
NEVER = dict.fromkeys(ONCE, 0)


def lose_answer(method: str = "POST", ending: str = "/fhir", stored: bool = True) -> Callable[[requests.PreparedRequest, Send], Any]:
    """The connection ends without an answer, after the write was stored or before it arrived."""

    def fault(request: requests.PreparedRequest, through: Send) -> requests.Response:
        if request.method == method and str(request.url).partition("?")[0].endswith(ending):
            if stored:
                through(request)
            raise requests.ConnectionError("Remote end closed connection without response")
        return through(request)

    return fault


def answer_with(status: int, body: Any, method: str = "POST", ending: str = "/fhir", after: bool = False) -> Callable[..., Any]:
    """An answer made by the test, instead of the server's or over it."""

    def fault(request: requests.PreparedRequest, through: Send) -> requests.Response:
        if request.method != method or not str(request.url).partition("?")[0].endswith(ending):
            return through(request)
        made = through(request) if after else requests.Response()
        made._content_consumed = True
        made.status_code = status
        made._content = encode(body) if body is not None else b""
        made.headers.update({"Content-Type": "application/fhir+json"})
        made.headers.pop("Location", None)
        return made

    return fault


# ── one transaction ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_order_is_stored_in_one_transaction(connect: Connect, wire: Wire) -> None:
    client, act = connect(), an_act()
    written = write(client, act, mode_of(client))
    assert (written.mode, written.outcome) == ("transaction", "stored")
    assert states(written) == dict.fromkeys(ROLES, STORED)
    assert all(p.reference and p.version == "1" for p in written.parts)
    assert wire.count("POST") == 1
    assert held(client, act) == ONCE


def test_what_was_stored_is_read_back_with_every_reference_resolved(connect: Connect) -> None:
    client, act = connect(), an_act()
    written = write(client, act, mode_of(client))
    back = read_back(client, written.parts)
    assert back.unread == {}
    assert set(back.resources) == set(ROLES)
    order = written.known[act.run]
    assert back.resources["task"]["focus"]["reference"] == order
    assert back.resources["medication-request"]["detectedIssue"][0]["reference"] == written.known[act.entries[1].full_url]
    assert str(back.resources["medication-request"]["dosageInstruction"][0]["doseAndRate"][0]["doseQuantity"]["value"]) == "40.0"


def test_an_order_that_is_there_is_not_written_again(connect: Connect, wire: Wire) -> None:
    client, act = connect(), an_act()
    first = write(client, act, mode_of(client))
    wire.sent.clear()
    again = write(client, act, mode_of(client))
    assert again.outcome == "already-there"
    assert set(states(again).values()) == {ALREADY}
    assert again.known == first.known
    assert wire.count("POST") == 0
    assert held(client, act) == ONCE


def test_the_search_before_writing_asks_past_caches(connect: Connect, wire: Wire) -> None:
    client = connect()
    write(client, an_act(), mode_of(client))
    looked = next(r for r in wire.sent if r.method == "GET" and "identifier=" in str(r.url))
    assert looked.headers["Cache-Control"] == "no-cache"


def test_a_lost_reply_is_reconciled_before_any_resend(connect: Connect, wire: Wire) -> None:
    client, act = connect(), an_act()
    how = mode_of(client)
    wire.fault = lose_answer()
    written = write(client, act, how)
    assert written.outcome == "reconciled"
    assert states(written) == dict.fromkeys(ROLES, STORED)
    assert all(p.reference and p.version for p in written.parts)
    assert wire.count("POST") == 1
    assert held(client, act) == ONCE


def test_a_request_that_never_arrived_is_known_not_to_be_there_and_is_not_resent(connect: Connect, wire: Wire, hours: Hours) -> None:
    client, act = connect(), an_act()
    how = mode_of(client)
    wire.fault = lose_answer(stored=False)
    written = write(client, act, how)
    assert written.outcome == "not-sent"
    assert set(states(written).values()) == {MISSING}
    assert wire.count("POST") == 1
    assert hours.slept == [1.0, 2.0]
    assert held(client, act) == NEVER


def test_a_server_that_stores_late_is_looked_at_again(connect: Connect, wire: Wire, hours: Hours) -> None:
    client, act = connect(), an_act()
    how = mode_of(client)
    waiting: list[requests.PreparedRequest] = []

    def late(request: requests.PreparedRequest, through: Send) -> requests.Response:
        if request.method == "POST":
            waiting.append(request)
            raise requests.ReadTimeout("slow")
        if waiting and hours.slept:
            through(waiting.pop())
        return through(request)

    wire.fault = late
    assert write(client, act, how).outcome == "reconciled"
    assert held(client, act) == ONCE


def test_nobody_knows_when_the_search_fails_too(connect: Connect, wire: Wire) -> None:
    client, act = connect(), an_act()
    how = mode_of(client)

    def dead(request: requests.PreparedRequest, through: Send) -> requests.Response:
        if request.method == "POST" or wire.count("POST"):
            raise requests.ConnectionError("gone")
        return through(request)

    wire.fault = dead
    with pytest.raises(OutcomeUnknown):
        write(client, act, how)
    assert wire.count("POST") == 1


def test_nothing_is_said_about_what_cannot_be_searched(connect: Connect, wire: Wire) -> None:
    """A server that is not known to search by identifier finds nothing, and that proves nothing."""
    client, act = connect(), unconditional(an_act())
    how = mode_of(client)
    wire.fault = lose_answer(stored=False)
    with pytest.raises(OutcomeUnknown):
        write(client, act, how)


def test_an_unknown_outcome_is_found_out_later(connect: Connect, wire: Wire) -> None:
    client, act = connect(), an_act()
    how = mode_of(client)
    assert find_out(client, act, how).outcome == "not-sent"
    write(client, act, how)
    wire.sent.clear()
    found = find_out(client, act, how)
    assert found.outcome == "reconciled"
    assert set(states(found).values()) == {STORED}
    assert wire.count("POST") == 0
    wire.fault = answer_with(500, None, "GET", "/MedicationRequest")
    with pytest.raises(OutcomeUnknown):
        find_out(client, act, how)


@pytest.mark.parametrize("status", [500, 502, 504])
def test_an_error_of_the_server_after_the_commit_is_reconciled(connect: Connect, wire: Wire, status: int) -> None:
    client, act = connect(), an_act()
    how = mode_of(client)
    wire.fault = answer_with(status, None, after=True)
    assert write(client, act, how).outcome == "reconciled"
    assert held(client, act) == ONCE


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (400, outcome("invalid", "no such code"), RequestRejected),
        (422, outcome("invariant", "dose missing"), RequestRejected),
        (401, None, TokenRejected),
        (429, None, EhrBusy),
        (409, outcome("conflict", "somebody else"), EhrBusy),
        (412, outcome("multiple-matches", "several"), SeveralAnchors),
        (403, outcome("forbidden", "Break the glass", coded="4131"), BreakTheGlass),
    ],
)
def test_a_refusal_is_its_error_and_nothing_is_there(connect: Connect, wire: Wire, status: int, body: Any, error: type[FhirError]) -> None:
    client, act = connect(), an_act()
    how = mode_of(client)
    wire.fault = answer_with(status, body)
    with pytest.raises(error) as caught:
        write(client, act, how)
    assert type(caught.value) is error
    assert wire.count("POST") == 1
    assert held(client, act) == NEVER


def test_a_real_refusal_names_what_the_server_says(connect: Connect) -> None:
    client, act = connect(), an_act()
    order = act.entries[0]
    wrong = replace(order, resource={**order.resource, "subject": {"reference": "Patient/nobody"}})
    with pytest.raises(RequestRejected) as caught:
        write(client, Transaction(act.run, (wrong, *act.entries[1:])), mode_of(client))
    assert caught.value.message.startswith("The EHR rejected the order: ")
    assert held(client, act) == NEVER


def test_a_server_that_refuses_and_does_not_roll_back_is_found_out(connect: Connect, wire: Wire) -> None:
    client, act = connect(), an_act()
    how = mode_of(client)
    alone = Transaction(act.run, act.entries[:1])

    def half(request: requests.PreparedRequest, through: Send) -> requests.Response:
        if request.method == "POST" and str(request.url).endswith("/fhir"):
            wire.fault = None
            write(client, Transaction(act.run, (replace(alone.entries[0], resource=_bare(alone)),)), one_by_one(how))
            return answer_with(400, outcome("processing", "entry 2 failed"))(request, through)
        return through(request)

    wire.fault = half
    written = write(client, act, how)
    assert written.outcome == "reconciled"
    assert states(written) == {**dict.fromkeys(ROLES, MISSING), "medication-request": STORED}


def _bare(act: Transaction) -> dict[str, Any]:
    return {k: v for k, v in act.entries[0].resource.items() if k != "detectedIssue"}


def test_two_orders_of_one_run_stop_everything(connect: Connect, wire: Wire) -> None:
    client, act = connect(), an_act()
    how = mode_of(client)
    for _ in range(2):
        client.post("MedicationRequest", _bare(act))
    wire.sent.clear()
    with pytest.raises(SeveralAnchors):
        write(client, act, how)
    assert wire.count("POST") == 0


@pytest.mark.parametrize(
    "body", [None, {"resourceType": "Bundle", "type": "transaction-response"}, outcome("informational", "ok", "information")]
)
def test_an_answer_that_says_nothing_is_filled_in_by_looking(connect: Connect, wire: Wire, body: Any) -> None:
    client, act = connect(), an_act()
    how = mode_of(client)
    wire.fault = answer_with(200, body, after=True)
    written = write(client, act, how)
    assert written.outcome == "stored"
    assert all(p.state == STORED and p.reference for p in written.parts)


def test_a_success_that_stored_nothing_is_no_success(connect: Connect, wire: Wire) -> None:
    client, act = connect(), an_act()
    how = mode_of(client)
    wire.fault = answer_with(200, outcome("exception", "sorry"))
    with pytest.raises(OutcomeInstead):
        write(client, act, how)
    wire.fault = answer_with(200, None)
    with pytest.raises(OutcomeUnknown):
        write(client, act, how)


def test_a_response_whose_positions_do_not_fit_is_not_believed(connect: Connect, wire: Wire) -> None:
    client, act = connect(), an_act()
    how = mode_of(client)

    def shuffled(request: requests.PreparedRequest, through: Send) -> requests.Response:
        made = through(request)
        if request.method == "POST":
            body = decode(made.content)
            body["entry"].reverse()
            made._content = encode(body)
            made.headers["Content-Length"] = str(len(made.content))
        return made

    wire.fault = shuffled
    written = write(client, act, how)
    assert [p.type for p in written.parts] == [str(p.reference).partition("/")[0] for p in written.parts]


def test_parts_that_may_not_be_searched_are_learned_from_what_refers_to_them(connect: Connect, wire: Wire) -> None:
    client, act = connect(scope=BLIND), an_act()
    how = mode_of(client)
    wire.fault = lose_answer()
    written = write(client, act, how)
    everybody = connect()
    wire.fault = None
    for role in ("finding", "request-group"):
        part = written.part(role)
        assert part is not None
        assert part.reference is not None
        assert everybody.read(part.reference).status == 200
    provenance = written.part("provenance-approval")
    assert provenance is not None
    assert (provenance.state, provenance.reference) == (STORED, None)


@pytest.mark.parametrize("error", [TokenRejected, EhrUnavailable, EhrBusy])
def test_nothing_is_sent_when_looking_before_fails(connect: Connect, wire: Wire, error: type[FhirError]) -> None:
    client, act = connect(), an_act()
    how = mode_of(client)
    status = {TokenRejected: 401, EhrUnavailable: 500, EhrBusy: 429}[error]
    wire.fault = answer_with(status, None, "GET", "/MedicationRequest")
    with pytest.raises(error):
        write(client, act, how)
    assert wire.count("POST") == 0


@pytest.mark.parametrize("status", [400, 403, 404])
def test_a_server_that_does_not_search_is_written_to_all_the_same(connect: Connect, wire: Wire, status: int) -> None:
    client, act = connect(), unconditional(an_act())
    how = mode_of(client)
    wire.fault = answer_with(status, None, "GET", "/MedicationRequest")
    assert write(client, act, how).outcome == "stored"
    wire.fault = None
    assert held(client, act) == ONCE


@pytest.mark.parametrize("mode", ["hand-off", "read-only"])
def test_nothing_is_written_where_nothing_can_be(connect: Connect, wire: Wire, mode: Any) -> None:
    client = connect()
    how = replace(mode_of(client), mode=mode)
    with pytest.raises(ValueError, match=mode):
        write(client, an_act(), how)
    assert wire.count("POST") == 0


# ── one after another ────────────────────────────────────────────────────────────────────────────────────────────────


def test_without_transactions_the_order_comes_first_and_everything_is_stored(connect: Connect, wire: Wire) -> None:
    client, act = connect(fault="no-transaction"), an_act()
    how = mode_of(client)
    written = write(client, act, how)
    assert (written.mode, written.outcome) == ("sequential", "stored")
    assert states(written) == dict.fromkeys(ROLES, STORED)
    posted = [str(r.url).rpartition("/")[2] for r in wire.sent if r.method == "POST"]
    assert posted == ["MedicationRequest", "DetectedIssue", "RequestGroup", "Provenance", "Task"]
    assert held(client, act) == ONCE


@pytest.mark.parametrize("status", [403, 404, 405, 501])
def test_a_server_that_refuses_the_declared_transaction_gets_its_parts_one_by_one(connect: Connect, wire: Wire, status: int) -> None:
    client, act = connect(), an_act()
    how = mode_of(client)
    wire.fault = answer_with(status, None)
    written = write(client, act, how)
    assert (written.mode, written.outcome) == ("sequential", "stored")
    assert held(client, act) == ONCE


def test_where_the_order_fails_nothing_else_is_written(connect: Connect, wire: Wire) -> None:
    client, act = connect(), an_act()
    how = one_by_one(mode_of(client))
    wire.fault = answer_with(403, None, ending="/MedicationRequest")
    with pytest.raises(Forbidden):
        write(client, act, how)
    assert wire.count("POST") == 1
    wire.fault = None
    assert held(client, act) == NEVER


def test_every_answer_can_be_lost_and_everything_is_there_once(connect: Connect, wire: Wire) -> None:
    client, act = connect(fault="timeout-after-commit"), an_act()
    how = one_by_one(mode_of(client))
    written = write(client, act, how)
    assert states(written) == dict.fromkeys(ROLES, STORED)
    assert all(p.reference for p in written.parts)
    assert wire.count("POST") == 5
    assert held(client, act) == ONCE


def test_a_part_that_is_refused_keeps_the_order_and_is_sent_alone_later(connect: Connect, wire: Wire) -> None:
    client, act = connect(), an_act()
    how = one_by_one(mode_of(client))
    wire.fault = answer_with(422, outcome("invariant", "no group today"), ending="/RequestGroup")
    written = write(client, act, how)
    assert states(written) == {**dict.fromkeys(ROLES, STORED), "request-group": REFUSED}
    assert "no group today" in next(p.said for p in written.parts if p.state == REFUSED)
    wire.fault = None
    wire.sent.clear()
    whole = complete(client, act, written.parts)
    assert states(whole) == dict.fromkeys(ROLES, STORED)
    assert [str(r.url).rpartition("/")[2] for r in wire.sent if r.method == "POST"] == ["RequestGroup"]
    assert held(client, act) == ONCE


def test_a_missing_part_that_is_there_after_all_is_not_sent(connect: Connect, wire: Wire) -> None:
    client, act = connect(), an_act()
    written = write(client, act, one_by_one(mode_of(client)))
    pretended = tuple(replace(p, state=MISSING, reference=None) if p.role != "medication-request" else p for p in written.parts)
    wire.sent.clear()
    assert states(complete(client, act, pretended)) == dict.fromkeys(ROLES, STORED)
    assert wire.count("POST") == 0


def test_parts_are_never_completed_without_their_order(connect: Connect, wire: Wire) -> None:
    client, act = connect(), an_act()
    how = mode_of(client)
    wire.fault = lose_answer(stored=False)
    nothing = write(client, act, how)
    wire.fault = None
    wire.sent.clear()
    with pytest.raises(StateError):
        complete(client, act, nothing.parts)
    assert wire.sent == []


@pytest.mark.parametrize("status", [403, 404, 405, 501])
def test_a_type_that_is_refused_at_write_time_is_not_supported_and_not_asked_again(connect: Connect, wire: Wire, status: int) -> None:
    client, act = connect(), an_act()
    how = one_by_one(mode_of(client))
    second = replace(act.entries[1], role="finding-2", full_url=act.entries[1].full_url[:-1] + "0")
    wire.fault = answer_with(status, None, ending="/DetectedIssue")
    written = write(client, Transaction(act.run, (*act.entries[:2], second, *act.entries[2:])), how)
    assert states(written) == {**dict.fromkeys(ROLES, STORED), "finding": UNSUPPORTED, "finding-2": UNSUPPORTED}
    assert wire.count("POST", "/DetectedIssue") == 1


def test_a_part_whose_fate_cannot_be_found_out_is_unknown_and_never_resent(connect: Connect, wire: Wire) -> None:
    client, act = connect(scope=BLIND), an_act()
    how = one_by_one(mode_of(client))
    wire.fault = lose_answer(ending="/Provenance")
    written = write(client, act, how)
    assert states(written) == {**dict.fromkeys(ROLES, STORED), "provenance-approval": UNKNOWN}
    wire.fault = None
    wire.sent.clear()
    assert complete(client, act, written.parts).part("provenance-approval") == written.part("provenance-approval")
    assert wire.count("POST") == 0
    everybody = connect()
    assert states(complete(everybody, act, written.parts)) == dict.fromkeys(ROLES, STORED)
    assert held(everybody, act) == ONCE


def test_what_needs_a_part_that_is_not_there_is_missing(connect: Connect, wire: Wire) -> None:
    client, act = connect(), an_act()
    how = one_by_one(mode_of(client))
    task = act.entries[4]
    needy = replace(task, resource={**task.resource, "focus": {"reference": act.entries[2].full_url}})
    wire.fault = answer_with(422, None, ending="/RequestGroup")
    written = write(client, Transaction(act.run, (*act.entries[:4], needy)), how)
    assert states(written)["task"] == MISSING


def test_an_order_that_appeared_meanwhile_gets_no_second_set_of_parts(connect: Connect, wire: Wire) -> None:
    client, act = connect(), an_act()
    how = one_by_one(mode_of(client))

    def race(request: requests.PreparedRequest, through: Send) -> requests.Response:
        if request.method == "POST":
            wire.fault = None
            write(client, act, how)
        return through(request)

    wire.fault = race
    written = write(client, act, how)
    assert written.outcome == "already-there"
    assert set(states(written).values()) == {ALREADY}
    assert held(client, act) == ONCE


def test_an_empty_answer_without_a_location_is_looked_up(connect: Connect, wire: Wire) -> None:
    client, act = connect(), an_act()
    how = one_by_one(mode_of(client))
    wire.fault = answer_with(201, None, ending="/MedicationRequest", after=True)
    written = write(client, act, how)
    assert states(written) == dict.fromkeys(ROLES, STORED)
    assert held(client, act) == ONCE


# ── decisions ────────────────────────────────────────────────────────────────────────────────────────────────────────


def stored(client: FhirClient, wire: Wire) -> tuple[Transaction, dict[str, Any], dict[str, Any]]:
    act = an_act()
    back = read_back(client, write(client, act, mode_of(client)).parts)
    wire.sent.clear()
    return act, dict(back.resources["medication-request"]), dict(back.resources["task"])


@pytest.mark.parametrize("fault", ["", "no-transaction"])
def test_a_decision_is_written_over_the_versions_that_were_read(connect: Connect, wire: Wire, fault: str) -> None:
    client = connect(fault=fault)
    act, order, task = stored(client, wire)
    how = mode_of(client)
    written = write(client, a_decision(act.run, order, task), how)
    assert set(states(written).values()) == {STORED}
    back = read_back(client, written.parts).resources
    assert back["medication-request"]["status"] == "active"
    assert back["medication-request"]["detectedIssue"] == order["detectedIssue"] if not fault else True
    assert back["task"]["output"][0]["valueReference"]["reference"] == written.part("provenance-decision").reference  # type: ignore[union-attr]


def test_a_decision_one_by_one_keeps_what_the_server_held(connect: Connect, wire: Wire) -> None:
    client = connect()
    act, order, task = stored(client, wire)
    write(client, a_decision(act.run, order, task), one_by_one(mode_of(client)))
    now = client.read(f"MedicationRequest/{order['id']}").body
    assert now["detectedIssue"] == order["detectedIssue"]


@pytest.mark.parametrize("sequential", [False, True])
def test_a_decision_on_a_changed_order_is_refused_and_changes_nothing(connect: Connect, wire: Wire, sequential: bool) -> None:
    client = connect()
    act, order, task = stored(client, wire)
    where = f"MedicationRequest/{order['id']}"
    client.put(where, {**order, "note": [{"text": "changed"}]}, if_match=f'W/"{order["meta"]["versionId"]}"')
    how = mode_of(client)
    with pytest.raises(ChangedInEhr):
        write(client, a_decision(act.run, order, task), one_by_one(how) if sequential else how)
    assert client.read(where).body["status"] == "draft"
    assert client.read(f"Task/{task['id']}").body["status"] == "requested"


@pytest.mark.parametrize("status", [409, 412])
def test_a_version_that_changes_while_it_is_sent_is_noticed(connect: Connect, wire: Wire, status: int) -> None:
    client = connect()
    act, order, task = stored(client, wire)
    how = mode_of(client)
    wire.fault = answer_with(status, outcome("conflict", "stale"))
    with pytest.raises(ChangedInEhr):
        write(client, a_decision(act.run, order, task), how)


@pytest.mark.parametrize(("arrived", "result"), [(True, "reconciled"), (False, "not-sent")])
def test_the_lost_answer_to_a_decision_is_settled_by_reading(connect: Connect, wire: Wire, arrived: bool, result: str) -> None:
    client = connect()
    act, order, task = stored(client, wire)
    how, decision = mode_of(client), a_decision(act.run, order, task)
    wire.fault = lose_answer(stored=arrived)
    assert write(client, decision, how).outcome == result
    assert wire.count("POST", "/fhir") == 1
    wire.fault = None
    assert write(client, decision, how).outcome == ("already-there" if arrived else "stored")


def test_another_pharmacists_decision_is_not_taken_for_this_one(connect: Connect, wire: Wire) -> None:
    client = connect()
    act, order, task = stored(client, wire)
    how = mode_of(client)
    write(client, a_decision(act.run, order, task, "2026-03-02T09:29:00Z"), how)
    with pytest.raises(ChangedInEhr):
        write(client, a_decision(act.run, order, task), how)
