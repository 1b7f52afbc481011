"""Baseline: are the values there, and recent enough, against which harm from the infusion would be seen?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from ivig_fhir.chart.facts import Measurement
from ivig_fhir.proposal.absence import nothing_usable
from ivig_fhir.proposal.branches import Hit, finding
from ivig_fhir.proposal.case import Case
from ivig_fhir.proposal.checks.hemolysis import blood_group
from ivig_fhir.proposal.findings import Clear, Evidence, NotAssessed, Result
from ivig_fhir.proposal.history import infusions
from ivig_fhir.proposal.matching import measured, newest

CREATININE, HEMOGLOBIN, BLOOD_GROUP = "renal.creatinine-missing", "hemolysis.hemoglobin-missing", "hemolysis.blood-group-missing"
IGA, VITALS = "hypersensitivity.iga-missing", "record.vitals-missing"
_RENAL_RISK = "renal.risk-factors"


def creatinine(case: Case) -> Result:
    """No final creatinine, or one that is too old; a patient with renal risk factors needs a newer one."""
    check, value = case.check(CREATININE), _final(case, "creatinine")
    if value is None:
        return _missing(case, CREATININE, "none", "creatinine")
    ago = case.known_age(value.time)
    if ago is None or ago > check.number("none_days"):
        return finding(case, CREATININE, [Hit("none", (measured(value),))])
    values = {"days": int(ago)}
    if ago > check.number("override_days"):
        return finding(case, CREATININE, [Hit("old", (measured(value),), values)])
    if ago <= check.number("warn_days"):
        return case.clear(CREATININE)
    risk = case.fired(_RENAL_RISK)
    if risk is not None:
        return finding(case, CREATININE, [Hit("old-for-risk", (measured(value), *risk.evidence), values)])
    if isinstance(case.earlier.get(_RENAL_RISK), NotAssessed):
        return case.unknown(CREATININE, check.messages["risk-unknown"])
    return case.clear(CREATININE)


def hemoglobin(case: Case) -> Result:
    """No final haemoglobin recent enough; before a high dose only a very recent one is a baseline."""
    check, value, dose = case.check(HEMOGLOBIN), _final(case, "hemoglobin"), case.order.course_g_kg
    if value is None:
        return _missing(case, HEMOGLOBIN, "none", "hemoglobin")
    ago = case.known_age(value.time)
    if ago is None:
        return finding(case, HEMOGLOBIN, [Hit("none", (measured(value),))])
    if ago > check.number("days"):
        return finding(case, HEMOGLOBIN, [Hit("old", (measured(value),), {"days": int(ago)})])
    if ago <= check.number("high_dose_days"):
        return case.clear(HEMOGLOBIN)
    if dose is None:
        return case.unknown(HEMOGLOBIN, check.messages["dose-unknown"])
    if dose >= check.number("high_g_kg"):
        return finding(case, HEMOGLOBIN, [Hit("old-for-high-dose", (measured(value),), {"days": int(ago)})])
    return case.clear(HEMOGLOBIN)


def blood_group_known(case: Case) -> Result:
    """An ABO group that can be read, and only one, before a dose at which haemolysis is looked for."""
    check, dose, results = case.check(BLOOD_GROUP), case.order.course_g_kg, case.chart.panel("abo")
    group = blood_group(case)
    if group is not None and group.final:
        return case.clear(BLOOD_GROUP)
    if dose is None:
        return case.unknown(BLOOD_GROUP, check.messages["dose-unknown"]) if case.order.regimen else Clear(BLOOD_GROUP)
    if dose < check.number("course_g_kg"):
        return case.clear(BLOOD_GROUP)
    if results:
        return finding(case, BLOOD_GROUP, [Hit("unclear", tuple(measured(m) for m in results))])
    return _missing(case, BLOOD_GROUP, "none", "abo")


def iga(case: Case) -> Result:
    """IgA was never measured, in a patient of whom no immunoglobulin is recorded as given; an unread history counts as none."""
    return case.clear(IGA) if case.chart.panel("iga") or infusions(case) else _missing(case, IGA, "none", "iga")


def vitals(case: Case) -> Result:
    """No blood pressure or no temperature within the last hours."""
    check = case.check(VITALS)
    limit = timedelta(hours=int(check.number("hours")))
    missing: list[str] = []
    shown: list[Evidence] = []
    for panel in ("sbp", "temperature"):
        value = case.chart.latest(panel)
        if value is None:
            shown += nothing_usable(case, panel)
        elif value.time is None or value.time.is_partial or case.now - value.time.earliest > limit:
            shown.append(measured(value))
        else:
            continue
        missing.append(case.content.panels[panel].title)
    if not missing or case.chart.unread(check.depends_on):
        return case.clear(VITALS)
    return finding(case, VITALS, [Hit("missing", tuple(shown), {"what": ", ".join(missing), "hours": check.number("hours")})])


def _final(case: Case, panel: str) -> Measurement | None:
    """The newest final value; none where values of one instant contradict each other."""
    return next((m for m in newest(case, panel) if not m.preliminary), None)


def _missing(case: Case, id_: str, branch: str, panel: str) -> Result:
    """The finding that nothing usable is there, unless the record was not read: then it is not known."""
    if case.chart.unread(case.check(id_).depends_on):
        return case.clear(id_)
    left = tuple(measured(m) for m in case.chart.panel(panel)) or nothing_usable(case, panel)
    return finding(case, id_, [Hit(branch, left)])


CHECKS: tuple[tuple[str, Callable[[Case], Result]], ...] = (
    (CREATININE, creatinine),
    (HEMOGLOBIN, hemoglobin),
    (BLOOD_GROUP, blood_group_known),
    (IGA, iga),
    (VITALS, vitals),
)
