"""OperationOutcome in one sentence: what a server says went wrong, how badly, and under which code."""

from __future__ import annotations

from dataclasses import dataclass

from ivig_fhir.fhir.reading import part, parts, short, word

_WORST_FIRST = ("fatal", "error", "warning", "information")
_LIMIT = 300


@dataclass(frozen=True, slots=True)
class Issue:
    """One issue: `said` in at most 300 characters ("" when the server gave no words), `severity`, `code`, all its `words`.

    `where` are the elements that it is about, as FHIRPath, or as the server's older `location`; at most 300 characters.
    """

    said: str
    severity: str
    code: str
    words: str = ""
    where: str = ""

    @property
    def failed(self) -> bool:
        """Something was not done, as opposed to a remark."""
        return self.severity in ("fatal", "error")

    @property
    def line(self) -> str:
        """How bad, what, and where, in one line: `error: The dose is missing. At MedicationRequest.dosageInstruction`."""
        at = f" At {self.where}" if self.where else ""
        return f"{self.severity or 'issue'}: {self.said or self.code or 'no words'}{at}"


def issues(outcome: object) -> tuple[Issue, ...]:
    """The issues of an OperationOutcome in its order. The sentence prefers details.text, then diagnostics, then the coding's display.

    See: FHIR R4 OperationOutcome.
    """
    return tuple(_issue(item) for item in parts(outcome, "issue"))


def _issue(item: dict[str, object]) -> Issue:
    details = part(item, "details")
    displays = [word(c, "display") for c in parts(details, "coding")]
    candidates = [word(details, "text"), word(item, "diagnostics"), *displays]
    said = next((c for c in candidates if c), "")
    words = " ".join(" ".join(dict.fromkeys(c for c in (word(item, "diagnostics"), word(details, "text")) if c)).split())
    return Issue(short(said, _LIMIT), word(item, "severity"), word(item, "code"), words, short(_where(item), _LIMIT))


def _where(item: dict[str, object]) -> str:
    for name in ("expression", "location"):
        found = item.get(name)
        said = [w for w in found if isinstance(w, str) and w] if isinstance(found, list) else []
        if said:
            return ", ".join(said)
    return ""


def worst(outcome: object) -> Issue | None:
    """The issue to show: the most severe one, the first of them; servers put remarks before what failed. None without an issue."""
    found = issues(outcome)
    return min(found, key=lambda i: _WORST_FIRST.index(i.severity) if i.severity in _WORST_FIRST else len(_WORST_FIRST), default=None)
