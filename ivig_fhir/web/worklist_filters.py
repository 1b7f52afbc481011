"""What is asked of the worklist: its filters and pages, and for whom it is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from ivig_fhir.content.model import Content
from ivig_fhir.fhir.reading import parts, word
from ivig_fhir.order.approval import Clinician
from ivig_fhir.workflow.worklist import Row, Worklist

PAGE = 25
STATUSES = {
    "open": "Open",
    "sent": "Waiting",
    "queried": "Question asked",
    "incomplete": "Incomplete",
    "missing": "Not in the EHR, or unknown",
    "on-hold": "On hold",
    "all": "All",
}
NEEDED = {"any": "Any day", "past": "Overdue", "today": "Today", "tomorrow": "By tomorrow"}
CLAIMED = {"anyone": "Anyone", "nobody": "Nobody", "me": "Me", "others": "Others"}
STATES_OF = {
    "sent": ("sent",),
    "queried": ("queried",),
    "incomplete": ("incomplete",),
    "missing": ("approved", "uncertain"),
    "on-hold": ("on-hold",),
}


@dataclass(frozen=True)
class Filters:
    """What is asked of the list. `words` (of a name or a record number) never stands in an address."""

    status: str = "open"
    needed: str = "any"
    claimed: str = "anyone"
    words: str = ""
    page: int = 1

    @classmethod
    def read(cls, asked: Mapping[str, str], words: str) -> Filters:
        """The filters of a request; a value that is not offered counts as none."""
        page = asked.get("page", "")
        return cls(
            asked.get("status", "") if asked.get("status") in STATUSES else "open",
            asked.get("needed", "") if asked.get("needed") in NEEDED else "any",
            asked.get("claimed", "") if asked.get("claimed") in CLAIMED else "anyone",
            " ".join(words.split()).casefold()[:100],
            int(page) if page.isdecimal() and len(page) < 5 and int(page) else 1,
        )

    def address(self, page: int | None = None) -> str:
        """What follows the list's own address for these filters, without the words."""
        asked = {"status": self.status, "needed": self.needed, "claimed": self.claimed, "page": str(page or self.page)}
        kept = {k: v for k, v in asked.items() if v not in ("open", "any", "anyone", "1")}
        return f"?{urlencode(kept)}" if kept else ""

    @property
    def everything(self) -> bool:
        """Whether orders that nobody has to decide on are wanted too: those that run, on hold or not, and those that ended."""
        return self.status in ("all", "on-hold")


@dataclass(frozen=True)
class Desk:
    """For whom the list is shown: who looks, when, in which time zone."""

    who: Clinician
    now: datetime
    zone: ZoneInfo
    content: Content

    def local(self, time: datetime) -> datetime:
        """A moment as the clock on this wall shows it."""
        return time.astimezone(self.zone)


def shown(found: Worklist, filters: Filters, desk: Desk) -> tuple[Row, ...]:
    """Every row that passes the filters, in the order of the list."""
    return tuple(r for r in found.rows if _passes(r, filters, desk))


def page_of(rows: Sequence[Row], filters: Filters) -> tuple[Sequence[Row], Filters]:
    """The rows of the page that is asked for; past the end that is the last one."""
    last = max(1, -(-len(rows) // PAGE))
    at = min(filters.page, last)
    return rows[(at - 1) * PAGE : at * PAGE], replace(filters, page=at)


def _passes(r: Row, filters: Filters, desk: Desk) -> bool:
    if filters.status in STATES_OF and r.state not in STATES_OF[filters.status]:
        return False
    return _in_time(r, filters.needed, desk) and _worked_on(r, filters.claimed, desk) and filters.words in _searched(r)


def _in_time(r: Row, needed: str, desk: Desk) -> bool:
    if needed == "any":
        return True
    if r.needed_by is None:
        return False
    if needed == "past":
        return r.needed_by < desk.now
    end = desk.local(desk.now).date() + timedelta(days=1 if needed == "tomorrow" else 0)
    return desk.local(r.needed_by).date() <= end


def _worked_on(r: Row, claimed: str, desk: Desk) -> bool:
    worker = r.worker
    if claimed == "nobody":
        return worker is None
    if claimed == "anyone":
        return True
    return worker is not None and worker.is_same(desk.who) == (claimed == "me")


def _searched(r: Row) -> str:
    names = (" ".join([word(n, "family"), *(str(g) for g in n.get("given") or [])]) for n in parts(r.patient or {}, "name"))
    numbers = (word(i, "value") for i in parts(r.patient or {}, "identifier"))
    return " ".join([*names, *numbers]).casefold()
