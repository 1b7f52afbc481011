"""The dispense gate: current authorization, the ordered product, no more than ordered, the interval; each refusal names its condition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from ivig_fhir.content.dispense import DispenseGate
from ivig_fhir.fhir.quantity import plain
from ivig_fhir.order.authorization import Permit
from ivig_fhir.order.states import OrderState

ORDER, VIALS = "order", "vials"


@dataclass(frozen=True, slots=True)
class Vial:
    """One vial: grams in it, its lot, the last day on which it may be used."""

    grams: Decimal
    lot: str
    expiry: date | None


@dataclass(frozen=True, slots=True)
class Handed:
    """Vials that were dispensed earlier for an infusion of this order."""

    infusion: date
    grams: Decimal


@dataclass(frozen=True)
class Plan:
    """What the order allows and the record tells, read now.

    `supply_g` are the grams in the vials of one infusion (the dose, and what is left over of the last vial). `dates` are all infusions of
    the order. `first_gap_days` is how long the last immunoglobulin before this order must be past at its first infusion. `given` are the
    days on which the record says that immunoglobulin was given; `permits` and `given` are None where they could not be read. Without
    `needs_permit` (an infusion in the hospital) no payer is asked: the verified order is the authorization. `others` is what this patient
    was dispensed of the product for other orders. `altered` says what somebody changed in the EHR, so that nobody verified what stands
    there.
    """

    state: OrderState
    status: str
    product: str
    brand: str
    supply_g: Decimal
    dates: tuple[date, ...]
    first_gap_days: int
    needs_permit: bool
    permits: tuple[Permit, ...] | None
    given: tuple[date, ...] | None
    earlier: tuple[Handed, ...]
    others: tuple[Handed, ...] = ()
    altered: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to leave the pharmacy: vials of a product for the infusion of one day."""

    infusion: date
    product: str
    vials: tuple[Vial, ...]

    @property
    def grams(self) -> Decimal:
        """Grams in all vials."""
        return sum((v.grams for v in self.vials), Decimal(0))


@dataclass(frozen=True, slots=True)
class Broken:
    """One condition that does not hold, in a sentence. One that is not excusable stops the dispense whatever reason is given."""

    condition: str
    said: str
    excusable: bool


def broken(wanted: Wanted, plan: Plan, gate: DispenseGate) -> tuple[Broken, ...]:
    """Every condition that does not hold, in the order of the gate; none: the vials may go. See: content `dispense.toml`."""
    found = [Broken(ORDER, said, False) for said in _order(plan)] + [Broken(VIALS, said, False) for said in _vials(wanted)]
    asked = {
        "authorization": _authorization(wanted, plan),
        "product": [] if wanted.product == plan.product else [f"The order is for {plan.brand}. Another product needs another order."],
        "quantity": _quantity(wanted, plan),
        "interval": _interval(wanted, plan),
    }
    return (*found, *(Broken(id_, said, gate.conditions[id_].excusable) for id_ in gate.conditions for said in asked[id_]))


def _order(plan: Plan) -> list[str]:
    if plan.state is not OrderState.VERIFIED:
        return [f"The order is {plan.state.value}: vials are dispensed for a verified order only."]
    return [*plan.altered] if plan.status == "active" else [f"The order is {plan.status or 'without a status'} in the EHR, not active."]


def _vials(wanted: Wanted) -> list[str]:
    if not wanted.vials:
        return ["No vial is named."]
    said = ["A vial has no lot number."] if any(not v.lot for v in wanted.vials) else []
    said += ["A vial has no expiry date."] if any(v.expiry is None for v in wanted.vials) else []
    said += ["A vial is empty or has no grams."] if any(v.grams <= 0 for v in wanted.vials) else []
    expired = [v.lot for v in wanted.vials if v.expiry is not None and v.expiry < wanted.infusion]
    return said + ([f"Expired on the day of the infusion: lot {', '.join(expired)}."] if expired else [])


def _authorization(wanted: Wanted, plan: Plan) -> list[str]:
    """One authorization for this product that holds on the day and says so. What could not be read authorizes nothing."""
    if not plan.needs_permit:
        return []
    if plan.permits is None:
        return ["Prior authorizations could not be read."]
    current = _current(wanted, plan)
    if current is not None:
        return [] if current.dated else [f"It is not known for which days the authorization holds: {current.said}."]
    granted = [p for p in plan.permits if p.granted and p.for_product]
    if granted:
        return [f"No authorization holds on this day: {'; '.join(p.said for p in granted)}."]
    near = "; ".join(p.said for p in plan.permits)
    return [f"No authorization for {plan.brand} is on file{f': {near}' if near else ''}."]


def _current(wanted: Wanted, plan: Plan) -> Permit | None:
    """The authorization under which these vials would go: of those that hold, the one that leaves the least to ask."""
    holding = [p for p in plan.permits or () if p.granted and p.for_product and p.holds(wanted.infusion)] if plan.needs_permit else []
    return min(holding, key=lambda p: (bool(_beyond(wanted, plan, p)) + (not p.dated), not p.dated), default=None)


def _beyond(wanted: Wanted, plan: Plan, permit: Permit) -> list[str]:
    """Whether it is more than the payer authorizes, with everything that went on days for which this authorization holds."""
    if permit.unclear:
        return [f"The authorization states {permit.unclear}, which cannot be compared with grams."]
    used = sum((h.grams for h in (*plan.earlier, *plan.others) if permit.holds(h.infusion)), Decimal(0))
    if permit.grams is None or used + wanted.grams <= permit.grams:
        return []
    together = f", with the {plain(used)} g dispensed under it before," if used else ""
    return [f"{plain(wanted.grams)} g{together} are more than the {plain(permit.grams)} g of the authorization."]


def _quantity(wanted: Wanted, plan: Plan) -> list[str]:
    """No more than was ordered, and no more than is authorized."""
    current = _current(wanted, plan)
    return [*_ordered(wanted, plan), *(_beyond(wanted, plan, current) if current is not None else [])]


def _ordered(wanted: Wanted, plan: Plan) -> list[str]:
    """What leaves in parts for one infusion is counted together; so is what left for the others."""
    same = sum((h.grams for h in plan.earlier if h.infusion == wanted.infusion), Decimal(0))
    whole, before = plan.supply_g * len(plan.dates), sum((h.grams for h in plan.earlier), Decimal(0))
    if same + wanted.grams > plan.supply_g:
        together = f", with the {plain(same)} g dispensed for it before," if same else ""
        return [f"{plain(wanted.grams)} g{together} are more than the {plain(plan.supply_g)} g of one infusion."]
    if before + wanted.grams > whole:
        return [f"With the {plain(before)} g dispensed before they are more than the {plain(whole)} g of all infusions."]
    return []


def _interval(wanted: Wanted, plan: Plan) -> list[str]:
    """A day of the order, and as long after the last infusion as the order puts between the two."""
    if wanted.infusion not in plan.dates:
        return ["This is not a day of the order."]
    if plan.given is None:
        return ["What was given could not be read, so the interval is not known."]
    past = [d for d in (*plan.given, *(h.infusion for h in plan.earlier)) if d < wanted.infusion]
    if wanted.infusion in plan.given:
        return ["The record says that immunoglobulin was given on this day already."]
    if not past:
        return []
    gap, planned = (wanted.infusion - max(past)).days, _planned(wanted.infusion, plan.dates, plan.first_gap_days)
    return [] if gap >= planned else [f"The last infusion is {gap} days before; the order puts {planned} between them."]


def _planned(infusion: date, dates: Sequence[date], first: int) -> int:
    before = [d for d in dates if d < infusion]
    return (infusion - max(before)).days if before else first
