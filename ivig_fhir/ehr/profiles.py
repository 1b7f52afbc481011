"""ServerProfile: what a kind of server is known to do beyond what it declares, as data, each line with its evidence."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

from ivig_fhir.errors import SettingsError

FOLDER = Path(__file__).resolve().parent / "server_profiles"
Declared = Literal["declared", "yes", "no"]
Unknown = Literal["refused", "named", "ignored", "unseen"]
# How an evidence begins: a line that was not seen has the value that any server gets.
GROUNDS = ("Seen", "Declared", "Documented", "Specified", "Chosen", "Not seen")


@dataclass(frozen=True, slots=True)
class ServerProfile:
    """What is known of one kind of server, beyond or against what it declares.

    software: what such a server calls itself, in small letters.
    Reading. page_size: `_count` to ask for, 0 for none. patient_forms: how a search names the patient, in order (bare, typed); the next
    form is tried where one finds nothing. left_out: parameters that are never sent. also_asked: (type, parameter, value) that a search
    must carry which names the patient alone; the value leaves nothing out. scopes: what a launch must ask for beside SMART's own.
    unknown_parameters: what becomes of a parameter that it does not know.
    Writing. conditional_limit: most entries of a transaction with conditions, 0 for no limit. atomic: a failed transaction leaves
    nothing. transaction, found_by_identifier: yes, no, or as declared. never_created: types it refuses whatever it declares.
    reported_only: types whose create records what a patient is said to take, and orders nothing.
    `evidence` says for each where it is known from.
    """

    name: str
    title: str
    software: tuple[str, ...]
    page_size: int
    patient_forms: tuple[str, ...]
    left_out: frozenset[str]
    also_asked: tuple[tuple[str, str, str], ...]
    scopes: tuple[str, ...]
    unknown_parameters: Unknown
    conditional_limit: int
    atomic: bool
    transaction: Declared
    never_created: frozenset[str]
    reported_only: frozenset[str]
    found_by_identifier: Declared
    evidence: Mapping[str, str]

    def required(self, type_: str) -> tuple[tuple[str, str], ...]:
        """The parameters that a search of a type must carry where it would name the patient alone."""
        return tuple((name, value) for asked, name, value in self.also_asked if asked == type_)


_KEYS: dict[str, type] = {
    "software": list,
    "page_size": int,
    "patient_forms": list,
    "left_out": list,
    "also_asked": list,
    "scopes": list,
    "unknown_parameters": str,
    "conditional_limit": int,
    "atomic": bool,
    "transaction": str,
    "never_created": list,
    "reported_only": list,
    "found_by_identifier": str,
}
_SETS = ("left_out", "never_created", "reported_only")
_CHOICES = {"transaction": Declared, "found_by_identifier": Declared, "unknown_parameters": Unknown}


@cache
def profile(name: str) -> ServerProfile:
    """The profile of a name. SettingsError when there is none, or when its file is not complete and evidenced."""
    file = FOLDER / f"{name}.toml"
    if name not in names():
        raise SettingsError(f"{name[:40]} is not a server profile; there are {', '.join(names())}.")
    with file.open("rb") as stream:
        raw = tomllib.load(stream)
    return _profile(name, raw)


def names() -> tuple[str, ...]:
    """The names of all profiles."""
    return tuple(sorted(f.stem for f in FOLDER.glob("*.toml")))


def recognised(software: str) -> str | None:
    """The name of the profile of a server that calls itself so; None for one of which nothing is known."""
    called = software.lower()
    return next((name for name in names() if any(said in called for said in profile(name).software)), None)


def _profile(name: str, raw: Mapping[str, Any]) -> ServerProfile:
    if raw.get("name") != name or set(raw) != {"name", "title", *_KEYS}:
        raise SettingsError(f"The server profile {name} must have exactly the keys name, title, {', '.join(_KEYS)}.")
    for key, kind in _KEYS.items():
        line = raw[key]
        if not isinstance(line, dict) or set(line) != {"value", "evidence"} or type(line["value"]) is not kind:
            raise SettingsError(f"In the server profile {name}, {key} must have a value and its evidence.")
        if not str(line["evidence"]).startswith(GROUNDS):
            raise SettingsError(f"In the server profile {name}, the evidence of {key} must begin with {', '.join(GROUNDS)}.")
    value = {key: raw[key]["value"] for key in _KEYS}
    for key, choice in _CHOICES.items():
        if value[key] not in get_args(choice):
            raise SettingsError(f"In the server profile {name}, {key} must be {', '.join(get_args(choice))}.")
    if not value["patient_forms"] or not set(value["patient_forms"]) <= {"bare", "typed"}:
        raise SettingsError(f"In the server profile {name}, patient_forms are bare or typed.")
    return ServerProfile(name=name, title=raw["title"], evidence={key: raw[key]["evidence"] for key in _KEYS}, **_frozen(name, value))


def _frozen(name: str, value: dict[str, Any]) -> dict[str, Any]:
    """The values of a file as they stand in a profile: lists that cannot change, what is also asked taken apart."""
    lists = {key: frozenset(v) if key in _SETS else tuple(v) for key, v in value.items() if isinstance(v, list)}
    parts = [asked.replace("=", "?", 1).split("?") for asked in value["also_asked"]]
    if any(len(p) != 3 for p in parts):
        raise SettingsError(f"In the server profile {name}, also_asked is written Type?parameter=value.")
    return value | lists | {"also_asked": tuple((p[0], p[1], p[2]) for p in parts)}
