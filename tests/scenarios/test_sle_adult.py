"""A woman of 33 with refractory lupus and antiphospholipid antibodies: no label, thin evidence; the app must ask why."""

from __future__ import annotations

from scenarios.a_story import asks, cited, finding, grams, of, offered, stops, told

WHO = "sle-adult"


def test_the_order_can_be_made_and_asks_for_a_reason_first() -> None:
    made = told(WHO)
    assert offered(WHO) == ["sle"]
    assert (made.outcome, stops(made), asks(made)) == ("proposed", set(), {"indication.off-label"})
    assert grams(made) == [f"2026-03-0{d} 25 g" for d in range(2, 7)]
    assert not made.on_label


def test_the_reason_is_asked_in_words_that_do_not_pretend() -> None:
    message = finding(told(WHO), "indication.off-label").message
    assert "No label carries it" in message
    assert "selected or refractory cases only" in message


def test_a_reason_and_a_note_answer_it() -> None:
    given = [{"check": "indication.off-label", "code": "22", "note": "Mycophenolate, steroids and hydroxychloroquine failed."}]
    assert [o.check for o in told(WHO, overrides=given).overrides] == ["indication.off-label"]


def test_her_antibodies_count_as_a_disorder_that_promotes_clotting() -> None:
    made = told(WHO)
    assert "thrombosis.risk-factors" in of(made, "warning")
    assert "Condition/sle-adult-condition-2" in cited(made, "thrombosis.risk-factors")
