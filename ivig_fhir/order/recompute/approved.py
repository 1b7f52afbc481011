"""What the prescriber approved, as it was kept: the choices, and what the first calculation said of what no field of the order holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

from ivig_fhir.fhir.reading import part, parts, word

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Approved:
    """The approved proposal (`ivig-fhir/proposal/1`) and the selections of its run, both as plain JSON."""

    body: Json
    selections: Json = field(default_factory=dict)

    def severity(self, check: str) -> str:
        """How severe the finding of a check was when the order was approved; "" without a finding."""
        return next((word(f, "severity") for f in parts(self.body, "findings") if word(f, "check") == check), "")

    def has_reason(self, check: str) -> bool:
        """Whether the prescriber gave a reason for going on."""
        return any(word(o, "check") == check for o in parts(self.body, "overrides"))

    def printed(self, group: str, name: str) -> Fraction | None:
        """A number of the approved proposal: of a part ("weight", "rate", ...) or, with group "", of the whole."""
        return exact((part(self.body, group) if group else self.body).get(name))

    def chosen(self, group: str, name: str) -> Fraction | None:
        """A number that the clinician chose."""
        return exact((part(self.selections, group) if group else self.selections).get(name))

    def listed(self, group: str, name: str) -> tuple[Fraction, ...]:
        """A list of numbers that the clinician chose."""
        found = (part(self.selections, group) if group else self.selections).get(name)
        return tuple(x for x in map(exact, found if isinstance(found, Sequence) and not isinstance(found, str) else ()) if x is not None)


def exact(value: object) -> Fraction | None:
    """A number as JSON or as text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        return None
    try:
        made = Decimal(value)
    except InvalidOperation:
        return None
    return Fraction(made) if made.is_finite() else None
