"""A type that could not be read completely never leaves a check clear that depends on it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from a_case import ASPIRIN, VALUES, case, content, made_of, outcome

from ivig_fhir.proposal.case import Case
from ivig_fhir.proposal.checks import (
    depletion,
    duplication,
    excipient,
    glucose,
    hemolysis,
    hypersensitivity,
    hyperviscosity,
    infection,
    lung,
    meningitis,
    pressure,
    renal,
    renal_drugs,
    renal_risk,
    sodium,
    thrombosis,
    thrombosis_drugs,
    volume,
)
from ivig_fhir.proposal.findings import NotAssessed, Result

MODULES = (
    hypersensitivity, excipient, renal, renal_risk, renal_drugs, thrombosis, thrombosis_drugs, hyperviscosity, volume, pressure, meningitis,
    hemolysis, lung, sodium, glucose, infection, depletion, duplication,
)  # fmt: skip
CHECKS = [c for m in MODULES for c in m.CHECKS]
# The patient itself is always read; a chart without one is refused.
DEPENDING = [(id_, check, type_) for id_, check in CHECKS for type_ in content().checks[id_].depends_on if type_ != "Patient"]
# Checks of one ingredient look at the record only for a product that holds it.
PRODUCTS = {
    "excipient.fructose": made_of("d-sorbitol"),
    "excipient.corn-maltose": made_of("maltose"),
    "glucose.maltose-meter": made_of("maltose"),
}


@pytest.mark.parametrize(("id_", "check"), CHECKS, ids=[id_ for id_, _ in CHECKS])
def test_an_unremarkable_record_is_clear(id_: str, check: Callable[[Case], Result]) -> None:
    assert outcome(check(case(ASPIRIN, *VALUES, product="privigen", dose_g="28"))) == "clear"


@pytest.mark.parametrize(("id_", "check", "type_"), DEPENDING, ids=[f"{id_}-{type_}" for id_, _, type_ in DEPENDING])
def test_the_same_record_with_a_type_unread_is_not_assessed_and_says_why(id_: str, check: Callable[[Case], Result], type_: str) -> None:
    product = PRODUCTS.get(id_, "privigen")
    result = check(case(ASPIRIN, *VALUES, product=product, dose_g="28", unread=(type_,)))
    assert isinstance(result, NotAssessed)
    assert (result.reason, result.message) == ("not-permitted", f"{type_} may not be read.")
