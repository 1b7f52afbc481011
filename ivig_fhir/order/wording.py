"""Wording: whether the dosage text that the EHR stores still says what its coded values say, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ivig_fhir.fhir.reading import parts
from ivig_fhir.order.recompute import Recalculated
from ivig_fhir.proposal.ambiguity import ambiguities
from ivig_fhir.proposal.dosage_problems import text_problems


def wording(order: Mapping[str, Any]) -> Recalculated:
    """The text of a stored order, read back and held against its coded values; a line of the second calculation.

    A text that somebody added to is a disagreement, for nobody knows which of the two a nurse will follow. An EHR that keeps no text has
    none to disagree.
    """
    dosages = list(parts(order, "dosageInstruction"))
    texts = [str(d["text"]) for d in dosages if d.get("text")]
    if not texts:
        return Recalculated("Dosage in words", "none", "nothing to compare", None)
    problems = [p for d in dosages for p in text_problems(d)] + ambiguities({"dosageInstruction": dosages})
    said = "; ".join(dict.fromkeys(problems)) if problems else "says the same"
    return Recalculated("Dosage in words", "as stored", said, not problems)
