"""Writes docs/generated/roles.md: every route and what each role gets there, from the table that the tests ask route by route.

Usage: python scripts/roles_page.py
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from ivig_fhir.content.document import Block, Document, Grid, Heading, Sentence, as_markdown  # noqa: E402 - found once the root is on the path
from tests.journey.test_journey_routes import TABLE, WHO  # noqa: E402 - found once the root is on the path

PAGE = ROOT / "docs" / "generated" / "roles.md"
# What an answer means to whoever asked, on an order that waits for a pharmacist.
MEANING = {200: "yes", 303: "yes", 409: "may", 403: "refused", 401: "no session", 400: "asks for more", 404: "no such page"}


def page() -> str:
    """The page as Markdown."""
    blocks: list[Block] = [
        Sentence("Made by “make generated” from the table in tests/journey/test_journey_routes.py, which asks every route in every role."),
        Heading("What each may do"),
        Sentence(
            "On an order that waits for a pharmacist. “yes”: it opens or is done. “may”: this role may act, and the test's made-up digest or "
            "missing reason was answered with a conflict. “refused”: 403, nothing was shown or changed. “no session”: 401. “asks for more”: "
            "the launch did not say which EHR. “Nobody” has no cookie, “another browser” has that of another session."
        ),
        Grid(("method", "route", *WHO), tuple((*asked, *map(_word, answers)) for asked, answers in TABLE.items() if len(set(answers)) > 1)),
        Heading("What everybody gets"),
        Sentence("Pages without a session and without patient data, and launches: the same answer to each of the six."),
        Grid(
            ("method", "route", "answer"), tuple((*asked, _word(answers[0])) for asked, answers in TABLE.items() if len(set(answers)) == 1)
        ),
        Heading("Where a role comes from"),
        Sentence(
            "The EHR proves who is signed in (id_token, fhirUser). Their active PractitionerRole resources give codes, and the issuer table "
            "maps a code to a role; an EHR's entry may add codes of its own. A code that nobody mapped makes a stranger. Where the EHR "
            "records no role at all, or shows none to apps, the entry's default_role holds, which is “stranger” unless somebody says "
            "otherwise. Where reading the roles failed, and whenever the identity is not proven, a person may look and not act."
        ),
        Grid(("code", "role"), tuple(sorted(_mapping().items(), key=lambda row: (row[1], row[0])))),
    ]
    return as_markdown(Document("Roles: who may do what", tuple(blocks)))


def _word(status: int) -> str:
    return f"{MEANING.get(status, 'answers')} ({status})"


def _mapping() -> dict[str, str]:
    """The roles that hold for every EHR."""
    found: dict[str, str] = tomllib.loads((ROOT / "issuers.toml").read_text(encoding="utf-8"))["roles"]
    return {code.replace("|", " "): role for code, role in found.items()}


def main() -> None:
    """Writes the page; a test tells whether it is stale."""
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
