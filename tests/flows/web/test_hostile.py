"""Whoever asks the running `vagal live` without a right to: none gets data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.flows.web.house import cookies
from tests.flows.web.live import PATIENCE_S, Live, live

READ = ("/", "/live", "/practice", "/client", "/api/home", "/api/me", "/api/invite", "/api/clients/me")
STRANGER = "http://elsewhere.example"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with live(tmp_path_factory.mktemp("hostile") / "home", "--simulate", "calm") as running:
        yield running


@pytest.fixture(scope="module")
def operator(server: Live) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=PATIENCE_S) as browser:
        assert browser.get(server.link).status_code == 200
        yield browser


@pytest.fixture(scope="module")
def client(server: Live, operator: httpx.Client) -> Iterator[httpx.Client]:
    code = operator.get("/api/invite").json()["code"]
    with httpx.Client(base_url=server.url, timeout=PATIENCE_S, headers={"Origin": server.url}) as browser:
        assert browser.post("/join", json={"code": code}).status_code == 200
        yield browser


@pytest.mark.parametrize(
    ("headers", "signed_in", "status"),
    [
        pytest.param({}, False, 401, id="no cookie"),
        pytest.param({"Host": "elsewhere.example"}, True, 421, id="another host"),
        pytest.param({"Host": "127.0.0.1"}, True, 421, id="host without its port"),
        pytest.param({"Origin": STRANGER}, True, 403, id="another origin"),
        pytest.param({"Sec-Fetch-Site": "cross-site"}, True, 403, id="another site's page"),
    ],
)
def test_nothing_is_read(
    server: Live, operator: httpx.Client, headers: Mapping[str, str], signed_in: bool, status: int
) -> None:
    cookie = {"Cookie": cookies(operator)} if signed_in else {}
    for path in READ:
        answer = httpx.get(server.url + path, headers={**cookie, **headers}, timeout=PATIENCE_S)
        assert (path, answer.status_code) == (path, status)
        assert len(answer.text.splitlines()) == 1


def socket_status(server: Live, query: str, cookie: str, origin: str | None) -> int:
    """How a socket is refused."""
    how: dict[str, Any] = {"origin": origin, "additional_headers": {"Cookie": cookie} if cookie else {}}
    asked = server.url.replace("http", "ws", 1) + "/socket" + query
    with pytest.raises(InvalidStatus) as refused, connect(asked, proxy=None, open_timeout=PATIENCE_S, **how):
        pass
    return refused.value.response.status_code


def test_no_socket_opens(server: Live, operator: httpx.Client) -> None:
    mine = cookies(operator)
    assert socket_status(server, "", mine, None) == 403
    assert socket_status(server, "", mine, STRANGER) == 403
    assert socket_status(server, "", "", server.url) == 401


def test_a_client_leads_nothing(server: Live, client: httpx.Client) -> None:
    token = client.get("/api/me?role=client").json()["csrf"]
    assert client.get("/api/home").status_code == 403
    assert client.post("/api/start", json={}, headers={"X-Vagal-CSRF": token}).status_code == 403
    assert socket_status(server, "?role=operator", cookies(client), server.url) == 403


@pytest.mark.parametrize("token", [None, "", "wrong"], ids=["none", "empty", "wrong"])
def test_nothing_is_written_without_the_token(
    server: Live, operator: httpx.Client, token: str | None
) -> None:
    headers = {"Origin": server.url} | ({} if token is None else {"X-Vagal-CSRF": token})
    for path in ("/api/start", "/api/act", "/api/revoke", "/api/import"):
        assert operator.post(path, json={}, headers=headers).status_code == 403
    assert not (server.home / "sessions").exists()
