"""What commands are given: files, gzip, standard input, the content folder, the site file, the moment."""

from __future__ import annotations

import gzip
import sys
import tomllib
import zlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ivig_fhir.content.load import load_content
from ivig_fhir.content.load_site import load_site, narrowed
from ivig_fhir.content.model import Content
from ivig_fhir.content.site import Site
from ivig_fhir.errors import ChartError, ContentError, SelectionError, SettingsError
from ivig_fhir.fhir.building import MalformedJson, decode
from ivig_fhir.settings import Settings

_GZIP = b"\x1f\x8b"


def read_bytes(path: str) -> bytes:
    """A file's bytes, unzipped; `-` is standard input. OSError as SettingsError, a broken archive as ChartError."""
    try:
        data = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    except OSError as error:
        raise SettingsError(said=f"The file {path} cannot be read.") from error
    if not data.startswith(_GZIP):
        return data
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise ChartError(said=f"The file {path} is a broken gzip archive.") from error


def read_json(path: str, error: type[ChartError] | type[SelectionError]) -> Any:
    """A file's JSON with exact numbers."""
    try:
        return decode(read_bytes(path).removeprefix(b"\xef\xbb\xbf"))
    except MalformedJson as why:
        raise error(said=f"The file {path} is not JSON.") from why


def bearer_token(path: str | None) -> str:
    """The token in a file: as it stands, or the access_token of a token response; "" without a file. SettingsError for what is neither."""
    if path is None:
        return ""
    text = read_bytes(path).decode("utf-8", "replace").strip()
    if text.startswith("{"):
        try:
            text = str(decode(text.encode("utf-8")).get("access_token") or "")
        except MalformedJson:
            text = ""
    if not text.isascii() or not text.isprintable() or " " in text or not text:
        raise SettingsError(said=f"The file {path} holds no bearer token.")
    return text


def content_and_site(site_path: str | None) -> tuple[Content, Site]:
    """The content of the configured folder, and the site file that was named here or in the settings."""
    settings = Settings.from_env()
    content = load_content(settings.content)
    site = site_for(content, settings, site_path)
    return narrowed(content, site), site


def site_for(content: Content, settings: Settings, site_path: str | None) -> Site:
    """The site file that was named here or in the settings, read against a content. ContentError where it does not fit."""
    chosen = site_path or (str(settings.site) if settings.site else None)
    data: dict[str, Any] = {}
    if chosen:
        try:
            data = tomllib.loads(read_bytes(chosen).decode("utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as why:
            raise ContentError(said=f"The site file {chosen} is not TOML.") from why
    return load_site({"timezone": settings.timezone, **data}, content)


def moment(text: str | None, site: Site) -> datetime:
    """`--now`; without an offset it is the site's local time. Without `--now`, the clock."""
    if text is None:
        return datetime.now(UTC).astimezone(site.timezone)
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError as error:
        raise SettingsError(said=f"{text} is not a moment.") from error
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=site.timezone)
