"""Content that nobody has reviewed says so on every page and in every order; in production nothing is approved on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from journey.a_hospital import Hospital

from ivig_fhir.app import content_and_site
from ivig_fhir.content.standing import all_parts

CIDP = "cidp-adult"
SAID = "This content has not been clinically reviewed."


def test_every_page_from_launch_to_sheet_says_so(at: Hospital) -> None:
    prescriber = at.tab(CIDP)
    seen = {"review": prescriber.page}
    seen["receipt"] = prescriber.approve()
    pharmacist = at.tab(CIDP, "pharmacist", target="pharmacy")
    seen["worklist"] = pharmacist.page
    seen["case"] = pharmacist.go(f"{prescriber.run}/")
    seen["verified"] = pharmacist.press("Verify")
    nurse = at.tab(CIDP, "nurse")
    seen["orders"] = nurse.page
    seen["sheet"] = nurse.follow("Infusion sheet")
    seen["choose"] = at.tab("ra-adult").page
    seen["error"] = nurse.go("no-such-page")
    assert [name for name, page in seen.items() if SAID not in page.text] == []
    assert seen["sheet"].text.count(SAID) > 1  # on the page and, from the order's own note, on each sheet


def test_every_order_that_is_written_says_so_in_its_note(at: Hospital) -> None:
    at.tab(CIDP).approve()
    written = [*at.held("MedicationRequest", CIDP), *at.held("ServiceRequest", CIDP)]
    assert len(written) > 5
    assert [r["id"] for r in written if not any(SAID in n["text"] for n in r.get("note", []))] == []


@pytest.fixture
def production(at: Hospital, tmp_path: Path) -> Callable[..., Hospital]:
    """The hospital as a production setting, with a site file that signed all parts but those named, and adopted the rate steps."""

    def start(*unsigned: str, until: str = "2026-12-31", signs: bool = True) -> Hospital:
        content, _ = content_and_site(at.settings)
        parts = [p for p in all_parts(content) if signs and p.name not in unsigned]
        blocks = [f'[review."{p.hash}"]\nreviewed_by = "P. Reviewer"\nreviewed_on = "2026-01-02"\nexpires_on = "{until}"\n' for p in parts]
        ladder = content.products["gamunex-c"].ladders[0]
        steps = ", ".join(f'{{ ml_kg_h = "{s.ml_kg_h}"' + (f', minutes = "{s.minutes}"' if s.minutes else "") + " }" for s in ladder.steps)
        names = [name for ladder in content.products["gamunex-c"].ladders for name in ladder.for_]
        adopted = [f'[ladders.gamunex-c.{n}]\nadopted_by = "P. Reviewer"\nadopted_on = "2026-01-02"\nsteps = [{steps}]\n' for n in names]
        site = tmp_path / "site.toml"
        site.write_text("\n".join([*blocks, *adopted]), encoding="utf-8")
        at.settings = replace(at.settings, environment="production", site=site)
        at.start()
        return at

    return start


def test_production_offers_no_button_and_says_what_is_unsigned(production: Callable[..., Hospital]) -> None:
    prescriber = production(signs=False).tab(CIDP)
    prescriber.give_reasons()
    assert "Approve order" not in prescriber.page.buttons
    assert "This site has not signed a clinical review of this content: indications/cidp.toml" in prescriber.page.text
    refused = prescriber.post("approve", {"digest": prescriber.json["proposal"]["digest"]})
    assert refused.status == 409
    assert "This site has not signed" in refused.json["error"]["message"]


def test_production_approves_what_the_site_has_signed_whole(production: Callable[..., Hospital]) -> None:
    at = production()
    prescriber = at.tab(CIDP)
    assert "clinically reviewed" not in prescriber.page.text
    assert prescriber.json["proposal"]["content"]["review"] == "reviewed"
    prescriber.approve()
    assert prescriber.json["state"] == "sent"
    assert not any("clinically reviewed" in n["text"] for r in at.held("MedicationRequest", CIDP) for n in r.get("note", []))


@pytest.mark.parametrize(
    ("unsigned", "until", "said"),
    [
        (("checks/weight.toml",), "2026-12-31", "has not signed a clinical review of this content: checks/weight.toml."),
        (("value_sets/",), "2026-12-31", "has not signed a clinical review of this content: value_sets/."),
        ((), "2026-03-01", "The clinical review of this content has expired"),
    ],
)
def test_one_part_unsigned_or_run_out_is_enough_to_refuse(
    production: Callable[..., Hospital], unsigned: tuple[str, ...], until: str, said: str
) -> None:
    prescriber = production(*unsigned, until=until).tab(CIDP)
    prescriber.give_reasons()
    assert "Approve order" not in prescriber.page.buttons
    assert said in prescriber.page.text
    assert prescriber.json["proposal"]["content"]["review"] == "unreviewed"


def test_a_product_that_is_not_ordered_need_not_be_signed(production: Callable[..., Hospital]) -> None:
    prescriber = production("products/privigen.toml", "indications/mg.toml").tab(CIDP)
    assert "Part of this content has not been clinically reviewed." in prescriber.page.text
    prescriber.approve()
    assert prescriber.json["state"] == "sent"
