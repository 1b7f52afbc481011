"""Setting: can this infusion be given at home?"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ivig_fhir.proposal.branches import Hit, finding
from ivig_fhir.proposal.case import Case
from ivig_fhir.proposal.findings import Clear, NotAssessed, Result
from ivig_fhir.proposal.matching import problems

HOME = "setting.home"
_STRONG = ("override", "hard-stop")


def home(case: Case) -> Result:
    """Planned at home, against a finding of another check or heart disease. What could not be assessed there is not assessed here."""
    if case.selections.setting != "home":
        return Clear(HOME)
    check = case.check(HOME)
    heart = problems(case, check.thresholds["heart"])
    hits = [*_barriers(case), *(Hit("heart", (m.evidence,), {"said": m.item.said}) for m in heart)]
    open_ = [id_ for id_ in (*check.thresholds["any"], *check.thresholds["override"]) if _is_open(case, id_)]
    values = {"what": _titles(case, open_)}
    if hits:
        return finding(case, HOME, [*hits, *((Hit("unjudged", (), values),) if open_ else ())])
    return case.unknown(HOME, check.messages["unjudged"].format(**values)) if open_ else case.clear(HOME)


def _barriers(case: Case) -> Iterable[Hit]:
    limits = case.check(HOME).thresholds
    found = [f for id_ in limits["any"] if (f := case.fired(id_, above="info")) is not None]
    found += [f for id_ in limits["override"] if (f := case.fired(id_)) is not None and f.severity in _STRONG]
    if found:
        yield Hit("finding", tuple(e for f in found for e in f.evidence), {"what": _titles(case, [f.check for f in found])})


def _is_open(case: Case, id_: str) -> bool:
    """Not assessed, or not looked for at all."""
    return isinstance(case.earlier.get(id_), NotAssessed | None)


def _titles(case: Case, ids: Iterable[str]) -> str:
    titles = {id_: title for _, id_, title in case.content.constants["check_index"]}
    return ", ".join(titles[id_] for id_ in ids)


CHECKS: tuple[tuple[str, Callable[[Case], Result]], ...] = ((HOME, home),)
