"""Smoke: the whole journey once on a server that may be written to, with a patient of our own, and everything taken away again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ivig_fhir.ehr.client import FhirClient
from ivig_fhir.ehr.loading import unload
from ivig_fhir.ehr.search import search
from ivig_fhir.errors import IvigError, TokenRejected
from ivig_fhir.fhir.reading import word
from ivig_fhir.proposal.context import MAIN
from ivig_fhir.workflow.runtime import Runtime
from ivig_fhir.workflow.smoke_steps import STEPS, NotHeldError, Visit


@dataclass(frozen=True, slots=True)
class Step:
    """One claim about a server, and what was seen: `held` True or False, None where it was not tried because an earlier one failed."""

    id: str
    claim: str
    held: bool | None
    said: str = ""


def smoke(runtime: Runtime, base: str, token: str, chart: Sequence[Mapping[str, Any]], keep: bool = False) -> Iterator[Step]:
    """Each step as it ends: the server is asked, loaded, read, ordered on, read back, and cleared.

    `chart` is one synthetic patient as resources; `token` a bearer token or "". With `keep` what was made stays. Everything that is
    written carries HL7's tag for test data, but for the order, which is written as the app writes it.
    """
    token_of = (lambda: token) if token else (lambda: None)
    visit = Visit(runtime, base, token, chart, FhirClient(base, runtime.http, token_of))
    failed = False
    for id_, claim, act in STEPS:
        if failed:
            yield Step(id_, claim, None, "Not tried.")
            continue
        try:
            yield Step(id_, claim, True, act(visit))
        except (IvigError, NotHeldError, ValueError) as error:
            failed = True
            yield Step(id_, claim, False, _why(error, token))
    if visit.made and not keep:
        yield _cleared(visit)


def _why(error: Exception, token: str) -> str:
    """Why a step does not hold."""
    if isinstance(error, TokenRejected) and not token:
        return f"The server asks for a token, and none was given: --token-file gives one. ({error.code})"
    return f"{error.message} ({error.code})" if isinstance(error, IvigError) else str(error)


def _cleared(visit: Visit) -> Step:
    """Everything that was made, deleted where the server allows it; the rest is named, so that somebody can."""
    made = [*_provenances(visit), *reversed(visit.made.values())]
    left = unload(visit.client, made)
    said = f"{len(made) - len(left)} of {len(made)} resources were deleted." + (f" Left: {', '.join(left)}." if left else "")
    return Step("clear", "What was made is removed", not left, said)


def _provenances(visit: Visit) -> list[str]:
    """The decision's Provenance, of which nobody kept the address."""
    main = next((now for was, now in visit.made.items() if now.startswith("MedicationRequest/") and was == f"order {MAIN}"), "")
    found = search(visit.client, "Provenance", [("target", main)], fresh=True).matches if main else {}
    return [f"Provenance/{word(r, 'id')}" for r in found.values() if word(r, "id")]
