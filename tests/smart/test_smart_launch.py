"""The authorization request, and the order in which its answer is judged."""

import base64
import hashlib
import secrets
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest

from ivig_fhir.errors import AuthorizationRefused, StateMismatch
from ivig_fhir.smart.launch import AuthorizationRequest, LaunchSecrets, authorization_code, authorization_request
from tests.an_ehr import BASE, CONFIGURATION, ISSUER, NOW, PENDING

GOOD = {"state": "s", "code": "c"}
SECRETS = LaunchSecrets("state-value", "the-nonce", "v" * 86)


def request(launch: str | None = "abc", **changes: object) -> AuthorizationRequest:
    return authorization_request(ISSUER, replace(CONFIGURATION, **changes), PENDING, SECRETS, launch)  # type: ignore[arg-type]


def parameters(sent: AuthorizationRequest) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(sent.url).query, keep_blank_values=True))


@pytest.mark.requirement("hl7.fhir.uv.smart-app-launch_2.2.0@32", "@33", "@34", "@35", "@37", "@41", "@44", "@3", "@45", "@211")
def test_the_request_carries_everything_and_nothing_more() -> None:
    sent = request()
    assert sent.method == "GET"
    assert parameters(sent) == {
        "response_type": "code",
        "client_id": "ivig",
        "redirect_uri": "https://ivig.example.org/callback",
        "scope": PENDING.scope,
        "state": "state-value",
        "aud": BASE,
        "code_challenge": SECRETS.challenge,
        "code_challenge_method": "S256",
        "nonce": "the-nonce",
        "launch": "abc",
    }


@pytest.mark.requirement("hl7.fhir.uv.smart-app-launch_2.2.0@35")
@pytest.mark.parametrize("launch", ["a+b/c==", "ä &=#?%20", "", "x" * 500])
def test_the_launch_parameter_is_echoed_byte_for_byte(launch: str) -> None:
    assert parameters(request(launch))["launch"] == launch


@pytest.mark.requirement("hl7.fhir.uv.smart-app-launch_2.2.0@36")
def test_a_standalone_request_has_no_launch_parameter() -> None:
    assert "launch" not in parameters(request(None))


def test_an_endpoint_with_a_query_keeps_it() -> None:
    sent = request(authorization_endpoint="https://ehr.example.org/authorize?tenant=7")
    assert parse_qs(urlsplit(sent.url).query)["tenant"] == ["7"]
    assert sent.url.count("?") == 1


@pytest.mark.requirement("hl7.fhir.uv.smart-app-launch_2.2.0@50", "@51", "@52", "@133")
def test_a_long_request_is_a_form_where_the_server_takes_one() -> None:
    post = CONFIGURATION.capabilities | {"authorize-post"}
    short = request("x" * 100, capabilities=post)
    assert short.method == "GET"
    long = request("x" * 2000, capabilities=post)
    assert (long.method, long.url) == ("POST", CONFIGURATION.authorization_endpoint)
    assert dict(long.fields)["launch"] == "x" * 2000
    assert request("x" * 2000).method == "GET"


def test_the_limit_for_a_form_is_two_thousand_characters() -> None:
    post = CONFIGURATION.capabilities | {"authorize-post"}
    room = 2000 - len(request("", capabilities=post).url)
    assert request("x" * room, capabilities=post).method == "GET"
    assert request("x" * (room + 1), capabilities=post).method == "POST"


@pytest.mark.requirement("hl7.fhir.uv.smart-app-launch_2.2.0@40", "@45", "@2", "@13")
def test_secrets_are_long_and_each_is_its_own() -> None:
    one, other = LaunchSecrets.draw(secrets.token_urlsafe), LaunchSecrets.draw(secrets.token_urlsafe)
    assert len({one.state, one.nonce, one.verifier, other.state, other.nonce, other.verifier}) == 6
    assert len(one.state) >= 43
    assert 43 <= len(one.verifier) <= 128
    digest = hashlib.sha256(one.verifier.encode()).digest()
    assert base64.urlsafe_b64decode(one.challenge + "=") == digest
    assert "=" not in one.challenge


def test_no_secret_is_printed() -> None:
    printed = repr(SECRETS) + repr(PENDING) + repr(request()) + repr(request("x" * 2000, capabilities=frozenset({"authorize-post"})))
    for secret in ("state-value", "the-nonce", "v" * 86):
        assert secret not in printed


def test_a_good_answer_gives_its_code() -> None:
    assert authorization_code(GOOD, PENDING, CONFIGURATION, NOW) == "c"


@pytest.mark.requirement("hl7.fhir.uv.smart-app-launch_2.2.0@60", "@61", "@4", "@39")
def test_an_answer_without_a_launch_that_was_kept_is_refused_first() -> None:
    for wrong in ({"code": "c"}, {"state": "", "code": "c"}):
        with pytest.raises(StateMismatch):
            authorization_code(wrong, PENDING, CONFIGURATION, NOW)
    for params in (GOOD, {**GOOD, "error": "access_denied"}):
        with pytest.raises(StateMismatch):
            authorization_code(params, None, CONFIGURATION, NOW)


def test_a_launch_lasts_ten_minutes() -> None:
    assert authorization_code(GOOD, PENDING, CONFIGURATION, NOW + timedelta(minutes=10))
    for late in (timedelta(minutes=10, seconds=1), timedelta(seconds=-1)):
        with pytest.raises(StateMismatch):
            authorization_code(GOOD, PENDING, CONFIGURATION, NOW + late)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ("access_denied", "Sign-in was cancelled."),
        ("invalid_scope", "The EHR does not allow the data this app asks for."),
        ("unauthorized_client", "This app is not approved in this EHR."),
        ("invalid_client", "This app is not approved in this EHR."),
        ("invalid_request", "The EHR rejected the launch."),
        ("temporarily_unavailable", "The EHR's sign-in service is busy."),
        ("server_error", "The EHR's sign-in service had an error."),
        ("login_required", "The EHR asks you to sign in again."),
        ("interaction_required", "The EHR asks you to sign in again."),
        ("brand_new", "The EHR refused the sign-in (brand_new)."),
    ],
)
def test_an_error_is_told_in_a_clinicians_words_and_a_code_beside_it_ignored(error: str, said: str) -> None:
    with pytest.raises(AuthorizationRefused) as refused:
        authorization_code({**GOOD, "error": error}, PENDING, CONFIGURATION, NOW)
    assert refused.value.message == said


@pytest.mark.requirement("hl7.fhir.uv.smart-app-launch_2.2.0@5")
def test_what_the_server_adds_is_cut_to_200_characters_and_not_logged() -> None:
    described = {"state": "s", "error": "<script>", "error_description": "Jane\n" + "d" * 500}
    with pytest.raises(AuthorizationRefused) as refused:
        authorization_code(described, PENDING, CONFIGURATION, NOW)
    assert refused.value.message.endswith("It said: Jane " + "d" * 195)
    assert "Jane" not in str(refused.value)
    assert "<" not in str(refused.value)


def test_an_answer_of_another_issuer_is_a_mix_up() -> None:
    with pytest.raises(AuthorizationRefused):
        authorization_code({**GOOD, "iss": "https://evil.example"}, PENDING, CONFIGURATION, NOW)
    assert authorization_code({**GOOD, "iss": BASE}, PENDING, CONFIGURATION, NOW) == "c"


@pytest.mark.parametrize("code", ["", "x" * 16_001])
def test_an_answer_without_a_usable_code_is_refused(code: str) -> None:
    with pytest.raises(AuthorizationRefused):
        authorization_code({"state": "s", "code": code}, PENDING, CONFIGURATION, NOW)
