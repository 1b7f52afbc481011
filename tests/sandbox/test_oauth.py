"""The sandbox's token endpoint for apps with keys, refresh with rotation, revocation and introspection."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import jwt
import pytest
import requests
import responses
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from sandbox.a_sandbox import BASE, CALLBACK, FHIR, ONE, VERIFIER, Clock, Ehr, query

from ivig_fhir.sandbox.adapter import SandboxAdapter
from ivig_fhir.sandbox.server import create_sandbox
from ivig_fhir.sandbox.settings import SandboxSettings

APP = "ivig-fhir-asymmetric"
TOKEN = f"{BASE}/auth/token"
JWKS = "http://127.0.0.1:5000/.well-known/jwks.json"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
CONFIDENTIAL = ("ivig-fhir-confidential", "sandbox-demonstration-secret")
SCOPE = "openid fhirUser launch online_access patient/*.rs"
KEYS = {"ES384": ec.generate_private_key(ec.SECP384R1()), "RS384": rsa.generate_private_key(65537, 2048)}


def published(algorithm: str, kid: str = "", **more: str) -> dict[str, Any]:
    """What an app publishes of its key."""
    key = KEYS[algorithm]
    text = ECAlgorithm.to_jwk(key.public_key()) if isinstance(key, ec.EllipticCurvePrivateKey) else RSAAlgorithm.to_jwk(key.public_key())
    return {**json.loads(text), "kid": kid or algorithm, "alg": algorithm, "use": "sig", **more}


@pytest.fixture
def wire() -> Iterator[responses.RequestsMock]:
    """What the sandbox reaches: the app's published keys, and nothing else."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.get(JWKS, json={"keys": [published("ES384"), published("RS384")]})
        yield mock


@pytest.fixture
def ehr(wire: responses.RequestsMock) -> Iterator[Ehr]:
    clock = Clock()
    found = Ehr(create_sandbox(SandboxSettings(cast=None), clock, requests.Session()), clock)
    found.http.mount(BASE, SandboxAdapter(found.app))
    wire.add_passthru(BASE)
    found.load(*ONE)
    yield found
    found.parts.database.close()


def assertion(ehr: Ehr, algorithm: str = "ES384", header: dict[str, Any] | None = None, **changes: Any) -> str:
    """A good assertion with changes; a change to None leaves a claim out."""
    moment = int(ehr.clock.time.timestamp())
    jti = f"jti-{moment}-{len(changes)}-{algorithm}"
    claims = {"iss": APP, "sub": APP, "aud": TOKEN, "iat": moment, "exp": moment + 300, "jti": jti, **changes}
    good = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(good, KEYS[algorithm], algorithm, headers={"kid": algorithm, **(header or {})})


def signed(ehr: Ehr, text: str, **changes: str) -> requests.Response:
    """A token request that carries an assertion."""
    code = query(ehr.authorize(launch=ehr.launch(), client_id=APP, scope=SCOPE))["code"]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
    return ehr.http.post(TOKEN, data={**form, "client_assertion_type": ASSERTION_TYPE, "client_assertion": text, **changes})


@pytest.mark.parametrize("algorithm", ["ES384", "RS384"])
def test_an_app_with_keys_proves_itself_by_a_signature(ehr: Ehr, algorithm: str) -> None:
    answer = signed(ehr, assertion(ehr, algorithm))
    assert answer.status_code == 200, answer.text
    assert answer.json()["patient"] == "one"


def test_an_assertion_is_good_once(ehr: Ehr) -> None:
    text = assertion(ehr)
    assert signed(ehr, text).status_code == 200
    again = signed(ehr, text)
    assert (again.status_code, again.json()["error"]) == (401, "invalid_client")
    assert "used before" in again.json()["error_description"]


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "ivig-fhir"},
        {"iss": "nobody"},
        {"sub": "ivig-fhir"},
        {"aud": FHIR},
        {"aud": f"{TOKEN}/"},
        {"exp": None},
        {"jti": None},
        {"exp": "soon"},
    ],
)
def test_an_assertion_with_a_wrong_claim_proves_nobody(ehr: Ehr, changes: dict[str, Any]) -> None:
    answer = signed(ehr, assertion(ehr, **changes))
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize(("seconds", "status"), [(300, 200), (301, 401), (-9, 200), (-10, 401)])
def test_an_assertion_may_reach_five_minutes_ahead(ehr: Ehr, seconds: int, status: int) -> None:
    assert signed(ehr, assertion(ehr, exp=int(ehr.clock.time.timestamp()) + seconds)).status_code == status


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ({"jku": JWKS}, 200),
        ({"jku": "https://evil.example/jwks.json"}, 401),
        ({"kid": "another"}, 401),
        ({"typ": "at+jwt"}, 401),
    ],
)
def test_a_header_names_a_registered_key(ehr: Ehr, wire: responses.RequestsMock, header: dict[str, Any], status: int) -> None:
    assert signed(ehr, assertion(ehr, header=header)).status_code == status
    assert not any("evil" in str(call.request.url) for call in wire.calls)


def test_a_key_that_is_no_longer_published_proves_nobody(ehr: Ehr, wire: responses.RequestsMock) -> None:
    wire.replace("GET", JWKS, json={"keys": [published("RS384")]})
    assert signed(ehr, assertion(ehr)).status_code == 401
    wire.replace("GET", JWKS, body="not json")
    assert signed(ehr, assertion(ehr, "RS384")).status_code == 401


def test_another_key_of_the_same_kid_proves_nobody(ehr: Ehr) -> None:
    forged = jwt.encode(
        jwt.decode(assertion(ehr), options={"verify_signature": False}),
        ec.generate_private_key(ec.SECP384R1()),
        "ES384",
        headers={"kid": "ES384"},
    )
    assert signed(ehr, forged).status_code == 401


def test_an_app_with_keys_is_not_let_in_by_its_id_alone(ehr: Ehr) -> None:
    code = query(ehr.authorize(launch=ehr.launch(), client_id=APP, scope=SCOPE))["code"]
    assert ehr.exchange(code, client_id=APP).status_code == 401
    assert ehr.exchange(code, auth=(APP, "")).status_code == 401
    assert signed(ehr, "not a jwt").status_code == 401
    assert signed(ehr, assertion(ehr), client_assertion_type="other").status_code == 401
    assert signed(ehr, assertion(ehr), client_id="ivig-fhir").status_code == 401


# ── Refresh ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def signed_in(ehr: Ehr, scope: str = SCOPE, auth: tuple[str, str] | None = None) -> dict[str, Any]:
    """The token response of a public app, or of one with a secret."""
    client = auth[0] if auth else "ivig-fhir"
    answer = ehr.exchange(query(ehr.authorize(launch=ehr.launch(), client_id=client, scope=scope))["code"], auth=auth)
    found: dict[str, Any] = answer.json()
    return found


def refresh(ehr: Ehr, token: str, auth: tuple[str, str] | None = None, **more: str) -> requests.Response:
    form = {"grant_type": "refresh_token", "refresh_token": token, **({} if auth else {"client_id": "ivig-fhir"}), **more}
    return ehr.http.post(TOKEN, data=form, auth=auth)


def reads(ehr: Ehr, token: str) -> int:
    return ehr.http.get(f"{FHIR}/Patient/one", headers={"Authorization": f"Bearer {token}"}).status_code


def test_a_refresh_token_comes_only_with_online_access(ehr: Ehr) -> None:
    assert "refresh_token" in signed_in(ehr)
    assert "refresh_token" not in signed_in(ehr, "openid launch patient/*.rs")
    assert "refresh_token" not in signed_in(ehr, "openid launch offline_access patient/*.rs")


def test_each_refresh_gives_a_new_refresh_token_and_the_same_grant(ehr: Ehr) -> None:
    first = signed_in(ehr)
    ehr.clock.forward(3600)
    assert reads(ehr, first["access_token"]) == 401
    second = refresh(ehr, first["refresh_token"]).json()
    assert reads(ehr, second["access_token"]) == 200
    assert second["refresh_token"] != first["refresh_token"]
    assert (second["scope"], second["patient"], "id_token" in second) == (first["scope"], "one", False)
    assert refresh(ehr, second["refresh_token"]).status_code == 200


@pytest.mark.requirement("hl7.fhir.uv.smart-app-launch_2.2.0@117")
def test_a_refresh_token_that_comes_twice_ends_everything_of_its_sign_in(ehr: Ehr) -> None:
    first = signed_in(ehr)
    second = refresh(ehr, first["refresh_token"]).json()
    again = refresh(ehr, first["refresh_token"])
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    assert reads(ehr, second["access_token"]) == 401
    assert refresh(ehr, second["refresh_token"]).status_code == 400
    assert reads(ehr, signed_in(ehr)["access_token"]) == 200


def test_a_refresh_may_ask_less_and_never_more(ehr: Ehr) -> None:
    first = signed_in(ehr)
    more = refresh(ehr, first["refresh_token"], scope=f"{SCOPE} user/*.cruds")
    assert (more.status_code, more.json()["error"]) == (400, "invalid_scope")
    less = refresh(ehr, first["refresh_token"], scope="launch patient/*.rs").json()
    assert (less["scope"], "refresh_token" in less) == ("launch patient/*.rs", False)


def test_a_refresh_token_of_one_app_is_of_no_use_to_another(ehr: Ehr) -> None:
    assert refresh(ehr, signed_in(ehr)["refresh_token"], CONFIDENTIAL).status_code == 400
    assert refresh(ehr, signed_in(ehr, auth=CONFIDENTIAL)["refresh_token"]).status_code == 400
    assert refresh(ehr, "made-up").status_code == 400


@pytest.mark.parametrize(("hours", "status"), [(7.9, 200), (8, 400)])
def test_a_refresh_token_lasts_a_working_day(ehr: Ehr, hours: float, status: int) -> None:
    first = signed_in(ehr)
    ehr.clock.forward(hours * 3600)
    assert refresh(ehr, first["refresh_token"]).status_code == status


# ── Revocation and introspection ─────────────────────────────────────────────────────────────────────────────────────


def ask(ehr: Ehr, what: str, token: str, auth: tuple[str, str] | None = CONFIDENTIAL) -> requests.Response:
    return ehr.http.post(f"{BASE}/auth/{what}", data={"token": token, **({} if auth else {"client_id": "ivig-fhir"})}, auth=auth)


def test_a_revoked_access_token_is_over_and_its_refresh_token_is_not(ehr: Ehr) -> None:
    first = signed_in(ehr, auth=CONFIDENTIAL)
    assert ask(ehr, "revoke", first["access_token"]).status_code == 200
    assert reads(ehr, first["access_token"]) == 401
    assert refresh(ehr, first["refresh_token"], CONFIDENTIAL).status_code == 200


def test_a_revoked_refresh_token_ends_everything_of_its_sign_in(ehr: Ehr) -> None:
    first = signed_in(ehr, auth=CONFIDENTIAL)
    assert ask(ehr, "revoke", first["refresh_token"]).status_code == 200
    assert reads(ehr, first["access_token"]) == 401
    assert refresh(ehr, first["refresh_token"], CONFIDENTIAL).status_code == 400


def test_revoking_what_is_not_there_is_a_success_and_anothers_token_stays(ehr: Ehr) -> None:
    other = signed_in(ehr)
    for token in ("made-up", "", other["access_token"], other["refresh_token"]):
        assert ask(ehr, "revoke", token).status_code == 200
    assert reads(ehr, other["access_token"]) == 200
    assert ask(ehr, "revoke", other["access_token"], ("ivig-fhir-confidential", "wrong")).status_code == 401


@pytest.mark.requirement("hl7.fhir.uv.smart-app-launch_2.2.0@270")
def test_introspection_tells_what_a_token_is_good_for(ehr: Ehr) -> None:
    first = signed_in(ehr)
    told = ask(ehr, "introspect", first["access_token"]).json()
    assert told == {
        "active": True,
        "scope": first["scope"],
        "client_id": "ivig-fhir",
        "exp": int(ehr.clock.time.timestamp()) + 3600,
        "token_type": "Bearer",
        "patient": "one",
        "encounter": "visit",
        "iss": FHIR,
        "sub": "prescriber",
        "fhirUser": f"{FHIR}/Practitioner/prescriber",
    }
    for token in ("made-up", first["refresh_token"]):
        assert ask(ehr, "introspect", token).json() == {"active": False}
    ehr.clock.forward(3600)
    assert ask(ehr, "introspect", first["access_token"]).json() == {"active": False}


def test_introspection_is_not_for_an_app_that_can_prove_nothing(ehr: Ehr) -> None:
    assert ask(ehr, "introspect", signed_in(ehr)["access_token"], None).status_code == 401


def test_the_configuration_names_the_ways_and_the_endpoints(ehr: Ehr) -> None:
    body = ehr.http.get(f"{FHIR}/.well-known/smart-configuration").json()
    assert (body["revocation_endpoint"], body["introspection_endpoint"]) == (f"{BASE}/auth/revoke", f"{BASE}/auth/introspect")
    assert "private_key_jwt" in body["token_endpoint_auth_methods_supported"]
    assert set(body["token_endpoint_auth_signing_alg_values_supported"]) == {"ES384", "RS384"}
    assert {"client-confidential-asymmetric", "permission-online"} <= set(body["capabilities"])
