"""Calculate first, then compare: who chose it sees no result of an open order before typing their own; a cookie remembers it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from flask import redirect, request
from werkzeug.wrappers import Response as Redirect

from ivig_fhir.store import sessions
from ivig_fhir.web.security import set_cookie
from ivig_fhir.workflow.runtime import Runtime, clinician
from ivig_fhir.workflow.second_person import not_yet_calculated

_PATH = "/s/"  # every session of this browser


def is_chosen(session: sessions.Session) -> bool:
    """Whether this person wants to calculate first."""
    return request.cookies.get(_name(session)) == "1"


def choose(runtime: Runtime, session: sessions.Session, chosen: bool, response: Redirect) -> Redirect:
    """Remembers it for this person alone: on a shared computer each one's choice is their own."""
    set_cookie(response, _name(session), "1" if chosen else "0", _PATH, runtime.settings.secure_cookies)
    return response


def hidden(runtime: Runtime, session: sessions.Session, runs: Iterable[str]) -> frozenset[str]:
    """Of these orders the open ones whose result this person may not see yet; none where it was not chosen."""
    return not_yet_calculated(runtime, session, runs) if is_chosen(session) else frozenset()


def calculate_first(runtime: Runtime, session: sessions.Session, run: str) -> Redirect | None:
    """Where to go instead of a page of this order that shows its result; None where the page may be shown."""
    return redirect(f"/s/{session.id}/pharmacy/{run}/double", 303) if hidden(runtime, session, [run]) else None


def _name(session: sessions.Session) -> str:
    who = f"{session.context.tenancy.iss} {clinician(session).reference}"
    return f"ivig_first_{hashlib.sha256(who.encode('utf-8')).hexdigest()[:16]}"
