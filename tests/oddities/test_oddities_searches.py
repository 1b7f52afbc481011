"""Oddities 4 to 12: search answers that are not what they look like, from servers on real connections."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests
from a_loopback import Asked, Said, loopback, recorded
from an_ehr_server import bundle
from oddities.a_real_file import CERNER, EPIC, LIN, NICKEL, SMART, and_nothing_else, answers, body, found, load, resources

from ivig_fhir.chart.answers import Reason
from ivig_fhir.chart.queries import QUERIES
from ivig_fhir.chart.read import read_chart
from ivig_fhir.chart.snapshot import ChartSnapshot
from ivig_fhir.content.model import Content
from ivig_fhir.ehr.client import FhirClient
from ivig_fhir.ehr.fetch import fetch_answers
from ivig_fhir.ehr.search import search
from ivig_fhir.errors import FhirError
from ivig_fhir.smart.discovery import SmartConfiguration
from ivig_fhir.smart.issuers import Issuer
from ivig_fhir.smart.scopes import wanted
from ivig_fhir.smart.token import Refused, TokenEndpoint

NOW = datetime(2026, 5, 15, 9, tzinfo=UTC)
WEIGHTS = next(q for q in QUERIES if q.key == "weights")
VITALS = next(q for q in QUERIES if q.key == "vital-signs")
LAB = next(q for q in QUERIES if q.key == "laboratory")


def vendor(data: Path, folder: str) -> Callable[[Asked], Said]:
    """A server that says what the vendor's said about one patient, and that everything else is empty."""
    patient = next((b for _, _, b in answers(data, folder) if b["resourceType"] == "Patient"), None)
    return and_nothing_else(
        recorded(*answers(data, folder)), patient or {"resourceType": "Patient", "id": folder.partition("/patient-")[2]}
    )


def opened(answer: Callable[[Asked], Said], patient: str, content: Content) -> ChartSnapshot:
    """The chart of a patient on a server that answers so."""
    with loopback(answer) as server:
        return read_chart(fetch_answers(server.client(), patient), content, NOW, UTC)


@pytest.mark.oddity(4)
@pytest.mark.parametrize(
    ("folder", "name", "type_"), [(LIN, "condition-health-concern", "Condition"), (LIN, "observation-lab", "Observation")]
)
def test_an_answer_of_nothing_but_an_outcome_is_no_entry(data: Path, folder: str, name: str, type_: str) -> None:
    said = body(data, folder, name)
    assert len(said["entry"]) == 1
    assert said["total"] == 0
    with loopback(lambda asked: Said(body=said)) as server:
        read = search(server.client(), type_, [("patient", "p")])
    assert (read.matches, read.includes) == ({}, {})
    assert read.oddities == []


@pytest.mark.oddity(5)
def test_allergies_of_which_a_part_was_withheld_are_incomplete_and_clear_nothing(data: Path, content: Content) -> None:
    chart = opened(vendor(data, NICKEL), NICKEL.partition("/patient-")[2], content)
    answer = chart.answer("AllergyIntolerance")
    assert len(answer.resources) == 2
    assert answer.problem is Reason.NOT_PERMITTED
    assert "AllergyIntolerance was read only in part" in answer.said
    assert "Outside Record" in answer.said


@pytest.mark.oddity(6)
def test_the_next_link_is_followed_whatever_the_total_says(data: Path, content: Content) -> None:
    note = load(found(data / LIN, "observation-vital-signs-paginated"))
    total, following = note["page_count_5"]["bundle_total"], note["page_count_5"]["link_relations"][0]["url"]
    assert total == 5
    everything = list(resources(body(data, LIN, "observation-vitals"), "Observation"))
    owner = everything[0]["subject"]["reference"].partition("/")[2]

    def pages(asked: Asked) -> Said:
        at = int(asked.params.get("page", "0"))
        link = following.replace(note_base(following), "") + f"&page={at + 1}" if (at + 1) * 5 < 40 else None
        return Said(body={**bundle(*everything[at * 5 : at * 5 + 5], following=link), "total": total})

    with loopback(pages) as server:
        read = search(server.client(), "Observation", [("patient", owner)])
    assert (len(read.matches), read.pages, read.problem) == (40, 8, None)


def note_base(url: str) -> str:
    """Everything before the type in a recorded address."""
    return url.partition("Observation?")[0]


@pytest.mark.oddity(6)
def test_a_list_that_goes_on_past_the_cap_is_called_a_part(data: Path) -> None:
    [one, *_] = resources(body(data, LIN, "observation-vitals"), "Observation")

    def endless(asked: Asked) -> Said:
        at = int(asked.params.get("page", "0"))
        return Said(body={**bundle({**one, "id": f"o{at}"}, following=f"Observation?page={at + 1}"), "total": 1})

    with loopback(endless) as server:
        read = search(server.client(), "Observation", ())
    assert len(read.matches) == 20
    assert "there are more than 20 pages" in read.said


@pytest.mark.oddity(7)
def test_opaque_next_links_are_followed_and_each_page_is_checked_for_the_patient(data: Path) -> None:
    first = body(data, SMART, "encounter")
    link = next(x["url"] for x in first["link"] if x["relation"] == "next")
    assert "-pageContext=" in link
    stranger = {"resourceType": "Encounter", "id": "strange", "status": "finished", "subject": {"reference": "Patient/1"}}
    own = {**stranger, "id": "mine", "subject": {"reference": "Patient/12724066"}}

    def pages(asked: Asked) -> Said:
        if asked.path.startswith("Patient/"):
            return Said(body={"resourceType": "Patient", "id": "12724066"})
        if "-pageContext" in asked.params:
            return Said(body=bundle(own, stranger))
        local = [{**x, "url": "Encounter?" + x["url"].partition("?")[2]} if x["relation"] == "next" else x for x in first["link"]]
        return Said(body={**first, "link": local})

    with loopback(pages) as server:
        read = fetch_answers(server.client(), "12724066", [q for q in QUERIES if q.type == "Encounter"])
    ids = {r["id"] for r in read.of("Encounter").resources}
    assert len(ids) == 11
    assert "mine" in ids
    assert "strange" not in ids
    assert [o.reference for o in read.oddities] == ["Encounter/strange"]


@pytest.mark.oddity(7)
@pytest.mark.parametrize("port", [":443", ""])
def test_a_next_link_with_the_default_port_is_of_the_same_origin(data: Path, port: str) -> None:
    note = load(found(data / LIN, "observation-vital-signs-paginated"))
    link = note["page_count_5"]["link_relations"][0]["url"]
    assert "sessionID=" in link
    assert "patient=" not in link
    client = FhirClient(note_base(link), requests.Session())
    assert client.same_origin(link.replace("fhir.epic.com", f"fhir.epic.com{port}"))
    assert not client.same_origin(link.replace("fhir.epic.com", "fhir.epic.com:8443"))


@pytest.mark.oddity(8)
def test_a_weight_behind_a_thousand_vital_signs_is_found_by_its_code(data: Path, content: Content) -> None:
    vitals = body(data, LIN, "observation-vitals")
    told = {c["code"] for r in resources(vitals, "Observation") for c in r["code"]["coding"]}
    assert "29463-7" not in told
    patient = LIN.partition("/patient-")[2]
    weight = {
        "resourceType": "Observation",
        "id": "behind",
        "status": "final",
        "subject": {"reference": f"Patient/{patient}"},
        "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]},
        "effectiveDateTime": "2026-05-01",
        "valueQuantity": {"value": 83, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"},
    }
    usual = vendor(data, LIN)

    def answer(asked: Asked) -> Said:
        return Said(body=bundle(weight)) if asked.params.get("code", "").startswith("29463-7,") else usual(asked)

    chart = opened(answer, patient, content)
    assert [m.source.reference for m in chart.panel("body-weight")] == ["Observation/behind"]
    assert len(chart.resources("Observation")) == 1001


@pytest.mark.oddity(9)
def test_a_server_that_ignores_its_filters_is_filtered_here(data: Path, content: Content) -> None:
    mixed = [*resources(body(data, SMART, "observation-lab")), *resources(body(data, SMART, "observation-vital"))]

    def unfiltered(asked: Asked) -> Said:
        return Said(body={"resourceType": "Patient", "id": "12724066"} if asked.path.startswith("Patient/") else bundle(*mixed))

    with loopback(unfiltered) as server:
        client = server.client()
        weights = fetch_answers(client, "12724066", [WEIGHTS]).of("Observation").resources
        labs = fetch_answers(client, "12724066", [LAB]).of("Observation").resources
    assert 0 < len(weights) < len(mixed)
    assert all(any(c["code"] in dict(WEIGHTS.params)["code"] for c in r["code"]["coding"]) for r in weights)
    assert {r["id"] for r in labs} == {r["id"] for r in resources(body(data, SMART, "observation-lab"))}


@pytest.mark.oddity(9)
def test_a_refusal_is_its_fatal_issue_and_not_the_remark_before_it(data: Path) -> None:
    refusal = load(data / EPIC / "server" / "error-search-with-unsupported-param.json")
    assert [i["severity"] for i in refusal["body"]["issue"]] == ["information", "fatal"]
    with loopback(lambda asked: Said(refusal["_request"]["status"], refusal["body"])) as server:
        read = search(server.client(), "Patient", [("totally-bogus-param", "foo")])
    assert read.refused
    assert "failed to pass a business rule" in read.said
    assert "ignored" not in read.said


@pytest.mark.oddity(10)
def test_a_page_of_html_is_a_type_that_is_not_supported(data: Path) -> None:
    page = load(data / EPIC / "server" / "error-request-unsupported-resource-type.json")
    html = page["body"]["_non_json_body"].encode()
    with loopback(lambda asked: Said(404, html, {"Content-Type": "text/html"})) as server:
        read = search(server.client(), "FakeResourceTypeThatDoesNotExist", ())
    assert read.problem is Reason.NOT_SUPPORTED
    assert "<" not in read.said


@pytest.mark.oddity(10)
def test_json_that_is_no_fhir_with_a_401_is_not_permitted() -> None:
    with loopback(lambda asked: Said(401, {"error": "unauthorized"}, {"Content-Type": "application/json"})) as server:
        assert search(server.client(), "FakeType", ()).problem is Reason.NOT_PERMITTED


@pytest.mark.oddity(10)
def test_every_request_asks_for_json_where_xml_is_the_default(data: Path) -> None:
    patient = body(data, LIN, "patient")

    def epic(asked: Asked) -> Said:
        return (
            Said(body=patient)
            if "json" in asked.headers.get("accept", "")
            else Said(200, b"<Patient/>", {"Content-Type": "application/xml"})
        )

    with loopback(epic) as server:
        assert server.client().read(f"Patient/{patient['id']}").body["id"] == patient["id"]


@pytest.mark.oddity(10)
def test_a_token_error_without_a_description_is_read_by_its_code(data: Path) -> None:
    told = load(data / CERNER / "server" / "error-token-empty-scopes-v1-syntax-2026-05-02.json")["response"]["body_parsed"]
    assert set(told) == {"error", "error_uri"}
    with loopback(lambda asked: Said(400, told, {"Content-Type": "application/json"})) as server:
        issuer = Issuer(iss=server.base, name="Cerner", client_id="ivig-fhir")
        configuration = SmartConfiguration(f"{server.base}/authorize", f"{server.base}/token")
        endpoint = TokenEndpoint(requests.Session(), issuer, configuration)
        with pytest.raises(Refused) as refused:
            endpoint.refresh("r", "openid", NOW)
    assert refused.value.oauth_error == "invalid_scope"


@pytest.mark.oddity(11)
def test_a_server_that_takes_few_parameters_is_asked_more_plainly(data: Path) -> None:
    refusal = load(data / CERNER / "server" / "error-search-with-unsupported-param.json")["body"]
    takes = {"Observation": {"patient", "category", "code", "date"}, "AllergyIntolerance": {"patient", "clinical-status"}}
    takes["MedicationRequest"] = {"patient", "intent", "status"}

    def plainly(asked: Asked) -> Said:
        if asked.path.startswith("Patient/"):
            return Said(body={"resourceType": "Patient", "id": "12724066"})
        if set(asked.params) - takes.get(asked.type, {"patient"}):
            return Said(400, refusal)
        return Said(body=bundle(*(r for name in ("allergy", "medication") for r in resources(body(data, SMART, name), asked.type))))

    with loopback(plainly) as server:
        read = fetch_answers(server.client(), "12724066")
        assert {"patient", "_include"} in [set(p) for p in server.searches("MedicationRequest")]
    assert [t for t, a in read.by_type.items() if not a.complete] == []
    assert len(read.of("AllergyIntolerance").resources) == 115
    assert len(read.of("MedicationRequest").resources) == 25


@pytest.mark.oddity(12)
def test_scopes_are_asked_in_the_form_that_the_server_takes(data: Path) -> None:
    findings = load(data / CERNER / "overlay.json.gz")["auth_overlay"]
    assert findings["scopes_format"] == "v2"
    declared = SmartConfiguration("https://a.example.org/authorize", "https://a.example.org/token")
    asked = wanted((q.scope for q in QUERIES), version=declared.scope_version)
    assert {"patient/Condition.rs", "patient/Observation.rs"} <= set(asked)
    assert not [s for s in asked if s.endswith((".read", ".write", ".*"))]


def test_the_error_of_a_search_is_never_an_empty_list() -> None:
    with loopback(lambda asked: Said(500)) as server, pytest.raises(FhirError):
        fetch_answers(server.client(), "p")
