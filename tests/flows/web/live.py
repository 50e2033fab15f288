"""`vagal live` as a person runs it: the real process, and windows in which nothing goes unnoticed."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import pytest

from tests.browser import CHROMIUM, FEWER_FRAMES

T = TypeVar("T")

PATIENCE_S = 180.0  # for one condition, on a machine that is busy with other things; a report may take 80 s
IN_A_BROWSER = [
    pytest.mark.skipif(not Path(CHROMIUM["executable_path"]).exists(), reason="Chromium is not installed"),
    pytest.mark.timeout(900),
]

DESKTOP: dict[str, Any] = {"viewport": {"width": 1280, "height": 800}}
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "has_touch": True,
    "is_mobile": True,
    "device_scale_factor": 2,
}

_POLL_MS = 50
_ADDRESS = re.compile(r"Live page\s+(\S+)")


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser for as many windows as one likes."""
    sync_api = pytest.importorskip("playwright.sync_api")
    sync_api.expect.set_options(timeout=PATIENCE_S * 1000)
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(**CHROMIUM)
        yield browser
        browser.close()


@dataclass
class Live:
    """A running `vagal live`: where its sessions lie, its address, and the link that lets in once."""

    process: subprocess.Popen[str]
    home: Path
    link: str
    said: list[str]
    cookies: list[Any] = field(default_factory=list)
    ended_by: int | None = None

    @property
    def url(self) -> str:
        parts = urlsplit(self.link)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def port(self) -> int:
        port = urlsplit(self.link).port
        assert port is not None
        return port

    def interrupt(self) -> None:
        """Ctrl-C, and wait until what runs is sealed and reported."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        self._end(signal.SIGKILL)

    def _end(self, by: signal.Signals) -> None:
        if self.process.poll() is None:
            self.ended_by = by
            self.process.send_signal(by)
            self.process.wait(PATIENCE_S)

    def folders(self, client: str) -> list[Path]:
        """The folders of a client's sessions, the oldest first."""
        return sorted((self.home / "sessions" / client).glob("*"))

    def sealed(self, client: str) -> bool:
        """Whether the client's latest session is sealed; its report may still be made."""
        return (self.folders(client)[-1] / "session.json").exists()

    def manifest(self, client: str) -> dict[str, Any]:
        """What is on disk of the client's latest session."""
        facts: dict[str, Any] = json.loads((self.folders(client)[-1] / "session.json").read_bytes())
        return facts


def without_prefect(folder: Path) -> Path:
    """A folder for PYTHONPATH in which Prefect cannot be imported: reports are made without it, and soon."""
    folder.mkdir(exist_ok=True)
    (folder / "prefect.py").write_text("raise ImportError('missing')", encoding="utf-8")
    return folder


@contextmanager
def live(home: Path, *options: str, protocols: Mapping[str, str] | None = None) -> Iterator[Live]:
    """`vagal live` with a home of its own and nothing of this machine's user; ended by Ctrl-C.

    `protocols` are the texts of protocols of one's own, by name.
    """
    for name, text in (protocols or {}).items():
        file = home / "protocols" / f"{name}.toml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    user = home.parent / "user"
    user.mkdir(exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "TMPDIR")}
    process = subprocess.Popen(
        [str(Path(sys.executable).with_name("vagal")), "live", "--home", str(home), *options],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**kept, "HOME": str(user), "PYTHONPATH": str(without_prefect(home.parent / "without"))},
    )
    said: list[str] = []
    running = Live(process, home, _address(process, said), said)
    rest = threading.Thread(target=lambda: said.extend(process.stdout or ()), daemon=True)
    rest.start()
    try:
        yield running
    finally:
        try:
            running.interrupt()
        finally:
            process.kill()
            rest.join(PATIENCE_S)
            assert process.stdout is not None
            process.stdout.close()
    ended = (running.ended_by, process.returncode)
    assert ended in ((signal.SIGINT, 0), (signal.SIGKILL, -signal.SIGKILL)), f"{ended}: {''.join(said)}"


def _address(process: subprocess.Popen[str], said: list[str]) -> str:
    """The link it prints. Its output ends if it does, so this does not wait for ever."""
    for line in process.stdout or ():
        said.append(line)
        if found := _ADDRESS.search(line):
            return found[1]
    raise AssertionError(f"vagal live did not start: {''.join(said)}")


@dataclass
class Window:
    """A window of the browser: its page, what its socket heard, and what went wrong in it."""

    page: Any
    heard: list[dict[str, Any]] = field(default_factory=list)
    sockets: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    excused: list[str] = field(default_factory=list)

    def excuse(self, *patterns: str) -> None:
        """What may go wrong here, since the test makes it so: patterns that a fault is searched for."""
        self.excused.extend(patterns)

    def unexcused(self) -> list[str]:
        return [
            fault for fault in self.faults if not any(re.search(pattern, fault) for pattern in self.excused)
        ]

    def last(self, topic: str) -> Any:
        """The latest state of a topic; None if there was none, or it was forgotten."""
        for message in reversed(self.heard):
            if message["topic"] == topic:
                return message["data"]
            if message["topic"] == "snapshot":
                return message["data"].get(topic)
        return None

    def until(self, what: str, condition: Callable[[], T | None]) -> T:
        """Wait until a condition holds; what it returned."""
        for _ in range(int(PATIENCE_S * 1000 / _POLL_MS)):
            if result := condition():
                return result
            self.page.wait_for_timeout(_POLL_MS)
        raise AssertionError(f"waited in vain for: {what}")

    def session(self, what: str, condition: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
        """Wait until the session, as the page was told of it, is so."""

        def met() -> dict[str, Any] | None:
            session: dict[str, Any] | None = self.last("session")
            return session if session and condition(session) else None

        return self.until(what, met)

    def post(self, path: str, facts: Mapping[str, Any]) -> Any:
        """What the page gets for something that it has no button for."""
        return self.page.evaluate(
            "async ([path, facts]) => (await import('/pages/net.js')).post(path, facts)", [path, dict(facts)]
        )

    @property
    def pacer(self) -> Any:
        return self.page.get_by_role("img", name="Breathing pacer")

    def control(self, name: str) -> Any:
        """A button of those that lead the session."""
        return self.button(name, self.page.get_by_role("group", name="Session controls"))

    def button(self, name: str, within: Any = None) -> Any:
        """The button that shows, whose name begins so; what stands behind the name is its key."""
        found = (within or self.page).get_by_role("button", name=re.compile(f"^{re.escape(name)}"))
        return found.filter(visible=True).first


@contextmanager
def window(browser: Any, server: Live, shape: Mapping[str, Any] = DESKTOP, **more: Any) -> Iterator[Window]:
    """A window that nobody is signed in to. At its end: no console error, page error or request elsewhere."""
    context = browser.new_context(**{**shape, **more})
    context.set_default_timeout(PATIENCE_S * 1000)
    context.add_init_script(FEWER_FRAMES)
    found = Window(context.new_page())
    host = urlsplit(server.link).netloc

    def elsewhere(url: str) -> None:
        if urlsplit(url).scheme not in ("data", "blob", "about") and urlsplit(url).netloc != host:
            found.faults.append(f"asked elsewhere: {url}")

    def console(message: Any) -> None:
        if message.type in ("error", "warning"):
            found.faults.append(f"console: {message.text} ({message.location['url']})")

    def socket(opened: Any) -> None:
        found.sockets.append(opened.url)
        elsewhere(opened.url)
        opened.on("framereceived", lambda frame: found.heard.append(json.loads(frame)))

    context.on("request", lambda request: elsewhere(request.url))
    context.on("console", console)
    context.on("weberror", lambda error: found.faults.append(f"page: {error.error}"))
    found.page.on("websocket", socket)
    try:
        yield found
        assert not found.unexcused(), found.unexcused()
    finally:
        context.close()


def arrive(at: Window, server: Live, path: str = "/") -> None:
    """Come in as the one who runs the session: by the link the first time, by its cookie from then on."""
    context = at.page.context
    if server.cookies:
        context.add_cookies(server.cookies)
        at.page.goto(server.url + path)
        return
    at.page.goto(server.link)
    at.page.wait_for_url(server.url + "/")
    server.cookies = context.cookies()
    if path != "/":
        at.page.goto(server.url + path)


def go_home(at: Window, server: Live) -> None:
    """Come in to the home page, and wait until a sensor is there, and chosen."""
    arrive(at, server)
    sensor(at).wait_for()


def sensor(at: Window) -> Any:
    """The first sensor that is chosen."""
    return at.page.get_by_role("checkbox", checked=True).first


def start(at: Window, client: str, title: str) -> None:
    """From the home page: choose client and protocol, and start."""
    page = at.page
    sensor(at).wait_for()
    page.get_by_role("textbox", name="Client code").or_(
        page.get_by_role("combobox", name="Client code")
    ).fill(client)
    page.get_by_role("radio", name=title).check()
    at.button("Start").click()


def stop(at: Window) -> None:
    """End the session that this window leads, and say so again when asked."""
    at.control("Stop").click()
    at.button("Stop the session", at.page.get_by_role("dialog")).click()


def verified(home: Path, folder: Path) -> str:
    """What `vagal verify` says of a session; it must find nothing."""
    command = [str(Path(sys.executable).with_name("vagal")), "verify", str(folder), "--home", str(home)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
