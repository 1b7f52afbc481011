"""Coding systems by name, codes that compare as their system does, and sets of codes with words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from ivig_fhir.fhir.terms import Term

SNOMED = "http://snomed.info/sct"
LOINC = "http://loinc.org"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
ICD10CM = "http://hl7.org/fhir/sid/icd-10-cm"
CVX = "http://hl7.org/fhir/sid/cvx"
NDC = "http://hl7.org/fhir/sid/ndc"
UNII = "http://fdasis.nlm.nih.gov"
HCPCS = "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"
ICD10PCS = "http://www.cms.gov/Medicare/Coding/ICD10"
CPT = "http://www.ama-assn.org/go/cpt"

# Other names under which EHRs send the same systems (object identifiers seen in vendor answers). ICD-9-CM has its own and stays foreign.
_ALIASES: Mapping[str, str] = MappingProxyType(
    {
        "urn:oid:2.16.840.1.113883.6.96": SNOMED,
        "urn:oid:2.16.840.1.113883.6.1": LOINC,
        "urn:oid:2.16.840.1.113883.6.88": RXNORM,
        "urn:oid:2.16.840.1.113883.6.90": ICD10CM,
        "urn:oid:2.16.840.1.113883.6.69": NDC,
        "urn:oid:2.16.840.1.113883.4.9": UNII,
        "urn:oid:2.16.840.1.113883.12.292": CVX,
        "urn:oid:2.16.840.1.113883.6.285": HCPCS,
        "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets": HCPCS,
        "urn:oid:2.16.840.1.113883.6.4": ICD10PCS,
        "urn:oid:2.16.840.1.113883.6.12": CPT,
    }
)
SHORT: Mapping[str, str] = MappingProxyType(
    {
        "snomed": SNOMED,
        "loinc": LOINC,
        "rxnorm": RXNORM,
        "icd10cm": ICD10CM,
        "cvx": CVX,
        "ndc": NDC,
        "unii": UNII,
        "hcpcs": HCPCS,
        "icd10pcs": ICD10PCS,
        "cpt": CPT,
    }
)

_NDC_WIDTHS = (5, 4, 2)


@dataclass(frozen=True, slots=True)
class Code:
    """A code in a coding system, both in the form in which they compare."""

    system: str
    code: str


def code(system: object, value: object) -> Code | None:
    """A comparable code from what a Coding says; None when either part is missing.

    ICD-10-CM without its dot and, as HCPCS and ICD-10-PCS, in upper case; CVX with two digits at least; NDC as `_ndc` says.
    """
    if not isinstance(system, str) or not isinstance(value, str) or not value.strip():
        return None
    system = _ALIASES.get(system.strip(), system.strip())
    value = value.strip()
    if system in (ICD10CM, ICD10PCS, HCPCS):
        value = value.replace(".", "").upper()
    elif system == CVX:
        value = value.zfill(2)
    elif system == NDC:
        value = _ndc(value)
    return Code(system, value)


def _ndc(value: str) -> str:
    """Labeller, product and package with five, four and two digits, the form without hyphens that EHRs bill with.

    Ten digits without hyphens could be cut in three ways; they stay as they are and match nothing.
    """
    parts = value.split("-")
    if len(parts) == 1 or not all(p.isdigit() for p in parts):
        return value
    return "".join(p.zfill(width) for p, width in zip(parts, _NDC_WIDTHS, strict=False))


@dataclass(frozen=True)
class ValueSet:
    """Codes (exact, or by prefix), words that stand for them in text, and words that exclude. Data: `order_sets/value_sets/`."""

    id: str
    exact: frozenset[Code] = frozenset()
    prefixes: tuple[Code, ...] = ()
    terms: tuple[str, ...] = ()
    exclude_terms: tuple[str, ...] = ()
    _words: tuple[Term, ...] = field(default=(), compare=False, repr=False)
    _excluded: tuple[Term, ...] = field(default=(), compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_words", tuple(Term.whole(t) for t in self.terms))
        object.__setattr__(self, "_excluded", tuple(Term.beginning(t) for t in self.exclude_terms))

    def by_code(self, codes: Iterable[Code]) -> Code | None:
        """The first of `codes` that belongs to the set."""
        for item in codes:
            if item in self.exact or any(item.system == p.system and item.code.startswith(p.code) for p in self.prefixes):
                return item
        return None

    def by_text(self, texts: Iterable[str]) -> str | None:
        """The first text with a word of the set and no excluded word; a match by text is always shown as one to confirm."""
        for text in texts:
            lowered = text.lower()
            if any(t.stands_in(lowered) for t in self._words) and not any(t.stands_in(lowered) for t in self._excluded):
                return text
        return None

    def excludes(self, texts: Iterable[str]) -> bool:
        """Whether an excluded word stands in any of the texts; it wins over codes and words."""
        return any(t.stands_in(text.lower()) for text in texts for t in self._excluded)


def codings(concept: Any) -> tuple[Code, ...]:
    """The comparable codes of a CodeableConcept, in its order; whatever is malformed is passed over."""
    items = concept.get("coding") if isinstance(concept, dict) else None
    found = (code(c.get("system"), c.get("code")) for c in items or [] if isinstance(c, dict)) if isinstance(items, list) else ()
    return tuple(c for c in found if c is not None)


def texts(concept: Any) -> tuple[str, ...]:
    """The texts of a CodeableConcept: its own, then the displays of its codings."""
    if not isinstance(concept, dict):
        return ()
    listed = concept.get("coding")
    items = listed if isinstance(listed, list) else []
    found = [concept.get("text"), *(c.get("display") for c in items if isinstance(c, dict))]
    return tuple(dict.fromkeys(t.strip() for t in found if isinstance(t, str) and t.strip()))
