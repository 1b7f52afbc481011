"""Cards: valid or not constructed, and nothing of the record becomes markup in them."""

from __future__ import annotations

import json
from uuid import UUID

import pytest

from ivig_fhir.cds.cards import Card, SmartLink, Source, card_uuid, escaped, summary

SOURCE = Source("IVIG Orders", "https://ivig.example.org", "https://ivig.example.org/cds-services", "a", "A")
INSTANCE = UUID("d1577c69-dfbe-44ad-ba6d-3e05e953b2ea")


def card(said: str = "IVIG", indicator: str = "info") -> Card:
    return Card(INSTANCE, said, indicator, "", SOURCE)


def test_139_characters_are_a_summary_and_140_are_none() -> None:
    assert len(card("x" * 139).as_json()["summary"]) == 139
    with pytest.raises(ValueError, match="139"):
        card("x" * 140)


def test_characters_are_counted_as_code_points() -> None:
    said = "\U0001f489" * 139
    assert len(said.encode("utf-16-le")) // 2 == 278
    assert card(said).as_json()["summary"] == said
    with pytest.raises(ValueError, match="139"):
        card(said + "\U0001f489")


@pytest.mark.parametrize("indicator", ["success", "", "hard-stop", "Critical"])
def test_an_indicator_of_another_vocabulary_is_refused(indicator: str) -> None:
    with pytest.raises(ValueError, match="indicator"):
        card(indicator=indicator)


def test_an_empty_summary_is_refused() -> None:
    with pytest.raises(ValueError, match="summary"):
        card("")


@pytest.mark.parametrize("length", [10, 100, 138, 139, 140, 400])
def test_a_summary_cuts_its_subject_and_never_what_is_said_about_it(length: int) -> None:
    said = summary("s" * length, "proposed 40 g per infusion, 4 infusions")
    assert said.endswith(": proposed 40 g per infusion, 4 infusions")
    assert len(said) <= 139


def test_the_id_of_a_card_is_derived_and_differs_by_role_and_by_call() -> None:
    assert card_uuid(INSTANCE, "cidp") == card_uuid(INSTANCE, "cidp")
    assert card_uuid(INSTANCE, "cidp") != card_uuid(INSTANCE, "gbs")
    assert card_uuid(UUID(int=INSTANCE.int + 1), "cidp") != card_uuid(INSTANCE, "cidp")
    assert card_uuid(INSTANCE, "cidp").version == 5


def test_a_smart_link_carries_its_context_as_text() -> None:
    link = SmartLink("Open", "https://ivig.example.org/launch", (("card", "1"), ("hook", "patient-view"))).as_json()
    assert link["type"] == "smart"
    assert json.loads(link["appContext"]) == {"card": "1", "hook": "patient-view"}


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("82.0 kg on 2026-02-27", "82.0 kg on 2026-02-27"),
        ("<script>x</script>", "&lt;script&gt;x&lt;/script&gt;"),
        ("a & b", "a &amp; b"),
        ("[here](https://evil.example)", r"\[here\](https://&#8203;evil.example)"),
        ("![x](y)", r"\!\[x\](y)"),
        ("**bold** _it_ `code`", r"\*\*bold\*\* \_it\_ \`code\`"),
        ("# heading", r"\# heading"),
        ("- item", r"\- item"),
        ("1. item", r"1\. item"),
        ("2) item", r"2\) item"),
        ("one\n\ntwo\r\nthree", "one two three"),
        ("www.evil.example", "www&#8203;.evil.example"),
        ("me@evil.example", "me&#8203;@evil.example"),
        ("a | b ~c~", r"a \| b \~c\~"),
        ("back\\slash", r"back\\slash"),
        ("", ""),
    ],
)
def test_text_of_the_record_is_no_markup(written: str, shown: str) -> None:
    assert escaped(written) == shown
