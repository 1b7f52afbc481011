"""Logs: what is not known to be harmless does not pass."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from ivig_fhir import observe

JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln"


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    sink = io.StringIO()
    observe.configure("INFO", sink)
    yield sink
    root.handlers[:], _ = before
    root.setLevel(before[1])
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_known_keys_of_known_shape_pass(stream: io.StringIO) -> None:
    with observe.request("req-12345678"):
        observe.log().info("launch.finished", role="prescriber", status=200, milliseconds=12.5, host="127.0.0.1:5001")
    (line,) = lines(stream)
    assert line["event"] == "launch.finished"
    assert line["request_id"] == "req-12345678"
    assert (line["role"], line["status"], line["milliseconds"], line["host"]) == ("prescriber", 200, 12.5, "127.0.0.1:5001")
    assert line["level"] == "info"


def test_a_request_id_does_not_outlive_its_request(stream: io.StringIO) -> None:
    with observe.request("req-12345678"):
        pass
    observe.log().info("later")
    assert "request_id" not in lines(stream)[0]


@pytest.mark.parametrize(
    "fields",
    [
        {"patient": "Jane Canary"},
        {"name": "Canary"},
        {"Canary": 1},
        {"access_token": "canary"},
        {"detail": f"bearer {JWT} canary"},
        {"detail": JWT},
        {"host": "canary.example/path?code=canary"},
        {"route": "/s/<session>/?state=canary"},
        {"role": "Canary, Jane"},
        {"status": {"canary": "canary"}},
        {"run": "canary"},
        {"error": "KeyError: 'Canary'"},
    ],
)
def test_what_is_unknown_or_of_another_shape_is_dropped(stream: io.StringIO, fields: dict[str, Any]) -> None:
    observe.log().info("event.name", **fields)
    assert "anary" not in stream.getvalue()
    assert JWT not in stream.getvalue()
    assert observe.DROPPED in stream.getvalue()


def test_an_event_that_is_a_sentence_is_dropped(stream: io.StringIO) -> None:
    observe.log().warning("read weight of Jane Canary")
    assert lines(stream)[0]["event"] == observe.DROPPED


def test_an_exception_is_logged_by_type_and_place_and_without_its_text(stream: io.StringIO) -> None:
    try:
        {}["Jane Canary"]
    except KeyError:
        observe.log().exception("page.failed", reference="7KQ2-M0XE")
    (line,) = lines(stream)
    assert line["error"] == "KeyError"
    assert line["where"].startswith("test_observe.py:")
    assert line["reference"] == "7KQ2-M0XE"
    assert "Canary" not in stream.getvalue()


def test_free_text_of_libraries_is_dropped_and_their_name_kept(stream: io.StringIO) -> None:
    logging.getLogger("some.library").error("GET /callback?code=%s", "canary")
    (line,) = lines(stream)
    assert (line["event"], line["logger"], line["level"]) == (observe.DROPPED, "some.library", "error")


def test_a_reference_number_can_be_read_over_the_telephone() -> None:
    assert observe.reference_number(bytes(5)) == "0000-0000"
    assert observe.reference_number(b"\xff" * 5) == "ZZZZ-ZZZZ"
    assert observe.reference_number(b"\x00\x00\x00\x00\x01\xff") == "0000-0001"
    with pytest.raises(ValueError, match="five bytes"):
        observe.reference_number(b"1234")
