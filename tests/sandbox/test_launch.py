"""SMART App Launch over HTTP: discovery, EHR and standalone launch, codes, tokens, who signed in."""

from __future__ import annotations

import re

import jwt
import pytest
import requests
from sandbox.a_sandbox import BASE, CALLBACK, FHIR, Ehr, challenge, query

SECRET = ("ivig-fhir-confidential", "sandbox-demonstration-secret")


def code(ehr: Ehr, **changes: str | None) -> str:
    """A code from an EHR launch."""
    return query(ehr.authorize(launch=ehr.launch(), **changes))["code"]


def claims(ehr: Ehr, token: str, audience: str = "ivig-fhir") -> dict[str, object]:
    """The claims of an id_token, checked against the published key."""
    configuration = ehr.http.get(f"{FHIR}/.well-known/openid-configuration").json()
    [key] = ehr.http.get(configuration["jwks_uri"]).json()["keys"]
    assert key["kid"] == jwt.get_unverified_header(token)["kid"]
    assert "d" not in key
    options = {"verify_exp": False, "verify_iat": False}
    found: dict[str, object] = jwt.decode(token, jwt.PyJWK(key), [key["alg"]], audience=audience, issuer=FHIR, options=options)
    return found


def test_configuration_says_what_is_there(ehr: Ehr) -> None:
    answer = ehr.http.get(f"{FHIR}/.well-known/smart-configuration")
    assert answer.headers["Content-Type"] == "application/json"
    body = answer.json()
    assert body["issuer"] == FHIR
    assert body["code_challenge_methods_supported"] == ["S256"]
    assert {"launch-ehr", "launch-standalone", "sso-openid-connect", "permission-v1", "permission-v2"} <= set(body["capabilities"])
    assert ehr.http.get(body["jwks_uri"]).status_code == 200


def test_launch_opens_the_app_with_issuer_and_launch(ehr: Ehr) -> None:
    answer = ehr.http.get(f"{BASE}/ehr/launch?patient=one&user=prescriber", allow_redirects=False)
    assert answer.headers["Location"].startswith("http://127.0.0.1:5000/launch?")
    assert query(answer)["iss"] == FHIR


def test_ehr_launch_goes_through_without_a_page(ehr: Ehr) -> None:
    back = ehr.authorize(launch=ehr.launch())
    assert back.headers["Location"].startswith(f"{CALLBACK}?")
    assert query(back)["state"] == "the-state"
    answer = ehr.exchange(query(back)["code"])
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    body = answer.json()
    assert (body["token_type"], body["expires_in"], body["need_patient_banner"]) == ("Bearer", 3600, True)
    assert (body["patient"], body["encounter"]) == ("one", "visit")
    assert body["scope"] == "openid fhirUser launch patient/*.cruds user/*.cruds"
    found = claims(ehr, body["id_token"])
    issued = int(ehr.clock.time.timestamp())
    assert found == {
        "iss": FHIR,
        "sub": "prescriber",
        "aud": "ivig-fhir",
        "iat": issued,
        "exp": issued + 3600,
        "nonce": "the-nonce",
        "fhirUser": f"{FHIR}/Practitioner/prescriber",
    }
    assert ehr.http.get(f"{FHIR}/Patient/one", headers={"Authorization": f"Bearer {body['access_token']}"}).status_code == 200


def test_patient_without_a_visit_gives_no_encounter(ehr: Ehr) -> None:
    back = ehr.authorize(launch=ehr.launch(patient="two"))
    body = ehr.exchange(query(back)["code"]).json()
    assert (body["patient"], "encounter" in body) == ("two", False)


def test_pharmacy_launch_has_no_patient(ehr: Ehr) -> None:
    answer = ehr.http.get(f"{BASE}/ehr/launch?target=pharmacy&user=pharmacist&patient=one", allow_redirects=False)
    assert answer.headers["Location"].startswith("http://127.0.0.1:5000/launch/pharmacy?")
    back = ehr.authorize(launch=query(answer)["launch"], scope="openid fhirUser launch user/Task.rus patient/Task.rs")
    body = ehr.exchange(query(back)["code"]).json()
    assert ("patient" in body, body["scope"]) == (False, "openid fhirUser launch user/Task.rus")


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ("patient=one&user=nobody", 400),
        ("patient=one", 400),
        ("patient=nobody&user=nurse", 404),
        ("patient=one&user=nurse&fault=nonsense", 400),
        ("patient=one&user=nurse&target=nonsense", 400),
    ],
)
def test_launch_of_what_does_not_exist_is_refused(ehr: Ehr, asked: str, status: int) -> None:
    for path in ("launch", "token"):
        answer = ehr.http.get(f"{BASE}/ehr/{path}?{asked}", allow_redirects=False)
        if "target" not in asked or path == "launch":
            assert answer.status_code == status
            assert answer.json()["error"]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"state": None}, "invalid_request"),
        ({"aud": f"{FHIR}/"}, "invalid_request"),
        ({"aud": None}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"scope": None}, "invalid_scope"),
        ({"scope": "openid patient/*.rs"}, "invalid_scope"),
        ({"launch": "unknown"}, "invalid_request"),
        ({"launch": None}, "invalid_scope"),
    ],
)
def test_wrong_authorization_request_goes_back_with_its_error(ehr: Ehr, changes: dict[str, str | None], error: str) -> None:
    back = ehr.authorize(**{"launch": ehr.launch(), **changes})
    assert back.headers["Location"].startswith(f"{CALLBACK}?")
    assert query(back)["error"] == error
    assert query(back).get("state") == (None if "state" in changes else "the-state")
    assert "code" not in query(back)


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "somebody"},
        {"client_id": None},
        {"redirect_uri": "http://evil.example.org/callback"},
        {"redirect_uri": "http://127.0.0.1:5000/callback/more"},
        {"redirect_uri": "http://127.0.0.1:5000@evil.example.org/callback"},
        {"redirect_uri": None},
    ],
)
def test_unregistered_app_or_address_is_never_redirected_to(ehr: Ehr, changes: dict[str, str | None]) -> None:
    answer = ehr.authorize(launch=ehr.launch(), **changes)
    assert (answer.status_code, "Location" in answer.headers) == (400, False)


@pytest.mark.parametrize("address", ["http://127.0.0.1:6543/callback", "http://localhost:5000/callback", "http://localhost/callback"])
def test_any_port_of_this_machine_may_be_returned_to(ehr: Ehr, address: str) -> None:
    assert ehr.authorize(launch=ehr.launch(), redirect_uri=address).headers["Location"].startswith(f"{address}?code=")


def test_authorization_request_may_be_a_form(ehr: Ehr) -> None:
    form = {
        "response_type": "code",
        "client_id": "ivig-fhir",
        "redirect_uri": CALLBACK,
        "scope": "launch",
        "state": "s",
        "aud": FHIR,
        "code_challenge": challenge(),
        "code_challenge_method": "S256",
        "launch": ehr.launch(),
    }
    answer = ehr.http.post(f"{BASE}/auth/authorize", data=form, allow_redirects=False)
    assert (answer.status_code, "code" in query(answer)) == (303, True)


def test_launch_is_used_once_and_not_for_long(ehr: Ehr) -> None:
    launch = ehr.launch()
    assert "code" in query(ehr.authorize(launch=launch))
    assert query(ehr.authorize(launch=launch))["error"] == "invalid_request"
    late = ehr.launch()
    ehr.clock.forward(300)
    assert query(ehr.authorize(launch=late))["error"] == "invalid_request"


def test_code_is_used_once(ehr: Ehr) -> None:
    given = code(ehr)
    assert ehr.exchange(given).status_code == 200
    again = ehr.exchange(given)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize(("seconds", "status"), [(59, 200), (60, 400)])
def test_code_lives_for_a_minute(ehr: Ehr, seconds: int, status: int) -> None:
    given = code(ehr)
    ehr.clock.forward(seconds)
    assert ehr.exchange(given).status_code == status


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code": "unknown"}, "invalid_grant"),
        ({"redirect_uri": "http://127.0.0.1:5001/callback"}, "invalid_grant"),
        ({"code_verifier": "w" * 64}, "invalid_grant"),
        ({"code_verifier": ""}, "invalid_grant"),
        ({"code_verifier": "short"}, "invalid_grant"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "client_credentials"}, "unauthorized_client"),
    ],
)
def test_wrong_token_request_gets_nothing(ehr: Ehr, changes: dict[str, str], error: str) -> None:
    answer = ehr.exchange(changes.pop("code", None) or code(ehr), **changes)
    assert (answer.status_code, answer.json()["error"]) == (400, error)
    assert answer.headers["Cache-Control"] == "no-store"


def test_confidential_app_proves_itself_with_basic(ehr: Ehr) -> None:
    given = code(ehr, client_id=SECRET[0])
    body = ehr.exchange(given, auth=SECRET).json()
    assert claims(ehr, body["id_token"], SECRET[0])["aud"] == SECRET[0]


@pytest.mark.parametrize(
    ("auth", "changes"),
    [
        ((SECRET[0], "wrong"), {}),
        (None, {"client_id": SECRET[0]}),
        (None, {"client_id": SECRET[0], "client_secret": SECRET[1]}),
        (("ivig-fhir", "made-up"), {}),
        (("nobody", ""), {}),
    ],
)
def test_app_that_does_not_prove_itself_is_401(ehr: Ehr, auth: tuple[str, str] | None, changes: dict[str, str]) -> None:
    answer = ehr.exchange(code(ehr, client_id=SECRET[0]), auth=auth, **changes)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert answer.headers["WWW-Authenticate"] == "Basic"


def test_code_of_one_app_is_of_no_use_to_another(ehr: Ehr) -> None:
    answer = ehr.exchange(code(ehr), auth=SECRET)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize(
    ("scope", "user", "token"),
    [("openid launch", False, True), ("launch patient/*.rs", False, False), ("openid profile launch", True, True)],
)
def test_identity_is_said_only_when_asked(ehr: Ehr, scope: str, user: bool, token: bool) -> None:
    body = ehr.exchange(code(ehr, scope=scope)).json()
    assert ("id_token" in body) is token
    if token:
        assert ("fhirUser" in claims(ehr, body["id_token"])) is user


def handle(page: requests.Response) -> str:
    """The hidden field that carries a sign-in from page to page."""
    match = re.search(r'name="request" value="([^"]+)"', page.text)
    assert match, page.text
    return match[1]


def test_standalone_launch_signs_in_and_picks_a_patient(ehr: Ehr) -> None:
    page = ehr.authorize(scope="openid fhirUser launch/patient patient/Patient.r")
    assert (page.status_code, page.headers["Cache-Control"]) == (200, "no-store")
    picker = ehr.http.post(f"{BASE}/auth/sign-in", data={"request": handle(page), "user": "pharmacist", "fault": "none"})
    assert "MUSTER, Ada Béa" in picker.text
    back = ehr.http.post(f"{BASE}/auth/patient", data={"request": handle(picker), "patient": "one"}, allow_redirects=False)
    body = ehr.exchange(query(back)["code"]).json()
    assert (body["patient"], body["encounter"], body["scope"]) == ("one", "visit", "openid fhirUser launch/patient patient/Patient.r")
    assert claims(ehr, body["id_token"])["sub"] == "pharmacist"


def test_standalone_launch_without_a_patient_asked_has_no_picker(ehr: Ehr) -> None:
    page = ehr.authorize(scope="openid user/Task.rs")
    form = {"request": handle(page), "user": "pharmacist", "fault": "none"}
    back = ehr.http.post(f"{BASE}/auth/sign-in", data=form, allow_redirects=False)
    assert ehr.exchange(query(back)["code"]).json()["scope"] == "openid user/Task.rs"


def test_sign_in_that_is_given_up_goes_back_as_denied(ehr: Ehr) -> None:
    page = ehr.authorize(scope="openid launch/patient")
    back = ehr.http.post(f"{BASE}/auth/sign-in", data={"request": handle(page), "user": ""}, allow_redirects=False)
    assert query(back)["error"] == "access_denied"
    page = ehr.authorize(scope="openid launch/patient")
    picker = ehr.http.post(f"{BASE}/auth/sign-in", data={"request": handle(page), "user": "nurse"})
    back = ehr.http.post(f"{BASE}/auth/patient", data={"request": handle(picker), "patient": ""}, allow_redirects=False)
    assert query(back)["error"] == "access_denied"


def test_sign_in_page_is_used_once_and_cannot_be_skipped(ehr: Ehr) -> None:
    page = ehr.authorize(scope="openid launch/patient")
    skipped = ehr.http.post(f"{BASE}/auth/patient", data={"request": handle(page), "patient": "one"}, allow_redirects=False)
    assert skipped.status_code == 400
    for secret in (handle(page), "made-up", ""):
        assert ehr.http.post(f"{BASE}/auth/sign-in", data={"request": secret, "user": "nurse"}, allow_redirects=False).status_code == 400
