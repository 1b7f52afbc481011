"""Numbers, dates and nesting that would stop a machine: refused with a sentence, or read as nothing; never a crash, never a long think."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any

import pytest
from a_case import content
from journey.a_hospital import MORNING, Hospital, Tab

import ivig_fhir
from ivig_fhir.content.load_site import load_site
from ivig_fhir.errors import ChartError, IvigError, SelectionError
from ivig_fhir.fhir.building import MalformedJson, decode, encode
from ivig_fhir.fhir.reading import number
from ivig_fhir.proposal.answer import answer
from ivig_fhir.proposal.selections import parse_selections
from ivig_fhir.sandbox import cast
from ivig_fhir.sandbox.settings import SandboxSettings
from ivig_fhir.workflow.open_chart import chart_from_document

SITE = load_site({"timezone": "UTC"}, content())
LONGEST = 2.0  # seconds of the processor; what is refused takes milliseconds
BOMBS = [b"1e999999999", b"-1e999999999", b"1e-999999999", b"0e999999999", b"9" * 400, b"1." + b"3" * 100_000, b"1E+400"]


@pytest.mark.parametrize("bomb", BOMBS, ids=lambda b: b[:14].decode())
def test_a_number_that_nobody_measures_is_no_number(bomb: bytes) -> None:
    started = time.process_time()
    assert number(decode(bomb)) is None
    assert time.process_time() - started < LONGEST


@pytest.mark.parametrize("value", [Decimal("999999999999999999.5"), Decimal("1e17"), Decimal("1e-40"), Decimal("0")])
def test_a_number_that_somebody_may_measure_is_one(value: Decimal) -> None:
    assert number(value) == value


@pytest.mark.parametrize("depth", [2_000, 100_000])
@pytest.mark.parametrize(("opens", "closes"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_json_that_is_nested_without_end_is_refused(depth: int, opens: bytes, closes: bytes) -> None:
    with pytest.raises(MalformedJson):
        decode(opens * depth + b"1" + closes * depth)


# ── A chart in which any value may be anything ───────────────────────────────────────────────────────────────────────

DEEP: Any = json.loads('{"extension":[' * 150 + "1" + "]}" * 150)
HOSTILE: list[Any] = [
    None, True, -1, 0, 10**400, [], {}, "", [None], [[[]]], [{}], "\x00", "\u202e1", "x" * 100_000, "../../x", "#", "urn:uuid:", "http://[::1",
    Decimal("1e999999999"), Decimal("-1e999999999"), Decimal("1e-999999999"), Decimal("0e999999"), "1e999999999", {"value": Decimal("1e999999")},
    "9999-12-31", "9999-12-31T23:59:59-14:00", "9999-12-30T23:59:59-23:59", "0001-01-01T00:00:00+14:00", "0001-01-02", "0001", "9999-12", DEEP,
]  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of everything inside a JSON document."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inside:
        yield (*path, key)
        yield from places(item, (*path, key))


def with_at(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    changed = copy.deepcopy(document)
    holder = changed
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = value
    return changed


@cache
def charts() -> dict[str, Any]:
    folder = SandboxSettings().cast
    assert folder is not None
    return {m.id: decode(encode(m.bundle)) for m in cast.read(folder, MORNING)}


def proposes(document: Any, now: datetime = MORNING) -> None:
    """Reads a chart and proposes on it; one of our own errors is an answer too."""
    try:
        chart = chart_from_document(document, None, content(), now, SITE)
        json.dumps(answer(ivig_fhir.propose(chart, parse_selections({}), content(), now, SITE)), default=str)
    except (ChartError, SelectionError):
        pass


@pytest.mark.parametrize("patient", ["ivig-allergy"])
def test_whatever_stands_anywhere_in_a_chart_it_is_read_or_refused_and_soon(patient: str) -> None:
    document = charts()[patient]
    for turn, path in enumerate(places(document)):
        if turn % 2:  # every other place; each kind of place is met in some resource
            continue
        value = HOSTILE[turn // 2 % len(HOSTILE)]
        started = time.process_time()
        proposes(with_at(document, path, value))
        assert time.process_time() - started < LONGEST, (path, str(value)[:40])


@pytest.mark.parametrize("value", HOSTILE, ids=lambda v: str(v)[:24])
@pytest.mark.parametrize("key", ["effectiveDateTime", "valueQuantity", "code", "subject", "status", "id"])
def test_each_value_in_each_place_of_the_weight(key: str, value: Any) -> None:
    document = charts()["cidp-adult"]
    place = next(i for i, e in enumerate(document["entry"]) if e["resource"].get("id") == "cidp-adult-obs-1")
    proposes(with_at(document, ("entry", place, "resource", key), value))


def test_what_is_deep_can_be_told_apart_from_what_is_broken() -> None:
    assert encode(DEEP)
    with pytest.raises(IvigError):
        chart_from_document([], None, content(), MORNING, SITE)


# ── Choices, as a form and as JSON ───────────────────────────────────────────────────────────────────────────────────

TYPED = [
    "1e999999999", "1e-999999999", "NaN", "Infinity", "-1", "0", "9" * 5000, "٣", "1_000", "0x10", "\x00", "9999-12-31", "0001-01-01", "0001-01-02",
    "9998-12-31", "9999-12-31T23:59:59-14:00", "x" * 9000, "2026-03-02," * 400, "99999999999999999999", "0." + "0" * 400 + "1",
]  # fmt: skip
FIELDS = (
    "per_kg",
    "days",
    "start",
    "dates",
    "interval_weeks",
    "cycles",
    "dosing_kg",
    "cap_mg_kg_min",
    "typed_dose",
    "indication",
    "policy",
)


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    """A draft, for every number that somebody may type."""
    made = Hospital(tmp_path_factory.mktemp("numbers"))
    yield made.tab("cidp-adult")
    made.close()


def token(tab: Tab) -> str:
    return next(value for name, value in tab.page.forms.forms[0].pairs if name == "csrf_token")


@pytest.mark.parametrize("field", FIELDS)
def test_whatever_is_typed_is_used_or_refused_and_soon(tab: Tab, field: str) -> None:
    where, as_script = f"{tab.page.url.rstrip('/')}/propose", {"Accept": "application/json"}
    for typed in TYPED:
        started = time.process_time()
        page = tab.browser.send("POST", where, data={"csrf_token": token(tab), field: typed}, headers=as_script)
        assert page.status in (200, 400), (field, typed[:20], page.text[-200:])
        assert time.process_time() - started < LONGEST * 2, (field, typed[:20])


def test_a_typed_cap_of_the_rate_has_as_many_decimals_as_a_pump(tab: Tab) -> None:
    offered = [b.value for f in tab.page.forms.forms for b in f.buttons if b.name == "mitigate"]
    for offer in offered or ["none"]:
        for figure in ("1e-999999999", "1e-30", "NaN", "1e999999999"):
            data = {"csrf_token": token(tab), "mitigate": offer, "figure": figure}
            assert tab.browser.send("POST", f"{tab.page.url.rstrip('/')}/propose", data=data, follow=False).status in (303, 400)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"dose": {"per_kg": 2.5, "unit": "g/kg"}}', 200),
        (b'{"dose": {"per_kg": 1.5, "unit": "g/kg"}}', 200),
        (b'{"weight": {"dosing_kg": 81.5}}', 200),
        (b'{"weight": {"dosing_kg": 1e-41}}', 400),
        (b'{"days": 1e999999999}', 400),
        (b'{"dose": {"course_g": 1e999999999}}', 400),
        (b'{"days": ' + b"9" * 100_000 + b"}", 400),
        (b'{"rate": {"cap_mg_kg_min": 1e-999999999}}', 400),
        (b'{"start": "9999-12-31T23:59:59-14:00"}', 400),
        (b'{"dose":' * 900 + b"1" + b"}" * 900, 400),
        (b'{"companions":' + b"[" * 900 + b"]" * 900 + b"}", 400),
    ],
    ids=lambda v: v[:36].decode() if isinstance(v, bytes) else "",
)
def test_numbers_of_a_script_are_used_with_their_digits_or_refused(tab: Tab, body: bytes, status: int) -> None:
    headers = {"X-CSRF-Token": token(tab), "Accept": "application/json"}
    where = f"{tab.page.url.rstrip('/')}/propose"
    page = tab.browser.send("POST", where, data=body, content_type="application/json", headers=headers)
    assert page.status == status, page.body[:300]
