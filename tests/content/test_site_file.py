"""The site file answers and narrows; whatever would widen the content is refused."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date, time
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType

import pytest

from ivig_fhir.content.governance import Review
from ivig_fhir.content.load import load_content
from ivig_fhir.content.load_site import load_site, narrowed
from ivig_fhir.content.model import Basis, Check, Content
from ivig_fhir.content.site import Site
from ivig_fhir.content.standing import all_parts, part_of_order_set, parts_of_order, reviewed_share, standings
from ivig_fhir.errors import ContentError

STALE = Check(
    id="weight.stale",
    ref="D02",
    title="Weight is old",
    question="How old is it?",
    depends_on=("Observation",),
    absence=False,
    thresholds={"adult_warn_days": 30, "adult_override_days": 90, "infant_days": 7, "fraction": Decimal("0.1")},
    severity={"default": "warning"},
    messages={"default": "Old."},
    mitigation=(),
    detected_issue="",
    source=Basis(("project-policy",), "K"),
)


@pytest.fixture(scope="module")
def with_stale(content: Content) -> Content:
    """The content with one check whose days are known to this test."""
    return replace(content, checks=MappingProxyType({**content.checks, STALE.id: STALE}))


def site(text: str, content: Content) -> Site:
    """A site file as it would be read from disk."""
    return load_site(tomllib.loads(text), content)


def test_an_empty_site_file_leaves_every_question_open(content: Content) -> None:
    assert site("", content) == Site()


def test_a_full_site_file_is_read(with_stale: Content) -> None:
    signed = with_stale.order_sets["cidp"].content_hash
    got = site(
        f"""
        timezone = "America/New_York"
        infusion_start = "09:30"
        glucose_meters_maltose_safe = false
        consent_required = false
        formulary = ["privigen", "gamunex-c"]
        weight = {{ policy = "adj-120ibw" }}
        rounding = {{ increments_g = [5, "2.5"], tolerance = "0.05" }}
        stale_days = {{ "weight.stale" = 14 }}
        risk_cap = {{ mg_kg_min = "2" }}
        override = {{ never = ["renal.reduced-function"] }}
        [ladders.gamunex-c.CIDP]
        adopted_by = "Pharmacy and therapeutics committee"
        adopted_on = "2026-01-15"
        steps = [{{ ml_kg_h = "1.2", minutes = 30 }}, {{ ml_kg_h = "4.8" }}]
        [review."{signed}"]
        reviewed_by = "A pharmacist of this site"
        reviewed_on = "2026-02-01"
        expires_on = "2027-02-01"
        """,
        with_stale,
    )
    assert (str(got.timezone), got.infusion_start, got.glucose_meters_maltose_safe) == ("America/New_York", time(9, 30), False)
    assert (got.consent_required, got.formulary, got.weight_policy) == (False, ("privigen", "gamunex-c"), "adj-120ibw")
    assert (got.rounding_increments_g, got.rounding_tolerance) == ((Decimal(5), Decimal("2.5")), Decimal("0.05"))
    assert got.risk_cap_mg_kg_min == Decimal(2)
    adopted = got.ladders["gamunex-c", "CIDP"]
    assert [(s.ml_kg_h, s.minutes) for s in adopted.steps] == [(Decimal("1.2"), Decimal(30)), (Decimal("4.8"), None)]
    assert (adopted.adopted_by, adopted.adopted_on) == ("Pharmacy and therapeutics committee", "2026-01-15")
    assert got.reviews[signed] == Review("A pharmacist of this site", "2026-02-01", "2027-02-01")
    assert got.never_override == ("renal.reduced-function",)


def signed_by(content: Content, names: Iterable[str]) -> Site:
    """A site that signed these parts of the content, and nothing else."""
    made = {p.hash: Review("x", "2026-02-01") for p in all_parts(content) if p.name in set(names)}
    return Site(reviews=made)


def test_a_signature_holds_for_exactly_what_was_read(content: Content) -> None:
    part = part_of_order_set(content.order_sets["cidp"])
    (signed,) = standings([part], signed_by(content, [part.name]), date(2026, 3, 2))
    (changed,) = standings([replace(part, hash="sha256:" + "0" * 64)], signed_by(content, [part.name]), date(2026, 3, 2))
    assert (signed.problem, changed.problem) == ("", "unsigned")


def test_an_order_stands_on_its_order_set_its_product_and_all_that_orders_share(content: Content) -> None:
    names = [p.name for p in parts_of_order(content, content.order_sets["cidp"], content.products["privigen"])]
    questions = [n for n in content.files if n.startswith("checks/")]
    assert names[:2] == ["indications/cidp.toml", "products/privigen.toml"]
    assert set(questions) < set(names)
    assert {"policies.toml", "companions.toml", "observations.toml", "products/known.toml", "value_sets/"} < set(names)
    assert "references.toml" not in names


@pytest.mark.parametrize(
    ("file", "old", "new", "part"),
    [
        ("checks/weight.toml", 'title = "', 'title = "New: ', "checks/weight.toml"),
        ("value_sets/ckd.csv", "Chronic kidney disease", "Chronic renal disease", "value_sets/"),
        ("value_sets/indication-cidp.csv", "G61.81", "G61.89", "indications/cidp.toml"),
        ("policies.toml", 'tolerance = "0.10"', 'tolerance = "0.09"', "policies.toml"),
    ],
)
def test_a_change_voids_the_signature_of_its_own_part_alone(
    content: Content, change: Callable[[str, str, str], Path], file: str, old: str, new: str, part: str
) -> None:
    before = {p.name: p.hash for p in all_parts(content)}
    after = {p.name: p.hash for p in all_parts(load_content(change(file, old, new)))}
    assert [name for name in before if before[name] != after[name]] == [part]


def test_a_site_without_signatures_has_reviewed_none_one_has_reviewed_part_all_have_reviewed_all(content: Content) -> None:
    names, day = [p.name for p in all_parts(content)], date(2026, 3, 2)
    assert [reviewed_share(content, signed_by(content, some), day) for some in ([], names[:1], names)] == ["none", "part", "all"]


def test_a_site_that_lets_nobody_override_a_check_gets_a_stop_instead(content: Content) -> None:
    stopped = narrowed(content, site('override = { never = ["renal.reduced-function"] }', content))
    before, after = content.checks["renal.reduced-function"].severity, stopped.checks["renal.reduced-function"].severity
    assert "override" in before.values()
    assert after == {branch: "hard-stop" if s == "override" else s for branch, s in before.items()}
    assert stopped.checks["renal.acute-kidney-injury"] == content.checks["renal.acute-kidney-injury"]


ADOPTED = '[ladders.gamunex-c.PI]\nadopted_by = "x"\nadopted_on = "2026-01-01"\nsteps = [{{ ml_kg_h = "{}" }}]'
FAULTS = [
    ('colour = "red"', ("colour", "not a key")),
    ('[weight]\npolicy = "actual"\nfactor = 1', ("weight.factor", "not a key")),
    ('[weight]\npolicy = "guess"', ("weight.policy", "guess")),
    ('override = { never = ["weight.mistaken"] }', ("override.never", "weight.mistaken")),
    ('override = { never = ["product.plasma-derived"] }', ("override.never", "product.plasma-derived")),
    ('override = { always = ["renal.reduced-function"] }', ("override.never", "missing")),
    ('timezone = "Mars/Olympus"', ("timezone", "Mars/Olympus")),
    ('timezone = "America"', ("timezone", "not a time zone")),
    ('timezone = "../etc/passwd"', ("timezone", "not a time zone")),
    ('infusion_start = "25:00"', ("infusion_start", "25:00")),
    ('infusion_start = "9"', ("infusion_start", "'9'")),
    ('consent_required = "no"', ("consent_required", "neither true nor false")),
    ("formulary = []", ("formulary", "list of texts")),
    ('formulary = ["panacea"]', ("formulary", "panacea", "no product")),
    ('formulary = ["carimune-nf"]', ("formulary", "carimune-nf", "no longer made")),
    ('[rounding]\ntolerance = "0.11"', ("rounding.tolerance", "only narrow")),
    ("[rounding]\ntolerance = 0.05", ("rounding.tolerance", "exact number")),
    ("[rounding]\nincrements_g = [0]", ("rounding.increments_g", "not above 0")),
    ('[stale_days]\n"vaccine.recent-live" = 3', ("stale_days.vaccine.recent-live", "may shorten")),
    ('[stale_days]\n"weight.stale" = 90', ("stale_days.weight.stale", "only shorten")),
    ('[stale_days]\n"weight.stale" = 0', ("stale_days.weight.stale", "whole number from 1")),
    ('[stale_days]\n"weight.stale" = { adult_warn_days = 31 }', ("adult_warn_days", "only shorten the 30 days")),
    ('[stale_days]\n"weight.stale" = { fraction = 1 }', ("fraction", "not a limit in days")),
    ("[risk_cap]\nmg_kg_min = 0", ("risk_cap.mg_kg_min", "above 0")),
    ("[ladders.panacea.PI]", ("ladders.panacea", "no product")),
    ("[ladders.gamunex-c.MMN]", ("ladders.gamunex-c.MMN", "rate table")),
    ('[ladders.gamunex-c.PI]\nadopted_by = "x"\nadopted_on = "2026-01-01"', ("ladders.gamunex-c.PI.steps", "missing")),
    ('[ladders.gamunex-c.PI]\nadopted_by = "x"\nsteps = [{ ml_kg_h = "0.6" }]', ("adopted_on", "missing")),
    ('[ladders.gamunex-c.PI]\nadopted_by = "x"\nadopted_on = "soon"\nsteps = [{ ml_kg_h = "0.6" }]', ("adopted_on", "soon")),
    (ADOPTED.format("4.9"), ("steps", "label's maximum of 4.8")),
    ('[review.cidp]\nreviewed_by = "x"\nreviewed_on = "2026-01-01"', ("review.cidp", "content hash")),
]


@pytest.mark.parametrize(("text", "words"), FAULTS, ids=[f"{f[1][0]}:{i}" for i, f in enumerate(FAULTS)])
def test_what_is_unknown_or_would_widen_is_refused(with_stale: Content, text: str, words: tuple[str, ...]) -> None:
    with pytest.raises(ContentError) as caught:
        site(text, with_stale)
    assert all(word in caught.value.message for word in ("site file", *words)), caught.value.message


@pytest.mark.parametrize("tolerance", ["0.10", "0.09", "0"])
def test_a_tolerance_up_to_the_policy_is_accepted(content: Content, tolerance: str) -> None:
    assert site(f'[rounding]\ntolerance = "{tolerance}"', content).rounding_tolerance == Decimal(tolerance)


SD = '[ladders.gammagard-sd.PI]\nadopted_by = "x"\nadopted_on = "2026-01-01"\n{}steps = [{{ ml_kg_h = "{}" }}]'


@pytest.mark.parametrize(("concentration", "most"), [("50", "4"), ("100", "8")])
def test_a_site_says_for_which_concentration_it_adopts_steps(content: Content, concentration: str, most: str) -> None:
    adopted = site(SD.format(f"concentration_mg_ml = {concentration}\n", most), content).ladders["gammagard-sd", "PI"]
    assert adopted.concentration_mg_ml == Decimal(concentration)
    with pytest.raises(ContentError) as caught:
        site(SD.format(f"concentration_mg_ml = {concentration}\n", f"{most}.1"), content)
    assert "above the label's maximum" in caught.value.message


@pytest.mark.parametrize(("line", "words"), [("", "missing"), ("concentration_mg_ml = 60\n", "not a concentration")])
def test_steps_for_an_unknown_concentration_are_refused(content: Content, line: str, words: str) -> None:
    with pytest.raises(ContentError) as caught:
        site(SD.format(line, "4"), content)
    assert words in caught.value.message


def test_a_ladder_may_go_up_to_the_label_maximum(content: Content) -> None:
    assert site(ADOPTED.format("4.8"), content).ladders["gamunex-c", "PI"].steps[0].ml_kg_h == Decimal("4.8")


def test_one_number_shortens_every_longer_limit_and_leaves_the_shorter_ones(with_stale: Content) -> None:
    shorter = narrowed(with_stale, site('[stale_days]\n"weight.stale" = 14', with_stale))
    days = shorter.checks["weight.stale"].thresholds
    assert (days["adult_warn_days"], days["adult_override_days"], days["infant_days"]) == (14, 14, 7)
    assert days["fraction"] == Decimal("0.1")
    assert shorter.digest == with_stale.digest


def test_a_named_limit_is_shortened_alone(with_stale: Content) -> None:
    shorter = narrowed(with_stale, site('[stale_days]\n"weight.stale" = { adult_warn_days = 29 }', with_stale))
    days = shorter.checks["weight.stale"].thresholds
    assert (days["adult_warn_days"], days["adult_override_days"]) == (29, 90)


def test_a_shortened_limit_is_the_one_that_the_check_says_it_fires_at(content: Content) -> None:
    shorter = narrowed(content, site('[stale_days]\n"weight.stale" = { adult_warn_days = 29 }', content))
    assert "older than 30 days warns" in content.checks["weight.stale"].threshold
    assert "older than 29 days warns" in shorter.checks["weight.stale"].threshold


def test_without_shorter_days_the_content_is_the_same_object(content: Content) -> None:
    assert narrowed(content, Site()) is content
