"""Thrombosis: did this patient clot recently, and how many of the label's risk factors are there?"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal

from ivig_fhir.proposal.branches import Hit, finding
from ivig_fhir.proposal.case import Case
from ivig_fhir.proposal.checks.hyperviscosity import thick_blood
from ivig_fhir.proposal.checks.renal_risk import adult_bmi, age_evidence, body_evidence
from ivig_fhir.proposal.checks.thrombosis_drugs import DRUGS, thrombogenic_classes
from ivig_fhir.proposal.findings import Evidence, Result
from ivig_fhir.proposal.matching import Match, events, measured, problems, recent_problems

EVENT, FACTORS = "thrombosis.recent-event", "thrombosis.risk-factors"
_ACCESS = ("Device", "DeviceUseStatement", "Procedure")
# Types without which a category cannot be said to be absent.
_DIAGNOSES, _LINES, _VALUES = ("Condition",), ("Condition", "Device", "Procedure"), ("Condition", "Observation")


def recent_event(case: Case) -> Result:
    """A thrombosis of the last weeks, whatever its clinical status; without a date it counts as recent."""
    days = case.check(EVENT).number("window_days")
    found = recent_problems(case, "thrombosis-acute", days, active_only=False)
    hits = [Hit("event", (m.evidence,), {"said": m.item.said, "days": days}) for m in found]
    return finding(case, EVENT, hits) if hits else case.clear(EVENT)


@dataclass(frozen=True)
class _Category:
    """One category of the label's list: what speaks for it, or that it could not be judged."""

    name: str
    evidence: tuple[Evidence, ...]
    unknown: bool = False

    @property
    def present(self) -> bool:
        """Counts towards the number of factors."""
        return bool(self.evidence)


def risk_factors(case: Case) -> Result:
    """How many of the label's categories are present; four, or a history of thrombosis and one more, ask for an override.

    A category that could not be read is named and never lowers the count.
    """
    names, history, others = case.check(FACTORS).thresholds["categories"], _history(case), _others(case)
    present = [c for c in (history, *others) if c.present]
    unknown = ", ".join(names[c.name] for c in (history, *others) if c.unknown and not c.present)
    if not present:
        if unknown:
            return case.unknown(FACTORS, case.check(FACTORS).messages["unknown-categories"].format(categories=unknown))
        return case.clear(FACTORS)
    values = {"count": len(present), "categories": ", ".join(names[c.name] for c in present)}
    hits = [Hit("some", tuple(e for c in present for e in c.evidence), values)]
    limit = case.check(FACTORS).number("override_count")
    if len(present) >= limit:
        hits.append(Hit("many", (), {"limit": limit}))
    if history.present and len(present) > 1:
        hits.append(Hit("history-and-more", ()))
    if unknown:
        hits.append(Hit("unknown-categories", (), {"categories": unknown}))
    return finding(case, FACTORS, hits)


def _history(case: Case) -> _Category:
    found = problems(case, "thrombosis-history", "thrombosis-acute", active_only=False)
    return _Category("history", _shown(found), _unread(case, _DIAGNOSES))


def _others(case: Case) -> tuple[_Category, ...]:
    check = case.check(FACTORS)
    age, bmi = case.age_years, adult_bmi(case)
    lines = (*_shown(problems(case, "central-line")), *_shown(events(case, _ACCESS, "central-line")))
    medicines = [m for matches in thrombogenic_classes(case).values() for m in matches]
    weightless = bmi is None and (age is None or case.adult)
    return (
        _Category("age", (age_evidence(case),) if age is not None and age >= check.number("age_years") else (), age is None),
        _Category("hypercoagulable", _shown(problems(case, "hypercoagulable")), _unread(case, _DIAGNOSES)),
        _Category("immobility", _shown(problems(case, "immobility")), _unread(case, _DIAGNOSES)),
        _Category("drugs", _shown(medicines), _unread(case, case.check(DRUGS).depends_on)),
        _Category("central-line", lines, _unread(case, _LINES)),
        _Category("hyperviscosity", thick_blood(case), _unread(case, _VALUES)),
        _Category("cardiovascular", _cardiovascular(case, bmi), weightless or _unread(case, _VALUES)),
    )


def _unread(case: Case, types: Iterable[str]) -> bool:
    return case.chart.unread(types) is not None


def _shown(matches: Iterable[Match]) -> tuple[Evidence, ...]:  # type: ignore[type-arg]
    return tuple(m.evidence for m in matches)


def _cardiovascular(case: Case, bmi: Decimal | None) -> tuple[Evidence, ...]:
    """Heart and vessels, diabetes, obesity, smoking; a diagnosis that already counts as a history of thrombosis does not count twice."""
    counted = {e.reference for e in _history(case).evidence}
    found = [m.evidence for m in problems(case, "cv-risk", "diabetes") if m.item.source.reference not in counted]
    heavy = bmi is not None and bmi >= case.check(FACTORS).number("bmi")
    return (*found, *(body_evidence(case) if heavy else ()), *_smoking(case))


def _smoking(case: Case) -> tuple[Evidence, ...]:
    status, smokers = case.chart.latest("smoking", preliminary=True), case.content.value_sets["current-smoker"]
    smokes = status is not None and (smokers.by_code(status.codes) or smokers.by_text((status.text,)))
    return (measured(status),) if status is not None and smokes else ()


CHECKS: tuple[tuple[str, Callable[[Case], Result]], ...] = (
    (EVENT, recent_event),
    (FACTORS, risk_factors),
)
