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
class Finding:
    """A check that fired: severity info, warning, override or hard-stop, words from content, evidence from the chart.

    `branch` is the row of `order_sets/checks.toml` that gave severity and words.
    """

    check: str
    ref: str
    severity: str
    branch: str
    message: str
    evidence: tuple[Evidence, ...]
    mitigation: tuple[str, ...]
    citations: tuple[str, ...]


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
