"""A token for the app itself: asked with a signed assertion and system scopes, granted by what comes back, kept for its minutes only."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs

import jwt
import pytest
import requests
from an_ehr_server import Send, Wire
from journey.a_hospital import EHR, Hospital, hospital

from ivig_fhir.app import create_database, create_runtime
from ivig_fhir.errors import SettingsError, TokenFailed
from ivig_fhir.fhir.building import decode, encode
from ivig_fhir.sandbox.adapter import SandboxAdapter
from ivig_fhir.smart import issuers
from ivig_fhir.smart.backend import AppBearer
from ivig_fhir.smart.client_keys import Algorithm, make_key
from ivig_fhir.smart.issuers import Backend
from ivig_fhir.smart.scopes import allowed, delivering
from ivig_fhir.store import client_keys

ISS = f"{EHR}/fhir"
HERE = Backend("ivig-fhir-backend")


class Asked:
    """The EHR's token endpoint, watched."""

    def __init__(self, at: Hospital, backend: Backend = HERE, key: Algorithm | None = "ES384") -> None:
        self.at, self.wire = at, Wire(SandboxAdapter(at.ehr))
        at.http.mount(EHR, self.wire)
        if key:
            with create_database(at.settings).write() as tx:
                client_keys.add(tx, make_key(key), at.clock(), timedelta(hours=24))
        process = create_runtime(at.settings, at.http, at.clock)
        self.bearer = AppBearer(process.smart, process.issuer(ISS), backend, at.clock)

    @property
    def forms(self) -> list[dict[str, list[str]]]:
        """Every token request so far."""
        return [parse_qs(str(r.body)) for r in self.wire.sent if str(r.url) == f"{EHR}/auth/token"]


@pytest.fixture
def asked(tmp_path: Path) -> Iterator[Asked]:
    with hospital(tmp_path) as at:
        yield Asked(at)


@pytest.mark.parametrize("algorithm", ["ES384", "RS384"])
def test_the_assertion_names_the_app_and_the_token_endpoint_and_is_short_lived(tmp_path: Path, algorithm: Algorithm) -> None:
    with hospital(tmp_path) as at:
        made = Asked(at, Backend("ivig-fhir-backend", algorithm), algorithm)
        made.bearer.token()
        [form] = made.forms
        assert (form["grant_type"], form["scope"]) == (["client_credentials"], [" ".join(delivering())])
        assert "client_id" not in form
        claims = jwt.decode(form["client_assertion"][0], options={"verify_signature": False})
        assert claims["iss"] == claims["sub"] == "ivig-fhir-backend"
        assert claims["aud"] == f"{EHR}/auth/token"
        assert 0 < claims["exp"] - at.clock().timestamp() <= 300


def test_a_token_is_asked_for_once_and_anew_a_minute_before_it_ends(asked: Asked) -> None:
    first = asked.bearer.token()
    asked.at.clock.forward(seconds=239)
    assert asked.bearer.token() == first
    asked.at.clock.forward(seconds=1)
    assert asked.bearer.token() != first
    assert len(asked.forms) == 2
    assert asked.forms[0]["client_assertion"] != asked.forms[1]["client_assertion"]


def test_a_token_that_the_ehr_refuses_is_replaced_once_for_all_who_hold_it(asked: Asked) -> None:
    refused = asked.bearer.token()
    assert asked.bearer.renew(refused)
    assert asked.bearer.renew(refused)
    assert len(asked.forms) == 2


def test_it_opens_what_was_granted_and_no_more(asked: Asked) -> None:
    grant = asked.bearer.grant()
    assert all(allowed(grant.scope, "MedicationRequest", letter, "system") for letter in ("create", "read", "search"))
    assert not allowed(grant.scope, "MedicationRequest", "update", "system")
    assert not allowed(grant.scope, "Observation", "search", "system")
    headers = {"Authorization": f"Bearer {grant.access_token}"}
    statuses = [asked.at.http.get(f"{ISS}/{where}", headers=headers).status_code for where in ("MedicationRequest", "Observation")]
    assert statuses == [200, 403]


def test_a_system_scope_is_granted_to_no_person(tmp_path: Path) -> None:
    with hospital(tmp_path) as at:
        found = at.http.get(f"{EHR}/ehr/token", params={"user": "prescriber", "scope": "openid system/*.cruds user/Task.rs"}).json()
        assert found["scope"] == "openid user/Task.rs"


def test_without_a_key_it_says_which_one_is_missing(tmp_path: Path) -> None:
    with hospital(tmp_path) as at:
        bearer = Asked(at, key=None).bearer
        with pytest.raises(SettingsError) as refused:
            bearer.token()
    assert "no key of ours signs with it" in f"{refused.value.detail} {refused.value.message}"


def test_an_answer_that_does_not_say_what_it_grants_grants_nothing(asked: Asked) -> None:
    def silent(request: requests.PreparedRequest, send: Send) -> requests.Response:
        answer = send(request)
        if str(request.url).endswith("/auth/token"):
            answer._content = encode({k: v for k, v in decode(answer.content).items() if k != "scope"})
        return answer

    asked.wire.fault = silent
    with pytest.raises(TokenFailed):
        asked.bearer.token()


ENTRY = {"iss": "https://ehr.example.org/fhir", "name": "EHR", "client_id": "x"}
PEOPLE = {role: {"reference": f"Practitioner/{role}", "display": role} for role in ("prescriber", "pharmacist")}


def test_an_entry_names_a_client_of_the_apps_own() -> None:
    backend = {"client_id": "own", "signing_alg": "RS384", "scopes": ["system/MedicationRequest.crs"]}
    [entry] = issuers.read({"issuer": [{**ENTRY, "backend": backend}]}).entries
    assert entry.backend == Backend("own", "RS384", ("system/MedicationRequest.crs",))
    assert issuers.read({"issuer": [ENTRY]}).entries[0].backend is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"backend": {}}, "client_id must be a text"),
        ({"backend": {"client_id": "x", "secret": "y"}}, "unknown key secret"),
        ({"backend": {"client_id": "x", "signing_alg": "HS256"}}, "signing_alg must be one of"),
        ({"backend": {"client_id": "x", "scopes": ["patient/*.rs"]}}, "must be system/ scopes"),
        ({"backend": "x"}, "is not a table"),
        ({"client_id": "", "backend": {"client_id": "x"}, "development": PEOPLE}, "has no backend"),
    ],
)
def test_an_entry_that_could_not_work_is_refused_by_name(change: dict[str, object], said: str) -> None:
    item = {k: v for k, v in {**ENTRY, **change}.items() if v != ""}
    with pytest.raises(SettingsError) as refused:
        issuers.read({"issuer": [item]})
    assert said in f"{refused.value.detail} {refused.value.message}"
