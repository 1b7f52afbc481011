"""Order: is immunoglobulin recommended for this diagnosis, and does the product's label carry it as it is ordered?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ivig_fhir.content.model import Evidence as Said
from ivig_fhir.content.model import Ladder
from ivig_fhir.fhir.quantity import plain
from ivig_fhir.proposal.absence import none_recorded, ordered, printed
from ivig_fhir.proposal.applicability import condition_for
from ivig_fhir.proposal.branches import Hit, finding
from ivig_fhir.proposal.case import Case, evidence
from ivig_fhir.proposal.findings import Clear, Evidence, Finding, Result
from ivig_fhir.proposal.ladders import offered_ladder
from ivig_fhir.proposal.matching import Match
from ivig_fhir.proposal.rates import adopted_steps, rate_of

NOT_CODED, NOT_RECOMMENDED, OFF_LABEL = "indication.not-coded", "indication.not-recommended", "indication.off-label"
NOT_FOR_INDICATION, AGE = "product.not-for-indication", "product.age"
RATE_TABLE, DILUENT = "product.no-rate-table", "product.diluent"


def not_coded(case: Case) -> Result:
    """No Condition of the chart, whatever its clinical status, carries a code of the chosen indication; words alone are not enough."""
    indication = case.order.indication
    if condition_for(case.chart, indication) or case.chart.unread(case.check(NOT_CODED).depends_on):
        return case.clear(NOT_CODED)
    by_words = tuple(Match(p, by_text=True).evidence for p in case.chart.problems if indication.codes.by_text(p.texts))
    shown = by_words or none_recorded(case, indication.name)
    return finding(case, NOT_CODED, [Hit("words-only" if by_words else "none", shown, {"indication": indication.name})])


def not_recommended(case: Case) -> Result:
    """Tier D: nothing is ordered, unless the one exception that the order set names was chosen, and that with a reason."""
    indication, regimen = case.order.indication, case.order.regimen
    if indication.tier != case.check(NOT_RECOMMENDED).thresholds["tier"]:
        return Clear(NOT_RECOMMENDED)
    values = {"indication": indication.name}
    if regimen is not None and regimen.exception:
        hits = [Hit("exception", (_tier(case), _regimen(case), *_said(case)), values)]
        others = case.problems(regimen.not_for, active_only=False) if regimen.not_for else ()
        hits += [Hit("exception-other-form", (evidence(p),), {"said": p.said}) for p in others]
        return _cited(case, finding(case, NOT_RECOMMENDED, hits))
    return _cited(case, finding(case, NOT_RECOMMENDED, [Hit("not-recommended", (_tier(case), *_said(case)), values)]))


def off_label(case: Case) -> Result:
    """Recommended outside the label (tier B), or for selected cases only (tier C): the indication, or this regimen of it alone."""
    check, indication, regimen = case.check(OFF_LABEL), case.order.indication, case.order.regimen
    branches, values = check.thresholds["branch_of_tier"], {"indication": indication.name}
    hits = []
    if indication.tier in branches:
        hits.append(Hit(branches[indication.tier] + ("-in-part" if _labelled_in_part(case) else ""), (_tier(case), *_said(case)), values))
    if regimen is not None and regimen.tier in branches:
        hits.append(Hit(f"regimen-{branches[regimen.tier]}", (_regimen(case),), values | {"regimen": regimen.title}))
    return _cited(case, finding(case, OFF_LABEL, hits)) if hits else Clear(OFF_LABEL)


def _labelled_in_part(case: Case) -> bool:
    """Some labels carry it, for some ages, although the evidence does not make it a labelled indication as a whole."""
    return bool(case.order.indication.label_code) and case.order.indication.tier == case.check(OFF_LABEL).thresholds["in_part_tier"]


def _tier(case: Case) -> Evidence:
    indication = case.order.indication
    return printed("indications", indication.id, f"tier {indication.tier}")


def _said(case: Case) -> tuple[Evidence, ...]:
    """Who says what of it, by name and year."""
    return tuple(printed("indications", case.order.indication.id, f"{e.body}: {e.says}") for e in _sure(case))


def _cited(case: Case, found: Finding) -> Finding:
    """The finding with the sources of those whom it names."""
    return replace(found, citations=tuple(dict.fromkeys((*found.citations, *(k for e in _sure(case) for k in e.source.citations)))))


def _sure(case: Case) -> list[Said]:
    """What is unsure is no ground of a finding."""
    return [e for e in case.order.indication.evidence if e.source.confidence in case.check(OFF_LABEL).thresholds["sure"]]


def _regimen(case: Case) -> Evidence:
    regimen = case.order.regimen
    return printed("indications", case.order.indication.id, regimen.title if regimen else "")


def not_for_indication(case: Case) -> Result:
    """The indication stands in the label of some product, but not of this one."""
    indication, product = case.order.indication, case.order.product
    if not indication.label_code or product.label(indication.label_code):
        return Clear(NOT_FOR_INDICATION)
    shown = (
        printed("products", product.id, ", ".join(x.code for x in product.labels)),
        printed("indications", indication.id, indication.on_label),
    )
    return finding(case, NOT_FOR_INDICATION, [Hit("other-product", shown, {"product": product.brand, "indication": indication.name})])


def age(case: Case) -> Result:
    """Younger than the label of the product allows for this indication; what the label does not carry is judged elsewhere.

    A limit that nobody verified is no limit for an adult, and leaves a child unassessed.
    """
    product, check = case.order.product, case.check(AGE)
    entry = product.label(case.order.indication.label_code)
    if entry is None or (entry.age_verified and entry.min_age_years is None):
        return Clear(AGE)
    if case.age_years is None or case.age_months is None:
        return case.unknown(AGE, check.messages["age-unknown"])
    if entry.min_age_years is None:
        return case.clear(AGE) if case.adult else case.unknown(AGE, check.messages["limit-unknown"].format(product=product.brand))
    if case.age_months >= entry.min_age_years * check.number("months_in_a_year"):
        return case.clear(AGE)
    shown = (printed("products", product.id, entry.age_text), Evidence(case.chart.patient.reference, case.chart.patient.birth_said))
    values = {"product": product.brand, "years": case.age_years, "least": entry.min_age_years}
    return finding(case, AGE, [Hit("too-young", shown, values)])


def rate_table(case: Case) -> Result:
    """No verified rate table to run the product by; or one whose unprinted steps are an illustration that the site has not adopted."""
    product, ladder = case.order.product, offered_ladder(case)
    if ladder is None:
        missing = ", ".join(product.unverified)
        values = {"product": product.brand, "why": product.no_rate_table, "missing": missing}
        return finding(case, RATE_TABLE, [Hit("no-table", (printed("products", product.id, product.no_rate_table),), values)])
    if _basis(case, ladder) != "illustrative":
        return Clear(RATE_TABLE)
    rates = ", ".join(plain(s.ml_kg_h) for s in ladder.steps if not s.printed)
    shown = (printed("products", product.id, ladder.label_text), printed("products", product.id, f"{rates} mL/kg/h"))
    return finding(case, RATE_TABLE, [Hit("illustrative", shown, {"product": product.brand})])


def _basis(case: Case, ladder: Ladder) -> str:
    """Whose steps they are; without a dose nothing was computed yet, and the ladder itself says it. At one fixed rate none are used."""
    if case.order.rate_basis != "none" or rate_of(case.selections, case.order.regimen).hours is not None:
        return case.order.rate_basis
    adopted = any(adopted_steps(case.site, case.order.product, name, ladder) for name in ladder.for_)
    return "site" if adopted else ladder.basis


def diluent(case: Case) -> Result:
    """A diluent that the product's label excludes; one of which the label that was read says nothing is not known to be safe."""
    product, chosen = case.order.product, case.selections.diluent
    if chosen is None or chosen in product.diluents_allowed:
        return Clear(DILUENT)
    check = case.check(DILUENT)
    values = {"diluent": check.thresholds["names"][chosen], "product": product.brand}
    if chosen not in product.diluents_excluded:
        return case.unknown(DILUENT, check.messages["label-silent"].format(**values))
    shown = (ordered(str(values["diluent"])), printed("products", product.id, product.properties.get("diluent", product.brand)))
    return finding(case, DILUENT, [Hit("excluded", shown, values)])


CHECKS: tuple[tuple[str, Callable[[Case], Result]], ...] = (
    (NOT_CODED, not_coded),
    (NOT_RECOMMENDED, not_recommended),
    (OFF_LABEL, off_label),
    (NOT_FOR_INDICATION, not_for_indication),
    (AGE, age),
    (RATE_TABLE, rate_table),
    (DILUENT, diluent),
)
