"""Every act on an order is written down, and its page tells the whole story in plain sentences, in the site's time."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from journey.a_hospital import NOTE, Hospital, Tab, hospital

from ivig_fhir.store import audit
from ivig_fhir.store.audit import AuditRow
from ivig_fhir.store.database import Database, connect
from ivig_fhir.store.seal import KeyRing

CIDP, MG = "cidp-adult", "mg-crisis-ckd"


def acts(at: Hospital, run: str) -> list[AuditRow]:
    """The audit's rows of a run."""
    database = Database(connect(at.settings.database_url), KeyRing.read(at.settings.secret_keys))
    with database.read() as tx:
        assert audit.verify(tx) == ()
        return list(audit.rows(tx, run))


def words(at: Hospital, run: str) -> list[str]:
    return [row.what.partition(".")[2] for row in acts(at, run)]


def desk(at: Hospital, patient: str = CIDP) -> Tab:
    """The pharmacist before the order of a patient."""
    pharmacist = at.tab(patient, "pharmacist", target="pharmacy")
    pharmacist.go(f"{at.orders(patient)[-1]['groupIdentifier']['value'].removeprefix('urn:uuid:')}/")
    return pharmacist


def told(tab: Tab) -> str:
    return tab.go("story").text.replace("\u00a0", " ")


def in_order(text: str, sentences: list[str]) -> None:
    place = 0
    for said in sentences:
        assert said in text[place:], said
        place = text.index(said, place)


def test_each_act_of_an_order_writes_its_row(at: Hospital) -> None:
    tab = at.tab(CIDP)
    run = tab.run
    assert words(at, run) == ["started"]
    tab.post("propose", {"days": 5})
    assert words(at, run)[1:] == ["changed"]
    tab.go("./")
    tab.approve()
    assert words(at, run)[2:] == ["approved", "sending", "sent"]
    pharmacist = desk(at)
    pharmacist.follow("Calculate apart")
    own = {"kg": "82", "exact": "32.8", "grams": "35", "volume": "350", "first": "98", "highest": "393"}
    pharmacist.press("Compare", **own)
    pharmacist.press("Compare", **{**own, "grams": "31"})
    pharmacist.go("./")
    pharmacist.press("Ask prescriber", code="weight", note="Is the weight right?")
    tab.go("receipt")
    tab.press("Send answer", note="Weighed again today.")
    pharmacist.go("./")
    pharmacist.press("Verify")
    assert words(at, run)[5:] == [
        "calculated-apart", "calculated-apart", "deciding", "queried", "deciding", "sent", "deciding", "verified",
    ]  # fmt: skip
    assert [r.note for r in acts(at, run) if r.what == "order.calculated-apart"] == ["agrees", "differs"]
    assert len({r.who for r in acts(at, run)}) == len(("prescriber", "pharmacist"))


def test_a_claim_a_rejection_and_a_withdrawal_write_their_rows(at: Hospital) -> None:
    at.tab(CIDP).approve()
    pharmacist = desk(at)
    pharmacist.press("Start review")
    pharmacist.go("./") if "/start" in pharmacist.page.url else None
    pharmacist.press("Release")
    pharmacist.go("./") if "/release" in pharmacist.page.url else None
    run = pharmacist.run
    pharmacist.press("Reject", code="product", note="Wrong product for this ward.")
    assert words(at, run)[4:] == ["started", "released", "deciding", "rejected"]
    other = at.tab(MG)
    other.approve()
    other.press("Withdraw order", note="Not needed any more.")
    assert words(at, other.run)[-2:] == ["deciding", "cancelled"]


def test_a_change_after_signing_says_which_choices_and_that_the_approval_is_void(at: Hospital) -> None:
    tab = at.tab(CIDP)
    run = tab.run
    tab.post("propose", {"days": 4, "product": "privigen"})
    [_, changed] = acts(at, run)
    assert (changed.what, changed.note) == ("order.changed", "days, product")
    assert "privigen" not in changed.note


def test_an_answer_that_never_came_is_told_and_so_is_what_was_found(at: Hospital) -> None:
    tab = at.tab(MG, fault="timeout-after-commit")
    tab.approve()
    run = tab.run
    seen = words(at, run)
    assert seen[seen.index("sending") :][:1] == ["sending"]
    assert seen[-1] == "sent" or "unanswered" in seen
    story = told(tab)
    assert "sent the order to the EHR" in story
    assert "has no words for" not in story


def test_the_story_tells_who_did_what_with_reasons_words_and_results(at: Hospital) -> None:
    tab = at.tab(MG)
    tab.approve()
    pharmacist = desk(at, MG)
    pharmacist.press("Ask prescriber", code="weight", note="Is furosemide needed now?")
    tab.go("receipt")
    tab.press("Send answer", note="Held from today.")
    pharmacist.go("./")
    pharmacist.press("Verify")
    expected = [
        "Adwoa Sample-Osei started the order as a draft; nothing was written.",
        "Adwoa Sample-Osei changed the choices: reasons for findings.",
        "Adwoa Sample-Osei approved: 25 g each day, on 5 days, of Gamunex-C for Myasthenia gravis",
        f"Overridden: Nephrotoxic drugs at the same time. Monitoring is in place: “{NOTE}”",
        "Content version",
        "Adwoa Sample-Osei sent the order to the EHR.",
        "The EHR stored the order as a draft for the pharmacist: 11 of 11 essential fields",
        "asked the prescriber: The weight is to be confirmed: “Is furosemide needed now?”",
        "Adwoa Sample-Osei answered: “Held from today”. The order waited for the pharmacist again.",
        "verified the order: the second calculation of version",
        "It became active.",
    ]
    for page in (told(tab), told(pharmacist)):
        in_order(page, expected)
        assert "has no words for" not in page
        assert re.search(r"agreed in (\d+) of \1 lines", page)
    assert "Is furosemide needed now?" in tab.go("receipt").text  # a question is not lost when it is answered and decided


def test_times_are_those_of_the_site(tmp_path: Path) -> None:
    with hospital(tmp_path, IVIG_TIMEZONE="Europe/Berlin") as at:
        tab = at.tab(CIDP)
        assert "Times: Europe/Berlin" in told(tab)
        assert "Mon 2 Mar 2026, 10:00" in told(tab)  # 09:00 UTC


@pytest.mark.parametrize("user", ["nurse", "pharmacist"])
def test_who_may_see_the_order_may_read_its_story_and_another_patients_is_not_found(at: Hospital, user: str) -> None:
    tab = at.tab(CIDP)
    tab.approve()
    reader = at.tab(CIDP, user)
    assert "approved" in reader.go(f"/s/{reader.session}/orders/{tab.run}/story").text
    stranger = at.tab(MG, user)
    assert stranger.go(f"/s/{stranger.session}/orders/{tab.run}/story").status == 404
