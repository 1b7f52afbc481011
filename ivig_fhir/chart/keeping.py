"""A chart as it was read, as plain JSON data and back: what a pending order keeps, so that it can be worked out again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ivig_fhir.chart.answers import Answer, Answers, Oddity, Reason

Json = dict[str, Any]


def to_json(answers: Answers, read_at: datetime) -> Json:
    """Everything that was read, with what could not be read and why, and the moment of reading."""
    return {
        "read_at": read_at.isoformat(),
        "patient": answers.patient,
        "answers": [
            {"type": a.type, "resources": list(a.resources), "problem": a.problem.value if a.problem else None, "said": a.said}
            for a in answers.by_type.values()
        ],
        "oddities": [{"reference": o.reference, "said": o.said} for o in answers.oddities],
    }


def from_json(data: Json) -> tuple[Answers, datetime]:
    """The answers and the moment of reading, as `to_json` kept them."""
    made = {
        a["type"]: Answer(a["type"], tuple(a["resources"]), Reason(a["problem"]) if a["problem"] else None, a["said"])
        for a in data["answers"]
    }
    oddities = tuple(Oddity(o["reference"], o["said"]) for o in data["oddities"])
    return Answers(data["patient"], made, oddities), datetime.fromisoformat(data["read_at"])
