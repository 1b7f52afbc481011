"""A `requests` transport that hands requests to a sandbox in the same process: `session.mount(address, SandboxAdapter(app))`."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from http.client import HTTPMessage
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
from flask import Flask
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3 import HTTPHeaderDict, HTTPResponse
from werkzeug.test import EnvironBuilder, run_wsgi_app

from ivig_fhir.sandbox.fhir_api import DIES

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


class SandboxAdapter(BaseAdapter):
    """Answers as the server would over the wire; where a fault ends the connection, raises what `requests` raises then."""

    def __init__(self, app: Flask) -> None:
        super().__init__()
        self._app = app

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: Any = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """One request, answered in process. requests.ConnectionError when the connection dies."""
        parts = urlsplit(request.url or "")
        body = request.body.encode() if isinstance(request.body, str) else request.body
        builder = EnvironBuilder(
            path=parts.path,
            query_string=parts.query,
            base_url=f"{parts.scheme}://{parts.netloc}",
            method=request.method or "GET",
            headers=list(request.headers.items()),
            input_stream=io.BytesIO(body if isinstance(body, bytes) else b""),
        )
        served: list[WSGIEnvironment] = []  # run_wsgi_app works on a copy, where the fault leaves its mark

        def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            served.append(environ)
            return self._app(environ, start_response)

        content, status, headers = run_wsgi_app(app, builder.get_environ(), buffered=True)
        if served[0].get(DIES):
            raise requests.ConnectionError("Remote end closed connection without response", request=request)
        return _response(request, int(status.split()[0]), list(headers.items()), b"".join(content))

    def close(self) -> None:
        """Nothing is held open."""


class _Original:
    """What urllib3 keeps of the answer, from which `requests` reads cookies."""

    def __init__(self, headers: list[tuple[str, str]]) -> None:
        self.msg = HTTPMessage()
        for name, value in headers:
            self.msg[name] = value

    def isclosed(self) -> bool:
        """The body has been read already."""
        return True


def _response(request: requests.PreparedRequest, status: int, headers: list[tuple[str, str]], content: bytes) -> requests.Response:
    raw = HTTPResponse(
        body=io.BytesIO(content),
        headers=HTTPHeaderDict(headers),
        status=status,
        preload_content=False,
        original_response=_Original(headers),  # type: ignore[arg-type]
    )
    return HTTPAdapter().build_response(request, raw)
