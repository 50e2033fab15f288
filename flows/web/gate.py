"""The gate in front of the app: what comes in has to be for us, from our own pages, and from someone known.

In this order: an exact Host; no other site's page (Origin, Sec-Fetch-Site); a body of a stated, bounded
length; a cookie whose role may open this door; for writes the token that only our own pages can read. What
is refused gets one line. Every answer carries the headers that keep it from being framed, sniffed or kept.
The address of the peer is never asked for: it proves nothing.
"""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from flows.web.hub import Role
from flows.web.tickets import Tickets, Visit
from pipeline.language import text

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

VISITOR = "vagal.visitor"
BODY_BYTES = 64 * 1024
IMPORT_BYTES = 256 * 1024 * 1024
_DISCARDED_BYTES = 4 * 1024 * 1024
_BODY_S = 30.0

_BOTH = frozenset(Role)
_OPERATOR = frozenset({Role.OPERATOR})
_ANYONE: frozenset[Role] = frozenset()
_READS = ("GET", "HEAD")


@dataclass(frozen=True, slots=True)
class Site:
    """One way to reach the server: scheme and Host, as a browser sends them, and whom it lets in."""

    scheme: str
    host: str
    roles: frozenset[Role] = _BOTH

    @property
    def port(self) -> int:
        return int(self.host.rpartition(":")[2])

    @property
    def origin(self) -> str:
        return f"{self.scheme}://{self.host}"

    @property
    def socket_origin(self) -> str:
        return f"{'wss' if self.scheme == 'https' else 'ws'}://{self.host}"


@dataclass(frozen=True, slots=True)
class Door:
    """Who may use the addresses that begin with `path` (or, without a slash at its end, are it).

    No role: anyone. `written` doors take POST, others are only read.
    """

    path: str
    roles: frozenset[Role]
    written: bool = False
    limit_bytes: int = BODY_BYTES

    def leads_to(self, path: str) -> bool:
        """Whether an address is behind this door."""
        return path.startswith(self.path) if self.path.endswith("/") else path == self.path


OPEN, JOIN, CERTIFICATE, PAGES = "/open/", "/join", "/certificate", "/pages/"
DOORS = (
    Door(OPEN, _ANYONE),
    Door(JOIN, _ANYONE, written=True, limit_bytes=1024),
    Door(CERTIFICATE, _ANYONE),
    Door(PAGES, _ANYONE),
    Door("/client", _BOTH),
    Door("/socket", _BOTH),
    Door("/api/me", _BOTH),
    Door("/api/strategies", _BOTH),
    Door("/api/act", _BOTH, written=True),
    Door("/api/start", _OPERATOR, written=True),
    Door("/api/clients/", _OPERATOR, written=True),
    Door("/api/sessions/", _OPERATOR, written=True),
    Door("/api/review/", _OPERATOR, written=True),
    Door("/api/revoke", _OPERATOR, written=True),
    Door("/api/import", _OPERATOR, written=True, limit_bytes=IMPORT_BYTES),
    Door("/", _OPERATOR),  # and everything else
)


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks: where they came in, and the visits that their cookies stand for."""

    site: Site
    visits: tuple[Visit, ...]

    def acts_as(self, role: Role) -> Visit | None:
        """The visit that lets them act as `role`: their own, or an operator's, who may act as a client."""
        allowed = (role, Role.OPERATOR)
        return next((visit for like in allowed for visit in self.visits if visit.role is like), None)


class _Refusal(Exception):  # noqa: N818 - an answer, not a fault
    def __init__(self, status: int, line: str) -> None:
        super().__init__(line)
        self.status, self.line = status, line


@dataclass(frozen=True, slots=True)
class _Request:
    """What of an ASGI scope decides."""

    socket: bool
    method: str
    path: str
    query: Mapping[str, Sequence[str]]
    headers: Sequence[tuple[str, str]]
    scheme: str

    @classmethod
    def of(cls, scope: Scope) -> _Request:
        """The request that a scope describes."""
        socket = scope["type"] == "websocket"
        return cls(
            socket=socket,
            method="GET" if socket else scope["method"],
            path=scope["path"],
            query=parse_qs(scope["query_string"].decode("latin-1")),
            headers=[
                (name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]
            ],
            scheme="https" if scope["scheme"] in ("https", "wss") else "http",
        )

    @property
    def door(self) -> Door:
        """The first door that leads to its path."""
        return next(door for door in DOORS if door.leads_to(self.path) or door.path == "/")

    @property
    def writes(self) -> bool:
        return self.method not in _READS

    def header(self, name: str) -> str | None:
        """The one value of a header; None if there is none. Twice the same header is refused."""
        values = [value for known, value in self.headers if known == name]
        if len(values) > 1:
            raise _Refusal(400, f"The header {name} was sent twice.")
        return values[0] if values else None


def cookie_name(role: Role, port: int) -> str:
    """The cookie of a role: named after the port, since a browser sends cookies to every port."""
    return f"vagal_{role}_{port}"


class Gate:
    """ASGI middleware that lets in what may come in, and tells the app who it is."""

    def __init__(self, app: ASGIApp, sites: Sequence[Site], tickets: Tickets) -> None:
        self._app, self._sites, self._tickets = app, tuple(sites), tickets

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a refusal, or pass on the request with its visitor."""
        assert scope["type"] in ("http", "websocket"), scope["type"]
        request = _Request.of(scope)
        try:
            visitor = self._visitor(request)
            if request.writes and request.door.limit_bytes <= BODY_BYTES:
                receive = _again(await _body(receive, BODY_BYTES), receive)
        except _Refusal as refusal:
            if request.writes:
                with suppress(_Refusal):
                    await _body(receive, _DISCARDED_BYTES)
            await _refuse(refusal, request, _with_headers(send, request, None))
            return
        inner: Scope = {**scope, VISITOR: visitor}
        await self._app(inner, receive, _with_headers(send, request, visitor.site))

    def _visitor(self, request: _Request) -> Visitor:
        site = self._site(request)
        _check_origin(request, site)
        door = request.door
        if request.writes:
            _check_body(request, door)
        visitor = Visitor(site, self._visits(request, site))
        _check_role(door, visitor)
        if request.writes and door.roles:
            _check_csrf(request, visitor)
        return visitor

    def _site(self, request: _Request) -> Site:
        host = request.header("host")
        for site in self._sites:
            if (site.scheme, site.host) == (request.scheme, host):
                return site
        raise _Refusal(421, "This address is not served here.")

    def _visits(self, request: _Request, site: Site) -> tuple[Visit, ...]:
        """Every visit of a role that this site lets in. Cookies may be other programs' own, or lie."""
        pairs = [pair.strip().partition("=") for pair in (request.header("cookie") or "").split(";")]
        found = (
            self._tickets.visit(value, role)
            for role in Role
            for name, _, value in pairs
            if role in site.roles and name == cookie_name(role, site.port)
        )
        return tuple(visit for visit in found if visit is not None)


def _check_origin(request: _Request, site: Site) -> None:
    """Refuse what another site's page asks for: sockets and writes by Origin, reads by Sec-Fetch-Site."""
    origin = request.header("origin")
    if (request.socket or request.writes) and origin is None:
        raise _Refusal(403, "This has to come from one of vagal's own pages.")
    if origin is not None and origin != site.origin:
        raise _Refusal(403, "Another site's page may not ask for this.")
    fetch_site = request.header("sec-fetch-site")
    arriving = request.path.startswith(OPEN) and not request.writes
    if fetch_site not in (None, "same-origin", "none") and not arriving:
        raise _Refusal(403, "Another site's page may not ask for this.")


def _check_body(request: _Request, door: Door) -> None:
    if request.method != "POST" or not door.written:
        raise _Refusal(405, "This address is only read.")
    length = request.header("content-length")
    if length is None or not (length.isascii() and length.isdigit()) or request.header("transfer-encoding"):
        raise _Refusal(411, "The length of what is sent has to be stated.")
    if int(length[:20]) > door.limit_bytes:
        raise _Refusal(413, text("web.refused.too_much", most_kb=door.limit_bytes // 1024))


def _check_role(door: Door, visitor: Visitor) -> None:
    if not door.roles or any(visit.role in door.roles for visit in visitor.visits):
        return
    if visitor.visits:
        raise _Refusal(403, text("web.refused.not_yours"))
    raise _Refusal(401, text("web.refused.not_signed_in"))


def _check_csrf(request: _Request, visitor: Visitor) -> None:
    sent = (request.header("x-vagal-csrf") or "").encode()
    if not any(hmac.compare_digest(sent, visit.csrf.encode()) for visit in visitor.visits):
        raise _Refusal(403, text("web.refused.reload"))


async def _body(receive: Receive, most_bytes: int) -> bytes:
    """All that was sent. It is read before any answer: a line that is closed on a sender loses the answer.

    Raises _Refusal if it is more than `most_bytes`, or does not come.
    """
    body, more = bytearray(), True
    try:
        async with asyncio.timeout(_BODY_S):
            while more:
                message = await receive()
                body += message.get("body", b"")
                more = message["type"] == "http.request" and message.get("more_body", False)
                if len(body) > most_bytes:
                    raise _Refusal(413, "This is more than may be sent here.")
    except TimeoutError:
        raise _Refusal(408, "What was to be sent did not come.") from None
    return bytes(body)


def _again(body: bytes, receive: Receive) -> Receive:
    """Receive what was read already, then what follows."""
    waiting = [body]

    async def receiving() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return receiving


async def _refuse(refusal: _Refusal, request: _Request, send: Send) -> None:
    """One line, as JSON where a script asks."""
    asked_by_script = request.path.startswith("/api/") or request.writes
    if asked_by_script:
        body, kind = json.dumps({"error": refusal.line}).encode(), b"application/json"
    else:
        body, kind = (refusal.line + "\n").encode(), b"text/plain; charset=utf-8"
    start = "websocket.http.response" if request.socket else "http.response"
    headers = [
        (b"content-type", kind),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),  # a body that was not read must not pass for the next request
    ]
    await send({"type": f"{start}.start", "status": refusal.status, "headers": headers})
    await send({"type": f"{start}.body", "body": body})


def content_policy(site: Site | None) -> str:
    """What our pages may load: their own files, and their own socket by name (not all take 'self' for it)."""
    socket = f" {site.socket_origin}" if site else ""
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        f"connect-src 'self'{socket}; font-src 'self'; manifest-src 'self'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    )


def _with_headers(send: Send, request: _Request, site: Site | None) -> Send:
    """Add what every answer carries; one that has set a header itself keeps its own."""
    kept = b"no-cache" if request.path.startswith(PAGES) else b"no-store"
    added = [
        (b"content-security-policy", content_policy(site).encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"x-frame-options", b"DENY"),
        (b"referrer-policy", b"no-referrer"),
        (b"cross-origin-opener-policy", b"same-origin"),
        (b"cross-origin-resource-policy", b"same-origin"),
        (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
        (b"cache-control", kept),
    ]

    async def sending(message: Message) -> None:
        if message["type"] in ("http.response.start", "websocket.http.response.start", "websocket.accept"):
            own = list(message.get("headers", ()))
            names = {name.lower() for name, _ in own}
            message = {**message, "headers": [*own, *(pair for pair in added if pair[0] not in names)]}
        await send(message)

    return sending
