"""What all tests share: where the reference data lies, if it lies anywhere."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of shared data: IVIG_SHARED, or `shared` beside the checkout; a test that needs it skips where there is none."""
    folder = Path(os.environ.get("IVIG_SHARED") or CHECKOUT.parent / "shared")
    if not folder.is_dir():
        pytest.skip("needs the shared reference data (set IVIG_SHARED)")
    return folder
