"""The app's client keys at rest: sealed, published before they sign, replaced without a gap."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text

from ivig_fhir.errors import SealBroken, UsageError
from ivig_fhir.smart.client_keys import Algorithm, ClientKey, make_key
from ivig_fhir.store import audit, client_keys
from ivig_fhir.store.database import Database
from tests.store.a_store import NOW

DAY = timedelta(hours=24)
MADE = [make_key("ES384") for _ in range(3)]


def add(database: Database, key: ClientKey, after: timedelta = timedelta()) -> None:
    with database.write() as tx:
        client_keys.add(tx, key, NOW + after, DAY)


def signs(database: Database, after: timedelta, algorithm: Algorithm = "ES384") -> str:
    with database.read() as tx:
        key = client_keys.signing(tx, algorithm, NOW + after)
    return key.kid if key else ""


def shown(database: Database, after: timedelta) -> list[str]:
    with database.read() as tx:
        return [key["kid"] for key in client_keys.published(tx, NOW + after)]


def test_the_first_key_signs_at_once_and_comes_back_whole(database: Database) -> None:
    add(database, MADE[0])
    with database.read() as tx:
        assert client_keys.signing(tx, "ES384", NOW) == MADE[0]
        assert client_keys.signing(tx, "RS384", NOW) is None
    assert shown(database, timedelta()) == [MADE[0].kid]


@pytest.mark.requirement("hl7.fhir.uv.smart-app-launch_2.2.0@295")
def test_a_private_part_is_never_stored_in_clear_and_opens_in_its_own_row_only(database: Database) -> None:
    add(database, MADE[0])
    add(database, MADE[1])
    with database.write() as tx:
        rows = tx.conn.execute(text("SELECT kid, public_jwk, sealed_private FROM client_keys")).all()
        assert not any("PRIVATE" in str(row) or '"d"' in row.public_jwk for row in rows)
        stolen = "UPDATE client_keys SET sealed_private = (SELECT sealed_private FROM client_keys WHERE kid = :b) WHERE kid = :a"
        tx.conn.execute(text(stolen), {"a": MADE[0].kid, "b": MADE[1].kid})
    with pytest.raises(SealBroken):
        signs(database, timedelta())


def test_a_new_key_is_published_at_once_and_signs_when_every_ehr_has_seen_it(database: Database) -> None:
    add(database, MADE[0])
    add(database, MADE[1], timedelta(days=10))
    assert set(shown(database, timedelta(days=10))) == {MADE[0].kid, MADE[1].kid}
    assert signs(database, timedelta(days=11, seconds=-1)) == MADE[0].kid
    assert signs(database, timedelta(days=11)) == MADE[1].kid


def test_a_retired_key_stays_published_until_nobody_can_need_it(database: Database) -> None:
    add(database, MADE[0])
    add(database, MADE[1])
    with database.write() as tx:
        client_keys.retire(tx, MADE[0].kid, NOW + DAY, DAY)
    assert signs(database, DAY) == MADE[1].kid
    assert MADE[0].kid in shown(database, 2 * DAY - timedelta(seconds=1))
    assert shown(database, 2 * DAY) == [MADE[1].kid]


def test_at_every_moment_of_a_rotation_the_key_that_signs_is_published(database: Database) -> None:
    add(database, MADE[0])
    add(database, MADE[1], DAY)
    with database.write() as tx:
        client_keys.retire(tx, MADE[0].kid, NOW + 3 * DAY, DAY)
    for hours in range(0, 150, 3):
        after = timedelta(hours=hours)
        assert signs(database, after) in shown(database, after), hours


def test_the_last_key_that_signs_is_retired_only_at_once(database: Database) -> None:
    add(database, MADE[0])
    add(database, MADE[1])
    with database.write() as tx, pytest.raises(UsageError):
        client_keys.retire(tx, MADE[0].kid, NOW, DAY)
    assert signs(database, timedelta()) == MADE[0].kid
    with database.write() as tx:
        client_keys.retire(tx, MADE[0].kid, NOW, DAY, at_once=True)
    assert (signs(database, timedelta()), shown(database, timedelta())) == ("", [MADE[1].kid])
    assert signs(database, DAY) == MADE[1].kid


def test_a_key_that_is_not_there_or_gone_is_not_retired(database: Database) -> None:
    add(database, MADE[0])
    with database.write() as tx:
        client_keys.retire(tx, MADE[0].kid, NOW, DAY, at_once=True)
    for kid in ("nothing", MADE[0].kid):
        with database.write() as tx, pytest.raises(UsageError):
            client_keys.retire(tx, kid, NOW, DAY)


def test_each_state_of_a_key_is_told(database: Database) -> None:
    add(database, MADE[0], timedelta(seconds=-1))
    add(database, MADE[1])
    with database.write() as tx:
        client_keys.retire(tx, MADE[0].kid, NOW + DAY, DAY)
    with database.read() as tx:
        first, second = client_keys.kept(tx)
        assert [first.state(NOW + n * DAY) for n in (0, 1, 2)] == ["signing", "retired", "gone"]
        assert [second.state(NOW + n * DAY) for n in (0, 1)] == ["announced", "signing"]
        assert [row.what for row in audit.rows(tx)] == ["key.made", "key.made", "key.retired"]
