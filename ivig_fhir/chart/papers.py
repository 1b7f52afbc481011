"""Papers: consents, coverages and prior authorizations, with the products that they name."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import tzinfo

from ivig_fhir.chart.answers import Answers, Resource
from ivig_fhir.chart.facts import Paper, Source
from ivig_fhir.chart.payer_answer import added_items, denials, reasons_in_words, stated_periods
from ivig_fhir.fhir.codes import codings, texts
from ivig_fhir.fhir.dates import FhirTime, parse_time
from ivig_fhir.fhir.reading import part, parts, short, status_words, word

AUTHORIZATION = "ClaimResponse"
PAPERS = ("Consent", "Coverage", AUTHORIZATION)


def read_papers(answers: Answers, zone: tzinfo) -> tuple[Paper, ...]:
    """Every Consent, Coverage and ClaimResponse that was not entered in error; of a ClaimResponse, one paper for each item that it adds.

    `use` is the claim's use, or permit or deny of a consent. A prior authorization names its product in addItem.productOrService, and there
    or for the whole answer the days on which it may be given. See: CONTRACTS, precise point 13.
    """
    kept = (r for type_ in PAPERS for r in answers.of(type_).resources if word(r, "status") != "entered-in-error")
    return tuple(_paper(r, item, zone) for r in kept for item in _items(r))


def _items(resource: Resource) -> tuple[Resource, ...]:
    return added_items(resource) if word(resource, "resourceType") == AUTHORIZATION else ({},)


def _paper(resource: Resource, item: Resource, zone: tzinfo) -> Paper:
    type_, status = word(resource, "resourceType"), word(resource, "status")
    use = word(part(resource, "provision"), "type") if type_ == "Consent" else word(resource, "use")
    made = parse_time(resource.get("dateTime") or resource.get("created"), zone)
    begins, ends = _holds(resource, item, zone)
    named = _concepts(resource, item)
    names = tuple(dict.fromkeys(t for concept in named for t in texts(concept)))
    shown = made or ends
    against = tuple(dict.fromkeys(_against(resource, item))) if type_ == AUTHORIZATION else ()
    written = reasons_in_words(resource, item) if type_ == AUTHORIZATION else ()
    words = [type_, use, status, word(resource, "outcome"), *names[:1], shown.text if shown else "", *against[:1]]
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
        said_outcome="; ".join(written),
        against=against,
    )


def _against(resource: Resource, item: Resource) -> Iterator[str]:
    yield from denials(resource, item)
    if any(stated and parse_time(stated) is None for period in stated_periods(resource, item) for stated in period):
        yield "days that cannot be read"


def _holds(resource: Resource, item: Resource, zone: tzinfo) -> tuple[FhirTime | None, FhirTime | None]:
    """The first and the last day for which a paper holds: of an authorization what all that it states of days have in common."""
    if word(resource, "resourceType") == AUTHORIZATION:
        read = [(parse_time(start, zone), parse_time(end, zone)) for start, end in stated_periods(resource, item)]
        begins = max((b for b, _ in read if b), key=lambda t: t.earliest, default=None)
        return begins, min((e for _, e in read if e), key=lambda t: t.latest, default=None)
    period = part(part(resource, "provision"), "period") if word(resource, "resourceType") == "Consent" else part(resource, "period")
    return parse_time(period.get("start"), zone), parse_time(period.get("end"), zone)


def _concepts(resource: Resource, item: Resource) -> list[object]:
    if word(resource, "resourceType") == AUTHORIZATION:
        return [item.get("productOrService")]
    if word(resource, "resourceType") == "Coverage":
        return [resource.get("type")]
    return [resource.get("scope"), *parts(resource, "category"), resource.get("policyRule")]
