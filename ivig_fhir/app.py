"""The composition root: the only place where objects are wired together."""

from __future__ import annotations

import secrets
import tomllib
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from flask import Flask

from ivig_fhir.cds.routes import cds_blueprint
from ivig_fhir.content.load import load_content
from ivig_fhir.content.load_site import load_site, narrowed
from ivig_fhir.content.model import Content
from ivig_fhir.content.site import Site
from ivig_fhir.ehr.client import FhirClient, pooled_session
from ivig_fhir.errors import ContentError, SettingsError
from ivig_fhir.observe import configure
from ivig_fhir.settings import PROJECT, Settings
from ivig_fhir.smart import issuers
from ivig_fhir.smart.client_keys import Algorithm, ClientKey
from ivig_fhir.smart.credentials import Credentials
from ivig_fhir.smart.discovery import fetch_json
from ivig_fhir.smart.signin import SmartClient
from ivig_fhir.store import audit, client_keys
from ivig_fhir.store.database import Database, connect, migrate
from ivig_fhir.store.seal import KeyRing
from ivig_fhir.web import (
    by_hand_pages,
    change_pages,
    course_pages,
    dispense_pages,
    errors,
    launch_pages,
    my_orders_pages,
    order_pages,
    pharmacy_pages,
    session_pages,
    sheet_pages,
    status_pages,
    story_pages,
    worklist_pages,
)
from ivig_fhir.web.doors import content_words
from ivig_fhir.web.render import FILTERS, calm
from ivig_fhir.web.security import protect
from ivig_fhir.workflow.runtime import Runtime

PACKAGE = PROJECT / "ivig_fhir"


def create_app(settings: Settings, http: Any = None, now: Any = None) -> Flask:
    """The whole app as WSGI. `http` is a requests.Session to use instead of a new one, `now` a clock instead of the real one."""
    runtime = create_runtime(settings, http, now)
    app = Flask("ivig_fhir", template_folder="web/templates", static_folder="web/static", root_path=str(PACKAGE))
    app.config.update(MAX_CONTENT_LENGTH=1_000_000, MAX_FORM_MEMORY_SIZE=500_000, SESSION_COOKIE_NAME="unused")
    app.jinja_env.filters.update(FILTERS)
    app.jinja_env.finalize = calm
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    protect(app, (a for i in runtime.smart.issuers.entries for a in i.frame_ancestors), settings.secure_cookies)
    app.context_processor(lambda: content_words(runtime))
    errors.register(app)
    for area in course_pages.AREAS:
        app.register_blueprint(course_pages.pages(runtime, area))
    for module in (
        launch_pages,
        order_pages,
        by_hand_pages,
        change_pages,
        pharmacy_pages,
        worklist_pages,
        sheet_pages,
        dispense_pages,
        session_pages,
        status_pages,
    ):
        app.register_blueprint(module.pages(runtime))
    for module in (my_orders_pages, story_pages):
        app.register_blueprint(module.pages(runtime))
    app.register_blueprint(_hooks(runtime))
    return app


def create_runtime(settings: Settings, http: Any = None, now: Any = None) -> Runtime:
    """Everything that the workflow works with; the database is brought to its newest tables."""
    configure(settings.log_level)
    content, site = content_and_site(settings)
    session = http or pooled_session()
    table, database = issuer_table(settings), create_database(settings)

    credentials = client_credentials(settings, lambda: database)
    return Runtime(
        settings=settings,
        content=content,
        site=site,
        smart=SmartClient(table, settings.redirect_uri, session, credentials, settings.timeouts),
        database=database,
        http=session,
        now=now or (lambda: datetime.now(UTC)),
        chance=secrets.token_urlsafe,
        new_run=lambda: str(uuid.uuid4()),
    )


def client_credentials(settings: Settings, database: Callable[[], Database]) -> Credentials:
    """What the app has to prove itself with: secrets of the settings, keys of the store, which is opened only for a signature."""

    def signing_key(algorithm: Algorithm, at: datetime) -> ClientKey | None:
        with database().read() as tx:
            return client_keys.signing(tx, algorithm, at)

    return Credentials(settings.client_secrets, signing_key)


def issuer_table(settings: Settings) -> issuers.Issuers:
    """The EHRs that may launch the app. SettingsError for an open development server in production."""
    table = issuers.load(settings.issuers)
    if settings.production and any(entry.development for entry in table.entries):
        raise SettingsError("The issuer table names an open development server, which a production installation must not have.")
    return table


def create_database(settings: Settings) -> Database:
    """The app's own store, brought to its newest tables."""
    engine = connect(settings.database_url)
    migrate(engine)
    return Database(engine, KeyRing.read(settings.secret_keys))


def content_and_site(settings: Settings) -> tuple[Content, Site]:
    """The clinical content, narrowed by the site file of the settings, if there is one."""
    content = load_content(settings.content)
    data: dict[str, Any] = {}
    if settings.site is not None:
        try:
            data = tomllib.loads(settings.site.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise ContentError("site file", said="The site file cannot be read.") from error
    site = load_site({"timezone": settings.timezone, **data}, content)
    return narrowed(content, site), site


def bearer_client(base: str, token: str) -> FhirClient:
    """A FHIR server for a command of the terminal, with a bearer token of one's own or none ("")."""
    return FhirClient(base.rstrip("/"), pooled_session(), lambda: token)


def _hooks(runtime: Runtime) -> Any:
    """The CDS Hooks services; in the demo they take calls from loopback without a JWT."""

    def record(feedback: Any) -> None:
        with runtime.database.write() as tx:
            audit.append(tx, runtime.now(), "cds-client", "", "cds.feedback", note=feedback.outcome)

    return cds_blueprint(
        runtime.content,
        runtime.site,
        runtime.now,
        runtime.smart.issuers,
        allow_unsigned=not runtime.settings.production,
        base_url=runtime.settings.base_url,
        fetch_keys=lambda url: fetch_json(runtime.http, url)[1],
        record=record,
    )
