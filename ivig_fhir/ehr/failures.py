"""Failed answers: which error a status and its OperationOutcome are, without a word of the patient's data in the log line."""

from __future__ import annotations

from typing import Any

from ivig_fhir.errors import (
    BreakTheGlass,
    ChangedInEhr,
    EhrBusy,
    EhrUnavailable,
    FhirError,
    Forbidden,
    NotFhir,
    NotNegotiable,
    OutcomeUnknown,
    RequestRejected,
    ResourceGone,
    SeveralAnchors,
    TokenRejected,
)
from ivig_fhir.fhir.outcome import worst
from ivig_fhir.fhir.reading import part, parts, word

# Epic's codes for a chart that opens only after Break-the-Glass.
_BREAK_THE_GLASS = frozenset({"4130", "4131", "4134"})
_BY_STATUS: dict[int, type[FhirError]] = {
    400: RequestRejected,
    401: TokenRejected,
    403: Forbidden,
    404: ResourceGone,
    405: ResourceGone,
    406: NotNegotiable,
    409: ChangedInEhr,
    410: ResourceGone,
    412: ChangedInEhr,
    415: NotNegotiable,
    422: RequestRejected,
    429: EhrBusy,
    501: ResourceGone,
}
_SAYS_WHY = (RequestRejected, Forbidden, ResourceGone)


def failure(method: str, status: int, body: Any, about: str) -> FhirError:
    """The error that an answer is which is no success. `about` is a resource type or "transaction", for the log.

    A 5xx to a read means unavailable; to a write it leaves open whether anything was stored. See: FHIR R4 http, and E-20 to E-32.
    """
    detail = f"{method} {about} {status}"
    if asks_to_break_the_glass(body):
        return BreakTheGlass(detail)
    kind = _BY_STATUS.get(status)
    if kind is None:
        if status < 500:  # a redirect, or a status that FHIR does not know
            return NotFhir(detail, said=f"The EHR answered with status {status} and no details.")
        return EhrUnavailable(detail) if method == "GET" else OutcomeUnknown(detail)
    if status == 412 and method == "POST":
        return SeveralAnchors(detail)
    return kind(detail, said=_said(kind, method, body))


def _said(kind: type[FhirError], method: str, body: Any) -> str | None:
    """The sentence with the server's own words, where they tell more than ours; at most 300 characters of them."""
    first = kind.message
    if kind is RequestRejected and method == "GET":
        first = "The EHR did not accept the question."
    elif kind is ResourceGone and method == "POST":
        first = "The EHR does not store this kind of resource."
    issue = worst(body) if kind in _SAYS_WHY and word(body, "resourceType") == "OperationOutcome" else None
    if issue is not None and issue.said:
        return f"{first} It says: {issue.said}"
    return f"{first} It gave no details." if kind is RequestRejected else first


def asks_to_break_the_glass(body: Any) -> bool:
    """Whether an OperationOutcome asks for Break-the-Glass; asking again would only be logged against the user."""
    if word(body, "resourceType") != "OperationOutcome":
        return False
    codes = {word(c, "code") for issue in parts(body, "issue") for c in parts(part(issue, "details"), "coding")}
    return bool(codes & _BREAK_THE_GLASS)
