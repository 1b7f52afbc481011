"""Content that is wrong does not load, and the error names file and key in one sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ivig_fhir.content.load import load_content
from ivig_fhir.errors import ContentError

Change = Callable[[str, str, str], Path]
CHECK = """
status = "draft"
version = "2026.11.0"
written_by = "the ivig-fhir project"
checked_by = "none"
review_by = "2027-11-01"
[[check]]
id = "product.diluent"
ref = "F10"
title = "Diluent"
question = "Does the label exclude the diluent?"
depends_on = []
detected_issue = ""
citations = ["label-gamunex-c"]
confidence = "V"
[check.thresholds]
fraction = "0.10"
[check.branches.default]
severity = "hard-stop"
message = "Not in {diluent}."
"""
MG, CVID, ITP = "indications/mg.toml", "indications/pi-cvid.toml", "indications/itp-adult.toml"
CIDP, GAMUNEX, POLICIES = "indications/cidp.toml", "products/gamunex-c.toml", "policies.toml"
PANZYGA = "products/panzyga.toml"
SODIUM = "checks/sodium.toml"
COMPANIONS, PANELS, CODES = "companions.toml", "observations.toml", "value_sets/indication-cidp.csv"

# file, what stands there, what is planted, and the words that the error must hold
FAULTS = [
    (CIDP, 'tier = "A"', 'tier = "A"\nflavour = "sweet"', (CIDP, "flavour", "not a key")),
    (CIDP, 'tier = "A"', 'tier = "E"', (CIDP, "tier", "'E'")),
    ("checks/excipient.toml", 'change = ["product"]', 'change = ["weather"]', ("checks/excipient.toml", "change", "weather")),
    ("checks/hemolysis.toml", "split_days = 2", "split_days = 1", ("checks/hemolysis.toml", "split_days", "from 2")),
    ("checks/vaccines.toml", "teach-vaccines-and-tests", "teach-juggling", ("vaccine.future-interval", "teach-juggling")),
    (POLICIES, 'id = "undiluted"\ncode = "8"', 'id = "undiluted"\ncode = "88"', (POLICIES, "mitigation_action[undiluted].code", "88")),
    (POLICIES, 'id = "undiluted"', 'id = "steps"', (POLICIES, "mitigation_action", "lacks undiluted")),
    (CIDP, 'phase = "loading"\n', "", (CIDP, "regimen[cidp-load].phase", "missing")),
    (CIDP, "dose_g_kg = [2, 2]", "dose_g_kg = [2.0, 2]", (CIDP, "regimen[cidp-load].dose_g_kg", "bare decimal 2.0")),
    (CIDP, "dose_g_kg = [2, 2]", 'dose_g_kg = ["two", 2]', (CIDP, "dose_g_kg", "not an exact number")),
    (CIDP, "dose_g_kg = [2, 2]", "dose_g_kg = [3, 2]", (CIDP, "dose_g_kg", "low and a high")),
    (CIDP, "dose_g_kg = [2, 2]", "dose_g_kg = [-2, 2]", (CIDP, "dose_g_kg", "below 0")),
    (CIDP, "dose_g_kg = [2, 2]", "dose_g_kg = [true, 2]", (CIDP, "dose_g_kg", "not an exact number")),
    (CIDP, "default_days = 4", "default_days = 6", (CIDP, "default_days", "from 2 to 5")),
    (CIDP, 'basis = "total_course"', 'basis = "per_moon"', (CIDP, "basis", "per_moon")),
    (CIDP, 'basis = "as cidp-load"', 'basis = "as nothing"', (CIDP, "cidp-combo", "names a regimen")),
    (CIDP, 'id = "cidp-maint"', 'id = "cidp-load"', (CIDP, "cidp-load", "twice")),
    (CIDP, 'tier = "B"', 'tier = "F"', (CIDP, "regimen[cidp-combo].tier", "'F'")),
    (CIDP, "panzyga = [1, 2]", "panzygo = [1, 2]", (CIDP, "regimen[cidp-maint].label_g_kg", "panzygo", "no product")),
    (ITP, '_either = ["gamunex-c"', '_either = ["privigen"', (ITP, "regimen[itp-adult-label].label_days_either", "privigen", "no two numbers")),
    (CIDP, 'basis = "as cidp-load"', 'basis = "as cidp-load"\ncycles = 2', (CIDP, "regimen[cidp-combo].cycles", "interval_weeks only")),
    (CIDP, 'basis = "as cidp-load"', 'basis = "as cidp-load"\nreview_months = 2', (CIDP, "review_months", "interval_weeks only")),
    (CIDP, "interval_weeks = [3, 3]", "interval_weeks = [3, 3]\nreview_months = 7", (CIDP, "cidp-maint", "review_months", "6 months")),
    (CIDP, "interval_weeks = [3, 3]", "interval_weeks = [3, 3]\ncycles = 0", (CIDP, "cidp-maint", "cycles", "from 1")),
    ("indications/ms.toml", '"ms-progressive"', '"ms-regressive"', ("indications/ms.toml", "rrms-exception", "not_for", "no value set")),
    (MG, "usual_g_kg = 2", "usual_g_kg = 3", (MG, "regimen[mg-acute].usual_g_kg", "within its range")),
    (MG, "usual_interval_weeks = 4", "usual_interval_weeks = 5", (MG, "regimen[mg-maint].usual_interval_weeks", "within its range")),
    ("payers.toml", 'order_sets = ["cidp"]', 'order_sets = ["cidq"]', ("payers.toml", "criterion[electrodiagnosis]", "no order set")),
    ("payers.toml", 'id = "risks"', 'id = "renewal"', ("payers.toml", "renewal", "twice")),
    (CVID, "usual_to_mg_dl = 800", "usual_to_mg_dl = 80", (CVID, "trough.usual_to_mg_dl", "below usual_from_mg_dl")),
    (CVID, "minimum_mg_dl = 500\n", "", (CVID, "trough.minimum_mg_dl", "missing")),
    (CIDP, "gammaked = [2, 4]", "gammacake = [2, 4]", (CIDP, "gammacake", "no product")),
    (CIDP, 'default_product = "gamunex-c"', 'default_product = "panacea"', (CIDP, "default_product", "panacea")),
    (CIDP, 'default_product = "gamunex-c"', 'default_product = "yimmugo"', (CIDP, "default_product", "rate table")),
    (CIDP, 'default_product = "gamunex-c"', 'default_product = "carimune-nf"', (CIDP, "default_product", "not made")),
    (CIDP, 'citations = ["aan-2012"]', 'citations = ["aan-1912"]', (CIDP, "evidence[AAN 2012 (retired)].citations", "aan-1912")),
    (CIDP, 'citations = ["aan-2012"]', "citations = []", (CIDP, "citations", "list of texts")),
    (CIDP, 'checked_by = "none"', 'checked_by = "Dr Nobody"', (CIDP, "checked_by", "site file")),
    (CIDP, 'status = "draft"\n', "", (CIDP, "status", "missing", "written_by")),
    (POLICIES, 'status = "draft"', 'status = "retired"', (POLICIES, "status", "order set or a product")),
    (GAMUNEX, 'status = "draft"', 'status = "retired"', ("default_product", "gamunex-c", "retired")),
    (CIDP, 'status = "draft"', 'status = "final"', (CIDP, "status", "'final'")),
    (CIDP, 'written_by = "the ivig-fhir project"', 'written_by = ""', (CIDP, "written_by", "not a text")),
    (CIDP, 'review_by = "2027-11-01"', 'review_by = "soon"', (CIDP, "review_by", "'soon'")),
    ("checks/weight.toml", 'checked_by = "none"\n', "", ("checks/weight.toml", "checked_by", "missing")),
    (CODES, "# written_by: the ivig-fhir project\n", "", (CODES, "written_by", "missing")),
    (CODES, "# checked_by: none", "# checked_by: me", (CODES, "checked_by", "site file")),
    (CIDP, 'id = "cidp"', 'id = "cidq"', (CIDP, "id", "name of the file")),
    (CIDP, 'review_by = "2027-11-01"', "review_by = 2027-11-01", (CIDP, "review_by", "date")),
    ("indications/ra.toml", '[[evidence]]\nbody = "FDA"', '[[regimen]]\nid = "ra-x"\ntitle = "x"\nphase = "x"\ndose_g_kg = [1, 1]\n'
     'basis = "single"\ndays = [1, 1]\ndefault_days = 1\ncitations = ["established"]\nconfidence = "K"\n\n[[evidence]]\nbody = "FDA"',
     ("indications/ra.toml", "regimen", "tier is D")),
    (GAMUNEX, 'vials_g = [1, "2.5"', "vials_g = [1, 2.5", (GAMUNEX, "vials_g[2]", "bare decimal 2.5")),
    (GAMUNEX, 'stabilizers = ["glycine"]', 'stabilizers = ["sugar"]', (GAMUNEX, "stabilizers", "'sugar'")),
    (GAMUNEX, 'diluents_allowed = ["d5w"]', 'diluents_allowed = ["saline"]', (GAMUNEX, "diluents_excluded", "allowed")),
    (GAMUNEX, 'basis = "illustrative"', 'basis = "label"', (GAMUNEX, "ladder[1].basis", "prints every step")),
    (GAMUNEX, 'max_ml_kg_h = "4.8"', 'max_ml_kg_h = "4.9"', (GAMUNEX, "max_ml_kg_h", "last step")),
    (GAMUNEX, '{ ml_kg_h = "1.2", minutes = 30, printed = false }', '{ ml_kg_h = "0.6", minutes = 30, printed = false }',
     (GAMUNEX, "steps[2].ml_kg_h", "not above")),
    (GAMUNEX, '{ ml_kg_h = "1.2", minutes = 30, printed = false }', '{ ml_kg_h = "1.2", printed = false }',
     (GAMUNEX, "steps[2].minutes", "above 0")),
    (GAMUNEX, '{ ml_kg_h = "4.8", printed = true }', '{ ml_kg_h = "4.8", minutes = 30, printed = true }',
     (GAMUNEX, "steps[4].minutes", "absent")),
    (GAMUNEX, 'for = ["PI", "ITP"]\nconcentration_mg_ml = 100', 'for = ["PI", "ITP"]\nconcentration_mg_ml = 50',
     (GAMUNEX, "concentration_mg_ml", "not a concentration")),
    (GAMUNEX, 'code = "ITP"', 'code = "PI"', (GAMUNEX, "label", "twice")),
    (GAMUNEX, 'names = ["gamunex-c"', 'names = ["Gamunex-C"', (GAMUNEX, "names", "lower case")),
    ("products/known.toml", 'id = "cuvitru"', 'id = "privigen"', ("products/known.toml", "privigen", "file of its own")),
    ("products/known.toml", 'route = "intramuscular"', 'route = "by mouth"', ("products/known.toml", "route", "by mouth")),
    (GAMUNEX, 'unverified = ["iga limit", "rxnorm"]', 'unverified = ["rxnorm"]', (GAMUNEX, "unverified", "iga limit", "missing")),
    (GAMUNEX, 'unverified = ["iga limit"', 'unverified = ["iga limit", "sodium"', (GAMUNEX, "unverified", "sodium", "given")),
    (GAMUNEX, 'unverified = ["iga limit"', 'unverified = ["iga limit", "colour"', (GAMUNEX, "unverified", "colour", "not one of")),
    (GAMUNEX, "[properties.latex]", "[properties.colour]", (GAMUNEX, "properties.colour", "not one of")),
    (GAMUNEX, 'dose = "300 to 600', '# dose = "300 to 600', (GAMUNEX, "unverified", "dose", "missing")),
    (GAMUNEX, "[risk_rate]", "[risky_rate]", (GAMUNEX, "risk_rate", "given or named")),
    (GAMUNEX, '13533-805-01 = "', '13599-805-01 = "', (GAMUNEX, "codes.ndc.packages.13599-805-01", "product codes")),
    (GAMUNEX, "[codes.hcpcs]", "[codes.icd]", (GAMUNEX, "codes.icd", "not one of")),
    ("products/yimmugo.toml", 'no_rate_table = "', '# no_rate_table = "', ("products/yimmugo.toml", "no_rate_table", "if, and only if")),
    (PANZYGA, '"panzyga-rate-chart"]\nconfidence = "V"', '"panzyga-rate-chart"]\nconfidence = "?"', (PANZYGA, "ladder[1].confidence", "unsure")),
    (PANZYGA, 'max_ml_kg_h = "7.2"\nwithin', 'max_ml_kg_h = "8.4"\nwithin', (PANZYGA, "new_patients.max_ml_kg_h", "not below")),
    (PANZYGA, 'basis = "maker"', 'basis = "illustrative"', (PANZYGA, "new_patients", "maker's chart")),
    (PANZYGA, 'for = ["ITP"]', 'for = ["PI"]', (PANZYGA, "ladder", "two rate tables")),
    ("products/gammagard-sd.toml", "at_mg_ml = 50", "# at_mg_ml = 50", ("products/gammagard-sd.toml", "properties.sugar.at_mg_ml", "missing")),
    ("products/gammagard-sd.toml", "at_mg_ml = 50", "at_mg_ml = 60", ("products/gammagard-sd.toml", "at_mg_ml", "not a concentration")),
    (POLICIES, 'weight_policy = "adj-bmi30"', 'weight_policy = "guess"', (POLICIES, "defaults.weight_policy", "guess")),
    (POLICIES, 'rule = "actual"', 'rule = "actual"\nlimit = 30', (POLICIES, "weight[actual].limit", "does not go")),
    (POLICIES, 'factor = "0.4"', 'factor = "1.4"', (POLICIES, "factor", "above 1")),
    (POLICIES, 'tolerance = "0.10"', 'tolerance = "10"', (POLICIES, "tolerance", "fraction")),
    (POLICIES, 'roles = ["prescriber"]', 'roles = ["cook"]', (POLICIES, "override.roles", "cook")),
    (POLICIES, 'applies = "child"', 'applies = "adult"', (POLICIES, "rounding", "exactly one policy")),
    (POLICIES, '"weight.stale"', '"weight.mistaken"', (POLICIES, "may_shorten_days_of", "weight.mistaken")),
    (COMPANIONS, 'kind = "medication"', 'kind = "magic"', (COMPANIONS, "companion[hydration-before].kind", "magic")),
    (COMPANIONS, 'unless = ["heart-failure"', 'unless = ["heart-attack"', (COMPANIONS, "hydration-before", "unless", "heart-attack")),
    (COMPANIONS, 'dialysis = ["renal.reduced-function/dialysis"]', 'dialysis = ["renal.lost"]', (COMPANIONS, "rules.dialysis", "renal.lost")),
    (COMPANIONS, "reduced-function/dialysis", "reduced-function/filter", (COMPANIONS, "rules.dialysis", "branch 'filter'")),
    (COMPANIONS, "sodium.low@info", "sodium.low@loud", (COMPANIONS, "rules.low-sodium", "severity 'loud'")),
    (COMPANIONS, 'regimens = ["cidp-combo"]', 'regimens = ["cidp-void"]', (COMPANIONS, "order_rules.with-corticosteroids", "cidp-void")),
    (COMPANIONS, 'regimens = ["cidp-combo"]', "", (COMPANIONS, "order_rules.with-corticosteroids", "says nothing about the order")),
    (COMPANIONS, 'only = ["with-corticosteroids"]', 'only = ["with-cortisone"]', (COMPANIONS, "steroid-own-order", "only", "with-cortisone")),
    (COMPANIONS, "[order_rules.replacement]", "[order_rules.adult]", (COMPANIONS, "order_rules.adult", "a rule word already")),
    (COMPANIONS, 'settings = ["home"]', 'settings = ["moon"]', (COMPANIONS, "order_rules.at-home.settings", "inpatient")),
    (COMPANIONS, "per_kg = [10, 10], most = 500", "per_kg = [10, 10]", (COMPANIONS, "hydration-before", "doses[2].most", "upper limit")),
    (COMPANIONS, "per_kg = [10, 10], most = 500", "most = 500", (COMPANIONS, "doses[2].amount", "not both")),
    (COMPANIONS, 'for = "adult", amount = [250', 'for = "giant", amount = [250', (COMPANIONS, "doses[1].for", "giant")),
    (COMPANIONS, "after_hours = [36, 96]", "after_hours = [36, 96]\noffset_minutes = 5", (COMPANIONS, "lab-hemolysis-after", "two things")),
    (COMPANIONS, 'when = ["previous-reaction"]', 'when = ["full-moon"]', (COMPANIONS, "when", "full-moon")),
    (COMPANIONS, '"tolerance.naive-or-switch"', '"tolerance.unknown"', (COMPANIONS, "rules.naive-or-switch", "tolerance.unknown")),
    (COMPANIONS, 'codes = ["http://loinc.org|24323-8|', 'codes = ["24323-8|', (COMPANIONS, "codes", "system|code|display")),
    (COMPANIONS, 'id = "premedication-famotidine"', 'id = "premedication-cetirizine"', (COMPANIONS, "premedication-cetirizine", "twice")),
    (PANELS, 'accepted = ["kg", "g",', 'accepted = ["g",', (PANELS, "panel[body-weight].accepted", "kg")),
    (PANELS, 'never = ["8339-4"', 'never = ["29463-7"', (PANELS, "panel[body-weight].never", "29463-7")),
    (PANELS, '3142-7 = "stated"', '9999-9 = "stated"', (PANELS, "qualified", "9999-9")),
    (PANELS, "adult = [30, 250]", "elder = [30, 250]", (PANELS, "soft.elder", "adult")),
    (CODES, "# licence:", "# license:", (CODES, "licence", "missing")),
    (CODES, "# title:", "# colour: red\n# title:", (CODES, "colour", "head line")),
    (CODES, "icd10cm,G61.81", "icd99,G61.81", (CODES, "G61.81", "icd99")),
    (CODES, ",exact,V", ",exact,?", (CODES, "G61.81", "unsure")),
    (CODES, ",exact,V", ",word,V", (CODES, "G61.81", "match")),
    (CODES, "icd10cm,G61.81", "icd10cm,", (CODES, "code", "empty")),
    (CODES, "system,code,display", "system,code,name", (CODES, "header", "system,code,display")),
    ("references.toml", 'publisher = "none"', "", ("references.toml", "established.publisher", "missing")),
    ("references.toml", "[established]", "[established]\nmood = 1", ("references.toml", "established.mood", "not a key")),
    ("release.toml", 'version = "', 'version = "\n', ("release.toml", "TOML")),
    (SODIUM, "below {info} mmol/L", "below {other} mmol/L", (SODIUM, "threshold", "'other'")),
    (SODIUM, "below {info} mmol/L", "below {info mmol/L", (SODIUM, "threshold", "braces")),
    ("checks/index.toml", 'ref = "A02"', 'ref = "A01"', ("checks/index.toml", "A01", "twice")),
    ("checks/index.toml", 'id = "hypersensitivity.other-reaction"', 'id = "Other Reaction"', ("checks/index.toml", "id", "spelled")),
]  # fmt: skip


@pytest.mark.parametrize(("name", "old", "new", "words"), FAULTS, ids=[f"{f[0]}:{f[3][-1]}:{i}" for i, f in enumerate(FAULTS)])
def test_a_planted_fault_is_refused_with_file_and_key(change: Change, name: str, old: str, new: str, words: tuple[str, ...]) -> None:
    folder = change(name, old, new)
    with pytest.raises(ContentError) as caught:
        load_content(folder)
    sentence = caught.value.message
    assert all(word in sentence for word in words), sentence
    assert "\n" not in sentence
    assert sentence.endswith(".")


CHECK_FAULTS = [
    ('"product.diluent"', '"product.diluents"', ("ref", "F10")),
    ('ref = "F10"', 'ref = "F09"', ("ref", "'F10'")),
    ("depends_on = []", 'depends_on = ["Dragon"]', ("depends_on", "Dragon")),
    ("depends_on = []\n", "", ("depends_on", "missing")),
    ('severity = "hard-stop"', 'severity = "loud"', ("branches.default.severity", "loud")),
    ('message = "Not in {diluent}."\n', "", ("branches.default.message", "missing")),
    ("Not in {diluent}.", "Not in {diluent.", ("branches.default.message", "braces")),
    ("Not in {diluent}.", "Not in {0}.", ("branches.default.message", "plain name")),
    ('[check.branches.default]\nseverity = "hard-stop"\nmessage = "Not in {diluent}."\n', "[check.branches]\n", ("branches", "empty")),
    ('fraction = "0.10"', "fraction = 0.10", ("thresholds.fraction", "bare decimal")),
    ('confidence = "V"', 'confidence = "?"', ("confidence", "unsure")),
    ('confidence = "V"', 'confidence = "certain"', ("confidence", "certain")),
    ('detected_issue = ""', 'detected_issue = "none of these"', ("detected_issue", "spelled")),
]


@pytest.fixture
def only_check(folder: Path) -> Path:
    """A copy whose only check is the one above."""
    for path in (folder / "checks").glob("*.toml"):
        if path.name != "index.toml":
            path.unlink()
    (folder / "checks/own.toml").write_text(CHECK, encoding="utf-8")
    return folder


@pytest.mark.parametrize(("old", "new", "words"), CHECK_FAULTS, ids=[f[2][0] + f":{i}" for i, f in enumerate(CHECK_FAULTS)])
def test_a_faulty_check_is_refused(only_check: Path, old: str, new: str, words: tuple[str, ...]) -> None:
    assert old in CHECK
    (only_check / "checks/own.toml").write_text(CHECK.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ContentError) as caught:
        load_content(only_check)
    assert all(word in caught.value.message for word in ("checks/own.toml", *words)), caught.value.message


def test_the_check_of_these_tests_loads_when_it_is_right(only_check: Path) -> None:
    check = load_content(only_check).checks["product.diluent"]
    assert (check.severity["default"], check.number("fraction")) == ("hard-stop", check.thresholds["fraction"])
    assert str(check.number("fraction")) == "0.10"


def test_a_file_with_a_name_that_nobody_reads_is_refused(folder: Path) -> None:
    (folder / "polices.toml").write_text((folder / "policies.toml").read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.raises(ContentError) as caught:
        load_content(folder)
    assert "polices.toml" in caught.value.message


def test_a_check_in_two_files_is_refused(only_check: Path) -> None:
    (only_check / "checks/again.toml").write_text(CHECK, encoding="utf-8")
    with pytest.raises(ContentError, match=r"product\.diluent is there twice"):
        load_content(only_check)


@pytest.mark.parametrize("name", ["references.toml", "policies.toml", "release.toml", "checks/index.toml", "value_sets/indication-mg.csv"])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(ContentError) as caught:
        load_content(folder)
    assert caught.value.message == f"{name} is missing."


@pytest.mark.parametrize("name", ["products/privigen.toml", "indications/gbs.toml"])
def test_an_unsure_figure_is_not_loaded_as_fact(change: Change, name: str) -> None:
    folder = change(name, 'confidence = "V"', 'confidence = "?"')
    with pytest.raises(ContentError, match="what is unsure is not loaded as fact"):
        load_content(folder)


def test_an_unsure_statement_may_stand_as_evidence_and_stays_marked(change: Change) -> None:
    said = 'says = "Small randomised trials were negative."\ncitations = ["established"]\nconfidence = '
    folder = change("indications/ra.toml", said + '"K"', said + '"?"')
    trials = next(e for e in load_content(folder).order_sets["ra"].evidence if e.body == "Controlled trials")
    assert trials.source.confidence == "?"
