"""An order to be entered by hand says everything that was approved, in words, and that it is not in the EHR."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from an_approved_order import OVERRIDE, signed, written
from an_order import BASE, content, proposal

from ivig_fhir.order.bundle import Abilities, transaction
from ivig_fhir.order.by_hand import NOT_IN_EHR, ByHand, by_hand
from ivig_fhir.order.transaction import Transaction
from ivig_fhir.proposal.ambiguity import ambiguities
from ivig_fhir.proposal.answer import answer
from ivig_fhir.proposal.context import MAIN, proposal_context
from ivig_fhir.proposal.model import Proposal

WHO, WHEN = "SAMPLETON, Edwin; born Sat 14 Jun 1980; record number SYN-0412", "Approved by Dr Nora Testfield."


def of(made: Proposal) -> ByHand:
    approval = signed(made, (OVERRIDE,) if made.findings else ())
    act = transaction(made, approval, content(), proposal_context(made, BASE, "0.1.0"), Abilities())
    return by_hand(act, answer(replace(made, overrides=approval.overrides)), WHO, WHEN, content())


def lines(order: ByHand, title: str) -> tuple[str, ...]:
    return next((s.lines for s in order.sections if s.title == title), ())


def test_the_first_and_the_last_line_say_that_it_is_not_in_the_ehr() -> None:
    text = of(proposal()).text.strip().splitlines()
    assert text[0].endswith(NOT_IN_EHR)
    assert text[-1] == NOT_IN_EHR


def test_it_says_whom_it_is_for_and_who_signed_it() -> None:
    text = of(proposal()).text
    assert f"Patient: {WHO}\n{WHEN}" in text


def test_dose_each_day_product_vials_and_weight_stand_there() -> None:
    order = of(proposal())
    assert lines(order, "Each infusion, intravenously") == ("40 g (400 mL of 100 mg/mL)",)
    assert lines(order, "Days")[0] == "Mon 2 Mar 2026: 40 g (400 mL of 100 mg/mL)"
    assert len(lines(order, "Days")) == 4
    assert "Gamunex-C" in lines(order, "Product")[0]
    assert lines(order, "Product")[1].startswith("Vials for one infusion: ")
    assert lines(order, "Dosing weight") == ("82 kg",)
    assert any("policy" in line.lower() for line in lines(order, "How it was worked out"))


def test_every_pump_step_stands_there_with_its_rate_time_and_volume() -> None:
    made = proposal()
    pump = lines(of(made), "Pump, for each infusion")
    assert len(pump) == len(made.rate.steps) + 1
    assert pump[0] == "98 mL/h for 30 min (49 mL)"
    assert " to the end (" in pump[-2]
    assert pump[-1].startswith("Never above ")


def test_what_was_overridden_stands_there_with_its_reason_and_the_rest_apart(risky: Proposal) -> None:
    order = of(risky)
    [overridden] = lines(order, "Checks overridden by the prescriber")
    assert overridden.endswith("Overridden: Monitoring is in place. Creatinine each morning.")
    assert len(lines(order, "Other findings")) == 1


def test_an_order_without_findings_has_no_empty_part() -> None:
    assert all(s.lines for s in of(proposal()).sections)
    assert "Checks overridden" not in of(proposal()).text


def test_every_companion_that_was_ordered_stands_there() -> None:
    made = proposal()
    order = of(made)
    beside = lines(order, "Medicines beside it") + lines(order, "Tests, monitoring and nursing")
    chosen = [c for c in made.companions if c.selected]
    assert len(beside) == len(chosen)
    assert all(any(line.startswith(c.title) for line in beside) for c in chosen)


def test_its_text_cannot_be_read_as_another_dose() -> None:
    made = proposal()
    assert made.dose is not None
    noted = {"resourceType": "MedicationRequest", "note": [{"text": of(made).text}]}
    assert ambiguities(noted, made.dose.course_g, Decimal(40)) == []


def test_a_transaction_that_makes_no_order_has_no_text() -> None:
    parts = tuple(e for e in written().entries if e.role != MAIN)
    with pytest.raises(ValueError, match="without an order"):
        by_hand(Transaction("urn:uuid:x", parts), {}, WHO, WHEN, content())
