"""Scopes: what a granted string allows, and what is asked for."""

import pytest

from ivig_fhir.chart.queries import QUERIES, TYPES
from ivig_fhir.ehr.modes import WRITTEN
from ivig_fhir.smart.scopes import WRITES, Verdict, allowed, has, parse, resource_scopes, wanted

YES, NO = Verdict("yes"), Verdict("no")
LAB = "category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory"
VITAL = "category=http://terminology.hl7.org/CodeSystem/observation-category|vital-signs"
URI = "http://smarthealthit.org/fhir/scopes/"


def partial(*queries: str) -> Verdict:
    return Verdict("partial", tuple(sorted(queries)))


CASES: list[tuple[str, str, str, Verdict]] = [
    # v2 letters
    ("patient/Observation.rs", "Observation", "read", YES),
    ("patient/Observation.rs", "Observation", "vread", YES),
    ("patient/Observation.rs", "Observation", "search", YES),
    ("patient/Observation.rs", "Observation", "create", NO),
    ("patient/Observation.rs", "Condition", "read", NO),
    ("patient/Observation.r", "Observation", "search", NO),
    ("patient/Observation.s", "Observation", "read", NO),
    ("patient/Task.u", "Task", "update", YES),
    ("patient/Task.u", "Task", "patch", YES),
    ("patient/Task.c", "Task", "create", YES),
    ("patient/Task.c", "Task", "update", NO),
    ("patient/Task.d", "Task", "delete", YES),
    ("patient/Task.cruds", "Task", "delete", YES),
    ("patient/Task.crus", "Task", "delete", NO),
    ("patient/Task.s", "Task", "history-type", YES),
    ("patient/Task.r", "Task", "history-instance", YES),
    # letters split over several scopes, in any order of scopes
    ("patient/Task.c patient/Task.rs", "Task", "search", YES),
    ("patient/Task.rs patient/Task.c", "Task", "create", YES),
    ("patient/Task.c patient/Task.u", "Task", "read", NO),
    # wildcards
    ("patient/*.rs", "Observation", "read", YES),
    ("patient/*.rs", "Observation", "create", NO),
    ("patient/*.cruds", "Task", "create", YES),
    ("user/*.*", "Task", "delete", YES),
    ("patient/*.*", "Patient", "search", YES),
    # v1
    ("patient/Observation.read", "Observation", "read", YES),
    ("patient/Observation.read", "Observation", "search", YES),
    ("patient/Observation.read", "Observation", "create", NO),
    ("patient/Task.write", "Task", "create", YES),
    ("patient/Task.write", "Task", "update", YES),
    ("patient/Task.write", "Task", "delete", YES),
    ("patient/Task.write", "Task", "read", NO),
    ("patient/Task.*", "Task", "search", YES),
    ("patient/*.read", "Consent", "search", YES),
    ("patient/*.write", "Consent", "search", NO),
    # user and system cover patient
    ("user/Observation.rs", "Observation", "read", YES),
    ("system/Observation.rs", "Observation", "read", YES),
    ("system/*.read", "Observation", "read", YES),
    ("user/Observation.r", "Observation", "search", NO),
    # granular
    (f"patient/Observation.rs?{LAB}", "Observation", "read", partial(LAB)),
    (f"patient/Observation.rs?{LAB} patient/Observation.rs?{VITAL}", "Observation", "search", partial(LAB, VITAL)),
    (f"patient/Observation.rs?{LAB} patient/Observation.rs", "Observation", "search", YES),
    (f"patient/Observation.rs patient/Observation.rs?{LAB}", "Observation", "search", YES),
    (f"patient/Observation.rs?{LAB} patient/*.s", "Observation", "read", partial(LAB)),
    (f"patient/Observation.rs?{LAB} patient/*.s", "Observation", "search", YES),
    (f"patient/Observation.rs?{LAB}", "Condition", "read", NO),
    (f"patient/Observation.rs?{LAB}", "Observation", "create", NO),
    ("patient/Condition.rs?category=a|b&status=active", "Condition", "read", partial("category=a|b&status=active")),
    # the URI form
    (f"{URI}patient/Observation.rs", "Observation", "read", YES),
    (f"{URI}patient/Observation.read", "Observation", "search", YES),
    ("http://evil.example/fhir/scopes/patient/Observation.rs", "Observation", "read", NO),
    # what is not a scope is ignored, and does not spoil its neighbours
    ("", "Observation", "read", NO),
    ("openid fhirUser launch", "Observation", "read", NO),
    ("launch/patient patient/Patient.r online_access", "Patient", "read", YES),
    ("__private patient/Patient.r what/ever.rs", "Patient", "read", YES),
    ("patient/Observation.sr", "Observation", "read", NO),
    ("patient/Observation.rr", "Observation", "read", NO),
    ("patient/Observation.", "Observation", "read", NO),
    ("patient/Observation", "Observation", "read", NO),
    ("patient/Observation.rsx", "Observation", "read", NO),
    ("patient/observation.rs", "Observation", "read", NO),
    ("Patient/Observation.rs", "Observation", "read", NO),
    ("patient/ObservationDefinition.rs", "Observation", "read", NO),
    ("patient/Observation.rs?", "Observation", "read", NO),
    ("patient/Obs*.rs", "Observation", "read", NO),
    ("  patient/Observation.rs\tpatient/Task.c\n", "Task", "create", YES),
]


@pytest.mark.requirement(
    "hl7.fhir.uv.smart-app-launch_2.2.0@135", "@147", "@219", "@120", "@121", "@122", "@124", "@125", "@132", "@137", "@141", "@143", "@146"
)
@pytest.mark.parametrize(("granted", "kind", "interaction", "verdict"), CASES)
def test_a_grant_allows_what_it_says_and_nothing_else(granted: str, kind: str, interaction: str, verdict: Verdict) -> None:
    assert allowed(granted, kind, interaction) == verdict
    assert allowed(" ".join(reversed(granted.split())), kind, interaction) == verdict


@pytest.mark.requirement("hl7.fhir.uv.smart-app-launch_2.2.0@141", "@143")
@pytest.mark.parametrize(
    ("granted", "context", "answer"),
    [
        ("patient/Task.rs", "user", "no"),
        ("user/Task.rs", "user", "yes"),
        ("system/Task.rs", "user", "yes"),
        ("user/Task.rs", "system", "no"),
        ("user/*.rs", "patient", "yes"),
    ],
)
def test_a_patient_scope_never_covers_the_users_data(granted: str, context: str, answer: str) -> None:
    assert allowed(granted, "Task", "search", context).answer == answer  # type: ignore[arg-type]


@pytest.mark.requirement("hl7.fhir.uv.smart-app-launch_2.2.0@132")
@pytest.mark.parametrize(
    ("granted", "category", "answer"),
    [
        (f"patient/Observation.rs?{LAB}", LAB.partition("=")[2], "yes"),
        (f"patient/Observation.rs?{LAB}", VITAL.partition("=")[2], "partial"),
        (f"patient/Observation.rs?{LAB},{VITAL.partition('=')[2]}", VITAL.partition("=")[2], "yes"),
        (f"patient/Observation.rs?{LAB.replace('|', '%7C')}", LAB.partition("=")[2], "yes"),
        (f"patient/Observation.rs?{LAB}&status=final", LAB.partition("=")[2], "partial"),
    ],
)
def test_a_category_is_allowed_where_the_grant_is_restricted_to_just_it(granted: str, category: str, answer: str) -> None:
    assert allowed(granted, "Observation", "search", category=category).answer == answer


def test_a_verdict_says_whether_a_request_is_worth_sending() -> None:
    assert YES
    assert partial("x=y")
    assert not NO


def test_a_grant_in_part_is_told_in_words() -> None:
    assert allowed(f"patient/Observation.rs?{LAB} patient/Observation.rs?{VITAL}&status=final", "Observation", "read").visible == (
        "category laboratory; category vital-signs and status final"
    )
    assert (YES.visible, NO.visible) == ("", "")


def test_an_unknown_interaction_is_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="unknown interaction"):
        allowed("patient/*.rs", "Patient", "operation")


@pytest.mark.requirement("hl7.fhir.uv.smart-app-launch_2.2.0@219", "@220")
def test_scopes_without_a_resource_are_found_in_both_forms() -> None:
    assert has("openid fhirUser", "fhirUser")
    assert has(f"openid {URI}fhirUser", "fhirUser")
    assert has("http://openid.net/specs/openid-connect-core-1_0#openid fhirUser", "openid")
    assert not has("openid", "fhirUser")
    assert parse("launch/patient") is None


def test_a_scope_is_printed_with_its_letters_in_order() -> None:
    assert str(resource_scopes(f"patient/Task.write user/Task.rs?{LAB}")[0]) == "patient/Task.cud"
    assert str(resource_scopes(f"user/Task.rs?{LAB}")[0]) == f"user/Task.rs?{LAB}"


ROWS = [query.scope for query in QUERIES]


@pytest.mark.requirement(
    "hl7.fhir.uv.smart-app-launch_2.2.0@46", "@150", "@161", "@162", "@47", "@131", "@137", "@148", "@152", "@153", "@195", "@196"
)
def test_what_is_asked_covers_every_search_of_the_one_table() -> None:
    asked = " ".join(wanted(ROWS))
    for query in QUERIES:
        assert allowed(asked, query.type, "search").answer == "yes", query.key
    assert asked.startswith("openid fhirUser launch launch/patient launch/encounter patient/Patient.r")
    assert len(asked.split()) == len(set(asked.split()))
    assert len({(s.context, s.type) for s in resource_scopes(asked)}) == len(resource_scopes(asked))


def test_a_prescriber_may_write_and_read_back_what_is_written() -> None:
    asked = " ".join(wanted(ROWS))
    for kind in ("MedicationRequest", "ServiceRequest", "RequestGroup", "DetectedIssue", "Provenance", "Task"):
        assert allowed(asked, kind, "create")
        assert allowed(asked, kind, "read")
    assert allowed(asked, "PractitionerRole", "search", "user")


@pytest.mark.requirement("hl7.fhir.uv.smart-app-launch_2.2.0@46", "@148")
def test_what_is_asked_to_write_is_what_the_app_writes_and_nothing_else() -> None:
    assert {s.type for s in resource_scopes(" ".join(WRITES))} == set(WRITTEN)
    asked = resource_scopes(" ".join(wanted(ROWS)))
    assert {s.type for s in asked if s.letters & set("cud")} == set(WRITTEN)
    assert {s.type for s in asked} == {*TYPES, "Patient", "Practitioner", "PractitionerRole", "Medication", *WRITTEN}
    assert not any("d" in s.letters or s.type == "*" for s in asked), "nothing is deleted, and no wildcard asked"


@pytest.mark.requirement("hl7.fhir.uv.smart-app-launch_2.2.0@141")
def test_a_pharmacist_asks_for_the_users_data_and_no_patient() -> None:
    asked = wanted(ROWS, "pharmacy")
    assert "launch" in asked
    assert not any(token.startswith(("patient/", "launch/")) for token in asked)
    text = " ".join(asked)
    for kind, interactions in {
        "Task": "rus",
        "MedicationRequest": "rus",
        "RequestGroup": "ru",
        "Provenance": "c",
        "Observation": "rs",
    }.items():
        for letter in interactions:
            assert allowed(text, kind, letter, "user"), (kind, letter)
    assert not allowed(text, "MedicationRequest", "create", "user")


@pytest.mark.requirement("hl7.fhir.uv.smart-app-launch_2.2.0@36", "@151")
def test_a_standalone_launch_asks_for_a_patient_and_not_for_launch() -> None:
    asked = wanted(ROWS, standalone=True)
    assert "launch" not in asked
    assert "launch/patient" in asked
    assert not {"launch", "launch/patient"} & set(wanted(ROWS, "pharmacy", standalone=True))


def test_an_old_server_is_asked_in_the_old_form() -> None:
    asked = wanted(ROWS, version="v1")
    assert "patient/Observation.read" in asked
    assert {"patient/MedicationRequest.read", "patient/MedicationRequest.write"} <= set(asked)
    assert not any(token.endswith((".rs", ".cru", ".crs")) for token in asked)


@pytest.mark.requirement("hl7.fhir.uv.smart-app-launch_2.2.0@46", "@215")
def test_access_while_nobody_is_there_is_never_asked_and_online_access_only_where_wanted() -> None:
    for target in ("order", "pharmacy"):
        assert not {"offline_access", "online_access"} & set(wanted(ROWS, target))  # type: ignore[arg-type]
        assert {"offline_access", "online_access"} & set(wanted(ROWS, target, online=True)) == {"online_access"}  # type: ignore[arg-type]
