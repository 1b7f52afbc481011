"""From the fields of the review page back to selections: only what differs from what was shown becomes a choice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from werkzeug.datastructures import MultiDict

from ivig_fhir.errors import SelectionError
from ivig_fhir.proposal.model import Proposal
from ivig_fhir.web import choices

Form = MultiDict[str, str]
Chosen = dict[str, Any]


def with_choices(form: Form, before: Mapping[str, Any], p: Proposal) -> Chosen:
    """The selections after the choices were sent. A field that was not sent, or not changed, changes nothing.

    Another indication makes everything that hung on the old one a default again; another regimen does so for dose, days and series,
    and regimen and product for the rate.
    """
    shown = {"indication": p.order_set.id, "regimen": choices.regimen(p), "product": p.product.id, "setting": p.selections.setting}
    changed = {k: form[k] for k, v in shown.items() if form.get(k) and form[k] != v}
    if "indication" in changed:
        return {k: v for k, v in before.items() if k in ("setting", "weight", "start")} | {"indication": changed["indication"]}
    made = {**before, **changed}
    for key in ("dose", "days", "dates", "interval_weeks", "cycles") if "regimen" in changed else ():
        made.pop(key, None)
    if "regimen" not in changed:
        _dose(form, made, p)
        _days(form, made, p)
    if "regimen" in changed or "product" in changed:
        made.pop("rate", None)
    else:
        _cap(form, made, p)
    if form.get("start") and form["start"] != p.start.strftime(choices.START):
        made["start"] = form["start"]
    _weight(form, made, p)
    return {k: v for k, v in made.items() if v is not None}


def _typed(form: Form, key: str, shown: str) -> str | None:
    """What was typed, if it was sent and differs from what was shown; empty when it was cleared."""
    value = form.get(key)
    return None if value is None or value.strip() == shown else value.strip()


def _dose(form: Form, made: Chosen, p: Proposal) -> None:
    typed = _typed(form, "per_kg", choices.per_kg(p))
    if typed is not None:
        made["dose"] = {"per_kg": typed, "unit": "g/kg"} if typed else None


def _days(form: Form, made: Chosen, p: Proposal) -> None:
    """Days one by one come before a number of days; what is cleared is a default again."""
    shown = {"days": str(choices.days(p)), "interval_weeks": choices.interval(p), "cycles": choices.cycles(p)}
    for key, value in shown.items():
        typed = _typed(form, key, value)
        if typed is not None:
            made[key] = typed or None
    listed = _typed(form, "dates", choices.dates(p))
    if listed is not None:
        made["dates"] = [d.strip() for d in listed.split(",") if d.strip()] or None
        made["days"] = None
    elif made.get("dates") and _typed(form, "days", shown["days"]) is not None:
        made["dates"] = None


def _cap(form: Form, made: Chosen, p: Proposal) -> None:
    """A figure that was typed is the clinician's limit; else what was picked holds, and a figure that was cleared leaves it to content."""
    typed, mode = _typed(form, "cap_mg_kg_min", choices.cap(p)), form.get("cap_mode", choices.cap_mode(p))
    if typed is None and mode == choices.cap_mode(p):
        return
    if mode not in dict(choices.CAPS):
        raise SelectionError(said=f"There is no rate limit of the kind {mode}.")
    rate = {k: v for k, v in (made.get("rate") or {}).items() if k != "cap_mg_kg_min"}
    figure = typed if typed is not None else choices.cap(p)
    if typed or mode == "own":
        if not figure and mode == "own" and typed is None:
            raise SelectionError(said="Type your own limit in mg/kg/min.")
        rate |= {"cap_mg_kg_min": figure} if figure else {}
    elif mode == "label":
        rate |= {"cap_mg_kg_min": None}
    made["rate"] = rate or None


def _weight(form: Form, made: Chosen, p: Proposal) -> None:
    stated, was = form.get("dosing_kg"), choices.stated_kg(p)
    if stated is not None and stated.strip():
        reason = form.get("weight_reason", "").strip()
        basis = form.get("basis") or "other"
        if (stated.strip(), basis, reason) != (was, p.selections.weight.basis, p.selections.weight.reason):
            made["weight"] = {"dosing_kg": stated.strip(), "basis": basis, "reason": reason}
    elif (stated is not None and was) or form.get("policy", p.weight.policy) != p.weight.policy:
        made["weight"] = {"policy": form["policy"]} if form.get("policy") else None


def with_override(form: Form, before: Mapping[str, Any]) -> Chosen:
    """The selections with a reason given for one finding, or taken back."""
    check = form.get("override_check") or form.get("override_remove")
    kept = [o for o in before.get("overrides") or [] if o.get("check") != check]
    if "override_check" in form:
        kept.append({"check": check, "code": form.get("override_code", ""), "note": form.get("override_note", "").strip()})
    return {**before, "overrides": kept}


def with_companions(form: Form, before: Mapping[str, Any], p: Proposal) -> Chosen:
    """The selections with the companions that were ticked; a default that was left as it was stays a default."""
    ticked = set(form.getlist("companion"))
    changed = {c.id: c.id in ticked for c in p.companions if not c.required and (c.id in ticked) != c.selected}
    kept = {k: v for k, v in (before.get("companions") or {}).items() if (k in ticked) == v}
    return {**before, "companions": kept | changed}
