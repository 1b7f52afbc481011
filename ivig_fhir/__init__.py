"""ivig-fhir: from a patient's chart to a verified order of immunoglobulin.

Read `workflow/` first: one step of an order's life per file, in this order.

    open_chart   everything the record says about one patient, as one snapshot
    propose      a dose, its rate, its checks and its companions, nothing written
    approve      a prescriber signs exactly what was on screen
    write_back   the order goes into the EHR once, and what the EHR stored is read back
    verify       a pharmacist accepts, asks or rejects, on a second calculation
    reply        the prescriber answers, withdraws, or orders again with changes

The core, pure, in the order in which a patient's data passes through it:

    fhir/        FHIR R4 as vocabulary: quantities, units, dates, codes, the gates before a write
    content/     order_sets/ as typed, validated, citable content
    chart/       what the record says: queries, answers, facts, gaps, snapshot
    proposal/    decide: applicability, dose, vials, rates, checks, resources with intent=proposal
    order/       act, only with a signature: approval, transaction, receipt, verification, second calculation

The rim, one folder per counterpart:

    smart/       how the EHR lets us in        ehr/      the FHIR server over the wire
    store/       what we keep, the only SQL    sandbox/  an EHR in a box; imports nothing of ours

The entrances, thin: web/ for people, cds/ for machines, cli/ for the terminal. `app.py` wires them together.
"""

from __future__ import annotations

from typing import Any

__all__ = ["compare_products", "propose", "read_dose"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """The public functions, loaded when asked for: the sandbox is another program and shares this package's name only."""
    if name == "compare_products":
        from ivig_fhir.proposal.compare_products import compare_products

        return compare_products
    if name == "propose":
        from ivig_fhir.proposal.propose import propose

        return propose
    if name == "read_dose":
        from ivig_fhir.proposal.dose_words import read_dose

        return read_dose
    raise AttributeError(name)
