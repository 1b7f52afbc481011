"""The error tree: every reason that kept us from knowing or doing, with a code, a status and what to do about it.

A clinical stop is a Finding, never one of these. Codes are stable and are never used again for another meaning.

    IvigError                          E-00
    ├── LaunchError                    the EHR did not let us in, or no longer does
    │   ├── MissingIssuer              E-01 a launch without `iss`
    │   ├── UnknownIssuer              E-02 an `iss` that is not in the issuer table; nothing was fetched from it
    │   ├── DiscoveryFailed            E-03 the SMART configuration is unreachable, unreadable or unsafe
    │   ├── AuthorizationRefused       E-04 `error` from the authorization server, or neither error nor code
    │   ├── StateMismatch              E-05 the `state` is missing, unknown, used, too old or of another browser
    │   ├── TokenFailed                E-06 no usable answer from the token endpoint
    │   ├── CookieBlocked              E-07 the probe cookie did not come back
    │   ├── NoReadAccess               E-08 the granted scopes do not even allow reading the patient
    │   ├── NoPatient                  E-09 an order needs a patient, and the launch brought none
    │   ├── IdentityUnproven           E-10 the id_token does not prove who is signed in
    │   ├── NotClinician               E-11 whoever is signed in may look, and not approve
    │   ├── SessionEnded               E-12 the EHR's token or our session is over
    │   └── PatientChanged             E-13 the context now names another patient than the session
    ├── FhirError                      the FHIR server answered with less than we asked
    │   ├── RequestRejected            E-20 400 or 422 with an OperationOutcome; nothing was stored
    │   ├── TokenRejected              E-21 401
    │   ├── Forbidden                  E-22 403
    │   ├── BreakTheGlass              E-23 403, or an entry of a list, that asks for Break-the-Glass; never retried
    │   ├── ResourceGone               E-24 404 or 410; on a create: the server does not hold this type
    │   ├── ChangedInEhr               E-25 409 or 412 on an update
    │   ├── SeveralAnchors             E-26 412 on a conditional create: several orders carry this run's identifier
    │   ├── EhrBusy                    E-27 429
    │   ├── EhrUnavailable             E-28 a read failed with 5xx, a timeout or a broken connection
    │   ├── OutcomeUnknown             E-29 a write without an answer: look for the run's identifier, never resend blindly
    │   ├── NotFhir                    E-30 a body that is not FHIR JSON
    │   ├── OutcomeInstead             E-31 200 with an OperationOutcome where a resource was due
    │   └── NotNegotiable              E-32 406 or 415
    ├── UsageError                     what we were given cannot be used; its first argument is the sentence shown
    │   ├── ContentError               E-40 clinical content that does not load
    │   ├── SettingsError              E-41 a setting, issuer or site entry that is unknown, missing or out of range
    │   ├── SelectionError             E-42 selections that name what content does not have, or are out of range
    │   ├── ChartError                 E-43 input that is not readable as the FHIR chart of one patient
    │   └── BadRequest                 E-44 a request that is malformed or too large
    ├── GateRefused                    E-50 what we built is not valid FHIR and does not leave
    ├── NotAllowed                     E-51 the role of whoever is signed in does not allow the act
    ├── NotFound                       E-52 no such page, run or session for this person
    ├── Conflict                       E-53 what was reviewed is no longer what is stored
    ├── StateError                     E-54 a move that the order's state does not allow
    ├── SealBroken                     E-55 a sealed column does not open: unknown key, or a row moved or changed
    ├── AuditBroken                    E-56 the audit chain cannot be continued
    ├── CallerUnproven                 E-57 a CDS Hooks call whose token does not prove who calls
    └── DataMissing                    E-58 a CDS Hooks call that brings nothing to advise on
"""

from __future__ import annotations

from collections.abc import Iterable


class IvigError(Exception):
    """Base of every error of ours: a row of the table below.

    `message` says in one sentence what happened, `remedy` what to do; both are for the person in front of the screen. `said`
    replaces the message where more is known (what the EHR answered, which file is wrong): it is shown and never logged. `detail`
    is for logs and must be free of patient data and secrets. `status` is our HTTP status; `retry`: whether trying again can help.
    `told` are the lines of what the EHR said, for whoever wants to know more; shown and never logged.
    """

    code: str = "E-00"
    status: int = 500
    retry: bool = False
    message: str = "Something went wrong in IVIG Orders."
    remedy: str = "Tell support the reference number."
    told: tuple[str, ...] = ()

    def __init__(self, detail: str = "", *, said: str | None = None, remedy: str | None = None, told: Iterable[str] = ()) -> None:
        self.detail = detail
        self.told = tuple(told)
        self.message = said or self.message
        self.remedy = remedy or self.remedy
        super().__init__(f"{self.code} {detail}".strip())


# ── E-01 to E-19: the launch and the session ─────────────────────────────────────────────────────────────────────────


class LaunchError(IvigError):
    status, remedy = 400, "Start IVIG Orders again from the patient's chart."


class MissingIssuer(LaunchError):
    code, message = "E-01", "This page is opened by the EHR."


class UnknownIssuer(LaunchError):
    code, message = "E-02", "This EHR address is not set up for IVIG Orders."
    remedy = "Ask your administrator to register it."


class DiscoveryFailed(LaunchError):
    code, status, retry, message = "E-03", 502, True, "The EHR's sign-in service could not be read."
    remedy = "Try again in a minute; if it stays, tell your administrator."


class AuthorizationRefused(LaunchError):
    code, message = "E-04", "The EHR refused the sign-in."


class StateMismatch(LaunchError):
    code, message = "E-05", "This sign-in was not started in this window or took too long."


class TokenFailed(LaunchError):
    code, status, message = "E-06", 502, "The EHR did not complete sign-in."


class CookieBlocked(LaunchError):
    code, status, message = "E-07", 200, "Your browser blocked the cookie this app needs inside the EHR frame."
    remedy = "Open IVIG Orders in a new window."


class NoReadAccess(LaunchError):
    code, status, message = "E-08", 403, "You are signed in, but the EHR gave no access to this patient's data."
    remedy = "Ask your administrator which data this app may read."


class NoPatient(LaunchError):
    code, message = "E-09", "No patient is selected."
    remedy = "Open a chart and start again."


class IdentityUnproven(LaunchError):
    code, status, message = "E-10", 403, "Your identity could not be verified. No data was changed."


class NotClinician(LaunchError):
    code, status, message = "E-11", 403, "Only ordering clinicians can approve. You can view this proposal."
    remedy = "Ask a prescriber to open this order."


class SessionEnded(LaunchError):
    code, status, message = "E-12", 401, "Your EHR session has ended. Your draft is kept."
    remedy = "Launch again from the chart to continue."


class PatientChanged(LaunchError):
    code, status, message = "E-13", 409, "The chart changed to another patient. This proposal was not sent."


# ── E-20 to E-39: what a FHIR server answers ─────────────────────────────────────────────────────────────────────────


class FhirError(IvigError):
    """`asked` is the method and what it was about (a resource type, or base) where a server refused; no id, no parameter."""

    status, remedy = 502, "Tell your administrator the reference number."
    asked: tuple[str, str] = ("", "")


class RequestRejected(FhirError):
    code, message = "E-20", "The EHR rejected the order."
    remedy = "Nothing was stored. Correct what it names, then send again."


class TokenRejected(FhirError):
    code, status, message = "E-21", 401, "The EHR no longer accepts this session."
    remedy = "Launch again from the chart; your draft is kept."


class Forbidden(FhirError):
    code, status, message = "E-22", 403, "You, or this app, may not do this in the EHR."
    remedy = "Use the order text by hand, or ask your administrator."


class BreakTheGlass(FhirError):
    code, status, message = "E-23", 403, "This chart needs Break-the-Glass in the EHR."
    remedy = "Break the glass in the EHR, then launch again."


class ResourceGone(FhirError):
    code, status, message = "E-24", 404, "The EHR no longer has what was asked for."
    remedy = "Reload the page."


class ChangedInEhr(FhirError):
    code, status, message = "E-25", 409, "The order changed in the EHR since you opened it."
    remedy = "Look at the differences, then decide again."


class SeveralAnchors(FhirError):
    code, status, message = "E-26", 409, "The EHR holds more than one order of this run."
    remedy = "Do not send it again; call support."


class EhrBusy(FhirError):
    code, status, retry, message = "E-27", 503, True, "The EHR is busy."
    remedy = "Wait a moment and try again."


class EhrUnavailable(FhirError):
    code, retry, message = "E-28", True, "The EHR could not be reached."
    remedy = "Try again; what could not be read is shown as not assessed."


class OutcomeUnknown(FhirError):
    code, status, message = "E-29", 504, "The EHR did not say whether it stored the order."
    remedy = "Check the order in the EHR before anything is sent again."


class NotFhir(FhirError):
    code, message = "E-30", "The EHR answered with something that is not FHIR, and no details."


class OutcomeInstead(FhirError):
    code, message = "E-31", "The EHR answered with an error instead of the resource."


class NotNegotiable(FhirError):
    code, message = "E-32", "The EHR and this app do not agree on a format."


# ── E-40 to E-49: what we were given ─────────────────────────────────────────────────────────────────────────────────


class UsageError(IvigError):
    status, remedy = 400, "Correct it and try again."

    def __init__(self, sentence: str = "", *, said: str | None = None, detail: str = "", remedy: str | None = None) -> None:
        """`UsageError("sentence")`; with `said` the first argument is the detail, as it is for every other error."""
        super().__init__(detail or (sentence if said else ""), said=said or sentence, remedy=remedy)


class ContentError(UsageError):
    code, status, message = "E-40", 500, "The clinical content could not be loaded."
    remedy = "Run `ivig-fhir content check`."


class SettingsError(UsageError):
    code, status, message = "E-41", 500, "IVIG Orders is not configured correctly."
    remedy = "Correct the setting that is named."


class SelectionError(UsageError):
    code, message = "E-42", "The selections cannot be used."


class ChartError(UsageError):
    code, message = "E-43", "The chart cannot be read as FHIR."


class BadRequest(UsageError):
    code, message = "E-44", "The request cannot be read."


# ── E-50 to E-59: what we refuse to do ───────────────────────────────────────────────────────────────────────────────


class GateRefused(IvigError):
    code, message = "E-50", "The order was built wrongly and was not sent."

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__(f"{len(self.problems)} problems at the gate")


class NotAllowed(IvigError):
    code, status, message = "E-51", 403, "Your role does not allow this."
    remedy = "Ask a colleague who may."


class NotFound(IvigError):
    code, status, message = "E-52", 404, "This page does not exist, or not for you."
    remedy = "Start again from the patient's chart."


class Conflict(IvigError):
    code, status, message = "E-53", 409, "The proposal changed since you reviewed it. Nothing was sent."
    remedy = "Read it again, then decide."


class StateError(IvigError):
    code, status, message = "E-54", 409, "The order is no longer in a state that allows this."
    remedy = "Reload the page to see where it stands."


class SealBroken(IvigError):
    code, message = "E-55", "Stored data could not be opened."
    remedy = "Check the secret keys of this installation."


class AuditBroken(IvigError):
    code, message = "E-56", "The audit record cannot be written, so nothing was done."


class CallerUnproven(IvigError):
    code, status, message = "E-57", 401, "The calling system did not prove who it is."
    remedy = "Sign the call with a key that is registered here."


class DataMissing(IvigError):
    code, status, message = "E-58", 412, "The call brings no data to advise on."
    remedy = "Send the prefetch that the service's description asks for."
