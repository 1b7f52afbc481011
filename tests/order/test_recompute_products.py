"""The second calculation agrees with every order that the first one makes, for every product, table, weight and risk."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from ivig_fhir.fhir.building import gate
from ivig_fhir.fhir.codes import NDC
from ivig_fhir.order.recompute import disagreements, recompute, tables_of
from ivig_fhir.proposal.model import Proposal
from ivig_fhir.proposal.resources import proposal_bundle
from tests.a_case import content
from tests.a_kept_proposal import kept
from tests.a_record import NOW, Resource, coded, infused, proposed, quiet, weight

KIDNEY = coded("Condition", "ckd", "http://hl7.org/fhir/sid/icd-10-cm", "N18.31")
TABLES = [(p.id, x.for_[0], str(x.concentration_mg_ml)) for p in content().products.values() for x in p.ladders]


def main_order(made: Proposal) -> Resource:
    """The MedicationRequest of the immunoglobulin."""
    resources = [e["resource"] for e in proposal_bundle(made, content(), "https://example.org", "1")["entry"]]
    return next(r for r in resources if r["resourceType"] == "MedicationRequest" and "dispenseRequest" in r)


def made(product: str, ladder: str, concentration: str, *added: Resource, **options: Any) -> Proposal:
    """Two grams per kilogram over two days by one rate table."""
    chosen = {"ladder": ladder, **options.pop("rate", {})}
    return proposed(*added, product=product, regimen="cidp-load", days=2, concentration_mg_ml=concentration, rate=chosen, **options)


@pytest.mark.parametrize(("product", "ladder", "concentration"), TABLES)
@pytest.mark.parametrize("kg", [Decimal("9.4"), 70, Decimal("133.7")])
@pytest.mark.parametrize("at_risk", [False, True])
def test_two_calculations_of_every_table_agree(product: str, ladder: str, concentration: str, kg: Decimal | int, at_risk: bool) -> None:
    used_to_it = {**infused("2026-02-02T10:00:00Z"), "medicationCodeableConcept": {"text": content().products[product].brand}}
    added = [weight(kg), *([KIDNEY] if at_risk else []), *([used_to_it] if kg == 70 else [])]
    proposal = made(product, ladder, concentration, *added)
    order = main_order(proposal)
    record = [*({r["id"]: r for r in quiet().values()} | {a["id"]: a for a in added}).values()]
    lines = recompute(order, record, tables_of(content()), NOW, kept(proposal))
    assert disagreements(lines) == ()
    assert [line.what for line in lines if line.what.startswith("Step")] == [f"Step {n + 1}" for n in range(len(proposal.rate.steps))]
    gate(order)


def given(when: str, brand: str = "Panzyga", **changes: Any) -> Resource:
    """One earlier infusion of a product."""
    return {**infused(when), "medicationCodeableConcept": {"text": brand}, **changes}


@pytest.mark.parametrize(
    ("shown", "agrees"),
    [
        (given("2026-01-05T10:00:00Z"), True),  # 56 days before the first infusion
        (given("2026-01-04T10:00:00Z"), False),
        (given("2026-02-02T10:00:00Z", status="not-done"), False),
        (given("2026-03-20T10:00:00Z"), False),  # still to come
        (given("2026-02-02T10:00:00Z", "Privigen"), False),
        (given("2026-02-02T10:00:00Z", medicationCodeableConcept={"coding": [{"system": NDC, "code": "68982-822-03"}]}), True),
        (given("2026-02-02T10:00:00Z", medicationCodeableConcept=None, medicationReference={"reference": "Medication/m"}), True),
    ],
)
def test_the_makers_chart_holds_for_those_alone_who_are_shown_to_be_used_to_the_product(shown: Resource, agrees: bool) -> None:
    order = main_order(made("panzyga", "PI", "100", weight(70), given("2026-02-02T10:00:00Z")))
    medication = {"resourceType": "Medication", "id": "m", "code": {"text": "PANZYGA 10 g"}}
    record = [*({r["id"]: r for r in quiet().values()} | {"weight": weight(70), shown["id"]: shown, "m": medication}).values()]
    maximum = next(x for x in recompute(order, record, tables_of(content())) if x.what == "Label maximum")
    assert (maximum.recomputed, maximum.agrees) == (f"at most {'588' if agrees else '504'} mL/h", agrees)


@pytest.mark.parametrize(("version", "agrees"), [(None, True), ("1999.1.0", None), ("", None)])
def test_another_version_of_the_weight_policy_is_shown(version: str | None, agrees: bool | None) -> None:
    tables = tables_of(content())
    if version is not None:
        tables = replace(tables, policies={k: replace(p, version=version) for k, p in tables.policies.items()})
    lines = recompute(main_order(made("privigen", "PI", "100", weight(70))), list(quiet().values()), tables)
    assert [x.agrees for x in lines if x.what == "Weight policy"] == [agrees]


def test_a_step_of_another_product_is_noticed() -> None:
    order = main_order(made("bivigam", "PI", "100"))
    other = next(c for c in order["medicationCodeableConcept"]["coding"] if c["code"] == "bivigam")
    other["code"] = "privigen"
    record = list(quiet().values())
    assert any(line.what.startswith("Step") for line in disagreements(recompute(order, record, tables_of(content()))))
