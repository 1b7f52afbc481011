"""The id_token: believed after every check, refused after any that fails."""

import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import jwt
import pytest
import requests
import responses
from cryptography.hazmat.primitives import serialization

from ivig_fhir.errors import IdentityUnproven
from ivig_fhir.smart.discovery import SmartConfiguration
from ivig_fhir.smart.identity import Identity, identify
from ivig_fhir.smart.issuers import Issuer
from ivig_fhir.smart.keys import KeyCache, KeyRequest
from tests.an_ehr import BASE, CONFIGURATION, ISSUER, JWKS, NOW, OPENID, claims, ec_key, id_token, public_jwk, rsa_key


@pytest.fixture
def wire() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.get(OPENID, status=404)
        yield mock


def who(
    token: str,
    issuer: Issuer = ISSUER,
    configuration: SmartConfiguration = CONFIGURATION,
    nonce: str = "the-nonce",
    cache: KeyCache | None = None,
    later: timedelta = timedelta(),
) -> Identity:
    keys = cache or KeyCache()

    def lookup(wanted: KeyRequest) -> jwt.PyJWK:
        return keys.key(requests.Session(), issuer, configuration, wanted, NOW)

    return identify(token, issuer, configuration, nonce, NOW + later, lookup)


def publish(wire: responses.RequestsMock, *keys: dict[str, Any], url: str = JWKS) -> None:
    wire.upsert("GET", url, json={"keys": list(keys)})


@pytest.fixture
def one_key(wire: responses.RequestsMock) -> responses.RequestsMock:
    publish(wire, public_jwk(rsa_key(), kid="k1"))
    return wire


@pytest.mark.requirement("hl7.fhir.uv.smart-app-launch_2.2.0@201", "@218")
def test_a_good_token_proves_a_practitioner(one_key: responses.RequestsMock) -> None:
    assert who(id_token()) == Identity("Practitioner/p1", "Practitioner", "p1", "u-1", local=True, verified=True, issuer=BASE)


@pytest.mark.requirement("hl7.fhir.uv.smart-app-launch_2.2.0@312")
@pytest.mark.parametrize("algorithm", ["RS256", "RS384"])
def test_the_rsa_algorithms_of_ours_are_read(one_key: responses.RequestsMock, algorithm: str) -> None:
    assert who(id_token(algorithm=algorithm)).proven


def test_es384_is_read(wire: responses.RequestsMock) -> None:
    publish(wire, public_jwk(ec_key(), kid="k1"))
    assert who(id_token(key=ec_key(), algorithm="ES384")).proven


@pytest.mark.requirement("hl7.fhir.uv.smart-app-launch_2.2.0@202")
@pytest.mark.parametrize(
    ("fhir_user", "expected"),
    [
        ("Practitioner/prac1", ("Practitioner/prac1", "Practitioner", True)),
        (f"{BASE}/Practitioner/p1", ("Practitioner/p1", "Practitioner", True)),
        (f"{BASE}/PractitionerRole/r1", ("PractitionerRole/r1", "PractitionerRole", True)),
        (f"{BASE}/Patient/x", ("Patient/x", "Patient", True)),
        ("https://other.example/fhir/Practitioner/p1", ("https://other.example/fhir/Practitioner/p1", "Practitioner", False)),
        ("https://ehr.example.org.evil.example/fhir/Practitioner/p1", (..., "Practitioner", False)),
        ("https://ehr.example.org/fhir2/Practitioner/p1", (..., "Practitioner", False)),
    ],
)
def test_a_user_is_named_relative_or_absolute(one_key: responses.RequestsMock, fhir_user: str, expected: tuple[Any, str, bool]) -> None:
    found = who(id_token(claims(fhirUser=fhir_user)))
    reference, kind, local = expected
    assert (found.type, found.local, found.proven) == (kind, local, True)
    assert found.reference == (fhir_user if reference is ... else reference)


@pytest.mark.parametrize(
    "fhir_user",
    [
        *(None, "", 7, ["Practitioner/p1"], "x" * 2000),
        *("Device/d1", "Practitioner/", "Practitioner/a b", "javascript:alert(1)/Practitioner/p1"),
    ],
)
def test_a_token_that_names_nobody_proves_nobody(one_key: responses.RequestsMock, fhir_user: Any) -> None:
    found = who(id_token(claims(fhirUser=fhir_user)))
    assert found.reference == ""
    assert not found.proven


def test_the_older_profile_claim_is_read(one_key: responses.RequestsMock) -> None:
    assert who(id_token(claims(fhirUser=None, profile="Practitioner/p9"))).reference == "Practitioner/p9"


@pytest.mark.requirement("hl7.fhir.uv.smart-app-launch_2.2.0@201")
@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://evil.example"},
        {"iss": None},
        {"iss": BASE + "/"},
        {"aud": "another-app"},
        {"aud": None},
        {"aud": []},
        {"aud": ["ivig", "another-app"]},
        {"aud": ["ivig", "another-app"], "azp": "another-app"},
        {"azp": "another-app"},
        {"exp": None},
        {"iat": None},
        {"sub": None},
        {"sub": ""},
        {"nonce": "another"},
        {"nonce": None},
        {"exp": "tomorrow"},
        {"exp": True},
    ],
)
def test_a_claim_that_is_wrong_or_missing_is_refused(one_key: responses.RequestsMock, changes: dict[str, Any]) -> None:
    with pytest.raises(IdentityUnproven):
        who(id_token(claims(**changes)))


def test_several_audiences_need_us_as_the_party(one_key: responses.RequestsMock) -> None:
    assert who(id_token(claims(aud=["ivig", "another-app"], azp="ivig"))).proven
    assert who(id_token(claims(aud=["ivig"]))).proven


def test_an_empty_nonce_never_matches(one_key: responses.RequestsMock) -> None:
    with pytest.raises(IdentityUnproven):
        who(id_token(claims(nonce="")), nonce="")


@pytest.mark.parametrize(
    ("changes", "holds"), [({"exp": -59}, True), ({"exp": -60}, False), ({"iat": 60}, True), ({"iat": 61}, False), ({"nbf": 61}, False)]
)
def test_times_have_sixty_seconds_of_leeway(one_key: responses.RequestsMock, changes: dict[str, int], holds: bool) -> None:
    moment = int(NOW.timestamp())
    token = id_token(claims(**{name: moment + offset for name, offset in changes.items()}))
    if holds:
        assert who(token).proven
    else:
        with pytest.raises(IdentityUnproven):
            who(token)


@pytest.mark.requirement("hl7.fhir.uv.smart-app-launch_2.2.0@201")
def test_an_expired_token_is_refused(one_key: responses.RequestsMock) -> None:
    with pytest.raises(IdentityUnproven) as refused:
        who(id_token(claims(exp=int(NOW.timestamp()) - 61)))
    assert "expired" in refused.value.detail


@pytest.mark.requirement("hl7.fhir.uv.smart-app-launch_2.2.0@201")
def test_the_nonce_of_another_launch_is_refused(one_key: responses.RequestsMock) -> None:
    with pytest.raises(IdentityUnproven) as refused:
        who(id_token(claims(nonce="another-launch")))
    assert "nonce" in refused.value.detail


def test_a_user_on_a_foreign_host_is_named_and_not_taken_for_one_of_ours(one_key: responses.RequestsMock) -> None:
    found = who(id_token(claims(fhirUser="https://other.example/fhir/Practitioner/p1")))
    assert (found.reference, found.local) == ("https://other.example/fhir/Practitioner/p1", False)


def test_our_clock_decides_and_not_the_machines(one_key: responses.RequestsMock) -> None:
    with pytest.raises(IdentityUnproven):
        who(id_token(), later=timedelta(minutes=6))


@pytest.mark.requirement("hl7.fhir.uv.smart-app-launch_2.2.0@201")
@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "PS256", "RS512", "none", "None", "nOnE", ""])
def test_any_other_algorithm_is_refused_before_a_key_is_fetched(one_key: responses.RequestsMock, algorithm: str) -> None:
    good = id_token().split(".")
    header = jwt.utils.base64url_encode(json.dumps({"alg": algorithm, "kid": "k1"}).encode()).decode()
    for signature in ("", good[2]):
        with pytest.raises(IdentityUnproven):
            who(f"{header}.{good[1]}.{signature}")
    assert not [call for call in one_key.calls if call.request.url == JWKS]


@pytest.mark.requirement("hl7.fhir.uv.smart-app-launch_2.2.0@201")
def test_a_token_signed_with_the_public_key_as_a_secret_is_refused(one_key: responses.RequestsMock) -> None:
    pem = rsa_key().public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    header = jwt.utils.base64url_encode(b'{"alg":"HS256","typ":"JWT","kid":"k1"}').decode()
    body = f"{header}.{id_token().split('.')[1]}"
    signature = jwt.utils.base64url_encode(hmac.new(pem, body.encode(), hashlib.sha256).digest()).decode()
    with pytest.raises(IdentityUnproven):
        who(f"{body}.{signature}")


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "." * 5, "e30.e30.", "é" * 10])
def test_what_is_no_jwt_is_refused(token: str) -> None:
    with pytest.raises(IdentityUnproven):
        who(token)


def test_a_changed_payload_or_another_key_is_refused(one_key: responses.RequestsMock) -> None:
    header, _, signature = id_token().split(".")
    forged = id_token(claims(fhirUser="Practitioner/chief")).split(".")[1]
    for token in (f"{header}.{forged}.{signature}", id_token(key=rsa_key("two"))):
        with pytest.raises(IdentityUnproven):
            who(token)


@pytest.mark.requirement("hl7.fhir.uv.smart-app-launch_2.2.0@218")
def test_without_a_kid_the_only_key_is_tried(one_key: responses.RequestsMock) -> None:
    assert who(id_token(kid=None)).proven
    publish(one_key, public_jwk(rsa_key()), public_jwk(ec_key()))
    assert who(id_token(kid=None)).proven, "the only one of its kind"


def test_without_a_kid_two_keys_of_the_kind_are_one_too_many(wire: responses.RequestsMock) -> None:
    publish(wire, public_jwk(rsa_key(), kid="k1"), public_jwk(rsa_key("two"), kid="k2"))
    with pytest.raises(IdentityUnproven):
        who(id_token(kid=None))


def test_an_unknown_kid_is_looked_for_once_more(wire: responses.RequestsMock) -> None:
    publish(wire, public_jwk(rsa_key("old"), kid="k0"))
    cache = KeyCache()
    who(id_token(key=rsa_key("old"), kid="k0"), cache=cache)
    publish(wire, public_jwk(rsa_key(), kid="k1"))
    assert who(id_token(), cache=cache).proven
    fetched = [call for call in wire.calls if call.request.url == JWKS]
    assert len(fetched) == 2
    with pytest.raises(IdentityUnproven):
        who(id_token(kid="k9"), cache=cache)
    assert len([call for call in wire.calls if call.request.url == JWKS]) == 3


def test_known_keys_are_not_fetched_again(one_key: responses.RequestsMock) -> None:
    cache = KeyCache()
    who(id_token(), cache=cache)
    who(id_token(), cache=cache)
    assert len([call for call in one_key.calls if call.request.url == JWKS]) == 1


@pytest.mark.parametrize("wrong", [{"use": "enc"}, {"alg": "RS384"}, {"kty": "oct"}, {"n": "AA"}])
def test_a_key_for_something_else_is_not_used(wire: responses.RequestsMock, wrong: dict[str, str]) -> None:
    publish(wire, {**public_jwk(rsa_key(), kid="k1"), **wrong})
    with pytest.raises(IdentityUnproven):
        who(id_token())


@pytest.mark.parametrize(
    "answer", [{"status": 500}, {"body": "x"}, {"json": []}, {"json": {"keys": "x"}}, {"body": requests.ConnectionError()}]
)
def test_keys_that_cannot_be_read_prove_nobody(wire: responses.RequestsMock, answer: dict[str, Any]) -> None:
    wire.get(JWKS, **answer)
    with pytest.raises(IdentityUnproven):
        who(id_token())


@pytest.mark.requirement("hl7.fhir.uv.smart-app-launch_2.2.0@218")
def test_the_openid_issuer_may_be_another_than_the_fhir_base(wire: responses.RequestsMock) -> None:
    tenant = "https://idp.example.com/tenant"
    issuer = replace(ISSUER, oidc_issuers=(tenant,))
    wire.get(f"{tenant}/.well-known/openid-configuration", json={"issuer": tenant, "jwks_uri": "https://idp.example.com/keys"})
    publish(wire, public_jwk(rsa_key(), kid="k1"), url="https://idp.example.com/keys")
    assert who(id_token(claims(iss=tenant)), issuer).proven
    with pytest.raises(IdentityUnproven):
        who(id_token(claims(iss=BASE)), issuer)


def test_keys_on_a_host_that_the_entry_does_not_name_are_not_fetched(wire: responses.RequestsMock) -> None:
    wire.upsert("GET", OPENID, json={"issuer": BASE, "jwks_uri": "https://evil.example/keys"})
    with pytest.raises(IdentityUnproven):
        who(id_token())
    assert {call.request.url for call in wire.calls} == {OPENID}


def test_an_openid_document_of_another_issuer_is_passed_over(one_key: responses.RequestsMock) -> None:
    one_key.upsert("GET", OPENID, json={"issuer": "https://evil.example", "jwks_uri": "https://ehr.example.org/evil"})
    assert who(id_token()).proven


def test_an_address_inside_the_token_is_never_fetched(one_key: responses.RequestsMock) -> None:
    token = jwt.encode(
        claims(), rsa_key(), "RS256", headers={"kid": "k1", "jku": "https://evil.example/keys", "x5u": "https://evil.example/"}
    )
    assert who(token).proven
    assert not any("evil" in str(call.request.url) for call in one_key.calls)
