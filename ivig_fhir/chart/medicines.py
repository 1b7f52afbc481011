"""Which medicine an entry is about: coded, contained, referenced, or unknown and said so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ivig_fhir.chart.answers import Answers, Resource
from ivig_fhir.fhir.codes import Code, codings, texts
from ivig_fhir.fhir.reading import part, parts, reference, reference_key, word

UNKNOWN = "unknown medicine"
UNRESOLVED = "its medicine could not be read"


@dataclass(frozen=True, slots=True)
class Medicine:
    """Codes and names of a medicine and its ingredients; `known` is False when there is neither a code nor a name."""

    codes: tuple[Code, ...]
    texts: tuple[str, ...]
    doubts: tuple[str, ...] = ()

    @property
    def known(self) -> bool:
        """Whether anything can be matched."""
        return bool(self.codes or self.texts)

    @property
    def name(self) -> str:
        """What to call it."""
        return next(iter(self.texts), next((c.code for c in self.codes), UNKNOWN))


def medication_index(answers: Answers) -> Mapping[str, Resource]:
    """Every Medication that was read, under `Medication/id`; an `_include` may have put it among any type's resources."""
    found = (r for a in answers.by_type.values() for r in a.resources if word(r, "resourceType") == "Medication")
    return {f"Medication/{word(m, 'id')}": m for m in found if word(m, "id")}


def medicine_of(entry: Resource, index: Mapping[str, Resource]) -> Medicine:
    """The medicine of a MedicationRequest, -Statement, -Administration or -Dispense.

    A reference is looked for among the contained resources, then among those read; one that leads nowhere keeps the name that it shows.
    """
    concept = entry.get("medicationCodeableConcept")
    if codings(concept) or texts(concept):
        return _of_concepts((concept,))
    pointed = reference(entry, "medicationReference")
    medication = _contained(entry, pointed) if pointed.startswith("#") else index.get(reference_key(pointed))
    if medication is not None:
        found = _of_concepts((medication.get("code"), *(i.get("itemCodeableConcept") for i in parts(medication, "ingredient"))))
        if found.known:
            return found
    shown = word(part(entry, "medicationReference"), "display")
    return Medicine((), (shown,) if shown else (), (UNRESOLVED,))


def _contained(entry: Resource, pointed: str) -> Resource | None:
    return next((c for c in parts(entry, "contained") if word(c, "id") == pointed.removeprefix("#")), None)


def _of_concepts(concepts: Iterable[object]) -> Medicine:
    kept = tuple(concepts)
    codes = tuple(dict.fromkeys(c for concept in kept for c in codings(concept)))
    return Medicine(codes, tuple(dict.fromkeys(t for concept in kept for t in texts(concept))))
