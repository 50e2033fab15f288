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

from pipeline.errors import DeviceError

# Real seconds. Prefect's own server needs up to a minute to start, but has the whole session for it.
_START_S = 60.0
_FINISH_S = 20.0
_TIDY_S = 10.0
_LOOK_EVERY_S = 0.5


@dataclass(frozen=True, slots=True)
class Companion:
    """The process that follows and analyses one session."""

    folder: Path
    process: subprocess.Popen[str]
    began_s: float

    def report(self) -> tuple[Path, str | None]:
        """The report of the sealed session, and one line if it did not come about as it should."""
        report = self.folder / "derived" / "report.html"
        warning = self._await()
        if not report.exists():
            warning = warning or "the session flow ended early: the report was made without it"
            _report_plainly(self.folder)
        return report, warning

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
        self._end()
        if self._reported():
            return "Prefect did not finish in time: its own record of this session is incomplete"
        return "Prefect did not answer in time: the report was made without it"

    def _reported(self) -> bool:
        return (self.folder / "derived" / "report.json").exists()  # written last

    def _end(self) -> None:
        """Stop the companion and the server it may have started."""
        with contextlib.suppress(ProcessLookupError):
            if os.name == "posix":
                os.killpg(self.process.pid, signal.SIGKILL)
            else:
                self.process.kill()
        self.process.communicate()


def start(folder: Path) -> Companion:
    """Start the session flow for a folder that is being recorded.

    It gets a session of its own, so that Ctrl-C or a closed terminal ends the recording, not the report.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "flows.session", str(folder)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    return Companion(folder, process, time.monotonic())


def _report_plainly(folder: Path) -> None:
    """Make the report in a fresh process, where nothing of an orchestrator is loaded."""
    plain = subprocess.run(
        [sys.executable, "-m", "flows.reporting", str(folder)], capture_output=True, text=True, check=False
    )
    if plain.returncode:
        said = (plain.stdout + plain.stderr).strip().splitlines() or ["no reason given"]
        raise DeviceError(f"the session is safe in {folder}, but its report failed: {said[-1]}")


def processor_seconds() -> tuple[float, float]:
    """CPU seconds of this process, and of it and every finished child."""
    spent = os.times()
    own_s = spent.user + spent.system
    return own_s, own_s + spent.children_user + spent.children_system
