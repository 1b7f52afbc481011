"""Reading one chart: each search in the forms that servers take, the Patient, the control search, the medications referred to."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from ivig_fhir.chart.answers import Resource
from ivig_fhir.chart.queries import Query
from ivig_fhir.ehr.client import FhirClient
from ivig_fhir.ehr.profiles import ServerProfile
from ivig_fhir.ehr.search import PAGES, Found, search
from ivig_fhir.errors import BreakTheGlass, ChartError, FhirError, OutcomeInstead, PatientChanged
from ivig_fhir.fhir.reading import reference, word

Allowed = Callable[[str, str], str]
_ID = re.compile(r"(?!\.+$)[A-Za-z0-9\-._]{1,128}")
_MEDICATION = re.compile(r"Medication/[A-Za-z0-9\-.]{1,64}")


def everything_allowed(type_: str, letter: str) -> str:
    """The verdict where no scopes were granted because nobody signs in: an open server, or a bearer token of one's own."""
    return "yes"


@dataclass(frozen=True)
class Reading:
    """What all searches of one chart share: the server, the patient, what the server is known for, and the end on its clock."""

    client: FhirClient
    patient_id: str
    known: ServerProfile
    fresh: bool
    end: float

    def __post_init__(self) -> None:
        if not _ID.fullmatch(self.patient_id):
            raise ChartError("The patient's id cannot be used.")

    def patient(self) -> Resource:
        """The Patient. FhirError when it cannot be read, PatientChanged when the EHR answers with another one."""
        found: Resource = self.client.get(f"Patient/{self.patient_id}", fresh=self.fresh, deadline=self.end).body
        if word(found, "resourceType") != "Patient":
            raise OutcomeInstead("GET Patient")
        if word(found, "id") != self.patient_id:
            raise PatientChanged("GET Patient")
        return found

    def query(self, query: Query) -> Found:
        """One row of the table: asked as richly as the server takes it, and with the patient named as the server takes it."""
        count = [("_count", str(self.known.page_size))] if self.known.page_size else []
        helps = self._taken([*(("_include", i) for i in query.include), *count])
        required = [*self.known.required(query.type)]
        asked = [*query.params] or required
        return self._asked(query.type, [[*asked, *helps], asked, required], PAGES)

    def control(self, type_: str) -> Found:
        """The first entry of a type with no filter but what the server requires: whether an empty answer of a filtered search counts."""
        required = [*self.known.required(type_)]
        return self._asked(type_, [[*required, *self._taken([("_count", "1")])], required], 1)

    def _taken(self, params: list[tuple[str, str]]) -> list[tuple[str, str]]:
        """Of what only helps, that which the server is not known to refuse."""
        return [(name, value) for name, value in params if name not in self.known.left_out]

    def _asked(self, type_: str, attempts: list[list[tuple[str, str]]], pages: int) -> Found:
        """The first of the attempts that the server takes: with all, then without what only helps, then everything of the type."""
        found = Found()
        for form in self.known.patient_forms:
            patient = ("patient", self.patient_id if form == "bare" else f"Patient/{self.patient_id}")
            tried: list[list[tuple[str, str]]] = []
            for params in attempts:
                if params in tried:
                    continue
                tried.append(params)
                found = search(self.client, type_, [patient, *params], pages=pages, fresh=self.fresh, deadline=self.end)
                if not found.refused:
                    break
            if found.matches or isinstance(found.error, BreakTheGlass):
                break
        return found

    def medication(self, where: str) -> Resource | FhirError:
        """One Medication that something refers to, or the error of reading it."""
        try:
            found: Resource = self.client.read(where, fresh=self.fresh, deadline=self.end).body
        except FhirError as error:
            return error
        return found


def referred_medications(resources: Iterable[Resource], client: FhirClient, at_hand: Collection[str]) -> tuple[str, ...]:
    """`Medication/id` of each Medication on this server that is referred to and not at hand."""
    literal = (reference(r, "medicationReference").removeprefix(client.base.rstrip("/") + "/") for r in resources)
    return tuple(dict.fromkeys(m for m in literal if _MEDICATION.fullmatch(m) and m not in at_hand))
