"""A proposal as FHIR: what is in the Bundle, what each resource says, and that all of it passes the gates."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from an_order import BASE, RUN, all_companions, content, finding, proposal, weight

from ivig_fhir.chart.answers import Reason
from ivig_fhir.fhir.building import canonical, encode, gate
from ivig_fhir.fhir.extensions import DOSE_BASIS, INFUSION_VOLUME, RATE_BASIS, RATE_STEP, VIAL, read
from ivig_fhir.proposal.ambiguity import ambiguities
from ivig_fhir.proposal.context import proposal_context
from ivig_fhir.proposal.findings import NotAssessed
from ivig_fhir.proposal.model import CompanionAmount, CompanionOrder, Proposal
from ivig_fhir.proposal.resources import proposal_bundle, proposal_resources
from ivig_fhir.proposal.selections import ChosenOverride, Selections

SHAPES: list[dict[str, Any]] = [
    {},
    {"days": 3},
    {"days": 1, "per_kg": "1"},
    {"series": 8, "per_kg": "1", "days": 2},
    {"hours": "3"},
    {"product": "privigen"},
    {"product": "octagam-10", "kg": "103.7"},
    {"dates": (date(2026, 3, 2), date(2026, 3, 4), date(2026, 3, 9))},
]


def bundle(made: Proposal) -> dict[str, Any]:
    return proposal_bundle(made, content(), BASE, "0.1.0")


def resources(made: Proposal, kind: str) -> list[dict[str, Any]]:
    return [e["resource"] for e in bundle(made)["entry"] if e["resource"]["resourceType"] == kind]


def main_order(made: Proposal) -> dict[str, Any]:
    return next(r for r in resources(made, "MedicationRequest") if r["identifier"][0]["value"] == RUN)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_bundle_passes_both_gates_and_says_nothing_ambiguous(shape: dict[str, Any]) -> None:
    made = proposal(findings=(finding("renal.reduced-function", "override"), finding("renal.risk-factors", "info")), **shape)
    gate(bundle(made))
    assert made.dose is not None
    for entry in bundle(made)["entry"]:
        assert ambiguities(entry["resource"], made.dose.course_g) == []


def test_nothing_in_a_proposal_is_an_order() -> None:
    requests = [r for kind in ("MedicationRequest", "ServiceRequest", "RequestGroup") for r in resources(proposal(), kind)]
    assert len(requests) > 2
    assert {(r["intent"], r["status"]) for r in requests} == {("proposal", "draft")}
    assert not any("requester" in r for r in requests)


def test_ids_are_derived_so_the_same_proposal_gives_the_same_bytes() -> None:
    assert canonical(bundle(proposal())) == canonical(bundle(proposal()))
    urls = [e["fullUrl"] for e in bundle(proposal())["entry"]]
    assert len(set(urls)) == len(urls)
    assert all(re.fullmatch(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[457][0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", u) for u in urls)


def test_a_proposal_without_a_run_takes_its_ids_from_its_digest() -> None:
    one, same, other = (proposal(run=None, digest=d) for d in ("sha256:1", "sha256:1", "sha256:2"))
    first, again, differs = (bundle(p)["entry"][0]["fullUrl"] for p in (one, same, other))
    assert first == again != differs


def test_every_member_of_the_run_carries_it() -> None:
    made = bundle(proposal())
    for entry in made["entry"]:
        resource = entry["resource"]
        held = resource.get("groupIdentifier") or resource.get("requisition") or resource.get("requestIdentifier")
        if resource["resourceType"] != "DetectedIssue":
            assert held == {"system": "urn:ietf:rfc:3986", "value": RUN}


def test_one_dosage_orders_rounded_grams_and_shows_the_calculated_ones() -> None:
    dosages = main_order(proposal())["dosageInstruction"]
    assert len(dosages) == 1
    ordered, calculated = dosages[0]["doseAndRate"]
    assert ordered["doseQuantity"] == {"value": Decimal(40), "unit": "g", "system": "http://unitsofmeasure.org", "code": "g"}
    assert calculated["doseQuantity"]["value"] == Decimal(41)
    assert (ordered["rateRange"]["low"]["value"], ordered["rateRange"]["high"]["value"]) == (98, 393)
    assert {ordered["rateRange"][end]["code"] for end in ("low", "high")} == {"mL/h"}


def test_grams_per_kilogram_stand_only_beside_weight_and_policy() -> None:
    order = main_order(proposal())
    [basis] = read(order["dosageInstruction"][0]["doseAndRate"][1], DOSE_BASIS)
    assert basis["dosePerWeight"]["value"] == Decimal("0.5")
    assert basis["courseDosePerWeight"]["value"] == 2
    assert (basis["dosingWeight"]["value"], basis["policy"], basis["weightUsed"]) == (Decimal("82.0"), "adj-bmi30", "actual")
    assert basis["weightSource"] == {"reference": "Observation/weight-1"}
    assert encode(order).count(b'"code":"g/kg"') == 2


def test_a_stated_weight_names_no_observation_and_no_policy() -> None:
    held = weight()
    stated = proposal(weight=type(held)(**{**_fields(held), "used": "stated", "reason": "weighed at home"}))
    order = main_order(stated)
    [basis] = read(order["dosageInstruction"][0]["doseAndRate"][1], DOSE_BASIS)
    assert (basis["policy"], basis["weightReason"]) == ("stated", "weighed at home")
    assert "weightSource" not in basis
    assert "(stated)" in order["dosageInstruction"][0]["text"]


def _fields(item: Any) -> dict[str, Any]:
    return {name: getattr(item, name) for name in item.__slots__}


def test_rate_steps_volume_table_and_vials_are_coded_beside_the_dose() -> None:
    order = main_order(proposal())
    dosage = order["dosageInstruction"][0]
    steps = read(dosage, RATE_STEP)
    assert [s["rateCalculated"]["value"] for s in steps] == [98, 196, 393]
    assert [("duration" in s) for s in steps] == [True, True, False]
    assert sum(s["volumeCalculated"]["value"] for s in steps) == 400
    assert read(dosage, INFUSION_VOLUME)[0]["concentration"]["value"] == 100
    assert read(dosage, RATE_BASIS)[0]["basis"] == "illustrative"
    assert [(v["grams"]["value"], v["count"]) for v in read(order["dispenseRequest"], VIAL)] == [(40, 1)]


def test_consecutive_days_have_a_repeat_that_says_the_same() -> None:
    timing = main_order(proposal())["dosageInstruction"][0]["timing"]
    assert timing["event"] == ["2026-03-02", "2026-03-03", "2026-03-04", "2026-03-05"]
    assert timing["repeat"]["count"] == 4
    assert timing["repeat"]["boundsPeriod"] == {"start": "2026-03-02", "end": "2026-03-05"}


@pytest.mark.parametrize(
    ("shape", "events"),
    [
        ({"days": 1, "per_kg": "1"}, ["2026-03-02"]),
        ({"dates": (date(2026, 3, 2), date(2026, 3, 4))}, ["2026-03-02", "2026-03-04"]),
        ({"series": 2, "per_kg": "1", "days": 2}, ["2026-03-02", "2026-03-03", "2026-03-23", "2026-03-24"]),
    ],
)
def test_other_days_are_listed_without_a_repeat(shape: dict[str, Any], events: list[str]) -> None:
    assert main_order(proposal(**shape))["dosageInstruction"][0]["timing"] == {"event": events}


def test_the_maximum_of_a_series_is_one_course_in_one_interval() -> None:
    limit = main_order(proposal(series=8, per_kg="1", days=2))["dosageInstruction"][0]["maxDosePerPeriod"]
    assert (limit["numerator"]["value"], limit["denominator"]["value"], limit["denominator"]["code"]) == (80, 21, "d")


def test_supply_is_all_grams_of_all_dates_without_repeats() -> None:
    supply = main_order(proposal(series=8, per_kg="1", days=2))["dispenseRequest"]
    assert (supply["quantity"]["value"], supply["numberOfRepeatsAllowed"]) == (640, 0)


def test_brand_is_fixed_and_the_product_is_named_once() -> None:
    order = main_order(proposal())
    assert order["substitution"]["allowedBoolean"] is False
    assert order["reportedBoolean"] is False
    codes = [c["code"] for c in order["medicationCodeableConcept"]["coding"]]
    assert codes == ["1426680", "J1561", "gamunex-c"]
    assert order["medicationCodeableConcept"]["text"].startswith("Gamunex-C 100 mg/mL")


@pytest.mark.parametrize(("setting", "code"), [("inpatient", "inpatient"), ("outpatient", "outpatient"), ("home", "community")])
def test_the_setting_is_the_category(setting: str, code: str) -> None:
    order = main_order(proposal(selections=Selections(setting=setting)))
    assert order["category"][0]["coding"][0]["code"] == code


def test_a_finding_above_information_is_a_detected_issue_with_its_evidence() -> None:
    made = proposal(findings=(finding("renal.reduced-function", "warning"), finding("renal.risk-factors", "info")))
    [issue] = resources(made, "DetectedIssue")
    assert (issue["severity"], issue["status"]) == ("moderate", "preliminary")
    assert issue["evidence"][0]["detail"][0]["reference"] == "Observation/creatinine-1"
    assert issue["implicated"] == [{"reference": RUN}]
    assert {c["code"] for c in issue["code"]["coding"]} >= {"renal.reduced-function"}
    assert main_order(made)["detectedIssue"] == [{"reference": next(e["fullUrl"] for e in bundle(made)["entry"] if e["resource"] == issue)}]


def test_an_override_is_a_coded_mitigation_with_its_note() -> None:
    given = ChosenOverride("renal.reduced-function", "9", "creatinine each morning")
    [issue] = resources(proposal(findings=(finding("renal.reduced-function", "override"),), overrides=(given,)), "DetectedIssue")
    [mitigation] = issue["mitigation"]
    assert mitigation["action"]["coding"] == [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "9"}]
    assert mitigation["action"]["text"].endswith("creatinine each morning")


def test_a_stopped_proposal_shows_its_numbers_and_never_applies() -> None:
    made = proposal(findings=(finding("renal.reduced-function", "hard-stop"),))
    [group] = resources(made, "RequestGroup")
    assert group["action"][0]["condition"][0]["expression"]["expression"] == "false"
    assert main_order(made)["note"][0]["text"].startswith("Not to be ordered")
    assert resources(made, "DetectedIssue")[0]["severity"] == "high"


def test_missing_data_are_named_as_requirements_and_nothing_is_requested() -> None:
    lacking = weight()
    without = type(lacking)(**{**_fields(lacking), "dosing_kg": None, "used": None, "source": None})
    made = proposal(outcome="data-required", dose=None, weight=without, findings=(finding("weight.missing", "hard-stop"),))
    gate(bundle(made))
    assert {e["resource"]["resourceType"] for e in bundle(made)["entry"]} == {"DetectedIssue", "GuidanceResponse"}
    [response] = resources(made, "GuidanceResponse")
    assert response["status"] == "data-required"
    assert "29463-7" in {c["code"] for c in response["dataRequirement"][0]["codeFilter"][0]["code"]}


def test_a_missing_birth_date_is_required_of_the_patient() -> None:
    person = proposal().patient
    nameless = type(person)(**{**_fields(person), "birth_date": None})
    [response] = resources(proposal(outcome="data-required", dose=None, patient=nameless), "GuidanceResponse")
    assert {"type": "Patient", "mustSupport": ["birthDate"]} in response["dataRequirement"]


def test_the_guidance_response_names_every_check() -> None:
    unknown = NotAssessed("serology.baseline", Reason.NOT_FOUND, "No result.")
    made = proposal(findings=(finding("renal.reduced-function", "info"),), not_assessed=(unknown,), clear=("excipient.proline",))
    [response] = resources(made, "GuidanceResponse")
    issues = response["contained"][0]["issue"]
    named = {i["details"]["coding"][0]["code"]: (i["severity"], i["code"]) for i in issues}
    assert named == {
        "renal.reduced-function": ("information", "business-rule"),
        "serology.baseline": ("warning", "incomplete"),
        "excipient.proline": ("information", "informational"),
    }
    assert response["status"] == "success"


def test_companions_are_offered_with_what_is_checked_and_what_must_be() -> None:
    [group] = resources(proposal(), "RequestGroup")
    offered = {a["id"]: a for phase in group["action"][1:] for a in phase["action"]}
    assert set(offered) == {c.id for c in all_companions()}
    for companion in all_companions():
        action = offered[companion.id]
        assert action["precheckBehavior"] == ("yes" if companion.selected else "no")
        assert action["requiredBehavior"] == ("must" if companion.required else "could")
        assert action["relatedAction"][0]["actionId"] == "ivig"


def test_several_tests_of_one_companion_are_details_not_synonyms() -> None:
    panel = next(c for c in all_companions() if c.kind == "lab" and len(c.codes) > 1)
    [request] = [r for r in resources(proposal(companions=(panel,)), "ServiceRequest")]
    assert "coding" not in request["code"]
    assert len(request["orderDetail"]) == len(panel.codes)


def companion(id_: str, **changes: object) -> CompanionOrder:
    """One companion of the content as chosen."""
    return replace(next(c for c in all_companions() if c.id == id_), selected=True, **changes)


def test_a_dose_of_a_companion_is_data_beside_its_sentence() -> None:
    by_weight = companion(
        "rescue-epinephrine", as_needed=True, dose=CompanionAmount(Decimal("0.18"), Decimal("0.18"), "mg", Decimal("0.3"), "")
    )
    ranged = companion("premedication-diphenhydramine", dose=CompanionAmount(Decimal(25), Decimal(50), "mg", None, ""))
    rescue, before = (
        r
        for r in resources(proposal(companions=(by_weight, ranged)), "MedicationRequest")
        if r["medicationCodeableConcept"]["text"] in (by_weight.title, ranged.title)
    )
    dosage = rescue["dosageInstruction"][0]
    milligrams = {"unit": "mg", "system": "http://unitsofmeasure.org", "code": "mg"}
    assert dosage["asNeededBoolean"] is True
    assert dosage["doseAndRate"] == [{"doseQuantity": {"value": Decimal("0.18"), **milligrams}}]
    assert dosage["maxDosePerAdministration"] == {"value": Decimal("0.3"), **milligrams}
    dosage = before["dosageInstruction"][0]
    assert "asNeededBoolean" not in dosage
    assert dosage["doseAndRate"] == [
        {"doseRange": {"low": {"value": Decimal(25), **milligrams}, "high": {"value": Decimal(50), **milligrams}}}
    ]
    assert "maxDosePerAdministration" not in dosage


def test_a_follow_up_is_due_in_a_period() -> None:
    due = (datetime(2026, 3, 6, 22, tzinfo=UTC), datetime(2026, 3, 9, 10, tzinfo=UTC))
    [request] = resources(proposal(companions=(companion("lab-hemolysis-after", due=due),)), "ServiceRequest")
    assert request["occurrencePeriod"] == {"start": "2026-03-06T22:00:00+00:00", "end": "2026-03-09T10:00:00+00:00"}
    assert "occurrenceTiming" not in request


def test_nothing_points_to_what_has_no_id() -> None:
    order = main_order(proposal(condition="urn:uuid:not-in-the-record", used={"Observation/": "x", "Observation/ok": "y"}))
    assert "reasonReference" not in order
    assert [r["reference"] for r in order["supportingInformation"]] == ["Observation/weight-1", "Observation/ok"]


def test_every_order_of_the_run_says_that_its_content_is_unreviewed_until_a_site_has_signed() -> None:
    said = content().constants["words"]["unreviewed"]

    def silent(**shape: Any) -> list[str]:
        made = proposal_resources(proposal(**shape), content(), proposal_context(proposal(**shape), BASE, "0.1.0"))
        requests = [r for r in made.values() if r["resourceType"] in ("MedicationRequest", "ServiceRequest")]
        assert len(requests) > 5
        return [r["resourceType"] for r in requests if not any(said in n["text"] for n in r.get("note", []))]

    assert silent() == []
    assert len(silent(review="reviewed")) > 5


def test_the_order_names_the_policies_of_weight_and_rounding_with_their_versions() -> None:
    order = main_order(proposal())
    notes = " ".join(n["text"] for n in order["note"])
    basis = next(b for d in order["dosageInstruction"][0]["doseAndRate"] for b in read(d, DOSE_BASIS))
    policy = content().weight_policies[proposal().weight.policy]
    assert f"Policy {policy.id}, version {policy.version}." in notes
    assert "Policy adult, version 1." in notes
    assert (basis["policy"], basis["policyVersion"]) == (policy.id, policy.version)
    assert (basis["roundingPolicy"], basis["roundingPolicyVersion"]) == ("adult", "1")
