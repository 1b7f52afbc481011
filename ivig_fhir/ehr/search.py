"""One search to its last page: next links only, one origin, a cap that is told; what failed is a reason and never an empty answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ivig_fhir.chart.answers import Oddity, Reason, Resource
from ivig_fhir.chart.gaps import Unread, gaps_in, remarks_in
from ivig_fhir.ehr.client import FhirClient, Parameters
from ivig_fhir.ehr.failures import asks_to_break_the_glass, lines_of
from ivig_fhir.errors import BreakTheGlass, FhirError, Forbidden, RequestRejected, ResourceGone, TokenRejected
from ivig_fhir.fhir.outcome import issues, worst
from ivig_fhir.fhir.reading import part, parts, word

PAGES = 20
_NOT_PERMITTED = (TokenRejected, Forbidden, BreakTheGlass)
# Epic's code for "there may be more than this"; FHIR's own word for it is `incomplete`.
_MORE = "4119"
_NOTHING_FOUND = "4101"


@dataclass
class Found:
    """What a search brought: matches and includes once each, what it left unread of which type, and what must be named.

    `problem` is None only when every page was read. `error` is what ended the reading, if an error did, after so many `pages`.
    """

    matches: dict[str, Resource] = field(default_factory=dict)
    includes: dict[str, Resource] = field(default_factory=dict)
    unread: list[Unread] = field(default_factory=list)
    oddities: list[Oddity] = field(default_factory=list)
    pages: int = 0
    problem: Reason | None = None
    said: str = ""
    error: FhirError | None = None

    @property
    def refused(self) -> bool:
        """Whether the server did not take these parameters; without some of them it may."""
        return isinstance(self.error, RequestRejected) and not self.pages

    def stop(self, reason: Reason, said: str) -> None:
        """Note why not everything was read; the first reason stays."""
        if self.problem is None:
            self.problem, self.said = reason, said


def search(
    client: FhirClient, type_: str, params: Parameters, *, pages: int = PAGES, fresh: bool = False, deadline: float | None = None
) -> Found:
    """Everything that one search finds. Raises nothing of the EHR's: what could not be read is the answer's `problem`.

    `Bundle.total` is never looked at: servers put the size of a page there, or nothing. See: FHIR R4 http, paging.
    """
    found = Found()
    where, asked = type_, tuple(params)
    seen: set[str] = set()
    while True:
        try:
            reply = client.get(where, asked, fresh=fresh, deadline=deadline)
        except FhirError as error:
            found.error = error
            in_part = found.pages > 0  # a page that expired says nothing about what the server supports
            found.stop(Reason.ERROR if in_part else problem_of(error), _sentence(type_, error, in_part))
            return found
        _read(found, reply.body, type_)
        found.pages += 1
        seen.add(where)
        following = _next(reply.body)
        if not following or isinstance(found.error, BreakTheGlass):
            return found
        where, asked = client.absolute(following), ()
        if not _may_follow(found, client, where, seen, pages, type_):
            return found


def problem_of(error: FhirError) -> Reason:
    """The word of `not_assessed` for an error of a read."""
    if isinstance(error, _NOT_PERMITTED):
        return Reason.NOT_PERMITTED
    return Reason.NOT_SUPPORTED if isinstance(error, ResourceGone | RequestRejected) else Reason.ERROR


def _sentence(type_: str, error: FhirError, in_part: bool) -> str:
    to_do = f" {error.remedy}" if isinstance(error, BreakTheGlass) else ""  # the only one that whoever reads the page can mend
    return f"{type_} {'was read only in part' if in_part else 'could not be read'}. {error.message}{to_do}"


def _may_follow(found: Found, client: FhirClient, where: str, seen: set[str], pages: int, type_: str) -> bool:
    if not client.same_origin(where):
        found.stop(Reason.ERROR, f"{type_} was read only in part: the link to its next page leads to another server.")
    elif where in seen:
        found.stop(Reason.ERROR, f"{type_} was read only in part: its pages lead back to a page that was read.")
    elif found.pages >= pages:
        found.stop(Reason.ERROR, f"{type_} was read only in part: there are more than {pages} pages.")
    else:
        return True
    return False


def _next(bundle: Any) -> str:
    return next((word(link, "url") for link in parts(bundle, "link") if word(link, "relation") == "next"), "")


def _read(found: Found, body: Any, type_: str) -> None:
    """One page: a Bundle of entries, or an OperationOutcome in its place."""
    if word(body, "resourceType") == "OperationOutcome":
        _outcome(found, body, type_)
        issue = worst(body)
        found.stop(Reason.ERROR, f"{type_} could not be read. {issue.said if issue else ''}".strip())
        return
    if word(body, "resourceType") != "Bundle":
        found.stop(Reason.ERROR, f"{type_} could not be read: the EHR answered with something else than a list.")
        return
    entries = list(_entries(found, body, type_))
    _behind_glass(found, [resource for resource, _ in entries], type_)
    for resource, mode in entries:
        kind = word(resource, "resourceType")
        if kind == "OperationOutcome":
            _outcome(found, resource, type_)
        elif kind == type_ and mode != "include":
            _keep(found.matches, resource, found)
        elif kind:
            _keep(found.includes, resource, found)
        else:
            found.oddities.append(Oddity("", f"An entry among {type_} that is not a FHIR resource was passed over."))
            found.stop(Reason.NOT_READABLE, f"{type_} was read only in part: an entry of it is malformed.")


def _behind_glass(found: Found, listed: list[Resource], type_: str) -> None:
    """A list that asks for Break-the-Glass is told as a refusal that does: each further page would be logged against the user."""
    asking = next((r for r in listed if asks_to_break_the_glass(r)), None)
    if asking is not None:
        found.error = BreakTheGlass(f"GET {type_} 200", told=lines_of(asking))
        in_part = found.pages > 0 or any(word(r, "resourceType") == type_ for r in listed)
        found.stop(Reason.NOT_PERMITTED, _sentence(type_, found.error, in_part))


def _entries(found: Found, bundle: Any, type_: str) -> Iterator[tuple[dict[str, Any], str]]:
    listed = bundle.get("entry")
    if listed is not None and not isinstance(listed, list):
        found.stop(Reason.NOT_READABLE, f"{type_} could not be read: its list is malformed.")
        return
    for entry in listed or ():
        yield part(entry, "resource"), word(part(entry, "search"), "mode")


def _keep(kept: dict[str, Resource], resource: Resource, found: Found) -> None:
    """Once by type and id; pages of one search may overlap."""
    type_, id_ = word(resource, "resourceType"), word(resource, "id")
    before = kept.setdefault(f"{type_}/{id_}" if id_ else f"{type_}#{len(kept)}", resource)
    if before is not resource and before != resource:
        found.oddities.append(Oddity(f"{type_}/{id_}", f"{type_} changed while it was read; its first state was used."))


def _outcome(found: Found, outcome: Resource, type_: str) -> None:
    """What an OperationOutcome among the results leaves open, of this type or of another that it names."""
    gaps = gaps_in(outcome, type_)
    found.unread += gaps.unread
    found.oddities += [Oddity("", sentence) for sentence in gaps.unnamed]
    for item in gaps.unread:
        if item.type == type_:
            found.stop(item.reason, item.said)
    codes = {word(c, "code") for i in parts(outcome, "issue") for c in parts(part(i, "details"), "coding")}
    if _NOTHING_FOUND not in codes:
        found.oddities += [Oddity("", f"The EHR remarks on its list of {type_}: {r}") for r in remarks_in(outcome)]
    if _MORE in codes or any(i.code == "incomplete" for i in issues(outcome)):
        found.stop(Reason.ERROR, f"{type_} was read only in part: the EHR says that there may be more.")
