"""The review page whole: what it shows, who may do what, and what the signer is told will happen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response

from ivig_fhir.order.approval import Refusal, content_refusals
from ivig_fhir.proposal.applicability import named_in
from ivig_fhir.proposal.dose_words import Question
from ivig_fhir.proposal.model import Proposal
from ivig_fhir.store import sessions
from ivig_fhir.web.choices import choices_view
from ivig_fhir.web.difference_view import difference_view
from ivig_fhir.web.doors import page
from ivig_fhir.web.mode_view import consequence, mode_view
from ivig_fhir.web.my_orders_view import launch_line
from ivig_fhir.web.review_view import review_view
from ivig_fhir.workflow.my_orders import my_orders
from ivig_fhir.workflow.propose import Page, alternatives, last_change
from ivig_fhir.workflow.runtime import Runtime, clinician

View = dict[str, Any]


def review_page(
    runtime: Runtime,
    session: sessions.Session,
    opened: Page,
    status: int = 200,
    typed: Mapping[str, str] | None = None,
    **more: Any,
) -> Response:
    """The page of a run before it is in the EHR. `typed` are form values that could not be used, `more` what is said about them."""
    said = {"mine": launch_line(my_orders(runtime, session), opened.run.run), **more}
    if opened.proposal is None:
        return page(runtime, session, "choose.html", _choose(runtime, session, opened) | said, status)
    return page(runtime, session, "review.html", _review(runtime, session, opened, opened.proposal, typed) | said, status)


def _choose(runtime: Runtime, session: sessions.Session, opened: Page) -> View:
    """Nothing is proposed before an indication is chosen; those that the chart carries come first."""
    offered = [s for s in runtime.content.order_sets.values() if not s.governance.retired]
    worded = named_in(opened.chart, runtime.content)
    sets = [{"id": s.id, "name": s.name, "tier": s.tier, "coded": s in opened.candidates, "said": worded.get(s.id, "")} for s in offered]
    coded = [s for s in sets if s["coded"]]
    rest = sorted((s for s in sets if not s["coded"]), key=lambda s: (not s["said"], str(s["name"])))
    return {
        "unusable": f"The choices of this draft can no longer be used: {opened.problem}" if opened.problem else "",
        "coded": coded,
        "others": rest,
        "name": opened.chart.patient.name,
        "unread": "" if opened.chart.answer("Condition").complete else opened.chart.answer("Condition").said,
        "may_choose": session.role == "prescriber",
    }


def _review(runtime: Runtime, session: sessions.Session, opened: Page, made: Proposal, typed: Mapping[str, str] | None) -> View:
    content, change = runtime.content, last_change(runtime, opened)
    difference = difference_view(*change, made, content) if change else None
    barred = [r.said for r in content_refusals(made, content, runtime.settings.environment, runtime.site, runtime.now())]
    prescriber = session.role == "prescriber"
    return review_view(made, opened, alternatives(runtime, opened), content, difference) | {
        "choices": choices_view(made, content, runtime.site, typed),
        "may_change": prescriber,
        "may_approve": prescriber and made.outcome == "proposed" and not barred,
        "why_not": " ".join(barred) or "There is no dose to approve."
        if prescriber
        else "Only a prescriber whose identity the EHR proved can approve.",
        **_consequence(runtime, session, made),
    }


def _consequence(runtime: Runtime, session: sessions.Session, made: Proposal) -> View:
    """What is written, how many parts, where, as whom; before anybody signs."""
    mode, ehr = runtime.mode(session), runtime.issuer(session.context.iss).name
    return {
        "approve_label": "Approve order" if mode.writes else "Approve and copy order",
        "consequence": consequence(mode, ehr, clinician(session).display),
        "mode": mode_view(mode, made, ehr),
    }


def question_view(question: Question, text: str) -> View:
    """A typed dose that can mean two things: what is asked, each meaning as a button."""
    return {"asked": question.asked, "typed": text, "options": [{"label": o.label, "text": o.text} for o in question.options]}


def refusals_said(refusals: tuple[Refusal, ...], runtime: Runtime) -> list[str]:
    """Every reason against an approval, with the finding that it is about."""
    titles = {id_: title for _, id_, title in runtime.content.constants["check_index"]}
    return list(dict.fromkeys(f"{titles[r.check]}: {r.said}" if r.check in titles else r.said for r in refusals))
