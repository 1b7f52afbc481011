"""A raw patient: random resources as an EHR returns them, with weights in every unit among look-alikes, and what was given before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from random import Random
from typing import Any

from tests.a_case import content

Resource = dict[str, Any]
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ME = "Patient/p1"
RUN = "urn:uuid:11111111-1111-4111-8111-111111111111"
REPLACED = "urn:uuid:22222222-2222-4222-8222-222222222222"
UCUM, LOINC, SNOMED = "http://unitsofmeasure.org", "http://loinc.org", "http://snomed.info/sct"
# A unit, how many of it one kilogram or centimetre is, the places that are written, and the spellings without a code.
MASS = {
    "kg": (Decimal(1), "0.1", ("kg", "kgs")),
    "g": (Decimal(1000), "1", ("g", "grams")),
    "[lb_av]": (1 / Decimal("0.45359237"), "0.1", ("lb", "lbs")),
    "[oz_av]": (1 / Decimal("0.028349523125"), "0.1", ("oz",)),
}
LENGTH = {
    "cm": (Decimal(1), "0.1", ("cm",)),
    "m": (Decimal("0.01"), "0.001", ("m",)),
    "mm": (Decimal(10), "1", ("mm",)),
    "[in_i]": (1 / Decimal("2.54"), "0.1", ("in", "inches")),
    "[ft_i]": (1 / Decimal("30.48"), "0.01", ("ft",)),
}
WEIGHTS = ("29463-7", "29463-7", "3141-9", "8350-1", "8351-9", "8344-4", "3142-7", "8335-2")
HEIGHTS = ("8302-2", "8302-2", "3137-7", "8308-9", "3138-5")
POLICY_NEAR = ("0.98", "1", "1.02")  # around the limits of policies


@dataclass
class RawPatient:
    """The resources, and how the newest usable weight was written: its unit ("" where there is none)."""

    resources: list[Resource]
    unit: str
    born: date | None
    features: list[str] = field(default_factory=list)


def raw_patient(rng: Random) -> RawPatient:
    """One patient: from newborns to the very old, most with a weight, many with a history, few with a contraindication."""
    days = rng.choice((rng.randint(0, 730), rng.randint(0, 18 * 365), rng.randint(17 * 365, 36000), rng.randint(18 * 366, 36000)))
    born = NOW.date() - timedelta(days=days)
    sex = rng.choice(("male", "female", "male", "female", "male", "female", "other", None))
    person: Resource = {"resourceType": "Patient", "id": "p1", "birthDate": born.isoformat()}
    if sex:
        person["gender"] = sex
    kg, cm = _body(rng, days)
    made = RawPatient([person], "", born)
    made.unit = _weights(rng, made.resources, kg)
    if rng.random() < 0.85:
        _heights(rng, made.resources, cm)
    rng.shuffle(made.resources)
    if rng.random() < 0.4:
        _history(rng, made)
    if rng.random() < 0.12:
        _contraindication(rng, made)
    return made


def _body(rng: Random, days: int) -> tuple[Decimal, Decimal]:
    """Kilograms and centimetres that go together, now and then close to a policy's limit."""
    if days < 18 * 365:
        years = Decimal(days) / 365
        return _tenth(4 + years * 3 + Decimal(rng.randint(0, int(20 + years * 20))) / 10), _tenth(50 + years * 7)
    cm = Decimal(rng.choice((rng.randint(1400, 2100), rng.randint(1515, 1530), 1524))) / 10
    bmi = Decimal(rng.choice((rng.randint(150, 550), rng.randint(290, 310)))) / 10
    return _tenth(bmi * (cm / 100) ** 2 * Decimal(rng.choice(POLICY_NEAR))), cm


def _tenth(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.1"), rounding=ROUND_HALF_UP)


def _observation(rng: Random, id_: str, code: str, quantity: Resource | None, when: datetime | date | None, **more: Any) -> Resource:
    made: Resource = {"resourceType": "Observation", "id": id_, "status": rng.choice(("final", "final", "amended", "corrected"))}
    made |= {"code": {"coding": [{"system": LOINC, "code": code}]}, "subject": {"reference": ME}}
    if quantity is not None:
        made["valueQuantity"] = quantity
    if when is not None:
        made["effectiveDateTime"] = when.isoformat()
    return made | more


def _quantity(rng: Random, value: Decimal, table: dict[str, tuple[Decimal, str, tuple[str, ...]]]) -> tuple[Resource, str]:
    """A value in a random unit, coded or only written; and the unit."""
    unit = rng.choice((next(iter(table)), *table))
    times, places, spelled = table[unit]
    number = (value * times).quantize(Decimal(places), rounding=ROUND_HALF_UP)
    written: Any = int(number) if number == int(number) else number
    if rng.random() < 0.15:
        return {"value": written, "unit": rng.choice(spelled)}, unit
    if rng.random() < 0.05:
        written = str(number)
    return {"value": written, "unit": spelled[0], "system": UCUM, "code": unit}, unit


def _weights(rng: Random, into: list[Resource], kg: Decimal) -> str:
    """The weight that counts, and entries that do not: older, newer and not usable, of somebody else, of another kind."""
    ago = timedelta(minutes=rng.choice((rng.randint(0, 1440), rng.randint(0, 200_000))))
    when: datetime | date = NOW - ago
    if rng.random() < 0.15:
        when = (NOW - ago).date()
    quantity, unit = _quantity(rng, kg, MASS)
    if rng.random() < 0.03:  # nobody was weighed
        unit = ""
    elif rng.random() < 0.08:  # in a panel of vital signs, as a component
        part = {"code": {"coding": [{"system": LOINC, "code": rng.choice(WEIGHTS)}]}, "valueQuantity": quantity}
        into.append(_observation(rng, "vitals", "85353-1", None, when, component=[part]))
    else:
        into.append(_observation(rng, "w1", rng.choice(WEIGHTS), quantity, when))
    for at in range(rng.choice((0, 0, 1, 1, 2, 3))):
        into.append(_distractor(rng, f"w{at + 2}", kg, when))
    return unit


def _distractor(rng: Random, id_: str, kg: Decimal, when: datetime | date) -> Resource:
    """An entry that must not be taken for the weight, or that is older; at times one of the same instant."""
    other = _tenth(kg * Decimal(rng.choice(("0.5", "0.9", "1.1", "2.2"))))
    quantity, _ = _quantity(rng, other, MASS)
    newer = NOW - timedelta(minutes=rng.randint(0, 60))
    older = NOW - timedelta(days=rng.randint(60, 900))
    code = rng.choice(WEIGHTS)
    kinds: tuple[Callable[[], Resource], ...] = (
        lambda: _observation(rng, id_, code, quantity, older),
        lambda: _observation(rng, id_, code, quantity, older),
        lambda: _observation(rng, id_, code, quantity, newer, status="entered-in-error"),
        lambda: _observation(rng, id_, code, quantity, newer, status="preliminary"),
        lambda: _observation(rng, id_, code, quantity, NOW + timedelta(minutes=rng.randint(61, 9999))),
        lambda: _observation(rng, id_, code, quantity, newer, dataAbsentReason={"text": "unknown"}),
        lambda: _observation(rng, id_, code, quantity, None),
        lambda: _observation(rng, id_, rng.choice(("8339-4", "18833-4", "39156-5")), quantity, newer),
        lambda: _observation(rng, id_, code, quantity, newer, subject={"reference": "Patient/p2"}),
        lambda: _observation(rng, id_, code, {**quantity, "comparator": "<"}, newer),
        lambda: _observation(rng, id_, code, {"value": other, "unit": "stone"}, newer),
        lambda: _observation(rng, id_, code, {"value": other, "unit": "lb", "system": UCUM, "code": "kg"}, newer),
        lambda: _observation(rng, id_, code, {"value": other * 1000, "unit": "kg", "system": UCUM, "code": "kg"}, newer),
        lambda: _observation(rng, id_, code, quantity, newer, focus=[{"reference": "Patient/p3"}]),
        lambda: _observation(rng, id_, code, {"value": kg + Decimal("0.1"), "unit": "kg", "system": UCUM, "code": "kg"}, when),
        lambda: _observation(rng, id_, code, {"value": other, "unit": "kg", "system": UCUM, "code": "kg"}, when),
    )
    return rng.choice(kinds)()


def _heights(rng: Random, into: list[Resource], cm: Decimal) -> None:
    when = NOW - timedelta(days=rng.randint(1, 900))
    quantity, _ = _quantity(rng, cm, LENGTH)
    into.append(_observation(rng, "h1", rng.choice(HEIGHTS), quantity, when))
    if rng.random() < 0.3:
        newer, older = NOW - timedelta(hours=3), NOW - timedelta(days=1000)
        other, _ = _quantity(rng, cm + 9, LENGTH)
        inches = {"value": (cm / Decimal("2.54")).quantize(Decimal("0.1")), "unit": "cm", "system": UCUM, "code": "cm"}
        choices = (
            lambda: _observation(rng, "h2", "8302-2", other, older),
            lambda: _observation(rng, "h2", "8302-2", other, newer, status="preliminary"),
            lambda: _observation(rng, "h2", "8302-2", other, newer, status="entered-in-error"),
            lambda: _observation(rng, "h2", "8303-0", other, newer),
            lambda: _observation(rng, "h2", "8302-2", inches, newer),
        )
        into.append(rng.choice(choices)())


def _brand(rng: Random) -> Resource:
    """A brand by its name or its NDC, immunoglobulin by its code, or something else."""
    products = content().products
    one = products[rng.choice(sorted(products))]
    ndc = one.codes.get("ndc", ())
    if ndc and rng.random() < 0.3:
        return {"coding": [{"system": "http://hl7.org/fhir/sid/ndc", "code": rng.choice(ndc) + "-01"}]}
    named = {"text": rng.choice((one.brand, "Panzyga", "Panzyga 10 g", "Hizentra", "immune globulin"))}
    return rng.choice(
        (named, named, {"coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "1426680"}]}, {"text": "aspirin"})
    )


def _grams(rng: Random) -> Resource:
    grams = rng.choice((5, 10, 20, 25, 30, 40, 70, Decimal("2.5")))
    kinds = (
        {"value": grams, "unit": "g", "system": UCUM, "code": "g"},
        {"value": grams, "unit": "g", "system": UCUM, "code": "g"},
        {"value": grams * 1000, "unit": "mg", "system": UCUM, "code": "mg"},
        {"value": grams * 10, "unit": "mL", "system": UCUM, "code": "mL"},
        {"value": grams, "unit": "g"},
    )
    return rng.choice(kinds)


def _when(rng: Random) -> str:
    """A moment of the last weeks, often close to the far end of 28 days, or a day."""
    if rng.random() < 0.08:
        return (NOW - timedelta(days=rng.choice((14, 21, 28)))).isoformat()
    days = rng.choice((rng.randint(0, 60), rng.randint(20, 400), rng.choice((13, 14, 20, 21, 27, 28, 29, 46, 55, 56, 57))))
    at = NOW - timedelta(days=days, hours=rng.choice((0, 0, 1, -1, 5)))
    return rng.choice((at.isoformat(), at.isoformat(), at.date().isoformat()))


def _history(rng: Random, made: RawPatient) -> None:
    """Earlier immunoglobulin in every kind of entry, at times one that points to another."""
    made.features.append("earlier immunoglobulin")
    orders: list[str] = []
    given: list[str] = []
    if rng.random() < 0.2:
        _documented(rng, made, orders, given)
    for at in range(rng.choice((1, 1, 1, 2, 2, 3, 4))):
        kind = rng.choice(("a", "a", "a", "d", "r", "r", "s", "i"))
        id_, medicine = f"{kind}{at}", _brand(rng)
        if kind == "a":
            made.resources.append(_administration(rng, id_, medicine, orders, given))
            given.append(f"MedicationAdministration/{id_}")
        elif kind == "d":
            made.resources.append(_dispense(rng, id_, medicine, orders))
        elif kind == "r":
            made.resources.append(_request(rng, id_, medicine, orders))
            orders.append(f"MedicationRequest/{id_}")
        elif kind == "s":
            made.resources.append(_statement(rng, id_, medicine, orders, given))
        else:
            shot = {"resourceType": "Immunization", "id": id_, "status": "completed", "vaccineCode": medicine, "patient": {"reference": ME}}
            made.resources.append({**shot, "occurrenceDateTime": _when(rng)})


def _documented(rng: Random, made: RawPatient, orders: list[str], given: list[str]) -> None:
    """One course with its papers: ordered, handed over, given."""
    ig = {"text": rng.choice(("Privigen", "Panzyga", "immune globulin"))}
    made.resources.append({**_request(rng, "r9", ig, []), "status": "completed", "intent": "order"})
    orders.append("MedicationRequest/r9")
    order = {"reference": "MedicationRequest/r9"}
    if rng.random() < 0.7:
        made.resources.append({**_administration(rng, "a9", ig, [], []), "request": order})
        given.append("MedicationAdministration/a9")
    made.resources.append({**_dispense(rng, "d9", ig, []), "authorizingPrescription": [order]})


def _administration(rng: Random, id_: str, medicine: Resource, orders: list[str], given: list[str]) -> Resource:
    made: Resource = {
        "resourceType": "MedicationAdministration",
        "id": id_,
        "subject": {"reference": ME},
        "medicationCodeableConcept": medicine,
    }
    made["status"] = rng.choice(("completed",) * 6 + ("in-progress", "stopped", "not-done", "entered-in-error"))
    if rng.random() < 0.93:
        made["effectiveDateTime"] = _when(rng)
    if rng.random() < 0.9:
        made["dosage"] = {"dose": _grams(rng)}
    if orders and rng.random() < 0.4:
        made["request"] = {"reference": rng.choice(orders)}
    elif rng.random() < 0.1:
        made["request"] = {"identifier": {"system": "urn:ietf:rfc:3986", "value": RUN}}
    if given and rng.random() < 0.2:
        made["partOf"] = [{"reference": rng.choice(given)}]
    return made


def _dispense(rng: Random, id_: str, medicine: Resource, orders: list[str]) -> Resource:
    made: Resource = {"resourceType": "MedicationDispense", "id": id_, "subject": {"reference": ME}, "medicationCodeableConcept": medicine}
    made |= {"status": rng.choice(("completed", "completed", "completed", "preparation", "cancelled")), "quantity": _grams(rng)}
    made["whenHandedOver"] = _when(rng)
    if orders and rng.random() < 0.5:
        made["authorizingPrescription"] = [{"reference": rng.choice(orders)}]
    return made


def _request(rng: Random, id_: str, medicine: Resource, orders: list[str]) -> Resource:
    made: Resource = {"resourceType": "MedicationRequest", "id": id_, "subject": {"reference": ME}, "medicationCodeableConcept": medicine}
    status = rng.choice(("completed", "completed", "completed", "stopped", "active", "draft", "on-hold", "cancelled"))
    made |= {"status": status, "intent": rng.choice(("order",) * 5 + ("plan",)), "authoredOn": _when(rng)}
    dose = {"doseAndRate": [{"type": {"coding": [{"code": "ordered"}]}, "doseQuantity": _grams(rng)}]}
    if rng.random() < 0.8:
        dose["timing"] = {"event": [_when(rng) for _ in range(rng.randint(1, 3))]}
    made["dosageInstruction"] = [dose]
    if status == "active" and rng.random() < 0.6:
        made["dispenseRequest"] = {"validityPeriod": {"end": (NOW - timedelta(days=rng.randint(-5, 5))).date().isoformat()}}
    if orders and rng.random() < 0.15:
        made["basedOn"] = [{"reference": rng.choice(orders)}]
    if rng.random() < 0.07:
        made["groupIdentifier"] = {"system": "urn:ietf:rfc:3986", "value": rng.choice((RUN, REPLACED))}
    return made


def _statement(rng: Random, id_: str, medicine: Resource, orders: list[str], given: list[str]) -> Resource:
    made: Resource = {"resourceType": "MedicationStatement", "id": id_, "subject": {"reference": ME}, "medicationCodeableConcept": medicine}
    made |= {"status": rng.choice(("completed", "completed", "active", "intended", "not-taken")), "effectiveDateTime": _when(rng)}
    made["dosage"] = [{"doseAndRate": [{"doseQuantity": _grams(rng)}]}]
    if rng.random() < 0.3 and (orders or given):
        made["derivedFrom"] = [{"reference": rng.choice([*orders, *given])}]
    return made


def _coded(type_: str, id_: str, system: str, code: str, **more: Any) -> Resource:
    owner = "patient" if type_ == "AllergyIntolerance" else "subject"
    active = {"coding": [{"code": "active"}]}
    made = {"resourceType": type_, "id": id_, owner: {"reference": ME}, "clinicalStatus": active}
    return {**made, "code": {"coding": [{"system": system, "code": code}]}, **more}


ICD = "http://hl7.org/fhir/sid/icd-10-cm"


def _contraindication(rng: Random, made: RawPatient) -> None:
    """A finding that forbids or questions the order; in some its harmless sibling."""
    made.features.append("a contraindication, or what looks like one")
    over = {"coding": [{"code": rng.choice(("active", "active", "resolved"))}]}
    doubt = {"coding": [{"code": rng.choice(("confirmed", "confirmed", "unconfirmed", "refuted"))}]}
    reaction = [{"manifestation": [{"text": rng.choice(("anaphylaxis", "headache", "rash"))}], "severity": rng.choice(("mild", "severe"))}]
    ig = {"text": "immune globulin"}
    iga = _observation(
        rng, "iga", "2458-8", {"value": rng.choice((6, 7, 90)), "unit": "mg/dL", "system": UCUM, "code": "mg/dL"}, NOW - timedelta(days=9)
    )
    anti = {"resourceType": "Observation", "id": "anti", "status": "final", "code": {"text": "anti-IgA"}, "subject": {"reference": ME}}
    anti |= {"effectiveDateTime": "2026-02-01", "valueString": rng.choice(("positive", "negative"))}
    allergy = {
        "resourceType": "AllergyIntolerance",
        "id": "al",
        "patient": {"reference": ME},
        "clinicalStatus": over,
        "verificationStatus": doubt,
        "code": ig,
    }
    kinds: tuple[list[Resource], ...] = (
        [{**allergy, "reaction": reaction}],
        [{**allergy, "criticality": rng.choice(("high", "low"))}],
        [{**allergy, "code": {"text": rng.choice(("corn", "penicillin"))}}],
        [_coded("Condition", "c", ICD, "E72.59", verificationStatus=doubt)],
        [
            {
                **_coded("Condition", "c", ICD, "E72.59", verificationStatus=doubt),
                "code": {"text": "hyperprolinemia"},
                "clinicalStatus": over,
            }
        ],
        [_coded("Condition", "c", ICD, rng.choice(("E74.12", "E74.10", "E74.11")), verificationStatus=doubt)],
        [_coded("Condition", "c", ICD, "D80.2", verificationStatus=doubt), anti, {**allergy, "reaction": reaction}],
        [iga, anti],
        [_coded("Condition", "c", ICD, rng.choice(("T80.51XA", "T80.52XA")), clinicalStatus=over)],
        [],
    )
    made.resources += rng.choice(kinds)
    if rng.random() < 0.1:
        person = next(r for r in made.resources if r["resourceType"] == "Patient")
        person |= rng.choice(({"deceasedBoolean": True}, {"active": False}, {"birthDate": "1980"}))
