"""What a pharmacist looks at before verifying, step by step: filled from the approved order, the record as read now, and the product."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from ivig_fhir.content.model import Product
from ivig_fhir.fhir.codes import codings
from ivig_fhir.fhir.quantity import half_up, plain
from ivig_fhir.fhir.reading import parts
from ivig_fhir.proposal.rates import mg_kg_min
from ivig_fhir.web.blood_view import absent
from ivig_fhir.web.desk import Desk, indication_codes
from ivig_fhir.web.earlier_infusions import earlier_infusions, reactions
from ivig_fhir.web.order_view import allergies_said
from ivig_fhir.web.render import amount, dated, day, percent
from ivig_fhir.web.supply_view import billing_rows, coverages

View = dict[str, Any]
_SETTINGS = {"inpatient": "inpatient", "outpatient": "outpatient", "community": "at home"}
TIERS = {"A": "on a label", "B": "recommended outside the labels", "C": "restricted to selected cases", "D": "not recommended"}
_COMPOSITION = (("stabilizer", "Stabiliser"), ("sugar", "Sugar"), ("sodium", "Sodium"), ("osmolality", "Osmolality"))
_IGA = ("iga_average_mcg_ml", "iga_max_mcg_ml", "iga_average", "iga_max")
_HANDLING = (("storage", "Storage"), ("diluent", "Dilution"), ("filter", "Filter"))


def steps_view(desk: Desk) -> list[View]:
    """Every step with what it asks, what this order says to it, and the notes that hold for it."""
    guide = desk.content.constants["verification"]
    return [{"title": s.title, "ask": s.ask, "lines": [x for x in _LINES[s.id](desk) if x], "notes": s.notes} for s in guide.steps]


def second_person(desk: Desk) -> str:
    """Why a second person calculates this order without seeing the result; empty when nobody has to."""
    because = second_person_because(desk)
    return f"{desk.content.constants['verification'].second_person.ask} Here: {because}." if because else ""


def second_person_because(desk: Desk) -> str:
    """The reasons alone, in one line."""
    rule = desk.content.constants["verification"].second_person
    fired = {f["check"] for f in desk.kept["findings"]}
    because = [
        rule.because["child"] if rule.children and desk.is_child else "",
        rule.because["dose"].format(dose=plain(half_up(desk.course_g_kg, "0.01"))) if desk.course_g_kg >= rule.course_g_kg_from else "",
        rule.because["tier"] if desk.order_set.tier in rule.tiers else "",
        rule.because["first"] if "tolerance.naive-or-switch" in fired else "",
    ]
    return ", ".join(b for b in because if b)


def _patient(desk: Desk) -> list[str]:
    person = desk.chart.patient
    born = day(person.birth_date) if person.birth_date else "birth date not recorded"
    return [
        f"{person.name or 'No name'}, {born}",
        f"Record number {person.identifier or 'none'}",
        f"{person.sex or 'sex not recorded'}, {setting_said(desk)}",
    ]


def setting_said(desk: Desk) -> str:
    """Where the stored order says that it is given."""
    codes = {c.code for concept in parts(desk.stored, "category") for c in codings(concept)}
    return next((words for code, words in _SETTINGS.items() if code in codes), "setting not stored")


def _indication(desk: Desk) -> list[str]:
    label = "on this product's label" if desk.kept["on_label"] else "not on this product's label"
    approvals = [p.said for p in desk.chart.papers if p.type == "ClaimResponse" and p.use == "preauthorization"]
    return [
        f"{desk.order_set.name} ({indication_codes(desk)})",
        f"Tier {desk.order_set.tier}: {TIERS[desk.order_set.tier]}; {label}",
        f"Authorization: {'; '.join(approvals)}" if approvals else "No authorization in the record",
    ]


def _weight(desk: Desk) -> list[str]:
    w = desk.kept["weight"]
    measured = [m for m in desk.chart.panel("body-weight") if m.value is not None and m.time is not None and not m.preliminary][:4]
    trend = "; ".join(f"{half_up(m.value or Decimal(0), '0.1')} kg on {day(m.time.text if m.time else None)}" for m in measured)
    values = (
        ("Height", _height(desk), "cm"),
        ("BMI", w["bmi"], "kg/m2"),
        ("Ideal", w["ideal_kg"], "kg"),
        ("Adjusted", w["adjusted_kg"], "kg"),
    )
    return [
        f"Measured: {trend}" if trend else "No measured weight in the record now",
        ", ".join(f"{name} {amount(value, unit)}" for name, value, unit in values if value),
        f"Dosing weight {amount(w['dosing_kg'], 'kg')}, {w['used']}. {w['why']}",
    ]


def _height(desk: Desk) -> Decimal | None:
    found = desk.chart.latest("body-height")
    return half_up(found.value, "0.1") if found and found.value is not None else None


def _dose(desk: Desk) -> list[str]:
    d, series = desk.kept["dose"], desk.kept["series"]
    change = Decimal(d["per_infusion_g"]) - Decimal(d["calculated_per_infusion_g"])
    sign = "+" if change > 0 else "−" if change < 0 else ""
    given = next((f for f in desk.kept.get("figures", []) if f["id"] == "given-lately"), None)
    days = len(d["infusions"])
    return [
        f"{plain(half_up(desk.course_g_kg, '0.01'))} g/kg: {amount(d['course_g'], 'g')} in {days} {'day' if days == 1 else 'days'}",
        f"Every {series['interval_weeks']} weeks, {series['cycles']} times" if series else "Once, not repeated",
        f"Rounding: {sign}{amount(str(abs(change)), 'g')} each infusion ({percent(Decimal(d['deviation_percent']))})",
        f"{given['title']}: {amount(given['value'], given['unit'])}" if given else "",
    ]


def _product(desk: Desk) -> list[str]:
    last = next(iter(earlier_infusions(desk.chart, desk.content)), None)
    iga, *others = made_of(desk.product)
    return [
        f"{desk.product.brand}: {' '.join(iga)}",
        *(f"{name}: {said}" for name, said in others),
        f"Last given: {last.name}, {last.when}" if last else "No earlier infusion in the record",
    ]


def made_of(product: Product) -> list[tuple[str, str]]:
    """What the product holds beside immunoglobulin, in the label's words; what no source that was read gives is said to be so."""
    said = product.properties
    iga = next((said[name] for name in _IGA if name in said), "not known")
    return [("IgA", iga), *((name, said.get(key, "not verified")) for key, name in _COMPOSITION)]


def _volume(desk: Desk) -> list[str]:
    concentration, volume = Decimal(desk.kept["product"]["concentration_mg_ml"]), Decimal(desk.kept["volume_ml"])
    rate, by_weight = desk.kept["rate"], plain(half_up(volume / desk.kg, "0.1"))
    lines = [f"{amount(str(concentration), 'mg/mL')}, {amount(str(volume), 'mL')} each day: {by_weight} mL/kg"]
    if not rate["steps"]:
        return [*lines, "No rate steps"]
    highest = max(Decimal(s["ml_kg_h"]) for s in rate["steps"])
    as_mass = plain(half_up(mg_kg_min(highest, concentration), "0.01"))
    lines.append(f"Highest rate {plain(highest)} mL/kg/h, that is {as_mass} mg/kg/min")
    cap = rate["cap_ml_kg_h"]
    return [*lines, f"Limit {plain(Decimal(cap))} mL/kg/h, by {rate['cap_reason']}" if cap else "No limit of a rate table"]


def _history(desk: Desk) -> list[str]:
    found = [x.said for x in earlier_infusions(desk.chart, desk.content)[:6]]
    return [
        f"Allergies: {allergies_said(desk.chart)}",
        *reactions(desk.chart, desk.content),
        *(found or ["No earlier infusion in the record"]),
    ]


def _laboratory(desk: Desk) -> list[str]:
    panels = next(s.panels for s in desk.content.constants["verification"].steps if s.id == "laboratory")
    lines, none = [], absent(desk.chart).lower()
    for id_ in panels:
        title = desk.content.panels[id_].title
        two = [m for m in desk.chart.panel(id_) if m.time is not None][:2]
        said = "; before: ".join(f"{dated(m.said)}{' (preliminary)' if m.preliminary else ''}" for m in two)
        lines.append(said or f"{title}: {none}")
    return lines


def _interactions(desk: Desk) -> list[str]:
    titles = {id_: title for _, id_, title in desk.content.constants["check_index"]}
    checks = next(s.checks for s in desk.content.constants["verification"].steps if s.id == "interactions")
    found = {f["check"]: f["message"] for f in desk.kept["findings"]} | {
        n["check"]: f"not assessed: {n['message']}" for n in desk.kept["not_assessed"]
    }
    new = desk.case.review.since
    hidden = {title for u in new.unread for title in u.checks}
    later = [f"New since the approval: {x.said}" for x in new.found if x.finding.check in checks]
    later += [f"Could not be checked now: {titles[c]}" for c in checks if titles[c] in hidden]
    clear = [titles[c] for c in checks if c not in found and titles[c] not in hidden]
    return [*later, *(f"{titles[c]}: {found[c]}" for c in checks if c in found), f"Nothing found: {', '.join(clear)}" if clear else ""]


def _companions(desk: Desk, kinds: tuple[str, ...]) -> list[str]:
    chosen = [c for c in desk.kept["companions"] if c["selected"] and c["kind"] in kinds]
    return [f"{c['title']}: {c['text']}{_due(c)}" for c in chosen] or ["None chosen"]


def _due(companion: Mapping[str, Any]) -> str:
    due = companion.get("due")
    return f" Due {day(due['from'])} to {day(due['until'])}." if due else ""


def _preparation(desk: Desk) -> list[str]:
    said = desk.product.properties
    vials = ", ".join(f"{v['count']} × {amount(v['grams'], 'g')}" for v in desk.kept["vials"]) or "no vial sizes known"
    diluted = [desk.content.constants["infusion_sheet"].diluents[desk.diluent]] if desk.diluent else []
    return [*diluted, f"Vials of each infusion: {vials}", *(f"{name}: {said[key]}" for key, name in _HANDLING if key in said)]


def _billing(desk: Desk) -> list[str]:
    covered = "; ".join(coverages(desk.chart))
    code, *waste = [said for _, said in billing_rows(desk.product, desk.kept)]
    return [f"Coverage: {covered}" if covered else "No coverage in the record", f"HCPCS {code}", *waste]


_LINES: Mapping[str, Callable[[Desk], list[str]]] = {
    "patient": _patient,
    "indication": _indication,
    "weight": _weight,
    "dose": _dose,
    "product": _product,
    "volume": _volume,
    "history": _history,
    "laboratory": _laboratory,
    "interactions": _interactions,
    "medicines": lambda desk: _companions(desk, ("medication",)),
    "monitoring": lambda desk: _companions(desk, ("monitoring", "nursing", "lab", "education")),
    "preparation": _preparation,
    "billing": _billing,
}
