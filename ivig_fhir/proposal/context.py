"""What a resource needs beside the clinical decision: canonical base, run, intent, moment, who asks, encounter, insurance."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from ivig_fhir.fhir import identifiers
from ivig_fhir.fhir.building import concept
from ivig_fhir.proposal.model import Proposal

APP = "ivig-fhir"
MAIN = "medication-request"
GROUP = "request-group"
GUIDANCE = "guidance-response"
_LITERAL = re.compile(r"[A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64}")


@dataclass(frozen=True)
class OrderContext:
    """The frame of all resources of one run. `intent` is proposal until a prescriber signed, then order; `at` is aware.

    `requester` is (reference, display), required for an order. `reason` is the Condition's own CodeableConcept where the caller has it.
    `prior` is the order that this one replaces, as the record holds it (`MedicationRequest/id`).
    """

    base: str
    app_version: str
    run: str
    at: datetime
    intent: str = "proposal"
    requester: tuple[str, str] | None = None
    encounter: str | None = None
    coverage: tuple[str, ...] = ()
    reason: dict[str, Any] | None = None
    prior: str | None = None

    def urn(self, role: str) -> str:
        """The `urn:uuid:` of a part: the run itself for the order, else derived from run and role."""
        return self.run if role == MAIN else identifiers.derived(self.run, role)

    @property
    def group_identifier(self) -> dict[str, Any]:
        """What every member of the run carries."""
        return identifiers.identifier(self.run)

    def system(self, name: str) -> str:
        """One of the app's own code systems."""
        return f"{self.base}/CodeSystem/{name}"

    def plan(self, proposal: Proposal) -> str:
        """The canonical of the order set with its version."""
        return f"{self.base}/PlanDefinition/{proposal.order_set.id}|{proposal.order_set.governance.version}"

    def device(self) -> dict[str, Any]:
        """The app as a logical reference: a literal Device would have to exist on servers that check references."""
        return {
            "type": "Device",
            "identifier": {"system": f"{self.base}/NamingSystem/software", "value": APP},
            "display": f"{APP} {self.app_version}",
        }

    def asker(self) -> dict[str, Any] | None:
        """Who asks for the order; None before anybody signed."""
        return None if self.requester is None else {"reference": self.requester[0], "display": self.requester[1]}

    def signed(self, requester: tuple[str, str], at: datetime) -> OrderContext:
        """The same frame for the order that was approved by `requester` at `at`."""
        return replace(self, intent="order", requester=requester, at=at)


def proposal_context(proposal: Proposal, base: str, app_version: str) -> OrderContext:
    """The frame of a proposal that nobody has signed."""
    return OrderContext(base, app_version, identifiers.run_urn(proposal.run, proposal.digest), proposal.now)


def literal(reference: str | None) -> str | None:
    """The reference if it is `Type/id`, else None: what cannot be pointed to is not pointed to."""
    return reference if reference is not None and _LITERAL.fullmatch(reference) else None


def point(reference: str | None, display: str | None = None) -> dict[str, Any] | None:
    """A Reference to a resource of the record, or None."""
    found = literal(reference)
    return None if found is None else {"reference": found, **({"display": display} if display else {})}


def subject(proposal: Proposal) -> dict[str, Any]:
    """The patient; by reference alone, the name stays in the record."""
    return point(proposal.patient.reference) or {"display": "patient without an id"}


def reason(proposal: Proposal, context: OrderContext) -> dict[str, Any]:
    """Why: the diagnosis as coded in the record where it was found, with the order set's name as text."""
    coded = (context.reason or {}).get("coding") or []
    return concept(*coded, text=proposal.order_set.name)


def moment(at: datetime) -> str:
    """An aware moment as FHIR dateTime or instant, to the second. ValueError for a naive one."""
    if at.tzinfo is None:
        raise ValueError("a moment needs an offset")
    return at.isoformat(timespec="seconds")
