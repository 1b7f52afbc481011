"""Retry: reads only, at most twice, as long as the server asks to wait and never longer than the reader's patience."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

TRANSIENT = frozenset({429, 502, 503, 504})


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Patience:
    """How long and how often one read is tried, with its clock, its sleep and its chance; seconds throughout.

    `total` is for one read with its retries; `longest_wait` caps what `Retry-After` may ask.
    """

    retries: int = 2
    first_wait: float = 0.25
    longest_wait: float = 5.0
    total: float = 20.0
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = _now
    sleep: Callable[[float], None] = time.sleep
    chance: Callable[[], float] = random.random

    def until(self, deadline: float | None = None) -> float:
        """The end of a read that starts now, on this clock: its own total, or an earlier deadline."""
        own = self.clock() + self.total
        return own if deadline is None else min(own, deadline)

    def wait(self, attempt: int, headers: Mapping[str, str], end: float) -> bool:
        """Wait before the attempt after `attempt` (0 is the first); False, at once, when there is none or the end comes before it."""
        if attempt >= self.retries:
            return False
        asked = retry_after(headers.get("retry-after", ""), self.now())
        spread = self.first_wait * 2**attempt
        pause = min(asked if asked is not None else spread, self.longest_wait) + spread * self.chance()
        if self.clock() + pause >= end:
            return False
        self.sleep(pause)
        return True


def retry_after(value: str, now: datetime) -> float | None:
    """Seconds that a `Retry-After` header asks to wait, as seconds or as a date; None when it says neither. See: RFC 9110, 10.2.3."""
    text = value.strip()
    if text.isascii() and text.isdigit():
        return float(text[:6])
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (aware - now).total_seconds())
