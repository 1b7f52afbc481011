"""A released infusion on the pharmacist's task: what was looked at, by whom and when, written into the server's own task."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from ivig_fhir.fhir.dates import parse_time
from ivig_fhir.fhir.narrative import renarrated
from ivig_fhir.fhir.references import plain_reference
from ivig_fhir.proposal.context import moment

Resource = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Release:
    """One infusion that was looked at on its day and may be given: which, on which day, by whom, and when that was decided."""

    number: int
    day: date
    who: str
    display: str
    at: datetime

    @property
    def said(self) -> str:
        """What the task says of it."""
        return f"released for infusion {self.number}"


def untold(task: Mapping[str, Any], releases: Iterable[Release]) -> tuple[Release, ...]:
    """The releases that a task does not say: none of its outputs has the same words and moment."""
    said = {(str((o.get("type") or {}).get("text")), _instant(o.get("valueDateTime"))) for o in task.get("output") or []}
    return tuple(r for r in releases if (r.said, _instant(moment(r.at))) not in said)


def told(task: Mapping[str, Any], releases: Iterable[Release]) -> Resource:
    """The server's own task with every release that it did not say: an output with its moment, and a note by whoever looked.

    What was decided on the order stays as it is: the task is over, and its business status names the last release.
    """
    made: Resource = dict(task)
    for one in untold(task, releases):
        output = {"type": {"text": one.said}, "valueDateTime": moment(one.at)}
        text = f"Infusion {one.number}, {one.day.isoformat()}: the patient was looked at before it, and it was released by {one.display}."
        note = {"authorReference": {"reference": plain_reference(one.who)}, "time": moment(one.at), "text": text}
        made |= {
            "output": [*(made.get("output") or []), output],
            "note": [*(made.get("note") or []), note],
            "businessStatus": {"text": one.said},
            "lastModified": moment(one.at),
        }
    return renarrated(made)


def _instant(text: Any) -> datetime | None:
    time = parse_time(text)
    return time.earliest if time else None
