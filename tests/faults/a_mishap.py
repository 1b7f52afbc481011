"""What can go wrong while somebody presses: faults of writes and of reads, and where the app dies, drawn at random."""

from __future__ import annotations

from typing import Any

from faults.a_stand import FHIR
from hypothesis import strategies as st

Json = dict[str, Any]
LATE = 2.2  # seconds that outlast the app's wait for a write and its looks

WRITE_FAULTS: dict[str, Json] = {
    "drop before send": {"fault": "drop-before-send"},
    "drop after commit": {"fault": "drop-after-commit"},
    "delay": {"fault": "delay", "seconds": 0.3},
    "delay past all patience": {"fault": "delay", "seconds": LATE},
    "truncate": {"fault": "truncate"},
    "reset in the middle of a body": {"fault": "reset-in-body"},
    "401": {"fault": "status", "status": 401},
    "403": {"fault": "status", "status": 403},
    "409": {"fault": "status", "status": 409},
    "412": {"fault": "status", "status": 412},
    "429": {"fault": "status", "status": 429, "retry_after": "1"},
    "500": {"fault": "status", "status": 500},
    "500 after commit": {"fault": "status", "status": 500, "delivered": True},
    "502": {"fault": "status", "status": 502},
    "502 after commit": {"fault": "status", "status": 502, "delivered": True},
    "HTML": {"fault": "html"},
    "HTML after commit": {"fault": "html", "delivered": True},
    "empty body": {"fault": "empty"},
    "empty body after commit": {"fault": "empty", "delivered": True},
    "duplicate delivery": {"fault": "duplicate"},
}
READ_FAULTS: dict[str, Json] = {
    name: WRITE_FAULTS[name]
    for name in (
        "drop before send",
        "delay",
        "truncate",
        "reset in the middle of a body",
        "401",
        "403",
        "429",
        "500",
        "502",
        "HTML",
        "empty body",
    )
}
LOOKS = r"^/fhir/(MedicationRequest|Task|RequestGroup|Provenance|ServiceRequest|DetectedIssue)\b"


@st.composite
def schedules(draw: st.DrawFn, names: tuple[str, ...]) -> tuple[Json, ...]:
    """Nothing, a fault of a write, and perhaps faults of the looks that follow; the name goes along for the census."""
    rules: list[Json] = []
    if draw(st.integers(0, 5)):
        name = draw(st.sampled_from(names))
        rules.append(
            {
                **WRITE_FAULTS[name],
                "path": FHIR,
                "nth": draw(st.sampled_from((1, 1, 1, 1, 2))),
                "times": draw(st.sampled_from((1, 1, 2, 9))),
                "name": name,
            }
        )
    if not draw(st.integers(0, 3)):
        name = draw(st.sampled_from(sorted(READ_FAULTS)))
        rules.append(
            {
                **READ_FAULTS[name],
                "methods": ["GET"],
                "path": LOOKS,
                "nth": draw(st.integers(1, 9)),
                "times": draw(st.sampled_from((1, 3, 40))),
                "name": name,
            }
        )
    return tuple(rules)


_REACH = {"commit": 3, "write": 2, "look": 5, "read": 24}


@st.composite
def deaths(draw: st.DrawFn) -> str:
    """Mostly nothing; else the point at which the app kills itself."""
    if draw(st.integers(0, 3)):
        return ""
    what = draw(st.sampled_from(tuple(_REACH)))
    return f"{draw(st.sampled_from(('before', 'after')))} {what} {draw(st.integers(1, _REACH[what]))}"
