"""Observations: laboratory values and vital signs by their LOINC codes, each usable or named with the reason why not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal

from ivig_fhir.chart.amounts import NO_UNIT, Refused, read_amount, refuse_absent, said_value
from ivig_fhir.chart.answers import Resource
from ivig_fhir.chart.facts import Measurement, Source, Unusable
from ivig_fhir.content.model import Panel
from ivig_fhir.fhir.codes import LOINC, ValueSet, codings, texts
from ivig_fhir.fhir.dates import FhirTime, parse_time
from ivig_fhir.fhir.reading import called, part, parts, short, word

USED = ("final", "amended", "corrected")
PRELIMINARY = "preliminary"
FUTURE_TOLERANCE = timedelta(hours=1)
MATCHED_BY_TEXT = "matched by text, not by code: confirm"


@dataclass(frozen=True, slots=True)
class Readings:
    """What the Observations gave: usable values, refused ones, and candidates that were found by their words alone."""

    measurements: tuple[Measurement, ...]
    unusable: tuple[Unusable, ...]
    candidates: tuple[Measurement, ...]


_Asked = tuple[tuple[str, ...], tuple[str, ...]]  # LOINC codes and texts of one concept


@dataclass(frozen=True)
class PanelIndex:
    """The panels by LOINC code and by words."""

    panels: Mapping[str, Panel]
    by_loinc: Mapping[str, tuple[Panel, ...]] = field(init=False)
    by_words: tuple[tuple[Panel, ValueSet], ...] = field(init=False)
    _known: dict[_Asked, tuple[tuple[Panel, str], ...]] = field(default_factory=dict, compare=False, repr=False)

    def __post_init__(self) -> None:
        found: dict[str, list[Panel]] = {}
        valued = [p for p in self.panels.values() if p.unit]  # a panel without a unit only groups others
        for panel in valued:
            for loinc in panel.loinc:
                found.setdefault(loinc, []).append(panel)
        worded = tuple((p, ValueSet(p.id, terms=p.terms)) for p in valued if p.terms)
        object.__setattr__(self, "by_loinc", {k: tuple(v) for k, v in found.items()})
        object.__setattr__(self, "by_words", worded)

    def of(self, concept: object) -> tuple[tuple[Panel, str], ...]:
        """The panels of a code, each with the LOINC code that decided; "" where the words did. A look-alike's code wins over all.

        Words count only where no LOINC code contradicts them, or where the panel has no LOINC code at all.
        """
        asked = (tuple(c.code for c in codings(concept) if c.system == LOINC), texts(concept))
        if asked not in self._known:  # a chart has thousands of results and a few hundred codes
            self._known[asked] = self._of(*asked)
        return self._known[asked]

    def _of(self, loincs: tuple[str, ...], said: tuple[str, ...]) -> tuple[tuple[Panel, str], ...]:
        found = {p.id: (p, _telling(p, loincs)) for loinc in loincs for p in self.by_loinc.get(loinc, ())}
        for panel, words in self.by_words:
            if panel.id not in found and (not loincs or not panel.loinc) and words.by_text(said):
                found[panel.id] = (panel, "")
        return tuple((p, loinc) for p, loinc in found.values() if not any(c in p.never for c in loincs))


def _telling(panel: Panel, loincs: Sequence[str]) -> str:
    """Of several codes of one panel the one that says how the value came about (stated, estimated), else the first."""
    own = [c for c in loincs if c in panel.loinc]
    return next((c for c in own if c in panel.qualified), own[0])


def read_observations(observations: Iterable[Resource], panels: Mapping[str, Panel], now: datetime, zone: tzinfo) -> Readings:
    """Every value of a known panel, from Observations and from their components, with its time, unit and doubts.

    Final, amended and corrected results are used; preliminary ones are marked. See: CONTRACTS, precise point 9.
    """
    index = PanelIndex(panels)
    usable: list[Measurement] = []
    unusable: list[Unusable] = []
    candidates: list[Measurement] = []
    for observation in observations:
        for holder in (observation, *parts(observation, "component")):
            for panel, loinc in index.of(holder.get("code")):
                result = _read(observation, holder, panel, loinc, now, zone)
                if result is None:
                    continue
                worded = not loinc and bool(panel.loinc)
                if isinstance(result, Measurement):
                    (candidates if worded else usable).append(result)
                elif not worded:
                    unusable.append(result)
                elif result.why == NO_UNIT:  # with another unit than the panel's, its words mean something else
                    unusable.append(replace(result, why=f"{NO_UNIT}, {MATCHED_BY_TEXT}"))
    return Readings(tuple(usable), tuple(unusable), tuple(candidates))


def conflict(measurements: Iterable[Measurement], fraction: Decimal) -> tuple[Measurement, Measurement] | None:
    """The lowest and the highest of the newest values, when several stand at the same instant and differ by more than `fraction`."""
    final = [m for m in measurements if m.time and m.value is not None and not m.preliminary]
    if not final:
        return None
    newest = max(m.time.latest for m in final if m.time)
    same = sorted((m for m in final if m.time and m.time.latest == newest), key=lambda m: m.value or Decimal(0))
    low, high = same[0], same[-1]
    return (low, high) if low.value is not None and high.value is not None and high.value - low.value > fraction * high.value else None


def _read(observation: Resource, holder: Resource, panel: Panel, loinc: str, now: datetime, zone: tzinfo) -> Measurement | Unusable | None:
    if holder is observation and not any(n.startswith("value") for n in holder) and _speaks_through_parts(observation):
        return None
    time, doubts = observation_time(observation, zone)
    source = Source.of(observation, time)
    value = said_value(holder)
    said = short(", ".join(x for x in (f"{panel.title} {value}".strip(), time.text if time else "no date") if x))
    try:
        _refuse_unfit(observation, time, now)
        return _measurement(_Dated(observation, time, source, doubts), holder, panel, loinc, value, said)
    except Refused as refused:
        return Unusable(panel.id, source, said, refused.why, refused.kind, refused.value)


def _speaks_through_parts(observation: Resource) -> bool:
    return bool(parts(observation, "component") or parts(observation, "hasMember"))


def _refuse_unfit(observation: Resource, time: FhirTime | None, now: datetime) -> None:
    status = word(observation, "status")
    if status not in USED and status != PRELIMINARY:
        raise Refused("status", f"status is {status or 'missing'}")
    if parts(observation, "focus"):
        raise Refused("status", "it is about somebody or something else (focus)")
    if time is not None and time.earliest > now + FUTURE_TOLERANCE:
        raise Refused("future", "dated in the future")


@dataclass(frozen=True, slots=True)
class _Dated:
    """An Observation with its time and what is doubtful about it."""

    observation: Resource
    time: FhirTime | None
    source: Source
    doubts: tuple[str, ...]


def _measurement(dated: _Dated, holder: Resource, panel: Panel, loinc: str, value_said: str, said: str) -> Measurement:
    value = raw = None
    comparator, doubts = "", dated.doubts
    if panel.accepted:
        amount = read_amount(holder, panel, loinc)
        value, raw, comparator = amount.value, amount.raw, amount.comparator
        doubts = (*doubts, *amount.doubts)
    else:
        refuse_absent(holder)
    if comparator:
        said = said.replace(panel.title, f"{panel.title} {comparator}", 1)
    concept = part(holder, "valueCodeableConcept")
    return Measurement(
        panel=panel.id,
        loinc=loinc,
        value=value,
        unit=panel.unit if panel.accepted else "",
        raw=raw,
        codes=codings(concept),
        text=short("; ".join(texts(concept))) if concept else value_said,
        time=dated.time,
        status=word(dated.observation, "status"),
        comparator=comparator,
        source=dated.source,
        said=said,
        doubts=doubts if loinc else (*doubts, MATCHED_BY_TEXT),
        method=called(dated.observation.get("method")),
    )


def observation_time(observation: Resource, zone: tzinfo) -> tuple[FhirTime | None, tuple[str, ...]]:
    """When the value was true: effectiveDateTime, the end of effectivePeriod, effectiveInstant, else issued; and what is doubtful.

    A date that cannot be read is no date; it is not replaced by a later one.
    """
    period = part(observation, "effectivePeriod")
    for written in (observation.get("effectiveDateTime"), period.get("end"), observation.get("effectiveInstant")):
        if written is not None:
            time = parse_time(written, zone)
            return time, () if time else ("its date cannot be read",)
    for written, doubt in ((observation.get("issued"), "dated by when it was issued"), (period.get("start"), "dated by its beginning")):
        time = parse_time(written, zone)
        if time is not None:
            return time, (doubt,)
    return None, ("no date",)
