"""Authorization: has the patient agreed, and has the payer?"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date

from ivig_fhir.chart.facts import Paper
from ivig_fhir.proposal.absence import none_recorded
from ivig_fhir.proposal.branches import Hit, finding
from ivig_fhir.proposal.brands import products_named
from ivig_fhir.proposal.case import Case, evidence
from ivig_fhir.proposal.findings import Clear, Evidence, Result

CONSENT, COVERAGE = "authorization.consent", "authorization.coverage"
_TREATMENT = "treatment"  # a code of HL7's consent scopes


def consent(case: Case) -> Result:
    """No active consent to treatment of the last year, or one that says no. Where the site asks for none, nothing is looked for."""
    if not case.site.consent_required:
        return Clear(CONSENT)
    days = case.check(CONSENT).number("days")
    papers = [p for p in _papers(case, "Consent") if _is_about_treatment(case, p)]
    refused = [p for p in papers if p.status == "active" and p.use == "deny"]
    if refused:
        return finding(case, CONSENT, [Hit("refused", (evidence(p),), {"said": p.said}) for p in refused])
    if any(_agrees(case, p) for p in papers) or case.chart.unread(("Consent",)):
        return case.clear(CONSENT)
    shown = _shown(_papers(case, "Consent")) or none_recorded(case, "Consent")
    return finding(case, CONSENT, [Hit("none", shown, {"days": days})])


def _papers(case: Case, type_: str) -> list[Paper]:
    return [p for p in case.chart.papers if p.type == type_]


def _shown(papers: Iterable[Paper]) -> tuple[Evidence, ...]:
    return tuple(evidence(p) for p in papers)


def _is_about_treatment(case: Case, paper: Paper) -> bool:
    """A consent that does not say what it is about counts; one about privacy or research alone does not."""
    others = case.check(CONSENT).thresholds["other_scopes"]
    return _TREATMENT in paper.scope or not any(word in others for word in paper.scope)


def _agrees(case: Case, paper: Paper) -> bool:
    ago = case.known_age(paper.time)
    recent = ago is not None and ago <= case.check(CONSENT).number("days") and not case.in_future(paper.time)
    return paper.status == "active" and recent and (paper.ends is None or paper.ends.latest >= case.now)


def coverage(case: Case) -> Result:
    """Outside the hospital: no coverage, or no prior authorization for this product, that holds on the days of this course."""
    if case.selections.setting not in case.check(COVERAGE).thresholds["settings"]:
        return Clear(COVERAGE)
    hits = [*_uncovered(case), *_unauthorized(case)]
    return finding(case, COVERAGE, hits) if hits else case.clear(COVERAGE)


def _uncovered(case: Case) -> Iterable[Hit]:
    papers = _papers(case, "Coverage")
    if not any(p.status == "active" and _holds(case, p) for p in papers) and case.chart.unread(("Coverage",)) is None:
        yield Hit("no-coverage", _shown(papers) or none_recorded(case, "Coverage"))


def _unauthorized(case: Case) -> Iterable[Hit]:
    """Why no authorization holds, as far as the nearest one goes."""
    asked = [p for p in _papers(case, "ClaimResponse") if p.use == "preauthorization"]
    granted = [p for p in asked if _is_granted(case, p)]
    named = [p for p in granted if case.order.product.id in products_named(case.content, p.codes, p.texts)]
    if any(_holds(case, p) for p in named) or case.chart.unread(("ClaimResponse",)):
        return
    branch, near = next(
        ((b, near) for b, near in (("expired", named), ("other-product", granted), ("not-granted", asked)) if near),
        ("no-authorization", []),
    )
    shown = _shown(near) or none_recorded(case, "ClaimResponse")
    yield Hit(branch, shown, {"said": "; ".join(p.said for p in near), "brand": case.order.product.brand})


def _is_granted(case: Case, paper: Paper) -> bool:
    """Active and complete, and neither the payer's codes nor its words say that "complete" means a refusal."""
    refused = any(w in paper.said_outcome.lower() for w in case.check(COVERAGE).thresholds["not_granted"])
    return paper.status == "active" and paper.outcome == "complete" and not paper.against and not refused


def _holds(case: Case, paper: Paper) -> bool:
    """On all days of this course, as far as the paper says from when and until when."""
    zone, days = case.chart.zone, _days(case)
    begun = paper.begins is None or paper.begins.earliest.astimezone(zone).date() <= days[0]
    return begun and (paper.ends is None or paper.ends.latest.astimezone(zone).date() >= days[-1])


def _days(case: Case) -> tuple[date, ...]:
    return case.order.dates or (case.order.start.astimezone(case.chart.zone).date(),)


CHECKS: tuple[tuple[str, Callable[[Case], Result]], ...] = (
    (CONSENT, consent),
    (COVERAGE, coverage),
)
