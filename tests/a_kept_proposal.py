"""A proposal as it is kept when a prescriber approves it: with a reason for everything that asks for one, beside its choices."""

from __future__ import annotations

from dataclasses import replace

from ivig_fhir.fhir.building import decode, encode
from ivig_fhir.order.recompute import Approved
from ivig_fhir.proposal.answer import answer
from ivig_fhir.proposal.model import Proposal
from ivig_fhir.proposal.selections import ChosenOverride
from ivig_fhir.proposal.selections_json import as_json


def kept(made: Proposal, *without: str) -> Approved:
    """What the second calculation is given of it; `without` names checks for which no reason was given."""
    asked = (f.check for f in made.findings if f.severity == "override" and f.check not in without)
    reasons = tuple(ChosenOverride(check, "2", "Seen.") for check in asked)
    return Approved(decode(encode(answer(replace(made, overrides=reasons)))), as_json(made.selections))
