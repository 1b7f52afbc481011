"""Drugs: orders, statements, administrations and dispenses, each with the state that its status and dates mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo

from ivig_fhir.chart.answers import Answers, Resource
from ivig_fhir.chart.doses import Dose, coded_grams, dosage_end, ordered_dose, ordered_doses
from ivig_fhir.chart.facts import Drug, Source
from ivig_fhir.chart.medicines import UNKNOWN, medication_index, medicine_of
from ivig_fhir.fhir.codes import Code, codings
from ivig_fhir.fhir.dates import FhirTime, parse_time
from ivig_fhir.fhir.reading import identifiers, part, parts, reference_key, short, word

ACTIVE, PENDING, RECENT, GIVEN = "active", "pending", "recent", "given"
STALE = "ordered more than a year ago, without an end"
REPORTED = "reported by somebody, not ordered here"

_NOT_AN_ORDER = ("proposal", "plan", "option")
_RUN_SYSTEM = "urn:ietf:rfc:3986"
# What may point to the entry of which this one is a part, a copy or the fulfilment.
_LINKING = ("request", "authorizingPrescription", "basedOn", "partOf", "derivedFrom")
_YEAR = timedelta(days=365)
# Status -> state; a status that is not listed means that the entry does not count. A missing status is read as unknown.
_REQUEST = {
    "active": ACTIVE, "unknown": ACTIVE, "draft": PENDING, "on-hold": PENDING, "completed": RECENT, "stopped": RECENT,
}  # fmt: skip
_STATEMENT = {
    "active": ACTIVE, "intended": ACTIVE, "unknown": ACTIVE, "on-hold": PENDING, "completed": RECENT, "stopped": RECENT,
}  # fmt: skip
# What was interrupted, or has no clear end, may have been given in part.
_ADMINISTRATION = dict.fromkeys(("completed", "in-progress", "stopped", "on-hold", "unknown"), GIVEN)
_DISPENSE = {
    "completed": GIVEN, "stopped": GIVEN, "unknown": GIVEN, "preparation": PENDING, "in-progress": PENDING, "on-hold": PENDING,
}  # fmt: skip
_UNCERTAIN = ("stopped", "on-hold", "unknown")


@dataclass(frozen=True)
class _Reader:
    """What every entry is read with."""

    medications: Mapping[str, Resource]
    conditions: Mapping[str, Resource]
    now: datetime
    zone: tzinfo

    def time(self, *written: object) -> FhirTime | None:
        """The first of these that is a date."""
        return next((t for t in (parse_time(w, self.zone) for w in written) if t is not None), None)

    def drug(self, entry: Resource, kind: str, state: str, time: FhirTime | None, ended: FhirTime | None, dose: Dose) -> Drug:
        """The parts that all four types have in common."""
        medicine = medicine_of(entry, self.medications)
        status = word(entry, "status")
        said = f"{medicine.name if medicine.known else UNKNOWN}, {kind} {status}".strip()
        return Drug(
            kind=kind,
            state=state,
            codes=medicine.codes,
            texts=medicine.texts,
            time=time,
            ended=ended,
            grams=dose.grams,
            run="",
            request="",
            identifiers=identifiers(entry),
            doses=(),
            reasons=self.reasons(entry),
            status=status,
            source=Source.of(entry, time),
            said=short(f"{said}, {time.text}" if time else said),
            doubts=(*medicine.doubts, *dose.doubts, *(() if status else ("no status",))),
            links=_links(entry),
        )

    def reasons(self, entry: Resource) -> tuple[Code, ...]:
        """Why the medicine is given: reasonCode and the Conditions that reasonReference points to."""
        concepts = [*parts(entry, "reasonCode")]
        pointed = (self.conditions.get(reference_key(word(r, "reference"))) for r in parts(entry, "reasonReference"))
        concepts += [part(c, "code") for c in pointed if c is not None]
        return tuple(dict.fromkeys(c for concept in concepts for c in codings(concept)))


def read_drugs(answers: Answers, now: datetime, zone: tzinfo) -> tuple[Drug, ...]:
    """Everything the record says about medicines that counts: orders, then statements, administrations and dispenses.

    Proposals, plans and options are no treatment; nor is what was cancelled, not done, or forbidden (`doNotPerform`). A plan that is marked
    as reported is how EHRs write down what a patient takes at home: it is read as a statement.
    """
    conditions = {f"Condition/{word(c, 'id')}": c for c in answers.of("Condition").resources}
    reader = _Reader(medication_index(answers), conditions, now, zone)
    requests = [_request(r, reader) for r in answers.of("MedicationRequest").resources]
    found = [d for d in requests if d is not None]
    runs = {d.source.reference: d.run for d in found if d.run}
    for type_, read in (
        ("MedicationStatement", _statement),
        ("MedicationAdministration", _administration),
        ("MedicationDispense", _dispense),
    ):
        made = (read(r, reader) for r in answers.of(type_).resources if word(r, "resourceType") == type_)
        found += [d if d.run else replace(d, run=runs.get(d.request, "")) for d in made if d is not None]
    return tuple(found)


def _request(entry: Resource, reader: _Reader) -> Drug | None:
    state = _REQUEST.get(word(entry, "status") or "unknown")
    reported = entry.get("reportedBoolean") is True or bool(part(entry, "reportedReference"))
    taken = word(entry, "intent") == "plan" and reported
    other = word(entry, "resourceType") != "MedicationRequest" or (word(entry, "intent") in _NOT_AN_ORDER and not taken)
    if state is None or other or entry.get("doNotPerform") is True:
        return None
    dosages = parts(entry, "dosageInstruction")
    dose, dated = ordered_doses(dosages, reader.zone)
    written = reader.time(entry.get("authoredOn"))
    validity = reader.time(part(part(entry, "dispenseRequest"), "validityPeriod").get("end"))
    ends = [e for e in (validity, dosage_end(dosages, reader.zone)) if e is not None]
    if state == ACTIVE and any(e.latest < reader.now for e in ends):
        state = RECENT
    ended = max(ends, key=lambda e: e.latest, default=None)
    drug = reader.drug(entry, "statement" if taken else "request", state, written, ended, dose)
    stale = state == ACTIVE and not ends and written is not None and written.latest < reader.now - _YEAR
    doubts = (*drug.doubts, *((REPORTED,) if reported else ()), *((STALE,) if stale else ()))
    run = word(part(entry, "groupIdentifier"), "value") or _anchor(entry)
    return replace(drug, run=run, doses=dated, doubts=doubts)


def _anchor(entry: Resource) -> str:
    """The order run that an entry's own identifier names."""
    own = (word(i, "value") for i in parts(entry, "identifier") if word(i, "system") == _RUN_SYSTEM)
    return next((v for v in own if v.startswith("urn:uuid:")), "")


def _statement(entry: Resource, reader: _Reader) -> Drug | None:
    state = _STATEMENT.get(word(entry, "status") or "unknown")
    if state is None:
        return None
    period = part(entry, "effectivePeriod")
    ended = reader.time(period.get("end"))
    if state == ACTIVE and ended is not None and ended.latest < reader.now:
        state = RECENT
    time = reader.time(entry.get("effectiveDateTime"), period.get("start"), entry.get("dateAsserted"))
    dosages = parts(entry, "dosage")
    dose, dated = ordered_doses(dosages, reader.zone)
    day = _one_day(reader.time(entry.get("effectiveDateTime")), reader.time(period.get("start")), ended)
    if day is not None and not dated and not any(part(d, "timing") for d in dosages):
        dated = ((day, dose.grams),)
    drug = replace(reader.drug(entry, "statement", state, time, ended, dose), doses=dated)
    return _pointing(drug, entry, "basedOn")


def _one_day(at: FhirTime | None, start: FhirTime | None, end: FhirTime | None) -> FhirTime | None:
    """The day that a statement is about; None when it is about a longer time, or does not say."""
    if at is not None:
        return at
    same = start is not None and end is not None and start.earliest.date() == end.latest.date()
    return start if same else None


def _administration(entry: Resource, reader: _Reader) -> Drug | None:
    state = _ADMINISTRATION.get(word(entry, "status") or "unknown")
    if state is None:
        return None
    period = part(entry, "effectivePeriod")
    time = reader.time(entry.get("effectiveDateTime"), period.get("start"), period.get("end"))
    dose = coded_grams(part(part(entry, "dosage"), "dose"))
    drug = reader.drug(entry, "administration", state, time, reader.time(period.get("end")), dose)
    return _pointing(_uncertain(drug), entry, "request")


def _dispense(entry: Resource, reader: _Reader) -> Drug | None:
    state = _DISPENSE.get(word(entry, "status") or "unknown")
    if state is None:
        return None
    time = reader.time(entry.get("whenHandedOver"), entry.get("whenPrepared"))
    dose = coded_grams(part(entry, "quantity"))
    if dose.grams is None and not part(entry, "quantity"):
        dose = next((ordered_dose(d) for d in parts(entry, "dosageInstruction")), dose)
    return _pointing(_uncertain(reader.drug(entry, "dispense", state, time, None, dose)), entry, "authorizingPrescription")


def _uncertain(drug: Drug) -> Drug:
    if drug.status not in _UNCERTAIN:
        return drug
    return replace(drug, doubts=(*drug.doubts, f"status {drug.status}: how much was given is not certain"))


def _links(entry: Resource) -> tuple[str, ...]:
    """Every entry about a medicine that this one points to."""
    pointed = (reference_key(word(p, "reference")) for name in _LINKING for p in parts(entry, name))
    return tuple(dict.fromkeys(p for p in pointed if p.startswith("Medication")))


def _pointing(drug: Drug, entry: Resource, name: str) -> Drug:
    """The order that an entry points to, and its run: by the identifier in the reference, else by its own."""
    pointers = parts(entry, name)
    pointed = (reference_key(word(p, "reference")) for p in pointers)
    request = next((p for p in pointed if p.startswith("MedicationRequest/")), "")
    run = next((word(part(p, "identifier"), "value") for p in pointers if word(part(p, "identifier"), "value")), "")
    return replace(drug, request=request, run=run or _anchor(entry))
