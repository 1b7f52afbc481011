"""Lines of scenarios in words that a pharmacist reads."""

from __future__ import annotations

import json
import re

from ivig_fhir.content.model import Content

_SYSTEMS = {"icd10cm": "ICD-10-CM", "snomed": "SNOMED CT", "rxnorm": "RxNorm", "cvx": "CVX", "loinc": "LOINC"}
_VERBS = {
    "problem": "Condition",
    "allergy": "Allergy or intolerance",
    "drug": "Medicine ordered",
    "taken": "Medicine taken",
    "given": "Medicine given",
    "vaccine": "Vaccine",
    "procedure": "Procedure",
    "service": "Procedure ordered",
    "device": "Device",
    "unread": "Could not be read",
    "consent": "Consent to treatment",
    "coverage": "Coverage",
    "authorization": "Prior authorization",
}


def sentence(line: str, content: Content) -> str:
    """One line of the grammar, as a sentence."""
    verb = re.split(r"[ ,]", line)[0]
    rest = line[len(verb) :].strip(" ")
    if verb == "json":
        resource = json.loads(rest)
        return f"{resource['resourceType']}: {json.dumps({k: v for k, v in resource.items() if k not in ('resourceType', 'subject', 'patient')})}"
    if verb == "lab":
        panel = content.panels[rest.split()[0]]
        value = rest.partition(" ")[2]
        unit = panel.unit if panel.unit not in ("code", "text", "") else ""
        value = re.sub(r"^([<>]?=?-?[\d.]+)(?=,|$)", rf"\1 {unit}".rstrip(), value)
        return f"{panel.title}: {_coded(value)}"
    if verb in ("infusion", "order"):
        return _coded(f"Immunoglobulin {'given' if verb == 'infusion' else 'ordered'} {rest}".strip())
    return f"{_VERBS[verb]}: {_coded(rest)}"


def _coded(text: str) -> str:
    """`icd10cm|N17.9 "Acute kidney failure"` as “Acute kidney failure” (ICD-10-CM N17.9)."""
    named = re.sub(
        r'([a-z0-9]+)\|(\S+) "([^"]*)"', lambda m: f"“{m[3]}”" + ("" if m[1] == "text" else f" ({_SYSTEMS.get(m[1], m[1])} {m[2]})"), text
    )
    return re.sub(r'"([^"]*)"', r"“\1”", re.sub(r"(loinc)\|(\S+)", r"(LOINC \2)", named))
