"""The properties of every proposal on 100,000 random patients, over all order sets, products and policies; counted in docs/generated."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from a_population import Census, Patient, content, hold, monotone, orders, patients, proposal_of, repeatable, tenths, unambiguous
from hypothesis import HealthCheck, Phase, given, seed, settings

BATCHES, SIZE = 20, 5_000
REPORT = Path(__file__).resolve().parents[2] / "docs" / "generated" / "properties.md"
DONE: dict[int, Census] = {}
HEAD = """# Properties of every proposal

Made by `make proof` (`tests/proposal/test_properties_proof.py`, `tests/a_population.py`): random patients from birth to 100 years and from 1 to
300 kg, with random orders over all order sets, products, dosing-weight policies, days, doses, vial sizes, rounding and rate caps. Each line is a
property and the number of times it was put to the test; none failed.

"""

pytestmark = [pytest.mark.proof, pytest.mark.timeout(3600)]


@pytest.mark.parametrize("batch", range(BATCHES))
def test_every_property_holds_for_random_patients(batch: int) -> None:
    census = Census()

    @seed(batch)
    @settings(
        max_examples=SIZE, deadline=None, database=None, phases=(Phase.generate, Phase.shrink), suppress_health_check=list(HealthCheck)
    )
    @given(patients(), orders(), tenths("1", "300"))
    def one(patient: Patient, order: dict[str, Any], heavier: Decimal) -> None:
        census.count("patients", f"order set {order['indication']}", f"product {order['product']}", f"policy {order['weight']['policy']}")
        made = proposal_of(patient, order, census)
        if made is None:
            return
        hold(made, census)
        monotone(patient, heavier, order, census)
        if census.seen["patients"] % 10 == 0:
            repeatable(patient, order, made, census)
            unambiguous(made, census)

    one()
    DONE[batch] = census


def test_the_figures_are_written_down() -> None:
    if len(DONE) < BATCHES:
        pytest.skip("only part of the batches ran")
    seen: Counter[str] = sum((c.seen for c in DONE.values()), Counter())
    assert seen["patients"] >= BATCHES * SIZE
    assert {f"order set {i}" for i in content().order_sets} | {f"product {i}" for i in content().products} <= set(seen)
    assert {f"policy {i}" for i in content().weight_policies} <= set(seen)
    kinds = ("order set ", "product ", "policy ")
    counted = [f"| {name} | {n:,} |" for name, n in sorted(seen.items()) if not name.startswith(kinds)]
    spread = [f"{kind.strip()}s: {sum(name.startswith(kind) for name in seen)}" for kind in kinds]
    page = (
        HEAD
        + "| property or outcome | times |\n|---|---|\n"
        + "\n".join(counted)
        + "\n\nDrawn from "
        + ", ".join(spread).replace("policys", "policies")
        + ".\n"
    )
    REPORT.write_text(page, encoding="utf-8")
