"""Writes docs/generated/peers.md: the same journey on FHIR servers that nobody here wrote, and what differs between them.

Usage: python scripts/peers_page.py      (starts one server after the other; one that cannot be had here leaves the page as it is)
"""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from peers import a_hapi, a_medplum, a_sekmet  # noqa: E402 - found once the tests are on the path
from peers.a_journey import STEPS, Step, walked  # noqa: E402
from peers.a_peer import Peer  # noqa: E402
from peers.a_place import place  # noqa: E402
from peers.a_probe import PROBES, probed  # noqa: E402

from ivig_fhir.content.document import Block, Document, Grid, Heading, Sentence, as_markdown  # noqa: E402

PAGE = ROOT / "docs" / "generated" / "peers.md"
SHARED = Path(os.environ.get("SHARED_DATA") or ROOT.parent / "shared")
MEANS = (
    (
        "HAPI answers an equal search from a cache for a minute.",
        "Whoever looks for an order asks past the cache, so an order whose answer was lost is found although a search said “none” seconds before.",
    ),
    (
        "HAPI says 409 to an update over a version that is gone, the others 412.",
        "Both are “the order changed in the EHR since you opened it”, and nothing is written.",
    ),
    (
        "sekmet declares neither DetectedIssue nor RequestGroup.",
        "Both are left out, and the prescriber is told so before the approval; dose, rate, task and signature are there.",
    ),
    (
        "Medplum's memory repository keeps what a failed transaction stored before it failed.",
        "Nothing is sent to it as a transaction, neither an order nor a decision: the order goes first, and its parts only once it stands.",
    ),
    (
        "Medplum's transactions replace every text that equals a fullUrl, identifiers included.",
        "An order's anchor is such an identifier. One more reason to send it nothing as a transaction: created alone, the anchor stays.",
    ),
    (
        "Medplum finds nothing for patient=<id> and everything for patient=Patient/<id>.",
        "Where the bare id finds nothing, its profile has the app ask in the other form before anything counts as absent.",
    ),
    (
        "Medplum reads numbers as JavaScript does: 0.10 becomes 0.1.",
        "The receipt compares numbers by value and says “same meaning”; grams, rates and weight are the same.",
    ),
    (
        "One by one, an order cannot refer to findings that are not there yet.",
        "Its references to them are left out, and the receipt names that; the findings refer to the order.",
    ),
)


@dataclass(frozen=True)
class Seen:
    """What was seen on one server."""

    peer: Peer
    steps: tuple[Step, ...]
    found: dict[str, Any]
    probes: dict[str, str]


def visit(started: AbstractContextManager[Peer], folder: Path) -> Seen:
    """One server: started, walked, probed, ended."""
    with started as peer, place(peer, folder) as made:
        steps = tuple(walked(made))
        return Seen(peer, steps, made.seen, probed(peer))


def page(seen: list[Seen], today: str) -> str:
    """The page as Markdown."""
    names = tuple(s.peer.name for s in seen)
    steps = [(claim, *(_said(s, id_) for s in seen)) for id_, claim, _ in STEPS]
    parts = [("Mode", *(str(s.found.get("mode", "")) for s in seen)), ("Parts stored", *(_parts(s) for s in seen))]
    parts.append(("Fields that are not the same to the digit", *(_other(s) for s in seen)))
    blocks: list[Block] = [
        Sentence(
            f"Made by “make proof” on {today}, by scripts/peers_page.py: the app over real HTTP on each of these servers, a test prescriber "
            "and a test pharmacist at its pages, and a patient of the sandbox's cast (CIDP, first course; for the lost answer a child of 6)."
        ),
        Heading("The journey"),
        Grid(("step", *names), tuple(steps)),
        Heading("What was written, and what the receipt says of it"),
        Grid(("", *names), tuple(parts)),
        Heading("Where they differ"),
        Sentence("Each asked once, over plain HTTP; a number is the HTTP status that came back."),
        Grid(("", *names), tuple((name, *(s.probes[name] for s in seen)) for name, _ in PROBES)),
        Heading("What the app does about it"),
        Grid(("what differs", "what the app does"), MEANS),
    ]
    return as_markdown(Document("Servers that nobody here wrote", tuple(blocks)))


def _said(seen: Seen, id_: str) -> str:
    step = next(s for s in seen.steps if s.id == id_)
    return step.said if step.held else f"DOES NOT HOLD: {step.said}"


def _parts(seen: Seen) -> str:
    types = [p["type"] for p in seen.found.get("parts", [])]
    return ", ".join(f"{types.count(t)} {t}" for t in dict.fromkeys(types))


def _other(seen: Seen) -> str:
    return ", ".join(f"{x['field']}: {x['result']}" for x in seen.found.get("lines", []) if x["result"] != "same") or "none"


def main() -> int:
    """0 when every step held on every server; 1 when one did not; the page is written only where all of them could be started."""
    missing = [why for why in (a_hapi.missing(SHARED), a_sekmet.missing(), a_medplum.missing()) if why]
    if missing:
        print("docs/generated/peers.md is left as it is:", "; ".join(missing))
        return 0
    seen = []
    with tempfile.TemporaryDirectory(prefix="ivig-peers-") as folder:
        at = {name: Path(folder) / name for name in ("hapi", "sekmet", "medplum")}
        for where in at.values():
            where.mkdir()
        seen.append(visit(a_hapi.hapi(SHARED, at["hapi"] / "log"), at["hapi"]))
        seen.append(visit(a_sekmet.sekmet(at["sekmet"]), at["sekmet"]))
        seen.append(visit(a_medplum.medplum(at["medplum"] / "log"), at["medplum"]))
    PAGE.write_text(page(seen, datetime.now(UTC).date().isoformat()), encoding="utf-8")
    failed = [f"{s.peer.name}: {step.claim}: {step.said}" for s in seen for step in s.steps if not step.held]
    print("\n".join(failed) or f"every step held on {len(seen)} servers")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
