"""Scopes, whatever is granted: order, splitting and noise change nothing, and more is never less."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ivig_fhir.smart.scopes import allowed, parse

TYPES = ("Observation", "Condition", "Task", "*")
LETTERS = st.sets(st.sampled_from("cruds"), min_size=1).map(lambda chosen: "".join(x for x in "cruds" if x in chosen))
ENDINGS = st.one_of(LETTERS, st.sampled_from(["read", "write", "*"]))
QUERIES = st.sampled_from(["", "", "?category=a|b", "?category=a|c&status=final"])
PREFIX = st.sampled_from(["", "http://smarthealthit.org/fhir/scopes/"])
SCOPE = st.builds(
    lambda prefix, context, kind, ending, query: f"{prefix}{context}/{kind}.{ending}{query}",
    *(PREFIX, st.sampled_from(["patient", "user", "system"]), st.sampled_from(TYPES), ENDINGS, QUERIES),
)
NOISE = st.sampled_from(
    ["openid", "launch/patient", "__x", "patient/Observation", "patient/.rs", "PATIENT/*.rs", "https://evil.example/patient/*.cruds"]
)
ASKED = [(t, i, c) for t in TYPES[:3] for i in ("create", "read", "update", "delete", "search") for c in ("patient", "user", "system")]
RANK = {"no": 0, "partial": 1, "yes": 2}


def rights(*tokens: str) -> list[str]:
    return [allowed(" ".join(tokens), kind, interaction, context).answer for kind, interaction, context in ASKED]  # type: ignore[arg-type]


@given(st.lists(SCOPE, max_size=5), st.randoms())
def test_the_order_of_scopes_changes_nothing(tokens: list[str], chance: object) -> None:
    shuffled = list(tokens)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert rights(*shuffled) == rights(*tokens)


@given(st.lists(SCOPE, max_size=5), st.lists(NOISE, max_size=3))
def test_tokens_that_are_no_scopes_change_nothing(tokens: list[str], noise: list[str]) -> None:
    assert rights(*noise, *tokens, *noise) == rights(*tokens)


@given(st.lists(SCOPE, max_size=4), SCOPE)
def test_one_scope_more_takes_nothing_away(tokens: list[str], more: str) -> None:
    before, after = rights(*tokens), rights(*tokens, more)
    assert all(RANK[b] <= RANK[a] for b, a in zip(before, after, strict=True))


@given(SCOPE)
def test_a_scope_split_into_its_letters_grants_the_same(token: str) -> None:
    scope = parse(token)
    assert scope is not None
    query = f"?{scope.query}" if scope.query else ""
    assert rights(*(f"{scope.context}/{scope.type}.{letter}{query}" for letter in sorted(scope.letters))) == rights(token)


@given(SCOPE)
def test_a_scope_survives_being_printed(token: str) -> None:
    assert parse(str(parse(token))) == parse(token)


@given(st.text(max_size=60))
def test_no_text_at_all_makes_the_evaluator_fail(granted: str) -> None:
    assert len(rights(granted)) == len(ASKED)
