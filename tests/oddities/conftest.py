"""The files in which the oddities were seen, and what the app makes of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from oddities.a_real_file import ROOT, Read, Reader

from ivig_fhir.content.load import load_content
from ivig_fhir.content.model import Content


@pytest.fixture(scope="session")
def content() -> Content:
    """The content that the project ships."""
    return load_content(ROOT / "order_sets")


@pytest.fixture(scope="session")
def data(shared: Path) -> Path:
    """The folder of real data; tests that need it skip where there is none."""
    return shared / "data"


@pytest.fixture(scope="session")
def read(content: Content) -> Callable[..., Read]:
    """What the app makes of resources: a chart and, when it is asked, a proposal."""
    return Reader(content)
