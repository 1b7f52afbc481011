"""Journeys of an order that runs: looked at on its day, held, gone on with, stopped, completed or taken back, each under faults and deaths."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from faults.a_mishap import deaths, schedules
from faults.a_stand import NOTE, Said
from hypothesis import strategies as st

from ivig_fhir.order.course_writes import HOLD
from ivig_fhir.store.rechecks import HELD, Recheck

Json = dict[str, Any]
RUNNING = ("verified", "on-hold")
NO_MORE = ("stopped", "completed", "entered-in-error")
# What order and pharmacist's task say in the EHR, once it runs or ran.
STATUS = {
    "verified": "active",
    "on-hold": "on-hold",
    "stopped": "stopped",
    "completed": "completed",
    "entered-in-error": "entered-in-error",
}
TASKS = {state: {"completed"} for state in ("verified", "on-hold", "stopped", "completed")} | {"entered-in-error": {"entered-in-error"}}
WHY = {"hold": {"code": "reaction", "note": NOTE}, "stop": {"code": "reaction", "note": NOTE}}


class CourseSteps:
    """What may be pressed once an order was verified; a part of a journey, whose attributes it uses."""

    stand: Any
    names: tuple[str, ...]
    run: str
    tab: Callable[[str], Any]
    step: Callable[..., Said]

    def hold(self, data: st.DataObject) -> None:
        """Put on hold, by either."""
        self.takes(data, "hold")

    def resume(self, data: st.DataObject) -> None:
        """Somebody decides that it goes on."""
        self.takes(data, "resume")

    def stop(self, data: st.DataObject) -> None:
        """Ended before its last infusion."""
        self.takes(data, "stop")

    def complete(self, data: st.DataObject) -> None:
        """Its last day comes, and it is completed."""
        self.comes_to(-1)
        self.takes(data, "complete")

    def recall(self, data: st.DataObject) -> None:
        """It should never have been written."""
        self.takes(data, "recall", "prescriber")

    def takes(self, data: st.DataObject, act: str, who: str = "") -> None:
        """One of these, under faults."""
        who = who or data.draw(st.sampled_from(("prescriber", "pharmacist")))
        area = "orders" if who == "prescriber" else "pharmacy"
        where = f"{area}/{self.run}/{act}"
        self.step(act, who, where, WHY.get(act, {"note": NOTE}), data.draw(schedules(self.names)), data.draw(deaths()))

    def look_before_an_infusion(self, data: st.DataObject) -> None:
        """The day of an infusion: it is released, or the order held for what somebody saw."""
        number = self.comes_to(0)
        where, release = f"pharmacy/{self.run}/recheck/{number}", bool(data.draw(st.integers(0, 2)))
        asked = self.tab("pharmacist").look(where)
        if asked.status == 200:
            body = looked_at(asked.body, release)
            self.step(f"look, {body['decision']}", "pharmacist", where, body, data.draw(schedules(self.names)), data.draw(deaths()))

    def comes_to(self, which: int) -> int:
        """Time passes to the next (0) or the last (-1) day of an infusion that is not past; the number of that infusion."""
        order = self.stand.order(self.run)
        days = infusion_days(order)
        today = (datetime.now(UTC) + timedelta(seconds=self.stand.moved)).date()
        ahead = [d for d in days if d >= today] or [days[-1]]
        if ahead[which] > today:
            self.stand.wait(86400 * (ahead[which] - today).days)
        return days.index(ahead[which]) + 1


def looked_at(asked: Json, release: bool) -> Json:
    """What a person sends who read every look: an answer to each open one; a hold where one of them holds."""
    body = {"digest": asked["digest"], "decision": "release"}
    for one in asked["looks"]:
        if one["state"] == "open":
            body |= {f"answer.{one['id']}": "fine", f"note.{one['id']}": NOTE}
    if not release or any(one["state"] == "held" for one in asked["looks"]):
        body |= {"decision": "hold", "note.other": "Shivers before the infusion."}
    return body


def infusion_days(order: Any) -> list[date]:
    """The days of an order as it was approved."""
    entries = json.loads(order.transaction)["entries"]
    main = next(e["resource"] for e in entries if e["role"] == "medication-request")
    return [date.fromisoformat(at[:10]) for at in main["dosageInstruction"][0]["timing"]["event"]]


def suspended_truly(state: str, order: Any, tasks: Iterable[Mapping[str, Any]]) -> None:
    """A task says that the order is suspended while it is, and only then."""
    lost = json.loads(order.verification).get("not_stored") or [] if order.verification else []
    open_ = [t for t in tasks if _code(t) == "suspend" and t["status"] == "in-progress"]
    if HOLD not in lost:
        assert len(open_) == (state == "on-hold"), f"{state}, and {len(open_)} open tasks to suspend it"


def asks_to_approve(task: Mapping[str, Any]) -> bool:
    """Whether it is the pharmacist's task."""
    return _code(task) == "approve"


def _code(task: Mapping[str, Any]) -> str:
    return str(task["code"]["coding"][0]["code"])


FOLLOWED = {"verified": {"active"}, "rejected": {"cancelled", "revoked"}, "cancelled": {"cancelled", "revoked"}}


def followed_truly(run: str, order: Any, held: Iterable[Mapping[str, Any]]) -> None:
    """What goes with an order says what the order says, unless the app names what does not."""
    word = json.loads(order.verification) if order.verification else {}
    if order.state not in FOLLOWED or word.get("companions"):
        return
    urn = f"urn:uuid:{run}"
    members = [r for r in held if (r.get("groupIdentifier") or r.get("requisition") or {}).get("value") == urn]
    requests = [r for r in members if r["resourceType"] in ("MedicationRequest", "ServiceRequest")]
    found = {r["status"] for r in requests if all(i["value"] != urn for i in r["identifier"])}
    assert found <= FOLLOWED[order.state], f"{order.state}, and what goes with it is {found}"


def held_truly(state: str, order: Any, looks: tuple[Recheck, ...]) -> None:
    """A hold stands with us until somebody decided on it: not a moment shorter, and not after it was decided that the order goes on."""
    word = json.loads(order.verification) if order.verification else {}
    last = looks[-1] if looks else None
    if state == "verified" and word.get("event") == "resume" and last is not None and last.decision == HELD:
        assert last.at > datetime.fromisoformat(word["at"]), "it was decided that the order goes on, and the hold still stands"
