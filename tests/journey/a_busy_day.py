"""A busy day: one approved order, copied so often that the list is long; in the EHR and in our own store."""

from __future__ import annotations

import json
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from journey.a_hospital import ISS, Hospital

from ivig_fhir.app import create_database
from ivig_fhir.smart.tenancy import Tenancy
from ivig_fhir.store import orders, proposals


def copies(at: Hospital, patient: str, count: int) -> None:
    """Approves one order and makes `count` more of it, each of a patient of its own, as the EHR and our store would hold them."""
    tab = at.tab(patient)
    tab.approve()
    here = Tenancy(ISS)
    database = create_database(at.settings)
    with database.read() as tx:
        kept = orders.load(tx, here, tab.run)
        run = proposals.load(tx, here, tab.run)
    [order], [task] = at.orders(patient), at.held("Task", patient)
    person = at.parts.store.current("Patient", patient)
    assert person is not None
    assert person.body is not None
    for n in range(count):
        made, other = str(uuid5(NAMESPACE_URL, f"{patient} {n}")), f"{patient}-{n}"
        texts = {tab.run: made, f"Patient/{patient}": f"Patient/{other}", f"MedicationRequest/{order['id']}": f"MedicationRequest/{other}"}
        name = [{"family": f"Sampleton{n:03}", "given": ["Edwin"]}]
        _put(at, {**person.body, "id": other, "name": name, "identifier": [{"system": "urn:oid:2.999", "value": f"SYN-C{n:03}"}]})
        _put(at, _renamed({**order, "id": other, "detectedIssue": []}, texts))
        _put(at, _renamed({**task, "id": other, "basedOn": []}, {**texts, f"Task/{task['id']}": f"Task/{other}"}))
        with database.write() as tx:
            begun = proposals.start(tx, made, here, other, run.user, kept.approved_at, run.selections)
            orders.approve(
                tx, begun, kept.digest, _text(kept.body, texts), _text(kept.transaction, texts), kept.approval, run.user, kept.approved_at
            )
            orders.claim_for_write(tx, made, run.user, kept.approved_at)
            receipt = _text(kept.receipt, {**texts, f"Task/{task['id']}": f"Task/{other}"})
            orders.record_write(tx, made, "sent", receipt, [f"MedicationRequest/{other}"], run.user, kept.approved_at)


def _put(at: Hospital, resource: dict[str, Any]) -> None:
    at.parts.store.put({k: v for k, v in resource.items() if v != []}, at.clock(), "PUT")


def _text(text: str, texts: dict[str, str]) -> str:
    for old, new in texts.items():
        text = text.replace(old, new)
    return text


def _renamed(resource: dict[str, Any], texts: dict[str, str]) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(_text(json.dumps(resource, default=str), texts))
    return made
