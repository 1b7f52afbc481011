"""`python -m ivig_fhir.sandbox`: the sandbox EHR as a process of its own."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ivig_fhir.sandbox.cast import read
from ivig_fhir.sandbox.codec import encode
from ivig_fhir.sandbox.server import bind
from ivig_fhir.sandbox.settings import CAST, SandboxSettings


def main(arguments: Sequence[str] | None = None) -> int:
    """Serves until it is interrupted; 2 when the address cannot be had or the cast cannot be read."""
    asked = _parser().parse_args(arguments)
    if asked.chart:
        return _print_chart(asked.cast, asked.chart)
    base = asked.base or f"http://{asked.host}:{asked.port}"
    settings = SandboxSettings(base.rstrip("/"), asked.app.rstrip("/"), asked.db, asked.cast)
    try:
        server = bind(settings, asked.host, asked.port)
    except (OSError, ValueError) as error:
        print(f"The sandbox EHR cannot start: {error}", file=sys.stderr)
        return 2
    print(f"Sandbox EHR on {base}/ehr (synthetic patients, for demonstration)", flush=True)
    signal.signal(signal.SIGTERM, _stop)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        server.server_close()
    return 0


def _print_chart(folder: Path, id_: str) -> int:
    """One member of the cast as a Bundle, dates as of now; 2 for one who is not in the cast."""
    try:
        found = {one.id: one for one in read(folder, datetime.now(UTC))}
    except ValueError as error:
        print(f"The cast cannot be read: {error}", file=sys.stderr)
        return 2
    if id_ not in found:
        print(f"There is no patient {id_[:40]} in the cast; there are {', '.join(found)}.", file=sys.stderr)
        return 2
    print(encode(found[id_].bundle))
    return 0


def _stop(number: int, frame: Any) -> None:
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ivig_fhir.sandbox", description="An EHR in a box, for demonstration and tests.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=5001, help="port to listen on")
    parser.add_argument("--base", help="address under which it is reached, when that is another")
    parser.add_argument("--app", default="http://127.0.0.1:5000", help="address of the app that its buttons launch")
    parser.add_argument("--db", default="var/sandbox.sqlite", help="SQLite file, or :memory:")
    parser.add_argument("--cast", type=Path, default=CAST, help="folder of the patients that are there at the start")
    parser.add_argument("--chart", metavar="ID", help="print the chart of one of these patients as of today, and end")
    return parser


if __name__ == "__main__":
    sys.exit(main())
