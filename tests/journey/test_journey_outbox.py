"""What was approved and did not reach the EHR: lost with no process, settled by whoever may, too late after a while, and never doubled."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import requests
from an_ehr_server import Wire
from journey.a_hospital import EHR, ISS, Hospital, Tab, hospital

from ivig_fhir.app import create_database, create_runtime
from ivig_fhir.sandbox import users
from ivig_fhir.sandbox.adapter import SandboxAdapter
from ivig_fhir.smart.client_keys import make_key
from ivig_fhir.smart.tenancy import Tenancy
from ivig_fhir.store import audit, client_keys, flights, orders, outbox, sessions
from ivig_fhir.web.doors import cookie_name
from ivig_fhir.workflow.approve import approve_order
from ivig_fhir.workflow.deliver import Delivered, app_bearers, deliver_due
from ivig_fhir.workflow.runtime import Runtime

CIDP = "cidp-adult"
PLACE = Tenancy(ISS)
HOURS = timedelta(hours=4)
MINUTE = timedelta(minutes=1)
Send = Callable[[requests.PreparedRequest], requests.Response]


@pytest.fixture
def wire(at: Hospital) -> Wire:
    """The wire between app and EHR, which a test can cut."""
    made = Wire(SandboxAdapter(at.ehr))
    at.http.mount(EHR, made)
    return made


def writes(asked: requests.PreparedRequest) -> bool:
    return asked.method == "POST" and str(asked.url).rstrip("/").endswith("/fhir")


def unreachable(asked: requests.PreparedRequest, send: Send) -> requests.Response:
    """No write leaves this machine."""
    if writes(asked):
        raise requests.ConnectTimeout(request=asked)
    return send(asked)


def refusing(asked: requests.PreparedRequest, send: Send) -> requests.Response:
    """The EHR answers every write with a refusal for good."""
    if not writes(asked):
        return send(asked)
    answer = send(requests.Request("GET", f"{EHR}/fhir/Nothing").prepare())
    answer.status_code = 422
    return answer


class LostAnswer:
    """The EHR stores what is posted to its base and the answer is lost; from then on it shows no order, until it is lit again."""

    def __init__(self, stores: bool = True) -> None:
        self.stores, self.dark = stores, False

    def __call__(self, asked: requests.PreparedRequest, send: Send) -> requests.Response:
        if writes(asked):
            self.dark = True
            if self.stores:
                send(asked)
            raise requests.ReadTimeout(request=asked)
        if self.dark and "/fhir/MedicationRequest" in str(asked.url):
            raise requests.ConnectTimeout(request=asked)
        return send(asked)


def runtime(at: Hospital) -> Runtime:
    """A process of its own, as `ivig-fhir deliver` is: the store is all that it shares with the app."""
    return create_runtime(at.settings, at.http, at.clock)


def delivered(at: Hospital, made: Runtime | None = None) -> list[Delivered]:
    process = made or runtime(at)
    return list(deliver_due(process, app_bearers(process)))


def waiting(at: Hospital) -> list[tuple[str, str, str]]:
    with create_database(at.settings).read() as tx:
        return [(d.kind, d.state, d.error) for d in outbox.waiting(tx)]


def story(at: Hospital, run: str) -> list[tuple[str, str]]:
    with create_database(at.settings).read() as tx:
        return [(row.what, row.who) for row in audit.rows(tx, run)]


def approved_and_dead(at: Hospital, patient: str = CIDP) -> Tab:
    """The process died right after the commit of the approval, before anything was sent."""
    tab, process = at.tab(patient), runtime(at)
    with process.database.read() as tx:
        cookie = tab.browser.cookie(cookie_name(tab.session), f"/s/{tab.session}/")
        session = sessions.load(tx, tab.session, cookie, at.clock(), process.limits)
    assert approve_order(process, session, tab.run, tab.json["proposal"]["digest"], ()) == ()
    at.start()
    return tab


def unsent(at: Hospital, wire: Wire) -> Tab:
    """An order that could not be sent because the EHR was not to be reached; now it is again."""
    wire.fault = unreachable
    tab = at.tab(CIDP)
    tab.approve()
    wire.fault = None
    return tab


def with_key(at: Hospital) -> None:
    with create_database(at.settings).write() as tx:
        client_keys.add(tx, make_key("ES384"), at.clock(), timedelta(hours=24))


@contextmanager
def second_doctor(monkeypatch: pytest.MonkeyPatch, at: Hospital) -> Iterator[str]:
    """The nurse is a doctor today, with every right of one."""
    people = tuple(replace(u, letters="cruds") if u.id == "nurse" else u for u in users.USERS)
    monkeypatch.setattr(users, "USERS", people)
    role = at.parts.store.current("PractitionerRole", "prescriber-role")
    assert role is not None
    assert role.body is not None
    at.change("PractitionerRole/nurse-role", code=role.body["code"])
    yield "nurse"


# ── Nothing is lost with a process ───────────────────────────────────────────────────────────────────────────────────


def test_an_approval_whose_process_died_before_it_was_sent_is_sent_by_deliver_with_a_token_that_lives(at: Hospital) -> None:
    tab = approved_and_dead(at)
    assert waiting(at) == [("send", "waiting", "")]
    assert delivered(at) == []  # the request that approved has the first try
    at.clock.forward(minutes=2)
    [result] = delivered(at)
    assert (result.outcome, result.state, result.by) == ("settled", "sent", "ivig-fhir deliver for Practitioner/prescriber")
    assert [o["status"] for o in at.orders(CIDP)] == ["draft"]
    assert waiting(at) == []
    tab.go("receipt")
    assert "Stored as a draft" in tab.page.text
    assert story(at, tab.run)[-2:] == [("order.sending", result.by), ("order.sent", result.by)]


def test_without_a_living_token_it_waits_and_every_page_that_it_concerns_says_so(at: Hospital) -> None:
    approved_and_dead(at)
    at.clock.forward(minutes=31)  # the session is over
    for _ in range(outbox.MOST_ATTEMPTS + 1):
        [result] = delivered(at)
        assert (result.outcome, result.by) == ("waiting", "")
        at.clock.forward(minutes=1)
    assert waiting(at) == [("send", "waiting", "E-41")]  # nor is there a key with which the app could prove itself
    pharmacist = at.tab(CIDP, "pharmacist", target="pharmacy")
    assert "Approved, not yet in the EHR: it waits for somebody who may send it, until Mon 2 Mar 2026, 13:00." in pharmacist.page.text
    assert "by Adwoa Sample-Osei" in pharmacist.page.text
    assert at.orders(CIDP) == []


def test_the_next_launch_of_any_prescriber_for_this_patient_sends_it_and_says_so(at: Hospital, monkeypatch: pytest.MonkeyPatch) -> None:
    first = approved_and_dead(at)
    at.clock.forward(minutes=31)
    with second_doctor(monkeypatch, at) as other:
        tab = at.tab(CIDP, other)
    assert "An order that had not reached the EHR, or of which that was not known, is in the EHR now" in tab.page.text
    assert [o["requester"]["reference"] for o in at.orders(CIDP)] == ["Practitioner/prescriber"]  # whoever approved it
    assert story(at, first.run)[-2:] == [("order.sending", "Practitioner/nurse"), ("order.sent", "Practitioner/nurse")]
    tab.go("./")
    assert "is in the EHR now" not in tab.page.text


@pytest.mark.parametrize(("patient", "user"), [(CIDP, "nurse"), (CIDP, "stranger"), ("gbs-adult", "prescriber")])
def test_no_launch_of_somebody_else_or_for_another_patient_sends_it(at: Hospital, patient: str, user: str) -> None:
    approved_and_dead(at)
    at.clock.forward(minutes=31)
    at.tab(patient, user)
    assert waiting(at) == [("send", "waiting", "")]
    assert at.orders(CIDP) == []


def test_a_launch_at_another_tenant_of_the_ehr_neither_sends_nor_shows_it(at: Hospital) -> None:
    approved_and_dead(at)
    at.clock.forward(minutes=31)
    tab = at.tab(CIDP, tenant="ward-7")
    assert "Approved, not yet in the EHR" not in tab.page.text
    assert waiting(at) == [("send", "waiting", "")]


# ── By the app itself ────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_app_sends_it_by_itself_where_the_ehr_registered_it_for_that(at: Hospital) -> None:
    tab = approved_and_dead(at)
    with_key(at)
    at.clock.forward(minutes=31)
    [result] = delivered(at)
    assert (result.outcome, result.state, result.by) == ("settled", "sent", "ivig-fhir deliver as ivig-fhir-backend")
    assert len(at.orders(CIDP)) == len(at.held("Task", CIDP)) == len(at.held("Provenance", CIDP)) == 1
    receipt = at.tab(CIDP).go(f"../{tab.run}/receipt")
    assert "The EHR holds the order as it was sent." in receipt.text


def table(folder: Path, backend: str) -> Path:
    text = (Path(__file__).resolve().parents[2] / "issuers.toml").read_text(encoding="utf-8")
    path = folder / "issuers.toml"
    path.write_text(text.replace('client_id = "ivig-fhir-backend"', backend), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("backend", "error"),
    [
        ('client_id = "ivig-fhir-backend"\nscopes = ["system/MedicationRequest.rs"]', "no-token"),
        ('client_id = "ivig-fhir-backend"\nscopes = ["system/Nothing.crs"]', "E-06"),
        ('client_id = "ivig-fhir-asymmetric"', "E-06"),
        ('client_id = "somebody-else"', "E-06"),
    ],
)
def test_a_grant_that_is_not_enough_sends_nothing(tmp_path: Path, backend: str, error: str) -> None:
    with hospital(tmp_path, issuers=table(tmp_path, backend)) as at:
        approved_and_dead(at)
        with_key(at)
        at.clock.forward(minutes=31)
        [result] = delivered(at)
        assert result.outcome == "waiting"
        assert waiting(at) == [("send", "waiting", error)]
        assert at.orders(CIDP) == []


def test_the_token_of_the_app_is_for_no_other_tenant(at: Hospital) -> None:
    tab = at.tab(CIDP, tenant="ward-7")
    process = runtime(at)
    with process.database.read() as tx:
        cookie = tab.browser.cookie(cookie_name(tab.session), f"/s/{tab.session}/")
        session = sessions.load(tx, tab.session, cookie, at.clock(), process.limits)
    assert approve_order(process, session, tab.run, tab.json["proposal"]["digest"], ()) == ()
    with_key(at)
    at.clock.forward(minutes=31)
    assert [(r.outcome, r.by) for r in delivered(at)] == [("waiting", "")]
    assert at.orders(CIDP) == []


# ── Unknown fate ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("stores", [True, False])
def test_an_order_of_unknown_fate_is_looked_for_and_is_there_once(at: Hospital, wire: Wire, stores: bool) -> None:
    tab = at.tab(CIDP)
    wire.fault = LostAnswer(stores)
    tab.approve()
    assert waiting(at) == [("reconcile", "waiting", "")]
    [result] = delivered(at)  # the EHR still shows no order: it is put off, and nothing is sent
    assert (result.outcome, result.state) == ("later", "uncertain")
    assert delivered(at) == []
    wire.fault = None
    posts = wire.count("POST", "/fhir")
    at.clock.forward(minutes=1)
    [result] = delivered(at)
    assert (result.outcome, result.state) == ("settled", "sent")
    assert len(at.orders(CIDP)) == len(at.held("Provenance", CIDP)) == 1
    assert wire.count("POST", "/fhir") - posts == (0 if stores else 1)
    looks = [r for r in wire.sent if r.method == "GET" and "identifier=" in str(r.url)]
    assert looks
    assert all(r.headers.get("Cache-Control") == "no-cache" for r in looks)


def test_what_fails_again_and_again_waits_for_a_person_who_is_told(at: Hospital, wire: Wire) -> None:
    tab = at.tab(CIDP)
    wire.fault = LostAnswer()
    tab.approve()
    outcomes = []
    with_key(at)
    for _ in range(outbox.MOST_ATTEMPTS):
        outcomes += [r.outcome for r in delivered(at)]
        at.clock.forward(hours=1)
    assert outcomes == ["later"] * (outbox.MOST_ATTEMPTS - 1) + ["stuck"]
    assert delivered(at) == []
    assert waiting(at) == [("reconcile", "stuck", "E-29")]
    pharmacist = at.tab(CIDP, "pharmacist", target="pharmacy")
    assert "Whether this order is in the EHR is not known." in pharmacist.page.text
    wire.fault = None
    assert "is in the EHR now" in at.tab(CIDP).page.text  # and a launch looks for it all the same
    assert len(at.orders(CIDP)) == 1


def test_an_order_that_the_ehr_refuses_is_not_sent_again_by_itself(at: Hospital, wire: Wire) -> None:
    tab = at.tab(CIDP)
    wire.fault = refusing
    tab.approve()
    assert waiting(at) == [("send", "stuck", "E-20")]
    wire.fault = None
    at.clock.forward(minutes=5)
    assert delivered(at) == []
    assert "not sent again by itself (E-20)" in at.tab(CIDP).page.text
    assert at.orders(CIDP) == []
    tab.go(f"/s/{tab.session}/orders/{tab.run}/receipt")
    tab.press("Send to the EHR")
    assert "Stored as a draft" in tab.page.text


def test_a_decision_of_unknown_fate_is_settled_by_deliver(at: Hospital, wire: Wire) -> None:
    at.tab(CIDP).approve()
    pharmacist = at.tab(CIDP, "pharmacist", target="pharmacy")
    pharmacist.follow("SAMPLETON")
    wire.fault = LostAnswer()
    pharmacist.press("Verify")
    wire.fault = None
    with_key(at)
    at.clock.forward(minutes=31)
    [result] = delivered(at)
    assert (result.item.kind, result.outcome, result.state) == ("decision", "settled", "verified")
    assert [(o["status"], o["meta"]["versionId"]) for o in at.orders(CIDP)] == [("active", "2")]


# ── Until when an approval may be sent ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("age", "sent"), [(HOURS, True), (HOURS + MINUTE, False)])
@pytest.mark.parametrize("by", ["deliver", "launch", "button"])
def test_an_approval_is_sent_for_four_hours_and_then_has_to_be_read_again(
    at: Hospital, wire: Wire, age: timedelta, sent: bool, by: str
) -> None:
    tab = unsent(at, wire)
    with_key(at)
    at.clock.forward(seconds=age.total_seconds())
    if by == "deliver":
        delivered(at)
    later = at.tab(CIDP) if by == "launch" else tab
    if by == "button":
        with create_database(at.settings).write() as tx:  # somebody was at work in this tab all the time
            sessions.touch(tx, tab.session, at.clock())
        later.go(f"/s/{tab.session}/orders/{tab.run}/receipt")
        later.press("Send to the EHR")
    assert len(at.orders(CIDP)) == (1 if sent else 0)
    if sent:
        assert waiting(at) == []
        return
    assert waiting(at) == [("send", "expired", "late")]
    assert delivered(at) == []
    page = at.tab(CIDP).page
    assert "too late to be sent" in page.text


@pytest.mark.parametrize(("at_hour", "sent"), [(23, True), (24, False)])
def test_an_approval_is_sent_until_its_first_infusion_day_is_over(at: Hospital, wire: Wire, at_hour: int, sent: bool) -> None:
    at.clock.forward(hours=12.5)  # 21:30
    tab = at.tab(CIDP)
    tab.press("Recalculate", start="2026-03-02T22:00")
    wire.fault = unreachable
    tab.approve()
    wire.fault = None
    assert tab.json["proposal"]["dose"]["infusions"][0]["date"] == "2026-03-02"
    with_key(at)
    at.clock.forward(hours=at_hour - 21.5)
    delivered(at)
    assert len(at.orders(CIDP)) == (1 if sent else 0)
    assert waiting(at) == ([] if sent else [("send", "expired", "late")])


def test_an_approval_of_other_content_than_is_loaded_now_is_not_sent(at: Hospital, wire: Wire) -> None:
    unsent(at, wire)
    process = runtime(at)
    newer = replace(process, content=replace(process.content, version="2099.1.0"))
    [result] = delivered(at, newer)
    assert (result.outcome, "The clinical content changed" in result.said) == ("expired", True)
    assert at.orders(CIDP) == []


def test_what_is_too_late_is_approved_again_on_the_chart_as_it_is_then(at: Hospital, wire: Wire) -> None:
    tab = unsent(at, wire)
    at.clock.forward(hours=5)
    later = at.tab(CIDP)
    assert later.run == tab.run
    assert "too late to be sent" in later.page.text
    later.follow("Back to the order")
    later.press("Recalculate", per_kg="1.5")
    assert waiting(at) == []
    later.approve()
    assert [o["status"] for o in at.orders(CIDP)] == ["draft"]


# ── One order of a patient on its way ────────────────────────────────────────────────────────────────────────────────


def test_while_an_approved_order_waits_nobody_approves_another_one_for_this_patient(
    at: Hospital, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first is not in the chart yet, so that no check could see it."""
    wire.fault = unreachable
    first = at.tab(CIDP)
    first.approve()
    with second_doctor(monkeypatch, at) as other:
        tab = at.tab(CIDP, other)
        assert tab.run != first.run
        assert "Approved, not yet in the EHR" in tab.page.text
        tab.approve()
        assert tab.page.status == 409
        assert orders.ON_ITS_WAY in tab.page.text
        wire.fault = None
        assert "is in the EHR now" in at.tab(CIDP, other).page.text
        tab.go(f"/s/{tab.session}/orders/{tab.run}/")
        tab.press("Approve order", acknowledged="yes")
        assert tab.page.status == 409  # and now it is in the chart, which changed
    with create_database(at.settings).read() as tx:
        assert flights.aloft(tx, PLACE, CIDP) is None
    assert len(at.orders(CIDP)) == 1
