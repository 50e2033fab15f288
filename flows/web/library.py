"""What lies in the home folder, as the home and progress pages show it: clients, sessions, reports.

Only manifests and report.json are read, each again only when it has changed, on a worker thread. Reports and
imports are made by child processes: nothing heavy is ever loaded beside a recorder.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from flows.entering import Answer, enter_facts, plan_facts, release_facts, release_told, speak_notice
from flows.progressing import PAGES as PROGRESS_PAGES
from flows.progressing import progress_folder
from flows.reporting import PAGES as REPORT_PAGES
from flows.up.told import told
from flows.web.gate import IMPORT_BYTES
from pipeline.amendments import amendments_path, read_amendments
from pipeline.claims.claim import Audience
from pipeline.clinic import Clinic, read_clinic
from pipeline.diary import Diary, diary_path, read_diary
from pipeline.errors import DeviceError, InputError, UsageError, VagalError
from pipeline.guidance.protocol import protocols
from pipeline.language import text
from pipeline.model import client_pseudonym
from pipeline.profile import Profile, profile_path, read_profile
from pipeline.store import Home, is_session

_CHILD_S = 600.0
_PYTHON = (sys.executable, "-P", "-m")  # -P: not what happens to lie in the current folder
_CLIENT = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_SESSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z-]{0,63}")
_BASELINES = ("baseline", "reference")  # the second stands in for the first

_SOURCES = {"empatica-e4": "Empatica E4"}


class Library:
    """The sessions of one home. Its methods may be called from one event loop at a time."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._kept: dict[Path, tuple[tuple[int, int], Any]] = {}
        self._titles: dict[str, str] | None = None
        self._children = _Children()
        self._reporting = asyncio.Lock()
        self._importing = asyncio.Lock()

    @property
    def home_path(self) -> Path:
        return self._home.path

    def close(self) -> None:
        """Stop what is still being made."""
        self._children.end()

    async def home(self) -> dict[str, Any]:
        """Every client, the one seen last first, and what the clinic says of itself."""
        return await asyncio.to_thread(self._overview)

    async def client(self, client: str) -> dict[str, Any]:
        """One client: what is known of them, and their sessions, the latest first.

        Raises UsageError for a name that is none, InputError if the profile cannot be read.
        """
        client_pseudonym(client)
        return await asyncio.to_thread(self._client, client)

    async def enter(self, client: str, facts: Mapping[str, Any]) -> dict[str, Any]:
        """Add to a client's diary; one line, and what the clinician is to read now. Raises VagalError."""
        return await asyncio.to_thread(lambda: _answered(enter_facts(self._home, client, facts)))

    async def plan(self, client: str, facts: Mapping[str, Any]) -> dict[str, Any]:
        """Set what is planned with a client; one line. Raises VagalError."""
        return await asyncio.to_thread(lambda: _answered(plan_facts(self._home, client, facts)))

    async def release(self, client: str, session: str, facts: Mapping[str, Any]) -> dict[str, Any]:
        """Release a session's client edition, or withdraw it; one line. Raises VagalError."""
        return await asyncio.to_thread(lambda: _answered(release_facts(self._home, client, session, facts)))

    async def report(self, client: str, session: str, audience: Audience = Audience.CLINICIAN) -> Path:
        """The report's page, made if it is not there yet, or something was entered since.

        Raises InputError if there is no such session.
        """
        if not (_CLIENT.fullmatch(client) and _SESSION.fullmatch(session)):
            raise InputError("there is no such session")
        folder = self._home.sessions_path / client / session
        page = folder / "derived" / REPORT_PAGES[audience]
        if not is_session(folder):
            raise InputError(text("web.refused.not_finished"))
        async with self._reporting:
            if await asyncio.to_thread(self._is_old, page, folder):
                ended = await asyncio.to_thread(self._children.run, ("flows.reporting", str(folder)))
                ended.check(text("web.refused.no_report"))
                await asyncio.to_thread(_made, page)
        return page

    async def progress(self, client: str, audience: Audience) -> Path:
        """The page of a client's progress, made anew if anything changed. Raises UsageError or InputError."""
        folder = progress_folder(self.home_path, client)
        async with self._reporting:
            made = ("flows.progressing", str(self.home_path), client)
            ended = await asyncio.to_thread(self._children.run, made)
        ended.check(text("web.refused.no_progress"))
        return folder / "derived" / PROGRESS_PAGES[audience]

    async def import_file(self, client: str, name: str, content: AsyncIterator[bytes]) -> dict[str, Any]:
        """Store an export as sessions of a client, with their reports; which, and what was noted.

        Raises UsageError or InputError with the line that says why not.
        """
        client_pseudonym(client)
        if not name:
            raise UsageError("name the file in the header X-Vagal-Name")
        with tempfile.TemporaryDirectory(prefix="vagal-import-") as folder:
            path = Path(folder) / base_name(name)
            await _write(path, content)
            command = ("flows.cli", "import", str(path), "--client", client, "--home", str(self.home_path))
            async with self._importing:
                ended = await asyncio.to_thread(self._children.run, command, hide=folder)
        return _imported(ended, path.name)

    def _is_old(self, page: Path, folder: Path) -> bool:
        """Whether a page is not there, or older than what a person entered and it would say."""
        home, client = self.home_path, folder.parent.name
        entered = (diary_path(home, client), profile_path(home, client), amendments_path(folder))
        made_ns = _changed_ns(page)
        return not made_ns or any(_changed_ns(path) > made_ns for path in (*entered, home / "clinic.toml"))

    def _overview(self) -> dict[str, Any]:
        by_client: dict[str, list[Path]] = {}
        for folder in self._home.sessions():
            if _CLIENT.fullmatch(folder.parent.name):
                by_client.setdefault(folder.parent.name, []).append(folder)
        clients = [self._summary(client, folders) for client, folders in by_client.items()]
        clients.sort(key=lambda each: (each["last"] or {}).get("session_id", ""), reverse=True)
        unfinished = sum(not is_session(folder) for folders in by_client.values() for folder in folders)
        return {
            "clients": clients,
            "unfinished": unfinished,
            "clinic": self._clinic(),
            "inbox": told(self.home_path),
        }

    def _clinic(self) -> dict[str, Any]:
        try:
            clinic, trouble = read_clinic(self.home_path), None
        except InputError as error:
            clinic, trouble = Clinic(), str(error)
        told = trouble or next(iter(clinic.troubles), None)
        return {"name": clinic.name, "crisis_line": clinic.crisis_line, "trouble": told}

    def _summary(self, client: str, folders: Sequence[Path]) -> dict[str, Any]:
        sessions = [self._session(folder) for folder in folders]
        sealed = [session for session in sessions if session["state"] == "sealed"]
        try:
            profile = read_profile(self.home_path, client)
        except VagalError:  # said on the client's own page
            profile = Profile()
        return {
            "client": client,
            "sessions": len(sealed),
            "minutes": round(sum(session["minutes"] for session in sealed), 1),
            "goal": profile.goal,
            "conditions": dict(profile.conditions),
            "last": max(sealed, key=lambda session: str(session["session_id"]), default=None),
        }

    def _client(self, client: str) -> dict[str, Any]:
        folders = sorted((self._home.sessions_path / client).glob("*"), reverse=True)
        trouble = None
        try:
            profile = read_profile(self.home_path, client)
        except InputError as error:
            profile, trouble = Profile(), str(error)
        return {
            "client": client,
            "profile": {**asdict(profile), "trouble": trouble},
            "diary": self._diary(client),
            "sessions": [
                self._session(folder)
                for folder in folders
                if folder.is_dir() and not folder.name.startswith(".")
            ],
        }

    def _diary(self, client: str) -> dict[str, Any]:
        """What was entered of a client, the latest first, and what the clinician is to read of it."""
        try:
            diary = read_diary(self.home_path, client)
        except InputError as error:
            diary = Diary(trouble=str(error))
        return {
            "entries": [entry.as_json() for entry in reversed(diary.entries)],
            "trouble": diary.trouble,
            "notice": speak_notice(self.home_path, diary.asks_to_speak),
        }

    def _session(self, folder: Path) -> dict[str, Any]:
        """What the pages show of a session, whatever state it is in."""
        client, session_id = folder.parent.name, folder.name
        begun: dict[str, Any] = {**_UNKNOWN, "session_id": session_id, "client": client, "title": session_id}
        if not is_session(folder):
            return begun | {"state": "unfinished", "why": text("web.session.unfinished_why")}
        try:
            told = self._read(folder / "session.json", self._told)
        except _UNREADABLE:
            return begun | {"state": "damaged", "why": text("web.session.damaged_why")}
        page = folder / "derived" / "report.html"
        return {
            **begun,
            **told,
            "state": "sealed",
            "report": f"/report/{client}/{session_id}",
            "reported": page.is_file(),
            "baseline": self._baseline(folder),
            **_released(folder),
        }

    def _told(self, manifest: Mapping[str, Any]) -> dict[str, Any]:
        """What a manifest tells."""
        protocol, source = manifest["protocol"], manifest["source"]
        return {
            "date": manifest["started_at"],
            "protocol": protocol,
            "title": self._title(protocol) if protocol else _import_title(source),
            "source": source,
            "minutes": round(float(manifest["duration_s"]) / 60, 1),
            "simulated": bool(manifest["simulated"]),
            "recovered": bool(manifest["recovered"]),
            "distress": _distress(manifest["ratings"]),
            "phases": [
                {
                    "name": str(phase["name"]),
                    "kind": str(phase["kind"]),
                    "minutes": round((phase["end_s"] - phase["start_s"]) / 60, 1),
                }
                for phase in manifest["phases"]
            ],
        }

    def _title(self, protocol: str) -> str:
        """A protocol's title; its name if there is none of that name any more."""
        if self._titles is None:
            self._titles = {name: _title_of(path) for name, path in protocols(self.home_path).items()}
        return self._titles.get(protocol, protocol)

    def _baseline(self, folder: Path) -> dict[str, Any] | None:
        try:
            baseline: dict[str, Any] | None = self._read(folder / "derived" / "report.json", _baseline_of)
        except _UNREADABLE:
            return None
        return baseline

    def _read(self, path: Path, told: Callable[[Any], Any]) -> Any:
        """What a JSON file tells; from memory while the file is the same."""
        facts = path.stat()
        state = (facts.st_mtime_ns, facts.st_size)
        known = self._kept.get(path)
        if known is None or known[0] != state:
            known = self._kept[path] = (state, told(json.loads(path.read_bytes())))
        return known[1]


_UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError)

_UNKNOWN: Mapping[str, Any] = {
    "why": None,
    "date": None,
    "protocol": None,
    "source": "session",
    "minutes": None,
    "simulated": False,
    "recovered": False,
    "report": None,
    "reported": False,
    "distress": None,
    "phases": [],
    "baseline": None,
    "release": None,
    "release_trouble": None,
}


def _answered(answer: Answer) -> dict[str, Any]:
    return {"line": answer.line, "notice": answer.notice}


def _released(folder: Path) -> dict[str, Any]:
    """Who released the client edition, if somebody did."""
    try:
        amendments = read_amendments(folder)
    except InputError as error:
        return {"release_trouble": str(error)}
    return {"release": release_told(amendments.release), "release_trouble": amendments.trouble}


def _made(page: Path) -> None:
    """A report that says the same after something was entered counts as made after it."""
    try:
        os.utime(page)
    except OSError:
        raise InputError("there is no such report of this session") from None


def _changed_ns(path: Path) -> int:
    """When a file was changed last; 0 if it is not there."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _import_title(source: str) -> str:
    if source == "rr-text":
        return text("web.session.imported_rr")
    return text("web.session.imported", source=_SOURCES.get(source, source))


def _title_of(path: Path) -> str:
    import tomllib

    try:
        return str(tomllib.loads(path.read_text(encoding="utf-8"))["title"])
    except (OSError, ValueError, KeyError):
        return path.stem


def _distress(ratings: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    values = [rating["value"] for rating in ratings if rating["scale"] == "distress"]
    return {"first": values[0], "last": values[-1], "n": len(values)} if values else None


def _baseline_of(report: Mapping[str, Any]) -> dict[str, Any] | None:
    """Heart rate, RMSSD and skin level of the baseline, each with what it rests on."""
    unpaced = [phase for phase in report["phases"] if not phase.get("paced")]
    found = [phase for kind in _BASELINES for phase in unpaced if phase["kind"] == kind]
    if not found:
        return None
    phase, features = found[0], found[0]["features"]
    length_s = phase["end_s"] - phase["start_s"]
    skin_s = None if features.get("eda_coverage") is None else round(features["eda_coverage"] * length_s)
    basis = {"mean_hr_bpm": features.get("beats"), "rmssd_ms": features.get("nn_pairs"), "scl_us": skin_s}
    return {
        "phase": phase["name"],
        "minutes": round(length_s / 60, 1),
        **{
            name: {"value": features.get(name), "n": n, "why": phase["null_reasons"].get(name)}
            for name, n in basis.items()
        },
    }


def base_name(name: str) -> str:
    """A file name that is only a name: of plain letters, never hidden, its ending kept."""
    last = re.split(r"[/\\]", name)[-1]
    plain = re.sub(r"[^0-9A-Za-z._ -]+", "_", last).strip(". ")
    stem, dot, ending = plain.rpartition(".")
    if not dot:
        stem, ending = plain, ""
    return (stem.strip(". -")[:80] or "recording") + (f".{ending[:12]}" if ending else "")


async def _write(path: Path, content: AsyncIterator[bytes]) -> None:
    size = 0
    with path.open("xb") as file:
        async for chunk in content:
            size += len(chunk)
            if size > IMPORT_BYTES:
                raise InputError(text("web.refused.large", name=path.name, most_mb=IMPORT_BYTES >> 20))
            file.write(chunk)
    if not size:
        raise InputError(text("web.refused.empty", name=path.name))


@dataclass(frozen=True, slots=True)
class _Ended:
    """What a child process said, and whether it failed."""

    failed: bool
    lines: tuple[str, ...]

    def check(self, otherwise: str) -> None:
        """Raise InputError with its last line if it failed."""
        if self.failed:
            raise InputError(self.lines[-1] if self.lines else otherwise)


def _imported(ended: _Ended, name: str) -> dict[str, Any]:
    """The sessions that an import made. One that cannot be reported is still there, and says why."""
    said = [line.partition(" ") for line in ended.lines]
    folders = [Path(rest.strip()) for word, _, rest in said if word == "Session"]
    if not folders:
        ended.check(text("web.refused.unread", name=name))
    notes = [rest for word, _, rest in said if word == "Note:"]
    return {
        "sessions": [
            {
                "client": folder.parent.name,
                "session_id": folder.name,
                "report": None if ended.failed else f"/report/{folder.parent.name}/{folder.name}",
            }
            for folder in folders
        ],
        "notes": [*notes, *ended.lines[-1:]] if ended.failed else notes,
    }


class _Children:
    """Processes that make reports and imports, which end with the server."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[str]] = set()
        self._guard = threading.Lock()
        self._ended = False

    def run(self, command: Sequence[str], *, hide: str | None = None) -> _Ended:
        """Run a module of ours to its end; what it said, where a folder to `hide` is left out.

        Raises DeviceError if it took too long or the server is stopping.
        """
        with self._guard:
            if self._ended:
                raise DeviceError(text("web.refused.stopping"))
            child = subprocess.Popen(
                [*_PYTHON, *command],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                encoding="utf-8",
                errors="replace",
                env={**os.environ, "PYTHONIOENCODING": "utf-8"},
                start_new_session=True,  # Ctrl-C is for the recorder
            )
            self._running.add(child)
        try:
            said, _ = child.communicate(timeout=_CHILD_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.communicate()
            raise DeviceError(text("web.refused.too_long", minutes=round(_CHILD_S / 60))) from None
        finally:
            with self._guard:
                self._running.discard(child)
        return _Ended(bool(child.returncode), tuple(_plain(said, hide)))

    def end(self) -> None:
        """Stop them all, now and for later."""
        with self._guard:
            self._ended = True
            for child in self._running:
                child.kill()


def _plain(said: str, hide: str | None) -> Iterator[str]:
    for line in said.splitlines():
        if line.strip():
            shown = line.replace(hide + os.sep, "") if hide else line
            yield shown.strip().removeprefix("vagal: ")
