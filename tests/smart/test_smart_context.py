"""The launch context, and the role that follows from who is signed in."""

import re
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from ivig_fhir.errors import NoPatient, NoReadAccess, TokenFailed
from ivig_fhir.smart.context import ContextItem, LaunchContext, development_context, launch_context, role_of
from ivig_fhir.smart.identity import Identity
from ivig_fhir.smart.issuers import Issuer, TestUser
from ivig_fhir.smart.tenancy import Tenancy
from ivig_fhir.smart.token import read_response
from tests.an_ehr import BASE, NOW, PENDING

SYSTEM = "http://terminology.hl7.org/CodeSystem/practitioner-role"
ISSUER = Issuer(
    iss=BASE,
    name="x",
    client_id="y",
    roles={f"{SYSTEM}|doctor": "prescriber", f"{SYSTEM}|pharmacist": "pharmacist", f"{SYSTEM}|nurse": "nurse", "local-md": "prescriber"},
)
DOCTOR = Identity("Practitioner/p1", "Practitioner", "p1", "u-1", verified=True)
OPEN = Issuer(iss=BASE, name="x", prescriber=TestUser("Practitioner/a", "A"), pharmacist=TestUser("Practitioner/b", "B"))


def context(target: str = "order", **changes: Any) -> LaunchContext:
    body = {"access_token": "at", "token_type": "bearer", "scope": "patient/Patient.r", "patient": "pat-1", **changes}
    return launch_context(replace(PENDING, target=target), read_response(body, "", NOW), DOCTOR)  # type: ignore[arg-type]


def role(*codes: str, practitioner: str = "Practitioner/p1", system: str = SYSTEM, **more: Any) -> dict[str, Any]:
    coding = [{"coding": [{"system": system, "code": code}]} for code in codes]
    return {"resourceType": "PractitionerRole", "id": "r1", "practitioner": {"reference": practitioner}, "code": coding, **more}


def test_a_context_holds_what_the_ehr_gave() -> None:
    found = context(
        encounter="e-1", need_patient_banner=False, intent="ivig-order", tenant="t", appContext="run", smart_style_url="https://s"
    )
    assert (found.patient, found.encounter, found.need_patient_banner) == ("pat-1", "e-1", False)
    assert (found.intent, found.tenant, found.app_context, found.style_url) == ("ivig-order", "t", "run", "https://s")
    assert found.user == "Practitioner/p1"


@pytest.mark.parametrize(("value", "shown"), [(False, False), (True, True), (None, True), ("false", True), (0, True)])
def test_only_false_itself_hides_the_banner(value: Any, shown: bool) -> None:
    assert context(need_patient_banner=value).need_patient_banner is shown


@pytest.mark.parametrize("patient", [None, ""])
def test_an_order_needs_a_patient(patient: Any) -> None:
    with pytest.raises(NoPatient):
        context(patient=patient)


@pytest.mark.parametrize("patient", [7, "a b", "../x", "Patient/1", "x" * 65, ["p"]])
def test_a_patient_that_is_no_id_is_refused(patient: Any) -> None:
    with pytest.raises(TokenFailed):
        context(patient=patient)


@pytest.mark.parametrize("tenant", [7, 0, False, ["ward"], {}])
def test_a_tenant_that_is_no_text_is_refused_and_not_taken_for_none(tenant: Any) -> None:
    with pytest.raises(TokenFailed):
        context(tenant=tenant)


@pytest.mark.parametrize("said", [{}, {"tenant": None}, {"tenant": ""}])
def test_a_launch_without_a_tenant_belongs_to_none(said: dict[str, Any]) -> None:
    assert context(**said).tenancy == Tenancy(BASE, "")


def test_each_text_of_a_tenant_is_a_key_of_its_own_and_only_a_plain_name_stands_as_it_is() -> None:
    assert context(tenant="ward-7").tenancy == Tenancy(BASE, "ward-7")
    odd = [" ", "ward 7", "ward-7 ", "ward-7\n", "<b>", "x" * 61, "x" * 62, "\u0663", "\ud800"]
    keys = [context(tenant=text).tenancy.tenant for text in odd]
    keys += [context(tenant=keys[0]).tenancy.tenant]
    assert len({*keys, "ward-7", ""}) == len(keys) + 2
    assert all(re.fullmatch("sha256:[0-9a-f]{64}", key) for key in keys)
    kept = LaunchContext.from_json(context(tenant=odd[0]).to_json())
    assert kept.tenancy.tenant == keys[0]


@pytest.mark.parametrize("scope", ["", "openid fhirUser launch", "patient/Observation.rs", "patient/Patient.s"])
def test_without_reading_the_patient_there_is_no_page(scope: str) -> None:
    with pytest.raises(NoReadAccess):
        context(scope=scope)


def test_the_worklist_needs_no_patient_and_the_users_scopes() -> None:
    assert context("pharmacy", patient=None, scope="user/MedicationRequest.rus").patient is None
    with pytest.raises(NoReadAccess):
        context("pharmacy", patient=None, scope="patient/MedicationRequest.rus")


@pytest.mark.requirement("hl7.fhir.uv.smart-app-launch_2.2.0@191")
def test_both_forms_of_fhir_context_are_read_and_the_rest_ignored() -> None:
    items = [
        "ServiceRequest/1",
        {"reference": "Coverage/2", "role": "http://example.org/primary"},
        {"canonical": "http://example.org/Questionnaire/q|1", "type": "Questionnaire"},
        {"reference": "ImagingStudy/3"},
        {"identifier": {"value": "x"}},
        7,
        "nonsense",
        {},
    ]
    assert context(fhirContext=items).fhir_context == (
        ContextItem("ServiceRequest/1", "ServiceRequest"),
        ContextItem("Coverage/2", "Coverage", "http://example.org/primary"),
        ContextItem("http://example.org/Questionnaire/q|1", "Questionnaire"),
    )
    assert context(fhirContext="x").fhir_context == ()


def test_a_context_survives_as_text() -> None:
    in_a_role = Identity("PractitionerRole/r", "PractitionerRole", "r", "7", issuer="https://id", others=("Practitioner/p",))
    for one in (context(fhirContext=["Task/1"], encounter="e"), replace(context(), identity=None), replace(context(), identity=in_a_role)):
        assert LaunchContext.from_json(one.to_json()) == one


@pytest.mark.parametrize(
    ("roles", "expected"),
    [
        ([role("doctor")], "prescriber"),
        ([role("pharmacist")], "pharmacist"),
        ([role("nurse")], "nurse"),
        ([role("nurse"), role("doctor")], "prescriber"),
        ([role("nurse", "pharmacist")], "pharmacist"),
        ([role("local-md", system="urn:local")], "prescriber"),
        ([role("doctor", system="urn:other")], "stranger"),
        ([role("researcher")], "stranger"),
        ([role("doctor", active=False)], "stranger"),
        ([role("doctor", practitioner="Practitioner/p2")], "stranger"),
        ([role("doctor", practitioner="Practitioner/p11")], "stranger"),
        ([role("doctor", resourceType="Practitioner")], "stranger"),
        ([role("doctor", period={"end": "2026-03-01"})], "stranger"),
        ([role("doctor", period={"end": "2026-03-02"})], "prescriber"),
        ([role("doctor", period={"end": "2026"})], "prescriber"),
        ([role("doctor", period={"end": "2025"})], "stranger"),
        ([role("doctor", period={"start": "2026-03-03"})], "stranger"),
        ([role("doctor", period={"start": "2026-03-02T08:00:00Z"})], "prescriber"),
        ([role("doctor", code="x")], "stranger"),
        ([], "stranger"),
    ],
)
def test_a_role_follows_from_the_codes_of_this_persons_active_roles(roles: list[dict[str, Any]], expected: str) -> None:
    assert role_of(DOCTOR, roles, ISSUER, date(2026, 3, 2)) == expected


def test_the_default_role_holds_only_where_the_record_is_silent() -> None:
    lenient = replace(ISSUER, default_role="prescriber")
    assert role_of(DOCTOR, [], lenient) == "prescriber"
    assert role_of(DOCTOR, [role("nurse")], lenient) == "nurse"
    assert role_of(DOCTOR, [role("janitor")], lenient) == "stranger"
    assert role_of(DOCTOR, [role(code=[{"text": "Volunteer"}])], lenient) == "stranger"


def test_who_is_not_proven_may_look_and_not_act() -> None:
    lenient = replace(ISSUER, default_role="prescriber")
    for nobody in (None, replace(DOCTOR, verified=False), Identity("", verified=True)):
        assert role_of(nobody, [role("doctor")], lenient) == "unproven"


@pytest.mark.parametrize("kind", ["Patient", "RelatedPerson", "Person"])
def test_who_is_no_practitioner_is_a_stranger(kind: str) -> None:
    someone = Identity(f"{kind}/p1", kind, "p1", verified=True)
    assert role_of(someone, [role("doctor", practitioner=f"{kind}/p1")], replace(ISSUER, default_role="prescriber")) == "stranger"


def test_a_practitioner_of_another_server_has_no_roles_here() -> None:
    foreign = replace(DOCTOR, reference="https://other.example/fhir/Practitioner/p1", local=False)
    assert role_of(foreign, [role("doctor")], ISSUER) == "stranger"
    assert role_of(foreign, [role("doctor", practitioner=foreign.reference)], ISSUER) == "stranger"


def test_a_user_who_is_a_practitioner_role_has_that_one() -> None:
    user = Identity("PractitionerRole/r1", "PractitionerRole", "r1", verified=True)
    assert role_of(user, [role("doctor", practitioner="Practitioner/p7")], ISSUER) == "prescriber"
    assert role_of(user, [role("doctor", id="r2")], ISSUER) == "stranger"


def test_an_open_server_supplies_two_test_users_whom_nobody_vouched_for() -> None:
    prescriber, pharmacist = development_context(OPEN, "prescriber", "pat-1"), development_context(OPEN, "pharmacist", None)
    assert prescriber.development
    assert prescriber.identity is not None
    assert not prescriber.identity.verified
    assert (prescriber.user, prescriber.patient, prescriber.target) == ("Practitioner/a", "pat-1", "order")
    assert (pharmacist.user, pharmacist.patient, pharmacist.target) == ("Practitioner/b", None, "pharmacy")
    assert role_of(prescriber.identity, [], OPEN) == "prescriber"
    assert role_of(pharmacist.identity, [], OPEN) == "pharmacist"
    with pytest.raises(NoPatient):
        development_context(OPEN, "prescriber", None)
    with pytest.raises(ValueError, match="not a development server"):
        development_context(ISSUER, "prescriber", "pat-1")
