"""Every event from every state, by POST: what the table of states does not allow changes nothing, here or in the EHR."""

from __future__ import annotations

import re
from typing import Any

import pytest
import requests
from an_ehr_server import Send
from journey.a_hospital import APP, Hospital, Page, Tab
from journey.a_server_of_another_kind import wired

from ivig_fhir.order.states import ENDS, Event, OrderState, allows

CIDP = "cidp-adult"
NOTE = "A note."
PRESCRIBER, PHARMACIST = "prescriber", "pharmacist"
# Every POST that may move an order: who sends it, below which address, and the events that it may mean.
POSTS: tuple[tuple[str, str, frozenset[Event]], ...] = (
    (PRESCRIBER, "orders/{run}/propose", frozenset({Event.REVISE})),
    (PRESCRIBER, "orders/{run}/approve", frozenset({Event.APPROVE})),
    (PRESCRIBER, "orders/{run}/answer", frozenset({Event.ANSWER})),
    (PRESCRIBER, "orders/{run}/withdraw", frozenset({Event.CANCEL})),
    (PRESCRIBER, "orders/{run}/change", frozenset({Event.REPLACE})),
    (PHARMACIST, "pharmacy/{run}/verify", frozenset({Event.VERIFY})),
    (PHARMACIST, "pharmacy/{run}/query", frozenset({Event.QUERY})),
    (PHARMACIST, "pharmacy/{run}/reject", frozenset({Event.REJECT})),
    (PHARMACIST, "pharmacy/{run}/change", frozenset({Event.PROPOSE_CHANGE})),
    (PHARMACIST, "pharmacy/{run}/recheck/1", frozenset({Event.RELEASE, Event.HOLD})),
    (PHARMACIST, "pharmacy/{run}/hold", frozenset({Event.HOLD})),
    (PHARMACIST, "pharmacy/{run}/resume", frozenset({Event.RESUME})),
    (PHARMACIST, "pharmacy/{run}/stop", frozenset({Event.STOP})),
    (PHARMACIST, "pharmacy/{run}/complete", frozenset({Event.COMPLETE})),
    (PRESCRIBER, "orders/{run}/recall", frozenset({Event.RECALL})),
)
# What is sent with each: everything that it needs where it is allowed.
SENT: dict[str, Any] = {"code": "other", "note": NOTE, "kind": "start", "start": "2026-03-09", "send": "1", "decision": "release"}
WAY: dict[OrderState, tuple[tuple[str, dict[str, str]], ...]] = {
    OrderState.SENT: (),
    OrderState.QUERIED: (("query", {"code": "other", "note": NOTE}),),
    OrderState.REJECTED: (("reject", {"code": "other", "note": NOTE}),),
    OrderState.VERIFIED: (("verify", {}),),
    OrderState.ON_HOLD: (("verify", {}), ("hold", {"code": "other", "note": NOTE})),
    OrderState.STOPPED: (("verify", {}), ("stop", {"code": "other", "note": NOTE})),
}


def post(tab: Tab, csrf: str, where: str, body: dict[str, Any]) -> Page:
    headers = {"X-CSRF-Token": csrf, "Accept": "application/json"}
    return tab.browser.send("POST", f"{APP}/s/{tab.session}/{where}", json=body, headers=headers)


def draft(at: Hospital) -> tuple[Tab, str]:
    tab = at.tab(CIDP)
    return tab, tab.run


class Lost:
    """What goes wrong with the write of an order: it never leaves; its answer gets lost, and nobody can look; or the EHR loses the dose."""

    def __init__(self, at: Hospital, state: OrderState) -> None:
        self.at, self.state, self.gone = at, state, False

    def __call__(self, asked: requests.PreparedRequest, send: Send) -> requests.Response:
        if asked.method == "POST" and str(asked.url).rstrip("/").endswith("/fhir"):
            return self._write(asked, send)
        if self.gone and self.state is OrderState.UNCERTAIN and "/fhir/MedicationRequest" in str(asked.url):
            raise requests.ConnectTimeout(request=asked)
        return send(asked)

    def _write(self, asked: requests.PreparedRequest, send: Send) -> requests.Response:
        self.gone = True
        if self.state is OrderState.APPROVED:
            raise requests.ConnectTimeout(request=asked)
        answer = send(asked)
        if self.state is OrderState.UNCERTAIN:
            raise requests.ReadTimeout(request=asked)
        [order] = self.at.orders(CIDP)
        dosage = {k: v for k, v in order["dosageInstruction"][0].items() if k != "doseAndRate"}
        self.at.change(f"MedicationRequest/{order['id']}", dosageInstruction=[dosage])
        return answer


UNSTORED = (OrderState.APPROVED, OrderState.UNCERTAIN, OrderState.INCOMPLETE)


def unstored(at: Hospital, state: OrderState) -> tuple[dict[str, Tab], str]:
    """An order whose write went wrong, and tabs that were opened before: whoever launches now would have it settled."""
    tab, run = draft(at)
    tabs = {PRESCRIBER: tab, PHARMACIST: at.tab(CIDP, PHARMACIST, target="pharmacy")}
    wire = wired(at)
    wire.fault = Lost(at, state)
    tab.approve()
    wire.fault = None
    return tabs, run


def reached(at: Hospital, state: OrderState) -> tuple[dict[str, Tab], str]:
    """An order in this state, by the way that people take, or by what goes wrong; a tab of each person, and its run."""
    if state in UNSTORED:
        return unstored(at, state)
    _, run = by_people(at, state)
    return {PRESCRIBER: at.tab(CIDP), PHARMACIST: at.tab(CIDP, PHARMACIST, target="pharmacy")}, run


def by_people(at: Hospital, state: OrderState) -> tuple[Tab, str]:
    """An order in this state by the way that people take."""
    tab, run = draft(at)
    if state is OrderState.PROPOSED:
        return tab, run
    tab.approve()
    if state is OrderState.CANCELLED:
        tab.press("Withdraw order", note=NOTE)
    elif state is OrderState.ENTERED_IN_ERROR:
        assert tab.post("recall", {"note": NOTE}).status == 200
    elif state is OrderState.COMPLETED:
        _walk(at, run, (("verify", {}),))
        last = max(e[:10] for e in at.orders(CIDP)[0]["dosageInstruction"][0]["timing"]["event"])
        while at.clock.time.date().isoformat() < last:
            at.clock.forward(days=1)
        _walk(at, run, (("complete", {}),))
    else:
        _walk(at, run, WAY[state])
    return tab, run


def _walk(at: Hospital, run: str, steps: tuple[tuple[str, dict[str, str]], ...]) -> None:
    pharmacist = at.tab(CIDP, PHARMACIST, target="pharmacy")
    pharmacist.go(f"{run}/")
    for act, body in steps:
        pharmacist.go("./")
        assert pharmacist.post(act, {"digest": pharmacist.json["digest"], **body}).status == 200, act


def world(at: Hospital) -> list[Any]:
    """Everything of the order that the EHR holds, by version."""
    return sorted(
        (r["resourceType"], r["id"], r["meta"]["versionId"])
        for t in ("MedicationRequest", "Task", "RequestGroup")
        for r in at.held(t, CIDP)
    )


@pytest.mark.parametrize("state", list(OrderState))
def test_what_the_table_does_not_allow_changes_nothing(at: Hospital, state: OrderState) -> None:
    tabs, run = reached(at, state)
    csrf = {who: csrf_of(tab) for who, tab in tabs.items()}

    def state_of() -> str:
        """What the app says, each time anew."""
        tab = tabs[PRESCRIBER]
        page = tab.browser.get(f"{APP}/s/{tab.session}/orders/{run}/", headers={"Accept": "application/json"})
        return str(page.json["state"])

    assert state_of() == state
    before = world(at)
    named = {PRESCRIBER: digest_of(tabs[PRESCRIBER], "orders", run), PHARMACIST: digest_of(tabs[PHARMACIST], "pharmacy", run)}
    for who, where, events in POSTS:
        if any(allows(state, event) for event in events):
            continue
        answer = post(tabs[who], csrf[who], where.format(run=run), {**SENT, "digest": named[who]})
        assert answer.status >= 400, (state, where, answer.text[:200])
        assert "Traceback" not in answer.body
    assert (state_of(), world(at)) == (state, before)


def digest_of(tab: Tab, area: str, run: str) -> str:
    """The digest that a script would name: of the pharmacist's page, or of the proposal."""
    page = tab.browser.get(f"{APP}/s/{tab.session}/{area}/{run}/", headers={"Accept": "application/json"})
    made: dict[str, Any] = page.json if page.status == 200 else {}
    return str(made.get("digest") or (made.get("proposal") or {}).get("digest") or "none")


def csrf_of(tab: Tab) -> str:
    """The token of a session, which any page of it gives."""
    where = f"{APP}/s/{tab.session}/" + ("pharmacy/" if "/pharmacy/" in tab.page.url else "orders/mine")
    page = tab.browser.get(where)
    return str(re.search(r'name="csrf_token" value="([^"]+)"', page.body)[1])  # type: ignore[index]


def test_every_state_of_the_table_was_tried() -> None:
    by_way = {*WAY, OrderState.PROPOSED, OrderState.CANCELLED, OrderState.ENTERED_IN_ERROR, OrderState.COMPLETED}
    assert {*by_way, *UNSTORED} == {*OrderState} >= ENDS
