"""Input that cannot be used: one sentence, a reference number, the right status, no trace, and the draft is still what it was."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urljoin

import pytest
from journey.a_hospital import APP, Hospital, Page, Tab, hospital

CIDP, MG = "cidp-adult", "mg-crisis-ckd"
REFERENCE = re.compile(r"[A-Z0-9]{4}-[A-Z0-9]{4}")
UUID = "11111111-1111-4111-8111-111111111111"


@pytest.fixture(scope="module")
def tab(shared_at: Hospital) -> Tab:
    """A draft that somebody has begun."""
    opened = shared_at.tab(CIDP)
    opened.press("Recalculate", per_kg="1.5")
    return opened


@pytest.fixture(scope="module")
def csrf(tab: Tab) -> str:
    """The token of its page."""
    found: str = tab.json["csrf"]
    return found


def send(tab: Tab, csrf: str, where: str, body: bytes | str, kind: str = "application/json", accept: str = "application/json") -> Page:
    headers = {"X-CSRF-Token": csrf, "Accept": accept}
    return tab.browser.send("POST", urljoin(tab.page.url, where), data=body, content_type=kind, headers=headers)


def untouched(tab: Tab) -> bool:
    """Nothing is lost: the draft is the one that was begun."""
    return bool(tab.json["proposal"]["dose"]["calculated_course_g"] == "123.00")


def fault(page: Page, status: int, said: str) -> str:
    """What is wrong with a refusal: it has one sentence, a reference number, what to do, the right status, and no trace."""
    error = page.json.get("error") or {}
    good = said in error.get("message", "") and REFERENCE.fullmatch(error.get("reference", "")) and error.get("remedy")
    return "" if page.status == status and good and "Traceback" not in page.body else f"{page.status}: {page.body[:200]}"


BODIES = [
    ("{", "not JSON"),
    ("", "not JSON"),
    (b"\xff\xfe", "not JSON"),
    ("[" * 20_000, "not JSON"),
    ('{"dose":{"per_kg":NaN}}', "not JSON"),
    ("[]", "not a JSON object"),
    ("null", "not a JSON object"),
    ('{"flavour":1}', "unknown key: flavour"),
    ('{"dose":{"grams":1}}', "unknown key: grams"),
    ('{"dose":[]}', "dose is not a JSON object"),
    ('{"dose":{"per_kg":"abc"}}', "dose.per_kg is not a positive number"),
    ('{"dose":{"per_kg":"-1"}}', "dose.per_kg is not a positive number"),
    ('{"dose":{"per_kg":"21"}}', "dose.per_kg is above 20"),
    ('{"dose":{"per_kg":"1","course_g":"2"}}', "not both"),
    ('{"dose":{"course_g":"2001"}}', "dose.course_g is above 2000"),
    ('{"weight":{"dosing_kg":"1999"},"dose":{"per_kg":"2"}}', "is one of the numbers wrong"),
    ('{"days":true}', "days is not a positive number"),
    ('{"days":"1.5"}', "days is not a whole number"),
    ('{"days":101}', "days is not a whole number"),
    ('{"indication":5}', "indication is not a word"),
    ('{"indication":"nope"}', "There is no order set nope"),
    ('{"regimen":"nope"}', "has no regimen nope"),
    ('{"product":"nope"}', "There is no product nope"),
    ('{"weight":{"policy":"nope"}}', "There is no weight policy nope"),
    ('{"weight":{"dosing_kg":"70","reason":{"a":1}}}', "weight.reason is not a text"),
    ('{"companions":{"nope":true}}', "There is no companion nope"),
    ('{"companions":{"hydration-before":"yes"}}', "companions is not an object of true and false"),
    ('{"premedication":["nope"]}', "There is no premedication nope"),
    ('{"overrides":[{"check":"nope","code":"9","note":"x"}]}', "There is no check nope"),
    ('{"overrides":[{"check":"renal.reduced-function","code":"zz","note":"x"}]}', "zz is not an override reason"),
    ('{"overrides":[5]}', "overrides is not a JSON object"),
    ('{"rate":{"ladder":"nope"}}', "no rate table for nope"),
    ('{"rate":{"mode":"hours"}}', "rate.hours goes with the mode hours"),
    ('{"vial_sizes_g":["0.0000001"]}', "whole tenths of a gram"),
    ('{"rounding":{"increments_g":["1e-30"]}}', "below 0.01 g"),
    ('{"rounding":{"tolerance":"5"}}', "more than the policy allows"),
    ('{"concentration_mg_ml":"7"}', "has no concentration of 7 mg/mL"),
    ('{"start":"tomorrow"}', "start is not a date"),
    ('{"dates":["2026-03-05","2026-03-02"]}', "dates are not days in order"),
    ('{"run":"x"}', "run is not a urn:uuid"),
]


def test_json_that_cannot_be_used_is_refused_with_one_sentence_and_nothing_is_lost(tab: Tab, csrf: str) -> None:
    faults = {body: bad for body, said in BODIES if (bad := fault(send(tab, csrf, "propose", body), 400, said))}
    assert faults == {}
    assert untouched(tab)


@pytest.mark.parametrize("where", ["approve", "answer", "withdraw"])
def test_every_post_reads_json_the_same_way(tab: Tab, csrf: str, where: str) -> None:
    assert [fault(send(tab, csrf, where, body), 400, "not") for body in ("{", "[]")] == ["", ""]


def test_an_approval_of_something_else_than_is_on_screen_is_refused(tab: Tab, csrf: str) -> None:
    assert fault(send(tab, csrf, "approve", '{"digest":5}'), 409, "not the one that was on screen") == ""
    assert untouched(tab)


@pytest.mark.parametrize("where", ["answer", "withdraw", "resend"])
def test_what_was_never_approved_cannot_be_answered_withdrawn_or_sent(tab: Tab, csrf: str, where: str) -> None:
    assert fault(send(tab, csrf, where, '{"note":"x"}'), 404, "does not exist") == ""


def test_an_open_draft_is_not_ordered_again(tab: Tab, csrf: str) -> None:
    assert fault(send(tab, csrf, "again", "{}"), 409, "withdraw it first") == ""


FORMS = [
    ("per_kg=abc", "dose.per_kg"),
    ("days=-5", "days"),
    ("start=nope", "start is not a date"),
    ("dates=a,b", "dates are not days"),
    ("cycles=0", "cycles"),
    ("dosing_kg=-1", "weight.dosing_kg"),
    ("cap_mg_kg_min=abc", "rate.cap_mg_kg_min"),
    ("cap_mode=own", "Type your own limit"),
    ("indication=nope", "no order set nope"),
    ("mitigate=nope", "no longer offered"),
    ("switch=nope", "cannot be ordered here"),
    ("override_check=nope&override_code=9&override_note=x", "no check nope"),
]


def test_a_form_comes_back_as_it_was_typed_with_the_reason(tab: Tab, csrf: str) -> None:
    faults = {}
    for form, said in FORMS:
        page = send(tab, csrf, "propose", form, "application/x-www-form-urlencoded", "text/html")
        if page.status != 400 or "Not changed" not in page.text or said not in page.text or not REFERENCE.search(page.text):
            faults[form] = page.text[:300]
    assert faults == {}
    page = send(tab, csrf, "propose", "days=-5&per_kg=1.9", "application/x-www-form-urlencoded", "text/html")
    fields = {n: v for f in page.forms.forms for n, v in f.pairs}
    assert (fields["days"], fields["per_kg"]) == ("-5", "1.9")
    assert untouched(tab)


def test_a_form_of_another_site_or_an_old_page_is_refused(tab: Tab) -> None:
    assert fault(send(tab, "wrong", "propose", "{}"), 400, "not from the page") == ""


def test_too_much_is_refused(tab: Tab, csrf: str) -> None:
    assert fault(send(tab, csrf, "propose", "x" * 1_100_000), 413, "too large") == ""


@pytest.mark.parametrize("run", [UUID, "nope", "%00", "..%2f..%2fetc"])
def test_a_run_that_there_is_not_is_not_found(tab: Tab, run: str) -> None:
    for path in ("", "receipt", "sheet"):
        page = tab.browser.get(urljoin(tab.page.url, f"../{run}/{path}"))
        assert page.status == 404
        assert "Reference" in page.text and "Traceback" not in page.body


def test_another_patients_run_is_not_found(shared_at: Hospital, tab: Tab, csrf: str) -> None:
    other = shared_at.tab(MG)
    for path in ("", "receipt"):
        assert tab.browser.get(urljoin(tab.page.url, f"../{other.run}/{path}")).status == 404
    assert fault(send(tab, csrf, f"../{other.run}/propose", "{}"), 404, "does not exist") == ""


def test_no_address_says_anything_about_the_patient_or_the_order(shared_at: Hospital) -> None:
    mine = shared_at.tab(CIDP)
    mine.press("Read dose", typed_dose="35 g daily for 5 days")
    places = [mine.page.url, *(href for _, href in mine.page.forms.links), *(f.action for f in mine.page.forms.forms)]
    own = [p.partition("#")[0].partition("/orders/")[2] if p.startswith(APP) else p.partition("#")[0] for p in places]
    plain = r"[0-9a-f-]{36}/|propose|approve|receipt|\?fresh=1|/s/[A-Za-z0-9_-]+/log-out|"
    told = [p for p in own if not p.startswith("https://") and not re.fullmatch(plain, p)]
    assert told == []


def test_a_draft_whose_choices_content_no_longer_has_is_opened_again(tmp_path: Path) -> None:
    with hospital(tmp_path) as first:
        mine = first.tab(CIDP)
        mine.post("propose", {"product": "privigen"})
    site = tmp_path / "site.toml"
    site.write_text('formulary = ["gamunex-c"]\n', encoding="utf-8")
    with hospital(tmp_path, IVIG_SITE=str(site)) as second:
        later = second.tab(CIDP)
        assert later.run == mine.run
        assert "can no longer be used: Privigen is not on the site's formulary." in later.page.text
        later.press("Go on", indication="cidp")
        assert later.json["proposal"]["product"]["id"] == "gamunex-c"
