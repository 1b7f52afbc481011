"""What a form of the review page asks for: one change of the choices, or a dose that has to be asked about first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ivig_fhir.errors import SelectionError
from ivig_fhir.fhir.reading import plain_decimal
from ivig_fhir.proposal.dose_words import Question, read_dose, with_dose
from ivig_fhir.proposal.mitigation import take
from ivig_fhir.proposal.selections import Selections
from ivig_fhir.proposal.selections_json import as_json
from ivig_fhir.web.choices_form import Form, with_choices, with_companions, with_override
from ivig_fhir.workflow.propose import Page, alternatives, drafted, last_change
from ivig_fhir.workflow.runtime import Runtime


@dataclass(frozen=True)
class Asked:
    """The choices that a form leads to; a `question` instead where a typed dose can mean two things."""

    chosen: Mapping[str, Any]
    understood: str = ""
    question: Question | None = None


def asked_for(form: Form, page: Page, runtime: Runtime) -> Asked:
    """What one form asks for. SelectionError where it cannot be used."""
    if page.proposal is None:
        return Asked({"indication": form.get("indication", "")})
    if "undo" in form:
        return Asked(_before(page, runtime))
    if "mitigate" in form:
        found = alternatives(runtime, page).offers
        return Asked(_kept(take(found, form["mitigate"], plain_decimal(form.get("figure", "")), page.proposal)))
    if "switch" in form:
        return Asked(_switched(form["switch"], page, runtime))
    if "typed_dose" in form:
        return _typed(form["typed_dose"], page, runtime)
    if "override_check" in form or "override_remove" in form:
        return Asked(with_override(form, page.chosen))
    if "companions" in form:
        return Asked(with_companions(form, page.chosen, page.proposal))
    return Asked(with_choices(form, page.chosen, page.proposal))


def _kept(selections: Selections) -> dict[str, Any]:
    """Selections as a run keeps them; its runs are none of its choices."""
    return {k: v for k, v in as_json(selections).items() if k not in ("run", "replaces")}


def _typed(text: str, page: Page, runtime: Runtime) -> Asked:
    read = read_dose(text, runtime.content)
    if isinstance(read, Question):
        return Asked(page.chosen, question=read)
    return Asked(_kept(with_dose(drafted(page).selections, read)), understood=read.understood)


def _switched(product: str, page: Page, runtime: Runtime) -> dict[str, Any]:
    """The same order with another product, and without what belonged to the first one."""
    row = next((r for r in alternatives(runtime, page).products if r.product.id == product), None)
    if row is None or row.proposal is None:
        raise SelectionError(said="This product cannot be ordered here.")
    return _kept(row.proposal.selections)


def _before(page: Page, runtime: Runtime) -> Mapping[str, Any]:
    change = last_change(runtime, page)
    if change is None:
        raise SelectionError(said="There is nothing left to undo.")
    return change[0].before
