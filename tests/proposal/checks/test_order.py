"""The order against recommendation and label: diagnosis, tier, product, age, rate table, diluent."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import pytest

from ivig_fhir.content.model import Content, OrderSet, Product
from ivig_fhir.content.site import AdoptedLadder, Site
from ivig_fhir.proposal.findings import Result
from tests.a_case import content, found, outcome
from tests.a_record import coded, proposed, result

ICD = "http://hl7.org/fhir/sid/icd-10-cm"
CVID = {"indication": "pi-cvid", "regimen": "cvid-maint"}
LADDER = content().products["gamunex-c"].ladders[1]


def check(id_: str, *added: Any, **options: Any) -> Result:
    """One check on the quiet record with these changes."""
    return result(id_, proposed(*added, **options))


def with_order_set(order_set: OrderSet) -> Content:
    """The content with one order set changed."""
    return replace(content(), order_sets=MappingProxyType({**content().order_sets, order_set.id: order_set}))


def with_product(product: Product) -> Content:
    """The content with one product changed."""
    return replace(content(), products=MappingProxyType({**content().products, product.id: product}))


def test_a_condition_with_a_code_of_the_indication_is_enough() -> None:
    assert outcome(check("indication.not-coded")) == "clear"
    resolved = coded("Condition", "cidp", ICD, "G61.81", clinicalStatus={"coding": [{"code": "resolved"}]})
    assert outcome(check("indication.not-coded", resolved)) == "clear"


@pytest.mark.parametrize(
    ("condition", "branch"),
    [
        (coded("Condition", "cidp", ICD, "G62.9"), "none"),
        (coded("Condition", "cidp", ICD, "G61.81", verificationStatus={"coding": [{"code": "refuted"}]}), "none"),
        ({**coded("Condition", "cidp", ICD, "G61.81"), "code": {"text": "Chronic inflammatory demyelinating polyneuropathy"}}, None),
    ],
)
def test_words_or_another_code_ask_for_a_reason(condition: dict[str, Any], branch: str | None) -> None:
    finding = found(check("indication.not-coded", condition))
    assert finding.severity == "override"
    assert branch is None or finding.branch == branch


def test_conditions_that_were_not_read_leave_it_open() -> None:
    assert outcome(check("indication.not-coded", drop=("cidp",), unread=("Condition",))) == "unknown"


def test_what_is_not_recommended_stops_and_has_no_dose() -> None:
    made = proposed(indication="ra", regimen=None)
    assert (made.outcome, made.dose) == ("stopped", None)
    assert outcome(result("indication.not-recommended", made)) == "hard-stop"
    assert outcome(check("indication.not-recommended")) == "clear"


def test_an_exception_is_never_the_default_and_asks_for_a_reason_when_chosen() -> None:
    regimen = replace(content().order_sets["cidp"].regimens[1], id="ra-exception", exception=True)
    using = with_order_set(replace(content().order_sets["ra"], regimens=(regimen,)))
    left = proposed(indication="ra", regimen=None, using=using)
    assert outcome(result("indication.not-recommended", left)) == "hard-stop"
    chosen = proposed(indication="ra", regimen="ra-exception", using=using)
    assert outcome(result("indication.not-recommended", chosen)) == "override"
    assert chosen.outcome == "proposed"


@pytest.mark.parametrize(("tier", "severity"), [("A", "clear"), ("B", "warning"), ("C", "override")])
def test_each_tier_has_its_severity(tier: str, severity: str) -> None:
    using = with_order_set(replace(content().order_sets["cidp"], tier=tier))
    assert outcome(check("indication.off-label", using=using)) == severity


def test_tier_d_is_told_once() -> None:
    assert outcome(check("indication.off-label", indication="ra", regimen=None)) == "clear"


@pytest.mark.parametrize(
    ("indication", "regimen", "product", "severity"),
    [
        ("pi-cvid", "cvid-maint", "octagam-10", "warning"),
        ("pi-cvid", "cvid-maint", "gamunex-c", "clear"),
        ("itp-adult", "itp-adult-1", "octagam-10", "clear"),
        ("cidp", "cidp-maint", "octagam-10", "warning"),
        ("gbs", None, "octagam-10", "clear"),  # no label carries it: told by the tier
    ],
)
def test_a_label_of_another_product_is_not_this_products(indication: str, regimen: str | None, product: str, severity: str) -> None:
    made = check("product.not-for-indication", indication=indication, regimen=regimen, product=product)
    assert outcome(made) == severity
    assert severity == "clear" or product in found(made).evidence[0].reference


@pytest.mark.parametrize(
    ("born", "severity"),
    [("2024-03-02", "clear"), ("2024-03-03", "warning"), ("unknown", "unknown")],  # from two years
)
def test_the_labelled_age_is_reached_on_the_birthday(born: str, severity: str) -> None:
    assert outcome(check("product.age", patient={"birthDate": born}, **CVID)) == severity


def test_an_age_in_parts_of_a_year_counts_in_months() -> None:
    product = content().products["gamunex-c"]
    labels = tuple(replace(x, min_age_years=Decimal("0.5")) for x in product.labels)
    using = with_product(replace(product, labels=labels))
    assert outcome(check("product.age", patient={"birthDate": "2025-09-02"}, using=using, **CVID)) == "clear"
    assert outcome(check("product.age", patient={"birthDate": "2025-09-03"}, using=using, **CVID)) == "warning"


def test_a_label_without_the_indication_or_an_age_has_no_age_to_be_below() -> None:
    child = {"birthDate": "2025-03-03"}
    assert outcome(check("product.age", patient=child, product="octagam-10", **CVID)) == "clear"
    assert outcome(check("product.age", patient=child, indication="itp-adult", regimen=None)) == "clear"


def test_without_a_rate_table_nothing_is_run() -> None:
    using = with_product(replace(content().products["gamunex-c"], ladders=()))
    made = proposed(using=using)
    assert (outcome(result("product.no-rate-table", made)), made.outcome) == ("hard-stop", "stopped")
    assert outcome(check("product.no-rate-table", using=using, rate={"mode": "hours", "hours": "4"})) == "hard-stop"


@pytest.mark.parametrize("weight", [(), ("weight",)])
def test_an_illustrative_ladder_warns_until_the_site_adopts_it(weight: tuple[str, ...]) -> None:
    assert LADDER.basis == "illustrative"
    assert outcome(check("product.no-rate-table", drop=weight)) == "warning"
    adopted = Site(ladders={("gamunex-c", "CIDP"): AdoptedLadder(LADDER.steps, "P. Harmacist", "2026-01-01")})
    assert outcome(check("product.no-rate-table", drop=weight, site=adopted)) == "clear"


def test_one_fixed_rate_uses_no_illustrated_step() -> None:
    assert outcome(check("product.no-rate-table", rate={"mode": "hours", "hours": "6"})) == "clear"


def test_a_ladder_that_the_label_prints_is_clear() -> None:
    printed = tuple(replace(x, basis="label") for x in content().products["gamunex-c"].ladders)
    assert outcome(check("product.no-rate-table", using=with_product(replace(content().products["gamunex-c"], ladders=printed)))) == "clear"


@pytest.mark.parametrize(("diluent", "severity"), [(None, "clear"), ("d5w", "clear"), ("saline", "hard-stop")])
def test_an_excluded_diluent_stops(diluent: str | None, severity: str) -> None:
    assert outcome(check("product.diluent", diluent=diluent)) == severity


def test_a_diluent_of_which_the_label_says_nothing_is_unknown() -> None:
    silent = replace(content().products["gamunex-c"], diluents_allowed=(), diluents_excluded=())
    assert outcome(check("product.diluent", diluent="d5w", using=with_product(silent))) == "unknown"
