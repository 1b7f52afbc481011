"""The issuer table: strict, documented, and the only list of addresses that are ever contacted."""

import re
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from ivig_fhir.ehr.profiles import names
from ivig_fhir.errors import SettingsError, UnknownIssuer
from ivig_fhir.settings import PROJECT
from ivig_fhir.smart.issuers import Issuers, load, read, safe_address

ENTRY = {"iss": "https://ehr.example.org/fhir", "name": "Example", "client_id": "ivig"}
DEVELOPMENT = {
    "prescriber": {"reference": "Practitioner/test-prescriber", "display": "Test Prescriber"},
    "pharmacist": {"reference": "Practitioner/test-pharmacist", "display": "Test Pharmacist"},
}


def table(**changes: Any) -> Issuers:
    return read({"issuer": [{**ENTRY, **changes}]})


def test_the_shipped_table_knows_the_sandbox() -> None:
    issuer = load(PROJECT / "issuers.toml").find("http://127.0.0.1:5001/fhir")
    assert issuer.client_id == "ivig-fhir"
    assert issuer.standalone
    assert issuer.default_role == "stranger"
    assert issuer.roles["http://terminology.hl7.org/CodeSystem/practitioner-role|doctor"] == "prescriber"
    assert not issuer.development


def uncommented() -> Issuers:
    """The shipped table as if somebody had taken every # away and filled in every blank."""
    text = re.sub(r"^#(?! |$)", "", (PROJECT / "issuers.toml").read_text(encoding="utf-8"), flags=re.MULTILINE)
    return read(tomllib.loads(re.sub(r"<[a-z-]+>", "filled-in", text)))


def test_the_entries_that_wait_behind_a_comment_are_valid() -> None:
    named = {i.name: i for i in uncommented().entries}
    assert set(named) == {
        *("Sandbox EHR", "Local HAPI server", "SMART Health IT launcher", "HAPI public test server", "Meld sandbox", "Medplum"),
        *("Epic sandbox", "Oracle Health sandbox"),
    }
    assert {name for name, issuer in named.items() if issuer.development} == {"Local HAPI server", "HAPI public test server"}
    assert [issuer.profile for issuer in named.values() if issuer.profile not in names()] == []
    for name in ("Epic sandbox", "Oracle Health sandbox"):
        assert urlsplit(named[name].iss).netloc != "" and named[name].oidc_issuers[0] != named[name].iss


def test_nothing_outside_this_machine_is_in_the_table_until_somebody_takes_the_comment_away() -> None:
    assert {urlsplit(i.iss).hostname for i in load(PROJECT / "issuers.toml").entries} == {"127.0.0.1"}


def test_every_blank_of_a_waiting_entry_stands_in_a_comment() -> None:
    for line in (PROJECT / "issuers.toml").read_text(encoding="utf-8").splitlines():
        assert "<your" not in line or line.startswith("#")


def test_every_key_of_an_entry_is_described_in_the_shipped_table() -> None:
    head = (PROJECT / "issuers.toml").read_text().split("[roles]\n")[0]
    for key in (
        *("iss", "name", "client_id", "auth", "client_secret", "redirect_uri", "standalone", "scope_version", "scopes", "oidc_issuers"),
        *("endpoint_hosts", "frame_ancestors", "profile", "default_role", "signing_alg", "online_access"),
    ):
        assert re.search(rf"^#   {key} ", head, re.MULTILINE), key


def test_an_issuer_is_found_by_its_exact_address() -> None:
    assert table().find(ENTRY["iss"]).name == "Example"


@pytest.mark.parametrize(
    "iss",
    [
        "https://ehr.example.org/fhir/",
        "https://EHR.example.org/fhir",
        "https://ehr.example.org/fhir?x=1",
        "http://ehr.example.org/fhir",
        "https://ehr.example.org.evil.example/fhir",
        "https://evil.example/fhir",
        "http://169.254.169.254/latest",
        "file:///etc/passwd",
        "https://[bad",
        "<script>alert(1)</script>",
        "",
        "x" * 5000,
    ],
)
def test_any_other_address_is_unknown_and_only_its_host_is_shown(iss: str) -> None:
    with pytest.raises(UnknownIssuer) as refused:
        table().find(iss)
    assert "<" not in refused.value.message
    assert len(refused.value.message) < 200
    assert refused.value.status == 400


@pytest.mark.requirement("hl7.fhir.uv.smart-app-launch_2.2.0@10")
@pytest.mark.parametrize(
    "changes",
    [
        {"client-id": "x"},
        {"auth": "post"},
        {"auth": "basic"},
        {"client_secret": "IVIG_CLIENT_SECRET_X"},
        {"auth": "basic", "client_secret": "the secret itself"},
        {"iss": "http://ehr.example.org/fhir"},
        {"iss": "https://user:pw@ehr.example.org/fhir"},
        {"iss": "https://ehr.example.org/fhir?x=1"},
        {"iss": " https://ehr.example.org/fhir"},
        {"name": ""},
        {"client_id": 7},
        {"scopes": "openid"},
        {"scopes": [1]},
        {"scope_version": "v3"},
        {"standalone": "yes"},
        {"online_access": "yes"},
        {"signing_alg": "RS384"},
        {"auth": "private_key_jwt", "signing_alg": "RS256"},
        {"auth": "private_key_jwt", "client_secret": "IVIG_CLIENT_SECRET_X"},
        {"default_role": "unproven"},
        {"roles": {"x": "admin"}},
        {"endpoint_hosts": ["https://auth.example.org"]},
        {"frame_ancestors": ["*"]},
        {"frame_ancestors": ["https://ehr.example.org/page"]},
        {"oidc_issuers": ["http://auth.example.org"]},
        {"redirect_uri": "http://ivig.example.org/callback"},
        {"development": DEVELOPMENT},
        {"client_id": "", "development": DEVELOPMENT},
    ],
)
def test_a_wrong_entry_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(SettingsError):
        table(**changes)


@pytest.mark.parametrize("missing", ["iss", "name", "client_id"])
def test_what_is_missing_is_named(missing: str) -> None:
    with pytest.raises(SettingsError) as refused:
        read({"issuer": [{k: v for k, v in ENTRY.items() if k != missing}]})
    assert missing in refused.value.message


def test_an_open_server_has_two_different_test_users_and_no_client() -> None:
    entry = {"iss": "https://open.example.org/fhir", "name": "Open", "development": DEVELOPMENT}
    issuer = read({"issuer": [entry]}).entries[0]
    assert issuer.development
    assert issuer.prescriber is not None
    assert issuer.prescriber.display == "Test Prescriber"
    same = {"prescriber": DEVELOPMENT["prescriber"], "pharmacist": DEVELOPMENT["prescriber"]}
    with pytest.raises(SettingsError):
        read({"issuer": [{**entry, "development": same}]})


def test_an_issuer_listed_twice_is_refused() -> None:
    with pytest.raises(SettingsError):
        read({"issuer": [ENTRY, ENTRY]})


def test_an_entry_adds_its_own_roles_to_those_of_all() -> None:
    raw = {"roles": {"a|doctor": "prescriber"}, "issuer": [{**ENTRY, "roles": {"x": "nurse", "a|doctor": "nurse"}}]}
    assert read(raw).entries[0].roles == {"a|doctor": "nurse", "x": "nurse"}


def test_a_table_that_is_absent_or_not_toml_is_refused(tmp_path: Path) -> None:
    for content in (None, "[[issuer"):
        path = tmp_path / "issuers.toml"
        if content is not None:
            path.write_text(content)
        with pytest.raises(SettingsError):
            load(path)


@pytest.mark.requirement("hl7.fhir.uv.smart-app-launch_2.2.0@1")
@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://ehr.example.org/token", True),
        ("https://ehr.example.org:8443/token", True),
        ("http://127.0.0.1:5001/fhir", True),
        ("http://localhost/fhir", True),
        ("http://ehr.example.org/token", False),
        ("http://127.0.0.1.evil.example/", False),
        ("https://u@ehr.example.org/", False),
        ("https://ehr.example.org/#x", False),
        ("https://ehr.example.org:99999/", False),
        ("https://ehr.example.org\\@evil.example/", False),
        ("ftp://ehr.example.org/", False),
        ("//ehr.example.org/", False),
        ("javascript:alert(1)", False),
    ],
)
def test_an_address_is_safe_over_https_or_on_this_machine(url: str, safe: bool) -> None:
    assert safe_address(url) is safe
