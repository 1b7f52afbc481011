"""A page as PDF/UA, where WeasyPrint is installed (the extra `pdf`); nothing is fetched but our own style sheet."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from ivig_fhir.errors import NotFound

_STYLES = tuple(Path(__file__).with_name("static") / name for name in ("style.css", "paper.css"))
_NOWHERE = "https://paper.invalid/"  # what relative addresses of a page lead to; nothing is asked there


def available() -> bool:
    """Whether this installation makes PDFs."""
    return importlib.util.find_spec("weasyprint") is not None


def pdf(html: str) -> bytes:
    """The document, tagged for assistive technology. NotFound where the extra is not installed. See: ISO 14289-1 (PDF/UA-1)."""
    if not available():
        raise NotFound("no pdf", said="This installation makes no PDF.", remedy="Print the sheet from the browser.")
    import weasyprint  # takes a second and needs Pango: only when it is asked for
    from weasyprint.urls import URLFetcherResponse

    def nothing(url: str) -> Any:
        """Every address that a page names is empty: its style sheets are handed over, and there is nothing else to fetch."""
        return URLFetcherResponse(url, b"", {"Content-Type": "text/css"})

    sheets = [weasyprint.CSS(string=s.read_text(encoding="utf-8"), url_fetcher=nothing) for s in _STYLES]
    made: bytes = weasyprint.HTML(string=html, base_url=_NOWHERE, url_fetcher=nothing).write_pdf(stylesheets=sheets, pdf_variant="pdf/ua-1")
    return made
