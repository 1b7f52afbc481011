"""The approved order that most tests of this folder start from."""

from __future__ import annotations

from typing import Any

import pytest
from an_approved_order import as_stored, written
from an_order import finding, proposal

from ivig_fhir.proposal.model import Proposal


@pytest.fixture
def order() -> dict[str, Any]:
    """The IVIG order as stored: 40 g on each of 4 dates."""
    return as_stored(written())[0]["medication-request"]


@pytest.fixture
def risky() -> Proposal:
    """A proposal with a finding that needs a reason."""
    return proposal(findings=(finding("renal.reduced-function", "override"), finding("renal.risk-factors", "warning")))
