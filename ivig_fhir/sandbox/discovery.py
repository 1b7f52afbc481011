"""What SMART and OpenID Connect clients read first: endpoints, capabilities, the published key."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response

from ivig_fhir.sandbox.codec import encode
from ivig_fhir.sandbox.keys import ALGORITHM
from ivig_fhir.sandbox.parts import Sandbox, current
from ivig_fhir.sandbox.proof import ALGORITHMS
from ivig_fhir.sandbox.scopes import CONTEXT_SCOPES

_CAPABILITIES = (
    "launch-ehr",
    "launch-standalone",
    "authorize-post",
    "client-public",
    "client-confidential-symmetric",
    "client-confidential-asymmetric",
    "sso-openid-connect",
    "context-ehr-patient",
    "context-ehr-encounter",
    "context-standalone-patient",
    "permission-patient",
    "permission-user",
    "permission-online",
    "permission-v1",
    "permission-v2",
)

blueprint = Blueprint("discovery", __name__)


@blueprint.get("/fhir/.well-known/smart-configuration")
def smart_configuration() -> Response:
    """See: SMART App Launch 2.2, conformance."""
    return _json(_smart(current()))


@blueprint.get("/fhir/.well-known/openid-configuration")
def openid_configuration() -> Response:
    """See: OpenID Connect Discovery 1.0."""
    claims = ["iss", "sub", "aud", "exp", "iat", "nonce", "fhirUser"]
    more = {"subject_types_supported": ["public"], "id_token_signing_alg_values_supported": [ALGORITHM], "claims_supported": claims}
    return _json({**_smart(current()), **more})


@blueprint.get("/auth/jwks")
def jwks() -> Response:
    """The key that signs id_tokens, its public part."""
    return _json(current().key.jwks())


def _smart(sandbox: Sandbox) -> dict[str, Any]:
    return {
        "issuer": sandbox.settings.fhir_base,
        "jwks_uri": sandbox.jwks_url,
        "authorization_endpoint": sandbox.authorize_url,
        "token_endpoint": sandbox.token_url,
        "revocation_endpoint": sandbox.revoke_url,
        "introspection_endpoint": sandbox.introspect_url,
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "private_key_jwt", "none"],
        "token_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "response_types_supported": ["code"],
        "scopes_supported": [*CONTEXT_SCOPES, "patient/*.cruds", "user/*.cruds", "system/*.crs"],
        "code_challenge_methods_supported": ["S256"],
        "capabilities": list(_CAPABILITIES),
    }


def _json(body: dict[str, Any]) -> Response:
    response = Response(encode(body), content_type="application/json")
    response.headers["Cache-Control"] = "public, max-age=300"
    return response
