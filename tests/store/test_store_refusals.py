"""What an EHR refused is kept as narrow as it was seen, on either database, and believed until a moment."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from ivig_fhir.smart.tenancy import Tenancy
from ivig_fhir.store import refusals
from ivig_fhir.store.database import Database
from ivig_fhir.store.refusals import ANYONE
from tests.store.a_store import HERE, NOW, WARD

MINE, THEIRS = "a" * 64, "b" * 64
LATER = NOW + timedelta(hours=1)


def note(database: Database, *types: str, whose: str = MINE, until: datetime = LATER) -> None:
    with database.write() as tx:
        refusals.note(tx, HERE, types, whose, NOW, until)


def standing(database: Database, whose: str = MINE, tenancy: Tenancy = HERE, now: datetime = NOW, what: str = "create") -> set[str]:
    with database.read() as tx:
        return set(refusals.standing(tx, tenancy, whose, now, what))


def test_a_refusal_is_of_one_right_one_tenant_and_one_interaction(database: Database) -> None:
    note(database, "MedicationRequest", "Task")
    assert standing(database) == {"MedicationRequest", "Task"}
    assert standing(database, THEIRS) == set()
    assert standing(database, tenancy=WARD) == set()
    assert standing(database, what="update") == set()


def test_what_is_refused_to_anyone_is_refused_to_everyone_of_the_tenant(database: Database) -> None:
    note(database, "Task", whose=ANYONE)
    assert standing(database, THEIRS) == {"Task"}
    assert standing(database, tenancy=WARD) == set()


@pytest.mark.parametrize(("seconds", "stands"), [(-1, True), (0, False)])
def test_it_stands_until_its_moment(database: Database, seconds: int, stands: bool) -> None:
    note(database, "Task")
    assert bool(standing(database, now=LATER + timedelta(seconds=seconds))) is stands


def test_refused_again_it_is_believed_anew_and_what_is_over_is_forgotten(database: Database) -> None:
    note(database, "Task")
    note(database, "Task", until=LATER + timedelta(hours=1))
    with database.write() as tx:
        assert refusals.standing(tx, HERE, MINE, NOW) == {"Task": LATER + timedelta(hours=1)}
        refusals.note(tx, HERE, (), MINE, LATER + timedelta(hours=2), LATER)
    assert standing(database) == set()
