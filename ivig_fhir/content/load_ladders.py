"""Rate tables of a product, from parsed TOML: steps, maximum, what the label says of patients at risk, why there is no table."""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal

from ivig_fhir.content.product import Ladder, NewPatients, RateStep, RiskRate
from ivig_fhir.content.reading import Table

BASES = ("label", "maker", "illustrative")


def read_ladders(row: Table, concentrations: Collection[Decimal]) -> tuple[Ladder, ...]:
    """The rate tables of a product. ContentError where steps, maximum and basis contradict each other."""
    ladders = tuple(_ladder(r, concentrations) for r in row.tables("ladder"))
    keys = [(name, x.concentration_mg_ml) for x in ladders for name in x.for_]
    if len(set(keys)) != len(keys):
        raise row.fault("ladder", "has two rate tables for one indication and concentration")
    return ladders


def read_risk_rate(row: Table, unverified: Collection[str]) -> RiskRate | None:
    """The label's word on patients at risk; absent only where it was not verified."""
    if ("risk rate" in unverified) == row.has("risk_rate"):
        raise row.fault("risk_rate", "is either given or named as unverified")
    if not row.has("risk_rate"):
        return None
    table = row.table("risk_rate")
    return RiskRate(table.number_or_none("max_mg_kg_min"), table.text("text"), table.optional("contradiction"), table.basis())


def _ladder(row: Table, concentrations: Collection[Decimal]) -> Ladder:
    steps, maximum = _steps(row), row.number("max_ml_kg_h")
    basis, concentration = row.one_of("basis", BASES), row.number("concentration_mg_ml")
    if concentration not in concentrations:
        raise row.fault("concentration_mg_ml", "is not a concentration of the product")
    if steps[-1].ml_kg_h != maximum:
        raise row.fault("max_ml_kg_h", "is not the rate of the last step")
    if (basis == "label") != all(s.printed for s in steps):
        raise row.fault("basis", "is label if, and only if, the source prints every step")
    return Ladder(
        for_=row.words("for", some=True),
        concentration_mg_ml=concentration,
        basis=basis,
        steps=steps,
        max_ml_kg_h=maximum,
        label_text=row.text("label_text"),
        source=row.basis(),
        contradiction=row.optional("contradiction"),
        condition=row.optional("condition"),
        new_patients=_new_patients(row, basis, maximum),
    )


def _new_patients(row: Table, basis: str, maximum: Decimal) -> NewPatients | None:
    """A maker's chart is for patients who are used to the product, so it says how far it goes for others."""
    if row.has("new_patients") != (basis == "maker"):
        raise row.fault("new_patients", "goes with a maker's chart, and with nothing else")
    if not row.has("new_patients"):
        return None
    table = row.table("new_patients")
    highest = table.number("max_ml_kg_h")
    if highest >= maximum:
        raise table.fault("max_ml_kg_h", "is not below the maximum for patients who are used to the product")
    return NewPatients(highest, table.whole("within_days", least=1), table.text("says"), table.basis(unsure=True))


def _steps(row: Table) -> tuple[RateStep, ...]:
    rows = row.tables("steps")
    made = tuple(RateStep(r.number("ml_kg_h"), r.number_or_none("minutes"), r.flag("printed")) for r in rows)
    if not made:
        raise row.fault("steps", "is missing")
    check_steps(row, made)
    return made


def check_steps(row: Table, steps: tuple[RateStep, ...]) -> None:
    """Rates rise, every step but the last has minutes, the last has none. ContentError otherwise."""
    for number, step in enumerate(steps, start=1):
        last = number == len(steps)
        if (step.minutes is None) != last or (step.minutes is not None and step.minutes <= 0):
            raise row.fault(f"steps[{number}].minutes", "must be absent, to the end" if last else "must be above 0")
        if step.ml_kg_h <= (steps[number - 2].ml_kg_h if number > 1 else 0):
            raise row.fault(f"steps[{number}].ml_kg_h", "is not above the step before")
