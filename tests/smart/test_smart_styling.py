"""The look of an EHR: only the properties that SMART names, only plain values, and never one that changes a meaning."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import requests
import responses

from ivig_fhir.smart.styling import allowed_style, contrast, read_style, style_sheet
from tests.an_ehr import ISSUER

URL = "https://ehr.example.org/style.json"
WHOLE = {
    "color_background": "#edeae3",
    "color_error": "#9e2d2d",
    "color_highlight": "#69b5ce",
    "color_modal_backdrop": "#000",
    "color_success": "#498e49",
    "color_text": "#303030",
    "dim_border_radius": "6px",
    "dim_font_size": "13px",
    "dim_spacing_size": "20px",
    "font_family_body": "Georgia, Times, 'Times New Roman', serif",
    "font_family_heading": "'HelveticaNeue-Light', Helvetica, Arial, sans-serif",
}


@pytest.fixture
def wire() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


def test_every_property_that_smart_names_is_read_and_no_other() -> None:
    found = allowed_style({**WHOLE, "color_border": "#fff", "__evil": "x", "background": "#fff"})
    assert set(found) == set(WHOLE)


@pytest.mark.requirement("hl7.fhir.uv.smart-app-launch_2.2.0@5")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("color_background", "red"),
        ("color_background", "#ffff"),
        ("color_background", "#fff;}body{display:none"),
        ("color_background", "url(https://evil.example/)"),
        ("color_background", "#fff\n"),
        ("color_background", 7),
        ("color_background", None),
        ("dim_border_radius", "6"),
        ("dim_border_radius", "25px"),
        ("dim_border_radius", "-1px"),
        ("dim_border_radius", "calc(1px)"),
        ("dim_border_radius", "6px}*{x:y"),
        ("font_family_body", "Georgia;}*{color:red"),
        ("font_family_body", "url(x)"),
        ("font_family_body", "Georgia, , serif"),
        ("font_family_body", "@import"),
        ("font_family_body", "</style><script>"),
        ("font_family_body", "x" * 301),
        ("font_family_body", ["Georgia"]),
    ],
)
def test_a_value_that_is_no_plain_colour_length_or_font_is_left_out(name: str, value: Any) -> None:
    assert allowed_style({name: value}) == {}


def test_fonts_and_corners_are_taken_over_and_the_colours_of_severity_are_not() -> None:
    sheet = style_sheet(allowed_style(WHOLE))
    assert ":root{--r:6px}" in sheet
    assert 'body{font-family:"Georgia","Times","Times New Roman",serif}' in sheet
    for own in ("--stop", "--need", "--warn", "--ok", "--unk", "--ink", "--card", "#9e2d2d", "#498e49"):
        assert own not in sheet


@pytest.mark.parametrize(
    ("color", "taken"), [("#ffffff", True), ("#edeae3", True), ("#999999", False), ("#000000", False), ("#15212b", False)]
)
def test_a_background_on_which_our_text_is_not_legible_is_not_taken_over(color: str, taken: bool) -> None:
    assert (f"--bg:{color}" in style_sheet({"color_background": color})) is taken


@pytest.mark.parametrize(("color", "taken"), [("#0b5394", True), ("#767676", True), ("#777777", False), ("#69b5ce", False)])
def test_a_highlight_on_which_white_is_not_legible_is_not_taken_over(color: str, taken: bool) -> None:
    assert (f"--act:{color}" in style_sheet({"color_highlight": color})) is taken


def test_contrast_is_what_wcag_says() -> None:
    assert contrast("#000000", "#fff") == Decimal(21)
    assert contrast("#777", "#777777") == Decimal(1)
    assert round(contrast("#767676", "#ffffff"), 2) == Decimal("4.54")


def test_a_style_is_fetched_without_a_token_from_the_issuers_own_hosts(wire: responses.RequestsMock) -> None:
    wire.get(URL, body=json.dumps(WHOLE))
    assert read_style(requests.Session(), ISSUER, URL) == allowed_style(WHOLE)
    assert "Authorization" not in wire.calls[0].request.headers


@pytest.mark.parametrize(
    "url", ["", "https://evil.example/style.json", "http://ehr.example.org/style.json", "http://169.254.169.254/", "file:///etc/passwd"]
)
def test_a_style_elsewhere_is_not_fetched(wire: responses.RequestsMock, url: str) -> None:
    assert read_style(requests.Session(), ISSUER, url) == {}
    assert len(wire.calls) == 0


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 404},
        {"status": 302, "headers": {"Location": "https://evil.example/"}},
        {"body": "body{color:red}"},
        {"json": ["#fff"]},
        {"body": requests.ConnectionError()},
        {"body": b"[" * 200_000},
    ],
)
def test_a_style_that_cannot_be_read_is_no_style_and_no_error(wire: responses.RequestsMock, answer: dict[str, Any]) -> None:
    wire.get(URL, **answer)
    assert read_style(requests.Session(), ISSUER, URL) == {}
    assert {call.request.url for call in wire.calls} == {URL}
    assert style_sheet({}) == ""
