"""Which app asks: by its id alone, its secret, or an assertion that its registered key has signed."""

from __future__ import annotations

import base64
import binascii
from typing import Any
from urllib.parse import unquote_plus

import jwt
import requests
from flask import request

from ivig_fhir.sandbox.clients import Client, client
from ivig_fhir.sandbox.oauth import TokenError
from ivig_fhir.sandbox.parts import Sandbox

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ALGORITHMS = ("RS384", "ES384")
LONGEST = 300
LEEWAY = 10


def proven_client(sandbox: Sandbox) -> Client:
    """The app that asks: Basic for one with a secret, a signed assertion for one with a key, only client_id for a public one."""
    if "client_assertion" in request.form or "client_assertion_type" in request.form:
        return _signed(sandbox)
    header = request.headers.get("Authorization", "")
    id_, secret = request.form.get("client_id"), None
    if header.lower().startswith("basic "):
        try:
            text = base64.b64decode(header[6:], validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            text = ""
        name, colon, password = text.partition(":")
        id_, secret = unquote_plus(name), unquote_plus(password) if colon else None
    app = client(id_)
    if app is None or not app.proves(secret):
        raise _unproven("The app did not prove who it is.")
    return app


def _signed(sandbox: Sandbox) -> Client:
    """See: SMART App Launch 2.2, asymmetric authentication; RFC 7523."""
    text = request.form.get("client_assertion", "")
    if request.form.get("client_assertion_type") != ASSERTION_TYPE:
        raise _unproven("client_assertion_type is not the one for a JWT.")
    try:
        header, claimed = jwt.get_unverified_header(text), jwt.decode(text, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError) as error:
        raise _unproven("The assertion is not a JWT.") from error
    app = client(str(claimed.get("iss")))
    if app is None or app.keys is None:
        raise _unproven("The issuer of the assertion is no app with keys.")
    address = sandbox.settings.app_url + app.keys
    if header.get("alg") not in ALGORITHMS or header.get("typ") != "JWT":
        raise _unproven("The assertion must be a JWT signed with RS384 or ES384.")
    if header.get("jku", address) != address:
        raise _unproven("jku is not the address that the app registered.")
    claims = _verified(text, header, _key(sandbox.http, address, header), sandbox.token_url)
    _fresh(sandbox, app, claims)
    if request.form.get("client_id", app.id) != app.id:
        raise _unproven("client_id is another than the assertion's.")
    return app


def _key(http: requests.Session, address: str, header: dict[str, Any]) -> jwt.PyJWK:
    """The one published key of this kid and algorithm, fetched for each request."""
    try:
        keys = http.get(address, timeout=5, allow_redirects=False).json()["keys"]
        [found] = [key for key in keys if key.get("kid") == header.get("kid") and key.get("alg") == header["alg"]]
        return jwt.PyJWK(found)
    except (requests.RequestException, ValueError, KeyError, TypeError, AttributeError, jwt.PyJWTError) as error:
        raise _unproven("The key of the assertion is not among those that the app publishes.") from error


def _verified(text: str, header: dict[str, Any], key: jwt.PyJWK, audience: str) -> dict[str, Any]:
    """The claims, once signature and audience hold; the times are judged by the sandbox's clock."""
    options: Any = {"require": ["iss", "sub", "aud", "exp", "jti"], "verify_exp": False, "verify_iat": False, "verify_nbf": False}
    try:
        claims: dict[str, Any] = jwt.decode(text, key, [header["alg"]], audience=audience, options=options)
    except (jwt.PyJWTError, ValueError) as error:
        raise _unproven(f"The assertion does not hold: {type(error).__name__}.") from error
    return claims


def _fresh(sandbox: Sandbox, app: Client, claims: dict[str, Any]) -> None:
    """Its own app's, at most five minutes long, and seen for the first time."""
    moment, ends = sandbox.now().timestamp(), claims["exp"]
    if claims["sub"] != app.id:
        raise _unproven("iss and sub are not the same app.")
    if not isinstance(ends, int | float) or not moment - LEEWAY < ends <= moment + LONGEST:
        raise _unproven("exp is over, or more than five minutes ahead.")
    if claims.get("iat", 0) > moment + LEEWAY or claims.get("nbf", 0) > moment + LEEWAY:
        raise _unproven("The assertion is from the future.")
    if not sandbox.handles.first_time("jti", f"{app.id} {claims['jti']}", LONGEST + LEEWAY):
        raise _unproven("The assertion was used before.")


def _unproven(description: str) -> TokenError:
    return TokenError("invalid_client", description, 401)
