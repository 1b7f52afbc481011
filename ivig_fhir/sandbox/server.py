"""Where the sandbox is put together: `create_sandbox` gives the Flask application, `serve` runs it as a process of its own."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import requests
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from ivig_fhir.sandbox import authorize, cast, chart_page, discovery, fhir_api, grants, loading, scripting, token
from ivig_fhir.sandbox.database import Database
from ivig_fhir.sandbox.handles import Handles
from ivig_fhir.sandbox.keys import signing_key
from ivig_fhir.sandbox.outcome import FhirError
from ivig_fhir.sandbox.parts import NAME, Sandbox
from ivig_fhir.sandbox.settings import PACKAGE, SandboxSettings
from ivig_fhir.sandbox.store import LOADED, Store
from ivig_fhir.sandbox.users import USERS

_CAST_DAY = "cast-day"


def create_sandbox(settings: SandboxSettings, now: Callable[[], datetime] | None = None, http: requests.Session | None = None) -> Flask:
    """The sandbox EHR as a Flask application; `now` gives an aware time and defaults to the system's clock; `http` fetches apps' keys.

    The users and the cast are there afterwards. A store that was filled on an earlier day gets the cast's charts again, as new
    versions with today's dates; orders in it stay.
    """
    clock = now or (lambda: datetime.now(UTC))
    database = Database(settings.database)
    store = Store(database, settings.fhir_base)
    started = clock().astimezone(UTC).isoformat(timespec="seconds")
    sandbox = Sandbox(
        settings, database, store, Handles(database, clock), signing_key(database), clock, started, http or requests.Session()
    )
    _fill(sandbox)
    app = Flask(NAME, root_path=str(PACKAGE), static_folder="static", template_folder="templates")
    app.url_map.strict_slashes = False
    app.extensions[NAME] = sandbox
    for part in (discovery, authorize, token, grants, fhir_api, scripting, chart_page):
        app.register_blueprint(part.blueprint)
    app.register_error_handler(FhirError, fhir_api.refusal)
    app.register_error_handler(HTTPException, _refusal)
    app.after_request(_protected)
    app.wsgi_app = _Dying(app.wsgi_app)  # type: ignore[method-assign]
    return app


def bind(settings: SandboxSettings, host: str, port: int) -> BaseWSGIServer:
    """A threaded server on an address, not yet serving; port 0 takes a free one (read it from `server_port`)."""
    return make_server(host, port, create_sandbox(settings), threaded=True, request_handler=_Quiet)


class _Quiet(WSGIRequestHandler):
    """Says nothing about each request: addresses hold ids of patients."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Nothing."""


class _Dying:
    """Ends the connection without an answer where a fault of the launch says so; what was written stays written."""

    def __init__(self, inner: Callable[..., Iterable[bytes]]) -> None:
        self._inner = inner

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """One request."""
        result = self._inner(environ, start_response)
        connection = environ.get("werkzeug.socket")
        if environ.get(fhir_api.DIES) and connection is not None:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        return result


def _fill(sandbox: Sandbox) -> None:
    now = sandbox.now()
    with sandbox.store.transaction():
        if sandbox.store.is_empty():
            for person in USERS:
                for resource in person.resources():
                    sandbox.store.put(resource, now, LOADED)
        day = now.astimezone(UTC).date().isoformat()
        if sandbox.settings.cast is None or sandbox.database.recall(_CAST_DAY) == day:
            return
        for member in cast.read(sandbox.settings.cast, now):
            loading.load(sandbox.store, member.bundle, now)
            sandbox.store.note(member.id, member.story, member.fault)
        sandbox.database.remember(_CAST_DAY, day)


def _refusal(error: HTTPException) -> Any:
    return fhir_api.refusal(error) if request.path.startswith("/fhir") else error


def _protected(response: Response) -> Response:
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "no-referrer")
    if response.mimetype == "text/html":
        response.headers.setdefault("Content-Security-Policy", chart_page.policy())
    return response
