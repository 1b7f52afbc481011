"""Patients at risk: what the finding says of the rate where no reduced one holds, and whose decision that is."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from ivig_fhir.content.model import Content, Ladder, Product
from ivig_fhir.fhir.quantity import half_up, plain
from ivig_fhir.proposal.findings import Finding, Result
from ivig_fhir.proposal.model import RateSchedule
from ivig_fhir.proposal.rates import label_risk_cap

_NOT_REDUCED = ("label", None)  # no ceiling but the label's maximum; None: one rate over a number of hours


def with_rate_notes(
    results: Mapping[str, Result], checks: Collection[str], rate: RateSchedule, ladder: Ladder | None, product: Product, content: Content
) -> dict[str, Result]:
    """The results, each finding of `checks` above information with the sentence that says why the rate is not reduced, if it is not."""
    sentence = _sentence(rate, ladder, product, content)
    noted = dict(results)
    for id_ in checks if sentence else ():
        found = noted.get(id_)
        if isinstance(found, Finding) and found.severity != "info":
            noted[id_] = replace(found, mitigation=(*found.mitigation, sentence))
    return noted


def _sentence(rate: RateSchedule, ladder: Ladder | None, product: Product, content: Content) -> str:
    """Empty where the rate is reduced, or where there is none."""
    words = content.constants["words"]
    if ladder is None or not rate.steps:
        return ""
    printed = label_risk_cap(product, ladder)
    if printed is not None:
        above = max(s.ml_kg_h for s in rate.steps) > printed
        figure = f"{plain(half_up(printed, '0.01'))} mL/kg/h"
        return str(words["risk_rate_set_aside"].format(product=product.brand, rate=figure)) if above else ""
    if rate.cap_reason not in _NOT_REDUCED:
        return ""
    if product.risk_rate is None:
        return str(words["risk_rate_unverified"].format(product=product.brand))
    return f"{product.risk_rate.text} {words['risk_rate_absent']}"
