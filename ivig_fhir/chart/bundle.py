"""From a file to Answers: one patient chosen, other patients' resources left out and named, gaps kept as gaps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from ivig_fhir.chart.answers import Answer, Answers, Oddity, Reason, Resource
from ivig_fhir.chart.entries import Entries, Entry, Page, flatten
from ivig_fhir.chart.gaps import READ_TYPES, Unread, gaps_in
from ivig_fhir.errors import ChartError
from ivig_fhir.fhir.dates import parse_time
from ivig_fhir.fhir.reading import elsewhere, identifiers, part, reference_key, word

_OWNERS = ("subject", "patient", "beneficiary")
# Types that belong to nobody, or that may: they are kept for what points to them.
_WITHOUT_OWNER = ("Medication", "Device")


def from_documents(document: Any, patient_id: str | None = None) -> Answers:
    """The Answers of a whole record given as parsed JSON: a Bundle of any type, a list of resources or Bundles, or one resource.

    A type that the record does not hold is completely read and empty, unless an OperationOutcome in it says that it could not be read.
    `patient_id` (with or without "Patient/") chooses where the record holds several. ChartError when there is no Patient, or several
    and no choice. See: CONTRACTS, precise points 10 and 11.
    """
    found = flatten(document)
    patient = _choose(found, patient_id)
    owner = Owner.of(patient.resource, patient.full_url)
    others = {key for e in found.of_type("Patient") if e is not patient for key in Owner.of(e.resource, e.full_url).keys} - owner.keys
    kept: dict[str, dict[str, Resource]] = {t: {} for t in READ_TYPES}
    oddities = list(found.oddities)
    left_out = 0
    for index, entry in enumerate(found.entries):
        whose = owner.claims(entry.resource) if entry.resource["resourceType"] in kept else None
        if whose == "ours":
            oddities += _keep(kept[entry.resource["resourceType"]], entry.resource, index)
        elif whose == "another" and reference_key(_owner_reference(entry.resource)) in others:
            left_out += 1
        elif whose is not None:
            oddities.append(_not_ours(entry.resource, whose))
    if left_out:
        oddities.append(Oddity("", f"{left_out} resources of other patients in the same file were left out."))
    unread, unnamed = _gaps(found)
    answers = {t: _answer(t, kept[t], unread.get(t)) for t in READ_TYPES}
    return Answers(patient.resource, answers, (*oddities, *unnamed))


@dataclass(frozen=True)
class Owner:
    """How references to one patient look: `Patient/id`, the fullUrl, and the patient's identifiers (`system|value`).

    With a `base`, the FHIR base that was read, an address on another server is another patient, even where its id is the same.
    """

    keys: frozenset[str]
    identifiers: frozenset[str]
    base: str = ""

    @staticmethod
    def of(patient: Resource, full_url: str = "", base: str = "") -> Owner:
        """The owner that a Patient resource is."""
        id_ = word(patient, "id")
        keys = {f"Patient/{id_}", f"urn:uuid:{id_}"} if id_ else set()
        return Owner(frozenset(keys | ({full_url} if full_url else set())), frozenset(identifiers(patient)), base)

    def claims(self, resource: Resource) -> str:
        """Whose a resource is: "ours", "another" (it names somebody else) or "unsaid" (it names nobody)."""
        element = next((part(resource, name) for name in _OWNERS if part(resource, name)), {})
        literal = word(element, "reference")
        if not literal or literal.startswith("#"):
            if set(identifiers({"identifier": element.get("identifier")})) & self.identifiers:
                return "ours"
            return "ours" if not element and resource.get("resourceType") in _WITHOUT_OWNER else "unsaid"
        if literal.startswith("Patient?identifier="):
            return "ours" if unquote(literal.partition("=")[2]) in self.identifiers else "another"
        if self.base and elsewhere(literal, self.base):
            return "another"
        return "ours" if literal in self.keys or reference_key(literal) in self.keys else "another"


def _choose(found: Entries, patient_id: str | None) -> Entry:
    patients = {word(e.resource, "id") or e.full_url: e for e in reversed(list(found.of_type("Patient")))}
    if not patients:
        raise ChartError(said="The chart holds no Patient.")
    if patient_id is not None:
        wanted = patients.get(patient_id.removeprefix("Patient/"))
        if wanted is None:
            raise ChartError(said="No patient of the chart has that id.")
        return wanted
    if len(patients) > 1:
        raise ChartError(said=f"The chart holds {len(patients)} patients; say which one by its id.")
    return next(iter(patients.values()))


def _owner_reference(resource: Resource) -> str:
    return next((word(part(resource, n), "reference") for n in _OWNERS if part(resource, n)), "")


def _keep(kept: dict[str, Resource], resource: Resource, index: int) -> list[Oddity]:
    """Add a resource; of two with one id the newer stays (the first, where they do not say), and a difference is named."""
    key = word(resource, "id") or f"#{index}"
    before = kept.get(key)
    if before is None:
        kept[key] = resource
        return []
    if before == resource:
        return []
    if _updated(resource) > _updated(before):
        kept[key] = resource
    reference = f"{resource['resourceType']}/{key}"
    return [Oddity(reference, f"{reference} stands in the record twice and differs; the newer one, else the first, was used.")]


def _updated(resource: Resource) -> float:
    time = parse_time(part(resource, "meta").get("lastUpdated"))
    return time.latest.timestamp() if time else 0.0


def _not_ours(resource: Resource, whose: str) -> Oddity:
    type_, id_ = resource["resourceType"], word(resource, "id")
    why = "belongs to another patient" if whose == "another" else "does not say whose it is"
    return Oddity(f"{type_}/{id_}" if id_ else type_, f"{type_} {why} and was not used.")


def _gaps(found: Entries) -> tuple[Mapping[str, Unread], list[Oddity]]:
    unread: dict[str, Unread] = {}
    unnamed: list[Oddity] = []
    for entry in found.of_type("OperationOutcome"):
        gaps = gaps_in(entry.resource, entry.asked)
        unnamed += [Oddity("", sentence) for sentence in gaps.unnamed]
        for item in gaps.unread:
            before = unread.get(item.type)
            if before is None or (before.in_part and not item.in_part):
                unread[item.type] = item
    for type_ in (t for page in found.pages if page.following not in found.addresses for t in _cut_off(page)):
        unread.setdefault(type_, Unread(type_, Reason.ERROR, f"{type_} was read only in part: the next page is not in the record.", True))
    return unread, list(dict.fromkeys(unnamed))


def _cut_off(page: Page) -> tuple[str, ...]:
    """The types of which the next page may hold more: the one asked for and those beside it; where none was asked for alone, any."""
    likely = page.types | {page.asked} if page.asked.isalpha() else page.types
    return tuple(t for t in READ_TYPES if t in likely) if page.asked.isalpha() or len(likely) == 1 else READ_TYPES


def _answer(type_: str, kept: Mapping[str, Resource], unread: Unread | None) -> Answer:
    if unread is None:
        return Answer(type_, tuple(kept.values()))
    return Answer(type_, tuple(kept.values()), unread.reason, unread.said)
