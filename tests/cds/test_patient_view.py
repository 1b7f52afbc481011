"""What a clinician is told when a chart is opened, over the cast."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ivig_fhir.chart.queries import QUERIES
from ivig_fhir.content.model import Content
from ivig_fhir.content.site import Site
from ivig_fhir.proposal.ambiguity import faults

Json = dict[str, Any]
Cards = Callable[..., list[Json]]
Prefetch = Callable[[str], Json]


def only(cards: list[Json]) -> Json:
    assert len(cards) == 1
    return cards[0]


def test_a_chart_that_is_in_order_gets_an_info_card_with_grams_and_days(cards: Cards, prefetch: Prefetch) -> None:
    card = only(cards("cidp-adult", prefetch("cidp-adult")))
    assert card["indicator"] == "info"
    assert card["summary"].endswith("(CIDP): proposed 40 g per infusion, 4 infusions")
    for line in ("- 40 g on 2026-03-02", "- 40 g on 2026-03-05", "- Dosing weight 82.0 kg (actual, 2026-02-27)", "- Whole course 160 g"):
        assert line in card["detail"].splitlines()


def test_the_same_call_gets_the_same_answer(cards: Cards, prefetch: Prefetch) -> None:
    assert cards("cidp-adult", prefetch("cidp-adult")) == cards("cidp-adult", prefetch("cidp-adult"))


@pytest.mark.parametrize("patient", ["cidp-adult", "mg-crisis-ckd", "cvid-obese", "itp-bleeding"])
def test_no_line_of_a_card_can_be_read_as_a_course_on_one_day(cards: Cards, prefetch: Prefetch, patient: str) -> None:
    for card in cards(patient, prefetch(patient)):
        lines = [card["summary"], *card["detail"].splitlines()]
        one = {m[1] for line in lines if (m := re.fullmatch(r"- ([\d.]+) g on \d{4}-\d\d-\d\d", line))}
        whole = {m[1] for line in lines if (m := re.fullmatch(r"- Whole course ([\d.]+) g", line))}
        assert len(one) == len(whole) == 1
        read = {line: bad for line in lines if (bad := list(faults(line, Decimal(one.copy().pop()), {Decimal(w) for w in whole})))}
        assert read == {}


def test_what_was_not_assessed_is_listed(cards: Cards, prefetch: Prefetch) -> None:
    sent = prefetch("cidp-adult")
    del sent["allergies"]
    card = only(cards("cidp-adult", sent))
    assert "**Not assessed**" in card["detail"]
    assert "the EHR did not supply allergies" in card["detail"]


def test_content_that_nobody_reviewed_says_so(cards: Cards, prefetch: Prefetch, content: Content) -> None:
    assert content.constants["words"]["unreviewed"] in only(cards("cidp-adult", prefetch("cidp-adult")))["detail"]


@pytest.mark.parametrize(
    ("patient", "said"), [("mg-crisis-ckd", "1 finding needs a reason"), ("pounds-conflict", "2 findings need a reason")]
)
def test_findings_that_need_a_reason_make_a_warning_and_the_grams_stay(cards: Cards, prefetch: Prefetch, patient: str, said: str) -> None:
    card = only(cards(patient, prefetch(patient)))
    assert card["indicator"] == "warning"
    assert card["summary"].endswith(said)
    assert " g per infusion" in card["summary"]
    assert "**Needs a reason**" in card["detail"]


@pytest.mark.parametrize(
    ("patient", "why"),
    [("ivig-allergy", "Severe reaction to immunoglobulin before"), ("iga-anti-iga", "IgA deficiency with antibodies against IgA")],
)
def test_a_hard_stop_that_the_record_proves_is_critical_and_shows_no_grams(
    cards: Cards, prefetch: Prefetch, patient: str, why: str
) -> None:
    card = only(cards(patient, prefetch(patient)))
    assert card["indicator"] == "critical"
    assert card["summary"].endswith(f"stopped, {why}")
    assert "g per infusion" not in card["summary"] + card["detail"]
    assert "g on 2026" not in card["detail"]
    assert "**Hard stop**" in card["detail"]


def test_missing_data_are_a_warning_and_never_critical(cards: Cards, prefetch: Prefetch) -> None:
    card = only(cards("no-weight", prefetch("no-weight")))
    assert card["indicator"] == "warning"
    assert card["summary"].endswith("no dose yet; No usable weight")


def test_an_indication_for_which_nothing_is_recommended_gets_no_card(cards: Cards, prefetch: Prefetch) -> None:
    assert cards("ra-adult", prefetch("ra-adult")) == []


def test_a_chart_without_an_indication_gets_no_card(cards: Cards, prefetch: Prefetch) -> None:
    sent = prefetch("cidp-adult")
    sent["conditions"]["entry"], sent["conditions"]["total"] = [], 0
    assert cards("cidp-adult", sent) == []


def test_every_indication_of_the_chart_gets_its_own_card(cards: Cards, prefetch: Prefetch) -> None:
    sent, other = prefetch("cidp-adult"), prefetch("cvid-obese")
    second = other["conditions"]["entry"][0]
    second["resource"]["subject"] = {"reference": "Patient/cidp-adult"}
    sent["conditions"]["entry"].append(second)
    sent["conditions"]["total"] += 1
    found = cards("cidp-adult", sent)
    assert sorted(c["summary"].split(":")[0] for c in found) == [
        "IVIG for Chronic inflammatory demyelinating polyneuropathy (CIDP)",
        "IVIG for Common variable immunodeficiency",
    ]
    assert len({c["uuid"] for c in found}) == 2


@pytest.mark.parametrize("state", ["missing", "outcome", "first page"])
def test_conditions_that_were_not_read_completely_are_not_taken_for_no_indication(cards: Cards, prefetch: Prefetch, state: str) -> None:
    sent = prefetch("cidp-adult")
    if state == "missing":
        del sent["conditions"]
    elif state == "outcome":
        sent["conditions"] = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "timeout"}]}
    else:
        sent["conditions"]["entry"], sent["conditions"]["total"] = [], 12
    card = only(cards("cidp-adult", sent))
    assert card["indicator"] == "info"
    assert "not assessed" in card["summary"]


def test_the_link_launches_the_app_and_its_context_says_nothing_about_the_patient(cards: Cards, prefetch: Prefetch) -> None:
    card = only(cards("cidp-adult", prefetch("cidp-adult")))
    link = only(card["links"])
    assert (link["type"], link["url"]) == ("smart", "http://127.0.0.1:5000/launch")
    assert json.loads(link["appContext"]) == {"card": card["uuid"], "hook": "patient-view"}


def test_cards_name_their_source_and_neither_name_nor_number_of_the_patient(cards: Cards, prefetch: Prefetch) -> None:
    card = only(cards("cidp-adult", prefetch("cidp-adult")))
    assert card["source"]["label"] == "IVIG Orders"
    assert card["source"]["topic"]["code"] == "ivig-patient-view"
    assert not {"Sampleton", "Edwin", "SYN-0412"} & set(json.dumps(card).replace('"', " ").split())


def test_text_of_the_record_is_escaped_in_the_detail(cards: Cards, prefetch: Prefetch) -> None:
    sent = prefetch("ivig-allergy")
    sent["allergies"]["entry"][0]["resource"]["code"]["text"] = "<img src=x> [click](https://evil.example)"
    detail = only(cards("ivig-allergy", sent))["detail"]
    assert "evil.example" in detail
    assert "<img" not in detail
    assert "[click](" not in detail.replace(r"\[click\](", "")


def test_another_patients_allergy_stops_nobody(cards: Cards, prefetch: Prefetch) -> None:
    sent = prefetch("ivig-allergy")
    sent["allergies"]["entry"][0]["resource"]["patient"] = {"reference": "Patient/somebody-else"}
    card = only(cards("ivig-allergy", sent))
    assert card["indicator"] != "critical"
    assert "not known to be this patient's" in card["detail"]


def test_every_answer_for_the_cast_is_a_valid_set_of_cards(cards: Cards, prefetch: Prefetch, charts: Json) -> None:
    for patient in charts:
        for card in cards(patient, prefetch(patient)):
            assert 0 < len(card["summary"]) < 140
            assert card["indicator"] in ("info", "warning", "critical")
            assert card["source"]["label"]
            assert set(card) == {"uuid", "summary", "indicator", "detail", "source", "links"}


def test_a_site_whose_formulary_leaves_no_product_is_told_so(
    entrance: Callable[..., Any], firing: Callable[..., Json], prefetch: Prefetch
) -> None:
    client = entrance(allow_unsigned=True, site=Site(formulary=()), base_url="http://127.0.0.1:5000").client
    body = firing("cidp-adult", prefetch("cidp-adult"))
    card = only(client.post("/cds-services/ivig-patient-view", json=body).json["cards"])
    assert card["indicator"] == "warning"
    assert card["summary"].endswith("no proposal")
    assert "formulary" in card["detail"]


def test_real_charts_are_answered_without_a_crash(cards: Cards, shared: Path) -> None:
    answered = 0
    for file in sorted((shared / "data/patients").rglob("*.json*"))[::4]:
        document = json.loads(gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes())
        entries = [e for e in document.get("entry", ()) if "resource" in e]
        patients = [e["resource"] for e in entries if e["resource"]["resourceType"] == "Patient"]
        if len(patients) != 1 or not patients[0].get("id"):
            continue
        sent: Json = {"patient": patients[0]}
        for query in QUERIES:
            sent[query.key] = {"resourceType": "Bundle", "entry": [e for e in entries if e["resource"]["resourceType"] == query.type]}
        assert isinstance(cards(patients[0]["id"], sent), list)
        answered += 1
    assert answered
