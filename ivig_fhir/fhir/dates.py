"""FHIR dates with the precision they were written in: a day is an interval, never a guessed midnight."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

_FORM = re.compile(
    r"(?P<year>\d{4})(-(?P<month>\d\d)(-(?P<day>\d\d)(T(?P<clock>\d\d:\d\d(:\d\d)?)(\.(?P<fraction>\d+))?(?P<zone>Z|[+-]\d\d:\d\d)?)?)?)?"
)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class FhirTime:
    """A date or dateTime as written (`text`) and the instants it can mean, `earliest` to `latest`, both aware."""

    text: str
    earliest: datetime
    latest: datetime

    @property
    def is_instant(self) -> bool:
        """Written with a clock time."""
        return "T" in self.text

    @property
    def is_partial(self) -> bool:
        """A year or a month only; never counted as recent."""
        return len(self.text) < len("2026-01-01")


def parse_time(text: object, zone: tzinfo = UTC) -> FhirTime | None:
    """Read a FHIR date, dateTime or instant; a time without an offset (not valid R4, but seen) is the site's `zone`.

    Returns None when it is not a real date, or is the first or the last day of the calendar, which another zone may not have.
    A leap second is read as the second before it. See: FHIR R4 datatypes, dateTime.
    """
    match = _FORM.fullmatch(text.strip()) if isinstance(text, str) else None
    if match is None:
        return None
    try:
        earliest = _earliest(match, zone)
        latest = _latest(match, earliest)
        _ = earliest.astimezone(UTC) - _DAY, latest.astimezone(UTC) + _DAY
    except (ValueError, OverflowError):
        return None
    return FhirTime(str(text).strip(), earliest, latest)


def _earliest(match: re.Match[str], zone: tzinfo) -> datetime:
    year, month, day = int(match["year"]), int(match["month"] or 1), int(match["day"] or 1)
    clock = match["clock"]
    if clock is None:
        return datetime(year, month, day, tzinfo=zone)
    parts = [int(p) for p in clock.split(":")]
    second = min(parts[2], 59) if len(parts) > 2 and parts[2] <= 60 else (parts[2] if len(parts) > 2 else 0)
    micro = int((match["fraction"] or "0")[:6].ljust(6, "0"))
    return datetime(year, month, day, parts[0], parts[1], second, micro, tzinfo=_offset(match["zone"], zone))


def _latest(match: re.Match[str], earliest: datetime) -> datetime:
    if match["clock"] is not None:
        return earliest
    if match["day"] is not None:
        following = earliest + timedelta(days=1)
    elif match["month"] is not None:
        following = (earliest + timedelta(days=31)).replace(day=1)
    else:
        following = earliest.replace(year=earliest.year + 1)
    return following - timedelta(microseconds=1)


def _offset(zone: str | None, default: tzinfo) -> tzinfo:
    if zone is None:
        return default
    if zone == "Z":
        return UTC
    parsed = datetime.fromisoformat(f"2000-01-01T00:00:00{zone}").tzinfo
    if parsed is None:
        raise ValueError("no offset")
    return parsed


def parse_date(text: object) -> date | None:
    """A full calendar date, else None; used for birth dates."""
    time = parse_time(text)
    return time.earliest.date() if time and not time.is_partial and not time.is_instant else None


def completed_years(born: date, on: date) -> int:
    """Completed years of age."""
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))


def completed_months(born: date, on: date) -> int:
    """Completed months of age."""
    return (on.year - born.year) * 12 + on.month - born.month - (on.day < born.day)


def plus_months(day: date, months: int) -> date:
    """The same day of the month, `months` later; the last day where that month is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return day.replace(year=year, month=month + 1, day=min(day.day, monthrange(year, month + 1)[1]))
