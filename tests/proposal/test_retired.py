"""Retired content: known to history, and no new order stands on it."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest
from a_case import case, content, problem

from ivig_fhir.content.model import Content
from ivig_fhir.content.site import Site
from ivig_fhir.errors import SelectionError
from ivig_fhir.proposal.applicability import choose_order_set, choose_product, indications_in
from ivig_fhir.proposal.selections import Selections

CIDP = problem("icd10cm|G61.81")


def with_retired(group: str, id_: str) -> Content:
    """The content with one order set or product retired."""
    kept: dict[str, Any] = dict(getattr(content(), group))
    kept[id_] = replace(kept[id_], governance=replace(kept[id_].governance, status="retired"))
    return replace(content(), **{group: MappingProxyType(kept)})


def test_a_retired_order_set_is_neither_found_in_a_chart_nor_chosen() -> None:
    chart, retired = case(CIDP).chart, with_retired("order_sets", "cidp")
    assert [s.id for s in indications_in(chart, content())] == ["cidp"]
    assert indications_in(chart, retired) == ()
    with pytest.raises(SelectionError) as caught:
        choose_order_set(chart, Selections(indication="cidp"), retired)
    assert "retired" in caught.value.message


def test_a_retired_product_is_neither_the_default_nor_chosen() -> None:
    order_set, retired = content().order_sets["cidp"], with_retired("products", "gamunex-c")
    assert choose_product(order_set, Selections(), content(), Site()).id == "gamunex-c"
    assert choose_product(order_set, Selections(), retired, Site()).id != "gamunex-c"
    with pytest.raises(SelectionError) as caught:
        choose_product(order_set, Selections(product="gamunex-c"), retired, Site())
    assert "retired" in caught.value.message
