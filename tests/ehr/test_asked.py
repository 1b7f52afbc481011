"""What a server is asked follows what is known of it: what it does not take is not sent, what it requires is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
import requests
from an_ehr_server import BASE, Wire, bundle

from ivig_fhir.chart.queries import Query
from ivig_fhir.ehr import examination
from ivig_fhir.ehr.client import FhirClient, pooled_session
from ivig_fhir.ehr.fetch import fetch_answers
from ivig_fhir.ehr.profiles import ServerProfile, profile
from ivig_fhir.fhir.building import encode

ORDERS = Query("medication-requests", "MedicationRequest", (), ("MedicationRequest:medication",))
WEIGHTS = Query("weights", "Observation", (("code", "29463-7"),))


class Answering(requests.adapters.BaseAdapter):
    """A server that answers every search with an empty list; the address of each request is kept."""

    def __init__(self, status: Callable[[str], int] = lambda url: 200) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.status = status

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        url = requests.utils.unquote(str(request.url)).removeprefix(f"{BASE}/")
        self.asked.append(url)
        made = requests.Response()
        made._content_consumed = True
        made.status_code = self.status(url)
        made._content = encode({"resourceType": "Patient", "id": "p1"} if url.startswith("Patient/") else bundle())
        return made

    def close(self) -> None:
        """Nothing to close."""


def asked(known: ServerProfile, queries: Sequence[Query], status: Callable[[str], int] = lambda url: 200) -> set[str]:
    server, http = Answering(status), pooled_session()
    http.mount(BASE, server)
    fetch_answers(FhirClient(BASE, http), "p1", queries, known=known)
    return {url for url in server.asked if not url.startswith("Patient/")}


def test_any_server_is_asked_with_what_helps() -> None:
    assert asked(profile("generic"), [ORDERS]) == {"MedicationRequest?patient=p1&_include=MedicationRequest:medication"}


def test_a_parameter_that_is_left_out_is_not_sent() -> None:
    assert asked(profile("oracle"), [ORDERS]) == {"MedicationRequest?patient=p1"}
    no_count = replace(profile("hapi"), left_out=frozenset({"_count"}))
    assert asked(no_count, [WEIGHTS]) == {"Observation?patient=p1&code=29463-7", "Observation?patient=p1"}


def test_what_a_search_must_carry_is_sent_where_it_would_name_the_patient_alone() -> None:
    intents = "proposal,plan,order,original-order,reflex-order,filler-order,instance-order,option"
    assert asked(profile("athena"), [ORDERS]) == {f"MedicationRequest?patient=p1&intent={intents}&_include=MedicationRequest:medication"}
    assert asked(profile("epic"), [WEIGHTS]) == {
        "Observation?patient=p1&code=29463-7", "Observation?patient=p1&category=laboratory&_count=1",
    }  # fmt: skip


def test_a_server_that_refuses_a_parameter_is_asked_again_without_it() -> None:
    def status(url: str) -> int:
        return 400 if "_include" in url or "_count" in url else 200

    assert "MedicationRequest?patient=p1" in asked(profile("generic"), [ORDERS], status)


@pytest.mark.parametrize(
    ("name", "said"), [("generic", ""), ("sandbox", ""), ("hapi", "Of HAPI FHIR JPA server it is known otherwise (refused).")]
)
def test_the_doctor_says_where_a_server_treats_an_unknown_parameter_otherwise_than_is_known(
    connect: Callable[..., FhirClient], wire: Wire, name: str, said: str
) -> None:
    remark = examination._unknown_parameter(connect(), profile(name), "cidp-adult")
    assert remark.said.startswith("A parameter that it does not know is named as ignored.")
    assert remark.said.endswith(said)
