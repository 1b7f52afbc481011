"""What the chart page shows of one patient: the record as it was, and what the app has written since."""

from __future__ import annotations

from dataclasses import dataclass

from ivig_fhir.sandbox import words
from ivig_fhir.sandbox.store import LOADED, Store, Stored

_MOST = 60
_ORDERS = ("MedicationRequest", "ServiceRequest", "RequestGroup")
_DONE = {"POST": "created", "PUT": "updated", "DELETE": "deleted", LOADED: "loaded"}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a list: what, the detail beside it, a status, a date."""

    what: str
    detail: str = ""
    status: str = ""
    when: str = ""
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A list with its title, and the sentence for when it is empty."""

    title: str
    lines: tuple[Line, ...]
    empty: str


def record(store: Store, patient: str) -> list[Section]:
    """The chart: conditions, allergies, medications, results, each the newest first."""
    return [
        _section("Conditions", [_condition(one) for one in _own(store, "Condition", patient)], "No condition on file."),
        _section("Allergies", [_allergy(one) for one in _own(store, "AllergyIntolerance", patient)], "Nothing on file about allergies."),
        _section("Medications", _medications(store, patient), "No medication on file."),
        _section("Results", _results(store, patient), "No result on file."),
    ]


def activity(store: Store, patient: str) -> list[Section]:
    """What clients have written: orders, tasks, and every version as it came."""
    orders = [_order(held) for held in _orders(store, patient)]
    tasks = [_task(held) for held in _own(store, "Task", patient) if held.method != LOADED]
    history = [_version(held) for held in store.recent(patient, _MOST)]
    return [
        _section("Orders", orders, "No order has arrived."),
        _section("Tasks", tasks, "No task has arrived."),
        _section("History", history, "Nothing has been written."),
    ]


def _section(title: str, lines: list[Line], empty: str) -> Section:
    return Section(title, tuple(lines[:_MOST]), empty)


def _own(store: Store, type_: str, patient: str) -> list[Stored]:
    held = [one for one in store.candidates(type_, pointing_at=[f"Patient/{patient}"]) if one.body and store.belongs_to(one.body, patient)]
    return held[::-1]


def _condition(held: Stored) -> Line:
    body = held.body or {}
    status = words.text(body, "clinicalStatus.coding.code")
    return Line(
        words.concept(body.get("code")), "", status, words.day(words.text(body, "onsetDateTime", "onsetPeriod.start", "recordedDate"))
    )


def _allergy(held: Stored) -> Line:
    body = held.body or {}
    reaction = words.concept(words.first(body, "reaction.manifestation"))
    return Line(
        words.concept(body.get("code")),
        reaction,
        words.text(body, "clinicalStatus.coding.code"),
        words.day(words.text(body, "recordedDate")),
    )


def _medications(store: Store, patient: str) -> list[Line]:
    lines = []
    for type_ in ("MedicationRequest", "MedicationStatement", "MedicationAdministration"):
        for held in _own(store, type_, patient):
            if held.method == LOADED:
                body = held.body or {}
                paths = ("authoredOn", "effectiveDateTime", "effectivePeriod.start", "dateAsserted")
                lines.append(Line(words.medication(body), _dosage(held), words.text(body, "status"), words.day(words.text(body, *paths))))
    return sorted(lines, key=lambda line: line.when, reverse=True)


def _results(store: Store, patient: str) -> list[Line]:
    newest: dict[str, Line] = {}
    for held in _own(store, "Observation", patient):
        body = held.body or {}
        what = words.concept(body.get("code"))
        when = words.text(body, "effectiveDateTime", "effectivePeriod.start", "effectiveInstant", "issued")
        if what not in newest or newest[what].when < when:
            newest[what] = Line(what, words.result(body), "", when)
    lines = sorted(newest.values(), key=lambda line: line.when, reverse=True)
    return [Line(line.what, line.detail, "", words.day(line.when)) for line in lines]


def _orders(store: Store, patient: str) -> list[Stored]:
    """What was ordered, group by group, the newest group first; in a group the order that gives the group its name comes first."""
    groups: dict[str, list[Stored]] = {}
    for type_ in _ORDERS:
        for held in store.candidates(type_, pointing_at=[f"Patient/{patient}"]):
            if held.method != LOADED and held.body and store.belongs_to(held.body, patient):
                groups.setdefault(words.text(held.body, "groupIdentifier.value", "requisition.value") or held.reference, []).append(held)
    return [one for name, group in reversed(groups.items()) for one in sorted(group, key=lambda held: not _leads(held, name))]


def _leads(held: Stored, group: str) -> bool:
    return words.text(held.body or {}, "identifier.value") == group


def _order(held: Stored) -> Line:
    body = held.body or {}
    names = {"MedicationRequest": words.medication(body), "ServiceRequest": words.concept(body.get("code"))}
    what = names.get(held.type) or words.concept(body.get("code")) or held.type
    return Line(what, _dosage(held), f"{words.text(body, 'status')} {words.text(body, 'intent')}".strip(), _clock(held), held.reference)


def _dosage(held: Stored) -> str:
    return words.text(held.body or {}, "dosageInstruction.text", "dosage.text")


def _task(held: Stored) -> Line:
    body = held.body or {}
    what = words.concept(body.get("code")) or words.text(body, "description") or "task"
    owner = words.text(body, "owner.display", "owner.reference", "performerType.text")
    business = words.concept(body.get("businessStatus"))
    detail = " · ".join(part for part in (business, owner, words.text(body, "focus.reference")) if part)
    return Line(what, detail, words.text(body, "status"), _clock(held), held.reference)


def _version(held: Stored) -> Line:
    return Line(held.reference, f"version {held.version}", _DONE[held.method], _clock(held), held.reference)


def _clock(held: Stored) -> str:
    return f"{held.updated[11:19]} UTC"
