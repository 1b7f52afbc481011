"""Line: is there a central line, and is it infected?"""

from __future__ import annotations

from collections.abc import Callable

from ivig_fhir.proposal.branches import Hit, finding
from ivig_fhir.proposal.case import Case
from ivig_fhir.proposal.findings import Result
from ivig_fhir.proposal.matching import events, problems, recent_problems

CATHETER, INFECTION = "line.central-catheter", "line.infection"
_ACCESS = ("Device", "DeviceUseStatement", "Procedure")


def central_catheter(case: Case) -> Result:
    """A central line by a device in use, its placement or a diagnosis; an implant that nobody named cannot be judged."""
    hits = [Hit("line", (m.evidence,), {"said": m.item.said}) for m in problems(case, "central-line")]
    hits += [Hit("line", (m.evidence,), {"said": m.item.said}) for m in events(case, _ACCESS, "central-line")]
    if hits:
        return finding(case, CATHETER, hits)
    unnamed = "; ".join(m.item.said for m in problems(case, "vascular-implant-unnamed"))
    if unnamed:
        return case.unknown(CATHETER, case.check(CATHETER).messages["unnamed-implant"].format(said=unnamed))
    return case.clear(CATHETER)


def infection(case: Case) -> Result:
    """An active infection of a central line that began within the last days; without a date it counts as recent."""
    days = case.check(INFECTION).number("days")
    found = recent_problems(case, "line-infection", days)
    hits = [Hit("infection", (m.evidence,), {"said": m.item.said, "days": days}) for m in found]
    return finding(case, INFECTION, hits) if hits else case.clear(INFECTION)


CHECKS: tuple[tuple[str, Callable[[Case], Result]], ...] = (
    (CATHETER, central_catheter),
    (INFECTION, infection),
)
