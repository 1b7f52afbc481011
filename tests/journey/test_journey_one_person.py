"""Two people where two must be: one person under a second reference, a second login or a role of which nobody knows whose it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from journey.a_hospital import EHR, ROOT, Hospital, Tab, hospital
from journey.test_journey_roles import Failing
from sqlalchemy import update

from ivig_fhir.app import create_database
from ivig_fhir.fhir.building import encode
from ivig_fhir.sandbox import token
from ivig_fhir.sandbox.adapter import SandboxAdapter
from ivig_fhir.store.tables import ORDERS

CIDP = "cidp-adult"
DESK = "PractitionerRole/prescriber-desk"
OWN = "You signed this order: another person has to verify it."
PHARMACIST = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/practitioner-role", "code": "pharmacist"}]}


@pytest.fixture
def named(monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[str, str]]:
    """How the EHR's sign-in names its people from now on: user to the subject and the fhirUser of their id_token."""
    others: dict[str, tuple[str, str]] = {}
    signed = token._id_token

    def sign(sandbox: Any, grant: dict[str, Any], fhir_user: str | None) -> str:
        subject, reference = others.get(grant["user"], (grant["user"], fhir_user))
        return signed(sandbox, {**grant, "user": subject}, reference)

    monkeypatch.setattr(token, "_id_token", sign)
    return others


def desk(at: Hospital, user: str = "prescriber", **changes: Any) -> None:
    """A pharmacist's role at the desk, held by somebody."""
    who = {"reference": f"Practitioner/{user}", "display": "Dr. At The Desk"}
    role = {"resourceType": "PractitionerRole", "id": "prescriber-desk", "active": True, "practitioner": who, "code": [PHARMACIST]}
    at.parts.store.put({**role, **changes}, at.clock(), "PUT")


def at_order(at: Hospital, run: str, user: str) -> Tab:
    tab = at.tab(CIDP, user, target="pharmacy")
    tab.go(f"{run}/")
    assert tab.page.status == 200, tab.page.text
    return tab


def refused(tab: Tab, said: str) -> None:
    """Neither the page nor a script verifies."""
    assert "Verify" not in tab.page.buttons
    assert said in tab.page.text
    answer = tab.post("verify", {"digest": tab.json["digest"]})
    assert (answer.status, answer.json["error"]["code"]) == (403, "E-51")


def test_a_signer_who_comes_back_in_a_role_at_the_desk_does_not_verify(at: Hospital, named: dict[str, tuple[str, str]]) -> None:
    prescriber = at.tab(CIDP)
    prescriber.approve()
    desk(at)
    named["prescriber"] = ("somebody", DESK)
    refused(at_order(at, prescriber.run, "prescriber"), OWN)
    assert [o["status"] for o in at.orders(CIDP)] == ["draft"]


def test_a_signer_in_a_role_who_comes_back_as_a_person_does_not_verify(at: Hospital, named: dict[str, tuple[str, str]]) -> None:
    role = "PractitionerRole/prescriber-role"
    named["prescriber"] = ("prescriber", role)
    prescriber = at.tab(CIDP)
    prescriber.approve()
    assert at.orders(CIDP)[0]["requester"]["reference"] == role
    named["prescriber"] = ("somebody", "Practitioner/prescriber")
    at.change(role, code=[PHARMACIST])
    refused(at_order(at, prescriber.run, "prescriber"), OWN)


def test_the_same_login_is_the_same_person_whomever_the_ehr_names(at: Hospital, named: dict[str, tuple[str, str]]) -> None:
    prescriber = at.tab(CIDP)
    prescriber.approve()
    named["pharmacist"] = ("prescriber", "Practitioner/pharmacist")
    refused(at_order(at, prescriber.run, "pharmacist"), OWN)
    del named["pharmacist"]
    tab = at_order(at, prescriber.run, "pharmacist")
    tab.press("Verify")
    assert [o["status"] for o in at.orders(CIDP)] == ["active"]


def test_another_person_in_a_role_verifies_and_is_named(at: Hospital, named: dict[str, tuple[str, str]]) -> None:
    desk(at, "pharmacist")
    prescriber = at.tab(CIDP)
    prescriber.approve()
    named["pharmacist"] = ("pharmacist", DESK)
    tab = at_order(at, prescriber.run, "pharmacist")
    tab.press("Verify")
    assert [o["status"] for o in at.orders(CIDP)] == ["active"]
    agents = [p["agent"][0] for p in at.held("Provenance", CIDP)]
    assert {"reference": DESK, "display": "Mats Sample-Lindqvist"} in [a["who"] for a in agents]


def test_where_the_practitioner_cannot_be_read_the_roles_own_words_name_the_person(at: Hospital, named: dict[str, tuple[str, str]]) -> None:
    desk(at, "not-on-this-server")
    prescriber = at.tab(CIDP)
    prescriber.approve()
    named["pharmacist"] = ("pharmacist", DESK)
    at_order(at, prescriber.run, "pharmacist").press("Verify")
    assert {"reference": DESK, "display": "Dr. At The Desk"} in [p["agent"][0]["who"] for p in at.held("Provenance", CIDP)]


def test_of_whom_only_a_role_is_known_may_ask_and_reject_and_not_verify(at: Hospital, named: dict[str, tuple[str, str]]) -> None:
    desk(at, practitioner={"display": "Somebody"})
    prescriber = at.tab(CIDP)
    prescriber.approve()
    named["pharmacist"] = ("pharmacist", DESK)
    tab = at_order(at, prescriber.run, "pharmacist")
    refused(tab, "The EHR says in which role you are signed in, and not who you are")
    assert tab.post("query", {"digest": tab.json["digest"], "code": "dose", "note": "Is the weight right?"}).status == 200


def test_a_role_that_cannot_be_read_does_not_verify_under_the_default_role(tmp_path: Path, named: dict[str, tuple[str, str]]) -> None:
    table = tmp_path / "issuers.toml"
    table.write_text((ROOT / "issuers.toml").read_text().replace("standalone = true", 'standalone = true\ndefault_role = "pharmacist"', 1))
    with hospital(tmp_path, issuers=table) as at:
        prescriber = at.tab(CIDP)
        prescriber.approve()
        desk(at)
        at.http.mount(EHR, Failing(SandboxAdapter(at.ehr), 403))
        named["prescriber"] = ("somebody", DESK)
        refused(at_order(at, prescriber.run, "prescriber"), "The EHR says in which role you are signed in, and not who you are")


@pytest.mark.parametrize(("practitioner", "said"), [("prescriber", OWN), ("", "Of whoever signed this order only a role is known")])
def test_an_order_approved_before_people_were_kept_is_compared_by_what_its_role_says_now(
    at: Hospital, named: dict[str, tuple[str, str]], practitioner: str, said: str
) -> None:
    role = "PractitionerRole/prescriber-role"
    named["prescriber"] = ("prescriber", role)
    prescriber = at.tab(CIDP)
    prescriber.approve()
    _as_kept_before(at, prescriber.run, {"reference": role, "display": "Adwoa Sample-Osei"})
    at.change(role, practitioner={"reference": f"Practitioner/{practitioner}"} if practitioner else {"display": "Somebody"})
    desk(at)
    named["prescriber"] = ("somebody", DESK)
    refused(at_order(at, prescriber.run, "prescriber"), said)
    if practitioner:
        at_order(at, prescriber.run, "pharmacist").press("Verify")
    assert [o["status"] for o in at.orders(CIDP)] == ["active" if practitioner else "draft"]


def _as_kept_before(at: Hospital, run: str, who: dict[str, str]) -> None:
    database, place = create_database(at.settings), f"orders|{run}|approval"
    with database.write() as tx:
        [sealed] = [row.sealed_approval for row in tx.conn.execute(ORDERS.select())]
        kept = json.loads(tx.ring.open(sealed, place)) | {"who": who}
        tx.conn.execute(update(ORDERS).values(sealed_approval=tx.ring.seal(encode(kept).decode(), place)))


def test_whoever_claimed_as_a_person_goes_on_in_a_role(at: Hospital, named: dict[str, tuple[str, str]]) -> None:
    desk(at, "pharmacist")
    prescriber = at.tab(CIDP)
    prescriber.approve()
    at_order(at, prescriber.run, "pharmacist").press("Start review")
    named["pharmacist"] = ("pharmacist", DESK)
    tab = at_order(at, prescriber.run, "pharmacist")
    assert "Release" in tab.page.buttons
    assert "Take over" not in tab.page.buttons
    tab.press("Release")
    assert "Start review" in tab.page.buttons
