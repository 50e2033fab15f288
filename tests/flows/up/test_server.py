"""Prefect's server beside the pages: closed to everybody else, and told no names."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.up.place import Place
from flows.up.readiness import is_ready
from flows.up.server import HOST, Served, client_environment, new_server, server_environment
from tests.flows.up.clinic import Clinic, clinic
from tests.flows.up.recordings import intervals, put


def test_each_start_has_a_secret_of_its_own() -> None:
    first, second = new_server(), new_server()
    assert first.secret != second.secret
    assert len(first.secret) > 40
    assert first.api == f"http://127.0.0.1:{first.port}/api"


def test_what_the_user_has_set_for_prefect_does_not_open_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "PREFECT_SERVER_API_HOST": "0.0.0.0",
        "PREFECT_API_KEY": "pnu_mine",
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": "*",
        "PREFECT_PROFILES_PATH": "/elsewhere",
    }.items():
        monkeypatch.setenv(name, value)
    served = Served(4711, "vagal:secret")
    server = server_environment(tmp_path, served)
    assert server["PREFECT_SERVER_API_HOST"] == HOST == "127.0.0.1"
    assert server["PREFECT_SERVER_CORS_ALLOWED_ORIGINS"] == "http://127.0.0.1:4711"
    assert {"PREFECT_API_KEY", "PREFECT_PROFILES_PATH"}.isdisjoint(server)
    assert {"PREFECT_API_KEY", "PREFECT_SERVER_API_HOST"}.isdisjoint(client_environment(tmp_path, served))


class Outside:
    """A client that knows where the server is, and what it is told besides."""

    def __init__(self, running: Clinic) -> None:
        found = json.loads(Place(running.home).prefect.read_bytes())
        self.api, secret = found["url"], found["secret"]
        self.secret = {"Authorization": f"Basic {base64.b64encode(secret.encode()).decode()}"}

    def asks(self, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str]]:
        body = b"{}" if method == "POST" else None
        request = urllib.request.Request(self.api + path, body, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, {name.lower(): value for name, value in answer.headers.items()}
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, {name.lower(): value for name, value in refused.headers.items()}


def routes(outside: Outside) -> list[tuple[str, str]]:
    """All that the server can be asked."""
    request = urllib.request.Request(outside.api + "/openapi.json", headers=outside.secret)
    with urllib.request.urlopen(request, timeout=30) as answer:
        paths = json.loads(answer.read())["paths"]
    return [
        (method.upper(), path.removeprefix("/api").replace("{", "").replace("}", ""))
        for path, methods in paths.items()
        for method in methods
    ]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    """`vagal up` with Prefect, once its deployment is there."""
    with clinic(tmp_path_factory.mktemp("clinic") / "home", prefect=True) as started:
        started.until("Prefect's deployment", lambda: is_ready(started.home))
        yield started


@pytest.mark.prove
@pytest.mark.timeout(400)
class TestServer:
    def test_nobody_is_answered_without_the_secret(self, running: Clinic) -> None:
        outside = Outside(running)
        wrong = {"Authorization": f"Basic {base64.b64encode(b'vagal:guess').decode()}"}
        asked = routes(outside)
        assert len(asked) > 100
        for headers in ({}, wrong):
            answered = {
                (method, path)
                for method, path in asked
                if outside.asks(path, method, **headers)[0] not in (401, 403)
            }
            assert answered <= {("GET", "/health"), ("GET", "/ready")}
        assert outside.asks("/admin/version", **wrong)[0] == 401
        assert outside.asks("/admin/version", **outside.secret)[0] == 200

    def test_a_write_needs_a_token_too_and_no_other_page_reads_an_answer(self, running: Clinic) -> None:
        outside, evil = Outside(running), {"Origin": "http://evil.example"}
        assert outside.asks("/flow_runs/filter", "POST", **outside.secret)[0] == 403
        status, headers = outside.asks("/admin/version", **outside.secret, **evil)
        assert (status, "access-control-allow-origin" in headers) == (200, False)
        wants = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
        status, headers = outside.asks("/flow_runs/filter", "OPTIONS", **evil, **wants)
        assert (status, "access-control-allow-origin" in headers) == (400, False)

    @pytest.mark.parametrize("stream", ["/events/out", "/events/in", "/logs/out"])
    def test_no_stream_is_heard_without_the_secret(self, running: Clinic, stream: str) -> None:
        from websockets.asyncio.client import connect
        from websockets.exceptions import ConnectionClosed, InvalidStatus
        from websockets.typing import Subprotocol

        url = Outside(running).api.replace("http", "ws", 1) + stream

        async def listen(protocols: list[Subprotocol] | None) -> object:
            async with connect(url, subprotocols=protocols) as socket:
                await socket.send(json.dumps({"type": "auth", "token": "vagal:guess"}))
                return await asyncio.wait_for(socket.recv(), 20)

        for protocols in (None, [Subprotocol("prefect")]):
            with pytest.raises((ConnectionClosed, InvalidStatus)):
                asyncio.run(listen(protocols))

    def test_nothing_listens_but_on_this_computer(self, running: Clinic) -> None:
        psutil = pytest.importorskip("psutil")
        processes = {running.process.pid, *running.processes()}
        listening = {
            (one.laddr.ip, one.laddr.port)
            for each in processes
            for one in psutil.Process(each).net_connections("inet")
            if one.status == "LISTEN" or (not one.raddr and one.type.name == "SOCK_DGRAM")
        }
        assert {address for address, _ in listening} == {HOST}
        assert not [command for command in running.processes("").values() if "vagal:" in command]

    def test_it_takes_what_lands_and_hears_no_names(self, running: Clinic) -> None:
        put(running.inbox, "anna-1/Anna Mueller at rest.txt")
        running.until("the report", lambda: running.line("Report   "))
        prefect = running.home / "prefect"

        def recorded() -> bytes:
            return b"".join(path.read_bytes() for path in prefect.glob("prefect.db*"))

        running.until("its record", lambda: b"Completed" in recorded())
        time.sleep(3)  # what is told of it later
        for secret in (b"anna-1", b"Mueller", intervals(count=3).encode()):
            assert secret not in recorded()

    def test_with_its_server_killed_the_folder_goes_on(self, running: Clinic) -> None:
        before = len(running.sessions())
        [server] = running.processes("flows.up.server")
        os.kill(server, signal.SIGKILL)
        put(running.inbox, "bob-2/walk.txt", intervals(1))
        running.until("the next session", lambda: len(running.sessions()) == before + 1)
        running.until("a line on that", lambda: running.line("Prefect's record has stopped"))
        assert running.end(signal.SIGINT) < 15
        assert (running.process.returncode, running.processes("")) == (0, {})
