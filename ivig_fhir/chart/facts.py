"""Facts: what the record says, each with where it stands, when it was true and what is doubtful about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Generic, TypeVar

from ivig_fhir.chart.answers import Reason, Resource
from ivig_fhir.fhir.codes import Code
from ivig_fhir.fhir.dates import FhirTime
from ivig_fhir.fhir.quantity import Quantity
from ivig_fhir.fhir.reading import part, word

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Source:
    """Where a fact stands: `Type/id`, the version that was read (if the server said), and the time as written."""

    reference: str
    version: str | None = None
    time: str | None = None

    @staticmethod
    def of(resource: Resource, time: FhirTime | None = None) -> Source:
        """The source that a resource is; without an id only its type can be named."""
        type_, id_ = word(resource, "resourceType"), word(resource, "id")
        return Source(f"{type_}/{id_}" if id_ else type_, word(part(resource, "meta"), "versionId") or None, time.text if time else None)


@dataclass(frozen=True)
class Fact(Generic[T]):
    """A value with its source and what the record literally said; `doubts` are shown wherever the value is used."""

    value: T
    source: Source
    said: str
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Gap:
    """The reason for having no fact."""

    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class Measurement:
    """One usable Observation of a named panel (`order_sets/observations.toml`).

    `value` is in the panel's canonical unit (None for coded or text results); `raw` is what was written; `comparator` is "", "<", "<=",
    ">" or ">=". `preliminary` results may fire a check and never clear one. `loinc` is "" for a panel without LOINC codes, which is found
    by its words. `method` is how it was measured, as the record says it ("Estimated by physician").
    """

    panel: str
    loinc: str
    value: Decimal | None
    unit: str
    raw: Quantity | None
    codes: tuple[Code, ...]
    text: str
    time: FhirTime | None
    status: str
    comparator: str
    source: Source
    said: str
    doubts: tuple[str, ...] = ()
    method: str = ""

    @property
    def preliminary(self) -> bool:
        """Not yet a final result."""
        return self.status == "preliminary"


@dataclass(frozen=True, slots=True)
class Unusable:
    """An Observation of a panel whose value was refused, and why; `value` (in the panel's unit) where it was readable but impossible."""

    panel: str
    source: Source
    said: str
    why: str
    kind: str = "unreadable"  # unreadable, implausible, future, status, absent
    value: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """A Condition that counts (refuted and entered-in-error ones never become a Problem).

    `clinical` is active, inactive or unknown-as-active per R4 (recurrence and relapse are active; remission and resolved inactive);
    `soft` when unconfirmed, provisional or differential. `notes` are annotations and the manifestations on which it stands.
    """

    codes: tuple[Code, ...]
    texts: tuple[str, ...]
    active: bool
    soft: bool
    onset: FhirTime | None
    recorded: FhirTime | None
    source: Source
    said: str
    doubts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Allergy:
    """An AllergyIntolerance that counts (refuted and entered-in-error ones never do). `negation` marks "no known ..." entries;
    `not_asked` marks the empty-list entries that say nobody asked. `notes` are annotations and descriptions of the reaction."""

    codes: tuple[Code, ...]
    texts: tuple[str, ...]
    active: bool
    soft: bool
    criticality: str
    severities: tuple[str, ...]
    manifestations: tuple[Code, ...]
    manifestation_texts: tuple[str, ...]
    negation: bool
    not_asked: bool
    source: Source
    said: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Drug:
    """One entry about a medicine, of any of the four resource types, with its statuses already read.

    kind: request, statement, administration, dispense. state: active, pending (draft, on-hold), recent (ended), given (administered,
    dispensed). `grams` is the coded dose of one administration (of a dispense: all that was dispensed); `ended` the latest end known; `run`
    the order run it belongs to (groupIdentifier or request.identifier); `request` the MedicationRequest it points to (`Type/id`);
    `identifiers` its own as `system|value`; `doses` the dated doses of an order, or of a statement about one day, in grams (None: not coded
    as a mass); `links` every entry about a medicine that it is based on, part of or derived from.
    """

    kind: str
    state: str
    codes: tuple[Code, ...]
    texts: tuple[str, ...]
    time: FhirTime | None
    ended: FhirTime | None
    grams: Decimal | None
    run: str
    request: str
    identifiers: tuple[str, ...]
    doses: tuple[tuple[FhirTime, Decimal | None], ...]
    reasons: tuple[Code, ...]
    status: str
    source: Source
    said: str
    doubts: tuple[str, ...] = ()
    links: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Event:
    """A Procedure, ServiceRequest, Immunization, Device or DeviceUseStatement that counts, by its status.

    `time` is when it was done, or all the time in which a planned one may take place.
    """

    type: str
    status: str
    codes: tuple[Code, ...]
    texts: tuple[str, ...]
    time: FhirTime | None
    source: Source
    said: str


@dataclass(frozen=True, slots=True)
class Paper:
    """A Consent, Coverage or ClaimResponse: status, use and outcome, and the product texts and codes that it names.

    `time` is when it was made; `begins` and `ends` are the first and the last day for which it holds, as far as it says. `scope` is what a
    consent is about. `said_outcome` is what a payer wrote beside the coded outcome, `against` why its codes grant nothing.
    """

    type: str
    status: str
    use: str
    outcome: str
    time: FhirTime | None
    codes: tuple[Code, ...]
    texts: tuple[str, ...]
    source: Source
    said: str
    begins: FhirTime | None = None
    ends: FhirTime | None = None
    scope: tuple[str, ...] = ()
    said_outcome: str = ""
    against: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Person:
    """The Patient as far as the order needs it. sex is male, female or "" (anything else); deceased and active as recorded.

    `replaced_by` is the record that took this one's place, as it is referred to; "" where none did.
    """

    reference: str
    birth_date: date | None
    sex: str
    deceased: bool
    active: bool
    name: str
    identifier: str
    source: Source
    gender_said: str
    birth_said: str
    read_at: datetime | None = None
    replaced_by: str = ""
