"""What the gate refuses: none of it reaches the app, and none of it gets more than one line."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pytest

from flows.web.gate import DOORS, VISITOR, Gate, Site, Visitor, content_policy, cookie_name
from flows.web.hub import Role
from flows.web.tickets import Tickets

HOST = "127.0.0.1:8601"
LAN_HOST = "192.168.1.20:8601"
SITES = (
    Site("http", HOST),
    Site("http", "localhost:8601"),
    Site("https", LAN_HOST, frozenset({Role.CLIENT})),
)
SECRET = b"what nobody else may read"
Pairs = Iterable[tuple[str, str]]


@dataclass(frozen=True)
class Answer:
    """What came back, and whether it was the app that gave it."""

    status: int
    headers: dict[str, str]
    body: bytes
    visitor: Visitor | None

    @property
    def reached(self) -> bool:
        return self.visitor is not None


class House:
    """A gate before an app that tells its secret to all who get there."""

    def __init__(self) -> None:
        self.tickets = Tickets()
        self.gate = Gate(self._app, SITES, self.tickets)
        self.cookies = {role: self.tickets.admit(role) for role in Role}

    async def _app(self, scope: Any, receive: Any, send: Any) -> None:
        self._visitor = scope[VISITOR]
        if scope["type"] == "websocket":
            await send({"type": "websocket.accept"})
        else:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": SECRET})

    def cookie(self, role: Role, port: int = 8601) -> tuple[str, str]:
        return "Cookie", f"{cookie_name(role, port)}={self.cookies[role]}"

    def csrf(self, role: Role) -> str:
        visit = self.tickets.visit(self.cookies[role], role)
        assert visit is not None
        return visit.csrf

    def ask(
        self,
        path: str,
        *headers: tuple[str, str],
        method: str = "GET",
        host: str | None = HOST,
        scheme: str = "http",
        socket: bool = False,
        receive: Any = None,
    ) -> Answer:
        sent: list[Any] = []
        self._visitor = None
        own = [("Host", host)] if host is not None else []
        scope = {
            "type": "websocket" if socket else "http",
            "scheme": {"http": "ws", "https": "wss"}[scheme] if socket else scheme,
            "method": method,
            "path": path,
            "query_string": b"",
            "client": ("127.0.0.1", 1),
            "headers": [(n.lower().encode(), v.encode()) for n, v in [*own, *headers]],
        }

        async def send(message: Any) -> None:
            sent.append(message)

        async def two_bytes() -> Any:
            return {"type": "http.request", "body": b"{}", "more_body": False}

        asyncio.run(self.gate(scope, receive or two_bytes, send))
        headers_sent = {n.decode(): v.decode() for n, v in sent[0].get("headers", ())}
        body = b"".join(message.get("body", b"") for message in sent[1:])
        return Answer(sent[0].get("status", 101), headers_sent, body, self._visitor)


@pytest.fixture
def house() -> House:
    return House()


def write(house: House, role: Role = Role.OPERATOR, **changed: str | None) -> list[tuple[str, str]]:
    """The headers of a write from our own page, some of them changed or left out."""
    headers = {
        "Cookie": house.cookie(role)[1],
        "Origin": f"http://{HOST}",
        "Content-Length": "2",
        "X-Vagal-CSRF": house.csrf(role),
    }
    headers |= {name.replace("_", "-"): value for name, value in changed.items()}  # type: ignore[misc]
    return [(name, value) for name, value in headers.items() if value is not None]


HOSTS = [
    pytest.param(None, id="none"),
    pytest.param("", id="empty"),
    pytest.param("127.0.0.1", id="without the port"),
    pytest.param("127.0.0.1:8602", id="another port"),
    pytest.param("127.0.0.1:08601", id="written otherwise"),
    pytest.param("evil.example:8601", id="a name that was bound to us"),
    pytest.param("127.0.0.1:8601.evil.example", id="a longer name"),
    pytest.param("evil.example@127.0.0.1:8601", id="with a user"),
    pytest.param("localhost.:8601", id="with a dot"),
    pytest.param("LOCALHOST:8601", id="in capitals, as no browser sends it"),
    pytest.param("[::1]:8601", id="IPv6"),
    pytest.param("2130706433:8601", id="as a number"),
    pytest.param(LAN_HOST, id="the other listener's"),
]


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("path", ["/", "/open/x", "/pages/net.js", "/api/home", "/socket"])
def test_a_hostile_host(house: House, host: str | None, path: str) -> None:
    socket = path == "/socket"
    headers = [house.cookie(Role.OPERATOR), ("Origin", f"http://{host}")]
    answer = house.ask(path, *headers, host=host, socket=socket)
    assert (answer.status, answer.reached) == (421, False)


def test_two_hosts(house: House) -> None:
    answer = house.ask("/", house.cookie(Role.OPERATOR), ("Host", "evil.example"))
    assert (answer.status, answer.reached) == (400, False)


ORIGINS = [
    pytest.param(None, id="missing"),
    pytest.param("null", id="null"),
    pytest.param("", id="empty"),
    pytest.param("http://evil.example", id="foreign"),
    pytest.param("http://127.0.0.1:8602", id="other port"),
    pytest.param("http://127.0.0.1", id="no port"),
    pytest.param(f"https://{HOST}", id="other scheme"),
    pytest.param(f"http://{HOST}.evil.example", id="longer"),
    pytest.param("http://localhost:8601", id="the same server by its other name"),
    pytest.param(f"http://{HOST}/", id="with a path"),
    pytest.param(f"http://{HOST} http://{HOST}", id="twice in one"),
    pytest.param(f"HTTP://{HOST}", id="in capitals"),
]


@pytest.mark.parametrize("origin", ORIGINS)
@pytest.mark.parametrize("path", ["/api/act", "/api/start", "/api/import", "/join"])
def test_a_write_from_elsewhere(house: House, origin: str | None, path: str) -> None:
    answer = house.ask(path, *write(house, Origin=origin), method="POST")
    assert (answer.status, answer.reached) == (403, False)


@pytest.mark.parametrize("origin", ORIGINS)
@pytest.mark.parametrize("role", Role)
def test_a_socket_from_elsewhere(house: House, origin: str | None, role: Role) -> None:
    headers = [house.cookie(role)] + ([("Origin", origin)] if origin is not None else [])
    answer = house.ask("/socket", *headers, socket=True)
    assert (answer.status, answer.reached) == (403, False)


@pytest.mark.parametrize("path", ["/", "/api/home", "/pages/net.js", "/client", "/join", "/certificate"])
@pytest.mark.parametrize(
    ("site", "reached"),
    [
        (None, True),
        ("same-origin", True),
        ("none", True),
        ("same-site", False),
        ("cross-site", False),
        ("x", False),
    ],
)
def test_a_read_by_where_it_comes_from(house: House, path: str, site: str | None, reached: bool) -> None:
    headers = [house.cookie(Role.OPERATOR)] + ([("Sec-Fetch-Site", site)] if site else [])
    answer = house.ask(path, *headers)
    assert (answer.reached, answer.status) == ((True, 200) if reached else (False, 403))


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none", None])
def test_only_a_ticket_may_come_from_anywhere(house: House, site: str | None) -> None:
    assert house.ask("/open/x", *([("Sec-Fetch-Site", site)] if site else [])).reached


def test_a_foreign_origin_on_a_read(house: House) -> None:
    answer = house.ask("/api/home", house.cookie(Role.OPERATOR), ("Origin", "http://evil.example"))
    assert (answer.status, answer.reached) == (403, False)


OPERATOR_ONLY = [
    "/",
    "/live",
    "/practice",
    "/progress/me",
    "/report/me/x",
    "/api/home",
    "/api/clients/me",
    "/api/clients/me/entries",
    "/api/sessions/me/x/release",
    "/report/me/x/client",
    "/api/invite",
    "/anything/else",
    "/client/",
    "/pages",
    "//client",
]
FOR_BOTH = ["/client", "/api/me", "/api/strategies"]
FOR_ANYONE = ["/open/x", "/join", "/certificate", "/pages/base.css"]


@pytest.mark.parametrize(
    ("who", "paths", "status"),
    [
        pytest.param(None, OPERATOR_ONLY + FOR_BOTH, 401, id="nobody"),
        pytest.param(None, FOR_ANYONE, 200, id="nobody, open doors"),
        pytest.param(Role.CLIENT, OPERATOR_ONLY, 403, id="a client, the operator's"),
        pytest.param(Role.CLIENT, FOR_BOTH + FOR_ANYONE, 200, id="a client"),
        pytest.param(Role.OPERATOR, OPERATOR_ONLY + FOR_BOTH + FOR_ANYONE, 200, id="the operator"),
    ],
)
def test_doors(house: House, who: Role | None, paths: list[str], status: int) -> None:
    headers = [house.cookie(who)] if who else []
    assert {path: house.ask(path, *headers).status for path in paths} == dict.fromkeys(paths, status)


@pytest.mark.parametrize(
    "door", [door for door in DOORS if door.written and door.roles], ids=lambda d: d.path
)
@pytest.mark.parametrize("role", Role)
def test_written_doors(house: House, door: Any, role: Role) -> None:
    answer = house.ask(door.path, *write(house, role), method="POST")
    assert answer.reached == (role in door.roles)


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        pytest.param({"X_Vagal_CSRF": None}, 403, id="no token"),
        pytest.param({"X_Vagal_CSRF": ""}, 403, id="an empty token"),
        pytest.param({"X_Vagal_CSRF": "0" * 64}, 403, id="a wrong token"),
        pytest.param({"X_Vagal_CSRF": "é"}, 403, id="a token of other letters"),
        pytest.param({"Cookie": None}, 401, id="no cookie"),
        pytest.param({"Cookie": "vagal_operator_8601="}, 401, id="an empty cookie"),
        pytest.param({"Cookie": "vagal_operator_8601"}, 401, id="a cookie without a value"),
        pytest.param({"Content_Length": None}, 411, id="no length"),
        pytest.param({"Content_Length": "x"}, 411, id="a length that is none"),
        pytest.param({"Content_Length": "-1"}, 411, id="a length below nothing"),
        pytest.param({"Content_Length": "²"}, 411, id="a digit that is none"),
        pytest.param({"Content_Length": "65537"}, 413, id="too long"),
        pytest.param({"Content_Length": "9" * 5000}, 413, id="a length without an end"),
        pytest.param({"Transfer_Encoding": "chunked"}, 411, id="in pieces"),
        pytest.param({"Sec_Fetch_Site": "cross-site"}, 403, id="from another site"),
    ],
)
def test_a_write_that_lacks_something(house: House, changed: dict[str, str | None], status: int) -> None:
    answer = house.ask("/api/act", *write(house, **changed), method="POST")
    assert (answer.status, answer.reached) == (status, False)
    assert list(json.loads(answer.body)) == ["error"]


def test_a_token_is_of_the_visit_that_sends_it(house: House) -> None:
    other = house.csrf(Role.CLIENT)
    answer = house.ask("/api/act", *write(house, Role.OPERATOR, X_Vagal_CSRF=other), method="POST")
    assert (answer.status, answer.reached) == (403, False)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "get", "X"])
@pytest.mark.parametrize("path", ["/", "/api/act", "/pages/net.js"])
def test_other_methods(house: House, method: str, path: str) -> None:
    answer = house.ask(path, *write(house), method=method)
    assert (answer.status, answer.reached) == (405, False)


@pytest.mark.parametrize("path", ["/", "/api/home", "/open/x", "/certificate", "/pages/net.js", "/live"])
def test_what_is_only_read(house: House, path: str) -> None:
    assert house.ask(path, *write(house), method="POST").status == 405


@pytest.mark.parametrize(
    "cookie",
    [
        pytest.param("vagal_operator_8602={value}", id="of another port"),
        pytest.param("vagal_client_8601={value}", id="of another role"),
        pytest.param("vagal_operator_8601={value}x", id="nearly"),
        pytest.param('vagal_operator_8601="{value}"', id="quoted"),
        pytest.param("Vagal_Operator_8601={value}", id="in capitals"),
    ],
)
def test_a_cookie_that_is_not_ours(house: House, cookie: str) -> None:
    value = cookie.format(value=house.cookies[Role.OPERATOR])
    assert house.ask("/", ("Cookie", value)).status == 401


@pytest.mark.parametrize(
    "cookie",
    [
        pytest.param('theirs={{"a": [1]}}; {ours}', id="other programs' cookies"),
        pytest.param("a[b]=c;;=;x; {ours}", id="broken ones"),
        pytest.param("vagal_operator_8601=planted; {ours}", id="one that was planted before"),
        pytest.param("{ours}; vagal_operator_8601=planted", id="one that was planted after"),
    ],
)
def test_cookies_beside_ours(house: House, cookie: str) -> None:
    ours = house.cookie(Role.OPERATOR)[1]
    assert house.ask("/", ("Cookie", cookie.format(ours=ours))).reached


def test_the_network_lets_only_clients_in(house: House) -> None:
    lan: dict[str, Any] = {"host": LAN_HOST, "scheme": "https"}
    both = ("Cookie", f"{house.cookie(Role.OPERATOR)[1]}; {house.cookie(Role.CLIENT)[1]}")
    assert house.ask("/", house.cookie(Role.OPERATOR), **lan).status == 401
    assert house.ask("/", both, **lan).status == 403
    answer = house.ask("/client", both, **lan)
    assert answer.visitor is not None
    assert [visit.role for visit in answer.visitor.visits] == [Role.CLIENT]
    assert answer.visitor.acts_as(Role.OPERATOR) is None


def test_an_operator_may_act_as_a_client(house: House) -> None:
    visitor = house.ask("/client", house.cookie(Role.OPERATOR)).visitor
    assert visitor is not None
    assert visitor.acts_as(Role.CLIENT) is visitor.acts_as(Role.OPERATOR) is visitor.visits[0]


def test_the_peer_proves_nothing(house: House) -> None:
    forwarded = [("X-Forwarded-For", "127.0.0.1"), ("X-Forwarded-Host", HOST), ("Forwarded", "for=127.0.0.1")]
    assert house.ask("/api/home", *forwarded).status == 401


@pytest.mark.parametrize(
    ("path", "how", "cache"),
    [
        pytest.param("/api/home", {}, "no-store", id="data"),
        pytest.param("/pages/net.js", {}, "no-cache", id="a page's file"),
        pytest.param("/api/home", {"host": "evil.example"}, "no-store", id="a refusal"),
    ],
)
def test_headers_that_every_answer_carries(house: House, path: str, how: dict[str, Any], cache: str) -> None:
    answer = house.ask(path, house.cookie(Role.OPERATOR), **how)
    policy = answer.headers["content-security-policy"]
    assert {part.strip() for part in policy.split(";")} >= {
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    }
    assert "unsafe" not in policy
    names = ["x-content-type-options", "x-frame-options", "referrer-policy", "cache-control"]
    names += ["cross-origin-opener-policy", "cross-origin-resource-policy"]
    assert [answer.headers[name] for name in names] == [
        "nosniff",
        "DENY",
        "no-referrer",
        cache,
        "same-origin",
        "same-origin",
    ]


@pytest.mark.parametrize(
    ("site", "allowed"),
    [
        (SITES[0], f"connect-src 'self' ws://{HOST};"),
        (SITES[2], f"connect-src 'self' wss://{LAN_HOST};"),
        (None, "connect-src 'self';"),
    ],
    ids=["loopback", "network", "refused"],
)
def test_the_socket_is_allowed_by_name(site: Site | None, allowed: str) -> None:
    assert allowed in content_policy(site)


def test_refusals_say_nothing(house: House) -> None:
    answers = [
        house.ask("/api/home", host="evil.example"),
        house.ask("/api/home"),
        house.ask("/api/home", house.cookie(Role.CLIENT)),
        house.ask("/socket", house.cookie(Role.OPERATOR), socket=True),
        house.ask("/api/act", *write(house, X_Vagal_CSRF=None), method="POST"),
    ]
    for answer in answers:
        assert answer.body.count(b"\n") <= 1
        assert SECRET not in answer.body
        assert HOST.encode() not in answer.body


def test_a_body_that_grows_past_its_length_is_refused(house: House) -> None:
    async def receive() -> Any:
        return {"type": "http.request", "body": b"x" * 1024, "more_body": True}

    sent = house.ask("/api/act", *write(house), method="POST", receive=receive)
    assert (sent.status, sent.reached) == (413, False)


def test_a_sender_that_leaves_is_not_waited_for(house: House) -> None:
    async def receive() -> Any:
        return {"type": "http.disconnect"}

    assert house.ask("/api/act", *write(house, Origin=None), method="POST", receive=receive).status == 403
