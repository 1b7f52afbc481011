"""History: grams of 28 days and of one day, and other immunoglobulin that is ordered or was given, from the raw record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction

from ivig_fhir.fhir.reading import word
from ivig_fhir.fhir.stored_order import number, said
from ivig_fhir.order.recompute.dose import Dose
from ivig_fhir.order.recompute.entries import ADMINISTRATION, GIVEN, PENDING, REQUEST, STATEMENT, Entry, entries, is_immunoglobulin
from ivig_fhir.order.recompute.facts import Facts
from ivig_fhir.order.recompute.findings import OVERRIDE, WARNING, Found, against
from ivig_fhir.order.recompute.ledger import given_before, inside
from ivig_fhir.order.recompute.lines import HUNDREDTH, Recalculated, half_up
from ivig_fhir.order.recompute.weight import Body

OTHER, CUMULATIVE = "duplication.immunoglobulin", "duplication.cumulative-dose"
_DAYS_IN_A_WEEK = 7


def history_lines(f: Facts, body: Body, dose: Dose) -> Iterable[Recalculated]:
    """What was given before, what it comes to with this course, and what else is ordered; this run itself apart."""
    if f.at is None:
        return
    found = entries(f)
    yield from _cumulative(f, body, dose, found)
    yield against(f, OTHER, list(_duplicates(f, found)))


def _cumulative(f: Facts, body: Body, dose: Dose, found: Sequence[Entry]) -> Iterable[Recalculated]:
    days = f.tables.limit(CUMULATIVE, "window_days")
    doses = given_before(f, found, f.at, days) if f.at else []
    grams = sum((g for _, _, g in doses), Fraction(0))
    told = " + ".join(f"{said(g, 'g')} ({e.ref}, {t.text})" for e, t, g in doses) or "nothing that counts"
    kept = f.approved.printed("given_before", "grams") if f.approved else None
    missing = f.not_read(CUMULATIVE)
    agrees = None if kept is None or missing else kept == grams
    told = f"{told}; {missing}" if missing else told
    what = f"Grams given in the {said(days)} days before"
    if f.approved is not None or doses:
        yield Recalculated(what, said(kept, "g"), said(grams, "g"), agrees, "as approved" if f.approved else "not kept", told)
    if dose.course is None or not body.kg or not dose.each:
        return
    hits, tolerance = [], f.tables.limit(CUMULATIVE, "tolerance")
    rolling, daily = (grams + dose.course) / body.kg, dose.each / body.kg
    if rolling > f.tables.limit(CUMULATIVE, "rolling") * tolerance:
        hits.append(
            Found(
                OVERRIDE,
                f"({said(grams)} + {said(dose.course, 'g')}) ÷ {said(body.kg, 'kg')} = {said(half_up(rolling, HUNDREDTH), 'g/kg')}",
            )
        )
    exempt = f.order_set is not None and f.order_set.id in f.tables.thresholds[CUMULATIVE]["exempt_daily"]
    if not exempt and daily > f.tables.limit(CUMULATIVE, "daily") * tolerance:
        hits.append(Found(OVERRIDE, f"on one day {said(half_up(daily, HUNDREDTH), 'g/kg')}"))
    yield against(f, CUMULATIVE, hits)


def _duplicates(f: Facts, found: Sequence[Entry]) -> Iterator[Found]:
    """Another order that is active or waits, and an infusion of another course a short time ago."""
    for e in found:
        if e.run in f.own_runs:
            continue
        if e.kind in (REQUEST, STATEMENT) and e.state == "active":
            yield Found(OVERRIDE, f"active: {e.ref}")
        elif e.kind == REQUEST and e.state == PENDING:
            yield Found(OVERRIDE, f"waits: {e.ref}")
        elif e.kind == ADMINISTRATION and e.state == GIVEN:
            yield from _soon(f, e)
    for r in f.of("Immunization"):
        if word(r, "status") == "completed" and is_immunoglobulin(f, r):
            time = f.time(r.get("occurrenceDateTime"))
            yield from _soon(f, Entry(f"Immunization/{word(r, 'id')}", "", GIVEN, "", time, None, None, (), "", "", ()))


def _soon(f: Facts, e: Entry) -> Iterator[Found]:
    """An infusion too few days ago; where the order itself comes back sooner than that, its own interval counts."""
    few, some = (f.tables.limit(OTHER, name) for name in ("override_days_below", "warn_days_below"))
    weeks = number(f.series.get("interval"), "wk") if f.series else None
    first = min(f.dates, default=None)
    if e.time is None or f.at is None:
        yield Found(OVERRIDE, f"given without a date: {e.ref}")
    elif weeks is not None and weeks * _DAYS_IN_A_WEEK < few:
        if first is not None and (first - e.time.earliest.date()).days < weeks * _DAYS_IN_A_WEEK - 1:
            yield Found(OVERRIDE, f"given sooner than {said(weeks)} weeks before: {e.ref}, {e.time.text}")
    elif inside(e.time, f.at, few):
        yield Found(OVERRIDE, f"given less than {said(few)} days ago: {e.ref}, {e.time.text}")
    elif inside(e.time, f.at, some):
        yield Found(WARNING, f"given less than {said(some)} days ago: {e.ref}, {e.time.text}")
