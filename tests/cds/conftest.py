"""An EHR that calls: the cast's charts as prefetch, a clock that stands still, keys of its own, and the entrance it calls."""

from __future__ import annotations

import copy
import itertools
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from flask import Flask

from ivig_fhir.cds.routes import cds_blueprint
from ivig_fhir.chart.queries import QUERIES
from ivig_fhir.content.load import load_content
from ivig_fhir.content.model import Content
from ivig_fhir.content.site import Site
from ivig_fhir.sandbox import cast as sandbox_cast
from ivig_fhir.smart.issuers import Issuers, read

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
BASE = "https://ivig.example.org"
ISS = "https://ehr.example.org/fhir"
JKU = "https://ehr.example.org/keys.json"
SERVICE = f"{BASE}/cds-services/ivig-patient-view"
ROOT = Path(__file__).resolve().parents[2]
Json = dict[str, Any]


@pytest.fixture(scope="session")
def content() -> Content:
    return load_content(ROOT / "order_sets")


@pytest.fixture(scope="session")
def charts() -> dict[str, list[Json]]:
    """The resources of every member of the cast, by id, as of NOW; the Patient first."""
    members = sandbox_cast.read(ROOT / "ivig_fhir/sandbox/cast", NOW)
    return {m.id: json.loads(json.dumps([e["resource"] for e in m.bundle["entry"]], default=float)) for m in members}


def _matches(resource: Json, query: Any) -> bool:
    if resource["resourceType"] != query.type:
        return False
    wanted = dict(query.params)
    codes = {c["code"] for c in resource.get("code", {}).get("coding", ())}
    categories = {c["code"] for k in resource.get("category", ()) if isinstance(k, dict) for c in k.get("coding", ())}
    if "code" in wanted:
        return bool(codes & set(wanted["code"].split(",")))
    return "category" not in wanted or wanted["category"] in categories


@pytest.fixture
def prefetch(charts: dict[str, list[Json]]) -> Callable[[str], Json]:
    """The complete prefetch of one member of the cast, as an EHR that honours every template sends it."""

    def make(id_: str) -> Json:
        chart = copy.deepcopy(charts[id_])
        made: Json = {"patient": chart[0]}
        for query in QUERIES:
            found = [{"resource": r, "search": {"mode": "match"}} for r in chart if _matches(r, query)]
            made[query.key] = {"resourceType": "Bundle", "type": "searchset", "total": len(found), "entry": found}
        return made

    return make


@pytest.fixture
def firing() -> Callable[..., Json]:
    """The body of a patient-view call; a member given as None is left out."""

    def make(patient: str, prefetch: Json | None = None, **more: Any) -> Json:
        body = {
            "hook": "patient-view",
            "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
            "context": {"userId": "Practitioner/1", "patientId": patient},
            "prefetch": prefetch,
            **more,
        }
        return {k: v for k, v in body.items() if v is not None}

    return make


@pytest.fixture(scope="session")
def keys() -> SimpleNamespace:
    """The EHR's signing keys, and their public halves as a JWK Set."""
    elliptic, rsa_key = ec.generate_private_key(ec.SECP384R1()), rsa.generate_private_key(65537, 2048)
    p384 = jwt.algorithms.ECAlgorithm.to_jwk(elliptic.public_key(), as_dict=True)
    rs = jwt.algorithms.RSAAlgorithm.to_jwk(rsa_key.public_key(), as_dict=True)
    public = {"keys": [{**p384, "kid": "e1", "use": "sig"}, {**rs, "kid": "r1", "alg": "RS384"}]}
    return SimpleNamespace(es384=elliptic, rs384=rsa_key, public=public)


_numbers = itertools.count()


@pytest.fixture
def signed(keys: SimpleNamespace) -> Callable[..., str]:
    """An Authorization header; `claims` and `header` replace members (None: left out), `key` and `algorithm` what signs."""

    def make(claims: Json | None = None, header: Json | None = None, key: Any = None, algorithm: str = "ES384", kid: str = "e1") -> str:
        moment = int(NOW.timestamp())
        said = {"iss": ISS, "aud": SERVICE, "iat": moment, "exp": moment + 300, "jti": f"call-{next(_numbers)}", **(claims or {})}
        kept = {k: v for k, v in said.items() if v is not None}
        return "Bearer " + jwt.encode(kept, key or keys.es384, algorithm, headers={"kid": kid, "typ": "JWT", **(header or {})})

    return make


@pytest.fixture
def entrance(content: Content) -> Callable[..., SimpleNamespace]:
    """The entrance, wired: its test client, the feedback it recorded, the addresses it fetched keys from."""

    def make(issuer: Json | None = None, allow_unsigned: bool = False, base_url: str = BASE, published: Any = None, **more: Any) -> Any:
        entry = {"iss": ISS, "name": "An EHR", "client_id": "ivig", **(issuer or {})}
        issuers: Issuers = read({"issuer": [entry]})
        recorded: list[Any] = []
        fetched: list[str] = []

        def fetch(url: str) -> Any:
            fetched.append(url)
            if isinstance(published, Exception):
                raise published
            return published

        app = Flask("an-app")
        given = {"record": recorded.append, "fetch_keys": fetch, "now": lambda: NOW, "site": Site(), "content": content, **more}
        app.register_blueprint(cds_blueprint(issuers=issuers, allow_unsigned=allow_unsigned, base_url=base_url, **given))
        return SimpleNamespace(client=app.test_client(), recorded=recorded, fetched=fetched)

    return make


@pytest.fixture
def demo(entrance: Callable[..., SimpleNamespace]) -> Any:
    """The client of a demonstration, which takes unsigned calls from this machine itself."""
    return entrance(allow_unsigned=True, base_url="http://127.0.0.1:5000").client


@pytest.fixture
def cards(demo: Any, firing: Callable[..., Json]) -> Callable[..., list[Json]]:
    """The cards for one patient and prefetch; anything but an answer fails the test."""

    def ask(patient: str, prefetch: Json, **more: Any) -> list[Json]:
        response = demo.post("/cds-services/ivig-patient-view", json=firing(patient, prefetch, **more))
        assert response.status_code == 200, response.json
        return list(response.json["cards"])

    return ask
