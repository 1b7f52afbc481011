"""Units of medicine are recognized as UCUM, and the slips that people make are not."""

from __future__ import annotations

import pytest

from ivig_fhir.fhir.ucum_syntax import is_ucum

UNITS = """
    g mg ug kg mL L cm m m2 kg/m2 h min d wk mo a s % 1 g/kg mg/kg mL/kg/h mg/kg/min ug/kg/min mL/h mL/min mL/min/{1.73_m2}
    10*9/L 10*3/uL 10^6/uL [IU] [IU]/mL [iU]/L m[IU]/L U/L mm[Hg] kPa cm[H2O] {INR} {score} {beats}/min /min /uL /[HPF] [lb_av]
    [oz_av] [in_i] [ft_i] Cel [degF] meq/L mmol/L umol/L mosm/kg mg/dL g/L ng/mL pg fL g{creat} mg/g{creat} mg/(24.h) g.m-2
    mL/(kg.h) [arb'U]/mL [pH] kcal/d m/(6.min) [USP'U]
"""
SLIPS = """
    grams gram gm gms grm ml/hr mL/hr hr hrs hour day days sec mins minute month year week mcg mcg/mL mEq mEq/L lbs lb mmHg kgm2
    kg/m^2 K/uL ML Mg MG cc IU IU/mL iu units unit tablet TAB drop pH (score) x10^9/L mg/ //m mg//kg (mg mg) () { } mL/h/ g%g 05
    10*6/µL mcmol/L {a{b}} degF C F
"""


@pytest.mark.parametrize("unit", UNITS.split())
def test_a_unit_of_medicine_is_ucum(unit: str) -> None:
    assert is_ucum(unit)


@pytest.mark.parametrize("slip", [*SLIPS.split(), "", " ", "mg kg", "mg ", "mL\n", "{a b}"])
def test_a_slip_is_not_ucum(slip: str) -> None:
    assert not is_ucum(slip)
