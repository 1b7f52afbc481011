"""The dosage text: complete, read back exactly, and never open to being read as another dose."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from an_order import BASE, proposal
from hypothesis import given, settings
from hypothesis import strategies as st

from ivig_fhir.proposal.ambiguity import ambiguities
from ivig_fhir.proposal.dosage import dosage_instruction
from ivig_fhir.proposal.dosage_text import day, parse_day, parse_dosage_text
from ivig_fhir.proposal.rates import NO_SCHEDULE


def text(**shape: object) -> str:
    return str(dosage_instruction(proposal(**shape), BASE)["text"])  # type: ignore[arg-type]


def test_text_says_dose_dates_basis_rates_and_limits() -> None:
    assert text() == (
        "40 g (400 mL of 100 mg/mL) by intravenous infusion, once on each of these 4 dates: "
        "Mon 2 Mar 2026, Tue 3 Mar 2026, Wed 4 Mar 2026, Thu 5 Mar 2026. "
        "Calculated 41 g for each infusion, from 0.5 g/kg, dosing weight 82.0 kg (actual, policy adj-bmi30). "
        "Pump for each infusion: 98 mL/h for 30 min, then 196 mL/h for 30 min, then 393 mL/h to the end; never above 393 mL/h. "
        "Next step only if the step before is tolerated. Never more than 40 g in one infusion."
    )


def test_a_single_infusion_has_one_date_and_no_count() -> None:
    assert "once on Mon 2 Mar 2026." in text(days=1, per_kg="1")


def test_the_total_of_the_course_is_nowhere_in_the_text() -> None:
    assert "160" not in text()


def test_a_product_without_rate_table_says_that_no_rate_is_given() -> None:
    said = text(rate=NO_SCHEDULE)
    assert "This order gives no pump rate." in said
    read = parse_dosage_text(said)
    assert read is not None and read.steps == () and read.max_ml_h is None


def test_grams_stated_by_the_clinician_are_said_to_be_stated() -> None:
    dose = proposal().dose
    assert dose is not None
    said = text(dose=replace(dose, per_kg=None))
    assert "from a course stated in grams" in said
    read = parse_dosage_text(said)
    assert read is not None and read.g_per_kg is None


def test_text_reads_back_to_its_numbers() -> None:
    read = parse_dosage_text(text(days=3))
    assert read is not None
    assert (read.grams, read.calculated_g, read.g_per_kg, read.dosing_kg) == (55, Decimal("54.67"), Decimal("0.6667"), 82)
    assert read.dates == (date(2026, 3, 2), date(2026, 3, 3), date(2026, 3, 4))
    assert read.steps == ((98, 30), (196, 30), (393, None))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("40 g (400", "forty g (400"),
        ("these 4 dates", "these 5 dates"),
        ("Mon 2 Mar", "Tue 2 Mar"),
        ("2 Mar 2026", "2 Mrz 2026"),
        ("to the end", "until done"),
        ("Never more than 40 g in one infusion.", ""),
        ("Calculated 41 g", "About 41 g"),
    ],
)
def test_a_text_that_was_changed_cannot_be_read_back(old: str, new: str) -> None:
    assert parse_dosage_text(text().replace(old, new, 1)) is None


@given(st.dates(date(1900, 1, 1), date(2199, 12, 31)))
def test_every_date_reads_back(when: date) -> None:
    assert parse_day(day(when)) == when


def test_a_day_that_does_not_exist_is_no_date() -> None:
    assert parse_day("Mon 30 Feb 2026") is None


@settings(max_examples=60, deadline=None)
@given(
    kg=st.decimals(Decimal(5), Decimal(180), places=1),
    per_kg=st.sampled_from(["0.4", "0.6", "1", "1.2", "2"]),
    gaps=st.lists(st.integers(1, 9), max_size=4),
    product=st.sampled_from(["gamunex-c", "privigen", "octagam-10", "gammagard-liquid"]),
)
def test_any_order_reads_back_and_is_unambiguous(kg: Decimal, per_kg: str, gaps: list[int], product: str) -> None:
    dates = [date(2026, 3, 2)]
    for gap in gaps:
        dates.append(dates[-1] + timedelta(days=gap))
    made = proposal(kg=str(kg), per_kg=per_kg, dates=dates, product=product)
    dosage = dosage_instruction(made, BASE)
    read = parse_dosage_text(dosage["text"])
    assert read is not None and made.dose is not None
    assert (read.grams, read.dates, read.dosing_kg) == (made.dose.per_infusion_g, tuple(dates), kg)
    assert [rate for rate, _ in read.steps] == [s.ml_h for s in made.rate.steps]
    assert ambiguities({"resourceType": "MedicationRequest", "dosageInstruction": [dosage]}, made.dose.course_g) == []


@pytest.mark.parametrize(
    "said",
    [
        "Give 160 g daily.",
        "160 g once daily for 4 days",
        "160 g on each of 4 dates",
        "160 g in each infusion",
        "Gamunex-C 160 g x 4 days",
        "Total daily dose 40 g.",
        "40 g QD",
        "40 g q.d. for 4 days",
        "Give 40.0 g.",
        "Give .5 g.",
        "40 g/day",
        "40 grams per day",
        "400 cc",
        "1000 U",
        "25 μg",
    ],
)
def test_words_that_could_be_another_dose_are_found(said: str) -> None:
    assert ambiguities({"resourceType": "MedicationRequest", "note": [{"text": said}]}, Decimal(160))


@pytest.mark.parametrize(
    "said",
    [
        "40 g on each of 4 dates.",
        "Whole course: 160 g.",
        "Dosing weight 82.0 kg. Vials for one infusion: 1 × 40 g.",
        "160 mL/h for 30 min",
        "Creatinine 1.65 mg/dL, sodium 140 mmol/L",
        "Start at 0.5 mg/kg/min.",
    ],
)
def test_plain_sentences_pass(said: str) -> None:
    assert ambiguities({"resourceType": "MedicationRequest", "note": [{"text": said}]}, Decimal(160)) == []


def test_the_total_is_no_ambiguity_where_the_course_is_one_infusion() -> None:
    order = {"dosageInstruction": [{"text": "80 g once on each infusion", "maxDosePerAdministration": {"value": 80, "code": "g"},
                                    "maxDosePerPeriod": {"numerator": {"value": 80, "code": "g"}}}]}  # fmt: skip
    assert ambiguities(order) == []
