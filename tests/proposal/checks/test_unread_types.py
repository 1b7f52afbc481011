"""A type that could not be read completely never leaves a check clear that depends on it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from a_case import ASPIRIN, case, content, lab, outcome

from ivig_fhir.proposal.case import Case
from ivig_fhir.proposal.checks import duplication, excipient, hemolysis, hypersensitivity, renal, renal_risk, thrombosis, volume
from ivig_fhir.proposal.findings import NotAssessed, Result

CHECKS = [c for m in (hypersensitivity, excipient, renal, renal_risk, thrombosis, volume, hemolysis, duplication) for c in m.CHECKS]
DEPENDING = [(id_, check, type_) for id_, check in CHECKS for type_ in content().checks[id_].depends_on]


@pytest.mark.parametrize(("id_", "check"), CHECKS, ids=[id_ for id_, _ in CHECKS])
def test_an_unremarkable_record_is_clear(id_: str, check: Callable[[Case], Result]) -> None:
    assert outcome(check(case(ASPIRIN, lab("creatinine", "0.9"), product="privigen", dose_g="28"))) == "clear"


@pytest.mark.parametrize(("id_", "check", "type_"), DEPENDING, ids=[f"{id_}-{type_}" for id_, _, type_ in DEPENDING])
def test_the_same_record_with_a_type_unread_is_not_assessed_and_says_why(id_: str, check: Callable[[Case], Result], type_: str) -> None:
    result = check(case(ASPIRIN, lab("creatinine", "0.9"), product="privigen", dose_g="28", unread=(type_,)))
    assert isinstance(result, NotAssessed)
    assert (result.reason, result.message) == ("not-permitted", f"{type_} may not be read.")
