"""What all tests share: where the reference data lies, if it lies anywhere."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of shared data: SHARED_DATA, or `shared` beside the checkout; a test that needs it skips where there is none."""
    folder = Path(os.environ.get("SHARED_DATA") or CHECKOUT.parent / "shared")
    if not folder.is_dir():
        pytest.skip("needs the shared reference data (set SHARED_DATA)")
    return folder
