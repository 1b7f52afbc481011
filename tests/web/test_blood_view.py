"""Values beside kidney and IgG on the pharmacist's screen: newest, dated, marked where they are not final; an absence is said for what it is."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from ivig_fhir.chart.bundle import from_documents
from ivig_fhir.chart.read import read_chart
from ivig_fhir.chart.snapshot import ChartSnapshot
from ivig_fhir.web.blood_view import blood_lines, height_said, weight_before, weights_said
from ivig_fhir.web.pictures import SMALL, trend
from tests.a_case import content
from tests.a_record import CREATININE, HEIGHT, HEMOGLOBIN, IGA, NOW, observation, quiet, weight

HB = observation("hb", HEMOGLOBIN, 13.9, "g/dL", "2026-02-27T08:00:00Z")
DENIED = {
    "resourceType": "OperationOutcome",
    "issue": [{"severity": "warning", "code": "forbidden", "diagnostics": "Observation"}],
}


def chart(*observations: dict[str, Any], denied: bool = False) -> ChartSnapshot:
    """The quiet record with these observations alone; `denied`: the EHR showed none, or not all of them."""
    kept = [r for r in quiet().values() if r["resourceType"] != "Observation"]
    entries = [{"resource": r, "search": {"mode": "match"}} for r in (*kept, *observations)]
    refused = [{"resource": DENIED, "search": {"mode": "outcome"}}] if denied else []
    bundle = {"resourceType": "Bundle", "type": "searchset", "entry": [*entries, *refused]}
    return read_chart(from_documents([bundle]), content(), NOW, UTC)


def test_values_of_one_day_stand_together_and_the_newest_day_first() -> None:
    old = observation("iga", IGA, 95, "mg/dL", "2024-06-29T08:00:00Z")
    before = observation("hb-before", HEMOGLOBIN, 11, "g/dL", "2026-01-05T08:00:00Z")
    assert blood_lines(chart(old, before, HB)) == [
        ("27 Feb 2026", "Hb 13.9 g/dL"),
        ("29 Jun 2024", "IgA 95 mg/dL"),
        ("None in the record", "platelets, ABO, HBsAg, anti-HBc"),
    ]


def test_what_could_not_be_read_is_never_none() -> None:
    assert blood_lines(chart(HB, denied=True))[-1] == ("Could not be read", "platelets, IgA, ABO, HBsAg, anti-HBc")
    assert blood_lines(chart(denied=True)) == [("Could not be read", "Hb, platelets, IgA, ABO, HBsAg, anti-HBc")]
    assert height_said(chart(denied=True)) == "could not be read"
    assert weights_said(chart(denied=True)) == "could not be read"
    assert height_said(chart()) == "none in the record"


def test_a_value_that_is_not_final_or_not_usable_says_so() -> None:
    early = {**HB, "status": "preliminary"}
    assert blood_lines(chart(early))[0] == ("27 Feb 2026", "Hb 13.9 g/dL (preliminary)")
    wrong = observation("hb", HEMOGLOBIN, 13.9, "kg", "2026-02-27T08:00:00Z")
    assert ("Not usable", "Hb") in blood_lines(chart(wrong))
    assert ("None in the record", "platelets, IgA, ABO, HBsAg, anti-HBc") in blood_lines(chart(wrong))


def test_a_bound_keeps_its_sign() -> None:
    bound = observation("iga", IGA, 7, "mg/dL", "2026-02-27T08:00:00Z")
    bound["valueQuantity"]["comparator"] = "<"
    assert blood_lines(chart(bound))[0] == ("27 Feb 2026", "IgA < 7 mg/dL")


def test_the_weight_before_stands_with_its_day_and_by_how_much_it_moved() -> None:
    two = chart(weight(82, "2026-02-27T08:00:00Z", "w2"), weight(80, "2026-01-16T08:00:00Z", "w1"))
    assert weight_before(two).replace("\u00a0", " ") == "Before: 80.0 kg on 16 Jan 2026; +2.5 % since."
    less = chart(weight(80, "2026-02-27T08:00:00Z", "w2"), weight(82, "2026-01-16T08:00:00Z", "w1"))
    assert weight_before(less).replace("\u00a0", " ") == "Before: 82.0 kg on 16 Jan 2026; −2.4 % since."
    infant = chart(weight(8.64, "2026-02-27T08:00:00Z", "w2"), weight(8.4, "2026-01-16T08:00:00Z", "w1"))
    assert weights_said(infant) == "8.64 kg on 27 Feb 2026, 8.40 kg on 16 Jan 2026"


def test_one_weight_alone_says_that_there_is_none_before_or_that_nobody_knows() -> None:
    one = weight(82, "2026-02-27T08:00:00Z")
    assert weight_before(chart(one)) == "No weight before in the record."
    assert weight_before(chart(one, denied=True)) == "Weights before could not be read."


def test_the_height_has_its_day() -> None:
    assert height_said(chart(observation("h", HEIGHT, 180, "cm", "2026-02-20T08:00:00Z"))) == "180 cm, 20 Feb 2026"


def test_a_trend_says_that_its_newest_value_is_not_final() -> None:
    final = observation("c1", CREATININE, 0.9, "mg/dL", "2026-01-20T08:00:00Z")
    newest = observation("c2", CREATININE, 1.4, "mg/dL", "2026-02-27T08:00:00Z", status="preliminary")
    shown = trend("Creatinine", chart(final, newest).panel("creatinine"), box=SMALL)
    assert shown is not None
    assert (shown.preliminary, shown.described.endswith("(preliminary).")) == (True, True)
    earlier = trend("Creatinine", chart(final).panel("creatinine"), box=SMALL)
    assert earlier is not None
    assert not earlier.preliminary
