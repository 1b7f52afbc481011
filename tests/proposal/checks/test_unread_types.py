"""A type that could not be read completely never leaves a check clear that depends on it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from a_case import VALUES, case, content, drug, infusion, lab, made_of, outcome, paper

from ivig_fhir.content.model import Product
from ivig_fhir.proposal.case import Case
from ivig_fhir.proposal.checks import CHART_CHECKS
from ivig_fhir.proposal.findings import NotAssessed, Result

# They always say something, or have their own tests of what is missing.
APART = ("vaccine.future-interval", "product.plasma-derived", "renal.sucrose", "setting.home")
APART_PREFIXES = ("weight.", "height.", "record.", "identity.")
ABSENCE = ("renal.creatinine-missing", "hemolysis.hemoglobin-missing", "hypersensitivity.iga-missing", "hypersensitivity.allergies-unknown")
CHECKS = [c for c in CHART_CHECKS if c[0] not in (*APART, *ABSENCE) and not c[0].startswith(APART_PREFIXES)]
# The patient itself is always read; a chart without one is refused.
DEPENDING = [(id_, check, type_) for id_, check in CHECKS for type_ in content().checks[id_].depends_on if type_ != "Patient"]
# Checks of one ingredient look at the record only for a product that holds it.
PRODUCTS = {
    "excipient.fructose": made_of("d-sorbitol"),
    "excipient.corn-maltose": made_of("maltose"),
    "glucose.maltose-meter": made_of("maltose"),
}
QUIET = (
    drug("request", "active", "gabapentin 300 MG Oral Capsule"),
    infusion("2026-01-28", "28", text="Privigen"),
    *VALUES,
    lab("platelets", "230"),
    paper("Consent", when="2026-01-01"),
    paper("Coverage"),
    paper("ClaimResponse", "Privigen"),
)


def quiet(product: str | Product = "privigen", unread: tuple[str, ...] = ()) -> Case:
    """An unremarkable record, with types that could not be read."""
    return case(*QUIET, product=product, dose_g="28", unread=unread)


@pytest.mark.parametrize(("id_", "check"), CHECKS, ids=[id_ for id_, _ in CHECKS])
def test_an_unremarkable_record_is_clear(id_: str, check: Callable[[Case], Result]) -> None:
    assert outcome(check(quiet())) == "clear"


@pytest.mark.parametrize(("id_", "check", "type_"), DEPENDING, ids=[f"{id_}-{type_}" for id_, _, type_ in DEPENDING])
def test_the_same_record_with_a_type_unread_is_not_assessed_and_says_why(id_: str, check: Callable[[Case], Result], type_: str) -> None:
    result = check(quiet(PRODUCTS.get(id_, "privigen"), (type_,)))
    assert isinstance(result, NotAssessed)
    assert (result.reason, result.message) == ("not-permitted", f"{type_} may not be read.")
