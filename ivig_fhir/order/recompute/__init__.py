"""A second calculation, written apart from the first: from what the EHR stores, the raw record and the label tables, on exact fractions."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime

from ivig_fhir.fhir.reading import part, word
from ivig_fhir.fhir.references import pointed_to
from ivig_fhir.fhir.stored_order import Resource
from ivig_fhir.order.recompute.approved import Approved
from ivig_fhir.order.recompute.contraindications import contraindication_lines
from ivig_fhir.order.recompute.dose import Dose, dose_lines, dose_of
from ivig_fhir.order.recompute.facts import Facts
from ivig_fhir.order.recompute.history import history_lines
from ivig_fhir.order.recompute.lines import Recalculated, disagreements
from ivig_fhir.order.recompute.rates import rate_lines
from ivig_fhir.order.recompute.schedule import schedule_lines
from ivig_fhir.order.recompute.tables import Tables, tables_of
from ivig_fhir.order.recompute.weight import Body, weigh, weight_lines

__all__ = ["Approved", "Recalculated", "Tables", "disagreements", "recompute", "tables_of"]


def recompute(
    order: Resource,
    record: Sequence[Resource],
    tables: Tables,
    now: datetime | None = None,
    approved: Approved | None = None,
    unread: Collection[str] = (),
) -> tuple[Recalculated, ...]:
    """Every number of a stored IVIG order, calculated again, and what in the record forbids it.

    `order` is the MedicationRequest as the EHR returns it, `record` the patient's resources as raw JSON, read at `now` (aware); `unread`
    are the types that could not be read completely. The newest usable weight is picked here; with `approved` the prescriber's choices are
    known, and what no field of the order holds is compared too. Weight in kg, dose in g, volume in mL, rates in mL/h. Of the checks it
    makes those again that code sets alone decide.
    """
    facts = Facts(order, record, tables, now, approved, unread)
    body = weigh(facts)
    dose = dose_of(facts, body)
    return tuple(line for rule in _RULES for line in rule(facts, body, dose))


def _identity(f: Facts, body: Body, dose: Dose) -> Iterable[Recalculated]:
    named = (f.record[name] for name in f.supported_by if name in f.record)
    others = {pointed_to(r.get("subject")) for r in named if r.get("resourceType") == "Observation"}
    yield Recalculated("Patient", f.patient, ", ".join(sorted(others)) or f.patient, others <= {f.patient})
    name = f.product.brand if f.product else "no product of the label tables"
    yield Recalculated("Product", word(part(f.order, "medicationCodeableConcept"), "text"), name, f.product is not None)


def _weights(f: Facts, body: Body, dose: Dose) -> Iterable[Recalculated]:
    return weight_lines(f, body)


_RULES: Sequence[Callable[[Facts, Body, Dose], Iterable[Recalculated]]] = (
    _identity,
    _weights,
    dose_lines,
    rate_lines,
    schedule_lines,
    history_lines,
    contraindication_lines,
)
