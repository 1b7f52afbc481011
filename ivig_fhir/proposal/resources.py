"""A proposal as FHIR: RequestGroup and requests with intent proposal, DetectedIssues and GuidanceResponse in one collection."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from ivig_fhir.content.model import Content
from ivig_fhir.fhir import identifiers
from ivig_fhir.fhir.building import drop_empty, quantity
from ivig_fhir.fhir.narrative import narrated
from ivig_fhir.proposal import issues, requests
from ivig_fhir.proposal.context import GROUP, GUIDANCE, MAIN, OrderContext, moment, proposal_context, reason, subject
from ivig_fhir.proposal.model import CompanionOrder, Proposal

Resource = dict[str, Any]
_PHASES = (
    ("before", "Before the infusion", "before-start"),
    ("during", "With the infusion", "concurrent"),
    ("after", "After the infusion", "after-end"),
)


def proposal_bundle(proposal: Proposal, content: Content, base: str, app_version: str, context: OrderContext | None = None) -> Resource:
    """The proposal as a Bundle of type collection; nothing in it is an order.

    Without a dose there are no requests, only findings and the GuidanceResponse. A stopped proposal keeps its numbers: its action never
    applies, its note says so, and the DetectedIssues implicate it. `base` is the canonical base of the app's definitions.
    """
    context = context or proposal_context(proposal, base, app_version)
    parts = proposal_resources(proposal, content, context)
    entries = [{"fullUrl": context.urn(role), "resource": resource} for role, resource in parts.items()]
    return {
        "resourceType": "Bundle",
        "identifier": identifiers.identifier(identifiers.derived(context.run, "bundle")),
        "type": "collection",
        "timestamp": moment(proposal.now),
        "entry": entries,
    }


def proposal_resources(proposal: Proposal, content: Content, context: OrderContext) -> dict[str, Resource]:
    """Every resource of a proposal by its role: all companions that are offered, chosen or not."""
    parts: dict[str, Resource] = {}
    if proposal.dose is not None:
        offered = proposal.companions
        parts[GROUP] = request_group(proposal, offered, context)
        parts |= request_resources(proposal, content, offered, context)
    parts |= issue_resources(proposal, content, context)
    if MAIN in parts and (found := issues.reported(proposal)):
        parts[MAIN]["detectedIssue"] = [{"reference": context.urn(issues.role_of(f))} for f in found]
    parts[GUIDANCE] = issues.guidance_response(proposal, content, context)
    return parts


def request_resources(
    proposal: Proposal, content: Content, companions: Sequence[CompanionOrder], context: OrderContext
) -> dict[str, Resource]:
    """The IVIG MedicationRequest and the requests of the given companions, by role. ValueError without a dose."""
    parts = {MAIN: requests.medication_request(proposal, content, context)}
    parts |= {requests.role_of(c): requests.companion_request(c, proposal, content, context) for c in companions}
    return parts


def issue_resources(proposal: Proposal, content: Content, context: OrderContext) -> dict[str, Resource]:
    """A DetectedIssue for each finding above information, by role; overrides of the proposal become mitigations."""
    given = {o.check: o for o in proposal.overrides}
    return {issues.role_of(f): issues.detected_issue(f, proposal, content, context, given.get(f.check)) for f in issues.reported(proposal)}


def request_group(proposal: Proposal, companions: Sequence[CompanionOrder], context: OrderContext) -> Resource:
    """What belongs together, in which order, and what may be left out. See: FHIR R4 RequestGroup."""
    actions = [_ivig_action(proposal, context)]
    for phase, title, relation in _PHASES:
        members = [c for c in companions if phase_of(c) == phase]
        if members:
            children = [_companion_action(c, relation, context) for c in members]
            grouped = {"groupingBehavior": "visual-group", "selectionBehavior": "any"}
            actions.append({"id": phase, "title": title, **grouped, "action": children})
    return narrated(
        drop_empty(
            {
                "resourceType": "RequestGroup",
                "identifier": [identifiers.identifier(context.urn(GROUP))],
                "instantiatesCanonical": [context.plan(proposal)],
                "groupIdentifier": context.group_identifier,
                "status": "draft",
                "intent": context.intent,
                "priority": "routine",
                "code": {"text": proposal.order_set.name},
                "subject": subject(proposal),
                "authoredOn": moment(context.at),
                "author": context.asker() or context.device(),
                "reasonCode": [reason(proposal, context)],
                "action": actions,
            }
        )
    )


def phase_of(companion: CompanionOrder) -> str:
    """Before, during or after the infusion: by its offset in minutes from the start; without one it goes with the infusion."""
    if companion.offset_minutes is None or companion.offset_minutes == 0:
        return "during"
    return "before" if companion.offset_minutes < 0 else "after"


def _ivig_action(proposal: Proposal, context: OrderContext) -> Resource:
    never = {"description": "A hard stop stands.", "language": "text/fhirpath", "expression": "false"}
    stopped = {"kind": "applicability", "expression": never}
    return drop_empty(
        {
            "id": "ivig",
            "title": f"{proposal.product.brand}: immunoglobulin infusion",
            "condition": [stopped] if proposal.hard_stops else [],
            "timingDateTime": moment(proposal.start),
            "requiredBehavior": "must",
            "cardinalityBehavior": "single",
            "resource": {"reference": context.urn(MAIN)},
        }
    )


def _companion_action(companion: CompanionOrder, relation: str, context: OrderContext) -> Resource:
    related: Resource = {"actionId": "ivig", "relationship": relation}
    minutes = companion.offset_minutes
    if minutes:
        related["offsetDuration"] = quantity(Decimal(abs(minutes)), "min", "min")
    return {
        "id": companion.id,
        "title": companion.title,
        "relatedAction": [related],
        "requiredBehavior": "must" if companion.required else "could",
        "precheckBehavior": "yes" if companion.selected else "no",
        "resource": {"reference": context.urn(requests.role_of(companion))},
    }
