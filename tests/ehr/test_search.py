"""One search, to its last page or to the reason why not."""

from __future__ import annotations

from typing import Any

import pytest
import requests
import responses
from an_ehr_server import BASE, bundle, condition, outcome

from ivig_fhir.chart.answers import Reason
from ivig_fhir.ehr.client import FhirClient
from ivig_fhir.ehr.search import search
from ivig_fhir.errors import BreakTheGlass

URL = f"{BASE}/Condition"


def test_every_page_is_read_by_its_link(client: FhirClient, fake: responses.RequestsMock) -> None:
    fake.get(URL, json=bundle(condition("a"), following=f"{BASE}?page=2"))
    fake.get(BASE, json=bundle(condition("b"), following="?page=3"))
    fake.get(f"{BASE}/", json=bundle(condition("c")))
    found = search(client, "Condition", [("patient", "p1")])
    assert list(found.matches) == ["Condition/a", "Condition/b", "Condition/c"]
    assert found.problem is None
    assert "patient=" not in str(fake.calls[1].request.url)


def test_a_default_port_in_a_link_is_the_same_origin(client: FhirClient, fake: responses.RequestsMock) -> None:
    fake.get(URL, json=bundle(condition("a"), following="https://ehr.example.org:443/fhir/Condition?page=2"))
    fake.get("https://ehr.example.org:443/fhir/Condition?page=2", json=bundle(condition("b")))
    assert len(search(client, "Condition", ()).matches) == 2


def test_a_link_to_another_server_gets_no_token_and_leaves_the_list_incomplete(client: FhirClient, fake: responses.RequestsMock) -> None:
    fake.get(URL, json=bundle(condition("a"), following="https://evil.example.org/fhir?page=2"))
    fake.get("https://evil.example.org/fhir", json=bundle(condition("b")))
    found = search(client, "Condition", ())
    assert list(found.matches) == ["Condition/a"]
    assert found.problem is Reason.ERROR
    assert "another server" in found.said
    assert len(fake.calls) == 1


def test_pages_that_lead_in_a_circle_end(client: FhirClient, fake: responses.RequestsMock) -> None:
    fake.get(URL, json=bundle(condition("a"), following=f"{BASE}?page=2"))
    fake.get(BASE, json=bundle(condition("b"), following=f"{BASE}?page=2"))
    found = search(client, "Condition", ())
    assert len(found.matches) == 2
    assert found.problem is Reason.ERROR
    assert len(fake.calls) == 2


@pytest.mark.parametrize(("pages", "problem"), [(20, None), (21, Reason.ERROR)])
def test_twenty_pages_are_read_and_the_cap_is_told(
    client: FhirClient, fake: responses.RequestsMock, pages: int, problem: Reason | None
) -> None:
    for number in range(1, pages + 1):
        following = f"{BASE}/next?page={number + 1}" if number < pages else None
        where = URL if number == 1 else f"{BASE}/next?page={number}"
        fake.get(where, json=bundle(condition(f"c{number}"), following=following), match_querystring=None)
    found = search(client, "Condition", ())
    assert len(found.matches) == 20
    assert found.problem is problem
    assert ("more than 20 pages" in found.said) is (problem is not None)


def test_a_resource_that_two_pages_hold_is_kept_once(client: FhirClient, fake: responses.RequestsMock) -> None:
    fake.get(URL, json=bundle(condition("a"), condition("a"), following=f"{BASE}?page=2"))
    fake.get(BASE, json=bundle(condition("a")))
    found = search(client, "Condition", ())
    assert list(found.matches) == ["Condition/a"]
    assert found.oddities == []


def test_a_resource_that_changes_between_pages_is_named(client: FhirClient, fake: responses.RequestsMock) -> None:
    fake.get(URL, json=bundle(condition("a"), following=f"{BASE}?page=2"))
    fake.get(BASE, json=bundle({**condition("a"), "recordedDate": "2026"}))
    found = search(client, "Condition", ())
    assert [o.reference for o in found.oddities] == ["Condition/a"]


def test_a_page_that_fails_keeps_the_pages_before_it_and_is_never_the_end(client: FhirClient, fake: responses.RequestsMock) -> None:
    fake.get(URL, json=bundle(condition("a"), following=f"{BASE}?page=2"))
    fake.get(BASE, status=410, json=outcome("not-found", "expired"))
    found = search(client, "Condition", ())
    assert list(found.matches) == ["Condition/a"]
    assert found.problem is Reason.ERROR
    assert not found.refused


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (400, Reason.NOT_SUPPORTED), (401, Reason.NOT_PERMITTED), (403, Reason.NOT_PERMITTED), (404, Reason.NOT_SUPPORTED),
        (406, Reason.ERROR), (429, Reason.ERROR), (500, Reason.ERROR), (501, Reason.NOT_SUPPORTED), (503, Reason.ERROR),
    ],
)  # fmt: skip
def test_a_failed_search_has_a_reason_and_is_never_empty(
    client: FhirClient, fake: responses.RequestsMock, status: int, reason: Reason
) -> None:
    fake.get(URL, status=status, body="<html>not found</html>", content_type="text/html")
    found = search(client, "Condition", ())
    assert found.problem is reason
    assert found.said
    assert "html" not in found.said


def test_a_broken_connection_is_an_error(client: FhirClient, fake: responses.RequestsMock) -> None:
    fake.get(URL, body=requests.ConnectionError("reset"))
    assert search(client, "Condition", ()).problem is Reason.ERROR


@pytest.mark.parametrize("body", [outcome("exception", "sorry"), outcome("informational", "nothing", "information"), condition("a")])
def test_something_else_than_a_list_is_an_error(client: FhirClient, fake: responses.RequestsMock, body: dict[str, Any]) -> None:
    fake.get(URL, json=body)
    found = search(client, "Condition", ())
    assert found.problem is Reason.ERROR
    assert found.matches == {}


def test_a_list_with_only_a_remark_in_it_is_empty_and_complete(client: FhirClient, fake: responses.RequestsMock) -> None:
    fake.get(URL, json=bundle(outcome("not-found", "No results", "warning", "4101")))
    found = search(client, "Condition", ())
    assert found.problem is None
    assert found.matches == {}


def test_the_total_is_never_looked_at(client: FhirClient, fake: responses.RequestsMock) -> None:
    fake.get(URL, json={**bundle(condition("a")), "total": 500})
    assert search(client, "Condition", ()).problem is None


def test_a_suppressed_part_makes_the_list_incomplete(client: FhirClient, fake: responses.RequestsMock) -> None:
    said = "Client not authorized for Condition - Outside Record. Outside Record Condition results are not included."
    fake.get(URL, json=bundle(condition("a"), outcome("suppressed", said, "warning", "59204")))
    found = search(client, "Condition", ())
    assert list(found.matches) == ["Condition/a"]
    assert found.problem is Reason.NOT_PERMITTED


@pytest.mark.parametrize("remark", [outcome("incomplete", "partial", "warning"), outcome("informational", "more", "information", "4119")])
def test_a_remark_that_there_may_be_more_makes_the_list_incomplete(
    client: FhirClient, fake: responses.RequestsMock, remark: dict[str, Any]
) -> None:
    fake.get(URL, json=bundle(condition("a"), remark))
    assert search(client, "Condition", ()).problem is Reason.ERROR


def test_a_remark_about_another_type_is_kept_for_that_type(client: FhirClient, fake: responses.RequestsMock) -> None:
    fake.get(URL, json=bundle(condition("a"), outcome("suppressed", "AllergyIntolerance was withheld", "warning")))
    found = search(client, "Condition", ())
    assert found.problem is None
    assert [(u.type, u.reason) for u in found.unread] == [("AllergyIntolerance", Reason.NOT_PERMITTED)]


@pytest.mark.parametrize("entry", [{}, {"resource": None}, {"resource": {"id": "x"}}, {"resource": ["x"]}])
def test_a_malformed_entry_hides_no_other_and_is_never_a_clean_answer(
    client: FhirClient, fake: responses.RequestsMock, entry: dict[str, Any]
) -> None:
    made = bundle(condition("a"))
    fake.get(URL, json={**made, "entry": [entry, *made["entry"]]})
    found = search(client, "Condition", ())
    assert list(found.matches) == ["Condition/a"]
    assert found.problem is Reason.NOT_READABLE


def test_a_list_that_is_no_list_is_not_readable(client: FhirClient, fake: responses.RequestsMock) -> None:
    fake.get(URL, json={"resourceType": "Bundle", "type": "searchset", "entry": {"resource": condition("a")}})
    assert search(client, "Condition", ()).problem is Reason.NOT_READABLE


def test_a_warning_that_leaves_no_gap_is_shown_and_the_list_stays_complete(client: FhirClient, fake: responses.RequestsMock) -> None:
    said = "Unknown parameter: CATEGORY. Parameter has been ignored."
    fake.get(URL, json=bundle(condition("a"), outcome("invalid", said, "warning", "4122")))
    found = search(client, "Condition", ())
    assert found.problem is None
    assert [o.said for o in found.oddities] == [f"The EHR remarks on its list of Condition: {said}"]


@pytest.mark.parametrize(
    "remark", [outcome("processing", "no results", "warning", "4101"), outcome("informational", "12 ms", "information")]
)
def test_what_only_says_that_nothing_was_found_is_no_remark(
    client: FhirClient, fake: responses.RequestsMock, remark: dict[str, Any]
) -> None:
    fake.get(URL, json=bundle(remark))
    assert search(client, "Condition", ()).oddities == []


def test_included_resources_are_not_matches(client: FhirClient, fake: responses.RequestsMock) -> None:
    made = bundle(condition("a"), {"resourceType": "Medication", "id": "m"}, condition("b"))
    made["entry"][2]["search"]["mode"] = "include"
    fake.get(URL, json=made)
    found = search(client, "Condition", ())
    assert list(found.matches) == ["Condition/a"]
    assert list(found.includes) == ["Medication/m", "Condition/b"]


# ── Break-the-Glass among the results ────────────────────────────────────────────────────────────────────────────────

GLASS = "This chart needs Break-the-Glass in the EHR. Break the glass in the EHR, then launch again."


@pytest.mark.parametrize("severity", ["error", "warning", "information"])
@pytest.mark.parametrize("code", ["4130", "4131", "4134"])
def test_a_list_that_asks_to_break_the_glass_is_not_read_and_is_not_asked_again(
    client: FhirClient, fake: responses.RequestsMock, code: str, severity: str
) -> None:
    fake.get(URL, json=bundle(outcome("suppressed", "Restricted.", severity, code), following=f"{BASE}?page=2"))
    found = search(client, "Condition", ())
    assert (found.problem, isinstance(found.error, BreakTheGlass)) == (Reason.NOT_PERMITTED, True)
    assert found.said == f"Condition could not be read. {GLASS}"
    assert found.error is not None
    assert found.error.told == (f"{severity}: Restricted.",)
    assert len(fake.calls) == 1


def test_what_stands_before_the_glass_is_kept_and_the_list_is_read_only_in_part(client: FhirClient, fake: responses.RequestsMock) -> None:
    fake.get(URL, json=bundle(outcome("suppressed", "Restricted.", coded="4134"), condition("a")))
    found = search(client, "Condition", ())
    assert (list(found.matches), found.problem) == (["Condition/a"], Reason.NOT_PERMITTED)
    assert found.said == f"Condition was read only in part. {GLASS}"


@pytest.mark.parametrize("code", ["4119", "4129", "4135"])
def test_another_code_does_not_ask_to_break_the_glass(client: FhirClient, fake: responses.RequestsMock, code: str) -> None:
    fake.get(URL, json=bundle(outcome("suppressed", "Restricted.", coded=code)))
    found = search(client, "Condition", ())
    assert found.error is None
    assert "Break" not in found.said


def test_a_refusal_that_asks_to_break_the_glass_is_told_in_the_same_words(client: FhirClient, fake: responses.RequestsMock) -> None:
    fake.get(URL, status=403, json=outcome("forbidden", "Restricted.", coded="4130"))
    found = search(client, "Condition", ())
    assert (found.problem, found.said) == (Reason.NOT_PERMITTED, f"Condition could not be read. {GLASS}")
