"""Settings: frozen, read once from the environment, loud on anything unknown, safe to print."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ivig_fhir.errors import SettingsError

PROJECT = Path(__file__).resolve().parent.parent
PREFIX = "IVIG_"
CLIENT_SECRET = PREFIX + "CLIENT_SECRET_"
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


@dataclass(frozen=True, slots=True)
class Setting:
    """One environment key: what it is for, what holds without it, whether it is a secret with a `_FILE` form."""

    key: str
    default: str
    secret: bool
    purpose: str


TABLE: tuple[Setting, ...] = (
    Setting("IVIG_ENVIRONMENT", "demo", False, "demo or production; production refuses http addresses and missing keys"),
    Setting("IVIG_BASE_URL", "http://127.0.0.1:5000", False, "where browsers and EHRs reach this app, without a trailing slash"),
    Setting("IVIG_DATABASE_URL", "sqlite:///var/ivig.sqlite", True, "SQLAlchemy address of the app's own store"),
    Setting("IVIG_SECRET_KEYS", "", True, "key ring, newest first: kid:base64 of 32 bytes, separated by commas or lines"),
    Setting("IVIG_ISSUERS", str(PROJECT / "issuers.toml"), False, "the issuer table"),
    Setting("IVIG_CONTENT", str(PROJECT / "order_sets"), False, "folder of the clinical content"),
    Setting("IVIG_SITE", "", False, "the site file, if there is one"),
    Setting("IVIG_TIMEZONE", "UTC", False, "IANA name of the site's time zone"),
    Setting("IVIG_CONNECT_SECONDS", "3.05", False, "longest wait for a connection to the EHR"),
    Setting("IVIG_READ_SECONDS", "10", False, "longest wait for an answer of the EHR"),
    Setting("IVIG_SESSION_IDLE_MINUTES", "30", False, "a session ends after this long without a request"),
    Setting("IVIG_SESSION_ABSOLUTE_MINUTES", "480", False, "a session ends after this long in any case"),
    Setting("IVIG_KEY_OVERLAP_HOURS", "24", False, "longest time that an EHR keeps our published keys; a new key signs after it"),
    Setting("IVIG_DRAFT_HOURS", "24", False, "a draft that nobody touched for so long is named as one to read again or to drop"),
    Setting("IVIG_START_HOURS", "24", False, "an order that is not verified so long before its first infusion is named as urgent"),
    Setting("IVIG_UNSENT_HOURS", "4", False, "an approval that did not reach the EHR for this long is not sent any more, 1 to 48"),
    Setting("IVIG_LOG_LEVEL", "INFO", False, "DEBUG, INFO, WARNING or ERROR"),
)


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that may differ between two installations."""

    environment: str
    base_url: str
    database_url: str = field(repr=False)
    secret_keys: tuple[tuple[str, str], ...] = field(repr=False)
    client_secrets: Mapping[str, str] = field(repr=False)
    issuers: Path
    content: Path
    site: Path | None
    timezone: str
    timeouts: tuple[float, float]
    session_idle_minutes: int
    session_absolute_minutes: int
    key_overlap_hours: int
    draft_hours: int
    start_hours: int
    unsent_hours: int
    log_level: str

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None) -> Settings:
        """The settings of this process.

        Secrets are read from `KEY`, or from the file that `KEY_FILE` names; never both. `IVIG_CLIENT_SECRET_<NAME>` holds the
        client secret that an issuer's entry names. Raises SettingsError on an unknown key, naming the key and never a value.
        """
        env = os.environ if env is None else env
        values, client_secrets = _collect(env)
        settings = cls(
            environment=_one_of(values, "IVIG_ENVIRONMENT", ("demo", "production")),
            base_url=_address(values["IVIG_BASE_URL"]),
            database_url=values["IVIG_DATABASE_URL"],
            secret_keys=_key_ring(values["IVIG_SECRET_KEYS"]),
            client_secrets=client_secrets,
            issuers=Path(values["IVIG_ISSUERS"]),
            content=Path(values["IVIG_CONTENT"]),
            site=Path(values["IVIG_SITE"]) if values["IVIG_SITE"] else None,
            timezone=_zone(values["IVIG_TIMEZONE"]),
            timeouts=(_seconds(values, "IVIG_CONNECT_SECONDS"), _seconds(values, "IVIG_READ_SECONDS")),
            session_idle_minutes=_minutes(values, "IVIG_SESSION_IDLE_MINUTES"),
            session_absolute_minutes=_minutes(values, "IVIG_SESSION_ABSOLUTE_MINUTES"),
            key_overlap_hours=_hours(values, "IVIG_KEY_OVERLAP_HOURS"),
            draft_hours=_hours(values, "IVIG_DRAFT_HOURS"),
            start_hours=_hours(values, "IVIG_START_HOURS"),
            unsent_hours=_hours(values, "IVIG_UNSENT_HOURS", most=48),
            log_level=_one_of(values, "IVIG_LOG_LEVEL", _LEVELS),
        )
        settings._coherent()
        return settings

    def _coherent(self) -> None:
        """Refuses combinations that are safe only in a demonstration."""
        if self.session_idle_minutes > self.session_absolute_minutes:
            raise SettingsError("IVIG_SESSION_IDLE_MINUTES is longer than IVIG_SESSION_ABSOLUTE_MINUTES.")
        if self.environment == "production" and self.base_url.startswith("http:"):
            raise SettingsError("IVIG_BASE_URL must be https in production.")
        if self.environment == "production" and not self.secret_keys:
            raise SettingsError("IVIG_SECRET_KEYS is needed in production.")

    @property
    def production(self) -> bool:
        """Whether real patients may be in the charts."""
        return self.environment == "production"

    @property
    def zone(self) -> ZoneInfo:
        """The site's time zone."""
        return ZoneInfo(self.timezone)

    @property
    def redirect_uri(self) -> str:
        """The address that is registered with every EHR."""
        return f"{self.base_url}/callback"

    @property
    def secure_cookies(self) -> bool:
        """Whether cookies may carry `Secure`: everywhere except on an http loopback origin."""
        return self.base_url.startswith("https:")

    def __str__(self) -> str:
        """One line a setting, secrets masked; the database address without its password."""
        lines = [f"{f.name} = {getattr(self, f.name)}" for f in fields(self) if f.repr]
        lines.append(f"database_url = {re.sub('//[^@/]*@', '//***@', self.database_url).split('?')[0]}")
        lines.append(f"secret_keys = {', '.join(kid for kid, _ in self.secret_keys) or 'none'}")
        lines.append(f"client_secrets = {', '.join(sorted(self.client_secrets)) or 'none'}")
        return "\n".join(lines)


def demo_settings(app_url: str, var: Path, issuers: Path, secret_key: str) -> Settings:
    """The settings of `make demo`: everything on loopback, the state under `var`."""
    values = {"IVIG_BASE_URL": app_url, "IVIG_DATABASE_URL": f"sqlite:///{var / 'ivig.sqlite'}", "IVIG_ISSUERS": str(issuers)}
    return Settings.from_env({**values, "IVIG_SECRET_KEYS": secret_key, "IVIG_LOG_LEVEL": "WARNING"})


def _collect(env: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Every value by key, defaults filled in; and the client secrets. Unknown keys are an error."""
    known = {s.key: s for s in TABLE}
    values = {s.key: s.default for s in TABLE}
    secrets: dict[str, str] = {}
    for key in sorted(k for k in env if k.startswith(PREFIX)):
        name = key.removesuffix("_FILE") if key not in known else key
        is_secret = (name in known and known[name].secret) or (name.startswith(CLIENT_SECRET) and name != CLIENT_SECRET)
        if not is_secret and (name not in known or name != key):
            raise SettingsError(f"{key} is not a setting of IVIG Orders.")
        if name != key and name in env:
            raise SettingsError(f"{name} and {key} are both set; use one.")
        value = _file(key, env[key]) if name != key else env[key].strip()
        (values if name in known else secrets)[name] = value
    return values, secrets


def _file(key: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingsError(f"The file that {key} names cannot be read.") from error


def _one_of(values: Mapping[str, str], key: str, choices: tuple[str, ...]) -> str:
    if values[key] not in choices:
        raise SettingsError(f"{key} must be one of {', '.join(choices)}.")
    return values[key]


def _address(url: str) -> str:
    parts = urlsplit(url)
    plain = not (parts.query or parts.fragment or parts.username or url.endswith("/"))
    if not plain or not parts.hostname or parts.scheme not in ("http", "https"):
        raise SettingsError("IVIG_BASE_URL must be an http or https address without a trailing slash.")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise SettingsError("IVIG_BASE_URL must be https, except on this machine itself.")
    return url


def _key_ring(text: str) -> tuple[tuple[str, str], ...]:
    """(kid, base64) in the order given; what the base64 holds is checked where it becomes a key."""
    pairs = [tuple(item.strip().split(":", 1)) for item in re.split(r"[,\n]", text) if item.strip()]
    if any(len(pair) != 2 or not re.fullmatch(r"[A-Za-z0-9_-]{1,32}", pair[0]) for pair in pairs):
        raise SettingsError("IVIG_SECRET_KEYS must be kid:base64, separated by commas.")
    if len({pair[0] for pair in pairs}) != len(pairs):
        raise SettingsError("IVIG_SECRET_KEYS names a kid twice.")
    return tuple((pair[0], pair[1]) for pair in pairs)


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise SettingsError("IVIG_TIMEZONE is not an IANA time zone.") from error
    return name


def _seconds(values: Mapping[str, str], key: str) -> float:
    if not re.fullmatch(r"\d{1,3}(\.\d{1,3})?", values[key]) or not 0 < float(values[key]) <= 120:
        raise SettingsError(f"{key} must be a number of seconds, at most 120.")
    return float(values[key])


def _minutes(values: Mapping[str, str], key: str) -> int:
    if not re.fullmatch(r"\d{1,4}", values[key]) or not 1 <= int(values[key]) <= 1440:
        raise SettingsError(f"{key} must be a whole number of minutes, 1 to 1440.")
    return int(values[key])


def _hours(values: Mapping[str, str], key: str, most: int = 720) -> int:
    if not re.fullmatch(r"\d{1,3}", values[key]) or not 1 <= int(values[key]) <= most:
        raise SettingsError(f"{key} must be a whole number of hours, 1 to {most}.")
    return int(values[key])
