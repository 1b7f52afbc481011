"""Versions of the content as commands name them: a folder, an archive, or the number of a release."""

from __future__ import annotations

import zipfile
from pathlib import Path

from ivig_fhir.content.files import parse_toml
from ivig_fhir.content.load import read_folder
from ivig_fhir.content.releases import FOLDER, Release, read_release
from ivig_fhir.errors import ContentError, SelectionError

ARCHIVE = ".zip"


def texts_of(version: str, content: Path) -> dict[str, str]:
    """The files of a version: `version` is a folder, a release's archive, or the number of a release that lies in `content`.

    SelectionError for a version that there is not, ContentError for a folder or an archive that holds no clinical content.
    """
    path = Path(version)
    if version and path.is_dir():
        found = read_folder(path)
    elif path.is_file():
        found = _unpacked(path)
    elif (kept := content / FOLDER / f"{version}{ARCHIVE}").is_file():
        found = _unpacked(kept)
    else:
        known = ", ".join(releases(content)) or "none"
        raise SelectionError(said=f"“{version}” is neither a folder, nor an archive, nor a release; released here: {known}.")
    if "release.toml" not in found:
        raise ContentError(said=f"{version} holds no clinical content: release.toml is missing.")
    return {name: text for name, text in found.items() if not name.startswith(f"{FOLDER}/")}


def pack(texts: dict[str, str], path: Path) -> None:
    """Writes the archive of a release: the same files give the same bytes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(n for n in texts if not n.startswith(f"{FOLDER}/")):
            archive.writestr(zipfile.ZipInfo(name), texts[name], zipfile.ZIP_DEFLATED)


def releases(content: Path) -> list[str]:
    """The versions that lie beside the content, oldest first."""
    return sorted((p.stem for p in (content / FOLDER).glob("*.toml")), key=_order)


def latest_release(content: Path) -> Release | None:
    """The newest release that lies beside the content."""
    known = releases(content)
    if not known:
        return None
    name = f"{FOLDER}/{known[-1]}.toml"
    return read_release(parse_toml((content / name).read_text(encoding="utf-8"), name), name)


def _order(version: str) -> tuple[tuple[int, str], ...]:
    """2026.9.0 comes before 2026.11.0."""
    return tuple((int(part), "") if part.isdigit() else (0, part) for part in version.split("."))


def _unpacked(path: Path) -> dict[str, str]:
    try:
        with zipfile.ZipFile(path) as archive:
            return {name: archive.read(name).decode("utf-8") for name in archive.namelist() if not name.endswith("/")}
    except (zipfile.BadZipFile, UnicodeDecodeError, OSError) as error:
        raise ContentError(said=f"{path} is not an archive of clinical content.") from error
