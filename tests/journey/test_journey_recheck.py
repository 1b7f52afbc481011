"""The day of an infusion: what changed in the record holds it, what cannot be read waits for a person, and all else is released."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from an_ehr_server import Wire
from journey.a_hospital import APP, EHR, Hospital, Tab

from ivig_fhir.sandbox.adapter import SandboxAdapter
from ivig_fhir.store import audit
from ivig_fhir.store.database import Database, connect
from ivig_fhir.store.seal import KeyRing

CIDP = "cidp-adult"
LOINC, UCUM = "http://loinc.org", "http://unitsofmeasure.org"


def verified(at: Hospital, patient: str = CIDP) -> Tab:
    """A verified order on its first day, and the pharmacist on its course."""
    at.tab(patient).approve()
    pharmacist = at.tab(patient, "pharmacist", target="pharmacy")
    pharmacist.go(f"{pharmacist.json['orders'][0]['run']}/")
    pharmacist.press("Verify")
    pharmacist.go("course")
    return pharmacist


def observed(at: Hospital, code: str, value: float, unit: str, **more: Any) -> None:
    """A result that came after the order was approved."""
    at.clock.forward(minutes=5)
    found = {
        "resourceType": "Observation",
        "id": f"later-{code}",
        "status": "final",
        "category": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "laboratory"}]}],
        "code": {"coding": [{"system": LOINC, "code": code}]},
        "subject": {"reference": f"Patient/{CIDP}"},
        "effectiveDateTime": at.clock.time.isoformat(),
        "valueQuantity": {"value": value, "unit": unit, "system": UCUM, "code": unit},
        **more,
    }
    load(at, found)


def load(at: Hospital, resource: dict[str, Any]) -> None:
    at.load({"resourceType": "Bundle", "type": "collection", "entry": [{"resource": resource}]})


def unreadable(at: Hospital, type_: str) -> None:
    """From now on the EHR fails to answer for one type."""
    wire = Wire(SandboxAdapter(at.ehr))

    def fail(asked: requests.PreparedRequest, send: Any) -> requests.Response:
        answer: requests.Response = send(asked)
        if f"/fhir/{type_}" in str(asked.url):
            answer._content, answer.status_code = b"{}", 500
        return answer

    wire.fault = fail
    at.http.mount(EHR, wire)


def looks(tab: Tab, number: int = 1) -> dict[str, tuple[str, str]]:
    tab.go(f"recheck/{number}" if tab.page.url.endswith("course") else tab.page.url)
    assert tab.page.status == 200, tab.page.text[:300]
    return {x["id"]: (x["state"], x["said"]) for x in tab.json["looks"]}


def statuses(at: Hospital) -> tuple[list[str], list[str]]:
    return [o["status"] for o in at.orders(CIDP)], [t["status"] for t in at.held("Task", CIDP)]


def test_nothing_changed_and_the_infusion_is_released_for_its_day(at: Hospital) -> None:
    pharmacist = verified(at)
    assert {state for state, _ in looks(pharmacist).values()} == {"fine"}
    pharmacist.press("Release this infusion")
    assert "Released by Mats Sample-Lindqvist" in pharmacist.page.text
    assert [(x["infusion"], x["decision"]) for x in pharmacist.json["looked"]] == [(1, "released")]
    assert statuses(at) == (["active"], ["completed"])
    database = Database(connect(at.settings.database_url), KeyRing.read(at.settings.secret_keys))
    with database.read() as tx:
        assert [r.note for r in audit.rows(tx, pharmacist.run) if r.what == "infusion.released"] == ["infusion 1"]
        assert audit.verify(tx) == ()


def test_a_release_is_said_on_the_task_in_the_ehr_with_who_and_when(at: Hospital) -> None:
    pharmacist = verified(at)
    [before], [order] = at.held("Task", CIDP), at.orders(CIDP)
    pharmacist.go("recheck/1")
    pharmacist.press("Release this infusion")
    [task] = at.held("Task", CIDP)
    assert (task["status"], task["businessStatus"]["text"]) == ("completed", "released for infusion 1")
    assert task["output"][:-1] == before["output"]
    assert task["output"][-1]["type"]["text"] == "released for infusion 1"
    note = task["note"][-1]
    assert note["time"] == task["output"][-1]["valueDateTime"] == task["lastModified"]
    assert note["authorReference"]["reference"] == task["owner"]["reference"]
    assert "released by Mats Sample-Lindqvist" in note["text"]
    assert at.orders(CIDP) == [order]
    assert (pharmacist.json["untold"], "The EHR was not told" in pharmacist.page.text) == ([], False)


def test_what_the_ehr_was_not_told_is_said_and_told_by_somebody_who_may_once(at: Hospital) -> None:
    pharmacist = verified(at)
    nurse = at.tab(CIDP, "nurse")  # may not change the task in the EHR
    nurse.follow("Course")
    nurse.follow("Re-check before infusion 1")
    nurse.press("Release this infusion")
    assert "The EHR was not told" in nurse.page.text
    assert at.held("Task", CIDP)[0]["businessStatus"]["text"] == "verified"
    pharmacist.go("course")
    pharmacist.press("Tell the EHR")
    assert "The EHR was not told" not in pharmacist.page.text
    [task] = at.held("Task", CIDP)
    assert "released by Inés Sample-Castillo" in task["note"][-1]["text"]
    pharmacist.post("tell", {})
    assert at.held("Task", CIDP) == [task]
    pharmacist.go("story")
    assert pharmacist.page.text.count("told the EHR of the release of infusion 1.") == 1


@pytest.mark.parametrize("stored", [True, False])
def test_a_release_whose_answer_is_lost_is_told_once(at: Hospital, stored: bool) -> None:
    pharmacist = verified(at)
    pharmacist.go("recheck/1")
    wire = Wire(SandboxAdapter(at.ehr))

    def lost(asked: requests.PreparedRequest, send: Any) -> requests.Response:
        if asked.method != "PUT":
            answer: requests.Response = send(asked)
            return answer
        if stored:
            send(asked)
        raise requests.ReadTimeout(request=asked)

    wire.fault = lost
    at.http.mount(EHR, wire)
    pharmacist.press("Release this infusion")
    wire.fault = None
    assert ("The EHR was not told" in pharmacist.page.text) is not stored
    assert [(x["infusion"], x["decision"]) for x in pharmacist.json["looked"]] == [(1, "released")]
    pharmacist.post("tell", {})
    assert [o["type"]["text"] for o in at.held("Task", CIDP)[0]["output"]].count("released for infusion 1") == 1


def test_after_a_hold_that_was_decided_on_the_order_is_active_and_its_infusion_released(at: Hospital) -> None:
    pharmacist = verified(at)
    pharmacist.press("Put on hold", code="reaction", note="Shivers.")
    pharmacist.press("Go on with the order", note="It was the draught.")
    assert statuses(at)[0] == ["active"]
    pharmacist.go("recheck/1")
    pharmacist.press("Release this infusion")
    approval = next(t for t in at.held("Task", CIDP) if t["code"]["coding"][0]["code"] == "approve")
    assert approval["businessStatus"]["text"] == "released for infusion 1"


def test_an_infusion_is_not_released_while_somebody_holds_the_order(at: Hospital) -> None:
    """The chart of the one is read while the other decides."""
    pharmacist = verified(at)
    pharmacist.go("recheck/1")
    other = at.tab(CIDP, "nurse")
    other.follow("Course")
    other.follow("Re-check before infusion 1")
    wire = Wire(SandboxAdapter(at.ehr))

    def meanwhile(asked: requests.PreparedRequest, send: Any) -> requests.Response:
        if "/fhir/Condition" in str(asked.url) and wire.fault is not None:
            wire.fault = None
            other.press("Hold the order", **{"note.other": "Feels unwell."})
        answer: requests.Response = send(asked)
        return answer

    wire.fault = meanwhile
    at.http.mount(EHR, wire)
    refused = pharmacist.press("Release this infusion")
    assert refused.status == 409
    pharmacist.go(f"{APP}/s/{pharmacist.session}/pharmacy/{pharmacist.run}/course")
    assert (pharmacist.json["held"], [x["decision"] for x in pharmacist.json["looked"]]) == (True, ["held"])


# ── The limits, both sides ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("kg", "state"), [(90.1, "fine"), (90.2, "held"), (73.9, "fine"), (73.8, "held")])
def test_a_weight_moved_by_a_tenth_holds(at: Hospital, kg: float, state: str) -> None:
    pharmacist = verified(at)
    observed(at, "29463-7", kg, "kg")
    found = looks(pharmacist)["weight"]
    assert found[0] == state
    assert f"{kg} kg" in found[1]


@pytest.mark.parametrize(("kg", "state"), [("90.1", "fine"), ("90.2", "held")])
def test_a_weight_typed_today_counts_before_the_record(at: Hospital, kg: str, state: str) -> None:
    pharmacist = verified(at)
    pharmacist.go("recheck/1")
    pharmacist.press("Look again", weight_kg=kg)
    assert ("Hold this infusion" in pharmacist.page.text) == (state == "held")
    assert f"{kg} kg" in pharmacist.page.text


@pytest.mark.parametrize(("mg_dl", "state"), [(1.23, "fine"), (1.24, "held")])
def test_a_creatinine_risen_by_the_figure_of_the_check_holds(at: Hospital, mg_dl: float, state: str) -> None:
    """0.94 mg/dL when it was approved: 0.3 more is 1.24, reached before 1.5 times."""
    pharmacist = verified(at)
    observed(at, "2160-0", mg_dl, "mg/dL")
    assert looks(pharmacist)["creatinine"][0] == state


def test_a_creatinine_of_one_and_a_half_times_holds_where_the_rise_is_small(at: Hospital) -> None:
    low = {"value": 0.4, "unit": "mg/dL", "system": UCUM, "code": "mg/dL"}
    at.change("Observation/cidp-adult-obs-6", valueQuantity=low)
    pharmacist = verified(at)
    observed(at, "2160-0", 0.59, "mg/dL")
    assert looks(pharmacist)["creatinine"][0] == "fine"
    at.change("Observation/later-2160-0", valueQuantity={**low, "value": 0.6})
    assert looks(pharmacist)["creatinine"][0] == "held"


@pytest.mark.parametrize(("celsius", "state"), [(37.9, "fine"), (38.0, "held")])
def test_fever_holds(at: Hospital, celsius: float, state: str) -> None:
    pharmacist = verified(at)
    observed(at, "8310-5", celsius, "Cel")
    assert looks(pharmacist)["temperature"][0] == state


@pytest.mark.parametrize(("celsius", "held"), [("37.9", False), ("38", True)])
def test_a_temperature_typed_now_counts(at: Hospital, celsius: str, held: bool) -> None:
    pharmacist = verified(at)
    pharmacist.go("recheck/1")
    pharmacist.press("Look again", temp_c=celsius)
    assert ("Hold this infusion" in pharmacist.page.text) == held


UNUSABLE = {
    "a unit that is not one": {"valueQuantity": {"value": 6, "unit": "mg%", "system": UCUM, "code": "mg%"}},
    "a text": {"valueQuantity": None, "valueString": "6.0 mg/dL"},
    "no date": {"effectiveDateTime": None},
}


@pytest.mark.parametrize("how", UNUSABLE)
def test_a_newer_creatinine_that_cannot_be_used_is_for_a_person_to_look_at(at: Hospital, how: str) -> None:
    pharmacist = verified(at)
    observed(at, "2160-0", 6, "mg/dL", **UNUSABLE[how])
    state, said = looks(pharmacist)["creatinine"]
    assert (state, "Not used: Creatinine" in said) == ("open", True), said
    assert "somebody has to look" in pharmacist.press("Release this infusion").text


def test_a_creatinine_without_a_date_may_be_the_newest_and_stays_for_a_person_to_look_at(at: Hospital) -> None:
    observed(at, "2160-0", 0.9, "mg/dL", effectiveDateTime=None)
    at.clock.forward(minutes=5)
    assert looks(verified(at))["creatinine"][0] == "open"


def test_an_older_value_that_cannot_be_used_opens_nothing_but_is_named_as_new(at: Hospital) -> None:
    pharmacist = verified(at)
    old = {"effectiveDateTime": "2026-02-01T09:00:00Z", **UNUSABLE["a unit that is not one"]}
    observed(at, "2160-0", 6, "mg/dL", **old)
    found = looks(pharmacist)
    assert found["creatinine"][0] == "fine"
    assert (found["record"][0], "6 mg%" in found["record"][1]) == ("open", True)


@pytest.mark.parametrize(("look", "code", "value"), [("weight", "29463-7", 120), ("temperature", "8310-5", 39)])
def test_a_newer_weight_or_temperature_that_cannot_be_used_is_for_a_person_to_look_at(
    at: Hospital, look: str, code: str, value: float
) -> None:
    pharmacist = verified(at)
    observed(at, code, value, "x")
    state, said = looks(pharmacist)[look]
    assert (state, f"{value} x" in said) == ("open", True), said


def test_a_weight_that_is_typed_answers_for_one_that_cannot_be_used(at: Hospital) -> None:
    pharmacist = verified(at)
    observed(at, "29463-7", 120, "x")
    pharmacist.go("recheck/1")
    pharmacist.press("Look again", weight_kg="83")
    assert "83 kg (typed today)" in pharmacist.page.text


def test_a_converted_creatinine_is_printed_as_people_read_it(at: Hospital) -> None:
    pharmacist = verified(at)
    observed(at, "2160-0", 500, "umol/L")
    assert "Creatinine is 5.65 mg/dL; it was 0.94 mg/dL" in looks(pharmacist)["creatinine"][1]


def thrombosis(at: Hospital) -> None:
    at.clock.forward(minutes=5)
    coded = {"coding": [{"system": "http://snomed.info/sct", "code": "128053003"}], "text": "Deep venous thrombosis"}
    active = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}]}
    load(
        at,
        {
            "resourceType": "Condition",
            "id": "later-dvt",
            "clinicalStatus": active,
            "code": coded,
            "subject": {"reference": f"Patient/{CIDP}"},
            "onsetDateTime": at.clock.time.isoformat(),
        },
    )


def allergy(at: Hospital, text: str, code: str, severity: str = "severe") -> None:
    at.clock.forward(minutes=5)
    active = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical", "code": "active"}]}
    shown = {"coding": [{"system": "http://snomed.info/sct", "code": "39579001"}], "text": "Anaphylaxis"}
    load(
        at,
        {
            "resourceType": "AllergyIntolerance",
            "id": "later-allergy",
            "clinicalStatus": active,
            "code": {"coding": [{"system": "http://snomed.info/sct", "code": code}], "text": text},
            "patient": {"reference": f"Patient/{CIDP}"},
            "recordedDate": at.clock.time.isoformat(),
            "reaction": [{"manifestation": [shown], "severity": severity}],
        },
    )


def test_a_new_thrombosis_holds(at: Hospital) -> None:
    pharmacist = verified(at)
    thrombosis(at)
    state, said = looks(pharmacist)["thrombosis"]
    assert (state, "Deep venous thrombosis" in said) == ("held", True)


def test_a_thrombosis_that_was_known_and_answered_for_does_not_hold_again(at: Hospital) -> None:
    thrombosis(at)
    pharmacist = verified(at)
    assert looks(pharmacist)["thrombosis"][0] == "fine"


def test_a_new_allergy_to_immunoglobulin_holds(at: Hospital) -> None:
    pharmacist = verified(at)
    allergy(at, "Allergy to immunoglobulin", "294635009")
    assert looks(pharmacist)["allergy"][0] == "held"


def test_another_new_allergy_is_for_a_person_to_judge(at: Hospital) -> None:
    pharmacist = verified(at)
    allergy(at, "Allergy to penicillin", "91936005")
    state, said = looks(pharmacist)["allergy"]
    assert (state, "penicillin" in said) == ("open", True)


def test_a_patient_who_died_is_not_infused(at: Hospital) -> None:
    pharmacist = verified(at)
    at.change(f"Patient/{CIDP}", deceasedBoolean=True)
    assert looks(pharmacist)["record"][0] == "held"


# ── What could not be read ───────────────────────────────────────────────────────────────────────────────────────────


def test_what_could_not_be_read_is_named_and_released_only_when_a_person_answers(at: Hospital) -> None:
    pharmacist = verified(at)
    unreadable(at, "Condition")
    found = looks(pharmacist)
    assert {id_ for id_, (state, _) in found.items() if state == "open"} >= {"thrombosis", "record"}
    page = pharmacist.page
    refused = pharmacist.press("Release this infusion")
    assert (refused.status, "Thrombosis: somebody has to look, and say so in words." in refused.text) == (409, True)
    asked = {id_ for id_, (state, _) in found.items() if state == "open"}
    pharmacist.page = page
    half = {f"answer.{i}": "fine" for i in asked}
    assert pharmacist.press("Release this infusion", **half).status == 409
    assert statuses(at) == (["active"], ["completed"])
    pharmacist.page = page
    pharmacist.press("Release this infusion", **half, **{f"note.{i}": "Read in the chart itself." for i in asked})
    assert "Released by" in pharmacist.page.text


def test_a_person_who_finds_something_holds_the_order_with_their_words(at: Hospital) -> None:
    pharmacist = verified(at)
    unreadable(at, "Condition")
    pharmacist.go("recheck/1")
    pharmacist.press("Hold the order", **{"answer.thrombosis": "held", "note.thrombosis": "Left calf swollen since yesterday."})
    [order] = at.orders(CIDP)
    assert order["status"] == "on-hold"
    assert "Left calf swollen since yesterday." in order["statusReason"]["text"]


def test_without_a_temperature_of_the_day_the_nurse_has_to_measure(at: Hospital) -> None:
    pharmacist = verified(at)
    at.clock.forward(days=1)
    pharmacist = again(at, pharmacist)
    assert looks(pharmacist, 2)["temperature"][0] == "open"


def again(at: Hospital, before: Tab) -> Tab:
    """The pharmacist on the course of the same order, in a new session."""
    tab = at.tab(CIDP, "pharmacist", target="pharmacy")
    tab.go(f"{before.run}/course")
    return tab


def test_an_old_weight_is_not_taken_for_one_of_today(at: Hospital) -> None:
    at.change("Observation/cidp-adult-obs-1", effectiveDateTime="2026-01-20T09:00:00Z")
    at.change("Observation/cidp-adult-obs-2", status="entered-in-error")
    pharmacist = verified(at)
    assert looks(pharmacist)["weight"][0] == "open"


# ── Hold, and what follows ───────────────────────────────────────────────────────────────────────────────────────────


def test_a_hold_goes_to_the_ehr_with_its_reason_and_keeps_the_sheet_back(at: Hospital) -> None:
    pharmacist = verified(at)
    allergy(at, "Allergy to immunoglobulin", "294635009")
    pharmacist.go("recheck/1")
    assert "Release this infusion" not in pharmacist.page.buttons
    pharmacist.press("Hold the order")
    [order] = at.orders(CIDP)
    assert (order["status"], [c["code"] for c in order["statusReason"]["coding"]]) == ("on-hold", ["salg", "allergy"])
    assert statuses(at)[1] == ["completed", "in-progress"]
    assert [(x["infusion"], x["decision"]) for x in pharmacist.json["looked"]] == [(1, "held")]
    assert pharmacist.go("sheet").status == 409
    assert pharmacist.go("recheck/1").status == 409


def test_a_script_cannot_release_what_holds(at: Hospital) -> None:
    pharmacist = verified(at)
    allergy(at, "Allergy to immunoglobulin", "294635009")
    pharmacist.go("recheck/1")
    body = {"decision": "release", "digest": pharmacist.json["digest"], "answer.allergy": "fine", "note.allergy": "no"}
    refused = pharmacist.post("1", body)
    assert (refused.status, "The infusion is held." in refused.json["error"]["message"]) == (409, True)
    assert statuses(at)[0] == ["active"]


def test_a_page_that_is_older_than_the_record_releases_nothing(at: Hospital) -> None:
    pharmacist = verified(at)
    pharmacist.go("recheck/1")
    observed(at, "8310-5", 37.2, "Cel")
    refused = pharmacist.press("Release this infusion")
    assert (refused.status, "The record changed since this page was opened." in refused.text) == (409, True)


def test_after_a_decision_the_same_finding_holds_no_more_and_a_new_one_does(at: Hospital) -> None:
    pharmacist = verified(at)
    thrombosis(at)
    pharmacist.go("recheck/1")
    pharmacist.press("Hold the order")
    pharmacist.press("Go on with the order", note="Anticoagulated since yesterday; haematology agrees.")
    assert looks(pharmacist)["thrombosis"][0] == "fine"
    observed(at, "8310-5", 38.4, "Cel")
    assert looks(pharmacist)["temperature"][0] == "held"


def test_a_nurse_who_may_not_change_the_order_in_the_ehr_holds_it_here_and_a_pharmacist_there(at: Hospital) -> None:
    pharmacist = verified(at)
    thrombosis(at)
    nurse = at.tab(CIDP, "nurse")
    nurse.follow("Course")
    nurse.follow("Re-check before infusion 1")
    nurse.press("Hold the order")
    assert "The EHR was not told" in nurse.page.text
    assert statuses(at)[0] == ["active"]
    assert nurse.go("sheet").status == 409
    assert at.tab(CIDP, "nurse").page.status == 200
    pharmacist.go("course")
    assert "Held before infusion 1" in pharmacist.page.text
    pharmacist.press("Put on hold", code="thrombosis", note="As the nurse saw.")
    assert statuses(at)[0] == ["on-hold"]
    pharmacist.press("Go on with the order", note="Anticoagulated.")
    assert statuses(at)[0] == ["active"]
    assert pharmacist.go("sheet").status == 200


def test_a_hold_that_the_ehr_was_never_told_of_is_decided_on_here(at: Hospital) -> None:
    pharmacist = verified(at)
    nurse = at.tab(CIDP, "nurse")
    nurse.follow("Course")
    nurse.follow("Re-check before infusion 1")
    nurse.press("Hold the order", **{"note.other": "Feels unwell."})
    assert nurse.go("sheet").status == 409
    pharmacist.go("course")
    assert "Feels unwell." in pharmacist.page.text
    assert pharmacist.post("resume", {"note": " "}).status == 409
    pharmacist.press("Go on with the order", note="Seen by the ward doctor.")
    assert nurse.go("sheet").status == 200
    assert statuses(at)[0] == ["active"]


# ── When, and who ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_infusion_is_looked_at_on_its_own_day_only(at: Hospital) -> None:
    pharmacist = verified(at)
    for number, status in ((2, 409), (0, 404), (9, 404)):
        assert pharmacist.browser.get(pharmacist.page.url.replace("course", f"recheck/{number}")).status == status


def test_nothing_is_looked_at_before_verification(at: Hospital) -> None:
    prescriber = at.tab(CIDP)
    prescriber.approve()
    nurse = at.tab(CIDP, "nurse")
    page = nurse.go(f"{APP}/s/{nurse.session}/orders/{prescriber.run}/recheck/1")
    assert (page.status, "Only a verified order" in page.text) == (409, True)


@pytest.mark.parametrize(("user", "status"), [("prescriber", 403), ("stranger", 403), ("nurse", 200), ("pharmacist", 200)])
def test_a_nurse_or_a_pharmacist_looks(at: Hospital, user: str, status: int) -> None:
    pharmacist = verified(at)
    tab = at.tab(CIDP, user)
    assert tab.go(f"{APP}/s/{tab.session}/orders/{pharmacist.run}/recheck/1").status == status


@pytest.mark.parametrize(("field", "value"), [("weight_kg", "much"), ("weight_kg", "-4"), ("weight_kg", "1999"), ("temp_c", "900")])
def test_a_value_that_nobody_can_have_is_not_used(at: Hospital, field: str, value: str) -> None:
    pharmacist = verified(at)
    pharmacist.go("recheck/1")
    refused = pharmacist.press("Look again", **{field: value})
    assert (refused.status, "Not used" in refused.text) == (400, True)
    assert "Traceback" not in refused.body


def test_no_address_holds_what_was_typed(at: Hospital) -> None:
    pharmacist = verified(at)
    pharmacist.go("recheck/1")
    pharmacist.press("Look again", weight_kg="82.5")
    assert "82.5" not in pharmacist.page.url
