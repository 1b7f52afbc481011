"""The cast: patients written by hand, whose dates are relative, so that no chart goes stale."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ivig_fhir.sandbox.codec import decode

_RELATIVE = re.compile(r"@(now|today)(?:([+-])(\d{1,5})(h|d|w|mo|y))?")


@dataclass(frozen=True, slots=True)
class CastMember:
    """One file of the cast: the patient's id, a paragraph of story, a fault preset for launches, the chart."""

    id: str
    story: str
    fault: str | None
    bundle: dict[str, Any]


def read(folder: Path, now: datetime) -> list[CastMember]:
    """Every member of the cast, dates resolved. ValueError naming the file for one that is not of the form."""
    members = []
    for file in sorted(folder.glob("*.json")):
        try:
            raw = decode(file.read_bytes())
            if set(raw) - {"id", "story", "fault", "bundle"} or raw["id"] != file.stem or not isinstance(raw["story"], str):
                raise ValueError("it must hold id (the file's name), story, bundle and at most a fault")
            members.append(CastMember(raw["id"], raw["story"], raw.get("fault"), resolve(raw["bundle"], now)))
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{file.name}: {error}") from error
    return members


def resolve(value: Any, now: datetime) -> Any:
    """The value with relative dates made real: `@today-45y` a date, `@now-2h` an instant in UTC at the whole minute.

    Units: h, d, w, mo (calendar months), y. ValueError for a string that begins so and is not of the form.
    """
    if isinstance(value, dict):
        return {key: resolve(child, now) for key, child in value.items()}
    if isinstance(value, list):
        return [resolve(child, now) for child in value]
    if isinstance(value, str) and value.startswith(("@now", "@today")):
        return _resolved(value, now.astimezone(UTC))
    return value


def _resolved(text: str, now: datetime) -> str:
    match = _RELATIVE.fullmatch(text)
    if not match or (match[1] == "today" and match[4] == "h"):
        raise ValueError(f"{text!r} is not a relative date")
    moment = _moved(now, int(f"{match[2]}{match[3]}"), match[4]) if match[2] else now
    if match[1] == "today":
        return moment.date().isoformat()
    return moment.strftime("%Y-%m-%dT%H:%M:00Z")


def _moved(moment: datetime, number: int, unit: str) -> datetime:
    if unit in ("h", "d", "w"):
        return moment + number * {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}[unit]
    months = moment.year * 12 + moment.month - 1 + number * (12 if unit == "y" else 1)
    year, month = divmod(months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return moment.replace(year=year, month=month + 1, day=min(moment.day, last))
