"""Properties of every proposal, on a small random sample; `make proof` runs them on 100,000 patients."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from a_population import Census, Patient, hold, monotone, orders, patients, proposal_of, repeatable, tenths, unambiguous
from hypothesis import HealthCheck, given, settings

SAMPLE = settings(max_examples=100, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


@SAMPLE
@given(patients(), orders())
def test_dose_vials_and_steps_hold_for_every_patient(patient: Patient, order: dict[str, Any]) -> None:
    made = proposal_of(patient, order, Census())
    if made is not None:
        hold(made, Census())


@settings(SAMPLE, max_examples=50)
@given(patients(), tenths("1", "300"), orders())
def test_a_dose_never_falls_with_weight(patient: Patient, heavier: Decimal, order: dict[str, Any]) -> None:
    monotone(patient, heavier, order, Census())


@settings(SAMPLE, max_examples=30)
@given(patients(), orders())
def test_the_same_input_gives_the_same_digest_and_no_text_is_ambiguous(patient: Patient, order: dict[str, Any]) -> None:
    made = proposal_of(patient, order, Census())
    if made is not None:
        repeatable(patient, order, made, Census())
        unambiguous(made, Census())
