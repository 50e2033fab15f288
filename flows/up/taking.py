"""One arrival becomes a session with its report, once, whoever asks for it and however often.

    python -m flows.up.taking HOME FOLDER ARRIVAL

The ledger names the session before it is written, so what a killed import left is either the whole session or
nothing.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from flows.up.ledger import MOST_ATTEMPTS, Arrival, Ledger, State
from flows.up.place import Place
from pipeline.errors import InputError, InUseError, VagalError
from pipeline.lines import held
from pipeline.store import Home, is_session

LIMIT_S = 900.0

_PYTHON = (sys.executable, "-P", "-m")  # -P: not what happens to lie in the current folder


def take(home: Home, folder: Path, arrival_id: str) -> Arrival | None:
    """Import and report an arrival unless that was done; what became of it, None if it is gone.

    Raises InUseError if another process is at it, InputError if home or ledger cannot be written.
    """
    ledger = Ledger(Place(home.path).ledger)
    with _held(home, arrival_id):
        arrival = ledger.read(arrival_id)
        if arrival is not None and arrival.state is State.WAITING:
            _take(home, folder / arrival.path, arrival, ledger)
    return ledger.read(arrival_id)


def is_being_taken(home: Home, arrival_id: str) -> bool:
    """Whether a process is at an arrival."""
    try:
        with _held(home, arrival_id):
            return False
    except InUseError:
        return True


def start_taking(home: Home, folder: Path, arrival_id: str) -> subprocess.Popen[bytes]:
    """Take an arrival in a process of its own: what a file does to it, it does to nothing else."""
    return subprocess.Popen(
        [*_PYTHON, "flows.up.taking", str(home.path), str(folder), arrival_id],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _take(home: Home, path: Path, arrival: Arrival, ledger: Ledger) -> None:
    session = _stored(home, arrival)
    if session is None:
        if arrival.attempts >= MOST_ATTEMPTS:
            why = arrival.reason or "the process that read it ended"
            ledger.refuse(arrival.id, f"{why} (tried {MOST_ATTEMPTS} times)")
            return
        ledger.begin(arrival.id)
        session = _import(home, path, arrival, ledger)
    if session is not None:
        ledger.imported(arrival.id, _report(session))


def _stored(home: Home, arrival: Arrival) -> Path | None:
    """The session of an import that was interrupted, if it is whole; what is not is cleared away."""
    if arrival.session is None:
        return None
    folder = home.sessions_path / arrival.client / arrival.session
    if is_session(folder):
        return folder
    shutil.rmtree(folder.with_name(f".{folder.name}"), ignore_errors=True)
    return None


def _import(home: Home, path: Path, arrival: Arrival, ledger: Ledger) -> Path | None:
    """The session made of a file or folder; None if the ledger says why there is none."""
    from devices.exports.reader import open_source
    from flows.importing import Reading, import_recording

    storing: list[Path] = []

    def about_to(session: Path) -> None:
        storing.append(session)
        ledger.name_session(arrival.id, session.name)

    try:
        if open_source(path).sha256 == arrival.sha256:
            return import_recording(home, path, arrival.client, Reading(), about_to)[0]
    except Exception as error:
        if not storing and not path.exists():
            ledger.forget(arrival.id)
        elif not storing and isinstance(error, VagalError):
            ledger.refuse(arrival.id, _reason(error, path))
        else:  # the disk or the memory may be full, or vagal at fault: not for good
            ledger.delay(arrival.id, _reason(error, path))
        return None
    ledger.forget(arrival.id)  # another by now: it will land again
    return None


def _report(session: Path) -> str | None:
    """Write a session's report; the reason where there is none."""
    from flows.reporting import write_report

    try:
        write_report(session)
    except Exception as error:
        return _reason(error, session)
    return None


def _reason(error: Exception, path: Path) -> str:
    """What an error says, in one line, without the path that everybody knows."""
    if isinstance(error, VagalError):
        said = str(error).removeprefix(f"{path}: ").replace(f"{path.parent}{os.sep}", "")
        return " ".join(said.split())
    if isinstance(error, OSError):
        return f"{error.filename or 'file'}: {error.strerror or error}"
    return f"a fault in vagal itself ({type(error).__name__}: {' '.join(str(error).split())})"


@contextmanager
def _held(home: Home, arrival_id: str) -> Iterator[None]:
    """Be the only process at an arrival. Raises InUseError."""
    path = Place(home.path).folder / arrival_id
    with ExitStack() as stack:
        try:
            stack.enter_context(held(path, wait_s=0.0))
        except OSError as error:
            raise InputError(f"{path}: cannot be held ({error.strerror})") from error
        yield


def main(home: Path, folder: Path, arrival_id: str) -> int:
    """Take one arrival; 0 if it is dealt with, whatever became of it."""
    try:
        take(Home(home), folder, arrival_id)
    except VagalError as error:
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]))
