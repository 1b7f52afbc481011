"""The whole chart at once: what is believed of each answer, and what is never believed."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
import responses
from an_ehr_server import BASE, Hours, bundle, condition, outcome

from ivig_fhir.chart.answers import Answer, Answers, Reason
from ivig_fhir.chart.drugs import read_drugs
from ivig_fhir.chart.queries import QUERIES, Query
from ivig_fhir.ehr.client import FhirClient
from ivig_fhir.ehr.fetch import MEDICATIONS, fetch_answers, reread
from ivig_fhir.ehr.profiles import ServerProfile, profile
from ivig_fhir.errors import ChartError, EhrUnavailable, Forbidden, PatientChanged, ResourceGone
from ivig_fhir.fhir.building import digest

CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
CONDITIONS = (Query("conditions", "Condition"),)
LABORATORY = (Query("laboratory", "Observation", (("category", "laboratory"),)),)
WEIGHTS = (Query("weights", "Observation", (("code", "29463-7,3141-9"),)),)
MEDICINES = (Query("medication-requests", "MedicationRequest", (), ("MedicationRequest:medication",)),)
Handler = Callable[[dict[str, str]], Any]


def observation(id_: str, category: str = "laboratory", code: str = "2160-0", patient: str = "p1") -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": id_,
        "subject": {"reference": f"Patient/{patient}"},
        "category": [{"coding": [{"system": CATEGORY, "code": category}]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
    }


def order(id_: str, medication: str, patient: str = "p1") -> dict[str, Any]:
    subject = {"reference": f"Patient/{patient}"}
    return {"resourceType": "MedicationRequest", "id": id_, "subject": subject, "medicationReference": {"reference": medication}}


class Server:
    """A fake server: an answer per path, computed from the parameters; a patient p1 unless the test says otherwise."""

    def __init__(self, fake: responses.RequestsMock) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.handlers: dict[str, Handler] = {"Patient/p1": lambda asked: {"resourceType": "Patient", "id": "p1"}}
        fake.add_callback(responses.GET, re.compile(re.escape(BASE) + ".*"), self._answer)

    def on(self, path: str, answer: Any) -> None:
        """A fixed body, a status, an exception, or a function of the parameters that gives one of them."""
        self.handlers[path] = answer if callable(answer) and not isinstance(answer, type) else lambda asked: answer

    def _answer(self, request: requests.PreparedRequest) -> tuple[int, dict[str, str], bytes]:
        parts = urlsplit(str(request.url))
        path, asked = parts.path.removeprefix("/fhir/"), dict(parse_qsl(parts.query))
        self.asked.append((path, asked))
        given = self.handlers[path](asked) if path in self.handlers else 404
        if isinstance(given, Exception):
            raise given
        if isinstance(given, int):
            return given, {}, b""
        status, body = given if isinstance(given, tuple) else (200, given)
        return status, {"Content-Type": "application/fhir+json"}, requests.compat.json.dumps(body).encode()

    def searches(self, type_: str) -> list[dict[str, str]]:
        return [asked for path, asked in self.asked if path == type_]


@pytest.fixture
def server(fake: responses.RequestsMock) -> Server:
    return Server(fake)


def known(**changes: Any) -> ServerProfile:
    from dataclasses import replace

    return replace(profile("generic"), **changes)


def one(client: FhirClient, queries: tuple[Query, ...], **more: Any) -> Answer:
    return fetch_answers(client, "p1", queries, **more).of(queries[0].type)


# ── whose resources, and which ───────────────────────────────────────────────────────────────────────────────────────


def test_another_patients_resource_is_dropped_and_named(client: FhirClient, server: Server) -> None:
    server.on("Condition", bundle(condition("a"), condition("b", "p2")))
    answers = fetch_answers(client, "p1", CONDITIONS)
    assert [r["id"] for r in answers.of("Condition").resources] == ["a"]
    assert [o.reference for o in answers.oddities] == ["Condition/b"]
    assert "another patient" in answers.oddities[0].said


def test_a_list_of_nothing_but_other_patients_is_an_error_and_not_an_empty_record(client: FhirClient, server: Server) -> None:
    server.on("Condition", bundle(condition("b", "p2")))
    answer = one(client, CONDITIONS)
    assert answer.resources == ()
    assert answer.problem is Reason.ERROR


@pytest.mark.parametrize(
    "reference",
    [
        "https://other.example/fhir/Patient/p1",
        f"{BASE}-of-another-tenant/Patient/p1",
        f"{BASE.replace('.org', '.org:8443')}/Patient/p1",
    ],
)
def test_the_same_id_on_another_server_is_another_patient(client: FhirClient, server: Server, reference: str) -> None:
    server.on("Condition", bundle(condition("a"), {**condition("b"), "subject": {"reference": reference}}))
    answers = fetch_answers(client, "p1", CONDITIONS)
    assert [r["id"] for r in answers.of("Condition").resources] == ["a"]
    assert "another patient" in answers.oddities[0].said


@pytest.mark.parametrize(("at", "known"), [("Medication/m1", "Immunoglobulin"), ("https://other.example/fhir/Medication/m1", "as printed")])
def test_a_medicine_on_another_server_is_not_the_one_of_the_same_id_here(client: FhirClient, server: Server, at: str, known: str) -> None:
    entry = order("r", at)
    entry["medicationReference"]["display"] = "as printed"
    here = {"resourceType": "Medication", "id": "m1", "code": {"text": "Immunoglobulin"}}
    server.on("MedicationRequest", bundle(entry))
    server.on("Medication/m1", here)
    [drug] = read_drugs(fetch_answers(client, "p1", MEDICINES), datetime(2026, 3, 2, tzinfo=UTC), UTC)
    assert drug.texts == (known,)


@pytest.mark.parametrize(
    "reference", ["Patient/p1", f"{BASE}/Patient/p1", f"{BASE.replace('.org', '.org:443')}/Patient/p1", "Patient/p1/_history/3"]
)
def test_the_patient_is_recognized_in_every_form_of_reference(client: FhirClient, server: Server, reference: str) -> None:
    server.on("Condition", bundle({**condition("a"), "subject": {"reference": reference}}))
    assert len(one(client, CONDITIONS).resources) == 1


@pytest.mark.parametrize(("element", "type_"), [("patient", "Immunization"), ("beneficiary", "Coverage"), ("subject", "Procedure")])
def test_the_patient_is_looked_for_where_each_type_names_it(client: FhirClient, server: Server, element: str, type_: str) -> None:
    mine = {"resourceType": type_, "id": "a", element: {"reference": "Patient/p1"}}
    theirs = {"resourceType": type_, "id": "b", element: {"reference": "Patient/p2"}}
    server.on(type_, bundle(mine, theirs))
    assert [r["id"] for r in one(client, (Query("q", type_),)).resources] == ["a"]


def test_a_resource_that_names_nobody_is_not_used(client: FhirClient, server: Server) -> None:
    server.on("Condition", bundle({"resourceType": "Condition", "id": "a"}))
    answers = fetch_answers(client, "p1", CONDITIONS)
    assert answers.of("Condition").resources == ()
    assert "does not say whose" in answers.oddities[0].said


def test_an_ignored_filter_is_applied_again(client: FhirClient, server: Server) -> None:
    everything = bundle(observation("lab"), observation("vital", "vital-signs"), observation("weight", "vital-signs", "29463-7"))
    server.on("Observation", everything)
    assert [r["id"] for r in one(client, LABORATORY).resources] == ["lab"]
    assert [r["id"] for r in one(client, WEIGHTS).resources] == ["weight"]


def test_a_category_in_the_servers_own_words_is_believed(client: FhirClient, server: Server) -> None:
    local = {**observation("a"), "category": [{"coding": [{"system": "urn:local", "code": "LAB"}]}]}
    server.on("Observation", bundle(local))
    assert len(one(client, LABORATORY).resources) == 1


def test_a_wrong_type_among_the_results_is_named_and_not_used(client: FhirClient, server: Server) -> None:
    server.on("Condition", bundle(condition("a"), observation("x")))
    answers = fetch_answers(client, "p1", CONDITIONS)
    assert len(answers.of("Condition").resources) == 1
    assert any("Observation" in o.said for o in answers.oddities)


def test_two_searches_of_one_type_are_one_answer_without_duplicates(client: FhirClient, server: Server) -> None:
    both = observation("weight", "vital-signs", "29463-7")
    server.on("Observation", bundle(both))
    answers = fetch_answers(client, "p1", (*WEIGHTS, Query("vital-signs", "Observation", (("category", "vital-signs"),))))
    assert len(answers.of("Observation").resources) == 1


# ── emptiness ────────────────────────────────────────────────────────────────────────────────────────────────────────


def nothing_filtered(control: Any) -> Handler:
    return lambda asked: control if asked.get("_count") == "1" else bundle()


def test_an_empty_filtered_search_is_believed_after_a_control_search(client: FhirClient, server: Server) -> None:
    server.on("Observation", nothing_filtered(bundle(observation("v", "vital-signs"))))
    answer = one(client, LABORATORY)
    assert answer.complete
    assert {"patient": "p1", "_count": "1"} in server.searches("Observation")


@pytest.mark.parametrize(("control", "reason"), [(403, Reason.NOT_PERMITTED), (500, Reason.ERROR), (404, Reason.NOT_SUPPORTED)])
def test_an_empty_filtered_search_is_not_believed_when_the_control_fails(
    client: FhirClient, server: Server, control: int, reason: Reason
) -> None:
    server.on("Observation", nothing_filtered(control))
    answer = one(client, LABORATORY)
    assert answer.problem is reason
    assert "could not be confirmed" in answer.said


def test_an_empty_search_that_the_control_contradicts_is_an_error(client: FhirClient, server: Server) -> None:
    server.on("Observation", nothing_filtered(bundle(observation("lab"))))
    assert one(client, LABORATORY).problem is Reason.ERROR


def test_a_control_that_does_not_say_its_category_contradicts_nothing(client: FhirClient, server: Server) -> None:
    unsaid = {**observation("x"), "category": [{"coding": [{"system": "urn:local", "code": "LAB"}]}]}
    server.on("Observation", nothing_filtered(bundle(unsaid)))
    assert one(client, LABORATORY).complete


def test_the_control_reads_one_page_only(client: FhirClient, server: Server) -> None:
    server.on("Observation", nothing_filtered(bundle(observation("v", "vital-signs"), following=f"{BASE}/Observation?page=2")))
    assert one(client, LABORATORY).complete
    assert {"page": "2"} not in server.searches("Observation")


def test_an_unfiltered_empty_search_is_absence(client: FhirClient, server: Server) -> None:
    server.on("Condition", bundle())
    assert one(client, CONDITIONS).complete


# ── what is refused ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (400, Reason.NOT_SUPPORTED), (401, Reason.NOT_PERMITTED), (403, Reason.NOT_PERMITTED), (404, Reason.NOT_SUPPORTED),
        (500, Reason.ERROR), (requests.ConnectionError("reset"), Reason.ERROR),
        ((403, outcome("forbidden", "Break the glass", coded="4130")), Reason.NOT_PERMITTED),
    ],
)  # fmt: skip
def test_a_search_that_fails_is_a_problem_and_hides_no_other(client: FhirClient, server: Server, answer: Any, reason: Reason) -> None:
    server.on("Condition", answer)
    server.on("Procedure", bundle())
    answers = fetch_answers(client, "p1", (*CONDITIONS, Query("procedures", "Procedure")))
    assert answers.of("Condition").problem is reason
    assert answers.of("Condition").said
    assert answers.of("Procedure").complete


def test_a_type_without_a_scope_is_not_asked_for(client: FhirClient, server: Server) -> None:
    answer = one(client, CONDITIONS, allowed=lambda type_, letter: "no")
    assert answer.problem is Reason.NOT_PERMITTED
    assert server.searches("Condition") == []


def test_a_scope_for_a_part_of_a_type_never_proves_absence(client: FhirClient, server: Server) -> None:
    server.on("Condition", bundle(condition("a")))
    answer = one(client, CONDITIONS, allowed=lambda type_, letter: "partial")
    assert len(answer.resources) == 1
    assert answer.problem is Reason.NOT_PERMITTED


def test_a_refused_include_is_asked_again_without_it(client: FhirClient, server: Server) -> None:
    server.on("MedicationRequest", lambda asked: 400 if "_include" in asked else bundle(order("o", "Medication/m")))
    server.on("Medication/m", {"resourceType": "Medication", "id": "m"})
    answers = fetch_answers(client, "p1", MEDICINES)
    assert answers.of("MedicationRequest").complete
    assert [m["id"] for m in answers.of("Medication").resources] == ["m"]


def test_a_refused_filter_is_asked_again_for_everything_and_filtered_here(client: FhirClient, server: Server) -> None:
    everything = bundle(observation("lab"), observation("vital", "vital-signs"))
    server.on("Observation", lambda asked: 400 if "category" in asked else everything)
    answer = one(client, LABORATORY)
    assert [r["id"] for r in answer.resources] == ["lab"]
    assert answer.complete


def test_the_count_of_the_profile_is_asked_and_left_out_where_it_is_refused(client: FhirClient, server: Server) -> None:
    server.on("Condition", lambda asked: 400 if "_count" in asked else bundle(condition("a")))
    assert one(client, CONDITIONS, known=known(page_size=200)).complete
    assert server.searches("Condition") == [{"patient": "p1", "_count": "200"}, {"patient": "p1"}]


def test_the_patient_is_named_differently_only_where_the_profile_says_so(client: FhirClient, server: Server) -> None:
    server.on("Condition", lambda asked: bundle(condition("a")) if asked["patient"] == "Patient/p1" else bundle())
    assert one(client, CONDITIONS).resources == ()
    assert len(one(client, CONDITIONS, known=known(patient_forms=("bare", "typed"))).resources) == 1


def test_what_one_search_says_of_another_type_counts_there(client: FhirClient, server: Server) -> None:
    server.on("Condition", bundle(condition("a"), outcome("suppressed", "Procedure was withheld", "warning")))
    server.on("Procedure", bundle())
    answers = fetch_answers(client, "p1", (*CONDITIONS, Query("procedures", "Procedure")))
    assert answers.of("Condition").complete
    assert answers.of("Procedure").problem is Reason.NOT_PERMITTED


# ── the patient ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (404, ResourceGone), (403, Forbidden), (requests.ConnectionError("x"), EhrUnavailable),
        ({"resourceType": "Patient", "id": "p2"}, PatientChanged),
    ],
)  # fmt: skip
def test_without_the_patient_there_is_no_chart(client: FhirClient, server: Server, answer: Any, error: type[Exception]) -> None:
    server.on("Patient/p1", answer)
    with pytest.raises(error):
        fetch_answers(client, "p1", CONDITIONS)


@pytest.mark.parametrize("id_", ["", "..", "a/b", "p1?x=1", "p 1", "x" * 129])
def test_an_id_that_is_none_is_never_asked_for(client: FhirClient, server: Server, id_: str) -> None:
    with pytest.raises(ChartError):
        fetch_answers(client, id_, CONDITIONS)
    assert server.asked == []


# ── medications ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_included_medication_is_not_read_again(client: FhirClient, server: Server) -> None:
    made = bundle(order("o", "Medication/m"), {"resourceType": "Medication", "id": "m"})
    server.on("MedicationRequest", made)
    answers = fetch_answers(client, "p1", MEDICINES)
    assert [m["id"] for m in answers.of("Medication").resources] == ["m"]
    assert answers.of("Medication").complete
    assert server.searches("Medication/m") == []


def test_a_medication_with_the_id_of_an_order_is_not_lost(client: FhirClient, server: Server) -> None:
    server.on("MedicationRequest", bundle(order("7", f"{BASE}/Medication/7")))
    server.on("Medication/7", {"resourceType": "Medication", "id": "7"})
    answers = fetch_answers(client, "p1", MEDICINES)
    assert len(answers.of("MedicationRequest").resources) == len(answers.of("Medication").resources) == 1


def test_a_medication_on_another_server_is_not_asked_for(client: FhirClient, server: Server) -> None:
    server.on("MedicationRequest", bundle(order("o", "https://evil.example.org/fhir/Medication/m"), order("p", "#contained")))
    fetch_answers(client, "p1", MEDICINES)
    assert all(not path.startswith("Medication/") for path, _ in server.asked)


def test_a_medication_that_cannot_be_read_is_a_gap(client: FhirClient, server: Server) -> None:
    server.on("MedicationRequest", bundle(order("o", "Medication/m")))
    server.on("Medication/m", 403)
    assert fetch_answers(client, "p1", MEDICINES).of("Medication").problem is Reason.NOT_PERMITTED


def test_referred_medications_are_capped_and_the_cap_is_told(client: FhirClient, server: Server) -> None:
    server.on("MedicationRequest", bundle(*(order(f"o{n}", f"Medication/m{n}") for n in range(MEDICATIONS + 1))))
    for n in range(MEDICATIONS + 1):
        server.on(f"Medication/m{n}", {"resourceType": "Medication", "id": f"m{n}"})
    answer = fetch_answers(client, "p1", MEDICINES).of("Medication")
    assert len(answer.resources) == MEDICATIONS
    assert answer.problem is Reason.ERROR


# ── time ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_slow_search_is_not_read_and_hides_no_other(client: FhirClient, server: Server, hours: Hours) -> None:
    server.on("Procedure", bundle())
    server.on("Condition", lambda asked: hours.sleep(30.0) or bundle(condition("a"), following=f"{BASE}/Condition?page=2"))
    answers = fetch_answers(client, "p1", (Query("procedures", "Procedure"), *CONDITIONS), deadline=20.0, workers=1)
    assert answers.of("Procedure").complete
    assert answers.of("Condition").problem is Reason.ERROR


def test_a_fresh_reading_asks_past_caches(client: FhirClient, fake: responses.RequestsMock, server: Server) -> None:
    server.on("Condition", bundle())
    fetch_answers(client, "p1", CONDITIONS, fresh=True)
    assert all(call.request.headers["Cache-Control"] == "no-cache" for call in fake.calls)


# ── on the sandbox ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_whole_table_is_read_on_a_real_server(connect: Callable[..., FhirClient]) -> None:
    answers = fetch_answers(connect(), "cidp-adult")
    assert [t for t, a in answers.by_type.items() if not a.complete] == []
    assert {q.type for q in QUERIES} <= set(answers.by_type)
    assert len(answers.of("Observation").resources) > 2
    assert answers.oddities == ()


def test_pages_of_two_give_the_same_chart(connect: Callable[..., FhirClient]) -> None:
    def content(answers: Answers) -> dict[str, list[str]]:
        return {t: sorted(digest(r) for r in a.resources) for t, a in answers.by_type.items()}

    assert content(fetch_answers(connect(fault="page-size-2"), "cidp-adult")) == content(fetch_answers(connect(), "cidp-adult"))


def test_a_type_that_the_grant_leaves_out_is_not_permitted_even_when_asked(connect: Callable[..., FhirClient]) -> None:
    answers = fetch_answers(connect(fault="narrowed-scopes"), "cidp-adult")
    assert answers.of("AllergyIntolerance").problem is Reason.NOT_PERMITTED
    assert answers.of("Condition").complete


def test_rereading_gives_the_marks_that_the_chart_had_until_something_changes(connect: Callable[..., FhirClient]) -> None:
    client = connect()
    read = fetch_answers(client, "cidp-adult")
    resource = dict(read.of("Condition").resources[0])
    reference = f"Condition/{resource['id']}"
    before = {reference: digest(resource), "Patient/cidp-adult": digest(read.patient)}
    assert reread(client, before) == before
    version = resource["meta"]["versionId"]
    client.put(reference, {**resource, "recordedDate": "2026-01-02"}, if_match=f'W/"{version}"')
    after = reread(client, before)
    assert after[reference] != before[reference]
    assert after["Patient/cidp-adult"] == before["Patient/cidp-adult"]


def test_rereading_tells_gone_from_unreadable(client: FhirClient, server: Server) -> None:
    assert reread(client, ["Observation/gone"]) == {"Observation/gone": None}
    server.on("Observation/x", 500)
    with pytest.raises(EhrUnavailable):
        reread(client, ["Observation/gone", "Observation/x"])


@pytest.mark.parametrize("hidden", [True, False])
def test_a_type_behind_the_glass_is_asked_for_once_in_whatever_form_the_patient_is_named(
    client: FhirClient, server: Server, hidden: bool
) -> None:
    said = outcome("suppressed", "Restricted.", coded="4131")
    server.on("Condition", bundle(said) if hidden else (403, said))
    answers = fetch_answers(client, "p1", CONDITIONS, known=known(patient_forms=("bare", "typed")))
    answer = answers.of("Condition")
    assert (answer.problem, answer.resources) == (Reason.NOT_PERMITTED, ())
    assert "This chart needs Break-the-Glass in the EHR." in answer.said
    assert len(server.searches("Condition")) == 1
