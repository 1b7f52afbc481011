"""Steps 5 and 6: an order that somebody changed in the EHR after its approval is shown for what it is, and nothing is given on it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ivig_fhir.errors import StateError
from ivig_fhir.fhir.building import decode
from ivig_fhir.order.receipt import Receipt
from ivig_fhir.order.states import OrderState
from ivig_fhir.order.transaction import from_json
from ivig_fhir.order.unsigned import Alterations, altered
from ivig_fhir.store.orders import Order

_REMEDY = "Put it on hold or stop it, and have it ordered again as it should be."


def alterations(order: Order, stored: Mapping[str, Any]) -> Alterations:
    """What the MedicationRequest in the EHR says otherwise than it was approved; nothing for an order that was never read back."""
    if not order.receipt:
        return Alterations()
    receipt = Receipt.from_json(json.loads(order.receipt))
    return altered(from_json(decode(order.transaction)), receipt, stored, OrderState(order.state))


def refuse_altered(order: Order, stored: Mapping[str, Any]) -> None:
    """StateError where what counts in the stored order is not what was approved: no sheet, no release, no going on."""
    said = alterations(order, stored).said
    if said:
        raise StateError("altered in the EHR", said=f"Somebody changed this order in the EHR. {' '.join(said)}", remedy=_REMEDY)
