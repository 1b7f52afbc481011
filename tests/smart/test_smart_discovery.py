"""Discovery: read from the issuer's own hosts, or not at all."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import requests
import responses

from ivig_fhir.errors import DiscoveryFailed
from ivig_fhir.smart.discovery import LARGEST, LARGEST_STATEMENT, ConfigurationCache, discover
from ivig_fhir.smart.issuers import Issuer
from tests.an_ehr import BASE, ISSUER, NOW, WELL_KNOWN, metadata

OAUTH_URIS = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"


@pytest.fixture
def wire() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


def statement(*extensions: dict[str, str]) -> dict[str, Any]:
    uris = [{"url": OAUTH_URIS, "extension": [{"url": k, "valueUri": v} for k, v in one.items()]} for one in extensions]
    return {"resourceType": "CapabilityStatement", "rest": [{"mode": "server", "security": {"extension": uris}}]}


@pytest.mark.requirement("hl7.fhir.uv.smart-app-launch_2.2.0@29", "@375")
def test_the_configuration_is_read_without_credentials(wire: responses.RequestsMock) -> None:
    wire.get(WELL_KNOWN, json=metadata())
    found = discover(requests.Session(), ISSUER)
    assert found.token_endpoint == "https://ehr.example.org/token"
    assert found.scope_version == "v2"
    assert found.found == "well-known"
    sent = wire.calls[0].request.headers
    assert sent["Accept"] == "application/json"
    assert "Authorization" not in sent


def test_one_slash_is_stripped_for_this_address_only(wire: responses.RequestsMock) -> None:
    wire.get(WELL_KNOWN, json=metadata())
    issuer = Issuer(iss=BASE + "/", name="x", client_id="y")
    assert discover(requests.Session(), issuer).issuer == BASE


@pytest.mark.requirement("hl7.fhir.uv.smart-app-launch_2.2.0@379")
def test_relative_endpoints_are_resolved_against_the_fhir_base(wire: responses.RequestsMock) -> None:
    wire.get(WELL_KNOWN, json=metadata(token_endpoint="auth/token", authorization_endpoint="/authorize"))
    found = discover(requests.Session(), ISSUER)
    assert found.token_endpoint == f"{BASE}/auth/token"
    assert found.authorization_endpoint == "https://ehr.example.org/authorize"


@pytest.mark.parametrize("first", [{"status": 404}, {"body": "<html>not here</html>", "status": 200}])
def test_the_capability_statement_is_the_fallback(wire: responses.RequestsMock, first: dict[str, Any]) -> None:
    wire.get(WELL_KNOWN, **first)
    good = {"authorize": "https://ehr.example.org/a", "token": "https://ehr.example.org/t"}
    wire.get(f"{BASE}/metadata", json=statement({"register": "x"}, good, {"authorize": "https://other/", "token": "https://other/"}))
    found = discover(requests.Session(), ISSUER)
    assert (found.authorization_endpoint, found.token_endpoint) == (good["authorize"], good["token"])
    assert (found.found, found.scope_version) == ("capability-statement", "v1")


@pytest.mark.parametrize("body", [{}, [], {"rest": []}, {"rest": [{"security": []}]}, {"rest": "x"}, statement({"token": "x"})])
def test_a_statement_without_both_addresses_is_a_failure(wire: responses.RequestsMock, body: Any) -> None:
    wire.get(WELL_KNOWN, status=404)
    wire.get(f"{BASE}/metadata", json=body)
    with pytest.raises(DiscoveryFailed):
        discover(requests.Session(), ISSUER)


@pytest.mark.requirement("hl7.fhir.uv.smart-app-launch_2.2.0@1", "@318")
@pytest.mark.parametrize(
    "changes",
    [
        {"token_endpoint": None},
        {"authorization_endpoint": None},
        {"token_endpoint": 7},
        {"token_endpoint": "http://ehr.example.org/token"},
        {"token_endpoint": "https://evil.example/token"},
        {"token_endpoint": "//evil.example/token"},
        {"token_endpoint": "https://ehr.example.org@evil.example/token"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"jwks_uri": "https://evil.example/jwks"},
        {"revocation_endpoint": "http://169.254.169.254/"},
        {"code_challenge_methods_supported": ["plain"]},
    ],
)
def test_a_configuration_that_is_incomplete_or_leaves_the_issuers_hosts_is_refused(
    wire: responses.RequestsMock, changes: dict[str, Any]
) -> None:
    wire.get(WELL_KNOWN, json=metadata(**changes))
    with pytest.raises(DiscoveryFailed):
        discover(requests.Session(), ISSUER)


def test_hosts_that_the_entry_names_are_allowed(wire: responses.RequestsMock) -> None:
    wire.get(WELL_KNOWN, json=metadata(token_endpoint="https://auth.example.net/token", jwks_uri="https://idp.example.com/jwks"))
    issuer = Issuer(
        iss=BASE, name="x", client_id="y", endpoint_hosts=("auth.example.net",), oidc_issuers=("https://idp.example.com/tenant",)
    )
    assert discover(requests.Session(), issuer).token_endpoint == "https://auth.example.net/token"


def test_pkce_methods_that_are_not_listed_are_no_failure(wire: responses.RequestsMock) -> None:
    wire.get(WELL_KNOWN, json=metadata(code_challenge_methods_supported=None))
    assert discover(requests.Session(), ISSUER).code_challenge_methods == ()


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 302, "headers": {"Location": "https://evil.example/"}},
        {"status": 500},
        {"status": 401},
        {"body": requests.ConnectTimeout()},
        {"body": requests.ConnectionError()},
        {"body": b"[" * (LARGEST + 1)},
    ],
)
def test_redirects_errors_silence_and_giants_are_failures_that_can_be_retried(wire: responses.RequestsMock, answer: dict[str, Any]) -> None:
    wire.get(WELL_KNOWN, **answer)
    with pytest.raises(DiscoveryFailed) as failed:
        discover(requests.Session(), ISSUER)
    assert failed.value.retry
    assert {call.request.url for call in wire.calls} == {WELL_KNOWN}


@pytest.mark.parametrize(("size", "usable"), [(2 * LARGEST, True), (LARGEST_STATEMENT + 1, False)])
def test_a_capability_statement_may_be_as_large_as_real_ones_are(wire: responses.RequestsMock, size: int, usable: bool) -> None:
    uris = statement({"authorize": "https://ehr.example.org/a", "token": "https://ehr.example.org/t"})
    wire.get(WELL_KNOWN, status=404)
    wire.get(f"{BASE}/metadata", json={**uris, "description": "x" * size})
    if usable:
        assert discover(requests.Session(), ISSUER).found == "capability-statement"
    else:
        with pytest.raises(DiscoveryFailed):
            discover(requests.Session(), ISSUER)


def test_deeply_nested_json_is_a_failure_and_no_crash(wire: responses.RequestsMock) -> None:
    wire.get(WELL_KNOWN, body="[" * 200_000)
    wire.get(f"{BASE}/metadata", body="[" * 200_000)
    with pytest.raises(DiscoveryFailed):
        discover(requests.Session(), ISSUER)


def test_a_configuration_is_kept_ten_minutes_and_no_longer(wire: responses.RequestsMock) -> None:
    wire.get(WELL_KNOWN, json=metadata())
    cache, http = ConfigurationCache(), requests.Session()
    cache.get(http, ISSUER, NOW)
    cache.get(http, ISSUER, NOW + timedelta(minutes=9, seconds=59))
    assert len(wire.calls) == 1
    cache.get(http, ISSUER, NOW + timedelta(minutes=10))
    assert len(wire.calls) == 2
    cache.forget(ISSUER)
    cache.get(http, ISSUER, NOW + timedelta(minutes=10))
    assert len(wire.calls) == 3


def test_a_failure_is_not_kept(wire: responses.RequestsMock) -> None:
    wire.get(WELL_KNOWN, status=503)
    wire.get(WELL_KNOWN, json=metadata())
    cache = ConfigurationCache()
    with pytest.raises(DiscoveryFailed):
        cache.get(requests.Session(), ISSUER, NOW)
    assert cache.get(requests.Session(), ISSUER, NOW).issuer == BASE
