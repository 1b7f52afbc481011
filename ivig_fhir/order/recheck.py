"""The day of an infusion: what has changed since the order was approved that holds it, what a person has to look at, and the decision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from ivig_fhir.chart.facts import Measurement
from ivig_fhir.chart.snapshot import ChartSnapshot
from ivig_fhir.content.course import CourseGuide, LookWords
from ivig_fhir.content.model import Content
from ivig_fhir.errors import SelectionError
from ivig_fhir.fhir.building import digest
from ivig_fhir.fhir.dates import parse_time
from ivig_fhir.fhir.quantity import half_up, plain
from ivig_fhir.order.approval import NURSE, PHARMACIST, Clinician, Refusal
from ivig_fhir.order.newest import newest_value, obscuring, said_of, value_at
from ivig_fhir.proposal.findings import Evidence, Finding
from ivig_fhir.proposal.model import Proposal

Json = Mapping[str, Any]
FINE, HELD, OPEN = "fine", "held", "open"
OTHER = "other"  # what a person saw beside all that is asked
ROLES = frozenset({NURSE, PHARMACIST})
_CHANGED, _INJURY, _FEVER = "weight.changed", "renal.acute-kidney-injury", "infection.fever"
_TENTH, _HUNDREDTH = "0.1", "0.01"


@dataclass(frozen=True, slots=True)
class Look:
    """One thing that is looked at: `fine`, `held` with the reason, or `open` where only a person can say.

    `answer` is what a person said of an open one: FINE or HELD, "" for nothing yet; `note` their words.
    """

    id: str
    title: str
    ask: str
    state: str
    said: str
    reason: str
    evidence: tuple[str, ...] = ()
    citations: tuple[str, ...] = ()
    answer: str = ""
    note: str = ""

    @property
    def holds(self) -> bool:
        """Whether the infusion waits for this: it was found, or a person says so."""
        return self.state == HELD or self.answer == HELD

    @property
    def waits(self) -> bool:
        """Whether a person has still to answer it, in words."""
        return self.state == OPEN and not (self.answer in (FINE, HELD) and self.note.strip())


@dataclass(frozen=True, slots=True)
class Typed:
    """What was measured at the bedside today and is not in the record: weight in kg, temperature in °C."""

    weight_kg: Decimal | None = None
    temp_c: Decimal | None = None


@dataclass(frozen=True)
class Day:
    """The order as it was approved (`kept`, when), the same order proposed on the record of today, and what was typed.

    `decided` are sentences of earlier holds that somebody who may has decided on: they hold no more.
    """

    kept: Json
    approved_at: datetime
    today: Proposal
    chart: ChartSnapshot
    content: Content
    typed: Typed = Typed()
    decided: frozenset[tuple[str, str]] = frozenset()

    @property
    def guide(self) -> CourseGuide:
        """The words."""
        guide: CourseGuide = self.content.constants["course"]
        return guide

    def found(self, check: str) -> Finding | None:
        """What a check finds today."""
        return next((f for f in self.today.findings if f.check == check), None)

    def unknown(self, checks: Sequence[str]) -> tuple[str, ...]:
        """Why some of these checks could not be made today, in sentences."""
        return tuple(dict.fromkeys(n.message for n in self.today.not_assessed if n.check in checks))

    def fresh(self, check: str) -> tuple[Evidence, ...]:
        """What a check stands on today and did not when the order was approved, or not in these words."""
        known = {(e["reference"], e["said"]) for f in self.kept["findings"] if f["check"] == check for e in f["evidence"]}
        found = self.found(check)
        return tuple(e for e in found.evidence if (e.reference, e.said) not in known) if found and found.severity != "info" else ()

    def unused(self, panel: str, newest: Measurement | None) -> tuple[Evidence, ...]:
        """What may be newer than the newest value of a panel and could not be used."""
        return obscuring(self.chart, panel, newest, self.approved_at)

    def number(self, check: str, name: str) -> Decimal:
        """A limit, as content gives it for a check."""
        return self.content.checks[check].number(name)


def looks(day: Day) -> tuple[Look, ...]:
    """Every look of the day, in the order of content. SelectionError for a typed value that nobody can have."""
    _plausible(day)
    made = tuple(_LOOKS[id_](day, words) for id_, words in day.guide.looks.items())
    return tuple(replace(x, state=FINE) if x.state == HELD and (x.id, x.said) in day.decided else x for x in made)


def digest_of(found: Sequence[Look]) -> str:
    """Covers what was on screen; a decision names it."""
    return digest([[x.id, x.state, x.said] for x in found if x.id != OTHER])


def answered(found: Sequence[Look], answers: Mapping[str, tuple[str, str]]) -> tuple[Look, ...]:
    """The looks with what a person said of the open ones: (FINE or HELD, note) by id; of the others nothing is taken.

    A note on OTHER is something that was seen at the bedside and holds the infusion.
    """
    made = [replace(x, answer=answers[x.id][0], note=answers[x.id][1]) if x.state == OPEN and x.id in answers else x for x in found]
    seen = answers.get(OTHER, ("", ""))[1].strip()
    return (*made, Look(OTHER, "Seen at the bedside", "", OPEN, seen, OTHER, answer=HELD, note=seen)) if seen else tuple(made)


def decide(release: bool, found: Sequence[Look], digest_seen: str, who: Clinician) -> tuple[Refusal, ...]:
    """Every reason against releasing this infusion, or against holding it; empty when it may be done.

    Nothing that could not be read is released without a person's answer, and nothing that holds is released at all.
    """
    refusals = _person(who)
    if digest_seen != digest_of(found):
        refusals.append(Refusal("digest", "The record changed since this page was opened. Look at it as it is now, then decide."))
    if release:
        refusals += [Refusal("held", f"{x.title}: {x.said if x.state == HELD else x.note} The infusion is held.") for x in found if x.holds]
        refusals += [Refusal("open", f"{x.title}: somebody has to look, and say so in words.") for x in found if x.waits]
    elif not any(x.holds for x in found):
        refusals.append(Refusal("nothing", "Nothing here holds the infusion: say of what is open that it does, and why."))
    return tuple(refusals)


def to_json(found: Sequence[Look]) -> list[dict[str, Any]]:
    """Plain JSON data, as it is kept."""
    return [asdict(x) for x in found]


def _person(who: Clinician) -> list[Refusal]:
    if not who.proven:
        return [Refusal("identity", "The EHR did not prove who is signed in, so nothing can be decided.")]
    if not who.roles & ROLES:
        return [Refusal("role", "Only a nurse or a pharmacist looks again before an infusion.")]
    return []


def _plausible(day: Day) -> None:
    for value, panel in ((day.typed.weight_kg, "body-weight"), (day.typed.temp_c, "temperature")):
        hard = day.content.panels[panel].hard
        if value is not None and hard and not hard[0] <= value <= hard[1]:
            limits = f"{plain(hard[0])} to {plain(hard[1])} {day.content.panels[panel].unit}"
            raise SelectionError(said=f"{day.content.panels[panel].title} is not within {limits}: is the number right?")


def _look(words: LookWords, state: str, said: str, evidence: tuple[str, ...] = ()) -> Look:
    return Look(words.id, words.title, words.ask, state, said, words.reason, evidence, words.source.citations)


def _weight(day: Day, words: LookWords) -> Look:
    """The weight of today, typed or newest, against the actual weight on which the order was worked out."""
    before, used = _ordered_kg(day.kept), day.today.weight
    now = day.typed.weight_kg if day.typed.weight_kg is not None else used.actual_kg
    doubtful = day.typed.weight_kg is None and any(day.found(c) for c in ("weight.stale", "weight.not-measured", "weight.implausible"))
    if now is None or before is None:
        return _look(words, OPEN, words.open)
    limit, moved = day.number(_CHANGED, "fraction"), abs(now - before) / before
    values = {"now": plain(now), "before": plain(before), "percent": plain(half_up(moved * 100, _TENTH)), "limit": plain(limit * 100)}
    source = () if day.typed.weight_kg is not None or not used.source else (used.source,)
    if moved >= limit:
        return _look(words, HELD, words.held.format(**values, way="above" if now > before else "below"), source)
    unused = () if day.typed.weight_kg is not None else day.unused("body-weight", day.chart.latest("body-weight"))
    if doubtful or unused:
        return _look(words, OPEN, " ".join(filter(None, (words.open, said_of(unused)))), (*source, *(e.reference for e in unused)))
    said = "typed today" if day.typed.weight_kg is not None else f"measured {used.effective}"
    return _look(words, FINE, words.fine.format(**values, said=said), source)


def _ordered_kg(kept: Json) -> Decimal | None:
    """The actual weight behind the order, in kg: an adjusted or ideal dosing weight is never compared with a measured one."""
    actual = kept["weight"]["actual_kg"]
    return Decimal(actual) if actual else None


def _creatinine(day: Day, words: LookWords) -> Look:
    """The newest creatinine against the one that stood when the order was approved, and acute kidney injury as the check finds it."""
    fresh = day.fresh(_INJURY)
    now, before = newest_value(day.chart, "creatinine"), value_at(day.chart, "creatinine", day.approved_at)
    unused = day.unused("creatinine", now)
    if now is not None and before is not None and now.value is not None and before.value is not None and now is not before:
        delta, ratio = day.number(_INJURY, "delta_mg_dl"), day.number(_INJURY, "ratio")
        if now.value >= before.value + delta or now.value >= before.value * ratio:
            values = {"now": _mg_dl(now.value), "before": _mg_dl(before.value), "delta": plain(delta), "ratio": plain(ratio)}
            return _look(words, HELD, words.held.format(**values), (now.source.reference, before.source.reference))
    if fresh:
        found = day.found(_INJURY)
        return _look(words, HELD, found.message if found else "", tuple(e.reference for e in fresh))
    late, injury = day.found("renal.creatinine-missing"), day.unknown((_INJURY,))
    if now is None or now.preliminary or injury or unused or (late is not None and late.severity == "override"):
        said = " ".join(dict.fromkeys([words.open, *([late.message] if late else []), *injury, *filter(None, [said_of(unused)])]))
        return _look(words, OPEN, said, tuple(e.reference for e in unused))
    return _look(words, FINE, words.fine.format(said=now.said), (now.source.reference,))


def _mg_dl(value: Decimal) -> str:
    return plain(half_up(value, _HUNDREDTH))


def _new_findings(day: Day, words: LookWords) -> Look:
    """A look that goes by findings alone: what came new holds, what could not be assessed is open."""
    new = [e for c in words.checks for e in day.fresh(c)]
    if new:
        said = "; ".join(dict.fromkeys(e.said for e in new))
        return _look(words, HELD, words.held.format(said=said), tuple(e.reference for e in new))
    unknown = day.unknown(words.checks)
    return _look(words, OPEN, words.open.format(said=" ".join(unknown))) if unknown else _look(words, FINE, words.fine)


def _allergy(day: Day, words: LookWords) -> Look:
    """New findings first; an entry that came after the approval and that no check takes for one is for a person to judge."""
    made = _new_findings(day, words)
    later = [a for a in day.chart.allergies if not (a.negation or a.not_asked) and _after(a.source.time, day.approved_at)]
    if made.state != FINE or not later:
        return made
    said = "; ".join(a.said for a in later)
    return _look(words, OPEN, words.open.format(said=said), tuple(a.source.reference for a in later))


def _after(time: str | None, moment: datetime) -> bool:
    """Whether something of that time may be later than a moment; a bare day may be until it is over."""
    read = parse_time(time) if time else None
    return read is not None and read.latest > moment


def _temperature(day: Day, words: LookWords) -> Look:
    limit, found = day.number(_FEVER, "temp_c"), day.found(_FEVER)
    values = {"limit": plain(limit), "hours": plain(day.number(_FEVER, "hours"))}
    expected = day.today.order_set.id in day.content.checks[_FEVER].thresholds["exempt_indications"]
    typed = day.typed.temp_c
    if typed is not None:
        hot, said = typed >= limit and not expected, f"{plain(typed)} °C, typed today"
        return _look(words, HELD, words.held.format(**values, said=said)) if hot else _look(words, FINE, words.fine.format(said=said))
    if found is not None:
        said = "; ".join(e.said for e in found.evidence)
        state, text = (FINE, words.fine) if found.severity == "info" else (HELD, words.held)
        return _look(words, state, text.format(**values, said=said), tuple(e.reference for e in found.evidence))
    newest = day.chart.latest("temperature")
    unknown, unused = day.unknown((_FEVER,)), day.unused("temperature", newest)
    if unknown or unused:
        said = " ".join(filter(None, (words.open.format(**values), *unknown, said_of(unused))))
        return _look(words, OPEN, said, tuple(e.reference for e in unused))
    return _look(words, FINE, words.fine.format(said=newest.said if newest else "No fever"), (newest.source.reference,) if newest else ())


def _record(day: Day, words: LookWords) -> Look:
    """A hard stop of today that the approval did not know, whatever it is about; and what could not be read or used."""
    known = {f["check"] for f in day.kept["findings"] if f["severity"] == "hard-stop"}
    others = {c for x in day.guide.looks.values() for c in x.checks} | {"weight.missing", "weight.implausible"}
    stops = [f for f in day.today.hard_stops if f.check not in known | others]
    if stops:
        evidence = tuple(e.reference for f in stops for e in f.evidence)
        return _look(words, HELD, words.held.format(said=" ".join(f.message for f in stops)), evidence)
    unread, unused = day.found("record.unreadable"), day.fresh("record.value-unusable")
    if unread or unused:
        said = " ".join(filter(None, (unread.message if unread else "", said_of(unused))))
        return _look(words, OPEN, words.open.format(said=said), tuple(e.reference for e in unused))
    return _look(words, FINE, words.fine)


_LOOKS = {
    "weight": _weight,
    "creatinine": _creatinine,
    "thrombosis": _new_findings,
    "allergy": _allergy,
    "temperature": _temperature,
    "record": _record,
}
