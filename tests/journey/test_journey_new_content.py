"""A new version of the content, seen from the orders that are approved and not yet decided."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from journey.a_hospital import Hospital

from ivig_fhir.app import create_database
from ivig_fhir.chart.keeping import from_json, to_json
from ivig_fhir.cli import main
from ivig_fhir.fhir.building import decode, encode
from ivig_fhir.store import kept_charts
from ivig_fhir.store.database import Database
from ivig_fhir.store.tables import ORDERS

CIDP = "cidp-adult"
Diff = Callable[..., dict[str, Any]]


@pytest.fixture
def diff(at: Hospital, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Diff:
    """`content diff` from the content as it is to a copy in which texts are replaced, on this hospital's store."""
    monkeypatch.setenv("IVIG_DATABASE_URL", at.settings.database_url)
    monkeypatch.setenv("IVIG_SECRET_KEYS", ",".join(":".join(pair) for pair in at.settings.secret_keys))

    def run(*changes: tuple[str, str, str]) -> dict[str, Any]:
        before, after = at.settings.content, tmp_path / f"new-{len(list(tmp_path.iterdir()))}"
        for file in before.rglob("*"):
            if file.is_file() and file.parent.name != "releases":
                copy = after / file.relative_to(before)
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_bytes(file.read_bytes())
        for name, old, new in changes:
            text = (after / name).read_text(encoding="utf-8")
            assert old in text
            (after / name).write_text(text.replace(old, new), encoding="utf-8")
        capsys.readouterr()
        assert main(("content", "diff", str(before), str(after), "--store", "--format", "json")) == 0
        found: dict[str, Any] = json.loads(capsys.readouterr().out)
        return found

    return run


def test_the_same_content_changes_no_pending_order(at: Hospital, diff: Diff) -> None:
    run = at.tab(CIDP)
    run.approve()
    assert diff()["pending"] == {
        "orders": [{"run": run.run, "state": "sent", "version": run.json["proposal"]["content"]["version"], "changes": [], "unknown": ""}],
        "drafts": 0,
    }


def test_another_figure_shows_in_grams_days_and_pump_of_the_order_it_changes(at: Hospital, diff: Diff) -> None:
    at.tab(CIDP).approve()
    [order] = diff(("indications/cidp.toml", "default_days = 4", "default_days = 3"))["pending"]["orders"]
    said = {line.partition(":")[0]: line for line in order["changes"]}
    assert {"Each infusion", "Days", "Pump"} <= set(said)
    assert said["Each infusion"].count(" g") == 2


def test_a_sharper_check_names_what_it_would_now_find(at: Hospital, diff: Diff) -> None:
    at.tab(CIDP).approve()
    [order] = diff(("checks/vaccines.toml", 'severity = "info"', 'severity = "override"'))["pending"]["orders"]
    sharper = [line for line in order["changes"] if "info → override" in line]
    assert sharper
    assert all("needs a reason that the approval does not give" in line for line in sharper)


def test_an_order_that_could_not_be_proposed_any_more_says_why(at: Hospital, diff: Diff) -> None:
    at.tab(CIDP).approve()
    renamed = diff(("indications/cidp.toml", 'status = "draft"', 'status = "retired"'))["pending"]["orders"]
    assert "retired" in renamed[0]["changes"][0]


def test_a_draft_is_counted_and_keeps_no_chart(at: Hospital, diff: Diff) -> None:
    at.tab(CIDP)
    assert diff()["pending"] == {"orders": [], "drafts": 1}


def test_the_chart_of_an_order_is_sealed_while_it_is_pending_and_forgotten_when_it_is_decided(at: Hospital, diff: Diff) -> None:
    at.tab(CIDP).approve()
    database = create_database(at.settings)
    with database.read() as tx:
        [sealed] = [row.sealed_chart for row in tx.conn.execute(ORDERS.select())]
        [(_, _, chart)] = kept_charts.pending(tx)
    assert "Observation" not in sealed
    assert chart is not None
    answers, read_at = from_json(decode(chart))
    assert encode(to_json(answers, read_at)).decode("utf-8") == chart
    pharmacist = at.tab(CIDP, "pharmacist", target="pharmacy")
    pharmacist.page = pharmacist.browser.get(pharmacist.page.url + f"{_only_run(database)}/")
    pharmacist.press("Verify")
    assert pharmacist.json["state"] == "verified"
    with database.read() as tx:
        assert [row.sealed_chart for row in tx.conn.execute(ORDERS.select())] == [None]
    assert diff()["pending"]["orders"] == []


def _only_run(database: Database) -> str:
    with database.read() as tx:
        [(_, run, _)] = kept_charts.pending(tx)
    return str(run)


def test_an_order_without_its_chart_says_that_nobody_knows(at: Hospital, diff: Diff) -> None:
    run = at.tab(CIDP)
    run.approve()
    with create_database(at.settings).write() as tx:
        kept_charts.forget(tx, run.run)
    [order] = diff()["pending"]["orders"]
    assert (order["changes"], order["unknown"]) == ([], "its chart was not kept")


def test_the_text_says_what_it_cannot_know(at: Hospital, diff: Diff, capsys: pytest.CaptureFixture[str]) -> None:
    run = at.tab(CIDP)
    run.approve()
    diff()
    folder = str(at.settings.content)
    assert main(("content", "diff", folder, folder, "--store")) == 0
    said = capsys.readouterr().out
    assert f"{run.run}, sent, approved on" in said
    assert "What the record says today is not known here." in said
    assert "Patient/" not in said
