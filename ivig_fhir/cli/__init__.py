"""The terminal: `ivig-fhir <command>`; data on standard output, errors as one line on standard error."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from ivig_fhir.cli import content, deliver, demo, doctor, keys, maintenance, propose, sandbox, smoke
from ivig_fhir.errors import IvigError, UsageError

COMMANDS = (propose, doctor, smoke, content, demo, sandbox, deliver, maintenance, keys)
FAILED, USAGE = 1, 2


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command. 0 success, 2 wrong usage or configuration, 1 anything else; `propose` has codes of its own."""
    parser = argparse.ArgumentParser(prog="ivig-fhir", description="IVIG orders on FHIR, from the chart to a verified order.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    for module in COMMANDS:
        module.register(commands)
    arguments = parser.parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except UsageError as error:
        return _say(error, USAGE)
    except IvigError as error:
        return _say(error, FAILED)
    except BrokenPipeError:
        return FAILED
    except KeyboardInterrupt:
        return FAILED


def _say(error: IvigError, code: int) -> int:
    message = error.detail or error.message
    print(f"ivig-fhir: {error.code} {error.message if error.message not in message else ''} {message}".replace("  ", " "), file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
