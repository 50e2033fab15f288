"""The recorder's companion: the session flow in a second process, and what to do when it does not deliver.

The recorder starts it, forgets it while recording, and afterwards waits a while for the report. A
companion that is dead, stuck or too slow is replaced by a plain run of the same functions.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import DeviceError, InsufficientDataError

# Real seconds. Prefect's own server needs up to a minute to start, but has the whole session for it.
_START_S = 60.0
_FINISH_S = 20.0
_TIDY_S = 10.0
_LOOK_EVERY_S = 0.5
_PYTHON = (sys.executable, "-P", "-m")  # -P: not what happens to lie in the current folder


@dataclass(frozen=True, slots=True)
class Companion:
    """The process that follows and analyses one session."""

    folder: Path
    process: subprocess.Popen[str]
    began_s: float

    def report(self) -> tuple[Path, str | None]:
        """The report of the sealed session, and one line if it did not come about as it should.

        Raises InsufficientDataError if the session holds nothing to report.
        """
        warning = self._await()
        if self._reported():
            return self.folder / "derived" / "report.html", warning
        if self.process.returncode == InsufficientDataError.exit_code:
            raise InsufficientDataError(f"the session is stored in {self.folder}, but {warning}")
        return report_plainly(
            self.folder
        ), warning or "the session flow ended early: the report was made without it"

    def _await(self) -> str | None:
        """Wait for the flow while there is hope; a line to warn with, or None if all went well."""
        deadline_s = max(time.monotonic() + _FINISH_S, self.began_s + _START_S)
        while time.monotonic() < deadline_s:
            try:
                said, _ = self.process.communicate(timeout=_LOOK_EVERY_S)
                return said.strip() or None
            except subprocess.TimeoutExpired:
                if self._reported():  # only Prefect's own book-keeping is left
                    deadline_s = min(deadline_s, time.monotonic() + _TIDY_S)
        self.end()
        if self._reported():
            return "Prefect did not finish in time: its own record of this session is incomplete"
        return "Prefect did not answer in time: the report was made without it"

    def _reported(self) -> bool:
        return (self.folder / "derived" / "report.json").exists()  # written last

    def end(self) -> None:
        """Stop the companion and the server it may have started."""
        if os.name == "posix":
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
        else:
            subprocess.run(
                ["taskkill", "/T", "/F", "/PID", str(self.process.pid)], capture_output=True, check=False
            )
        self.process.communicate()


def start(folder: Path) -> Companion:
    """Start the session flow for a folder that is being recorded.

    It gets a session of its own, so that Ctrl-C or a closed terminal ends the recording, not the report.
    """
    process = subprocess.Popen(
        [*_PYTHON, "flows.session", str(folder)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
        creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),  # the same on Windows
    )
    return Companion(folder, process, time.monotonic())


def report_plainly(folder: Path) -> Path:
    """Make the report in a fresh process, where nothing of an orchestrator is loaded."""
    plain = subprocess.run(
        [*_PYTHON, "flows.reporting", str(folder)], capture_output=True, text=True, check=False
    )
    if plain.returncode:
        said = (plain.stdout + plain.stderr).strip().splitlines() or ["no reason given"]
        failure = (
            InsufficientDataError if plain.returncode == InsufficientDataError.exit_code else DeviceError
        )
        raise failure(f"the session is stored in {folder}, but it has no report: {said[-1]}")
    return folder / "derived" / "report.html"


def processor_seconds() -> tuple[float, float]:
    """CPU seconds of this process, and of it and every finished child."""
    spent = os.times()
    own_s = spent.user + spent.system
    return own_s, own_s + spent.children_user + spent.children_system
