"""The forms of a page, read from its HTML as a browser would fill and send them; no script runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

Pairs = list[tuple[str, str]]


@dataclass
class Button:
    """A button that sends its form: what it says, name and value, and another address where it has one."""

    label: str = ""
    name: str = ""
    value: str = ""
    action: str | None = None
    disabled: bool = False


@dataclass
class Form:
    """One form: where it goes, what it holds before anybody types, its buttons."""

    action: str
    method: str
    target: str
    id: str = ""
    pairs: Pairs = field(default_factory=list)
    buttons: list[Button] = field(default_factory=list)

    def filled(self, button: Button, given: dict[str, str | None]) -> Pairs:
        """What is sent when this button is pressed; a field given as None is not ticked."""
        kept = [(name, value) for name, value in self.pairs if name not in given]
        typed = [(name, value) for name, value in given.items() if value is not None]
        return [*kept, *typed, *([(button.name, button.value)] if button.name else [])]


class Forms(HTMLParser):
    """Every form of a page, the links, the text that a person reads, and what stands in its text areas."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[tuple[str, str]] = []
        self.words: list[str] = []
        self.area = ""
        self._open: Form | None = None
        self._button: Button | None = None
        self._home = ""  # the id of the form that the button sends, where it names one
        self._homes: list[tuple[str, Button]] = []  # of a form that may come later on the page
        self._select: tuple[str, list[tuple[str, bool]]] | None = None
        self._area: tuple[str, list[str]] | None = None
        self._link: tuple[str, list[str]] | None = None
        self._silent = 0
        self.feed(html)
        for home, button in self._homes:
            for form in (f for f in self.forms if f.id == home):
                form.buttons.append(button)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = {name: value or "" for name, value in attrs}
        if tag in ("script", "style", "title", "symbol"):
            self._silent += 1
        elif tag == "form":
            self._open = Form(has.get("action", ""), has.get("method", "get").upper(), has.get("target", ""), has.get("id", ""))
            self.forms.append(self._open)
        elif tag == "a" and "href" in has:
            self._link = (has["href"], [])
        elif self._open is not None and tag == "input":
            self._input(has)
        elif (self._open is not None or "form" in has) and tag == "button":
            self._home = has.get("form", "")
            self._button = Button("", has.get("name", ""), has.get("value", ""), has.get("formaction"), "disabled" in has)
        elif tag == "select":
            self._select = (has.get("name", ""), [])
        elif tag == "option" and self._select is not None:
            self._select[1].append((has.get("value", ""), "selected" in has))
        elif tag == "textarea":
            self._area = (has.get("name", ""), [])

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style", "title", "symbol"):
            self._silent -= 1
        elif tag == "form":
            self._open = None
        elif tag == "a" and self._link is not None:
            self.links.append((" ".join("".join(self._link[1]).split()), self._link[0]))
            self._link = None
        elif tag == "button" and self._button is not None:
            self._button.label = " ".join(self._button.label.split())
            if self._home:
                self._homes.append((self._home, self._button))
            elif self._open is not None:
                self._open.buttons.append(self._button)
            self._button = None
        elif tag == "select" and self._select is not None:
            name, options = self._select
            chosen = next((value for value, selected in options if selected), options[0][0] if options else "")
            if self._open is not None and name:
                self._open.pairs.append((name, chosen))
            self._select = None
        elif tag == "textarea" and self._area is not None:
            self.area += "".join(self._area[1])
            if self._open is not None and self._area[0]:
                self._open.pairs.append((self._area[0], "".join(self._area[1])))
            self._area = None

    def handle_data(self, data: str) -> None:
        if self._silent:
            return
        self.words.append(data)
        for taken in (self._area, self._link):
            if taken is not None:
                taken[1].append(data)
        if self._button is not None:
            self._button.label += data

    def _input(self, has: dict[str, str]) -> None:
        kind = has.get("type", "text")
        if self._open is None or not has.get("name") or "disabled" in has:
            return
        if kind not in ("checkbox", "radio") or "checked" in has:
            self._open.pairs.append((has["name"], has.get("value", "on" if kind == "checkbox" else "")))

    @property
    def text(self) -> str:
        """What a person reads, in one line."""
        return " ".join(" ".join(self.words).split())
