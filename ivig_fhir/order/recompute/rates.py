"""Rates: the label table, its ceiling, and every step as the pump runs it, made again from the tables and this calculation's weight."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from ivig_fhir.content.model import Ladder
from ivig_fhir.fhir.given import given_on
from ivig_fhir.fhir.reading import part, word
from ivig_fhir.fhir.stored_order import number, said
from ivig_fhir.order.recompute.dose import Dose, concentration_of
from ivig_fhir.order.recompute.facts import Facts
from ivig_fhir.order.recompute.lines import HUNDREDTH, TEN_THOUSANDTH, TENTH, Recalculated, cut, half_up
from ivig_fhir.order.recompute.weight import Body

_MINUTES, _TEN = 60, 10
_NO_TIME = Fraction(1, 20)  # minutes that print as 0.0
# The findings, above information, that make a patient one at risk. See: CONTRACTS, precise point 3.
_RISKS = (
    "renal.acute-kidney-injury", "renal.reduced-function", "renal.risk-factors", "renal.nephrotoxic-drugs", "thrombosis.recent-event",
    "thrombosis.risk-factors", "thrombosis.thrombogenic-drugs", "thrombosis.hyperviscosity",
)  # fmt: skip
_MAXIMUM = "dose.above-maximum"


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of a table in mL/kg/h; minutes None: to the end."""

    ml_kg_h: Fraction
    minutes: Fraction | None


@dataclass(frozen=True, slots=True)
class Step:
    """One step on the pump: the rung, mL/h, exact minutes, mL."""

    ml_kg_h: Fraction
    ml_h: Fraction
    minutes: Fraction
    ml: Fraction


@dataclass(frozen=True)
class Table:
    """The rate table that holds for this patient: whose it is, its name, its rungs, its maximum in mL/kg/h."""

    ladder: Ladder
    basis: str
    name: str
    rungs: Sequence[Rung]
    most: Fraction


def table_of(f: Facts) -> Table | None:
    """The table of product and concentration: the one asked for, else that of the indication, else the one with the lowest maximum.

    Without the prescriber's choices it is the one that the order names. None: the product has none.
    """
    tables = [x for x in (f.product.ladders if f.product else ()) if Fraction(x.concentration_mg_ml) == concentration_of(f)]
    code = f.order_set.label_code if f.order_set else ""
    asked = word(part(f.approved.selections, "rate"), "ladder") if f.approved else str(f.rating.get("ladder") or "")
    if asked:
        found = next((x for x in tables if asked in x.for_), None)
    else:
        found = next((x for x in tables if code in x.for_), None) or min(tables, key=lambda x: x.max_ml_kg_h, default=None)
    if found is None:
        return None
    name = asked or (code if code in found.for_ else found.for_[0])
    return _for_patient(f, found, name)


def _for_patient(f: Facts, ladder: Ladder, name: str) -> Table:
    """The table as it holds here: a maker's chart to its lower maximum for whoever is not used to the product; a site's own steps."""
    new, basis, most = ladder.new_patients, ladder.basis, Fraction(ladder.max_ml_kg_h)
    rungs = [Rung(Fraction(s.ml_kg_h), None if s.minutes is None else Fraction(s.minutes)) for s in ladder.steps]
    if new is not None and not _used_to_it(f, new.within_days, Fraction(new.max_ml_kg_h)):
        basis, most = "illustrative", Fraction(new.max_ml_kg_h)
        rungs = [*(r for r in rungs if r.ml_kg_h < most), Rung(most, None)]
    own = f.tables.site.ladders.get((f.product.id, name)) if f.product else None
    if own is not None and own.concentration_mg_ml in (None, ladder.concentration_mg_ml) and own.steps:
        basis, rungs = "site", [Rung(Fraction(s.ml_kg_h), None if s.minutes is None else Fraction(s.minutes)) for s in own.steps]
    return Table(ladder, basis, name, rungs, most)


def _used_to_it(f: Facts, within_days: int, lower: Fraction) -> bool:
    """Whether the record shows the same product within so many days before the first infusion.

    On the very last of these days the hour decides, which the order does not hold: the maximum that it names is then believed.
    """
    first = min(f.dates, default=None)
    if first is None or f.product is None:
        return False
    ago = [(first - day).days for day in given_on(f.record, f.product.names, f.product.codes.get("ndc", ()))]
    if any(0 <= days < within_days for days in ago):
        return True
    return within_days in ago and number(f.rating.get("labelMaximum"), "mL/kg/h") != lower


def ceiling(f: Facts, table: Table) -> tuple[Fraction, str]:
    """The ceiling in mL/kg/h and whose it is. Without the prescriber's choices the order's own, up to the table's maximum."""
    label = (table.most, "label")
    if f.approved is None:
        cap = next((c for c in _rungs_of(f) if half_up(c, TEN_THOUSANDTH) == number(f.rating.get("cap"), "mL/kg/h")), None)
        return (cap, str(f.rating.get("capReason"))) if cap is not None and cap < table.most else label
    per = _MINUTES / Fraction(table.ladder.concentration_mg_ml)
    chosen = part(f.approved.selections, "rate")
    risk = f.product.risk_rate.max_mg_kg_min if f.product and f.product.risk_rate else None
    wanted = None
    if "cap_mg_kg_min" in chosen:
        own = f.approved.chosen("rate", "cap_mg_kg_min")
        wanted = None if own is None else (own * per, "clinician")
    elif any(f.approved.severity(c) not in ("", "info") for c in _RISKS):
        site = f.tables.site.risk_cap_mg_kg_min
        if risk is not None and Fraction(risk) * per < table.most:
            wanted = (Fraction(risk) * per, "risk")
        elif site is not None:
            wanted = (Fraction(site) * per, "site")
    return wanted if wanted is not None and wanted[0] < table.most else label


def _rungs_of(f: Facts) -> Iterator[Fraction]:
    yield from (r for r in (number(s.get("rateOrdered"), "mL/kg/h") for s in f.steps) if r is not None)


def pumped(rungs: Iterable[Rung], cap: Fraction, kg: Fraction, volume: Fraction) -> list[Step]:
    """The steps as the pump runs them; what would be 0 mL or take no time goes to its neighbour, the last step takes the rest."""
    kept: list[Rung] = []
    for rung in rungs:
        kept.append(rung if rung.ml_kg_h < cap else Rung(cap, None))
        if rung.ml_kg_h >= cap:
            break
    steps: list[Step] = []
    left = volume
    for at, rung in enumerate(kept):
        rate = on_pump(rung.ml_kg_h * kg)
        part_ml = left if rung.minutes is None else half_up(rate * rung.minutes / _MINUTES, TENTH)
        if rate == 0 or part_ml == 0 or left <= 0:
            continue
        minutes = rung.minutes
        if minutes is None or (left - part_ml) / on_pump(kept[at + 1].ml_kg_h * kg) * _MINUTES < _NO_TIME:
            part_ml, minutes = left, left / rate * _MINUTES
        steps.append(Step(rung.ml_kg_h, rate, minutes, part_ml))
        left -= part_ml
    return steps


def on_pump(rate: Fraction) -> Fraction:
    """What is set: cut to 1 mL/h, below 10 mL/h to 0.1 mL/h."""
    return cut(rate, Fraction(1) if rate >= _TEN else TENTH)


def rate_lines(f: Facts, body: Body, dose: Dose) -> Iterable[Recalculated]:
    """The table, the ceiling, each step, the whole time, and the maximum."""
    table = table_of(f)
    if body.kg is None or dose.volume is None or not f.steps:
        yield Recalculated("Rate steps", f"{len(f.steps)} steps", "there are no rates to recalculate", False)
    elif f.rating.get("basis") == "none":  # one rate over whole hours
        yield from _over_hours(f, body.kg, dose.volume)
        most = number(f.rating.get("labelMaximum"), "mL/kg/h")
        if table is not None and most is not None:
            shown = [said(m, "mL/kg/h") for m in (most, table.most)]
            yield Recalculated(
                "Label maximum for each kilogram", shown[0], shown[1], most == table.most, "as stored", f"table {table.name}"
            )
    elif table is None:
        yield Recalculated("Rate steps", f"{len(f.steps)} steps", "there is no rate table", False)
    else:
        yield from _in_steps(f, table, body.kg, dose.volume)
    if body.kg is not None and f.steps:
        yield from _maximum(f, table, body.kg)


def _in_steps(f: Facts, table: Table, kg: Fraction, volume: Fraction) -> Iterable[Recalculated]:
    cap, whose = ceiling(f, table)
    named = (f.rating.get("basis"), f.rating.get("ladder"))
    most = number(f.rating.get("labelMaximum"), "mL/kg/h")
    kinds = ((*named, most), (table.basis, table.name, table.most))
    shown = [f"{basis}, {name}, up to {said(high, 'mL/kg/h')}" for basis, name, high in kinds]
    agrees = named == (table.basis, table.name) and most in (None, table.most)
    yield Recalculated(
        "Rate table", shown[0], shown[1], agrees, f"maximum {said(most, 'mL/kg/h')}", f"maximum {said(table.most, 'mL/kg/h')}"
    )
    stored, here = number(f.rating.get("cap"), "mL/kg/h"), half_up(cap, TEN_THOUSANDTH)
    both = [f"{said(c, 'mL/kg/h')}, {w}" for c, w in ((stored, f.rating.get("capReason")), (here, whose))]
    yield Recalculated(
        "Rate ceiling", both[0], both[1], (stored, f.rating.get("capReason")) == (here, whose), "as stored", _told(table, cap, whose)
    )
    steps = pumped(table.rungs, min(cap, table.most), kg, volume)
    for at in range(max(len(steps), len(f.steps))):
        yield _step(f, at, steps, kg)
    yield from _whole_time(f, sum((s.minutes for s in steps), Fraction(0)), " + ".join(said(half_up(s.minutes, TENTH)) for s in steps))


def _told(table: Table, cap: Fraction, whose: str) -> str:
    per = said(half_up(cap * Fraction(table.ladder.concentration_mg_ml) / _MINUTES, HUNDREDTH), "mg/kg/min")
    return f"{per} at {said(Fraction(table.ladder.concentration_mg_ml), 'mg/mL')}, whose: {whose}"


def _step(f: Facts, at: int, steps: Sequence[Step], kg: Fraction) -> Recalculated:
    """One step: rung, minutes (none in the last), mL/h and mL."""
    stored = f.steps[at] if at < len(f.steps) else {}
    rung, minutes = number(stored.get("rateOrdered"), "mL/kg/h"), number(stored.get("duration"), "min")
    rate, ml = number(stored.get("rateCalculated"), "mL/h"), number(stored.get("volumeCalculated"), "mL")
    ordered = f"{said(rate, 'mL/h')}, {said(ml, 'mL')}" if stored else "no such step"
    first = f"{said(rung, 'mL/kg/h')} × {said(f.kg, 'kg')}, {'to the end' if minutes is None else said(minutes, 'min')}"
    if at >= len(steps):
        return Recalculated(f"Step {at + 1}", ordered, "no such step", False, first, "the steps before take the whole volume")
    step, last = steps[at], at == len(steps) - 1
    length = None if last else half_up(step.minutes, TENTH)
    fits = (rung, minutes, rate, ml) == (step.ml_kg_h, length, step.ml_h, step.ml) and stored.get("sequence") == at + 1
    exact = said(half_up(step.ml_kg_h * kg, HUNDREDTH))
    how = f"{said(step.ml_kg_h, 'mL/kg/h')} × {said(kg, 'kg')} = {exact}, cut; {'the rest' if last else said(length, 'min')}"
    here = f"{said(step.ml_h, 'mL/h')}, {said(step.ml, 'mL')}"
    if not fits and ordered == here:  # another rung or another time
        times = ("to the end" if m is None else said(m, "min") for m in (minutes, length))
        ordered, here = (f"{x}, {said(r, 'mL/kg/h')}, {t}" for x, r, t in zip((ordered, here), (rung, step.ml_kg_h), times, strict=True))
    return Recalculated(f"Step {at + 1}", ordered, here, fits, first, how)


def _over_hours(f: Facts, kg: Fraction, volume: Fraction) -> Iterable[Recalculated]:
    """One rate: the volume over the hours that the prescriber chose, else over the longest of the regimen; half up to 0.1 mL/h."""
    if f.approved is None:
        yield Recalculated("Rate steps", f"{len(f.steps)} steps", "one rate over hours", len(f.steps) == 1)
        return
    given = f.regimen.infusion_hours if f.regimen else None
    hours = f.approved.chosen("rate", "hours") if f.approved.selections.get("rate") is not None else Fraction(given[1]) if given else None
    rate = half_up(volume / hours, TENTH) if hours else None
    made = [] if rate is None or hours is None else [Step(half_up(rate / kg, HUNDREDTH), rate, hours * _MINUTES, volume)]
    for at in range(max(len(made), len(f.steps))):
        line = _step(f, at, made, kg)
        yield Recalculated(
            line.what, line.ordered, line.recomputed, line.agrees, line.ordered_working, f"{said(volume, 'mL')} ÷ {said(hours, 'h')}"
        )
    if hours is not None:
        yield from _whole_time(f, hours * _MINUTES, f"{said(hours, 'h')} × 60")


def _whole_time(f: Facts, minutes: Fraction, how: str) -> Iterable[Recalculated]:
    if f.approved is not None:
        kept, here = f.approved.printed("rate", "total_minutes"), Fraction(ceil(minutes))
        yield Recalculated(
            "Minutes of one infusion", said(kept, "min"), said(here, "min"), kept == here, "as approved", f"{how}, rounded up"
        )


def _maximum(f: Facts, table: Table | None, kg: Fraction) -> Iterable[Recalculated]:
    """The highest rate is that of the steps, and not above the product's own maximum for this weight."""
    span = part(f.ordered, "rateRange")
    low, high = number(span.get("low"), "mL/h"), number(span.get("high"), "mL/h")
    rates = [r for r in (number(s.get("rateCalculated"), "mL/h") for s in f.steps) if r is not None]
    ends = (min(rates), max(rates)) if rates else (None, None)
    shown = [f"{said(a, 'mL/h')} to {said(b, 'mL/h')}" for a, b in ((low, high), ends)]
    yield Recalculated(
        "Lowest and highest rate", shown[0], shown[1], bool(rates) and ends == (low, high), "as stored", "of the stored steps"
    )
    if table is None:
        yield Recalculated("Label maximum", said(high, "mL/h"), "no maximum in the label tables", None)
        return
    most = table.most * kg
    agrees = high is not None and high <= most
    answered = not agrees and f.approved is not None and f.rating.get("basis") == "none" and f.approved.has_reason(_MAXIMUM)
    limit, how = f"at most {said(half_up(most, TENTH), 'mL/h')}", f"{said(table.most, 'mL/kg/h')} × {said(kg, 'kg')}"
    told = f"{how}; the prescriber gave a reason" if answered else how
    yield Recalculated("Label maximum", said(high, "mL/h"), limit, None if answered else agrees, "highest rate as stored", told)
