"""Released versions: a list of what each file said, by hash; what was released never changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from ivig_fhir.content.files import CSV
from ivig_fhir.content.governance import ContentFile
from ivig_fhir.content.hashing import digest_of
from ivig_fhir.content.reading import Table, fault

FOLDER = "releases"
_HEAD = """# What version {version} of the content said, file by file. A released version never changes: content that calls itself {version}
# and says something else does not load.
"""


@dataclass(frozen=True, slots=True)
class Released:
    """One file as it was released: the version it named itself, and the hash of what it said."""

    version: str
    hash: str


@dataclass(frozen=True)
class Release:
    """A released version of the content: when, and every file of it."""

    version: str
    released_on: str
    files: Mapping[str, Released]

    @property
    def digest(self) -> str:
        """The digest of the whole, as `Content.digest`."""
        return digest_of({name: file.hash for name, file in self.files.items()})


def name_of(version: str) -> str:
    """Where the list of a version lies in the content folder."""
    return f"{FOLDER}/{version}.toml"


def read_release(data: Mapping[str, Any], file: str) -> Release:
    """A release from its parsed list. ContentError where the list does not fit its own digest: it was changed."""
    row = Table(data, file)
    files = row.table("files")
    made = {}
    for name in files.names():
        entry = files.table(name)
        made[name] = Released(entry.text("version"), entry.text("hash"))
    release = Release(row.text("version"), row.text("released_on"), MappingProxyType(made))
    if row.text("digest") != release.digest:
        raise fault(file, "digest", "does not fit the files that the list names, so the list was changed")
    row.end()
    return release


def release_of(version: str, files: Mapping[str, ContentFile], released_on: str) -> Release:
    """The release that the content as it is would make; `released_on` is a date."""
    made = {name: Released(file.governance.version, file.hash) for name, file in sorted(files.items())}
    return Release(version, released_on, MappingProxyType(made))


def as_toml(release: Release) -> str:
    """The list as it is kept in the content folder."""
    head = _HEAD.format(version=release.version)
    lines = [f'version = "{release.version}"', f'released_on = "{release.released_on}"', f'digest = "{release.digest}"', "", "[files]"]
    lines += [f'"{name}" = {{ version = "{file.version}", hash = "{file.hash}" }}' for name, file in release.files.items()]
    return head + "\n".join(lines) + "\n"


def differences(release: Release, files: Mapping[str, ContentFile]) -> tuple[str, ...]:
    """The files that say something else than was released, are gone, or are new."""
    names = sorted(release.files.keys() | files.keys())
    return tuple(n for n in names if n not in files or n not in release.files or files[n].hash != release.files[n].hash)


def refuse_changed(release: Release, files: Mapping[str, ContentFile]) -> None:
    """ContentError when content that calls itself this version says something else than was released."""
    changed = differences(release, files)
    if changed:
        others = f" and {len(changed) - 1} more" if changed[1:] else ""
        said = f"is {release.version}, which was released and never changes, but {changed[0]}{others} differs; raise the version"
        raise fault("release.toml", "version", said)


def unraised(release: Release, files: Mapping[str, ContentFile], version: str) -> tuple[str, ...]:
    """The files that changed or came since a release and do not name `version`, the one that is being made.

    A value set names the version of its codes instead: that must not be the one it had.
    """
    changed = [name for name in differences(release, files) if name in files]
    return tuple(name for name in changed if not _is_raised(files[name].governance.version, release.files.get(name), name, version))


def _is_raised(own: str, before: Released | None, name: str, version: str) -> bool:
    if name.endswith(CSV):
        return before is None or own != before.version
    return own == version
