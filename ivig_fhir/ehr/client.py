"""FhirClient: one FHIR server, one bearer; every request with its limits, every failed answer as an error of ours."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy
from typing import Any, NoReturn
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import NewConnectionError, ReadTimeoutError

from ivig_fhir.ehr.failures import asks_to_break_the_glass, failure, instead, lines_of
from ivig_fhir.ehr.retry import TRANSIENT, Patience, retry_after
from ivig_fhir.errors import BreakTheGlass, EhrUnavailable, FhirError, NotFhir, OutcomeUnknown
from ivig_fhir.fhir.building import MalformedJson, decode, encode
from ivig_fhir.fhir.outcome import issues
from ivig_fhir.fhir.reading import reference_key, word

FHIR_JSON = "application/fhir+json"
CONNECTIONS = 24  # as many as a chart has searches, so that none waits for another
_DEFAULT_PORTS = {"http": 80, "https": 443}

Parameters = Iterable[tuple[str, str]]


@dataclass(frozen=True)
class Reply:
    """An answer that is a success: status, headers in lower case, and the JSON body (None where it was empty or no JSON)."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None

    @property
    def location(self) -> str:
        """Where a write was stored, as the server says it."""
        return self.headers.get("location") or self.headers.get("content-location", "")

    @property
    def etag(self) -> str:
        """The version of what was answered, as `If-Match` wants it."""
        return self.headers.get("etag", "")


def pooled_session(connections: int = CONNECTIONS) -> requests.Session:
    """A session for many threads: each asks by one of its own, over a bounded pool of connections that all share."""
    http = _PerWorker()
    for scheme in ("https://", "http://"):
        http.mount(scheme, _Impatient(pool_maxsize=connections, pool_block=True))
    return http


class _PerWorker(requests.Session):
    """One session for each thread, because a session is not made to be shared; its adapters and their connections are.

    No session keeps a cookie, which would mix the users that ask by it. What the environment says of proxies and certificates is looked
    up once for each origin: looked up for each request, it is the larger part of the work of a chart's many small ones.
    """

    def __init__(self) -> None:
        super().__init__()
        self._mine = threading.local()
        self._around: dict[tuple[str, str, int | None], Any] = {}

    def request(self, method: Any, url: Any, *args: Any, **kwargs: Any) -> requests.Response:
        """One request by the session of the thread that asks."""
        own: requests.Session | None = getattr(self._mine, "session", None)
        if own is None:
            own = self._mine.session = requests.Session()
            own.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
            own.adapters, own.hooks, own.trust_env = self.adapters, self.hooks, False
        key = origin(str(url))
        if key not in self._around:
            self._around[key] = self.merge_environment_settings(str(url), {}, None, None, None)
        around = self._around[key]
        return own.request(method, url, *args, **{"proxies": around["proxies"], "verify": around["verify"], **kwargs})


class _Impatient(HTTPAdapter):
    """Hands over the bytes of an answer as they arrive, and no longer than `longest` seconds.

    urllib3 waits until a whole chunk is there, and each byte starts its timeout anew: a server that sends a byte now and then would hold
    a thread for days, past every deadline of whoever reads.
    """

    longest = 60.0

    def build_response(self, req: requests.PreparedRequest, resp: Any) -> requests.Response:
        made = super().build_response(req, resp)
        raw, end = made.raw, time.monotonic() + self.longest

        def arriving(amount: int = 65536, decode_content: bool = True) -> Iterator[bytes]:
            while data := raw.read1(amount, decode_content=decode_content):
                yield data
                if time.monotonic() > end:
                    raise ReadTimeoutError(None, None, "the answer takes too long")  # type: ignore[arg-type]

        raw.stream = arriving  # type: ignore[method-assign]
        return made


def origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port, with the port of the scheme where none is written; an address without a real port has none."""
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = -1
    return parts.scheme.lower(), (parts.hostname or "").lower(), port or _DEFAULT_PORTS.get(parts.scheme.lower())


@dataclass(frozen=True)
class FhirClient:
    """A FHIR server at `base`, asked with the token that `token` gives at each request (None or "": without).

    `renew` is told which token was refused with 401, and says whether `token` gives another one now; a read is then tried once more.

    Never follows a redirect, never sends the token to another origin, reads at most `largest` bytes of an answer. Raises FhirError;
    no patient data in its `detail`. See: FHIR R4 http.
    """

    base: str
    http: requests.Session = field(repr=False, compare=False)
    token: Callable[[], str | None] = field(default=lambda: None, repr=False, compare=False)
    renew: Callable[[str | None], bool] = field(default=lambda refused: False, repr=False, compare=False)
    timeouts: tuple[float, float] = (3.05, 15.0)
    patience: Patience = field(default_factory=Patience, repr=False, compare=False)
    largest: int = 50_000_000

    def get(self, where: str, params: Parameters = (), *, fresh: bool = False, deadline: float | None = None) -> Reply:
        """Read an address below the base, or a link of the same origin; retried twice when the server is busy or gone for a moment.

        `fresh` asks past caches; `deadline` is on the patience's clock. The body is a resource; NotFhir when it is not.
        """
        end = self.patience.until(deadline)
        headers = {"Cache-Control": "no-cache"} if fresh else {}
        attempt, renewed = 0, False
        while True:
            failed: EhrUnavailable | None = None
            reply, used = Reply(0), self.token()
            try:
                reply = self._send("GET", where, tuple(params), headers, None, end)
            except EhrUnavailable as error:
                failed = error
            if reply.status == 401 and not renewed and self.renew(used):
                renewed = True
                continue
            if failed is None and reply.status not in TRANSIENT:
                return self._resource(where, reply)
            if not self.patience.wait(attempt, reply.headers, end):
                raise failed or self._failure("GET", where, reply)
            attempt += 1

    def read(self, reference: str, *, fresh: bool = False, deadline: float | None = None) -> Reply:
        """The resource at `Type/id`. OutcomeInstead when something else is answered."""
        reply = self.get(reference, fresh=fresh, deadline=deadline)
        if f"{word(reply.body, 'resourceType')}/{word(reply.body, 'id')}" != reference_key(reference):
            raise instead(f"GET {about(reference)} {reply.status}", reply.body)
        return reply

    def post(self, where: str, resource: Mapping[str, Any], *, if_none_exist: str | None = None) -> Reply:
        """Create a resource under a type, or send a Bundle to the base (""). Sent once: OutcomeUnknown where no answer came."""
        return self._write("POST", where, resource, {"If-None-Exist": if_none_exist} if if_none_exist else {})

    def put(self, where: str, resource: Mapping[str, Any], *, if_match: str | None = None) -> Reply:
        """Store a new version of `Type/id` over exactly the version named. ChangedInEhr when it is no longer the newest.

        Without a version it makes what is not there, where the server takes ids from its clients.
        """
        return self._write("PUT", where, resource, {"If-Match": if_match} if if_match is not None else {})

    def delete(self, where: str) -> Reply:
        """Take away `Type/id`. ResourceGone where it is not there, RequestRejected or ChangedInEhr where something refers to it."""
        reply = self._send("DELETE", where, (), {}, None, self.patience.until())
        if not 200 <= reply.status < 300:
            raise self._failure("DELETE", where, reply)
        return reply

    def same_origin(self, url: str) -> bool:
        """Whether an absolute address is on the server's own scheme, host and port."""
        return origin(url) == origin(self.base)

    def absolute(self, where: str) -> str:
        """An address as the server means it: relative ones below the base."""
        return urljoin(self.base.rstrip("/") + "/", where)

    def address(self, where: str) -> str:
        """The absolute address. NotFhir for one of another origin, which must not see the token."""
        if not where:
            return self.base.rstrip("/")
        url = self.absolute(where)
        if not self.same_origin(url) or urlsplit(url).username:
            raise NotFhir(f"link to {urlsplit(url).hostname}", said="The EHR gave a link to another address; it was not followed.")
        return url

    def _write(self, method: str, where: str, resource: Mapping[str, Any], headers: Mapping[str, str]) -> Reply:
        sent = {**headers, "Content-Type": FHIR_JSON}
        reply = self._send(method, where, (), sent, encode(resource), self.patience.until())
        if not 200 <= reply.status < 300:
            raise self._failure(method, where, reply)
        if not reply.location and any(i.failed for i in issues(reply.body)):
            raise instead(f"{method} {about(where)} {reply.status}", reply.body)
        return reply

    def _resource(self, where: str, reply: Reply) -> Reply:
        if not 200 <= reply.status < 300:
            raise self._failure("GET", where, reply)
        if not word(reply.body, "resourceType"):
            raise NotFhir(f"GET {about(where)} {reply.status}", said=f"The EHR answered with status {reply.status}, and not in FHIR.")
        if asks_to_break_the_glass(reply.body):
            raise BreakTheGlass(f"GET {about(where)} {reply.status}", told=lines_of(reply.body))
        return reply

    def _failure(self, method: str, where: str, reply: Reply) -> FhirError:
        """What a failed answer means."""
        wait = retry_after(reply.headers.get("retry-after", ""), self.patience.now())
        return failure(method, reply.status, reply.body, about(where), wait)

    def _send(
        self, method: str, where: str, params: tuple[tuple[str, str], ...], headers: Mapping[str, str], data: bytes | None, end: float
    ) -> Reply:
        """One request and its whole answer. Errors of the network are not chained: their text quotes addresses, which name patients."""
        url, patience = self.address(where), self.patience
        left = end - patience.clock()
        if left <= 0:
            raise EhrUnavailable(f"{method} {about(where)} too late")
        timeouts = (min(self.timeouts[0], left), min(self.timeouts[1], left))
        try:
            with self.http.request(
                method, url, params=list(params), data=data, headers={"Accept": FHIR_JSON, **headers}, auth=self._bearer,
                timeout=timeouts, allow_redirects=False, stream=True,
            ) as answer:  # fmt: skip
                received = {k.lower(): v for k, v in answer.headers.items()}
                status = answer.status_code
                body = self._body(method, answer, end)
        except requests.RequestException as error:
            _lost(method, about(where), error)
        return Reply(status, received, body)

    def _body(self, method: str, answer: requests.Response, end: float) -> Any:
        """The JSON of an answer, None when it is none. A write's status is known by now: what its body lacks is read back later."""
        data = bytearray()
        try:
            for chunk in answer.iter_content(65536):
                data += chunk
                if len(data) > self.largest:
                    raise NotFhir(f"{method} answer larger than {self.largest}", said="The EHR's answer was too large to be read.")
                if self.patience.clock() > end:
                    raise EhrUnavailable(f"{method} answer too slow")
            return decode(bytes(data)) if data else None
        except MalformedJson:
            return None
        except (NotFhir, EhrUnavailable, requests.RequestException):
            if method == "GET":
                raise
            return None

    def _bearer(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """The one place where the token is put on a request; it also keeps requests from adding credentials of a .netrc file."""
        token = self.token()
        if token:
            request.headers["Authorization"] = f"Bearer {token}"
        return request


def about(where: str) -> str:
    """What an address is about, for the log: the resource type, never an id or a parameter."""
    path = urlsplit(where).path.strip("/")
    names = [part for part in path.split("/") if part[:1].isupper() and part.isalpha()]
    return names[-1] if names else ("metadata" if path == "metadata" else "base")


def _lost(method: str, what: str, error: requests.RequestException) -> NoReturn:
    """A read without an answer is unavailable; a write is unknown, unless no connection was ever made."""
    detail = f"{method} {what} {type(error).__name__}"
    reason = getattr(error.args[0], "reason", None) if error.args else None
    never_left = isinstance(error, requests.ConnectTimeout) or isinstance(reason, NewConnectionError)
    raise (EhrUnavailable if method == "GET" or never_left else OutcomeUnknown)(detail) from None
