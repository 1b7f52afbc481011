"""`ivig-fhir doctor`: what an EHR supports, what stands in the way and what to do about it; and what could not be seen."""

from __future__ import annotations

import gzip
import json
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
import responses
from an_ehr import BASE, JWKS, OPENID, WELL_KNOWN, metadata, public_jwk, rsa_key
from an_ehr_server import bundle, condition, outcome
from journey.a_hospital import EHR, ISS, Hospital

from ivig_fhir.chart.queries import TYPES
from ivig_fhir.cli import main
from ivig_fhir.cli.doctor import EXIT, as_text
from ivig_fhir.ehr.client import pooled_session
from ivig_fhir.ehr.modes import WRITTEN
from ivig_fhir.sandbox.server import bind
from ivig_fhir.sandbox.settings import SandboxSettings
from ivig_fhir.settings import PROJECT
from ivig_fhir.smart.client_keys import make_key
from ivig_fhir.smart.credentials import Credentials
from ivig_fhir.smart.issuers import Backend, Issuer, load, read
from ivig_fhir.smart.scopes import delivering
from ivig_fhir.workflow.doctor import Report, diagnose

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
CALLBACK = "https://ivig.example.org/callback"
ENTRY = Issuer(BASE, "Example EHR", client_id="ivig")
EPIC = "https://fhir.epic.com/interconnect-fhir-oauth/api/FHIR/R4"
CERNER = "https://fhir-open.cerner.com/r4/ec2458f2-1e24-41c8-b71b-0e701af7583d"


KEY = make_key("ES384")
SIGNS = Credentials(signing_key=lambda algorithm, now: KEY if algorithm == KEY.algorithm else None)


def look(
    http: requests.Session, iss: str, *entries: Issuer, token: str = "", patient: str | None = None, credentials: Credentials | None = None
) -> Report:
    return diagnose(http, iss, entries, CALLBACK, credentials or Credentials(), NOW, token, patient)


def states(report: Report) -> dict[str, str]:
    return {remark.id: remark.state for remark in report.remarks}


def said(report: Report, id_: str) -> str:
    return " ".join(f"{remark.said} {remark.remedy}" for remark in report.remarks if remark.id == id_)


# ── The sandbox ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_sandbox_is_as_the_app_needs_it(at: Hospital) -> None:
    report = look(at.http, ISS, *load(PROJECT / "issuers.toml").entries, credentials=SIGNS)
    assert {id_: state for id_, state in states(report).items() if state != "ok"} == {"searching": "note"}
    made = report.to_json()
    assert (made["backend"]["client_credentials"], made["backend"]["private_key_jwt"]) == ("yes", "yes")
    assert (made["outcome"], made["listed"], made["profile"], made["entry"]) == ("note", True, "generic", None)
    assert made["write_mode"]["mode"] == "transaction"
    assert set(made["write_mode"]["creates"]) == set(WRITTEN)
    assert made["redirect_uri"] == CALLBACK
    assert made["interactions"]["MedicationRequest"] == [
        *("create", "delete", "history-instance", "read", "search-type", "update", "vread"),
    ]
    assert set(made["interactions"]) >= {"Patient", "PractitionerRole", *TYPES, *WRITTEN}
    assert "MedicationRequest create, delete" in as_text(report)
    assert "patient/Observation.rs" in made["scopes"]["order"]
    assert "user/Task.crus" in made["scopes"]["pharmacy"]
    assert made["endpoints"]["token"] == f"{EHR}/auth/token"


def test_with_a_token_one_chart_is_read_and_the_searches_are_tried(at: Hospital) -> None:
    report = look(at.http, ISS, *load(PROJECT / "issuers.toml").entries, token=at.token(), patient="cidp-adult", credentials=SIGNS)
    assert set(states(report).values()) == {"ok"}
    assert "One chart was read: 23 resources" in said(report, "searching")
    text = json.dumps(report.to_json()) + as_text(report)
    assert "cidp-adult" not in text and "Sampleton" not in text and at.token() not in text


def test_a_type_that_may_not_be_read_is_named(at: Hospital) -> None:
    token = at.http.get(f"{EHR}/ehr/token", params={"user": "prescriber", "patient": "cidp-adult", "fault": "narrowed-scopes"}).json()
    report = look(at.http, ISS, *load(PROJECT / "issuers.toml").entries, token=token["access_token"], patient="cidp-adult")
    assert states(report)["searching"] == "note"
    assert "AllergyIntolerance (not-permitted)" in said(report, "searching")


def test_an_address_that_is_not_in_the_table_is_looked_at_and_its_entry_is_proposed(at: Hospital) -> None:
    report = look(at.http, ISS)
    assert states(report)["table"] == "note"
    assert "the app refuses it" in said(report, "table")
    assert f'iss = "{ISS}"' in report.entry
    assert report.entry in as_text(report).replace("        ", "")
    assert look(pooled_session(), "http://127.0.0.1:9/fhir").entry == ""
    [proposed] = read({"issuer": [_toml(report.entry)]}).entries
    assert (proposed.iss, proposed.auth, proposed.default_role) == (ISS, "public", "stranger")


def _toml(text: str) -> dict[str, Any]:
    import tomllib

    found: dict[str, Any] = tomllib.loads(text)["issuer"][0]
    return found


# ── A sign-in with faults ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def fake() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as server:
        yield server


@pytest.fixture
def ehr(fake: responses.RequestsMock) -> Callable[..., None]:
    """The example EHR: its smart-configuration with changes, keys, metadata; what is asked of data wants a token."""

    def publish(keys: Any = None, statement: Any = None, status: int = 200, **changes: Any) -> None:
        fake.get(WELL_KNOWN, json=metadata(**changes), status=status)
        fake.get(OPENID, status=404)
        fake.get(JWKS, json={"keys": [public_jwk(rsa_key(), kid="1")]} if keys is None else keys)
        fake.get(f"{BASE}/metadata", json=declared() if statement is None else statement)
        fake.get(f"{BASE}/Patient", status=401)

    return publish


def declared(
    version: str = "4.0.1",
    types: Any = (*TYPES, *WRITTEN, "Patient"),
    software: str = "Example",
    interactions: Any = ("read", "search-type", "create", "update"),
) -> dict[str, Any]:
    codes = [{"code": c} for c in interactions]
    rows = [{"type": t, "interaction": codes, "conditionalCreate": True, "searchParam": [{"name": "identifier"}]} for t in types]
    rest = [{"mode": "server", "resource": rows, "interaction": [{"code": "transaction"}]}]
    return {"resourceType": "CapabilityStatement", "fhirVersion": version, "software": {"name": software}, "rest": rest}


@pytest.mark.parametrize(
    ("changes", "id_", "state", "words"),
    [
        ({"code_challenge_methods_supported": ["plain"]}, "discovery", "problem", "PKCE without S256"),
        ({"code_challenge_methods_supported": ["S256", "plain"]}, "pkce", "note", "plain"),
        ({"code_challenge_methods_supported": None}, "pkce", "note", "sends S256 in any case"),
        ({"token_endpoint": None}, "discovery", "problem", "endpoints missing"),
        ({"token_endpoint": "https://login.example.org/token"}, "endpoints", "problem", 'endpoint_hosts = ["login.example.org"]'),
        ({"token_endpoint": "http://ehr.example.org/token"}, "discovery", "problem", "not an https address"),
        ({"capabilities": ["permission-v1"]}, "offered", "note", "asked in v1. It does not name launch-ehr"),
        ({"jwks_uri": "https://ehr.example.org/none"}, "keys", "problem", "No usable key"),
        ({"keys": {"keys": [{"kty": "oct", "k": "x"}]}}, "keys", "problem", "oidc_issuers"),
        ({"keys": ["x"]}, "keys", "problem", "No usable key"),
        ({"issuer": None, "jwks_uri": None}, "keys", "unseen", "look and not act"),
        ({"status": 404, "statement": declared()}, "discovery", "problem", "no oauth-uris in metadata"),
        ({"status": 500}, "discovery", "problem", "smart-configuration answered 500"),
        ({"statement": declared("3.0.1")}, "metadata", "problem", "FHIR R4 (4.0.1)"),
        ({"statement": outcome("login", "x")}, "metadata", "problem", "GET <base>/metadata"),
        ({"statement": declared(types=(*WRITTEN, "Patient", "Observation"))}, "reading", "note", "Not declared: Condition"),
        ({"statement": declared(types=WRITTEN)}, "reading", "problem", "Patient"),
        ({"statement": declared(types=(*TYPES, "Patient"))}, "writing", "note", "Not stored in the EHR"),
        ({"statement": declared(types=[t for t in (*TYPES, "Patient") if t != "MedicationRequest"])}, "writing", "note", "copied by hand"),
        ({"statement": declared(interactions=("read", "search-type", "create"))}, "verifying", "note", "no decision is stored"),
        ({"statement": declared(types=[t for t in (*TYPES, *WRITTEN, "Patient") if t != "Task"])}, "verifying", "note", "own store"),
        ({"statement": declared(software="HAPI FHIR Server")}, "profile", "note", 'profile = "hapi"'),
    ],
)
def test_each_fault_is_said_with_what_to_do_about_it(
    ehr: Callable[..., None], fake: responses.RequestsMock, changes: dict[str, Any], id_: str, state: str, words: str
) -> None:
    fake.get("https://ehr.example.org/none", status=404)
    ehr(**changes)
    report = look(pooled_session(), BASE, ENTRY)
    assert states(report)[id_] == state
    assert words in said(report, id_)
    assert as_text(report)
    assert EXIT[report.outcome] == {"problem": 1, "unseen": 3, "note": 0}[state]


def test_an_ehr_without_a_fault_has_no_problem(ehr: Callable[..., None]) -> None:
    ehr(
        capabilities=["permission-v2", "launch-ehr", "sso-openid-connect", "context-ehr-patient"],
        token_endpoint_auth_methods_supported=["none"],
    )
    report = look(pooled_session(), BASE, ENTRY)
    assert {id_: state for id_, state in states(report).items() if state != "ok"} == {"searching": "note"}


@pytest.mark.parametrize(
    ("entry", "methods", "state", "words"),
    [
        ({"auth": "basic", "client_secret": "IVIG_CLIENT_SECRET_X"}, ["client_secret_basic"], "problem", "IVIG_CLIENT_SECRET_X"),
        ({"auth": "private_key_jwt"}, ["private_key_jwt"], "problem", "ivig-fhir keys new"),
        ({"auth": "public"}, ["client_secret_post"], "ok", "ivig, public"),
    ],
)
def test_how_the_app_would_prove_itself_is_tried(
    ehr: Callable[..., None], entry: dict[str, Any], methods: list[str], state: str, words: str
) -> None:
    ehr(token_endpoint_auth_methods_supported=methods)
    report = look(pooled_session(), BASE, Issuer(BASE, "Example EHR", client_id="ivig", **entry))
    assert states(report)["client"] == state
    assert words in said(report, "client")


def test_a_way_that_the_ehr_does_not_offer_is_a_problem_and_no_secret_is_shown(ehr: Callable[..., None]) -> None:
    ehr(token_endpoint_auth_methods_supported=["private_key_jwt"])
    entry = Issuer(BASE, "Example EHR", client_id="ivig", auth="basic", client_secret="IVIG_CLIENT_SECRET_X")
    report = look(pooled_session(), BASE, entry, credentials=Credentials({"IVIG_CLIENT_SECRET_X": "canary-secret"}))
    assert states(report)["client"] == "problem"
    assert "the EHR offers private_key_jwt" in said(report, "client")
    assert "canary" not in as_text(report) + json.dumps(report.to_json())


# ── The app by itself ────────────────────────────────────────────────────────────────────────────────────────────────

OFFERED = {"grant_types_supported": ["client_credentials"], "token_endpoint_auth_methods_supported": ["none", "private_key_jwt"]}


@pytest.mark.parametrize(
    ("published", "backend", "credentials", "state", "words"),
    [
        (OFFERED, Backend("own"), SIGNS, "ok", f"As own: client_credentials is offered, private_key_jwt is offered; key {KEY.kid} for ES384"),
        (OFFERED, Backend("own"), Credentials(), "note", "no key for ES384; 6 system scopes, the app's list. Make a key"),
        (OFFERED, Backend("own", "RS384"), SIGNS, "note", "ivig-fhir keys new --algorithm RS384"),
        (OFFERED, Backend("own", scopes=("system/Task.rs",)), SIGNS, "note", "1 system scopes, from its entry. Put system/MedicationRequest"),
        (OFFERED | {"grant_types_supported": ["authorization_code"]}, Backend("own"), SIGNS, "note", "client_credentials is not offered"),
        (OFFERED | {"token_endpoint_auth_methods_supported": ["none"]}, Backend("own"), SIGNS, "note", "private_key_jwt is not offered"),
        ({"grant_types_supported": None}, Backend("own"), SIGNS, "note", "client_credentials is not named"),
        ({"status": 500}, Backend("own"), SIGNS, "note", "private_key_jwt is not named"),
    ],
)  # fmt: skip
def test_whether_the_app_would_get_a_token_with_nobody_signed_in(
    ehr: Callable[..., None], published: dict[str, Any], backend: Backend, credentials: Credentials, state: str, words: str
) -> None:
    ehr(**published)
    entry = Issuer(BASE, "Example EHR", client_id="ivig", backend=backend)
    report = look(pooled_session(), BASE, entry, credentials=credentials)
    assert states(report)["backend"] == state
    assert words in said(report, "backend")
    made = report.to_json()["backend"]
    assert made["scopes"] == list(backend.scopes or delivering())
    assert made["key"] == (KEY.kid if credentials is SIGNS and backend.signing_alg == "ES384" else None)
    text = as_text(report) + json.dumps(report.to_json())
    assert made["scopes"][0] in as_text(report)
    assert "PRIVATE" not in text
    assert KEY.pem.splitlines()[1] not in text


def test_of_an_entry_without_a_client_of_the_app_nothing_is_said(ehr: Callable[..., None]) -> None:
    ehr()
    report = look(pooled_session(), BASE, ENTRY)
    assert ("backend" in states(report), report.to_json()["backend"]) == (False, None)


def test_nothing_of_another_address_is_asked_but_what_the_issuer_publishes(ehr: Callable[..., None], fake: responses.RequestsMock) -> None:
    ehr()
    look(pooled_session(), BASE, ENTRY)
    assert {call.request.url.partition("?")[0] for call in fake.calls} == {WELL_KNOWN, OPENID, JWKS, f"{BASE}/metadata", f"{BASE}/Patient"}
    assert {call.request.method for call in fake.calls} == {"GET"}


# ── A server that answers oddly ──────────────────────────────────────────────────────────────────────────────────────


def searched(fake: responses.RequestsMock, answer: Callable[[str, dict[str, str]], Any]) -> Report:
    """The example EHR, open, whose searches are answered by a function of type and parameters: a status or a body."""
    fake.get(WELL_KNOWN, status=404)
    fake.get(f"{BASE}/metadata", json=declared())
    fake.get(f"{BASE}/Patient/p1", json={"resourceType": "Patient", "id": "p1"})

    def found(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        said = answer(str(request.url).split("?")[0].rsplit("/", 1)[1], dict(request.params))  # type: ignore[attr-defined]
        return (said, {}, json.dumps(outcome("invalid", "not so"))) if isinstance(said, int) else (200, {}, json.dumps(said))

    for type_ in ("Patient", *TYPES):
        fake.add_callback(responses.GET, f"{BASE}/{type_}", callback=found)
    return look(pooled_session(), BASE)


def observation(id_: str = "o1") -> dict[str, Any]:
    return {"resourceType": "Observation", "id": id_, "status": "final", "code": {"text": "x"}, "subject": {"reference": "Patient/p1"}}


def usual(type_: str, asked: dict[str, str]) -> Any:
    """A server without faults."""
    if "ivig-unknown-parameter" in asked:
        return 400
    if type_ == "Patient":
        return bundle({"resourceType": "Patient", "id": "p1"})
    return bundle(observation()) if type_ == "Observation" else bundle()


def test_an_open_server_is_tried_on_the_first_patient_it_shows(fake: responses.RequestsMock) -> None:
    report = searched(fake, usual)
    assert states(report) == {
        **dict.fromkeys(("redirect", "metadata", "profile", "reading", "writing", "verifying", "searching"), "ok"),
        **dict.fromkeys(("patient-parameter", "unknown-parameter", "identifier", "paging"), "ok"),
        **{"table": "note", "discovery": "unseen"},
    }
    assert "[issuer.development]" in report.entry
    assert read({"issuer": [_toml(report.entry)]}).entries[0].development


@pytest.mark.parametrize(
    ("odd", "id_", "state", "words"),
    [
        (lambda t, a: bundle(observation()) if "ivig-unknown-parameter" in a else None, "unknown-parameter", "note", "without a word"),
        (
            lambda t, a: bundle({**condition("m1"), "resourceType": "MedicationRequest"}) if "identifier" in a else None,
            *("identifier", "problem", "found_by_identifier = no"),
        ),
        (lambda t, a: 400 if "identifier" in a else None, "identifier", "note", "looked up by hand"),
        (
            lambda t, a: bundle() if t == "Observation" and a.get("patient") == "p1" else None,
            *("patient-parameter", "problem", "would look absent"),
        ),
        (
            lambda t, a: (
                bundle(observation(), following="https://other.example.org/next") if a.get("_count") == "1" and t == "Observation" else None
            ),
            *("paging", "problem", "another server"),
        ),
        (lambda t, a: 403 if t == "AllergyIntolerance" else None, "searching", "note", "AllergyIntolerance (not-permitted)"),
        (lambda t, a: 403 if t == "Observation" else None, "searching", "problem", "Observation (not-permitted)"),
        (lambda t, a: bundle() if t == "Patient" else None, "searching", "unseen", "shows no patient"),
        (lambda t, a: 400 if t == "Patient" else None, "searching", "unseen", "some servers list none"),
    ],
)
def test_each_oddity_of_a_search_is_said(
    fake: responses.RequestsMock, odd: Callable[[str, dict[str, str]], Any], id_: str, state: str, words: str
) -> None:
    def answer(type_: str, asked: dict[str, str]) -> Any:
        own = odd(type_, asked)
        return usual(type_, asked) if own is None else own

    report = searched(fake, answer)
    assert states(report)[id_] == state
    assert words in said(report, id_)
    assert as_text(report)


# ── Recorded vendors ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("vendor", "base", "profile", "discovery"), [("epic", EPIC, "epic", "note"), ("cerner", CERNER, "oracle", "unseen")]
)
def test_of_a_recorded_vendor_it_says_what_it_saw_and_what_it_could_not_see(
    shared: Path, fake: responses.RequestsMock, vendor: str, base: str, profile: str, discovery: str
) -> None:
    [file] = (shared / "data" / "vendor" / vendor / "server").glob("CapabilityStatement*")
    raw = json.loads(gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes())
    fake.get(f"{base}/metadata", json=raw.get("body", raw))
    fake.get(f"{base}/.well-known/smart-configuration", status=404)
    fake.get(f"{base}/Patient", status=401)
    report = look(pooled_session(), base)
    seen = states(report)
    assert (seen["discovery"], report.to_json()["profile"], report.server.mode.mode) == (discovery, profile, report.server.mode.mode)
    assert report.server.mode.mode in ("hand-off", "read-only")
    assert "does not let apps create orders" in said(report, "writing")
    assert "a token no search was tried" in said(report, "searching")
    assert EXIT[report.outcome] == 3
    if vendor == "epic":
        assert {id_ for id_, state in seen.items() if state == "unseen"} == {"pkce", "client", "keys"}
        assert report.to_json()["endpoints"]["token"].startswith("https://fhir.epic.com/")
        assert "Not declared: MedicationStatement, ClaimResponse." in said(report, "reading")
    else:
        assert "no oauth-uris in metadata" in said(report, "discovery")


def test_the_entry_for_epic_that_waits_in_the_table_knows_who_signs_there(shared: Path, fake: responses.RequestsMock) -> None:
    """With what the standards say of Epic's smart-configuration: the signer is not the FHIR base."""
    signer = "https://fhir.epic.com/interconnect-fhir-oauth/oauth2"
    document = {
        "authorization_endpoint": f"{signer}/authorize", "token_endpoint": f"{signer}/token", "issuer": signer, "jwks_uri": f"{signer}/keys",
        "code_challenge_methods_supported": ["S256"], "capabilities": ["launch-ehr", "permission-v2", "sso-openid-connect"],
    }  # fmt: skip
    fake.get(f"{EPIC}/.well-known/smart-configuration", json=document)
    fake.get(f"{signer}/.well-known/openid-configuration", json={"issuer": signer, "jwks_uri": f"{signer}/keys"})
    fake.get(f"{signer}/keys", json={"keys": [public_jwk(rsa_key(), kid="1")]})
    fake.get(f"{EPIC}/metadata", json=declared(software="Epic"))
    fake.get(f"{EPIC}/Patient", status=401)
    entry = Issuer(EPIC, "Epic sandbox", client_id="x", oidc_issuers=(signer,), profile="epic")
    report = look(pooled_session(), EPIC, entry)
    assert (states(report)["keys"], states(report)["endpoints"], report.server.mode.mode) == ("ok", "ok", "hand-off")


# ── Development entries, and the command ─────────────────────────────────────────────────────────────────────────────


def test_a_development_entry_says_that_nobody_signs_in_and_whether_its_test_users_are_there(fake: responses.RequestsMock) -> None:
    text = (PROJECT / "issuers.toml").read_text(encoding="utf-8").partition("# HAPI's public test server")[2].partition("\n\n")[0]
    raw = _toml("\n".join(line.removeprefix("#") for line in text.splitlines() if not line.startswith("# ") and line.startswith("#")))
    base = raw["iss"]
    fake.get(f"{base}/metadata", json=declared(software="HAPI FHIR Server"))
    fake.get(f"{base}/Practitioner/ivig-test-prescriber", json={"resourceType": "Practitioner", "id": "ivig-test-prescriber"})
    fake.get(f"{base}/Practitioner/ivig-test-pharmacist", status=404)
    fake.get(f"{base}/Patient", json=bundle())
    report = look(pooled_session(), base, *read({"issuer": [raw]}).entries)
    assert "nobody signs in, and every page says so" in said(report, "discovery")
    assert "ivig-test-prescriber is there." in said(report, "test-user")
    assert "is made when it signs for the first time" in said(report, "test-user")
    assert report.to_json()["scopes"] is None


def test_an_address_over_http_is_a_problem_elsewhere_than_on_this_machine(fake: responses.RequestsMock) -> None:
    report = look(pooled_session(), "http://ehr.example.org/fhir")
    assert states(report)["table"] == "problem"


def test_the_command_ends_with_1_where_nobody_answers(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "http://127.0.0.1:9/fhir", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["schema"], found["outcome"], found["iss"]) == ("ivig-fhir/doctor/1", "problem", "http://127.0.0.1:9/fhir")
    assert {"id", "state", "said", "remedy"} == set(found["remarks"][0])


def test_without_an_address_every_entry_of_the_table_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "issuers.toml"
    entries = "".join(f'[[issuer]]\niss = "http://127.0.0.1:{port}/fhir"\nname = "N"\nclient_id = "x"\n' for port in (9, 7))
    table.write_text(entries, encoding="utf-8")
    monkeypatch.setenv("IVIG_ISSUERS", str(table))
    assert main(["doctor", "--format", "json"]) == 1
    assert [found["iss"] for found in json.loads(capsys.readouterr().out)] == ["http://127.0.0.1:9/fhir", "http://127.0.0.1:7/fhir"]
    assert main(["doctor"]) == 1
    assert capsys.readouterr().out.count("A problem stands in the way.") == 2


@pytest.fixture
def listening(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A sandbox EHR that listens, as the one entry of the issuer table."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    base = f"http://127.0.0.1:{port}"
    table = tmp_path / "issuers.toml"
    table.write_text((PROJECT / "issuers.toml").read_text(encoding="utf-8").replace(EHR, base), encoding="utf-8")
    monkeypatch.setenv("IVIG_ISSUERS", str(table))
    server = bind(SandboxSettings(base, database=str(tmp_path / "ehr.sqlite")), "127.0.0.1", port)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield base
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_command_ends_with_0_on_a_sandbox_that_listens(listening: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    said = capsys.readouterr()
    assert said.out.splitlines()[0] == f"{listening}/fhir"
    assert said.out.endswith("The app would work here; read the notes.\n")
    assert said.err == ""
    token = tmp_path / "token.json"
    token.write_bytes(requests.get(f"{listening}/ehr/token?user=prescriber&patient=cidp-adult", timeout=10).content)
    assert main(["doctor", f"{listening}/fhir", "--token-file", str(token), "--patient", "cidp-adult"]) == 0
    told = capsys.readouterr().out
    assert told.count("note    ") == 1
    assert "note    The app by itself: As ivig-fhir-backend: client_credentials is offered, private_key_jwt is offered; no key" in told
    assert told.endswith("The app would work here; read the notes.\n")


def test_wrong_usage_is_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "ehr.example.org"]) == 2
    token = tmp_path / "token"
    token.write_text("canary")
    assert main(["doctor", "http://ehr.example.org/fhir", "--token-file", str(token)]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 2
    assert "canary" not in said
