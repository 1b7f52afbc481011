"""Answers of an EHR that are bent on the wire: another body, another status, a change of the JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import requests
from an_ehr_server import Send, Wire


def answer(asked: requests.PreparedRequest, body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> requests.Response:
    """An answer that no server gave."""
    made = requests.Response()
    made.status_code, made.url, made.request = status, str(asked.url), asked
    made._content = body if isinstance(body, bytes) else json.dumps(body).encode()
    made._content_consumed = True
    made.headers.update({"Content-Type": "application/json", **(headers or {})})
    return made


def bend(wire: Wire, part: str, change: Callable[[Any], Any], method: str = "") -> None:
    """Changes the JSON of every answer from an address with this part in it."""

    def bent(asked: requests.PreparedRequest, send: Send) -> requests.Response:
        given = send(asked)
        if part in str(asked.url) and method in ("", asked.method):
            return answer(asked, change(given.json()), given.status_code)
        return given

    wire.fault = bent


def instead(wire: Wire, part: str, body: Any, status: int = 200, **headers: str) -> None:
    """Answers every address with this part in it with something else."""

    def other(asked: requests.PreparedRequest, send: Send) -> requests.Response:
        return answer(asked, body, status, headers) if part in str(asked.url) else send(asked)

    wire.fault = other
