"""A proposal as text for a terminal: the grams of one infusion first, then how they came about and what was found."""

from __future__ import annotations

from collections.abc import Sequence

from ivig_fhir.content.model import Content
from ivig_fhir.fhir.quantity import half_up, plain
from ivig_fhir.proposal.findings import Finding
from ivig_fhir.proposal.model import Proposal, Series

_WORDS = {"hard-stop": "HARD STOP", "override": "NEEDS A REASON", "warning": "WARNING", "info": "INFORMATION"}


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """A table as lines, each column as wide as its widest cell."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def as_text(p: Proposal, content: Content) -> str:
    """The whole proposal, 80 or so columns wide. Grams stand per infusion with their dates; the course total is last and named."""
    parts = [_head(p), _order(p), _rate(p), _findings(p), _gaps(p), _given(p), [f"{len(p.clear)} checks are clear."], _companions(p)]
    parts.append([content.constants["words"]["unreviewed"]] if p.review == "unreviewed" else [])
    return "\n\n".join("\n".join(part) for part in parts if part)


def _head(p: Proposal) -> list[str]:
    regimen = f", {p.regimen.title}" if p.regimen else ""
    title = f"{p.outcome.upper()}  {p.order_set.name}{regimen} (tier {p.order_set.tier})"
    return [title, f"{p.patient.reference}, {p.age or 'age unknown'}"]


def _order(p: Proposal) -> list[str]:
    if p.dose is None:
        return ["No dose could be computed." if p.regimen else "No dose is offered for this indication."]
    days = ", ".join(i.date.isoformat() for i in p.dose.infusions)
    vials = ", ".join(f"{v.count} × {plain(v.grams)} g" for v in p.vials)
    volume = plain(half_up(p.volume_ml, "0.1")) if p.volume_ml is not None else "?"
    waste = plain(p.waste_g) if p.waste_g is not None else "?"
    return [
        f"{plain(p.dose.per_infusion_g)} g on each of these days: {days}",
        f"{p.product.brand}, {volume} mL each infusion, vials {vials}, waste {waste} g",
        *p.dose.working,
        f"Weight: {p.weight.dosing_kg} kg. {p.weight.why} {p.weight.source or ''}".rstrip(),
        *_policies(p),
        f"Whole course: {plain(p.dose.course_g)} g",
        *_series(p.series),
    ]


def _series(s: Series | None) -> list[str]:
    """Every date of a series, its end, its review, and last its grams."""
    if s is None:
        return []
    return [
        f"Series: {s.cycles} courses, {plain(s.interval_weeks)} weeks apart, on {', '.join(d.isoformat() for d in s.dates)}",
        f"Last infusion {s.last.isoformat()}, review on {s.review_on.isoformat()}; whole series: {plain(s.total_g)} g",
    ]


def _policies(p: Proposal) -> list[str]:
    """By which policies weight and vials were chosen, with their versions."""
    rounding = f"; rounding policy {p.rounding.policy}, version {p.rounding.version}" if p.rounding else ""
    return [f"Weight policy {p.weight.policy}, version {p.weight.policy_version}{rounding}"]


def _rate(p: Proposal) -> list[str]:
    if not p.rate.steps:
        return []
    lines = [f"Pump ({p.rate.basis}), {p.rate.total_minutes} min in all:"]
    steps = [f"  {plain(s.ml_h):>6} mL/h for {plain(s.minutes):>6} min, {plain(s.volume_ml)} mL" for s in p.rate.steps]
    return [*lines, *steps, *p.rate.notes]


def _findings(p: Proposal) -> list[str]:
    order = sorted(p.findings, key=lambda f: -tuple(reversed(_WORDS)).index(f.severity))
    return [line for f in order for line in _finding(f)]


def _finding(f: Finding) -> list[str]:
    lines = [*(f"{e.said} ({e.reference})" for e in f.evidence), *(f"in this order: {m.said}" for m in f.measures)]
    lines += [f"Fires: {f.threshold}"] if f.threshold else []
    return [f"{_WORDS[f.severity]}  {f.message} [{f.check}]", *(f"    {line}" for line in lines)]


def _gaps(p: Proposal) -> list[str]:
    if not p.not_assessed:
        return []
    return [f"NOT ASSESSED, {len(p.not_assessed)} checks:", *(f"    {n.check}: {n.message}" for n in p.not_assessed)]


def _given(p: Proposal) -> list[str]:
    """Every entry about immunoglobulin of the last weeks, with what became of it."""
    g = p.given_before
    if g is None:
        return []
    total = "" if g.with_course_g_kg is None else f", {plain(half_up(g.with_course_g_kg, '0.01'))} g/kg with this course"
    entries = (*g.counted, *g.not_counted, *g.elsewhere)
    return [f"Given in the last {plain(g.days)} days: {plain(g.grams)} g{total}", *(f"    {e.said} ({e.reference})" for e in entries)]


def _companions(p: Proposal) -> list[str]:
    chosen = [c for c in p.companions if c.selected]
    return ["Companion orders:", *(f"    {c.title}: {c.text}" for c in chosen)] if chosen else []
