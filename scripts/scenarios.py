"""Scenarios: one patient, described line by line, as a FHIR record; and what a proposal then finds.

`tests/scenarios/checks/*.toml` hold an example for each branch of each check. The tests run them, and docs/generated shows them.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Formatter
from typing import Any

from ivig_fhir.content.load_site import load_site, narrowed
from ivig_fhir.content.model import Content
from ivig_fhir.content.wording import labelled, shown
from ivig_fhir.proposal.model import Proposal
from ivig_fhir.proposal.propose import propose
from ivig_fhir.proposal.selections import parse_selections
from ivig_fhir.workflow.open_chart import chart_from_document
from scripts.scenario_lines import NOW, Resource, made
from scripts.scenario_words import sentence

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "tests" / "scenarios" / "checks"

# The patient of every example, unless the example says otherwise.
_PATIENT = {"born": "Birth date", "sex": "Sex", "died": "Died", "active": "The record is in use", "replaced": "Replaced by"}
USUAL = "A man of 40 years, 70 kg and 175 cm, with CIDP; his record is complete and unremarkable; Gamunex-C as the content proposes it."


@dataclass(frozen=True, slots=True)
class Example:
    """One patient and the branch of a check that must speak. `given` are lines of `scenario_lines`, `without` panels or types left out."""

    check: str
    branch: str
    given: tuple[str, ...]
    without: tuple[str, ...]
    patient: Mapping[str, str]
    select: Mapping[str, Any]
    site: Mapping[str, Any]
    note: str

    @property
    def name(self) -> str:
        """`renal.reduced-function/below-30`."""
        return f"{self.check}/{self.branch}"


def examples() -> tuple[Example, ...]:
    """Every example, in the order of the files."""
    return tuple(_example(row) for path in sorted(FOLDER.glob("*.toml")) for row in tomllib.loads(path.read_text("utf-8"))["example"])


def _example(row: Mapping[str, Any]) -> Example:
    return Example(
        check=row["check"],
        branch=row["branch"],
        given=tuple(row.get("given", ())),
        without=tuple(row.get("without", ())),
        patient=row.get("patient", {}),
        select=row.get("select", {}),
        site=row.get("site", {}),
        note=row.get("note", ""),
    )


def proposed(example: Example, content: Content) -> Proposal:
    """What the engine proposes for the patient of an example."""
    site = load_site(dict(example.site), content)
    narrow = narrowed(content, site)
    chart = chart_from_document(record(example, content), None, narrow, NOW, site)
    return propose(chart, parse_selections({"indication": "cidp", **example.select}), narrow, NOW, site)


def record(example: Example, content: Content) -> list[Resource]:
    """The FHIR resources of the patient of an example."""
    held = [_numbered(r, n) for n, r in enumerate((*_usual(example, content), *_given(example, content)), start=1)]
    return [_patient(example), *held]


def said(example: Example, content: Content) -> tuple[str, ...]:
    """The example in sentences: what differs from the usual patient."""
    lines = [sentence(line, content) for line in example.given]
    if example.without:
        titles = (content.panels[w].title if w in content.panels else w for w in example.without)
        lines.append(f"Not in the record: {', '.join(titles)}")
    lines += [f"{_PATIENT[key]}: {value or 'not recorded'}" for key, value in example.patient.items()]
    lines += [f"Chosen: {labelled(key)} {shown(value)}" for key, value in example.select.items()]
    lines += [f"The site's answer: {labelled(key)} {shown(value)}" for key, value in example.site.items()]
    return tuple(lines) or ("Nothing else.",)


def _patient(example: Example) -> Resource:
    held: Resource = {"resourceType": "Patient", "id": "p", "gender": "male", "birthDate": "1986-01-15", "active": True}
    names = {"born": "birthDate", "sex": "gender", "died": "deceasedDateTime"}
    for key, value in example.patient.items():
        if value == "":
            held.pop(names[key], None)
        elif key == "active":
            held["active"] = value == "yes"
        elif key == "replaced":
            held["link"] = [{"type": "replaced-by", "other": {"reference": value}}]
        else:
            held[names[key]] = value
    return held


def _numbered(resource: Resource, number: int) -> Resource:
    return (
        {"id": f"{resource['resourceType'].lower()}-{number}", **resource} if resource["resourceType"] != "OperationOutcome" else resource
    )


# --- the usual patient ---------------------------------------------------------------------------------------------------------

_USUAL_LINES = (
    'problem icd10cm|G61.81 "Chronic inflammatory demyelinating polyneuritis", 1 year ago',
    "lab body-weight 70, 2 days ago",
    "lab body-height 175, 1 year ago",
    "lab creatinine 0.9, 2 days ago",
    "lab bun 14, 2 days ago",
    "lab hemoglobin 14.5, 2 days ago",
    "lab platelets 220, 2 days ago",
    "lab sodium 140, 2 days ago",
    "lab iga 180, 1 year ago",
    "lab igg 900, 1 year ago",
    "lab sbp 122, today",
    "lab dbp 78, today",
    "lab heart-rate 72, today",
    "lab resp-rate 14, today",
    "lab temperature 36.8, today",
    "lab spo2 98, today",
    'lab abo snomed|58460004 "Blood group O", 1 year ago',
    'lab rh snomed|165747007 "RhD positive", 1 year ago',
    'allergy snomed|716186003 "No known allergy", 1 year ago',
    'taken rxnorm|316672 "simvastatin 20 MG", 30 days ago',
    'infusion 35 g "Gamunex-C", 5 weeks ago',
    "consent permit, 60 days ago",
    "coverage until 2027-12-31",
    'authorization complete "Gamunex-C" until 2026-12-31, 60 days ago',
)


def _usual(example: Example, content: Content) -> Iterator[Resource]:
    """The usual record without what the example leaves out, and without what it says otherwise."""
    replaced = {_subject(line) for line in example.given}
    for line in _USUAL_LINES:
        resource = made(line, content)
        if _subject(line) not in {*replaced, *example.without} - {""} and resource["resourceType"] not in example.without:
            yield resource


_ONE_KIND = ("allergy", "infusion", "consent", "coverage", "authorization")


def _subject(line: str) -> str:
    """What a later line replaces: the panel of a value; all allergies, infusions, papers of a kind."""
    verb, _, rest = line.partition(" ")
    return rest.split()[0] if verb == "lab" else verb.strip(",") if verb.strip(",") in _ONE_KIND else ""


def _given(example: Example, content: Content) -> Iterator[Resource]:
    return (made(line, content) for line in example.given)


@dataclass(frozen=True, slots=True)
class Spoken:
    """How a check ended in an example: a severity or "not assessed", what it said, and on what evidence."""

    severity: str
    message: str
    evidence: tuple[str, ...]


def spoken(example: Example, proposal: Proposal, content: Content) -> Spoken | None:
    """What the example's branch said: as a finding, or as the reason why the check could not be made; None when it kept silent."""
    for found in proposal.findings:
        if found.check == example.check and example.branch in found.branches:
            return Spoken(found.severity, found.message, tuple(e.said for e in found.evidence if e.said))
    pattern = _pattern(content.checks[example.check].messages[example.branch])
    for item in proposal.not_assessed:
        if item.check == example.check and pattern.fullmatch(item.message):
            return Spoken("not assessed", item.message, ())
    return None


def _pattern(template: str) -> re.Pattern[str]:
    """The sentences that a template can become."""
    return re.compile("".join(re.escape(words) + (".*" if field is not None else "") for words, field, _, _ in Formatter().parse(template)))


def missing(made: Iterable[Example], content: Content) -> tuple[str, ...]:
    """The branches for which there is no example."""
    have = {e.name for e in made}
    return tuple(f"{c.id}/{b}" for c in content.checks.values() for b in c.severity if f"{c.id}/{b}" not in have)
