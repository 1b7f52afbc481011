"""Weight and height: missing, old, implausible, changed, not measured."""

from __future__ import annotations

from typing import Any

import pytest

from ivig_fhir.proposal.findings import Result
from tests.a_case import RUN, found, outcome
from tests.a_record import observation, ordered_on, proposed, result, weight

STATED = {"dosing_kg": "70", "reason": "bed scale"}


def check(id_: str, *added: Any, **options: Any) -> Result:
    """One check on the quiet record with these changes."""
    return result(id_, proposed(*added, **options))


def test_no_weight_at_all_is_data_required_and_prints_no_dose() -> None:
    made = proposed(drop=("weight",))
    assert (made.outcome, made.dose) == ("data-required", None)
    finding = found(result("weight.missing", made))
    assert (finding.severity, finding.branch) == ("hard-stop", "none")
    assert [e.reference for e in finding.evidence] == ["Patient/p1"]


def test_a_birth_weight_is_not_a_weight() -> None:
    assert found(check("weight.missing", weight(3.4, loinc="8339-4"))).branch == "none"


def test_unread_observations_are_a_missing_weight_and_not_an_unknown_one() -> None:
    finding = found(check("weight.missing", unread=("Observation",)))
    assert (finding.severity, finding.branch) == ("hard-stop", "unread")


def test_two_weights_of_one_moment_that_contradict_each_other_are_no_weight() -> None:
    made = proposed(weight(80, id_="other"))
    finding = found(result("weight.missing", made))
    assert finding.branch == "contradicted"
    assert {e.reference for e in finding.evidence} == {"Observation/weight", "Observation/other"}
    assert made.dose is None
    assert outcome(check("weight.missing", weight(77, id_="other"))) == "clear"


def test_a_weight_found_by_its_words_or_not_yet_final_is_shown_and_not_dosed_on() -> None:
    by_words = {**weight(70), "code": {"text": "Body weight"}}
    assert [e.reference for e in found(check("weight.missing", by_words)).evidence] == ["Observation/weight"]
    early = found(check("weight.missing", weight(70, status="preliminary")))
    assert "preliminary" in early.evidence[0].said


def test_a_stated_weight_lifts_the_missing_one_and_is_named_as_not_measured() -> None:
    made = proposed(drop=("weight",), weight=STATED)
    assert made.outcome == "proposed"
    assert outcome(result("weight.missing", made)) == "clear"
    finding = found(result("weight.not-measured", made))
    assert (finding.severity, finding.branch) == ("override", "clinician")
    assert any("bed scale" in e.said for e in finding.evidence)


def test_a_stated_weight_beside_a_measured_one_is_no_missing_measurement() -> None:
    assert outcome(check("weight.not-measured", weight=STATED)) == "clear"


@pytest.mark.parametrize("id_", ["weight.stale", "weight.implausible", "weight.changed", "weight.not-measured"])
def test_without_a_weight_nothing_about_it_is_clear(id_: str) -> None:
    assert outcome(check(id_, drop=("weight",))) == "unknown"
    assert outcome(check(id_, unread=("Observation",))) == "unknown"


@pytest.mark.parametrize(
    ("born", "when", "severity"),
    [
        ("1986-01-15", "2026-01-31T09:00:00Z", "clear"),  # 30 days
        ("1986-01-15", "2026-01-31T08:59:59Z", "warning"),
        ("1986-01-15", "2025-12-02T09:00:00Z", "warning"),  # 90 days
        ("1986-01-15", "2025-12-02T08:59:59Z", "override"),
        ("1986-01-15", "2026-01-31", "warning"),  # a day is as old as its first moment
        ("2019-09-10", "2026-01-31T09:00:00Z", "clear"),
        ("2019-09-10", "2026-01-31T08:59:59Z", "override"),
        ("2025-03-03", "2026-02-23T09:00:00Z", "clear"),  # below one year: 7 days
        ("2025-03-03", "2026-02-23T08:59:59Z", "override"),
        ("2025-03-02", "2026-02-23T08:59:59Z", "clear"),  # one year today
        (None, "2026-02-23T09:00:00Z", "clear"),  # recent at any age
        (None, "2026-02-23T08:59:59Z", "unknown"),
    ],
)
def test_how_old_a_weight_may_be_depends_on_the_age(born: str | None, when: str, severity: str) -> None:
    patient = {"birthDate": born} if born else {"birthDate": "unknown"}
    assert outcome(check("weight.stale", weight(20, when), patient=patient)) == severity


def test_an_impossible_weight_stops_even_where_a_good_one_is_newer() -> None:
    made = proposed(weight(700, "2026-02-01", id_="typo"))
    finding = found(result("weight.implausible", made))
    assert (finding.severity, made.outcome) == ("hard-stop", "stopped")
    assert [e.reference for e in finding.evidence] == ["Observation/typo"]
    assert outcome(result("record.value-unusable", made)) == "warning"


@pytest.mark.parametrize(("kg", "stops"), [("0.29", True), ("0.3", False), ("500", False), ("500.1", True)])
def test_a_stated_weight_is_held_to_the_same_limits(kg: str, stops: bool) -> None:
    assert (outcome(check("weight.implausible", weight={"dosing_kg": kg})) == "hard-stop") is stops


@pytest.mark.parametrize(
    ("born", "kg", "severity"),
    [
        ("1986-01-15", 250, "clear"),
        ("1986-01-15", 250.1, "override"),
        ("1986-01-15", 30, "clear"),
        ("1986-01-15", 29.9, "override"),
        ("2025-06-01", 16, "clear"),
        ("2025-06-01", 16.1, "override"),
        ("2025-03-02", 16.1, "clear"),  # one year: the next band
        ("2021-03-02", 40.1, "clear"),  # five years
        ("2021-03-03", 40.1, "override"),
        ("2014-03-02", 110.1, "clear"),  # twelve years
        ("2014-03-03", 110.1, "override"),
        ("2010-01-01", 19.9, "override"),
        ("2010-01-01", 20, "clear"),
    ],
)
def test_each_age_has_its_band(born: str, kg: float, severity: str) -> None:
    assert outcome(check("weight.implausible", weight(kg), drop=("height",), patient={"birthDate": born})) == severity


@pytest.mark.parametrize(("kg", "severity"), [(184.2, "override"), (183.7, "clear"), (36.7, "override"), (36.8, "clear")])
def test_the_body_mass_index_of_an_adult_is_plausible_from_12_to_60(kg: float, severity: str) -> None:
    assert outcome(check("weight.implausible", weight(kg))) == severity


def test_a_child_has_no_limits_of_body_mass_index() -> None:
    assert (
        outcome(
            check(
                "weight.implausible",
                weight(100),
                observation("height", "8302-2", 120, "cm", "2026-01-01"),
                patient={"birthDate": "2015-01-01"},
            )
        )
        == "clear"
    )


@pytest.mark.parametrize(
    ("kg", "severity"),
    [(75.9, "clear"), (76, "override"), (100, "override"), (100.1, "clear")],
)
def test_about_twice_the_weight_before_looks_like_pounds(kg: float, severity: str) -> None:
    before = weight(40, "2026-02-01T08:00:00Z", id_="before")
    assert outcome(check("weight.implausible", weight(kg), before)) == severity


@pytest.mark.parametrize(("kg", "severity"), [(39.9, "clear"), (40, "override"), (53, "override"), (53.1, "clear")])
def test_about_half_the_weight_before_looks_like_kilograms_after_pounds(kg: float, severity: str) -> None:
    before = weight(100, "2026-02-01T08:00:00Z", id_="before")
    assert outcome(check("weight.implausible", weight(kg), before)) == severity


@pytest.mark.parametrize(("when", "severity"), [("2025-08-29T08:00:00Z", "override"), ("2025-08-29T07:59:59Z", "clear")])
def test_only_a_weight_of_the_180_days_before_is_compared(when: str, severity: str) -> None:
    assert outcome(check("weight.implausible", weight(154), weight(70, when, id_="before"))) == severity
    changed = "warning" if severity == "override" else "clear"
    assert outcome(check("weight.changed", weight(78), weight(70, when, id_="before"))) == changed


@pytest.mark.parametrize(("kg", "branch"), [(77, "rise"), (76.9, None), (63, "fall"), (63.1, None)])
def test_a_tenth_is_a_change(kg: float, branch: str | None) -> None:
    before = weight(70, "2026-02-01T08:00:00Z", id_="before")
    made = check("weight.changed", weight(kg), before)
    assert (found(made).branch if outcome(made) == "warning" else None) == branch


def test_a_ratio_of_units_is_not_told_twice() -> None:
    before = weight(70, "2026-02-01T08:00:00Z", id_="before")
    assert outcome(check("weight.changed", weight(154), before)) == "clear"


def test_weights_that_nobody_measured_are_no_reference() -> None:
    before = weight(100, "2026-02-01T08:00:00Z", id_="before", loinc="3142-7")
    assert outcome(check("weight.changed", weight(70), before)) == "clear"


@pytest.mark.parametrize(
    ("chosen", "severity"),
    [
        ({"dosing_kg": "63.6", "basis": "actual"}, "warning"),
        ({"dosing_kg": "63.7", "basis": "actual"}, "clear"),
        ({"dosing_kg": "50", "basis": "adjusted"}, "clear"),
        ({"dosing_kg": "50", "basis": "ideal"}, "clear"),
        ({"dosing_kg": "50"}, "clear"),
    ],
)
def test_only_a_stated_actual_weight_is_compared_with_the_measured_one(chosen: dict[str, str], severity: str) -> None:
    assert outcome(check("weight.changed", weight=chosen)) == severity


@pytest.mark.parametrize(
    ("order", "run", "severity"),
    [
        (ordered_on(60), RUN, "warning"),
        (ordered_on(69), RUN, "clear"),
        (ordered_on(60), None, "clear"),  # another order is none of this one's business
        (ordered_on(50, "adjusted"), RUN, "clear"),
        (ordered_on(50, "adjusted", "Observation/before"), RUN, "warning"),
    ],
)
def test_an_order_of_this_run_is_compared_by_the_actual_weight_behind_it(order: Any, run: str | None, severity: str) -> None:
    before = weight(90, "2025-01-01T08:00:00Z", id_="before")
    assert outcome(check("weight.changed", before, order, run=run)) == severity


@pytest.mark.parametrize(
    ("change", "how"),
    [
        ({"loinc": "3142-7"}, "stated"),
        ({"loinc": "8335-2"}, "estimated"),
        ({"loinc": "75292-3"}, "reported usual"),
        ({"method": {"text": "Estimated by physician"}}, "estimated"),
        ({"method": {"text": "Bed scale"}}, None),
        ({"loinc": "8341-0"}, None),
    ],
)
def test_a_weight_that_nobody_measured_needs_a_reason(change: dict[str, Any], how: str | None) -> None:
    made = check("weight.not-measured", weight(70, **change))
    assert outcome(made) == ("override" if how else "clear")
    assert how is None or how in found(made).message


@pytest.mark.parametrize(("kg", "branch"), [(99.9, "missing"), (100, "missing-and-heavy")])
def test_a_heavy_adult_without_a_height_needs_a_reason(kg: float, branch: str) -> None:
    finding = found(check("height.missing", weight(kg), drop=("height",)))
    assert finding.branch == branch
    assert finding.severity == ("override" if branch == "missing-and-heavy" else "warning")


@pytest.mark.parametrize(("cm", "severity"), [(47.9, "clear"), (48, "override"), (84, "override"), (84.1, "clear")])
def test_an_adult_of_48_to_84_centimetres_was_measured_in_inches(cm: float, severity: str) -> None:
    made = proposed(observation("height", "8302-2", cm, "cm", "2026-01-01"))
    assert outcome(result("height.missing", made)) == severity
    assert (made.weight.height_cm is None) is (severity == "override")


def test_an_older_height_is_used_where_the_newest_reads_like_inches_and_a_newer_one_ends_it() -> None:
    older, inches = observation("older", "8302-2", 180, "cm", "2025-01-01"), observation("height", "8302-2", 71, "cm", "2026-01-01")
    made = proposed(older, inches)
    assert outcome(result("height.missing", made)) == "override"
    assert made.weight.height_cm == 180
    corrected = proposed(inches, observation("newer", "8302-2", 180, "cm", "2026-02-01"))
    assert outcome(result("height.missing", corrected)) == "clear"


def test_a_height_in_coded_inches_and_one_of_a_child_are_taken() -> None:
    assert outcome(check("height.missing", observation("height", "8302-2", 69, "[in_i]", "2026-01-01"))) == "clear"
    infant = {"birthDate": "2025-10-01"}
    assert outcome(check("height.missing", observation("height", "8306-3", 66, "cm", "2026-02-22"), weight(7), patient=infant)) == "clear"


def test_a_height_that_could_not_be_read_is_unknown_and_not_missing() -> None:
    assert outcome(check("height.missing", unread=("Observation",))) == "unknown"


@pytest.mark.parametrize(
    ("other", "when", "severity"),
    [
        (184, "2025-06-01", "clear"),  # 9 cm apart
        (184.9, "2025-06-01", "clear"),
        (185, "2025-06-01", "warning"),
        (165, "2025-06-01", "warning"),
        (165, "2003-06-01", "clear"),  # as a youth of 17
        (48, "2025-06-01", "clear"),  # reads like inches, which is another finding
    ],
)
def test_heights_of_an_adult_ten_centimetres_apart_warn(other: Any, when: str, severity: str) -> None:
    made = check(
        "height.missing", observation("height", "8302-2", 175, "cm", "2026-01-01"), observation("other", "8302-2", other, "cm", when)
    )
    assert outcome(made) == severity
    if severity == "warning":
        assert [e.reference for e in found(made).evidence] == ["Observation/height", "Observation/other"]
