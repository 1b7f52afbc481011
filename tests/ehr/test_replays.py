"""Two vendors' recorded answers over the wire, through chart and proposal: what was never asked there is unread, and never an absence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from a_case import content
from a_recorded_ehr import RecordedEhr, recorded_ehr
from ehr.a_statement import ALL

from ivig_fhir.chart.answers import Answer, Answers, Reason
from ivig_fhir.chart.queries import TYPES
from ivig_fhir.chart.snapshot import ChartSnapshot
from ivig_fhir.content.site import Site
from ivig_fhir.ehr.capability import read_capabilities
from ivig_fhir.ehr.client import FhirClient, pooled_session
from ivig_fhir.ehr.fetch import fetch_answers
from ivig_fhir.ehr.modes import write_mode
from ivig_fhir.ehr.profiles import ServerProfile, profile, recognised
from ivig_fhir.errors import ResourceGone
from ivig_fhir.proposal.model import Proposal
from ivig_fhir.proposal.propose import propose
from ivig_fhir.proposal.selections import Selections
from ivig_fhir.workflow.open_chart import chart_from_answers

NOW = datetime(2026, 5, 15, 9, tzinfo=UTC)
PROFILE = {"epic": "epic", "cerner": "oracle"}
FULL, SPARSE = "cerner/patient-12724066", "cerner/patient-12752183"
NO_VITALS, SCATTERED = "epic/patient-e0w0LEDCYtfckT6N.CkJKCw3", "epic/patient-eAB3mDIBBcyUKviyzrxsnAw3"
THOUSAND, DAILY = "epic/patient-eq081-VQEgP8drUUqCWzHfw3", "epic/patient-erXuFYUfucBZaryVksYEcMg3"
WITH_PATIENT, WITHOUT = (FULL, THOUSAND, DAILY), (SPARSE, NO_VITALS, SCATTERED)
# Between them they hold every excipient that a check looks for, so that no check is clear because it does not apply.
PRODUCTS = ("gamunex-c", "privigen", "octagam-10", "flebogamma-dif-5")


@dataclass(frozen=True)
class Opened:
    """A chart as it was opened over the wire, and the EHR that was asked."""

    chart: ChartSnapshot
    answers: Answers
    ehr: RecordedEhr

    def proposed(self, product: str = "gamunex-c") -> Proposal:
        return propose(self.chart, Selections(indication="cidp", product=product, setting="home"), content(), NOW, Site())


@pytest.fixture(scope="module")
def opened(shared: Path) -> Any:
    """The chart of a recorded patient; where the Patient was not recorded, one of whom only the id is known."""

    @cache
    def read(folder: str) -> Opened:
        with served(shared, folder) as ehr:
            return _opened(ehr, profile(PROFILE[ehr.vendor]))

    return read


@contextmanager
def served(shared: Path, folder: str, with_patient: bool = True) -> Iterator[RecordedEhr]:
    path = shared / "data" / "vendor" / folder
    bare = {"resourceType": "Patient", "id": folder.partition("/patient-")[2]} if with_patient else None
    with recorded_ehr(path, bare) as ehr:
        yield ehr


def _opened(ehr: RecordedEhr, known: ServerProfile) -> Opened:
    answers = fetch_answers(FhirClient(ehr.base, pooled_session()), ehr.patient, known=known)
    return Opened(chart_from_answers(answers, content(), NOW, Site()), answers, ehr)


def unread(at: Opened) -> frozenset[str]:
    """The types of which something was asked that was not recorded; every one of them was asked."""
    return at.ehr.unrecorded() - {"Patient"}


@pytest.mark.parametrize("folder", WITHOUT)
def test_a_chart_whose_patient_cannot_be_read_is_not_opened(shared: Path, folder: str) -> None:
    with served(shared, folder, with_patient=False) as ehr, pytest.raises(ResourceGone):
        _opened(ehr, profile(PROFILE[ehr.vendor]))


@pytest.mark.parametrize("folder", [*WITH_PATIENT, *WITHOUT])
def test_a_type_that_was_not_recorded_is_named_and_never_complete(opened: Any, folder: str) -> None:
    at = opened(folder)
    assert len(unread(at)) > 10
    for type_ in unread(at):
        answer = at.answers.by_type[type_]
        assert not answer.complete
        assert type_ in answer.said
    [finding] = [f for f in at.proposed().findings if f.check == "record.unreadable"]
    said = " ".join(e.said for e in finding.evidence)
    assert all(type_ in said for type_ in unread(at))


@pytest.mark.parametrize("product", PRODUCTS)
@pytest.mark.parametrize("folder", [*WITH_PATIENT, *WITHOUT])
def test_no_check_is_clear_because_of_what_was_not_recorded(opened: Any, folder: str, product: str) -> None:
    """A check that depends on an unread type either fires on what was read, or is not assessed, or does not look at the record at all."""
    at = opened(folder)
    made, blind = at.proposed(product), _blind(at, product)
    depending = {id_ for id_, check in content().checks.items() if set(check.depends_on) & unread(at)}
    assert len(depending) > 30
    assert depending & set(made.clear) <= set(blind.clear)
    reasons = {n.check: n.reason for n in made.not_assessed}
    fired = {f.check for f in made.findings}
    assert depending <= set(reasons) | fired | set(blind.clear)


def test_of_these_products_together_no_check_stays_clear_in_a_record_that_cannot_be_read(opened: Any) -> None:
    """So that what the test above lets pass is not a check that never speaks."""
    at = opened(DAILY)
    always = set.intersection(*(set(_blind(at, product).clear) for product in PRODUCTS))
    assert {id_ for id_ in always if set(content().checks[id_].depends_on) - {"Patient"}} == set()


def _blind(at: Opened, product: str) -> Proposal:
    """The same order in a chart of which nothing but the Patient may be read."""
    nothing = {t: Answer(t, (), Reason.NOT_PERMITTED, f"{t} may not be read.") for t in (*TYPES, "Medication")}
    chart = chart_from_answers(Answers(at.answers.patient, nothing, ()), content(), NOW, Site())
    return propose(chart, Selections(indication="cidp", product=product, setting="home"), content(), NOW, Site())


@pytest.mark.parametrize("folder", [*WITH_PATIENT, *WITHOUT])
def test_whatever_was_recorded_of_a_question_that_is_asked_is_in_the_chart(opened: Any, folder: str) -> None:
    at = opened(folder)
    answered = [path.split("/")[1] for (path, query), status in at.ehr.asked if status == 200 and query]
    assert answered
    for type_ in set(answered):
        assert at.chart.resources(type_)


@pytest.mark.parametrize("folder", [FULL, THOUSAND])
def test_a_server_is_recognised_by_its_metadata_and_no_order_is_written_to_it(shared: Path, folder: str) -> None:
    with served(shared, folder) as ehr:
        found = read_capabilities(FhirClient(ehr.base, pooled_session()))
    known = profile(recognised(found.software) or "generic")
    assert known.name == PROFILE[folder.partition("/")[0]]
    assert not write_mode(found, ALL, known).writes


def test_what_a_server_does_not_take_is_never_sent_to_it(opened: Any) -> None:
    asked = [key for key, _ in opened(FULL).ehr.asked]
    assert ("/MedicationRequest", (("patient", "12724066"),)) in asked
    assert not [query for _, query in asked if "_include" in dict(query)]


def test_an_allergy_to_immunoglobulin_stops_the_order_over_the_wire_too(opened: Any) -> None:
    stops = {f.check for f in opened(FULL).proposed().hard_stops}
    assert "hypersensitivity.severe-reaction" in stops
    assert len(opened(FULL).chart.resources("AllergyIntolerance")) == 115
    assert len(opened(FULL).chart.resources("MedicationRequest")) == 25


@pytest.mark.parametrize("type_", ["MedicationRequest", "Encounter", "Observation"])
def test_a_next_page_that_was_not_recorded_leaves_the_list_in_part(opened: Any, type_: str) -> None:
    answer = opened(FULL).answers.by_type[type_]
    assert answer.resources
    assert not answer.complete


@pytest.mark.parametrize(("folder", "weight"), [(FULL, "55"), (SCATTERED, "100"), (DAILY, "71.1")])
def test_a_weight_is_found_among_the_vital_signs_where_the_search_by_code_was_not_answered(opened: Any, folder: str, weight: str) -> None:
    assert opened(folder).proposed().weight.actual_kg == Decimal(weight)


@pytest.mark.parametrize("folder", [THOUSAND, NO_VITALS, SPARSE])
def test_without_a_weight_there_is_no_dose(opened: Any, folder: str) -> None:
    made = opened(folder).proposed()
    assert (made.outcome, made.dose) == ("data-required", None)
    assert "weight.missing" in {f.check for f in made.findings}


def test_epic_orders_point_to_medications_that_are_read_one_by_one(shared: Path) -> None:
    """Asked without `_include`, as it was recorded; the medications were not recorded, and the type says so."""
    with served(shared, THOUSAND) as ehr:
        at = _opened(ehr, replace(profile("epic"), left_out=frozenset({"_include"})))
    assert len(at.chart.resources("MedicationRequest")) > 0
    assert any(path.startswith("/Medication/") for (path, _), _ in ehr.asked)
    assert not at.answers.by_type["Medication"].complete
