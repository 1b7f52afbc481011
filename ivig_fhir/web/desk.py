"""One order on the pharmacist's desk: what was approved, what the EHR stores, the record as read now, and the content."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from ivig_fhir.content.model import Content, OrderSet, Product
from ivig_fhir.fhir.building import decode
from ivig_fhir.fhir.codes import ICD10CM
from ivig_fhir.fhir.dates import completed_years, parse_date
from ivig_fhir.fhir.reading import parts, word
from ivig_fhir.workflow.verify import Case


class Desk:
    """One order on the pharmacist's desk: what was approved (`kept`), what the EHR stores, the record, and the content."""

    def __init__(self, case: Case, kept: Mapping[str, Any], content: Content) -> None:
        self.case, self.kept, self.content, self.chart = case, kept, content, case.chart
        self.stored: Mapping[str, Any] = case.review.stored.order
        self.product: Product = content.products[kept["product"]["id"]]
        self.order_set: OrderSet = content.order_sets[kept["indication"]]

    @property
    def diluent(self) -> str:
        """The code of the diluent that was chosen, "" for none; the order in the EHR does not name it."""
        return str(decode(self.case.run.selections).get("diluent") or "")

    @property
    def kg(self) -> Decimal:
        """Dosing weight in kg."""
        return Decimal(self.kept["weight"]["dosing_kg"])

    @property
    def mg_ml(self) -> Decimal:
        """Concentration of the product as ordered."""
        return Decimal(self.kept["product"]["concentration_mg_ml"])

    @property
    def is_child(self) -> bool:
        """Below the age of adults on the first day of the order."""
        born, start = parse_date(self.kept["patient"]["birth_date"]), datetime.fromisoformat(self.kept["start"])
        return born is not None and completed_years(born, start.date()) < self.content.constants["adult_years"]

    @property
    def course_g_kg(self) -> Decimal:
        """Grams per kilogram of the course before rounding."""
        return Decimal(self.kept["dose"]["calculated_course_g"]) / self.kg


def indication_codes(desk: Desk) -> str:
    """The ICD-10-CM codes of the stored order's reason."""
    codes = [c for concept in parts(desk.stored, "reasonCode") for c in parts(concept, "coding")]
    return ", ".join(word(c, "code") for c in codes if word(c, "system") == ICD10CM) or "no ICD-10-CM code stored"
