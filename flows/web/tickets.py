"""Who may come in: links that work once, codes to type, and the cookies both turn into.

Nothing secret is kept as it is: what is stored, on disk or in memory, are hashes of it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from flows.web.hub import Role
from pipeline.clock import SystemClock
from pipeline.sealing import write_file

_TICKET_S = 10 * 60.0
_CODE_S = 10 * 60.0
_CODE_SOON_S = 60.0
_VISIT_S = 12 * 3600.0  # without a request
_TRIES = 10
_LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"  # none that looks like another
_CODE_LENGTH = 6


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a link that works once is good for."""

    role: Role
    target: str
    until_s: float


@dataclass(frozen=True, slots=True)
class Visit:
    """A cookie that holds: whose, and the token that proves a write came from our own page."""

    role: Role
    csrf: str


@dataclass(frozen=True, slots=True)
class Invitation:
    """A code to type on a second screen, and how long it still is good."""

    code: str
    expires_in_s: float


@dataclass(frozen=True, slots=True)
class _Known:
    role: Role
    until_s: float


@dataclass(slots=True)
class _Code:
    text: str
    until_s: float
    tries_left: int = _TRIES


class Tickets:
    """Tickets, join codes and visits of one server; `wall` is the calendar's seconds.

    With a `path`, visits outlive the process: a page that was open comes back after a restart.
    """

    def __init__(self, path: Path | None = None, wall: Callable[[], float] | None = None) -> None:
        self._wall = wall or SystemClock().wall
        self._path = path
        self._tickets: dict[str, Ticket] = {}
        self._guard = threading.Lock()  # the recorder's thread issues tickets, too
        self._code: _Code | None = None
        self._visits: dict[str, _Known] = _read(path) if path else {}
        if path is not None:
            self._sweep(path)

    def issue(self, role: Role, target: str) -> str:
        """A link's secret that lets its bearer in once, as `role`, to the page `target`."""
        assert target.startswith("/"), target
        secret, now_s = secrets.token_urlsafe(24), self._wall()
        with self._guard:
            self._drop(lambda ticket: ticket.until_s <= now_s)
            self._tickets[_hash(secret)] = Ticket(role, target, now_s + _TICKET_S)
        return secret

    def redeem(self, secret: str, roles: frozenset[Role]) -> Ticket | None:
        """What a ticket is good for, once; None if it is used, unknown, too old, or of another role."""
        with self._guard:
            ticket = self._tickets.get(_hash(secret))
            if ticket is None or ticket.role not in roles:
                return None
            del self._tickets[_hash(secret)]
        return ticket if ticket.until_s > self._wall() else None

    def _drop(self, spent: Callable[[Ticket], bool]) -> None:
        self._tickets = {key: ticket for key, ticket in self._tickets.items() if not spent(ticket)}

    def invitation(self) -> Invitation:
        """The code that is good now; a new one if it is about to end or was guessed at too often."""
        now_s = self._wall()
        if self._code is None or self._code.tries_left <= 0 or self._code.until_s < now_s + _CODE_SOON_S:
            text = "".join(secrets.choice(_LETTERS) for _ in range(_CODE_LENGTH))
            self._code = _Code(text, now_s + _CODE_S)
        return Invitation(self._code.text, self._code.until_s - now_s)

    def takes_code(self, typed: str) -> bool:
        """Whether this is the code that is good now. Ten wrong ones end it."""
        code = self._code
        if code is None or code.tries_left <= 0 or code.until_s <= self._wall():
            return False
        tidy = "".join(typed.upper().split()).replace("-", "")
        if hmac.compare_digest(tidy.encode(), code.text.encode()):
            return True
        code.tries_left -= 1
        return False

    def admit(self, role: Role) -> str:
        """A cookie's value for a new visit."""
        value = secrets.token_urlsafe(32)
        self._visits[_hash(value)] = _Known(role, self._wall() + _VISIT_S)
        self._keep()
        return value

    def visit(self, value: str, role: Role) -> Visit | None:
        """The visit a cookie stands for; None if it holds no longer. Each use lengthens it."""
        key, now_s = _hash(value), self._wall()
        known = self._visits.get(key)
        if known is None or known.role is not role or known.until_s <= now_s:
            return None
        if known.until_s - now_s < _VISIT_S / 2:
            self._visits[key] = replace(known, until_s=now_s + _VISIT_S)
            self._keep()
        return Visit(role, _hash("csrf " + value))

    def revoke(self, role: Role) -> None:
        """End every visit of a role, its tickets and, for clients, the code."""
        self._visits = {key: known for key, known in self._visits.items() if known.role is not role}
        with self._guard:
            self._drop(lambda ticket: ticket.role is role)
        if role is Role.CLIENT:
            self._code = None
        self._keep()

    def _sweep(self, path: Path) -> None:
        """Take away the files of other servers that hold no visit any more."""
        now_s = self._wall()
        for other in path.parent.glob("visits-*.json"):
            if other != path and all(known.until_s <= now_s for known in _read(other).values()):
                with suppress(OSError):
                    other.unlink()

    def _keep(self) -> None:
        now_s = self._wall()
        self._visits = {key: known for key, known in self._visits.items() if known.until_s > now_s}
        if self._path is not None:
            with suppress(OSError):  # a full disk must not keep anyone out: the visit holds in memory
                _write(self._path, self._visits)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _write(path: Path, visits: Mapping[str, _Known]) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    facts = {key: [str(known.role), known.until_s] for key, known in visits.items()}
    write_file(path, json.dumps(facts).encode())
    path.chmod(0o600)


def _read(path: Path) -> dict[str, _Known]:
    """The visits of an earlier process; none if there is no file, or one that says something else."""
    try:
        facts = json.loads(path.read_bytes())
        return {str(key): _Known(Role(role), float(until_s)) for key, (role, until_s) in facts.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}
