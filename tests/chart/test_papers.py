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
    assert (found.status, found.time.text, found.texts) == ("active", "2026-12-31", ("PPO",))


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
    found = paper(chart, response)
    assert (found.use, found.outcome, found.status, found.time.text) == ("preauthorization", "complete", "active", "2026-02-01")
    assert ([c.code for c in found.codes], found.texts) == (["J1561"], ("Gamunex-C", "Privigen"))


def test_a_paper_entered_in_error_is_none_and_a_draft_keeps_its_status(make, chart):
    assert not chart(make.other("Consent", patient=make.subject, status="entered-in-error")).papers
    assert paper(chart, make.other("Consent", patient=make.subject, status="proposed")).status == "proposed"
