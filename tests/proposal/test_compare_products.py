"""Products side by side: the same engine for each, and the reason where one does not suit."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import pytest

import ivig_fhir
from ivig_fhir.chart.bundle import from_documents
from ivig_fhir.chart.read import read_chart
from ivig_fhir.chart.snapshot import ChartSnapshot
from ivig_fhir.content.model import Content
from ivig_fhir.content.site import Site
from ivig_fhir.errors import SelectionError
from ivig_fhir.proposal.compare_products import ProductRow, compare_products
from ivig_fhir.proposal.propose import propose
from ivig_fhir.proposal.selections import parse_selections
from tests.a_case import content
from tests.a_record import NOW, SNOMED, Resource, coded, quiet

CIDP = {"indication": "cidp", "regimen": "cidp-maint", "product": "gamunex-c"}


def chart(*added: Resource, **patient: Any) -> ChartSnapshot:
    """The quiet record with these changes."""
    record = quiet() | {str(a["id"]): a for a in added}
    record["p1"] = {**record["p1"], **patient}
    return read_chart(from_documents(list(record.values())), content(), NOW, UTC)


def rows(*added: Resource, site: Site | None = None, using: Content | None = None, **selections: Any) -> dict[str, ProductRow]:
    """The comparison by product id, in its own order."""
    plan = parse_selections({**CIDP, **selections})
    return {r.product.id: r for r in compare_products(chart(*added), plan, using or content(), NOW, site or Site())}


def test_it_is_part_of_the_public_interface() -> None:
    assert ivig_fhir.compare_products is compare_products


def test_every_product_that_is_made_has_one_row_and_the_chosen_one_is_marked() -> None:
    found = rows()
    assert set(found) == {p.id for p in content().products.values() if p.marketed}
    assert [id_ for id_, r in found.items() if r.chosen] == ["gamunex-c"]


def test_a_row_is_what_the_proposal_for_that_product_says() -> None:
    found = rows()["privigen"]
    made = propose(chart(), parse_selections({**CIDP, "product": "privigen"}), content(), NOW, Site())
    assert made.dose is not None
    assert found.proposal is not None
    assert found.proposal.digest == made.digest
    assert (found.per_infusion_g, found.course_g) == (made.dose.per_infusion_g, made.dose.course_g)
    assert (found.vials, found.waste_g, found.volume_ml) == (made.vials, made.waste_g, made.volume_ml)
    assert (found.minutes, found.rate_basis) == (made.rate.total_minutes, made.rate.basis)
    assert found.highest_ml_h == max(s.ml_h for s in made.rate.steps)


def test_a_row_says_over_how_many_infusions_the_course_is_divided() -> None:
    found = rows(regimen="cidp-load")
    for row in (found["gamunex-c"], found["panzyga"]):
        assert row.proposal is not None and row.proposal.dose is not None and row.per_infusion_g is not None
        assert row.infusions == len(row.proposal.dose.infusions)
        assert row.course_g == row.per_infusion_g * row.infusions
    assert found["panzyga"].infusions == 2  # all that its label prints
    assert found["gamunex-c"].infusions == 4


def test_sodium_and_sugar_are_those_of_one_infusion() -> None:
    found = rows(days=2)
    assert found["octagam-10"].per_infusion_g == Decimal(35)
    assert (found["octagam-10"].sugar.low, found["octagam-10"].sugar.high) == (Decimal("31.5"), Decimal("31.5"))
    assert (found["octagam-10"].sodium.low, found["octagam-10"].sodium.high) == (0, Decimal("10.5"))
    assert (found["privigen"].sugar.low, found["privigen"].sugar.high) == (0, 0)


def test_what_the_label_says_without_a_figure_stays_words() -> None:
    sodium = rows()["gamunex-c"].sodium
    assert (sodium.low, sodium.high, sodium.says) == (None, None, "trace")


def test_a_contraindication_in_this_chart_speaks_against_the_one_product_it_concerns() -> None:
    found = rows(coded("Condition", "prolin", SNOMED, "61071003"))
    assert not found["privigen"].suits
    assert [a.check for a in found["privigen"].against] == ["excipient.proline"]
    assert [f.check for f in found["privigen"].found if f.severity == "hard-stop"] == ["excipient.proline"]
    assert found["gamunex-c"].suits


def test_a_stop_of_the_treatment_itself_speaks_against_no_product() -> None:
    found = rows(indication="ra", regimen=None)
    assert all("indication.not-recommended" not in [a.check for a in r.against] for r in found.values())
    assert {r.per_infusion_g for r in found.values()} == {None}


@pytest.mark.parametrize(("birth", "suits"), [("2008-03-03", False), ("2008-03-02", True)])
def test_a_patient_below_the_labelled_age_is_told_by_a_day(birth: str, suits: bool) -> None:
    found = compare_products(chart(birthDate=birth), parse_selections(CIDP), content(), NOW, Site())
    row = next(r for r in found if r.product.id == "gamunex-c")
    assert ("product.age" not in [a.check for a in row.against]) is suits


def test_a_product_outside_the_formulary_keeps_its_figures_and_says_so() -> None:
    found = rows(site=Site(formulary=("gamunex-c",)))
    assert found["gamunex-c"].suits
    assert [a.said for a in found["privigen"].against] == ["Privigen is not on the site's formulary."]
    assert found["privigen"].per_infusion_g == found["gamunex-c"].per_infusion_g


def test_the_default_comes_before_others_and_what_may_not_be_had_after_them() -> None:
    found = [r.product.id for r in rows(indication="pi-cvid", regimen=None).values() if r.suits and r.on_label]
    assert found[0] == content().order_sets["pi-cvid"].default_product
    assert set(found[-2:]) == {"flebogamma-dif-5", "flebogamma-dif-10"}


def test_those_that_suit_come_first_then_the_labelled_ones() -> None:
    found = list(rows(coded("Condition", "prolin", SNOMED, "61071003")).values())
    assert [r.suits for r in found] == sorted((r.suits for r in found), reverse=True)
    suiting = [r.on_label for r in found if r.suits]
    assert suiting == sorted(suiting, reverse=True)


def test_what_belongs_to_one_product_is_not_carried_over_to_another() -> None:
    found = rows(vial_sizes_g=["40"], concentration_mg_ml="100", rate={"ladder": "ITP"})
    assert {v.grams for v in found["gamunex-c"].vials} == {Decimal(40)}
    assert {v.grams for v in found["privigen"].vials} == {Decimal(40), Decimal(20), Decimal(10)}
    assert found["gammagard-liquid"].proposal is not None
    assert found["gammagard-liquid"].proposal.rate.ladder == "CIDP"


def test_a_product_that_is_no_longer_made_is_not_offered() -> None:
    gone = replace(content().products["privigen"], marketed=False)
    assert "privigen" not in rows(using=replace(content(), products=MappingProxyType({**content().products, "privigen": gone})))


def test_selections_that_cannot_be_proposed_are_refused_as_they_are() -> None:
    with pytest.raises(SelectionError, match="E-42"):
        rows(indication="measles-mumps")
