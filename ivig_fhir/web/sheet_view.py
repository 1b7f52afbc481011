"""The two printed sheets as data: what the nurse needs beside the patient, and what the pharmacist verified; from what the screens show."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from ivig_fhir.content.infusion_sheet import SheetGuide
from ivig_fhir.content.model import Content
from ivig_fhir.fhir.dates import completed_years, parse_date, parse_time
from ivig_fhir.fhir.stored_order import StoredOrder, number
from ivig_fhir.order.infusion_plan import reaction_steps, vitals_due, weight_limits
from ivig_fhir.order.recompute import Recalculated
from ivig_fhir.order.sheet import Sheet, SheetDay, sheet
from ivig_fhir.order.states import OrderState
from ivig_fhir.store.orders import Order
from ivig_fhir.web.desk import Desk
from ivig_fhir.web.order_view import allergies_said, person_view
from ivig_fhir.web.render import amount, clock, day, duration, short_name
from ivig_fhir.web.verification_view import second_person, steps_view
from ivig_fhir.workflow.sheet import Beside

View = dict[str, Any]
# Lines of the second calculation whose figure is printed also where they agree; of all others their names are.
_FIGURES = (
    "Actual weight", "Ideal weight", "Dosing weight", "Calculated dose", "Dose of one", "Vials", "Volume", "Rate ceiling", "Step ",
    "Minutes", "Label maximum", "Series", "Grams to supply", "Grams given", "Weight since", "Most in a course",
)  # fmt: skip
_MANY_ROWS = 15  # from here on the tables are set closer, so that the sheet stays one page


def sheet_view(order: Order, beside: Beside, content: Content, run: str, now: datetime) -> View:
    """One sheet for each infusion day of a verified order, each with whose it is. StateError before."""
    made = sheet(OrderState(order.state), beside.order, (), content, f"urn:uuid:{run}")
    kept = json.loads(order.body)
    guide: SheetGuide = content.constants["infusion_sheet"]
    start = datetime.fromisoformat(kept["start"])
    begins, total = _times(beside.order)
    first = guide.vitals.first in {f["check"] for f in kept["findings"]}
    vitals, allergies = vitals_due(begins, total, guide.vitals, first), allergies_said(beside.chart)
    common = {
        **person_view(beside.chart.patient),
        "allergies": allergies,
        "about": _about(kept, content),
        "product": made.product,
        "concentration": made.concentration,
        "vials": " + ".join(f"{count} × {size}" for size, count in made.vials) or "no vial sizes known",
        "vial_rows": [size for size, count in made.vials for _ in range(count)],
        "waste": amount(kept["waste_g"], "g") if Decimal(kept["waste_g"] or 0) else "",
        "diluent": guide.diluents[beside.diluent],
        "diluted": bool(beside.diluent),
        "days": [_day(d) for d in made.days],
        "before": [b.says.format(**_ticks(allergies, kept, content)) for b in guide.before],
        "medicines": _before_medicines(kept),
        "highest": made.highest_rate,
        "minutes": duration(int(total) if total == int(total) else int(total) + 1),
        "raising": guide.raising,
        "stop": guide.stop_child if _is_child(kept, start, content) else guide.stop_adult,
        "reactions": reaction_steps(guide, kept["companions"]),
        "also": [str(c["title"]) for c in _others(kept)],
        "reference": f"{made.order} version {made.version}, run {run[:8]}",
        "printed": f"{day(now)}, {clock(now)}",
        "verified": _verified(order),
        "signed_by": made.signed_by,
        "review_on": day(made.review_on) if made.review_on else "",
        "notes": made.notes,
        "close": bool(beside.diluent) or len(vitals) + len(made.steps) + len(made.vials) > _MANY_ROWS,
    }
    return {"sheets": [{**common, **_one(d, made, start.time(), begins, vitals)} for d in made.days]}


def _times(stored: Mapping[str, Any]) -> tuple[list[Fraction], Fraction]:
    """When each step begins and when all is in, in minutes; the last step runs until its volume is in."""
    begins, elapsed = [], Fraction(0)
    for step in StoredOrder(stored).steps:
        begins.append(elapsed)
        minutes, volume, rate = (
            number(step.get(k), u) for k, u in (("duration", "min"), ("volumeCalculated", "mL"), ("rateCalculated", "mL/h"))
        )
        elapsed += minutes if minutes is not None else (volume or Fraction(0)) * 60 / rate if rate else Fraction(0)
    return begins, elapsed


def _one(d: SheetDay, made: Sheet, begins_at: time, begins: Sequence[Fraction], vitals: Sequence[Any]) -> View:
    """What differs from day to day: date, clock times, the place in the course, the next infusion."""
    start = datetime.combine(d.date, begins_at)
    at = made.days.index(d)
    following = made.days[at + 1] if at + 1 < len(made.days) else None
    steps = [
        {
            "at": clock(start + timedelta(minutes=int(b))),
            "rate": s.rate.partition(" ")[0],
            "minutes": s.minutes,
            "volume": s.volume,
            "total": s.total,
        }
        for s, b in zip(made.steps, begins, strict=True)
    ]
    return {
        "number": d.number,
        "of": len(made.days),
        "grams": d.grams,
        "volume": d.volume,
        "day": day(d.date),
        "start": clock(start),
        "steps": steps,
        "vitals": [{"at": clock(start + timedelta(minutes=v.minute)), "says": v.says, "minutes": abs(v.minute)} for v in vitals],
        "next": f"{day(following.date)}, {clock(start)}" if following else "",
    }


def _day(d: SheetDay) -> View:
    return {"number": d.number, "day": day(d.date), "grams": d.grams, "volume": d.volume}


def _about(kept: Mapping[str, Any], content: Content) -> str:
    w, known = kept["weight"], content.order_sets[kept["indication"]]
    weighed = (
        f"{w['actual_kg']} kg" + (f" ({day(w['effective'])})" if w.get("effective") else "") if w["actual_kg"] else "no measured weight"
    )
    return f"{weighed}; dosing weight {w['dosing_kg']} kg; {short_name(known.name)}"


def _ticks(allergies: str, kept: Mapping[str, Any], content: Content) -> dict[str, str]:
    actual = kept["weight"]["actual_kg"] or kept["weight"]["dosing_kg"]
    low, high = weight_limits(Decimal(actual), content.checks["weight.changed"].number("fraction"))
    return {"allergies": allergies, "low": low, "high": high}


def _before_medicines(kept: Mapping[str, Any]) -> list[str]:
    """The medicines that this order gives before each infusion, in the words of the order."""
    return [str(c["text"]) for c in kept["companions"] if c["selected"] and c["kind"] == "medication" and not c["as_needed"]]


def _others(kept: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What else is ordered and has no place of its own on the sheet."""
    shown = {
        "vital-signs",
        "hold-parameters",
        "rate-increase",
        "nursing-before-start",
        "nursing-reaction-plan",
        "nursing-handling",
        "nursing-lot",
    }
    kinds = ("monitoring", "nursing", "lab")
    return [c for c in kept["companions"] if c["selected"] and c["kind"] in kinds and c["id"] not in shown]


def _is_child(kept: Mapping[str, Any], start: datetime, content: Content) -> bool:
    born = parse_date(kept["patient"]["birth_date"])
    return born is not None and completed_years(born, start.date()) < content.constants["adult_years"]


def _verified(order: Order) -> str:
    word = json.loads(order.verification) if order.verification else {}
    at = parse_time(word.get("at"))
    return f"{word['who']['display']}, {day(at.earliest)}, {clock(at.earliest)}" if at and word.get("who") else ""


def verification_sheet_view(desk: Desk, now: datetime) -> View:
    """What was verified, on one page: the steps of the pharmacist's work, both calculations, reasons, what was not checked, signatures."""
    kept, order, lines = desk.kept, desk.case.approved, desk.case.review.lines
    titles = {id_: title for _, id_, title in desk.content.constants["check_index"]}
    reasons = dict(desk.content.constants["override_reasons"])
    stored = StoredOrder(desk.stored)
    plain = [x for x in lines if x.agrees and not x.what.startswith(_FIGURES)]
    return {
        **person_view(desk.chart.patient),
        "allergies": allergies_said(desk.chart),
        "title": short_name(desk.order_set.name),
        "grams": amount(kept["dose"]["per_infusion_g"], "g"),
        "days": [f"{day(d)}: {amount(kept['dose']['per_infusion_g'], 'g')}" for d in stored.dates],
        "steps": [{"title": s["title"], "lines": _short(s["title"], s["lines"])} for s in steps_view(desk)],
        "lines": [_line(x) for x in lines if x not in plain],
        "plain": "; ".join(x.what for x in plain),
        "agreed": f"{sum(x.agrees is True for x in lines)} of {len(lines)}",
        "overrides": [f"{titles[o['check']]}: {o['code']}, {reasons[o['code']]}: “{o['note']}”" for o in kept["overrides"]],
        "not_assessed": [*(f"{titles[n['check']]}: {n['message']}" for n in kept["not_assessed"]), *_unread(order)],
        "second_person": second_person(desk),
        "approver": desk.case.review.signers[0].display,
        "approved_at": f"{day(order.approved_at)}, {clock(order.approved_at)}",
        "verified": _verified(order),
        "vial_rows": [amount(v["grams"], "g") for v in kept["vials"] for _ in range(v["count"])],
        "reference": f"MedicationRequest/{desk.stored.get('id')}, run {order.run[:8]}",
        "printed": f"{day(now)}, {clock(now)}",
        "close": len(lines) - len(plain) + len(kept["overrides"]) + len(kept["not_assessed"]) > _MANY_ROWS,
    }


def _unread(order: Order) -> list[str]:
    """What could not be read when the order was verified, and the pharmacist's words on it."""
    word = json.loads(order.verification) if order.verification else {}
    return [f"{u['type']} could not be read: {', '.join(u['checks'])}. Pharmacist: “{u['note']}”" for u in word.get("unread") or ()]


def _short(title: str, lines: Sequence[str]) -> str:
    """The lines of a step in one paragraph; companions by their titles alone, whose sentences stand on the infusion sheet."""
    if title in ("Medicines beside it", "Monitoring and follow-up"):
        return "; ".join(line.partition(":")[0] for line in lines)
    return "; ".join(lines)


def _line(x: Recalculated) -> View:
    verdict = "agrees" if x.agrees else "differs" if x.agrees is False else "not recalculated"
    return {"what": x.what, "ordered": x.ordered, "recomputed": x.recomputed, "verdict": verdict}
