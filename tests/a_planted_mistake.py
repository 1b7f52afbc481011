"""Planted mistakes: the first engine with one thing changed, and the first random order of which the second calculation says so."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from types import FunctionType, MappingProxyType, ModuleType
from typing import Any

import pytest

from ivig_fhir.chart import amounts, doses, observations
from ivig_fhir.content.model import Content
from ivig_fhir.fhir import units
from ivig_fhir.proposal import (
    calendar,
    cumulative,
    dosage,
    dosing,
    extensions,
    formulas,
    ladders,
    ledger,
    plan,
    rates,
    requests,
    vials,
    weight,
)  # fmt: skip
from ivig_fhir.proposal.checks import duplication, excipient, hypersensitivity, identity
from tests import a_second_look
from tests.a_case import content
from tests.a_second_look import Seen, look, sites, tables

ORDERS = 6000  # a mistake that none of so many orders shows is not caught


@dataclass(frozen=True)
class Mistake:
    """One thing changed: in words, and how. `fields` are those of which one has to say so."""

    what: str
    plant: Callable[[pytest.MonkeyPatch], None]


def code(what: str, function: FunctionType | Callable[..., Any], old: str, new: str) -> Mistake:
    """A function of the first engine with a piece of its text replaced; whoever imported it runs the changed one."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        assert isinstance(function, FunctionType)
        text = textwrap.dedent(inspect.getsource(function))
        assert text.count(old) == 1, f"{function.__name__} holds {old!r} {text.count(old)} times"
        made: dict[str, Any] = dict(function.__globals__)
        exec(compile(text.replace(old, new), f"<{what}>", "exec"), made)
        patch.setattr(function, "__code__", made[function.__name__].__code__)

    return Mistake(what, plant)


def constant(what: str, module: ModuleType, name: str, value: Any) -> Mistake:
    """A constant of the first engine changed."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        assert getattr(module, name) != value
        patch.setattr(module, name, value)

    return Mistake(what, plant)


def factor(unit: str, value: str) -> Mistake:
    """A factor of the first engine's table of units changed."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        dimension, right = units._FACTORS[unit]
        assert right != Fraction(value)
        patch.setattr(units, "_FACTORS", MappingProxyType({**units._FACTORS, unit: (dimension, Fraction(value))}))

    return Mistake(f"one {unit} is taken for {value}", plant)


def rows(what: str, change: Callable[[Content], Content]) -> Mistake:
    """A row of the content changed, as the first engine reads it; the second one reads the row as it is."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        changed = change(content())
        patch.setattr(a_second_look, "content", lambda: changed)
        patch.setattr(a_second_look, "_panels", lambda: {k: changed.panels[k] for k in ("body-weight", "body-height", "iga", "anti-iga")})

    return Mistake(what, plant)


def _policy(id_: str, **changes: Any) -> Callable[[Content], Content]:
    return lambda c: replace(c, weight_policies={**c.weight_policies, id_: replace(c.weight_policies[id_], **changes)})


def _limits(**changes: Any) -> Callable[[Content], Content]:
    return lambda c: replace(c, constants={**c.constants, **changes})


def _threshold(check: str, **changes: Any) -> Callable[[Content], Content]:
    def change(c: Content) -> Content:
        found = c.checks[check]
        return replace(c, checks={**c.checks, check: replace(found, thresholds={**found.thresholds, **changes})})

    return change


def _panel(id_: str, **changes: Any) -> Callable[[Content], Content]:
    return lambda c: replace(c, panels={**c.panels, id_: replace(c.panels[id_], **changes)})


def _rounding(id_: str, **changes: Any) -> Callable[[Content], Content]:
    return lambda c: replace(c, rounding_policies={**c.rounding_policies, id_: replace(c.rounding_policies[id_], **changes)})


def _every_product(change: Callable[[Any], Any]) -> Callable[[Content], Content]:
    return lambda c: replace(c, products={k: change(p) for k, p in c.products.items()})


def _first_rung(p: Any) -> Any:
    tables_ = tuple(replace(x, steps=(replace(x.steps[0], ml_kg_h=x.steps[0].ml_kg_h / 2), *x.steps[1:])) for x in p.ladders)
    return replace(p, ladders=tables_)


def _longer(p: Any) -> Any:
    def step(s: Any) -> Any:
        return s if s.minutes is None else replace(s, minutes=s.minutes + 15)

    return replace(p, ladders=tuple(replace(x, steps=tuple(step(s) for s in x.steps)) for x in p.ladders))


def _higher(p: Any) -> Any:
    return replace(p, ladders=tuple(replace(x, max_ml_kg_h=x.max_ml_kg_h * 2) for x in p.ladders))


MISTAKES = (
    # ideal and adjusted weight
    code("ideal weight of men from 51 kg", formulas.ideal_weight_devine, "Decimal(50)", "Decimal(51)"),
    code("ideal weight of women from 45 kg", formulas.ideal_weight_devine, 'Decimal("45.5")', "Decimal(45)"),
    code("2.2 kg for each inch", formulas.ideal_weight_devine, 'Decimal("2.3")', 'Decimal("2.2")'),
    code("inches above 61", formulas.ideal_weight_devine, "Decimal(60)", "Decimal(61)"),
    constant("an inch of 2.5 cm", formulas, "_CM_PER_INCH", Decimal("2.5")),
    code("men and women exchanged", formulas._is_female, 'sex == "female"', 'sex == "male"'),
    code("adjusted weight from the actual downwards", formulas.adjusted_weight, "ideal_kg + factor", "actual_kg - factor"),
    code("BMI without the square", formulas.body_mass_index, "(metres * metres)", "metres"),
    rows("factor 0.5 where the policy says 0.4", _policy("adj-bmi30", factor=Decimal("0.5"))),
    rows("adjusted from BMI 31", _policy("adj-bmi30", limit=Decimal(31))),
    rows("adjusted above 160 % of ideal instead of 120 %", _policy("adj-120ibw", limit=Decimal("1.6"))),
    rows("a policy of the ideal weight takes the actual one", _policy("ibw", rule="actual")),
    code("the higher of ideal and actual", weight._by_policy, "lower = ideal < body.kg", "lower = ideal > body.kg"),
    rows("adults from 16 years", _limits(adult_years=16)),
    code("the least height excluded", weight._obstacle, "body.cm < least", "body.cm <= least"),
    code("dosing weight to whole kilograms", weight.rounded_weight, '"0.1"', '"1"'),
    code("dosing weight below 10 kg to 0.1 kg", weight.rounded_weight, '"0.01"', '"0.1"'),
    code("dosing weight cut, not rounded", weight.rounded_weight, 'half_up(kg, ', 'half_up(kg - Decimal("0.04"), '),
    # which weight
    code("the oldest weight", weight._usable_weight, 'chart.panel("body-weight")', 'reversed(chart.panel("body-weight"))'),
    code("a preliminary weight", weight._usable_weight, "not m.preliminary", "True"),
    code("a contradicted weight", weight._usable_weight, "contradicted(chart, newest, content)", "False"),
    constant("a weight that was entered in error", observations, "USED", (*observations.USED, "entered-in-error")),
    code("a weight dated in the future", observations._refuse_unfit, "now + FUTURE_TOLERANCE", "now + 99 * FUTURE_TOLERANCE"),
    code("a weight about somebody else", observations._refuse_unfit, 'parts(observation, "focus")', "False"),
    code("a weight that is marked as absent", amounts.refuse_absent, "if reason:", "if False:"),
    code("a bound taken for a weight", amounts.read_amount, "comparator and panel.exact", "False"),
    code("two units at once", amounts._refuse_contradiction, "if other != value:", "if False:"),
    rows("a weight of 90,000 kg", _panel("body-weight", hard=None)),
    rows("birth weight", _panel("body-weight", never=(), loinc={**content().panels["body-weight"].loinc, "8339-4": "Birth weight"})),
    code("inches in the field for centimetres", weight._usable_height, "reads_like_inches(m, content)", "False"),
    factor("[lb_av]", "0.45"),
    factor("[oz_av]", "0.03"),
    factor("g", "1"),
    factor("[in_i]", "2.5"),
    factor("m", "10"),
    # dose and rounding
    code("the course on each day", dosing.calculate, "each = exact / days", "each = exact"),
    code("the upper end of the regimen's range", dosing.proposed_g_kg, "regimen.dose_g_kg[0]", "regimen.dose_g_kg[1]"),
    code("a month of whatever weeks", dosing.in_a_cycle, "low * weeks / WEEKS_IN_A_MONTH", "low"),
    code("grams of one day for the course", dosing.in_a_cycle, "low * times", "low"),
    code("a tie goes up", dosing._rounded, "ROUND_HALF_DOWN", '"ROUND_HALF_UP"'),
    code("rounding outside the tolerance", dosing._rounded, "rounding.tolerance", "2 * rounding.tolerance"),
    code("a dose that no vials make", dosing._rounded, "and makeable(nearest, sizes)", ""),
    code("without vials to whole grams", dosing._rounded, '"0.1"', '"1"'),
    rows("adults to 10 g", _rounding("adult", increments_g=(Decimal(10),))),
    code("infants rounded as children", plan._rounding_policy, '"infant" if age == 0', '"child" if age == 0'),
    code("grams for each kilogram to 0.01", extensions.g_per_kg, '"0.0001"', '"0.01"'),
    # vials and volume
    code("not the larger vials first", vials._taken, "in steps if", "in (*steps[1:], steps[0]) if"),
    code("least waste before fewest vials", vials.vials_for, "min((count, amount)", "max((count, amount)"),
    code("more vials than are needed", vials._fewest, "min(before) + 1", "max(before) + 1"),
    code("volume of the dose before rounding", plan.plan_order, "dose.per_infusion_g * 1000 / concentration", "dose.calculated_per_infusion_g * 1000 / concentration"),
    code("half the concentration", plan.plan_order, "* 1000 / concentration", "* 2000 / concentration"),
    # rates
    code("pump rates rounded to the nearest", rates.pump_rate, 'down(rate, "1")', 'half_up(rate, "1")'),
    code("pump rates below 100 mL/h to 0.1 mL/h", rates.pump_rate, "rate >= _TEN", "rate >= _TEN * _TEN"),
    code("a ceiling that is not kept", rates._capped, "RateStep(cap, None", "RateStep(step.ml_kg_h, None"),
    code("a ceiling above the label", rates.schedule_steps, "min(cap.ml_kg_h, ladder.max_ml_kg_h)", "cap.ml_kg_h * 2"),
    code("no ceiling for patients at risk", rates.choose_cap, "elif at_risk", "elif False"),
    code("mg/kg/min by 50 minutes", rates.ml_kg_h, "_MINUTES", "(_MINUTES - _TEN)"),
    code("the highest table instead of the lowest", rates.choose_ladder, "min(ladders", "max(ladders"),
    code("a maker's chart for everybody", rates.for_patient, "new is None or used_to_it", "True"),
    code("used to a product for ten times as long", ladders.used_to_it, "timedelta(days=days)", "timedelta(days=10 * days)"),
    code("a site's own steps forgotten", rates.adopted_steps, "found and", "False and"),
    code("step volumes to whole millilitres", rates._pumped, 'half_up(rate * step.minutes / _MINUTES, "0.1")', 'half_up(rate * step.minutes / _MINUTES, "1")'),
    code("the rest is lost", rates._pumped, "volume, minutes = left, _minutes(left, rate)", "minutes = _minutes(left, rate)"),
    code("an hour of 50 minutes", rates._minutes, "_MINUTES", "(_MINUTES - _TEN)"),
    code("the total cut, not rounded up", rates._pumped, "int(total.to_integral_value(ROUND_CEILING))", "int(total)"),
    code("one rate over hours cut", rates.schedule_hours, 'half_up(volume_ml / hours, "0.1")', 'down(volume_ml / hours, "0.1")'),
    rows("the first step at half its rate", _every_product(_first_rung)),
    rows("steps a quarter of an hour longer", _every_product(_longer)),
    rows("twice the label's maximum", _every_product(_higher)),
    # dates and supply
    code("part weeks cut", calendar._firsts, 'half_up(interval_weeks * _WEEK * n, "1")', "interval_weeks * _WEEK * n"),
    code("one course too few", calendar._cycles, "(interval_weeks * _WEEK))", "(interval_weeks * _WEEK)) - 1"),
    code("every second day", calendar.course_dates, "timedelta(days=n)", "timedelta(days=2 * n)"),
    code("review counted from the last day", calendar.series_of, "plus_months(course[0]", "plus_months(course[-1]"),
    code("supply for one course of a series", requests._dispense, "len(dates)", "len(dose.infusions)"),
    code("a longer time for one course", dosage.course_period_days, "+ 1", "+ 2"),
    code("the most in a course is the calculated one", dosage.dosage_instruction, "grams(dose.course_g)", "grams(dose.calculated_course_g)"),
    code("the highest rate is the first one", dosage._rate_range, "max(rates)", "rates[0]"),
    # what was given before, and what forbids
    code("28.0 days ago still counted", cumulative._may_be_inside, "ago < days", "ago <= days"),
    rows("a window of 21 days", _threshold("duplication.cumulative-dose", window_days=21)),
    rows("three grams per kilogram in the window", _threshold("duplication.cumulative-dose", rolling=3)),
    rows("two grams per kilogram on one day", _threshold("duplication.cumulative-dose", daily=2)),
    code("milligrams taken for grams", doses.coded_grams, 'convert(Quantity(value, code), "g").value', "value"),
    code("this order counted against itself", ledger.ledger, "[m for m in found if m.item.run in runs]", "[]"),
    code("a dispense counted beside its administration", ledger._write_dispenses, "elif given is not None:", "elif False:"),
    code("an active order overlooked", duplication._duplicate, 'item.state == "active"', "False"),
    code("a waiting order overlooked", duplication._duplicate, 'item.state == "pending"', "False"),
    rows("an infusion of last week overlooked", _threshold("duplication.immunoglobulin", override_days_below=5, warn_days_below=6)),
    code("high criticality overlooked", hypersensitivity._is_severe, 'item.criticality == "high"', "False"),
    code("antibodies against IgA overlooked", hypersensitivity.iga_antibodies, "if positive and reacted:", "if False:"),
    code("stabilisers overlooked", excipient.holds, "s in asked", "s not in asked"),
    rows("sorbitol from one year on", _threshold("excipient.sorbitol-under-two", age_months_below=12)),
    code("death overlooked", identity.deceased, "if person.deceased", "if False"),
)  # fmt: skip


@dataclass(frozen=True)
class Caught:
    """After how many orders, by which fields, and what the first of them says."""

    orders: int
    fields: tuple[str, ...]
    says: str


@contextmanager
def planted(mistake: Mistake) -> Iterator[None]:
    """The first engine with one mistake, for as long as it lasts."""
    for site in range(len(sites())):
        tables(site)  # read from the content as it is
    with pytest.MonkeyPatch.context() as patch:
        mistake.plant(patch)
        yield


def caught(mistake: Mistake, orders: int = ORDERS) -> Caught | None:
    """The first random order of which the second calculation disagrees; an order that cannot be made at all does not count."""
    with planted(mistake):
        for number in range(orders):
            found = _look(number)
            if found is not None and found.against:
                lines = found.against
                return Caught(number + 1, tuple(dict.fromkeys(x.what for x in lines)), f"{lines[0].ordered} / {lines[0].recomputed}")
    return None


def _look(number: int) -> Seen | None:
    try:
        return look(number)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):  # a mistake that only breaks the engine proves nothing
        return None


def by_field(found: Mapping[str, Caught]) -> dict[str, int]:
    """How many mistakes each field caught."""
    counted: dict[str, int] = {}
    for item in found.values():
        for name in item.fields:
            counted[name] = counted.get(name, 0) + 1
    return counted
