"""No rendering of an order can be read as its course on one day: pages, sheet, receipt, copied text, terminal, card, resources."""

from __future__ import annotations

import io
import json
import re
from contextlib import redirect_stdout
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from journey.a_hospital import ROOT, Hospital, Page, Tab, hospital

from ivig_fhir.cli import main
from ivig_fhir.fhir.quantity import plain
from ivig_fhir.proposal.ambiguity import ambiguities, faults
from tests.a_record import quiet

CIDP = "cidp-adult"
INLINE = re.compile(r"</?(?:b|span|a|svg|use|abbr)\b[^>]*>")
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TAG = re.compile(r"<[^>]+>")
SHAPES: dict[str, dict[str, Any]] = {
    "a course over days": {},
    "days that do not follow each other": {"dates": ["2026-03-09", "2026-03-12"]},
    "one infusion": {"regimen": "cidp-maint", "days": 1, "cycles": 1},
    "a series": {"regimen": "cidp-maint", "days": 2, "interval_weeks": 3, "cycles": 8},
    "grams as typed": {"dose": {"course_g": "150"}, "days": 5},
}


def lines(page: Page) -> list[str]:
    """The text of a page, one piece a block: what stands in one cell or paragraph is read together."""
    body = UUID.sub("…", page.body.partition("<main")[2])
    return [line.strip() for line in TAG.sub("\n", INLINE.sub("", body)).replace("\u00a0", " ").split("\n") if line.strip()]


def numbers(tab: Tab) -> tuple[Decimal, set[Decimal]]:
    """Grams of one infusion, and every total there is."""
    proposal = tab.json["proposal"]
    dose, series = proposal["dose"], proposal["series"]
    totals = {Decimal(dose["course_g"]), *([Decimal(series["total_g"])] if series else [])}
    return Decimal(dose["per_infusion_g"]), totals


def read_as_another_dose(pieces: list[str], one: Decimal, totals: set[Decimal]) -> dict[str, list[str]]:
    return {p: bad for p in pieces if (bad := list(faults(p, one, totals)))}


@pytest.fixture(params=list(SHAPES))
def draft(at: Hospital, request: pytest.FixtureRequest) -> Tab:
    tab = at.tab(CIDP)
    answer = tab.post("propose", SHAPES[request.param])
    assert answer.status == 200, answer.text
    tab.go("./")
    return tab


def test_no_page_on_the_way_of_an_order_can_be_misread(at: Hospital, draft: Tab) -> None:
    one, totals = numbers(draft)
    seen = [draft.page, draft.give_reasons(), draft.approve()]
    assert "Stored as a draft" in draft.page.text
    pharmacist = at.tab(CIDP, "pharmacist", target="pharmacy")
    seen.append(pharmacist.page)
    seen += [pharmacist.follow("SAMPLETON"), pharmacist.press("Verify"), pharmacist.follow("Infusion sheet")]
    assert "IVIG infusion sheet, infusion 1 of" in pharmacist.page.text
    for page in seen:
        assert read_as_another_dose(lines(page), one, totals) == {}, page.url
    for type_ in ("MedicationRequest", "ServiceRequest", "RequestGroup", "Task", "DetectedIssue"):
        for resource in at.held(type_, CIDP):
            assert ambiguities(resource, max(totals), one) == [], type_


def test_every_date_of_the_order_is_on_the_review_page_with_its_grams(draft: Tab) -> None:
    proposal = draft.json["proposal"]
    dates = proposal["series"]["dates"] if proposal["series"] else [i["date"] for i in proposal["dose"]["infusions"]]
    shown = lines(draft.page)
    for date in dates:
        year, month, day = date.split("-")
        name = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")[int(month) - 1]
        assert any(f"{int(day)} {name} {year}" in line for line in shown), date


def test_the_text_that_is_copied_by_hand_cannot_be_misread(tmp_path: Path) -> None:
    table = tmp_path / "issuers.toml"
    reads = '["openid", "fhirUser", "launch", "launch/patient", "patient/*.rs", "user/Practitioner.r", "user/PractitionerRole.rs"]'
    only_reads = f'profile = "generic"\nscopes = {reads}'
    table.write_text((ROOT / "issuers.toml").read_text(encoding="utf-8").replace('profile = "generic"', only_reads), encoding="utf-8")
    with hospital(tmp_path, issuers=table) as at:
        tab = at.tab(CIDP)
        tab.post("propose", SHAPES["a series"])
        tab.go("./")
        one, totals = numbers(tab)
        tab.give_reasons()
        tab.press("Approve and copy order", acknowledged="yes")
        copied = tab.page.body.partition("<textarea")[2].partition(">")[2].partition("</textarea")[0]
    assert f"{plain(one)} g" in copied
    assert read_as_another_dose(copied.split("\n"), one, totals) == {}


@pytest.mark.parametrize("shape", list(SHAPES))
@pytest.mark.parametrize("form", ["text", "fhir"])
def test_the_terminal_cannot_be_misread(tmp_path: Path, shape: str, form: str) -> None:
    select = tmp_path / "select.json"
    (tmp_path / "chart.json").write_text(json.dumps(list(quiet().values())), encoding="utf-8")
    select.write_text(json.dumps({"indication": "cidp", **SHAPES[shape]}), encoding="utf-8")
    common = ["propose", "--chart", str(tmp_path / "chart.json"), "--select", str(select), "--now", "2026-03-02T09:00:00"]
    answer, out = io.StringIO(), io.StringIO()
    with redirect_stdout(answer):
        main([*common, "--format", "json"])
    with redirect_stdout(out):
        main([*common, "--format", form])
    dose, series = json.loads(answer.getvalue())["dose"], json.loads(answer.getvalue())["series"]
    totals = {Decimal(dose["course_g"]), *([Decimal(series["total_g"])] if series else [])}
    if form == "text":
        assert read_as_another_dose(out.getvalue().split("\n"), Decimal(dose["per_infusion_g"]), totals) == {}
        return
    for entry in json.loads(out.getvalue(), parse_float=Decimal)["entry"]:
        assert ambiguities(entry["resource"], max(totals), Decimal(dose["per_infusion_g"])) == [], entry["fullUrl"]


def test_a_planted_total_is_noticed() -> None:
    assert read_as_another_dose(["160 g each day, on 4 days"], Decimal(40), {Decimal(160)}) != {}
    assert read_as_another_dose(["Whole course: 160 g"], Decimal(40), {Decimal(160)}) == {}
