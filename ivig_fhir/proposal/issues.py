"""Findings as FHIR DetectedIssue, and the evaluation as GuidanceResponse: proposed, stopped, or which data are lacking."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ivig_fhir.content.model import Content
from ivig_fhir.fhir import identifiers
from ivig_fhir.fhir.building import coding, concept, drop_empty
from ivig_fhir.fhir.codes import LOINC
from ivig_fhir.fhir.narrative import narrated
from ivig_fhir.proposal.context import GROUP, GUIDANCE, MAIN, OrderContext, moment, point, reason, subject
from ivig_fhir.proposal.findings import Finding, Measure
from ivig_fhir.proposal.model import Proposal
from ivig_fhir.proposal.selections import ChosenOverride

ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
_SEVERITY = {"hard-stop": "high", "override": "high", "warning": "moderate", "info": "low"}


def reported(proposal: Proposal) -> tuple[Finding, ...]:
    """The findings that travel with the order: everything above information."""
    return tuple(f for f in proposal.findings if f.severity != "info")


def role_of(finding: Finding) -> str:
    """The name of a finding's resource within the run."""
    return f"detected-issue-{finding.check}"


def detected_issue(
    finding: Finding, proposal: Proposal, content: Content, context: OrderContext, override: ChosenOverride | None = None
) -> dict[str, Any]:
    """One finding with its evidence; an override becomes a mitigation with its coded reason, its note and who gave it, and so does what the
    order does about it.

    See: FHIR R4 DetectedIssue; value set detectedissue-mitigation-action.
    """
    entry = content.checks.get(finding.check)
    category = [coding(ACT_CODE, entry.detected_issue)] if entry and entry.detected_issue else []
    signed = context.intent == "order"
    return narrated(
        drop_empty(
            {
                "resourceType": "DetectedIssue",
                "identifier": [identifiers.identifier(context.urn(role_of(finding)))],
                "status": "final" if signed else "preliminary",
                "code": concept(*category, coding(context.system("check"), finding.check), text=entry.title if entry else finding.check),
                "severity": _SEVERITY[finding.severity],
                "patient": subject(proposal),
                "identifiedDateTime": moment(proposal.now),
                "author": context.device(),
                "implicated": [{"reference": context.urn(MAIN)}] if proposal.dose else [],
                "evidence": [{"detail": details}] if (details := _evidence(finding)) else [],
                "detail": _detail(finding),
                "reference": _citation(finding, content),
                "mitigation": _mitigations(finding, override, content, context),
            }
        )
    )


def _mitigations(finding: Finding, override: ChosenOverride | None, content: Content, context: OrderContext) -> list[dict[str, Any]]:
    """The reason given for going on, then what the order does about the finding."""
    given = [_mitigation(override, content, context)] if override else []
    return given + [_taken(measure, context) for measure in finding.measures]


def _detail(finding: Finding) -> str:
    """The finding for a reader: what was found, and where its threshold lies."""
    return f"{finding.message} Fires: {finding.threshold}" if finding.threshold else finding.message


def _evidence(finding: Finding) -> list[dict[str, Any]]:
    found = (point(e.reference, e.said) for e in finding.evidence)
    return [r for r in found if r]


def _citation(finding: Finding, content: Content) -> str | None:
    cited = (content.citations[key] for key in finding.citations if key in content.citations)
    return next((c.url for c in cited if c.url), None)


def _mitigation(override: ChosenOverride, content: Content, context: OrderContext) -> dict[str, Any]:
    labels: Mapping[str, str] = dict(content.constants.get("override_reasons", ()))
    said = labels.get(override.code, "")
    return {
        "action": concept(coding(ACT_CODE, override.code), text=f"{said}: {override.note}" if said else override.note),
        "date": moment(context.at),
        "author": context.asker() or context.device(),
    }


def _taken(measure: Measure, context: OrderContext) -> dict[str, Any]:
    """What this order does about the finding; whoever signs it has chosen it."""
    return {
        "action": concept(coding(ACT_CODE, measure.code), text=measure.said),
        "date": moment(context.at),
        "author": context.asker() or context.device(),
    }


def guidance_response(proposal: Proposal, content: Content, context: OrderContext) -> dict[str, Any]:
    """How the evaluation ended. Every check is named in the contained OperationOutcome: found, not assessed or clear.

    `data-required` names what a dose lacks, as data requirements. See: FHIR R4 GuidanceResponse.
    """
    lacking = _lacking(proposal, content)
    required = proposal.outcome == "data-required"
    return narrated(
        drop_empty(
            {
                "resourceType": "GuidanceResponse",
                "contained": [_outcome(proposal, context)],
                "requestIdentifier": context.group_identifier,
                "identifier": [identifiers.identifier(context.urn(GUIDANCE))],
                "moduleCanonical": context.plan(proposal),
                "status": "data-required" if required else "success",
                "subject": subject(proposal),
                "encounter": point(context.encounter),
                "occurrenceDateTime": moment(proposal.now),
                "performer": context.device(),
                "reasonCode": [reason(proposal, context)],
                "note": [{"text": _outcome_text(proposal)}],
                "evaluationMessage": [{"reference": "#evaluation"}],
                "result": {"reference": context.urn(GROUP)} if proposal.dose else None,
                "dataRequirement": lacking if required else [],
            }
        )
    )


def _outcome_text(proposal: Proposal) -> str:
    words = {
        "proposed": "An order can be proposed.",
        "stopped": "Stopped: a hard stop stands, so this must not be ordered.",
        "data-required": "The record lacks what a dose needs.",
    }
    return words[proposal.outcome]


def _lacking(proposal: Proposal, content: Content) -> list[dict[str, Any]]:
    """What a dose needs and the record does not have: a body weight, a birth date."""
    needed: list[dict[str, Any]] = []
    panel = content.panels.get("body-weight")
    if proposal.weight.dosing_kg is None and panel:
        codes = [coding(LOINC, code, title) for code, title in panel.loinc.items()]
        needed.append({"type": "Observation", "mustSupport": ["value"], "codeFilter": [{"path": "code", "code": codes}]})
    if proposal.patient.birth_date is None:
        needed.append({"type": "Patient", "mustSupport": ["birthDate"]})
    return needed


def _outcome(proposal: Proposal, context: OrderContext) -> dict[str, Any]:
    """Every check of the proposal as an issue: what it found, why it was not assessed, or that it is clear."""
    said = [("information" if f.severity == "info" else "warning", "business-rule", f.check, f.message) for f in proposal.findings]
    said += [("warning", "incomplete", n.check, f"Not assessed ({n.reason.value}): {n.message}") for n in proposal.not_assessed]
    said += [("information", "informational", check, "Clear.") for check in proposal.clear]
    said = said or [("information", "informational", "none", "No check was made.")]
    return {"resourceType": "OperationOutcome", "id": "evaluation", "issue": [_issue(*parts, context) for parts in said]}


def _issue(severity: str, code: str, check: str, text: str, context: OrderContext) -> dict[str, Any]:
    return {"severity": severity, "code": code, "details": concept(coding(context.system("check"), check), text=text)}
