"""All checks in the order a pharmacist reads them: one function per check, one file per clinical question."""

from __future__ import annotations

from collections.abc import Callable

from ivig_fhir.proposal.case import Case
from ivig_fhir.proposal.checks import (
    age,
    authorization,
    baseline,
    bleeding,
    depletion,
    dose,
    duplication,
    excipient,
    glucose,
    hemolysis,
    hypersensitivity,
    hyperviscosity,
    identity,
    infection,
    interaction,
    line,
    lung,
    meningitis,
    order,
    pregnancy,
    pressure,
    product,
    record,
    renal,
    renal_drugs,
    renal_product,
    renal_risk,
    serology,
    setting,
    sodium,
    thrombosis,
    thrombosis_drugs,
    tolerance,
    vaccines,
    volume,
    weight,
)
from ivig_fhir.proposal.checks.vaccines import interval_months
from ivig_fhir.proposal.findings import Result

__all__ = ["CHART_CHECKS", "ORDER_CHECKS", "RENAL_OR_THROMBOSIS_RISK", "interval_months"]

Checks = tuple[tuple[str, Callable[[Case], Result]], ...]

# A check may look at the results of those before it: risk factors before staleness of creatinine, for one.
CHART_CHECKS: Checks = (
    *hypersensitivity.CHECKS,
    *excipient.CHECKS,
    *renal.CHECKS,
    *renal_risk.CHECKS,
    *renal_drugs.CHECKS,
    *renal_product.CHECKS,
    *thrombosis.CHECKS,
    *thrombosis_drugs.CHECKS,
    *hyperviscosity.CHECKS,
    *volume.CHECKS,
    *pressure.CHECKS,
    *meningitis.CHECKS,
    *hemolysis.CHECKS,
    *lung.CHECKS,
    *sodium.CHECKS,
    *glucose.CHECKS,
    *vaccines.CHECKS,
    *serology.CHECKS,
    *pregnancy.CHECKS,
    *age.CHECKS,
    *infection.CHECKS,
    *depletion.CHECKS,
    *bleeding.CHECKS,
    *line.CHECKS,
    *interaction.CHECKS,
    *duplication.CHECKS,
    *tolerance.CHECKS,
    *product.CHECKS,
    *weight.CHECKS,
    *baseline.CHECKS,
    *identity.CHECKS,
    *record.CHECKS,
    *authorization.CHECKS,
    *setting.CHECKS,  # last: it looks at the findings of the others
)
# The order's own checks; they need the rate, which depends on the risks found above.
ORDER_CHECKS: Checks = (*order.CHECKS, *dose.CHECKS)

# Findings of these above information make a patient at risk, for whom a label may print a lower rate.
RENAL_OR_THROMBOSIS_RISK = (
    "renal.acute-kidney-injury",
    "renal.reduced-function",
    "renal.risk-factors",
    "renal.nephrotoxic-drugs",
    "thrombosis.recent-event",
    "thrombosis.risk-factors",
    "thrombosis.thrombogenic-drugs",
    "thrombosis.hyperviscosity",
)
