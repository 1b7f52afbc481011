"""A proposal as the JSON that the contract promises: every decimal a text, nothing left out, absent is null."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from ivig_fhir.fhir.quantity import half_up, plain
from ivig_fhir.proposal.findings import Evidence
from ivig_fhir.proposal.model import (
    SCHEMA,
    CompanionOrder,
    DoseCalculation,
    Figure,
    GivenBefore,
    Proposal,
    RateSchedule,
    Rounding,
    Series,
    WeightCalculation,
)

Json = dict[str, Any]


def answer(proposal: Proposal) -> Json:
    """The proposal in the shape `ivig-fhir/proposal/1`."""
    return {**body(proposal), "digest": proposal.digest}


def body(p: Proposal) -> Json:
    """The answer without its digest, which is computed over it."""
    return {
        "schema": SCHEMA,
        "outcome": p.outcome,
        "run": p.run,
        "content": {"order_set": p.order_set.id, "version": p.content_version, "review": p.review},
        "patient": {
            "reference": p.patient.reference,
            "sex": p.patient.sex or None,
            "birth_date": p.patient.birth_date.isoformat() if p.patient.birth_date else None,
            "age": p.age or None,
        },
        "indication": p.order_set.id,
        "regimen": p.regimen.id if p.regimen else None,
        "tier": p.order_set.tier,
        "on_label": p.on_label,
        "defaulted": list(p.defaulted),
        "start": p.start.isoformat(),
        "weight": _weight(p.weight),
        "dose": _dose(p.dose),
        "rounding": _rounding(p.rounding),
        "series": series_json(p.series),
        "product": {"id": p.product.id, "concentration_mg_ml": plain(p.concentration_mg_ml)},
        "vials": [{"grams": plain(v.grams), "count": v.count} for v in p.vials],
        "waste_g": _text(p.waste_g),
        "volume_ml": _fixed(p.volume_ml, "0.1"),
        "rate": _rate(p.rate),
        "findings": [_finding(f) for f in p.findings],
        "not_assessed": [{"check": n.check, "reason": n.reason.value, "message": n.message} for n in p.not_assessed],
        "clear": list(p.clear),
        "companions": [_companion(c) for c in p.companions],
        "overrides": [{"check": o.check, "code": o.code, "note": o.note} for o in p.overrides],
        "vaccine_interval_months": p.vaccine_interval_months,
        "figures": [_figure(f) for f in p.figures],
        "given_before": given_json(p.given_before),
    }


def _text(value: Decimal | None) -> str | None:
    return None if value is None else plain(value)


def _fixed(value: Decimal | None, step: str) -> str | None:
    return None if value is None else str(half_up(value, step))


def _weight(w: WeightCalculation) -> Json:
    return {
        "actual_kg": _plain_kg(w.actual_kg),
        "ideal_kg": _plain_kg(w.ideal_kg),
        "adjusted_kg": _plain_kg(w.adjusted_kg),
        "bmi": _plain_kg(w.bmi),
        "dosing_kg": _plain_kg(w.dosing_kg),
        "used": w.used,
        "policy": w.policy,
        "policy_version": w.policy_version,
        "why": w.why,
        "source": w.source,
        "effective": w.effective,
    }


def _plain_kg(value: Decimal | None) -> str | None:
    """Measured weights keep their decimal."""
    return None if value is None else str(value)


def _dose(d: DoseCalculation | None) -> Json:
    if d is None:
        return {
            "calculated_course_g": None, "calculated_per_infusion_g": None, "per_infusion_g": None, "deviation_percent": None,
            "course_g": None, "infusions": [],
        }  # fmt: skip
    return {
        "calculated_course_g": _fixed(d.calculated_course_g, "0.01"),
        "calculated_per_infusion_g": _fixed(d.calculated_per_infusion_g, "0.01"),
        "per_infusion_g": _fixed(d.per_infusion_g, "0.1"),
        "deviation_percent": _fixed(d.deviation_percent, "0.1"),
        "course_g": _fixed(d.course_g, "0.1"),
        "infusions": [{"date": i.date.isoformat(), "grams": _fixed(i.grams, "0.1")} for i in d.infusions],
    }


def _rounding(r: Rounding | None) -> Json | None:
    if r is None:
        return None
    return {
        "increments_g": [plain(x) for x in r.increments_g],
        "tolerance": plain(r.tolerance),
        "policy": r.policy,
        "policy_version": r.version,
    }


def series_json(s: Series | None) -> Json | None:
    """A series as the answer gives it, or null."""
    if s is None:
        return None
    return {
        "interval_weeks": int(s.interval_weeks) if s.interval_weeks == int(s.interval_weeks) else plain(s.interval_weeks),
        "cycles": s.cycles,
        "dates": [d.isoformat() for d in s.dates],
        "last": s.last.isoformat(),
        "review_on": s.review_on.isoformat(),
        "total_g": _fixed(s.total_g, "0.1"),
    }


def _rate(r: RateSchedule) -> Json:
    return {
        "mode": r.mode,
        "basis": r.basis,
        "ladder": r.ladder,
        "cap_ml_kg_h": _text(r.cap_ml_kg_h),
        "cap_reason": r.cap_reason,
        "total_minutes": r.total_minutes,
        "notes": list(r.notes),
        "steps": [
            {"ml_kg_h": plain(s.ml_kg_h), "ml_h": plain(s.ml_h), "minutes": plain(s.minutes), "volume_ml": _fixed(s.volume_ml, "0.1")}
            for s in r.steps
        ],
    }


def _finding(f: Any) -> Json:
    return {
        "check": f.check,
        "ref": f.ref,
        "severity": f.severity,
        "message": f.message,
        "threshold": f.threshold or None,
        "evidence": _evidence(f.evidence),
        "mitigation": list(f.mitigation),
        "state": f.state,
        "mitigated_by": [m.said for m in f.measures],
        "citations": list(f.citations),
    }


def _evidence(items: Iterable[Evidence]) -> list[Json]:
    return [{"reference": e.reference, "said": e.said, "time": e.time, "version": e.version} for e in items]


def given_json(g: GivenBefore | None) -> Json | None:
    """What was given before, with the rules by which it was counted."""
    if g is None:
        return None
    return {
        "days": plain(g.days),
        "grams": plain(g.grams),
        "with_course_g_kg": _fixed(g.with_course_g_kg, "0.01"),
        "counted": _evidence(g.counted),
        "elsewhere": _evidence(g.elsewhere),
        "not_counted": _evidence(g.not_counted),
        "rules": list(g.rules),
    }


def _companion(c: CompanionOrder) -> Json:
    dose = {"low": plain(c.dose.low), "high": plain(c.dose.high), "unit": c.dose.unit} if c.dose else None
    due = {"from": c.due[0].isoformat(), "until": c.due[1].isoformat()} if c.due else None
    return {
        "id": c.id,
        "kind": c.kind,
        "title": c.title,
        "text": c.text,
        "selected": c.selected,
        "required": c.required,
        "as_needed": c.as_needed,
        "dose": dose,
        "due": due,
    }


def _figure(f: Figure) -> Json:
    return {
        "id": f.id,
        "title": f.title,
        "value": str(f.value),
        "unit": f.unit,
        "note": f.note or None,
        "sex": f.sex or None,
        "sources": list(f.sources),
        "citations": list(f.citations),
    }
