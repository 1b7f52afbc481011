"""The one dosageInstruction of the order: ordered and calculated grams, rate range, every date, caps, text, rate steps."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

from ivig_fhir.fhir.building import coding, concept, quantity
from ivig_fhir.fhir.codes import SNOMED
from ivig_fhir.fhir.quantity import half_up
from ivig_fhir.proposal.dosage_text import dosage_text
from ivig_fhir.proposal.extensions import dose_basis, grams, infusion_volume, ml_per_hour, rate_basis, rate_steps, series, shortest
from ivig_fhir.proposal.model import DoseCalculation, Proposal

DOSE_RATE_TYPE = "http://terminology.hl7.org/CodeSystem/dose-rate-type"
INTRAVENOUS = ("47625008", "Intravenous route")


def infusion_dates(proposal: Proposal) -> tuple[date, ...]:
    """Every date of the order: those of the series, else the days of the course."""
    if proposal.dose is None:
        return ()
    return proposal.series.dates if proposal.series else tuple(i.date for i in proposal.dose.infusions)


def course_period_days(proposal: Proposal, dose: DoseCalculation) -> int:
    """Days within which one course, and no more, may be given: its own span, or the shortest interval where courses repeat."""
    firsts = proposal.series.dates[:: len(dose.infusions)] if proposal.series else ()
    gaps = [(later - earlier).days for earlier, later in pairwise(firsts)]
    span = (dose.infusions[-1].date - dose.infusions[0].date).days + 1
    return min(gaps, default=span)


def calculated_grams(dose: DoseCalculation) -> Decimal:
    """Grams of one infusion before rounding, to 0.01 g."""
    return half_up(dose.calculated_per_infusion_g, "0.01")


def timing(dates: Sequence[date]) -> dict[str, Any]:
    """Every date as an event; a repeat beside them only for consecutive days, where it says exactly the same."""
    made: dict[str, Any] = {"event": [d.isoformat() for d in dates]}
    if len(dates) > 1 and all(b - a == timedelta(days=1) for a, b in pairwise(dates)):
        made["repeat"] = {
            "boundsPeriod": {"start": dates[0].isoformat(), "end": dates[-1].isoformat()},
            "count": len(dates),
            "frequency": 1,
            "period": 1,
            "periodUnit": "d",
        }
    return made


def dosage_instruction(proposal: Proposal, base: str) -> dict[str, Any]:
    """The dosage of the IVIG order as coded data and as text that says the same.

    One entry for the whole course: in R4 several entries with one sequence would be given together. ValueError without a dose.
    See: FHIR R4 Dosage.
    """
    dose = proposal.dose
    if dose is None:
        raise ValueError("a dosage needs a dose")
    dates, calculated = infusion_dates(proposal), calculated_grams(dose)
    one = grams(dose.per_infusion_g)
    return {
        "extension": [
            *rate_steps(base, proposal.rate),
            infusion_volume(base, proposal),
            rate_basis(base, proposal.rate),
            *series(base, proposal),
        ],
        "sequence": 1,
        "text": dosage_text(proposal, dates, calculated),
        "timing": timing(dates),
        "route": concept(coding(SNOMED, *INTRAVENOUS), text="Intravenous infusion"),
        "doseAndRate": [
            {"type": _type("ordered"), "doseQuantity": one, **_rate_range(proposal)},
            {"extension": [dose_basis(base, proposal)], "type": _type("calculated"), "doseQuantity": grams(calculated)},
        ],
        "maxDosePerPeriod": {
            "numerator": grams(dose.course_g),
            "denominator": quantity(Decimal(course_period_days(proposal, dose)), "d", "d"),
        },
        "maxDosePerAdministration": one,
    }


def _type(code: str) -> dict[str, Any]:
    return concept(coding(DOSE_RATE_TYPE, code))


def _rate_range(proposal: Proposal) -> dict[str, Any]:
    """Lowest and highest pump rate: whoever reads only this knows where to start and never to go above."""
    rates = [shortest(s.ml_h) for s in proposal.rate.steps]
    return {"rateRange": {"low": ml_per_hour(min(rates)), "high": ml_per_hour(max(rates))}} if rates else {}
