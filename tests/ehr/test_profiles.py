"""What is known of each kind of server: one file each, each line evidenced, nothing offered as a fact that nobody saw."""

from __future__ import annotations

from pathlib import Path

import pytest

from ivig_fhir.ehr import profiles
from ivig_fhir.ehr.profiles import GROUNDS, names, profile, recognised
from ivig_fhir.errors import SettingsError

KEYS = tuple(profiles._KEYS)
FULL = (profiles.FOLDER / "generic.toml").read_text(encoding="utf-8")


def test_there_is_a_profile_of_each_kind_of_server() -> None:
    assert set(names()) == {
        "epic", "oracle", "athena", "meditech", "openemr", "hapi", "medplum", "azure", "google", "generic", "sandbox",
    }  # fmt: skip


@pytest.mark.parametrize("name", names())
def test_every_profile_loads_and_each_line_says_where_it_is_known_from(name: str) -> None:
    found = profile(name)
    assert (found.name, set(found.evidence)) == (name, set(KEYS))
    assert all(text.startswith(GROUNDS) and text.endswith(".") for text in found.evidence.values())


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("name", [n for n in names() if n != "generic"])
def test_what_nobody_saw_is_what_any_server_gets(name: str, key: str) -> None:
    found = profile(name)
    if found.evidence[key].startswith("Not seen"):
        assert getattr(found, key) == getattr(profile("generic"), key)


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("name", [n for n in names() if n != "generic"])
def test_what_differs_from_any_server_was_seen_declared_or_documented(name: str, key: str) -> None:
    found = profile(name)
    if getattr(found, key) != getattr(profile("generic"), key):
        assert found.evidence[key].startswith(("Seen", "Declared", "Documented"))


def test_every_line_that_differs_is_one_of_these() -> None:
    """The whole of what the profiles say beyond the generic one: a line that is added or lost shows here."""
    generic = profile("generic")
    differs = {n: {k for k in KEYS if getattr(profile(n), k) != getattr(generic, k)} for n in names()}
    assert differs == {
        "generic": set(),
        "sandbox": {"page_size", "unknown_parameters"},
        "epic": {"software", "also_asked", "unknown_parameters", "transaction", "never_created", "found_by_identifier"},
        "oracle": {"software", "left_out", "transaction", "never_created", "reported_only", "found_by_identifier"},
        "athena": {"software", "also_asked", "transaction", "never_created", "found_by_identifier"},
        "meditech": {"software", "transaction", "never_created", "found_by_identifier"},
        "openemr": {"software", "scopes", "transaction", "never_created"},
        "hapi": {"software", "page_size", "unknown_parameters", "transaction", "found_by_identifier"},
        "medplum": {"software", "patient_forms", "unknown_parameters", "conditional_limit", "atomic"},
        "azure": {"unknown_parameters", "conditional_limit"},
        "google": set(),
    }


@pytest.mark.parametrize(
    ("software", "name"),
    [
        ("HAPI FHIR Server 8.8.0", "hapi"),
        ("Epic February 2026", "epic"),
        ("Oracle Health implementation of FHIR on top of Millennium", "oracle"),
        ("medplum 4.5.2", "medplum"),
        ("athenahealth FHIR Server", "athena"),
        ("Interoperability Services: US Core STU6 FHIR R4 2.0.0", "meditech"),
        ("OpenEMR 7.0.4", "openemr"),
        ("Sandbox EHR", None),
        ("Another server 1.0", None),
        ("", None),
    ],
)
def test_a_server_is_recognised_by_what_it_calls_itself(software: str, name: str | None) -> None:
    assert recognised(software) == name


def test_a_search_that_must_not_name_the_patient_alone_says_what_goes_with_it() -> None:
    assert profile("athena").required("MedicationRequest") == (
        ("intent", "proposal,plan,order,original-order,reflex-order,filler-order,instance-order,option"),
    )
    assert profile("epic").required("Observation") == (("category", "laboratory"),)
    assert profile("athena").required("Observation") == ()


def test_a_profile_that_does_not_exist_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(SettingsError) as caught:
        profile("../generic")
    assert "hapi" in caught.value.message


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('name = "generic"', 'name = "other"'), ("[atomic]", "[surprise]"), ("value = true", 'value = "true"'), ('["bare"]', '["odd"]'),
        ('["bare"]', "[]"), ('"declared"', '"perhaps"'), ("value = 0", "value = true"), ('"unseen"', '"perhaps"'),
        ("[also_asked]\nvalue = []", '[also_asked]\nvalue = ["Observation"]'), ('evidence = "Specified', 'evidence = "It is said'),
    ],
)  # fmt: skip
def test_a_profile_with_a_fault_does_not_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str) -> None:
    assert old in FULL
    (tmp_path / "broken.toml").write_text(
        FULL.replace('name = "generic"', 'name = "broken"', 1).replace(old.replace("generic", "broken"), new, 1)
    )
    monkeypatch.setattr(profiles, "FOLDER", tmp_path)
    with pytest.raises(SettingsError):
        profile("broken")


def test_a_profile_line_without_evidence_does_not_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [line if not line.startswith("evidence") else 'evidence = ""' for line in FULL.splitlines()]
    (tmp_path / "bare.toml").write_text("\n".join(lines).replace('name = "generic"', 'name = "bare"'))
    monkeypatch.setattr(profiles, "FOLDER", tmp_path)
    with pytest.raises(SettingsError) as caught:
        profile("bare")
    assert "evidence" in caught.value.message
