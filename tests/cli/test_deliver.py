"""`ivig-fhir deliver`: one line for each thing, exit codes for whoever watches, one worker at a time."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path

import pytest
from store.a_store import HERE, ISS, OTHER, RUN, approved

from ivig_fhir.cli import main
from ivig_fhir.store import orders, outbox
from ivig_fhir.store.database import Database, connect, migrate
from ivig_fhir.store.one_worker import only_worker
from ivig_fhir.store.seal import KeyRing

SECRET = "k1:" + base64.b64encode(b"k" * 32).decode()


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Database:
    """The store of an installation whose only EHR is not there."""
    url = f"sqlite:///{tmp_path / 'ivig.sqlite'}"
    table = tmp_path / "issuers.toml"
    table.write_text(f'[[issuer]]\niss = "{ISS}"\nname = "EHR"\nclient_id = "x"\n', encoding="utf-8")
    for key, value in (("DATABASE_URL", url), ("SECRET_KEYS", SECRET), ("ISSUERS", str(table)), ("LOG_LEVEL", "ERROR")):
        monkeypatch.setenv(f"IVIG_{key}", value)
    engine = connect(url)
    migrate(engine)
    return Database(engine, KeyRing.read([("k1", SECRET.partition(":")[2])]))


def told(capsys: pytest.CaptureFixture[str], *more: str) -> tuple[int, list[dict[str, object]]]:
    code = main(["deliver", "--format", "json", *more])
    return code, [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_an_empty_outbox_is_0(database: Database, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys) == (0, [{"tried": 0, "waiting": 0, "for_a_person": 0}])


def test_what_waits_for_a_token_is_a_line_and_no_failure(database: Database, capsys: pytest.CaptureFixture[str]) -> None:
    approved(database, to_send=True)
    code, (line, counts) = told(capsys)
    assert (code, counts) == (0, {"tried": 1, "waiting": 1, "for_a_person": 0})
    assert (line["run"], line["kind"], line["outcome"], line["state"]) == (RUN, "send", "waiting", "approved")
    assert line["said"] == "It waits for somebody who may send it."
    assert "pat-1" not in str(line)


def test_what_waits_for_a_person_is_3_every_time(database: Database, capsys: pytest.CaptureFixture[str]) -> None:
    approved(database, OTHER, to_send=True)
    with database.write() as tx:
        orders.leave(tx, OTHER, "expired", "late")
    for _ in range(2):
        code, (line, counts) = told(capsys)
        assert (code, line["run"], line["outcome"], line["iss"]) == (3, OTHER, "expired", HERE.iss)
        assert counts == {"tried": 0, "waiting": 0, "for_a_person": 1}
    assert main(["deliver"]) == 3
    assert capsys.readouterr().out.splitlines() == [
        f"{OTHER}  send  expired  {ISS}  late",
        "0 tried; 0 still waiting; 1 for a person to look at",
    ]


def test_a_second_deliver_says_so_does_nothing_and_is_0(database: Database, capsys: pytest.CaptureFixture[str]) -> None:
    approved(database, to_send=True)
    with only_worker(database) as alone:
        assert alone
        assert told(capsys) == (0, [{"outcome": "elsewhere"}])
        with database.read() as tx:
            assert [d.attempts for d in outbox.waiting(tx)] == [0]
    assert told(capsys)[1][-1]["tried"] == 1


def test_the_right_to_deliver_ends_with_a_process_that_is_killed(database: Database, tmp_path: Path) -> None:
    file = tmp_path / "ivig.sqlite.deliver"
    code = f"import fcntl, time; f = open({str(file)!r}, 'a'); fcntl.flock(f, fcntl.LOCK_EX); print('held', flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with only_worker(database) as alone:
            assert not alone
        holder.kill()
        holder.wait(timeout=10)
        with only_worker(database) as alone:
            assert alone


@pytest.mark.parametrize("asked", [["--every", "0"], ["--every", "61"], ["--every", "x"], ["--format", "xml"], ["now"]])
def test_wrong_usage_is_2(asked: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["deliver", *asked])
    assert ended.value.code == 2
