"""Formulas as published, with their constants and where they were published; Decimal in, unrounded Decimal out."""

from __future__ import annotations

from decimal import ROUND_CEILING, Context, Decimal

# Powers with broken exponents are computed to 28 digits whatever the caller's context is.
_DIGITS = Context(prec=28)
_CM_PER_INCH = Decimal("2.54")
_CM_PER_M = Decimal(100)
_MG_PER_G = Decimal(1000)
_U25_BEND, _U25_GROWN, U25_UNTIL = 12, 18, 25  # years
PEDIATRIC_FROM_CM = Decimal(152)


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


def egfr_ckd_epi_2009(creatinine_mg_dl: Decimal, age_years: int, sex: str) -> Decimal:
    """Estimated GFR of an adult by the equation of 2009 in mL/min/1.73 m2, to read older results by; its term for race is left out.

    141 x min(Scr/k, 1)^a x max(Scr/k, 1)^-1.209 x 0.993^age, x 1.018 if female. See: Levey et al., Ann Intern Med 2009;150:604.
    """
    female = _is_female(sex)
    k, a = (Decimal("0.7"), Decimal("-0.329")) if female else (Decimal("0.9"), Decimal("-0.411"))
    ratio = creatinine_mg_dl / k
    low = _DIGITS.power(min(ratio, Decimal(1)), a)
    high = _DIGITS.power(max(ratio, Decimal(1)), Decimal("-1.209"))
    ageing = _DIGITS.power(Decimal("0.993"), Decimal(age_years))
    return Decimal(141) * low * high * ageing * (Decimal("1.018") if female else Decimal(1))


def egfr_ckid_u25(height_cm: Decimal, creatinine_mg_dl: Decimal, age_years: int, sex: str) -> Decimal:
    """Estimated GFR from 1 to 25 years in mL/min/1.73 m2: k x height in metres / Scr, k by sex and age.

    Below 12 years 39.0 (male) or 36.1 (female) x 1.008^(age - 12); to 18 years the same x 1.045 (male) or 1.023 (female) ^(age - 12);
    from 18 years 50.8 or 41.4. See: Pierce et al., Kidney Int 2021;99:948 (`ckid-u25`).
    """
    female = _is_female(sex)
    base, grown, growth = (Decimal(x) for x in (("36.1", "41.4", "1.023") if female else ("39.0", "50.8", "1.045")))
    years = Decimal(age_years) - _U25_BEND
    k = grown if age_years >= _U25_GROWN else base * _DIGITS.power(Decimal("1.008") if years < 0 else growth, years)
    return k * height_cm / _CM_PER_M / creatinine_mg_dl


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


def body_surface_du_bois(kg: Decimal, cm: Decimal) -> Decimal:
    """Body surface area in m2: 0.007184 x kg^0.425 x cm^0.725. See: Du Bois and Du Bois, Arch Intern Med 1916;17:863."""
    return Decimal("0.007184") * _DIGITS.power(kg, Decimal("0.425")) * _DIGITS.power(cm, Decimal("0.725"))


def ideal_weight_devine(cm: Decimal, sex: str) -> Decimal:
    """Ideal body weight of an adult in kg: 50 (male) or 45.5 (female) + 2.3 x (inches - 60).

    Below 60 inches it would extrapolate; the caller does not ask then. See: Devine, Drug Intell Clin Pharm 1974;8:650 (`devine-1974`).
    """
    base = Decimal("45.5") if _is_female(sex) else Decimal(50)
    return base + Decimal("2.3") * (cm / _CM_PER_INCH - Decimal(60))


def ideal_weight_pediatric(cm: Decimal, sex: str) -> Decimal:
    """Ideal body weight of a child from 152 cm on, in kg: 39 (male) or 42.2 (female) + 0.9 x (cm - 152).

    Below 152 cm the form takes the actual weight; the caller does not ask then. See: form 8729 (`pediatric-order-form`).
    """
    return (Decimal("42.2") if _is_female(sex) else Decimal(39)) + Decimal("0.9") * (cm - PEDIATRIC_FROM_CM)


def adjusted_weight(ideal_kg: Decimal, actual_kg: Decimal, factor: Decimal) -> Decimal:
    """Adjusted body weight in kg: ideal + factor x (actual - ideal); the factor belongs to the weight policy."""
    return ideal_kg + factor * (actual_kg - ideal_kg)


def osmolality(sodium_mmol_l: Decimal, glucose_mg_dl: Decimal, urea_nitrogen_mg_dl: Decimal) -> Decimal:
    """Calculated osmolality of serum in mOsm/kg: 2 x Na + glucose / 18 + urea nitrogen / 2.8.

    Measured minus calculated is the gap; a high gap beside a normal measured one goes with a sodium that only reads low.
    """
    return Decimal(2) * sodium_mmol_l + glucose_mg_dl / Decimal(18) + urea_nitrogen_mg_dl / Decimal("2.8")


def sodium_corrected_for_glucose(sodium_mmol_l: Decimal, glucose_mg_dl: Decimal) -> Decimal:
    """Sodium as it would be at a glucose of 100 mg/dL, in mmol/L: Na + 1.6 x (glucose - 100) / 100. See: Katz, N Engl J Med 1973."""
    return sodium_mmol_l + Decimal("1.6") * (glucose_mg_dl - Decimal(100)) / Decimal(100)


def globulin_gap(total_protein_g_dl: Decimal, albumin_g_dl: Decimal) -> Decimal:
    """Protein that is not albumin, in g/dL."""
    return total_protein_g_dl - albumin_g_dl


def dose_for_trough(dose: Decimal, trough: Decimal, target: Decimal) -> Decimal:
    """The dose that would bring a trough to its target if one grew with the other; a starting point, as some labels print it."""
    return dose * target / trough


def subcutaneous_weekly_g(intravenous_g: Decimal, interval_weeks: Decimal, factor: Decimal) -> Decimal:
    """The first weekly subcutaneous dose in grams after intravenous doses every so many weeks; the factor is the product's."""
    return intravenous_g / interval_weeks * factor


def billing_units(grams: Decimal, unit_mg: Decimal) -> int:
    """Units that are billed for so many grams; a unit that was begun counts. See: HCPCS descriptors, "per 500 mg"."""
    return int((grams * _MG_PER_G / unit_mg).to_integral_value(ROUND_CEILING))


def _is_female(sex: str) -> bool:
    """ValueError for anything but male or female: these formulas have no third term, and none is guessed."""
    if sex not in ("male", "female"):
        raise ValueError("the formula is defined for male and female")
    return sex == "female"
