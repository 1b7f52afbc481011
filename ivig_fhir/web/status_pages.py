"""Operations: alive, ready, counted; no patient data."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from ivig_fhir.fhir.structure_definitions import structure_definitions
from ivig_fhir.store import outbox
from ivig_fhir.workflow.runtime import Runtime


def pages(runtime: Runtime) -> Blueprint:
    """`/healthz`, `/readyz`, `/metrics`, and the definitions of our extensions below `/fhir`."""
    blueprint = Blueprint("status", __name__)
    definitions = {d["id"]: d for d in structure_definitions(runtime.canonical, runtime.version)}

    @blueprint.get("/healthz")
    def alive() -> Response:
        return jsonify({"status": "ok"})

    @blueprint.get("/readyz")
    def ready() -> Response:
        with runtime.database.read() as tx:
            waiting = len(outbox.waiting(tx))
        return jsonify({"status": "ready", "content": runtime.content.version, "waiting": waiting})

    @blueprint.get("/metrics")
    def metrics() -> Response:
        with runtime.database.read() as tx:
            waiting = len(outbox.waiting(tx))
        lines = [
            "# HELP ivig_outbox_waiting Writes whose fate is not settled.",
            "# TYPE ivig_outbox_waiting gauge",
            f"ivig_outbox_waiting {waiting}",
            "# HELP ivig_content_info Version of the clinical content.",
            "# TYPE ivig_content_info gauge",
            f'ivig_content_info{{version="{runtime.content.version}"}} 1',
        ]
        return Response("\n".join(lines) + "\n", content_type="text/plain; version=0.0.4; charset=utf-8")

    @blueprint.get("/fhir/StructureDefinition/<name>")
    def definition(name: str) -> Response:
        return _fhir(definitions[name]) if name in definitions else _missing()

    @blueprint.get("/fhir/StructureDefinition")
    def all_definitions() -> Response:
        entries = [{"resource": d} for d in definitions.values()]
        return _fhir({"resourceType": "Bundle", "type": "searchset", "entry": entries})

    return blueprint


def _fhir(resource: object) -> Response:
    response = jsonify(resource)
    response.content_type = "application/fhir+json"
    return response


def _missing() -> Response:
    response = _fhir({"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "not-found"}]})
    response.status_code = 404
    return response
