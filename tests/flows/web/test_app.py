"""Each address over a real socket: who gets what, and that nobody else gets any of it."""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from devices.decoding import decode
from flows.web.app import PAGES
from flows.web.hub import Role
from pipeline.profile import Profile, write_profile
from pipeline.sealing import seal
from tests.flows.web.house import (
    PAGE,
    WAIT_S,
    House,
    cookies,
    csrf,
    heard,
    news,
    served,
    until_closed,
    writing,
)
from tests.pipeline.sessions import records, write_journal

SESSION = "2027-01-15T08-00-00-ab12"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("house") / "home"
    folder = home / "sessions" / "c1" / SESSION
    write_journal(folder, records(2))
    seal(folder, decode)
    return home


@pytest.fixture(scope="module")
def house(home: Path) -> Iterator[House]:
    with served(home) as house:
        yield house


@pytest.fixture(scope="module")
def operator(house: House) -> Iterator[httpx.Client]:
    with house.browser(Role.OPERATOR) as browser:
        yield browser


@pytest.fixture(scope="module")
def client(house: House) -> Iterator[httpx.Client]:
    with house.browser(Role.CLIENT) as browser:
        yield browser


@pytest.fixture(scope="module")
def nobody(house: House) -> Iterator[httpx.Client]:
    with house.browser(None) as browser:
        yield browser


def test_a_link_becomes_a_cookie_once(house: House, nobody: httpx.Client) -> None:
    link = house.server.ticket(Role.OPERATOR, "/live")
    first = nobody.get(link)
    again = httpx.get(link)
    assert (first.status_code, again.status_code) == (200, 403)
    assert '<meta http-equiv="refresh" content="0; url=/live">' in first.text
    cookie = first.headers["set-cookie"]
    assert cookie.startswith(f"vagal_operator_{house.server.port}=")
    assert {part.strip().lower() for part in cookie.split(";")[1:]} == {
        "httponly",
        "path=/",
        "samesite=strict",
    }
    assert "set-cookie" not in again.headers
    nobody.cookies.clear()


@pytest.mark.parametrize(
    "looking",
    [
        pytest.param({"headers": {"Sec-Purpose": "prefetch"}}, id="prefetch"),
        pytest.param({"headers": {"Sec-Purpose": "prefetch;prerender"}}, id="prerender"),
        pytest.param({"headers": {"Purpose": "prefetch"}}, id="as older browsers say it"),
        pytest.param({"method": "HEAD"}, id="HEAD"),
    ],
)
def test_looking_ahead_does_not_use_a_link_up(house: House, looking: dict[str, Any]) -> None:
    link = house.server.ticket(Role.OPERATOR, "/")
    looked = httpx.request(**{"method": "GET", "url": link, **looking})
    assert (looked.status_code, "set-cookie" in looked.headers) == (403, False)
    assert httpx.get(link).status_code == 200


def test_a_link_from_another_site_works(house: House) -> None:
    link = house.server.ticket(Role.CLIENT, "/client")
    assert httpx.get(link, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200


PAGES_OF = {
    "/": (True, False, False),
    "/live": (True, False, False),
    "/practice": (True, False, False),
    "/progress/c1": (True, False, False),
    "/progress/c1/report": (True, False, False),
    "/progress/c1/report/client": (True, False, False),
    f"/report/c1/{SESSION}": (True, False, False),
    "/api/home": (True, False, False),
    "/api/clients/c1": (True, False, False),
    "/api/invite": (True, False, False),
    "/client": (True, True, False),
    "/api/me": (True, True, False),
    "/api/strategies": (True, True, False),
    "/join": (True, True, True),
    "/pages/net.js": (True, True, True),
}


@pytest.mark.parametrize(("path", "whose"), PAGES_OF.items(), ids=list(PAGES_OF))
def test_who_reads_what(
    path: str,
    whose: tuple[bool, ...],
    operator: httpx.Client,
    client: httpx.Client,
    nobody: httpx.Client,
) -> None:
    statuses = tuple(browser.get(path).status_code for browser in (operator, client, nobody))
    expected = tuple(200 if may else no for may, no in zip(whose, (403, 403, 401), strict=True))
    assert statuses == expected


@pytest.mark.parametrize("path", [*PAGES_OF, "/nothing", "/open/x", "/api/act", "/certificate"])
@pytest.mark.parametrize("who", ["operator", "nobody"])
def test_nothing_can_be_framed_or_kept(path: str, who: str, request: pytest.FixtureRequest) -> None:
    browser: httpx.Client = request.getfixturevalue(who)
    headers = browser.get(path).headers
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == ("no-cache" if path.startswith("/pages/") else "no-store")
    assert "server" not in headers


@pytest.mark.parametrize(
    ("file", "kind"),
    [("net.js", "text/javascript"), ("base.css", "text/css"), ("home.html", "text/html")],
)
def test_files_have_their_kind(nobody: httpx.Client, file: str, kind: str) -> None:
    assert nobody.get(f"/pages/{file}").headers["content-type"] == f"{kind}; charset=utf-8"


@pytest.mark.parametrize(
    "path",
    [
        "/pages/../app.py",
        "/pages/..%2fhome%2fsessions%2fc1%2f" + SESSION + "%2fsession.json",
        "/pages/%2e%2e/home/serial.key",
        "/pages/....//home",
        "/pages//etc/passwd",
        "/pages/%00",
        "/pages/..\\home",
        f"/report/../sessions/{SESSION}",
        f"/report/c1%2f..%2fc1/{SESSION}",
        "/report/c1/..",
        "/report/c1/%2e%2e",
        "/report/..%2f..%2fetc/passwd",
        f"/report/c1/{SESSION}%2fderived",
        f"/report/C1/{SESSION}",
        "/report/c1/" + "a" * 5000,
        "/api/clients/..%2f..",
        "/api/clients/%2e%2e",
    ],
)
def test_no_way_out_of_the_folders(operator: httpx.Client, house: House, path: str) -> None:
    raw = httpx.Request("GET", house.url)
    raw.url = raw.url.copy_with(raw_path=path.encode())
    raw.headers["Cookie"] = cookies(operator)
    answer = operator.send(raw)
    assert answer.status_code in (400, 404)
    assert b"root:" not in answer.content
    assert b"session_id" not in answer.content


def test_who_am_i(house: House, operator: httpx.Client, client: httpx.Client) -> None:
    mine, asked = operator.get("/api/me").json(), operator.get("/api/me?role=client").json()
    assert (mine["role"], mine["lan"], asked["role"]) == ("operator", None, "client")
    assert mine["csrf"] == asked["csrf"] != client.get("/api/me").json()["csrf"]
    assert client.get("/api/me").json()["role"] == "client"
    assert client.get("/api/me?role=operator").status_code == 403
    assert client.get("/api/me?role=king").status_code == 400


def test_actions_reach_the_recorder_with_their_role(
    house: House, operator: httpx.Client, client: httpx.Client
) -> None:
    house.control.asked.clear()
    asked = [
        (operator, "", Role.OPERATOR),
        (operator, "?role=client", Role.CLIENT),
        (client, "", Role.CLIENT),
        (client, "?role=client", Role.CLIENT),
    ]
    for browser, query, role in asked:
        answer = browser.post("/api/act" + query, json={"do": "mark"}, headers=writing(house, browser, role))
        assert answer.json() == {"ok": True, "id": 7}
    assert house.control.asked == [(role, {"do": "mark"}) for _, _, role in asked]


def test_a_client_cannot_act_as_the_operator(house: House, client: httpx.Client) -> None:
    house.control.asked.clear()
    headers = writing(house, client, Role.CLIENT)
    assert client.post("/api/act?role=operator", json={"do": "mark"}, headers=headers).status_code == 403
    assert client.post("/api/start", json={}, headers=headers).status_code == 403
    assert client.post("/api/import", content=b"800\n", headers=headers).status_code == 403
    assert client.post("/api/revoke", json={}, headers=headers).status_code == 403
    assert house.control.asked == []


@pytest.mark.parametrize(
    ("path", "body", "status", "answer"),
    [
        ("/api/start", b'{"client": "c1"}', 200, {"ok": True, "session_id": "s-1"}),
        ("/api/start", b'{"client": "busy"}', 409, {"error": "a session is running"}),
        ("/api/act", b'{"do": "dance"}', 400, {"error": "there is no action 'dance'"}),
        ("/api/act", b'{"do": 5}', 400, {"error": 'An action has a name: {"do": "..."}.'}),
        ("/api/act", b"{}", 400, {"error": 'An action has a name: {"do": "..."}.'}),
        ("/api/act", b"[]", 400, {"error": "What was sent is not a JSON object."}),
        ("/api/act", b"{", 400, {"error": "What was sent is not a JSON object."}),
        ("/api/act", b"\xff", 400, {"error": "What was sent is not a JSON object."}),
        ("/api/act", b"[" * 60_000, 400, {"error": "What was sent is not a JSON object."}),
        (
            "/api/act",
            b'{"do": "fail"}',
            500,
            {"error": "a fault in vagal itself (RuntimeError); VAGAL_DEBUG=1 shows where"},
        ),
    ],
    ids=lambda value: value[:24].decode("latin-1") if isinstance(value, bytes) else "",
)
def test_answers_to_writes(
    house: House, operator: httpx.Client, path: str, body: bytes, status: int, answer: dict[str, Any]
) -> None:
    given = operator.post(path, content=body, headers=writing(house, operator, Role.OPERATOR))
    assert (given.status_code, given.json()) == (status, answer)


def test_a_body_that_is_too_big_is_not_taken(house: House, operator: httpx.Client) -> None:
    house.control.asked.clear()
    note = json.dumps({"do": "mark", "text": "x" * 70_000})
    given = operator.post("/api/act", content=note, headers=writing(house, operator, Role.OPERATOR))
    assert (given.status_code, house.control.asked) == (413, [])


def test_a_body_in_pieces_is_not_taken(house: House, operator: httpx.Client) -> None:
    pieces = iter([b'{"do": ', b'"mark"}'])
    given = operator.post("/api/act", content=pieces, headers=writing(house, operator, Role.OPERATOR))
    assert given.status_code == 411


@pytest.mark.parametrize("role", Role)
def test_a_socket_tells_a_role_what_is_its_own(house: House, role: Role) -> None:
    house.server.restart()
    house.server.publish("values", {"secret": 1}, 1.0)
    house.server.publish("client", {"screen": "waiting"}, 1.0)
    with house.browser(role) as browser, house.socket(browser, f"role={role}") as socket:
        known = heard(socket)["data"]
        house.server.publish("values", {"secret": 2}, 2.0)
        house.server.publish("client", {"screen": "opening"}, 2.0)
        second = news(socket)
    whole = {"client": {"screen": "waiting"}}
    assert known == (whole if role is Role.CLIENT else {"values": {"secret": 1}, **whole})
    assert second["topic"] == ("client" if role is Role.CLIENT else "values")


def test_an_operator_may_watch_as_a_client(house: House, operator: httpx.Client) -> None:
    house.server.restart()
    house.server.publish("values", {"secret": 1})
    with house.socket(operator, "role=client") as socket:
        assert heard(socket)["data"] == {}


@pytest.mark.parametrize(
    ("who", "query", "how", "status"),
    [
        pytest.param(None, "role=client", {}, 401, id="no cookie"),
        pytest.param(Role.CLIENT, "role=operator", {}, 403, id="wrong role"),
        pytest.param(Role.OPERATOR, "role=king", {}, 400, id="no role"),
        pytest.param(Role.OPERATOR, "", {"origin": None}, 403, id="no origin"),
        pytest.param(Role.OPERATOR, "", {"origin": "null"}, 403, id="origin null"),
        pytest.param(Role.OPERATOR, "", {"origin": "http://evil.example"}, 403, id="foreign origin"),
        pytest.param(Role.OPERATOR, "", {"headers": {"Sec-Fetch-Site": "cross-site"}}, 403, id="cross-site"),
    ],
)
def test_a_socket_is_refused(
    house: House, who: Role | None, query: str, how: dict[str, Any], status: int
) -> None:
    with house.browser(who) as browser, pytest.raises(InvalidStatus) as refusal:
        house.socket(browser, query, **how)
    response = refusal.value.response
    assert response.status_code == status
    assert response.body is not None
    assert len(response.body.splitlines()) == 1
    assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"]


def test_a_socket_for_another_host_is_refused(house: House, operator: httpx.Client) -> None:
    upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
    upgrade |= {"Sec-WebSocket-Key": base64.b64encode(b"0" * 16).decode(), "Origin": house.url}
    assert operator.get("/socket", headers={**upgrade, "Host": "evil.example"}).status_code == 421


def test_a_page_that_reloads_goes_on_where_it_was(house: House, operator: httpx.Client) -> None:
    house.server.restart()
    with house.socket(operator, "role=operator") as socket:
        heard(socket)
        house.server.publish("values", 1)
        last = news(socket)
    house.server.publish("values", 2)
    house.server.publish("values", 3)
    with house.socket(operator, f"role=operator&after={last['n']}&epoch={last['epoch']}") as socket:
        assert [(heard(socket)["topic"])] == ["resumed"]
        assert [news(socket)["data"] for _ in range(2)] == [2, 3]


@pytest.mark.parametrize("after", ["", "-1", "x", "9" * 40, "1e3", "²"])
def test_a_page_that_asks_nonsense_is_told_the_whole(
    house: House, operator: httpx.Client, after: str
) -> None:
    epoch = quote(after)
    with house.socket(operator, f"role=operator&after={quote(after)}&epoch={epoch}") as socket:
        assert heard(socket)["topic"] == "snapshot"


def test_a_page_that_says_something_is_not_listened_to(house: House, operator: httpx.Client) -> None:
    with house.socket(operator, "role=operator") as socket:
        heard(socket)
        socket.send('{"do": "stop"}')
        assert until_closed(socket)


def test_joining_with_the_code(house: House, operator: httpx.Client) -> None:
    invite = operator.get("/api/invite").json()
    assert invite["url"] == f"{house.url}/join#{invite['code']}"
    assert (invite["qr_svg"], invite["fingerprint"]) == (None, None)
    with house.browser(None) as tablet:
        headers = {"Origin": house.url}
        wrong = tablet.post("/join", json={"code": "WRONG1"}, headers=headers)
        assert (wrong.status_code, "set-cookie" in wrong.headers) == (403, False)
        right = tablet.post("/join", json={"code": invite["code"]}, headers=headers)
        assert right.json() == {"ok": True, "url": "/client"}
        assert tablet.get("/api/me").json()["role"] == "client"
        assert tablet.get("/api/home").status_code == 403


@pytest.mark.parametrize("body", [{}, {"code": None}, {"code": 5}, {"code": ["A"]}, {"code": ""}])
def test_a_code_that_is_none(house: House, nobody: httpx.Client, body: dict[str, Any]) -> None:
    assert nobody.post("/join", json=body, headers={"Origin": house.url}).status_code == 403


def test_other_screens_are_signed_out(tmp_path: Path) -> None:
    with contextlib.ExitStack() as stack:
        house = stack.enter_context(served(tmp_path / "home"))
        operator, tablet = (stack.enter_context(house.browser(role)) for role in Role)
        page = stack.enter_context(house.socket(tablet, "role=client"))
        heard(page)
        headers = writing(house, operator, Role.OPERATOR)
        assert operator.post("/api/revoke", json={}, headers=headers).json() == {"ok": True}
        assert until_closed(page)
        assert (tablet.get("/client").status_code, operator.get("/").status_code) == (401, 200)


@pytest.mark.parametrize(
    "path", [f"/report/c1/{SESSION}", "/progress/c1/report", "/progress/c1/report/client"]
)
def test_a_report_has_no_script_and_no_reach(operator: httpx.Client, path: str) -> None:
    answer = operator.get(path)
    policy = answer.headers["content-security-policy"]
    assert answer.status_code == 200
    assert "<title>" in answer.text
    assert "script-src" not in policy
    assert {"default-src 'none'", "style-src 'unsafe-inline'", "img-src data:", "sandbox"} <= {
        part.strip() for part in policy.split(";")
    }


@pytest.mark.parametrize(
    ("client", "said"),
    [
        pytest.param("nobody", "no finished session is stored", id="nobody"),
        pytest.param("A%20b", "A b", id="no pseudonym"),
        pytest.param("..%2Fc1", "", id="another folder"),
    ],
)
def test_no_progress_of_whom_nothing_is_known(operator: httpx.Client, client: str, said: str) -> None:
    answer = operator.get(f"/progress/{client}/report")
    assert answer.status_code == 404
    assert said in answer.text


def test_names_and_notes_are_data(house: House, operator: httpx.Client) -> None:
    nasty = '<img src=x onerror="alert(1)"></script>'
    write_profile(house.home, "c1", Profile(goal=nasty))
    answer = operator.get("/api/clients/c1")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["profile"]["goal"] == nasty
    for path in (
        f"/api/clients/{quote(nasty, safe='')}",
        f"/progress/{quote(nasty, safe='')}",
        f"/{quote(nasty)}",
    ):
        given = operator.get(path)
        assert "text/html" not in given.headers["content-type"] or given.text == PAGE


def test_an_export_is_dropped(house: House, operator: httpx.Client) -> None:
    beats = "\n".join(str(800 + 30 * (number % 3)) for number in range(400)).encode()
    headers = {
        **writing(house, operator, Role.OPERATOR),
        "X-Vagal-Name": quote("../../Müller, <b>.txt"),
        "X-Vagal-Client": "c2",
    }
    answer = operator.post("/api/import", content=beats, headers=headers).json()
    assert answer["ok"], answer
    (session,) = answer["sessions"]
    assert session["client"] == "c2"
    assert operator.get(session["report"]).status_code == 200
    assert [each["session_id"] for each in operator.get("/api/clients/c2").json()["sessions"]] == [
        session["session_id"]
    ]


@pytest.mark.parametrize(
    ("name", "client", "content", "error"),
    [
        ("x.txt", "c3", b"hello\n", "x.txt"),
        ("x.zip", "c3", b"PK\x03\x04nothing", "x.zip"),
        ("x.txt", "c3", b"", "x.txt: is empty"),
        ("x.txt", "Erika Mustermann", b"800\n", "use a pseudonym"),
        ("x.txt", "../../c3", b"800\n", "use a pseudonym"),
        ("x.txt", "--help", b"800\n", "use a pseudonym"),
        ("", "c3", b"800\n", "X-Vagal-Name"),
    ],
    ids=["no numbers", "a broken zip", "empty", "a name", "a path", "an option", "no name"],
)
def test_what_cannot_be_imported(
    house: House, operator: httpx.Client, name: str, client: str, content: bytes, error: str
) -> None:
    headers = {**writing(house, operator, Role.OPERATOR), "X-Vagal-Name": name, "X-Vagal-Client": client}
    given = operator.post("/api/import", content=content, headers=headers, timeout=WAIT_S)
    assert given.status_code == 400
    assert error in given.json()["error"]
    assert "/tmp" not in given.json()["error"]
    assert not (house.home / "sessions" / "c3").exists()


def test_strategies_are_listed(client: httpx.Client) -> None:
    listed = client.get("/api/strategies").json()["strategies"]
    assert listed
    assert {"id", "title", "kind", "aim", "steps", "not_when", "minutes", "evidence"} == set(listed[0])


@pytest.mark.parametrize("file", ["home.html", "clinician.html", "client.html", "join.html", "progress.html"])
def test_every_page_that_is_shown_is_there(file: str) -> None:
    assert (PAGES / file).is_file()


def test_the_certificate_is_for_the_network_only(nobody: httpx.Client) -> None:
    assert nobody.get("/certificate").status_code == 404


def test_a_token_is_needed_again_after_signing_in_anew(house: House) -> None:
    with house.browser(Role.OPERATOR) as browser:
        before = csrf(browser, Role.OPERATOR)
        browser.get(house.server.ticket(Role.OPERATOR, "/"))
        headers = {"Origin": house.url, "X-Vagal-CSRF": before}
        assert browser.post("/api/act", json={"do": "mark"}, headers=headers).status_code == 403
