"""`ivig-fhir deliver`: settles what the outbox holds, by a token that still lives or by the app's own credentials."""

from __future__ import annotations

import argparse
import json
import time
from typing import TYPE_CHECKING, Any

from ivig_fhir.settings import Settings

if TYPE_CHECKING:
    from ivig_fhir.store.outbox import Delivery
    from ivig_fhir.workflow.deliver import Delivered
    from ivig_fhir.workflow.runtime import Runtime

FOR_A_PERSON = 3
_EPILOG = """Exit codes: 0 nothing waits for a person (also where another deliver is at work: one is enough), 3 something does,
2 wrong usage or configuration, 1 anything else. An order is looked for by its identifier before it is sent; one whose fate is unknown
is never sent blindly, and one that was approved too long ago (IVIG_UNSENT_HOURS), or whose first day is over, is not sent at all."""


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command and its options."""
    parser = commands.add_parser("deliver", help="settle what has not reached the EHR", description=__doc__, epilog=_EPILOG)
    parser.add_argument("--every", type=_minutes, metavar="MINUTES", help="go on until interrupted, with this pause; without it, once")
    parser.add_argument("--format", choices=("text", "json"), default="text")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """One line for each thing that was due, then what still waits; with `--every` again and again."""
    from ivig_fhir.app import create_runtime  # the store and the web's half are not loaded for the other commands
    from ivig_fhir.store.one_worker import only_worker

    runtime = create_runtime(Settings.from_env())
    with only_worker(runtime.database) as alone:
        if not alone:
            _say(arguments.format, {"outcome": "elsewhere"}, "Another deliver is at work; nothing was done here.")
            return 0
        code = _once(runtime, arguments.format)
        while arguments.every:
            time.sleep(60 * arguments.every)
            code = _once(runtime, arguments.format)
    return code


def _once(runtime: Runtime, form: str) -> int:
    """One pass over the outbox; 3 where something waits for a person afterwards."""
    from ivig_fhir.store import outbox
    from ivig_fhir.workflow.deliver import app_bearers, deliver_due

    done = 0
    for result in deliver_due(runtime, app_bearers(runtime)):
        done += 1
        _say(form, _result(result), _line(result))
    with runtime.database.read() as tx:
        left = outbox.waiting(tx)
    for_a_person = [item for item in left if item.state != "waiting"]
    for item in for_a_person:
        _say(form, _item(item), f"{item.run}  {item.kind}  {item.state}  {item.tenancy}  {item.error}".rstrip())
    counts = {"tried": done, "waiting": len(left) - len(for_a_person), "for_a_person": len(for_a_person)}
    _say(form, counts, f"{done} tried; {counts['waiting']} still waiting; {len(for_a_person)} for a person to look at")
    return FOR_A_PERSON if for_a_person else 0


def _line(result: Delivered) -> str:
    parts = (result.item.run, result.item.kind, result.outcome, result.state, str(result.item.tenancy), result.by, result.said)
    return "  ".join(part for part in parts if part)


def _result(result: Delivered) -> dict[str, Any]:
    return {**_item(result.item), "outcome": result.outcome, "state": result.state, "by": result.by, "said": result.said}


def _item(item: Delivery) -> dict[str, Any]:
    """Ids and states; nothing of the patient, whose id is not printed either."""
    due = item.due.isoformat() if item.due else None
    where = {"iss": item.tenancy.iss, "tenant": item.tenancy.tenant}
    return {"run": item.run, "kind": item.kind, **where, "outcome": item.state, "attempts": item.attempts, "due": due, "error": item.error}


def _say(form: str, data: dict[str, Any], line: str) -> None:
    """A line of text, or of JSON: each stands by itself, so that a log can be read while it grows."""
    print(json.dumps(data) if form == "json" else line, flush=True)


def _minutes(text: str) -> int:
    value = int(text) if text.isdecimal() else 0
    if not 1 <= value <= 60:
        raise argparse.ArgumentTypeError("a whole number of minutes, 1 to 60")
    return value
