"""The web server: a thread and a loop of its own, so that no page, however slow, touches the recorder."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ipaddress
import logging
import os
import socket
import threading
import weakref
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvicorn

from flows.web.app import PAGES, Control, Lan, Parts, app_of
from flows.web.gate import OPEN, Gate, Site
from flows.web.hub import Hub, Role
from flows.web.library import Library
from flows.web.tickets import Tickets
from pipeline.clinic import read_clinic
from pipeline.clock import SystemClock
from pipeline.errors import DeviceError, InputError
from pipeline.language import Catalogue, current, use

if TYPE_CHECKING:
    from flows.web.certificate import Certificate

PORT = 8601
MOST_CONNECTIONS = 256
_TICK_S = 1.0
_START_S = 10.0
_GOODBYE_S = 5
_TAKE_LEAVE_S = 1
_LOOK_EVERY_S = 0.005
_CLIENTS = frozenset({Role.CLIENT})


class Server:
    """The web app on loopback and, with `lan`, on one address of this computer in the local network.

    Without a port it is 8601, or a free one if that is taken. `lan` is an address or a name of this
    computer; there is TLS there, and only clients are let in. `catalogue` is what its pages say: the texts in
    use when it was made, with the clinic's phrases. `app` is what it serves. Raises DeviceError if it cannot
    listen.
    """

    def __init__(
        self,
        library: Library,
        control: Control,
        port: int | None = None,
        lan: str | None = None,
        *,
        host: str = "127.0.0.1",
        pages: Path = PAGES,
        hub: Hub | None = None,
        app: Callable[[Parts], Gate] = app_of,
    ) -> None:
        self._hub = hub or Hub()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._listening = threading.Event()
        self._trouble: BaseException | None = None
        self._library, self._app_of = library, app
        self.catalogue = _catalogue(library.home_path)
        self._fault: str | None = None
        listeners = [_listen_nearby(host, port)]
        try:
            self.port = int(listeners[0].getsockname()[1])
            sites = [Site("http", f"{host}:{self.port}"), Site("http", f"localhost:{self.port}")]
            certificate = self._lan = None
            if lan:
                listeners.append(_listen_at(lan, self.port))
                certificate = _certificate(lan, library.home_path)
                self._lan = _lan_of(lan, self.port, certificate)
                sites.append(self._lan.site)
        except BaseException:
            for listener in listeners:
                listener.close()
            raise
        self._site = sites[0]
        self._tickets = Tickets(library.home_path / "web" / f"visits-{self.port}.json")
        parts = Parts(self._hub, self._tickets, library, control, tuple(sites), self._lan, pages)
        self._thread = threading.Thread(
            target=self._run, args=(parts, listeners, certificate), name="vagal-web", daemon=True
        )

    @property
    def url(self) -> str:
        """The server's own address on this machine."""
        return self._site.origin

    @property
    def lan_url(self) -> str | None:
        """Its address in the local network."""
        return self._lan.site.origin if self._lan else None

    @property
    def fingerprint(self) -> str | None:
        """The fingerprint of the certificate that is shown in the local network."""
        return self._lan.fingerprint if self._lan else None

    @property
    def fault(self) -> str | None:
        """Why the last message that could not be sent was not; None if all were."""
        return self._fault

    def start(self) -> None:
        """Listen; returns once it does. Raises DeviceError if that fails."""
        self._thread.start()
        if not self._listening.wait(_START_S) or self._trouble is not None:
            raise DeviceError(f"the web server did not start ({self._trouble or 'no answer'})")

    def stop(self) -> None:
        """Take leave of every page, and end; does nothing the second time."""
        self._library.close()
        if self._stopping is not None:
            self._call(self._stopping.set)
        if self._thread.is_alive():
            self._thread.join(_GOODBYE_S)

    def publish(self, topic: str, data: Any, time_s: float | None = None, speed: float = 1.0) -> None:
        """Tell the pages; returns at once, from any thread, and never raises.

        `data` are the server's from then on: hand over what nobody changes any more.
        """
        at_ms = round(SystemClock().wall() * 1000, 1)
        self._call(self._publish, topic, data, time_s, speed, at_ms)

    def restart(self) -> None:
        """Forget the session that was, before the next one: pages start afresh."""
        self._call(self._hub.restart)

    def ticket(self, role: Role, target: str) -> str:
        """An address that lets in once, as `role`, and leads to the page `target`."""
        return f"{self.url}{OPEN}{self._tickets.issue(role, target)}"

    def readers(self) -> Mapping[Role, int]:
        """How many pages of each role listen."""
        return {role: self._hub.readers(role) for role in Role}

    def _call(self, what: Callable[..., object], *facts: Any) -> None:
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # it has ended
                self._loop.call_soon_threadsafe(what, *facts)

    def _publish(self, topic: str, data: Any, time_s: float | None, speed: float, at_ms: float) -> None:
        try:
            self._hub.publish(topic, data, time_s, speed, at_ms)
        except (KeyError, ValueError, TypeError, IndexError, AttributeError) as error:
            self._fault = f"{topic}: {error!r}"

    def _run(self, parts: Parts, listeners: list[socket.socket], certificate: Certificate | None) -> None:
        try:
            with use(self.catalogue):
                asyncio.run(self._serve(parts, listeners, certificate))
        except BaseException as error:
            self._trouble = error
        finally:
            self._listening.set()
            for listener in listeners:
                listener.close()

    async def _serve(
        self, parts: Parts, listeners: list[socket.socket], certificate: Certificate | None
    ) -> None:
        self._stopping = asyncio.Event()
        app = self._app_of(parts)
        servers = [uvicorn.Server(_config(app))]
        if certificate:
            servers.append(uvicorn.Server(_config(app, certificate)))
        serving = [
            asyncio.ensure_future(server.serve(sockets=[listener]))
            for server, listener in zip(servers, listeners, strict=True)
        ]
        while not all(server.started for server in servers):
            for task in serving:
                if task.done():
                    task.result()
            await asyncio.sleep(_LOOK_EVERY_S)
        self._loop = asyncio.get_running_loop()
        self._listening.set()
        ticking = asyncio.ensure_future(self._tick())
        await self._stopping.wait()
        ticking.cancel()
        for server in servers:
            server.should_exit = True
        await asyncio.gather(*serving, return_exceptions=True)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_TICK_S)
            self._hub.tick()


def _catalogue(home: Path) -> Catalogue:
    """The texts in use, with the clinic's phrases over them where they can be read."""
    try:
        return current().with_phrases(read_clinic(home).phrases)
    except InputError:  # the home page and the reports say what is wrong with them
        return current()


def _config(app: Any, certificate: Certificate | None = None) -> uvicorn.Config:
    if not os.environ.get("VAGAL_DEBUG"):
        logger = logging.getLogger("uvicorn")
        logger.propagate = False  # nothing is ever printed into somebody's terminal
        if not logger.handlers:
            logger.addHandler(logging.NullHandler())
    return uvicorn.Config(
        app,
        loop="asyncio",
        http="h11",
        ws="websockets-sansio",
        ws_max_size=1024,  # pages have nothing to say
        ws_ping_interval=20.0,
        ws_ping_timeout=40.0,
        ws_per_message_deflate=False,
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=512,
        timeout_graceful_shutdown=_TAKE_LEAVE_S,
        ssl_certfile=certificate.certificate_path if certificate else None,
        ssl_keyfile=certificate.key_path if certificate else None,
    )


def _listen_nearby(host: str, port: int | None) -> socket.socket:
    """A socket that is bound on this machine: to the port, or to the usual one, or to any that is free."""
    if port is not None:
        return _listen(host, port)
    try:
        return _listen(host, PORT)
    except DeviceError:
        return _listen(host, 0)


class _Listener(socket.socket):
    """A listening socket that never has more than so many connections open, silent ones included.

    What comes on top is closed at once: a recording must not run out of files for somebody else's sockets.
    """

    def __init__(self, family: int, kind: int) -> None:
        super().__init__(family, kind)
        self._open: weakref.WeakSet[socket.socket] = weakref.WeakSet()

    def accept(self) -> tuple[socket.socket, Any]:
        connection, address = super().accept()
        if sum(each.fileno() >= 0 for each in self._open) >= MOST_CONNECTIONS:
            connection.close()
            raise BlockingIOError
        self._open.add(connection)
        return connection, address


def _listen(host: str, port: int) -> socket.socket:
    """A bound socket. Raises DeviceError that says what is in the way."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = _Listener(family, socket.SOCK_STREAM)
    try:
        if os.name == "posix":  # a restart must not wait for the last one's connections
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        elif hasattr(socket, "SO_EXCLUSIVEADDRUSE"):
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        listener.bind((host, port))
        listener.listen()
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise DeviceError(
                f"port {port} is used by another program: close it, or give another --port"
            ) from error
        if error.errno == errno.EADDRNOTAVAIL:
            raise DeviceError(
                f"{host} is not an address of this computer: its network settings show it"
            ) from error
        raise DeviceError(f"cannot listen at {host}, port {port} ({error.strerror})") from error
    return listener


def _listen_at(lan: str, port: int) -> socket.socket:
    """A socket for the local network. Raises InputError for what cannot be one computer's address there."""
    try:
        address = socket.getaddrinfo(lan, port, type=socket.SOCK_STREAM)[0][4][0]
    except (OSError, UnicodeError) as error:
        raise InputError(f"--lan {lan}: no computer of this name is known here; give the address") from error
    assert isinstance(address, str)
    if ipaddress.ip_address(address.partition("%")[0]).is_unspecified:
        raise InputError(f"--lan {lan}: give the one address of this computer that phones can reach")
    return _listen(address, port)


def _certificate(lan: str, home: Path) -> Certificate:
    from flows.web.certificate import certificate_for  # cryptography takes its time to load

    return certificate_for(lan, home)


def _lan_of(lan: str, port: int, certificate: Certificate) -> Lan:
    host = f"[{ipaddress.ip_address(lan)}]" if ":" in lan else lan.lower()  # as a browser writes it
    site = Site("https", f"{host}:{port}", _CLIENTS)
    return Lan(site, certificate.fingerprint, certificate.authority)
