"""Hyperviscosity: is the blood, or may it be, thicker than it should be?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta

from ivig_fhir.chart.facts import Measurement
from ivig_fhir.proposal.branches import Hit, finding
from ivig_fhir.proposal.case import Case
from ivig_fhir.proposal.findings import Evidence, Result
from ivig_fhir.proposal.matching import is_above, is_below, measured, problems
from ivig_fhir.proposal.recent import Recent, recent

VISCOSITY = "thrombosis.hyperviscosity"
_MEASURED, _PROTEIN, _ALBUMIN = "serum-viscosity", "total-protein", "albumin"
_LOWER_BOUND, _UPPER_BOUND = (">", ">="), ("<", "<=")


def hyperviscosity(case: Case) -> Result:
    """Thick blood by viscosity, by what makes blood thick, or by a diagnosis that does.

    A paraprotein is no finding here; but then only a measured viscosity says that there is none.
    """
    check, values = case.check(VISCOSITY), _values(case)
    hits = [*_viscosity(case, values[_MEASURED]), *_others(case, values)]
    if hits:
        return finding(case, VISCOSITY, hits)
    if any(v.obscured for v in values.values()):
        return case.unknown(VISCOSITY, check.messages["not-readable"])
    if problems(case, "paraproteinemia") and not values[_MEASURED].settled:
        return case.unknown(VISCOSITY, check.messages["not-measured"])
    return case.clear(VISCOSITY)


def thick_blood(case: Case) -> tuple[Evidence, ...]:
    """What speaks for hyperviscosity; empty when nothing does."""
    values = _values(case)
    return tuple(e for hit in (*_viscosity(case, values[_MEASURED]), *_others(case, values)) for e in hit.evidence)


def _values(case: Case) -> Mapping[str, Recent]:
    check = case.check(VISCOSITY)
    window = timedelta(days=int(check.number("lab_days")))
    return {panel: recent(case, panel, window) for panel in (_MEASURED, _PROTEIN, _ALBUMIN, *check.thresholds["at_least"])}


def _viscosity(case: Case, values: Recent) -> Iterable[Hit]:
    check = case.check(VISCOSITY)
    for item in values.shown:
        if is_below(item, check.number("visc_override")) is False:
            yield Hit("very-thick", (measured(item),), {"said": item.said, "limit": check.number("visc_override")})
        elif is_above(item, check.number("visc_warn")):
            yield Hit("thick", (measured(item),), {"said": item.said, "limit": check.number("visc_warn")})


def _others(case: Case, values: Mapping[str, Recent]) -> Iterable[Hit]:
    """A protein, fat or cell count that makes blood thick, or a diagnosis of that kind."""
    check = case.check(VISCOSITY)
    for panel, name in check.thresholds["at_least"].items():
        for item in values[panel].shown:
            if is_below(item, check.number(name)) is False:
                yield Hit("laboratory", (measured(item),), {"said": item.said, "limit": check.number(name), "unit": item.unit})
    for protein, albumin in _gaps(values):
        if (protein.value or 0) - (albumin.value or 0) >= check.number("globulin_gap"):
            yield Hit("globulin", (measured(protein), measured(albumin)), {"limit": check.number("globulin_gap")})
    for m in problems(case, "hyperviscosity-dx"):
        yield Hit("diagnosis", (m.evidence,), {"said": m.item.said})


def _gaps(values: Mapping[str, Recent]) -> Iterable[tuple[Measurement, Measurement]]:
    """Total protein and albumin whose difference is at least what their numbers say."""
    for protein in values[_PROTEIN].shown:
        for albumin in values[_ALBUMIN].shown:
            if protein.comparator not in _UPPER_BOUND and albumin.comparator not in _LOWER_BOUND:
                yield protein, albumin


CHECKS: tuple[tuple[str, Callable[[Case], Result]], ...] = ((VISCOSITY, hyperviscosity),)
