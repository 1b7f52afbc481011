"""Figures: what published formulas say of this patient, with what each was computed from; people read them, no rule depends on them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from ivig_fhir.chart.facts import Measurement
from ivig_fhir.fhir.quantity import half_up
from ivig_fhir.proposal import formulas
from ivig_fhir.proposal.case import Case
from ivig_fhir.proposal.cumulative import given
from ivig_fhir.proposal.findings import Evidence
from ivig_fhir.proposal.matching import newest
from ivig_fhir.proposal.model import Figure

Sources = tuple[Measurement | Evidence, ...]
Made = tuple[str, Decimal, Sources]


@dataclass(frozen=True, slots=True)
class _Known:
    """What the formulas take, and where it stands."""

    kg: Decimal | None
    cm: Decimal | None
    years: int
    adult: bool
    creatinine: Decimal | None
    weight: Sources
    height: Sources
    blood: Sources


def figures_of(case: Case) -> tuple[Figure, ...]:
    """Every figure that the chart allows, in the order of the content; both sexes' where the sex is neither male nor female.

    None without an age. See: `order_sets/figures.toml`; `proposal/formulas.py` for the formulas.
    """
    if case.age_years is None:
        return ()
    known, sex = _known(case, case.age_years), case.chart.patient.sex
    made = [(*one, "") for one in (*_of_anyone(case, known), *_of_blood(case), *_of_treatment(case))]
    if sex in ("male", "female"):
        made += [(*one, "") for one in _of_sex(case, known, sex)]
    else:
        made += [(*one, assumed) for assumed in ("female", "male") for one in _of_sex(case, known, assumed)]
    places = {id_: place for place, id_ in enumerate(case.content.constants["figures"])}
    return tuple(_shown(case, *one) for one in sorted(made, key=lambda m: places[m[0]]))


def _shown(case: Case, id_: str, value: Decimal, sources: Sources, sex: str) -> Figure:
    words = case.content.constants["figures"][id_]
    references = tuple(dict.fromkeys(s.reference if isinstance(s, Evidence) else s.source.reference for s in sources))
    return Figure(id_, words.title, half_up(value, str(words.step)), words.unit, words.note, sex, references, words.source.citations)


def _known(case: Case, years: int) -> _Known:
    cm, creatinine = case.order.height_cm, _final(case, "creatinine")
    height = next((m for m in case.chart.panel("body-height") if cm is not None and m.value == cm), None)
    scr = creatinine.value if creatinine and creatinine.value else None
    return _Known(
        kg=case.order.actual_kg or None,
        cm=cm or None,
        years=years,
        adult=case.adult,
        creatinine=scr,
        weight=_kept(case.order.weight_used),
        height=_kept(height),
        blood=_kept(creatinine),
    )


def _of_anyone(case: Case, k: _Known) -> Iterator[Made]:
    """Figures that do not ask for the sex."""
    if k.kg and k.cm:
        yield "bmi", formulas.body_mass_index(k.kg, k.cm), (*k.weight, *k.height)
        yield "bsa-mosteller", formulas.body_surface_mosteller(k.kg, k.cm), (*k.weight, *k.height)
        yield "bsa-du-bois", formulas.body_surface_du_bois(k.kg, k.cm), (*k.weight, *k.height)
    if k.kg and case.order.volume_ml is not None:
        yield "volume-per-kg", case.order.volume_ml / k.kg, k.weight
    if k.creatinine and k.cm and not k.adult and k.years >= 1:
        yield "egfr-schwartz", formulas.egfr_schwartz_bedside(k.cm, k.creatinine), (*k.blood, *k.height)


def _of_sex(case: Case, k: _Known, sex: str) -> Iterator[Made]:
    """Figures whose formula has a term for the sex."""
    if k.adult and k.cm and k.cm >= case.content.constants["min_height_cm"]:
        ideal = formulas.ideal_weight_devine(k.cm, sex)
        yield "ideal-weight", ideal, k.height
        if k.kg:
            policy = case.content.weight_policies[case.content.constants["default_weight_policy"]]
            yield "adjusted-weight", formulas.adjusted_weight(ideal, k.kg, policy.factor), (*k.weight, *k.height)
    if not k.adult and k.cm and k.cm >= formulas.PEDIATRIC_FROM_CM:
        yield "ideal-weight-pediatric", formulas.ideal_weight_pediatric(k.cm, sex), k.height
    if not k.creatinine:
        return
    if k.adult:
        yield "egfr-ckd-epi-2021", formulas.egfr_ckd_epi_2021(k.creatinine, k.years, sex), k.blood
        yield "egfr-ckd-epi-2009", formulas.egfr_ckd_epi_2009(k.creatinine, k.years, sex), k.blood
    if k.adult and k.kg:
        clearance = formulas.creatinine_clearance_cockcroft_gault(k.creatinine, k.years, k.kg, sex)
        yield "clearance-cockcroft-gault", clearance, (*k.blood, *k.weight)
    if k.cm and 1 <= k.years <= formulas.U25_UNTIL:
        yield "egfr-ckid-u25", formulas.egfr_ckid_u25(k.cm, k.creatinine, k.years, sex), (*k.blood, *k.height)


def _of_blood(case: Case) -> Iterator[Made]:
    """Figures from several results of one moment."""
    sodium, glucose, urea, measured = (_final(case, p) for p in ("sodium", "glucose", "bun", "osmolality"))
    if (values := _together(sodium, glucose)) and values[1] > 100:
        yield "sodium-for-glucose", formulas.sodium_corrected_for_glucose(*values), _kept(sodium, glucose)
    if values := _together(sodium, glucose, urea):
        calculated = formulas.osmolality(*values)
        yield "osmolality", calculated, _kept(sodium, glucose, urea)
        if pair := _together(measured, sodium):
            yield "osmolal-gap", pair[0] - calculated, _kept(measured, sodium, glucose, urea)
    protein, albumin = _final(case, "total-protein"), _final(case, "albumin")
    if values := _together(protein, albumin):
        yield "globulin-gap", formulas.globulin_gap(*values), _kept(protein, albumin)


def _of_treatment(case: Case) -> Iterator[Made]:
    """Figures about the immunoglobulin: what was given lately, what the trough asks for, what it would be by another route."""
    order, figures = case.order, case.content.constants["figures"]
    if order.dosing_kg:
        lately = given(case, case.check("duplication.cumulative-dose").number("window_days"))
        yield "given-lately", lately.grams / order.dosing_kg, lately.counted
    dose, trough, igg = order.course_g_kg, order.indication.trough, _final(case, "igg")
    if dose and trough and igg and igg.value and igg.value < trough.minimum_mg_dl:
        yield "dose-for-trough", formulas.dose_for_trough(dose, igg.value, trough.minimum_mg_dl) * 1000, (igg,)
    switch = figures["subcutaneous-weekly"]
    if order.course_exact_g and order.interval_weeks and trough and order.product.id in switch.products:
        yield "subcutaneous-weekly", formulas.subcutaneous_weekly_g(order.course_exact_g, order.interval_weeks, switch.factor), ()


def _final(case: Case, panel: str) -> Measurement | None:
    """The newest final number of a panel that is no bound."""
    return next((m for m in newest(case, panel) if not m.preliminary and not m.comparator), None)


def _together(*items: Measurement | None) -> tuple[Decimal, ...]:
    """Their values, if all are there and of one moment; else nothing."""
    values = tuple(m.value for m in items if m is not None and m.value is not None)
    moments = {m.time.latest for m in items if m is not None and m.time is not None}
    return values if len(values) == len(items) and len(moments) == 1 else ()


def _kept(*items: Measurement | None) -> Sources:
    return tuple(m for m in items if m is not None)
