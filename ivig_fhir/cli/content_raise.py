"""`ivig-fhir content raise`: every file that changed since the last release gets the version that is being made."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from ivig_fhir.cli.inputs import moment
from ivig_fhir.cli.versions import latest_release
from ivig_fhir.content.files import CSV
from ivig_fhir.content.load import parse_content, read_folder
from ivig_fhir.content.releases import name_of, unraised
from ivig_fhir.content.site import Site
from ivig_fhir.errors import ContentError
from ivig_fhir.settings import Settings

_TOML_LINE, _CSV_LINE = re.compile(r'^version = ".*"$', re.M), re.compile(r"^# version: .*$", re.M)


def register(parts: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the part and its options."""
    raising = parts.add_parser("raise", help="give changed files the version of release.toml", description=__doc__)
    raising.add_argument("--now", metavar="WHEN", help="the day that changed value sets get as their version; default today")
    raising.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Rewrites one line of each file. ContentError when the version in release.toml was released before."""
    folder = Settings.from_env().content
    content, before = parse_content(read_folder(folder)), latest_release(folder)
    if (folder / name_of(content.version)).exists():
        raise ContentError(said=f"{content.version} was released before. Raise the version in release.toml first.")
    today = moment(arguments.now, Site()).date().isoformat()
    names = unraised(before, content.files, content.version) if before else ()
    for name in names:
        _raise(folder / name, today if name.endswith(CSV) else content.version)
    print(f"{len(names)} files raised to {content.version}")
    return 0


def _raise(path: Path, version: str) -> None:
    line, said = (_CSV_LINE, f"# version: {version}") if path.suffix == CSV else (_TOML_LINE, f'version = "{version}"')
    path.write_text(line.sub(said, path.read_text(encoding="utf-8"), count=1), encoding="utf-8")
