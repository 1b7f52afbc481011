"""Products, from parsed TOML: vials, label indications, rate steps, composition and codes of one immunoglobulin."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any

from ivig_fhir.content.authority import Basis
from ivig_fhir.content.governance import ContentFile
from ivig_fhir.content.product import Amount, LabelIndication, Ladder, Product, RateStep
from ivig_fhir.content.reading import Table

STABILIZERS = ("glycine", "l-proline", "maltose", "d-sorbitol", "sucrose", "glucose")
DILUENTS = ("d5w", "saline")
LADDER_BASES = ("label", "maker", "illustrative")
CODE_SYSTEMS = ("ndc", "rxnorm", "hcpcs")
UNITS = {"mmol_l": "mmol/L", "mg_ml": "mg/mL", "mcg_ml": "mcg/mL"}


def read_product(data: Mapping[str, Any], file: ContentFile, citations: Collection[str]) -> Product:
    """One immunoglobulin product."""
    row = Table(data, file.name, citations)
    concentrations = row.numbers("concentrations_mg_ml")
    risk, text, source = _risk_rate(row)
    properties = _properties(row, concentrations)
    made = Product(
        id=row.id(),
        brand=row.text("brand"),
        proper_name=row.text("proper_name"),
        maker=row.text("maker"),
        governance=file.governance,
        marketed=row.flag("marketed"),
        concentrations_mg_ml=concentrations,
        intravenous=row.flag("intravenous"),
        labels=tuple(_label(r) for r in row.tables("label", naming="code")),
        ladders=tuple(_ladder(r, concentrations) for r in row.tables("ladder")),
        risk_rate_mg_kg_min=risk,
        risk_rate_text=text,
        risk_rate_source=source,
        stabilizers=_from(row, "stabilizers", STABILIZERS),
        excipients=row.words("excipients"),
        vials_g=row.numbers("vials_g"),
        diluents_allowed=_from(row, "diluents_allowed", DILUENTS),
        diluents_excluded=_from(row, "diluents_excluded", DILUENTS),
        properties={key: says for key, (says, _, _) in properties.items()},
        codes=_codes(row),
        names=row.words("names", some=True),
        source=row.basis(),
        content_hash=file.hash,
        property_sources={key: basis for key, (_, basis, _) in properties.items()},
        amounts={key: amount for key, (_, _, amount) in properties.items() if amount},
    )
    _refuse_contradictions(row, made)
    row.end()
    return made


def _refuse_contradictions(row: Table, made: Product) -> None:
    if len({x.code for x in made.labels}) != len(made.labels):
        raise row.fault("label", "has an indication twice")
    if set(made.diluents_allowed) & set(made.diluents_excluded):
        raise row.fault("diluents_excluded", "names a diluent that is allowed")
    for name in made.names:
        if name != name.lower():
            raise row.fault("names", f"has {name!r}, which is not lower case")


def _from(row: Table, key: str, allowed: Collection[str]) -> tuple[str, ...]:
    found = row.words(key)
    for word in found:
        if word not in allowed:
            raise row.fault(key, f"names {word!r}, which is not one of {', '.join(allowed)}")
    return found


def _risk_rate(row: Table) -> tuple[Decimal | None, str, Basis]:
    table = row.table("risk_rate")
    return table.number_or_none("max_mg_kg_min"), table.text("text"), table.basis()


def _label(row: Table) -> LabelIndication:
    return LabelIndication(row.text("code"), row.number_or_none("min_age_years"), row.text("age"), row.text("dose"), row.basis())


def _ladder(row: Table, concentrations: Collection[Decimal]) -> Ladder:
    steps, maximum = _steps(row), row.number("max_ml_kg_h")
    basis, concentration = row.one_of("basis", LADDER_BASES), row.number("concentration_mg_ml")
    if concentration not in concentrations:
        raise row.fault("concentration_mg_ml", "is not a concentration of the product")
    if steps[-1].ml_kg_h != maximum:
        raise row.fault("max_ml_kg_h", "is not the rate of the last step")
    if (basis == "label") != all(s.printed for s in steps):
        raise row.fault("basis", "is label if, and only if, the source prints every step")
    return Ladder(row.words("for", some=True), concentration, basis, steps, maximum, row.text("label_text"), row.basis())


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


def _properties(row: Table, concentrations: Collection[Decimal]) -> dict[str, tuple[str, Basis, Amount | None]]:
    """What is said of composition and handling, each statement on its own authority, with the figure in it."""
    table = row.table("properties")
    inner = {key: table.table(key) for key in table.names()}
    return {key: (said.text("says"), said.basis(), _amount(said, concentrations)) for key, said in inner.items()}


def _amount(said: Table, concentrations: Collection[Decimal]) -> Amount | None:
    """The figure of a statement; a product in several concentrations has to say at which it holds."""
    for key, unit in UNITS.items():
        if said.has(key):
            at = said.number("at_mg_ml") if said.has("at_mg_ml") or len(concentrations) > 1 else next(iter(concentrations))
            if at not in concentrations:
                raise said.fault("at_mg_ml", "is not a concentration of the product")
            return Amount(*said.pair(key), unit, at)
    return None


def _codes(row: Table) -> dict[str, tuple[str, ...]]:
    table = row.table("codes")
    for system in table.names():
        if system not in CODE_SYSTEMS:
            raise table.fault(system, f"is not one of {', '.join(CODE_SYSTEMS)}")
    return {system: table.words(system) for system in table.names()}
