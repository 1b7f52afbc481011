"""Companions and their rule words, from parsed TOML."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any

from ivig_fhir.content.companion import Companion, CompanionDose, OrderRule, Rules, Trigger
from ivig_fhir.content.model import SEVERITIES, Content
from ivig_fhir.content.reading import Table, by_id, fault

BUILT_IN_WORDS = ("always", "offered", "adult", "child")
KINDS = ("medication", "lab", "monitoring", "nursing", "education")
SETTINGS = ("inpatient", "outpatient", "home")
_MINUTES = 60


def read_companions(data: Mapping[str, Any], file: str, citations: Collection[str]) -> tuple[tuple[Companion, ...], Rules]:
    """The orders beside the infusion, and the rule words that choose them."""
    root = Table(data, file, citations)
    findings = root.table("rules")
    orders = root.table("order_rules")
    rules = Rules(
        {word: tuple(_trigger(findings, word, said) for said in findings.words(word, some=True)) for word in findings.names()},
        {word: _order_rule(orders.table(word)) for word in orders.names()},
    )
    for word in orders.names():
        if word in rules.findings or word in BUILT_IN_WORDS:
            raise orders.fault(word, "is a rule word already")
    made = [_companion(row, (*BUILT_IN_WORDS, *rules.findings, *rules.orders)) for row in root.tables("companion")]
    root.end()
    return tuple(by_id(made, lambda c: c.id, file).values()), rules


def _trigger(table: Table, word: str, said: str) -> Trigger:
    """`check` (any finding above information), `check/branch` or `check@severity`."""
    check, _, severity = said.partition("@")
    check, _, branch = check.partition("/")
    severity = severity or "warning"
    if severity not in SEVERITIES:
        raise table.fault(word, f"names the severity {severity!r}, which there is not")
    return Trigger(check, branch, severity)


def _order_rule(row: Table) -> OrderRule:
    settings = row.words("settings")
    if set(settings) - set(SETTINGS):
        raise row.fault("settings", f"are not of {', '.join(SETTINGS)}")
    made = OrderRule(row.words("indications"), row.words("regimens"), settings, row.number_or_none("course_g_kg_from"))
    if not any((made.indications, made.regimens, made.settings, made.course_g_kg_from is not None)):
        raise row.fault("", "says nothing about the order")
    return made


def _companion(row: Table, words: Collection[str]) -> Companion:
    after = row.whole_pair("after_hours") if row.has("after_hours") else None
    if after and row.has("offset_minutes"):
        raise row.fault("offset_minutes", "and after_hours say two things about one time")
    return Companion(
        id=row.id(),
        kind=row.one_of("kind", KINDS),
        title=row.text("title"),
        required=row.flag("required"),
        when=_rule_words(row, "when", words),
        unless=_rule_words(row, "unless", words) if row.has("unless") else (),
        only=_rule_words(row, "only", words) if row.has("only") else (),
        withheld=_rule_words(row, "withheld", words) if row.has("withheld") else (),
        adult=row.text("adult"),
        child=row.text("child") if row.has("child") else row.text("adult"),
        codes=_codes(row),
        doses=tuple(_dose(d) for d in row.tables("doses")),
        as_needed=row.flag("as_needed", default=False),
        offset_minutes=after[0] * _MINUTES if after else _offset(row),
        after_hours=after,
        source=row.basis(),
    )


def _rule_words(row: Table, key: str, words: Collection[str]) -> tuple[str, ...]:
    found = row.words(key, some=True)
    for word in found:
        if word not in words:
            raise row.fault(key, f"names the rule {word!r}, which neither [rules] nor [order_rules] has")
    return found


def _codes(row: Table) -> tuple[str, ...]:
    found = row.words("codes")
    for item in found:
        if len(item.split("|")) != 3 or not all(item.split("|")):
            raise row.fault("codes", f"has {item!r}, which is not system|code|display")
    return found


def _offset(row: Table) -> int | None:
    """Minutes from the start of the infusion; before it they are negative."""
    return int(row.number("offset_minutes", least=-10080)) if row.has("offset_minutes") else None


def _dose(row: Table) -> CompanionDose:
    fixed, per_kg = row.has("amount"), row.has("per_kg")
    if fixed == per_kg:
        raise row.fault("amount", "or per_kg has to be given, and not both")
    most = row.number_or_none("most")
    amount = row.pair("amount" if fixed else "per_kg")
    if per_kg and most is None:
        raise row.fault("most", "is missing: a dose by weight has an upper limit")
    return CompanionDose(
        who=row.one_of("for", ("adult", "child", "any")),
        months=(_months(row, "from_months"), _months(row, "below_months")),
        kg=(row.number_or_none("from_kg"), row.number_or_none("below_kg")),
        per_kg=per_kg,
        amount=amount,
        most=most,
        unit=row.text("unit"),
        step=row.number("step", least=Decimal("0.001")) if per_kg else Decimal(1),
    )


def _months(row: Table, key: str) -> int | None:
    return row.whole(key) if row.has(key) else None


def refuse_dangling_words(content: Content) -> None:
    """Checks, branches, order sets and regimens that rule words name must be there. A check that is not built yet has no branches."""
    rules: Rules = content.constants["rules"]
    ids = {id_ for _, id_, _ in content.constants["check_index"]}
    regimens = {r.id for s in content.order_sets.values() for r in s.regimens}
    for word, triggers in rules.findings.items():
        for trigger in triggers:
            if trigger.check not in ids:
                raise fault("companions.toml", f"rules.{word}", f"names the check {trigger.check!r}, which index.toml does not have")
            built = content.checks.get(trigger.check)
            if trigger.branch and built is not None and trigger.branch not in built.severity:
                raise fault("companions.toml", f"rules.{word}", f"names the branch {trigger.branch!r}, which {trigger.check} does not have")
    for word, rule in rules.orders.items():
        unknown = [i for i in rule.indications if i not in content.order_sets] + [r for r in rule.regimens if r not in regimens]
        if unknown:
            raise fault("companions.toml", f"order_rules.{word}", f"names {unknown[0]!r}, which no order set has")
