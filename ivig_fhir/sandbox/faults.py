"""The named ways this EHR can misbehave, chosen for one launch: one entry and one line of documentation each."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from ivig_fhir.sandbox.outcome import FhirError
from ivig_fhir.sandbox.scopes import Permission, without

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault: its name, one line for people, and the places where it can bend the server; a place left alone behaves.

    `grant` changes what is granted; `refuse` gets method and path below the base before anything is done; `storing` changes a
    resource that a client writes; `capability` changes the CapabilityStatement; `page_size` caps a page; `token_seconds` is how long an
    access token lasts; `dies` gets whether something was written, and says whether the connection ends without an answer.
    """

    name: str
    does: str
    grant: Callable[[Iterable[Permission]], list[Permission]] = list
    refuse: Callable[[str, str], FhirError | None] = lambda method, path: None
    storing: Callable[[Json], Json] = lambda resource: resource
    capability: Callable[[Json], Json] = lambda statement: statement
    page_size: int | None = None
    token_seconds: int | None = None
    dies: Callable[[bool], bool] = lambda wrote: False


def _narrow(permissions: Iterable[Permission]) -> list[Permission]:
    return without(without(permissions, ("AllergyIntolerance",)), ("DetectedIssue", "Provenance"), "cud")


def _refuse_bundles(method: str, path: str) -> FhirError | None:
    if method == "POST" and not path:
        return FhirError(405, "not-supported", "This server takes neither transactions nor batches.")
    return None


def _declare_no_bundles(statement: Json) -> Json:
    result = copy.deepcopy(statement)
    for rest in result["rest"]:
        rest.pop("interaction", None)
    return result


def _drop_rate(resource: Json) -> Json:
    if resource.get("resourceType") != "MedicationRequest":
        return resource
    result = copy.deepcopy(resource)
    for dosage in result.get("dosageInstruction") or []:
        dosage.pop("extension", None)
        for dose in dosage.get("doseAndRate") or []:
            for lost in [key for key in dose if key.startswith("rate") or key == "extension"]:
                del dose[lost]
    return result


NONE = Fault("none", "the EHR behaves")

FAULTS: tuple[Fault, ...] = (
    NONE,
    Fault(
        "timeout-after-commit",
        "every write is stored, and then the connection ends without an answer",
        dies=lambda wrote: wrote,
    ),
    Fault(
        "narrowed-scopes",
        "the grant leaves out AllergyIntolerance altogether, and writing DetectedIssue and Provenance",
        grant=_narrow,
    ),
    Fault(
        "no-transaction",
        "transactions and batches are refused with 405, and the CapabilityStatement asked for with the token does not list them",
        refuse=_refuse_bundles,
        capability=_declare_no_bundles,
    ),
    Fault(
        "drops-rate",
        "a MedicationRequest loses its rates and the extensions of its dosage when it is stored, and nothing says so",
        storing=_drop_rate,
    ),
    Fault("short-tokens", "an access token lasts for two minutes", token_seconds=120),
    Fault("page-size-2", "a page holds at most two matches, whatever _count asks", page_size=2),
)


def find(name: str | None) -> Fault | None:
    """The fault of a name; `none` without one; None for a name that is no fault."""
    return next((fault for fault in FAULTS if fault.name == (name or NONE.name)), None)
