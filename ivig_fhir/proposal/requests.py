"""The order's requests as FHIR: the IVIG MedicationRequest, and a MedicationRequest or ServiceRequest for each companion."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from ivig_fhir.content.model import Content
from ivig_fhir.fhir import identifiers
from ivig_fhir.fhir.building import coding, concept, drop_empty, quantity
from ivig_fhir.fhir.codes import SHORT, SNOMED
from ivig_fhir.fhir.narrative import narrated
from ivig_fhir.fhir.quantity import plain
from ivig_fhir.proposal.context import OrderContext, literal, moment, point, reason, subject
from ivig_fhir.proposal.dosage import dosage_instruction, infusion_dates
from ivig_fhir.proposal.dosage_text import day
from ivig_fhir.proposal.extensions import STATED, grams, vials
from ivig_fhir.proposal.model import CompanionOrder, Proposal, Series

_CATEGORY = "http://terminology.hl7.org/CodeSystem/medicationrequest-category"
_THERAPY = "http://terminology.hl7.org/CodeSystem/medicationrequest-course-of-therapy"
_CATEGORY_OF = {"inpatient": ("inpatient", "Inpatient"), "outpatient": ("outpatient", "Outpatient"), "home": ("community", "Community")}
_SERVICE_CATEGORY = {
    "lab": ("108252007", "Laboratory procedure"),
    "education": ("409073007", "Education"),
}
_KIND_WORDS = {"lab": "Laboratory", "monitoring": "Monitoring", "nursing": "Nursing", "education": "Education"}
_RATE_TABLE = "product.no-rate-table"
NO_SUBSTITUTION = "Immunoglobulin brands are not interchangeable: rate table, excipients and tolerance differ."


def role_of(companion: CompanionOrder) -> str:
    """The name of a companion's resource within the run."""
    return f"companion-{companion.id}"


def medication_request(proposal: Proposal, content: Content, context: OrderContext) -> dict[str, Any]:
    """The IVIG order: one dosageInstruction, draft, its grams and rates as coded data and as text. ValueError without a dose.

    See: FHIR R4 MedicationRequest; US Core MedicationRequest.
    """
    dosage = dosage_instruction(proposal, context.base)
    return narrated(
        drop_empty(
            {
                "resourceType": "MedicationRequest",
                "identifier": [identifiers.identifier(context.run)],
                **_head(proposal, context),
                "category": [concept(coding(_CATEGORY, *_CATEGORY_OF[proposal.selections.setting]))],
                "reportedBoolean": False,
                "medicationCodeableConcept": _medication(proposal, content, context),
                "supportingInformation": _supporting(proposal),
                "reasonCode": [reason(proposal, context)],
                "reasonReference": [r for r in (point(proposal.condition),) if r],
                "instantiatesCanonical": [context.plan(proposal)],
                "courseOfTherapyType": _course_of_therapy(proposal),
                "insurance": [r for r in map(point, context.coverage) if r],
                "note": [{"text": text} for text in _notes(proposal, content)],
                "dosageInstruction": [dosage],
                "dispenseRequest": _dispense(proposal, context.base),
                "substitution": {"allowedBoolean": False, "reason": {"text": NO_SUBSTITUTION}},
            }
        )
    )


def _head(proposal: Proposal, context: OrderContext) -> dict[str, Any]:
    """What every MedicationRequest of the run says of itself."""
    return {
        "status": "draft",
        "intent": context.intent,
        "priority": "routine",
        "subject": subject(proposal),
        "encounter": point(context.encounter),
        "authoredOn": moment(context.at),
        "requester": context.asker(),
        "groupIdentifier": context.group_identifier,
    }


def _medication_text(proposal: Proposal) -> str:
    return f"{proposal.product.brand} {plain(proposal.concentration_mg_ml)} mg/mL, {proposal.product.proper_name}"


def _medication(proposal: Proposal, content: Content, context: OrderContext) -> dict[str, Any]:
    """Ingredient, the codes that content has for the product, and its id here; NDCs name packages, so a list of them names nothing."""
    product = proposal.product
    ingredient = content.value_sets.get("ig-ingredient")
    codes = [coding(c.system, c.code) for c in sorted(ingredient.exact, key=lambda c: c.code)] if ingredient else []
    for system, values in product.codes.items():
        if system in SHORT and (system != "ndc" or len(values) == 1):
            codes.extend(coding(SHORT[system], v) for v in values)
    codes.append(coding(context.system("product"), product.id, product.brand))
    return concept(*codes, text=_medication_text(proposal))


def _supporting(proposal: Proposal) -> list[dict[str, Any]]:
    """The observations that dose and findings stand on, the weighed one first; exact versions are in the Provenance."""
    weight = None if proposal.weight.used == STATED else literal(proposal.weight.source)
    others = sorted(r for r in proposal.used if r.startswith("Observation/") and literal(r) and r != weight)
    return [{"reference": r} for r in ([weight] if weight else []) + others]


def _course_of_therapy(proposal: Proposal) -> dict[str, Any]:
    if proposal.series:
        return concept(coding(_THERAPY, "continuous", "Continuous long term therapy"))
    return concept(coding(_THERAPY, "acute", "Short course (acute) therapy"))


def _notes(proposal: Proposal, content: Content) -> list[str]:
    """Weight, rounding, vials, what is read with the rate, and whose content it stands on; what forbids the order first."""
    dose, weight = proposal.dose, proposal.weight
    if dose is None:
        return []
    notes = [f"Not to be ordered: {f.message}" for f in proposal.hard_stops]
    measured = f", from {weight.said} on {weight.effective}" if weight.used != STATED and weight.said and weight.effective else ""
    stated = f" Reason: {weight.reason}." if weight.used == STATED and weight.reason else ""
    policy = "" if weight.used == STATED else f" Policy {weight.policy}, version {weight.policy_version}."
    notes.append(f"Dosing weight {weight.dosing_kg} kg ({weight.used}{measured}).{policy} {weight.why}{stated}")
    whose = f" Policy {proposal.rounding.policy}, version {proposal.rounding.version}." if proposal.rounding else ""
    grams_said = f"{plain(dose.per_infusion_g)} g for each infusion, {plain(dose.deviation_percent)} % from the calculated dose."
    notes.append(f"Rounding: {grams_said}{whose}")
    if proposal.vials:
        combination = " + ".join(f"{v.count} × {plain(v.grams)} g" for v in proposal.vials)
        notes.append(f"Vials for one infusion: {combination}; waste {plain(proposal.waste_g or Decimal(0))} g.")
    if proposal.series:
        notes.append(_series_note(proposal.series))
    return [*notes, *_rate_notes(proposal), *_standing(proposal, content)]


def _rate_notes(proposal: Proposal) -> list[str]:
    """What has to be read with the rate: that its steps are an illustration, whom they are for, how contradictions were resolved."""
    whose = [f.message for f in proposal.findings if f.check == _RATE_TABLE and proposal.rate.steps]
    return [f"Rate: {note}" for note in (*whose, *proposal.rate.notes)]


def _standing(proposal: Proposal, content: Content) -> list[str]:
    """What every order of the run says of the content it stands on, as long as no site has reviewed that."""
    return [f"Content {proposal.content_version}. {content.constants['words']['unreviewed']}"] if proposal.review == "unreviewed" else []


def _series_note(series: Series) -> str:
    """The series without its grams, which stand beside each date."""
    cycles = f"{series.cycles} courses, {plain(series.interval_weeks)} weeks apart" if series.cycles > 1 else "One course"
    return f"{cycles}; last infusion on {day(series.last)}. Review on {day(series.review_on)}, before more is ordered."


def _dispense(proposal: Proposal, base: str) -> dict[str, Any]:
    """Grams for the whole order, without repeats, for the days between its first and its last infusion."""
    dates = infusion_dates(proposal)
    dose = proposal.dose
    if dose is None:
        return {}
    return {
        "extension": vials(base, proposal),
        "validityPeriod": {"start": dates[0].isoformat(), "end": dates[-1].isoformat()},
        "numberOfRepeatsAllowed": 0,
        "quantity": grams(dose.per_infusion_g * len(dates)),
        "expectedSupplyDuration": quantity(Decimal((dates[-1] - dates[0]).days + 1), "d", "d"),
    }


def companion_request(companion: CompanionOrder, proposal: Proposal, content: Content, context: OrderContext) -> dict[str, Any]:
    """A companion as a request of its own: medicines as MedicationRequest, everything else as ServiceRequest."""
    if companion.kind == "medication":
        return _companion_medication(companion, proposal, content, context)
    return _companion_service(companion, proposal, content, context)


def _companion_medication(companion: CompanionOrder, proposal: Proposal, content: Content, context: OrderContext) -> dict[str, Any]:
    codes = _codes(companion)
    return narrated(
        drop_empty(
            {
                "resourceType": "MedicationRequest",
                "identifier": [identifiers.identifier(context.urn(role_of(companion)))],
                **_head(proposal, context),
                "category": [concept(coding(_CATEGORY, *_CATEGORY_OF[proposal.selections.setting]))],
                "reportedBoolean": False,
                "medicationCodeableConcept": concept(*codes[:1], text=companion.title),
                "reasonCode": [reason(proposal, context)],
                "instantiatesCanonical": [context.plan(proposal)],
                "note": [{"text": text} for text in _standing(proposal, content)],
                "dosageInstruction": [{"text": companion.text, **_companion_timing(companion, proposal), **_companion_dose(companion)}],
            }
        )
    )


def _companion_timing(companion: CompanionOrder, proposal: Proposal) -> dict[str, Any]:
    """The dates of the infusions for what comes before each of them; nothing for what is needed once, later or only at need."""
    if companion.offset_minutes is None or companion.offset_minutes > 0:
        return {}
    return {"timing": {"event": [d.isoformat() for d in infusion_dates(proposal)]}}


def _companion_dose(companion: CompanionOrder) -> dict[str, Any]:
    """The dose as data, where content gives one: an amount or a range, and its upper limit where the weight decides it."""
    dose, need = companion.dose, {"asNeededBoolean": True} if companion.as_needed else {}
    if dose is None:
        return need
    low, high = (quantity(x, dose.unit, dose.unit) for x in (dose.low, dose.high))
    amount = {"doseQuantity": low} if low == high else {"doseRange": {"low": low, "high": high}}
    most = {} if dose.most is None else {"maxDosePerAdministration": quantity(dose.most, dose.unit, dose.unit)}
    return {**need, "doseAndRate": [amount], **most}


def _companion_service(companion: CompanionOrder, proposal: Proposal, content: Content, context: OrderContext) -> dict[str, Any]:
    codes = _codes(companion)
    category = _SERVICE_CATEGORY.get(companion.kind)
    timing = _companion_timing(companion, proposal)
    return narrated(
        drop_empty(
            {
                "resourceType": "ServiceRequest",
                "identifier": [identifiers.identifier(context.urn(role_of(companion)))],
                "status": "draft",
                "intent": context.intent,
                "priority": "routine",
                "subject": subject(proposal),
                "encounter": point(context.encounter),
                "authoredOn": moment(context.at),
                "requester": context.asker(),
                "requisition": context.group_identifier,
                "instantiatesCanonical": [context.plan(proposal)],
                "category": [concept(*([coding(SNOMED, *category)] if category else []), text=_KIND_WORDS[companion.kind])],
                "code": concept(*(codes if len(codes) == 1 else []), text=companion.title),
                # Several codes are several tests: they are the order's detail, not synonyms of its code.
                "orderDetail": [concept(c, text=c.get("display")) for c in codes] if len(codes) > 1 else [],
                "occurrenceTiming": timing.get("timing"),
                "occurrencePeriod": {"start": moment(companion.due[0]), "end": moment(companion.due[1])} if companion.due else None,
                "reasonCode": [reason(proposal, context)],
                "note": [{"text": text} for text in (companion.text, *_standing(proposal, content))],
            }
        )
    )


def _codes(companion: CompanionOrder) -> list[dict[str, Any]]:
    """The codings of a companion, from `system|code|display`."""
    found = []
    for item in companion.codes:
        system, _, rest = item.partition("|")
        code, _, display = rest.partition("|")
        found.append(coding(SHORT.get(system, system), code, display or None))
    return found
