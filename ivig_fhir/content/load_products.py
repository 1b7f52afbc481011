"""Products, from parsed TOML: vials, label indications, composition, codes and what could not be verified of one immunoglobulin."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any

from ivig_fhir.content.governance import ContentFile
from ivig_fhir.content.load_ladders import read_ladders, read_risk_rate
from ivig_fhir.content.product import Amount, LabelIndication, Product, ProductCodes, Property
from ivig_fhir.content.reading import Table

STABILIZERS = ("glycine", "l-proline", "maltose", "d-sorbitol", "sucrose", "glucose")
DILUENTS = ("d5w", "saline")
OTHER_ROUTES = ("subcutaneous", "intramuscular")
CODE_SYSTEMS = ("ndc", "rxnorm", "hcpcs")
UNITS = {"mmol_l": "mmol/L", "mg_ml": "mg/mL", "mcg_ml": "mcg/mL", "mosm_kg": "mOsm/kg", "ph": "pH"}
# What has to be said of every product, or named as unverified; and what may be said besides.
_SAID = {
    "status": ("status",), "stabilizer": ("stabilizer",), "sugar": ("sugar",), "sodium": ("sodium",), "iga": ("iga_max", "iga_average"),
    "iga limit": ("iga_max",), "ph": ("ph",), "osmolality": ("osmolality",), "storage": ("storage",), "diluent": ("diluent",),
    "filter": ("filter",), "latex": ("latex",), "contraindications": ("contraindicated",),
}  # fmt: skip
_OPTIONAL = ("iga_average", "subcutaneous", "bags", "warnings")
_OTHERS = ("rate table", "risk rate", "dose", "age", "availability", "vials", *CODE_SYSTEMS)


def read_product(data: Mapping[str, Any], file: ContentFile, citations: Collection[str]) -> Product:
    """One immunoglobulin product. ContentError where something is neither said nor named as unverified."""
    row = Table(data, file.name, citations)
    concentrations, unverified = row.numbers("concentrations_mg_ml"), _from(row, "unverified", (*_SAID, *_OTHERS))
    made = Product(
        id=row.id(),
        brand=row.text("brand"),
        proper_name=row.text("proper_name"),
        maker=row.optional("maker"),
        governance=file.governance,
        marketed=row.flag("marketed"),
        intravenous=row.flag("intravenous"),
        same_as=row.optional("same_as"),
        concentrations_mg_ml=concentrations,
        vials_g=row.numbers("vials_g") if row.has("vials_g") else (),
        labels=tuple(_label(r) for r in row.tables("label", naming="code")),
        ladders=read_ladders(row, concentrations),
        no_rate_table=row.optional("no_rate_table"),
        risk_rate=read_risk_rate(row, unverified),
        stabilizers=_from(row, "stabilizers", STABILIZERS),
        excipients=row.words("excipients"),
        diluents_allowed=_from(row, "diluents_allowed", DILUENTS),
        diluents_excluded=_from(row, "diluents_excluded", DILUENTS),
        statements=_statements(row, concentrations),
        code_sets=_codes(row),
        names=row.words("names", some=True),
        unverified=unverified,
        source=row.basis(),
        content_hash=file.hash,
    )
    _refuse_contradictions(row, made)
    _refuse_silence(row, made)
    row.end()
    return made


def read_known(data: Mapping[str, Any], file: str, citations: Collection[str]) -> dict[str, tuple[str, ...]]:
    """The names of products by another route, by id: recognised in a chart, never ordered here."""
    root, found = Table(data, file, citations), {}
    for row in root.tables("product"):
        row.one_of("route", OTHER_ROUTES)
        row.basis()
        found[row.id()] = row.words("names", some=True)
    root.end()
    return found


def _refuse_contradictions(row: Table, made: Product) -> None:
    if len({x.code for x in made.labels}) != len(made.labels):
        raise row.fault("label", "has an indication twice")
    if set(made.diluents_allowed) & set(made.diluents_excluded):
        raise row.fault("diluents_excluded", "names a diluent that is allowed")
    for name in made.names:
        if name != name.lower():
            raise row.fault("names", f"has {name!r}, which is not lower case")


def _refuse_silence(row: Table, made: Product) -> None:
    """Whatever a product file may say is either said or named as unverified, never both and never neither."""
    said = {word: any(name in made.statements for name in names) for word, names in _SAID.items()}
    said["iga limit"] = said["iga limit"] or not said["iga"]  # without any figure it is `iga` that is unverified
    said |= {
        "rate table": bool(made.ladders),
        "dose": all(x.dose_text for x in made.labels),
        "age": all(x.age_verified for x in made.labels),
        "vials": bool(made.vials_g),
        **{system: system in made.code_sets for system in CODE_SYSTEMS},
    }
    for word, is_said in said.items():
        if is_said == (word in made.unverified):
            raise row.fault("unverified", f"names {word}, which is given" if is_said else f"does not name {word}, which is missing")
    if bool(made.ladders) == bool(made.no_rate_table):
        raise row.fault("no_rate_table", "is given if, and only if, there is no rate table")


def _from(row: Table, key: str, allowed: Collection[str]) -> tuple[str, ...]:
    found = row.words(key)
    for word in found:
        if word not in allowed:
            raise row.fault(key, f"names {word!r}, which is not one of {', '.join(allowed)}")
    return found


def _label(row: Table) -> LabelIndication:
    return LabelIndication(
        code=row.text("code"),
        min_age_years=row.number_or_none("min_age_years"),
        age_text=row.text("age"),
        dose_text=row.optional("dose"),
        source=row.basis(),
        age_verified=row.flag("age_verified", default=True),
    )


def _statements(row: Table, concentrations: Collection[Decimal]) -> dict[str, Property]:
    """What is said of composition and handling, each statement on its own authority, with the figure in it."""
    table = row.table("properties")
    known = {name for names in _SAID.values() for name in names} | set(_OPTIONAL)
    for name in table.names():
        if name not in known:
            raise table.fault(name, f"is not one of {', '.join(sorted(known))}")
    inner = {name: table.table(name) for name in table.names()}
    return {name: Property(said.text("says"), said.basis(), _amount(said, concentrations)) for name, said in inner.items()}


def _amount(said: Table, concentrations: Collection[Decimal]) -> Amount | None:
    """The figure of a statement; a product in several concentrations has to say at which it holds."""
    for key, unit in UNITS.items():
        if said.has(key):
            at = said.number("at_mg_ml") if said.has("at_mg_ml") or len(concentrations) > 1 else next(iter(concentrations))
            if at not in concentrations:
                raise said.fault("at_mg_ml", "is not a concentration of the product")
            return Amount(*said.pair(key), unit, at)
    return None


def _codes(row: Table) -> dict[str, ProductCodes]:
    table = row.table("codes")
    for system in table.names():
        if system not in CODE_SYSTEMS:
            raise table.fault(system, f"is not one of {', '.join(CODE_SYSTEMS)}")
    inner = {system: table.table(system) for system in table.names()}
    return {
        system: ProductCodes(
            values=codes.words("values", some=True),
            packages=_packages(codes),
            unit_mg=codes.number_or_none("unit_mg"),
            says=codes.optional("says"),
            source=codes.basis(),
        )
        for system, codes in inner.items()
    }


def _packages(codes: Table) -> dict[str, str]:
    """What each package holds; a package code begins with one of the product codes."""
    if not codes.has("packages"):
        return {}
    table, products = codes.table("packages"), codes.words("values")
    for package in table.names():
        if not package.startswith(tuple(f"{p}-" for p in products)):
            raise table.fault(package, "is not a package of the product codes")
    return {package: table.text(package) for package in table.names()}
