"""The session flow, in a process of its own beside the recorder: follow the folder, check, analyse, report.

    python -m flows.session FOLDER

Every step is an ordinary function; the flow only calls them. If Prefect cannot be reached the same
functions are called without it, and the one line printed says so.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from pathlib import Path

from devices.decoding import decode
from flows import orchestration
from flows.links import leave_link
from flows.progressing import PAGES as PROGRESS_PAGES
from flows.progressing import progress_folder, write_progress
from flows.reporting import PAGES, write_report
from pipeline.claims.claim import Audience
from pipeline.errors import InputError, InUseError, VagalError
from pipeline.sealing import seal
from pipeline.store import Home, is_session, recording_lock
from pipeline.verification import problems_of

_LOOK_EVERY_S = 0.2


def follow(folder: Path) -> Path:
    """Wait until the session is sealed; if its recorder is gone without sealing it, seal it here.

    Raises InputError if there is nothing left to follow, or what is left cannot be sealed.
    """
    while not is_session(folder):
        time.sleep(_LOOK_EVERY_S)
        with contextlib.suppress(InUseError):  # still being recorded
            _seal_abandoned(folder)
    return folder


def _seal_abandoned(folder: Path) -> None:
    with recording_lock(folder):
        if is_session(folder):
            return
        if not (folder / "journal.bin").exists():
            raise InputError(f"{folder}: there is no session to follow")
        seal(folder, decode, recovered=True)


def check(folder: Path) -> None:
    """Raise InputError unless every file of the session is as it was sealed."""
    if problems := problems_of(folder):
        raise InputError("; ".join(problems))


def run_plain(folder: Path) -> Path:
    """Follow, check, analyse and report, without an orchestrator."""
    check(follow(folder))
    return write_report(folder)


def run_flow(folder: Path) -> None:
    """The same as a Prefect flow, which is told the session's id and where its report lies, no more.

    Then the client's progress with this session, as a flow in it; the session is reported without that, too.
    """
    from prefect import flow, task

    home = folder.parents[2]

    @flow(name="session")
    def session(session_id: str) -> None:
        assert session_id == folder.name
        task(name="follow session", persist_result=False)(lambda: str(bool(follow(folder))))()
        task(name="check seal", persist_result=False)(lambda: check(folder))()
        task(name="analyse and report", persist_result=False)(lambda: str(bool(write_report(folder))))()
        leave_link(
            home,
            folder / "derived" / PAGES[Audience.CLINICIAN],
            f"report {folder.name}",
            text="Session report",
            description=f"`vagal report {folder.name}` says where it lies.",
        )
        progress_beside(Home(home), folder.parent.name)

    session(folder.name)


def progress_beside(home: Home, client: str) -> None:
    """A client's progress as a flow, or without one where Prefect fails it; else one line says why not."""
    try:
        try:
            run_progress_flow(home, client)
        except VagalError:
            raise
        except Exception:  # of Prefect's own troubles the session's flow tells
            write_progress(home, client)
    except Exception as error:
        print(f"the progress report was not made ({_reason(error)}): the session's is there", flush=True)


def run_progress_flow(home: Home, client: str) -> None:
    """A client's progress report as a Prefect flow, which is told a hash that only this home can make.

    Raises what `write_progress` does.
    """
    from prefect import flow, task

    @flow(name="progress")
    def progress(of: str) -> None:
        task(name="write progress", persist_result=False)(lambda: str(bool(write_progress(home, client))))()
        leave_link(
            home.path,
            progress_folder(home.path, client) / "derived" / PROGRESS_PAGES[Audience.CLINICIAN],
            f"progress {of}",
            text="Progress report",
            description="`vagal progress CLIENT` says where it lies.",
        )

    progress(home.hash_serial(f"client {client}"))


def main(folder: Path) -> int:
    """Run the flow, or without Prefect the plain functions; the exit code."""
    orchestration.configure(folder.parents[2])
    if hasattr(os, "nice"):
        os.nice(5)  # the recorder comes first
    try:
        try:
            run_flow(folder)
        except VagalError:
            raise
        except Exception as error:
            if not _reported(folder):
                run_plain(folder)
            print(f"Prefect was not available ({_reason(error)}): the report was made without it", flush=True)
    except VagalError as error:
        print(error, flush=True)
        return error.exit_code
    return 0


def _reason(error: Exception) -> str:
    """The first line of what an error says."""
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _reported(folder: Path) -> bool:
    return (folder / "derived" / "report.json").exists()  # written last


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
