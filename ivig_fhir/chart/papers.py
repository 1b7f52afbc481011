"""Papers: consents, coverages and prior authorizations, with the products that they name."""

from __future__ import annotations

from datetime import tzinfo

from ivig_fhir.chart.answers import Answers, Resource
from ivig_fhir.chart.facts import Paper, Source
from ivig_fhir.fhir.codes import codings, texts
from ivig_fhir.fhir.dates import FhirTime, parse_time
from ivig_fhir.fhir.reading import part, parts, short, word

PAPERS = ("Consent", "Coverage", "ClaimResponse")


def read_papers(answers: Answers, zone: tzinfo) -> tuple[Paper, ...]:
    """Every Consent, Coverage and ClaimResponse that was not entered in error.

    `use` is the claim's use, or permit or deny of a consent; `time` is the consent's date, a coverage's end, the response's date.
    A prior authorization names its product in addItem.productOrService. See: CONTRACTS, precise point 13.
    """
    kept = (r for type_ in PAPERS for r in answers.of(type_).resources if word(r, "status") != "entered-in-error")
    return tuple(_paper(r, zone) for r in kept)


def _paper(resource: Resource, zone: tzinfo) -> Paper:
    type_, status = word(resource, "resourceType"), word(resource, "status")
    use = word(part(resource, "provision"), "type") if type_ == "Consent" else word(resource, "use")
    time, named = _time(resource, zone), _concepts(resource)
    names = tuple(dict.fromkeys(t for concept in named for t in texts(concept)))
    words = [type_, use, status, word(resource, "outcome"), *names[:1], time.text if time else ""]
    return Paper(
        type=type_,
        status=status,
        use=use,
        outcome=word(resource, "outcome"),
        time=time,
        codes=tuple(dict.fromkeys(c for concept in named for c in codings(concept))),
        texts=names,
        source=Source.of(resource, time),
        said=short(", ".join(w for w in words if w)),
    )


def _time(resource: Resource, zone: tzinfo) -> FhirTime | None:
    written = resource.get("dateTime"), part(resource, "period").get("end"), resource.get("created")
    return next((t for t in (parse_time(w, zone) for w in written) if t is not None), None)


def _concepts(resource: Resource) -> list[object]:
    if word(resource, "resourceType") == "ClaimResponse":
        return [item.get("productOrService") for item in parts(resource, "addItem")]
    if word(resource, "resourceType") == "Coverage":
        return [resource.get("type")]
    return [resource.get("scope"), *parts(resource, "category"), resource.get("policyRule")]
