"""Findings as the pages show them: what was found, what this order does about it, what can be done in one press, and the basis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ivig_fhir.content.model import Content
from ivig_fhir.proposal.changes import GONE
from ivig_fhir.proposal.findings import Evidence, Finding
from ivig_fhir.proposal.mitigation import Offer
from ivig_fhir.proposal.model import Proposal
from ivig_fhir.web.render import REASONS, SEVERITY, dated, day

View = dict[str, Any]


def findings_view(p: Proposal, content: Content, offers: Sequence[Offer]) -> View:
    """All findings by how grave they are; of those that need a reason, open and answered ones apart."""
    titles = {id_: title for _, id_, title in content.constants["check_index"]}
    labels = dict(content.constants["override_reasons"])
    given = {o.check: o for o in p.overrides}
    shown = [finding_view(f, titles[f.check], [o for o in offers if o.check == f.check]) for f in p.findings]
    reasons = {c: {"reason": f"{o.code} {labels[o.code]}", "note": o.note} for c, o in given.items()}
    asking = [f for f in shown if f["severity"] == "override"]
    return {
        "stops": [f for f in shown if f["severity"] == "hard-stop"],
        "open": [f for f in asking if f["check"] not in given],
        "answered": [f | reasons[f["check"]] for f in asking if f["check"] in given],
        "warnings": [f for f in shown if f["severity"] == "warning"],
        "infos": [f for f in shown if f["severity"] == "info"],
        "not_assessed": [
            {"title": titles[n.check], "reason": REASONS[n.reason.value], "message": dated(n.message)} for n in p.not_assessed
        ],
        "cleared": [titles[c] for c in p.clear],
    }


def finding_view(f: Finding, title: str, offers: Sequence[Offer] = ()) -> View:
    """One finding."""
    return {
        "check": f.check,
        "ref": f.ref,
        "severity": f.severity,
        "title": title,
        "message": dated(f.message),
        "evidence": [evidence_view(e) for e in f.evidence],
        "mitigation": f.mitigation,
        "measures": [m.said for m in f.measures],
        "offers": [_offer(o) for o in offers],
        "figure": next((True for o in offers if o.asks), False),
        "threshold": f.threshold,
        "citations": f.citations,
    }


def evidence_view(e: Evidence) -> View:
    """What the chart said, and its date where the words do not have it already."""
    said, when = dated(e.said), day(e.time) if e.time else ""
    return {"said": said, "when": "" if when in said else when, "reference": "" if e.reference in said else e.reference}


def _offer(o: Offer) -> View:
    then = {"": "", GONE: "then this is no longer found"}.get(o.then)
    words = f"then only: {SEVERITY[o.then][1].lower()}" if then is None else then
    return {"id": o.id, "label": o.label, "why_not": o.why_not, "then": words, "asks": o.asks}


def kept_finding_view(f: Mapping[str, Any], title: str) -> View:
    """A finding of an approved order, as it was kept."""
    evidence = [evidence_view(Evidence(e["reference"], e["said"], e.get("time"), e.get("version"))) for e in f["evidence"]]
    return {
        **f,
        "title": title,
        "message": dated(f["message"]),
        "evidence": evidence,
        "measures": f.get("mitigated_by", []),
        "offers": [],
        "figure": False,
    }
