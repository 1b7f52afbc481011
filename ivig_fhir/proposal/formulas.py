"""Formulas as published, with their constants and where they were published; Decimal in, unrounded Decimal out."""

from __future__ import annotations

from decimal import Context, Decimal

# Powers with broken exponents are computed to 28 digits whatever the caller's context is.
_DIGITS = Context(prec=28)
_CM_PER_INCH = Decimal("2.54")
_CM_PER_M = Decimal(100)


def egfr_ckd_epi_2021(creatinine_mg_dl: Decimal, age_years: int, sex: str) -> Decimal:
    """Estimated GFR of an adult from creatinine, in mL/min/1.73 m2, without race.

    142 x min(Scr/k, 1)^a x max(Scr/k, 1)^-1.200 x 0.9938^age, x 1.012 if female. Not for patients below 18 years.
    See: Inker et al., N Engl J Med 2021;385:1737; National Kidney Foundation (`nkf-2021`).
    """
    female = _is_female(sex)
    k, a = (Decimal("0.7"), Decimal("-0.241")) if female else (Decimal("0.9"), Decimal("-0.302"))
    ratio = creatinine_mg_dl / k
    low = _DIGITS.power(min(ratio, Decimal(1)), a)
    high = _DIGITS.power(max(ratio, Decimal(1)), Decimal("-1.200"))
    ageing = _DIGITS.power(Decimal("0.9938"), Decimal(age_years))
    return Decimal(142) * low * high * ageing * (Decimal("1.012") if female else Decimal(1))


def egfr_schwartz_bedside(height_cm: Decimal, creatinine_mg_dl: Decimal) -> Decimal:
    """Estimated GFR of a child from height and creatinine, in mL/min/1.73 m2: 0.413 x height / Scr.

    Made for 1 to 17 years. See: Schwartz et al., J Am Soc Nephrol 2009;20:629 (`schwartz-2009`).
    """
    return Decimal("0.413") * height_cm / creatinine_mg_dl


def creatinine_clearance_cockcroft_gault(creatinine_mg_dl: Decimal, age_years: int, kg: Decimal, sex: str) -> Decimal:
    """Creatinine clearance in mL/min, not indexed to body surface; never to be compared with limits for eGFR.

    (140 - age) x kg / (72 x Scr), x 0.85 if female. See: Cockcroft and Gault, Nephron 1976;16:31.
    """
    clearance = (Decimal(140) - age_years) * kg / (Decimal(72) * creatinine_mg_dl)
    return clearance * Decimal("0.85") if _is_female(sex) else clearance


def body_mass_index(kg: Decimal, cm: Decimal) -> Decimal:
    """Body mass index in kg/m2: kg / m^2. See: Quetelet; World Health Organization Technical Report 894."""
    metres = cm / _CM_PER_M
    return kg / (metres * metres)


def body_surface_mosteller(kg: Decimal, cm: Decimal) -> Decimal:
    """Body surface area in m2: square root of (cm x kg / 3600). See: Mosteller, N Engl J Med 1987;317:1098."""
    return _DIGITS.sqrt(cm * kg / Decimal(3600))


def ideal_weight_devine(cm: Decimal, sex: str) -> Decimal:
    """Ideal body weight of an adult in kg: 50 (male) or 45.5 (female) + 2.3 x (inches - 60).

    Below 60 inches it would extrapolate; the caller does not ask then. See: Devine, Drug Intell Clin Pharm 1974;8:650 (`devine-1974`).
    """
    base = Decimal("45.5") if _is_female(sex) else Decimal(50)
    return base + Decimal("2.3") * (cm / _CM_PER_INCH - Decimal(60))


def adjusted_weight(ideal_kg: Decimal, actual_kg: Decimal, factor: Decimal) -> Decimal:
    """Adjusted body weight in kg: ideal + factor x (actual - ideal); the factor belongs to the weight policy."""
    return ideal_kg + factor * (actual_kg - ideal_kg)


def _is_female(sex: str) -> bool:
    """ValueError for anything but male or female: these formulas have no third term, and none is guessed."""
    if sex not in ("male", "female"):
        raise ValueError("the formula is defined for male and female")
    return sex == "female"
