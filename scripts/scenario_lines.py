"""The grammar in which scenarios are written: one line, one FHIR resource.

    lab creatinine 1.5, 2 days ago            lab abo snomed|58460004 "Blood group O"       lab anti-iga "positive"
    problem icd10cm|N17.9 "Acute kidney failure", 3 days ago                                problem resolved … / provisional …
    allergy rxnorm|1426680 "Immune globulin" criticality high reaction snomed|39579001 "Anaphylaxis" severe
    drug … (ordered)   taken … (by the patient)   given …          infusion 70 g "Gamunex-C", 20 days ago   order draft 70 g …
    vaccine 03 "MMR"   procedure …   service … (ordered)   device …   unread Condition   json {"resourceType": …}
    consent permit   coverage until 2026-12-31   authorization complete "Gamunex-C" until 2026-12-31

A time is `today`, `3 days ago`, `in 2 days`, `on 2026-01-31` or `undated`; without one it was yesterday. `text|-` is a word without a code.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from ivig_fhir.content.model import Content
from ivig_fhir.fhir.building import decode
from ivig_fhir.fhir.codes import LOINC, SHORT

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
Resource = dict[str, Any]
Part = Mapping[str, str | None]
_AGE = r"(?:,? (?P<when>today|undated|\d+ (?:hour|day|week|month|year)s? ago|in \d+ days?|on \d{4}-\d\d-\d\d))?"
_CODE = r"(?P<system>[a-z0-9]+)\|(?P<code>\S+)"
_WORDS = r'"(?P<words>[^"]*)"'


def made(line: str, content: Content) -> Resource:
    """The resource that a line describes. ValueError for a line that is not in the grammar."""
    for pattern, build in _GRAMMAR:
        if found := pattern.fullmatch(line):
            return build(found.groupdict(), content)
    raise ValueError(f"not a line of a scenario: {line}")


def _moment(when: str | None) -> str | None:
    """A moment in words as FHIR writes it; nothing said is yesterday."""
    text = when or "1 day ago"
    if text == "undated":
        return None
    if text == "today":
        return (NOW - timedelta(hours=1)).isoformat()
    if text.startswith("on "):
        return text[3:]
    number = int(re.search(r"\d+", text)[0])  # type: ignore[index]
    if text.startswith("in "):
        return (NOW + timedelta(days=number)).isoformat()
    hours = {"hour": 1, "day": 24, "week": 168, "month": 24 * 30, "year": 24 * 365}
    return (NOW - timedelta(hours=number * hours[re.search(r"hour|day|week|month|year", text)[0]])).isoformat()  # type: ignore[index]


def _concept(part: Part) -> Resource:
    words = {"text": part["words"]} if part.get("words") else {}
    if not part.get("system") or part["system"] == "text":
        return words
    return {"coding": [{"system": SHORT[str(part["system"])], "code": part["code"]}], **words}


def _with(resource: Resource, **more: Any) -> Resource:
    return {**resource, "subject": {"reference": "Patient/p"}, **{k: v for k, v in more.items() if v is not None}}


def _lab(part: Part, content: Content) -> Resource:
    panel = content.panels[str(part["panel"])]
    code = part.get("loinc") or next(iter(panel.loinc), "")
    made = {"resourceType": "Observation", "status": part.get("status") or "final"}
    coding = {"coding": [{"system": LOINC, "code": code}]} if code else {"text": (*panel.terms, panel.title)[0]}
    return _with(made, code=coding, effectiveDateTime=_moment(part["when"]), **_value(part, panel.unit))


def _value(part: Part, unit: str) -> Resource:
    if part.get("system"):
        return {"valueCodeableConcept": _concept(part)}
    if part.get("words"):
        return {"valueString": part["words"]}
    given = str(part["unit"] or unit)
    quantity = {"value": decode(str(part["value"])), "unit": given, "system": "http://unitsofmeasure.org", "code": given}
    return {"valueQuantity": quantity | ({"comparator": part["comparator"]} if part.get("comparator") else {})}


def _problem(part: Part, content: Content) -> Resource:
    clinical, verified = part.get("clinical") or "active", part.get("verified") or "confirmed"
    status = "http://terminology.hl7.org/CodeSystem/condition-{}"
    return _with(
        {"resourceType": "Condition"},
        clinicalStatus={"coding": [{"system": status.format("clinical"), "code": clinical}]},
        verificationStatus={"coding": [{"system": status.format("ver-status"), "code": verified}]},
        code=_concept(part),
        onsetDateTime=_moment(part["when"]),
        recordedDate=_moment(part["when"]),
    )


def _allergy(part: Part, content: Content) -> Resource:
    status = "http://terminology.hl7.org/CodeSystem/allergyintolerance-{}"
    made = {
        "resourceType": "AllergyIntolerance",
        "clinicalStatus": {"coding": [{"system": status.format("clinical"), "code": "active"}]},
        "verificationStatus": {"coding": [{"system": status.format("verification"), "code": part.get("verified") or "confirmed"}]},
        "code": _concept(part),
        "patient": {"reference": "Patient/p"},
        "recordedDate": _moment(part["when"]),
    }
    if part.get("sign"):
        sign = {"coding": [{"system": SHORT["snomed"], "code": part["sign"]}], "text": part["sign_words"]}
        made["reaction"] = [{"manifestation": [sign]} | ({"severity": part["severity"]} if part.get("severity") else {})]
    return made | ({"criticality": part["criticality"]} if part.get("criticality") else {})


def _drug(part: Part, content: Content) -> Resource:
    kind, when = str(part["verb"]), _moment(part["when"])
    medicine = {"medicationCodeableConcept": _concept(part)}
    if kind == "drug":
        made: Resource = _with({"resourceType": "MedicationRequest", "status": "active", "intent": "order"}, authoredOn=when, **medicine)
        return made
    if kind == "taken":
        return _with({"resourceType": "MedicationStatement", "status": "active"}, effectiveDateTime=when, **medicine)
    return _with({"resourceType": "MedicationAdministration", "status": "completed"}, effectiveDateTime=when, **medicine)


def _infusion(part: Part, content: Content) -> Resource:
    grams = (
        {"value": decode(str(part["grams"])), "unit": "g", "system": "http://unitsofmeasure.org", "code": "g"} if part["grams"] else None
    )
    medicine = _concept({"system": "rxnorm", "code": "1426680", "words": part["words"] or "immune globulin intravenous"})
    when = _moment(part["when"])
    if part["verb"] == "infusion":
        dosage = {"dosage": {"dose": grams}} if grams else {}
        given = {"resourceType": "MedicationAdministration", "status": "completed"}
        return _with(given, medicationCodeableConcept=medicine, effectiveDateTime=when, **dosage)
    dose = [{"timing": {"event": [when]}, "doseAndRate": [{"doseQuantity": grams}]}] if grams else None
    order = {"resourceType": "MedicationRequest", "status": part["status"] or "active", "intent": "order"}
    return _with(order, medicationCodeableConcept=medicine, authoredOn=when, dosageInstruction=dose)


def _vaccine(part: Part, content: Content) -> Resource:
    made = {"resourceType": "Immunization", "status": "completed", "patient": {"reference": "Patient/p"}}
    return made | {"vaccineCode": _concept({**part, "system": "cvx"}), "occurrenceDateTime": _moment(part["when"])}


def _event(part: Part, content: Content) -> Resource:
    when, kind = _moment(part["when"]), part["verb"]
    if kind == "procedure":
        return _with({"resourceType": "Procedure", "status": "completed"}, code=_concept(part), performedDateTime=when)
    if kind == "service":
        return _with(
            {"resourceType": "ServiceRequest", "status": "active", "intent": "order"}, code=_concept(part), occurrenceDateTime=when
        )
    return {"resourceType": "Device", "status": "active", "type": _concept(part), "patient": {"reference": "Patient/p"}}


def _paper(part: Part, content: Content) -> Resource:
    kind, when = part["verb"], _moment(part["when"])
    if kind == "consent":
        scope = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "treatment"}]}
        made: Resource = {
            "resourceType": "Consent",
            "status": "active",
            "scope": scope,
            "patient": {"reference": "Patient/p"},
            "dateTime": when,
        }
        return made | {"provision": {"type": part["says"]}}
    period = {"end": part["until"]} if part.get("until") else {}
    if kind == "coverage":
        return {"resourceType": "Coverage", "status": "active", "beneficiary": {"reference": "Patient/p"}, "period": period}
    made = {"resourceType": "ClaimResponse", "status": "active", "use": "preauthorization", "outcome": part["says"], "created": when}
    item = {"productOrService": {"text": part["words"]}, "servicedPeriod": period}
    return made | {"patient": {"reference": "Patient/p"}, "addItem": [item]}


def _unread(part: Part, content: Content) -> Resource:
    text = f"{part['type']} could not be read."
    return {"resourceType": "OperationOutcome", "issue": [{"severity": "warning", "code": "forbidden", "diagnostics": text}]}


def _json(part: Part, content: Content) -> Resource:
    made: Resource = decode(str(part["json"]))
    return made


_STATUS = r"(?: (?P<status>preliminary|final))?"
_GRAMMAR: Sequence[tuple[re.Pattern[str], Callable[[Part, Content], Resource]]] = tuple(
    (re.compile(pattern), build)
    for pattern, build in (
        (rf"lab (?P<panel>[a-z0-9-]+)(?: loinc\|(?P<loinc>\S+))?{_STATUS} (?P<comparator>[<>]=?)?(?P<value>-?[\d.]+)(?: (?P<unit>[^\s,]+))?{_AGE}", _lab),
        (rf"lab (?P<panel>[a-z0-9-]+)(?: loinc\|(?P<loinc>\S+))?{_STATUS} {_CODE} {_WORDS}{_AGE}", _lab),
        (rf"lab (?P<panel>[a-z0-9-]+)(?: loinc\|(?P<loinc>\S+))?{_STATUS} {_WORDS}{_AGE}", _lab),
        (rf"problem(?: (?P<clinical>resolved|inactive))?(?: (?P<verified>provisional|differential))? {_CODE} {_WORDS}{_AGE}", _problem),
        (rf"allergy(?: (?P<verified>unconfirmed))? {_CODE} {_WORDS}(?: criticality (?P<criticality>high|low))?"
                    rf'(?: reaction snomed\|(?P<sign>\d+) "(?P<sign_words>[^"]*)")?(?: (?P<severity>severe|moderate|mild))?{_AGE}', _allergy),
        (rf"(?P<verb>drug) {_CODE} {_WORDS}{_AGE}", _drug),
        (rf"(?P<verb>taken) {_CODE} {_WORDS}{_AGE}", _drug),
        (rf"(?P<verb>given) {_CODE} {_WORDS}{_AGE}", _drug),
        (rf"(?P<verb>infusion)(?: (?P<grams>[\d.]+) g)?(?: {_WORDS})?{_AGE}", _infusion),
        (rf"(?P<verb>order)(?: (?P<status>draft|on-hold|completed))?(?: (?P<grams>[\d.]+) g)?(?: {_WORDS})?{_AGE}", _infusion),
        (rf"vaccine (?P<code>\d+) {_WORDS}{_AGE}", _vaccine),
        (rf"(?P<verb>procedure) {_CODE} {_WORDS}{_AGE}", _event),
        (rf"(?P<verb>service) {_CODE} {_WORDS}{_AGE}", _event),
        (rf"(?P<verb>device) {_CODE} {_WORDS}{_AGE}", _event),
        (rf"(?P<verb>consent) (?P<says>permit|deny){_AGE}", _paper),
        (rf"(?P<verb>coverage)(?: until (?P<until>\S+))?{_AGE}", _paper),
        (rf"(?P<verb>authorization) (?P<says>complete|partial|queued|error) {_WORDS}(?: until (?P<until>\d{{4}}-\d\d-\d\d))?{_AGE}", _paper),
        (r"unread (?P<type>[A-Z][A-Za-z]+)", _unread),
        (r"json (?P<json>\{.*\})", _json),
    )
)  # fmt: skip
