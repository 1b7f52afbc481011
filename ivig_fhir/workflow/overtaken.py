"""Where somebody was faster (409, 412): a running order as it was seen, or as it was approved, against how it stands in the EHR now."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ivig_fhir.fhir.building import decode
from ivig_fhir.order.alteration import since, since_approval
from ivig_fhir.order.receipt import Line, Receipt
from ivig_fhir.order.transaction import from_json
from ivig_fhir.store import sessions
from ivig_fhir.store.orders import Order
from ivig_fhir.workflow.course import Course, open_course
from ivig_fhir.workflow.runtime import Runtime


@dataclass(frozen=True)
class Overtaken:
    """An order as it stands now, and each field that is different; `seen`: since it was on screen, else since it was approved."""

    course: Course
    lines: tuple[Line, ...]
    seen: bool


def remember(runtime: Runtime, course: Course) -> None:
    """Keeps an order as it is on screen now, in this process only, to tell later what changed."""
    runtime.courses.keep(_key(course.run.run, course.version), course.stored.order)


def overtaken(runtime: Runtime, session: sessions.Session, run_id: str, version: str = "") -> Overtaken:
    """What is different; `version` is the one that was on screen, "" where none was. Errors: those of `open_course`."""
    course = open_course(runtime, session, run_id)
    seen = runtime.courses.find(_key(run_id, version))
    now = course.stored.order
    return Overtaken(course, since_approved(course.order, now) if seen is None else since(seen, now), seen is not None)


def since_approved(order: Order, now: Mapping[str, Any]) -> tuple[Line, ...]:
    """Each field of the order in the EHR that means something else than what was approved."""
    receipt = Receipt.from_json(json.loads(order.receipt)) if order.receipt else None
    return since_approval(from_json(decode(order.transaction)), receipt, now)


def _key(run: str, version: str) -> str:
    return f"{run} {version}"
