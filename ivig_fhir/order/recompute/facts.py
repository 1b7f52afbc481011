"""The stored order beside the raw record, the tables and what was approved: where every rule of the second calculation looks."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime
from functools import cached_property

from ivig_fhir.content.model import OrderSet, Product, Regimen
from ivig_fhir.fhir.codes import LOINC, codings
from ivig_fhir.fhir.dates import FhirTime, completed_months, completed_years, parse_date, parse_time
from ivig_fhir.fhir.identifiers import run_of
from ivig_fhir.fhir.reading import parts, word
from ivig_fhir.fhir.references import own_reference, pointed_to
from ivig_fhir.fhir.stored_order import Resource, StoredOrder
from ivig_fhir.order.recompute.approved import Approved
from ivig_fhir.order.recompute.tables import Tables

_OWNERS = ("subject", "patient")
_PLAN = "/PlanDefinition/"


class Facts(StoredOrder):
    """What the rules look at. `at` is when the order was approved, `now` when the record was read; both aware, None where not known."""

    def __init__(
        self,
        order: Resource,
        record: Sequence[Resource],
        tables: Tables,
        now: datetime | None = None,
        approved: Approved | None = None,
        unread: Collection[str] = (),
    ) -> None:
        super().__init__(order)
        self.tables, self.approved, self._unread = tables, approved, frozenset(unread)
        self.record = {own_reference(r): r for r in record}
        coded = self.product_codes
        self.product: Product | None = next((p for i, p in tables.products.items() if i in coded), None)
        signed = self.time(order.get("authoredOn"))
        self.now = now
        self.at = signed.earliest if signed else now

    def time(self, written: object) -> FhirTime | None:
        """A date or dateTime of the record; without an offset it is the site's."""
        return parse_time(written, self.tables.zone)

    def of(self, type_: str) -> tuple[Resource, ...]:
        """The patient's resources of a type; one that names another patient is not the patient's."""
        return self._by_type.get(type_, ())

    @cached_property
    def _by_type(self) -> dict[str, tuple[Resource, ...]]:
        found: dict[str, list[Resource]] = {}
        for resource in self.record.values():
            if self._is_ours(resource):
                found.setdefault(word(resource, "resourceType"), []).append(resource)
        return {type_: tuple(items) for type_, items in found.items()}

    @cached_property
    def by_loinc(self) -> dict[str, list[tuple[Resource, Resource, tuple[str, ...]]]]:
        """The patient's Observations by each LOINC code, its own or a component's: with what holds the value, and all codes."""
        found: dict[str, list[tuple[Resource, Resource, tuple[str, ...]]]] = {}
        for observation in self.of("Observation"):
            for holder in (observation, *parts(observation, "component")):
                codes = tuple(dict.fromkeys(c.code for c in codings(holder.get("code")) if c.system == LOINC))
                for code in codes:
                    found.setdefault(code, []).append((observation, holder, codes))
        return found

    def _is_ours(self, resource: Resource) -> bool:
        whose = next((pointed_to(resource.get(name)) for name in _OWNERS if resource.get(name)), "")
        return not whose.startswith("Patient/") or whose == self.patient

    def not_read(self, check: str) -> str:
        """The types that a check needs and that could not be read completely, in words; "" when all were."""
        missing = [t for t in self.tables.depends_on[check] if t in self._unread]
        return f"{' and '.join(missing)} could not be read" if missing else ""

    @cached_property
    def person(self) -> Resource:
        """The Patient that the order names; empty where the record does not hold it."""
        return self.record.get(self.patient, {})

    @cached_property
    def born(self) -> date | None:
        """A full birth date, else None."""
        return parse_date(self.person.get("birthDate"))

    @cached_property
    def today(self) -> date | None:
        """The day of the approval, by universal time as ages are counted; an EHR may store the moment with another offset."""
        return self.at.astimezone(UTC).date() if self.at else None

    @cached_property
    def years(self) -> int | None:
        """Completed years when the order was approved."""
        return completed_years(self.born, self.today) if self.born and self.today else None

    @cached_property
    def months(self) -> int | None:
        """Completed months when the order was approved."""
        return completed_months(self.born, self.today) if self.born and self.today else None

    @property
    def adult(self) -> bool:
        """Whether the patient is known to be of age."""
        return self.years is not None and self.years >= self.tables.adult_years

    @property
    def now_or_at(self) -> datetime | None:
        """The moment by which an entry of the record is judged to be over: that of the approval, where it is known."""
        return self.at or self.now

    @cached_property
    def own_runs(self) -> frozenset[str]:
        """The runs whose entries are this order itself: its own, and that of the order that it replaces."""
        replaced = word(self.approved.selections, "replaces") if self.approved else ""
        prior = self.record.get(pointed_to(self.order.get("priorPrescription")), {})
        found = (run_of(dict(self.order)), run_of(dict(prior)), replaced)
        return frozenset(run for run in found if run)

    @cached_property
    def order_set(self) -> OrderSet | None:
        """The order set that the order was made from."""
        named = self.order.get("instantiatesCanonical")
        names = [str(n).split("|")[0].rpartition(_PLAN) for n in named] if isinstance(named, list) else []
        return next((self.tables.order_sets[id_] for _, plan, id_ in names if plan and id_ in self.tables.order_sets), None)

    @cached_property
    def regimen(self) -> Regimen | None:
        """The regimen that was approved."""
        id_ = word(self.approved.body, "regimen") if self.approved else ""
        return self.order_set.regimen(id_) if self.order_set and id_ else None

    @property
    def infusions(self) -> int:
        """Infusions of a course; 0 where the order does not say."""
        count = self.basis.get("infusions")
        return count if isinstance(count, int) and not isinstance(count, bool) and count > 0 else 0
