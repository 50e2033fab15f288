"""Analyse a session and write its report: what flows, commands and the companion all call.

python -m flows.reporting FOLDER
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.claims.claim import Audience
from pipeline.errors import InputError, VagalError
from pipeline.manifest import sha256_of, software

if TYPE_CHECKING:
    from pipeline.analysis import Analysis
    from pipeline.progress.progress import Progress
    from pipeline.report.context import Context

PAGES = {Audience.CLINICIAN: "report.html", Audience.CLIENT: "client.html"}
FACTS = "report.json"
_FEATURES = ("features.parquet", "values.json")
_LATELY = 6  # sessions in which a card counts as seen


def write_report(folder: Path) -> Path:
    """Write features, beats, values.json, report.json and both editions of a sealed session to derived/.

    And resonance.json, where its phases are a resonance assessment; the clinician's page. What is there
    already is kept if session, software, parameters, phrases and what is known around it are the same. Where
    only the last two are not, the pages are made anew from the analysis that is kept.
    Raises InsufficientDataError if the session holds nothing that can be analysed.
    """
    derived = folder / "derived"
    analysed = analysis_key(folder)
    key = _report_key(folder, analysed)
    pages = {audience: derived / name for audience, name in PAGES.items()}
    if all(page.is_file() for page in pages.values()) and _facts_of(folder).get("key") == key:
        return pages[Audience.CLINICIAN]
    _write_pages(folder, _analysed(folder, analysed), key)
    return pages[Audience.CLINICIAN]


def _analysed(folder: Path, key: str) -> Analysis:
    """The analysis of a session: the one that is kept, else a new one, which is kept with all it gives."""
    from flows.kept_analysis import keep_analysis, kept_analysis
    from pipeline.edits import FILE, with_edits
    from pipeline.store import read_session

    derived, recording = folder / "derived", with_edits(read_session(folder), folder / FILE)
    kept = kept_analysis(derived, recording, key)
    if kept is not None and all((derived / name).is_file() for name in _FEATURES):
        return kept

    from flows.resonance import write_resonance
    from pipeline.analysis import analyse
    from pipeline.progress.sessions import session_values, write_values
    from pipeline.sealing import write_table

    analysis = analyse(recording)
    derived.mkdir(exist_ok=True)
    write_table(derived / "features.parquet", analysis.windows_table())
    if (beats := analysis.beats_table()) is not None:
        write_table(derived / "beats.parquet", beats)
    write_resonance(derived, analysis)
    write_values(derived, session_values(analysis))
    keep_analysis(derived, analysis, recording, key)  # last: what goes with it is there
    return analysis


def _write_pages(folder: Path, analysis: Analysis, key: str) -> None:
    from pipeline.language import use
    from pipeline.report.client_page import client_report, render_client
    from pipeline.report.model import session_report
    from pipeline.report.page import render
    from pipeline.sealing import write_file

    derived, context = folder / "derived", context_of(folder, analysis)
    with use(context.clinic.catalogue()):
        report = session_report(analysis, context)
        client = client_report(analysis, context, report.claims)
        write_file(derived / PAGES[Audience.CLINICIAN], render(analysis, context, report).encode())
        write_file(derived / PAGES[Audience.CLIENT], render_client(analysis, context, client).encode())
        facts: dict[str, Any] = {
            "key": key,
            **{name: value for name, value in analysis.as_json().items() if name != "windows"},
            "record": list(report.record),
            "claims": report.claims.as_json(),
            "card": context.card.name if context.card is not None else None,
        }
    content = json.dumps(facts, ensure_ascii=False, allow_nan=False, indent=1)
    write_file(derived / FACTS, content.encode())  # last: what it stands beside is there


def analysis_key(folder: Path) -> str:
    """What identifies all that an analysis rests on: a session's files, corrections, software, parameters.

    A release is no correction; what is marked by hand is one.
    """
    from pipeline.amendments import What, read_amendments
    from pipeline.edits import FILE
    from pipeline.parameters import Parameters

    corrections: list[object] = []
    with suppress(InputError):  # what cannot be read corrects nothing, and is told where it is looked for
        lines = read_amendments(folder).lines
        corrections = [str(line) for line in lines if line is None or line.what not in tuple(What)]
    parts = [json.dumps([software(), Parameters().hash, corrections]).encode()]
    files = [folder / "session.json", folder / "raw.parquet", *sorted((folder / "streams").glob("*.parquet"))]
    if (folder / FILE).exists():
        files.append(folder / FILE)
    return _hashed([*parts, *(_content(path) for path in files)])


def report_key(folder: Path) -> str:
    """What identifies all that a report rests on: its analysis, and what is known around the session."""
    return _report_key(folder, analysis_key(folder))


def _report_key(folder: Path, analysed: str) -> str:
    parts = [analysed.encode(), _content(folder / "amendments.jsonl")]
    parts.append(json.dumps(_cards_before(folder)).encode())  # the choice of a card goes by them
    if (home := home_of(folder)) is not None:
        client = home / "clients" / folder.parent.name
        parts += [_content(home / "clinic.toml"), _content(client.with_suffix(".json"))]
        parts.append(_content(client.with_name(f"{client.name}.diary.jsonl")))
        parts += [_content(earlier / "derived" / "values.json") for earlier in _before(folder)]
        parts += [_content(path) for path in _own_knowledge(home)]
    return _hashed(parts)


def _hashed(parts: Sequence[bytes]) -> str:
    return sha256_of(b"".join(sha256_of(part).encode() for part in parts))


def context_of(folder: Path, analysis: Analysis) -> Context:
    """What is known around a session. What cannot be read is told, and the report goes without."""
    from dataclasses import replace

    from pipeline.amendments import read_amendments
    from pipeline.clinic import read_clinic
    from pipeline.diary import read_diary
    from pipeline.profile import read_profile
    from pipeline.report.context import Context
    from pipeline.report.education import card_for

    home, client = home_of(folder), folder.parent.name
    context, unread = Context(), dict[str, str]()
    reads: dict[str, Any] = {"amendments": lambda: read_amendments(folder)}
    if home is not None:
        reads |= {
            "clinic": lambda: read_clinic(home),
            "profile": lambda: read_profile(home, client),
            "diary": lambda: read_diary(home, client),
            "earlier": lambda: tuple(_values_before(folder)),
            "progress": lambda: _progress_so_far(analysis, context),
        }
    reads["card"] = lambda: card_for(analysis, context, _cards_before(folder), home)
    for name, read in reads.items():
        if name == "progress" and "profile" in unread:
            continue  # what was chosen to judge by is not known
        try:
            context = replace(context, **{name: read()})
        except VagalError as error:
            unread[name] = str(error)
    return replace(context, troubles=tuple(unread.values()))


def _progress_so_far(analysis: Analysis, context: Context) -> Progress:
    """The client's progress as it stood with this session: the progress report's, without later ones."""
    from pipeline.progress.progress import progress, settings_of
    from pipeline.progress.sessions import session_values

    sessions = (*context.earlier, session_values(analysis))
    return progress(sessions, settings_of(context.profile, context.diary))


def home_of(folder: Path) -> Path | None:
    """The home that a session lies in; None for one that lies elsewhere."""
    sessions = folder.resolve().parent.parent
    return sessions.parent if sessions.name == "sessions" else None


def _before(folder: Path) -> list[Path]:
    """The client's sessions before this one, the oldest first: a session is named after its start."""
    return sorted(each for each in folder.parent.glob("[!.]*") if each.name < folder.name and each.is_dir())


def _values_before(folder: Path) -> Iterator[Any]:
    from pipeline.progress.sessions import FILE, read_values

    for earlier in _before(folder):
        with suppress(InputError):  # without values, or those of another version: as if it were not there
            yield read_values(earlier / "derived" / FILE)


def _cards_before(folder: Path) -> list[str]:
    """The cards of the latest sessions before this one."""
    found = (_facts_of(earlier).get("card") for earlier in _before(folder)[-_LATELY:])
    return [card for card in found if isinstance(card, str)]


def _own_knowledge(home: Path) -> list[Path]:
    """A home's own cards and strategies."""
    return sorted([*(home / "psychoeducation").glob("*.md"), *(home / "strategies").glob("*.toml")])


def _facts_of(folder: Path) -> dict[str, Any]:
    """What report.json says; nothing if there is none that can be read."""
    try:
        facts = json.loads((folder / "derived" / FACTS).read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return facts if isinstance(facts, dict) else {}


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def edition(folder: Path, audience: Audience, *, pdf: bool = False, out: Path | None = None) -> Path:
    """An edition of a session's report, as a page or a PDF; where it lies: beside the session, or at `out`.

    Raises InputError if it cannot be written, or what a PDF needs is not installed.
    """
    write_report(folder)
    page = folder / "derived" / PAGES[audience]
    if pdf:
        page = _pdf(page)
    if out is None:
        return page
    path = out / page.name if out.is_dir() else out
    try:
        path.write_bytes(page.read_bytes())
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror})") from error
    return path


def _pdf(page: Path) -> Path:
    """The page as a PDF beside it, made again only if the page is newer."""
    from pipeline.report.pdf import pdf_of
    from pipeline.sealing import write_file

    path = page.with_suffix(".pdf")
    if not path.is_file() or path.stat().st_mtime_ns < page.stat().st_mtime_ns:
        write_file(path, pdf_of(page.read_text(encoding="utf-8")))
    return path


def release_client_edition(folder: Path, name: str) -> str:
    """Release a session's client edition in a clinician's name; one line. Raises UsageError or InputError."""
    from datetime import UTC, datetime

    from pipeline.amendments import What, amend

    line = amend(folder, What.RELEASE, name, datetime.now(UTC))
    return f"Client edition released ({line.by})."


def record_text(folder: Path) -> str:
    """A session in five lines of plain text."""
    write_report(folder)
    return "\n".join(str(line) for line in _facts_of(folder).get("record", ()))


def main(folder: Path) -> int:
    """Write the report of one session; the exit code."""
    try:
        write_report(folder)
    except VagalError as error:
        print(error)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
