"""Selections as JSON and back: nothing that was chosen is lost on the way."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ivig_fhir.proposal.selections import parse_selections
from ivig_fhir.proposal.selections_json import as_json

NUMBER = st.decimals(min_value="0.01", max_value=20, places=2).map(str)
FLAGS = st.dictionaries(st.sampled_from(["hydration-before", "lab-liver"]), st.booleans())
WHOLE = st.integers(1, 100)
REASON = st.fixed_dictionaries(
    {"check": st.just("renal.reduced-function"), "code": st.just("9"), "note": st.sampled_from(["Seen.", "Ask."])}
)

SELECTIONS = st.fixed_dictionaries(
    {},
    optional={
        "indication": st.sampled_from(["cidp", "pi-cvid"]),
        "regimen": st.just("cidp-load"),
        "product": st.just("privigen"),
        "dose": st.one_of(
            NUMBER.map(lambda n: {"per_kg": n, "unit": "g/kg"}),
            NUMBER.map(lambda n: {"course_g": n}),
            st.just({}),
        ),
        "run": st.just("urn:uuid:3f6c21a8-0b1c-4d7e-9a51-0c9a4e2f7b10"),
        "days": WHOLE,
        "start": st.sampled_from(["2026-03-02", "2026-03-02T10:00", "2026-03-02T10:00:00+01:00"]),
        "dates": st.just(["2026-03-02", "2026-03-05"]),
        "interval_weeks": NUMBER,
        "cycles": WHOLE,
        "weight": st.sampled_from(
            [{}, {"policy": "ibw"}, {"dosing_kg": "70.0", "basis": "actual", "reason": "bed scale"}, {"dosing_kg": "8.25"}]
        ),
        "rounding": st.sampled_from([{}, {"increments_g": ["5", "2.5"], "tolerance": "0.10"}, {"tolerance": "0"}]),
        "rate": st.sampled_from(
            [{}, {"ladder": "PI"}, {"mode": "hours", "hours": "12"}, {"cap_mg_kg_min": None}, {"ladder": "PI", "cap_mg_kg_min": "2"}]
        ),
        "vial_sizes_g": st.just(["5", "10"]),
        "concentration_mg_ml": st.just("100"),
        "absolute_max_g": NUMBER,
        "diluent": st.sampled_from(["d5w", "saline"]),
        "setting": st.sampled_from(["inpatient", "outpatient", "home"]),
        "premedication": st.sampled_from([[], ["acetaminophen"]]),
        "thromboprophylaxis": st.booleans(),
        "companions": FLAGS,
        "overrides": st.lists(REASON, max_size=2),
    },
)


@settings(max_examples=300, deadline=None)
@given(SELECTIONS)
def test_selections_come_back_from_their_json_exactly(raw: dict[str, Any]) -> None:
    chosen = parse_selections(raw)
    assert parse_selections(as_json(chosen)) == chosen


def test_nothing_chosen_is_nothing_written() -> None:
    assert as_json(parse_selections({})) == {}
