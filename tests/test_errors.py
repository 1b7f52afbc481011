"""Errors: the drawn tree is the real one, codes are unique, and what is shown never reaches a log."""

import inspect
import re
from pathlib import Path

import pytest

from ivig_fhir import errors
from ivig_fhir.errors import GateRefused, IvigError, RequestRejected, SelectionError, SettingsError, UnknownIssuer

ALL = [c for _, c in inspect.getmembers(errors, inspect.isclass) if issubclass(c, IvigError)]
BRANCHES = {"LaunchError", "FhirError", "UsageError"}
LEAVES = [c for c in ALL if c.__name__ not in BRANCHES]


def drawn() -> dict[str, tuple[str, str | None]]:
    """class → (parent, code), as the docstring draws them."""
    found: dict[str, tuple[str, str | None]] = {"IvigError": ("Exception", "E-00")}
    parents = {0: "IvigError"}
    for line in (errors.__doc__ or "").splitlines():
        match = re.match(r"    ((?:│   |    )*)[├└]── (\w+)\s+(E-\d\d)?", line)
        if match:
            depth = len(match[1]) // 4
            found[match[2]] = (parents[depth], match[3])
            parents[depth + 1] = match[2]
    return found


def test_the_tree_in_the_docstring_is_the_tree_of_classes() -> None:
    real = {c.__name__: (c.__bases__[0].__name__, None if c.__name__ in BRANCHES else c.code) for c in ALL}
    assert drawn() == real


def test_nothing_is_raised_without_a_code_of_its_own() -> None:
    """A branch of the tree has the code of nobody: what is raised is a leaf. The rim's one answer to the unforeseen is the root."""
    source = Path(errors.__file__).parent
    files = [p for p in source.rglob("*.py") if "sandbox" not in p.parts]
    assert len(files) > 100
    raised = [
        (p.name, name)
        for p in files
        for name in re.findall(r"raise (\w+)\(", p.read_text(encoding="utf-8"))
        if name in {*BRANCHES, "IvigError"}
    ]
    assert raised == []


def test_no_code_is_used_twice() -> None:
    codes = [c.code for c in LEAVES]
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch(r"E-\d\d", code) for code in codes)


@pytest.mark.parametrize("number", [*range(1, 14), *range(20, 33)])
def test_every_error_of_a_launch_and_of_a_fhir_answer_exists(number: int) -> None:
    assert f"E-{number:02d}" in {c.code for c in LEAVES}


@pytest.mark.parametrize("error", LEAVES, ids=lambda c: c.__name__)
def test_every_error_says_what_happened_and_what_to_do(error: type[IvigError]) -> None:
    assert error.message.endswith(".")
    assert error.remedy.endswith(".")
    assert 200 <= error.status < 600


def test_what_is_shown_is_never_what_is_logged() -> None:
    error = RequestRejected("422 from host", said="The EHR rejected the order: Jane Doe has no coverage.")
    assert "Jane" in error.message
    assert "Jane" not in str(error) + repr(error)
    assert str(error) == "E-20 422 from host"


def test_a_usage_error_takes_the_sentence_first() -> None:
    error = SelectionError("dose.unit can only be g/kg.")
    assert error.message == "dose.unit can only be g/kg."
    assert str(error) == "E-42"
    both = SelectionError("dose unit", said="dose.unit can only be g/kg.")
    assert (both.message, both.detail) == (error.message, "dose unit")


def test_one_instance_does_not_change_the_class() -> None:
    UnknownIssuer(said="This EHR (evil.example) is not set up.")
    assert UnknownIssuer().message == "This EHR address is not set up for IVIG Orders."
    assert SettingsError("x.").remedy == SettingsError.remedy


def test_a_refusal_at_the_gate_carries_its_problems_and_logs_their_number() -> None:
    error = GateRefused(["MedicationRequest.subject: missing", "Task.for: missing"])
    assert error.problems == ("MedicationRequest.subject: missing", "Task.for: missing")
    assert "subject" not in str(error)


@pytest.mark.parametrize("code", ["E-03", "E-27", "E-28"])
def test_a_retry_is_offered_where_it_can_help(code: str) -> None:
    assert {c.code for c in LEAVES if c.retry} == {"E-03", "E-27", "E-28"}
    assert next(c for c in LEAVES if c.code == code).retry
