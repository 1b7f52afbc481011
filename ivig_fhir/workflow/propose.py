"""Step 2, propose: a run with its choices, and the page that follows from them and from the chart as it was read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ivig_fhir.chart.snapshot import ChartSnapshot
from ivig_fhir.content.model import OrderSet
from ivig_fhir.errors import NoPatient, SelectionError, StateError
from ivig_fhir.fhir.building import decode, encode
from ivig_fhir.proposal.applicability import indications_in
from ivig_fhir.proposal.compare_products import ProductRow, compare_products
from ivig_fhir.proposal.mitigation import Offer, offers
from ivig_fhir.proposal.model import Proposal
from ivig_fhir.proposal.propose import propose
from ivig_fhir.proposal.selections import parse_selections
from ivig_fhir.store import proposals, sessions
from ivig_fhir.store.proposals import Run
from ivig_fhir.store.seal import hashed
from ivig_fhir.workflow.open_chart import chart_from_answers
from ivig_fhir.workflow.read_ehr import read_answers
from ivig_fhir.workflow.runtime import LastChange, Reading, Runtime


@dataclass(frozen=True)
class Page:
    """What is on screen for one run: its choices, the chart as it was read, and the proposal.

    Without a proposal the clinician has to choose an indication first; `candidates` are those that the chart carries. `problem` says why
    choices that were kept cannot be used any more.
    """

    run: Run
    chosen: Mapping[str, Any]
    reading: Reading
    proposal: Proposal | None
    candidates: tuple[OrderSet, ...]
    problem: str = ""

    @property
    def chart(self) -> ChartSnapshot:
        """The facts on which everything on the page stands."""
        return self.reading.chart


def run_of_launch(runtime: Runtime, session: sessions.Session) -> Run:
    """The run that this launch goes on with: the one it names, else the newest open one of this person for this patient, else a new draft.

    Only an open run of this person for this patient can be named.
    """
    context = session.context
    if context.patient is None:
        raise NoPatient()
    with runtime.database.write() as tx:
        found = proposals.open_runs(tx, context.tenancy, context.patient, context.user)
        if found:
            return next((run for run in found if run.run == context.run), found[0])
        return proposals.start(tx, runtime.new_run(), context.tenancy, context.patient, context.user, runtime.now())


def open_page(runtime: Runtime, session: sessions.Session, run_id: str, fresh: bool = False) -> Page:
    """The page of a run; the chart is read, past every cache, unless this session did so already. `fresh` reads it in any case."""
    with runtime.database.read() as tx:
        run = proposals.load(tx, session.context.tenancy, run_id, session.context.patient)
    key = _key(session, run_id)
    kept = None if fresh else runtime.charts.find(key)
    if kept is None:
        kept = _read(runtime, session)
        runtime.charts.keep(key, kept)
    chosen = decode(run.selections)
    try:
        return _page(runtime, run, chosen, kept)
    except SelectionError as error:  # the content or the site's rules changed since; the draft must not be lost
        bare = _page(runtime, run, {}, kept)
        return replace(bare, chosen=chosen, proposal=None, problem=error.message)


def choose(runtime: Runtime, session: sessions.Session, run_id: str, chosen: Mapping[str, Any], understood: str = "") -> Page:
    """The page after a change of choices, kept as a draft. SelectionError for a choice that cannot be used; nothing is kept then.

    `understood` says what was read from a dose that was typed.
    """
    page = open_page(runtime, session, run_id)
    made = _page(runtime, page.run, chosen, page.reading)
    weight = str(made.proposal.weight.actual_kg or "") if made.proposal else ""
    overrides = encode(chosen.get("overrides") or []).decode("utf-8")
    with runtime.database.write() as tx:
        changed = changed_choices(page.chosen, chosen)
        by = session.context.user
        run = proposals.save(tx, page.run, encode(chosen).decode("utf-8"), overrides, weight, runtime.now(), by, ", ".join(changed))
    runtime.changes.keep(run_id, LastChange(page.chosen, chosen, understood))
    return replace(made, run=run)


def changed_choices(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of the choices that differ, in order; of what stands in them nothing, for it goes into the audit."""
    return tuple(sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name)))


def last_change(runtime: Runtime, page: Page) -> tuple[LastChange, Proposal | None] | None:
    """The change that led to this page, and what was proposed before it on the same chart; None where it is not remembered."""
    change = runtime.changes.find(page.run.run)
    if change is None or change.after != page.chosen:
        return None
    before = _page(runtime, page.run, change.before, page.reading)
    return change, before.proposal


@dataclass(frozen=True)
class Alternatives:
    """What else this order could be: every product for this patient, and what can be done about the findings."""

    products: tuple[ProductRow, ...]
    offers: tuple[Offer, ...]


def alternatives(runtime: Runtime, page: Page) -> Alternatives:
    """Worked out on the chart of the page, with the choices of the page."""
    made, content, site = drafted(page), runtime.content, runtime.site
    rows = compare_products(page.chart, made.selections, content, made.now, site)
    return Alternatives(rows, offers(made, page.chart, content, site, rows))


def reread(runtime: Runtime, session: sessions.Session, page: Page) -> Page:
    """The same choices on the record as it is now, past every cache."""
    return _page(runtime, page.run, page.chosen, _read(runtime, session))


def remember(runtime: Runtime, session: sessions.Session, page: Page) -> None:
    """Makes a page that was read again the one that is on screen."""
    runtime.charts.keep(_key(session, page.run.run), page.reading)


def drafted(page: Page) -> Proposal:
    """The proposal of a page that must have one."""
    if page.proposal is None:
        raise StateError("no proposal", said="Choose an indication first.")
    return page.proposal


def _read(runtime: Runtime, session: sessions.Session) -> Reading:
    """The record as it is: some servers answer equal searches from a cache for a minute, and a launch may follow a change at once."""
    answers, now = read_answers(runtime, session), runtime.now()
    return Reading(answers, now, chart_from_answers(answers, runtime.content, now, runtime.site))


def _page(runtime: Runtime, run: Run, chosen: Mapping[str, Any], reading: Reading) -> Page:
    candidates = indications_in(reading.chart, runtime.content)
    proposal = None
    if chosen.get("indication") or len(candidates) == 1:
        replaced = f"urn:uuid:{run.replaces}" if run.replaces else None
        selections = parse_selections({**chosen, "run": f"urn:uuid:{run.run}", "replaces": replaced})
        proposal = propose(reading.chart, selections, runtime.content, reading.at, runtime.site)
    return Page(run, chosen, reading, proposal, candidates)


def _key(session: sessions.Session, run_id: str) -> str:
    """A chart is kept for one session: another launch may be allowed to read less, and comes to see what the record says now."""
    return f"{hashed(session.id)}|{run_id}"
