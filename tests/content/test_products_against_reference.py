"""Every product against the shared reference, figure by figure, and nothing that the reference marks as unsure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

import pytest

from ivig_fhir.content.model import Content, Product
from ivig_fhir.proposal.rates import label_risk_cap, ml_kg_h

Read = Callable[[str], dict[str, Any]]
PRODUCTS = (
    "alyglo", "asceniv", "bivigam", "flebogamma-dif-10", "flebogamma-dif-5", "gammagard-liquid", "gammagard-liquid-erc", "gammagard-sd",
    "gammaked", "gammaplex-10", "gammaplex-5", "gamunex-c", "octagam-10", "octagam-5", "panzyga", "privigen", "qivigy", "yimmugo",
)  # fmt: skip
KG_MG_MIN = Decimal(60)
UNSURE = "?"
_SOLUTION = re.compile(r"0\.9 ?% (?=NaCl|sodium)|5 % (?=dextrose)|D5W")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


def exact(value: Any) -> Decimal | None:
    """A figure of the reference, exactly as it is written there."""
    return None if value is None else Decimal(str(value))


def numbers(text: str) -> set[Decimal]:
    """The figures that stand in a text; those that name a solution (0.9 % sodium chloride, 5 % dextrose) apart."""
    return {Decimal(n) for n in _NUMBER.findall(_SOLUTION.sub("", text))}


@pytest.fixture
def rows(reference: Read) -> dict[str, dict[str, Any]]:
    """The rows of the reference by our ids."""
    return {r["id"].replace("_", "-"): r for r in reference("products.yaml")["products"]}


def test_all_products_of_the_reference_and_the_discontinued_one_are_here(content: Content, rows: dict[str, Any]) -> None:
    assert sorted(rows) == sorted(PRODUCTS)
    assert set(content.products) == {*rows, "carimune-nf"}
    assert [p.id for p in content.products.values() if not p.marketed] == ["carimune-nf"]


@pytest.mark.parametrize("id_", PRODUCTS)
def test_names_sizes_and_strengths_are_those_of_the_reference(content: Content, rows: dict[str, Any], id_: str) -> None:
    ours, theirs = content.products[id_], rows[id_]
    assert ours.brand == theirs["brand"]
    assert theirs["maker"].split()[0] in ours.maker
    assert ours.vials_g == tuple(exact(v) for v in theirs["vials_g"]["values"])
    assert ours.concentrations_mg_ml == tuple(exact(v) for v in theirs["concentration_mg_ml"])
    assert ours.intravenous is theirs["routes"]["iv"]
    assert ("subcutaneous" in ours.properties) is theirs["routes"]["sc"]
    assert ours.same_as == theirs.get("same_as", "").replace("_", "-")
    volumes = theirs["vials_g"].get("volumes_ml", [])
    assert not volumes or [v * 1000 / ours.concentrations_mg_ml[0] for v in ours.vials_g] == volumes


@pytest.mark.parametrize("id_", PRODUCTS)
def test_labels_have_the_indications_doses_and_ages_of_the_reference(content: Content, rows: dict[str, Any], id_: str) -> None:
    ours, theirs = content.products[id_], rows[id_]["indications"]
    assert [x.code for x in ours.labels] == [x["code"] for x in theirs]
    for label, entry in zip(ours.labels, theirs, strict=True):
        if UNSURE in (entry["confidence"], entry["dose"][-2:-1]) or "dose ?" in entry["source"]:
            assert label.dose_text == ""
            continue
        said = f"{entry['dose']} {entry.get('limits', '')} {entry.get('note', '')}"
        assert numbers(entry["dose"]) <= numbers(label.dose_text) <= numbers(said)
        assert label.source.confidence in ("V", "K")
        assert entry["confidence"] == "V" or label.source.confidence == "K"


AGES = {
    "alyglo": {"PI": 17}, "asceniv": {"PI": 12}, "bivigam": {"PI": 2}, "flebogamma-dif-10": {"PI": 2, "ITP": 2},
    "flebogamma-dif-5": {"PI": 2}, "gammagard-liquid": {"PI": 2, "MMN": 18, "CIDP": 18}, "gammagard-liquid-erc": {"PI": 2},
    "gammagard-sd": {"PI": 2, "CLL": 18, "ITP": 18, "KAWASAKI": None}, "gammaked": {"PI": 2, "ITP": None, "CIDP": 18},
    "gammaplex-10": {"PI": 2, "ITP": 18}, "gammaplex-5": {"PI": 2, "ITP": 18}, "gamunex-c": {"PI": 2, "ITP": None, "CIDP": 18},
    "octagam-10": {"ITP": 18, "DM": 18}, "octagam-5": {"PI": None}, "panzyga": {"PI": 2, "ITP": 18, "CIDP": 18},
    "privigen": {"PI": None, "ITP": 15, "CIDP": 18}, "qivigy": {"PI": 18}, "yimmugo": {"PI": None},
}  # fmt: skip


@pytest.mark.parametrize("id_", PRODUCTS)
def test_labelled_ages_follow_the_words_of_the_reference(content: Content, rows: dict[str, Any], id_: str) -> None:
    for label, entry in zip(content.products[id_].labels, rows[id_]["indications"], strict=True):
        years, words = AGES[id_][label.code], entry["age"]
        assert label.min_age_years == exact(years), label.code
        assert years is None or str(years) in words or "adult" in words
        assert label.age_verified is not ("not verified" in words or "(?)" in words)
        assert years is not None or not label.age_verified or any(w in words for w in ("child", "paediatric", "no lower limit"))


@pytest.mark.parametrize("id_", PRODUCTS)
def test_rate_steps_are_those_of_the_reference(content: Content, rows: dict[str, Any], id_: str) -> None:
    tables = [r for r in rows[id_]["rates"] if r["confidence"] != UNSURE]
    ladders = content.products[id_].ladders
    assert len(ladders) == len(tables)
    for ladder, rate in zip(ladders, tables, strict=True):
        assert ladder.source.confidence == rate["confidence"]
        assert ladder.for_ == tuple(rate["for"])
        assert [(s.ml_kg_h, s.minutes) for s in ladder.steps] == [(exact(s["ml_kg_h"]), exact(s["minutes"])) for s in rate["steps"]]
        assert (ladder.max_ml_kg_h, ladder.concentration_mg_ml) == (exact(rate["max"]["ml_kg_h"]), exact(rate["conc_mg_ml"]))
        assert numbers(ladder.label_text) <= numbers(rate["label_text"]) | {s.ml_kg_h / 60 for s in ladder.steps} | {Decimal(2)}
        for step, theirs in zip(ladder.steps, rate["steps"], strict=True):
            per_minute = step.ml_kg_h * ladder.concentration_mg_ml / KG_MG_MIN
            assert abs(per_minute - Decimal(str(theirs["mg_kg_min"]))) < Decimal("0.001")


@pytest.mark.parametrize("id_", PRODUCTS)
def test_steps_count_as_printed_only_where_the_reference_says_so(content: Content, rows: dict[str, Any], id_: str) -> None:
    tables = [r for r in rows[id_]["rates"] if r["confidence"] != UNSURE]
    for ladder, rate in zip(content.products[id_].ladders, tables, strict=True):
        basis = rate["steps_basis"]
        wanted = "maker" if basis.startswith("maker") else "label" if re.match(r"label( \(|$)", basis) else "illustrative"
        assert ladder.basis == wanted, basis
        assert ladder.steps[0].printed
        assert ladder.steps[-1].printed
        assert wanted == "label" or not any(s.printed for s in ladder.steps[1:-1])
        assert ("below" in ladder.condition) is rate.get("max_exclusive", False)


def test_every_conversion_of_the_reference_is_what_our_steps_come_to(content: Content, shared: Any) -> None:
    yaml = pytest.importorskip("yaml")
    table = yaml.safe_load((shared / "vignettes" / "dosing.yaml").read_text(encoding="utf-8"))["rate_conversions"]
    ours = {(p.id, x.for_, x.concentration_mg_ml): x for p in content.products.values() for x in p.ladders}
    assert len(table) == len(ours) == 23
    for row in table:
        ladder = ours[row["product"].replace("_", "-"), tuple(row["for"]), exact(row["conc_mg_ml"])]
        assert ladder.max_ml_kg_h == exact(row["max_ml_kg_h"])
        assert abs(ladder.max_ml_kg_h * ladder.concentration_mg_ml / KG_MG_MIN - Decimal(str(row["max_mg_kg_min"]))) < Decimal("0.001")
        assert abs(ladder.max_ml_kg_h / KG_MG_MIN - Decimal(str(row["max_ml_kg_min"]))) < Decimal("0.00001")


@pytest.mark.parametrize("id_", PRODUCTS)
def test_a_product_without_a_verified_rate_table_has_none_and_says_why(content: Content, rows: dict[str, Any], id_: str) -> None:
    unsure = all(r["confidence"] == UNSURE or r["steps"] is None for r in rows[id_]["rates"])
    ours = content.products[id_]
    assert (ours.ladders == ()) is unsure
    assert bool(ours.no_rate_table) is unsure
    assert ("rate table" in ours.unverified) is unsure


@pytest.mark.parametrize("id_", PRODUCTS)
def test_rates_for_patients_at_risk_are_those_of_the_reference(content: Content, rows: dict[str, Any], id_: str) -> None:
    ours, theirs = content.products[id_], rows[id_]["risk_rate"]
    if theirs["confidence"] == UNSURE:
        assert ours.risk_rate is None
        return
    assert ours.risk_rate is not None
    assert ours.risk_rate.max_mg_kg_min == exact(theirs["max_mg_kg_min"])
    assert ours.risk_rate.source.confidence == theirs["confidence"]
    for concentration, rate in (theirs.get("max_ml_kg_h_by_conc") or {}).items():
        assert ours.risk_rate.max_mg_kg_min is not None
        assert ml_kg_h(ours.risk_rate.max_mg_kg_min, Decimal(concentration)) == exact(rate)
    for ladder in ours.ladders:
        cap = label_risk_cap(ours, ladder)
        assert cap is None or cap < ladder.max_ml_kg_h


CONTRADICTIONS = {
    "gammagard-liquid": {"PI", "CIDP"}, "gammaplex-10": {"PI"}, "octagam-5": {"PI"}, "bivigam": {"PI"},
}  # fmt: skip
AT_RISK = {"gammagard-liquid", "gammagard-sd", "octagam-10", "octagam-5"}


@pytest.mark.parametrize("id_", PRODUCTS)
def test_where_units_of_a_label_disagree_the_product_says_which_is_used(content: Content, id_: str) -> None:
    ours = content.products[id_]
    told = {x.for_[-1] if "CIDP" in x.for_ else x.for_[0] for x in ours.ladders if x.contradiction}
    assert told == CONTRADICTIONS.get(id_, set())
    assert bool(ours.risk_rate and ours.risk_rate.contradiction) is (id_ in AT_RISK)
    said = [x.contradiction for x in ours.ladders if x.contradiction]
    said += [ours.risk_rate.contradiction] if ours.risk_rate and ours.risk_rate.contradiction else []
    assert all("used" in s or "held" in s for s in said)


def test_the_lower_maximum_of_new_patients_is_the_reading_of_the_makers_chart(content: Content, rows: dict[str, Any]) -> None:
    ladder = content.products["panzyga"].ladders[0]
    new = ladder.new_patients
    assert new is not None
    assert "12 mg/kg/min" in rows["panzyga"]["rates"][0]["steps_basis"]
    assert (new.max_ml_kg_h, new.within_days, new.source.confidence) == (ml_kg_h(Decimal(12), Decimal(100)), 56, UNSURE)
    assert [p.id for p in content.products.values() if any(x.new_patients for x in p.ladders)] == ["panzyga"]


COMPOSITION = ("stabilizer", "sugar", "sodium", "pH", "osmolality")
# Figures of ours beside those of the reference: sodium chloride in mg/mL as mmol/L of sodium.
DERIVED = {("gammagard-sd", "sodium"): {"145.4"}}
# Figures that stand in another field of the reference: sorbitol of the sugar, units of concentration.
ELSEWHERE = {
    ("gammaplex-5", "stabilizer"): "sugar",
    ("flebogamma-dif-5", "stabilizer"): "sugar",
    ("flebogamma-dif-10", "stabilizer"): "sugar",
}


@pytest.mark.parametrize("id_", PRODUCTS)
def test_composition_has_the_figures_of_the_reference_with_their_marks(content: Content, rows: dict[str, Any], id_: str) -> None:
    ours, theirs = content.products[id_], rows[id_]["formulation"]
    for field in COMPOSITION:
        name, words = field.lower(), str(theirs[field])
        said = ours.statements.get(name)
        if UNSURE in words or theirs["confidence"] == UNSURE:
            assert said is None, field
            assert name in ours.unverified
            continue
        assert said is not None, field
        more = numbers(str(theirs[ELSEWHERE[id_, field]])) if (id_, field) in ELSEWHERE else set()
        given = numbers(words)
        assert given - {Decimal(80)} <= numbers(said.says) <= given | more | set(map(Decimal, DERIVED.get((id_, field), ()))) | {
            Decimal(5), Decimal(10), Decimal(80)
        }, field  # fmt: skip
        assert said.source.confidence == ("K" if "(K)" in words else theirs["confidence"]), field


@pytest.mark.parametrize("id_", PRODUCTS)
def test_figures_beside_the_words_are_the_figures_in_the_words(content: Content, id_: str) -> None:
    for name, said in content.products[id_].statements.items():
        if said.amount is None:
            assert name not in ("sugar",) or "none" not in said.says
            continue
        bounds = {said.amount.low, said.amount.high} - {Decimal(0)}
        assert bounds <= numbers(said.says) or said.says == "none", name
        assert said.amount.unit in said.says or said.says == "none" or name in ("ph", "sugar")
        assert said.amount.low <= said.amount.high


def test_sodium_of_a_salt_is_its_mass_over_its_molar_mass(content: Content) -> None:
    amount = content.products["gammagard-sd"].amount("sodium")
    assert amount is not None
    assert abs(amount.high - Decimal("8.5") / Decimal("58.44") * 1000) < Decimal("0.1")


@pytest.mark.parametrize("id_", PRODUCTS)
def test_iga_is_that_of_the_reference(content: Content, rows: dict[str, Any], id_: str) -> None:
    ours, theirs = content.products[id_], rows[id_]
    average = theirs["formulation"]["iga_mcg_ml"].get("average")
    assert (a.high if (a := ours.amount("iga_average")) else None) == exact(average)
    limit = theirs["iga_upper_limit_mcg_ml"]
    assert (a.high if (a := ours.amount("iga_max")) else None) == (exact(limit["value"]) if limit["confidence"] != UNSURE else None)


HANDLING = {"storage": "storage", "diluent": "diluent", "filter": "filter", "latex": "latex"}
SAID_OF_ANOTHER = {("gammaked", "storage")}  # the reference says "as Gamunex-C", and ours says what that is


@pytest.mark.parametrize("id_", PRODUCTS)
def test_handling_has_the_figures_of_the_reference_with_their_marks(content: Content, rows: dict[str, Any], id_: str) -> None:
    ours, theirs = content.products[id_], rows[id_]
    for field, name in HANDLING.items():
        said, entry = ours.statements.get(name), theirs[field]
        if entry["confidence"] == UNSURE:
            assert said is None, field
            assert name in ours.unverified
            continue
        assert said is not None, field
        assert said.source.confidence in (entry["confidence"], "K")
        if (id_, field) not in SAID_OF_ANOTHER:
            assert numbers(said.says) == numbers(entry["text"]), field


@pytest.mark.parametrize("id_", PRODUCTS)
def test_stabilisers_and_excipients_are_those_that_the_checks_ask_for(content: Content, reference: Read, id_: str) -> None:
    ours = content.products[id_]
    theirs = reference("checks.yaml")["products_minimal"]["products"][id_.replace("-", "_")]
    sure = theirs["stabilizer"] if theirs["confidence"] != UNSURE else []
    assert sorted(ours.stabilizers) == sorted(s.lower() for s in sure)
    assert sorted(ours.excipients) == sorted(theirs["excipients"])
    assert [c / 10 for c in ours.concentrations_mg_ml] == theirs["concentration_pct"]
    cap = ours.risk_rate.max_mg_kg_min if ours.risk_rate else None
    assert cap == (exact(theirs["cap_risk_mg_kg_min"]) if theirs["cap_confidence"] != UNSURE else None)


def _sure(codes: Iterable[str]) -> dict[str, str]:
    """NDC packages of the reference: the code, and what stands in brackets behind it."""
    return {c.split(" ")[0]: c.partition(" (")[2].rstrip(")") for c in codes if "xx" not in c}


@pytest.mark.parametrize("id_", PRODUCTS)
def test_codes_are_those_of_the_reference(content: Content, rows: dict[str, Any], id_: str) -> None:
    ours, theirs = content.products[id_], rows[id_]
    assert ours.codes.get("hcpcs", ()) == ((theirs["hcpcs"]["code"],) if theirs["hcpcs"]["confidence"] != UNSURE else ())
    if "hcpcs" in ours.code_sets:
        assert f"{ours.code_sets['hcpcs'].unit_mg} mg" == " ".join(theirs["hcpcs"]["unit"].split()[:2])
        assert ours.code_sets["hcpcs"].source.confidence == theirs["hcpcs"]["confidence"]
    assert ours.codes.get("rxnorm", ()) == tuple(x["code"] for x in theirs["rxcui"] if x["confidence"] != UNSURE)
    packages = _sure(theirs["ndc"]["values"])
    mine = dict(ours.code_sets["ndc"].packages) if "ndc" in ours.code_sets else {}
    assert set(packages) <= set(mine)
    assert all(numbers(held) <= numbers(mine[code]) for code, held in packages.items())


@pytest.mark.parametrize("id_", PRODUCTS)
def test_own_contraindications_are_those_of_the_reference(content: Content, rows: dict[str, Any], id_: str) -> None:
    ours, theirs = content.products[id_].properties.get("contraindicated", ""), rows[id_]["specific_contraindications"]
    if theirs["confidence"] == UNSURE:
        assert not ours
        assert "contraindications" in content.products[id_].unverified
        return
    words = {"hereditary fructose intolerance": "fructose intolerance", "hyperprolinemia type I or II": "yperprolinaemia type I or II"}
    assert all(words[item] in ours for item in theirs["items"])
    assert theirs["items"] or "class" in ours


DILUENTS = {
    "gamunex-c": ({"d5w"}, {"saline"}), "gammaked": ({"d5w"}, {"saline"}), "gammagard-liquid": ({"d5w"}, {"saline"}),
    "privigen": ({"d5w"}, set()), "octagam-10": (set(), {"d5w", "saline"}), "octagam-5": (set(), {"d5w", "saline"}),
    "bivigam": (set(), {"d5w", "saline"}), "asceniv": (set(), {"d5w", "saline"}), "gammaplex-5": (set(), {"saline"}),
    "gammaplex-10": (set(), {"saline"}),
}  # fmt: skip


@pytest.mark.parametrize("id_", PRODUCTS)
def test_diluents_are_those_that_the_reference_names(content: Content, rows: dict[str, Any], id_: str) -> None:
    ours, theirs = content.products[id_], rows[id_]["diluent"]
    assert (set(ours.diluents_allowed), set(ours.diluents_excluded)) == DILUENTS.get(id_, (set(), set()))
    assert theirs["confidence"] != UNSURE or id_ not in DILUENTS


def test_the_discontinued_product_is_known_with_its_sugar_and_nothing_to_order_by(content: Content, reference: Read) -> None:
    ours: Product = content.products["carimune-nf"]
    theirs = reference("checks.yaml")["products_minimal"]["products"]["carimune_nf"]
    assert ours.stabilizers == tuple(theirs["stabilizer"])
    assert [c / 10 for c in ours.concentrations_mg_ml] == theirs["concentration_pct"]
    assert (ours.ladders, ours.vials_g, ours.labels, ours.orderable) == ((), (), (), False)
    assert "2018" in ours.properties["status"]


def test_products_by_another_route_are_known_and_not_here(content: Content, reference: Read) -> None:
    others = {k.replace("_", "-") for k, p in reference("checks.yaml")["products_minimal"]["products"].items() if p["route"] == "SC"}
    assert others | {"gamastan"} == set(content.constants["known_products"]) - set(content.products)
