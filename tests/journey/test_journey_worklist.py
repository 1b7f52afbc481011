"""The worklist: everything that waits, from the EHR's tasks and from our own store; filters; five hundred orders; claims of two pharmacists."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import urljoin

import pytest
from journey.a_busy_day import copies
from journey.a_hospital import ISS, Hospital, Tab

from ivig_fhir.app import create_database
from ivig_fhir.store import audit

CIDP, CVID, GBS = "cidp-adult", "cvid-adult", "gbs-adult"
MATS, FUNKE = "pharmacist", "second-pharmacist"


def worklist(at: Hospital, user: str = MATS) -> Tab:
    return at.tab(CIDP, user, target="pharmacy")


def rows(tab: Tab) -> list[str]:
    """The table, a line an order."""
    body = tab.page.body.split('id="worklist"')[1].split("<tbody>")[1].split("</tbody>")[0]
    return [" ".join(tab.page.forms.__class__(row).text.split()) for row in body.split("<tr")[1:]]


def task(at: Hospital, patient: str = CIDP) -> dict[str, Any]:
    [held] = at.held("Task", patient)
    return held


def audit_words(at: Hospital) -> list[str]:
    with create_database(at.settings).read() as tx:
        return [row.what for row in audit.rows(tx)]


def test_a_row_says_when_who_for_what_how_much_and_what_to_look_at(at: Hospital) -> None:
    at.tab(CIDP).approve()
    [row] = rows(worklist(at))
    for words in (
        "10:00",
        "in 60 min",
        "SAMPLETON, Edwin",
        "45 y, SYN-0412",
        "CIDP",
        "40 g",
        "each of 4 days",
        "Waiting",
        "0 min",
        "Claim",
    ):
        assert words in row.replace("\u00a0", " "), (words, row)


def test_an_order_whose_time_is_past_says_so_and_tomorrows_says_the_day(at: Hospital) -> None:
    at.tab(CIDP).approve()
    at.clock.forward(hours=1, minutes=20)
    assert "overdue 20 min ago" in rows(worklist(at))[0].replace("\u00a0", " ")


def test_filters_show_what_they_say_and_a_name_never_stands_in_an_address(at: Hospital) -> None:
    at.tab(CIDP).approve()
    at.tab(CVID).approve()
    tab = worklist(at)
    [cidp] = [r for r in rows(tab) if "SAMPLETON" in r]
    assert len(rows(tab)) == 2
    for words, found in (("sampleton", 1), ("SYN-0412", 1), ("edwin sampleton", 0), ("sampleton edwin", 1), ("nobody", 0)):
        tab.press("Filter", words=words)
        assert (tab.page.status, tab.page.url.rpartition("/pharmacy/")[2]) == (200, "")
        assert len([r for r in rows(tab) if "SAMPLETON" in r]) == found, words
    tab.press("Filter", words="", claimed="nobody")
    assert len(rows(tab)) == 2
    tab.press("Filter", claimed="me")
    assert "No order is on this list" in rows(tab)[0]
    tab.press("Filter", claimed="anyone", status="queried")
    assert "No order is on this list" in rows(tab)[0]
    tab.press("Filter", status="open", needed="past")
    assert "No order is on this list" in rows(tab)[0]
    at.clock.forward(hours=2)
    late = worklist(at)
    late.press("Filter", needed="past")
    assert len(rows(late)) == 2
    assert cidp


def test_a_filter_that_is_not_offered_and_a_page_past_the_end_count_as_none(at: Hospital) -> None:
    at.tab(CIDP).approve()
    tab = worklist(at)
    tab.go("./?status=%3Cscript%3E&needed=x&claimed=y&page=99999")
    assert (tab.page.status, len(rows(tab))) == (200, 1)
    tab.go("./?page=77")
    assert len(rows(tab)) == 1


def test_an_order_without_a_task_in_the_ehr_is_on_the_list_all_the_same(at: Hospital) -> None:
    """The task was deleted in the EHR, by hand: our own list keeps the order before a pharmacist."""
    at.tab(CIDP).approve()
    at.change(f"Task/{task(at)['id']}", status="entered-in-error")
    tab = worklist(at)
    [row] = rows(tab)
    assert "SAMPLETON" in row
    assert "No task in the EHR" in row
    [order] = tab.json["orders"]
    assert (order["source"], order["state"], order["task"]) == ("store", "sent", None)


def test_where_the_ehr_shows_no_tasks_the_list_is_ours_and_the_page_says_so(at: Hospital, monkeypatch: pytest.MonkeyPatch) -> None:
    at.tab(CIDP).approve()
    forbid(at, monkeypatch, lambda method, path: method == "GET" and path == "Task")
    tab = worklist(at)
    assert "Verification is tracked in this app only" in tab.page.text
    assert "from this app's own list" in tab.page.text
    [row] = rows(tab)
    for words in ("SAMPLETON, Edwin", "10:00", "40 g", "Waiting"):
        assert words in row.replace("\u00a0", " ")
    tab.follow("SAMPLETON")
    tab.press("Verify")
    tab.go("../")
    assert "No order is on this list: nothing waits for a pharmacist." in rows(tab)[0]
    assert at.orders(CIDP)[0]["status"] == "active"


def forbid(at: Hospital, monkeypatch: pytest.MonkeyPatch, refuses: Callable[[str, str], bool]) -> None:
    """The EHR answers 403 to some requests from here on."""
    ask = at.http.request

    def request(method: str, url: str, **asked: Any) -> Any:
        if refuses(method, url.partition("/fhir/")[2].partition("?")[0]):
            return ask("GET", f"{ISS}/Basic", **{k: v for k, v in asked.items() if k not in ("params", "data")})  # no scope for it: 403
        return ask(method, url, **asked)

    monkeypatch.setattr(at.http, "request", request)


def test_a_pharmacist_claims_starts_and_hands_back_and_the_task_follows(at: Hospital) -> None:
    at.tab(CIDP).approve()
    tab = worklist(at)
    tab.press("Claim SAMPLETON, Edwin")
    assert "Me" in rows(tab)[0]
    assert "Claimed" in rows(tab)[0]
    assert (task(at)["status"], task(at)["owner"]["reference"]) == ("accepted", f"Practitioner/{MATS}")
    tab.follow("SAMPLETON")
    assert "You claimed this order" in tab.page.text
    tab.press("Start review")
    assert "You work on this order" in tab.page.text
    assert task(at)["status"] == "in-progress"
    tab.press("Release")
    assert "Nobody has claimed this order" in tab.page.text
    assert (task(at)["status"], "owner" in task(at)) == ("requested", False)
    assert audit_words(at)[-3:] == ["order.claimed", "order.started", "order.released"]


def test_who_comes_second_reads_who_works_on_it_and_can_neither_claim_nor_decide(at: Hospital) -> None:
    at.tab(CIDP).approve()
    first, second = worklist(at), worklist(at, FUNKE)
    first.press("Claim SAMPLETON, Edwin")
    second.press("Claim SAMPLETON, Edwin")  # her list was older
    assert second.page.status == 409
    assert "Mats Sample-Lindqvist" in second.page.text
    assert "works on this order" in second.page.text
    assert "Mats Sample-Lindqvist" in rows(second)[0]
    second.follow("SAMPLETON")
    for button, given in (("Verify", {}), ("Ask prescriber", {"note": "Which weight?"}), ("Reject", {"note": "No."})):
        second.press(button, **given)
        assert (second.page.status, "works on this order. Take it over first" in second.page.text) == (409, True)
    assert at.orders(CIDP)[0]["status"] == "draft"
    first.follow("SAMPLETON")
    first.press("Verify")
    assert at.orders(CIDP)[0]["status"] == "active"


def test_taking_over_is_possible_recorded_and_the_first_one_is_told(at: Hospital) -> None:
    at.tab(CIDP).approve()
    first, second = worklist(at), worklist(at, FUNKE)
    first.follow("SAMPLETON")
    first.press("Start review")
    second.follow("SAMPLETON")
    second.press("Take over")
    assert "You work on this order" in second.page.text
    assert task(at)["owner"]["reference"] == f"Practitioner/{FUNKE}"
    first.press("Verify")
    assert "Funke Sample-Adeyemi works on this order" in first.page.text
    assert at.orders(CIDP)[0]["status"] == "draft"
    assert "order.taken-over" in audit_words(at)
    second.press("Verify")
    assert at.orders(CIDP)[0]["status"] == "active"


def test_ten_at_the_same_moment_and_one_has_it(at: Hospital) -> None:
    at.tab(CIDP).approve()
    tabs = [worklist(at, MATS if n % 2 else FUNKE) for n in range(4)]
    where = [urljoin(t.page.url, f"{t.json['orders'][0]['run']}/claim") for t in tabs]
    tokens = [t.json["csrf"] for t in tabs]
    answers: dict[str, set[int]] = {MATS: set(), FUNKE: set()}
    start = threading.Barrier(len(tabs))

    def claim(n: int) -> None:
        headers = {"X-CSRF-Token": tokens[n], "Accept": "application/json"}
        start.wait()
        page = tabs[n].browser.send("POST", where[n], json={}, headers=headers)
        answers[MATS if n % 2 else FUNKE].add(page.status)

    threads = [threading.Thread(target=claim, args=(n,)) for n in range(len(tabs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    owner = task(at)["owner"]["reference"].rpartition("/")[2]
    other = FUNKE if owner == MATS else MATS
    assert 200 in answers[owner]
    assert answers[other] == {409}


def test_what_the_ehr_refuses_is_not_claimed_with_us_either(at: Hospital) -> None:
    """Somebody else took the task in the EHR itself."""
    at.tab(CIDP).approve()
    tab = worklist(at)
    at.change(f"Task/{task(at)['id']}", status="in-progress", owner={"reference": "Practitioner/elsewhere", "display": "A. Elsewhere"})
    tab.press("Claim SAMPLETON, Edwin")
    assert (tab.page.status, "A. Elsewhere works on this order" in tab.page.text) == (409, True)
    assert "A. Elsewhere" in rows(tab)[0]
    assert audit_words(at)[-2:] == ["order.claimed", "order.released"]
    tab.follow("SAMPLETON")
    assert "A. Elsewhere works on this order" in tab.page.text
    tab.press("Verify")
    assert (tab.page.status, at.orders(CIDP)[0]["status"]) == (409, "draft")


def test_a_question_keeps_its_owner_and_a_decision_ends_the_claim(at: Hospital) -> None:
    at.tab(CIDP).approve()
    tab = worklist(at)
    tab.follow("SAMPLETON")
    tab.press("Start review")
    tab.press("Ask prescriber", code="weight", note="Which weight?")
    tab.go("../")
    assert "Me" in rows(tab)[0]
    assert "Question asked" in rows(tab)[0]
    tab.follow("SAMPLETON")
    tab.press("Verify")
    tab.go("../")
    tab.press("Filter", status="all")
    assert "Verified" in rows(tab)[0]
    tab.follow("SAMPLETON")
    assert "You work on this order" not in tab.page.text


def test_a_claim_on_a_decided_order_is_refused(at: Hospital) -> None:
    at.tab(CIDP).approve()
    tab, other = worklist(at), worklist(at, FUNKE)
    tab.follow("SAMPLETON")
    tab.press("Verify")
    other.press("Claim SAMPLETON, Edwin")
    assert (other.page.status, "This order is decided" in other.page.text) == (409, True)


def test_most_urgent_first_whatever_was_approved_first(at: Hospital) -> None:
    for patient, start in ((CVID, "2026-03-04T10:00"), (CIDP, "2026-03-03T10:00"), (GBS, "2026-03-02T11:00")):
        tab = at.tab(patient)
        tab.post("propose", {**(tab.json["proposal"] and {"start": start})})
        tab.go("./")
        tab.approve()
    found = [o["patient"] for o in worklist(at).json["orders"]]
    assert found == [GBS, CIDP, CVID]


def test_sixty_orders_stand_on_pages_and_ask_the_ehr_no_more_often_than_three(at: Hospital, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    ask = at.http.request
    monkeypatch.setattr(at.http, "request", lambda method, url, **more: asked.append(url) or ask(method, url, **more))
    copies(at, CIDP, 2)
    few = worklist(at)
    asked.clear()
    few.go("./")
    before = len(asked)
    copies(at, CVID, 60)
    many = worklist(at)
    asked.clear()
    many.go("./")
    assert len(asked) == before
    assert len(rows(many)) == 25
    assert "64 orders, most urgent first; 1 to 25" in many.page.text
    many.follow("Later")
    many.follow("Later")
    assert "51 to 64" in many.page.text
    assert len(rows(many)) == 14
    many.press("Filter", words="sampleton057")
    assert len(rows(many)) == 1
    assert len(many.page.body) < 25_000


def test_where_a_server_ignores_the_code_that_was_asked_a_hold_is_no_order_to_verify(at: Hospital, monkeypatch: pytest.MonkeyPatch) -> None:
    at.tab(CIDP).approve()
    suspend = {"coding": [{"system": "http://hl7.org/fhir/CodeSystem/task-code", "code": "suspend"}]}
    at.parts.store.put({**task(at), "id": "a-hold", "code": suspend, "status": "in-progress"}, at.clock(), "PUT")
    ask = at.http.request

    def request(method: str, url: str, **asked: Any) -> Any:
        if url.endswith("/Task"):
            asked["params"] = [pair for pair in asked["params"] if pair[0] != "code"]
        return ask(method, url, **asked)

    monkeypatch.setattr(at.http, "request", request)
    [row] = rows(worklist(at))
    assert "Waiting" in row


def test_orders_on_hold_have_a_filter_of_their_own(at: Hospital) -> None:
    at.tab("cidp-adult").approve()
    pharmacist = at.tab("cidp-adult", "pharmacist", target="pharmacy")
    pharmacist.follow("SAMPLETON")
    pharmacist.press("Verify")
    pharmacist.go("course")
    pharmacist.press("Put on hold", code="reaction", note="Shivers.")
    base = pharmacist.page.url.split("/pharmacy/")[0] + "/pharmacy/"
    pharmacist.go(base)
    assert "SAMPLETON" not in pharmacist.page.text
    assert "On hold (1)" in pharmacist.page.text
    pharmacist.go(f"{base}?status=on-hold")
    assert "SAMPLETON" in pharmacist.page.text
    assert "1 order, most urgent first" in pharmacist.page.text
    pharmacist.go(f"{base}?status=sent")
    assert "SAMPLETON" not in pharmacist.page.text
