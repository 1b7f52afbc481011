"""Papers: consents, coverages and prior authorizations, with the products that they name."""

from __future__ import annotations

from datetime import tzinfo

from ivig_fhir.chart.answers import Answers, Resource
from ivig_fhir.chart.facts import Paper, Source
from ivig_fhir.fhir.codes import codings, texts
from ivig_fhir.fhir.dates import FhirTime, parse_time
from ivig_fhir.fhir.reading import part, parts, short, status_words, word

PAPERS = ("Consent", "Coverage", "ClaimResponse")


def read_papers(answers: Answers, zone: tzinfo) -> tuple[Paper, ...]:
    """Every Consent, Coverage and ClaimResponse that was not entered in error; of a ClaimResponse, one paper for each item that it adds.

    `use` is the claim's use, or permit or deny of a consent. A prior authorization names its product in addItem.productOrService, and there
    the days on which it may be given. See: CONTRACTS, precise point 13.
    """
    kept = (r for type_ in PAPERS for r in answers.of(type_).resources if word(r, "status") != "entered-in-error")
    return tuple(_paper(r, item, zone) for r in kept for item in _items(r))


def _items(resource: Resource) -> tuple[Resource, ...]:
    return parts(resource, "addItem") if word(resource, "resourceType") == "ClaimResponse" and parts(resource, "addItem") else ({},)


def _paper(resource: Resource, item: Resource, zone: tzinfo) -> Paper:
    type_, status = word(resource, "resourceType"), word(resource, "status")
    use = word(part(resource, "provision"), "type") if type_ == "Consent" else word(resource, "use")
    made = parse_time(resource.get("dateTime") or resource.get("created"), zone)
    begins, ends = _holds(resource, item, zone)
    named = _concepts(resource, item)
    names = tuple(dict.fromkeys(t for concept in named for t in texts(concept)))
    shown = made or ends
    words = [type_, use, status, word(resource, "outcome"), *names[:1], shown.text if shown else ""]
    return Paper(
        type=type_,
        status=status,
        use=use,
        outcome=word(resource, "outcome"),
        time=made,
        codes=tuple(dict.fromkeys(c for concept in named for c in codings(concept))),
        texts=names,
        source=Source.of(resource, shown),
        said=short(", ".join(w for w in words if w)),
        begins=begins,
        ends=ends,
        scope=status_words(resource.get("scope")) if type_ == "Consent" else (),
        said_outcome=short(word(resource, "disposition")),
    )


def _holds(resource: Resource, item: Resource, zone: tzinfo) -> tuple[FhirTime | None, FhirTime | None]:
    """The first and the last day for which a paper holds: of an authorization those of its item."""
    period = part(part(resource, "provision"), "period") if word(resource, "resourceType") == "Consent" else part(resource, "period")
    served, day = part(item, "servicedPeriod") or period, item.get("servicedDate")
    return parse_time(served.get("start") or day, zone), parse_time(served.get("end") or day, zone)


def _concepts(resource: Resource, item: Resource) -> list[object]:
    if word(resource, "resourceType") == "ClaimResponse":
        return [item.get("productOrService")]
    if word(resource, "resourceType") == "Coverage":
        return [resource.get("type")]
    return [resource.get("scope"), *parts(resource, "category"), resource.get("policyRule")]
