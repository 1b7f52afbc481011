"""Words that are a program to a browser, and a record that is full of them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle
from typing import Any

HOSTILE = (
    "<script>xss()</script>", "<img src=x onerror=xss()>", '"><svg onload=xss()>', "'><b id=xss>", "</title><script>xss()</script>",
    "</textarea><script>xss()</script>", "</option></select><script>xss()</script>", "<a href=javascript:xss()>x</a>", "<!-- xss", "{{1234567*7654321}}",
    "{% raw %}xss", "<iframe srcdoc=xss>", "<base href=//evil.example>", "<meta http-equiv=refresh content=0;xss>", "<style>*{x:xss}</style>",
    "xss\r\nSet-Cookie: xss=1", "<form action=//evil.example><button>Approve order</button></form>", "\u202exss\u2066", "xss\x00\x1b[31m",
)  # fmt: skip
WORDS = {
    "text",
    "display",
    "family",
    "prefix",
    "suffix",
    "diagnostics",
    "div",
    "description",
    "disposition",
    "comment",
    "title",
    "given",
    "line",
}


def planted(value: Any, turn: Iterator[str] | None = None) -> Any:
    """The same JSON with something hostile after every word that people read."""
    turn = turn or cycle(HOSTILE)
    if isinstance(value, list):
        return [planted(item, turn) for item in value]
    if not isinstance(value, dict):
        return value
    made = {}
    for key, item in value.items():
        if key in WORDS and isinstance(item, str):
            made[key] = item + next(turn)
        elif key in WORDS and isinstance(item, list) and all(isinstance(i, str) for i in item):
            made[key] = [i + next(turn) for i in item]
        else:
            made[key] = planted(item, turn)
    return made
