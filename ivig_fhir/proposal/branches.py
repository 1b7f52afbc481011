"""Branches: everything that holds of one check, gathered into its one finding with the highest severity and all evidence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from ivig_fhir.content.model import SEVERITIES
from ivig_fhir.proposal.case import Case
from ivig_fhir.proposal.findings import Evidence, Finding


@dataclass(frozen=True)
class Hit:
    """A branch of a check that holds: its evidence, the values of its message; `severity` only where a rule lowers it."""

    branch: str
    evidence: tuple[Evidence, ...] = ()
    values: Mapping[str, object] = field(default_factory=dict)
    severity: str = ""


def finding(case: Case, id_: str, hits: Iterable[Hit]) -> Finding:
    """The one finding of a check from at least one hit: the gravest branch names it, every branch speaks, gravest first."""
    found = [case.fire(id_, h.branch, h.evidence, h.severity, **h.values) for h in hits]
    ranked = sorted(found, key=lambda f: -SEVERITIES.index(f.severity))
    return replace(
        ranked[0],
        message=" ".join(dict.fromkeys(f.message for f in ranked)),
        evidence=tuple(dict.fromkeys(e for f in ranked for e in f.evidence)),
        branches=tuple(dict.fromkeys(f.branch for f in ranked)),
    )
