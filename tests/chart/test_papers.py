"""Papers: consent, coverage and prior authorization as the record has them."""

from __future__ import annotations


def paper(chart, resource):
    return chart(resource).papers[0]


def test_a_consent_keeps_its_status_its_date_and_whether_it_permits(make, chart):
    consent = make.other("Consent", patient=make.subject, status="active", dateTime="2026-02-20", provision={"type": "deny"})
    found = paper(chart, {**consent, "scope": make.coded("treatment"), "policyRule": {"text": "Consent to plasma products"}})
    assert (found.status, found.use, found.time.text, found.texts) == ("active", "deny", "2026-02-20", ("Consent to plasma products",))


def test_a_coverage_keeps_when_it_ends(make, chart):
    coverage = {"resourceType": "Coverage", "id": "c", "status": "active", "beneficiary": make.subject, "period": {"end": "2026-12-31"}}
    found = paper(chart, {**coverage, "type": {"text": "PPO"}})
    assert (found.status, found.ends.text, found.texts) == ("active", "2026-12-31", ("PPO",))
    assert (found.time, found.begins) == (None, None)


def test_an_authorization_names_its_product_by_code_and_by_words(make, chart):
    product = {"coding": [make.coding("hcpcs", "J1561")], "text": "Gamunex-C"}
    response = {
        "resourceType": "ClaimResponse",
        "id": "r",
        "status": "active",
        "use": "preauthorization",
        "outcome": "complete",
        "created": "2026-02-01",
        "patient": make.subject,
        "addItem": [{"productOrService": product}, {"productOrService": {"text": "Privigen"}}, "odd"],
    }
    first, second = chart(response).papers
    assert (first.use, first.outcome, first.status, first.time.text) == ("preauthorization", "complete", "active", "2026-02-01")
    assert ([c.code for c in first.codes], first.texts) == (["J1561"], ("Gamunex-C",))
    assert (second.texts, second.source) == (("Privigen",), first.source)


def test_each_item_of_an_authorization_has_its_own_days(make, chart):
    period = {"productOrService": {"text": "Gamunex-C"}, "servicedPeriod": {"start": "2026-01-01", "end": "2026-06-30"}}
    day = {"productOrService": {"text": "Privigen"}, "servicedDate": "2026-03-02"}
    response = make.other("ClaimResponse", status="active", disposition="Certified in total", addItem=[period, day, {}])
    first, second, third = chart({**response, "patient": make.subject}).papers
    assert (first.begins.text, first.ends.text, first.said_outcome) == ("2026-01-01", "2026-06-30", "Certified in total")
    assert (second.begins.text, second.ends.text) == ("2026-03-02", "2026-03-02")
    assert (third.begins, third.ends, third.texts) == (None, None, ())


def test_a_consent_keeps_what_it_is_about_and_how_long_it_holds(make, chart):
    consent = make.other("Consent", status="active", scope=make.coded("patient-privacy"), provision={"period": {"end": "2026-01-31"}})
    found = paper(chart, {**consent, "patient": make.subject})
    assert (found.scope, found.ends.text, found.time) == (("patient-privacy",), "2026-01-31", None)


def test_a_paper_entered_in_error_is_none_and_a_draft_keeps_its_status(make, chart):
    assert not chart(make.other("Consent", patient=make.subject, status="entered-in-error")).papers
    assert paper(chart, make.other("Consent", patient=make.subject, status="proposed")).status == "proposed"


def authorization(make, **changes):
    item = {"productOrService": {"text": "Gamunex-C"}, "servicedPeriod": {"start": "2026-01-01", "end": "2026-06-30"}}
    made = make.other("ClaimResponse", status="active", use="preauthorization", outcome="complete", addItem=[item])
    return {**made, "patient": make.subject, **changes}


def test_an_authorization_holds_only_on_the_days_that_all_it_says_have_in_common(make, chart):
    whole = {"start": "2026-02-01", "end": "2026-12-31"}
    found = paper(chart, authorization(make, preAuthPeriod=whole))
    assert (found.begins.text, found.ends.text, found.against) == ("2026-02-01", "2026-06-30", ())
    assert paper(chart, authorization(make, preAuthPeriod={"end": "June"})).against == ("days that cannot be read",)


def test_what_a_payers_codes_deny_is_said_and_its_words_are_kept_whole(make, chart):
    pas = "http://hl7.org/fhir/us/davinci-pas/StructureDefinition/extension-"
    code = {"url": f"{pas}reviewActionCode", "valueCodeableConcept": {"coding": [{"code": "A3"}]}}
    action = {"extension": [{"url": f"{pas}reviewAction", "extension": [code]}]}
    assert paper(chart, authorization(make, adjudication=[action])).against == ("review action A3",)
    assert paper(chart, authorization(make, error=[{"code": {"text": "no"}}])).against == ("answered with an error",)
    reason = {"reason": {"text": "Request denied"}}
    assert paper(chart, authorization(make, disposition="x" * 200, adjudication=[reason])).said_outcome == "x" * 200 + "; Request denied"
