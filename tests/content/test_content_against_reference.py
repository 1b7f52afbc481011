"""Every figure and code of the content against the shared reference, and nothing that the reference marks as unsure."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from ivig_fhir.content.model import Content
from ivig_fhir.fhir.codes import SHORT, code

Read = Callable[[str], dict[str, Any]]


def exact(value: Any) -> Decimal | None:
    """A figure of the reference, exactly as it is written there."""
    return None if value is None else Decimal(str(value))


def entry(rows: list[dict[str, Any]], id_: str) -> dict[str, Any]:
    """A row of the reference by our id."""
    return next(r for r in rows if r["id"] == id_.replace("-", "_"))


def hyphens(id_: str) -> str:
    """An id of the reference in our spelling."""
    return id_.replace("_", "-")


# Codes that the reference lacks: of a recorded chart (an allergy to immunoglobulin must never be read as none), and of public code lists.
ADDED_CODES = {
    "ig_therapy": {code(SHORT["snomed"], "294635009"), code(SHORT["unii"], "66Y330CJHS")},
    "corn_allergy": {code(SHORT["snomed"], "419573007"), code(SHORT["unii"], "O8232NY3SJ")},
    "polysorbate_allergy": {code(SHORT["unii"], "6OZP39ZG8H")},
}


def test_value_sets_are_those_of_the_reference_without_what_is_unsure(content: Content, reference: Read) -> None:
    for id_, theirs in reference("checks.yaml")["codesets"].items():
        ours = content.value_sets[hyphens(id_)]
        sure = [c for c in theirs["codes"] if c["confidence"] != "?"]
        exact_codes = {code(SHORT[c["system"]], c["code"]) for c in sure if c.get("match") != "prefix"}
        assert set(ours.exact) == exact_codes | ADDED_CODES.get(id_, set()), id_
        assert set(ours.prefixes) == {code(SHORT[c["system"]], c["code"]) for c in sure if c.get("match") == "prefix"}, id_
        assert set(theirs.get("terms", ())) <= set(ours.terms), id_
        assert set(theirs.get("exclude_terms", ())) <= set(ours.exclude_terms), id_


# Thresholds that stand here under another name, or in another unit.
RENAMED = {
    ("B04", "contrast_window_hours"): ("contrast_window_days", 3),
    ("C12", "steps_mg_kg_months"): ("steps_g_kg_months", [["0.4", 8], [1, 10]]),
}
# A limit of plausibility, which is the panel's.
ELSEWHERE = {("D06", "hard")}


def figures(value: Any) -> Any:
    """Numbers as exact numbers, lists as tuples, words as they are."""
    if isinstance(value, list | tuple):
        return tuple(figures(v) for v in value)
    return value if isinstance(value, str) and not value[:1].isdigit() else exact(value)


def test_thresholds_and_severities_of_a_check_are_those_of_the_reference(content: Content, reference: Read) -> None:
    built = {c.ref: c for c in content.checks.values()}
    seen = 0
    for theirs in (r for r in reference("checks.yaml")["checks"] if r["id"] in built):
        ours = built[theirs["id"]]
        for name, value in theirs["thresholds"].items():
            if (ours.ref, name) in ELSEWHERE:
                continue
            mine, wanted = RENAMED.get((ours.ref, name), (name, value))
            assert figures(ours.thresholds[mine]) == figures(wanted), (ours.ref, name)
            seen += 1
        assert {hyphens(s) for s in theirs["severity"].values()} <= set(ours.severity.values()), ours.ref
        assert ours.source.confidence == theirs["confidence"], ours.ref
        assert ours.detected_issue == theirs["detected_issue_code"], ours.ref
        assert len(ours.source.citations) >= len(theirs["sources"]), ours.ref
    assert seen > 50


REFUSED = {"egfr": {"48643-1", "88293-6"}, "body_weight": {"8339-4", "18833-4"}}
ADDED = {"body_weight": {"8351-9"}}


def test_panels_are_those_of_the_reference(content: Content, reference: Read) -> None:
    panels = reference("checks.yaml")["observation_panel"]
    assert list(content.panels) == [hyphens(id_) for id_ in panels]
    for id_, theirs in panels.items():
        ours = content.panels[hyphens(id_)]
        codes = {c["code"] for c in theirs["loinc"] if c["confidence"] != "?"}
        assert set(ours.loinc) == codes - REFUSED.get(id_, set()) | ADDED.get(id_, set()), id_
        assert REFUSED.get(id_, set()) <= set(ours.never)
        assert ours.unit == (theirs["canonical_unit"] or "")
        assert ours.hard == (tuple(exact(x) for x in theirs["plausible_hard"]) if theirs["plausible_hard"] else None)
        assert dict(ours.soft) == {k: tuple(exact(x) for x in v) for k, v in (theirs["plausible_soft"] or {}).items()}
        ratios = {"1", "{ratio}"} if id_ == "serum_viscosity" else set()
        assert set(ours.accepted) == set(theirs["accepted_units"]) - ratios, id_
