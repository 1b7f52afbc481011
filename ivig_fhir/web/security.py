"""Headers of every page, the cookie of a session, and where a POST may come from."""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import urlsplit

from flask import Flask, Response, request

from ivig_fhir.errors import BadRequest, NotAllowed

_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'; "
    "form-action {forms}; base-uri 'none'; frame-ancestors 'self'{ancestors}"
)


def protect(app: Flask, ancestors: tuple[str, ...], sign_in: tuple[str, ...]) -> None:
    """Puts the headers on every answer. `ancestors` are origins whose frames may hold the app, `sign_in` those a launch form posts to."""
    policy = _POLICY.format(ancestors="".join(f" {a}" for a in ancestors), forms=" ".join(("'self'", *sign_in)))

    @app.after_request
    def headers(response: Response) -> Response:
        # No X-Frame-Options: it knows no list of origins, and would blank the app inside an EHR's frame.
        response.headers["Content-Security-Policy"] = policy
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()"
        if request.endpoint not in ("static", "launch.keys"):  # our public keys may be kept, as their own header says
            response.headers["Cache-Control"] = "no-store"
        return response


def set_cookie(response: Response, name: str, value: str, path: str, secure: bool) -> None:
    """A cookie for one session's path. Partitioned and for cross-site frames on https; on http loopback a plain Lax one."""
    if secure:
        response.set_cookie(name, value, path=path, httponly=True, secure=True, samesite="None", partitioned=True)
    else:
        response.set_cookie(name, value, path=path, httponly=True, samesite="Lax")


def csrf_of(cookie: str) -> str:
    """The token of a session's forms: derived from its cookie, which no other site can read."""
    return hashlib.sha256(b"ivig-fhir form " + cookie.encode("utf-8")).hexdigest()


def check_post(cookie: str, base_url: str) -> None:
    """Lets a POST pass that comes from one of this session's own pages; BadRequest or NotAllowed otherwise."""
    given = request.headers.get("X-CSRF-Token") or request.form.get("csrf_token", "")
    if not hmac.compare_digest(given, csrf_of(cookie)):
        raise BadRequest("form token", said="This form is not from the page that was opened here, or its session has ended.")
    site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin")
    if site is not None and site not in ("same-origin", "none"):
        raise NotAllowed("cross-site post", said="This form was sent by another site.")
    if origin is not None and origin != "null" and _origin(origin) not in (_origin(base_url), _origin(request.host_url)):
        raise NotAllowed("cross-origin post", said="This form was sent by another site.")


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc
