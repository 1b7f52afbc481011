"""Provenance: who made what from which versions of the record, by which content; for approval and for every later decision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ivig_fhir.content.model import Content
from ivig_fhir.fhir.building import coding, concept, drop_empty
from ivig_fhir.fhir.identifiers import URI
from ivig_fhir.fhir.narrative import narrated
from ivig_fhir.fhir.references import plain_reference
from ivig_fhir.order.approval import Approval, Clinician
from ivig_fhir.proposal.context import APP, OrderContext, literal, moment
from ivig_fhir.proposal.model import Proposal

_PARTICIPANT = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
_OPERATION = "http://terminology.hl7.org/CodeSystem/v3-DataOperation"
_PRACTITIONER = "Practitioner/"
APPROVAL, DECISION = "provenance-approval", "provenance-decision"


def approval_provenance(
    proposal: Proposal, approval: Approval, content: Content, context: OrderContext, targets: Sequence[str]
) -> dict[str, Any]:
    """Who approved the order, with the app as assembler, from every version that dose and findings stand on, by exactly which content.

    Provenance has no identifier in R4: it is never written twice, because the order is looked for first.
    """
    entities = [_entity("source", _read(reference, mark, proposal, context)) for reference, mark in sorted(proposal.used.items())]
    plan = {"identifier": {"system": URI, "value": context.plan(proposal)}, "display": proposal.order_set.name}
    entities.append(_entity("derivation", plan))
    entities.append(_entity("derivation", _digest(context, content.digest, f"Clinical content {content.version}, every file of it")))
    entities.append(_entity("source", _digest(context, approval.digest, "What was on screen when it was approved")))
    return _provenance(targets, approval.at, "CREATE", (("author", _person(approval.who)), ("assembler", context.device())), entities)


def decision_provenance(
    who: Clinician,
    at: datetime,
    targets: Sequence[str],
    digest: str,
    base: str,
    app_version: str,
    verified: bool,
    notes: Sequence[str] = (),
) -> dict[str, Any]:
    """Who verified (or asked about, or rejected) the order, on what was on screen; the app assembled it.

    `notes` stand as its reasons: what the person says of parts of the record that could not be read.
    """
    device = {
        "type": "Device",
        "identifier": {"system": f"{base}/NamingSystem/software", "value": APP},
        "display": f"{APP} {app_version}",
    }
    seen = {"identifier": {"system": f"{base}/NamingSystem/digest", "value": digest}, "display": "What was on screen when it was decided"}
    role = "verifier" if verified else "performer"
    return _provenance(targets, at, "UPDATE", ((role, _person(who)), ("assembler", device)), [_entity("source", seen)], notes)


def _provenance(
    targets: Sequence[str],
    at: datetime,
    operation: str,
    agents: Sequence[tuple[str, Mapping[str, Any]]],
    entities: list[dict[str, Any]],
    reasons: Sequence[str] = (),
) -> dict[str, Any]:
    return narrated(
        drop_empty(
            {
                "resourceType": "Provenance",
                "target": [{"reference": t} for t in targets],
                "occurredDateTime": moment(at),
                "recorded": moment(at),
                "reason": [concept(text=said) for said in reasons],
                "activity": concept(coding(_OPERATION, operation)),
                "agent": [{"type": concept(coding(_PARTICIPANT, role)), "who": dict(agent)} for role, agent in agents],
                "entity": entities,
            }
        )
    )


def _entity(role: str, what: Mapping[str, Any]) -> dict[str, Any]:
    return {"role": role, "what": dict(what)}


def annotation(who: Clinician, at: datetime, text: str) -> dict[str, Any]:
    """A note of somebody. Its author is a person, which a role is not: who is known by a role alone is named in words.

    See: FHIR R4 Annotation, author[x].
    """
    reference = who.reference if who.person == plain_reference(who.reference) else who.person
    author = {"reference": reference} if reference.startswith(("http", _PRACTITIONER)) and who.known else {"display": who.display}
    return {"authorReference": author, "time": moment(at), "text": text}


def _person(who: Clinician) -> dict[str, Any]:
    return {"reference": who.reference, "display": who.display}


def _digest(context: OrderContext, value: str, display: str) -> dict[str, Any]:
    return {"identifier": {"system": f"{context.base}/NamingSystem/digest", "value": value}, "display": display}


def _read(reference: str, mark: str | None, proposal: Proposal, context: OrderContext) -> dict[str, Any]:
    """What was read: the reference, and its version (else its digest) as an identifier, since servers drop versions from references."""
    version = _versions(proposal).get(reference)
    if version is not None:
        held = {"system": f"{context.base}/NamingSystem/version-read", "value": f"{reference}/_history/{version}"}
    else:
        held = {"system": f"{context.base}/NamingSystem/digest", "value": mark or "unknown"}
    return drop_empty({"reference": literal(reference), "identifier": held})


def _versions(proposal: Proposal) -> dict[str, str]:
    """The versions that the server gave for what the proposal used."""
    found = {e.reference: e.version for f in proposal.findings for e in f.evidence if e.version}
    if proposal.weight.source and proposal.weight.version:
        found[proposal.weight.source] = proposal.weight.version
    return found
