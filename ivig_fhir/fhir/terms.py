"""Terms: words that stand for a meaning, looked for as whole words in what people wrote, whatever the letter case."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Term:
    """Words in lower case, and on which sides they have to end as words do."""

    body: str
    left: bool = True
    right: bool = True

    @staticmethod
    def whole(written: str) -> Term:
        """Whole words; a star at an end drops the word boundary there."""
        body = written.lower()
        return Term(body.strip("*"), not body.startswith("*"), not body.endswith("*"))

    @staticmethod
    def beginning(written: str) -> Term:
        """The beginning of a word, as words that exclude are written."""
        return Term(written.lower(), right=False)

    def stands_in(self, lowered: str) -> bool:
        """Whether the term stands anywhere in a text that is in lower case already."""
        at = lowered.find(self.body)
        while at >= 0:
            if self.stands_at(lowered, at):
                return True
            at = lowered.find(self.body, at + 1)
        return False

    def stands_at(self, lowered: str, at: int) -> bool:
        """Whether the term stands at this place."""
        end = at + len(self.body)
        if not lowered.startswith(self.body, at) or (self.left and at and is_letter(lowered[at - 1])):
            return False
        return not (self.right and end < len(lowered) and is_letter(lowered[end]))


def is_letter(character: str) -> bool:
    """Whether a character belongs to a word."""
    return character.isalnum() or character == "_"
