"""Step 5, what was on screen: kept for every process, so that a page that comes too late tells what changed since it was opened."""

from __future__ import annotations

from ivig_fhir.fhir.building import decode, encode
from ivig_fhir.order.seen import Seen, seen
from ivig_fhir.store import screens
from ivig_fhir.store.proposals import DECIDED
from ivig_fhir.workflow.runtime import Runtime
from ivig_fhir.workflow.verify import Case


def keep_seen(runtime: Runtime, case: Case) -> None:
    """Keeps what the page of an open order shows, under the digest that a decision names."""
    if case.approved.state in DECIDED:
        return
    text = encode(seen(case.review).to_json()).decode("utf-8")
    with runtime.database.write() as tx:
        screens.keep(tx, case.review.digest, case.run.run, text, runtime.now())


def seen_before(runtime: Runtime, run: str, digest: str) -> Seen | None:
    """What was on the page with this digest, where it is still kept."""
    with runtime.database.read() as tx:
        text = screens.find(tx, digest, run)
    return Seen.from_json(decode(text)) if text is not None else None
