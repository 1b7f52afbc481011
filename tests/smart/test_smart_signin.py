"""A whole launch against the sandbox EHR, and what ends one."""

import secrets
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urljoin, urlsplit

import pytest
import requests
import responses

from ivig_fhir.chart.queries import QUERIES
from ivig_fhir.errors import AuthorizationRefused, IdentityUnproven, MissingIssuer, StateMismatch, TokenFailed, UnknownIssuer
from ivig_fhir.sandbox.adapter import SandboxAdapter
from ivig_fhir.sandbox.server import create_sandbox
from ivig_fhir.sandbox.settings import SandboxSettings
from ivig_fhir.settings import PROJECT
from ivig_fhir.smart.context import role_of
from ivig_fhir.smart.credentials import Credentials
from ivig_fhir.smart.issuers import Issuer, Issuers, TestUser, load
from ivig_fhir.smart.launch import LaunchSecrets, PendingLaunch
from ivig_fhir.smart.scopes import allowed
from ivig_fhir.smart.signin import SmartClient, begin, complete
from tests.an_ehr import (
    BASE,
    ISSUER,
    JWKS,
    NOW,
    OPENID,
    PENDING,
    REVOKE,
    TOKEN,
    WELL_KNOWN,
    claims,
    id_token,
    metadata,
    public_jwk,
    rsa_key,
)

SANDBOX = "http://127.0.0.1:5001"
CALLBACK = "http://127.0.0.1:5000/callback"
ROWS = [query.scope for query in QUERIES]


@pytest.fixture(scope="module")
def http() -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    session.mount(SANDBOX, SandboxAdapter(create_sandbox(SandboxSettings())))
    return session


@pytest.fixture
def client(http: requests.Session) -> SmartClient:
    return SmartClient(load(PROJECT / "issuers.toml"), CALLBACK, http)


def launched(client: SmartClient, user: str, target: str = "orders", fault: str = "") -> dict[str, str]:
    """The parameters with which the EHR opens the app."""
    params = {"user": user, "target": target, "fault": fault, **({"patient": "cidp-adult"} if target == "orders" else {})}
    answer = client.http.get(f"{SANDBOX}/ehr/launch", params=params, allow_redirects=False)
    assert answer.status_code == 302
    return dict(parse_qsl(urlsplit(answer.headers["Location"]).query))


def journey(client: SmartClient, user: str, target: str = "orders", fault: str = "") -> tuple[dict[str, str], PendingLaunch]:
    """From the EHR's button to the callback."""
    opened = launched(client, user, target, fault)
    drawn = LaunchSecrets.draw(secrets.token_urlsafe)
    kind = "order" if target == "orders" else "pharmacy"
    pending, sent = begin(client, opened["iss"], opened["launch"], kind, ROWS, drawn, datetime.now(UTC))  # type: ignore[arg-type]
    if sent.method == "POST":
        answer = client.http.post(sent.url, data=dict(sent.fields), allow_redirects=False)
    else:
        answer = client.http.get(sent.url, allow_redirects=False)
    back = urljoin(sent.url, answer.headers["Location"])
    assert back.startswith(CALLBACK + "?")
    callback = dict(parse_qsl(urlsplit(back).query))
    assert callback["state"] == drawn.state
    return callback, pending


@pytest.mark.requirement("hl7.fhir.uv.smart-app-launch_2.2.0@29", "@161", "@202", "@218")
@pytest.mark.parametrize(
    ("user", "expected"), [("prescriber", "prescriber"), ("pharmacist", "pharmacist"), ("nurse", "nurse"), ("stranger", "stranger")]
)
def test_a_launch_from_the_sandbox_ends_with_a_proven_person_and_their_role(client: SmartClient, user: str, expected: str) -> None:
    callback, pending = journey(client, user)
    signed_in = complete(client, callback, pending, datetime.now(UTC))
    context = signed_in.context
    assert (context.iss, context.patient, context.user) == (f"{SANDBOX}/fhir", "cidp-adult", f"Practitioner/{user}")
    assert context.identity is not None
    assert context.identity.verified
    assert allowed(context.scope, "Patient", "read")
    bearer = {"Authorization": f"Bearer {signed_in.token.access_token}"}
    bundle = client.http.get(f"{SANDBOX}/fhir/PractitionerRole", params={"practitioner": context.user}, headers=bearer).json()
    roles = [entry["resource"] for entry in bundle.get("entry", [])]
    assert roles
    assert role_of(context.identity, roles, client.issuers.find(context.iss), datetime.now(UTC).date()) == expected


def test_a_prescriber_is_granted_what_the_order_needs(client: SmartClient) -> None:
    scope = complete(client, *journey(client, "prescriber"), datetime.now(UTC)).context.scope
    for query in QUERIES:
        assert allowed(scope, query.type, "search"), query.key
    for kind in ("MedicationRequest", "Task", "Provenance", "DetectedIssue", "RequestGroup", "ServiceRequest"):
        assert allowed(scope, kind, "create"), kind


def test_the_worklist_is_launched_without_a_patient(client: SmartClient) -> None:
    context = complete(client, *journey(client, "pharmacist", "pharmacy"), datetime.now(UTC)).context
    assert (context.patient, context.target, context.user) == (None, "pharmacy", "Practitioner/pharmacist")
    assert allowed(context.scope, "Task", "update", "user")


def test_a_narrowed_grant_is_seen_as_narrowed(client: SmartClient) -> None:
    context = complete(client, *journey(client, "prescriber", fault="narrowed-scopes"), datetime.now(UTC)).context
    assert not allowed(context.scope, "AllergyIntolerance", "search")
    assert not allowed(context.scope, "Provenance", "create")
    assert allowed(context.scope, "Condition", "search")


def test_a_client_with_a_secret_is_let_in(http: requests.Session) -> None:
    entry = replace(
        load(PROJECT / "issuers.toml").entries[0],
        client_id="ivig-fhir-confidential",
        auth="basic",
        client_secret="IVIG_CLIENT_SECRET_SANDBOX",
    )
    known = SmartClient(Issuers((entry,)), CALLBACK, http, Credentials({"IVIG_CLIENT_SECRET_SANDBOX": "sandbox-demonstration-secret"}))
    assert complete(known, *journey(known, "prescriber"), datetime.now(UTC)).context.patient == "cidp-adult"
    wrong = replace(known, credentials=Credentials({"IVIG_CLIENT_SECRET_SANDBOX": "wrong"}))
    with pytest.raises(TokenFailed):
        complete(wrong, *journey(wrong, "prescriber"), datetime.now(UTC))


def test_a_code_is_used_once(client: SmartClient) -> None:
    callback, pending = journey(client, "prescriber")
    complete(client, callback, pending, datetime.now(UTC))
    with pytest.raises(TokenFailed):
        complete(client, callback, pending, datetime.now(UTC))


@pytest.mark.requirement("hl7.fhir.uv.smart-app-launch_2.2.0@13", "@70")
def test_a_code_without_its_verifier_is_worth_nothing(client: SmartClient) -> None:
    callback, pending = journey(client, "prescriber")
    with pytest.raises(TokenFailed):
        complete(client, callback, replace(pending, verifier="w" * 86), datetime.now(UTC))


def test_an_identity_of_another_launch_is_refused(client: SmartClient) -> None:
    callback, pending = journey(client, "prescriber")
    with pytest.raises(IdentityUnproven):
        complete(client, callback, replace(pending, nonce="another"), datetime.now(UTC))


# ── Without the sandbox ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def wire() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.get(WELL_KNOWN, json=metadata())
        mock.get(OPENID, status=404)
        mock.get(JWKS, json={"keys": [public_jwk(rsa_key(), kid="k1")]})
        mock.post(REVOKE)
        yield mock


def an_app(*issuers: Issuer) -> SmartClient:
    return SmartClient(Issuers(issuers or (ISSUER,)), CALLBACK, requests.Session())


SECRETS = LaunchSecrets("s", "n", "v" * 86)
CALLED = {"state": "s", "code": "c"}
GRANT = {"access_token": "at-1", "token_type": "Bearer", "scope": "patient/Patient.r", "patient": "p1"}


def called(wire: responses.RequestsMock) -> list[str]:
    return [str(call.request.url) for call in wire.calls]


def test_an_unknown_issuer_is_refused_before_any_request(wire: responses.RequestsMock) -> None:
    with pytest.raises(UnknownIssuer):
        begin(an_app(), "https://evil.example/fhir", "x", "order", ROWS, SECRETS, NOW)
    with pytest.raises(MissingIssuer):
        begin(an_app(), "", "x", "order", ROWS, SECRETS, NOW)
    assert called(wire) == []


def test_a_standalone_launch_must_be_allowed_by_the_entry(wire: responses.RequestsMock) -> None:
    with pytest.raises(MissingIssuer):
        begin(an_app(), BASE, None, "order", ROWS, SECRETS, NOW)
    pending, _ = begin(an_app(replace(ISSUER, standalone=True)), BASE, None, "order", ROWS, SECRETS, NOW)
    assert pending.standalone


def test_an_open_server_is_not_launched(wire: responses.RequestsMock) -> None:
    open_server = Issuer(BASE, "x", prescriber=TestUser("Practitioner/a", "A"), pharmacist=TestUser("Practitioner/b", "B"))
    with pytest.raises(MissingIssuer):
        begin(an_app(open_server), BASE, "x", "order", ROWS, SECRETS, NOW)


@pytest.mark.requirement("hl7.fhir.uv.smart-app-launch_2.2.0@21", "@34")
def test_fixed_scopes_and_a_redirect_address_of_the_entry_replace_ours(wire: responses.RequestsMock) -> None:
    issuer = replace(ISSUER, scopes=("openid", "patient/Patient.read"), redirect_uri="https://proxy.example/callback")
    pending, _ = begin(an_app(issuer), BASE, "x", "order", ROWS, SECRETS, NOW)
    assert (pending.scope, pending.redirect_uri) == ("openid patient/Patient.read", "https://proxy.example/callback")


def test_what_a_kind_of_server_wants_beside_smarts_own_scopes_is_asked_too_unless_the_entry_names_them(
    wire: responses.RequestsMock,
) -> None:
    def beside(issuer: Issuer) -> tuple[str, ...]:
        return (f"api:{issuer.profile}",)

    pending, _ = begin(an_app(), BASE, "x", "order", ROWS, SECRETS, NOW, beside)
    assert pending.scope.split()[-1] == "api:generic"
    pending, _ = begin(an_app(replace(ISSUER, scopes=("openid",))), BASE, "x", "order", ROWS, SECRETS, NOW, beside)
    assert pending.scope == "openid"


@pytest.mark.parametrize(
    ("declared", "setting", "old"), [(["permission-v1"], "auto", True), ([], "auto", False), (["permission-v2"], "v1", True)]
)
def test_the_form_of_scopes_follows_the_server_or_the_entry(
    wire: responses.RequestsMock, declared: list[str], setting: str, old: bool
) -> None:
    wire.replace("GET", WELL_KNOWN, json=metadata(capabilities=declared))
    pending, _ = begin(an_app(replace(ISSUER, scope_version=setting)), BASE, "x", "order", ROWS, SECRETS, NOW)  # type: ignore[arg-type]
    assert ("patient/Patient.read" in pending.scope.split()) is old


@pytest.mark.parametrize("pending", [None, replace(PENDING, created=NOW - timedelta(minutes=11))])
def test_a_wrong_state_makes_no_request(wire: responses.RequestsMock, pending: PendingLaunch | None) -> None:
    with pytest.raises(StateMismatch):
        complete(an_app(), CALLED, pending, NOW)
    assert called(wire) == []


def test_a_refused_sign_in_makes_no_request(wire: responses.RequestsMock) -> None:
    with pytest.raises(AuthorizationRefused):
        complete(an_app(), {**CALLED, "error": "access_denied"}, PENDING, NOW)
    assert called(wire) == []


def test_a_token_is_handed_back_when_the_identity_does_not_hold(wire: responses.RequestsMock) -> None:
    wire.post(TOKEN, json={**GRANT, "refresh_token": "rt-1", "id_token": id_token(claims(nonce="another"))})
    with pytest.raises(IdentityUnproven):
        complete(an_app(), CALLED, PENDING, NOW)
    assert "token=rt-1" in str(wire.calls[-2].request.body)
    assert called(wire)[-1] == REVOKE
    assert "token=at-1" in str(wire.calls[-1].request.body)


def test_a_launch_without_an_id_token_leaves_someone_who_may_look(wire: responses.RequestsMock) -> None:
    wire.post(TOKEN, json={**GRANT, "fhirUser": "Practitioner/claimed-without-proof"})
    context = complete(an_app(), CALLED, PENDING, NOW).context
    assert (context.identity, context.user) == (None, "")
    assert role_of(context.identity, [], replace(ISSUER, default_role="prescriber")) == "unproven"


def test_after_a_failed_token_call_the_configuration_is_read_anew(wire: responses.RequestsMock) -> None:
    wire.post(TOKEN, status=404)
    app = an_app()
    with pytest.raises(TokenFailed):
        complete(app, CALLED, PENDING, NOW)
    with pytest.raises(TokenFailed):
        complete(app, CALLED, PENDING, NOW)
    assert called(wire).count(WELL_KNOWN) == 2
