"""A change that the pharmacist proposes: worked out, shown to the prescriber, approved with one action, in place of the old order."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from an_ehr_server import Wire
from journey.a_hospital import APP, EHR, Hospital, Tab, hospital

from ivig_fhir.sandbox.adapter import SandboxAdapter

CIDP = "cidp-adult"
WHY = "This brand is not in stock this week."
NEXT_WEEK = "2026-03-09"


def waiting(at: Hospital) -> tuple[Tab, Tab]:
    """An approved order: the prescriber on its receipt, the pharmacist before it."""
    prescriber = at.tab(CIDP)
    prescriber.approve()
    pharmacist = at.tab(CIDP, "pharmacist", target="pharmacy")
    pharmacist.follow("SAMPLETON")
    return prescriber, pharmacist


def proposed(at: Hospital, button: str = "Show with these days", **asked: str) -> tuple[Tab, Tab]:
    """A change that waits for the prescriber, who has it on screen."""
    prescriber, pharmacist = waiting(at)
    pharmacist.follow("Propose a change")
    pharmacist.press(button, **(asked or {"start": NEXT_WEEK}))
    pharmacist.press("Send the change to the prescriber", code="product", note=WHY)
    prescriber.go("receipt")
    prescriber.follow("See the change")
    return prescriber, pharmacist


def statuses(at: Hospital) -> dict[str, Any]:
    kinds = {"order": at.orders(CIDP), "group": at.held("RequestGroup", CIDP), "task": at.held("Task", CIDP)}
    return {k: sorted(r["status"] for r in found) for k, found in kinds.items()}


def test_the_page_shows_what_would_change_before_anything_is_sent(at: Hospital) -> None:
    _, pharmacist = waiting(at)
    before = statuses(at)
    pharmacist.follow("Propose a change")
    pharmacist.press("Show with these days", start=NEXT_WEEK)
    for said in ("2026-03-02, 2026-03-03", "2026-03-09, 2026-03-10", "With another start or other days"):
        assert said in pharmacist.page.text
    assert statuses(at) == before
    pharmacist.go("./")
    assert pharmacist.json["state"] == "sent"


def test_a_proposed_change_holds_the_task_and_leaves_the_order_a_draft(at: Hospital) -> None:
    prescriber, pharmacist = proposed(at)
    [task] = at.held("Task", CIDP)
    assert (task["status"], task["businessStatus"]["text"], task["note"][-1]["text"]) == ("on-hold", "clarification", WHY)
    assert [o["status"] for o in at.orders(CIDP)] == ["draft"]
    assert pharmacist.json["state"] == "queried"
    for said in (WHY, "The pharmacist proposes another start or other days", "2026-03-09"):
        assert said in prescriber.page.text
    later = at.tab(CIDP)
    assert WHY in later.page.text
    assert "See the change" in later.page.text


@pytest.mark.parametrize(
    ("button", "asked", "said"),
    [
        ("Show with these days", {"start": NEXT_WEEK}, "Days"),
        ("Show with these days", {"dates": "2026-03-09, 2026-03-11, 2026-03-13, 2026-03-16"}, "Days"),
        ("Show with this product", {"product": "privigen"}, "Product"),
        ("Show with this rounding", {"increments_g": ""}, "Each infusion"),
    ],
)
def test_one_action_approves_the_change_and_the_new_order_takes_the_place_of_the_old(
    at: Hospital, button: str, asked: dict[str, str], said: str
) -> None:
    prescriber, _ = proposed(at, button, **asked)
    old = at.orders(CIDP)[0]
    assert said in prescriber.page.text
    prescriber.press("Approve order", acknowledged="yes", **reasons(prescriber))
    assert "Stored as a draft" in prescriber.page.text
    assert prescriber.json["state"] == "sent"
    assert statuses(at) == {"order": ["cancelled", "draft"], "group": ["draft", "revoked"], "task": ["cancelled", "requested"]}
    [new] = [o for o in at.orders(CIDP) if o["status"] == "draft"]
    assert new["priorPrescription"]["reference"] == f"MedicationRequest/{old['id']}"
    [gone] = [o for o in at.orders(CIDP) if o["status"] == "cancelled"]
    assert (gone["id"], "Replaced by a changed order" in gone["statusReason"]["text"]) == (old["id"], True)
    duplicates = [f for f in prescriber.json["proposal"]["findings"] if f["check"] == "duplication.immunoglobulin"]
    assert not [e for f in duplicates for e in f["evidence"] if e["reference"] == f"MedicationRequest/{old['id']}"]
    verify_new(at, prescriber)


def verify_new(at: Hospital, prescriber: Tab) -> None:
    """The pharmacist who proposed it finds it on the list again, and may verify it."""
    pharmacist = at.tab(CIDP, "pharmacist", target="pharmacy")
    assert [o["run"] for o in pharmacist.json["orders"] if o["state"] == "sent"] == [prescriber.run]
    pharmacist.go(f"{prescriber.run}/")
    pharmacist.press("Verify")
    assert pharmacist.json["state"] == "verified"
    assert statuses(at)["order"] == ["active", "cancelled"]


def reasons(tab: Tab) -> dict[str, str]:
    """A reason and a note for every finding of the page that asks for one."""
    names = [n for f in tab.page.forms.forms for n, _ in f.pairs if n.startswith("code.")]
    return dict.fromkeys(names, "9") | {n.replace("code.", "note.", 1): "Looked at." for n in names}


def test_the_old_order_says_which_one_took_its_place(at: Hospital) -> None:
    prescriber, _ = proposed(at)
    old = prescriber.run
    prescriber.press("Approve order", acknowledged="yes", **reasons(prescriber))
    new = prescriber.run
    assert new != old
    prescriber.go(f"../{old}/receipt")
    assert prescriber.json["state"] == "cancelled"
    prescriber.follow("The changed order that took its place")
    assert prescriber.run == new


def test_a_new_override_of_the_change_needs_its_reason(at: Hospital) -> None:
    prescriber, _ = waiting(at)
    pharmacist = at.tab(CIDP, "pharmacist", target="pharmacy")
    pharmacist.follow("SAMPLETON")
    pharmacist.follow("Propose a change")
    old = {"resourceType": "Procedure", "id": "exchange", "status": "preparation", "subject": {"reference": f"Patient/{CIDP}"}}
    coded = {"coding": [{"system": "http://snomed.info/sct", "code": "20720000"}], "text": "Plasma exchange"}
    at.load(
        {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": {**old, "code": coded, "performedDateTime": "2026-03-13"}}]}
    )
    pharmacist.press("Show with these days", start=NEXT_WEEK)
    assert "will be asked of the prescriber" in pharmacist.page.text
    pharmacist.press("Send the change to the prescriber", code="other", note=WHY)
    prescriber.go("change")
    digest = prescriber.json["change"]["digest"]
    assert prescriber.json["change"]["asks"] == ["interaction.plasma-exchange"]
    refused = prescriber.post("change", {"digest": digest})
    assert (refused.status, "This finding needs a coded reason and a note." in refused.json["error"]["message"]) == (409, True)
    assert statuses(at)["order"] == ["draft"]
    prescriber.press("Approve order", acknowledged="yes", **reasons(prescriber))
    assert prescriber.json["state"] == "sent"


def test_the_prescriber_may_keep_the_order_with_an_answer(at: Hospital) -> None:
    prescriber, pharmacist = proposed(at)
    order = at.orders(CIDP)[0]
    prescriber.press("Keep the order", note="It has to be this week.")
    assert at.orders(CIDP) == [order]
    assert statuses(at)["task"] == ["requested"]
    pharmacist.go("./")
    assert "It has to be this week." in pharmacist.page.text
    pharmacist.press("Verify")
    assert pharmacist.json["state"] == "verified"
    assert prescriber.go("change").status == 409


def test_what_somebody_decided_meanwhile_is_not_replaced(at: Hospital) -> None:
    prescriber, pharmacist = proposed(at)
    page = prescriber.page
    pharmacist.press("Verify")
    prescriber.page = page
    refused = prescriber.press("Approve order", acknowledged="yes", **reasons(prescriber))
    assert refused.status == 409
    assert statuses(at) == {"order": ["active"], "group": ["active"], "task": ["completed"]}


def test_a_change_pressed_twice_is_one_order(at: Hospital) -> None:
    prescriber, _ = proposed(at)
    page = prescriber.page
    prescriber.press("Approve order", acknowledged="yes", **reasons(prescriber))
    prescriber.page = page
    assert prescriber.press("Approve order", acknowledged="yes", **reasons(prescriber)).status == 409
    assert statuses(at)["order"] == ["cancelled", "draft"]


def test_a_record_that_changed_since_the_page_is_shown_again_and_nothing_is_signed(at: Hospital) -> None:
    prescriber, _ = proposed(at)
    weight = {"value": 74, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"}
    at.change("Observation/cidp-adult-obs-1", valueQuantity=weight)
    refused = prescriber.press("Approve order", acknowledged="yes", **reasons(prescriber))
    assert (refused.status, "The record changed since the proposal was made" in refused.text) == (409, True)
    assert "The record changed since the pharmacist worked it out" in refused.text
    assert statuses(at)["order"] == ["draft"]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"kind": "start", "start": "2026-03-02"}, "nothing would change"),
        ({"kind": "start", "start": "soon"}, "start is not a date"),
        ({"kind": "start"}, "Type the first day"),
        ({"kind": "start", "start": "2026-02-20"}, "is past"),
        ({"kind": "product", "product": "elixir"}, "cannot be ordered here"),
        ({"kind": "rounding", "increments_g": "some"}, "rounding.increments_g"),
        ({"kind": "dose"}, "A change is one of"),
    ],
)
def test_a_change_that_cannot_be_used_or_is_none_is_refused(at: Hospital, asked: dict[str, str], said: str) -> None:
    _, pharmacist = waiting(at)
    refused = pharmacist.post("change", asked)
    assert (refused.status, said in refused.json["error"]["message"]) == (400, True)
    assert statuses(at)["task"] == ["requested"]


@pytest.mark.parametrize(("code", "note"), [("product", " "), ("because", "x")])
def test_a_change_needs_a_coded_reason_and_a_message(at: Hospital, code: str, note: str) -> None:
    _, pharmacist = waiting(at)
    body = {"kind": "start", "start": NEXT_WEEK, "send": "1", "digest": pharmacist.json["digest"], "code": code, "note": note}
    assert pharmacist.post("change", body).status == 409
    assert statuses(at)["task"] == ["requested"]


def test_a_change_of_a_page_that_is_older_than_the_order_is_not_sent(at: Hospital) -> None:
    _, pharmacist = waiting(at)
    pharmacist.follow("Propose a change")
    pharmacist.press("Show with these days", start=NEXT_WEEK)
    at.change(f"MedicationRequest/{at.orders(CIDP)[0]['id']}", priority="stat")
    assert pharmacist.press("Send the change to the prescriber", code="other", note=WHY).status == 409
    assert statuses(at)["task"] == ["requested"]


@pytest.mark.parametrize("user", ["pharmacist", "nurse", "stranger"])
def test_only_a_prescriber_approves_a_change(at: Hospital, user: str) -> None:
    prescriber, _ = proposed(at)
    tab = at.tab(CIDP, user)
    assert tab.go(f"{APP}/s/{tab.session}/orders/{prescriber.run}/change").status == 403
    assert statuses(at)["order"] == ["draft"]


def test_a_script_cannot_hide_another_order_behind_a_replacement(at: Hospital) -> None:
    first = at.tab(CIDP)
    first.approve()
    second = at.browser().launch(CIDP)
    second.page = second.browser.send("POST", f"{APP}/s/{second.session}/orders/", data={"csrf_token": second.json["csrf"]})
    made = second.post("propose", {"indication": "cidp", "replaces": f"urn:uuid:{first.run}"})
    assert made.status == 200
    assert "duplication.immunoglobulin" in {f["check"] for f in made.json["proposal"]["findings"]}


# ── Answers that get lost ────────────────────────────────────────────────────────────────────────────────────────────


class Lost:
    """The answer to one transaction gets lost, after it was stored or before."""

    def __init__(self, stores: bool) -> None:
        self.stores, self.done = stores, False

    def __call__(self, asked: requests.PreparedRequest, send: Any) -> requests.Response:
        if asked.method == "POST" and str(asked.url).rstrip("/").endswith("/fhir") and not self.done:
            self.done = True
            if self.stores:
                send(asked)
            raise requests.ReadTimeout(request=asked)
        answer: requests.Response = send(asked)
        return answer


@pytest.mark.parametrize("stores", [True, False])
def test_an_answer_that_is_lost_leaves_both_orders_or_neither(at: Hospital, stores: bool) -> None:
    prescriber, _ = proposed(at)
    wire = Wire(SandboxAdapter(at.ehr))
    wire.fault = Lost(stores)
    at.http.mount(EHR, wire)
    prescriber.press("Approve order", acknowledged="yes", **reasons(prescriber))
    if not stores:
        assert statuses(at)["order"] == ["draft"]
        prescriber.press("Send to the EHR")
    assert prescriber.json["state"] == "sent"
    assert statuses(at) == {"order": ["cancelled", "draft"], "group": ["draft", "revoked"], "task": ["cancelled", "requested"]}
    verify_new(at, prescriber)


def test_where_the_ehr_takes_no_transaction_the_old_order_is_cancelled_first(tmp_path: Any) -> None:
    with hospital(tmp_path) as at:
        prescriber, _ = proposed(at)
        wire = Wire(SandboxAdapter(at.ehr))
        at.http.mount(EHR, wire)
        wire.fault = one_by_one
        at.app = at.start()
        prescriber.press("Approve order", acknowledged="yes", **reasons(prescriber))
        sent = [(r.method, str(r.url).partition("?")[0].rsplit("/fhir/", 1)[1]) for r in wire.sent if r.method in ("PUT", "POST")]
        orders = [(m, w) for m, w in sent if w.startswith("MedicationRequest")]
        assert orders[0][0] == "PUT"
        assert ("POST", "MedicationRequest") in orders
        assert statuses(at)["order"] == ["cancelled", "draft"]
        verify_new(at, prescriber)


def one_by_one(asked: requests.PreparedRequest, send: Any) -> requests.Response:
    """An EHR that declares no transactions."""
    answer: requests.Response = send(asked)
    if str(asked.url).endswith("/fhir/metadata"):
        answer._content = answer.content.replace(b'"code":"transaction"', b'"code":"batch"').replace(
            b'"code": "transaction"', b'"code": "batch"'
        )
    return answer
