"""The routes: discovery, origins, refusals that say what is wrong and nothing else, and feedback."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import structlog

from ivig_fhir.chart.queries import QUERIES
from ivig_fhir.errors import AuditBroken

BASE = "https://ivig.example.org"
SERVICE = "/cds-services/ivig-patient-view"
Json = dict[str, Any]


def refusal(response: Any) -> str:
    """The sentence of an error answer, once its form was checked."""
    issue = response.json["issue"][0]
    assert response.json["resourceType"] == "OperationOutcome"
    assert re.fullmatch(r"E-\d\d, reference [0-9A-Z]{4}-[0-9A-Z]{4}", issue["diagnostics"])
    assert "Traceback" not in response.text
    return str(issue["details"]["text"])


def test_discovery_names_the_service_and_its_prefetch(demo: Any) -> None:
    services = demo.get("/cds-services").json["services"]
    assert [(s["id"], s["hook"]) for s in services] == [("ivig-patient-view", "patient-view")]
    assert set(services[0]) == {"id", "hook", "title", "description", "prefetch"}
    assert services[0]["prefetch"]["patient"] == "Patient/{{context.patientId}}"
    assert set(services[0]["prefetch"]) == {"patient", *(q.key for q in QUERIES)}


def test_discovery_asks_for_a_token_where_unsigned_calls_are_not_allowed(
    entrance: Callable[..., SimpleNamespace], signed: Callable[..., str], keys: SimpleNamespace
) -> None:
    at = entrance({"cds_jwks": keys.public})
    assert at.client.get("/cds-services").status_code == 401
    assert at.client.get("/cds-services", headers={"Authorization": signed({"aud": f"{BASE}/cds-services"})}).status_code == 200


@pytest.mark.parametrize("path", ["/cds-services", SERVICE, f"{SERVICE}/feedback"])
def test_a_preflight_of_a_known_origin_is_allowed_and_of_another_is_not(entrance: Callable[..., SimpleNamespace], path: str) -> None:
    client = entrance({"frame_ancestors": ["https://portal.example.org"]}).client
    for origin in ("https://ehr.example.org", "https://portal.example.org"):
        allowed = client.options(path, headers={"Origin": origin, "Access-Control-Request-Method": "POST"})
        assert (allowed.status_code, allowed.headers["Access-Control-Allow-Origin"]) == (204, origin)
        assert set(allowed.headers["Access-Control-Allow-Headers"].split(", ")) == {"authorization", "content-type"}
    refused = client.options(path, headers={"Origin": "https://evil.example"})
    assert refused.status_code == 403
    assert "Access-Control-Allow-Origin" not in refused.headers


def test_an_answer_may_be_read_by_a_known_origin_only(demo: Any) -> None:
    known, other = (demo.get("/cds-services", headers={"Origin": o}).headers for o in ("https://ehr.example.org", "https://evil.example"))
    assert known["Access-Control-Allow-Origin"] == "https://ehr.example.org"
    assert "Access-Control-Allow-Origin" not in other
    assert "Origin" in known["Vary"]


def test_an_unknown_service_is_not_found(demo: Any, firing: Callable[..., Json]) -> None:
    for path in ("/cds-services/ivig-order-dance", "/cds-services/ivig-order-dance/feedback"):
        response = demo.post(path, json=firing("p1"))
        assert response.status_code == 404
        assert "no CDS service" in refusal(response)


def test_a_malformed_call_is_refused_with_400(demo: Any, firing: Callable[..., Json]) -> None:
    response = demo.post(SERVICE, json=firing("p1", hook="order-sign"))
    assert response.status_code == 400
    assert "hook" in refusal(response)
    assert demo.post(SERVICE, data=b"{", content_type="application/json").status_code == 400


def test_a_form_is_not_a_call(demo: Any, firing: Callable[..., Json]) -> None:
    response = demo.post(SERVICE, data=json.dumps(firing("p1")), content_type="text/plain")
    assert response.status_code == 400
    assert "not JSON" in refusal(response)


def test_a_call_that_brings_nothing_usable_is_refused_with_412(demo: Any, firing: Callable[..., Json]) -> None:
    for sent in (None, {}, {"patient": None}, {"patient": {"resourceType": "Patient", "id": "p1"}}):
        response = demo.post(SERVICE, json=firing("p1", sent))
        assert response.status_code == 412
        assert refusal(response)


def test_a_body_that_is_too_large_is_refused(demo: Any) -> None:
    response = demo.post(SERVICE, data=b" " * 20_000_001, content_type="application/json")
    assert response.status_code == 413
    assert refusal(response)


def test_a_fault_of_ours_shows_a_number_and_nothing_of_itself(
    entrance: Callable[..., SimpleNamespace], firing: Callable[..., Json], prefetch: Callable[[str], Json]
) -> None:
    def broken_clock() -> Any:
        raise RuntimeError("Edwin Sampleton")

    client = entrance(allow_unsigned=True, now=broken_clock).client
    response = client.post(SERVICE, json=firing("cidp-adult", prefetch("cidp-adult")))
    assert response.status_code == 500
    assert refusal(response)
    assert "Sampleton" not in response.text


def test_answers_are_not_to_be_stored(demo: Any, firing: Callable[..., Json], prefetch: Callable[[str], Json]) -> None:
    assert demo.post(SERVICE, json=firing("cidp-adult", prefetch("cidp-adult"))).headers["Cache-Control"] == "no-store"


def test_unsigned_calls_are_taken_from_this_machine_only(demo: Any) -> None:
    assert demo.get("/cds-services", environ_base={"REMOTE_ADDR": "127.0.0.1"}).status_code == 200
    assert demo.get("/cds-services", environ_base={"REMOTE_ADDR": "::1"}).status_code == 200
    assert demo.get("/cds-services", environ_base={"REMOTE_ADDR": "10.0.0.7"}).status_code == 401


def test_a_foreign_name_for_this_machine_does_not_count_as_this_machine(demo: Any) -> None:
    assert demo.get("/cds-services", headers={"Host": "rebound.evil.example"}).status_code == 401


def test_a_bad_token_is_refused_even_where_none_is_needed(demo: Any) -> None:
    assert demo.get("/cds-services", headers={"Authorization": "Bearer a.b.c"}).status_code == 401


def test_allowing_unsigned_calls_is_said_at_the_start(entrance: Callable[..., SimpleNamespace]) -> None:
    with structlog.testing.capture_logs() as logs:
        entrance(allow_unsigned=True)
        entrance(allow_unsigned=False)
    assert [line["event"] for line in logs] == ["cds.unsigned_calls_accepted"]


def test_discarding_another_patients_resources_is_logged_without_them(
    demo: Any, firing: Callable[..., Json], prefetch: Callable[[str], Json]
) -> None:
    sent = prefetch("cidp-adult")
    sent["conditions"]["entry"][0]["resource"]["subject"] = {"reference": "Patient/somebody-else"}
    with structlog.testing.capture_logs() as logs:
        demo.post(SERVICE, json=firing("cidp-adult", sent))
    line = next(x for x in logs if x["event"] == "cds.foreign_resources_discarded")
    assert line["count"] == 1
    assert "somebody-else" not in str(logs)


def entry(**more: Any) -> Json:
    return {"card": "0235fdbc-34bf-5472-a7c9-866e5707a8c1", "outcome": "accepted", "outcomeTimestamp": "2026-03-02T09:05:00Z", **more}


def test_each_report_of_feedback_is_recorded(entrance: Callable[..., SimpleNamespace]) -> None:
    at = entrance(allow_unsigned=True, base_url="http://127.0.0.1:5000")
    reason = {"reason": {"system": "http://example.org/reasons", "code": "risk-benefit"}, "userComment": "Given before without trouble."}
    sent = {"feedback": [entry(acceptedSuggestions=[{"id": "s1"}]), entry(card="unknown", outcome="overridden", overrideReason=reason)]}
    assert at.client.post(f"{SERVICE}/feedback", json=sent).status_code == 200
    first, second = at.recorded
    assert (first.service, first.outcome, first.suggestions) == ("ivig-patient-view", "accepted", ("s1",))
    assert (second.card, second.reason, second.comment) == (
        "unknown",
        "http://example.org/reasons|risk-benefit",
        "Given before without trouble.",
    )


def test_the_same_report_twice_is_one_and_has_one_id_in_every_call(entrance: Callable[..., SimpleNamespace]) -> None:
    at = entrance(allow_unsigned=True, base_url="http://127.0.0.1:5000")
    for _ in range(2):
        at.client.post(f"{SERVICE}/feedback", json={"feedback": [entry(), entry()]})
    assert len(at.recorded) == 2
    assert at.recorded[0].id == at.recorded[1].id


def test_a_report_that_cannot_be_used_does_not_cost_the_others(entrance: Callable[..., SimpleNamespace]) -> None:
    at = entrance(allow_unsigned=True, base_url="http://127.0.0.1:5000")
    bad = [7, None, {}, entry(outcome="ignored"), entry(card=None), entry(acceptedSuggestions="s1", overrideReason=[1])]
    assert at.client.post(f"{SERVICE}/feedback", json={"feedback": [*bad]}).status_code == 200
    assert len(at.recorded) == 1


@pytest.mark.parametrize("sent", [{}, {"feedback": None}, {"feedback": {}}, {"feedback": [{}]}, []])
def test_feedback_without_a_usable_report_is_refused(entrance: Callable[..., SimpleNamespace], sent: Any) -> None:
    at = entrance(allow_unsigned=True, base_url="http://127.0.0.1:5000")
    assert at.client.post(f"{SERVICE}/feedback", json=sent).status_code == 400
    assert at.recorded == []


@pytest.mark.parametrize("audience", [f"{BASE}{SERVICE}", f"{BASE}{SERVICE}/feedback"])
def test_feedback_may_be_signed_for_the_service_or_for_its_own_address(
    entrance: Callable[..., SimpleNamespace], signed: Callable[..., str], keys: SimpleNamespace, audience: str
) -> None:
    at = entrance({"cds_jwks": keys.public})
    headers = {"Authorization": signed({"aud": audience})}
    assert at.client.post(f"{SERVICE}/feedback", json={"feedback": [entry()]}, headers=headers).status_code == 200
    assert at.client.post(f"{SERVICE}/feedback", json={"feedback": [entry()]}).status_code == 401
    assert len(at.recorded) == 1


def test_feedback_that_cannot_be_kept_is_an_error_with_a_number(entrance: Callable[..., SimpleNamespace]) -> None:
    def refuse(_: Any) -> None:
        raise AuditBroken("the chain is broken")

    response = entrance(allow_unsigned=True, record=refuse).client.post(f"{SERVICE}/feedback", json={"feedback": [entry()]})
    assert response.status_code == 500
    assert "audit record" in refusal(response)
