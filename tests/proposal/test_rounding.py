"""Rounding as it is chosen: increments, none at all, or the policy's."""

from __future__ import annotations

from decimal import Decimal

import pytest

from ivig_fhir.errors import SelectionError
from tests.a_record import proposed, weight


def test_no_increments_means_no_rounding_to_vials() -> None:
    made = proposed(weight(71.3), rounding={"increments_g": [], "tolerance": "0"})
    assert made.dose is not None
    assert (made.dose.per_infusion_g, made.dose.increment_g) == (Decimal("71.3"), None)


def test_without_a_choice_the_policy_rounds() -> None:
    made = proposed(weight(71.3))
    assert made.dose is not None
    assert (made.dose.per_infusion_g, made.dose.increment_g) == (Decimal(70), Decimal(5))


@pytest.mark.parametrize("key", ["vial_sizes_g"])
def test_a_list_that_has_to_say_something_may_not_be_empty(key: str) -> None:
    with pytest.raises(SelectionError):
        proposed(**{key: []})
