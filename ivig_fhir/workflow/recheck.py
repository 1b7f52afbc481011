"""Step 6 on the day: the chart is read fresh before an infusion of a verified order; the infusion is released, or the order held."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any

from ivig_fhir.errors import Conflict, NotFound, StateError
from ivig_fhir.fhir.building import decode
from ivig_fhir.order import recheck
from ivig_fhir.order.approval import Refusal
from ivig_fhir.order.recheck import HELD, OTHER, Day, Look, Typed, looks
from ivig_fhir.order.states import Event, allows
from ivig_fhir.proposal.propose import propose
from ivig_fhir.proposal.selections import parse_selections
from ivig_fhir.proposal.selections_json import as_ordered
from ivig_fhir.store import orders, rechecks, sessions
from ivig_fhir.store.rechecks import CLEARED, RELEASED, Recheck
from ivig_fhir.workflow.altered import refuse_altered
from ivig_fhir.workflow.course import Course, move, open_course
from ivig_fhir.workflow.open_chart import chart_from_answers
from ivig_fhir.workflow.read_ehr import read_answers
from ivig_fhir.workflow.release import tell
from ivig_fhir.workflow.runtime import Runtime, clinician


@dataclass(frozen=True)
class Opened:
    """What is on screen before one infusion: the order's course, which infusion, and what was looked at."""

    course: Course
    number: int
    looks: tuple[Look, ...]

    @property
    def day(self) -> date:
        """The day of this infusion."""
        return self.course.days[self.number - 1]


def open_recheck(runtime: Runtime, session: sessions.Session, run_id: str, number: int, typed: Typed) -> Opened:
    """Everything that is looked at before infusion `number`, on the chart as it is now.

    Errors: NotFound for an infusion that there is not; StateError on another day than its own, and for an order that is not verified or
    that somebody changed in the EHR; SelectionError for a typed value that nobody can have.
    """
    course = open_course(runtime, session, run_id)
    if not 1 <= number <= len(course.days):
        raise NotFound("no such infusion", said="This order has no such infusion.")
    if not allows(course.state, Event.RELEASE) or course.stored.order.get("status") != "active":
        raise StateError(
            f"recheck of {course.state}", said="Only a verified order that is active in the EHR is looked at before an infusion."
        )
    refuse_altered(course.order, course.stored.order)
    if course.days[number - 1] != course.today:
        raise StateError("another day", said=f"Infusion {number} is on {course.days[number - 1]}: it is looked at on that day.")
    return Opened(course, number, looks(_day(runtime, session, course, typed)))


def _day(runtime: Runtime, session: sessions.Session, course: Course, typed: Typed) -> Day:
    kept, now = json.loads(course.order.body), runtime.now()
    answers = read_answers(runtime, session, course.run.patient)
    chart = chart_from_answers(answers, runtime.content, now, runtime.site)
    chosen = as_ordered(decode(course.run.selections), kept)
    today = propose(chart, parse_selections({**chosen, "run": f"urn:uuid:{course.run.run}"}), runtime.content, now, runtime.site)
    return Day(kept, course.order.approved_at, today, chart, runtime.content, typed, decided_on(course.looked))


def decided_on(looked: tuple[Recheck, ...]) -> frozenset[tuple[str, str]]:
    """What earlier looks held for and somebody decided on since: the same finding in the same words holds no more."""
    found: set[tuple[str, str]] = set()
    for before, after in pairwise(looked):
        if after.decision == CLEARED:
            found |= {(x["id"], x["said"]) for x in json.loads(before.looks)["looks"] if x["state"] == HELD}
    return frozenset(found)


def decide(
    runtime: Runtime,
    session: sessions.Session,
    opened: Opened,
    release: bool,
    digest: str,
    answers: Mapping[str, tuple[str, str]],
) -> tuple[Refusal, ...]:
    """Releases this infusion, or holds the order; or every reason against it.

    A release is also written into the pharmacist's task, where this person may.
    A hold counts here at once and keeps the infusion sheet back; then the order is put on hold in the EHR. Where the EHR does not let
    this person change the order, that is said, and somebody who may does it on the page of the course.
    """
    found, who = recheck.answered(opened.looks, answers), clinician(session)
    refusals = recheck.decide(release, found, digest, who)
    if opened.course.held is not None and not refusals:
        refusals = (Refusal("held", "This order is on hold already: a prescriber or pharmacist decides how it goes on."),)
    if refusals:
        return refusals
    kept = json.dumps({"looks": recheck.to_json(found), "display": who.display})
    course, run = opened.course, opened.course.run
    made = Recheck(run.run, opened.number, opened.day, RELEASED if release else rechecks.HELD, who.reference, runtime.now(), kept)
    with runtime.database.write() as tx:
        rechecks.keep(tx, made, run.tenancy.iss)
        held, now = rechecks.held(rechecks.of_run(tx, run.run)[:-1]), orders.load(tx, run.tenancy, run.run)
        if release and (held is not None or now.state != course.order.state):
            raise Conflict("held meanwhile", said="This order was put on hold meanwhile: nothing was released.")
    return tell(runtime, session, run.run) if release else move(runtime, session, run.run, Event.HOLD, _reason(found))


def _reason(found: tuple[Look, ...]) -> dict[str, Any]:
    """The coded reason of the first thing that holds, and all of them in words."""
    holding = [x for x in found if x.holds]
    said = " ".join(f"{x.title}: {x.said if x.state == HELD else x.note}" for x in holding)
    first = holding[0]
    return {"code": first.reason if first.state == HELD or first.id == OTHER else "unread", "note": said}
