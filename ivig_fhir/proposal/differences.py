"""What differs between two proposals of one order, in words: grams, days, weight, vials, pump, findings, companions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

Json = Mapping[str, Any]
_Line = tuple[str, Callable[[Json], str]]


def differences(before: Json, after: Json, titles: Mapping[str, str]) -> tuple[str, ...]:
    """A line for each thing that differs between two answers of the shape `ivig-fhir/proposal/1`; `titles` name the checks by id.

    What a finding says of the patient is left out: only which check fires, and how gravely. Overrides are compared by what they answer:
    a finding of `after` that needs a reason and was given none in `before` is said to need one.
    """
    return (*_numbers(before, after), *_findings(before, after, titles), *_companions(before, after))


def rows(before: Json, after: Json, titles: Mapping[str, str]) -> tuple[tuple[str, str, str], ...]:
    """The same for a table: what differs, before, now."""
    numbers = ((name, old or "none", new or "none") for name, old, new in _changed(before, after))
    findings = ((titles.get(check, check), was, now) for check, was, now in _turned(before, after))
    return (*numbers, *findings, *_lines_beside(before, after))


def _changed(before: Json, after: Json) -> Iterator[tuple[str, str, str]]:
    for name, of in _LINES:
        old, new = of(before), of(after)
        if old != new:
            yield name, old, new


def _numbers(before: Json, after: Json) -> Iterator[str]:
    return (f"{name}: {old or 'none'} → {new or 'none'}" for name, old, new in _changed(before, after))


def _dose(key: str, unit: str) -> Callable[[Json], str]:
    return lambda p: f"{p['dose'][key]} {unit}" if p["dose"][key] is not None else ""


def _weight(p: Json) -> str:
    w = p["weight"]
    return f"{w['dosing_kg']} kg, {w['used']}, policy {w['policy']} version {w['policy_version']}" if w["dosing_kg"] else ""


def _vials(p: Json) -> str:
    vials = " + ".join(f"{v['count']} × {v['grams']} g" for v in p["vials"])
    return f"{vials}, waste {p['waste_g']} g" if vials else ""


def _pump(p: Json) -> str:
    steps = ", ".join(f"{s['ml_h']} mL/h for {s['minutes']} min" for s in p["rate"]["steps"])
    return f"{steps} ({p['rate']['basis']})" if steps else ""


def _days(p: Json) -> str:
    return ", ".join(i["date"] for i in p["dose"]["infusions"])


_LINES: tuple[_Line, ...] = (
    ("Outcome", lambda p: str(p["outcome"])),
    ("Each infusion", _dose("per_infusion_g", "g")),
    ("Whole course", _dose("course_g", "g")),
    ("Days", _days),
    ("Dosing weight", _weight),
    ("Product", lambda p: f"{p['product']['id']}, {p['product']['concentration_mg_ml']} mg/mL"),
    ("Vials of each infusion", _vials),
    ("Pump", _pump),
    ("On label", lambda p: "yes" if p["on_label"] else "no"),
    ("Last day and review of the series", lambda p: f"{p['series']['last']}, {p['series']['review_on']}" if p["series"] else ""),
    ("Vaccine interval, months", lambda p: str(p["vaccine_interval_months"] or "")),
)


def _standings(p: Json) -> dict[str, str]:
    """How each check ended: a severity, "not assessed", or "clear"."""
    found = dict.fromkeys(p["clear"], "clear") | {n["check"]: "not assessed" for n in p["not_assessed"]}
    return found | {f["check"]: f["severity"] for f in p["findings"]}


def _turned(before: Json, after: Json) -> Iterator[tuple[str, str, str]]:
    """Each check that ended otherwise: how before, how now, and whether it needs a reason that nobody gave."""
    old, new = _standings(before), _standings(after)
    answered = {o["check"] for o in before["overrides"]}
    for check in (*new, *(c for c in old if c not in new)):
        was, now = old.get(check, "not known"), new.get(check, "not known")
        if was != now:
            needs = ", and needs a reason that the approval does not give" if now == "override" and check not in answered else ""
            yield check, was, f"{now}{needs}"


def _findings(before: Json, after: Json, titles: Mapping[str, str]) -> Iterator[str]:
    return (f"{titles.get(check, check)}: {was} → {now}" for check, was, now in _turned(before, after))


def _companions(before: Json, after: Json) -> Iterator[str]:
    for title, was, now in _lines_beside(before, after):
        yield f"{title}: {'added' if not was else 'left out'}" if not (was and now) else f"{title}: “{was}” → “{now}”"


def _lines_beside(before: Json, after: Json) -> Iterator[tuple[str, str, str]]:
    """Each companion that is chosen in one of them only, or says something else; "" where it is not chosen."""
    old, new = ({c["id"]: c for c in p["companions"] if c["selected"]} for p in (before, after))
    for id_ in (*new, *(i for i in old if i not in new)):
        was, now = (str(p[id_]["text"]) if id_ in p else "" for p in (old, new))
        if was != now:
            yield str((new.get(id_) or old[id_])["title"]), was, now
