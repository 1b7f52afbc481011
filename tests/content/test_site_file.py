"""The site file answers and narrows; whatever would widen the content is refused."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from datetime import time
from decimal import Decimal
from types import MappingProxyType

import pytest

from ivig_fhir.content.load_site import load_site, narrowed, review_of
from ivig_fhir.content.model import Basis, Check, Content
from ivig_fhir.content.site import Site
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
    assert review_of(signed, got).status == "reviewed"
    assert review_of(signed, got).expires_on == "2027-02-01"


def test_content_is_unreviewed_unless_exactly_its_hash_was_signed(content: Content) -> None:
    signed = "sha256:" + "0" * 64
    got = site(f'[review."{signed}"]\nreviewed_by = "x"\nreviewed_on = "2026-02-01"', content)
    assert review_of(content.order_sets["cidp"].content_hash, got).status == "unreviewed"
    assert review_of(signed, got).reviewer == "x"


ADOPTED = '[ladders.gamunex-c.PI]\nadopted_by = "x"\nadopted_on = "2026-01-01"\nsteps = [{{ ml_kg_h = "{}" }}]'
FAULTS = [
    ('colour = "red"', ("colour", "not a key")),
    ('[weight]\npolicy = "actual"\nfactor = 1', ("weight.factor", "not a key")),
    ('[weight]\npolicy = "guess"', ("weight.policy", "guess")),
    ('timezone = "Mars/Olympus"', ("timezone", "Mars/Olympus")),
    ('timezone = "America"', ("timezone", "not a time zone")),
    ('timezone = "../etc/passwd"', ("timezone", "not a time zone")),
    ('infusion_start = "25:00"', ("infusion_start", "25:00")),
    ('infusion_start = "9"', ("infusion_start", "'9'")),
    ('consent_required = "no"', ("consent_required", "neither true nor false")),
    ("formulary = []", ("formulary", "list of texts")),
    ('formulary = ["panzyga"]', ("formulary", "panzyga")),
    ('[rounding]\ntolerance = "0.11"', ("rounding.tolerance", "only narrow")),
    ("[rounding]\ntolerance = 0.05", ("rounding.tolerance", "exact number")),
    ("[rounding]\nincrements_g = [0]", ("rounding.increments_g", "not above 0")),
    ('[stale_days]\n"vaccine.recent-live" = 3', ("stale_days.vaccine.recent-live", "may shorten")),
    ('[stale_days]\n"weight.stale" = 90', ("stale_days.weight.stale", "only shorten")),
    ('[stale_days]\n"weight.stale" = 0', ("stale_days.weight.stale", "whole number from 1")),
    ('[stale_days]\n"weight.stale" = { adult_warn_days = 31 }', ("adult_warn_days", "only shorten the 30 days")),
    ('[stale_days]\n"weight.stale" = { fraction = 1 }', ("fraction", "not a limit in days")),
    ("[risk_cap]\nmg_kg_min = 0", ("risk_cap.mg_kg_min", "above 0")),
    ("[ladders.panzyga.PI]", ("ladders.panzyga", "no product")),
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


def test_without_shorter_days_the_content_is_the_same_object(content: Content) -> None:
    assert narrowed(content, Site()) is content
