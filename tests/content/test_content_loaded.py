"""The content as shipped: complete, cited, exact, hashed, unreviewed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ivig_fhir.chart.queries import TYPES
from ivig_fhir.content.load import load_content
from ivig_fhir.content.load_checks import RESOURCE_TYPES
from ivig_fhir.content.model import SEVERITIES, Basis, Content
from ivig_fhir.fhir.codes import LOINC, Code
from ivig_fhir.fhir.units import is_known

Change = Callable[[str, str, str], Path]
ORDER_SETS = Path(__file__).resolve().parents[2] / "order_sets"


def bases(content: Content) -> Iterator[Basis]:
    """Every authority that the content stands on, evidence left out."""
    for item in content.order_sets.values():
        yield item.source
        yield from (r.source for r in item.regimens)
    for product in content.products.values():
        yield product.source
        yield from (x.source for x in (*product.statements.values(), *product.code_sets.values()))
        yield from (product.risk_rate.source,) if product.risk_rate else ()
        yield from (x.source for x in (*product.labels, *product.ladders))
    others = (content.checks, content.panels, content.weight_policies, content.rounding_policies)
    yield from (x.source for group in others for x in group.values())
    yield from (c.source for c in content.companions)


def floats(value: Any) -> Iterator[str]:
    """Where a float hides in a value."""
    if isinstance(value, float):
        yield repr(value)
    elif isinstance(value, dict):
        for inner in value.values():
            yield from floats(inner)
    elif isinstance(value, tuple | list):
        for inner in value:
            yield from floats(inner)


def test_the_index_has_all_eighty_checks_in_reading_order(content: Content) -> None:
    refs = [ref for ref, _, _ in content.constants["check_index"]]
    count = {"A": 9, "B": 9, "C": 32, "D": 17, "E": 3, "F": 10}
    assert refs == [f"{group}{n:02}" for group, last in count.items() for n in range(1, last + 1)]
    assert list(content.checks) == [id_ for _, id_, _ in content.constants["check_index"] if id_ in content.checks]


def test_every_statement_is_cited_and_none_of_them_unsure(content: Content) -> None:
    found = list(bases(content))
    assert len(found) > 150
    assert all(b.citations and set(b.citations) <= set(content.citations) for b in found)
    assert {b.confidence for b in found} <= {"V", "K"}


def test_every_check_has_words_for_each_branch_and_a_known_severity(content: Content) -> None:
    for check in content.checks.values():
        assert set(check.severity) == set(check.messages)
        assert set(check.severity.values()) <= set(SEVERITIES)
        assert all(check.messages.values()), check.id


def test_every_check_says_when_it_fires_in_whole_sentences_with_its_numbers_filled_in(content: Content) -> None:
    sentences = {check.id: check.threshold for check in content.checks.values()}
    assert {id_: said for id_, said in sentences.items() if not said.endswith(".") or set("{}") & set(said)} == {}
    assert len(sentences) == 80


def test_no_number_of_the_content_is_a_float(content: Content) -> None:
    assert not [x for check in content.checks.values() for x in floats(dict(check.thresholds))]
    assert not list(floats(dict(content.constants)))
    steps = [s for p in content.products.values() for x in p.ladders for s in x.steps]
    assert all(isinstance(s.ml_kg_h, Decimal) and isinstance(s.minutes, Decimal | None) for s in steps)


def test_what_checks_may_depend_on_is_what_is_read(content: Content) -> None:
    assert set(RESOURCE_TYPES) == {"Patient", *TYPES}


def test_shipped_content_is_unreviewed_and_says_so(content: Content) -> None:
    heads = {name: file.governance for name, file in content.files.items()}
    assert {h.checked_by for h in heads.values()} == {"none"}
    assert {h.status for h in heads.values()} == {"draft"}
    assert {h.written_by for h in heads.values()} == {"the ivig-fhir project"}
    assert set(heads) == {
        p.relative_to(ORDER_SETS).as_posix() for p in ORDER_SETS.rglob("*") if p.suffix in (".toml", ".csv") and p.parent.name != "releases"
    }
    assert "not been clinically reviewed" in content.constants["words"]["unreviewed"]


# Their only labelled product is made until the end of 2027; what is proposed instead is off label, and F04 says so.
WITHOUT_A_LABELLED_DEFAULT = {"kawasaki", "sid-cll"}


def test_the_first_regimen_can_be_proposed_and_its_days_fit_the_default_product(content: Content) -> None:
    for item in content.order_sets.values():
        if item.tier == "D":
            assert all(r.exception for r in item.regimens)
            continue
        first = item.regimens[0]
        low, high = first.label_days.get(item.default_product, first.days)
        assert not first.exception
        assert low <= first.default_days <= high, item.id
        if item.label_code and item.tier == "A" and item.id not in WITHOUT_A_LABELLED_DEFAULT:
            assert content.products[item.default_product].label(item.label_code), item.id


def test_rounding_increments_and_default_policy_are_usable(content: Content) -> None:
    assert content.constants["default_weight_policy"] in content.weight_policies
    assert content.rounding_policies["adult"].increments_g == (Decimal(5), Decimal("2.5"), Decimal(1))
    assert content.rounding_policies["child"].increments_g == (Decimal(1), Decimal("0.5"))


def test_every_unit_a_panel_accepts_is_in_the_table_of_units(content: Content) -> None:
    own = {"mosm/kg"}  # accepted in its own unit alone, so no conversion is needed
    for panel in content.panels.values():
        assert all(is_known(u) or u in own for u in panel.accepted), panel.id
        assert panel.hard is None or all(panel.hard[0] <= low < high <= panel.hard[1] for low, high in panel.soft.values()), panel.id


def test_look_alikes_of_weight_and_height_are_never_taken(content: Content) -> None:
    weight, height = content.panels["body-weight"], content.panels["body-height"]
    assert {"8339-4", "18833-4", "8336-0", "77606-2"} <= set(weight.never)
    assert "8716-3" not in weight.loinc  # the panel that real weights carry beside their own code
    assert "8303-0" in height.never
    assert weight.qualified["3142-7"] == "stated"
    assert weight.qualified["8335-2"] == "estimated"
    assert not any(set(p.never) & set(p.loinc) for p in content.panels.values())


def test_every_word_that_chooses_companions_is_used(content: Content) -> None:
    rules = content.constants["rules"]
    used = {word for c in content.companions for word in (*c.when, *c.unless, *c.withheld)}
    assert {*rules.findings, *rules.orders} <= used
    assert {c.kind for c in content.companions} == {"medication", "lab", "monitoring", "nursing", "education"}
    assert next(c for c in content.companions if c.id == "rescue-epinephrine").required


def test_laboratory_companions_order_codes_that_are_loinc(content: Content) -> None:
    labs = [c for c in content.companions if c.kind == "lab"]
    assert labs
    assert all(code.startswith(f"{LOINC}|") for c in labs for code in c.codes)


def test_a_brand_of_the_list_is_recognised_and_the_longer_name_is_another_product(content: Content) -> None:
    known = content.constants["known_products"]
    assert known["privigen"] == ("privigen",)
    assert "carimune" in known["carimune-nf"]
    assert set(content.products) < set(known)
    assert any(n.startswith(content.products["gammagard-liquid"].names[0]) for n in known["gammagard-liquid-erc"])


def test_immunoglobulin_is_recognised_by_code_by_word_and_not_when_it_is_hyperimmune(content: Content) -> None:
    ivig = content.value_sets["ig-therapy"]
    assert ivig.by_code([Code("http://www.nlm.nih.gov/research/umls/rxnorm", "1426680")])
    assert ivig.by_text(["Gamunex-C 35 g"])
    assert ivig.by_text(["IVIG maintenance"])
    assert ivig.excludes(["Rho(D) immune globulin (RhoGAM)"])
    assert not ivig.by_text(["Rho(D) immune globulin (RhoGAM)"])


def test_the_same_files_have_the_same_digest_and_comments_do_not_count(content: Content, change: Change) -> None:
    folder = change("products/gamunex-c.toml", 'id = "gamunex-c"', '# a remark\nid   =   "gamunex-c"')
    again = load_content(folder)
    assert again.digest == content.digest == load_content(ORDER_SETS).digest
    assert again.products["gamunex-c"].content_hash == content.products["gamunex-c"].content_hash


def test_every_constant_and_word_that_the_program_asks_for_is_there(content: Content) -> None:
    source = "\n".join(path.read_text(encoding="utf-8") for path in (ORDER_SETS.parent / "ivig_fhir").rglob("*.py"))
    asked = re.findall(r'constants\["(\w+)"\](?:\["(\w+)"\])?', source)
    assert len(asked) > 10
    assert {name for name, _ in asked} <= set(content.constants)
    assert {word for name, word in asked if name == "words" and word} <= set(content.constants["words"])


def test_a_changed_figure_changes_the_hash_of_its_file_and_the_digest_alone(content: Content, change: Change) -> None:
    changed = load_content(change("products/privigen.toml", "vials_g = [5, 10,", "vials_g = [2, 5, 10,"))
    assert changed.digest != content.digest
    differ = [id_ for id_, p in changed.products.items() if p.content_hash != content.products[id_].content_hash]
    assert differ == ["privigen"]
    assert all(o.content_hash == content.order_sets[id_].content_hash for id_, o in changed.order_sets.items())


def test_a_changed_diagnosis_code_changes_the_hash_of_its_order_set(content: Content, change: Change) -> None:
    changed = load_content(change("value_sets/indication-mg.csv", "G70.01", "G70.1"))
    assert changed.order_sets["mg"].content_hash != content.order_sets["mg"].content_hash
    assert changed.order_sets["cidp"].content_hash == content.order_sets["cidp"].content_hash


@pytest.mark.parametrize("name", ["value_sets/ckd.csv", "companions.toml", "references.toml", "checks/index.toml"])
def test_every_file_counts_in_the_digest(content: Content, folder: Path, name: str) -> None:
    old, new = {
        "value_sets/ckd.csv": ("Chronic kidney disease", "Chronic renal disease"),
        "companions.toml": ("Call at once for", "Call immediately for"),
        "references.toml": ('publisher = "none"', 'publisher = "nobody"'),
        "checks/index.toml": ('title = "Sepsis"', 'title = "Septicaemia"'),
    }[name]
    text = (folder / name).read_text(encoding="utf-8")
    assert old in text
    (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")
    assert load_content(folder).digest != content.digest
