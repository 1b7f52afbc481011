"""The fan-out over real connections: bounded, all searches at once, none that is slow, broken or refused hides another."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from a_loopback import Asked, Loopback, Said, loopback
from an_ehr_server import bundle, condition, outcome

from ivig_fhir.chart.answers import Reason
from ivig_fhir.chart.queries import QUERIES, Query
from ivig_fhir.ehr.client import CONNECTIONS, FhirClient
from ivig_fhir.ehr.fetch import fetch_answers
from ivig_fhir.ehr.retry import Patience
from ivig_fhir.errors import FhirError, ResourceGone

PATIENT = {"resourceType": "Patient", "id": "p1"}
CONDITIONS = Query("conditions", "Condition")
PROCEDURES = Query("procedures", "Procedure")
TWO = (CONDITIONS, PROCEDURES)
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def chart(asked: Asked) -> Said:
    """A server on which a patient has one Condition and nothing else."""
    if asked.path == "Patient/p1":
        return Said(body=PATIENT)
    return Said(body=bundle(condition("a")) if asked.type == "Condition" else bundle())


def but(type_: str, answer: Callable[[Asked], Said] | Said) -> Callable[[Asked], Said]:
    """The same server, which answers one type otherwise."""
    return lambda asked: (answer if isinstance(answer, Said) else answer(asked)) if asked.type == type_ else chart(asked)


def patient_waits(slept: list[float]) -> Patience:
    """A patience that notes what it would wait and does not wait, on the real clock."""
    return Patience(sleep=slept.append, chance=lambda: 0.0, now=lambda: NOW)


# ── all at once, and no more than that ───────────────────────────────────────────────────────────────────────────────


def test_no_search_of_a_chart_waits_for_another() -> None:
    everything = threading.Barrier(len(QUERIES) + 2)  # the searches, the control of Observation, and the patient

    def together(asked: Asked) -> Said:
        everything.wait(timeout=10)  # broken, and so an error, unless all of them are in flight at the same moment
        return chart(asked)

    with loopback(together) as server:
        answers = fetch_answers(server.client(), "p1")
        assert server.most_at_once == len(QUERIES) + 2 <= CONNECTIONS
    assert all(a.complete for a in answers.by_type.values())


@pytest.mark.parametrize("workers", [1, 3])
def test_no_more_requests_are_in_flight_than_there_are_workers(workers: int) -> None:
    with loopback(chart) as server:
        answers = fetch_answers(server.client(), "p1", workers=workers)
        assert server.most_at_once <= workers
    assert all(a.complete for a in answers.by_type.values())


# ── slow ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def never() -> Any:
    """Something that answers only when the test is over."""
    over = threading.Event()

    def wait(asked: Asked) -> Said:
        over.wait(timeout=30)
        return Said(503)

    yield wait
    over.set()


def timed(server: Loopback, queries: tuple[Query, ...] = TWO, deadline: float = 0.4) -> tuple[Any, float]:
    began = time.monotonic()
    return fetch_answers(server.client(), "p1", queries, deadline=deadline), time.monotonic() - began


def test_a_search_that_never_answers_is_not_assessed_after_the_deadline_and_hides_no_other(never: Any) -> None:
    with loopback(but("Condition", never)) as server:
        answers, took = timed(server)
    assert (answers.of("Condition").problem, answers.of("Condition").resources) == (Reason.ERROR, ())
    assert answers.of("Procedure").complete
    assert took < 2.5


def test_an_answer_that_drips_ends_at_the_deadline() -> None:
    dripping = threading.Event()

    def drop() -> bytes:
        dripping.wait(timeout=0.1)
        return b" "

    slow = Said(body=b'{"resourceType":', headers={"Content-Length": "100000"}, pieces=(drop,) * 100)
    with loopback(but("Condition", slow)) as server:
        answers, took = timed(server)
        dripping.set()
    assert answers.of("Condition").problem is Reason.ERROR
    assert answers.of("Procedure").complete
    assert took < 2.5


def test_what_was_read_before_the_deadline_is_kept_and_called_a_part(never: Any) -> None:
    def pages(asked: Asked) -> Said:
        return never(asked) if "page" in asked.params else Said(body=bundle(condition("a"), following="Condition?page=2"))

    with loopback(but("Condition", pages)) as server:
        answers, _ = timed(server)
    assert [r["id"] for r in answers.of("Condition").resources] == ["a"]
    assert "read only in part" in answers.of("Condition").said


def test_a_patient_who_does_not_come_in_time_is_no_chart(never: Any) -> None:
    with loopback(but("Patient", never)) as server, pytest.raises(FhirError):
        timed(server)


def test_medicines_that_are_referred_to_are_not_waited_for_past_the_deadline(never: Any) -> None:
    orders = {
        "resourceType": "MedicationRequest",
        "id": "o",
        "subject": {"reference": "Patient/p1"},
        "medicationReference": {"reference": "Medication/m"},
    }

    def slow(asked: Asked) -> Said:
        return never(asked) if asked.path == "Medication/m" else chart(asked)

    with loopback(lambda asked: Said(body=bundle(orders)) if asked.type == "MedicationRequest" else slow(asked)) as server:
        answers, took = timed(server, (Query("o", "MedicationRequest"),))
    assert answers.of("MedicationRequest").complete
    assert answers.of("Medication").problem is Reason.ERROR
    assert took < 2.5


# ── broken ───────────────────────────────────────────────────────────────────────────────────────────────────────────

TRUNCATED = Said(body=b'{"resourceType":"Bundle","entry":[', headers={"Content-Length": "5000"}, pieces=(b"",))
HTML = Said(404, b"<html><title>404 - File or directory not found.</title></html>", {"Content-Type": "text/html"})


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (TRUNCATED, Reason.ERROR),
        (HTML, Reason.NOT_SUPPORTED),
        (Said(200, b"<html>sign in</html>", {"Content-Type": "text/html"}), Reason.ERROR),
        (Said(200, b""), Reason.ERROR),
        (Said(500, outcome("exception", "no")), Reason.ERROR),
        (Said(302, b"", {"Location": "https://elsewhere.example.org/"}), Reason.ERROR),
        (Said(401, b""), Reason.NOT_PERMITTED),
        (Said(406, b""), Reason.ERROR),
        (Said(503, b"busy", {"Content-Type": "text/plain"}), Reason.ERROR),
    ],
)
def test_a_broken_answer_is_a_reason_and_hides_no_other(said: Said, reason: Reason) -> None:
    with loopback(but("Condition", said)) as server:
        answers = fetch_answers(server.client(patient_waits([])), "p1", TWO)
    assert answers.of("Condition").problem is reason
    assert answers.of("Condition").said
    assert "html" not in answers.of("Condition").said
    assert answers.of("Procedure").complete


@pytest.mark.parametrize("type_", ["application/json", "text/plain", "application/fhir+json; charset=utf-8", "application/octet-stream"])
def test_json_is_read_whatever_its_media_type(type_: str) -> None:
    with loopback(but("Condition", lambda asked: Said(body=bundle(condition("a")), headers={"Content-Type": type_}))) as server:
        assert len(fetch_answers(server.client(), "p1", TWO).of("Condition").resources) == 1


def test_json_is_asked_for_by_name_where_xml_is_what_comes_without_it() -> None:
    def choosy(asked: Asked) -> Said:
        return chart(asked) if asked.headers["accept"] == "application/fhir+json" else Said(200, b"<Bundle/>")

    with loopback(choosy) as server:
        assert fetch_answers(server.client(), "p1", TWO).of("Condition").complete


# ── again ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("header", "waited"),
    [
        ("3", 3.0),
        (format_datetime(NOW + timedelta(seconds=4), usegmt=True), 4.0),
        ("86400", 5.0),
        (format_datetime(NOW + timedelta(days=1), usegmt=True), 5.0),
        (format_datetime(NOW - timedelta(days=1), usegmt=True), 0.0),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_server_is_waited_for_as_it_asks_up_to_a_cap(status: int, header: str, waited: float) -> None:
    slept: list[float] = []
    answers_left = [Said(status, headers={"Retry-After": header})]

    def once(asked: Asked) -> Said:
        return answers_left.pop() if answers_left else chart(asked)

    with loopback(but("Condition", once)) as server:
        answers = fetch_answers(server.client(patient_waits(slept)), "p1", TWO)
        assert len(server.searches("Condition")) == 2
    assert slept == [waited]
    assert answers.of("Condition").complete


def test_a_server_that_stays_busy_is_asked_three_times_and_then_not_assessed() -> None:
    with loopback(but("Condition", Said(503, headers={"Retry-After": "1"}))) as server:
        answers = fetch_answers(server.client(patient_waits([])), "p1", TWO)
        assert len(server.searches("Condition")) == 3
    assert answers.of("Condition").problem is Reason.ERROR


def test_only_reads_are_asked_again() -> None:
    posted: list[str] = []

    def busy(asked: Asked) -> Said:
        posted.append(asked.path)
        return Said(503)

    with loopback(busy) as server:
        client: FhirClient = server.client(patient_waits([]))
        with pytest.raises(FhirError):
            client.post("MedicationRequest", {"resourceType": "MedicationRequest"})
        assert posted == ["MedicationRequest"]
        with pytest.raises(FhirError):
            client.get("MedicationRequest")
    assert len(posted) == 4


def test_a_gone_patient_is_said_and_no_chart_is_shown() -> None:
    with loopback(but("Patient", Said(404, outcome("not-found", "unknown")))) as server, pytest.raises(ResourceGone):
        fetch_answers(server.client(), "p1", TWO)
