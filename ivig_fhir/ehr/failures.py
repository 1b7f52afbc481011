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
    OutcomeInstead,
    OutcomeUnknown,
    RequestRejected,
    ResourceGone,
    SeveralAnchors,
    TokenRejected,
)
from ivig_fhir.fhir.outcome import issues, worst
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


def failure(method: str, status: int, body: Any, about: str, wait: float | None = None) -> FhirError:
    """The error that an answer is which is no success. `about` is a resource type or "transaction", for the log; `wait` the seconds that
    the server asks to wait.

    A 5xx to a read means unavailable; to a write it leaves open whether anything was stored. What is no FHIR is never shown, only its
    status. See: FHIR R4 http, and E-20 to E-32.
    """
    detail, told = f"{method} {about} {status}", lines_of(body)
    if asks_to_break_the_glass(body):
        return BreakTheGlass(detail, told=told)
    kind = _BY_STATUS.get(status)
    if kind is None and status >= 500:
        if method == "GET":
            return EhrUnavailable(detail, said=f"The EHR could not answer (status {status}).", told=told)
        return OutcomeUnknown(detail, told=told)
    refused_without_words = kind is RequestRejected and not told and method != "GET"
    if kind is None or refused_without_words:  # a redirect, a status unknown to FHIR, or a write refused in some other language
        return NotFhir(detail, said=f"The EHR answered with status {status} and gave no details.")
    if status == 412 and method == "POST":
        return SeveralAnchors(detail, told=told)
    remedy = f"The EHR asks to wait {wait:.0f} seconds; then try again." if kind is EhrBusy and wait else None
    made = kind(detail, said=_said(kind, method, status, body), remedy=remedy, told=told)
    made.asked = (method, about)
    return made


def _said(kind: type[FhirError], method: str, status: int, body: Any) -> str | None:
    """One sentence: ours, with the server's own words where it has any; at most 300 characters of them."""
    if kind not in _SAYS_WHY:
        return None
    first = kind.message
    if kind is RequestRejected and method == "GET":
        first = "The EHR did not accept the question."
    elif kind is ResourceGone and method == "POST":
        first = "The EHR does not store this kind of resource."
    words = words_of(body)
    return f"{first.rstrip('.')}: {words}" if words else f"{first.rstrip('.')} (status {status}; it gave no details)."


def instead(detail: str, body: Any) -> OutcomeInstead:
    """The error of a success that brought something else than what was asked for, with the words of the OperationOutcome it may be."""
    words = words_of(body)
    said = f"The EHR answered with an error instead of the resource: {words}" if words else None
    return OutcomeInstead(detail, said=said, told=lines_of(body))


def words_of(body: Any) -> str:
    """The words of the worst issue of an OperationOutcome; "" for any other body, and for one without words."""
    issue = worst(body) if word(body, "resourceType") == "OperationOutcome" else None
    return issue.said if issue else ""


def lines_of(body: Any) -> tuple[str, ...]:
    """Every issue of an OperationOutcome in a line of its own, with where it is; none for any other body."""
    return tuple(i.line for i in issues(body)) if word(body, "resourceType") == "OperationOutcome" else ()


def asks_to_break_the_glass(body: Any) -> bool:
    """Whether an OperationOutcome asks for Break-the-Glass; asking again would only be logged against the user."""
    if word(body, "resourceType") != "OperationOutcome":
        return False
    codes = {word(c, "code") for issue in parts(body, "issue") for c in parts(part(issue, "details"), "coding")}
    return bool(codes & _BREAK_THE_GLASS)
