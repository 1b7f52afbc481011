"""Earlier infusions of immunoglobulin as the record has them: product, day, grams, lot and rate, and what the patient reacted to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ivig_fhir.chart.facts import Drug
from ivig_fhir.chart.snapshot import ChartSnapshot
from ivig_fhir.content.model import Content
from ivig_fhir.fhir.quantity import plain
from ivig_fhir.fhir.reading import number, part, parts, word
from ivig_fhir.proposal.recognition import Recognition
from ivig_fhir.web.render import day

_IMMUNOGLOBULIN = "ig-therapy"


@dataclass(frozen=True, slots=True)
class EarlierInfusion:
    """One administration: what was given, the day, and everything in a line."""

    name: str
    when: str
    said: str


def earlier_infusions(chart: ChartSnapshot, content: Content) -> tuple[EarlierInfusion, ...]:
    """Administrations, newest first; those without a date last."""
    found = [d for d, _ in Recognition(chart, content.lexicon).drugs.of((_IMMUNOGLOBULIN,)) if d.kind == "administration"]
    entries = {f"MedicationAdministration/{r.get('id')}": r for r in chart.resources("MedicationAdministration")}
    found.sort(key=lambda d: (d.time is None, -d.time.latest.timestamp() if d.time else 0.0))
    return tuple(_infusion(d, entries.get(d.source.reference, {})) for d in found)


def reactions(chart: ChartSnapshot, content: Content) -> tuple[str, ...]:
    """Allergies to immunoglobulin, with what happened."""
    found = Recognition(chart, content.lexicon).allergies.of((_IMMUNOGLOBULIN,))
    return tuple(f"Reaction: {', '.join((a.said, *a.manifestation_texts, *a.severities))}" for a, _ in found if not a.negation)


def _infusion(drug: Drug, entry: Mapping[str, object]) -> EarlierInfusion:
    name, when = next(iter(drug.texts), "immunoglobulin"), day(drug.time.text if drug.time else None)
    grams = f"{plain(drug.grams)} g" if drug.grams is not None else "grams not recorded"
    return EarlierInfusion(name, when, ", ".join(x for x in (name, when, grams, _lots(entry), _rate(entry)) if x))


def _lots(entry: Mapping[str, object]) -> str:
    """The lots of the contained Medications."""
    lots = [word(part(m, "batch"), "lotNumber") for m in parts(entry, "contained")]
    kept = ", ".join(lot for lot in lots if lot)
    return f"lot {kept}" if kept else "lot not recorded"


def _rate(entry: Mapping[str, object]) -> str:
    quantity = part(part(entry, "dosage"), "rateQuantity")
    value = number(quantity.get("value"))
    return f"at {plain(value)} {word(quantity, 'unit') or word(quantity, 'code')}" if value is not None else ""
