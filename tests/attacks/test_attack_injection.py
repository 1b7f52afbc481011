"""Words of a record that are a program to a browser: escaped on every page; and addresses and headers that mean two things."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from html import escape
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

import pytest
import requests
from an_ehr_server import Send, Wire, outcome
from attacks.a_bend import answer, bend, instead
from attacks.a_hostile_word import HOSTILE, planted
from journey.a_hospital import APP, ISS, Hospital, Page

MG = "mg-crisis-ckd"


class Parsed(HTMLParser):
    """What a browser would make of a page: what could run, or lead away."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.faults: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = {name: value or "" for name, value in attrs}
        if tag == "script" and not re.fullmatch(r"/static/[a-z]+\.js", has.get("src", "")):
            self.faults.append(f"script {has}")
        if tag in ("iframe", "object", "embed", "base", "style", "img", "link") and has.get("rel") != "stylesheet":
            self.faults.append(f"{tag} {has}")
        if tag == "meta" and "http-equiv" in has:
            self.faults.append(f"meta {has}")
        self.faults += [f"{tag} {name}" for name in has if name.startswith("on") or name in ("style", "srcdoc", "xlink:href")]
        self.faults += [
            f"{tag} {n}={has[n]}"
            for n in ("href", "src", "action", "formaction")
            if re.match(r"\s*(javascript|data|vbscript):|//|\\", has.get(n, ""), re.I)
        ]
        self.faults += [f"{tag} id" for _ in range(has.get("id") == "xss")]


def coded(value: Any) -> Any:
    """The same JSON with one more coding in every concept, hostile in each of its parts."""
    if isinstance(value, list):
        return [coded(item) for item in value]
    if not isinstance(value, dict):
        return value
    made = {key: coded(item) for key, item in value.items()}
    if isinstance(made.get("coding"), list):
        made["coding"] = [
            *made["coding"],
            {"system": f"urn:{HOSTILE[2]}", "code": HOSTILE[1], "display": HOSTILE[0], "version": HOSTILE[3]},
        ]
    return made


def odd(value: Any) -> Any:
    """The same JSON with hostile units, dates, statuses and numbers of identifiers, wherever a dose does not hang on them."""
    if value.get("resourceType") == "Patient":
        return {**value, "identifier": [{**i, "value": i["value"] + HOSTILE[1]} for i in value.get("identifier", [])]}
    for entry in value.get("entry", []):
        resource = entry.get("resource", {})
        code = str(resource.get("code"))
        if resource.get("resourceType") == "Observation" and "29463-7" not in code and "8302-2" not in code:
            resource["effectiveDateTime"] = HOSTILE[0]
            resource.get("valueQuantity", {}).update(unit=HOSTILE[1], code=HOSTILE[1])
        if resource.get("resourceType") in ("Procedure", "AllergyIntolerance"):
            resource.update(status=HOSTILE[1], criticality=HOSTILE[2], recordedDate=HOSTILE[0], performedDateTime=HOSTILE[0])
    return value


def noted(value: Any) -> Any:
    """The same JSON with a hostile note and a hostile narrative in every resource, and a hostile remark beside the results."""
    for entry in value.get("entry", []):
        resource = entry.get("resource", {})
        resource["note"] = [{"text": "".join(HOSTILE[:4])}]
        resource["text"] = {"status": "generated", "div": f"<div xmlns='http://www.w3.org/1999/xhtml'>{HOSTILE[0]}</div>"}
    if value.get("resourceType") == "Bundle" and value.get("entry"):
        remark = outcome("processing", "".join(HOSTILE[:6]), "warning")
        value["entry"].append({"resource": remark, "search": {"mode": "outcome"}})
    return value


PLANTS: dict[str, Callable[[Any], Any]] = {"words": planted, "codes": coded, "odd": odd, "notes": noted}


@dataclass
class Walk:
    """Every page of a journey with an EHR whose every answer is hostile."""

    pages: list[Page] = field(default_factory=list)

    def see(self, page: Page) -> Page:
        self.pages.append(page)
        return page


def walk(at: Hospital) -> Walk:
    seen = Walk()
    tab = at.tab(MG)
    seen.see(tab.page)
    seen.see(tab.press("Recalculate", per_kg="1"))
    seen.see(tab.press("Recalculate", per_kg=f"heavy{HOSTILE[1]}"))
    tab.go("./")
    seen.see(tab.press("Read dose", typed_dose=f"150 g for 5 days {HOSTILE[1]}"[:100]))
    tab.go("./")
    note = "".join(HOSTILE[:8])
    tab.give_reasons(note=note)
    seen.see(tab.page)
    seen.see(tab.press("Approve order", acknowledged="yes"))
    for where in ("receipt", "sheet"):
        seen.see(tab.go(where))
    desk = at.tab(MG, "pharmacist", target="pharmacy")
    seen.see(desk.page)
    for where in (f"{tab.run}/", "double", "sheet"):
        seen.see(desk.go(where))
    desk.go("./")
    if "Ask prescriber" in desk.page.buttons:
        seen.see(desk.press("Ask prescriber", code="weight", note=note))
        seen.see(tab.go("receipt"))
    nurse = at.tab(MG, "nurse")
    seen.see(nurse.page)
    return seen


@pytest.mark.requirement("hl7.fhir.uv.smart-app-launch_2.2.0@5")
@pytest.mark.parametrize("plant", PLANTS)
def test_no_word_of_the_record_becomes_a_program_on_any_page(at: Hospital, wire: Wire, plant: str) -> None:
    bend(wire, "/fhir/", PLANTS[plant], "GET")
    pages = walk(at).pages
    assert len(pages) >= 10
    for page in pages:
        assert Parsed(page.body).faults == [], page.url
        assert str(1234567 * 7654321) not in page.body  # long enough that no random id of a page holds it
        assert not re.search("[\u202a-\u202e\u2066-\u2069\x00-\x08\x1b]", page.body), page.url
    shown = "".join(page.body for page in pages)
    assert any(str(escape(text)) in shown for text in HOSTILE[:4]), "nothing of it was shown: the test proves nothing"


def test_a_page_that_lets_it_through_would_be_noticed() -> None:
    for text in (*HOSTILE[:4], *HOSTILE[7:8], *HOSTILE[11:15]):
        assert Parsed(f"<p>{text}</p>").faults or text.startswith("'"), text
    assert Parsed("<p id='x'><b id=xss></p>").faults


@pytest.mark.parametrize("status", [400, 403, 404, 422])
def test_what_an_ehr_says_of_a_refusal_is_shown_as_words(at: Hospital, wire: Wire, status: int) -> None:
    tab = at.tab(MG)
    tab.give_reasons()
    said = "".join(HOSTILE)

    def refused(asked: requests.PreparedRequest, send: Send) -> requests.Response:
        return answer(asked, outcome("invalid", said), status) if asked.method == "POST" and "/fhir" in str(asked.url) else send(asked)

    wire.fault = refused
    page = tab.press("Approve order", acknowledged="yes")
    assert Parsed(page.body).faults == []
    assert "xss" in page.body


def test_what_a_sign_in_service_says_is_shown_as_words(at: Hospital, wire: Wire) -> None:
    instead(wire, "/auth/token", {"error": HOSTILE[0], "error_description": HOSTILE[1]}, 400)
    assert Parsed(at.tab(MG).page.body).faults == []
    for text in HOSTILE:
        for parameters in ({"error": text, "error_description": text, "state": "x"}, {"state": text}, {"iss": text}):
            assert Parsed(at.browser().get(f"{APP}/callback?{urlencode(parameters)}").body).faults == []
            assert Parsed(at.browser().get(f"{APP}/launch?{urlencode(parameters)}").body).faults == []
            assert Parsed(at.browser().get(f"{APP}/launch/go?{urlencode(parameters)}").body).faults == []


# ── Headers ──────────────────────────────────────────────────────────────────────────────────────────────────────────

SPLIT = ("x\r\nX-Evil: 1", "x\nX-Evil: 1", "x\r\n\r\n<script>xss()</script>", "x%0d%0aX-Evil:%201", "x\u560d\u560aX-Evil: 1", "x\x00")


def test_no_parameter_becomes_a_header(at: Hospital) -> None:
    browser = at.browser()
    browser.send("GET", f"{APP}/launch?{urlencode({'iss': ISS, 'launch': 'x'})}", follow=False)
    for value in SPLIT:
        for path in ("/launch", "/launch/go"):
            for asked in ({"launch": value}, {"launch": "x", "patient": value}):
                page = browser.send("GET", f"{APP}{path}?{urlencode({'iss': ISS, **asked})}", follow=False)
                assert "X-Evil" not in page.headers
                assert not [v for v in page.headers.values() if "\n" in v or "\r" in v]


@pytest.mark.parametrize("version", ["3\r\nX-Evil: 1", '3"\r\nX-Evil: 1\r\n\r\n', "3\x00"])
def test_no_version_that_an_ehr_names_becomes_a_header(at: Hospital, wire: Wire, version: str) -> None:
    at.tab(MG).approve()
    desk = at.tab(MG, "pharmacist", target="pharmacy")
    desk.follow("PLACEHOLD")

    def versioned(value: Any) -> Any:
        for resource in [value, *(e["resource"] for e in value.get("entry", []))]:
            resource.setdefault("meta", {})["versionId"] = version
        return value

    bend(wire, "/fhir/", versioned, "GET")
    desk.go("./")
    desk.press("Verify")
    assert not [r for r in wire.sent if any(("X-Evil" in f"{k}{v}" and k != "If-Match") or "\n" in str(v) for k, v in r.headers.items())]
    assert [o["status"] for o in at.orders(MG)] == ["draft"]


def test_no_header_of_a_request_names_this_host(at: Hospital) -> None:
    browser = at.browser()
    for name in ("Host", "X-Forwarded-Host", "X-Forwarded-Server", "X-Host", "Forwarded", "X-Original-URL", "X-Rewrite-URL"):
        for path in (
            "/",
            "/launch",
            f"/launch?{urlencode({'iss': ISS})}",
            "/launch/",
            "/s/x/orders",
            "/s/x/pharmacy",
            "//launch",
            "/nowhere",
        ):
            page = browser.send("GET", APP + path, follow=False, headers={name: "evil.example"})
            assert "evil.example" not in page.body + str(page.headers), (name, path)


# ── Addresses ────────────────────────────────────────────────────────────────────────────────────────────────────────

CONFUSING = [
    "/static/../settings.py", "/static/..%2f..%2fissuers.toml", "/static/%2e%2e/%2e%2e/issuers.toml", "/static/..\\..\\issuers.toml", "/static//etc/passwd",
    "/static/....//app.py", "/static/%00", "/static/style.css%00.js", "//evil.example/launch", "//evil.example/%2f..", "/\\evil.example", "/launch//go",
    "/launch/go/", "/launch;x/go", "/LAUNCH", "/launch/%2e%2e/metrics", "/s/../launch", "/s/%2e%2e/orders/", "/s/x/orders/..%2f..%2flaunch", "/s//orders/",
    "/s/%00/orders/", "/s/x%2forders/orders/", "/s/x/orders/%2e%2e/%2e%2e/", "/fhir/StructureDefinition/..%2f..%2fx", "/fhir/StructureDefinition/%00",
    "/cds-services/..%2f", "/.well-known/..%2flaunch", "/s/" + "x" * 5000 + "/orders/", "/%ff%fe", "/s/é/orders/", "/?__debugger__=yes&cmd=resource",
]  # fmt: skip


def test_an_address_that_means_two_things_means_nothing(at: Hospital) -> None:
    nobody, signed_in = at.browser(), at.browser()
    signed_in.launch(MG)
    for path in CONFUSING:
        for browser in (nobody, signed_in):
            page = browser.send("GET", APP + path, follow=False)
            where = page.headers.get("Location", "")
            assert page.status in (301, 308, 400, 401, 404) or path.startswith("/?"), (path, page.status, page.text[:200])
            assert urlsplit(where).netloc in ("", urlsplit(APP).netloc), path
            assert not where.startswith(("//", "/\\")), path
            assert "PLACEHOLD" not in page.body
            assert "[[issuer]]" not in page.body


def test_a_patient_that_is_no_id_is_never_put_into_an_address(at: Hospital, wire: Wire) -> None:
    for id_ in ("..", ".", "../metadata", "%2e%2e", "a/b", "?x=1", "#", "", "x" * 65, "cidp-adult?_include=*"):
        bend(wire, "/auth/token", lambda d, other=id_: {**d, "patient": other})
        page = at.tab(MG).page
        assert page.status in (400, 502), (id_, page.text[:200])
    assert not [r for r in wire.sent if "/fhir/Patient" in str(r.url) or str(r.url).rstrip("/").endswith("/fhir")]


def test_the_run_of_another_patient_is_not_found_by_any_spelling(at: Hospital) -> None:
    mine, theirs = at.tab("cidp-adult"), at.tab(MG)
    for run in (theirs.run, theirs.run.upper(), f"{mine.run}/../{theirs.run}", f"{mine.run}%2f..%2f{theirs.run}", f"urn:uuid:{theirs.run}"):
        page = mine.browser.send("GET", urljoin(mine.page.url, f"../{run}/"), follow=False)
        assert (page.status, "PLACEHOLD" in page.body) == (404, False)
