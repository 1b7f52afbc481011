"""What is granted of the scopes asked, and that every request is held to it."""

from __future__ import annotations

import pytest
from sandbox.a_sandbox import CATEGORY, FHIR, Ehr, issue, order

from ivig_fhir.sandbox.scopes import grant, parse, without, written


@pytest.mark.parametrize(
    ("asked", "granted"),
    [
        ("patient/Observation.rs", "patient/Observation.rs"),
        ("patient/Observation.read patient/Task.write patient/Basic.*", "patient/Observation.read patient/Task.write patient/Basic.*"),
        ("openid fhirUser launch profile launch/patient", "openid fhirUser launch profile launch/patient"),
        ("openid online_access", "openid online_access"),
        ("patient/*.cruds user/*.rs", "patient/*.cruds user/*.rs"),
        (f"patient/Observation.rs?category={CATEGORY}|laboratory", f"patient/Observation.rs?category={CATEGORY}|laboratory"),
        ("patient/Observation.rs patient/Observation.rs", "patient/Observation.rs"),
        ("patient/Medication.r patient/Practitioner.rs", ""),
        ("offline_access system/*.rs nonsense patient/Nonsense.rs", ""),
        ("patient/Observation.sr patient/Observation. patient/Observation.x patient/Observation.read?code=1", ""),
    ],
)
def test_grant_is_what_was_asked_as_far_as_it_makes_sense(asked: str, granted: str) -> None:
    assert written(*grant(asked, True, "cruds")) == granted


def test_without_a_patient_no_patient_scope_is_granted() -> None:
    assert written(*grant("launch patient/*.rs user/Task.rus", False, "cruds")) == "launch user/Task.rus"


@pytest.mark.parametrize(
    ("asked", "granted"),
    [
        ("patient/Task.crus", "patient/Task.rs"),
        ("patient/Task.write", ""),
        ("patient/Task.*", "patient/Task.read"),
        ("user/Provenance.c", ""),
    ],
)
def test_reader_is_granted_no_writing(asked: str, granted: str) -> None:
    assert written(*grant(asked, True, "rs")) == granted


def test_wildcard_less_one_type_is_written_out() -> None:
    wildcard = parse("patient/*.rs")
    assert wildcard
    left = without([wildcard], ["AllergyIntolerance"])
    assert not any(one.covers("AllergyIntolerance", "r") for one in left)
    assert any(one.covers("Observation", "s") for one in left)
    assert not any(one.covers("Medication", "r") for one in left)


@pytest.mark.parametrize("header", [{}, {"Authorization": "Basic abc"}, {"Authorization": "Bearer"}, {"Authorization": "Bearer nonsense"}])
@pytest.mark.parametrize("path", ["/Patient/one", "/Patient", "/Patient/one/_history", "?_page=x"])
def test_every_request_needs_a_token(ehr: Ehr, header: dict[str, str], path: str) -> None:
    answer = ehr.http.get(f"{FHIR}{path}", headers=header)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert issue(answer)["code"] in ("login", "expired")


def test_token_ends_after_its_hour(ehr: Ehr) -> None:
    client = ehr.client(patient="one")
    ehr.clock.forward(3599)
    assert client.get("Patient/one").status_code == 200
    ehr.clock.forward(1)
    assert client.get("Patient/one").status_code == 401


@pytest.mark.parametrize(
    ("scope", "status"),
    [
        ("patient/Patient.r patient/Observation.r", (200, 403, 403)),
        ("patient/Patient.s patient/Observation.s", (403, 200, 403)),
        ("patient/Patient.read patient/Observation.read", (200, 200, 403)),
        ("patient/Patient.write patient/Observation.c", (403, 403, 201)),
        ("patient/*.*", (200, 200, 201)),
        ("user/Patient.rs user/Observation.crs", (200, 200, 201)),
        ("patient/Condition.rs", (403, 403, 403)),
        ("openid", (403, 403, 403)),
    ],
)
def test_letters_decide_over_read_search_and_create(ehr: Ehr, scope: str, status: tuple[int, int, int]) -> None:
    client = ehr.client(patient="one", scope=scope)
    body = {"resourceType": "Observation", "status": "final", "subject": {"reference": "Patient/one"}, "code": {"text": "x"}}
    answers = client.get("Patient/one"), client.get("Observation", patient="one"), client.send("POST", "Observation", body)
    assert tuple(answer.status_code for answer in answers) == status
    assert all(issue(answer)["code"] == "forbidden" for answer in answers if answer.status_code == 403)


def test_letters_decide_over_update_and_delete(ehr: Ehr) -> None:
    made = ehr.client(patient="one").send("POST", "MedicationRequest", order()).json()
    path = f"MedicationRequest/{made['id']}"
    only_create = ehr.client(patient="one", scope="patient/MedicationRequest.crs")
    assert only_create.send("PUT", path, made).status_code == 403
    assert ehr.client(patient="one", scope="patient/MedicationRequest.u").send("PUT", path, made).status_code == 200
    assert only_create.send("DELETE", path, "").status_code == 403
    assert ehr.client(patient="one", scope="patient/MedicationRequest.d").send("DELETE", path, "").status_code == 204


def test_patient_scopes_stay_in_one_record(ehr: Ehr) -> None:
    client = ehr.client(patient="one", scope="patient/*.cruds")
    assert client.get("Patient/two").status_code == 403
    assert client.get("Observation/other").status_code == 403
    assert client.get("Observation/other/_history").status_code == 403
    assert client.get("Observation/other/_history/1").status_code == 403
    assert client.get("Observation", patient="two").status_code == 403
    assert client.get("Patient", _id="two").status_code == 403
    assert client.ids("Observation", _id="other") == []
    assert client.ids("Patient") == ["one"]
    assert client.ids("Observation") == ["w1", "w2", "w3", "lab"]
    assert client.send("POST", "MedicationRequest", order(subject={"reference": "Patient/two"})).status_code == 403
    stolen = ehr.client(patient="two").get("Observation/other").json() | {"subject": {"reference": "Patient/one"}}
    assert client.send("PUT", "Observation/other", stolen).status_code == 403
    assert ehr.client(patient="two").get("Observation/other").headers["ETag"] == 'W/"1"'


def test_conditional_create_does_not_show_another_patients_order(ehr: Ehr) -> None:
    ehr.client(patient="two").send("POST", "MedicationRequest", order(subject={"reference": "Patient/two"}))
    client = ehr.client(patient="one", scope="patient/*.cruds")
    answer = client.send("POST", "MedicationRequest", order(), If_None_Exist=f"identifier={order()['identifier'][0]['value']}")
    assert answer.status_code == 403


def test_provenance_is_in_the_record_of_its_targets(ehr: Ehr) -> None:
    one, two = (ehr.client(patient=who, scope="patient/*.cruds") for who in ("one", "two"))
    made = one.send("POST", "MedicationRequest", order()).json()["id"]
    body = {"resourceType": "Provenance", "recorded": "2026-03-02T09:00:00Z", "target": [{"reference": f"MedicationRequest/{made}"}]}
    assert two.send("POST", "Provenance", body).status_code == 403
    stored = one.send("POST", "Provenance", body).json()["id"]
    assert one.get(f"Provenance/{stored}").status_code == 200
    assert two.get(f"Provenance/{stored}").status_code == 403


def test_granted_category_is_all_that_is_seen(ehr: Ehr) -> None:
    client = ehr.client(patient="one", scope=f"patient/Observation.rs?category={CATEGORY}|laboratory")
    assert client.ids("Observation", patient="one") == ["lab"]
    assert client.get("Observation/lab").status_code == 200
    assert client.get("Observation/w1").status_code == 403


def test_include_shows_only_what_may_be_read(ehr: Ehr) -> None:
    ehr.load({"resourceType": "Medication", "id": "m"}, order(id="a", medicationReference={"reference": "Medication/m"}))
    for scope, seen in (("patient/MedicationRequest.rs", ["a"]), ("patient/MedicationRequest.rs user/Medication.r", ["a", "m"])):
        body = ehr.client(patient="one", scope=scope).get("MedicationRequest", _include="MedicationRequest:medication").json()
        assert [entry["resource"]["id"] for entry in body["entry"]] == seen


def test_user_scopes_reach_every_patient(ehr: Ehr) -> None:
    client = ehr.client("pharmacist", scope="user/Observation.rs")
    assert client.ids("Observation", patient="two") == ["other"]
    assert client.ids("Observation", patient="one,two") == ["w1", "w2", "w3", "lab", "other"]


@pytest.mark.parametrize("user", ["nurse", "stranger"])
def test_nurse_and_stranger_may_look_and_not_write(ehr: Ehr, user: str) -> None:
    client = ehr.client(user, patient="one")
    assert client.get("Patient/one").status_code == 200
    assert client.send("POST", "MedicationRequest", order()).status_code == 403


def test_user_may_read_who_they_are_and_nobody_else(ehr: Ehr) -> None:
    client = ehr.client("nurse", patient="one", scope="openid fhirUser patient/Patient.r")
    assert client.get("Practitioner/nurse").json()["name"][0]["family"] == "Sample-Castillo"
    assert client.get("Practitioner/prescriber").status_code == 403
    assert ehr.client("nurse", scope="openid").get("Practitioner/nurse").status_code == 403


@pytest.mark.parametrize(
    ("user", "codes"), [("prescriber", ["doctor"]), ("pharmacist", ["pharmacist"]), ("nurse", ["nurse"]), ("stranger", [])]
)
def test_role_of_each_user_is_on_file(ehr: Ehr, user: str, codes: list[str]) -> None:
    client = ehr.client(user, scope="user/PractitionerRole.rs")
    [role] = client.matches("PractitionerRole", practitioner=f"Practitioner/{user}")
    assert [coding["code"] for code in role["code"] for coding in code.get("coding", [])] == codes
