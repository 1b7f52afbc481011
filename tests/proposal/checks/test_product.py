"""What is said of every product."""

from __future__ import annotations

from a_case import case, cited, found

from ivig_fhir.proposal.checks.product import plasma_derived


def test_it_is_always_said_that_the_product_is_made_from_plasma() -> None:
    result = found(plasma_derived(case(dose_g=None, kg=None, unread=("Condition", "Observation"))))
    assert result.severity == "info"
    assert result.message.startswith("Gamunex-C is made from human plasma")
    assert any("lot" in m for m in result.mitigation)
    assert cited(result) == {"order_sets/products/gamunex-c.toml"}
