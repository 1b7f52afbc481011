"""Dosing-weight and rounding policies, limits and words shown to users, from parsed TOML."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ivig_fhir.content.actions import KINDS, ActionWords
from ivig_fhir.content.model import RoundingPolicy, WeightPolicy
from ivig_fhir.content.reading import Table, by_id, fault

RULES = ("actual", "adjusted-from-bmi", "adjusted-above-ideal", "lower-of-ideal-and-actual", "adjusted-if-heavier")
ROLES = ("prescriber", "pharmacist", "nurse")
GROUPS = ("adult", "child", "infant")  # an infant's dose is not rounded to vials: its policy has no increments
_LIMITED = ("adjusted-from-bmi", "adjusted-above-ideal")
Policies = tuple[dict[str, WeightPolicy], dict[str, RoundingPolicy], dict[str, Any]]


def read_policies(data: Mapping[str, Any], file: str, citations: Collection[str]) -> Policies:
    """Weight policies and rounding policies by id, and the constants that `Content.constants` carries."""
    root = Table(data, file, citations)
    weight = by_id([_weight(row) for row in root.tables("weight")], lambda p: p.id, file)
    rounding = by_id([_rounding(row) for row in root.tables("rounding")], lambda p: p.id, file)
    for group in GROUPS:
        if [p.applies for p in rounding.values()].count(group) != 1:
            raise fault(file, "rounding", f"has not exactly one policy for {group}")
    constants = _constants(root, weight)
    root.end()
    return weight, rounding, constants


def _weight(row: Table) -> WeightPolicy:
    rule = row.one_of("rule", RULES)
    if row.has("limit") != (rule in _LIMITED):
        raise row.fault("limit", f"does not go with the rule {rule}" if row.has("limit") else f"is missing for the rule {rule}")
    factor = row.number("factor")
    if factor > 1:
        raise row.fault("factor", "is above 1")
    return WeightPolicy(row.id(), row.text("title"), rule, row.number_or_none("limit"), factor, row.text("version"), row.basis())


def _rounding(row: Table) -> RoundingPolicy:
    tolerance = row.number("tolerance")
    if not 0 < tolerance < 1:
        raise row.fault("tolerance", "is not a fraction between 0 and 1")
    applies = row.one_of("applies", GROUPS)
    return RoundingPolicy(
        id=row.id(),
        title=row.text("title"),
        increments_g=() if applies == "infant" else row.numbers("increments_g"),
        tolerance=tolerance,
        applies=applies,
        version=row.text("version"),
        source=row.basis(),
    )


def _roles(row: Table) -> tuple[str, ...]:
    roles = row.words("roles", some=True)
    for role in roles:
        if role not in ROLES:
            raise row.fault("roles", f"names {role!r}, which is not one of {', '.join(ROLES)}")
    return roles


def _action_words(root: Table, codes: Collection[str]) -> dict[str, ActionWords]:
    """The words of every action of the closed list, each under a code that the override reasons have too."""
    rows = root.tables("mitigation_action")
    found = {row.one_of("id", KINDS): ActionWords(row.one_of("code", codes), row.text("offer"), row.text("done")) for row in rows}
    missing = [kind for kind in KINDS if kind not in found]
    if missing:
        raise root.fault("mitigation_action", f"lacks {missing[0]}")
    return found


def _constants(root: Table, weight: Collection[str]) -> dict[str, Any]:
    limits = root.table("limits")
    limits.basis()
    reasons = root.tables("override_reason", naming="code")
    pharmacist = root.tables("pharmacist_reason", naming="code")
    words, dose_words = root.table("words"), root.table("dose_words")
    site = root.table("site")
    defaults = root.table("defaults")
    return {
        "default_weight_policy": defaults.one_of("weight_policy", weight),
        "comparison_g_kg": defaults.number("comparison_g_kg"),
        "adult_years": limits.whole("adult_years", least=1),
        "min_height_cm": limits.number("min_height_cm"),
        "same_instant_fraction": limits.number("same_instant_fraction"),
        "review_months": limits.whole("review_months", least=1),
        "weight_elsewhere": tuple((row.text("title"), row.basis()) for row in root.tables("weight_elsewhere", naming="title")),
        "data_required": limits.words("data_required", some=True),
        "override_roles": _roles(root.table("override")),
        "override_reasons": tuple((row.text("code"), row.text("label")) for row in reasons),
        "pharmacist_reasons": tuple((row.text("code"), row.text("label")) for row in pharmacist),
        "words": {key: words.text(key) for key in words.names()},
        "dose_words": {key: dose_words.text(key) for key in dose_words.names()},
        "dose_marks": {row.id("mark"): (row.text("ask"), row.words("instead")) for row in root.tables("dose_mark", naming="mark")},
        "action_words": _action_words(root, {row.text("code") for row in reasons}),
        "stale_days_checks": site.words("may_shorten_days_of"),
        "product_checks": root.table("products").words("checks", some=True),
    }
