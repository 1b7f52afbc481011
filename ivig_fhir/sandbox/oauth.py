"""How the OAuth endpoints answer: JSON that nobody may keep, refusals by the codes of RFC 6749."""

from __future__ import annotations

from typing import Any

from flask import Response

from ivig_fhir.sandbox.codec import encode


class TokenError(Exception):
    """A refusal of the token endpoint and its neighbours. See: RFC 6749, section 5.2."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.error = error
        self.description = description
        self.status = status


def answer(status: int, body: dict[str, Any]) -> Response:
    """A JSON answer that nobody may keep."""
    response = Response(encode(body), status, content_type="application/json")
    response.headers["Cache-Control"] = "no-store"
    response.headers["Pragma"] = "no-cache"
    return response


def refused(error: TokenError) -> Response:
    """The answer to a request that is refused."""
    response = answer(error.status, {"error": error.error, "error_description": error.description})
    if error.status == 401:
        response.headers["WWW-Authenticate"] = "Basic"
    return response
