"""Patients as lists and headings show them, and the visit a patient is in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from ivig_fhir.sandbox.store import Store


@dataclass(frozen=True, slots=True)
class PatientLine:
    """One patient of a list; texts are empty where the record has none; `fault` is the one preset for a launch."""

    id: str
    family: str
    given: str
    birth_date: str
    sex: str
    number: str
    story: str
    fault: str | None

    @property
    def heading(self) -> str:
        """FAMILY, Given; the id for a record without a name."""
        return ", ".join(part for part in (self.family.upper(), self.given) if part) or self.id

    def age(self, today: date) -> str:
        """Age as a chart prints it: years from two on, months below; empty without a full birth date."""
        try:
            born = date.fromisoformat(self.birth_date)
        except ValueError:
            return ""
        months = (today.year - born.year) * 12 + today.month - born.month - (today.day < born.day)
        return f"{months} mo" if months < 24 else f"{months // 12} y"


def patients(store: Store) -> list[PatientLine]:
    """Every living patient, the cast first, then by name."""
    notes = store.notes()
    lines = [_line(held.body or {}, notes) for held in store.candidates("Patient")]
    return sorted(lines, key=lambda line: (not line.story or line.id not in notes, line.family.casefold(), line.given.casefold(), line.id))


def patient(store: Store, id_: str) -> PatientLine | None:
    """One living patient."""
    held = store.current("Patient", id_)
    return _line(held.body, store.notes()) if held and held.body else None


def current_encounter(store: Store, patient: str) -> str | None:
    """Id of the patient's newest visit in progress."""
    visits = store.candidates("Encounter", pointing_at=[f"Patient/{patient}"])
    under_way = [held for held in visits if held.body and held.body.get("status") == "in-progress"]
    return max(under_way, key=lambda held: _start(held.body or {})).id if under_way else None


def _start(encounter: dict[str, Any]) -> str:
    period = encounter.get("period")
    return str(period.get("start", "")) if isinstance(period, dict) else ""


def _line(body: dict[str, Any], notes: dict[str, tuple[str, str | None]]) -> PatientLine:
    names = [name for name in body.get("name") or [] if isinstance(name, dict)]
    name = next((one for one in names if one.get("use") == "official"), names[0] if names else {})
    given = " ".join(str(part) for part in name.get("given") or [] if part)
    story, fault = notes.get(str(body["id"]), ("", None))
    text = "" if name.get("family") or given else str(name.get("text", ""))
    numbers = [one for one in body.get("identifier") or [] if isinstance(one, dict) and one.get("value")]
    medical = next((one for one in numbers if _is_record_number(one)), numbers[0] if numbers else {})
    return PatientLine(
        str(body["id"]),
        str(name.get("family") or text),
        given,
        str(body.get("birthDate", "")),
        str(body.get("gender", "")),
        str(medical.get("value", "")),
        story,
        fault,
    )


def _is_record_number(identifier: dict[str, Any]) -> bool:
    kind = identifier.get("type")
    codings = kind.get("coding") or [] if isinstance(kind, dict) else []
    return any(coding.get("code") == "MR" for coding in codings if isinstance(coding, dict))
