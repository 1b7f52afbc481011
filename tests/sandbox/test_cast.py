"""Dates that never go stale, and the form of a cast file."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from ivig_fhir.sandbox.cast import read, resolve
from ivig_fhir.sandbox.parts import NAME
from ivig_fhir.sandbox.references import targets
from ivig_fhir.sandbox.server import create_sandbox
from ivig_fhir.sandbox.settings import CAST, SandboxSettings

NOW = datetime(2026, 3, 31, 8, 0, 42, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("@now", "2026-03-31T08:00:00Z"),
        ("@now-2h", "2026-03-31T06:00:00Z"),
        ("@now+1d", "2026-04-01T08:00:00Z"),
        ("@now-3d", "2026-03-28T08:00:00Z"),
        ("@today", "2026-03-31"),
        ("@today-200d", "2025-09-12"),
        ("@today-2w", "2026-03-17"),
        ("@today-1mo", "2026-02-28"),
        ("@today-13mo", "2025-02-28"),
        ("@today-45y", "1981-03-31"),
        ("@today-4w", "2026-03-03"),
    ],
)
def test_relative_date_becomes_a_real_one(text: str, meant: str) -> None:
    assert resolve({"list": [text]}, NOW) == {"list": [meant]}


def test_relative_dates_are_counted_in_utc() -> None:
    late = datetime(2026, 3, 31, 23, 30, tzinfo=timezone(timedelta(hours=-5)))
    assert resolve("@today", late) == "2026-04-01"


@pytest.mark.parametrize("text", ["@now-3", "@now-3x", "@today-3h", "@nowish", "@today 3d"])
def test_misspelt_relative_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a relative date"):
        resolve([text], NOW)


def test_other_values_are_left_alone() -> None:
    value = {"a": "in text @now-3d", "b": "@someone", "c": 3, "d": None}
    assert resolve(value, NOW) == value


@pytest.mark.parametrize(
    "content",
    ["{", '{"id": "b", "story": "s", "bundle": {}}', '{"id": "a", "bundle": {}}', '{"id": "a", "story": "s", "bundle": {}, "more": 1}'],
)
def test_cast_file_of_another_form_stops_the_start_and_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(ValueError, match="a[.]json"):
        read(tmp_path, NOW)


def test_cast_is_loaded_once_a_day_and_orders_stay(tmp_path: Path) -> None:
    member = {
        "id": "a",
        "story": "A story.",
        "fault": "drops-rate",
        "bundle": {"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Patient", "id": "a", "birthDate": "@today-45y"}}]},
    }
    (tmp_path / "cast").mkdir()
    (tmp_path / "cast" / "a.json").write_text(json.dumps(member))
    settings = SandboxSettings(database=str(tmp_path / "s.sqlite"), cast=tmp_path / "cast")
    births = []
    for now in (NOW, NOW + timedelta(hours=1), NOW + timedelta(days=1)):
        parts = create_sandbox(settings, lambda now=now: now).extensions[NAME]
        held = parts.store.current("Patient", "a")
        births.append((held.version, held.body["birthDate"]))
        if now == NOW:
            parts.store.put({"resourceType": "Task", "id": "kept", "for": {"reference": "Patient/a"}}, now, "POST")
        assert parts.store.exists("Task/kept")
        assert parts.store.notes() == {"a": ("A story.", "drops-rate")}
        parts.database.close()
    assert births == [(1, "1981-03-31"), (1, "1981-03-31"), (2, "1981-04-01")]


@pytest.mark.parametrize("file", sorted(CAST.glob("*.json")), ids=lambda file: file.stem)
def test_every_member_of_the_cast_points_only_at_what_is_there(file: Path) -> None:
    app = create_sandbox(SandboxSettings(), lambda: NOW)
    store = app.extensions[NAME].store
    held = [entry["resource"] for member in read(CAST, NOW) if member.id == file.stem for entry in member.bundle["entry"]]
    assert {"resourceType": "Patient", "id": file.stem}.items() <= next(one for one in held if one["resourceType"] == "Patient").items()
    missing = {target for one in held for target in targets(one, store.base) if not store.exists(target)}
    assert missing == set()
