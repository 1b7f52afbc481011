"""Events: procedures, requests, immunizations and devices, by status and date."""

from __future__ import annotations

import pytest

COUNTS = {
    "Procedure": {"preparation", "in-progress", "completed", "on-hold", "unknown", None},
    "ServiceRequest": {"active", "on-hold", "unknown", "draft", None},
    "Immunization": {"completed"},
    "Device": {"active", "unknown", None},
    "DeviceUseStatement": {"active", "intended", "on-hold", "unknown", None},
}
STATUSES = (
    "preparation",
    "in-progress",
    "not-done",
    "on-hold",
    "stopped",
    "completed",
    "entered-in-error",
    "unknown",
    "draft",
    "active",
    "revoked",
    "inactive",
    "intended",
)


@pytest.mark.parametrize("type_", COUNTS)
@pytest.mark.parametrize("status", [*STATUSES, None])
def test_an_event_counts_by_the_status_of_its_type(make, chart, type_, status):
    named = {"code": {"text": "x"}, "vaccineCode": {"text": "x"}, "type": {"text": "x"}}
    resource = make.other(type_, patient=make.subject, **named, **({"status": status} if status else {}))
    assert bool(chart(resource).events) is (status in COUNTS[type_])


def test_a_request_not_to_do_something_is_no_event(make, chart):
    assert not chart(make.other("ServiceRequest", status="active", doNotPerform=True, code={"text": "Plasma exchange"})).events


@pytest.mark.parametrize(
    ("type_", "dates", "text"),
    [
        ("Procedure", {"performedDateTime": "2026-02-01"}, "2026-02-01"),
        ("Procedure", {"performedPeriod": {"start": "2026-02-01", "end": "2026-02-03"}}, "2026-02-03"),
        ("Procedure", {"performedPeriod": {"start": "2026-02-01"}}, "2026-02-01"),
        ("Procedure", {"performedString": "last year"}, None),
        ("ServiceRequest", {"occurrencePeriod": {"start": "2026-03-04", "end": "2026-03-09"}}, "from 2026-03-04 to 2026-03-09"),
        ("ServiceRequest", {"occurrencePeriod": {"start": "2026-03-04"}}, "from 2026-03-04"),
        ("ServiceRequest", {"occurrencePeriod": {"end": "2026-03-09"}}, "to 2026-03-09"),
        ("ServiceRequest", {"occurrenceTiming": {"repeat": {"boundsPeriod": {"start": "2026-03-04"}}}}, "from 2026-03-04"),
        ("ServiceRequest", {"occurrenceTiming": {"code": {"text": "three times a week"}}}, None),
        ("ServiceRequest", {"occurrenceDateTime": "2026-03-05T02:00:00Z"}, "2026-03-05T02:00:00Z"),
        ("DeviceUseStatement", {"timingPeriod": {"start": "2026-01"}}, "2026-01"),
    ],
)
def test_the_date_of_an_event(make, chart, type_, dates, text):
    status = "completed" if type_ == "Procedure" else "active"
    found = chart(make.other(type_, status=status, code={"text": "x"}, **dates)).events[0]
    assert (found.time.text if found.time else None) == text


def test_a_request_for_several_dates_is_an_event_on_each(make, chart):
    timing = {"event": ["2026-03-04", "2026-03-06", "never"]}
    found = chart(make.other("ServiceRequest", status="active", code={"text": "Plasma exchange"}, occurrenceTiming=timing)).events
    assert [e.time.text for e in found] == ["2026-03-04", "2026-03-06"]


def test_a_vaccine_keeps_its_codes(make, chart):
    mmr = {"coding": [make.coding("cvx", "03", display="MMR")]}
    found = chart(make.other("Immunization", status="completed", vaccineCode=mmr, occurrenceDateTime="2026-02-16")).events[0]
    assert ([c.code for c in found.codes], found.texts, found.type) == (["03"], ("MMR",), "Immunization")


def test_a_device_in_use_has_the_name_of_its_device(make, chart):
    device = {"resourceType": "Device", "id": "d", "type": {"text": "PICC"}, "deviceName": [{"name": "PowerPICC"}]}
    by_reference = chart(device, make.other("DeviceUseStatement", status="active", device={"reference": "Device/d"})).events
    contained = make.other("DeviceUseStatement", status="active", device={"reference": "#d"}, contained=[device])
    by_name = make.other("DeviceUseStatement", status="active", device={"display": "Port"})
    assert [(e.type, e.texts) for e in by_reference] == [("DeviceUseStatement", ("PICC", "PowerPICC"))]
    assert chart(contained).events[0].texts == ("PICC", "PowerPICC")
    assert chart(by_name).events[0].texts == ("Port",)


def test_a_device_that_belongs_to_nobody_is_no_event(chart):
    assert not chart({"resourceType": "Device", "id": "d", "status": "active", "type": {"text": "PICC"}}).events
