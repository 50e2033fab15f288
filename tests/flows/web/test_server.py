"""The thread that serves: it starts, tells, survives any page, and ends."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest

from flows.web.hub import Role
from flows.web.server import MOST_CONNECTIONS
from pipeline.errors import DeviceError, InputError
from tests.flows.web.house import WAIT_S, House, cookies, heard, news, served, until_closed

OTHERS = 99
MESSAGES = 200


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def test_the_usual_port_or_a_free_one(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        usual = other.getsockname()[1]
        monkeypatch.setattr("flows.web.server.PORT", usual)
        with served(home, port=None) as house:
            assert house.server.port != usual
            assert httpx.get(house.url + "/join").status_code == 200
    with served(home, port=None) as house:
        assert house.server.port == usual


def test_a_port_that_was_asked_for_and_is_taken(home: Path) -> None:
    with served(home) as house:
        port = house.server.port
        with (
            pytest.raises(DeviceError, match=f"port {port} is used by another program"),
            served(home, port=port),
        ):
            pass


@pytest.mark.parametrize(
    ("lan", "error", "says"),
    [
        pytest.param("203.0.113.7", DeviceError, "is not an address of this computer", id="another's"),
        pytest.param("0.0.0.0", InputError, "the one address of this computer", id="every address"),
        pytest.param("::", InputError, "the one address of this computer", id="every address, IPv6"),
        pytest.param("no-such-host.invalid", InputError, "no computer of this name", id="no name"),
        pytest.param("a b", InputError, "no computer of this name", id="no address at all"),
    ],
)
def test_a_network_address_that_is_not_ours(home: Path, lan: str, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says), served(home, lan=lan):
        pass


def test_silent_connections_have_an_end(home: Path) -> None:
    with served(home) as house, contextlib.ExitStack() as stack:
        address = ("127.0.0.1", house.server.port)
        beyond = 10
        opened = [
            stack.enter_context(socket.create_connection(address, WAIT_S))
            for _ in range(MOST_CONNECTIONS + beyond)
        ]
        for late in opened[-beyond:]:
            late.settimeout(WAIT_S)
            assert late.recv(1) == b""
        opened[0].close()
        assert httpx.get(house.url + "/join").status_code == 200


def test_it_ends_and_says_nothing(home: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with served(home) as house:
        httpx.get(house.url + "/nothing")
        server = house.server
        with house.browser(Role.OPERATOR) as browser, house.socket(browser, "role=operator") as page:
            heard(page)
            server.stop()
            server.stop()
            assert until_closed(page)
    assert "vagal-web" not in {thread.name for thread in threading.enumerate()}
    with pytest.raises(httpx.ConnectError):
        httpx.get(server.url)
    server.publish("values", 1)
    assert capfd.readouterr() == ("", "")


def test_telling_never_raises(home: Path) -> None:
    with served(home) as house:
        for topic, data in (("nonsense", 1), ("values", object()), ("values", float("nan")), ("skin", 5)):
            house.server.publish(topic, data)
        house.server.publish("values", {"heart": 60}, 1.0, float("inf"))
        with house.browser(Role.OPERATOR) as browser, house.socket(browser, "role=operator") as page:
            assert heard(page)["data"] == {"values": {"heart": 60}}
        assert house.server.fault is not None


def test_every_thread_is_heard(home: Path) -> None:
    with served(home) as house, house.browser(Role.OPERATOR) as browser:
        threads = [
            threading.Thread(target=house.server.publish, args=("course", [{"time_s": number}]))
            for number in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with house.socket(browser, "role=operator") as page:
            known = heard(page)
    assert known["n"] == 8
    assert sorted(row["time_s"] for row in known["data"]["course"])[-1] == 7


def test_a_quiet_page_hears_a_tick(home: Path) -> None:
    with (
        served(home) as house,
        house.browser(Role.CLIENT) as browser,
        house.socket(browser, "role=client") as page,
    ):
        assert [heard(page)["topic"] for _ in range(2)] == ["snapshot", "tick"]


def test_readers_are_counted(home: Path) -> None:
    with served(home) as house, house.browser(Role.OPERATOR) as one, house.browser(Role.CLIENT) as two:
        with house.socket(one, "role=operator") as first, house.socket(two, "role=client") as second:
            heard(first)
            heard(second)
            counted = dict(house.server.readers())
        assert counted == {Role.OPERATOR: 1, Role.CLIENT: 1}


def stuck_page(house: House, browser: httpx.Client) -> socket.socket:
    """A page that was let in and never reads."""
    page = socket.create_connection(("127.0.0.1", house.server.port), WAIT_S)
    lines = [
        "GET /socket?role=operator HTTP/1.1",
        f"Host: {house.host}",
        f"Origin: {house.url}",
        f"Cookie: {cookies(browser)}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
    ]
    page.sendall("\r\n".join([*lines, "", ""]).encode())
    assert page.recv(12) == b"HTTP/1.1 101"
    return page


def test_one_that_never_reads_delays_nobody(home: Path) -> None:
    """Counted: while one page is stuck, each of the others gets every message, in order.

    Once it reads again, it has not been sent all that it did not take.
    """
    with contextlib.ExitStack() as stack:
        house = stack.enter_context(served(home))
        operator, client = (stack.enter_context(house.browser(role)) for role in Role)
        stuck = stack.enter_context(contextlib.closing(stuck_page(house, operator)))
        well = stack.enter_context(house.socket(operator, "role=operator"))
        pages = [stack.enter_context(house.socket(client, "role=client")) for _ in range(OTHERS - 1)]
        for page in (well, *pages):
            assert heard(page)["topic"] == "snapshot"
        for number in range(MESSAGES):
            house.server.publish("values", [number, "x" * 64_000])
            house.server.publish("client", number)
            assert [news(page)["data"] for page in pages] == [number] * len(pages)
            assert (news(well)["data"][0], news(well)["data"]) == (number, number)
        read = b"".join(iter(lambda: taken_now(stuck), b""))
        assert 0 < read.count(b'"topic":"values"') < MESSAGES


def taken_now(page: socket.socket) -> bytes:
    """What has arrived and what follows on its heels; nothing if nothing does."""
    page.settimeout(0.5)
    try:
        return page.recv(1 << 20)
    except TimeoutError:
        return b""


def test_a_stuck_page_does_not_keep_the_server(home: Path) -> None:
    with served(home) as house, house.browser(Role.OPERATOR) as browser:
        page = stuck_page(house, browser)
        for _ in range(200):
            house.server.publish("values", "x" * 100_000)
        with house.browser(Role.OPERATOR) as other, house.socket(other, "role=operator") as listening:
            heard(listening)
        house.server.stop()
        page.close()
    assert "vagal-web" not in {thread.name for thread in threading.enumerate()}


def test_a_page_comes_back_after_a_restart(home: Path) -> None:
    """The cookie still holds, the numbers do not: it is told the whole of the new process."""
    with served(home) as house, house.browser(Role.OPERATOR) as browser:
        house.server.publish("values", "before")
        with house.socket(browser, "role=operator") as page:
            before = heard(page)
        port = house.server.port
        house.server.stop()
        with served(home, port=port) as again:
            again.server.publish("values", "after")
            query = f"role=operator&after={before['n']}&epoch={before['epoch']}"
            with again.socket(browser, query) as page:
                after = heard(page)
            assert (after["topic"], after["data"]) == ("snapshot", {"values": "after"})
            assert after["epoch"] != before["epoch"]


def test_two_servers_share_nothing(home: Path, tmp_path: Path) -> None:
    with served(home) as one, served(tmp_path / "other") as other, one.browser(Role.OPERATOR) as browser:
        stolen = {
            name.replace(str(one.server.port), str(other.server.port)): value
            for name, value in browser.cookies.items()
        }
        assert httpx.get(one.url + "/", cookies=dict(browser.cookies)).status_code == 200
        assert httpx.get(other.url + "/", cookies=stolen).status_code == 401


def test_what_is_sent_is_what_was_published(home: Path) -> None:
    data: dict[str, Any] = {"text": "µS – <b>é</b>", "list": [1, None, True], "deep": {"a": {"b": [0.1]}}}
    with contextlib.ExitStack() as stack:
        house = stack.enter_context(served(home))
        browser = stack.enter_context(house.browser(Role.OPERATOR))
        page = stack.enter_context(house.socket(browser, "role=operator"))
        heard(page)
        house.server.publish("session", data, 3.25, 4.0)
        message = news(page)
    assert {key: message[key] for key in ("n", "time_s", "speed", "topic", "data")} == {
        "n": 1,
        "time_s": 3.25,
        "speed": 4.0,
        "topic": "session",
        "data": data,
    }


HEAVY = ["prefect", "pandas", "scipy", "numba", "neurokit2", "cryptography", "segno", "matplotlib"]


def test_nothing_heavy_is_loaded_to_serve(tmp_path: Path) -> None:
    code = (
        "import json, sys\n"
        "from pathlib import Path\n"
        "from flows.web.library import Library\n"
        "from flows.web.server import Server\n"
        "from pipeline.store import Home\n"
        f"server = Server(Library(Home(Path({str(tmp_path)!r}))), None, 0)\n"
        "server.start(); server.stop()\n"
        f"print(json.dumps([name for name in {HEAVY} if name in sys.modules]))\n"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (json.loads(said.stdout), said.stderr) == ([], "")


def test_the_server_is_loaded_only_to_serve() -> None:
    code = (
        "import sys, flows.cli, flows.live; print([n for n in ('starlette', 'uvicorn') if n in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
