"""The content as it is shipped, read once in a test process: tests start many apps, and run many commands."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from ivig_fhir.content.load import load_content
from ivig_fhir.content.model import Content

ORDER_SETS = Path(__file__).resolve().parents[1] / "order_sets"
_read = cache(load_content)


def read_once(folder: Path) -> Content:
    """In the place of `load_content`: any other folder, in which a test may change something, is read each time."""
    return _read(folder) if folder == ORDER_SETS else load_content(folder)
