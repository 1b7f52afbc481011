"""One request and its answer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from threading import Barrier
from typing import Any

import pytest
import requests
import responses
from an_ehr_server import BASE, TOKEN, Hours, outcome
from requests.adapters import BaseAdapter
from urllib3.exceptions import MaxRetryError, NewConnectionError

from ivig_fhir.ehr.client import FhirClient, origin, pooled_session
from ivig_fhir.errors import (
    BreakTheGlass,
    ChangedInEhr,
    EhrBusy,
    EhrUnavailable,
    FhirError,
    Forbidden,
    NotFhir,
    NotNegotiable,
    OutcomeInstead,
    OutcomeUnknown,
    RequestRejected,
    ResourceGone,
    SeveralAnchors,
    TokenRejected,
)

PATIENT = {"resourceType": "Patient", "id": "p1"}
URL = f"{BASE}/Patient/p1"
ORDER = {"resourceType": "MedicationRequest"}


def test_numbers_keep_their_digits(client: FhirClient, fake: responses.RequestsMock) -> None:
    fake.get(URL, body=b'{"resourceType":"Patient","id":"p1","weight":0.10}', content_type="text/plain")
    assert str(client.read("Patient/p1").body["weight"]) == "0.10"
    assert isinstance(client.read("Patient/p1").body["weight"], Decimal)


@pytest.mark.requirement("hl7.fhir.uv.smart-app-launch_2.2.0@93")
def test_every_request_carries_token_and_the_fhir_media_type(client: FhirClient, fake: responses.RequestsMock) -> None:
    fake.get(URL, json=PATIENT)
    client.read("Patient/p1", fresh=True)
    sent = fake.calls[0].request.headers
    assert sent["Authorization"] == f"Bearer {TOKEN}"
    assert sent["Accept"] == "application/fhir+json"
    assert sent["Cache-Control"] == "no-cache"


def test_an_open_server_gets_no_authorization_header(fake: responses.RequestsMock, hours: Hours) -> None:
    fake.get(URL, json=PATIENT)
    FhirClient(BASE, pooled_session(), patience=hours.patience()).read("Patient/p1")
    assert "Authorization" not in fake.calls[0].request.headers


@pytest.mark.parametrize(
    ("method", "status", "error"),
    [
        ("GET", 302, NotFhir), ("GET", 400, RequestRejected), ("GET", 401, TokenRejected), ("GET", 403, Forbidden),
        ("GET", 404, ResourceGone), ("GET", 406, NotNegotiable), ("GET", 410, ResourceGone), ("GET", 422, RequestRejected),
        ("GET", 429, EhrBusy), ("GET", 500, EhrUnavailable), ("GET", 503, EhrUnavailable),
        ("POST", 400, NotFhir), ("POST", 401, TokenRejected), ("POST", 403, Forbidden), ("POST", 404, ResourceGone),
        ("POST", 405, ResourceGone), ("POST", 409, ChangedInEhr), ("POST", 412, SeveralAnchors), ("POST", 415, NotNegotiable),
        ("POST", 422, NotFhir), ("POST", 429, EhrBusy), ("POST", 500, OutcomeUnknown), ("POST", 501, ResourceGone),
        ("POST", 502, OutcomeUnknown), ("PUT", 409, ChangedInEhr), ("PUT", 412, ChangedInEhr), ("PUT", 504, OutcomeUnknown),
    ],
)  # fmt: skip
def test_each_status_is_one_error(
    client: FhirClient, fake: responses.RequestsMock, method: str, status: int, error: type[FhirError]
) -> None:
    fake.add(method, URL, status=status, headers={"Location": "https://elsewhere.example.org/"})
    with pytest.raises(error) as caught:
        _ask(client, method)
    assert type(caught.value) is error
    assert f"{status}" in caught.value.detail


def _ask(client: FhirClient, method: str) -> Any:
    if method == "GET":
        return client.get("Patient/p1")
    return client.post("Patient/p1", PATIENT) if method == "POST" else client.put("Patient/p1", PATIENT, if_match='W/"1"')


@pytest.mark.parametrize("code", ["4130", "4131", "4134"])
def test_break_the_glass_is_asked_once(client: FhirClient, fake: responses.RequestsMock, hours: Hours, code: str) -> None:
    fake.get(URL, status=403, json=outcome("forbidden", "Break the glass", coded=code))
    with pytest.raises(BreakTheGlass):
        client.read("Patient/p1")
    assert len(fake.calls) == 1
    assert hours.slept == []


def test_break_the_glass_hidden_in_a_success_is_found(client: FhirClient, fake: responses.RequestsMock) -> None:
    fake.get(URL, json=outcome("forbidden", "Break the glass", coded="4130"))
    with pytest.raises(BreakTheGlass):
        client.read("Patient/p1")


def test_the_servers_words_are_shown_and_never_logged(client: FhirClient, fake: responses.RequestsMock) -> None:
    fake.post(f"{BASE}/MedicationRequest", status=422, json=outcome("invariant", "John Smith has no coverage"))
    with pytest.raises(RequestRejected) as caught:
        client.post("MedicationRequest", ORDER)
    assert "John Smith has no coverage" in caught.value.message
    assert "John" not in str(caught.value) + caught.value.detail


@pytest.mark.parametrize("status", [400, 422])
def test_a_write_that_is_refused_in_fhir_is_a_rejection_with_every_issue_and_its_place(
    client: FhirClient, fake: responses.RequestsMock, status: int
) -> None:
    said = {"resourceType": "OperationOutcome", "issue": [
        {"severity": "information", "code": "informational", "diagnostics": "Parameter ignored.", "location": ["/f:x"]},
        {"severity": "error", "code": "required", "details": {"text": "No dose."}, "expression": ["MedicationRequest.dosageInstruction"]},
    ]}  # fmt: skip
    fake.post(f"{BASE}/MedicationRequest", status=status, json=said)
    with pytest.raises(RequestRejected) as caught:
        client.post("MedicationRequest", ORDER)
    assert caught.value.message == "The EHR rejected the order: No dose."
    assert caught.value.told == ("information: Parameter ignored. At /f:x", "error: No dose. At MedicationRequest.dosageInstruction")


@pytest.mark.parametrize(
    ("asked", "remedy"), [("30", "The EHR asks to wait 30 seconds; then try again."), ("", "Wait a moment and try again.")]
)
def test_a_busy_ehr_says_how_long_to_wait(client: FhirClient, fake: responses.RequestsMock, asked: str, remedy: str) -> None:
    fake.post(f"{BASE}/MedicationRequest", status=429, headers={"Retry-After": asked} if asked else {})
    with pytest.raises(EhrBusy) as caught:
        client.post("MedicationRequest", ORDER)
    assert caught.value.remedy == remedy


@pytest.mark.parametrize(
    ("severity", "location", "fails"), [("error", "", True), ("fatal", "", True), ("information", "", False), ("error", "there", False)]
)
def test_a_success_that_says_it_failed_is_none(
    client: FhirClient, fake: responses.RequestsMock, severity: str, location: str, fails: bool
) -> None:
    headers = {"Location": f"{BASE}/MedicationRequest/1/_history/1"} if location else {}
    fake.post(f"{BASE}/MedicationRequest", status=200, json=outcome("exception", "No room.", severity), headers=headers)
    if not fails:
        assert client.post("MedicationRequest", ORDER).status == 200
        return
    with pytest.raises(OutcomeInstead) as caught:
        client.post("MedicationRequest", ORDER)
    assert caught.value.message == "The EHR answered with an error instead of the resource: No room."


def test_a_refusal_without_words_says_so(client: FhirClient, fake: responses.RequestsMock) -> None:
    fake.post(f"{BASE}/MedicationRequest", status=400, body="<html>no</html>", content_type="text/html")
    with pytest.raises(NotFhir) as caught:
        client.post("MedicationRequest", ORDER)
    assert caught.value.message == "The EHR answered with status 400 and gave no details."
    assert "html" not in caught.value.message


def test_no_patient_stands_in_an_error_or_behind_it(client: FhirClient, fake: responses.RequestsMock) -> None:
    fake.get(f"{BASE}/Patient/secret-id", body=requests.ConnectionError("HTTPSConnectionPool: /fhir/Patient/secret-id?name=Smith"))
    with pytest.raises(EhrUnavailable) as caught:
        client.read("Patient/secret-id")
    assert "secret-id" not in str(caught.value)
    assert caught.value.__suppress_context__
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("body", [b"", b"<html></html>", b"[]", b'"x"', b'{"resourceType":', b"{}", b"\xff\xfe"])
def test_a_read_that_is_not_fhir_json_is_named_as_such(client: FhirClient, fake: responses.RequestsMock, body: bytes) -> None:
    fake.get(URL, body=body)
    with pytest.raises(NotFhir):
        client.read("Patient/p1")


@pytest.mark.parametrize(
    "body", [outcome("exception", "sorry"), {"resourceType": "Observation", "id": "p1"}, {"resourceType": "Patient", "id": "p2"}]
)
def test_another_resource_than_the_one_asked_for_is_refused(client: FhirClient, fake: responses.RequestsMock, body: dict[str, Any]) -> None:
    fake.get(URL, json=body)
    with pytest.raises(OutcomeInstead):
        client.read("Patient/p1")


def test_an_answer_that_is_too_large_is_not_read(fake: responses.RequestsMock, hours: Hours) -> None:
    fake.get(URL, json={**PATIENT, "text": "x" * 2000})
    with pytest.raises(NotFhir):
        FhirClient(BASE, pooled_session(), patience=hours.patience(), largest=1000).read("Patient/p1")


def test_a_read_is_tried_three_times_in_all(client: FhirClient, fake: responses.RequestsMock, hours: Hours) -> None:
    fake.get(URL, status=429, headers={"Retry-After": "2"})
    fake.get(URL, body=requests.ConnectionError("reset"))
    fake.get(URL, json=PATIENT)
    assert client.read("Patient/p1").status == 200
    assert hours.slept == [2.0, 0.5]


def test_after_three_failures_the_last_one_is_said(client: FhirClient, fake: responses.RequestsMock) -> None:
    fake.get(URL, status=503)
    with pytest.raises(EhrUnavailable):
        client.read("Patient/p1")
    assert len(fake.calls) == 3


@pytest.mark.parametrize("status", [400, 403, 404, 500])
def test_what_waiting_cannot_change_is_not_tried_again(client: FhirClient, fake: responses.RequestsMock, status: int) -> None:
    fake.get(URL, status=status)
    with pytest.raises(FhirError):
        client.read("Patient/p1")
    assert len(fake.calls) == 1


@pytest.mark.parametrize("fault", [requests.ReadTimeout("slow"), requests.ConnectionError("reset"), 429, 503])
def test_a_write_is_never_sent_twice(client: FhirClient, fake: responses.RequestsMock, fault: Any) -> None:
    fake.post(f"{BASE}/MedicationRequest", **({"status": fault} if isinstance(fault, int) else {"body": fault}))
    with pytest.raises(FhirError):
        client.post("MedicationRequest", ORDER)
    assert len(fake.calls) == 1


def test_a_write_without_an_answer_is_unknown(client: FhirClient, fake: responses.RequestsMock) -> None:
    fake.post(f"{BASE}/MedicationRequest", body=requests.ReadTimeout("slow"))
    with pytest.raises(OutcomeUnknown):
        client.post("MedicationRequest", ORDER)


@pytest.mark.parametrize(
    "refused",
    [requests.ConnectTimeout("x"), requests.ConnectionError(MaxRetryError(None, "/", NewConnectionError(None, "refused")))],  # type: ignore[arg-type]
)
def test_a_write_that_never_left_is_not_unknown(client: FhirClient, fake: responses.RequestsMock, refused: Exception) -> None:
    fake.post(f"{BASE}/MedicationRequest", body=refused)
    with pytest.raises(EhrUnavailable):
        client.post("MedicationRequest", ORDER)


@pytest.mark.parametrize("body", [b"", b"{}", b"<html/>"])
def test_a_write_that_was_stored_needs_no_body(client: FhirClient, fake: responses.RequestsMock, body: bytes) -> None:
    fake.post(f"{BASE}/MedicationRequest", status=201, body=body, headers={"Location": f"{BASE}/MedicationRequest/7/_history/1"})
    assert client.post("MedicationRequest", ORDER).location.endswith("MedicationRequest/7/_history/1")


@pytest.mark.requirement("hl7.fhir.uv.smart-app-launch_2.2.0@97", "@98")
@pytest.mark.parametrize(
    "link",
    ["https://evil.example.org/fhir?page=2", "http://ehr.example.org/fhir?page=2", "https://ehr.example.org:8443/fhir",
     "//evil.example.org/x",
     "https://user@ehr.example.org/fhir?page=2", "https://ehr.example.org:99999/fhir", "file:///etc/passwd", "urn:uuid:1"],
)  # fmt: skip
def test_the_token_never_leaves_the_origin(client: FhirClient, fake: responses.RequestsMock, link: str) -> None:
    with pytest.raises(NotFhir):
        client.get(link)
    assert len(fake.calls) == 0


def test_a_redirect_is_not_followed(client: FhirClient, fake: responses.RequestsMock) -> None:
    fake.get(URL, status=307, headers={"Location": "https://evil.example.org/"})
    fake.get("https://evil.example.org/", json=PATIENT)
    with pytest.raises(NotFhir):
        client.read("Patient/p1")
    assert len(fake.calls) == 1


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://a.org/x", "https://a.org:443/y", True), ("http://a.org", "http://a.org:80/", True),
        ("HTTPS://A.org", "https://a.org", True),
        ("https://a.org", "https://a.org:80", False), ("https://a.org", "http://a.org", False), ("https://a.org", "https://b.org", False),
        ("https://a.org", "https://a.org.evil.org", False),
    ],
)  # fmt: skip
def test_an_origin_is_scheme_host_and_port_with_default_ports(one: str, other: str, same: bool) -> None:
    assert (origin(one) == origin(other)) is same


def test_no_cookie_of_one_user_reaches_another(client: FhirClient, fake: responses.RequestsMock) -> None:
    fake.get(URL, json=PATIENT, headers={"Set-Cookie": "session=of-somebody; Path=/"})
    client.read("Patient/p1")
    client.read("Patient/p1")
    assert "Cookie" not in fake.calls[1].request.headers


def test_each_worker_asks_by_a_session_of_its_own_over_the_same_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[tuple[int, int]] = []

    def noted(self: requests.Session, *args: Any, **kwargs: Any) -> requests.Response:
        used.append((id(self), id(self.get_adapter("https://ehr.example.org"))))
        gate.wait()  # no thread ends before all have asked: ids stay different
        return requests.Response()

    http, gate = pooled_session(), Barrier(3)
    monkeypatch.setattr(requests.Session, "request", noted)
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _: http.request("GET", URL), range(3)))
    assert len({session for session, _ in used}) == 3
    assert len({adapter for _, adapter in used}) == 1
    assert id(http) not in {session for session, _ in used}


def test_an_adapter_that_is_mounted_later_serves_every_worker() -> None:
    http = pooled_session()
    with pytest.raises(requests.exceptions.InvalidSchema):
        http.get("fax://ehr.example.org")
    http.mount("fax://", Answering())
    assert http.get("fax://ehr.example.org").status_code == 299


def test_what_the_environment_says_of_proxies_and_certificates_holds_and_is_looked_up_once_an_origin(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    http, answering = pooled_session(), Answering()
    http.mount("https://", answering)
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example.org:3128")
    monkeypatch.setenv("NO_PROXY", "inside.example.org")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/etc/our-ca.pem")
    for url in ("https://ehr.example.org/a", "https://inside.example.org/a"):
        http.get(url)
    monkeypatch.delenv("HTTPS_PROXY")
    http.get("https://ehr.example.org/b")
    assert [a["proxies"].get("https") for a in answering.asked] == ["http://proxy.example.org:3128", None, "http://proxy.example.org:3128"]
    assert {a["verify"] for a in answering.asked} == {"/etc/our-ca.pem"}


class Answering(BaseAdapter):
    """Answers everything, and keeps how it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[dict[str, Any]] = []

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        self.asked.append(kwargs)
        made = requests.Response()
        made.status_code, made.request, made.url = 299, request, str(request.url)
        return made

    def close(self) -> None:
        """Holds nothing."""


def test_a_read_past_its_deadline_is_not_sent(client: FhirClient, fake: responses.RequestsMock, hours: Hours) -> None:
    with pytest.raises(EhrUnavailable):
        client.get("Patient/p1", deadline=hours.now)
    assert len(fake.calls) == 0


def test_a_request_waits_no_longer_than_the_deadline_leaves(client: FhirClient, fake: responses.RequestsMock, hours: Hours) -> None:
    fake.get(URL, json=PATIENT)
    client.get("Patient/p1", deadline=hours.now + 2)
    client.get("Patient/p1")
    assert [call.request.req_kwargs["timeout"] for call in fake.calls] == [(2.0, 2.0), (3.05, 15.0)]  # type: ignore[attr-defined]
