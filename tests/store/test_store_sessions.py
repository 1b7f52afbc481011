"""Pending launches and sessions: found only by who holds both halves, used once, over in time."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from ivig_fhir.errors import SealBroken, SessionEnded
from ivig_fhir.smart.token import TokenResponse
from ivig_fhir.store import audit, launches, proposals, sessions
from ivig_fhir.store.database import Database
from ivig_fhir.store.seal import hashed
from ivig_fhir.store.sessions import Limits, Session
from tests.an_ehr import NOW, PENDING
from tests.store.a_store import CONTEXT, DOCTOR, HERE, TOKEN, WARD, begun

LIMITS = Limits()
MINUTE = timedelta(minutes=1)


def start(database: Database, session_id: str = "sid", cookie: str = "cookie", token: TokenResponse | None = TOKEN) -> None:
    with database.write() as tx:
        sessions.start(tx, session_id, cookie, CONTEXT, "prescriber", token, NOW)


def load(database: Database, session_id: str = "sid", cookie: str = "cookie", after: timedelta = MINUTE) -> Session:
    with database.read() as tx:
        return sessions.load(tx, session_id, cookie, NOW + after, LIMITS)


@pytest.mark.requirement("hl7.fhir.uv.smart-app-launch_2.2.0@61")
def test_a_launch_is_taken_once_by_the_browser_that_began_it(database: Database) -> None:
    with database.write() as tx:
        launches.keep(tx, "state", "browser", PENDING)
    with database.write() as tx:
        assert launches.take(tx, "state", "browser", NOW) == PENDING
        assert launches.take(tx, "state", "browser", NOW) is None


def test_another_browser_gets_nothing_and_spoils_the_launch(database: Database) -> None:
    with database.write() as tx:
        launches.keep(tx, "state", "browser", PENDING)
        assert launches.take(tx, "state", "other browser", NOW) is None
        assert launches.take(tx, "state", "browser", NOW) is None


@pytest.mark.parametrize(("after", "found"), [(timedelta(minutes=10), True), (timedelta(minutes=10, seconds=1), False)])
def test_a_launch_lasts_ten_minutes(database: Database, after: timedelta, found: bool) -> None:
    with database.write() as tx:
        launches.keep(tx, "state", "browser", PENDING)
        assert (launches.take(tx, "state", "browser", NOW + after) is not None) is found


def test_an_unknown_state_gives_nothing(database: Database) -> None:
    with database.write() as tx:
        assert launches.take(tx, "never", "browser", NOW) is None


def test_old_launches_are_cleared_by_new_ones(database: Database) -> None:
    with database.write() as tx:
        launches.keep(tx, "old", "browser", PENDING)
        launches.keep(tx, "new", "browser", replace(PENDING, created=NOW + 11 * MINUTE))
        assert tx.conn.execute(text("SELECT count(*) FROM launches")).scalar() == 1


def test_a_session_comes_back_whole(database: Database) -> None:
    start(database)
    found = load(database)
    assert (found.context, found.role) == (CONTEXT, "prescriber")
    assert (found.access_token, found.refresh_token, found.token_expires) == ("canary-access", "canary-refresh", TOKEN.expires_at)
    assert "canary-access" not in repr(found)


@pytest.mark.parametrize(("session_id", "cookie"), [("sid", "other"), ("other", "cookie"), ("", ""), ("sid", "")])
def test_a_session_opens_only_with_its_id_and_its_cookie(database: Database, session_id: str, cookie: str) -> None:
    start(database)
    with pytest.raises(SessionEnded):
        load(database, session_id, cookie)


def test_two_charts_in_two_tabs_never_mix(database: Database) -> None:
    start(database, "sid-a", "cookie-a")
    start(database, "sid-b", "cookie-b")
    assert load(database, "sid-a", "cookie-a").id == "sid-a"
    with pytest.raises(SessionEnded):
        load(database, "sid-a", "cookie-b")


@pytest.mark.parametrize(("after", "alive"), [(timedelta(minutes=29, seconds=59), True), (timedelta(minutes=30), False)])
def test_a_session_that_nobody_uses_ends_after_half_an_hour(database: Database, after: timedelta, alive: bool) -> None:
    start(database)
    if alive:
        load(database, after=after)
    else:
        with pytest.raises(SessionEnded):
            load(database, after=after)


@pytest.mark.parametrize(("after", "alive"), [(timedelta(hours=7, minutes=59), True), (timedelta(hours=8), False)])
def test_a_session_in_use_ends_after_eight_hours(database: Database, after: timedelta, alive: bool) -> None:
    start(database)
    with database.write() as tx:
        sessions.touch(tx, "sid", NOW + after)
    if alive:
        load(database, after=after)
    else:
        with pytest.raises(SessionEnded):
            load(database, after=after)


@pytest.mark.requirement("hl7.fhir.uv.smart-app-launch_2.2.0@8")
def test_a_token_moved_to_another_session_does_not_open(database: Database) -> None:
    start(database)
    start(database, "thief", "thief-cookie")
    with database.write() as tx:
        stolen = (
            "UPDATE sessions SET sealed_access_token = (SELECT sealed_access_token FROM sessions WHERE id_hash = :a) WHERE id_hash = :b"
        )
        tx.conn.execute(text(stolen), {"a": hashed("sid"), "b": hashed("thief")})
    with pytest.raises(SealBroken):
        load(database, "thief", "thief-cookie")


def test_new_tokens_replace_both_old_ones(database: Database) -> None:
    start(database)
    with database.write() as tx:
        opened = sessions.load(tx, "sid", "cookie", NOW, LIMITS)
        sessions.claim_renewal(tx, opened, NOW)
        less = replace(CONTEXT, scope="patient/Patient.rs")
        sessions.replace_token(tx, opened, TokenResponse("at-2", NOW + timedelta(hours=1), less.scope), less)
    found = load(database)
    assert (found.access_token, found.refresh_token, found.context.scope) == ("at-2", "", "patient/Patient.rs")
    assert found.renewing_until is None


def test_a_session_that_is_read_again_shows_who_renews_it(database: Database) -> None:
    start(database)
    first = load(database)
    with database.write() as tx:
        sessions.claim_renewal(tx, first, NOW + MINUTE)
    with database.write() as tx:
        assert sessions.again(tx, first).renewing_until == NOW + MINUTE
        sessions.end(tx, first, NOW)
        with pytest.raises(SessionEnded):
            sessions.again(tx, first)


def test_a_session_without_sign_in_has_no_token(database: Database) -> None:
    start(database, token=None)
    found = load(database)
    assert (found.access_token, found.token_expires) == ("", None)


def test_a_session_that_ended_is_gone_and_its_draft_stays(database: Database) -> None:
    start(database)
    opened = load(database)
    with database.write() as tx:
        begun(tx)
        sessions.end(tx, opened, NOW)
        sessions.end(tx, opened, NOW)
    with pytest.raises(SessionEnded):
        load(database)
    with database.read() as tx:
        assert len(proposals.open_runs(tx, HERE, "pat-1", DOCTOR)) == 1
        assert [row.what for row in audit.rows(tx)] == ["session.started", "run.started", "session.ended"]


@pytest.mark.parametrize(("after", "there"), [(timedelta(minutes=29), 1), (timedelta(minutes=30), 0)])
def test_a_session_that_still_lasts_is_found_without_its_browser_and_lasts_no_longer_for_it(
    database: Database, after: timedelta, there: int
) -> None:
    start(database)
    with database.read() as tx:
        found = sessions.living(tx, HERE, "pat-1", NOW + after, LIMITS)
        assert len(found) == there
        assert [(s.access_token, s.id) for s in found] == [("canary-access", "")] * there
        assert sessions.living(tx, WARD, "pat-1", NOW, LIMITS) == sessions.living(tx, HERE, "pat-2", NOW, LIMITS) == ()
        assert [sessions.again(tx, s).seen for s in found] == [NOW] * there


def test_what_is_over_is_purged(database: Database) -> None:
    start(database)
    with database.write() as tx:
        assert sessions.purge(tx, NOW + timedelta(minutes=29), LIMITS) == ()
        [gone] = sessions.purge(tx, NOW + timedelta(minutes=30), LIMITS)
        assert gone.access_token
        assert sessions.purge(tx, NOW + timedelta(minutes=30), LIMITS) == ()
