"""The plan of one infusion for the nurse: when vital signs are due, from which weight the dose is looked at again, what a reaction gets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import ceil
from typing import Any

from ivig_fhir.content.infusion_sheet import Reaction, SheetGuide, VitalTimes
from ivig_fhir.fhir.quantity import half_up, plain

_TENTH = "0.1"


@dataclass(frozen=True, slots=True)
class VitalDue:
    """Vital signs that are due: whole minutes after the start (before it: negative), and why then."""

    minute: int
    says: str


@dataclass(frozen=True, slots=True)
class ReactionStep:
    """One grade as printed: its signs, what to do, and the medicines of this order with their doses."""

    title: str
    signs: str
    do: str
    medicines: tuple[str, ...]


def vitals_due(begins: Sequence[Fraction], total: Fraction, times: VitalTimes, first: bool) -> tuple[VitalDue, ...]:
    """Every moment at which vital signs are due, in order. `begins` are the starts of the steps and `total` the whole infusion, in minutes.

    A rise whose wait would reach into the next step is looked at before that step begins; nothing is due after the end but the last look.
    """
    says, end = times.says, ceil(total)
    rows = [VitalDue(-times.before, says["before"])]
    last = 0
    for at, begin in enumerate(begins):
        following = begins[at + 1] if at + 1 < len(begins) else total
        last = min(ceil(begin) + times.after_rise, ceil(following))
        if last < end:
            rows.append(VitalDue(last, says["start"] if at == 0 else says["rise"].format(step=at + 1)))
    for wait in (*times.then, *[times.hourly] * (end // times.hourly)):
        last += wait
        if last < end:
            rows.append(VitalDue(last, says["on"]))
    after = times.after_end_first if first else times.after_end
    return (*rows, VitalDue(end, says["end"]), VitalDue(end + after, says["after"]))


def weight_limits(actual_kg: Decimal, fraction: Decimal) -> tuple[str, str]:
    """The weights from which the dose is looked at again: below and above the actual weight by this fraction, in kg to 0.1.

    Rounded towards the weight itself, so that nobody who moved by the fraction is passed over.
    """
    low, high = actual_kg * (1 - fraction), actual_kg * (1 + fraction)
    return str(_up(low)), str(_down(high))


def _up(value: Decimal) -> Decimal:
    near = half_up(value, _TENTH)
    return near if near >= value else near + Decimal(_TENTH)


def _down(value: Decimal) -> Decimal:
    near = half_up(value, _TENTH)
    return near if near <= value else near - Decimal(_TENTH)


def reaction_steps(guide: SheetGuide, companions: Sequence[Mapping[str, Any]]) -> tuple[ReactionStep, ...]:
    """The grades of a reaction with the medicines that the order has; `companions` as they were approved, with their doses."""
    chosen = {str(c["id"]): c.get("dose") for c in companions if c.get("selected")}
    return tuple(ReactionStep(r.title, r.signs, r.do, _medicines(r, chosen)) for r in guide.reactions)


def _medicines(reaction: Reaction, chosen: Mapping[str, Mapping[str, Any] | None]) -> tuple[str, ...]:
    said = []
    for medicine in reaction.medicines:
        if medicine.companion not in chosen:
            continue
        dose = chosen[medicine.companion]
        if "{dose}" in medicine.says and dose is None:
            continue  # without a dose for this patient the order's own sentence is the only one
        said.append(medicine.says.format(dose=_amount(dose)) if dose else medicine.says)
    return tuple(said)


def _amount(dose: Mapping[str, Any]) -> str:
    low, high = plain(Decimal(str(dose["low"]))), plain(Decimal(str(dose["high"])))
    return f"{low} {dose['unit']}" if low == high else f"{low} to {high} {dose['unit']}"
