"""What an EHR, or somebody in its place, may answer to make the app ask or tell a third party: nothing of it leaves for another host."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode, urlsplit

import jwt
import pytest
import requests
from an_ehr_server import Send, Wire
from attacks.a_bend import answer, bend
from cryptography.hazmat.primitives.asymmetric import rsa
from journey.a_hospital import APP, EHR, ISS, Hospital, Page
from requests.adapters import BaseAdapter

from ivig_fhir.sandbox.adapter import SandboxAdapter

CIDP, MG = "cidp-adult", "mg-crisis-ckd"
EVIL = "https://evil.example"
# Ways to name another host, of which some look like the EHR's.
ELSEWHERE = [
    f"{EVIL}/fhir", "https://evil.example:443/x", "http://169.254.169.254/latest/meta-data", "http://127.0.0.1:5432/", "http://localhost:5001/fhir",
    "//evil.example/x", "http://127.0.0.1:5001@evil.example/x", "http://127.0.0.1:5001%40evil.example/x", "http://127.0.0.1:5001\\@evil.example/x",
    "http://evil.example#127.0.0.1:5001", "http://127.0.0.1:5001.evil.example/x", "file:///etc/passwd", "javascript:alert(1)", "ftp://127.0.0.1:5001/x",
    "gopher://127.0.0.1:5001/x", "http://[::ffff:169.254.169.254]/", "http://127.1:5001/x", "https://127.0.0.1:5001/x", "http://0x7f000001:5001/x",
]  # fmt: skip


class Trap(BaseAdapter):
    """Stands for the rest of the internet: whatever is asked of it is an escape."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        self.asked.append(str(request.url))
        raise requests.ConnectionError("nothing is there", request=request)

    def close(self) -> None:
        """Nothing is held open."""


@pytest.fixture
def trap(at: Hospital) -> Trap:
    made = Trap()
    at.http.mount("http://", made)
    at.http.mount("https://", made)
    at.http.mount(EHR, SandboxAdapter(at.ehr))
    return made


@pytest.fixture
def wire(at: Hospital, trap: Trap) -> Wire:
    """The wire to the EHR, with the trap around it."""
    made = Wire(SandboxAdapter(at.ehr))
    at.http.mount(f"{EHR}/", made)
    return made


def told(page: Page) -> str:
    """The code of an error page."""
    found = re.search(r"Reference [A-Z0-9-]{9}, (E-\d\d)", page.text)
    assert found, page.text[:300]
    return found[1]


# ── Where a launch may lead ──────────────────────────────────────────────────────────────────────────────────────────

OTHERS = [*ELSEWHERE, f"{ISS}/", f"{ISS}?x=1", f"{ISS}#x", f"{ISS}/../fhir", f" {ISS}", f"{ISS}%00", ISS.upper(), ""]


@pytest.mark.parametrize("path", ["/launch", "/launch/pharmacy", "/launch/go", "/launch/pharmacy/go"])
def test_an_iss_that_is_not_written_in_the_table_is_never_asked(at: Hospital, wire: Wire, trap: Trap, path: str) -> None:
    browser = at.browser()
    browser.send("GET", f"{APP}/launch?{urlencode({'iss': ISS, 'launch': 'x'})}", follow=False)
    for iss in OTHERS:
        page = browser.send("GET", f"{APP}{path}?{urlencode({'iss': iss, 'launch': 'x'})}", follow=False)
        assert (page.status, told(page) in ("E-01", "E-02")) == (400, True), iss
    assert (trap.asked, wire.sent) == ([], [])


@pytest.mark.parametrize(
    "endpoint", ["authorization_endpoint", "token_endpoint", "jwks_uri", "revocation_endpoint", "introspection_endpoint"]
)
def test_an_endpoint_on_another_host_ends_the_launch(at: Hospital, wire: Wire, trap: Trap, endpoint: str) -> None:
    for address in ELSEWHERE:
        if address.startswith("https://127.0.0.1:5001/"):  # the EHR's own host, by a better scheme
            continue
        bend(wire, "smart-configuration", lambda document, to=address: {**document, endpoint: to})
        page = at.tab(CIDP).page
        assert (page.status, told(page)) == (502, "E-03"), address
    assert trap.asked == []
    assert not [r for r in wire.sent if "/auth/" in str(r.url)]


@pytest.mark.requirement("hl7.fhir.uv.smart-app-launch_2.2.0@6")
@pytest.mark.parametrize("path", ["/launch", "/launch/go", "/", "/callback"])
def test_no_parameter_says_where_the_browser_goes(at: Hospital, trap: Trap, path: str) -> None:
    browser = at.browser()
    browser.send("GET", f"{APP}/launch?{urlencode({'iss': ISS, 'launch': 'x'})}", follow=False)
    for parameter in ("next", "redirect", "redirect_uri", "return_to", "url", "continue", "launch", "state"):
        for address in (EVIL, "//evil.example", "/\\evil.example", "javascript:alert(1)"):
            page = browser.send("GET", f"{APP}{path}?{urlencode({'iss': ISS, parameter: address})}", follow=False)
            where = page.headers.get("Location", "")
            assert urlsplit(where).netloc in ("", urlsplit(EHR).netloc), where
            assert not where.startswith(("//", "/\\"))


# ── Answers that point elsewhere ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("status", [302, 307])
@pytest.mark.parametrize(
    "part", ["smart-configuration", "/auth/token", "/auth/jwks", "/fhir/Practitioner/", f"/fhir/Patient/{CIDP}", "/fhir/Condition"]
)
def test_a_redirect_of_the_ehr_is_never_followed(at: Hospital, wire: Wire, trap: Trap, part: str, status: int) -> None:
    def away(asked: requests.PreparedRequest, send: Send) -> requests.Response:
        return answer(asked, {}, status, {"Location": f"{EVIL}/x"}) if part in str(asked.url) else send(asked)

    wire.fault = away
    page = at.tab(CIDP).page
    assert trap.asked == []
    assert page.status >= 400 or "could not be read" in page.text


def test_a_redirected_write_is_not_followed_and_makes_no_second_order(at: Hospital, wire: Wire, trap: Trap) -> None:
    tab = at.tab(CIDP)
    tab.give_reasons()

    def away(asked: requests.PreparedRequest, send: Send) -> requests.Response:
        return answer(asked, {}, 307, {"Location": f"{EVIL}/fhir"}) if asked.method == "POST" and "/fhir" in str(asked.url) else send(asked)

    wire.fault = away
    page = tab.press("Approve order", acknowledged="yes")
    assert (trap.asked, at.orders(CIDP)) == ([], [])
    assert page.status >= 400


@pytest.mark.requirement("hl7.fhir.uv.smart-app-launch_2.2.0@97", "@98")
@pytest.mark.parametrize("address", ELSEWHERE[::4])
def test_a_next_link_to_another_host_is_not_followed_and_the_list_is_said_to_be_a_part(
    at: Hospital, wire: Wire, trap: Trap, address: str
) -> None:
    def linked(bundle: Any) -> Any:
        return {**bundle, "link": [{"relation": "next", "url": address}]} if bundle.get("resourceType") == "Bundle" else bundle

    bend(wire, "/fhir/AllergyIntolerance", linked)
    tab = at.tab(CIDP)
    assert trap.asked == []
    assert "AllergyIntolerance was read only in part" in tab.page.text
    assert "hypersensitivity.severe-reaction" not in tab.json["proposal"]["clear"]


@pytest.mark.parametrize(
    "address", [f"{EVIL}/fhir/MedicationRequest/1", "//evil.example/MedicationRequest/1", "http://127.0.0.1:5001@evil.example/fhir/X/1"]
)
def test_a_location_on_another_host_is_not_read(at: Hospital, wire: Wire, trap: Trap, address: str) -> None:
    tab = at.tab(CIDP, fault="no-transaction")
    tab.give_reasons()

    def elsewhere(asked: requests.PreparedRequest, send: Send) -> requests.Response:
        given = send(asked)
        if asked.method == "POST" and "/fhir/MedicationRequest" in str(asked.url):
            return answer(asked, b"", 201, {"Location": address})
        return given

    wire.fault = elsewhere
    tab.press("Approve order", acknowledged="yes")
    assert trap.asked == []
    assert len(at.orders(CIDP)) == 1


def pointing(type_: str, change: Callable[[dict[str, Any]], None]) -> Callable[[Any], Any]:
    """Changes each resource of a type in a Bundle."""

    def changed(bundle: Any) -> Any:
        for entry in bundle.get("entry", []):
            if entry.get("resource", {}).get("resourceType") == type_:
                change(entry["resource"])
        return bundle

    return changed


def referring(order: dict[str, Any]) -> None:
    order.pop("medicationCodeableConcept", None)
    order["medicationReference"] = {"reference": f"{EVIL}/fhir/Medication/1"}


@pytest.mark.requirement("hl7.fhir.uv.smart-app-launch_2.2.0@97", "@98")
def test_an_absolute_reference_to_another_server_is_not_read(at: Hospital, wire: Wire, trap: Trap) -> None:
    bend(wire, "/fhir/MedicationRequest", pointing("MedicationRequest", referring))
    assert at.tab(MG).page.status == 200
    assert trap.asked == []


@pytest.mark.parametrize(
    "reference", [f"{EVIL}/fhir/Patient/1", "//evil.example/Patient/1", "http://127.0.0.1:5001@evil.example/Patient/1"]
)
@pytest.mark.parametrize("where", ["focus", "subject"])
def test_a_task_that_points_to_another_server_is_not_followed(at: Hospital, wire: Wire, trap: Trap, where: str, reference: str) -> None:
    at.tab(CIDP).approve()

    def bent(asked: requests.PreparedRequest, send: Send) -> requests.Response:
        given = send(asked)
        if where == "focus" and "/fhir/Task?" in str(asked.url):
            return answer(asked, pointing("Task", lambda t: t.update(focus={"reference": reference}))(given.json()))
        if where == "subject" and "/fhir/Task?" in str(asked.url):
            return answer(asked, pointing("MedicationRequest", lambda o: o.update(subject={"reference": reference}))(given.json()))
        return given

    wire.fault = bent
    page = at.tab(CIDP, "pharmacist", target="pharmacy").page
    assert (page.status, trap.asked) == (200, [])
    assert (where == "subject") == ("could not be read, and that are not on this list: 1." in page.text)


def test_a_task_that_points_to_the_ehrs_own_order_by_its_whole_address_is_on_the_list(at: Hospital, wire: Wire) -> None:
    at.tab(CIDP).approve()
    bend(wire, "/fhir/Task?", pointing("Task", lambda t: t.update(focus={"reference": f"{ISS}/{t['focus']['reference']}"})))
    assert "1 order, most urgent first" in at.tab(CIDP, "pharmacist", target="pharmacy").page.text


# ── What a token response may point to ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("address", ELSEWHERE[::5])
def test_a_style_of_another_host_is_neither_fetched_nor_shown(at: Hospital, wire: Wire, trap: Trap, address: str) -> None:
    bend(wire, "/auth/token", lambda d: {**d, "smart_style_url": address})
    page = at.tab(CIDP).page
    assert (page.status, trap.asked) == (200, [])
    assert address not in page.body
    assert "evil.example" not in page.headers["Content-Security-Policy"]


@pytest.mark.parametrize("header", ["jku", "x5u", "jwk"])
def test_an_id_token_does_not_say_where_its_key_is(at: Hospital, wire: Wire, trap: Trap, header: str) -> None:
    own = rsa.generate_private_key(65537, 2048)
    public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(own.public_key()))

    def forged(document: Any) -> Any:
        claims = jwt.decode(document["id_token"], options={"verify_signature": False})
        kid = jwt.get_unverified_header(document["id_token"])["kid"]
        said = {"jku": f"{EVIL}/jwks", "x5u": f"{EVIL}/x5u", "jwk": public}[header]
        return {**document, "id_token": jwt.encode(claims, own, "RS256", {"kid": kid, header: said})}

    bend(wire, "/auth/token", forged)
    page = at.tab(CIDP).page
    assert (page.status, told(page), trap.asked) == (403, "E-10", [])


def test_a_hook_does_not_say_which_server_is_asked(at: Hospital, trap: Trap) -> None:
    call = {
        "hook": "patient-view",
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "fhirServer": f"{EVIL}/fhir",
        "fhirAuthorization": {"access_token": "x" * 20, "token_type": "Bearer", "expires_in": 300, "scope": "user/*.rs", "subject": "x"},
        "context": {"userId": "Practitioner/prescriber", "patientId": CIDP},
    }
    page = at.browser().send("POST", f"{APP}/cds-services/ivig-patient-view", json=call)
    assert trap.asked == []
    assert page.status in (200, 412)


def test_in_a_whole_journey_only_the_ehr_of_the_launch_is_asked(at: Hospital, wire: Wire, trap: Trap) -> None:
    at.tab(CIDP).approve()
    desk = at.tab(CIDP, "pharmacist", target="pharmacy")
    desk.follow("SAMPLETON")
    desk.press("Verify")
    assert trap.asked == []
    assert {"{0.scheme}://{0.netloc}".format(urlsplit(str(r.url))) for r in wire.sent} == {EHR}
    carrying = [str(r.url) for r in wire.sent if "Authorization" in r.headers]
    assert carrying
    assert all(url.startswith((f"{ISS}/", ISS)) for url in carrying)
