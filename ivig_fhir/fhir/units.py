"""The one table of unit conversions: exact factors between UCUM codes, and the spellings of a unit that are understood."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType

from ivig_fhir.fhir.quantity import Quantity

UCUM = "http://unitsofmeasure.org"

# Code -> (dimension, factor to the dimension's base unit). Factors are exact by definition (international pound 1959, inch 1959).
_FACTORS: Mapping[str, tuple[str, Fraction]] = MappingProxyType(
    {
        "kg": ("mass", Fraction(1)),
        "g": ("mass", Fraction(1, 1000)),
        "mg": ("mass", Fraction(1, 10**6)),
        "[lb_av]": ("mass", Fraction("0.45359237")),
        "[oz_av]": ("mass", Fraction("0.028349523125")),
        "cm": ("length", Fraction(1)),
        "m": ("length", Fraction(100)),
        "mm": ("length", Fraction(1, 10)),
        "[in_i]": ("length", Fraction("2.54")),
        "[ft_i]": ("length", Fraction("30.48")),
        "g/dL": ("mass concentration", Fraction(1000)),
        "g/L": ("mass concentration", Fraction(100)),
        "mg/dL": ("mass concentration", Fraction(1)),
        "mg/L": ("mass concentration", Fraction(1, 10)),
        "ug/mL": ("mass concentration", Fraction(1, 10)),
        "ug/L": ("mass concentration", Fraction(1, 10000)),
        "ng/mL": ("mass concentration", Fraction(1, 10000)),
        "ng/L": ("mass concentration", Fraction(1, 10**7)),
        "pg/mL": ("mass concentration", Fraction(1, 10**7)),
        "mol/L": ("substance concentration", Fraction(10**6)),
        "mmol/L": ("substance concentration", Fraction(1000)),
        "umol/L": ("substance concentration", Fraction(1)),
        "meq/L": ("equivalents", Fraction(1)),
        "10*3/uL": ("number concentration", Fraction(1)),
        "10*9/L": ("number concentration", Fraction(1)),
        "/uL": ("number concentration", Fraction(1, 1000)),
        "mm[Hg]": ("pressure", Fraction(1)),
        "kPa": ("pressure", Fraction("7.50061682704170")),  # conventional millimetre of mercury, 133.322387415 Pa
        "/min": ("frequency", Fraction(1)),
        "{beats}/min": ("frequency", Fraction(1)),
        "{breaths}/min": ("frequency", Fraction(1)),
        "%": ("fraction", Fraction(1)),
        "1": ("fraction", Fraction(100)),
        "kg/m2": ("body mass index", Fraction(1)),
        # Indexed and absolute clearance are different quantities; one may stand for the other only where content says so.
        "mL/min/{1.73_m2}": ("indexed clearance", Fraction(1)),
        "mL/min": ("clearance", Fraction(1)),
        "cP": ("viscosity", Fraction(1)),
        "mPa.s": ("viscosity", Fraction(1)),
        "Cel": ("temperature", Fraction(1)),
        "[degF]": ("temperature", Fraction(5, 9)),
        "mL": ("volume", Fraction(1)),
        "L": ("volume", Fraction(1000)),
        "U/L": ("catalytic concentration", Fraction(1)),
        "{INR}": ("INR", Fraction(1)),
        "[IU]/mL": ("arbitrary concentration", Fraction(1)),
    }
)

# Conversions that need to know the substance: (substance, from, to) -> factor.
# Creatinine 113.12 g/mol taken as 88.42 umol/L per mg/dL; monovalent sodium: 1 meq = 1 mmol; urea nitrogen 28.01 mg per mmol.
# See: NIST-traceable molar masses; HL7 UCUM 2.1 for the units.
_SUBSTANCE: Mapping[tuple[str, str, str], Fraction] = MappingProxyType(
    {
        ("creatinine", "umol/L", "mg/dL"): 1 / Fraction("88.42"),
        ("creatinine", "mmol/L", "mg/dL"): 1000 / Fraction("88.42"),
        ("sodium", "meq/L", "mmol/L"): Fraction(1),
        ("potassium", "meq/L", "mmol/L"): Fraction(1),
        ("bun", "mmol/L", "mg/dL"): Fraction("2.801"),
        # Urea as mass holds its nitrogen as a part: 28.01 of 60.06, taken as 0.467.
        ("urea", "mg/dL", "mg/dL"): Fraction("0.467"),
        ("glucose", "mmol/L", "mg/dL"): Fraction("18.016"),
        ("bilirubin-total", "umol/L", "mg/dL"): 1 / Fraction("17.104"),
        ("bilirubin-direct", "umol/L", "mg/dL"): 1 / Fraction("17.104"),
        ("triglycerides", "mmol/L", "mg/dL"): Fraction("88.57"),
        ("hemoglobin", "mmol/L", "g/dL"): Fraction("1.611"),
        # Laboratories print indexed eGFR under the plain unit; accepted for eGFR alone.
        ("egfr", "mL/min", "mL/min/{1.73_m2}"): Fraction(1),
        # Ratios that are printed without a unit.
        ("inr", "1", "{INR}"): Fraction(1),
    }
)

# Spellings used when a quantity carries no UCUM code. `K/uL` is legal UCUM (kelvin per microlitre): it is understood only as text.
_SPELLINGS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "kg": ("kg", "KG", "kgs", "Kilogram", "kilograms"),
        "g": ("g", "gm", "gram", "grams"),
        "[lb_av]": ("[lb_av]", "lb", "lbs", "LB", "pound", "pounds"),
        "[oz_av]": ("[oz_av]", "oz", "ounce", "ounces"),
        "cm": ("cm", "CM", "centimeter"),
        "m": ("m", "meter"),
        "mm": ("mm",),
        "[in_i]": ("[in_i]", "in", "inch", "inches", "[in_us]"),
        "[ft_i]": ("[ft_i]", "ft", "feet"),
        "mg/dL": ("mg/dL", "mg/dl", "MG/DL"),
        "g/L": ("g/L", "g/l"),
        "mg/L": ("mg/L", "mg/l"),
        "g/dL": ("g/dL", "g/dl", "gm/dL"),
        "umol/L": ("umol/L", "µmol/L", "μmol/L", "umol/l", "micromol/L"),
        "mmol/L": ("mmol/L", "mmol/l"),
        "meq/L": ("meq/L", "mEq/L", "MEQ/L"),
        "10*3/uL": ("10*3/uL", "K/uL", "10^3/uL", "x10E3/uL", "thou/uL", "k/mm3", "10*3/mm3"),
        "10*9/L": ("10*9/L", "10^9/L", "x10E9/L"),
        "/uL": ("/uL", "/mm3", "cells/uL"),
        "mm[Hg]": ("mm[Hg]", "mmHg", "mm Hg"),
        "Cel": ("Cel", "C", "degC", "°C"),
        "[degF]": ("[degF]", "F", "degF", "°F"),
        "/min": ("/min", "bpm", "beats/min", "{beats}/min"),
        "mL/min/{1.73_m2}": ("mL/min/{1.73_m2}", "mL/min/1.73m2", "mL/min/1.73 m2", "mL/min/{1.73m2}"),
        "kg/m2": ("kg/m2", "kg/m^2"),
        "pg/mL": ("pg/mL", "pg/ml"),
        "ng/L": ("ng/L",),
        "ng/mL": ("ng/mL", "ng/mL FEU", "ng/mL DDU"),
        "{INR}": ("{INR}", "INR", "{ratio}"),
        "U/L": ("U/L", "IU/L", "[IU]/L"),
        "cP": ("cP", "cps"),
        "%": ("%",),
    }
)
_CODE_OF = MappingProxyType({spelling: code for code, spellings in _SPELLINGS.items() for spelling in spellings})


class UnitError(ValueError):
    """A unit that is not known, or that cannot become the unit asked for."""


def code_of(spelling: str) -> str | None:
    """The UCUM code that a unit written as text stands for, or None; never a guess."""
    return _CODE_OF.get(spelling.strip())


def is_known(code: str) -> bool:
    """Whether the table has this UCUM code."""
    return code in _FACTORS


def convert(quantity: Quantity, to: str, substance: str = "") -> Quantity:
    """The same amount in UCUM unit `to`; `substance` is needed between mass and moles. UnitError when there is no exact way."""
    factor = _SUBSTANCE.get((substance, quantity.code, to))
    if factor is None and quantity.code == to:
        return quantity
    if factor is None:
        factor = _factor(quantity.code, to)
    amount = Fraction(quantity.value)
    if (quantity.code, to) == ("[degF]", "Cel"):
        amount -= 32
    if (quantity.code, to) == ("Cel", "[degF]"):
        return Quantity(_decimal(amount * Fraction(9, 5) + 32), to)
    return Quantity(_decimal(amount * factor), to)


def _factor(code: str, to: str) -> Fraction:
    have, want = _FACTORS.get(code), _FACTORS.get(to)
    if have is None or want is None or have[0] != want[0]:
        raise UnitError(f"no conversion from {code} to {to}")
    return have[1] / want[1]


def _decimal(amount: Fraction) -> Decimal:
    """Exact where the fraction ends; else 28 digits, far below any clinical rounding."""
    return Decimal(amount.numerator) / Decimal(amount.denominator)
