"""On whose authority content stands: sources, each once, and the confidence mark of a statement."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Citation:
    """A source, once, by key. `confidence`: V read in the named source, K established knowledge, ? unsure (never offered as fact)."""

    key: str
    title: str
    publisher: str
    year: str
    url: str


@dataclass(frozen=True, slots=True)
class Basis:
    """On whose authority a statement stands: citation keys and the confidence mark."""

    citations: tuple[str, ...]
    confidence: str
