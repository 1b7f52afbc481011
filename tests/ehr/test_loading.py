"""Loading a chart under the server's own ids, and taking it away again, whatever refers to what."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from an_ehr_server import Wire, outcome

from ivig_fhir.ehr.client import FhirClient
from ivig_fhir.ehr.loading import TEST_DATA, load, unload
from ivig_fhir.errors import Forbidden, ResourceGone

PATIENT = {"resourceType": "Patient", "id": "p", "name": [{"family": "Loaded"}], "meta": {"versionId": "7"}}
CONDITION = {"resourceType": "Condition", "id": "c", "subject": {"reference": "Patient/p"}, "code": {"text": "x"}}
OBSERVATION = {
    "resourceType": "Observation", "id": "o", "status": "final", "code": {"text": "x"}, "subject": {"reference": "Patient/p"},
    "focus": [{"reference": "Condition/c"}], "contained": [{"resourceType": "Device", "id": "d"}], "device": {"reference": "#d"},
}  # fmt: skip


def user(connect: Callable[..., FhirClient], scope: str = "user/*.cruds") -> FhirClient:
    return connect(patient="", scope=scope)


def test_each_is_created_once_those_are_there_that_it_refers_to(connect: Callable[..., FhirClient]) -> None:
    client, made = user(connect), dict[str, str]()
    load(client, [OBSERVATION, CONDITION, PATIENT], made)
    assert set(made) == {"Patient/p", "Condition/c", "Observation/o"}
    stored: dict[str, Any] = client.read(made["Observation/o"]).body
    assert stored["subject"]["reference"] == made["Patient/p"]
    assert stored["focus"][0]["reference"] == made["Condition/c"]
    assert stored["device"]["reference"] == "#d"
    assert stored["meta"]["tag"][0]["code"] == TEST_DATA["code"]
    assert made["Patient/p"] != "Patient/p"


@pytest.mark.parametrize("first", [PATIENT, OBSERVATION])
def test_everything_goes_again_in_whatever_order_it_is_named(connect: Callable[..., FhirClient], first: dict[str, Any]) -> None:
    client, made = user(connect), dict[str, str]()
    load(client, [OBSERVATION, CONDITION, PATIENT], made)
    key = f"{first['resourceType']}/{first['id']}"
    assert unload(client, [made[key], *made.values()]) == ()
    for reference in made.values():
        with pytest.raises(ResourceGone):
            client.read(reference)


def test_what_refers_to_one_another_goes_at_once(connect: Callable[..., FhirClient]) -> None:
    client, made = user(connect), dict[str, str]()
    load(client, [PATIENT, CONDITION, OBSERVATION], made)
    reply = client.read(made["Condition/c"])
    client.put(made["Condition/c"], {**reply.body, "evidence": [{"detail": [{"reference": made["Observation/o"]}]}]}, if_match=reply.etag)
    assert unload(client, made.values()) == ()


def test_what_the_server_keeps_is_named(connect: Callable[..., FhirClient]) -> None:
    client, made = user(connect), dict[str, str]()
    load(client, [PATIENT], made)
    assert unload(user(connect, "user/*.rs"), made.values()) == (made["Patient/p"],)
    assert unload(client, [*made.values(), "Patient/never-was"]) == ()


def test_what_was_made_before_a_refusal_is_known(connect: Callable[..., FhirClient]) -> None:
    made: dict[str, str] = {}
    with pytest.raises(Forbidden):
        load(user(connect, "user/Patient.cruds"), [PATIENT, CONDITION], made)
    assert list(made) == ["Patient/p"]


def test_a_reference_to_what_is_not_there_is_refused_before_anything_is_sent(connect: Callable[..., FhirClient], wire: Wire) -> None:
    client = user(connect)
    with pytest.raises(ValueError, match="Condition/c refers to what is not there"):
        load(client, [CONDITION], {})
    assert wire.sent == []


def test_a_server_that_does_not_say_where_it_put_a_resource_is_not_believed(client: FhirClient, fake: Any) -> None:
    fake.post(f"{client.base}/Patient", status=201, json=outcome("informational", "done", "information"))
    with pytest.raises(Exception, match="E-31"):
        load(client, [PATIENT], {})
