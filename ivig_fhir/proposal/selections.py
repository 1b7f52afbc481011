"""Selections: what the clinician chose, validated; whatever is absent is the content's default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from ivig_fhir.errors import SelectionError
from ivig_fhir.fhir.dates import FhirTime, parse_date, parse_time

LARGEST = Decimal("2000")  # far above any dose in g, weight in kg, or number of hours and weeks
_LEAST_STEP = Decimal("0.01")  # in g; far below any vial
_FINEST = Decimal("1e-40")  # far below any amount; arithmetic with numbers of millions of decimals would not end
MOST_PER_KG = Decimal("20")  # far above any course in g/kg
_BASES = ("actual", "ideal", "adjusted", "other")


@dataclass(frozen=True, slots=True)
class ChosenWeight:
    """A policy by id, or a stated dosing weight in kg with its basis and reason."""

    policy: str | None = None
    dosing_kg: Decimal | None = None
    basis: str = "other"
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ChosenRate:
    """How to run the infusion: in steps on a ladder, or in whole hours. `cap_given` tells an explicit cap (or none) from silence."""

    ladder: str | None = None
    mode: str = "steps"
    hours: Decimal | None = None
    cap_given: bool = False
    cap_mg_kg_min: Decimal | None = None


@dataclass(frozen=True, slots=True)
class ChosenOverride:
    """A check that the clinician continues past: a coded reason (DetectedIssue.mitigation) and a note."""

    check: str
    code: str
    note: str


@dataclass(frozen=True)
class Selections:
    """One clinician's choices; None means: the content decides, and the proposal says that it did."""

    indication: str | None = None
    regimen: str | None = None
    product: str | None = None
    per_kg: Decimal | None = None
    course_g: Decimal | None = None
    run: str | None = None
    replaces: str | None = None  # the run whose order this one takes the place of
    days: int | None = None
    start: FhirTime | None = None
    dates: tuple[date, ...] | None = None
    interval_weeks: Decimal | None = None
    cycles: int | None = None
    weight: ChosenWeight = ChosenWeight()
    rounding_increments_g: tuple[Decimal, ...] | None = None
    rounding_tolerance: Decimal | None = None
    rate: ChosenRate = ChosenRate()
    vial_sizes_g: tuple[Decimal, ...] | None = None
    concentration_mg_ml: Decimal | None = None
    absolute_max_g: Decimal | None = None
    diluent: str | None = None
    setting: str = "outpatient"
    premedication: tuple[str, ...] | None = None
    thromboprophylaxis: bool = False
    companions: Mapping[str, bool] = field(default_factory=dict)
    overrides: tuple[ChosenOverride, ...] = ()
    given: tuple[str, ...] = ()

    @property
    def own_runs(self) -> frozenset[str]:
        """The runs whose entries in the record are this order itself: its own, and the one that it replaces."""
        return frozenset(r for r in (self.run, self.replaces) if r)


_KEYS = {
    "indication", "regimen", "product", "dose", "run", "replaces", "days", "start", "dates", "interval_weeks", "cycles", "weight",
    "rounding", "rate", "vial_sizes_g", "concentration_mg_ml", "absolute_max_g", "diluent", "setting", "premedication",
    "thromboprophylaxis", "companions", "overrides",
}  # fmt: skip


def parse_selections(raw: Any) -> Selections:
    """Selections from parsed JSON (numbers as Decimal or text). SelectionError names the key that cannot be used."""
    data = _object(raw, "selections", _KEYS)
    dose = _object(data.get("dose"), "dose", {"per_kg", "unit", "course_g"})
    if dose.get("unit") not in (None, "g/kg"):
        raise SelectionError(said="dose.unit can only be g/kg.")
    if dose.get("per_kg") is not None and dose.get("course_g") is not None:
        raise SelectionError(said="dose takes per_kg or course_g, not both.")
    rounding = _object(data.get("rounding"), "rounding", {"increments_g", "tolerance"})
    return Selections(
        indication=_word(data, "indication"),
        regimen=_word(data, "regimen"),
        product=_word(data, "product"),
        per_kg=_number(dose, "per_kg", "dose.", most=MOST_PER_KG),
        course_g=_number(dose, "course_g", "dose."),
        run=_run(data, "run"),
        replaces=_run(data, "replaces"),
        days=_whole(data, "days"),
        start=_start(data),
        dates=_dates(data),
        interval_weeks=_number(data, "interval_weeks"),
        cycles=_whole(data, "cycles"),
        weight=_weight(data.get("weight")),
        rounding_increments_g=_increments(rounding),
        rounding_tolerance=_number(rounding, "tolerance", "rounding.", zero=True),
        rate=_rate(data.get("rate")),
        vial_sizes_g=_vials(data),
        concentration_mg_ml=_number(data, "concentration_mg_ml"),
        absolute_max_g=_number(data, "absolute_max_g"),
        diluent=_word(data, "diluent", ("d5w", "saline")),
        setting=_word(data, "setting", ("inpatient", "outpatient", "home")) or "outpatient",
        premedication=_words(data, "premedication"),
        thromboprophylaxis=_flag(data, "thromboprophylaxis"),
        companions=_companions(data.get("companions")),
        overrides=_overrides(data.get("overrides")),
        given=tuple(sorted(k for k, v in data.items() if v is not None)),
    )


def _object(value: Any, name: str, keys: set[str]) -> Mapping[str, Any]:
    """An object with no other keys; one that is absent is empty."""
    value = {} if value is None else value
    if not isinstance(value, dict):
        raise SelectionError(said=f"{name} is not a JSON object.")
    unknown = sorted(str(k) for k in set(value) - keys)
    if unknown:
        raise SelectionError(said=f"{name} has an unknown key: {unknown[0]}.")
    return value


def _word(data: Mapping[str, Any], key: str, allowed: tuple[str, ...] = ()) -> str | None:
    value = data.get(key)
    if value is None:
        return None
    if not isinstance(value, str) or not value or (allowed and value not in allowed):
        raise SelectionError(said=f"{key} is not one of {', '.join(allowed)}." if allowed else f"{key} is not a word.")
    return value


def _words(data: Mapping[str, Any], key: str) -> tuple[str, ...] | None:
    value = data.get(key)
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(v, str) and v for v in value):
        raise SelectionError(said=f"{key} is not a list of words.")
    return tuple(value)


def _decimal(value: Any, name: str, zero: bool = False, most: Decimal = LARGEST) -> Decimal:
    text = str(value).strip()
    try:
        number = Decimal(text) if text.isascii() and "_" not in text else Decimal("NaN")  # Python also reads 1_000 and digits of any script
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or number < 0 or (number == 0 and not zero):
        raise SelectionError(said=f"{name} is not a positive number.")
    if number > most:
        raise SelectionError(said=f"{name} is above {most}: is the number right?")
    if int(number.as_tuple().exponent) < int(_FINEST.as_tuple().exponent):
        raise SelectionError(said=f"{name} has too many decimals.")
    return number


def _number(data: Mapping[str, Any], key: str, prefix: str = "", zero: bool = False, most: Decimal = LARGEST) -> Decimal | None:
    value = data.get(key)
    return None if value is None else _decimal(value, prefix + key, zero, most)


def _increments(data: Mapping[str, Any]) -> tuple[Decimal, ...] | None:
    steps = _numbers(data, "increments_g", "rounding.", empty=True)
    if steps is not None and any(step < _LEAST_STEP for step in steps):
        raise SelectionError(said=f"rounding.increments_g are below {_LEAST_STEP} g.")
    return steps


def _vials(data: Mapping[str, Any]) -> tuple[Decimal, ...] | None:
    sizes = _numbers(data, "vial_sizes_g")
    if sizes is not None and any(size * 10 != int(size * 10) for size in sizes):
        raise SelectionError(said="vial_sizes_g are not whole tenths of a gram.")
    return sizes


def _numbers(data: Mapping[str, Any], key: str, prefix: str = "", empty: bool = False) -> tuple[Decimal, ...] | None:
    value = data.get(key)
    if value is None:
        return None
    if not isinstance(value, list) or not (value or empty):
        raise SelectionError(said=f"{prefix}{key} is not a list of numbers.")
    return tuple(_decimal(v, prefix + key) for v in value)


def _whole(data: Mapping[str, Any], key: str) -> int | None:
    value = _number(data, key)
    if value is None:
        return None
    if value != value.to_integral_value() or value > 100:
        raise SelectionError(said=f"{key} is not a whole number from 1 to 100.")
    return int(value)


def _flag(data: Mapping[str, Any], key: str) -> bool:
    value = data.get(key)
    if value not in (None, True, False):
        raise SelectionError(said=f"{key} is neither true nor false.")
    return bool(value)


def _run(data: Mapping[str, Any], key: str) -> str | None:
    run = _word(data, key)
    if run is not None and not run.startswith("urn:uuid:"):
        raise SelectionError(said=f"{key} is not a urn:uuid.")
    return run


def _start(data: Mapping[str, Any]) -> FhirTime | None:
    text = _word(data, "start")
    if text is None:
        return None
    time = parse_time(text)
    if time is None or time.is_partial:
        raise SelectionError(said="start is not a date or a dateTime.")
    return time


def _dates(data: Mapping[str, Any]) -> tuple[date, ...] | None:
    texts = _words(data, "dates")
    if texts is None:
        return None
    days = tuple(d for d in (parse_date(t) for t in texts) if d is not None)
    if not days or len(days) != len(texts) or list(days) != sorted(set(days)):
        raise SelectionError(said="dates are not days in order, each once.")
    return days


def _weight(raw: Any) -> ChosenWeight:
    data = _object(raw, "weight", {"policy", "dosing_kg", "basis", "reason"})
    if data.get("policy") is not None and data.get("dosing_kg") is not None:
        raise SelectionError(said="weight takes a policy or a dosing_kg, not both.")
    reason = data.get("reason") or ""
    if not isinstance(reason, str):
        raise SelectionError(said="weight.reason is not a text.")
    return ChosenWeight(
        _word(data, "policy"), _number(data, "dosing_kg", "weight."), _word(data, "basis", _BASES) or "other", reason.strip()
    )


def _rate(raw: Any) -> ChosenRate:
    data = _object(raw, "rate", {"ladder", "mode", "hours", "cap_mg_kg_min"})
    mode = _word(data, "mode", ("steps", "hours")) or "steps"
    hours = _number(data, "hours", "rate.")
    if (mode == "hours") != (hours is not None):
        raise SelectionError(said="rate.hours goes with the mode hours.")
    return ChosenRate(_word(data, "ladder"), mode, hours, "cap_mg_kg_min" in data, _number(data, "cap_mg_kg_min", "rate."))


def _companions(raw: Any) -> Mapping[str, bool]:
    if raw is None:
        return {}
    if not isinstance(raw, dict) or not all(isinstance(v, bool) for v in raw.values()):
        raise SelectionError(said="companions is not an object of true and false.")
    return dict(raw)


def _overrides(raw: Any) -> tuple[ChosenOverride, ...]:
    if raw is None:
        return ()
    if not isinstance(raw, list):
        raise SelectionError(said="overrides is not a list.")
    found = []
    for item in raw:
        data = _object(item, "overrides", {"check", "code", "note"})
        values = [data.get(k) for k in ("check", "code", "note")]
        if not all(isinstance(v, str) and v.strip() for v in values):
            raise SelectionError(said="an override needs a check, a coded reason and a note.")
        found.append(ChosenOverride(str(values[0]), str(values[1]), str(values[2]).strip()))
    return tuple(found)
