"""Meningitis: did the patient have aseptic meningitis before, or migraine, which makes it likelier?"""

from __future__ import annotations

from collections.abc import Callable

from ivig_fhir.fhir.quantity import down
from ivig_fhir.proposal.branches import Hit, finding
from ivig_fhir.proposal.case import Case
from ivig_fhir.proposal.findings import Result
from ivig_fhir.proposal.matching import problems

PREVIOUS, MIGRAINE = "meningitis.previous", "meningitis.migraine"


def previous(case: Case) -> Result:
    """Aseptic meningitis at any time, one that HIV explains apart; before a high dose it weighs more."""
    return _by_dose(case, PREVIOUS, "aseptic-meningitis")


def migraine(case: Case) -> Result:
    """Migraine now or in the past; before a high dose it weighs more."""
    return _by_dose(case, MIGRAINE, "migraine")


def _by_dose(case: Case, id_: str, set_id: str) -> Result:
    """The course in grams per kilogram before rounding decides; without a dose the graver reading stands."""
    found = problems(case, set_id, active_only=False)
    if not found:
        return case.clear(id_)
    dose, limit = case.order.course_g_kg, case.check(id_).number("course_g_kg")
    branch = "dose-unknown" if dose is None else "high-dose" if dose >= limit else "low-dose"
    values = {"limit": limit, "dose": "" if dose is None else down(dose, "0.01")}
    return finding(case, id_, [Hit(branch, (m.evidence,), {"said": m.item.said, **values}) for m in found])


CHECKS: tuple[tuple[str, Callable[[Case], Result]], ...] = (
    (PREVIOUS, previous),
    (MIGRAINE, migraine),
)
