"""Approval: a prescriber's signature on exactly what was on screen, or the reasons for which there can be none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ivig_fhir.content.model import Content
from ivig_fhir.content.site import Site
from ivig_fhir.content.standing import EXPIRED, OVERDUE, UNDUE, UNSIGNED, Standing, shortfalls
from ivig_fhir.fhir.references import plain_reference
from ivig_fhir.proposal.findings import Finding
from ivig_fhir.proposal.model import Proposal
from ivig_fhir.proposal.selections import ChosenOverride

PRESCRIBER, PHARMACIST, NURSE = "prescriber", "pharmacist", "nurse"
PRODUCTION = "production"
_NAMED = 4
_REVIEW_WORDS = {
    UNSIGNED: "This site has not signed a clinical review of this content",
    UNDUE: "The clinical review of this content is dated in the future",
    EXPIRED: "The clinical review of this content has expired",
    OVERDUE: "The day by which this content had to be read again is past",
}


@dataclass(frozen=True, slots=True)
class Clinician:
    """Who is signed in: fhirUser as the EHR's own reference (`Practitioner/x`), name, roles; `proven` by a validated id_token.

    `aliases` are other references to the same person (the Practitioner of a PractitionerRole, and the other way round); `login` is
    issuer and subject of the id_token, "" where there was none.
    """

    reference: str
    display: str
    roles: frozenset[str]
    proven: bool = True
    aliases: tuple[str, ...] = ()
    login: str = ""

    @property
    def person(self) -> str:
        """The reference to the person, without base and version; to a role of theirs where no other is known."""
        found = [plain_reference(r) for r in (self.reference, *self.aliases) if r]
        return next((r for r in found if not _is_role(r)), found[0] if found else "")

    @property
    def known(self) -> bool:
        """Whether it is known who this is: a PractitionerRole alone says in which role somebody works, and one person has several."""
        return not _is_role(self.person)

    def is_same(self, other: Clinician) -> bool:
        """Whether both stand for one person: any of their references, without base and version, or their login is the same."""
        return bool(_persons(self) & _persons(other)) or bool(self.login and self.login == other.login)

    def may_be(self, other: Clinician) -> bool:
        """Whether both may stand for one person: they do, or of one only a role is known and no two logins tell them apart.

        Two logins do where one issuer gave both: it gives each person one subject. See: OpenID Connect Core 1.0, section 8.
        """
        if self.is_same(other) or (self.known and other.known):
            return self.is_same(other)
        mine, theirs = self.login.partition("|")[0], other.login.partition("|")[0]
        return not mine or mine != theirs

    def to_json(self) -> dict[str, Any]:
        """As it is kept: everything by which the person is told from another one."""
        return {"reference": self.reference, "display": self.display, "aliases": list(self.aliases), "login": self.login}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Clinician:
        """The person as kept, without a role; what was kept before there were aliases and logins has its reference alone."""
        aliases, login = tuple(kept.get("aliases") or ()), str(kept.get("login") or "")
        return cls(str(kept["reference"]), str(kept["display"]), frozenset(), aliases=aliases, login=login)


@dataclass(frozen=True)
class Approval:
    """Who approved exactly what, when: the digest of what was on screen, overrides with their reasons, what was not assessed."""

    who: Clinician
    at: datetime
    digest: str
    overrides: tuple[ChosenOverride, ...]
    not_assessed: tuple[str, ...]
    content_version: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """One reason for which an approval is refused, and what would clear it. `check` names the finding it is about, if any.

    code: role, identity, digest, outcome, hard-stop, override-missing, override-reason, override-note, override-unknown, override-role,
    review, illustrative, discontinued, changed, mode.
    """

    code: str
    said: str
    check: str | None = None


def _is_role(reference: str) -> bool:
    return reference.startswith("PractitionerRole/")


def _persons(who: Clinician) -> frozenset[str]:
    return frozenset(plain_reference(r) for r in (who.reference, *who.aliases) if r)


def approve(
    proposal: Proposal,
    digest: str,
    overrides: Sequence[ChosenOverride],
    who: Clinician,
    now: datetime,
    content: Content,
    environment: str,
    site: Site,
    changed: Sequence[str] = (),
) -> Approval | tuple[Refusal, ...]:
    """The approval of a proposal, or every reason against it.

    `digest` is that of the page which was signed; `changed` names what the findings used and the record no longer says
    (`changed_facts`). Overrides given here come before those given while reviewing. In production, content without a valid review and
    rate steps that nobody adopted cannot be approved.
    """
    final = _merged(proposal.overrides, overrides)
    refusals = [
        *_person(who),
        *_page(proposal, digest, changed),
        *_stops(proposal),
        *_overridden(proposal, final, overrides, who, content),
        *content_refusals(proposal, content, environment, site, now),
    ]
    if refusals:
        return tuple(refusals)
    kept = tuple(o for o in final if o.check in _asking(proposal))
    return Approval(who, now, digest, kept, tuple(n.check for n in proposal.not_assessed), proposal.content_version)


def changed_facts(before: Mapping[str, str | None], after: Mapping[str, str | None]) -> tuple[str, ...]:
    """References that dose or findings stood on and that changed, vanished or came new, by version or hash, in order.

    `before` is `Proposal.used` of what was on screen, `after` that of the same choices on the record as read again.
    """
    return tuple(sorted(r for r in before.keys() | after.keys() if r not in before or r not in after or before[r] != after[r]))


def _merged(earlier: Sequence[ChosenOverride], later: Sequence[ChosenOverride]) -> tuple[ChosenOverride, ...]:
    return tuple(({o.check: o for o in earlier} | {o.check: o for o in later}).values())


def _asking(proposal: Proposal) -> dict[str, Finding]:
    return {f.check: f for f in proposal.findings if f.severity == "override"}


def _person(who: Clinician) -> list[Refusal]:
    if not who.proven:
        return [Refusal("identity", "The EHR did not prove who is signed in, so nothing can be approved.")]
    if PRESCRIBER not in who.roles:
        return [Refusal("role", "Only a prescriber can approve an order.")]
    return []


def _page(proposal: Proposal, digest: str, changed: Sequence[str]) -> list[Refusal]:
    found = []
    if digest != proposal.digest:
        found.append(Refusal("digest", "The proposal is not the one that was on screen. Read it again, then decide."))
    if changed:
        found.append(Refusal("changed", f"The record changed since the proposal was made: {', '.join(changed)}."))
    return found


def _stops(proposal: Proposal) -> list[Refusal]:
    found = [Refusal("hard-stop", f.message, f.check) for f in proposal.hard_stops]
    if proposal.outcome != "proposed" or proposal.dose is None or not proposal.rate.steps:
        found.append(Refusal("outcome", "There is no complete order to approve: a dose, its dates and its pump rates."))
    if not proposal.product.marketed:
        found.append(Refusal("discontinued", f"{proposal.product.brand} is no longer made and cannot be ordered."))
    return found


def _overridden(
    proposal: Proposal, final: Sequence[ChosenOverride], given: Sequence[ChosenOverride], who: Clinician, content: Content
) -> list[Refusal]:
    asking, known = _asking(proposal), {code for code, _ in content.constants["override_reasons"]}
    done = {o.check: o for o in final}
    stray = "A reason was given for a finding that does not ask for one."
    found = [Refusal("override-unknown", stray, o.check) for o in given if o.check not in asking]
    allowed = content.constants["override_roles"]
    if asking and not who.roles & set(allowed):
        found.append(Refusal("override-role", f"Only these may override a finding: {', '.join(allowed)}."))
    for check in asking:
        reason = done.get(check)
        if reason is None:
            found.append(Refusal("override-missing", "This finding needs a coded reason and a note.", check))
        elif reason.code not in known:
            found.append(Refusal("override-reason", "The reason is not one of the coded reasons.", check))
        elif not reason.note.strip():
            found.append(Refusal("override-note", "The reason needs a note.", check))
    return found


def content_refusals(proposal: Proposal, content: Content, environment: str, site: Site, now: datetime) -> list[Refusal]:
    """In production only reviewed content is signed, and only rate steps that a label prints or the site adopted."""
    if environment != PRODUCTION:
        return []
    today = now.astimezone(site.timezone).date()
    found = [Refusal("review", said) for said in unreviewed(shortfalls(content, site, proposal.order_set, proposal.product, today))]
    if proposal.rate.basis == "illustrative":
        found.append(Refusal("illustrative", "The rate steps are an illustration until this site adopts them."))
    return found


def unreviewed(missing: Sequence[Standing]) -> list[str]:
    """In words what keeps content from being used in production: a sentence a cause, the first parts by name."""
    said = []
    for problem, words in _REVIEW_WORDS.items():
        names = [s.part.name for s in missing if s.problem == problem]
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        if names:
            said.append(f"{words}: {', '.join(names[:_NAMED])}{more}.")
    return said
