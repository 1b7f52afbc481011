"""What the dispense counter shows: the infusion, what the gate says, vials to fill in; and the discrepancies to reconcile."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, tzinfo
from decimal import Decimal, InvalidOperation
from typing import Any

from ivig_fhir.content.dispense import DispenseGate
from ivig_fhir.content.model import Content
from ivig_fhir.errors import BadRequest
from ivig_fhir.fhir.quantity import plain
from ivig_fhir.order.approval import Clinician
from ivig_fhir.order.dispense import Broken, Vial, Wanted, broken
from ivig_fhir.store.dispenses import Dispense
from ivig_fhir.web.order_view import person_view
from ivig_fhir.web.render import amount, clock, day
from ivig_fhir.workflow.dispense import NOT_SECOND, Counter, may_reconcile, vials_planned

View = dict[str, Any]
_SPARE = 2  # rows for vials that the order did not foresee
_MOST = 40


def counter_view(counter: Counter, content: Content, zone: tzinfo, typed: Mapping[str, Any], refused: Sequence[Broken]) -> View:
    """The form with what was typed; `refused` is what the gate said to it, else it is asked about the next infusion as it is planned."""
    gate: DispenseGate = content.constants["dispense"]
    plan, wanted_day = counter.plan, str(typed.get("infusion") or counter.next_infusion or "")
    rows = _rows(counter, typed)
    return {
        "banner": person_view(counter.case.chart.patient),
        "title": f"Dispense {plan.brand}",
        "asked": f"{amount(counter.kept['dose']['per_infusion_g'], 'g')} each infusion, from vials of {amount(plain(plan.supply_g), 'g')}",
        "infusions": [{"value": d.isoformat(), "said": _said(counter, d), "chosen": d.isoformat() == wanted_day} for d in plan.dates],
        "products": [
            {"value": p.id, "said": p.brand, "chosen": p.id == (typed.get("product") or plan.product)}
            for p in content.products.values()
            if p.marketed
        ],
        "rows": rows,
        "gate": _gate(refused or _beforehand(counter, gate), gate, asked=bool(refused)),
        "refused": bool(refused),
        "excusable": bool(refused) and all(b.excusable for b in refused),
        "altered": plan.altered,
        "others": [b.said for b in refused if b.condition not in gate.conditions],
        "reasons": [{"code": c, "label": label, "chosen": c == typed.get("code")} for c, label in gate.reasons.items()],
        "note": str(typed.get("note") or ""),
        "before": [_dispense(d, content, zone) for d in counter.before],
    }


def _said(counter: Counter, infusion: date) -> str:
    """`Mon 2 Mar 2026, dispensed`; with the grams where some are still due."""
    grams = counter.supplied(infusion)
    if not grams:
        return day(infusion)
    return f"{day(infusion)}, {'dispensed' if grams >= counter.plan.supply_g else f'{plain(grams)} g dispensed'}"


def _beforehand(counter: Counter, gate: DispenseGate) -> tuple[Broken, ...]:
    """What the gate would say to the planned vials for the next infusion."""
    following = counter.next_infusion
    if following is None:
        return ()
    return broken(Wanted(following, counter.plan.product, vials_planned(counter, following)), counter.plan, gate)


def _gate(found: Sequence[Broken], gate: DispenseGate, asked: bool) -> list[View]:
    said = {id_: "; ".join(b.said for b in found if b.condition == id_) for id_ in gate.conditions}
    stops = {b.condition for b in found if not b.excusable}
    return [
        {
            "title": c.title,
            "kind": "ok" if not said[id_] else "stop" if id_ in stops else "need",
            "said": said[id_] or ("Holds." if asked else "Holds for the next infusion as planned."),
        }
        for id_, c in gate.conditions.items()
    ]


def _rows(counter: Counter, typed: Mapping[str, Any]) -> list[View]:
    planned = [plain(Decimal(v["grams"])) for v in counter.kept["vials"] for _ in range(v["count"])]
    count = max(len(planned) + _SPARE, sum(k.startswith("grams-") for k in typed))
    kept = {k: str(typed.get(k) or "") for k in typed}
    return [
        {
            "n": n,
            "grams": kept.get(f"grams-{n}", planned[n - 1] if n <= len(planned) else ""),
            "lot": kept.get(f"lot-{n}", ""),
            "expiry": kept.get(f"expiry-{n}", ""),
        }
        for n in range(1, min(count, _MOST) + 1)
    ]


def wanted_of(typed: Mapping[str, Any]) -> Wanted:
    """What was typed, or sent by a script (`vials`, a list). BadRequest for a day or a number that is none; an empty row is no vial."""
    listed = typed.get("vials")
    vials = tuple(_vial(r) for r in (listed if isinstance(listed, list) else _typed_rows(typed)))
    infusion = _date(str(typed.get("infusion") or ""))
    if infusion is None:
        raise BadRequest("no day", said="Choose the infusion for which the vials are.")
    return Wanted(infusion, str(typed.get("product") or ""), vials)


def _typed_rows(typed: Mapping[str, Any]) -> Iterator[Mapping[str, str]]:
    for n in range(1, _MOST + 1):
        row = {k: str(typed.get(f"{k}-{n}") or "").strip() for k in ("grams", "lot", "expiry")}
        if row["lot"] or row["expiry"]:
            yield row


def _vial(row: Any) -> Vial:
    if not isinstance(row, Mapping):
        raise BadRequest("vial", said="A vial is an object with grams, lot and expiry.")
    try:
        grams = Decimal(str(row.get("grams") or "0").strip())
    except InvalidOperation:
        raise BadRequest("grams", said="Grams of a vial must be a plain number.") from None
    if not grams.is_finite() or abs(grams) > 1000:
        raise BadRequest("grams", said="Grams of a vial must be a plain number.")
    return Vial(grams, " ".join(str(row.get("lot") or "").split())[:60], _date(str(row.get("expiry") or "")))


def _date(text: str) -> date | None:
    """A day as the form sends it; an expiry by month alone means its last day, and is typed as that day."""
    try:
        return date.fromisoformat(text.strip()) if text.strip() else None
    except ValueError:
        raise BadRequest("date", said="A date must be a day as in 2027-01-31.") from None


def _dispense(d: Dispense, content: Content, zone: tzinfo) -> View:
    held, reason = json.loads(d.vials), json.loads(d.reason) if d.reason else {}
    at, product = d.at.astimezone(zone), content.products.get(held["product"])
    titles = {id_: c.title for id_, c in content.constants["dispense"].conditions.items()}
    return {
        "id": d.id,
        "run": d.run,
        "infusion": day(d.infusion),
        "at": f"{day(at)}, {clock(at)}",
        "by": held.get("by") or d.by,
        "product": product.brand if product else held["product"],
        "vials": "; ".join(f"{amount(v['grams'], 'g')}, lot {v['lot']}, until {day(v['expiry'])}" for v in held["vials"]),
        "broken": [titles[b] for b in d.broken],
        "reason": f"{reason['label']}: {reason['note']}" if reason else "",
        "reconciled": f"{d.reconciliation} ({d.reconciled_by}, {day(d.reconciled_at.astimezone(zone))})" if d.reconciled_at else "",
    }


def discrepancies_view(found: Sequence[Dispense], content: Content, zone: tzinfo, everything: bool, who: Clinician) -> View:
    """The list, oldest first; what this person cannot reconcile says why."""
    rows = [{**_dispense(d, content, zone), "why_not": "" if may_reconcile(who, d) else NOT_SECOND} for d in found]
    return {"rows": rows, "everything": everything}


def dispense_json(d: Dispense) -> View:
    """One dispense for scripts."""
    return {
        "id": d.id,
        "run": d.run,
        "infusion": d.infusion,
        "number": d.number,
        "broken": list(d.broken),
        "reason": json.loads(d.reason) if d.reason else None,
        **{k: v for k, v in json.loads(d.vials).items() if k not in ("by", "who")},
        "reconciled": d.reconciled_at.isoformat() if d.reconciled_at else None,
    }
