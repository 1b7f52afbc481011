"""A case under construction: facts of a chart, an order of immunoglobulin, and the real content, for tests of single checks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from ivig_fhir.chart.answers import Answer, Reason
from ivig_fhir.chart.facts import Allergy, Drug, Event, Measurement, Paper, Person, Problem, Source, Unusable
from ivig_fhir.chart.queries import TYPES
from ivig_fhir.chart.snapshot import ChartSnapshot
from ivig_fhir.content.load import load_content
from ivig_fhir.content.model import Content, Product
from ivig_fhir.content.site import Site
from ivig_fhir.fhir.codes import SHORT, Code, code
from ivig_fhir.fhir.dates import parse_date, parse_time
from ivig_fhir.proposal.case import Case, PlannedOrder
from ivig_fhir.proposal.findings import Clear, Finding, NotAssessed, Result
from ivig_fhir.proposal.selections import Selections

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
IG = "rxnorm|1426680"
RUN = "urn:uuid:11111111-1111-4111-8111-111111111111"


@cache
def content() -> Content:
    """The content of this checkout, read once."""
    return load_content(Path(__file__).resolve().parent.parent / "order_sets")


def codes(written: str) -> tuple[Code, ...]:
    """Codes written as `system|code`, several with a space between."""
    made = (code(SHORT[c.partition("|")[0]], c.partition("|")[2]) for c in written.split())
    return tuple(c for c in made if c is not None)


def _texts(text: str) -> tuple[str, ...]:
    return (text,) if text else ()


def lab(panel: str, value: str | None, when: str | None = "2026-03-01T07:00:00Z", **more: Any) -> Measurement:
    """A final result in the panel's own unit; `codes` and `text` for a coded one."""
    made: dict[str, Any] = {
        "panel": panel,
        "loinc": "0-0",
        "value": None if value is None else Decimal(value),
        "unit": "",
        "raw": None,
        "codes": codes(more.pop("code", "")),
        "text": "",
        "time": parse_time(when),
        "status": "final",
        "comparator": "",
        "source": Source(f"Observation/{panel}-{value}-{when}", "1", when),
        "said": f"{panel} {value}",
    }
    return Measurement(**{**made, **more})


def problem(code_: str = "", text: str = "", onset: str | None = None, **more: Any) -> Problem:
    """An active, confirmed condition."""
    recorded = parse_time(more.pop("recorded", None))
    made = {"active": True, "soft": False, "source": Source(f"Condition/{code_ or text}"), "said": text or code_}
    return Problem(codes=codes(code_), texts=_texts(text), onset=parse_time(onset), recorded=recorded, **{**made, **more})


def allergy(code_: str = "", text: str = "", **more: Any) -> Allergy:
    """An active, confirmed allergy of which nothing more is known."""
    made: dict[str, Any] = {
        "active": True,
        "soft": False,
        "criticality": "",
        "severities": (),
        "manifestations": codes(more.pop("signs", "")),
        "manifestation_texts": (),
        "negation": False,
        "not_asked": False,
        "source": Source(f"AllergyIntolerance/{code_ or text}"),
        "said": text or code_,
    }
    return Allergy(codes=codes(code_), texts=_texts(text), **{**made, **more})


def drug(kind: str, state: str, text: str = "", code_: str = "", when: str | None = "2026-02-01", **more: Any) -> Drug:
    """An entry about a medicine; `doses` as (when, grams), `grams` and `ended` as text."""
    doses = tuple((parse_time(t), None if g is None else Decimal(g)) for t, g in more.pop("doses", ()))
    grams = more.pop("grams", None)
    made: dict[str, Any] = {
        "ended": parse_time(more.pop("ended", None)),
        "run": "",
        "request": "",
        "identifiers": (),
        "reasons": codes(more.pop("reason", "")),
        "status": {"active": "active", "pending": "draft", "recent": "completed", "given": "completed"}[state],
        "source": Source(f"{kind}/{more.pop('id', f'{text}-{code_}-{when}')}"),
        "said": text or code_,
    }
    fixed = {"kind": kind, "state": state, "codes": codes(code_), "texts": _texts(text), "time": parse_time(when), "doses": doses}
    return Drug(**fixed, grams=None if grams is None else Decimal(grams), **{**made, **more})


def infusion(when: str | None, grams: str | None = "70", **more: Any) -> Drug:
    """Immunoglobulin that was given."""
    return drug("administration", "given", code_=IG, when=when, grams=grams, **more)


def event(type_: str, code_: str = "", text: str = "", when: str | None = None, **more: Any) -> Event:
    """A procedure, a service request, an immunization or a device that counts."""
    made: dict[str, Any] = {"status": "active", "time": parse_time(when), "source": Source(f"{type_}/1"), "said": text or code_}
    return Event(type=type_, codes=codes(code_), texts=_texts(text), **{**made, **more})


def paper(type_: str, text: str = "", code_: str = "", **more: Any) -> Paper:
    """An active consent or coverage, or a complete prior authorization; `when`, `begins` and `ends` as text."""
    times = {"time": parse_time(more.pop("when", None))} | {k: parse_time(more.pop(k, None)) for k in ("begins", "ends")}
    claim = type_ == "ClaimResponse"
    made: dict[str, Any] = {
        "status": "active",
        "use": "preauthorization" if claim else "",
        "outcome": "complete" if claim else "",
        "source": Source(f"{type_}/{more.pop('id', '1')}"),
        "said": text or type_,
    }
    return Paper(type=type_, codes=codes(code_), texts=_texts(text), **times, **{**made, **more})


def made_of(*stabilizers: str, excipients: tuple[str, ...] = (), id_: str = "other") -> Product:
    """A product like Gamunex-C with another composition; without stabilisers its composition is not known."""
    like = content().products["gamunex-c"]
    return replace(like, id=id_, brand="Other", stabilizers=stabilizers, excipients=excipients)


ASPIRIN = drug("request", "active", "aspirin 81 MG Oral Tablet")
# Values of the last hours and days that every check of values finds unremarkable.
VITALS = (
    lab("sbp", "122", "2026-03-02T08:00:00Z"),
    lab("dbp", "78", "2026-03-02T08:00:00Z"),
    lab("temperature", "36.8", "2026-03-02T08:00:00Z"),
)
VALUES = (*VITALS, lab("creatinine", "0.9"), lab("bun", "14"), lab("sodium", "139"))


def case(
    *facts: object,
    born: str | None = "1986-01-15",
    sex: str = "male",
    unread: tuple[str, ...] = (),
    indication: str = "cidp",
    regimen: str | None = None,
    product: str | Product = "gamunex-c",
    dose_g: str | None = "70",
    days: int = 2,
    kg: str | None = "70",
    cm: str | None = "175",
    run: str | None = None,
    earlier: Mapping[str, Result] | None = None,
    selections: Mapping[str, Any] | None = None,
    site: Site | None = None,
    unusable: tuple[Unusable, ...] = (),
) -> Case:
    """A man of 40 of 70 kg and 175 cm, for whom 70 g over two days are planned; whatever is not said is complete and unremarkable."""
    chart = _chart(facts, Person("Patient/p1", parse_date(born), sex, False, True, "", "", Source("Patient/p1"), sex, born or ""), unread)
    chosen = Selections(run=run, **(selections or {}))
    chart = replace(chart, unusable=unusable)
    return Case(chart, content(), chosen, site or Site(), _order(indication, regimen, product, dose_g, days, kg, cm), earlier or {})


def _chart(facts: tuple[object, ...], person: Person, unread: tuple[str, ...]) -> ChartSnapshot:
    def of(kind: type) -> tuple[Any, ...]:
        return tuple(f for f in facts if isinstance(f, kind))

    answers = {
        t: Answer(t, problem=Reason.NOT_PERMITTED, said=f"{t} may not be read.") if t in unread else Answer(t) for t in ("Patient", *TYPES)
    }
    return ChartSnapshot(
        person,
        NOW,
        UTC,
        answers,
        measurements=of(Measurement),
        problems=of(Problem),
        allergies=of(Allergy),
        drugs=of(Drug),
        events=of(Event),
        papers=of(Paper),
    )


def _order(
    indication: str, regimen: str | None, product: str | Product, dose_g: str | None, days: int, kg: str | None, cm: str | None
) -> PlannedOrder:
    order_set, made = content().order_sets[indication], product if isinstance(product, Product) else content().products[product]
    grams = None if dose_g is None else Decimal(dose_g)
    each = None if grams is None else grams / days
    return PlannedOrder(
        indication=order_set,
        regimen=order_set.regimen(regimen) if regimen else order_set.regimens[0] if order_set.regimens else None,
        product=made,
        days=days,
        dates=tuple(date(2026, 3, 2 + n) for n in range(days)) if grams is not None else (),
        start=datetime(2026, 3, 2, 10, 0, tzinfo=UTC),
        course_exact_g=grams,
        course_g=grams,
        per_infusion_exact_g=each,
        per_infusion_g=each,
        dosing_kg=None if kg is None else Decimal(kg),
        actual_kg=None if kg is None else Decimal(kg),
        height_cm=None if cm is None else Decimal(cm),
        volume_ml=None if each is None else each * 1000 / made.concentrations_mg_ml[-1],
        weight_stated=False,
        weight_basis="actual",
        weight_used=None if kg is None else lab("body-weight", kg),
        interval_weeks=None,
        series=None,
        rate_minutes=None,
        rate_basis="label",
        rate_max_ml_kg_h=None,
        label_max_ml_kg_h=None,
        rate_ml_kg_h=None,
    )


def outcome(result: Result) -> str:
    """How a check ended: the severity of its finding, "clear" or "unknown"."""
    if isinstance(result, Finding):
        return result.severity
    return "clear" if isinstance(result, Clear) else "unknown" if isinstance(result, NotAssessed) else ""


def found(result: Result) -> Finding:
    """The result as the finding that it must be."""
    assert isinstance(result, Finding), result
    return result


def cited(result: Result) -> set[str]:
    """What the evidence of a finding points to."""
    return {e.reference for e in found(result).evidence}
