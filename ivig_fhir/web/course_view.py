"""What the pages of a running order show: its infusion days, what may be done with it, and what is looked at before an infusion."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

from ivig_fhir.chart.facts import Person
from ivig_fhir.fhir.references import own_reference
from ivig_fhir.order.course import CODED, NOTED, may
from ivig_fhir.order.recheck import HELD, OPEN, Look, digest_of
from ivig_fhir.order.recheck import ROLES as LOOKERS
from ivig_fhir.order.states import Event
from ivig_fhir.store import rechecks
from ivig_fhir.store.rechecks import Recheck
from ivig_fhir.web.companions_view import companions_view, left_view
from ivig_fhir.web.order_view import person_view
from ivig_fhir.web.render import STATES, clock, day, short_name
from ivig_fhir.web.talk_view import talk_view
from ivig_fhir.workflow.altered import alterations
from ivig_fhir.workflow.course import Course
from ivig_fhir.workflow.recheck import Opened
from ivig_fhir.workflow.release import not_told
from ivig_fhir.workflow.runtime import Runtime

View = dict[str, Any]
KINDS = {"verified": "ok", "on-hold": "warn", "stopped": "stop", "completed": "ok", "entered-in-error": "stop"}
# Each move as a form: what its button says, what it asks, and what it does in the EHR.
MOVES = (
    (Event.HOLD, "Put on hold", "The order goes on hold in the EHR, and no infusion sheet is offered until somebody decides."),
    (Event.RESUME, "Go on with the order", "The order is active again, and the next infusion is looked at on its day as usual."),
    (Event.COMPLETE, "Complete the order", "Every infusion has been given: the order is completed in the EHR."),
    (Event.STOP, "Stop the order", "No further infusion is given. What was given stays in the record; the order cannot be taken up again."),
    (Event.RECALL, "Written by mistake", "For an order that should never have been: it is entered in error in the EHR, for good."),
)
_LOOKED = {"released": ("ok", "Released"), "held": ("warn", "Held"), "cleared": ("info", "Decided: it goes on")}


def course_view(course: Course, person: Person, role: str, runtime: Runtime) -> View:
    """One running order. `role` is that of whoever looks."""
    kept, held = json.loads(course.order.body), course.held
    guide, said = runtime.content.constants["course"], alterations(course.order, course.stored.order).said
    moves = [
        {
            "name": event.value,
            "label": label,
            "says": says,
            "codes": [(code, text) for code, (text, _) in guide.for_move(event.value).items()] if event in CODED else [],
            "note": event in NOTED,
            "danger": event in (Event.STOP, Event.RECALL),
        }
        for event, label, says in MOVES
        if may(event, course.state, role) or (event is Event.RESUME and held is not None and may(event, "on-hold", role))
    ]
    return {
        "banner": person_view(person),
        "title": short_name(runtime.content.order_sets[kept["indication"]].name),
        "state": STATES[course.order.state],
        "kind": "warn" if held else KINDS.get(course.order.state, "info"),
        "reference": f"{own_reference(course.stored.order)}, version {course.version}, {course.stored.order.get('status')} in the EHR",
        "held": _held(held, course) if held else None,
        "days": [_day(course, n, d, role, bool(said)) for n, d in enumerate(course.days, start=1)],
        "untold": [f"Infusion {r.number}, {day(r.day)}: released by {r.display}, {clock(r.at)}." for r in not_told(course)],
        "may_tell": role in LOOKERS,
        "moves": moves,
        "companions": companions_view(course.stored, course.state),
        "left": left_view(course.order),
        "may_try": role in ("prescriber", "pharmacist"),
        "version": course.version,
        "talk": talk_view(course.order),
        "altered": said,
        "sheet": course.order.state == "verified" and held is None and not said,
    }


def _held(held: Recheck, course: Course) -> View:
    looks = json.loads(held.looks)
    said = [
        f"{x['title']}: {x['said'] if x['state'] == HELD else x['note']}"
        for x in looks["looks"]
        if x["state"] == HELD or x["answer"] == HELD
    ]
    untold = course.order.state == "verified"
    return {
        "title": f"Held before infusion {held.number}, {day(held.day)}, by {looks['display']}, {clock(held.at)}",
        "said": said,
        "untold": "The EHR was not told: it still shows the order as active. Put it on hold there, or decide that it goes on."
        if untold
        else "",
    }


def _day(course: Course, number: int, on: date, role: str, altered: bool) -> View:
    last = next((r for r in reversed(course.looked) if r.number == number), None)
    kind, said = _LOOKED[last.decision] if last else ("", "")
    by = f"{said} by {json.loads(last.looks)['display']}, {day(last.at)}, {clock(last.at)}" if last else ""
    today = on == course.today and course.order.state == "verified" and course.held is None and not altered
    return {
        "number": number,
        "day": day(on),
        "kind": kind,
        "said": by or ("Today" if on == course.today else "Not looked at" if on < course.today else "To come"),
        "open": today and role in LOOKERS,
    }


def recheck_view(opened: Opened, person: Person, typed: Mapping[str, str]) -> View:
    """The page before one infusion: what holds it, what a person has to look at, what is fine."""
    rows = [_look(x) for x in opened.looks]
    held = [r for r in rows if r["state"] == HELD]
    return {
        "banner": person_view(person),
        "title": f"Before infusion {opened.number}, {day(opened.day)}",
        "kind": "stop" if held else "need" if any(r["state"] == OPEN for r in rows) else "ok",
        "verdict": "Hold this infusion"
        if held
        else "Look, and say what you found"
        if any(r["state"] == OPEN for r in rows)
        else "Nothing holds it",
        "rows": rows,
        "open": [r for r in rows if r["state"] == OPEN],
        "held": bool(held),
        "digest": digest_of(opened.looks),
        "typed": {k: typed.get(k, "") for k in ("weight_kg", "temp_c")},
        "released": _released(opened),
    }


def _look(look: Look) -> View:
    kinds = {HELD: ("stop", "Holds"), OPEN: ("need", "Look")}
    kind, word = kinds.get(look.state, ("ok", "Fine"))
    return {
        "id": look.id,
        "title": look.title,
        "ask": look.ask,
        "said": look.said,
        "state": look.state,
        "kind": kind,
        "word": word,
        "evidence": ", ".join(look.evidence),
        "citations": look.citations,
    }


def _released(opened: Opened) -> str:
    last = next((r for r in reversed(opened.course.looked) if r.number == opened.number), None)
    if last is None or last.decision != rechecks.RELEASED:
        return ""
    return f"Released already by {json.loads(last.looks)['display']}, {clock(last.at)}. What you decide now counts from here on."


def course_json(course: Course) -> View:
    """The same for scripts."""
    return {
        "run": course.run.run,
        "state": course.order.state,
        "status": course.stored.order.get("status"),
        "version": course.version,
        "held": course.held is not None,
        "infusions": [d.isoformat() for d in course.days],
        "companions": companions_view(course.stored, course.state),
        "untold": [r.number for r in not_told(course)],
        "looked": [
            {"infusion": r.number, "day": r.day.isoformat(), "decision": r.decision, "who": r.who, "at": r.at.isoformat()}
            for r in course.looked
        ],
    }


def looks_json(opened: Opened) -> View:
    """What is looked at, for scripts."""
    found = [{"id": x.id, "state": x.state, "said": x.said, "evidence": list(x.evidence)} for x in opened.looks]
    return {**course_json(opened.course), "infusion": opened.number, "looks": found, "digest": digest_of(opened.looks)}
