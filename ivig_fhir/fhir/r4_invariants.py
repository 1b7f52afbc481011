"""HL7's invariants of R4 datatypes and resources, written by hand: one row each, with the key HL7 gave it.

Left out: warnings (dom-6, con-3, eld-20 and the names of canonical resources), which are advice; ppc-2 to ppc-5, which name a
placeholder system and so never fire; the invariants of ElementDefinition and StructureDefinition (eld-*, sdf-*), which this
project does not write by hand. ele-1, dom-2 to dom-5 and ref-1 belong to the walk in r4_check, txt-1 and txt-2 to r4_narrative,
those of Bundle to r4_bundles.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from ivig_fhir.fhir.r4_primitives import is_before

UCUM = "http://unitsofmeasure.org"
TERMINOLOGY = "http://terminology.hl7.org/CodeSystem/"
MEAL_TIMES = frozenset({"C", "CM", "CD", "CV"})

Element = Mapping[str, Any]
Invariant = tuple[str, str, Callable[[Element], bool]]  # HL7's key, what must hold, the test on a well-formed element


def has(element: Element, name: str) -> bool:
    """Whether an element is present, with a value or only with extensions; `name[x]` means any of its types."""
    if name.endswith("[x]"):
        stem = name[:-3]
        return any(key.lstrip("_").startswith(stem) and key.lstrip("_")[len(stem) :][:1].isupper() for key in element)
    return name in element or f"_{name}" in element


def needs(name: str, other: str) -> Callable[[Element], bool]:
    """The test that `name` does not come without `other`."""
    return lambda element: not has(element, name) or has(element, other)


def not_both(name: str, other: str) -> Callable[[Element], bool]:
    """The test that `name` and `other` do not come together."""
    return lambda element: not (has(element, name) and has(element, other))


def any_of(*names: str) -> Callable[[Element], bool]:
    """The test that at least one is present."""
    return lambda element: any(has(element, name) for name in names)


def is_coded(element: Element, name: str, system: str, *codes: str) -> bool:
    """Whether a CodeableConcept holds one of the codes of that system."""
    codings = element.get(name, {}).get("coding", [])
    return any(c.get("system") == TERMINOLOGY + system and c.get("code") in codes for c in codings)


def ordered(first: str, second: str) -> Callable[[Element], bool]:
    """The test that the time `second` is not before the time `first`; times that cannot be told apart pass."""
    return lambda element: first not in element or second not in element or not is_before(element[second], element[first])


def _is_ordered_range(element: Element) -> bool:
    low, high = element.get("low", {}), element.get("high", {})
    if "value" not in low or "value" not in high or _unit(low) != _unit(high):
        return True  # amounts in different units are not compared here
    return bool(Decimal(low["value"]) <= Decimal(high["value"]))


def _unit(quantity: Element) -> tuple[str | None, str | None]:
    return quantity.get("system"), quantity.get("code", quantity.get("unit"))


def _is_measure(element: Element) -> bool:
    return (has(element, "code") or not has(element, "value")) and element.get("system", UCUM) == UCUM


def _is_age(element: Element) -> bool:
    return _is_measure(element) and element.get("value", 1) > 0


def _is_count(element: Element) -> bool:
    whole = Decimal(element.get("value", 1)).as_tuple().exponent
    return _is_measure(element) and element.get("code", "1") == "1" and isinstance(whole, int) and whole >= 0


def _is_duration(element: Element) -> bool:
    return not has(element, "code") or (element.get("system") == UCUM and has(element, "value"))


def _has_offset_event(element: Element) -> bool:
    return not has(element, "offset") or (has(element, "when") and not MEAL_TIMES.intersection(element.get("when", [])))


def _is_ratio(element: Element) -> bool:
    numerator, denominator = has(element, "numerator"), has(element, "denominator")
    return numerator == denominator and (numerator or has(element, "extension"))


def _has_trigger_parts(element: Element) -> bool:
    kind = element.get("type", "")
    return not (
        (kind == "named-event" and not has(element, "name"))
        or (kind == "periodic" and not has(element, "timing[x]"))
        or (kind.startswith("data-") and not has(element, "data"))
    )


def _values_are_of_components(element: Element) -> bool:
    codings = element.get("code", {}).get("coding", [])
    components = (coding for c in element.get("component", []) for coding in c.get("code", {}).get("coding", []))
    return not has(element, "value[x]") or not any(coding in codings for coding in components)


def _status_fits_error(element: Element) -> bool:
    return not (is_coded(element, "verificationStatus", "allergyintolerance-verification", "entered-in-error")) or not has(
        element, "clinicalStatus"
    )


def _status_or_error(element: Element) -> bool:
    in_error = is_coded(element, "verificationStatus", "allergyintolerance-verification", "entered-in-error")
    return in_error or has(element, "clinicalStatus")


def _condition_fits_error(element: Element) -> bool:
    return not is_coded(element, "verificationStatus", "condition-ver-status", "entered-in-error") or not has(element, "clinicalStatus")


def _abatement_fits_status(element: Element) -> bool:
    ended = is_coded(element, "clinicalStatus", "condition-clinical", "resolved", "remission", "inactive")
    return not has(element, "abatement[x]") or ended


def _no_home(name: str) -> Callable[[Element], bool]:
    return lambda element: all(entry.get("use") != "home" for entry in element.get(name, []))


def _has_one_parameter_content(element: Element) -> bool:
    return [has(element, "value[x]"), has(element, "resource"), has(element, "part")].count(True) == 1


def _group_has_items(element: Element) -> bool:
    kind = element.get("type")
    return not (kind == "group" and not has(element, "item")) and not (kind == "display" and has(element, "item"))


def _display_lacks(*names: str) -> Callable[[Element], bool]:
    return lambda element: element.get("type") != "display" or not any(has(element, n) for n in names)


def _link_ids(items: list[Element]) -> Iterator[str]:
    for item in items:
        yield item.get("linkId", "")
        yield from _link_ids(item.get("item", []))


def _has_distinct_links(element: Element) -> bool:
    links = list(_link_ids(element.get("item", [])))
    return len(links) == len(set(links))


def _options_fit_type(element: Element) -> bool:
    optional = {"choice", "open-choice", "decimal", "integer", "date", "dateTime", "time", "string", "quantity"}
    return element.get("type") in optional or not (has(element, "answerOption") or has(element, "answerValueSet"))


def _length_fits_type(element: Element) -> bool:
    limited = {"boolean", "decimal", "integer", "string", "text", "url", "open-choice"}
    return element.get("type") in limited or not has(element, "maxLength")


def _of_kind(kind: str, software: bool | None, implementation: bool) -> Callable[[Element], bool]:
    """The test that a statement of this kind has an implementation, and software (None: either way), exactly as told."""

    def fits(element: Element) -> bool:
        if element.get("kind") != kind:
            return True
        return software in (None, has(element, "software")) and implementation == has(element, "implementation")

    return fits


INVARIANTS: Mapping[str, tuple[Invariant, ...]] = {
    "Quantity": (("qty-3", "a coded unit names its system", needs("code", "system")),),
    "SimpleQuantity": (("qty-3", "a coded unit names its system", needs("code", "system")),),
    "Age": (("age-1", "an age is positive and in UCUM units", _is_age),),
    "Distance": (("dis-1", "a distance is in UCUM units", _is_measure),),
    "Count": (("cnt-3", "a count is a whole number with the UCUM code 1", _is_count),),
    "Duration": (("drt-1", "a duration's unit is UCUM and has a value", _is_duration),),
    "Range": (("rng-2", "low is not above high", _is_ordered_range),),
    "Ratio": (("rat-1", "numerator and denominator come together", _is_ratio),),
    "Period": (("per-1", "the start is not after the end", ordered("start", "end")),),
    "Extension": (("ext-1", "either a value or extensions", lambda e: has(e, "value[x]") != has(e, "extension")),),
    "Attachment": (("att-1", "data names its content type", needs("data", "contentType")),),
    "ContactPoint": (("cpt-2", "a contact value names its system", needs("value", "system")),),
    "Expression": (("exp-1", "an expression or a reference to one", any_of("expression", "reference")),),
    "DataRequirement.codeFilter": (("drq-1", "a path or a search parameter", lambda e: has(e, "path") != has(e, "searchParam")),),
    "DataRequirement.dateFilter": (("drq-2", "a path or a search parameter", lambda e: has(e, "path") != has(e, "searchParam")),),
    "TriggerDefinition": (
        ("trd-1", "data or timing, not both", not_both("data", "timing[x]")),
        ("trd-2", "a condition only with data", needs("condition", "data")),
        ("trd-3", "a trigger has what its type needs", _has_trigger_parts),
    ),
    "Timing.repeat": (
        ("tim-1", "a duration has its unit", needs("duration", "durationUnit")),
        ("tim-2", "a period has its unit", needs("period", "periodUnit")),
        ("tim-4", "a duration is not negative", lambda e: e.get("duration", 0) >= 0),
        ("tim-5", "a period is not negative", lambda e: e.get("period", 0) >= 0),
        ("tim-6", "a longest period needs a period", needs("periodMax", "period")),
        ("tim-7", "a longest duration needs a duration", needs("durationMax", "duration")),
        ("tim-8", "a highest count needs a count", needs("countMax", "count")),
        ("tim-9", "an offset needs an event, and not a whole meal", _has_offset_event),
        ("tim-10", "a time of day or an event, not both", not_both("timeOfDay", "when")),
    ),
    "AllergyIntolerance": (
        ("ait-1", "a clinical status, unless entered in error", _status_or_error),
        ("ait-2", "no clinical status when entered in error", _status_fits_error),
    ),
    "AuditEvent.entity": (("sev-1", "a name or a query, not both", not_both("name", "query")),),
    "CapabilityStatement": (
        ("cpb-1", "at least one of rest, messaging and document", any_of("rest", "messaging", "document")),
        ("cpb-2", "a description, software or an implementation", any_of("description", "software", "implementation")),
        ("cpb-14", "an instance describes its implementation", _of_kind("instance", None, True)),
        ("cpb-15", "a capability describes software and no implementation", _of_kind("capability", True, False)),
        ("cpb-16", "requirements describe neither software nor implementation", _of_kind("requirements", False, False)),
    ),
    "CarePlan.activity": (("cpl-3", "a detail or a reference, not both", not_both("detail", "reference")),),
    "Condition": (
        ("con-4", "what has abated is not active", _abatement_fits_status),
        ("con-5", "no clinical status when entered in error", _condition_fits_error),
    ),
    "Condition.stage": (("con-1", "a stage has a summary or an assessment", any_of("summary", "assessment")),),
    "Condition.evidence": (("con-2", "evidence has a code or a detail", any_of("code", "detail")),),
    "Consent": (("ppc-1", "a consent names its policy or rule", any_of("policy", "policyRule")),),
    "Goal.target": (("gol-1", "a target's detail names its measure", needs("detail[x]", "measure")),),
    "Immunization.education": (("imm-1", "education names a document", any_of("documentType", "reference")),),
    "MedicationAdministration.dosage": (("mad-1", "a dose or a rate", any_of("dose", "rate[x]")),),
    "MedicationDispense": (("mdd-1", "not handed over before it is prepared", ordered("whenPrepared", "whenHandedOver")),),
    "Observation": (
        ("obs-6", "a value or why there is none, not both", not_both("dataAbsentReason", "value[x]")),
        ("obs-7", "no value beside a component of the same code", _values_are_of_components),
    ),
    "Observation.referenceRange": (("obs-3", "a reference range has a limit or a text", any_of("low", "high", "text")),),
    "Organization": (
        ("org-1", "an organization has a name or an identifier", any_of("identifier", "name")),
        ("org-2", "an organization has no home address", _no_home("address")),
        ("org-3", "an organization has no home telephone", _no_home("telecom")),
    ),
    "Parameters.parameter": (("inv-1", "a value, a resource or parts, and only one of them", _has_one_parameter_content),),
    "Patient.contact": (
        ("pat-1", "a contact has a name, address, telecom or organization", any_of("name", "telecom", "address", "organization")),
    ),
    "Questionnaire": (("que-2", "link ids are distinct", _has_distinct_links),),
    "Questionnaire.item": (
        ("que-1", "groups have items, displays have none", _group_has_items),
        ("que-3", "a display has no code", _display_lacks("code")),
        ("que-6", "a display is not required and not repeated", _display_lacks("required", "repeats")),
        ("que-9", "a display is not read-only", _display_lacks("readOnly")),
        ("que-4", "options or a value set, not both", not_both("answerOption", "answerValueSet")),
        ("que-5", "options fit the type", _options_fit_type),
        ("que-8", "no initial value in a group or a display", lambda e: e.get("type") not in ("group", "display") or not has(e, "initial")),
        ("que-10", "a longest length fits the type", _length_fits_type),
        ("que-11", "options or an initial value, not both", not_both("answerOption", "initial")),
        ("que-12", "several conditions name how they combine", lambda e: len(e.get("enableWhen", ())) <= 2 or has(e, "enableBehavior")),
        ("que-13", "several initial values only where answers repeat", lambda e: e.get("repeats") or len(e.get("initial", ())) <= 1),
    ),
    "Questionnaire.item.enableWhen": (
        ("que-7", "existence is true or false", lambda e: e.get("operator") != "exists" or has(e, "answerBoolean")),
    ),
    "QuestionnaireResponse.item": (("qrs-1", "answers or items, not both", not_both("answer", "item")),),
    "RequestGroup.action": (("rqg-1", "a resource or actions, and only one of them", lambda e: has(e, "resource") != has(e, "action")),),
    "ServiceRequest": (("prr-1", "order details belong to a code", needs("orderDetail", "code")),),
    "Task": (("inv-1", "not modified before it was authored", ordered("authoredOn", "lastModified")),),
}  # fmt: skip
