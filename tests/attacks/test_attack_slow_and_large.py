"""Bodies without end, in both directions: too slow, too large, unpacked to more than a machine holds; each ends soon and with a sentence."""

from __future__ import annotations

import gzip
import socket
import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from journey.a_hospital import APP, Hospital

from ivig_fhir.ehr.client import FhirClient, pooled_session
from ivig_fhir.ehr.retry import Patience
from ivig_fhir.errors import DiscoveryFailed, EhrUnavailable, FhirError, NotFhir
from ivig_fhir.smart.discovery import fetch_json

MEGABYTE = 1_000_000
Speaks = Callable[[socket.socket, threading.Event], None]


@contextmanager
def server(speaks: Speaks) -> Iterator[str]:
    """A server that reads a request and then speaks, a byte at a time if it likes; it is told when to stop."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.1)

        def serve() -> None:
            while not over.is_set():
                try:
                    connection, _ = listening.accept()
                except OSError:
                    continue
                with connection:
                    connection.settimeout(5)
                    try:
                        connection.recv(65536)
                        speaks(connection, over)
                    except OSError:
                        continue

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        over.set()
        thread.join(timeout=10)


def head(*lines: str) -> bytes:
    return "\r\n".join(("HTTP/1.1 200 OK", "Content-Type: application/fhir+json", *lines, "", "")).encode()


def dripping(connection: socket.socket, over: threading.Event) -> None:
    """A body of a megabyte, a byte every 50 ms: fourteen hours, and never a pause that a time-out would notice."""
    connection.sendall(head(f"Content-Length: {MEGABYTE}"))
    while not over.wait(0.05):
        connection.sendall(b" ")


def dripping_chunks(connection: socket.socket, over: threading.Event) -> None:
    """The same in chunks that announce more than they bring."""
    connection.sendall(head("Transfer-Encoding: chunked") + b"100000\r\n")
    while not over.wait(0.05):
        connection.sendall(b" ")


def endless(connection: socket.socket, over: threading.Event) -> None:
    """As fast as it goes, for ever."""
    connection.sendall(head("Transfer-Encoding: chunked"))
    block = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
    while not over.is_set():
        connection.sendall(block)


def packed(*, encoding: str, body: bytes) -> Speaks:
    def speak(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(head(f"Content-Encoding: {encoding}", f"Content-Length: {len(body)}") + body)

    return speak


def zeros(megabytes: int) -> bytes:
    """So many megabytes of blanks, a thousandth of that when packed."""
    packer, block = zlib.compressobj(9, zlib.DEFLATED, 31), b" " * MEGABYTE
    return b"".join(packer.compress(block) for _ in range(megabytes)) + packer.flush()


BOMB = zeros(150)


def client(base: str, total: float = 1.0, largest: int = 20 * MEGABYTE) -> FhirClient:
    patience = Patience(retries=0, total=total)
    return FhirClient(f"{base}/fhir", pooled_session(), lambda: "token", timeouts=(1.0, 5.0), patience=patience, largest=largest)


@pytest.mark.parametrize("speaks", [dripping, dripping_chunks], ids=lambda s: s.__name__)
def test_an_answer_that_drips_ends_at_the_readers_deadline(speaks: Speaks) -> None:
    with server(speaks) as base:
        started = time.monotonic()
        with pytest.raises(EhrUnavailable):
            client(base).get("Patient/1")
        assert time.monotonic() - started < 4


@pytest.mark.parametrize("speaks", [dripping, dripping_chunks], ids=lambda s: s.__name__)
def test_a_sign_in_service_that_drips_ends_too(speaks: Speaks, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ivig_fhir.ehr.client._Impatient.longest", 1.0)
    with server(speaks) as base:
        started = time.monotonic()
        with pytest.raises(DiscoveryFailed):
            fetch_json(pooled_session(), f"{base}/.well-known/smart-configuration", (1.0, 5.0))
        assert time.monotonic() - started < 4


@pytest.mark.parametrize(
    "speaks",
    [
        endless,
        packed(encoding="gzip", body=BOMB),
        packed(encoding="deflate", body=zlib.compress(b" " * (60 * MEGABYTE), 9)),
        packed(encoding="gzip, gzip", body=gzip.compress(BOMB)),
    ],
    ids=["endless", "gzip", "deflate", "gzip in gzip"],
)
def test_an_answer_without_end_is_given_up_and_never_held_whole(speaks: Speaks) -> None:
    with server(speaks) as base:
        tracemalloc.start()
        with pytest.raises(NotFhir, match="larger than"):
            client(base, total=60).get("Patient/1")
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert most < 120 * MEGABYTE


def test_a_sign_in_document_without_end_is_given_up() -> None:
    with server(packed(encoding="gzip", body=BOMB)) as base, pytest.raises(DiscoveryFailed, match="too large"):
        fetch_json(pooled_session(), base)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", ", ".join(["gzip"] * 40)], ids=["gzip", "deflate", "forty layers"])
def test_what_is_packed_wrongly_is_unavailable_and_no_crash(encoding: str) -> None:
    with server(packed(encoding=encoding, body=b"not packed at all")) as base, pytest.raises(FhirError):
        client(base, total=10).get("Patient/1")


def test_a_header_without_end_is_no_answer() -> None:
    def shouting(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 200_000 + b"\r\n\r\n{}")

    with server(shouting) as base, pytest.raises(FhirError):
        client(base, total=10).get("Patient/1")


def test_a_good_answer_arrives_whole_packed_or_not() -> None:
    body = b'{"resourceType": "Patient", "id": "1", "text": {"div": "' + b"a" * 300_000 + b'"}}'
    for encoding, sent in (("identity", body), ("gzip", gzip.compress(body)), ("deflate", zlib.compress(body))):
        with server(packed(encoding=encoding, body=sent)) as base:
            assert len(client(base, total=10).get("Patient/1").body["text"]["div"]) == 300_000


def test_a_sign_in_document_that_is_nested_without_end_is_none() -> None:
    with server(packed(encoding="identity", body=b"[" * 400_000)) as base:
        assert fetch_json(pooled_session(), base) == (200, None)


# ── What is sent to the app ──────────────────────────────────────────────────────────────────────────────────────────

CDS = f"{APP}/cds-services/ivig-patient-view"


@pytest.mark.parametrize(
    ("path", "size"),
    [("/launch", 1_100_000), ("/cds-services/ivig-patient-view", 21_000_000), ("/cds-services/ivig-patient-view/feedback", 21_000_000)],
)
def test_a_body_that_is_too_large_is_refused(at: Hospital, path: str, size: int) -> None:
    page = at.browser().send("POST", APP + path, data=b" " * size, content_type="application/json")
    assert page.status in (405, 413)


def test_a_packed_body_is_not_unpacked(at: Hospital) -> None:
    page = at.browser().send("POST", CDS, data=BOMB, content_type="application/json", headers={"Content-Encoding": "gzip"})
    assert (page.status, "The body is not JSON." in page.body) == (400, True)


def test_a_form_of_too_many_fields_is_refused(at: Hospital) -> None:
    tab = at.tab("cidp-adult")
    many = "&".join(f"f{n}=1" for n in range(200_000))
    page = tab.browser.send("POST", f"{tab.page.url}propose", data=many, content_type="application/x-www-form-urlencoded")
    assert page.status == 413


def test_a_form_in_a_thousand_parts_is_refused(at: Hospital) -> None:
    tab = at.tab("cidp-adult")
    parts = "".join(f'--b\r\nContent-Disposition: form-data; name="f{n}"\r\n\r\n1\r\n' for n in range(5_000)) + "--b--\r\n"
    page = tab.browser.send("POST", f"{tab.page.url}propose", data=parts, content_type="multipart/form-data; boundary=b")
    assert page.status in (400, 413)


@pytest.mark.parametrize(
    "body", [b'{"a":' * 3000 + b"1" + b"}" * 3000, b'{"hook": ' + b"9" * 10_000 + b"}", b'{"hook": 1e999999999}', b'"\\ud800"']
)
def test_json_of_a_hook_that_would_stop_a_machine_is_refused(at: Hospital, body: bytes) -> None:
    page = at.browser().send("POST", CDS, data=body, content_type="application/json")
    assert page.status == 400
