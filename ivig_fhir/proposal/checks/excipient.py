"""Excipient: does the product hold something that this patient cannot handle or is allergic to?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from ivig_fhir.chart.facts import Allergy
from ivig_fhir.fhir.codes import ValueSet
from ivig_fhir.proposal.absence import printed
from ivig_fhir.proposal.branches import Hit, finding
from ivig_fhir.proposal.case import Case
from ivig_fhir.proposal.checks.renal_risk import age_evidence
from ivig_fhir.proposal.findings import Clear, Evidence, Result
from ivig_fhir.proposal.matching import Match, allergies, problems

PROLINE, FRUCTOSE, SORBITOL = "excipient.proline", "excipient.fructose", "excipient.sorbitol-under-two"
CORN, OTHER = "excipient.corn-maltose", "excipient.other"


def proline(case: Case) -> Result:
    """Hyperprolinaemia and a product stabilised with L-proline; a code that covers other disorders too asks for an override."""
    return _diagnosed(case, PROLINE, "hyperprolinemia", "hyperprolinemia-nonspecific")


def fructose(case: Case) -> Result:
    """Hereditary fructose intolerance and a product with sorbitol, fructose or sucrose.

    Essential fructosuria is harmless: its code never fires, unless words beside it name the intolerance and so contradict it.
    """
    return _diagnosed(case, FRUCTOSE, "hfi", "fructose-unspecified", harmless="fructosuria-benign")


def _diagnosed(case: Case, id_: str, specific: str, nonspecific: str, harmless: str = "") -> Result:
    """A disorder that its own code or words forbid, and that a wider code, or a suspicion, makes a question."""
    benign = {m.item.source.reference for m in problems(case, harmless) if not m.by_text} if harmless else set()
    certain = problems(case, specific)
    named = {m.item.source.reference for m in certain}
    hits = []
    for m in certain:
        contradicted = m.by_text and m.item.source.reference in benign
        branch = "nonspecific" if contradicted else "suspected" if m.item.soft else "specific"
        hits.append(Hit(branch, (m.evidence,), {"said": m.item.said}))
    wider = (m for m in problems(case, nonspecific) if m.item.source.reference not in named)
    hits += [Hit("nonspecific", (m.evidence,), {"said": m.item.said}) for m in wider]
    return _if_held(case, id_, hits, holds(case, id_))


def sorbitol_under_two(case: Case) -> Result:
    """A product with sorbitol, fructose or sucrose in a child of less than two years, in whom the intolerance may not have shown yet."""
    check, months, held = case.check(SORBITOL), case.age_months, holds(case, SORBITOL)
    if months is None and held is not False:
        return case.unknown(SORBITOL, check.messages["age-unknown"])
    young = months is not None and months < check.number("age_months_below")
    return _if_held(case, SORBITOL, [Hit("young", (age_evidence(case),), {"months": months})] if young else [], held)


def corn(case: Case) -> Result:
    """An active allergy to corn and a product with maltose, which is made from corn; for some products the label forbids it."""
    forbidden = case.order.product.id in case.check(CORN).thresholds["forbidden_products"]
    found = _active(allergies(case, "corn-allergy"))
    hits = [Hit("forbidden" if forbidden else "corn", (m.evidence,), {"said": m.item.said}) for m in found]
    return _if_held(case, CORN, hits, holds(case, CORN))


def other(case: Case) -> Result:
    """An active allergy to another excipient of the product, or to its stabiliser."""
    product, sets = case.order.product, case.check(OTHER).thresholds["sets"]
    contents = (*product.excipients, *product.stabilizers)
    hits = [hit for word in contents or sets for hit in _allergic(case, word, str(sets.get(word, "")))]
    return _if_held(case, OTHER, hits, True if contents else None)


def _allergic(case: Case, word: str, set_id: str) -> Iterable[Hit]:
    """Allergies to one excipient, by its value set, or by its own name where it has none."""
    own = ValueSet(word, terms=(word,))
    named = (Match(a, True) for a in case.chart.allergies if own.by_text(a.texts) and not (a.negation or a.not_asked))
    for m in _active(allergies(case, set_id) if set_id else named):
        yield Hit("named", (m.evidence,), {"said": m.item.said, "excipient": word})


def _active(found: Iterable[Match[Allergy]]) -> tuple[Match[Allergy], ...]:
    return tuple(m for m in found if m.item.active)


def holds(case: Case, id_: str) -> bool | None:
    """Whether the product holds one of the stabilisers of a check; None where no source that was read says what it is stabilised with."""
    held, asked = case.order.product.stabilizers, case.check(id_).thresholds["stabilizers"]
    return any(s in asked for s in held) if held else None


def _if_held(case: Case, id_: str, hits: Sequence[Hit], held: bool | None) -> Result:
    """What the patient brings is a finding only with a product that holds it, and also where nobody knows whether it does."""
    if held is False:
        return Clear(id_)
    if not hits:
        return case.clear(id_)
    if held is None:
        shown = (*(e for hit in hits for e in hit.evidence), composition(case))
        return finding(case, id_, [Hit("composition-unknown", shown, {"product": case.order.product.brand})])
    return finding(case, id_, [replace(hit, evidence=(*hit.evidence, composition(case))) for hit in hits])


def composition(case: Case) -> Evidence:
    """What the content says of the product's stabilisers and other excipients."""
    product, none = case.order.product, case.content.constants["words"]["none_recorded"]
    return printed("products", product.id, f"{product.brand}: {', '.join((*product.stabilizers, *product.excipients)) or none}")


CHECKS: tuple[tuple[str, Callable[[Case], Result]], ...] = (
    (PROLINE, proline),
    (FRUCTOSE, fructose),
    (SORBITOL, sorbitol_under_two),
    (CORN, corn),
    (OTHER, other),
)
