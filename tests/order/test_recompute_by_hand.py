"""The second calculation never agrees by copying: every number and date of a stored order, changed by hand, is disagreed with."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from ivig_fhir.order.recompute import disagreements, recompute
from tests.a_raw_patient import NOW
from tests.a_second_look import Seen, look, tables

Path = tuple[str | int, ...]
WANTED = ("steps", "hours", "series", "stated grams", "infant")


def kinds(seen: Seen) -> Iterator[str]:
    """What an order is an example of."""
    dosage = seen.order["dosageInstruction"][0]
    names = {e["url"].rpartition("/")[2] for e in dosage["extension"]}
    steps = sum(e["url"].endswith("infusion-rate-step") for e in dosage["extension"])
    yield "steps" if steps > 2 else "hours" if seen.chosen.get("rate", {}).get("mode") == "hours" else ""
    yield "series" if "infusion-series" in names else ""
    yield "stated grams" if "course_g" in seen.chosen.get("dose", {}) else ""
    yield "infant" if seen.rounding == "infant" else ""


def examples() -> list[Seen]:
    """The first orders of each kind on which both agree."""
    found: dict[str, list[Seen]] = {kind: [] for kind in WANTED}
    for seed in range(2000):
        seen = look(seed)
        for kind in kinds(seen) if seen and not seen.forbidden else ():
            if kind and len(found[kind]) < 2 and seen:
                found[kind].append(seen)
        if all(len(v) == 2 for v in found.values()):
            break
    assert all(found.values())
    return [seen for some in found.values() for seen in some]


def paths(element: Any, at: Path = ()) -> Iterator[Path]:
    """Where numbers and dates stand, in what the order instructs."""
    if isinstance(element, dict):
        for name, value in element.items():
            yield from paths(value, (*at, name))
    elif isinstance(element, list):
        for index, value in enumerate(element):
            yield from paths(value, (*at, index))
    elif is_number(element) or is_date(element):
        yield at


def is_number(value: Any) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def is_date(value: Any) -> bool:
    return isinstance(value, str) and len(value) == 10 and value[4] == value[7] == "-"


def instructed(order: dict[str, Any]) -> list[Path]:
    """Every number and date of dosage and supply."""
    return [(part, *path) for part in ("dosageInstruction", "dispenseRequest") for path in paths(order[part])]


def changed(order: dict[str, Any], path: Path, by: int) -> dict[str, Any]:
    """The order with one value moved: a number by a tenth more or less, whole ones by one, a date by a day."""
    made = deepcopy(order)
    holder: Any = made
    for step in path[:-1]:
        holder = holder[step]
    value = holder[path[-1]]
    if isinstance(value, str):
        holder[path[-1]] = (date.fromisoformat(value) + timedelta(days=by)).isoformat()
    else:
        holder[path[-1]] = value + by if isinstance(value, int) else value + Decimal(by) / 10
    return made


@pytest.mark.parametrize("by", [1, -1])
def test_every_number_changed_by_hand_is_disagreed_with(by: int) -> None:
    for seen in examples():
        found = instructed(seen.order)
        assert len(found) > 20
        for path in found:
            lines = recompute(changed(seen.order, path, by), seen.record, tables(seen.site), NOW, seen.approved)
            assert disagreements(lines), (path, seen.chosen)


def test_both_workings_stand_beside_a_disagreement() -> None:
    seen = examples()[0]
    order = changed(seen.order, ("dosageInstruction", 0, "doseAndRate", 0, "doseQuantity", "value"), 1)
    wrong = disagreements(recompute(order, seen.record, tables(seen.site), NOW, seen.approved))
    dose = next(x for x in wrong if x.what == "Dose of one infusion")
    assert dose.ordered_working
    assert "rounded to" in dose.working
    assert all(x.ordered_working and x.working for x in wrong)
