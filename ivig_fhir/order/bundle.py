"""The approved order as one transaction: order, companions, findings with their mitigations, group, provenance, the pharmacist's task."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from ivig_fhir.content.model import Content
from ivig_fhir.errors import GateRefused, StateError
from ivig_fhir.fhir import identifiers
from ivig_fhir.fhir.building import coding, concept, drop_empty, gate
from ivig_fhir.fhir.codes import SNOMED
from ivig_fhir.fhir.narrative import narrated
from ivig_fhir.fhir.quantity import plain
from ivig_fhir.order.approval import Approval
from ivig_fhir.order.provenance import APPROVAL, approval_provenance
from ivig_fhir.order.states import FHIR_STATUS, OrderState
from ivig_fhir.order.transaction import Entry, Transaction, without_types
from ivig_fhir.proposal import issues
from ivig_fhir.proposal.ambiguity import ambiguities, coded_doses
from ivig_fhir.proposal.context import GROUP, MAIN, OrderContext, moment, point, reason, subject
from ivig_fhir.proposal.dosage import infusion_dates
from ivig_fhir.proposal.dosage_problems import dosage_problems
from ivig_fhir.proposal.model import Proposal
from ivig_fhir.proposal.resources import issue_resources, request_group, request_resources

TASK = "task"
TASK_CODE = "http://hl7.org/fhir/CodeSystem/task-code"
_PHARMACIST = ("46255001", "Pharmacist")
_INSTRUCTS = frozenset({"MedicationRequest", "ServiceRequest", "RequestGroup", "Task"})


@dataclass(frozen=True)
class Abilities:
    """What the server does, as far as writing depends on it. None: every type.

    `creates` are the types that it lets us create, `finds` those that it finds by identifier (only these are created conditionally).
    """

    creates: frozenset[str] | None = None
    finds: frozenset[str] | None = None


def transaction(proposal: Proposal, approval: Approval, content: Content, context: OrderContext, abilities: Abilities) -> Transaction:
    """Everything that one approval writes, in the order of the sequential way. `context` is the proposal's; it is signed here.

    The order is conditional on the run's identifier: where it is already stored, nothing else may be written. ValueError without a dose.
    """
    signed = context.signed((approval.who.reference, approval.who.display), approval.at)
    final = replace(proposal, overrides=approval.overrides)
    chosen = [c for c in final.companions if c.selected]
    parts: dict[str, dict[str, Any]] = request_resources(final, content, chosen, signed)
    found = issues.reported(final)
    if found:
        parts[MAIN]["detectedIssue"] = [{"reference": signed.urn(issues.role_of(f))} for f in found]
    if context.prior:
        parts[MAIN]["priorPrescription"] = {"reference": context.prior}
    parts |= issue_resources(final, content, signed)
    parts[GROUP] = request_group(final, chosen, signed)
    parts[APPROVAL] = approval_provenance(final, approval, content, signed, (signed.urn(MAIN), signed.urn(GROUP)))
    parts[TASK] = approval_task(final, approval, signed)
    entries = tuple(_create(role, resource, signed, abilities) for role, resource in parts.items())
    return without_types(Transaction(context.run, entries), abilities.creates)


def _create(role: str, resource: dict[str, Any], context: OrderContext, abilities: Abilities) -> Entry:
    urn, kind = context.urn(role), str(resource["resourceType"])
    findable = "identifier" in resource and (abilities.finds is None or kind in abilities.finds)
    return Entry(role, urn, "POST", kind, resource, identifiers.search_condition(urn) if findable else None)


def approval_task(proposal: Proposal, approval: Approval, context: OrderContext) -> dict[str, Any]:
    """The task that asks a pharmacist to verify the draft, needed by the start of the first infusion. See: FHIR R4 task-code approve."""
    status = FHIR_STATUS[OrderState.SENT]
    said = _task_text(proposal)
    return narrated(
        drop_empty(
            {
                "resourceType": "Task",
                "identifier": [identifiers.identifier(context.urn(TASK))],
                "basedOn": [{"reference": context.urn(GROUP)}],
                "groupIdentifier": context.group_identifier,
                "status": status.task,
                "businessStatus": {"text": status.business},
                "intent": "order",
                "priority": "routine",
                "code": concept(coding(TASK_CODE, "approve"), text="Verify the immunoglobulin order"),
                "description": said,
                "focus": {"reference": context.urn(MAIN)},
                "for": subject(proposal),
                "encounter": point(context.encounter),
                "authoredOn": moment(approval.at),
                "lastModified": moment(approval.at),
                "requester": context.asker(),
                "performerType": [concept(coding(SNOMED, *_PHARMACIST), text="Pharmacist")],
                "reasonCode": reason(proposal, context),
                "restriction": {"repetitions": 1, "period": {"end": moment(proposal.start)}},
            }
        )
    )


def _task_text(proposal: Proposal) -> str:
    dose, dates = proposal.dose, infusion_dates(proposal)
    if dose is None:
        raise ValueError("a task to verify needs a dose")
    on = f"{dates[0].isoformat()}" if len(dates) == 1 else f"each of {len(dates)} dates from {dates[0].isoformat()}"
    return f"Verify: {proposal.product.brand} {plain(dose.per_infusion_g)} g on {on}, for {proposal.order_set.name}."


def tolerance_of(proposal: Proposal) -> Decimal:
    """The fraction by which vial rounding may have changed the dose; 0 where the grams were stated."""
    return proposal.rounding.tolerance if proposal.rounding else Decimal(0)


def checked(made: Transaction, tolerance: Decimal | None = None, course_g: Decimal | None = None) -> Transaction:
    """The same transaction, if everything in it may leave; else GateRefused with every problem by role.

    Each resource passes both gates; whatever instructs somebody is searched for texts that could be read as another dose; a new order
    (`tolerance` given) is searched for dosage shapes that a receiver would misread. StateError where what the EHR itself holds is no valid
    FHIR: it cannot be changed from here without a fault in it being written again, or mended unseen.
    """
    problems, theirs = list[str](), list[str]()
    main = made.entry(MAIN)
    one = coded_doses(main.resource)[0] if main else None
    for entry in made.entries:
        found = _gate_problems(entry.resource)
        if entry.method == "POST" and entry.type in _INSTRUCTS:
            found += ambiguities(entry.resource, course_g, one)
        if entry.role == MAIN and tolerance is not None:
            found += dosage_problems(entry.resource, tolerance)
        named = [f"{entry.role}: {p}" for p in dict.fromkeys(found)]
        problems += named
        theirs += named if entry.method == "PUT" else ()
    if theirs and theirs == problems:
        said = f"What the EHR holds of this order is not valid FHIR, so it cannot be changed from here: {theirs[0]}."
        raise StateError("stored resource at the gate", said=said, remedy="Have it corrected in the EHR, then decide again.")
    problems = problems or _gate_problems(made.bundle())
    if problems:
        raise GateRefused(problems)
    return made


def _gate_problems(resource: dict[str, Any]) -> list[str]:
    try:
        gate(resource)
    except GateRefused as refused:
        return list(refused.problems)
    return []
