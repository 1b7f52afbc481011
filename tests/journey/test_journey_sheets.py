"""The printed sheets: one page each, saying what the order in the EHR says; on the screen, on paper and as PDF/UA."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import pytest
from journey.a_hospital import Hospital, Page, Tab

from ivig_fhir.fhir.quantity import plain
from ivig_fhir.web.pdf import available

pypdfium2 = pytest.importorskip("pypdfium2")
pytest.importorskip("weasyprint", exc_type=(ImportError, OSError))  # without Pango it cannot be loaded
CAST = ("cidp-adult", "kawasaki-infant", "cvid-obese", "mg-crisis-ckd")
FAINT = 250


@dataclass
class Paper:
    """A PDF as a person reads it: the text of each page, and its picture."""

    bytes: bytes
    pages: list[str]
    ink: list[tuple[float, float]]

    @classmethod
    def of(cls, data: bytes) -> Paper:
        document = pypdfium2.PdfDocument(data)
        pages = [" ".join(p.get_textpage().get_text_bounded().split()) for p in document]
        ink = [_ink(p.render(scale=1).to_pil().convert("L")) for p in document]
        document.close()
        return cls(data, pages, ink)


def _ink(picture: Any) -> tuple[float, float]:
    """How much of the page is printed on, and how far down the last ink is, both as fractions."""
    width, height = picture.size
    dark = picture.point(lambda grey: 255 if grey < FAINT else 0)
    box = dark.getbbox() or (0, 0, 0, 0)
    return sum(dark.histogram()[128:]) / (width * height), box[3] / height


def verified(at: Hospital, patient: str) -> tuple[Tab, str]:
    prescriber = at.tab(patient)
    prescriber.approve()
    tab = at.tab(patient, "pharmacist", target="pharmacy")
    tab.go(f"{prescriber.run}/")
    tab.press("Verify")
    tab.go(f"/s/{tab.session}/pharmacy/{prescriber.run}/")
    return tab, prescriber.run


def paper(tab: Tab, name: str) -> Paper:
    """The PDF beside the page of the order."""
    where = urlsplit(tab.page.url)
    asked = {"path": f"{where.path}{name}", "base_url": f"{where.scheme}://{where.netloc}", "environ_base": {"REMOTE_ADDR": "127.0.0.1"}}
    answer = tab.browser._client(tab.page.url).open(method="GET", **asked)
    assert (answer.status_code, answer.content_type) == (200, "application/pdf"), answer.get_data()[:300]
    return Paper.of(answer.get_data())


@pytest.mark.parametrize("patient", CAST)
def test_each_infusion_has_one_page_that_says_what_the_order_in_the_ehr_says(at: Hospital, patient: str) -> None:
    tab, _ = verified(at, patient)
    [order] = at.orders(patient)
    dosage = order["dosageInstruction"][0]
    ordered = next(d for d in dosage["doseAndRate"] if d["type"]["coding"][0]["code"] == "ordered")
    steps = [e for e in dosage["extension"] if e["url"].endswith("infusion-rate-step")]
    rates = [next(p["valueQuantity"]["value"] for p in s["extension"] if p["url"] == "rateCalculated") for s in steps]
    sheets = paper(tab, "sheet.pdf")
    events = dosage["timing"]["event"]
    assert len(sheets.pages) == len(events)
    for number, text in enumerate(sheets.pages, start=1):
        assert f"infusion {number} of {len(events)}" in text
        assert f"{plain(Decimal(ordered['doseQuantity']['value']))} g in this infusion" in text
        for rate in rates:
            assert f" {plain(Decimal(rate))} " in text, (rate, text)
        for words in (
            "Allergies: None known",
            "Stop and call the prescriber if",
            "Epinephrine 1 mg/mL" if "pinephrine" in text else "STOP",
            "Lot",
            "Expiry",
        ):
            assert words in text
    assert all(0.01 < share < 0.5 and bottom < 0.98 for share, bottom in sheets.ink), sheets.ink


@pytest.mark.parametrize("patient", CAST)
def test_the_verification_sheet_is_one_page_with_both_calculations_and_what_was_not_checked(at: Hospital, patient: str) -> None:
    tab, _ = verified(at, patient)
    sheet = paper(tab, "verification.pdf")
    [text] = sheet.pages
    lines = tab.json["recalculated"]
    assert f"{sum(x['agrees'] is True for x in lines)} of {len(lines)} agree" in text
    for line in lines:
        assert line["what"] in text
    for gap in tab.json["proposal"]["not_assessed"]:
        assert " ".join(gap["message"].split())[:40] in text
    for words in ("IVIG verification sheet", "Verified by Mats Sample-Lindqvist", "Step by step", "HCPCS", "Overrides and reasons", "Lot"):
        assert words in text
    assert all(share > 0.01 and bottom < 0.98 for share, bottom in sheet.ink)


def test_the_pdf_is_tagged_for_assistive_technology_and_names_its_language(at: Hospital) -> None:
    tab, _ = verified(at, "cidp-adult")
    data = paper(tab, "sheet.pdf").bytes
    document = pypdfium2.PdfDocument(data)
    assert pypdfium2.raw.FPDFCatalog_IsTagged(document.raw) == 1
    document.close()
    unpacked = b"".join(_streams(data))
    assert b"pdfuaid:part" in unpacked
    assert b"/Lang" in unpacked + data


def _streams(data: bytes) -> Iterator[bytes]:
    """Everything that is packed in the file, unpacked."""
    for packed in re.findall(rb"stream\r?\n(.*?)endstream", data, re.S):
        try:
            yield zlib.decompressobj().decompress(packed)
        except zlib.error:
            yield packed


def test_the_screen_says_the_same_as_the_paper(at: Hospital) -> None:
    tab, _ = verified(at, "cidp-adult")
    on_paper = paper(tab, "sheet.pdf").pages[0]
    tab.go("sheet")
    screen = tab.page.text.replace("\u00a0", " ")
    for words in (
        "09:45 before the start",
        "11:39 at the end",
        "12:39 after the end",
        "Weight today ______ kg; call at 73.8 kg or less, 90.2 kg or more",
    ):
        assert words in on_paper.replace("\u00a0", " ")
        assert words in screen
    assert "PDF" in [said for said, _ in tab.page.forms.links]


def test_allergies_that_cannot_be_read_are_not_none(at: Hospital) -> None:
    tab, run = verified(at, "cidp-adult")
    nurse = at.tab("cidp-adult", "nurse", fault="narrowed-scopes")
    nurse.go(f"/s/{nurse.session}/orders/{run}/sheet")
    assert (nurse.page.status, "Allergies: could not be read" in nurse.page.text) == (200, True)
    assert tab.page.status == 200


def test_neither_sheet_exists_before_the_order_is_verified(at: Hospital) -> None:
    prescriber = at.tab("cidp-adult")
    prescriber.approve()
    tab = at.tab("cidp-adult", "pharmacist", target="pharmacy")
    tab.go(f"{prescriber.run}/")
    where = tab.page.url
    for name in ("sheet", "sheet.pdf", "verification", "verification.pdf"):
        assert at.browser().get(where + name).status == 401
        tab.go(f"/s/{tab.session}/pharmacy/{prescriber.run}/{name}")
        assert tab.page.status == 409, name
    assert available()


def test_without_the_extra_the_page_offers_no_pdf_and_its_address_says_what_to_do(at: Hospital, monkeypatch: pytest.MonkeyPatch) -> None:
    tab, _ = verified(at, "cidp-adult")
    monkeypatch.setattr("ivig_fhir.web.pdf.available", lambda: False)
    monkeypatch.setattr("ivig_fhir.web.sheet_pages.available", lambda: False)
    where = tab.page.url
    tab.go("sheet")
    assert "PDF" not in [said for said, _ in tab.page.forms.links]
    tab.go(where + "sheet.pdf")
    assert (tab.page.status, "Print the sheet from the browser" in tab.page.text) == (404, True)


def ordered_and_verified(at: Hospital, patient: str, chosen: dict[str, Any]) -> Tab:
    """The pharmacist's tab on an order of these choices, verified."""
    prescriber = at.tab(patient)
    assert prescriber.post("propose", chosen).status == 200
    prescriber.go("./")
    prescriber.approve()
    tab = at.tab(patient, "pharmacist", target="pharmacy")
    tab.go(f"{prescriber.run}/")
    tab.press("Verify")
    tab.go(f"/s/{tab.session}/pharmacy/{prescriber.run}/")
    return tab


def table(page: Page, caption: str) -> list[list[str]]:
    """The cells of the body of a table, row by row, as a person reads them."""
    body = page.body.partition(f">{caption}</caption>")[2].partition("<tbody>")[2].partition("</tbody>")[0]
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", body, re.S)
    return [[re.sub(r"<[^>]+>", "", c).replace("\u00a0", " ") for c in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S)] for row in rows]


DILUTED = {"d5w": "5 % dextrose", "saline": "0.9 % sodium chloride"}


def test_a_sheet_never_calls_a_diluted_product_undiluted_and_leaves_its_rates_to_the_pharmacist(at: Hospital) -> None:
    tab, _ = verified(at, "cidp-adult")
    tab.go("sheet")
    assert "100 mg/mL, undiluted, IV by pump" in tab.page.text.replace("\u00a0", " ")
    assert 'class="p">98<' in tab.page.body
    other = ordered_and_verified(at, "cvid-adult", {"diluent": "d5w"})
    first, *_ = paper(other, "sheet.pdf").pages
    other.go("sheet")
    for text in (first.replace("\u00a0", " "), other.page.text.replace("\u00a0", " ")):
        assert "DILUENT ORDERED: 5 % dextrose. Volumes and pump rates here are those of the undiluted product" in text
        assert "Final volume ________ mL at ________ mg/mL" in text
        assert "As diluted, mL/h" in text
        assert "mg/mL, undiluted" not in text
        assert "Pump rate, mL/h" not in text
    assert 'class="p"' not in other.page.body, "no rate that is not for what hangs there stands out"
    assert [row[4] for row in table(other.page, "Pump steps")] == [""] * len(table(other.page, "Pump steps"))


@pytest.mark.parametrize("diluent", DILUTED)
def test_the_pharmacist_reads_of_a_diluent_before_verifying_and_on_the_verification_sheet(at: Hospital, diluent: str) -> None:
    prescriber = at.tab("gbs-adult")
    product = "privigen" if diluent == "d5w" else "panzyga"
    prescriber.post("propose", {"product": product, "diluent": diluent})
    prescriber.go("./")
    prescriber.approve()
    tab = at.tab("gbs-adult", "pharmacist", target="pharmacy")
    shown = tab.go(f"{prescriber.run}/").text.replace("\u00a0", " ")
    assert f"To be diluted in {DILUTED[diluent]}; volume and rates are those of the undiluted product" in shown
    assert "mg/mL, undiluted" not in shown
    assert f"DILUENT ORDERED: {DILUTED[diluent]}" in tab.go("steps").text.replace("\u00a0", " ")


THREE_VIALS: dict[str, Any] = {"dose": {"course_g": "175"}, "days": 5}


def test_every_vial_has_a_row_with_room_for_lot_and_expiry_on_both_sheets(at: Hospital) -> None:
    tab = ordered_and_verified(at, "mg-crisis-ckd", THREE_VIALS)
    vials = [f"{v['grams']} g" for v in tab.json["proposal"]["vials"] for _ in range(v["count"])]
    assert vials == ["20 g", "10 g", "5 g"]
    place = tab.page.url
    tab.go("sheet")
    assert table(tab.page, "Vials given")[:3] == [[size, "", "", ""] for size in vials]
    tab.go(f"{place}verification")
    assert table(tab.page, "Vials prepared") == [["", size, "", "", "", "", ""] for size in vials]
    assert "9, Monitoring is in place" in tab.page.text


def test_each_step_has_its_planned_time_and_a_blank_for_the_time_it_began(at: Hospital) -> None:
    tab, _ = verified(at, "mg-crisis-ckd")
    steps, minutes = tab.json["proposal"]["rate"]["steps"], Decimal(0)
    tab.go("sheet")
    shown = table(tab.page, "Pump steps")
    assert len(shown) == len(steps) == 4
    for number, (row, step) in enumerate(zip(shown, steps, strict=True), start=1):
        planned = f"{10 + int(minutes) // 60:02}:{int(minutes) % 60:02}"
        assert row[:4] == [str(number), planned, "", plain(Decimal(step["ml_h"]))]
        assert row[-1] == "", "two initials"
        minutes += Decimal(step["minutes"])


def test_vital_signs_are_due_at_clock_times_with_a_blank_for_each_of_them(at: Hospital) -> None:
    tab, _ = verified(at, "cidp-adult")
    tab.go("sheet")
    shown = table(tab.page, "Vital signs")
    assert [row[0] for row in shown] == ["09:45", "10:15", "10:45", "11:15", "11:39", "12:39"]
    assert [row[1] for row in shown] == [
        "before the start",
        "after the start",
        "after step 2",
        "after step 3",
        "at the end",
        "after the end",
    ]
    assert all(row[2:] == [""] * 8 for row in shown)


@pytest.mark.parametrize("patient", ["cidp-adult", "kawasaki-infant"])
def test_a_reaction_has_the_doses_that_this_order_has_for_this_patient(at: Hospital, patient: str) -> None:
    tab, _ = verified(at, patient)
    doses = {c["id"]: c["dose"] for c in tab.json["proposal"]["companions"] if c["selected"] and c.get("dose")}
    tab.go("sheet")
    text = tab.page.text.replace("\u00a0", " ")
    assert [text.index(grade) for grade in ("Mild (", "Moderate (", "Severe, anaphylaxis (")] == sorted(
        text.index(grade) for grade in ("Mild (", "Moderate (", "Severe, anaphylaxis (")
    )
    for id_, word in {
        "rescue-epinephrine": "pinephrine 1 mg/mL",
        "rescue-diphenhydramine": "iphenhydramine",
        "rescue-hydrocortisone": "ydrocortisone",
    }.items():
        low, high = (plain(Decimal(str(doses[id_][k]))) for k in ("low", "high"))
        said = f"{low} {doses[id_]['unit']}" if low == high else f"{low} to {high} {doses[id_]['unit']}"
        assert f"{word} {said}" in text, (id_, text)


def test_medicines_before_the_infusion_stand_with_boxes_before_the_start(at: Hospital) -> None:
    chosen = {"companions": {"premedication-acetaminophen": True, "premedication-diphenhydramine": True}}
    tab = ordered_and_verified(at, "cidp-adult", chosen)
    texts = [c["text"] for c in tab.json["proposal"]["companions"] if c["id"] in chosen["companions"]]
    tab.go("sheet")
    before = tab.page.body.partition("Before the start</h2>")[2].partition("<h2>")[0].replace("\u00a0", " ")
    assert len(texts) == 2
    for text in texts:
        assert f"<li>{text}</li>" in before.replace("&#39;", "'")
