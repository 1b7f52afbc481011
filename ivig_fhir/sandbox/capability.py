"""The CapabilityStatement: what this server does, and that it is for demonstration."""

from __future__ import annotations

from typing import Any

from ivig_fhir.sandbox.parameters import TYPES, Parameter, parameters

SECURITY = "http://terminology.hl7.org/CodeSystem/restful-security-service"
OAUTH = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"
_INTERACTIONS = ("read", "vread", "history-instance", "search-type", "create", "update", "delete")


def statement(base: str, authorize: str, token: str, date: str) -> dict[str, Any]:
    """The CapabilityStatement of this server; `date` is when it was started."""
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": date,
        "kind": "instance",
        "software": {"name": "Sandbox EHR"},
        "implementation": {"description": "A demonstration server with synthetic patients. Not for real patients.", "url": base},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "json"],
        "rest": [
            {
                "mode": "server",
                "documentation": "Every request but this one needs a bearer token. Types not listed here can be stored and read, too.",
                "security": _security(authorize, token),
                "resource": [_resource(type_) for type_ in sorted(TYPES)],
                "interaction": [{"code": "transaction"}, {"code": "batch"}],
            }
        ],
    }


def _security(authorize: str, token: str) -> dict[str, Any]:
    uris = [{"url": "authorize", "valueUri": authorize}, {"url": "token", "valueUri": token}]
    return {
        "extension": [{"url": OAUTH, "extension": uris}],
        "service": [{"coding": [{"system": SECURITY, "code": "SMART-on-FHIR"}], "text": "SMART App Launch, PKCE with S256 required"}],
    }


def _resource(type_: str) -> dict[str, Any]:
    known = parameters(type_).values()
    return {
        "type": type_,
        "interaction": [{"code": code} for code in _INTERACTIONS],
        "versioning": "versioned-update",
        "readHistory": True,
        "updateCreate": True,
        "conditionalCreate": True,
        "conditionalUpdate": False,
        "referencePolicy": ["literal", "logical", "enforced"],
        "searchInclude": [f"{type_}:{one.name}" for one in known if one.kind == "reference"],
        "searchParam": [_parameter(one) for one in known],
    }


def _parameter(parameter: Parameter) -> dict[str, str]:
    return {"name": parameter.name, "type": parameter.kind}
