"""Findings: what a check found, what it could not assess, or that it is clear; exactly one of the three per check."""

from __future__ import annotations

from dataclasses import dataclass

from ivig_fhir.chart.answers import Reason


@dataclass(frozen=True, slots=True)
class Evidence:
    """An item of the chart (or of the order) that a finding stands on: reference, version, time, and what it said."""

    reference: str
    said: str
    time: str | None = None
    version: str | None = None


@dataclass(frozen=True, slots=True)
class Measure:
    """What an order already does about a finding: the action's id, its code of HL7 v3 ActCode, and the words."""

    action: str
    code: str
    said: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A check that fired: severity info, warning, override or hard-stop, words from content, evidence from the chart.

    `branch` is the row of `order_sets/checks` that gave severity and words, `branches` are all that hold, the gravest first. `threshold`
    says when the check fires, with its numbers. `mitigation` says what helps, `measures` what of it this order has.
    """

    check: str
    ref: str
    severity: str
    branch: str
    message: str
    evidence: tuple[Evidence, ...]
    mitigation: tuple[str, ...]
    citations: tuple[str, ...]
    branches: tuple[str, ...] = ()
    measures: tuple[Measure, ...] = ()
    threshold: str = ""

    @property
    def state(self) -> str:
        """`mitigated` when the order does something about it, else `open`; a hard stop stays open whatever the order does."""
        return "mitigated" if self.measures and self.severity != "hard-stop" else "open"


@dataclass(frozen=True, slots=True)
class NotAssessed:
    """A check that could not be made, and why."""

    check: str
    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class Clear:
    """A check that was made on what it needs and found nothing, or that does not apply."""

    check: str


Result = Finding | NotAssessed | Clear
