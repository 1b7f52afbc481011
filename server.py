"""WSGI entrance: a server imports `app` from here."""

from ivig_fhir.app import create_app
from ivig_fhir.settings import Settings

app = create_app(Settings.from_env())
