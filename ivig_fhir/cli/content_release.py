"""`ivig-fhir content release`: what the content says now becomes a version that never changes."""

from __future__ import annotations

import argparse

from ivig_fhir.cli.inputs import moment
from ivig_fhir.cli.versions import ARCHIVE, latest_release, pack
from ivig_fhir.content.load import parse_content, read_folder
from ivig_fhir.content.releases import FOLDER, as_toml, name_of, release_of, unraised
from ivig_fhir.content.site import Site
from ivig_fhir.errors import ContentError
from ivig_fhir.settings import Settings


def register(parts: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the part and its options."""
    release = parts.add_parser("release", help="release the version in release.toml, for good", description=__doc__)
    release.add_argument("--now", metavar="WHEN", help="the day of the release; default today")
    release.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Writes the list of hashes and the archive. ContentError when it was released before, or a changed file does not name it."""
    folder = Settings.from_env().content
    texts = read_folder(folder)
    content = parse_content(texts)
    name = folder / name_of(content.version)
    if name.exists():
        raise ContentError(said=f"{content.version} was released before. Raise the version in release.toml.")
    before = latest_release(folder)
    if before and (kept := unraised(before, content.files, content.version)):
        raise ContentError(
            said=f"Changed since {before.version} and not raised to {content.version}: {', '.join(kept)}. Use `content raise`."
        )
    made = release_of(content.version, content.files, moment(arguments.now, Site()).date().isoformat())
    name.parent.mkdir(exist_ok=True)
    pack(texts, folder / FOLDER / f"{content.version}{ARCHIVE}")
    name.write_text(as_toml(made), encoding="utf-8")
    print(f"Released {content.version}: {len(made.files)} files, {made.digest}")
    return 0
