"""Recent values: what of a laboratory value or vital sign may fire a check, and what alone may end one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from ivig_fhir.chart.facts import Measurement
from ivig_fhir.fhir.dates import FhirTime, parse_time
from ivig_fhir.proposal.absence import refused
from ivig_fhir.proposal.case import Case
from ivig_fhir.proposal.findings import Evidence
from ivig_fhir.proposal.matching import measured
from ivig_fhir.proposal.weight import contradicted

EVER = timedelta.max
# Reasons for refusing a value that leave open what was measured; a withdrawn or absent result leaves nothing open.
_OPEN = ("unreadable", "implausible")


@dataclass(frozen=True)
class Recent:
    """The newest values of one panel within a window, read both ways.

    `shown` may add a finding: everything, final or preliminary, that may be the newest and may lie in the window. `settled` are the final
    ones of these that surely lie in it. `obscured` stands in the way: a newer result that could not be read, or values of one instant that
    contradict each other.
    """

    shown: tuple[Measurement, ...]
    settled: tuple[Measurement, ...]
    obscured: tuple[Evidence, ...]

    def ends(self, harmless: Callable[[Measurement], bool | None]) -> bool:
        """Whether a check may be clear on these values: a final one is there, all are harmless, and nothing stands in the way."""
        return bool(self.settled) and not self.obscured and all(harmless(m) for m in self.settled)


def recent(case: Case, panel: str, window: timedelta) -> Recent:
    """The newest values of a panel, far end of the window included."""
    numbers = [m for m in case.chart.panel(panel) if m.time is not None and m.value is not None]
    final = next((m for m in numbers if not m.preliminary), None)
    firsts = tuple(dict.fromkeys(m for m in (next(iter(numbers), None), final) if m is not None))
    inside = [m for m in firsts if m.time is not None and case.now - m.time.latest <= window]
    unclear = [m for m in inside if contradicted(case.chart, m, case.content)]
    shown = tuple(dict.fromkeys(m for first in inside if first not in unclear for m in numbers if _may_be_as_new(m, first)))
    settled = tuple(m for m in shown if not m.preliminary and m.time is not None and case.now - m.time.earliest <= window)
    refused_later = refused_since(case, panel, window, final.time if final else None)
    return Recent(shown, settled, (*(measured(m) for m in unclear), *refused_later))


def _may_be_as_new(item: Measurement, first: Measurement) -> bool:
    """Of one instant or, where only days are written, of one day."""
    return (
        item.time is not None
        and first.time is not None
        and item.time.latest >= first.time.earliest
        and item.time.earliest <= first.time.latest
    )


def refused_since(case: Case, panel: str, window: timedelta, newest: FhirTime | None) -> tuple[Evidence, ...]:
    """Results of the window that could not be read and are newer than the newest that could; one without a date may be."""
    found = []
    for item in case.chart.unusable:
        if item.panel != panel or item.kind not in _OPEN:
            continue
        time = parse_time(item.source.time, case.chart.zone)
        inside = time is None or case.now - time.latest <= window
        if inside and (time is None or newest is None or time.latest > newest.latest):
            found.append(refused(item))
    return tuple(found)
