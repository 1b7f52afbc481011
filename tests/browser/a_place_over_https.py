"""App and EHR over https on loopback, with a certificate made for the occasion, and a page that puts any address into a frame."""

from __future__ import annotations

import base64
import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import escape
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from flask import Flask, Response, redirect, request
from werkzeug.serving import WSGIRequestHandler, make_server

from ivig_fhir.app import create_app
from ivig_fhir.sandbox.server import create_sandbox
from ivig_fhir.sandbox.settings import SandboxSettings
from ivig_fhir.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
APP_HOST, OTHER_SITE = "127.0.0.1", "localhost"  # two sites to a browser, one machine


@dataclass(frozen=True)
class Place:
    """Addresses, each reachable under both names: the app, the EHR that may frame it, and a host that may not."""

    app: str
    ehr: str
    stranger: str


def by_its_other_name(url: str) -> str:
    """The same server on the other site."""
    return url.replace(APP_HOST, OTHER_SITE)


@contextmanager
def place(folder: Path, profile: str = "generic") -> Iterator[Place]:
    """Everything running, for as long as it is used; the EHR is known to the app as a server of this kind."""
    certificate = make_certificate(folder)
    app_port, ehr_port, other_port = (free_port() for _ in range(3))
    made = Place(*(f"https://{APP_HOST}:{port}" for port in (app_port, ehr_port, other_port)))
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        patch.setenv("REQUESTS_CA_BUNDLE", str(certificate[0]))  # which counts more than what a session says
        sandbox = create_sandbox(SandboxSettings(base_url=made.ehr, app_url=made.app))
        stack.enter_context(serving(sandbox, ehr_port, certificate))
        stack.enter_context(serving(create_app(_settings(folder, made, profile)), app_port, certificate))
        stack.enter_context(serving(framing_page(), other_port, certificate))
        yield made


def _settings(folder: Path, made: Place, profile: str) -> Settings:
    roles = (ROOT / "issuers.toml").read_text(encoding="utf-8").partition("\n[roles]\n")[2].partition("\n\n")[0]
    table = folder / "issuers.toml"
    table.write_text(
        f'[roles]\n{roles}\n[[issuer]]\niss = "{made.ehr}/fhir"\nname = "Sandbox EHR"\nclient_id = "ivig-fhir"\nauth = "public"\n'
        f'profile = "{profile}"\n'
        f'frame_ancestors = ["{made.ehr}", "{by_its_other_name(made.ehr)}"]\n',
        encoding="utf-8",
    )
    key = f"test:{base64.b64encode(secrets.token_bytes(32)).decode()}"
    where = {"IVIG_BASE_URL": made.app, "IVIG_DATABASE_URL": f"sqlite:///{folder / 'ivig.sqlite'}", "IVIG_ISSUERS": str(table)}
    return Settings.from_env({**where, "IVIG_SECRET_KEYS": key, "IVIG_LOG_LEVEL": "ERROR"})


def framing_page() -> Flask:
    """Any address in a frame; and the control: a frame of this host sets two cookies and says which of them came back."""
    app = Flask("frames")

    @app.get("/")
    def outside() -> str:
        source = escape(request.args["src"], quote=True)
        return f'<!doctype html><title>Frame</title><iframe name="inside" src="{source}" width="900" height="600"></iframe>'

    @app.get("/set")
    def both() -> Response:
        answer = redirect("/read")
        answer.set_cookie("plain", "1", secure=True, samesite="None")
        answer.set_cookie("partitioned", "1", secure=True, samesite="None", partitioned=True)
        return answer  # type: ignore[return-value]

    @app.get("/read")
    def read() -> str:
        return f"<p id=got>{' '.join(sorted(request.cookies)) or 'none'}</p>"

    return app


class _Quiet(WSGIRequestHandler):
    def log_request(self, *_: Any) -> None:
        """Nothing."""


@contextmanager
def serving(app: Flask, port: int, certificate: tuple[Path, Path]) -> Iterator[None]:
    """A WSGI app over https, in a thread of its own."""
    chain = (str(certificate[0]), str(certificate[1]))
    server = make_server(APP_HOST, port, app, threaded=True, ssl_context=chain, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield
    server.shutdown()
    thread.join(timeout=10)
    server.server_close()


def free_port() -> int:
    with socket.create_server((APP_HOST, 0)) as server:
        return int(server.getsockname()[1])


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for both names of this machine, signed by itself, an hour long."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a test on loopback")])
    names = x509.SubjectAlternativeName([x509.DNSName(OTHER_SITE), x509.IPAddress(ip_address(APP_HOST))])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    chain, secret = folder / "certificate.pem", folder / "key.pem"
    chain.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
    return chain, secret
