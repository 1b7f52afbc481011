"""Actions: what the program itself can do about a finding in one press; a closed list, chosen for each check in its content entry."""

from __future__ import annotations

from dataclasses import dataclass

ADD, LEAVE_OUT = "add", "leave-out"  # a companion order
CAP, SPLIT = "cap", "split"  # the rate, the days
# What is offered only where the rule itself is then no longer true, or less grave: other days, another product, the dose of the regimen,
# no diluent, the product's own rate steps.
CHANGES = ("days", "product", "regimen", "undiluted", "steps")
KINDS = ("add-medication", "add-lab", "add-monitoring", "add-nursing", "add-education", LEAVE_OUT, CAP, SPLIT, *CHANGES)


@dataclass(frozen=True, slots=True)
class Action:
    """One thing to do: its kind; the companion that it adds or leaves out; for a split, over how many days at the least."""

    kind: str
    companion: str = ""
    days: int = 0

    @property
    def id(self) -> str:
        """The action within its check: `add.hydration-before`, `cap`."""
        return f"{self.kind}.{self.companion}" if self.companion else self.kind


@dataclass(frozen=True, slots=True)
class ActionWords:
    """The words of an action: on its button, and once it is done; the code of HL7 v3 ActCode under which it is then written."""

    code: str
    offer: str
    done: str
