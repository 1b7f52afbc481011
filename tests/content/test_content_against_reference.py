"""Every figure and code of the content against the shared reference, and nothing that the reference marks as unsure."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from ivig_fhir.content.model import Content
from ivig_fhir.fhir.codes import SHORT, code

Read = Callable[[str], dict[str, Any]]
ORDER_SETS = ("cidp", "pi-cvid", "itp-adult", "gbs", "mg", "ra")
PRODUCTS = ("gamunex-c", "privigen", "octagam-10", "gammagard-liquid")
KG_MG_MIN = Decimal(60)


def exact(value: Any) -> Decimal | None:
    """A figure of the reference, exactly as it is written there."""
    return None if value is None else Decimal(str(value))


def entry(rows: list[dict[str, Any]], id_: str) -> dict[str, Any]:
    """A row of the reference by our id."""
    return next(r for r in rows if r["id"] == id_.replace("-", "_"))


def hyphens(id_: str) -> str:
    """An id of the reference in our spelling."""
    return id_.replace("_", "-")


@pytest.mark.parametrize("id_", PRODUCTS)
def test_product_figures_are_those_of_the_reference(content: Content, reference: Read, id_: str) -> None:
    ours, theirs = content.products[id_], entry(reference("products.yaml")["products"], id_)
    assert ours.brand == theirs["brand"]
    assert ours.vials_g == tuple(exact(v) for v in theirs["vials_g"]["values"])
    assert ours.concentrations_mg_ml == tuple(exact(v) for v in theirs["concentration_mg_ml"])
    assert ours.intravenous is theirs["routes"]["iv"]
    assert ours.risk_rate_mg_kg_min == exact(theirs["risk_rate"]["max_mg_kg_min"])
    assert ours.risk_rate_source.confidence == theirs["risk_rate"]["confidence"] != "?"
    assert [x.code for x in ours.labels] == [x["code"] for x in theirs["indications"]]
    assert ours.codes["hcpcs"] == (theirs["hcpcs"]["code"],)
    assert ours.codes["rxnorm"] == tuple(x["code"] for x in theirs["rxcui"] if x["confidence"] != "?")


@pytest.mark.parametrize("id_", PRODUCTS)
def test_product_composition_is_that_of_the_reference(content: Content, reference: Read, id_: str) -> None:
    ours = content.products[id_]
    theirs = reference("checks.yaml")["products_minimal"]["products"][id_.replace("-", "_")]
    assert ours.stabilizers == tuple(s.lower() for s in theirs["stabilizer"])
    assert ours.excipients == tuple(theirs["excipients"])
    iga = entry(reference("products.yaml")["products"], id_)["formulation"]["iga_mcg_ml"]
    for key, value in iga.items():
        amount = ours.amounts[f"iga_{key}"]
        assert (amount.high, amount.unit, f"{value} mcg/mL" in ours.properties[f"iga_{key}"]) == (exact(value), "mcg/mL", True)


@pytest.mark.parametrize("id_", PRODUCTS)
def test_rate_steps_are_those_of_the_reference(content: Content, reference: Read, id_: str) -> None:
    ours, theirs = content.products[id_].ladders, entry(reference("products.yaml")["products"], id_)["rates"]
    assert len(ours) == len(theirs)
    for ladder, rate in zip(ours, theirs, strict=True):
        assert rate["confidence"] in ("V", "K")
        assert ladder.source.confidence == rate["confidence"]
        assert ladder.for_ == tuple(rate["for"])
        assert [(s.ml_kg_h, s.minutes) for s in ladder.steps] == [(exact(s["ml_kg_h"]), exact(s["minutes"])) for s in rate["steps"]]
        assert (ladder.max_ml_kg_h, ladder.concentration_mg_ml) == (exact(rate["max"]["ml_kg_h"]), exact(rate["conc_mg_ml"]))
        for ours_step, their_step in zip(ladder.steps, rate["steps"], strict=True):
            per_minute = ours_step.ml_kg_h * ladder.concentration_mg_ml / KG_MG_MIN
            assert abs(per_minute - Decimal(str(their_step["mg_kg_min"]))) < Decimal("0.001")
        assert (ladder.basis == "label") is (rate["steps_basis"] == "label")
        assert ladder.steps[0].printed
        assert ladder.steps[-1].printed
        assert ladder.basis == "label" or not any(s.printed for s in ladder.steps[1:-1])


AGES = {
    ("gamunex-c", "PI"): 2, ("gamunex-c", "ITP"): None, ("gamunex-c", "CIDP"): 18,
    ("privigen", "PI"): None, ("privigen", "ITP"): 15, ("privigen", "CIDP"): 18,
    ("octagam-10", "ITP"): 18, ("octagam-10", "DM"): 18,
    ("gammagard-liquid", "PI"): 2, ("gammagard-liquid", "MMN"): 18, ("gammagard-liquid", "CIDP"): 18,
}  # fmt: skip


def test_labelled_ages_follow_the_words_of_the_reference(content: Content, reference: Read) -> None:
    for (product, indication), years in AGES.items():
        label = content.products[product].label(indication)
        words = next(x["age"] for x in entry(reference("products.yaml")["products"], product)["indications"] if x["code"] == indication)
        assert label is not None
        assert label.min_age_years == exact(years), (product, indication)
        assert years is None or str(years) in words or "adult" in words


def test_diluents_that_the_reference_forbids_are_excluded(content: Content) -> None:
    excluded = {id_: set(p.diluents_excluded) for id_, p in content.products.items() if id_ in PRODUCTS}
    allowed = {id_: set(p.diluents_allowed) for id_, p in content.products.items() if id_ in PRODUCTS}
    assert excluded == {"gamunex-c": {"saline"}, "gammagard-liquid": {"saline"}, "privigen": set(), "octagam-10": {"d5w", "saline"}}
    assert allowed == {"gamunex-c": {"d5w"}, "gammagard-liquid": {"d5w"}, "privigen": {"d5w"}, "octagam-10": set()}


@pytest.mark.parametrize("id_", ORDER_SETS)
def test_regimens_are_those_of_the_reference(content: Content, reference: Read, id_: str) -> None:
    ours, theirs = content.order_sets[id_], entry(reference("indications.yaml")["indications"], id_)
    assert ours.tier == theirs["tier"]
    assert [r.id for r in ours.regimens] == [hyphens(r["id"]) for r in theirs["regimens"]]
    for mine, their in zip(ours.regimens, theirs["regimens"], strict=True):
        assert their["confidence"] != "?"
        assert mine.source.confidence == their["confidence"]
        assert mine.dose_g_kg == tuple(exact(v) for v in their["dose_g_kg"])
        assert mine.days == tuple(their["days"])
        assert mine.basis.replace("-", "_") == their["basis"]
        assert mine.interval_weeks == (tuple(exact(v) for v in their["interval_weeks"]) if "interval_weeks" in their else None)
        assert mine.label_range_g_kg == (tuple(exact(v) for v in their["label_range_g_kg"]) if "label_range_g_kg" in their else None)
        printed = {hyphens(k): tuple(v) for k, v in their.get("label_days", {}).items()}
        assert not printed or dict(mine.label_days) == printed


@pytest.mark.parametrize("id_", ORDER_SETS)
def test_limits_of_an_order_set_are_those_of_the_reference(content: Content, reference: Read, id_: str) -> None:
    theirs = entry(reference("indications.yaml")["indications"], id_)["max"]
    assert dict(content.order_sets[id_].maximum) == {k: exact(v) for k, v in theirs.items() if k.endswith(("_g", "_g_kg"))}


@pytest.mark.parametrize("id_", ORDER_SETS)
def test_diagnosis_codes_are_those_of_the_reference_and_match_exactly(content: Content, reference: Read, id_: str) -> None:
    theirs, ours = entry(reference("indications.yaml")["indications"], id_), content.order_sets[id_].codes
    wanted = {code(SHORT["icd10cm"], c["code"]) for c in theirs["icd10cm"]["codes"]}
    wanted |= {code(SHORT["snomed"], c["code"]) for c in theirs["snomed"] if c["confidence"] != "?"}
    assert set(ours.exact) == wanted
    assert not ours.prefixes
    assert not ours.terms


@pytest.mark.parametrize("id_", ORDER_SETS)
def test_evidence_and_documentation_are_complete_and_nothing_unsure_is_said(content: Content, reference: Read, id_: str) -> None:
    ours, theirs = content.order_sets[id_], entry(reference("indications.yaml")["indications"], id_)
    assert [e.source.confidence for e in ours.evidence] == [e["confidence"] for e in theirs["evidence"] if e["confidence"] != "?"]
    assert len(ours.documentation) >= len(theirs["documentation"])


# A code that a recorded chart carries and the reference does not: an allergy to immunoglobulin must never be read as no allergy.
CARRIED = {"ig-therapy": {code(SHORT["snomed"], "294635009")}}


def test_value_sets_are_those_of_the_reference_without_what_is_unsure(content: Content, reference: Read) -> None:
    for id_, theirs in reference("checks.yaml")["codesets"].items():
        ours = content.value_sets[hyphens(id_)]
        sure = [c for c in theirs["codes"] if c["confidence"] != "?"]
        assert set(ours.exact) == {code(SHORT[c["system"]], c["code"]) for c in sure if c.get("match") != "prefix"} | CARRIED.get(
            ours.id, set()
        ), id_
        assert set(ours.prefixes) == {code(SHORT[c["system"]], c["code"]) for c in sure if c.get("match") == "prefix"}, id_
        assert set(theirs.get("terms", ())) <= set(ours.terms), id_
        assert set(theirs.get("exclude_terms", ())) <= set(ours.exclude_terms), id_


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
