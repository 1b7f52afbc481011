"""The journey that must hold on any FHIR server, step by step through the app's pages: each step asks one thing and says what was seen."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from typing import Any

import requests
from an_ehr_server import Send
from journey.a_hospital import ROOT, Tab
from peers.a_place import Place

from ivig_fhir.content.load import load_content
from ivig_fhir.content.model import Content
from ivig_fhir.content.site import Site
from ivig_fhir.proposal.propose import propose
from ivig_fhir.proposal.selections import Selections
from ivig_fhir.workflow.open_chart import chart_from_document

MEMBER = "cidp-adult"
ASKED, ANSWER = "Is the weight of Friday still right?", "Weighed again today: 82.0 kg."
FOREIGN = {
    "url": "http://hl7.org/fhir/us/davinci-crd/StructureDefinition/ext-coverage-information",
    "extension": [{"url": "assertion-id", "valueString": "a-1"}, {"url": "share", "valueDecimal": Decimal("0.5")}],
}


@dataclass(frozen=True)
class Step:
    """One claim about the journey on a server: whether it held, and what was seen or why not."""

    id: str
    claim: str
    held: bool
    said: str


@dataclass
class Walk:
    """One walk over one server: the patient, and the two people's tabs."""

    place: Place
    patient: str = ""
    prescriber: Tab | None = None
    pharmacist: Tab | None = None
    seen: dict[str, Any] = field(default_factory=dict)

    @property
    def orderer(self) -> Tab:
        """The prescriber's tab."""
        assert self.prescriber is not None, "there is no order yet"
        return self.prescriber

    @property
    def checker(self) -> Tab:
        """The pharmacist's tab."""
        assert self.pharmacist is not None, "the worklist was not opened"
        return self.pharmacist

    @property
    def order(self) -> dict[str, Any]:
        """The one order of the run, as the server holds it now."""
        found = self.place.orders(self.orderer.run)
        assert len(found) == 1, f"{len(found)} orders of one run"
        return found[0]


@cache
def _content() -> Content:
    return load_content(ROOT / "order_sets")


def _picked(walk: Walk) -> str:
    walk.patient = walk.place.bring(MEMBER)
    tab = walk.place.start()
    assert "no sign-in at" in tab.page.text
    tab.follow("choose a patient")
    tab.press("Search", name="Sampleton")
    tab.go(next(href for _, href in tab.page.forms.links if f"patient={walk.patient}" in href))
    assert "Nobody signed in" in tab.page.text
    walk.prescriber = tab
    return "SAMPLETON, Edwin, found by name in the server's list."


def _read(walk: Walk) -> str:
    """The proposal over the wire is the one that the same chart in a file gives."""
    chart = walk.place.cast(MEMBER)
    now = walk.place.clock()
    alone = propose(chart_from_document(chart, None, _content(), now, Site()), Selections(), _content(), now, Site())
    shown = walk.orderer.json["proposal"]
    assert shown["outcome"] == "proposed"
    assert alone.dose is not None
    assert Decimal(shown["dose"]["per_infusion_g"]) == alone.dose.per_infusion_g
    assert [(f["check"], f["severity"]) for f in shown["findings"]] == [(f.check, f.severity) for f in alone.findings]
    unread = [n["check"] for n in shown["not_assessed"] if n["check"] not in {a.check for a in alone.not_assessed}]
    assert not unread, f"not assessed here although the chart is whole: {unread}"
    return f"{len(shown['findings'])} findings, {len(shown['not_assessed'])} not assessed, {len(shown['clear'])} clear: as from a file."


def _stored(walk: Walk) -> str:
    walk.orderer.approve()
    receipt = walk.orderer.json["receipt"]
    assert walk.orderer.json["state"] == "sent", walk.orderer.page.text[:400]
    assert "Stored as a draft" in walk.orderer.page.text
    walk.seen |= {"mode": receipt["mode"], "parts": receipt["parts"], "lines": receipt["lines"]}
    stored = walk.place.stored(walk.orderer)
    assert len(stored) == len(receipt["parts"]), "a part is said to be stored, and is not there"
    assert {p["state"] for p in receipt["parts"]} == {"stored"}
    return f"Mode {receipt['mode']}; {len(stored)} parts are there, read one by one."


def _compared(walk: Walk) -> str:
    lines = walk.seen["lines"]
    harm = [f"{x['field']} {x['result']}" for x in lines if x["essential"] and x["result"] not in ("same", "same-meaning")]
    assert not harm, harm
    other = sorted(f"{x['field']}: {x['result']}" for x in lines if x["result"] != "same")
    return f"{sum(x['result'] == 'same' for x in lines)} of {len(lines)} fields are the same to the digit{'; ' + ', '.join(other) if other else ''}."


def _once(walk: Walk) -> str:
    page = walk.orderer.json
    again = walk.orderer.post("approve", {"digest": page["proposal"]["digest"]}, page["csrf"])
    resent = walk.orderer.post("resend", {}, page["csrf"])
    assert (again.status, resent.json["state"]) == (409, "sent")
    assert walk.order["status"] == "draft"
    return "Approved and sent a second time: one order."


def _listed(walk: Walk) -> str:
    walk.pharmacist = walk.place.pharmacist(walk.orderer.run)
    assert walk.orderer.run in walk.checker.page.url
    return "The order is on it, and opens."


def _recalculated(walk: Walk) -> str:
    lines = walk.checker.json["recalculated"]
    assert lines, "nothing was recalculated"
    assert [x for x in lines if x["agrees"] is False] == []
    assert "Verify" in walk.checker.page.buttons
    return f"{sum(x['agrees'] is True for x in lines)} of {len(lines)} values agree, none disagrees."


def _asked(walk: Walk) -> str:
    walk.checker.press("Ask prescriber", code="weight", note=ASKED)
    assert walk.checker.json["state"] == "queried"
    assert ASKED in walk.orderer.go("receipt").text
    walk.orderer.press("Send answer", note=ANSWER)
    assert walk.orderer.json["state"] == "sent"
    assert ANSWER in walk.checker.go("./").text
    return "The question is on the prescriber's page, the answer on the pharmacist's."


def _changed(walk: Walk) -> str:
    """Somebody changes the order in the EHR while the pharmacist has it open."""
    reference = f"MedicationRequest/{walk.order['id']}"
    walk.place.eyes.put(reference, {**walk.order, "priority": "urgent", "extension": [FOREIGN]})
    walk.checker.press("Verify")
    assert walk.checker.page.status == 409, walk.checker.page.status
    assert "The order is not the one that was on screen." in walk.checker.page.text
    assert walk.order["status"] == "draft"
    return "Refused as changed since the review; nothing was written."


def _faster(walk: Walk) -> str:
    """Somebody changes it in the moment between our last look and our write: only the server's If-Match can see that."""
    reference, codes = f"MedicationRequest/{walk.order['id']}", []

    def between(asked: requests.PreparedRequest, send: Send) -> requests.Response:
        if (
            str(asked.url).rstrip("/") not in (walk.place.peer.base, f"{walk.place.peer.base}/{reference}")
            or asked.method == "GET"
            or codes
        ):
            return send(asked)
        walk.place.eyes.put(reference, {**walk.order, "priority": "asap"})
        answer = send(asked)
        codes.append(answer.status_code)
        return answer

    walk.checker.go("./")
    walk.place.wire.fault = between
    walk.checker.press("Verify")
    walk.place.wire.fault = None
    assert (walk.checker.page.status, walk.checker.json["state"]) == (409, "sent")
    assert "The order changed in the EHR since you opened it." in walk.checker.page.text
    assert walk.order["status"] == "draft"
    walk.seen["stale"] = codes[-1]
    return f"The server answered {codes[-1]}; the page says that the order changed."


def _verified(walk: Walk) -> str:
    priority = walk.order["priority"]  # what somebody changed in the EHR meanwhile stays
    walk.checker.go("./")
    walk.checker.press("Verify")
    assert walk.checker.json["state"] == "verified", walk.checker.page.text[:400]
    order = walk.order
    assert (order["status"], order["priority"]) == ("active", priority)
    assert not walk.checker.json["verification"]["not_stored"]
    now = {role: r["status"] for role, r in walk.place.stored(walk.orderer).items() if role in ("request-group", "task")}
    assert set(now.items()) <= {("request-group", "active"), ("task", "completed")}
    assert ("Order, active" in order["text"]["div"], "draft" in order["text"]["div"]) == (True, False)
    return "Order active" + "".join(f", {role} {status}" for role, status in sorted(now.items())) + "."


def _kept(walk: Walk) -> str:
    assert walk.order["extension"] == [FOREIGN]
    return "An extension that the app does not know, set by somebody in between, is there as it was."


def _printed(walk: Walk) -> str:
    text = walk.checker.follow("Infusion sheet").text
    assert "98" in text
    assert "393" in text
    return "Grams, dates and pump rates, from what the server holds."


def _lost(walk: Walk) -> str:
    """The answer to an order is lost after it was stored; seconds before, somebody had looked for it and found nothing."""
    tab = walk.place.prescriber(walk.place.bring("xla-child"))
    run, before = tab.run, []

    def lose(asked: requests.PreparedRequest, send: Send) -> requests.Response:
        url = str(asked.url).rstrip("/")
        if asked.method == "POST" and not before and (url == walk.place.peer.base or url.endswith("/MedicationRequest")):
            before.append(walk.place.looked(run))
            send(asked)
            raise requests.ReadTimeout(request=asked)
        return send(asked)

    walk.place.wire.fault = lose
    tab.approve()
    walk.place.wire.fault = None
    assert before == [0]
    assert tab.json["state"] == "sent", tab.page.text[:400]
    assert len(walk.place.orders(run)) == 1
    walk.seen["cached"] = walk.place.looked(run) == 0
    cached = "; a search that does not ask past the server's cache still finds nothing" if walk.seen["cached"] else ""
    return f"Looked for and found; sent once{cached}."


def _rejected(walk: Walk) -> str:
    tab = walk.place.prescriber(walk.place.bring(MEMBER))
    tab.approve()
    checker = walk.place.pharmacist(tab.run)
    checker.press("Reject", code="dose", note="The dose is for another weight.")
    [order] = walk.place.orders(tab.run)
    assert (checker.json["state"], order["status"]) == ("rejected", "cancelled")
    assert "Order, cancelled" in order["text"]["div"]
    assert "The dose is for another weight." in tab.go("receipt").text
    return "Order cancelled, with the reason on the prescriber's page."


def _withdrawn(walk: Walk) -> str:
    tab = walk.place.prescriber(walk.place.bring(MEMBER))
    tab.approve()
    tab.press("Withdraw order", note="Another dose is right.")
    [order] = walk.place.orders(tab.run)
    assert (tab.json["state"], order["status"]) == ("cancelled", "cancelled")
    return "Order cancelled by its prescriber."


STEPS: tuple[tuple[str, str, Callable[[Walk], str]], ...] = (
    ("pick", "A patient is picked from the server's list", _picked),
    ("read", "The chart is read whole", _read),
    ("store", "The approved order is stored", _stored),
    ("receipt", "The receipt compares what is stored", _compared),
    ("once", "Approved twice, it is there once", _once),
    ("worklist", "The pharmacist's worklist shows it", _listed),
    ("recalculate", "The second calculation agrees", _recalculated),
    ("query", "A question is asked and answered", _asked),
    ("changed", "A change since the review is seen", _changed),
    ("race", "A change in the last moment is seen", _faster),
    ("verify", "A pharmacist verifies it", _verified),
    ("kept", "What others wrote into it stays", _kept),
    ("sheet", "The infusion sheet is printed from it", _printed),
    ("lost", "An order whose answer was lost is found", _lost),
    ("reject", "An order is rejected", _rejected),
    ("withdraw", "An order is withdrawn", _withdrawn),
)


def walked(place: Place, steps: tuple[str, ...] = ()) -> Iterator[Step]:
    """Every step in order, or those named; one that does not hold does not end the walk, unless the others stand on it."""
    walk = Walk(place)
    place.seen = walk.seen
    for id_, claim, act in STEPS:
        if steps and id_ not in steps:
            continue
        try:
            yield Step(id_, claim, True, act(walk))
        except (AssertionError, StopIteration, KeyError) as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            yield Step(id_, claim, False, f"{type(error).__name__} at {where.line}: {error}"[:400])
        finally:
            place.wire.fault = None


def not_held(steps: list[Step]) -> list[str]:
    """What did not hold, in words."""
    return [f"{s.claim}: {s.said}" for s in steps if not s.held]
