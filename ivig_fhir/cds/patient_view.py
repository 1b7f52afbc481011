"""What is said when a chart is opened: one card per indication in it for which there is something to offer."""

from __future__ import annotations

from dataclasses import dataclass

from ivig_fhir.cds.cards import Card, SmartLink, Source, card_uuid, escaped, summary
from ivig_fhir.cds.requests import HookRequest
from ivig_fhir.chart.gaps import READ_TYPES
from ivig_fhir.chart.snapshot import ChartSnapshot
from ivig_fhir.content.model import Content, OrderSet
from ivig_fhir.content.site import Site
from ivig_fhir.errors import SelectionError
from ivig_fhir.fhir.quantity import half_up, plain
from ivig_fhir.proposal.applicability import indications_in
from ivig_fhir.proposal.findings import Finding
from ivig_fhir.proposal.model import DoseCalculation, Proposal
from ivig_fhir.proposal.propose import propose
from ivig_fhir.proposal.selections import Selections

_ATTENTION = {"hard-stop": "Hard stop", "override": "Needs a reason", "warning": "Warning"}
_PERSON = ("Patient",)


@dataclass(frozen=True, slots=True)
class Provider:
    """Who advises: the content and the site's answers, the address that the app is reached at, the source named on every card."""

    content: Content
    site: Site
    base_url: str
    source: Source


def patient_view(request: HookRequest, chart: ChartSnapshot, provider: Provider) -> tuple[Card, ...]:
    """The cards for a chart that was just opened; none when nothing applies.

    An indication for which nothing is recommended has no card: nobody asked for an order. When the conditions were not read completely
    and none of those read is an indication, one card says so, for silence would pass for "none".
    """
    found = indications_in(chart, provider.content)
    cards = [card for card in (_card_for(request, chart, provider, item) for item in found) if card is not None]
    conditions = chart.answer("Condition")
    if not found and not conditions.complete:
        role, rest = "not-assessed", "not assessed, because the conditions could not be read completely"
        cards.append(_card(request, provider, role, summary("Immunoglobulin (IVIG)", rest), "info", f"- {escaped(conditions.said)}"))
    return tuple(cards)


def _card_for(request: HookRequest, chart: ChartSnapshot, provider: Provider, item: OrderSet) -> Card | None:
    subject = f"IVIG for {item.name.partition(':')[0]}"
    try:
        proposal = propose(chart, Selections(indication=item.id, given=("indication",)), provider.content, chart.now, provider.site)
    except SelectionError as error:  # the site's choices leave nothing to propose: the clinician must know, the EHR can do nothing
        return _card(request, provider, item.id, summary(subject, "no proposal"), "warning", escaped(error.message))
    if proposal.regimen is None:
        return None
    detail = "\n\n".join(part for part in _parts(proposal, provider.content) if part)
    return _card(
        request, provider, item.id, summary(subject, _in_short(proposal, provider.content)), indicator(proposal, provider.content), detail
    )


def _card(request: HookRequest, provider: Provider, role: str, said: str, level: str, detail: str) -> Card:
    uuid = card_uuid(request.instance, role)
    context = (("card", str(uuid)), ("hook", request.hook))
    link = SmartLink("Open the immunoglobulin order set", f"{provider.base_url}/launch", context)
    return Card(uuid, said, level, detail, provider.source, (link,))


def indicator(proposal: Proposal, content: Content) -> str:
    """critical for a hard stop that the record proves, warning for what needs a decision or data first, else info."""
    if any(_proven(f, content) for f in proposal.hard_stops):
        return "critical"
    return "warning" if proposal.outcome != "proposed" or proposal.open_overrides else "info"


def _proven(finding: Finding, content: Content) -> bool:
    """Whether a finding stands on something in the record, and not on something that the record lacks."""
    if finding.check in content.constants["data_required"]:
        return False
    return any(e.reference.partition("/")[0] in (*READ_TYPES, *_PERSON) and "/" in e.reference for e in finding.evidence)


def _in_short(p: Proposal, content: Content) -> str:
    stops = [content.checks[f.check].title for f in p.hard_stops]
    if p.outcome == "stopped":
        return f"stopped, {stops[0]}" + (f" and {len(stops) - 1} more" if stops[1:] else "")
    if p.dose is None:
        missing = [content.checks[f.check].title for f in p.hard_stops if f.check in content.constants["data_required"]]
        return "; ".join(("no dose yet", *missing))
    grams = " or ".join(dict.fromkeys(plain(i.grams) for i in p.dose.infusions))
    said = f"proposed {grams} g per infusion, {_counted(len(p.dose.infusions), 'infusion')}"
    open_ = len(p.open_overrides)
    return f"{said}; {_counted(open_, 'finding needs', 'findings need')} a reason" if open_ else said


def _counted(count: int, one: str, many: str = "") -> str:
    return f"{count} {one if count == 1 else many or one + 's'}"


def _parts(p: Proposal, content: Content) -> list[str]:
    """The Markdown: the dose (unless the order is stopped), what needs attention, what was not assessed, how far this may be relied on."""
    return [
        _dose(p, p.dose) if p.dose is not None and p.outcome == "proposed" else "",
        _listed("Needs attention", _attention(p)),
        _listed("Not assessed", _not_assessed(p, content)),
        f"_{escaped(content.constants['words']['unreviewed'])}_" if p.review == "unreviewed" else "",
    ]


def _dose(p: Proposal, dose: DoseCalculation) -> str:
    w = p.weight
    dated = f", {escaped(w.effective.partition('T')[0])}" if w.effective else ""
    lines = [f"{plain(i.grams)} g on {i.date.isoformat()}" for i in dose.infusions]
    volume = f", {plain(half_up(p.volume_ml, '0.1'))} mL each infusion" if p.volume_ml is not None else ""
    lines += [
        f"{escaped(p.product.brand)} {plain(p.concentration_mg_ml)} mg/mL{volume}",
        f"Dosing weight {w.dosing_kg} kg ({escaped(w.used or '')}{dated})",
        f"Whole course {plain(dose.course_g)} g",
    ]
    proposed = _listed("Proposed, nothing is ordered", lines)
    return f"{proposed}\n\nBy default, to be chosen in the order set: {escaped(', '.join(p.defaulted))}." if p.defaulted else proposed


def _attention(p: Proposal) -> list[str]:
    found = [(level, f) for level in _ATTENTION for f in p.findings if f.severity == level]
    return [f"**{_ATTENTION[level]}**: {escaped(f.message)}{_evidence(f)}" for level, f in found]


def _evidence(finding: Finding) -> str:
    said = tuple(dict.fromkeys(e.said for e in finding.evidence if e.said and e.said not in finding.message))
    return f" ({escaped('; '.join(said))})" if said else ""


def _not_assessed(p: Proposal, content: Content) -> list[str]:
    """One line a reason, after the checks that it kept from being made; checks that are not built come last."""
    titles = {id_: title for _, id_, title in content.constants["check_index"]}
    by_reason: dict[str, list[str]] = {}
    for item in sorted(p.not_assessed, key=lambda n: n.check not in content.checks):
        message = item.message if item.check in content.checks else "these checks are not built yet, so nothing was looked at."
        by_reason.setdefault(message, []).append(titles[item.check])
    return [f"{escaped('; '.join(checks))}: {escaped(message)}" for message, checks in by_reason.items()]


def _listed(title: str, lines: list[str]) -> str:
    return f"**{title}**\n\n" + "\n".join(f"- {line}" for line in lines) if lines else ""
