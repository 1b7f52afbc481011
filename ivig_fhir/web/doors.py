"""Who comes in: the session of a request, by path and cookie together, and what its role may do."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

from flask import Response, make_response, render_template, request

from ivig_fhir.content.standing import reviewed_share
from ivig_fhir.errors import BadRequest, NotAllowed, NotClinician
from ivig_fhir.fhir.building import MalformedJson, decode
from ivig_fhir.store import sessions
from ivig_fhir.web.security import check_post, csrf_of, framed_by, set_cookie
from ivig_fhir.web.waiting_view import settled_at_launch, waiting_view
from ivig_fhir.workflow.open_server import nobody_signed_in
from ivig_fhir.workflow.runtime import Runtime
from ivig_fhir.workflow.sign_in import Opened

_NOTED_EVERY = timedelta(minutes=1)


def cookie_name(session_id: str) -> str:
    """The name of a session's cookie: of its own, so that two charts in two tabs never share one."""
    return "ivig_" + hashlib.sha256(session_id.encode("utf-8")).hexdigest()[:16]


def hand_over(runtime: Runtime, opened: Opened, response: Response) -> Response:
    """Gives the browser the cookie of a session that was just opened."""
    path = f"/s/{opened.session}/"
    set_cookie(response, cookie_name(opened.session), opened.cookie, path, runtime.settings.secure_cookies)
    return response


def take_back(runtime: Runtime, session_id: str, response: Response) -> Response:
    """Makes the browser forget the cookie of a session; a partitioned one goes only with the same attributes."""
    secure, path = runtime.settings.secure_cookies, f"/s/{session_id}/"
    response.delete_cookie(
        cookie_name(session_id), path, secure=secure, httponly=True, samesite="None" if secure else "Lax", partitioned=secure
    )
    return response


def known(runtime: Runtime, session_id: str) -> sessions.Session:
    """The session of this request, whatever its role. Errors: SessionEnded, BadRequest for a form from elsewhere."""
    cookie = request.cookies.get(cookie_name(session_id), "")
    with runtime.database.read() as tx:
        session = sessions.load(tx, session_id, cookie, runtime.now(), runtime.limits)
    framed_by(runtime.issuer(session.context.iss).frame_ancestors)
    if request.method == "POST":
        check_post(cookie, runtime.settings.base_url)
    return session


def enter(runtime: Runtime, session_id: str, *roles: str) -> sessions.Session:
    """The session of this request, if its role is one of `roles`; a POST must come from one of its own pages.

    Errors: SessionEnded, NotClinician for a stranger, NotAllowed for another role, BadRequest for a form from elsewhere.
    """
    session, now = known(runtime, session_id), runtime.now()
    if session.role == "stranger":
        raise NotClinician("stranger", said="You are signed in, but have no role in ordering immunoglobulin.")
    if session.role not in roles:
        raise NotAllowed(f"role {session.role}", said=f"This page is not for the role {session.role}.")
    if now - session.seen > _NOTED_EVERY:
        with runtime.database.write() as tx:
            sessions.touch(tx, session_id, now)
    return runtime.renewal.renewed(session)


def content_words(runtime: Runtime) -> dict[str, str]:
    """What every page says, error pages too: the content's version, that it is unreviewed as long as any of it is, which EHRs are open."""
    words, today = runtime.content.constants["words"], runtime.now().astimezone(runtime.site.timezone).date()
    said = {"all": "", "part": words["reviewed_in_part"], "none": words["unreviewed"]}
    unreviewed = said[reviewed_share(runtime.content, runtime.site, today)]
    open_servers = ", ".join(i.name for i in runtime.smart.issuers.entries if i.development)
    strip = f"For development: no sign-in at {open_servers}." if open_servers else ""
    return {"content_version": runtime.content.version, "unreviewed": unreviewed, "open_servers": strip}


def sent_json() -> dict[str, Any]:
    """What a script sent. BadRequest for what is not a JSON object."""
    try:
        data = decode(request.get_data())
    except MalformedJson as error:
        raise BadRequest("not JSON", said="What was sent is not JSON.") from error
    if not isinstance(data, dict):
        raise BadRequest("not an object", said="What was sent is not a JSON object.")
    return data


def token(session_id: str) -> str:
    """The form token of this request's session."""
    return csrf_of(request.cookies.get(cookie_name(session_id), ""))


def page(runtime: Runtime, session: sessions.Session, template: str, view: Any, status: int = 200) -> Response:
    """A page of a session, with what stands on each of them: that nobody signed in, the form token."""
    words = runtime.content.constants["words"]
    issuer = runtime.issuer(session.context.iss)
    strip = nobody_signed_in(issuer) if session.context.development else ""
    if not runtime.settings.production:
        strip = f"{strip} {words['synthetic']}".strip()
    return make_response(
        render_template(
            template,
            v=view,
            csrf=token(session.id),
            sid=session.id,
            own_banner=session.context.need_patient_banner,
            look=bool(session.context.style_url),
            strip=strip or issuer.name,
            waiting=waiting_view(runtime, session),
            settled=settled_at_launch(runtime, session),
            citations=runtime.content.citations,
            reasons=runtime.content.constants["override_reasons"],
        ),
        status,
    )
