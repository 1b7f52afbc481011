"""How an EHR wants apps to look: of its style only what cannot change the meaning of a page, each value checked before it is used.

Severity keeps its colours: error and success colours of an EHR are read and not applied, for red and green mean something here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from ivig_fhir.errors import DiscoveryFailed
from ivig_fhir.smart.discovery import TIMEOUTS, Http, allowed_address, fetch_json
from ivig_fhir.smart.issuers import Issuer

# The names that SMART knows. See: SMART App Launch 2.2, styling.
COLORS = ("color_background", "color_error", "color_highlight", "color_modal_backdrop", "color_success", "color_text")
LENGTHS = ("dim_border_radius", "dim_font_size", "dim_spacing_size")
FONTS = ("font_family_body", "font_family_heading")
_COLOR = re.compile(r"#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})")
_LENGTH = re.compile(r"(?:\d|1\d|2[0-4])(?:\.\d{1,3})?(?:px|pt)|[01](?:\.\d{1,3})?r?em")
_FAMILY = re.compile(r"[A-Za-z][A-Za-z0-9 -]{0,60}")
_GENERIC = ("serif", "sans-serif", "monospace", "system-ui")
# Our own ink and white text, which have to stay legible on the EHR's colours. See: WCAG 2.2, 1.4.3.
INK, MUTED, WHITE = "#15212b", "#46535f", "#ffffff"
LEGIBLE = Decimal("4.5")
OFFSET = Decimal("0.055")  # of sRGB


def read_style(http: Http, issuer: Issuer, url: str, timeouts: tuple[float, float] = TIMEOUTS) -> dict[str, str]:
    """The style at an address of this issuer, without token or redirect. Empty for anything that is wrong: a style is only a style."""
    if not url or not allowed_address(url, issuer):
        return {}
    try:
        document = fetch_json(http, url, timeouts)[1]
    except DiscoveryFailed:
        return {}
    return allowed_style(document) if isinstance(document, dict) else {}


def allowed_style(raw: Mapping[str, Any]) -> dict[str, str]:
    """The properties that SMART names, with values that are a colour, a length or a list of fonts and nothing more."""
    shapes = {**dict.fromkeys(COLORS, _COLOR), **dict.fromkeys(LENGTHS, _LENGTH)}
    found = {n: raw[n] for n, shape in shapes.items() if isinstance(raw.get(n), str) and shape.fullmatch(raw[n])}
    return found | {n: fonts for n in FONTS if (fonts := _fonts(raw.get(n)))}


def style_sheet(style: Mapping[str, str]) -> str:
    """The style as CSS for our pages: fonts and corners; background and highlight where text stays legible on them."""
    lines, colors = [], []
    if "dim_border_radius" in style:
        lines.append(f":root{{--r:{style['dim_border_radius']}}}")
    for name, where in (("font_family_body", "body"), ("font_family_heading", "h1,h2,h3")):
        if name in style:
            lines.append(f"{where}{{font-family:{style[name]}}}")
    background, highlight = style.get("color_background", ""), style.get("color_highlight", "")
    if background and min(contrast(background, INK), contrast(background, MUTED)) >= LEGIBLE:
        colors.append(f"--bg:{background}")
    if highlight and contrast(highlight, WHITE) >= LEGIBLE:
        colors.append(f"--act:{highlight}")
    if colors:
        lines.append(f"@media (prefers-color-scheme:light){{:root{{{';'.join(colors)}}}}}")
    return "\n".join(lines) + "\n" if lines else ""


def contrast(one: str, other: str) -> Decimal:
    """The contrast ratio of two colours, 1 to 21. See: WCAG 2.2, contrast ratio."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + Decimal("0.05")) / (dark + Decimal("0.05"))


def _luminance(color: str) -> Decimal:
    digits = color.removeprefix("#")
    pairs = [d * 2 for d in digits] if len(digits) == 3 else [digits[i : i + 2] for i in (0, 2, 4)]
    channels = [Decimal(int(pair, 16)) / 255 for pair in pairs]
    linear = [c / Decimal("12.92") if c <= Decimal("0.04045") else ((c + OFFSET) / (1 + OFFSET)) ** Decimal("2.4") for c in channels]
    weights = (Decimal("0.2126"), Decimal("0.7152"), Decimal("0.0722"))
    return sum((w * c for w, c in zip(weights, linear, strict=True)), Decimal(0))


def _fonts(value: object) -> str:
    """A list of families, each quoted anew; empty where one of them is anything else."""
    if not isinstance(value, str) or len(value) > 300:
        return ""
    names = [name.strip().strip("'\"") for name in value.split(",")]
    if not all(_FAMILY.fullmatch(name) for name in names):
        return ""
    return ",".join(name if name in _GENERIC else f'"{name}"' for name in names)
