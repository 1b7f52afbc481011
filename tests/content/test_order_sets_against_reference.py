"""Every figure and code of the order sets against the shared reference, and nothing that the reference marks as unsure."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from ivig_fhir.content.model import Content, OrderSet, Regimen
from ivig_fhir.fhir.codes import SHORT, code

Read = Callable[[str], dict[str, Any]]

IDS = (
    "pi-cvid", "pi-scid", "pi-xla-other", "hiv-paediatric", "gbs", "mg", "cidp", "sle", "ra", "ms", "itp-adult", "itp-child", "kawasaki",
    "mmn", "dm", "sid-cll", "sps", "lems", "aiha", "fnait", "hdn", "misc", "tss", "ambd", "sjs-ten", "abmr", "hsct", "aie", "measles-pep",
    "ptp", "parvo-prca", "nmosd-mogad", "ibm-postpolio-sfn", "als-longcovid-other",
)  # fmt: skip

# The labelled regimens of Kawasaki disease come from the product's label entry, not from the indication's.
FROM_THE_LABEL = {"kd-label": (1, (1, 1)), "kd-label-4": ("0.4", (4, 4))}
# A group of limits whose mark is "?" as a whole: the general ceiling of a course stands instead, and the grams are left out.
UNSURE_MAXIMUM = {"abmr": {"course_g_kg": Decimal(2)}}
RENAMED = {"absolute_g": "course_g"}
# Rows of evidence that the reference does not have as rows that are sure: what it says elsewhere, or marks as unsure.
ADDED_EVIDENCE = {
    "pi-scid": ("Trough IgG",),
    "hiv-paediatric": ("European labels",),
    "sle": ("Australia", "Ontario"),
    "measles-pep": ("Premera, 2025",),
    "cidp": ("Diabetes, infection and bone while corticosteroids are taken",),
}


def exact(value: Any) -> Decimal:
    """A figure of the reference, exactly as it is written there."""
    return Decimal(str(value))


def pair(value: Any) -> tuple[Decimal, Decimal]:
    """A low and a high figure."""
    return exact(value[0]), exact(value[1])


def hyphens(id_: str) -> str:
    """An id of the reference in our spelling."""
    return id_.replace("_", "-")


@pytest.fixture(scope="session")
def entries(reference: Read) -> dict[str, dict[str, Any]]:
    """The indications of the reference by our ids."""
    return {hyphens(i["id"]): i for i in reference("indications.yaml")["indications"]}


def test_the_order_sets_are_all_34_of_the_reference(content: Content, entries: dict[str, dict[str, Any]]) -> None:
    assert set(content.order_sets) == set(entries) == set(IDS)
    assert len(IDS) == 34


@pytest.mark.parametrize("id_", IDS)
def test_tier_and_authority_are_those_of_the_reference(content: Content, entries: dict[str, dict[str, Any]], id_: str) -> None:
    ours, theirs = content.order_sets[id_], entries[id_]
    assert ours.tier == theirs["tier"]
    assert (ours.tier == "D") is ("hard stop" in theirs.get("ui", ""))
    assert all(not r.exception for r in ours.regimens) or (id_, [r.id for r in ours.regimens]) == ("ms", ["rrms-exception"])
    assert ours.source.confidence in ("V", "K")


@pytest.mark.parametrize("id_", IDS)
def test_regimens_are_those_of_the_reference(content: Content, entries: dict[str, dict[str, Any]], id_: str) -> None:
    ours = [r for r in content.order_sets[id_].regimens if r.id not in FROM_THE_LABEL]
    theirs = entries[id_]["regimens"]
    assert [r.id for r in ours] == [hyphens(r["id"]) for r in theirs]
    for mine, their in zip(ours, theirs, strict=True):
        assert their["confidence"] in ("V", "K")
        assert mine.source.confidence == their["confidence"], mine.id
        assert mine.dose_g_kg == pair(their["dose_g_kg"]), mine.id
        assert mine.usual_g_kg in (None, exact(their.get("usual_g_kg", mine.usual_g_kg or 0)))
        assert mine.days == tuple(their["days"]), mine.id
        assert mine.basis.replace("-", "_") == their["basis"], mine.id
        assert mine.interval_weeks == (pair(their["interval_weeks"]) if "interval_weeks" in their else None), mine.id
        assert mine.infusion_hours == (pair(their["infusion_hours"]) if "infusion_hours" in their else None), mine.id
        assert mine.label_range_g_kg == (pair(their["label_range_g_kg"]) if "label_range_g_kg" in their else None), mine.id
        assert bool(mine.repeat) >= ("repeat" in their), mine.id
        printed = {hyphens(k): tuple(v) for k, v in their.get("label_days", {}).items()}
        assert not printed or dict(mine.label_days) == printed, mine.id
        assert mine.label_g_kg.get("panzyga") == pair(their["panzyga_range_g_kg"]) if "panzyga_range_g_kg" in their else True


def test_the_usual_dose_is_what_the_reference_calls_usual(content: Content, entries: dict[str, dict[str, Any]]) -> None:
    usual = {r.id: r.usual_g_kg for o in content.order_sets.values() for r in o.regimens if r.usual_g_kg is not None}
    assert usual == {"sid-maint": exact(entries["sid-cll"]["regimens"][0]["usual_g_kg"]), "mg-acute": Decimal(2)}
    assert entries["mg"]["regimens"][0]["usual"].startswith("2 g/kg")


LABEL_CODES = {
    "pi-cvid": "PI", "pi-scid": "PI", "pi-xla-other": "PI", "cidp": "CIDP", "itp-adult": "ITP", "itp-child": "ITP", "kawasaki": "KAWASAKI",
    "mmn": "MMN", "dm": "DM", "sid-cll": "CLL",
}  # fmt: skip


def test_label_codes_are_those_under_which_products_list_the_indication(content: Content, reference: Read) -> None:
    listed = {i["code"] for p in reference("products.yaml")["products"] for i in p["indications"]}
    assert {o.id: o.label_code for o in content.order_sets.values() if o.label_code} == LABEL_CODES
    assert set(LABEL_CODES.values()) == listed


_MG = re.compile(r"(\d+)(?:-(\d+))? mg/kg")
_G = re.compile(r"(\d+(?:\.\d+)?)(?:-(\d+(?:\.\d+)?))? g/kg")


def labelled(reference: Read, product: str, label_code: str) -> list[tuple[Decimal, Decimal]]:
    """Every dose in g/kg that the reference's label text of a product prints for an indication; nothing that is unsure."""
    row = next(p for p in reference("products.yaml")["products"] if hyphens(p["id"]) == product)
    entry = next(i for i in row["indications"] if i["code"] == label_code)
    if entry["confidence"] == "?" or "(?)" in entry["dose"]:
        return []
    found = [(Decimal(a) / 1000, Decimal(b or a) / 1000) for a, b in _MG.findall(entry["dose"])]
    return found + [(Decimal(a), Decimal(b or a)) for a, b in _G.findall(entry["dose"])]


def test_what_a_label_is_said_to_print_stands_in_the_reference(content: Content, reference: Read) -> None:
    for item in content.order_sets.values():
        for regimen in item.regimens:
            for product, printed in regimen.label_g_kg.items():
                label = "PI" if item.id == "measles-pep" else item.label_code
                if item.id != "measles-pep":
                    assert printed in labelled(reference, product, label), (regimen.id, product)


def test_every_label_dose_of_a_replacement_that_is_sure_is_there(content: Content, reference: Read) -> None:
    for product in reference("products.yaml")["products"]:
        for entry in product["indications"]:
            id_ = hyphens(product["id"])
            sure = labelled(reference, id_, entry["code"]) if entry["code"] == "PI" else []
            for regimen in ("cvid-maint", "scid-maint", "xla-maint"):
                ours = next(r for o in content.order_sets.values() for r in o.regimens if r.id == regimen)
                if entry["code"] == "PI" and "assumed" not in entry["dose"]:
                    assert ours.label_g_kg.get(id_) == (sure[0] if sure else None), (regimen, id_)


@pytest.mark.parametrize("id_", IDS)
def test_limits_are_those_of_the_reference(content: Content, entries: dict[str, dict[str, Any]], id_: str) -> None:
    ours, theirs = content.order_sets[id_], entries[id_]["max"]
    if theirs["confidence"] == "?":
        assert dict(ours.maximum) == UNSURE_MAXIMUM[id_]
        return
    limits = {RENAMED.get(k, k): exact(v) for k, v in theirs.items() if k.endswith(("_g", "_g_kg"))}
    assert dict(ours.maximum) == limits
    assert (ours.maximum_source is None) is (limits == {})
    assert ours.maximum_source is None or ours.maximum_source.confidence == theirs["confidence"]


@pytest.mark.parametrize("id_", IDS)
def test_the_trough_is_that_of_the_reference_where_it_is_sure(content: Content, entries: dict[str, dict[str, Any]], id_: str) -> None:
    ours, theirs = content.order_sets[id_].trough, entries[id_]["target"]
    wanted = theirs.get("trough_igg_mg_dl")
    if wanted is None or theirs["confidence"] == "?":
        assert ours is None
        return
    assert ours is not None
    assert ours.minimum_mg_dl == exact(wanted["minimum"])
    assert ours.source.confidence == theirs["confidence"]
    words = re.findall(r"\d+", wanted.get("usual", "").split(";")[0])
    assert [str(x) for x in (ours.usual_from_mg_dl, ours.usual_to_mg_dl) if x is not None] == words


@pytest.mark.parametrize("id_", IDS)
def test_diagnosis_codes_are_those_of_the_reference_and_match_exactly(
    content: Content, entries: dict[str, dict[str, Any]], id_: str
) -> None:
    theirs, ours = entries[id_], content.order_sets[id_].codes
    wanted = {code(SHORT["icd10cm"], c["code"]) for c in theirs["icd10cm"]["codes"] if c["billable"]}
    wanted |= {code(SHORT["snomed"], c["code"]) for c in theirs["snomed"] if c["confidence"] != "?"}
    assert set(ours.exact) == wanted
    assert not ours.prefixes


@pytest.mark.parametrize("id_", IDS)
def test_evidence_is_complete_with_its_marks(content: Content, entries: dict[str, dict[str, Any]], id_: str) -> None:
    ours = [e.source.confidence for e in content.order_sets[id_].evidence if e.body not in ADDED_EVIDENCE.get(id_, ())]
    assert ours == [e["confidence"] for e in entries[id_]["evidence"] if e["confidence"] != "?"]


def test_what_is_unsure_is_shown_in_two_places_only(content: Content) -> None:
    unsure = [(o.id, e.body) for o in content.order_sets.values() for e in o.evidence if e.source.confidence == "?"]
    assert unsure == [("pi-scid", "Trough IgG"), ("sle", "Ontario")]


WORDS = (("response", "response"), ("stop", "stop"), ("duration_limit", "duration"))


@pytest.mark.parametrize("id_", IDS)
def test_documentation_response_stop_and_duration_are_said_where_the_reference_has_them(
    content: Content, entries: dict[str, dict[str, Any]], id_: str
) -> None:
    ours, theirs = content.order_sets[id_], entries[id_]
    assert len(ours.documentation) >= max(1, len(theirs["documentation"]))
    for key, name in WORDS:
        assert bool(getattr(ours, name)) or theirs[key] == "n/a", (id_, name)
    assert bool(ours.weight_note) or theirs["weight"] == "n/a"


_FIGURES = re.compile(r"\d+(?:\.\d+)?")


def figures(*texts: str) -> set[str]:
    """The figures in some sentences."""
    return set(_FIGURES.findall(" ".join(texts)))


# Figures that stand elsewhere in the reference: an edition and a year of a source; and the exponent of a platelet count.
ALSO = {"measles-pep": {"24", "2025"}, "fnait": {"9"}}


def sentences(item: OrderSet) -> list[str]:
    """Everything that an order set says in words."""
    regimens = [t for r in item.regimens for t in (r.title, r.phase, r.repeat)]
    evidence = [t for e in item.evidence for t in (e.body, e.says)]
    words = [item.name, item.on_label, item.guidance, item.response, item.stop, item.target, item.duration, item.weight_note]
    return [*words, *item.documentation, *regimens, *evidence]


@pytest.mark.parametrize("id_", IDS)
def test_no_sentence_holds_a_figure_that_the_reference_does_not(
    content: Content, entries: dict[str, dict[str, Any]], reference: Read, id_: str
) -> None:
    known = figures(repr(entries[id_]), repr(reference("indications.yaml")["meta"]))
    labels = [repr(i) for p in reference("products.yaml")["products"] for i in p["indications"] if i["code"] == LABEL_CODES.get(id_)]
    known |= figures(*labels) | {str(Decimal(x) / 1000) for x in figures(*labels)} | ALSO.get(id_, set())
    known |= {x.rstrip("0").rstrip(".") for x in known if "." in x}
    assert figures(*sentences(content.order_sets[id_])) - known == set()


@pytest.mark.parametrize("id_", IDS)
def test_no_sentence_is_copied_from_the_reference(content: Content, entries: dict[str, dict[str, Any]], id_: str) -> None:
    theirs = {str(v).strip().lower() for v in flat(entries[id_]) if len(str(v).split()) > 5}
    ours = {s.strip(" .").lower() for s in sentences(content.order_sets[id_])}
    assert not {s for s in theirs if s in ours}


def flat(value: Any) -> list[Any]:
    """All texts in a nested entry."""
    if isinstance(value, dict):
        return [x for v in value.values() for x in flat(v)]
    return [x for v in value for x in flat(v)] if isinstance(value, list) else [value]


def regimen(content: Content, id_: str) -> Regimen:
    """A regimen by id."""
    return next(r for o in content.order_sets.values() for r in o.regimens if r.id == id_)


@pytest.mark.parametrize(("id_", "figures"), FROM_THE_LABEL.items())
def test_the_labelled_regimens_of_kawasaki_disease_are_those_of_the_label(
    content: Content, reference: Read, id_: str, figures: tuple[Any, tuple[int, int]]
) -> None:
    dose, days = figures
    ours = regimen(content, id_)
    assert (ours.dose_g_kg, ours.days) == ((exact(dose), exact(dose)), days)
    assert ours.label_g_kg["gammagard-sd"] in labelled(reference, "gammagard-sd", "KAWASAKI")


# Months until the review of a series, as the entry's response, duration or stop rule has them; the policy's 6 where it gives none.
REVIEWS = {
    "sle-refr": (3, "response", "3 months"), "rrms-exception": (3, "duration_limit", "3-6 months"), "dm-std": (4, "response", "3-4 months"),
    "sps-std": (3, "response", "3 months"), "abmr-high": (3, "response", "4-12 weeks"), "hsct-repl": (3, "duration_limit", "day 100"),
    "aie-maint": (3, "duration_limit", "3-6 months"),
}  # fmt: skip
CYCLES = {
    "sps-std": (3, "stop", "3 courses"), "lems-std": (2, "stop", "2-3"), "ambd-std": (3, "response", "3-4 courses"),
    "abmr-high": (1, "duration_limit", "1-4 doses"), "fnait-mother-std": (1, "duration_limit", "to delivery"),
    "fnait-mother-ich": (1, "duration_limit", "to delivery"),
}  # fmt: skip


def test_reviews_and_cycles_stand_on_a_rule_of_the_entry(content: Content, entries: dict[str, dict[str, Any]]) -> None:
    every = [(o.id, r) for o in content.order_sets.values() for r in o.regimens]
    assert {r.id: r.review_months for _, r in every if r.review_months} == {k: v[0] for k, v in REVIEWS.items()}
    assert {r.id: r.cycles for _, r in every if r.cycles} == {k: v[0] for k, v in CYCLES.items()}
    for id_, item in every:
        for table in (REVIEWS, CYCLES):
            if item.id in table:
                _, key, said = table[item.id]
                assert said in str(entries[id_][key]), item.id
    assert "6 months" in entries["cidp"]["duration_limit"]
    assert content.constants["review_months"] == 6
