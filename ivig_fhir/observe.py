"""Logs and request ids: only known keys with values of a known shape pass; everything else is dropped."""

from __future__ import annotations

import logging
import re
import sys
import traceback
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any, TextIO

import structlog

DROPPED = "[dropped]"

_WORD = r"[a-z][a-z0-9_.-]{0,63}"
_UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"

# An allow-list, because nobody can list every way a name or a token may arrive: a key and the only shape its value may have.
# Absent on purpose: url, query, body, patient, user, session, state, code of an authorization, granted scopes, header, message of an error.
ALLOWED: dict[str, str] = {
    "event": _WORD,
    "level": _WORD,
    "timestamp": r"[0-9TZ:.+-]{10,40}",
    "logger": r"[A-Za-z0-9_.]{1,64}",
    "request_id": r"[0-9a-z-]{8,40}",
    "reference": r"[0-9A-Z]{4}-[0-9A-Z]{4}",
    "method": r"[A-Z]{3,7}",
    "route": r"/[A-Za-z0-9_.<>:/-]{0,120}",
    "status": r"[1-5][0-9]{2}",
    "milliseconds": r"[0-9]{1,9}(\.[0-9]{1,3})?",
    "count": r"[0-9]{1,9}",
    "attempt": r"[0-9]{1,3}",
    "error": r"[A-Za-z_.]{1,80}",
    "error_code": r"E-[0-9]{2}",
    "oauth_error": _WORD,
    "asked_scopes": r"[A-Za-z0-9/.*_?=:&|% -]{1,2000}",  # our own words, from the table of what is read and written
    "where": r"[A-Za-z0-9_.:<> -]{1,400}",
    "host": r"[A-Za-z0-9.\[\]:-]{1,120}",
    "resource_type": r"[A-Z][A-Za-z]{1,40}",
    "interaction": _WORD,
    "mode": _WORD,
    "role": _WORD,
    "outcome": _WORD,
    "order_state": _WORD,
    "check": _WORD,
    "content": r"[a-z0-9.@ -]{1,80}",
    "run": _UUID,
    "digest": r"sha256:[0-9a-f]{64}",
    "detail": r"[A-Za-z0-9 _.,:;()/'=+-]{0,160}",
}
_SHAPES = {key: re.compile(shape) for key, shape in ALLOWED.items()}

# Shapes that never pass, in whatever key: a JWT, a bearer token, a long opaque string.
_SECRET = re.compile(r"eyJ[A-Za-z0-9_-]{5,}|[Bb]earer\s|[A-Za-z0-9_-]{41,}")


def drop_unknown(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replaces every key or value that is not allowed by `[dropped]`; the key's own name goes too, for it may hold data."""
    kept: dict[str, Any] = {}
    dropped = 0
    for key, value in event.items():
        if key not in _SHAPES:
            dropped += 1
        else:
            kept[key] = value if _passes(key, value) else DROPPED
    if dropped:
        kept[DROPPED] = dropped
    return kept


def _passes(key: str, value: Any) -> bool:
    """Whether this value has the shape of its key and not that of a secret."""
    if value is None or isinstance(value, bool):
        return True
    if not isinstance(value, str | int | float):
        return False
    text = str(value)
    return bool(_SHAPES[key].fullmatch(text)) and (key == "digest" or not _SECRET.search(text))


def name_exception(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Turns exc_info into the exception's type and its places; never its text, which may quote what was being read."""
    info = event.pop("exc_info", None)
    error = info[1] if isinstance(info, tuple) else info if isinstance(info, BaseException) else sys.exc_info()[1] if info else None
    if error is not None:
        frames = traceback.extract_tb(error.__traceback__)[-5:]
        event["error"] = type(error).__name__
        event["where"] = " > ".join(f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}" for frame in frames) or "unknown"
    return event


def configure(level: str = "INFO", stream: TextIO | None = None) -> None:
    """One JSON line an event on standard error; the standard library's loggers pass through the same gate.

    Libraries log free text (addresses, bodies); of that only the level and the logger's name survive.
    """
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[Any] = [name_exception, drop_unknown, structlog.processors.JSONRenderer(sort_keys=True)]
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in ("urllib3", "werkzeug", "alembic", "sqlalchemy"):
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


def log() -> Any:
    """The logger of this app: `log().info("launch.finished", role="prescriber", milliseconds=120)`."""
    return structlog.get_logger("ivig_fhir")


@contextmanager
def request(request_id: str) -> Iterator[None]:
    """Every line logged inside carries this request id, which the caller drew."""
    with structlog.contextvars.bound_contextvars(request_id=request_id):
        yield


_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def reference_number(entropy: bytes) -> str:
    """A number a clinician can read over the telephone, from five bytes that the caller drew: `7KQ2-M0XE`.

    Without the letters I, L, O and U, which are misheard or misread.
    """
    if len(entropy) < 5:
        raise ValueError("a reference number needs five bytes")
    number = int.from_bytes(entropy[:5])
    letters = [_ALPHABET[(number >> shift) & 31] for shift in range(35, -1, -5)]
    return "".join(letters[:4]) + "-" + "".join(letters[4:])
