"""ServerProfile: what a server is known to do, as data with its evidence; and how an order can be written to it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from ivig_fhir.ehr.capability import Capabilities
from ivig_fhir.errors import SettingsError
from ivig_fhir.order.bundle import Abilities

FOLDER = Path(__file__).resolve().parent / "server_profiles"
Mode = Literal["transaction", "sequential", "hand-off", "read-only"]
Declared = Literal["declared", "yes", "no"]
# What the app writes; each is left out where it cannot be created, except the order itself.
ORDER = "MedicationRequest"
WRITTEN = (ORDER, "ServiceRequest", "DetectedIssue", "RequestGroup", "Provenance", "Task")
_IDENTIFIED = frozenset(WRITTEN) - {"Provenance"}  # in R4 a Provenance has no identifier


@dataclass(frozen=True, slots=True)
class ServerProfile:
    """What is known of one kind of server, beyond or against what it declares.

    software: what such a server calls itself, in small letters. page_size: `_count` to ask for, 0 for none. patient_forms: how a search
    names the patient, in order (bare, typed); the next form is tried where one finds nothing. conditional_limit: most entries of a
    transaction with conditions, 0 for no limit. atomic: a failed transaction leaves nothing. transaction, found_by_identifier: yes, no,
    or as declared. never_created: types it refuses whatever it declares. `evidence` says for each where it is known from.
    """

    name: str
    title: str
    software: tuple[str, ...]
    page_size: int
    patient_forms: tuple[str, ...]
    conditional_limit: int
    atomic: bool
    transaction: Declared
    never_created: frozenset[str]
    found_by_identifier: Declared
    evidence: Mapping[str, str]


@dataclass(frozen=True)
class WriteMode:
    """How an order is written here, and the sentence that says why; shown before anybody approves.

    `abilities` are the types that can be created and those that can be found by identifier: what the transaction is made of.
    """

    mode: Mode
    reason: str
    abilities: Abilities
    atomic: bool = True

    @property
    def writes(self) -> bool:
        """Whether anything is written to the EHR at all."""
        return self.mode in ("transaction", "sequential")


_KEYS: dict[str, tuple[type, ...]] = {
    "software": (list,),
    "page_size": (int,),
    "patient_forms": (list,),
    "conditional_limit": (int,),
    "atomic": (bool,),
    "transaction": (str,),
    "never_created": (list,),
    "found_by_identifier": (str,),
}
_COLLECTIONS = {"software": tuple, "patient_forms": tuple, "never_created": frozenset}


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
    for key, kinds in _KEYS.items():
        line = raw[key]
        if not isinstance(line, dict) or set(line) != {"value", "evidence"} or not line["evidence"] or type(line["value"]) not in kinds:
            raise SettingsError(f"In the server profile {name}, {key} must have a value and its evidence.")
    value = {key: raw[key]["value"] for key in _KEYS}
    if not set(value["patient_forms"]) <= {"bare", "typed"} or not value["patient_forms"]:
        raise SettingsError(f"In the server profile {name}, patient_forms are bare or typed.")
    if {value["transaction"], value["found_by_identifier"]} - {"declared", "yes", "no"}:
        raise SettingsError(f"In the server profile {name}, a choice must be declared, yes or no.")
    return ServerProfile(
        name=name,
        title=raw["title"],
        evidence={key: raw[key]["evidence"] for key in _KEYS},
        **value | {key: kind(value[key]) for key, kind in _COLLECTIONS.items()},
    )


def write_mode(capabilities: Capabilities, granted: Mapping[tuple[str, str], str], known: ServerProfile) -> WriteMode:
    """How an order can be written: by what the server declares, what it is known to do, and what was granted.

    `granted` maps (type, letter of c r u d s) to yes, no or partial; what is missing is no. A partial grant to create is not relied on.
    """
    if not capabilities.known:
        return WriteMode("read-only", f"{capabilities.said} Nothing is written.", Abilities(frozenset(), frozenset()))
    offered = frozenset(t for t in WRITTEN if capabilities.can(t, "create") and t not in known.never_created)
    creates = frozenset(t for t in offered if granted.get((t, "c")) == "yes")
    abilities = Abilities(creates, _found(capabilities, known) & creates)
    if ORDER not in creates:
        why = "gave this app no right to create orders" if ORDER in offered else "does not let apps create orders"
        mode: Mode = "hand-off" if creates else "read-only"
        return WriteMode(mode, f"The EHR {why} ({ORDER}): the order is handed over as text.", abilities, known.atomic)
    left_out = [t for t in WRITTEN if t not in creates]
    note = f" Not stored in the EHR: {', '.join(left_out)}." if left_out else ""
    if granted.get((ORDER, "r")) != "yes":
        note += " What was stored cannot be read back."
    whole = known.transaction == "yes" or (known.transaction == "declared" and capabilities.transaction)
    if whole and not known.conditional_limit:
        return WriteMode("transaction", f"Everything is stored in one transaction.{note}", abilities, known.atomic)
    why = "limits its transactions" if whole else "takes no transactions"
    return WriteMode("sequential", f"The EHR {why}: the order is stored first, then its parts one by one.{note}", abilities, False)


def _found(capabilities: Capabilities, known: ServerProfile) -> frozenset[str]:
    if known.found_by_identifier == "no":
        return frozenset()
    if known.found_by_identifier == "yes":
        return _IDENTIFIED
    declared = (t for t in _IDENTIFIED if capabilities.type(t).conditional_create and capabilities.searches(t, "identifier"))
    return frozenset(declared)
