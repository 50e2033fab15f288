"""The web app: its addresses, and what each answers. Who may ask is the gate's business."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import os
import re
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from html import escape
from io import BytesIO
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import Scope
from starlette.websockets import WebSocket, WebSocketDisconnect

from flows.web.gate import CERTIFICATE, JOIN, VISITOR, Gate, Site, Visitor, cookie_name
from flows.web.hub import Hub, Reader, Role
from flows.web.library import Library
from flows.web.tickets import Tickets
from pipeline.claims.claim import Audience
from pipeline.errors import InUseError, VagalError
from pipeline.guidance.strategies import strategies
from pipeline.language import Text, current, text
from pipeline.manifest import software

PAGES = Path(__file__).parent / "pages"

_SHOWN_AT = {
    "/": "home.html",
    "/live": "clinician.html",
    "/practice": "client.html",
    "/client": "client.html",
    "/join": "join.html",
    "/progress/{client}": "progress.html",
}
WORDS = "/pages/words.js"
_HEAD = "<!-- head.html -->"
_PLACE = re.compile(r"\{\{([a-z_]+(?:\.\w+)*)\}\}")
_SCRIPTS = "web"  # their words are those under this key
_KINDS = {  # not left to the machine: on some, the registry calls a script text
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webmanifest": "application/manifest+json",
}
_REPORT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; sandbox"
)
_ARRIVED = (
    '<!doctype html><html lang="{language}"><meta charset="utf-8"><title>vagal</title>'
    '<link rel="icon" href="data:,"><meta http-equiv="refresh" content="0; url={target}">'
    '<p>{opening} <a href="{target}">{go_on}</a></p></html>'
)
_SEND_S = 30.0  # a page that takes nothing for so long is given up


class Control(Protocol):
    """What the pages may ask of the recorder. Each raises VagalError with one line for the person."""

    async def start(self, facts: Mapping[str, Any]) -> Mapping[str, Any]:
        """Start a session; what the page should know of it."""

    async def act(self, role: Role, facts: Mapping[str, Any]) -> Mapping[str, Any]:
        """Do what a page of this role asks for; what it should know of it."""


@dataclass(frozen=True, slots=True)
class Lan:
    """How the local network reaches the server: its site, and the certificate that is shown there."""

    site: Site
    fingerprint: str
    authority: bytes


@dataclass(frozen=True, slots=True)
class Parts:
    """What the app stands on."""

    hub: Hub
    tickets: Tickets
    library: Library
    control: Control
    sites: tuple[Site, ...]
    lan: Lan | None = None
    pages: Path = PAGES


def app_of(parts: Parts) -> Gate:
    """The whole app behind its gate."""
    answers = _Answers(parts)
    shown = [Route(path, shown_page(parts.pages / file), methods=["GET"]) for path, file in _SHOWN_AT.items()]
    routes = [
        *shown,
        Route(JOIN, answered(answers.join), methods=["POST"]),
        Route(CERTIFICATE, answers.certificate),
        Route("/report/{client}/{session}", answers.report),
        Route("/report/{client}/{session}/client", answers.client_edition),
        Route("/progress/{client}/report", answers.progress),
        Route("/progress/{client}/report/client", answers.client_progress),
        Route("/api/home", answered(answers.home)),
        Route("/api/clients/{client}", answered(answers.client)),
        Route("/api/clients/{client}/entries", answered(answers.enter), methods=["POST"]),
        Route("/api/clients/{client}/plan", answered(answers.plan), methods=["POST"]),
        Route("/api/sessions/{client}/{session}/release", answered(answers.release), methods=["POST"]),
        Route("/api/invite", answered(answers.invite)),
        Route("/api/strategies", answered(answers.strategies)),
        Route("/api/start", answered(answers.start), methods=["POST"]),
        Route("/api/act", answered(answers.act), methods=["POST"]),
        Route("/api/revoke", answered(answers.revoke), methods=["POST"]),
        Route("/api/import", answered(answers.import_), methods=["POST"]),
        WebSocketRoute("/socket", answers.socket),
        *entrance(parts),
    ]
    return Gate(Starlette(routes=routes), parts.sites, parts.tickets)


def entrance(parts: Parts) -> list[BaseRoute]:
    """What every app of ours has: how one comes in, who one is, and the pages' files."""
    answers = _Answers(parts)
    return [
        Route("/open/{ticket}", answers.open),
        Route("/api/me", answered(answers.me)),
        Route(WORDS, _words(parts.pages / "words.js"), methods=["GET"]),
        Mount("/pages", _Pages(directory=parts.pages)),
    ]


class _Pages(StaticFiles):
    """The pages' files, each with its kind."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        kind = _KINDS.get(Path(path).suffix)
        if kind is not None and response.status_code == 200:
            response.headers["content-type"] = kind
        return response


def shown_page(file: Path) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint that serves a page, made up as `read_page` does."""

    async def shown(_: Request) -> Response:
        if not file.is_file():
            raise HTTPException(404)
        return HTMLResponse(await asyncio.to_thread(read_page, file))

    return shown


def _words(file: Path) -> Callable[[Request], Awaitable[Response]]:
    """The words of the scripts: a file among others, but for the language in use that it is made from."""

    async def said(request: Request) -> Response:
        if not file.is_file():
            raise HTTPException(404)
        content = (await asyncio.to_thread(read_page, file)).encode()
        headers = {"etag": f'"{hashlib.sha256(content).hexdigest()[:32]}"'}
        if request.headers.get("if-none-match") == headers["etag"]:
            return Response(status_code=304, headers=headers)
        return Response(content, media_type=_KINDS[".js"], headers=headers)

    return said


def read_page(file: Path) -> str:
    """A page as it is served: with the words of its {{places}}, and with head.html beside it where it asks.

    {{web}} are all words of the scripts, as a JSON object by key.
    """
    page = file.read_text(encoding="utf-8")
    if _HEAD in page:
        page = page.replace(_HEAD, file.with_name("head.html").read_text(encoding="utf-8").rstrip(), 1)
    return _PLACE.sub(_placed, page)


def _placed(place: re.Match[str]) -> str:
    key = place[1]
    return json.dumps(_script_words()) if key == _SCRIPTS else escape(text(key))


def _script_words() -> dict[str, Text]:
    return {key: said for key, said in current().entries.items() if key.startswith(f"{_SCRIPTS}.")}


def answered(
    answer: Callable[[Request], Awaitable[Mapping[str, Any]]],
) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint from a function that returns facts; what goes wrong is one line and its status."""

    async def answering(request: Request) -> Response:
        cookies: Mapping[str, Any] = {}
        try:
            facts = dict(await answer(request))
            cookies = facts.pop(_COOKIE, {})
            response = JSONResponse(facts)
        except HTTPException as error:
            response = JSONResponse({"error": error.detail}, error.status_code)
        except VagalError as error:
            response = JSONResponse({"error": str(error)}, 409 if isinstance(error, InUseError) else 400)
        except Exception as error:
            if os.environ.get("VAGAL_DEBUG"):
                raise
            line = text("web.refused.fault", kind=type(error).__name__)
            response = JSONResponse({"error": line}, 500)
        for name, settings in cookies.items():
            response.set_cookie(name, **settings)
        return response

    return answering


_COOKIE = "set-cookie"


async def sent_facts(request: Request) -> dict[str, Any]:
    """The JSON object that was sent. Raises HTTPException for anything else."""
    try:
        facts = json.loads(await request.body())
    except (ValueError, RecursionError):
        facts = None
    if not isinstance(facts, dict):
        raise HTTPException(400, "What was sent is not a JSON object.")
    return facts


def _arrived_words() -> dict[str, str]:
    keys = {"language": "page.language", "opening": "web.opening", "go_on": "web.go_on"}
    return {name: escape(text(key)) for name, key in keys.items()}


def _visitor(scope: Scope) -> Visitor:
    visitor = scope[VISITOR]
    assert isinstance(visitor, Visitor)
    return visitor


def _role(asked: str | None, visitor: Visitor) -> Role:
    """The role asked for, or the highest the visitor has. Raises HTTPException if it is not theirs."""
    if asked is None:
        return next(role for role in Role if visitor.acts_as(role))
    try:
        role = Role(asked)
    except ValueError:
        raise HTTPException(400, "There is no such role.") from None
    if visitor.acts_as(role) is None:
        raise HTTPException(403, text("web.refused.not_yours"))
    return role


def _whole(told: str | None) -> int | None:
    return int(told) if told and told.isascii() and told.isdigit() and len(told) < 16 else None


class _Answers:
    """What the addresses answer."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def open(self, request: Request) -> Response:
        """A ticket becomes a cookie. A browser that only looks ahead does not use it up."""
        purpose = request.headers.get("sec-purpose", "") + request.headers.get("purpose", "")
        if request.method != "GET" or "prefetch" in purpose:
            return PlainTextResponse(text("web.refused.for_a_person") + "\n", 403)
        site = _visitor(request.scope).site
        ticket = self._parts.tickets.redeem(request.path_params["ticket"], site.roles)
        if ticket is None:
            return PlainTextResponse(text("web.refused.used_link") + "\n", 403)
        response = HTMLResponse(_ARRIVED.format(target=escape(ticket.target), **_arrived_words()))
        for name, settings in self._cookie(ticket.role, site).items():
            response.set_cookie(name, **settings)
        return response

    async def join(self, request: Request) -> Mapping[str, Any]:
        code = (await sent_facts(request)).get("code")
        if not isinstance(code, str) or not self._parts.tickets.takes_code(code):
            raise HTTPException(403, text("web.refused.code"))
        site = _visitor(request.scope).site
        return {"ok": True, "url": "/client", _COOKIE: self._cookie(Role.CLIENT, site)}

    def _cookie(self, role: Role, site: Site) -> dict[str, Any]:
        name = cookie_name(role, site.port)
        settings = {"httponly": True, "samesite": "strict", "path": "/", "secure": site.scheme == "https"}
        return {name: {"value": self._parts.tickets.admit(role), **settings}}

    async def certificate(self, request: Request) -> Response:
        """The local authority, for a phone that is to trust it; only where it is needed."""
        lan = self._parts.lan
        if lan is None or _visitor(request.scope).site != lan.site:
            raise HTTPException(404)
        disposition = {"content-disposition": 'attachment; filename="vagal-authority.crt"'}
        return Response(lan.authority, media_type="application/x-x509-ca-cert", headers=disposition)

    async def report(self, request: Request) -> Response:
        return await self._report(request, Audience.CLINICIAN)

    async def client_edition(self, request: Request) -> Response:
        return await self._report(request, Audience.CLIENT)

    async def _report(self, request: Request, audience: Audience) -> Response:
        try:
            path = await self._parts.library.report(**request.path_params, audience=audience)
        except VagalError as error:
            return PlainTextResponse(f"{error}\n", 404)
        policy = {"content-security-policy": _REPORT_POLICY}
        return FileResponse(path, media_type="text/html; charset=utf-8", headers=policy)

    async def progress(self, request: Request) -> Response:
        return await self._progress(request, Audience.CLINICIAN)

    async def client_progress(self, request: Request) -> Response:
        return await self._progress(request, Audience.CLIENT)

    async def _progress(self, request: Request, audience: Audience) -> Response:
        try:
            path = await self._parts.library.progress(request.path_params["client"], audience)
        except VagalError as error:
            return PlainTextResponse(f"{error}\n", 404)
        policy = {"content-security-policy": _REPORT_POLICY}
        return FileResponse(path, media_type="text/html; charset=utf-8", headers=policy)

    async def me(self, request: Request) -> Mapping[str, Any]:
        visitor = _visitor(request.scope)
        role = _role(request.query_params.get("role"), visitor)
        visit, lan = visitor.acts_as(role), self._parts.lan
        assert visit is not None
        return {
            "role": role,
            "csrf": visit.csrf,
            "lan": lan.site.origin if lan else None,
            "version": software()["version"],
        }

    async def home(self, _: Request) -> Mapping[str, Any]:
        return await self._parts.library.home()

    async def client(self, request: Request) -> Mapping[str, Any]:
        return await self._parts.library.client(request.path_params["client"])

    async def enter(self, request: Request) -> Mapping[str, Any]:
        library = self._parts.library
        return {"ok": True, **await library.enter(request.path_params["client"], await sent_facts(request))}

    async def plan(self, request: Request) -> Mapping[str, Any]:
        library = self._parts.library
        return {"ok": True, **await library.plan(request.path_params["client"], await sent_facts(request))}

    async def release(self, request: Request) -> Mapping[str, Any]:
        library = self._parts.library
        return {"ok": True, **await library.release(**request.path_params, facts=await sent_facts(request))}

    async def invite(self, request: Request) -> Mapping[str, Any]:
        invitation, lan = self._parts.tickets.invitation(), self._parts.lan
        site = lan.site if lan else _visitor(request.scope).site
        url = f"{site.origin}{JOIN}#{invitation.code}"
        return {
            "code": invitation.code,
            "url": url,
            "qr_svg": _qr(url) if lan else None,  # nothing but this machine reaches loopback
            "expires_in_s": round(invitation.expires_in_s),
            "fingerprint": lan.fingerprint if lan else None,
        }

    async def strategies(self, _: Request) -> Mapping[str, Any]:
        found = await asyncio.to_thread(strategies, self._parts.library.home_path)
        return {
            "strategies": [
                {"id": name, **{key: value for key, value in asdict(each).items() if key != "name"}}
                for name, each in found.items()
            ]
        }

    async def start(self, request: Request) -> Mapping[str, Any]:
        return {"ok": True, **await self._parts.control.start(await sent_facts(request))}

    async def act(self, request: Request) -> Mapping[str, Any]:
        role = _role(request.query_params.get("role"), _visitor(request.scope))
        facts = await sent_facts(request)
        if not isinstance(facts.get("do"), str):
            raise HTTPException(400, 'An action has a name: {"do": "..."}.')
        return {"ok": True, **await self._parts.control.act(role, facts)}

    async def revoke(self, _: Request) -> Mapping[str, Any]:
        self._parts.tickets.revoke(Role.CLIENT)
        self._parts.hub.dismiss(Role.CLIENT)
        return {"ok": True}

    async def import_(self, request: Request) -> Mapping[str, Any]:
        name, client = (request.headers.get(f"x-vagal-{key}", "") for key in ("name", "client"))
        content = request.stream()
        try:
            return {"ok": True, **await self._parts.library.import_file(client, unquote(name), content)}
        finally:
            with suppress(ClientDisconnect):  # an answer gets through only once all was read
                async for _ in content:
                    pass

    async def socket(self, socket: WebSocket) -> None:
        """Tell a page what it may know, from where it left off, until it goes."""
        asked = socket.query_params
        try:
            role = _role(asked.get("role"), _visitor(socket.scope))
        except HTTPException as error:
            await socket.send_denial_response(PlainTextResponse(f"{error.detail}\n", error.status_code))
            return
        await socket.accept()
        news = asyncio.Event()
        hub = self._parts.hub
        reader = hub.join(role, news.set, after=_whole(asked.get("after")), epoch=asked.get("epoch"))
        telling = asyncio.ensure_future(_tell(socket, reader, news))
        try:
            await _until_gone(socket, telling)
        finally:
            hub.leave(reader)
            telling.cancel()
            with suppress(asyncio.CancelledError, WebSocketDisconnect, TimeoutError):
                await telling


async def _tell(socket: WebSocket, reader: Reader, news: asyncio.Event) -> None:
    """Send what the reader has, as fast as the page takes it."""
    while not reader.dismissed:
        news.clear()
        while not reader.dismissed and (message := reader.take()) is not None:
            async with asyncio.timeout(_SEND_S):
                await socket.send_text(message)
        await news.wait()
    await socket.close(1008)


async def _until_gone(socket: WebSocket, telling: asyncio.Future[None]) -> None:
    """Wait until the page leaves or says something, which it never should, or cannot be told any more."""
    listening = asyncio.ensure_future(socket.receive())
    await asyncio.wait((listening, telling), return_when=asyncio.FIRST_COMPLETED)
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)


def _qr(url: str) -> str:
    """The address as a QR code: an SVG in a data address, for the src of an image."""
    import segno

    svg = BytesIO()
    segno.make(url, error="m", micro=False).save(svg, kind="svg", scale=4, border=4, light="#ffffff")
    return "data:image/svg+xml;base64," + base64.b64encode(svg.getvalue()).decode()
