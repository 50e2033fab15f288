"""How long a user waits, and what recording costs: start-up, an export to its report, the recorder's CPU.

python tests/benchmarks/first_session.py
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
E4_ZIP = REPO.parent / "shared" / "recordings" / "stress_predict_e4" / "S02_as_e4_zip.zip"
REPEATS = 7


def seconds(command: list[str], **environment: str) -> float:
    """Wall time of a command, interpreter start included."""
    began_s = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, cwd=REPO, env={**os.environ, **environment})
    return time.perf_counter() - began_s


def help_over_bare_interpreter() -> None:
    pairs = [
        (seconds([sys.executable, "-m", "flows.cli", "--help"]), seconds([sys.executable, "-c", "pass"]))
        for _ in range(REPEATS)
    ]
    ours_s, bare_s = (statistics.median(column) for column in zip(*pairs, strict=True))
    print(f"vagal --help      {ours_s - bare_s:6.3f} s over a bare interpreter ({bare_s:.3f} s)")


def e4_zip_to_report() -> None:
    if not E4_ZIP.exists():
        print("E4 zip to report  skipped: needs the real recordings")
        return
    with tempfile.TemporaryDirectory() as out:
        taken_s = [
            seconds([sys.executable, "-m", "flows.cli", "analyse", str(E4_ZIP), "--out", out], VAGAL_HOME=out)
            for _ in range(3)
        ]
    with tempfile.TemporaryDirectory() as home:
        command = [sys.executable, "-m", "flows.cli", "import", str(E4_ZIP), "--client", "c1"]
        stored_s = seconds(command, VAGAL_HOME=home)
    print(
        f"E4 zip to report {statistics.median(taken_s):7.2f} s wall for 59 min; "
        f"stored as a session too {stored_s:.2f} s"
    )


def recorder_cpu(minutes: float = 1.0) -> None:
    """At speed 1, in real time: the recorder with its virtual sensors and the terminal's plain lines."""
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from tests.benchmarks.first_session import record_in_real_time\n"
        f"record_in_real_time(Path(sys.argv[1]), {minutes})\n"
    )
    with tempfile.TemporaryDirectory() as home:
        run = subprocess.run(
            [sys.executable, "-c", script, home], check=True, capture_output=True, text=True, cwd=REPO
        )
    print(run.stdout.strip().splitlines()[-1])


def record_in_real_time(home: Path, minutes: float) -> None:
    """Record a simulated client at speed 1 and print the CPU it took, start-up apart."""
    import asyncio

    from devices.connection import scan
    from devices.virtual.room import simulated_room
    from flows.recording import Plan, record
    from flows.terminal import TerminalView
    from pipeline.clock import Clock, run
    from pipeline.store import Home
    from tests.flows.rooms import resting

    class Metered(TerminalView):
        def begin(self, plan: Plan, folder: Path) -> None:
            super().begin(plan, folder)
            self.began_s, self.spent_s = time.perf_counter(), time.process_time()

        def end(self) -> None:
            self.took_s, self.cost_s = time.perf_counter() - self.began_s, time.process_time() - self.spent_s
            super().end()

    view = Metered()

    async def main(clock: Clock) -> None:
        async with simulated_room(clock) as room:
            sensors = await scan(room.radio, 10, until=lambda found: len(found) == len(room.sensors))
            plan = Plan("bench", resting(60 * minutes), sensors, simulated=True)
            await record(plan, Home(home), clock, room.radio, view, stop=asyncio.Event())

    spent_s = time.process_time()
    run(main, 1.0)
    spent_s = time.process_time() - spent_s
    print(
        f"recorder          {100 * view.cost_s / view.took_s:6.2f} % of a core at speed 1, virtual sensors "
        f"included; scan, connect and seal {spent_s - view.cost_s:.2f} s once"
    )


if __name__ == "__main__":
    help_over_bare_interpreter()
    e4_zip_to_report()
    recorder_cpu()
