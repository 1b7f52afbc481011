"""Examination: what a FHIR server says it can do, what it does when it is asked, and so how the app would work with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from ivig_fhir.chart.queries import TYPES
from ivig_fhir.ehr.capability import Capabilities, read_capabilities
from ivig_fhir.ehr.client import FhirClient
from ivig_fhir.ehr.fetch import fetch_answers
from ivig_fhir.ehr.modes import WriteMode, write_mode
from ivig_fhir.ehr.profiles import ServerProfile, Unknown, profile, recognised
from ivig_fhir.ehr.search import Found, search
from ivig_fhir.errors import ChartError, FhirError, RequestRejected, TokenRejected
from ivig_fhir.fhir.identifiers import URI
from ivig_fhir.fhir.reading import word

State = Literal["ok", "note", "problem", "unseen"]
# What no dose can do without; what else cannot be read is shown as not assessed.
_NEEDED = ("Patient", "Observation")
_NOBODY = f"{URI}|urn:uuid:{UUID(int=0)}"
_UNKNOWN = ("ivig-unknown-parameter", "x")


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing that was looked at: whether it is as the app needs it, what was seen, and what to do about it.

    note: the app works, but otherwise than it could. problem: it does not work. unseen: nobody could tell from here.
    """

    id: str
    state: State
    said: str
    remedy: str = ""


@dataclass(frozen=True)
class Examination:
    """A FHIR server after it was examined; `mode` is how an order would be written if everything asked is granted."""

    capabilities: Capabilities
    known: ServerProfile
    mode: WriteMode
    remarks: tuple[Remark, ...]


def examine(client: FhirClient, chosen: str, granted: Mapping[tuple[str, str], str], patient: str | None) -> Examination:
    """Asks the server's metadata, then control queries about one patient: the one named, or the first whom the server shows.

    `chosen` is the profile of the issuer's entry; "" takes the one that fits what the server calls itself. Reads only. Raises nothing of
    the server's: what failed is a remark.
    """
    found = read_capabilities(client)
    looks_like = recognised(found.software)
    known = profile(chosen or looks_like or "generic")
    mode = write_mode(found, granted, known)
    remarks = [_metadata(found), _profile(chosen, looks_like, known)]
    if found.known:
        remarks += [_types(found), _writing(mode), *([_verifying(found, mode)] if mode.writes else [])]
        remarks += _controls(client, known, patient)
    return Examination(found, known, mode, tuple(remarks))


def _metadata(found: Capabilities) -> Remark:
    if not found.known:
        return Remark("metadata", "problem", found.said, "Check the address: a FHIR server answers GET <base>/metadata without a sign-in.")
    said = f"{found.software or 'a server without a name'}, FHIR {found.fhir_version or 'without a version'}, {len(found.types)} types."
    if not found.fhir_version.startswith("4.0"):
        return Remark("metadata", "problem", said, "This app speaks FHIR R4 (4.0.1); ask for the R4 base of this server.")
    return Remark("metadata", "ok", said)


def _profile(chosen: str, looks_like: str | None, known: ServerProfile) -> Remark:
    said = f"{known.name}: {known.title}."
    if looks_like and known.name != looks_like:
        better = profile(looks_like)
        return Remark("profile", "note", f"{said} It looks like {better.title}.", f'Put profile = "{looks_like}" into its entry.')
    if known.name == "generic":
        return Remark("profile", "ok", f"{said} Only what it declares is relied on.")
    return Remark("profile", "ok", said)


def _types(found: Capabilities) -> Remark:
    missing = [t for t in TYPES if not found.can(t, "search-type")]
    if not found.can("Patient", "read"):
        missing = ["Patient", *missing]
    if not missing:
        return Remark("reading", "ok", f"Declares every type that is read, {len(TYPES)} and Patient.")
    state: State = "problem" if set(missing) & set(_NEEDED) else "note"
    said = f"Not declared: {', '.join(missing)}."
    return Remark(
        "reading", state, said, "What needs these types is shown as not assessed; ask the EHR's vendor whether they can be opened."
    )


def _writing(mode: WriteMode) -> Remark:
    whole = mode.mode == "transaction" and "Not stored" not in mode.reason
    remedies = {
        "transaction": "What is not stored there is kept in this app.",
        "sequential": "Nothing; a part that fails is shown on the receipt and can be sent again.",
    }
    remedy = (
        "" if whole else remedies.get(mode.mode, "The approved order is copied by hand; ask the vendor for write access to change that.")
    )
    return Remark("writing", "ok" if whole else "note", f"{mode.mode}. {mode.reason}", remedy)


def _verifying(found: Capabilities, mode: WriteMode) -> Remark:
    """Whether a pharmacist would find the order and could decide on it in the EHR."""
    lacks = []
    if "Task" not in (mode.abilities.creates or ()) or not found.can("Task", "search-type"):
        lacks.append("No task can be stored and searched: the worklist comes from this app's own store.")
    if not found.can("MedicationRequest", "update"):
        lacks.append("Orders cannot be changed by apps, so no decision is stored.")
    if lacks:
        return Remark("verifying", "note", " ".join(lacks), "A pharmacist verifies such an order in the EHR itself.")
    return Remark("verifying", "ok", "The task and the pharmacist's decision can be stored.")


def _controls(client: FhirClient, known: ServerProfile, patient: str | None) -> list[Remark]:
    """What the server does when it is asked; without access or without a patient one remark that says so."""
    if patient is None:
        found = search(client, "Patient", [("_count", "1")], pages=1)
        patient = next((word(p, "id") for p in found.matches.values()), None)
        if patient is None:
            return [_no_patient(found)]
    queries = (_chart, _patient_form, _unknown_parameter, _identifier, _pages)
    return [remark for query in queries if (remark := query(client, known, patient)) is not None]


def _no_patient(found: Found) -> Remark:
    if isinstance(found.error, TokenRejected):
        said = "The server asks for a sign-in, as it should; without a token no search was tried."
        return Remark("searching", "note", said, "To try the searches, give a token with --token-file, and a patient with --patient.")
    if found.error is not None:
        said, remedy = f"No search was tried: {found.error.message}", "Name a patient with --patient; some servers list none."
    else:
        said, remedy = "The server shows no patient, so no search was tried.", "Name a patient with --patient, or load one."
    return Remark("searching", "unseen", said, remedy)


def _chart(client: FhirClient, known: ServerProfile, patient: str) -> Remark:
    """A whole chart, read exactly as the app reads it."""
    try:
        answers = fetch_answers(client, patient, known=known, fresh=True)
    except (FhirError, ChartError) as error:
        state: State = "unseen" if isinstance(error, TokenRejected) else "problem"
        return Remark("searching", state, error.message, "Check patient and token; the app cannot open this chart.")
    read = sum(len(a.resources) for a in answers.by_type.values())
    failed = {t: a for t, a in answers.by_type.items() if not a.complete}
    said = f"One chart was read: {read} resources of {len(answers.by_type) - len(failed)} types."
    if not failed:
        return Remark("searching", "ok", said)
    why = "; ".join(f"{t} ({a.problem})" for t, a in sorted(failed.items()))
    state = "problem" if set(failed) & set(_NEEDED) else "note"
    return Remark("searching", state, f"{said} Not read: {why}.", "What needs these types is shown as not assessed.")


def _patient_form(client: FhirClient, known: ServerProfile, patient: str) -> Remark | None:
    """Whether the server finds by the bare id what it finds by the typed one."""
    if "typed" in known.patient_forms:
        return None
    bare, typed = (_asked(client, "Observation", ("patient", named)) for named in (patient, f"Patient/{patient}"))
    if bare.matches or not typed.matches:
        return Remark("patient-parameter", "ok", "patient=<id> is understood.")
    said = "patient=<id> finds nothing, patient=Patient/<id> does: what is there would look absent."
    return Remark("patient-parameter", "problem", said, "Give it a profile with both patient_forms, as medplum has.")


def _unknown_parameter(client: FhirClient, known: ServerProfile, patient: str) -> Remark:
    """What becomes of a parameter that the server does not know."""
    found = _asked(client, "Observation", ("patient", patient), *known.required("Observation"), _UNKNOWN)
    seen, state, said = _fate(found)
    if seen != known.unknown_parameters and "unseen" not in (seen, known.unknown_parameters):
        said += f" Of {known.title} it is known otherwise ({known.unknown_parameters})."
    return Remark("unknown-parameter", state, said)


def _fate(found: Found) -> tuple[Unknown, State, str]:
    """What became of a parameter that no server knows."""
    if isinstance(found.error, RequestRejected):
        return "refused", "ok", "A parameter that it does not know is refused."
    if found.oddities or found.unread:
        return "named", "ok", "A parameter that it does not know is named as ignored."
    if found.error is not None:
        return "unseen", "unseen", found.error.message
    said = "A parameter that it does not know is ignored without a word. Every filter is applied again here, so that nothing is misread."
    return "ignored", "note", said


def _identifier(client: FhirClient, known: ServerProfile, patient: str) -> Remark:
    """Whether an order would be found by its run's identifier; one that nobody has must find nothing."""
    found = _asked(client, "MedicationRequest", ("identifier", _NOBODY))
    if found.matches:
        state: State = "note" if known.found_by_identifier == "no" else "problem"
        said = "A search of orders by identifier finds orders that do not carry it: the parameter is ignored."
        return Remark("identifier", state, said, "Give it a profile with found_by_identifier = no; a lost answer is then settled by hand.")
    if found.error is not None:
        said = "Orders cannot be searched by identifier: whether an order is there after a lost answer has to be looked up by hand."
        return Remark("identifier", "note", said, "Nothing; the app asks before it sends again.")
    return Remark("identifier", "ok", "A search of orders by identifier finds only what carries it.")


def _pages(client: FhirClient, known: ServerProfile, patient: str) -> Remark:
    """Whether a second page can be had, and from the same server."""
    found = search(client, "Observation", [("patient", patient), ("_count", "1")], pages=2)
    if "leads to another server" in found.said:
        said = "The link to the next page leads to another server; it is not followed, and a long list is read only in part."
        return Remark("paging", "problem", said, "Have the server's public address corrected: next links must be on its base.")
    if found.error is not None:
        return Remark("paging", "note", f"Small pages are not given: {found.error.message}")
    return Remark("paging", "ok", "The next page is on the same server." if found.pages > 1 else "Everything came on one page.")


def _asked(client: FhirClient, type_: str, *params: tuple[str, str]) -> Found:
    """The first page of a search, past every cache."""
    return search(client, type_, params, pages=1, fresh=True)
