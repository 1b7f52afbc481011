"""History: the immunoglobulin that the record says was given, with the product where it is named."""

from __future__ import annotations

from dataclasses import dataclass

from ivig_fhir.chart.facts import Drug, Event
from ivig_fhir.fhir.dates import FhirTime
from ivig_fhir.proposal.brands import Ids, products_named
from ivig_fhir.proposal.case import Case
from ivig_fhir.proposal.findings import Evidence
from ivig_fhir.proposal.matching import Match, drugs, events

IMMUNOGLOBULIN = "ig-therapy"


@dataclass(frozen=True, slots=True)
class Infusion:
    """Immunoglobulin that was given: when (None: not recorded), and which products it may have been (empty: not named)."""

    time: FhirTime | None
    products: Ids
    evidence: Evidence


def infusions(case: Case) -> tuple[Infusion, ...]:
    """Administrations, and immunizations with a code for immunoglobulin; those of this order's own run too, because they were given."""
    return (
        *(_infusion(case, m) for m in drugs(case, IMMUNOGLOBULIN) if m.item.kind == "administration" and m.item.state == "given"),
        *(_infusion(case, m) for m in events(case, ("Immunization",), IMMUNOGLOBULIN)),
    )


def _infusion(case: Case, m: Match[Drug] | Match[Event]) -> Infusion:
    return Infusion(m.item.time, products_named(case.content, m.item.codes, m.item.texts), m.evidence)


def only_named(case: Case) -> tuple[Match[Drug], ...]:
    """Orders, statements and dispenses of immunoglobulin: they name it, and do not say that it was given."""
    return tuple(m for m in drugs(case, IMMUNOGLOBULIN) if m.item.kind != "administration" and m.item.state != "pending")
