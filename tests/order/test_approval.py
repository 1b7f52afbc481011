"""Approval: a signature on exactly what was on screen, and every reason against one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from an_approved_order import NURSE, OVERRIDE, PHARMACIST, PRESCRIBER
from an_order import NOW, content, finding, proposal

from ivig_fhir.content.governance import Review
from ivig_fhir.content.site import Site
from ivig_fhir.content.standing import parts_of_order
from ivig_fhir.order.approval import Approval, Clinician, Refusal, approve, changed_facts
from ivig_fhir.proposal.model import Proposal
from ivig_fhir.proposal.rates import NO_SCHEDULE
from ivig_fhir.proposal.selections import ChosenOverride


def asked(made: Proposal, **changes: Any) -> Approval | tuple[Refusal, ...]:
    given = {"digest": made.digest, "overrides": (), "who": PRESCRIBER, "now": NOW, "content": content(), "environment": "development",
             "site": Site(), **changes}  # fmt: skip
    return approve(made, **given)


def codes(result: Approval | tuple[Refusal, ...]) -> list[str]:
    assert not isinstance(result, Approval)
    return [r.code for r in result]


def test_an_approval_names_who_when_and_what_was_on_screen(risky: Proposal) -> None:
    result = asked(risky, overrides=(OVERRIDE,))
    assert isinstance(result, Approval)
    assert (result.who, result.at, result.digest, result.overrides) == (PRESCRIBER, NOW, risky.digest, (OVERRIDE,))
    assert result.not_assessed == ("record.empty-lists",)


def test_another_digest_than_that_on_screen_is_refused() -> None:
    assert codes(asked(proposal(), digest="sha256:other")) == ["digest"]


@pytest.mark.parametrize("who", [PHARMACIST, NURSE, Clinician("Practitioner/x", "Stranger", frozenset())])
def test_only_a_prescriber_approves(who: Clinician) -> None:
    assert codes(asked(proposal(), who=who)) == ["role"]


def test_an_unproven_identity_never_approves() -> None:
    assert codes(asked(proposal(), who=replace(PRESCRIBER, proven=False))) == ["identity"]


def test_a_hard_stop_is_never_approved_whatever_reason_is_given() -> None:
    stopped = proposal(findings=(finding("renal.reduced-function", "hard-stop"),))
    assert codes(asked(stopped)) == ["hard-stop", "outcome"]
    assert "hard-stop" in codes(asked(stopped, overrides=(OVERRIDE,)))


def test_what_lacks_data_or_rates_is_not_approved() -> None:
    assert codes(asked(proposal(outcome="data-required", dose=None))) == ["outcome"]
    assert codes(asked(proposal(rate=NO_SCHEDULE))) == ["outcome"]


def test_an_open_override_is_named(risky: Proposal) -> None:
    result = asked(risky)
    assert [(r.code, r.check) for r in result] == [("override-missing", "renal.reduced-function")]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("override", "code"),
    [
        (ChosenOverride("renal.reduced-function", "99", "because"), "override-reason"),
        (ChosenOverride("renal.reduced-function", "9", "  "), "override-note"),
    ],
)
def test_an_override_needs_a_coded_reason_and_a_note(risky: Proposal, override: ChosenOverride, code: str) -> None:
    assert codes(asked(risky, overrides=(override,))) == [code]


def test_a_reason_for_nothing_is_refused(risky: Proposal) -> None:
    assert codes(asked(risky, overrides=(OVERRIDE, ChosenOverride("renal.risk-factors", "9", "x")))) == ["override-unknown"]


def test_reasons_given_while_reviewing_count_and_the_last_word_wins(risky: Proposal) -> None:
    reviewed = replace(risky, overrides=(ChosenOverride(OVERRIDE.check, "8", "first"),))
    kept = asked(reviewed)
    changed = asked(reviewed, overrides=(OVERRIDE,))
    assert isinstance(kept, Approval) and kept.overrides[0].note == "first"
    assert isinstance(changed, Approval) and changed.overrides == (OVERRIDE,)


def test_a_product_that_is_no_longer_made_is_refused() -> None:
    made = proposal()
    assert codes(asked(replace(made, product=replace(made.product, marketed=False)))) == ["discontinued"]


def reviewed_site(made: Proposal, expires: str = "2027-01-01") -> Site:
    review = Review("P. Reviewer", "2026-01-01", expires)
    return Site(reviews={p.hash: review for p in parts_of_order(content(), made.order_set, made.product)})


def test_production_refuses_unreviewed_content_and_illustrative_rates() -> None:
    assert codes(asked(proposal(), environment="production")) == ["review", "illustrative"]


def test_production_accepts_reviewed_content_and_adopted_rates() -> None:
    made = proposal()
    adopted = replace(made, rate=replace(made.rate, basis="site"))
    assert isinstance(asked(adopted, environment="production", site=reviewed_site(made)), Approval)


def test_production_refuses_when_any_one_part_of_the_chain_is_unsigned_and_names_it() -> None:
    made = proposal()
    adopted = replace(made, rate=replace(made.rate, basis="site"))
    for part in parts_of_order(content(), made.order_set, made.product):
        whole = reviewed_site(made)
        lacking = replace(whole, reviews={h: r for h, r in whole.reviews.items() if h != part.hash})
        result = asked(adopted, environment="production", site=lacking)
        assert codes(result) == ["review"], part.name
        assert part.name in result[0].said  # type: ignore[index]


def test_production_refuses_content_whose_own_day_of_review_is_past() -> None:
    made = proposal()
    adopted = replace(made, rate=replace(made.rate, basis="site"))
    last = datetime.fromisoformat(f"{made.product.governance.review_by}T12:00:00+00:00")
    site = reviewed_site(made, "")
    assert isinstance(asked(adopted, environment="production", site=site, now=last), Approval)
    result = asked(adopted, environment="production", site=site, now=last + timedelta(days=1))
    assert codes(result) == ["review"]
    assert "read again" in result[0].said  # type: ignore[index]


def test_only_the_roles_that_the_policies_name_may_override(risky: Proposal) -> None:
    closed = replace(content(), constants={**content().constants, "override_roles": ("pharmacist",)})
    assert codes(asked(risky, overrides=[OVERRIDE], content=closed)) == ["override-role"]
    assert isinstance(asked(risky, overrides=[OVERRIDE]), Approval)


def test_a_review_dated_after_today_does_not_count_yet() -> None:
    made = proposal()
    adopted = replace(made, rate=replace(made.rate, basis="site"))
    early = datetime(2025, 12, 31, tzinfo=UTC)
    assert codes(asked(adopted, environment="production", site=reviewed_site(made), now=early)) == ["review"]


@pytest.mark.parametrize(("today", "refused"), [(datetime(2027, 1, 1, tzinfo=UTC), False), (datetime(2027, 1, 2, tzinfo=UTC), True)])
def test_a_review_holds_to_the_end_of_its_last_day(today: datetime, refused: bool) -> None:
    made = proposal()
    adopted = replace(made, rate=replace(made.rate, basis="site"))
    result = asked(adopted, environment="production", site=reviewed_site(made), now=today)
    assert isinstance(result, tuple) is refused


def test_every_reason_is_told_at_once(risky: Proposal) -> None:
    assert codes(asked(risky, digest="x", who=NURSE)) == ["role", "digest", "override-role", "override-missing"]


def test_a_changed_record_is_refused() -> None:
    result = asked(proposal(), changed=("Observation/weight-1",))
    assert codes(result) == ["changed"]
    assert "Observation/weight-1" in result[0].said  # type: ignore[index]


def test_changed_facts_are_those_that_changed_vanished_or_came() -> None:
    before = {"Observation/a": "1", "Observation/b": "1", "Observation/c": None}
    after = {"Observation/a": "1", "Observation/b": "2", "Condition/new": "1"}
    assert changed_facts(before, after) == ("Condition/new", "Observation/b", "Observation/c")
    assert changed_facts(before, dict(before)) == ()


def test_a_person_is_the_same_under_any_of_their_references() -> None:
    absolute = Clinician("https://ehr.example.org/fhir/Practitioner/prescriber/_history/3", "", frozenset())
    by_role = Clinician("PractitionerRole/9", "", frozenset(), aliases=("Practitioner/prescriber",))
    assert PRESCRIBER.is_same(absolute)
    assert PRESCRIBER.is_same(by_role)
    assert not PRESCRIBER.is_same(PHARMACIST)
    assert not Clinician("", "", frozenset()).is_same(Clinician("", "", frozenset()))


def clinician(reference: str, login: str = "", *aliases: str) -> Clinician:
    return Clinician(reference, "", frozenset(), aliases=aliases, login=login)


def test_one_login_is_one_person_and_no_login_is_nobodys() -> None:
    first = clinician("Practitioner/a", "https://id.example.org|7")
    assert first.is_same(clinician("Practitioner/b", "https://id.example.org|7"))
    assert not first.is_same(clinician("Practitioner/b", "https://id.example.org|8"))
    assert not clinician("Practitioner/a").is_same(clinician("Practitioner/b"))


@pytest.mark.parametrize(
    ("mine", "theirs", "may_be"),
    [
        (clinician("Practitioner/a"), clinician("Practitioner/b"), False),
        (clinician("Practitioner/a"), clinician("PractitionerRole/b"), True),
        (clinician("PractitionerRole/a"), clinician("PractitionerRole/b"), True),
        (clinician("Practitioner/a"), clinician("PractitionerRole/b", "", "Practitioner/b"), False),
        (clinician("Practitioner/a"), clinician("PractitionerRole/b", "", "Practitioner/a"), True),
        (clinician("Practitioner/a", "https://id|1"), clinician("PractitionerRole/b", "https://id|2"), False),
        (clinician("Practitioner/a", "https://id|1"), clinician("PractitionerRole/b", "https://other|2"), True),
        (clinician("Practitioner/a", "https://id|1"), clinician("PractitionerRole/b"), True),
        (clinician("Practitioner/a"), clinician(""), False),
    ],
)
def test_of_whom_only_a_role_is_known_may_be_anybody_unless_two_logins_tell_them_apart(
    mine: Clinician, theirs: Clinician, may_be: bool
) -> None:
    assert mine.may_be(theirs) is may_be
    assert theirs.may_be(mine) is may_be


def test_a_person_is_kept_with_everything_that_tells_them_apart() -> None:
    who = clinician("PractitionerRole/9", "https://id.example.org|7", "Practitioner/prescriber")
    assert Clinician.from_json(who.to_json()) == who
    assert (who.person, who.known) == ("Practitioner/prescriber", True)
    before = Clinician.from_json({"reference": "PractitionerRole/9", "display": "N."})
    assert (before.aliases, before.login, before.known) == ((), "", False)
