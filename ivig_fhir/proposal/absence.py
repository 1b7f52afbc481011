"""Absence: the evidence of a finding whose point is that the record, or the order, lacks something or says it outright."""

from __future__ import annotations

from ivig_fhir.chart.facts import Unusable
from ivig_fhir.proposal.case import Case
from ivig_fhir.proposal.findings import Evidence
from ivig_fhir.proposal.matching import measured, remarked

ORDER = "order"


def none_recorded(case: Case, *what: str) -> tuple[Evidence, ...]:
    """That the record of this patient has nothing under each of these titles."""
    person = case.chart.patient
    none = case.content.constants["words"]["none_recorded"]
    return tuple(Evidence(person.reference, f"{title}: {none}", None, person.source.version) for title in what)


def refused(item: Unusable) -> Evidence:
    """An Observation whose value was not used, with the reason."""
    return remarked(Evidence(item.source.reference, item.said, item.source.time, item.source.version), item.why)


def nothing_usable(case: Case, *panel_ids: str) -> tuple[Evidence, ...]:
    """What there is of panels that gave no usable value: refused results, results found by their words alone, else that there is none."""
    found: list[Evidence] = []
    for id_ in panel_ids:
        seen = [refused(u) for u in case.chart.unusable if u.panel == id_]
        seen += [measured(m) for m in case.chart.candidates if m.panel == id_]
        found += seen or none_recorded(case, case.content.panels[id_].title)
    return tuple(found)


def ordered(said: str) -> Evidence:
    """What the order itself says."""
    return Evidence(ORDER, said)


def printed(folder: str, id_: str, said: str) -> Evidence:
    """What a content file prints: `folder` is indications or products."""
    return Evidence(f"order_sets/{folder}/{id_}.toml", said)
