"""How an order is stored, in words, before anybody approves and on the receipt: the way, the place of each part, who verifies where."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ivig_fhir.ehr.modes import ORDER, WriteMode
from ivig_fhir.proposal.issues import reported
from ivig_fhir.proposal.model import Proposal

View = dict[str, Any]
TRACKED_HERE = "Verification is tracked in this app only"
_WAYS = {
    "transaction": ("ok", "Stored in the EHR, all at once"),
    "sequential": ("info", "Stored in the EHR, part by part"),
    "hand-off": ("warn", "Not stored in the EHR: you enter the order there by hand"),
    "read-only": ("warn", "Nothing is stored in the EHR: you enter the order there by hand"),
}
_TASK = "Task"


def mode_view(mode: WriteMode, made: Proposal, ehr: str) -> View:
    """The way of writing, and where each part of this order will be: in the EHR as a draft, or in this app only."""
    kind, way = _WAYS[mode.mode]
    parts = _parts(made)
    return {
        "name": mode.mode,
        "kind": kind,
        "way": way,
        "reason": mode.reason,
        "there": [what for type_, what in parts if type_ not in mode.left_out],
        "here": [what for type_, what in parts if type_ in mode.left_out],
        "ehr": ehr,
        "tracked": tracked_view(mode, ehr),
    }


def tracked_view(mode: WriteMode, ehr: str) -> str:
    """Where a pharmacist finds an order whose task the EHR does not hold; "" where it does."""
    if not mode.writes:
        return f"A pharmacist verifies it in {ehr}, once it is entered there."
    return f"{TRACKED_HERE}: {ehr} stores no task for the pharmacist." if _TASK in mode.left_out else ""


def consequence(mode: WriteMode, ehr: str, who: str) -> str:
    """What pressing the button does, as whom, and why it does it like this."""
    return f"Writes to {ehr} as {who}. {mode.reason}" if mode.writes else f"Writes nothing to {ehr}. {mode.reason}"


def _parts(made: Proposal) -> Sequence[tuple[str, str]]:
    """Type and words of each part of an order, in the order in which they are written."""
    chosen = [c for c in made.companions if c.selected]
    medicines = sum(c.kind == "medication" for c in chosen)
    counted = (
        (ORDER, 1, "the order", ""),
        (ORDER, medicines, "1 medicine beside it", f"{medicines} medicines beside it"),
        ("ServiceRequest", len(chosen) - medicines, "1 test or nursing order", f"{len(chosen) - medicines} tests and nursing orders"),
        ("DetectedIssue", len(reported(made)), "1 finding", f"{len(reported(made))} findings with their reasons"),
        ("RequestGroup", 1, "the order set as a group", ""),
        ("Provenance", 1, "the record of who approved what", ""),
        (_TASK, 1, "1 task for the pharmacist", ""),
    )
    return tuple((type_, one if count == 1 else many) for type_, count, one, many in counted if count)
