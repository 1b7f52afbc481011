"""docs/generated/roles.md is what the table of routes and roles says now; no route and no mapped code is missing from it."""

from __future__ import annotations

from scripts.roles_page import PAGE, TABLE, WHO, _mapping, page


def test_the_page_is_not_stale() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `make generated`"


def test_every_route_of_the_table_and_every_mapped_code_is_on_the_page() -> None:
    lines = page().replace("\\", "").splitlines()
    for method, rule in TABLE:
        assert [line for line in lines if line.startswith(f"| {method} | {rule} |")], rule
    for code, role in _mapping().items():
        assert f"| {code} | {role} |" in lines
    assert f"| method | route | {' | '.join(WHO)} |" in lines


def test_only_a_prescriber_approves_and_only_a_pharmacist_verifies() -> None:
    said = page().replace("\\", "")
    rest = "refused (403) | refused (403) | no session (401) | no session (401) |"
    assert f"| POST | /s/<sid>/orders/<run>/approve | may (409) | refused (403) | {rest}" in said
    assert f"| POST | /s/<sid>/pharmacy/<run>/verify | refused (403) | may (409) | {rest}" in said
