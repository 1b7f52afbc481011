"""The sandbox as a server of another kind: by its profile, by what is not granted, by what its metadata and its refusals say."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import requests
from an_ehr_server import Send, Wire
from attacks.a_bend import answer
from journey.a_hospital import EHR, ROOT, Hospital

from ivig_fhir.sandbox.adapter import SandboxAdapter

Fault = Callable[[requests.PreparedRequest, Send], requests.Response]


def issuers(folder: Path, profile: str) -> Path:
    """The issuer table of the demo, its sandbox known as another kind of server."""
    text = (ROOT / "issuers.toml").read_text(encoding="utf-8").replace('profile = "generic"', f'profile = "{profile}"', 1)
    path = folder / "issuers.toml"
    path.write_text(text, encoding="utf-8")
    return path


def wired(at: Hospital) -> Wire:
    """The wire between app and EHR, on which answers can be replaced."""
    made = Wire(SandboxAdapter(at.ehr))
    at.http.mount(EHR, made)
    return made


def declares_no_create(types: Iterable[str]) -> Fault:
    """Metadata without create for some types."""
    left = frozenset(types)

    def fault(asked: requests.PreparedRequest, send: Send) -> requests.Response:
        given = send(asked)
        if not str(asked.url).endswith("/fhir/metadata"):
            return given
        stated: dict[str, Any] = given.json()
        for row in stated["rest"][0]["resource"]:
            if row["type"] in left:
                row["interaction"] = [i for i in row["interaction"] if i["code"] != "create"]
        return answer(asked, stated)

    return fault


def refuses(status: int, body: Any, *endings: str, method: str = "POST", headers: dict[str, str] | None = None) -> Fault:
    """An answer of the server's own to every write that goes to an address with one of these endings."""

    def fault(asked: requests.PreparedRequest, send: Send) -> requests.Response:
        where = str(asked.url).partition("?")[0].rstrip("/")
        return answer(asked, body, status, headers) if asked.method == method and where.endswith(endings) else send(asked)

    return fault
