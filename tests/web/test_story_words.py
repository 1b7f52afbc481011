"""One table has words for every act that is recorded; an act without words is noticed, and never left out of a story."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from ivig_fhir.order.states import OrderState
from ivig_fhir.proposal import selections
from ivig_fhir.store.audit import AuditRow
from ivig_fhir.web.story_view import placed
from ivig_fhir.web.story_words import ANSWERED, CHOICES, SENTENCES, sentence

PACKAGE = Path(__file__).resolve().parents[2] / "ivig_fhir"
DYNAMIC = {
    "order.": {f"order.{state.value}" for state in OrderState},
    "infusion.": {f"infusion.{x}" for x in ("released", "held", "cleared")},
}
WHAT = 4  # the place of `what` among the arguments of `audit.append`


def recorded(source: str) -> Iterator[str]:
    """The words that a module records: of a text that is put together, all that it can become."""
    tree = ast.parse(source)
    for call in (n for n in ast.walk(tree) if isinstance(n, ast.Call)):
        if isinstance(call.func, ast.Attribute) and call.func.attr == "append" and getattr(call.func.value, "id", "") == "audit":
            yield from _words(call.args[WHAT], tree)


def _words(node: ast.expr, tree: ast.Module) -> Iterator[str]:
    if isinstance(node, ast.Constant):
        yield str(node.value)
    elif isinstance(node, ast.IfExp):
        yield from (*_words(node.body, tree), *_words(node.orelse, tree))
    elif isinstance(node, ast.JoinedStr) and isinstance(node.values[0], ast.Constant):
        yield from sorted(DYNAMIC[str(node.values[0].value)])
    elif isinstance(node, ast.Name):
        assigned = [n.value for n in ast.walk(tree) if isinstance(n, ast.Assign) and getattr(n.targets[0], "id", "") == node.id]
        assert assigned, f"nobody knows what {node.id} can be"
        for value in assigned:
            yield from _words(value, tree)
    else:
        raise AssertionError(f"a word of the audit that no test can read: {ast.unparse(node)}")


def everywhere() -> dict[str, set[str]]:
    return {str(p.relative_to(PACKAGE)): set(recorded(p.read_text(encoding="utf-8"))) for p in PACKAGE.rglob("*.py")}


def test_every_act_that_is_recorded_has_its_sentence() -> None:
    for module, found in everywhere().items():
        assert found <= set(SENTENCES), (module, found - set(SENTENCES))


def test_the_acts_are_found_in_the_source() -> None:
    found = set().union(*everywhere().values())
    assert {
        "run.started",
        "order.changed",
        "order.revised",
        "order.approved",
        "order.verified",
        "order.claimed",
        "session.started",
    } <= found


def test_an_act_that_nobody_put_into_the_table_is_noticed() -> None:
    assert set(recorded("audit.append(tx, now, who, iss, 'order.eaten', run)")) - set(SENTENCES) == {"order.eaten"}
    assert set(recorded("audit.append(tx, now, who, iss, 'order.eaten' if x else 'run.started', run)")) - set(SENTENCES) == {"order.eaten"}


def test_a_word_without_a_sentence_is_named_and_not_left_out() -> None:
    assert sentence("order.eaten", "Ida", "") == "Something was recorded that this page has no words for: order.eaten."


def test_every_sentence_can_be_filled_and_ends() -> None:
    for word in SENTENCES:
        said = sentence(word, "Ida", "infusion 1", order=": 25 g", stored=": 9 of 9", said=": “why”", second=": agreed")
        assert said.endswith(".")
        assert "{" not in said


def test_every_choice_that_can_change_has_a_name() -> None:
    assert set(CHOICES) == selections._KEYS
    assert sentence("order.changed", "Ida", "days, interval_weeks") == "Ida changed the choices: days, interval."


def row(seq: int, what: str) -> AuditRow:
    return AuditRow(seq, datetime(2026, 3, 2, 9, tzinfo=UTC), "Practitioner/x", "", what, "run", "", "", "", "")


def test_words_are_told_with_the_act_that_recorded_them() -> None:
    kinds = ("approved", "sending", "sent", "deciding", "undecided", "deciding", "queried", "deciding", "sent", "deciding", "verified")
    rows = [row(n, f"order.{what}") for n, what in enumerate(kinds)]
    asked, answered, verified = {"note": "?"}, {"note": "!"}, {"lines": 21}
    made = [(word, said) for _, word, said in placed(rows, (asked, answered, verified))]
    assert made[2] == ("order.sent", None)
    assert made[4] == ("order.undecided", None)
    assert made[6] == ("order.queried", asked)
    assert made[8] == (ANSWERED, answered)
    assert made[10] == ("order.verified", verified)


def test_of_an_order_whose_first_words_were_not_kept_the_last_ones_are_told() -> None:
    rows = [row(n, f"order.{what}") for n, what in enumerate(("deciding", "queried", "deciding", "verified"))]
    assert [said for _, _, said in placed(rows, ({"lines": 21},))] == [None, None, None, {"lines": 21}]
