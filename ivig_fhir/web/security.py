"""Headers of every page, the cookies of a browser and of a session, and where a POST may come from."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from flask import Flask, Response, g, request
from werkzeug.wrappers import Response as BaseResponse

from ivig_fhir.errors import BadRequest, NotAllowed

_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'; base-uri 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'; form-action 'self'{forms}; frame-ancestors 'self'{ancestors}"
)
_ALWAYS = {
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_HANDLE = re.compile(r"[A-Za-z0-9_-]{43}")


def protect(app: Flask, ancestors: Iterable[str], secure: bool) -> None:
    """Puts the headers on every answer. `ancestors` are the origins whose frames may hold the app, as long as no EHR is known yet."""
    anybody = tuple(dict.fromkeys(ancestors))

    @app.after_request
    def headers(response: Response) -> Response:
        # No X-Frame-Options: it knows no list of origins, and would blank the app inside an EHR's frame.
        response.headers["Content-Security-Policy"] = _POLICY.format(
            ancestors="".join(f" {a}" for a in g.get("framers", anybody)), forms="".join(f" {o}" for o in g.get("posts_to", ()))
        )
        response.headers.update(_ALWAYS)
        where = response.headers.get("Location", "")
        if where.startswith(request.host_url):  # a missing slash is answered with the host that the request named, which anybody may name
            response.headers["Location"] = "/" + where.removeprefix(request.host_url).lstrip("/")
            response.set_data(b"")
        if secure:
            response.headers["Strict-Transport-Security"] = "max-age=31536000"
        if request.endpoint not in ("static", "launch.keys"):  # our public keys may be kept, as their own header says
            response.headers["Cache-Control"] = "no-store"
        return response


def framed_by(ancestors: Iterable[str]) -> None:
    """From here on this answer belongs to one EHR: only its own frames may hold it, not those of another EHR in the table."""
    g.framers = tuple(ancestors)


def posts_to(url: str, hosts: Iterable[str]) -> None:
    """Lets the form of this one answer go to a sign-in service, and on to the hosts that its EHR's entry names."""
    scheme, netloc = _origin(url)
    g.posts_to = tuple(dict.fromkeys(f"{scheme}://{host}" for host in (netloc, *sorted(hosts))))


def browser_cookie(secure: bool) -> str:
    """The name of the cookie that ties a sign-in to its browser; on https with the prefix that keeps other hosts from setting it."""
    return "__Host-ivig_browser" if secure else "ivig_browser"


def browser_handle(secure: bool) -> str:
    """This browser's handle as its cookie brings it; "" where there is none, or something that was never drawn here."""
    given = request.cookies.get(browser_cookie(secure), "")
    return given if _HANDLE.fullmatch(given) else ""


def set_cookie(response: BaseResponse, name: str, value: str, path: str, secure: bool) -> None:
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
    # "null" is what a browser sends from our own pages, whose policy is to tell no referrer.
    if origin is not None and origin != "null" and _origin(origin) != _origin(base_url):
        raise NotAllowed("cross-origin post", said="This form was sent by another site.")


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc
