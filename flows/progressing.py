"""Hold a client's sessions side by side and write the progress report: what command and web app call.

python -m flows.progressing HOME CLIENT
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.claims.claim import Audience
from pipeline.errors import InputError, VagalError
from pipeline.manifest import sha256_of, software
from pipeline.model import client_pseudonym
from pipeline.store import Home, is_session

if TYPE_CHECKING:
    from pipeline.amendments import Amendments

PAGES = {Audience.CLINICIAN: "progress.html", Audience.CLIENT: "client.html"}
FACTS = "progress.json"


@dataclass(frozen=True, slots=True)
class Written:
    """Where a client's progress was written: the page of each audience, and what they rest on as JSON."""

    pages: dict[Audience, Path]
    facts: Path

    def page(self, audience: str) -> Path:
        return self.pages[Audience(audience)]


def progress_folder(home: Path, client: str) -> Path:
    """Where a client's progress lies. Raises UsageError for a name that is no pseudonym.

    <home>/clients/<client>/{amendments.jsonl, derived/{progress.html, client.html, progress.json}}
    """
    return home / "clients" / client_pseudonym(client)


def write_progress(home: Home, client: str) -> Written:
    """Write both editions and what they rest on; all in derived/ can be made again from the sessions.

    What is there is kept if sessions' values, diary, profile, clinic, releases and software are the same.
    Raises UsageError for a name that is no pseudonym, InputError if nothing is stored of the client.
    """
    from pipeline.amendments import amendments_path, read_amendments

    folder = progress_folder(home.path, client)
    derived = folder / "derived"
    written = Written({each: derived / name for each, name in PAGES.items()}, derived / FACTS)
    key = _key(home, client)
    stamp = sha256_of(key.encode() + _content(amendments_path(folder)))
    if all(path.is_file() for path in written.pages.values()) and _stamp_of(written.facts) == stamp:
        return written
    _write(home, client, written, key, stamp, read_amendments(folder))
    return written


def release_progress(home: Home, client: str, by: str, at: datetime) -> Written:
    """Release the client's edition as it now is: with the next session or entry it is a draft again.

    Raises UsageError for a name that is none, InputError.
    """
    from pipeline.amendments import What, amendments_path
    from pipeline.entries import moment, told_name
    from pipeline.lines import append_line

    name = told_name(by)
    write_progress(home, client)
    facts = {"at": moment(at), "by": name, "what": What.RELEASE, "key": _key(home, client)}
    append_line(amendments_path(progress_folder(home.path, client)), facts)
    return write_progress(home, client)


def write_pdf(page: Path) -> Path:
    """Write a page as a PDF beside it. Raises InputError that says what is missing for it."""
    from pipeline.report.pdf import pdf_of
    from pipeline.sealing import write_file

    path = page.with_suffix(".pdf")
    write_file(path, pdf_of(page.read_text(encoding="utf-8")))
    return path


def _write(home: Home, client: str, written: Written, key: str, stamp: str, amendments: Amendments) -> None:
    from pipeline.claims.progress import progress_claims
    from pipeline.clinic import read_clinic
    from pipeline.diary import read_diary
    from pipeline.language import catalogue, use
    from pipeline.profile import make_clients_folder, read_profile
    from pipeline.progress.progress import progress, settings_of
    from pipeline.progress.sessions import read_sessions, sessions_without_values
    from pipeline.report.context import Context
    from pipeline.report.progress_page import Report, render_progress
    from pipeline.sealing import write_file

    profile, diary, clinic = (
        read_profile(home.path, client),
        read_diary(home.path, client),
        read_clinic(home.path),
    )
    sessions = tuple(read_sessions(home, client))
    unread = tuple(sessions_without_values(home, client))
    with use(catalogue(phrases=clinic.phrases)):
        found = progress(sessions, settings_of(profile, diary))
        claims = progress_claims(found)
        report = Report(client, sessions, found, claims, unread, key, _released(amendments, key))
        context = Context(profile=profile, clinic=clinic, diary=diary, progress=found, amendments=amendments)
        pages = {each: render_progress(report, replace(context, audience=each)) for each in written.pages}
        facts = {
            "key": key,
            "stamp": stamp,
            "client": client,
            "unread": unread,
            "progress": found.as_json(),
            "claims": claims.as_json(),
        }
    make_clients_folder(home.path)
    written.facts.parent.parent.mkdir(mode=0o700, exist_ok=True)
    written.facts.parent.mkdir(mode=0o700, exist_ok=True)
    for audience, page in pages.items():
        write_file(written.pages[audience], page.encode())
    write_file(written.facts, _json(facts))


def _json(facts: dict[str, Any]) -> bytes:
    return json.dumps(facts, ensure_ascii=False, allow_nan=False, indent=1).encode()


def _released(amendments: Amendments, key: str) -> bool:
    """Whether the client's edition was released as it is now."""
    release = amendments.release
    return release is not None and release.more.get("key") == key


def _key(home: Home, client: str) -> str:
    """What identifies all that the report rests on. Raises InputError if nothing is stored of the client."""
    from pipeline.diary import diary_path
    from pipeline.profile import profile_path
    from pipeline.progress.sessions import FILE

    folders = sorted(_sessions(home, client))
    if not folders:
        raise InputError(f"{client}: no finished session is stored under this name (`vagal list` shows them)")
    parts: list[object] = [software()]
    parts += [[folder.name, sha256_of(_content(folder / "derived" / FILE))] for folder in folders]
    entered = (profile_path(home.path, client), diary_path(home.path, client), home.path / "clinic.toml")
    parts += [sha256_of(_content(path)) for path in entered]
    return sha256_of(json.dumps(parts).encode())


def _sessions(home: Home, client: str) -> Iterator[Path]:
    for folder in (home.sessions_path / client_pseudonym(client)).glob("*"):
        if not folder.name.startswith(".") and is_session(folder):
            yield folder


def _content(path: Path) -> bytes:
    """A file's bytes; none if it is not there or cannot be read, which is told where it is read."""
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _stamp_of(path: Path) -> str | None:
    try:
        stamp: str | None = json.loads(path.read_bytes()).get("stamp")
    except (OSError, ValueError, AttributeError):
        return None
    return stamp


def main(home: Path, client: str) -> int:
    """Write the progress report of one client; the exit code."""
    try:
        write_progress(Home(home), client)
    except VagalError as error:
        print(error)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2]))
