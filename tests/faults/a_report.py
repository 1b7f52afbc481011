"""The page of the fault proof: runs, faults, deaths and checks, by kind and by database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

HEAD = """# Faults survived

Made by `make proof` (`tests/faults`). The app, the sandbox EHR, a proxy that fails on purpose between them, and whatever is killed are processes
of their own; deaths are SIGKILL. A journey is one patient: orders are approved, sent, looked for, verified, asked about, answered, rejected,
withdrawn, and once they run looked at before an infusion, held, gone on with, stopped, completed or taken back, under faults of the network
and of the EHR, with deaths and restarts between and within the steps, and then the faults stop and everything has to settle. After every step both stores are read past the app and the proxy. What has to be true, and was each time:

- an approval that was confirmed to its prescriber is kept;
- what the app says is in the EHR is there, once; what it says is not there is not, unless the network delivered a write after everybody had
  given it up;
- no resource of an order, and no task, is there twice; a Provenance, which has no identifier, only where the network itself delivered twice;
- the EHR's order says what was approved, its status and its tasks' what was decided; a task says that it is suspended while it is held, and only
  then; a hold that somebody ended is ended here and there;
- whatever is uncertain is in the outbox; the audit chain is whole;
- at the end every approved order is verified, or has come to an end, and nothing waits.

"""
# The beginning of a key of the census, and the heading of its table.
PARTS = (
    ("step: ", "Steps", "step"),
    ("fault: ", "Faults that met a request", "fault"),
    ("death: ", "Deaths of the app (SIGKILL)", "where"),
    (
        "deaths at every point: ",
        "A death before and after every commit, every write, and the first eight looks that follow a commit, one journey each",
        "act",
    ),
    ("ended: ", "How the orders ended", "state"),
)


def page(counted: Mapping[str, Counter[str]]) -> str:
    """The page; one column for each database."""
    names = list(counted)
    whole = [(key, key) for key in ("journeys", "checks of both stores")]
    made = [HEAD, _table("all", names, counted, whole)]
    for prefix, title, first in PARTS:
        keys = sorted({key for census in counted.values() for key in census if key.startswith(prefix)})
        made.append(f"\n## {title}\n\n" + _table(first, names, counted, [(key.removeprefix(prefix), key) for key in keys]))
    return "".join(made)


def _table(first: str, names: list[str], counted: Mapping[str, Counter[str]], rows: list[tuple[str, str]]) -> str:
    titles = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
    head = f"| {first} | {' | '.join(titles[n] for n in names)} |\n|---|{'---|' * len(names)}\n"
    return head + "".join(f"| {shown} | {' | '.join(f'{counted[n][key]:,}' for n in names)} |\n" for shown, key in rows)
