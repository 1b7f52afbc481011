"""Entries about immunoglobulin in the raw record: orders, statements, administrations, dispenses, each with what it may count for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from ivig_fhir.fhir.codes import codings, texts
from ivig_fhir.fhir.dates import FhirTime
from ivig_fhir.fhir.reading import number, part, parts, reference_key, status_words, word
from ivig_fhir.fhir.references import own_reference
from ivig_fhir.fhir.stored_order import Resource
from ivig_fhir.fhir.units import UCUM
from ivig_fhir.order.recompute.facts import Facts

REQUEST, STATEMENT, ADMINISTRATION, DISPENSE = "MedicationRequest", "MedicationStatement", "MedicationAdministration", "MedicationDispense"
ACTIVE, PENDING, RECENT, GIVEN = "active", "pending", "recent", "given"
_SET = "ig-therapy"
_MG_IN_A_GRAM = 1000
_RUN = "urn:ietf:rfc:3986"
_NO_TREATMENT = ("proposal", "plan", "option")
# Status by type; what is not listed does not count. See: the reference of checks, conventions.
_STATES = {
    REQUEST: {"active": ACTIVE, "unknown": ACTIVE, "draft": PENDING, "on-hold": PENDING, "completed": RECENT, "stopped": RECENT},
    STATEMENT: {
        "active": ACTIVE, "intended": ACTIVE, "unknown": ACTIVE, "on-hold": PENDING, "completed": RECENT, "stopped": RECENT,
    },
    ADMINISTRATION: dict.fromkeys(("completed", "in-progress", "stopped", "on-hold", "unknown"), GIVEN),
    DISPENSE: {
        "completed": GIVEN, "stopped": GIVEN, "unknown": GIVEN, "preparation": PENDING, "in-progress": PENDING, "on-hold": PENDING,
    },
}  # fmt: skip
_POINTERS = {STATEMENT: "basedOn", ADMINISTRATION: "request", DISPENSE: "authorizingPrescription"}
_LINKS = ("request", "authorizingPrescription", "basedOn", "partOf", "derivedFrom")


@dataclass(frozen=True)
class Entry:
    """One entry: its kind, state and status, when, until when, grams of one dose (None: not coded), dated doses, and what it points to."""

    ref: str
    kind: str
    state: str
    status: str
    time: FhirTime | None
    ended: FhirTime | None
    grams: Fraction | None
    doses: Sequence[tuple[FhirTime, Fraction | None]]
    run: str
    request: str
    links: Sequence[str]

    @property
    def points(self) -> frozenset[str]:
        """The entry itself and all to which it points."""
        return frozenset({self.ref, self.request, *self.links} - {""})

    @property
    def is_loose(self) -> bool:
        """It names no order, so that it may be a dose of any."""
        return not (self.request or self.run)


def entries(f: Facts) -> tuple[Entry, ...]:
    """Every entry about immunoglobulin by any route that counts at all, orders first.

    What was given on an order belongs to the run of that order, whatever medicine the order names.
    """
    found, runs = [], {}
    for kind in _STATES:
        for r in f.of(kind):
            ours = is_immunoglobulin(f, r)
            entry = _entry(f, r, kind) if ours or kind == REQUEST else None
            if entry is not None and kind == REQUEST and entry.run:
                runs[entry.ref] = entry.run
            if entry is not None and ours:
                found.append(entry)
    return tuple(e if e.run or not runs.get(e.request) else _in_run(e, runs[e.request]) for e in found)


def _in_run(e: Entry, run: str) -> Entry:
    return Entry(e.ref, e.kind, e.state, e.status, e.time, e.ended, e.grams, e.doses, run, e.request, e.links)


def is_immunoglobulin(f: Facts, resource: Resource) -> bool:
    """Whether its code, or its words, or those of the Medication it points to, are in the set; an excluded word rules it out."""
    chosen = f.tables.value_sets[_SET]
    concepts = list(_concepts(f, resource))
    names = [t for c in concepts for t in texts(c)]
    codes = [c for concept in concepts for c in codings(concept)]
    if not names and not codes:
        names = [word(part(resource, "medicationReference"), "display")]
    return not chosen.excludes(names) and bool(chosen.by_code(codes) or chosen.by_text(names))


def _concepts(f: Facts, resource: Resource) -> Iterator[object]:
    coded = resource.get("medicationCodeableConcept") or resource.get("vaccineCode")
    if codings(coded) or texts(coded):
        yield coded
        return
    pointed = word(part(resource, "medicationReference"), "reference")
    inside = next((c for c in parts(resource, "contained") if f"#{word(c, 'id')}" == pointed), None)
    medication = inside if pointed.startswith("#") else f.record.get(reference_key(pointed))
    if medication is not None:
        yield medication.get("code")
        yield from (i.get("itemCodeableConcept") for i in parts(medication, "ingredient"))


def _entry(f: Facts, r: Resource, kind: str) -> Entry | None:
    reported = r.get("reportedBoolean") is True or bool(part(r, "reportedReference"))
    told = kind == REQUEST and word(r, "intent") == "plan" and reported  # how some write down what is taken at home
    status = word(r, "status")
    state = _STATES[kind].get(status or "unknown")
    if state is None or r.get("doNotPerform") is True or (kind == REQUEST and word(r, "intent") in _NO_TREATMENT and not told):
        return None
    time, ended, grams, doses = _REST[kind](f, r)
    if state == ACTIVE and any(e is not None and f.now_or_at is not None and e.latest < f.now_or_at for e in _ends(f, r, kind, ended)):
        state = RECENT
    pointers = parts(r, _POINTERS[kind]) if kind in _POINTERS else ()
    request = next((k for k in (reference_key(word(p, "reference")) for p in pointers) if k.startswith("MedicationRequest/")), "")
    named = next((v for v in (word(part(p, "identifier"), "value") for p in pointers) if v), "")
    group = word(part(r, "groupIdentifier"), "value") if kind == REQUEST else named
    links = tuple(
        dict.fromkeys(k for n in _LINKS for p in parts(r, n) if (k := reference_key(word(p, "reference"))).startswith("Medication"))
    )
    return Entry(
        own_reference(r), STATEMENT if told else kind, state, status, time, ended, grams, doses, group or _anchor(r), request, links
    )


def _anchor(r: Resource) -> str:
    own = (word(i, "value") for i in parts(r, "identifier") if word(i, "system") == _RUN)
    return next((v for v in own if v.startswith("urn:uuid:")), "")


_Read = tuple[FhirTime | None, FhirTime | None, Fraction | None, Sequence[tuple[FhirTime, Fraction | None]]]


def _first(f: Facts, *written: object) -> FhirTime | None:
    return next((t for t in map(f.time, written) if t is not None), None)


def _last(ends: Sequence[FhirTime | None]) -> FhirTime | None:
    return max((e for e in ends if e is not None), key=lambda e: e.latest, default=None)


def _ends(f: Facts, r: Resource, kind: str, ended: FhirTime | None) -> Sequence[FhirTime | None]:
    """What may show that an active entry is over: of an order any end that it gives, of a statement its own."""
    return _order_ends(f, r) if kind == REQUEST else (ended,) if kind == STATEMENT else ()


def _order_ends(f: Facts, r: Resource) -> list[FhirTime | None]:
    dosages = parts(r, "dosageInstruction")
    bounds = [f.time(part(part(part(d, "timing"), "repeat"), "boundsPeriod").get("end")) for d in dosages]
    return [f.time(part(part(r, "dispenseRequest"), "validityPeriod").get("end")), None if None in bounds else _last(bounds)]


def _request(f: Facts, r: Resource) -> _Read:
    grams, doses = _ordered(f, parts(r, "dosageInstruction"))
    return f.time(r.get("authoredOn")), _last(_order_ends(f, r)), grams, doses


def _statement(f: Facts, r: Resource) -> _Read:
    period, dosages = part(r, "effectivePeriod"), parts(r, "dosage")
    at, start, end = f.time(r.get("effectiveDateTime")), f.time(period.get("start")), f.time(period.get("end"))
    grams, doses = _ordered(f, dosages)
    day = at if at is not None else start if start and end and start.earliest.date() == end.latest.date() else None
    if day is not None and not doses and not any(part(d, "timing") for d in dosages):
        doses = ((day, grams),)
    return _first(f, r.get("effectiveDateTime"), period.get("start"), r.get("dateAsserted")), end, grams, doses


def _administration(f: Facts, r: Resource) -> _Read:
    period = part(r, "effectivePeriod")
    time = _first(f, r.get("effectiveDateTime"), period.get("start"), period.get("end"))
    return time, f.time(period.get("end")), grams_of(part(part(r, "dosage"), "dose")), ()


def _dispense(f: Facts, r: Resource) -> _Read:
    held, dosages = part(r, "quantity"), parts(r, "dosageInstruction")
    grams = grams_of(held) if held else _ordered_dose(dosages[0]) if dosages else None
    return _first(f, r.get("whenHandedOver"), r.get("whenPrepared")), None, grams, ()


_REST = {REQUEST: _request, STATEMENT: _statement, ADMINISTRATION: _administration, DISPENSE: _dispense}


def grams_of(quantity: Resource) -> Fraction | None:
    """Grams of a dose in exactly g or mg; a volume, a rate or a bound is none."""
    value, code = number(quantity.get("value")), word(quantity, "code")
    if value is None or word(quantity, "system") != UCUM or code not in ("g", "mg") or word(quantity, "comparator"):
        return None
    return Fraction(value) / (1 if code == "g" else _MG_IN_A_GRAM)


def _ordered_dose(dosage: Resource) -> Fraction | None:
    """The dose typed as ordered, else the untyped one, else the only one; a range is no dose."""
    all_ = parts(dosage, "doseAndRate")
    typed = [d for d in all_ if "ordered" in status_words(d.get("type"))] or [d for d in all_ if not status_words(d.get("type"))]
    chosen = (typed or (list(all_) if len(all_) == 1 else []))[:1]
    return grams_of(part(chosen[0], "doseQuantity")) if chosen and not part(chosen[0], "doseRange") else None


def _ordered(f: Facts, dosages: Sequence[Resource]) -> tuple[Fraction | None, Sequence[tuple[FhirTime, Fraction | None]]]:
    """Grams of one dose, where all dosages agree, and every dated dose."""
    each = [_ordered_dose(d) for d in dosages]
    dated = []
    for dosage, grams in zip(dosages, each, strict=True):
        events = part(dosage, "timing").get("event")
        dated += [(t, grams) for t in map(f.time, events if isinstance(events, list) else []) if t is not None]
    return (each[0] if each and all(g == each[0] for g in each) else None), tuple(dated)
