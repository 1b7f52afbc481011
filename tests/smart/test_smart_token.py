"""The token endpoint: one attempt, the right client authentication, and an answer read with care."""

import base64
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import jwt
import pytest
import requests
import responses

from ivig_fhir.errors import SessionEnded, SettingsError, TokenFailed
from ivig_fhir.smart.client_keys import ClientKey, make_key, public_jwk
from ivig_fhir.smart.credentials import ASSERTION_TYPE, Credentials
from ivig_fhir.smart.issuers import Issuer
from ivig_fhir.smart.token import TokenEndpoint, read_response
from tests.an_ehr import BASE, CONFIGURATION, ISSUER, NOW, PENDING, REVOKE, TOKEN

SECRET = {"IVIG_CLIENT_SECRET_X": "s:cr t/ä"}
BASIC = Issuer(iss=BASE, name="x", client_id="ivig:1", auth="basic", client_secret="IVIG_CLIENT_SECRET_X")
GOOD = {"access_token": "at-1", "token_type": "Bearer", "expires_in": 3600, "scope": "patient/Patient.r", "patient": "p1"}


@pytest.fixture
def wire() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


def endpoint(issuer: Issuer = ISSUER, secrets: dict[str, str] | None = None, key: ClientKey | None = None) -> TokenEndpoint:
    return TokenEndpoint(requests.Session(), issuer, CONFIGURATION, Credentials(secrets or {}, lambda algorithm, now: key))


def form(wire: responses.RequestsMock) -> dict[str, list[str]]:
    body = wire.calls[-1].request.body
    return parse_qs(body if isinstance(body, str) else (body or b"").decode())


@pytest.mark.requirement("hl7.fhir.uv.smart-app-launch_2.2.0@62", "@67", "@68", "@70", "@71", "@12", "@63", "@69")
def test_a_public_client_names_itself_in_the_form(wire: responses.RequestsMock) -> None:
    wire.post(TOKEN, json=GOOD)
    token = endpoint().exchange(PENDING, "the-code", NOW)
    assert token.access_token == "at-1"
    assert token.expires_at == NOW + timedelta(hours=1)
    assert form(wire) == {
        "grant_type": ["authorization_code"],
        "code": ["the-code"],
        "redirect_uri": [PENDING.redirect_uri],
        "code_verifier": [PENDING.verifier],
        "client_id": ["ivig"],
    }
    assert "Authorization" not in wire.calls[0].request.headers


@pytest.mark.requirement("hl7.fhir.uv.smart-app-launch_2.2.0@72", "@345")
def test_a_client_with_a_secret_uses_the_basic_header_and_nothing_else(wire: responses.RequestsMock) -> None:
    wire.post(TOKEN, json=GOOD)
    endpoint(BASIC, secrets=SECRET).exchange(PENDING, "c", NOW)
    scheme, _, value = str(wire.calls[0].request.headers["Authorization"]).partition(" ")
    assert scheme == "Basic"
    assert base64.b64decode(value) == b"ivig%3A1:s%3Acr+t%2F%C3%A4"
    assert "client_id" not in form(wire)
    assert "client_secret" not in form(wire)


def test_a_secret_that_is_not_set_is_a_setting_to_name() -> None:
    with pytest.raises(SettingsError) as refused:
        endpoint(BASIC).exchange(PENDING, "c", NOW)
    assert "IVIG_CLIENT_SECRET_X" in refused.value.message


def test_credentials_of_a_netrc_file_are_not_used(wire: responses.RequestsMock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine ehr.example.org login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    wire.post(TOKEN, json=GOOD)
    endpoint().exchange(PENDING, "c", NOW)
    assert "Authorization" not in wire.calls[0].request.headers


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 400, "json": {"error": "invalid_grant", "error_description": "Jane Canary"}},
        {"status": 401, "json": {"error": "invalid_client"}},
        {"status": 400, "json": {"error": "Jane Canary"}},
        {"status": 400, "body": "<html>Jane Canary</html>"},
        {"status": 302, "headers": {"Location": "https://evil.example/"}},
        {"status": 503},
        {"status": 200, "body": "not json"},
        {"status": 200, "json": ["at-1"]},
        {"body": requests.ReadTimeout()},
        {"body": requests.ConnectionError("Canary")},
        {"status": 200, "body": b"[" * 200_000},
        {"status": 200, "body": b" " * 1_000_001},
    ],
)
def test_a_failure_is_one_attempt_and_quotes_nothing(wire: responses.RequestsMock, answer: dict[str, Any]) -> None:
    wire.post(TOKEN, **answer)
    with pytest.raises(TokenFailed) as failed:
        endpoint().exchange(PENDING, "the-code", NOW)
    assert len(wire.calls) == 1
    shown = failed.value.message + failed.value.remedy + str(failed.value)
    for secret in ("Canary", "the-code", "evil", PENDING.verifier):
        assert secret not in shown


def test_a_wrong_client_is_a_matter_for_the_administrator(wire: responses.RequestsMock) -> None:
    wire.post(TOKEN, status=401, json={"error": "invalid_client"})
    with pytest.raises(TokenFailed) as failed:
        endpoint().exchange(PENDING, "c", NOW)
    assert "administrator" in failed.value.remedy
    assert "invalid_client" in failed.value.detail


@pytest.mark.parametrize(
    "body",
    [
        {**GOOD, "access_token": ""},
        {**GOOD, "access_token": 7},
        {**GOOD, "access_token": "a\r\nX-Injected: 1"},
        {**GOOD, "token_type": "mac"},
        {k: v for k, v in GOOD.items() if k != "token_type"},
        {},
    ],
)
def test_an_answer_without_a_bearer_token_is_a_failure(body: dict[str, Any]) -> None:
    with pytest.raises(TokenFailed):
        read_response(body, "asked", NOW)


@pytest.mark.requirement("hl7.fhir.uv.smart-app-launch_2.2.0@93")
@pytest.mark.parametrize("kind", ["Bearer", "bearer", "BEARER"])
def test_the_token_type_is_compared_without_case(kind: str) -> None:
    assert read_response({**GOOD, "token_type": kind}, "asked", NOW).access_token == "at-1"


@pytest.mark.parametrize(
    ("given", "seconds"),
    [(3600, 3600), ("3600", 3600), (59.9, 59), (None, 300), ("soon", 300), (0, 300), (-5, 300), (10**8, 86_400), ([], 300)],
)
def test_a_lifetime_may_be_missing_or_nonsense(given: Any, seconds: int) -> None:
    assert read_response({**GOOD, "expires_in": given}, "asked", NOW).expires_at == NOW + timedelta(seconds=seconds)


def test_the_granted_scope_counts_the_asked_one_only_where_none_is_stated() -> None:
    stated = read_response({**GOOD, "scope": ""}, "asked", NOW)
    assert (stated.scope, stated.scope_stated) == ("", True)
    silent = read_response({k: v for k, v in GOOD.items() if k != "scope"}, "asked", NOW)
    assert (silent.scope, silent.scope_stated) == ("asked", False)


def test_no_token_is_printed() -> None:
    token = read_response({**GOOD, "refresh_token": "rt-1", "id_token": "it-1", "appContext": "canary"}, "asked", NOW)
    assert token.refresh_token == "rt-1"
    assert not {"at-1", "rt-1", "it-1", "canary"} & set(repr(token).replace("'", " ").split())
    assert "at-1" not in repr(token)
    assert not {"access_token", "refresh_token", "id_token"} & set(token.context)
    json.dumps(dict(token.context))


def test_revocation_is_asked_once_and_its_failure_ignored(wire: responses.RequestsMock) -> None:
    wire.post(REVOKE, status=400)
    assert not endpoint().revoke("at-1", NOW)
    wire.replace("POST", REVOKE, status=200)
    assert endpoint().revoke("at-1", NOW)
    assert form(wire)["token"] == ["at-1"]


# ── Refresh ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.requirement("hl7.fhir.uv.smart-app-launch_2.2.0@105", "@106", "@107", "@108")
def test_a_refresh_sends_the_refresh_token_and_no_scope(wire: responses.RequestsMock) -> None:
    wire.post(TOKEN, json={**GOOD, "refresh_token": "rt-2"})
    token = endpoint().refresh("rt-1", "granted", NOW)
    assert form(wire) == {"grant_type": ["refresh_token"], "refresh_token": ["rt-1"], "client_id": ["ivig"]}
    assert (token.access_token, token.refresh_token, token.expires_at) == ("at-1", "rt-2", NOW + timedelta(hours=1))


@pytest.mark.requirement("hl7.fhir.uv.smart-app-launch_2.2.0@117")
def test_a_refresh_that_brings_no_new_refresh_token_keeps_the_old_one(wire: responses.RequestsMock) -> None:
    wire.post(TOKEN, json={k: v for k, v in GOOD.items() if k != "scope"})
    token = endpoint().refresh("rt-1", "granted", NOW)
    assert (token.refresh_token, token.scope, token.scope_stated) == ("rt-1", "granted", False)


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_refused_refresh_token_is_the_end_of_the_session(wire: responses.RequestsMock, status: int) -> None:
    wire.post(TOKEN, status=status, json={"error": "invalid_grant"})
    with pytest.raises(SessionEnded):
        endpoint().refresh("rt-1", "granted", NOW)
    assert len(wire.calls) == 1


@pytest.mark.parametrize(
    "answer", [{"status": 503}, {"status": 400, "json": {"error": "invalid_client"}}, {"body": requests.ReadTimeout()}]
)
def test_a_refresh_that_fails_otherwise_says_nothing_of_the_session(wire: responses.RequestsMock, answer: dict[str, Any]) -> None:
    wire.post(TOKEN, **answer)
    with pytest.raises(TokenFailed):
        endpoint().refresh("rt-1", "granted", NOW)


# ── Signed assertions ────────────────────────────────────────────────────────────────────────────────────────────────

KEYS = {algorithm: make_key(algorithm) for algorithm in ("ES384", "RS384")}  # type: ignore[arg-type]


def signing(algorithm: str) -> Issuer:
    return Issuer(iss=BASE, name="x", client_id="ivig", auth="private_key_jwt", signing_alg=algorithm)  # type: ignore[arg-type]


def asserted(wire: responses.RequestsMock, algorithm: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of the assertion that was sent, checked against the published part of the key."""
    [text] = form(wire)["client_assertion"]
    key = jwt.PyJWK(public_jwk(KEYS[algorithm]))
    options: Any = {"verify_exp": False, "verify_iat": False, "verify_aud": False}
    return jwt.get_unverified_header(text), jwt.decode(text, key, [algorithm], options=options)


@pytest.mark.requirement(
    "hl7.fhir.uv.smart-app-launch_2.2.0@307",
    "@308",
    "@309",
    "@317",
    "@320",
    "@321",
    "@322",
    "@323",
    "@327",
    "@328",
    "@329",
    "@330",
    "@331",
    "@333",
    "@334",
    "@72",
)
@pytest.mark.parametrize("algorithm", ["ES384", "RS384"])
def test_an_app_with_a_key_signs_who_it_is_for_at_most_five_minutes(wire: responses.RequestsMock, algorithm: str) -> None:
    wire.post(TOKEN, json=GOOD)
    endpoint(signing(algorithm), key=KEYS[algorithm]).exchange(PENDING, "c", NOW)
    header, claims = asserted(wire, algorithm)
    assert header == {"alg": algorithm, "kid": KEYS[algorithm].kid, "typ": "JWT"}
    assert (claims["iss"], claims["sub"], claims["aud"]) == ("ivig", "ivig", TOKEN)
    assert int(NOW.timestamp()) < claims["exp"] <= int(NOW.timestamp()) + 300
    assert claims["iat"] <= int(NOW.timestamp())
    assert form(wire)["client_assertion_type"] == [ASSERTION_TYPE]
    assert "client_id" not in form(wire)
    assert "Authorization" not in wire.calls[0].request.headers


@pytest.mark.requirement("hl7.fhir.uv.smart-app-launch_2.2.0@319", "@332")
def test_no_two_assertions_are_the_same(wire: responses.RequestsMock) -> None:
    wire.post(TOKEN, json=GOOD)
    seen = set()
    for _ in range(3):
        endpoint(signing("ES384"), key=KEYS["ES384"]).exchange(PENDING, "c", NOW)
        seen.add(asserted(wire, "ES384")[1]["jti"])
    assert len(seen) == 3
    assert all(len(jti) >= 32 for jti in seen)


def test_a_revocation_is_signed_for_the_same_server(wire: responses.RequestsMock) -> None:
    wire.post(REVOKE)
    assert endpoint(signing("ES384"), key=KEYS["ES384"]).revoke("rt-1", NOW, "refresh_token")
    assert asserted(wire, "ES384")[1]["aud"] == TOKEN
    assert form(wire)["token_type_hint"] == ["refresh_token"]


def test_without_a_key_nothing_is_sent_and_the_algorithm_is_named(wire: responses.RequestsMock) -> None:
    with pytest.raises(SettingsError) as refused:
        endpoint(signing("RS384")).exchange(PENDING, "c", NOW)
    assert "RS384" in refused.value.message
    assert len(wire.calls) == 0


@pytest.mark.requirement("hl7.fhir.uv.smart-app-launch_2.2.0@294", "@313", "@314", "@315")
@pytest.mark.parametrize(("algorithm", "parts"), [("ES384", {"kty", "crv", "x", "y"}), ("RS384", {"kty", "n", "e"})])
def test_of_a_key_only_its_public_part_is_shown(algorithm: str, parts: set[str]) -> None:
    key = KEYS[algorithm]
    shown = public_jwk(key)
    assert set(shown) == parts | {"kid", "alg", "use", "key_ops"}
    assert (shown["kid"], shown["alg"], shown["use"], shown["key_ops"]) == (key.kid, algorithm, "sig", ["verify"])
    assert not re.search("PRIVATE|BEGIN", repr(key))
