"""How an order is written is said before anybody approves; where it is not written it is handed over whole, and the app never sends it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from journey.a_hospital import APP, MORNING, Hospital, Tab, hospital
from journey.a_server_of_another_kind import declares_no_create, issuers, refuses, wired

from ivig_fhir.ehr.modes import ORDER, WRITTEN
from ivig_fhir.fhir.building import decode

MG = "mg-crisis-ckd"
BUTTON = "Approve and copy order"
BY_HAND = "Not in the EHR: enter this order by hand. This is not an infusion sheet; nothing is given from it."
OUTCOME = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "forbidden", "diagnostics": "Orders are closed."}]}


def approved_by_hand(tab: Tab) -> Tab:
    tab.give_reasons()
    tab.press(BUTTON, acknowledged="yes")
    return tab


# ── Before anybody approves ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("profile", "fault", "way", "button"),
    [
        ("generic", "", "Stored in the EHR, all at once", "Approve order"),
        ("generic", "no-transaction", "Stored in the EHR, part by part", "Approve order"),
        ("medplum", "", "Stored in the EHR, part by part", "Approve order"),
        ("oracle", "", "Not stored in the EHR: you enter the order there by hand", BUTTON),
        ("openemr", "", "Nothing is stored in the EHR: you enter the order there by hand", BUTTON),
    ],
)
def test_the_page_says_in_words_how_the_order_is_stored_and_the_button_says_it_too(
    tmp_path: Path, profile: str, fault: str, way: str, button: str
) -> None:
    with hospital(tmp_path, issuers=issuers(tmp_path, profile)) as at:
        tab = at.tab(MG, fault=fault)
        assert way in tab.page.text
        assert [b for b in tab.page.buttons if b.startswith("Approve")] == [button]


@pytest.mark.parametrize("left_out", [t for t in WRITTEN if t != ORDER])
def test_what_the_ehr_does_not_store_is_said_to_be_in_this_app_only(at: Hospital, left_out: str) -> None:
    wired(at).fault = declares_no_create([left_out])
    text = at.tab(MG).page.text
    there, here = text.partition("In Sandbox EHR, as drafts:")[2].partition("In this app only:")[::2]
    words = {
        "ServiceRequest": "tests and nursing orders", "DetectedIssue": "findings with their reasons", "RequestGroup": "the order set",
        "Provenance": "the record of who approved what", "Task": "1 task for the pharmacist",
    }  # fmt: skip
    assert words[left_out] in here.partition("I know")[0].partition("Approve order")[0]
    assert words[left_out] not in there
    assert all(word in there for type_, word in words.items() if type_ != left_out)


def test_without_a_task_in_the_ehr_page_and_receipt_say_where_verification_is_tracked(at: Hospital) -> None:
    wired(at).fault = declares_no_create(["Task"])
    said = "Verification is tracked in this app only: Sandbox EHR stores no task for the pharmacist."
    tab = at.tab(MG)
    assert said in tab.page.text
    tab.approve()
    assert "Stored as a draft" in tab.page.text
    assert said in tab.page.text
    assert at.held("Task", MG) == []
    assert len(at.orders(MG)) == 1


def test_with_a_task_in_the_ehr_nothing_is_said_of_it(at: Hospital) -> None:
    tab = at.tab(MG)
    assert "tracked in this app" not in tab.page.text
    tab.approve()
    assert "tracked in this app" not in tab.page.text


@pytest.mark.parametrize("status", [401, 404, 500])
def test_metadata_that_cannot_be_read_let_nothing_be_written_until_they_can(at: Hospital, status: int) -> None:
    wire = wired(at)
    wire.fault = refuses(status, OUTCOME, "/metadata", method="GET")
    tab = at.tab(MG)
    assert "Nothing is stored in the EHR" in tab.page.text
    assert "could not be read" in tab.page.text
    assert BUTTON in tab.page.buttons
    wire.fault = None
    tab.go("./")
    assert "Stored in the EHR, all at once" in tab.page.text
    assert "Approve order" in tab.page.buttons


def test_metadata_that_cannot_be_read_once_do_not_forbid_decisions_for_good(at: Hospital) -> None:
    at.tab(MG).approve()
    wire = wired(at)
    pharmacist = at.tab(MG, "pharmacist", target="pharmacy")
    wire.fault = refuses(500, OUTCOME, "/metadata", method="GET")
    pharmacist.follow("PLACEHOLD")
    pharmacist.press("Reject", code="dose", note="Another weight.")
    assert [o["status"] for o in at.orders(MG)] == ["draft"]
    wire.fault = None
    pharmacist.go("./")
    pharmacist.press("Reject", code="dose", note="Another weight.")
    assert (pharmacist.json["state"], [o["status"] for o in at.orders(MG)]) == ("rejected", ["cancelled"])


def test_an_order_is_not_signed_for_another_way_of_storing_it_than_the_page_said(at: Hospital) -> None:
    wire = wired(at)
    wire.fault = refuses(500, OUTCOME, "/metadata", method="GET")
    tab = at.tab(MG)
    tab.give_reasons()
    wire.fault = None
    tab.press(BUTTON, acknowledged="yes")
    assert tab.page.status == 409
    assert "What is stored in the EHR is not what this page said when you opened it." in tab.page.text
    assert (at.orders(MG), tab.json["state"]) == ([], "proposed")
    tab.press("Approve order", acknowledged="yes")
    assert "Stored as a draft" in tab.page.text


def test_a_script_that_names_no_way_takes_the_one_there_is(at: Hospital) -> None:
    tab = at.tab(MG)
    asked = [f["check"] for f in tab.json["proposal"]["findings"] if f["severity"] == "override"]
    reasons = [{"check": c, "code": "9", "note": "Seen with the consultant."} for c in asked]
    body = {"digest": tab.json["proposal"]["digest"], "overrides": reasons}
    assert tab.post("approve", {**body, "mode": "hand-off"}).status == 409
    assert tab.post("approve", body).json["state"] == "sent"


# ── A refusal at the moment of writing ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("status", "code"), [(403, "E-22"), (404, "E-24"), (405, "E-24"), (501, "E-24")])
def test_an_order_that_the_ehr_refuses_to_store_keeps_its_approval_and_goes_by_hand(at: Hospital, status: int, code: str) -> None:
    wire = wired(at)
    tab = at.tab(MG)
    tab.give_reasons()
    wire.fault = refuses(status, OUTCOME, "/fhir", "/MedicationRequest")
    tab.press("Approve order", acknowledged="yes")
    assert f", {code}" in tab.page.text
    assert "Your approval is kept." in tab.page.text
    assert BY_HAND in tab.page.forms.area
    assert "Send to the EHR" not in tab.page.buttons
    assert (tab.json["state"], at.orders(MG)) == ("approved", [])
    tab.go("receipt")
    assert "refused to store this order" in tab.page.text
    assert BY_HAND in tab.page.forms.area


def refused(at: Hospital, status: int) -> Tab:
    """An approved order that the EHR refused to store; from then on it would store it."""
    wire, tab = wired(at), at.tab(MG)
    tab.give_reasons()
    wire.fault = refuses(status, OUTCOME, "/fhir", "/MedicationRequest")
    tab.press("Approve order", acknowledged="yes")
    wire.fault = None
    return tab


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize(("status", "hours"), [(403, 1), (404, 24), (405, 24), (410, 24), (501, 24)])
def test_a_refusal_is_known_to_every_process_until_it_is_tried_again(at: Hospital, status: int, hours: int, restarted: bool) -> None:
    tab = refused(at, status)
    if restarted:
        at.start()
    at.clock.forward(seconds=hours * 3600 - 1)
    later = at.tab(MG)
    assert later.json["state"] == "approved"
    later.go("receipt")
    assert BY_HAND in later.page.forms.area
    later.page = later.browser.send("POST", f"{APP}/s/{later.session}/orders/", data={"csrf_token": later.json["csrf"]})
    assert "refused to store this order (MedicationRequest)" in later.page.text
    at_last = (MORNING + timedelta(hours=hours)).strftime("%d %b %Y, %H:%M")
    assert f"It is tried again from {at_last} on." in later.page.text
    assert BUTTON in later.page.buttons
    at.clock.forward(seconds=1)
    later = at.tab(MG)
    later.go(f"/s/{later.session}/orders/{tab.run}/receipt")
    assert not later.page.forms.area
    assert "Send it only if nobody has entered it in the EHR by hand." in later.page.text
    assert at.orders(MG) == []


def test_a_right_that_is_missing_is_missing_to_who_lacks_it_and_a_type_that_is_not_taken_to_all(at: Hospital) -> None:
    refused(at, 403)
    assert "Stored in the EHR, all at once" in at.tab("cidp-adult").page.text
    refused_for_all = wired(at)
    refused_for_all.fault = refuses(404, OUTCOME, "/fhir", "/MedicationRequest")
    other = at.tab("cidp-adult")
    other.approve()
    refused_for_all.fault = None
    assert "refused to store this order" in at.tab("gbs-adult").page.text


def test_a_refusal_of_another_thing_than_the_order_keeps_no_order_back(at: Hospital) -> None:
    wire, tab = wired(at), at.tab(MG)
    tab.give_reasons()
    wire.fault = refuses(403, OUTCOME, "/MedicationRequest", method="GET")
    tab.press("Approve order", acknowledged="yes")
    wire.fault = None
    assert "Stored in the EHR, all at once" in at.tab("cidp-adult").page.text
    later = at.tab(MG)
    assert "refused to store" not in later.page.text


def test_a_part_that_the_ehr_refuses_is_not_promised_again_in_this_session(at: Hospital) -> None:
    wire = wired(at)
    tab = at.tab(MG)
    tab.give_reasons()
    wire.fault = refuses(404, OUTCOME, "/fhir", "/Task")
    tab.press("Approve order", acknowledged="yes")
    assert "Stored as a draft" in tab.page.text
    assert {p["role"]: p["state"] for p in tab.json["receipt"]["parts"]}["task"] == "not-supported"
    assert "Verification is tracked in this app only" in tab.page.text
    tab.page = tab.browser.send("POST", f"{APP}/s/{tab.session}/orders/", data={"csrf_token": tab.json["csrf"]})
    assert "It refused: Task." in tab.page.text
    assert "Verification is tracked in this app only" in tab.page.text


def test_an_order_that_is_stored_and_cannot_be_read_back_is_not_handed_over(at: Hospital) -> None:
    wire = wired(at)
    tab = at.tab(MG)
    tab.give_reasons()
    stored: list[str] = []

    def unreadable(asked, send):  # type: ignore[no-untyped-def]
        if stored and asked.method == "GET" and "/fhir/MedicationRequest/" in str(asked.url):
            return refuses(403, OUTCOME, stored[0], method="GET")(asked, send)
        given = send(asked)
        if asked.method == "POST" and str(asked.url).rstrip("/").endswith("/fhir"):
            stored.append("/" + str(given.json()["entry"][0]["response"]["location"]).split("/_history")[0].split("/")[-1])
        return given

    wire.fault = unreadable
    tab.press("Approve order", acknowledged="yes")
    assert tab.json["state"] == "uncertain"
    assert not tab.page.forms.area
    assert len(at.orders(MG)) == 1


# ── By hand ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_server_whose_metadata_lack_create_gets_nothing_and_the_order_goes_by_hand(at: Hospital) -> None:
    wired(at).fault = declares_no_create(WRITTEN)
    tab = approved_by_hand(at.tab(MG))
    assert "Approved, not in the EHR" in tab.page.text
    text = tab.page.forms.area
    assert text.strip().startswith(f"Immunoglobulin order. {BY_HAND}")
    for part in ("PLACEHOLD, Ida", "SYN-0188", "Gamunex-C", "25 g (250 mL of 100 mg/mL)", "Mon 2 Mar 2026", "Fri 6 Mar 2026", "328 mL/h",
                 "68.4 kg", "Overridden: Monitoring is in place.", "Epinephrine for anaphylaxis"):  # fmt: skip
        assert part in text, part
    assert 'data-copies="order-text" hidden>Copy</button>' in tab.page.body, "a script shows it; without one the text can be selected"
    assert not [t for t in WRITTEN if at.held(t, MG)]
    assert tab.json["state"] == "approved"


def test_the_printed_order_says_that_it_is_no_infusion_sheet_and_not_in_the_ehr(at: Hospital) -> None:
    wired(at).fault = declares_no_create(WRITTEN)
    tab = approved_by_hand(at.tab(MG))
    text = tab.page.forms.area
    tab.follow("Print")
    assert tab.page.status == 200
    assert tab.page.text.count(BY_HAND) == 2
    assert "PLACEHOLD, Ida" in tab.page.text
    assert "Infusion sheet" not in tab.page.text
    for line in [x.removeprefix("- ") for x in text.splitlines() if x.startswith("- ")]:
        assert " ".join(line.split()) in tab.page.text.replace("\u00a0", " ")


@pytest.mark.parametrize("by_hand", [True, False])
def test_the_file_is_exactly_what_was_approved(at: Hospital, by_hand: bool) -> None:
    if by_hand:
        wired(at).fault = declares_no_create(WRITTEN)
        tab = approved_by_hand(at.tab(MG))
    else:
        tab = at.tab(MG)
        tab.approve()
    file = tab.go("bundle")
    assert (file.status, file.headers["Content-Type"]) == (200, "application/fhir+json")
    assert file.headers["Content-Disposition"] == f'attachment; filename="ivig-order-{tab.run}.json"'
    assert file.headers["Cache-Control"] == "no-store"
    made = decode(file.body.encode())
    assert (made["resourceType"], made["type"]) == ("Bundle", "transaction")
    [order] = [e["resource"] for e in made["entry"] if f"urn:uuid:{tab.run}" == e["fullUrl"]]
    assert (order["status"], order["intent"]) == ("draft", "order")
    assert {e["resource"]["resourceType"] for e in made["entry"]} == set(WRITTEN)
    if not by_hand:
        [held] = at.orders(MG)
        assert held["dosageInstruction"] == order["dosageInstruction"]


def test_an_order_in_the_ehr_is_not_printed_to_be_entered_by_hand(at: Hospital) -> None:
    tab = at.tab(MG)
    tab.approve()
    assert not tab.page.forms.area
    assert tab.go("print").status == 409
    assert "This order is not one to be entered by hand." in tab.page.text


@pytest.mark.parametrize(("user", "status"), [("pharmacist", 200), ("nurse", 200), ("stranger", 403)])
def test_only_who_may_see_the_order_sees_it_on_paper_and_as_a_file(at: Hospital, user: str, status: int) -> None:
    wired(at).fault = declares_no_create(WRITTEN)
    run = approved_by_hand(at.tab(MG)).run
    other = at.tab(MG, user)
    where = f"{APP}/s/{other.session}/orders/{run}/"
    assert (other.browser.get(f"{where}print").status, other.browser.get(f"{where}bundle").status) == (status, status)
    another = at.tab("cidp-adult", user)
    assert another.browser.get(f"{APP}/s/{another.session}/orders/{run}/bundle").status == (404 if status == 200 else 403)


def test_an_order_that_was_approved_to_be_entered_by_hand_is_never_sent(tmp_path: Path) -> None:
    with hospital(tmp_path, issuers=issuers(tmp_path, "openemr")) as at:
        run = approved_by_hand(at.tab(MG)).run
        issuers(tmp_path, "generic")
        at.start()
        later = at.tab(MG)
        assert later.run == run
        assert "Send to the EHR" not in later.page.buttons
        assert BY_HAND in later.page.forms.area
        assert later.post("resend", {}).json["state"] == "approved"
        assert at.orders(MG) == []
