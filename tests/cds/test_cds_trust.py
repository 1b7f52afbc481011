"""Who may call: a JWT of a known EHR, for this service, now, once."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import jwt
import pytest

from ivig_fhir.errors import DiscoveryFailed, SettingsError
from ivig_fhir.smart.issuers import read

BASE = "https://ivig.example.org"
ISS = "https://ehr.example.org/fhir"
JKU = "https://ehr.example.org/keys.json"
SERVICE = f"{BASE}/cds-services/ivig-patient-view"
NOW = 1772442000  # 2 March 2026, 09:00 UTC
Json = dict[str, Any]
Signed = Callable[..., str]


@pytest.fixture
def body(firing: Callable[..., Json], prefetch: Callable[[str], Json]) -> Json:
    return firing("cidp-adult", prefetch("cidp-adult"))


@pytest.fixture
def inline(entrance: Callable[..., SimpleNamespace], keys: SimpleNamespace) -> SimpleNamespace:
    """An entrance that knows the EHR's keys from the issuer table."""
    return entrance({"cds_jwks": keys.public})


def status(at: SimpleNamespace, body: Json, authorization: str | None) -> int:
    headers = {} if authorization is None else {"Authorization": authorization}
    return int(at.client.post("/cds-services/ivig-patient-view", json=body, headers=headers).status_code)


def test_a_signed_call_is_answered(inline: SimpleNamespace, body: Json, signed: Signed, keys: SimpleNamespace) -> None:
    assert status(inline, body, signed()) == 200
    assert status(inline, body, signed(key=keys.rs384, algorithm="RS384", kid="r1")) == 200
    assert inline.fetched == []


def test_an_audience_in_a_list_is_answered(inline: SimpleNamespace, body: Json, signed: Signed) -> None:
    assert status(inline, body, signed({"aud": ["https://other.example.org", SERVICE]})) == 200


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": f"{BASE}/cds-services"},
        {"aud": f"{SERVICE}/"},
        {"aud": []},
        {"aud": None},
        {"aud": 7},
        {"iss": "https://stranger.example.org"},
        {"iss": ISS + "/"},
        {"iss": None},
        {"jti": None},
        {"jti": ""},
        {"exp": None},
        {"iat": None},
        {"exp": NOW - 60},
        {"exp": NOW - 3600},
        {"iat": NOW + 61},
        {"iat": NOW + 600},
        {"nbf": NOW + 61},
        {"iat": "now"},
        {"exp": True},
    ],
    ids=str,
)
def test_a_token_with_a_claim_that_does_not_hold_is_refused(inline: SimpleNamespace, body: Json, signed: Signed, claims: Json) -> None:
    assert status(inline, body, signed(claims)) == 401


@pytest.mark.parametrize("claims", [{"exp": NOW - 59}, {"iat": NOW + 30}, {"iat": NOW + 60}, {"nbf": NOW + 60}], ids=str)
def test_a_minute_of_leeway_is_given(inline: SimpleNamespace, body: Json, signed: Signed, claims: Json) -> None:
    assert status(inline, body, signed(claims)) == 200


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer ", "Basic aXZpZzppdmln", "Bearer not-a-jwt", "Bearer a.b.c"])
def test_a_call_without_a_token_is_refused(inline: SimpleNamespace, body: Json, authorization: str | None) -> None:
    response = inline.client.post("/cds-services/ivig-patient-view", json=body, headers={"Authorization": authorization or ""})
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"


def test_an_unsigned_token_is_refused(inline: SimpleNamespace, body: Json) -> None:
    claims = {"iss": ISS, "aud": SERVICE, "iat": NOW, "exp": NOW + 300, "jti": "1"}
    assert status(inline, body, "Bearer " + jwt.encode(claims, None, "none", headers={"kid": "e1"})) == 401


def test_a_public_key_does_not_serve_as_a_secret(inline: SimpleNamespace, body: Json, signed: Signed, keys: SimpleNamespace) -> None:
    secret = str(keys.public["keys"][0]["x"]).encode()
    for algorithm in ("HS256", "HS384"):
        assert status(inline, body, signed(key=secret, algorithm=algorithm)) == 401


def test_a_weaker_algorithm_is_refused_even_with_the_right_key(
    inline: SimpleNamespace, body: Json, signed: Signed, keys: SimpleNamespace
) -> None:
    assert status(inline, body, signed(key=keys.rs384, algorithm="RS256", kid="r1")) == 401


def test_a_key_of_another_kind_or_name_is_not_tried(inline: SimpleNamespace, body: Json, signed: Signed, keys: SimpleNamespace) -> None:
    assert status(inline, body, signed(kid="r1")) == 401
    assert status(inline, body, signed(kid="e2")) == 401
    assert status(inline, body, signed(key=keys.rs384, algorithm="RS384", kid="e1")) == 401


def test_a_changed_token_is_refused(inline: SimpleNamespace, body: Json, signed: Signed) -> None:
    head, claims, _ = signed().split(".")
    other = signed({"tenant": "other"}).split(".")[2]
    assert status(inline, body, f"{head}.{claims}.{other}") == 401


def test_a_token_counts_once(inline: SimpleNamespace, body: Json, signed: Signed) -> None:
    token = signed()
    assert (status(inline, body, token), status(inline, body, token)) == (200, 401)


def test_a_refused_token_was_not_used(inline: SimpleNamespace, body: Json, signed: Signed) -> None:
    assert status(inline, body, signed({"jti": "same", "aud": "https://other.example.org"})) == 401
    assert status(inline, body, signed({"jti": "same"})) == 200


def test_published_keys_are_fetched_from_the_registered_address_once(
    entrance: Callable[..., SimpleNamespace], body: Json, signed: Signed, keys: SimpleNamespace
) -> None:
    at = entrance({"cds_jku": JKU}, published=keys.public)
    assert status(at, body, signed(header={"jku": JKU})) == 200
    assert status(at, body, signed()) == 200
    assert at.fetched == [JKU]


def test_an_unregistered_jku_is_refused_and_never_fetched(
    entrance: Callable[..., SimpleNamespace], body: Json, signed: Signed, keys: SimpleNamespace
) -> None:
    at = entrance({"cds_jku": JKU}, published=keys.public)
    assert status(at, body, signed(header={"jku": "https://evil.example/keys.json"})) == 401
    assert at.fetched == []


def test_an_unknown_kid_does_not_make_us_ask_again_and_again(
    entrance: Callable[..., SimpleNamespace], body: Json, signed: Signed, keys: SimpleNamespace
) -> None:
    at = entrance({"cds_jku": JKU}, published=keys.public)
    assert [status(at, body, signed(kid=f"made-up-{n}")) for n in range(5)] == [401] * 5
    assert at.fetched == [JKU]


@pytest.mark.parametrize("published", [DiscoveryFailed("down"), None, [], {"keys": "none"}, {"keys": [7]}], ids=str)
def test_keys_that_cannot_be_had_refuse_the_call_and_are_not_asked_for_at_once(
    entrance: Callable[..., SimpleNamespace], body: Json, signed: Signed, published: Any
) -> None:
    at = entrance({"cds_jku": JKU}, published=published)
    assert [status(at, body, signed()) for _ in range(3)] == [401] * 3
    assert at.fetched == [JKU]


def test_an_ehr_that_signs_under_another_name_is_known_by_it(
    entrance: Callable[..., SimpleNamespace], body: Json, signed: Signed, keys: SimpleNamespace
) -> None:
    at = entrance({"cds_jwks": keys.public, "cds_iss": "https://cds.ehr.example.org"})
    assert status(at, body, signed({"iss": "https://cds.ehr.example.org"})) == 200
    assert status(at, body, signed()) == 401


def test_an_ehr_without_registered_keys_cannot_call(entrance: Callable[..., SimpleNamespace], body: Json, signed: Signed) -> None:
    assert status(entrance(), body, signed()) == 401


@pytest.mark.parametrize(
    "keys_given",
    [
        {"cds_jku": "http://ehr.example.org/keys"},
        {"cds_iss": "https://cds.example.org"},
        {"cds_jwks": {"keys": []}},
        {"cds_jwks": {"keys": [{"kty": "RSA"}]}},
        {"cds_jwks": {"keys": [{"kty": "oct", "kid": "1", "k": "x"}]}},
        {"cds_jwks": {"keys": [{"kty": "EC", "kid": "1", "d": "private"}]}},
        {"cds_jwks": {"keys": [{"kty": "EC", "kid": "1"}]}, "cds_jku": JKU},
    ],
)
def test_an_issuer_entry_whose_keys_could_not_be_trusted_does_not_load(keys_given: Json) -> None:
    with pytest.raises(SettingsError):
        read({"issuer": [{"iss": ISS, "name": "An EHR", "client_id": "ivig", **keys_given}]})
