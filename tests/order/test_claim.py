"""Whose work an order is: the moves of its task, who is refused, and what the EHR's own JSON keeps."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from ivig_fhir.errors import Conflict, StateError
from ivig_fhir.order.approval import Clinician
from ivig_fhir.order.claim import TASK_MOVES, Step, claimed_task, holder

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
MATS = Clinician("https://ehr.example.org/fhir/Practitioner/mats", "Mats", frozenset({"pharmacist"}))
FUNKE = {"reference": "Practitioner/funke", "display": "Funke"}
STATUSES = (
    "draft", "requested", "received", "accepted", "rejected", "ready", "cancelled", "in-progress", "on-hold", "failed", "completed",
    "entered-in-error",
)  # fmt: skip
LEADS = {
    Step.CLAIM: {"requested": "accepted", "received": "accepted", "ready": "accepted", "accepted": "accepted", "on-hold": "on-hold"},
    Step.START: dict.fromkeys(("requested", "received", "ready", "accepted", "in-progress"), "in-progress") | {"on-hold": "on-hold"},
    Step.RELEASE: {"accepted": "requested", "in-progress": "requested", "on-hold": "on-hold"},
    Step.TAKE_OVER: {"accepted": "accepted", "in-progress": "in-progress", "on-hold": "on-hold"},
}


def a_task(status: str, owner: dict[str, str] | None = None) -> dict[str, Any]:
    made = {"resourceType": "Task", "id": "t", "status": status, "extension": [{"url": "x", "valueDecimal": Decimal("0.10")}]}
    return made | ({"owner": owner} if owner else {})


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("step", Step)
def test_a_step_leads_where_the_table_says_and_nowhere_else(step: Step, status: str) -> None:
    if status not in LEADS[step]:
        assert (step, status) not in TASK_MOVES
        with pytest.raises(StateError):
            claimed_task(a_task(status), step, MATS, NOW)
        return
    made = claimed_task(a_task(status), step, MATS, NOW)
    assert made["status"] == LEADS[step][status]
    assert made.get("owner") == (None if step is Step.RELEASE else {"reference": "Practitioner/mats", "display": "Mats"})
    assert made["extension"] == a_task(status)["extension"]


@pytest.mark.parametrize("step", [Step.CLAIM, Step.START, Step.RELEASE])
@pytest.mark.parametrize("status", ["accepted", "in-progress", "on-hold"])
def test_anothers_work_is_only_taken_over(step: Step, status: str) -> None:
    with pytest.raises(Conflict, match="claimed"):
        claimed_task(a_task(status, FUNKE), step, MATS, NOW)
    assert claimed_task(a_task(status, FUNKE), Step.TAKE_OVER, MATS, NOW)["owner"]["display"] == "Mats"


def test_ones_own_task_under_another_address_is_ones_own() -> None:
    mine = {"reference": "Practitioner/mats/_history/4"}
    assert claimed_task(a_task("accepted", mine), Step.START, MATS, NOW)["status"] == "in-progress"


def test_nobody_works_on_a_task_that_waits_or_is_over() -> None:
    assert holder(a_task("requested", FUNKE)) is None
    assert holder(a_task("completed", FUNKE)) is None
    assert holder(a_task("in-progress")) is None
    found = holder(a_task("in-progress", FUNKE))
    assert found is not None
    assert found.display == "Funke"
