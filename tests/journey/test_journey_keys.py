"""An EHR to which the app proves itself with a signature: both algorithms, keys replaced at work, nothing private published."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from journey.a_hospital import APP, ROOT, Hospital, hospital

from ivig_fhir.app import create_database
from ivig_fhir.smart.client_keys import Algorithm, ClientKey, make_key
from ivig_fhir.store import client_keys

CIDP = "cidp-adult"
DAY = timedelta(hours=24)


def table(folder: Path, algorithm: str) -> Path:
    """The issuer table of the demo, the app registered with its keys."""
    text = (ROOT / "issuers.toml").read_text(encoding="utf-8")
    new = f'client_id = "ivig-fhir-asymmetric"\nauth = "private_key_jwt"\nsigning_alg = "{algorithm}"'
    path = folder / "issuers.toml"
    path.write_text(text.replace('client_id = "ivig-fhir"\nauth = "public"', new), encoding="utf-8")
    return path


def new_key(at: Hospital, algorithm: Algorithm = "ES384") -> ClientKey:
    key = make_key(algorithm)
    with create_database(at.settings).write() as tx:
        client_keys.add(tx, key, at.clock(), DAY)
    return key


def retire(at: Hospital, key: ClientKey, at_once: bool = False) -> None:
    with create_database(at.settings).write() as tx:
        client_keys.retire(tx, key.kid, at.clock(), DAY, at_once)


@pytest.mark.requirement("hl7.fhir.uv.smart-app-launch_2.2.0@11", "@64", "@65", "@291")
@pytest.mark.parametrize("algorithm", ["ES384", "RS384"])
def test_a_prescriber_is_signed_in_by_a_signed_app_and_the_order_is_written(tmp_path: Path, algorithm: Algorithm) -> None:
    with hospital(tmp_path, issuers=table(tmp_path, algorithm)) as at:
        new_key(at, algorithm)
        at.tab(CIDP).approve()
        assert [o["status"] for o in at.orders(CIDP)] == ["draft"]


def test_without_a_key_nobody_is_signed_in_and_the_setting_is_named(tmp_path: Path) -> None:
    with hospital(tmp_path, issuers=table(tmp_path, "ES384")) as at:
        page = at.tab(CIDP).page
        assert page.status == 500
        assert "no key of ours signs with it" in page.text


def test_keys_are_replaced_at_work(tmp_path: Path) -> None:
    with hospital(tmp_path, issuers=table(tmp_path, "ES384")) as at:
        old = new_key(at)
        assert at.tab(CIDP).page.status == 200
        new = new_key(at)
        assert at.tab(CIDP).page.status == 200
        at.clock.forward(hours=24)
        assert at.tab(CIDP).page.status == 200
        retire(at, old)
        assert at.tab(CIDP).page.status == 200
        at.clock.forward(hours=24)
        assert {key["kid"] for key in at.browser().get(f"{APP}/.well-known/jwks.json").json["keys"]} == {new.kid}
        assert at.tab(CIDP).page.status == 200


def test_a_key_that_became_known_is_worth_nothing_at_once(tmp_path: Path) -> None:
    with hospital(tmp_path, issuers=table(tmp_path, "ES384")) as at:
        known = new_key(at)
        retire(at, known, at_once=True)
        assert at.browser().get(f"{APP}/.well-known/jwks.json").json == {"keys": []}
        assert at.tab(CIDP).page.status == 500
        new_key(at)
        assert at.tab(CIDP).page.status == 200


@pytest.mark.requirement("hl7.fhir.uv.smart-app-launch_2.2.0@293", "@294", "@301", "@302", "@303")
def test_the_published_keys_may_be_kept_an_hour_by_anybody_and_hold_nothing_private(tmp_path: Path) -> None:
    with hospital(tmp_path) as at:
        made = [new_key(at, "ES384")]
        at.clock.forward(seconds=1)
        made.append(new_key(at, "RS384"))
        page = at.browser().get(f"{APP}/.well-known/jwks.json")
        assert (page.status, page.headers["Content-Type"]) == (200, "application/json")
        assert page.headers["Cache-Control"] == "public, max-age=3600"
        assert page.set_cookies == ()
        keys = page.json["keys"]
        assert [key["kid"] for key in keys] == [key.kid for key in made]
        assert [set(key) for key in keys] == [
            {"kty", "crv", "x", "y", "kid", "alg", "use", "key_ops"},
            {"kty", "n", "e", "kid", "alg", "use", "key_ops"},
        ]
