"""Identity: is this a living patient with a birth date and a sex that the formulas can use?"""

from __future__ import annotations

from collections.abc import Callable

from ivig_fhir.proposal.branches import Hit, finding
from ivig_fhir.proposal.case import Case
from ivig_fhir.proposal.findings import Evidence, Result

DEMOGRAPHICS, DECEASED = "identity.birth-date-or-sex", "identity.deceased"


def demographics(case: Case) -> Result:
    """No full birth date, or one in the future: data required. No sex that the formulas know: they are not computed."""
    person = case.chart.patient
    born = person.birth_date
    hits = []
    if born is None:
        hits.append(Hit("birth-date", (_said(case, person.birth_said),)))
    elif born > case.now.date():
        hits.append(Hit("born-in-future", (_said(case, person.birth_said),)))
    if not person.sex:
        hits.append(Hit("sex", (_said(case, person.gender_said),)))
    return finding(case, DEMOGRAPHICS, hits) if hits else case.clear(DEMOGRAPHICS)


def deceased(case: Case) -> Result:
    """A patient recorded as dead, or a record that is not in use or was replaced by another: most likely the wrong chart."""
    person = case.chart.patient
    hits = [Hit("deceased", (_said(case, "deceased"),))] if person.deceased else []
    if not person.active:
        hits.append(Hit("inactive", (_said(case, "active: false"),)))
    if person.replaced_by:
        hits.append(Hit("replaced", (_said(case, f"replaced by {person.replaced_by}"),)))
    return finding(case, DECEASED, hits) if hits else case.clear(DECEASED)


def _said(case: Case, said: str) -> Evidence:
    source = case.chart.patient.source
    return Evidence(source.reference, said or case.content.constants["words"]["none_recorded"], source.time, source.version)


CHECKS: tuple[tuple[str, Callable[[Case], Result]], ...] = (
    (DEMOGRAPHICS, demographics),
    (DECEASED, deceased),
)
