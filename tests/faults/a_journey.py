"""Journeys under faults: what may be pressed, what may go wrong meanwhile, and what has to be true of both stores after every step."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

from faults.a_course import NO_MORE, RUNNING, STATUS, TASKS, CourseSteps, asks_to_approve, followed_truly, held_truly, suspended_truly
from faults.a_mishap import WRITE_FAULTS, deaths, schedules
from faults.a_stand import FHIR, NOTE, Said, Stand, Tab
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from ivig_fhir.fhir.building import decode
from ivig_fhir.fhir.identifiers import URI
from ivig_fhir.order.bundle import TASK
from ivig_fhir.proposal.context import MAIN

Json = dict[str, Any]
STORIES = ("cidp-adult", "mg-crisis-ckd")
BEGINNINGS = ("draft", "verified")
IN_THE_EHR = ("sent", "queried", "rejected", "cancelled", "incomplete", *RUNNING, *NO_MORE)
OVER = ("verified", "rejected", "cancelled", *NO_MORE)
LEASE = 121  # seconds after which what a dead process had in hand is free again
_ORDER = {"queried": "draft", "sent": "draft", "rejected": "cancelled", "cancelled": "cancelled", **STATUS}
_TASK = {
    "queried": {"on-hold"},
    "sent": {"requested"},
    "rejected": {"rejected", "completed"},
    "cancelled": {"cancelled"},
    **TASKS,
}


class Journey(CourseSteps, RuleBasedStateMachine):
    """One patient of a stand, from the first draft on. A subclass names the stand and the census."""

    stand: ClassVar[Stand]
    census: ClassVar[Counter[str]]
    number: ClassVar[Iterator[int]]
    names: ClassVar[tuple[str, ...]] = tuple(sorted(WRITE_FAULTS))

    def __init__(self) -> None:
        super().__init__()
        self.patient = f"p{next(self.number)}"
        self.tabs: dict[str, tuple[Tab, int]] = {}
        self.signed: dict[str, str] = {}  # run to the digest whose approval was confirmed
        self.strays = 0  # deliveries that the app did not ask for, or had given up
        self.deaths, self.failed = 0, False
        self.by_deliver = int(self.patient[1:]) % 2 == 0  # who settles at the end: deliver, or whoever launches again
        self.log: list[str] = []
        self.census["journeys"] += 1

    @initialize(story=st.sampled_from(STORIES), begins=st.sampled_from(BEGINNINGS))
    def admit(self, story: str, begins: str = "draft") -> None:
        """A patient, and a first draft or an order that a pharmacist has verified in peace."""
        self.stand.start()
        self.stand.load(story, self.patient)
        self.tab("prescriber")
        if begins == "verified":
            self.step("approve", "prescriber", f"orders/{self.run}/approve", self.approval(), (), "")
            digest = self.tab("pharmacist").look(f"pharmacy/{self.run}/").body["digest"]
            self.step("verify", "pharmacist", f"pharmacy/{self.run}/verify", {"digest": digest}, (), "")

    # ── Steps ────────────────────────────────────────────────────────────────────────────────────────────────────────

    @rule(data=st.data())
    def next_step(self, data: st.DataObject) -> None:
        """Somebody presses what their page offers in this state, or time goes by."""
        does = data.draw(st.sampled_from(STEPS[self.state]), label="step")
        does(self, data)

    def approve(self, data: st.DataObject) -> None:
        """Signs and sends."""
        self.step(
            "approve", "prescriber", f"orders/{self.run}/approve", self.approval(), data.draw(schedules(self.names)), data.draw(deaths())
        )

    def approve_twice_at_once(self, data: st.DataObject) -> None:
        """Two requests at one moment."""
        tab, body, faults = self.tab("prescriber"), self.approval(), data.draw(schedules(self.names))
        self.arm(faults)
        pair = [threading.Thread(target=tab.twin().press, args=(f"orders/{self.run}/approve", body)) for _ in range(2)]
        for one in pair:
            one.start()
        for one in pair:
            one.join()
        self.settled("approve twice at once", faults, Said(0), "")

    def send(self, data: st.DataObject) -> None:
        """ "Send", "Look for it", "Send what is missing": one address."""
        self.step(
            "send or look for it", "prescriber", f"orders/{self.run}/resend", {}, data.draw(schedules(self.names)), data.draw(deaths())
        )

    def verify(self, data: st.DataObject) -> None:
        """The pharmacist's word."""
        self.decide(data, "verify")

    def query(self, data: st.DataObject) -> None:
        """A question."""
        self.decide(data, "query")

    def reject(self, data: st.DataObject) -> None:
        """No."""
        self.decide(data, "reject")

    def decide(self, data: st.DataObject, act: str) -> None:
        """One of the three, on the page as it is now."""
        case = self.tab("pharmacist").look(f"pharmacy/{self.run}/")
        if case.status == 200:
            body = {"digest": case.body["digest"], **({} if act == "verify" else {"code": "dose", "note": NOTE})}
            self.step(act, "pharmacist", f"pharmacy/{self.run}/{act}", body, data.draw(schedules(self.names)), data.draw(deaths()))

    def answer(self, data: st.DataObject) -> None:
        """The prescriber's answer to a question."""
        self.step(
            "answer", "prescriber", f"orders/{self.run}/answer", {"note": NOTE}, data.draw(schedules(self.names)), data.draw(deaths())
        )

    def withdraw(self, data: st.DataObject) -> None:
        """The prescriber takes the order back."""
        self.step(
            "withdraw", "prescriber", f"orders/{self.run}/withdraw", {"note": NOTE}, data.draw(schedules(self.names)), data.draw(deaths())
        )

    def order_again(self, data: st.DataObject) -> None:
        """A new run with the same choices."""
        self.step("order again", "prescriber", f"orders/{self.run}/again", {}, (), "")

    def change_the_choices(self, data: st.DataObject) -> None:
        """A draft is changed; an approval that never left is void then."""
        kept = self.signed.pop(self.run, None)
        said = self.step(
            "change the choices", "prescriber", f"orders/{self.run}/propose", {"days": data.draw(st.sampled_from((2, 4, 5)))}, (), ""
        )
        if said.status != 200 and kept:
            self.signed[self.run] = kept

    def die_under_way(self, data: st.DataObject) -> None:
        """SIGKILL from outside while a write is in the network; it arrives afterwards, or never."""
        how, state = data.draw(st.sampled_from(("forward", "drop"))), self.state
        if state == "proposed":
            self._killed_under_way("prescriber", f"orders/{self.run}/approve", self.approval(), how)
        elif state == "approved":
            self._killed_under_way("prescriber", f"orders/{self.run}/resend", {}, how)
        elif state in RUNNING:
            act = "hold" if state == "verified" else "resume"
            body = {"code": "reaction", "note": NOTE}
            self._killed_under_way("pharmacist", f"pharmacy/{self.run}/{act}", body, how)
        else:
            case = self.tab("pharmacist").look(f"pharmacy/{self.run}/")
            if case.status == 200:
                self._killed_under_way("pharmacist", f"pharmacy/{self.run}/verify", {"digest": case.body["digest"]}, how)

    def deliver(self, data: st.DataObject) -> None:
        """`ivig-fhir deliver` beside the app."""
        self.delivered(data.draw(schedules(self.names)), data.draw(deaths()))

    def delivered(self, faults: tuple[Json, ...], die: str) -> Said:
        """The same with what is given."""
        self.arm(faults)
        said = self.stand.deliver(die)
        if said.status == -9:
            self.deaths += 1
            self.census[f"death: deliver, {die.rpartition(' ')[0]}"] += 1
        with self.telling():
            assert said.status in (0, 3, -9), said
        self.settled("deliver", faults, said, "")
        return said

    def restart(self, data: st.DataObject) -> None:
        """SIGKILL at rest, and a new process."""
        self.stand.kill()
        self.stand.start()
        self.census["death: at rest"] += 1
        self.check()

    def open_the_worklist(self, data: st.DataObject) -> None:
        """The pharmacist's list, which settles decisions of open fate, under faults of its reads."""
        self.arm(faults := tuple(one for one in data.draw(schedules(self.names)) if "methods" in one))
        self.settled("open the worklist", faults, self.tab("pharmacist").look("pharmacy/"), "")

    def wait(self, data: st.DataObject) -> None:
        """Whatever a dead process had in hand is free now."""
        self.stand.wait(LEASE)

    def launch_again(self, data: st.DataObject) -> None:
        """New sessions for both."""
        self.tabs.clear()
        self.tab("prescriber")
        self.check()

    def _killed_under_way(self, who: str, where: str, body: Json, how: str) -> None:
        tab = self.tab(who)
        self.arm(({"fault": "hold", "path": FHIR, "name": "hold"},))
        press = threading.Thread(target=tab.press, args=(where, body))
        press.start()
        held = self.stand.proxy.held() if self._gets_there(press) else False
        self.stand.kill()
        press.join()
        if held:
            self.stand.proxy.release(how)
        self.settled(
            f"killed with the write under way, {'delivered' if how == 'forward' else 'lost'}" if held else "refused", (), Said(0), ""
        )

    def _gets_there(self, press: threading.Thread) -> bool:
        """Whether the press comes as far as a write: it may be refused before."""
        while press.is_alive():
            if self.stand.proxy.holding():
                return True
            press.join(0.02)
        return False

    # ── How a step is made ───────────────────────────────────────────────────────────────────────────────────────────

    @property
    def run(self) -> str:
        """The newest run."""
        return self.stand.runs(self.patient)[-1]

    @property
    def state(self) -> str:
        """Its state, as the app keeps it."""
        return self.stand.state(self.run)

    def tab(self, who: str) -> Tab:
        """Somebody's session; a new one when the last is old."""
        self.stand.start()
        kept, at = self.tabs.get(who, (None, 0))
        if kept is None or self.stand.moved - at > 1200:
            kept, at = self.stand.launch(self.patient, who, "orders" if who == "prescriber" else "pharmacy"), self.stand.moved
            self.tabs[who] = (kept, at)
        return kept

    def approval(self) -> Json:
        """What a prescriber sends who read the page: its digest, and a reason wherever one is asked for."""
        shown = self.tab("prescriber").look(f"orders/{self.run}/").body["proposal"]
        given = [{"check": f["check"], "code": "9", "note": NOTE} for f in shown["findings"] if f["severity"] == "override"]
        return {"digest": shown["digest"], "overrides": given}

    def arm(self, faults: tuple[Json, ...]) -> None:
        """The schedule of one step."""
        self.stand.proxy.schedule(*({k: v for k, v in one.items() if k != "name"} for one in faults))

    def step(self, what: str, who: str, where: str, body: Json, faults: tuple[Json, ...], die: str) -> Said:
        """One press under faults, and the look at both stores after it."""
        tab, run = self.tab(who), self.run
        self.arm(faults)
        said = tab.press(where, body, die)
        if what == "approve" and said.status == 200:
            self.signed[run] = body["digest"]
        self.settled(what, faults, said, die)
        return said

    def settled(self, what: str, faults: tuple[Json, ...], said: Said, die: str) -> None:
        """Counts what happened, and checks."""
        seen = self.stand.proxy.seen()
        self.stand.proxy.schedule()
        self.census[f"step: {what}"] += 1
        for one in faults:
            met = sum(line["fault"] == one["fault"] for line in seen)
            self.census[f"fault: {one['name']}, {'read' if 'methods' in one else 'write'}"] += met
        writes = [line for line in seen if line["method"] != "GET"]
        self.strays += sum(max(0, line["deliveries"] - 1) + (line["gone"] and line["deliveries"] > 0) for line in writes)
        if die and self.stand.died():
            self.deaths += 1
            self.census[f"death: {die.rpartition(' ')[0]}"] += 1
        self.log.append(f"{what} {self.run}: {said.status} {_short(said.body)}; now {self.state}; {self.strays} strays; {_lines(writes)}")
        with self.telling():
            assert said.status != 500, said.body
        self.check()

    # ── What has to be true ──────────────────────────────────────────────────────────────────────────────────────────

    def check(self) -> None:
        """Both stores, read directly: nothing lost, nothing doubled, nothing reported that is not there."""
        held = self.stand.written(self.patient)
        self.census["checks of both stores"] += 1
        with self.telling():
            assert self.stand.audit() == ()
            self._nothing_twice(held)
            for run in self.stand.runs(self.patient):
                self._told_truly(run, held)

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Whatever fails here says what had been done."""
        try:
            yield
        except AssertionError as error:
            self.failed = True
            error.add_note("\n".join(self.log))
            raise

    def _nothing_twice(self, held: list[Json]) -> None:
        named = Counter((i["system"], i["value"]) for r in held for i in r.get("identifier") or () if i.get("system") == URI)
        assert [key for key, times in named.items() if times > 1] == [], "doubled"
        asked = Counter(r["focus"]["reference"] for r in held if r["resourceType"] == "Task" and asks_to_approve(r))
        assert all(times == 1 for times in asked.values()), "a task doubled"
        # A Provenance has no identifier: one that the network delivers again is stored again. The app itself never sends one twice.
        said = Counter(
            json.dumps({k: v for k, v in r.items() if k not in ("id", "meta")}, sort_keys=True)
            for r in held
            if r["resourceType"] == "Provenance"
        )
        assert sum(said.values()) - len(said) <= self.strays, "a Provenance doubled by the app"

    def _told_truly(self, run: str, held: list[Json]) -> None:
        state, order = self.stand.state(run), self.stand.order(run)
        mine = [r for r in held if r["resourceType"] == "MedicationRequest" and _named(r, run)]
        if run in self.signed:
            assert order is not None and order.digest == self.signed[run] and state != "proposed", "a confirmed approval is lost"
        if state in IN_THE_EHR:
            assert len(mine) == 1, f"reported as {state}, and not there"
        elif state != "uncertain" and not self.strays:
            assert mine == [], f"{state}, and there all the same"
        if state in ("approved", "uncertain") or (order is not None and order.decision):
            assert run in self.stand.waiting(), "nobody will look for it"
        if order is None or state not in _ORDER or not mine:
            return
        sent = next(e["resource"] for e in decode(order.transaction)["entries"] if e["role"] == MAIN)
        assert mine[0]["dosageInstruction"][0]["text"] == sent["dosageInstruction"][0]["text"], "another order than the approved one"
        self._decided_truly(run, order, mine[0], held)

    def _decided_truly(self, run: str, order: Any, main: Json, held: list[Json]) -> None:
        """The EHR's status says what the app says, unless a decision is open or the network delivered one that was given up."""
        if order.decision or self.strays:
            return
        state = order.state
        assert main["status"] == _ORDER[state], f"{state}, and {main['status']} in the EHR"
        lost = json.loads(order.verification).get("not_stored") or [] if order.verification else []
        tasks = [r for r in held if r["resourceType"] == "Task" and r["focus"]["reference"] == f"MedicationRequest/{main['id']}"]
        if TASK not in lost:
            mine = [t["status"] for t in tasks if asks_to_approve(t)]
            assert [status in _TASK[state] for status in mine] == [True], f"{state}, and {mine}"
        suspended_truly(state, order, tasks)
        held_truly(state, order, self.stand.looks(run))
        followed_truly(run, order, held)

    # ── When the faults stop ─────────────────────────────────────────────────────────────────────────────────────────

    def teardown(self) -> None:
        """Everything settles, through a new launch or through deliver: the order is verified, or closed, complete in the EHR; nothing waits."""
        if self.failed:
            return
        self.stand.proxy.schedule()
        self.tabs.clear()
        with self.telling():
            for run in self.stand.runs(self.patient):
                self._settles(run)
            assert not set(self.stand.runs(self.patient)) & set(self.stand.waiting()), "something still waits"
        self.check()

    def _settles(self, run: str) -> None:
        for turn in range(9):
            state, order = self.stand.state(run), self.stand.order(run)
            if state == "proposed" or (state in OVER and not (order and order.decision)):
                break
            self.stand.wait(LEASE)
            self._goes_on(run, state, self.by_deliver and turn < 4)
        state = self.stand.state(run)
        self.census[f"ended: {state}"] += 1
        assert state in ("proposed", *OVER), f"it stays {state}"

    def _goes_on(self, run: str, state: str, by_deliver: bool) -> None:
        order = self.stand.order(run)
        if by_deliver and (state in ("approved", "uncertain") or (order and order.decision)):
            said = self.stand.deliver()
            self.log.append(f"settling {run}, {state}: deliver {said.status} {said.body}")
            self.census["settled by deliver"] += self.stand.state(run) != state
        elif state in ("approved", "uncertain", "incomplete"):
            said = self.tab("prescriber").press(f"orders/{run}/resend", {})
            self.log.append(f"settling {run}, {state}: {said.status} {_short(said.body)}")
            if state != "incomplete" or self.stand.state(run) != "incomplete":
                return
        if state == "on-hold" and not (order and order.decision):
            said = self.tab("pharmacist").press(f"pharmacy/{run}/resume", {"note": NOTE})
            self.log.append(f"settling {run}, {state}: {said.status} {_short(said.body)}")
            return
        case = self.tab("pharmacist").look(f"pharmacy/{run}/")
        self.log.append(f"settling {run}, {state}: case {case.status} {_short(case.body)}")
        if case.status == 200 and case.body["state"] in ("sent", "queried"):
            said = self.tab("pharmacist").press(f"pharmacy/{run}/verify", {"digest": case.body["digest"]})
            if said.status == 409 and "New since the approval" in str(said.body):  # another order of this patient became active meanwhile
                said = self._reject(run, case.body["digest"])
        elif case.status == 200 and case.body["state"] == "incomplete":
            said = self._reject(run, case.body["digest"])
        else:
            return
        self.log.append(f"settling {run}: {said.status} {_short(said.body)}")

    def _reject(self, run: str, digest: str) -> Any:
        return self.tab("pharmacist").press(f"pharmacy/{run}/reject", {"digest": digest, "code": "dose", "note": NOTE})


_J = Journey
_DRAFT = (_J.approve, _J.approve, _J.approve, _J.approve_twice_at_once, _J.die_under_way, _J.change_the_choices)
_OPEN = (_J.send, _J.send, _J.send, _J.wait, _J.restart, _J.launch_again, _J.deliver, _J.deliver)
_WITH_THE_PHARMACIST = (
    _J.deliver,
    _J.verify,
    _J.verify,
    _J.verify,
    _J.query,
    _J.query,
    _J.reject,
    _J.withdraw,
    _J.die_under_way,
    _J.send,
    _J.wait,
    _J.restart,
    _J.open_the_worklist,
    _J.recall,
)
_AT_ANY_TIME = (_J.deliver, _J.wait, _J.restart, _J.launch_again, _J.open_the_worklist, _J.die_under_way, _J.stop, _J.recall)
STEPS = {
    "proposed": _DRAFT,
    "approved": (*_OPEN, _J.change_the_choices, _J.die_under_way),
    "uncertain": (*_OPEN, _J.verify),
    "incomplete": (*_OPEN, _J.verify, _J.query, _J.reject, _J.withdraw),
    "sent": _WITH_THE_PHARMACIST,
    "queried": (*_WITH_THE_PHARMACIST, _J.answer, _J.answer, _J.answer),
    "verified": (
        *(_J.hold, _J.hold, _J.hold, _J.look_before_an_infusion, _J.look_before_an_infusion, _J.look_before_an_infusion, _J.complete),
        *(*_AT_ANY_TIME, _J.resume, _J.verify, _J.withdraw, _J.send),
    ),
    "on-hold": (*(_J.resume, _J.resume, _J.resume, _J.resume), *_AT_ANY_TIME, _J.hold, _J.complete, _J.verify, _J.withdraw, _J.send),
    "rejected": (_J.order_again, _J.verify, _J.send),
    "cancelled": (_J.order_again, _J.verify, _J.send),
    **dict.fromkeys(NO_MORE, (_J.hold, _J.resume, _J.stop, _J.recall, _J.deliver, _J.verify)),
}


def _named(resource: Mapping[str, Any], run: str) -> bool:
    return any(i.get("value") == f"urn:uuid:{run}" for i in resource.get("identifier") or ())


def _lines(seen: list[Json]) -> str:
    return "; ".join(
        f"{x['method']} {x['path'][:60]} {x['fault']} x{x['deliveries']} {x['status']}{' GONE' if x['gone'] else ''}" for x in seen
    )


def _short(body: Any) -> str:
    if not isinstance(body, dict):
        return ""
    return str(body["error"]) if "error" in body else str(body.get("state"))
