"""Takes a million random orders through both calculations, plants mistakes into the first, and writes docs/generated/recompute.md; 1 on a fault.

Usage: python scripts/recompute.py [--orders 1000000]

Resumable: after every thousand seeds the count is kept in var/recompute.json, and the next run goes on from there, as long as neither the engine nor
the content nor the generator has changed. Order n is made from seed n, so that every line of the page can be had again.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from tests.a_planted_mistake import MISTAKES, ORDERS, caught  # noqa: E402 - found once the root is on the path
from tests.a_second_look import Figures, count, look  # noqa: E402 - found once the root is on the path

STATE, REPORT = ROOT / "var" / "recompute.json", ROOT / "docs" / "generated" / "recompute.md"
CHUNK = 1000
JUDGED = ("ivig_fhir/chart", "ivig_fhir/content", "ivig_fhir/fhir", "ivig_fhir/order/recompute", "ivig_fhir/proposal", "order_sets")
APART = ("course.toml", "dispense.toml", "infusion_sheet.toml", "releases")  # what follows a verified order; neither calculation reads it
WITH = ("tests/a_planted_mistake.py", "tests/a_raw_patient.py", "tests/a_second_look.py")
KINDS = {"indication": "Indication", "product": "Product", "policy": "Weight policy", "unit": "Unit of the weight", "rounding": "Rounding"}
HEAD = """# The second calculation, on random orders

Made by `python scripts/recompute.py` (part of `make proof`; `tests/a_raw_patient.py`, `tests/a_second_look.py`). Each order is a random patient as raw
FHIR, with weights in several units among look-alikes, and a random choice of order set, regimen, product, policy, rounding, vials, rate and dates. It
goes through the first engine to the MedicationRequest as it is written, and from its JSON and the raw record through the second calculation. An
order agrees when no line disagrees, or only those in which both forbid it.

"""


def main() -> int:
    """Goes on from where it stopped, to so many orders."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orders", type=int, default=1_000_000, help="orders that are compared")
    wanted = parser.parse_args().orders
    state = kept()
    if not state["mistakes"]:
        state["mistakes"] = mistakes()
        keep(state)
    processes = os.cpu_count() or 1
    with ProcessPoolExecutor(processes) as pool:
        while state["seen"].get("orders", 0) < wanted and not state["faults"]:
            for found in pool.map(chunk, [state["next"] + n * CHUNK for n in range(processes)]):
                add(state, found)
            keep(state)
    write(state)
    missed = [what for what, found in state["mistakes"].items() if found is None]
    for fault in (*state["faults"], *missed):
        print(fault)
    return 1 if state["faults"] or missed else 0


def engine() -> str:
    """A digest of everything that decides what an order comes to."""
    found_in = (p for folder in JUDGED for p in sorted((ROOT / folder).rglob("*")) if p.suffix in (".py", ".toml", ".csv", ".json"))
    files = [p for p in found_in if not set(APART) & set(p.relative_to(ROOT).parts)]
    found = hashlib.sha256()
    for path in (*files, *(ROOT / name for name in WITH)):
        found.update(path.relative_to(ROOT).as_posix().encode() + path.read_bytes())
    return found.hexdigest()


def kept() -> dict[str, Any]:
    """The count so far; a fresh one when something changed."""
    fresh: dict[str, Any] = {"engine": engine(), "next": 0, "seen": {}, "fields": {}, "faults": [], "mistakes": {}}
    held: dict[str, Any] = json.loads(STATE.read_text(encoding="utf-8")) if STATE.is_file() else fresh
    return held if held["engine"] == fresh["engine"] else fresh


def keep(state: dict[str, Any]) -> None:
    """Keeps the count."""
    STATE.parent.mkdir(exist_ok=True)
    STATE.write_text(json.dumps(state), encoding="utf-8")


def chunk(start: int) -> dict[str, Any]:
    """A thousand seeds from this one, counted; a disagreement is kept with its seed."""
    figures, faults = Figures(Counter(), Counter()), []
    for seed in range(start, start + CHUNK):
        found = look(seed, figures)
        if found is None:
            continue
        count(found, figures)
        faults += [f"seed {seed}: {x.what}: {x.ordered} / {x.recomputed}" for x in found.against]
        faults += [f"seed {seed}: not forbidden: {what}" for what in found.missed]
        figures.seen["both forbid"] += bool(found.forbidden)
        figures.seen["agree"] += not found.against and not found.missed
    return {"seen": dict(figures.seen), "fields": dict(figures.fields), "faults": faults}


def add(state: dict[str, Any], found: dict[str, Any]) -> None:
    """Adds the next thousand to the count."""
    for name in ("seen", "fields"):
        state[name] = dict(Counter(state[name]) + Counter(found[name]))
    state |= {"next": state["next"] + CHUNK, "faults": [*state["faults"], *found["faults"]]}


def mistakes() -> dict[str, Any]:
    """Each planted mistake with the number of orders until it was caught, the fields that caught it, and what the first of them says."""
    found = {m.what: caught(m) for m in MISTAKES}
    return {what: None if c is None else [c.orders, c.fields, c.says] for what, c in found.items()}


def write(state: dict[str, Any]) -> None:
    """The page."""
    seen, fields = state["seen"], state["fields"]
    compared = sum(fields.values())
    none = sum(n for name, n in seen.items() if name.startswith(("refused", "no dose", "no rate")))
    lines = [
        HEAD,
        "| | |\n|---|---|",
        f"| orders compared | {seen.get('orders', 0):,} |",
        f"| agreed | {seen.get('agree', 0):,} |",
        f"| of these, forbidden by both | {seen.get('both forbid', 0):,} |",
        f"| values compared | {compared:,} |",
        f"| seeds | 0 to {state['next'] - 1:,} |",
        f"| seeds of which the first engine makes no order (no weight, no rate table, choices that contradict each other) | {none:,} |",
        f"| engine, content and generator | sha256:{state['engine'][:16]} |",
        "",
        *table("Values compared", fields),
    ]
    for kind, title in KINDS.items():
        lines += table(f"Orders by: {title}", {k.removeprefix(kind + " "): n for k, n in seen.items() if k.startswith(kind + " ")})
    REPORT.write_text("\n".join(lines) + planted(state["mistakes"]), encoding="utf-8")


def table(title: str, counted: dict[str, int]) -> list[str]:
    """A table of counts, by name."""
    return [f"## {title}\n\n| | |\n|---|---|", *(f"| {name} | {n:,} |" for name, n in sorted(counted.items())), ""]


def planted(found: dict[str, Any]) -> str:
    """What became of the planted mistakes."""
    caught_ = sum(1 for c in found.values() if c is not None)
    rows = "\n".join(
        f"| {what} | not caught | | |" if c is None else f"| {what} | {c[0]} | {', '.join(c[1])} | {c[2]} |" for what, c in found.items()
    )
    return f"""
## Mistakes planted into the first calculation

{len(found)} mistakes, {caught_} caught: one thing of the first engine was changed (a constant, a rounding, a choice, a factor, a row of the content as it
reads it), and orders 0, 1, 2... were compared until one disagreed, {ORDERS:,} at most. An order that could not be made at all did not count.

| mistake | order that showed it | fields | ordered / recalculated |
|---|---|---|---|
{rows}
"""


if __name__ == "__main__":
    sys.exit(main())
