"""What a person at the live page waits for, in a real Chromium, and what the pages cost beside a recording.

python tests/benchmarks/live_page.py
"""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from pipeline.model import Floats
from tests.benchmarks.live_server import READERS, ROUNDS, SESSIONS, Load, load
from tests.browser import CHROMIUM
from tests.flows.web.live import DESKTOP, Live, chromium, live

READY_TIMES = 5
PAGE_S, FLOOR_S, FRAMES_S, BESIDE_S = 20.0, 6.0, 10.0, 12.0
LATE_MS, HELD_UP_MS, READY_S, ONE_SHARE, TWENTY_SHARE = 60.0, 10.0, 1.5, 0.02, 0.15
LEAST_OF_FRAMES, LONG_FRAME_MS = 0.98, 20.0
HEAVY = frozenset({"prefect", "neurokit2", "scipy", "pandas", "numba"})

_PROTOCOL = """title = "Bench"
summary = "A baseline, then the pacer."
opening = "You can stop or skip any task."

[[step]]
name = "Baseline"
kind = "baseline"
duration_s = 20
instruction = "Sit quietly."

[[step]]
name = "Paced breathing"
kind = "paced"
duration_s = 900
instruction = "Follow the pacer. Smaller and softer, not deeper."
pacer = { breaths_per_min = 6, inhale_share = 0.4 }
feedback = "rhythm_concentration"
"""
_VAGAL = str(Path(sys.executable).with_name("vagal"))
_RECORDED = ("--simulate", "calm", "--protocol", "bench")
_SETTLED_SHARE, _SETTLING_S = 0.2, 60.0
_TICK_S = 1.0 / os.sysconf("SC_CLK_TCK")

# A frame is done once its task is: what is posted within it comes after style, layout and paint.
_AFTER_FRAME = """
  const late = window.late = [];
  let painted = [];
  const done = new MessageChannel();
  done.port1.onmessage = () => {
    const now = performance.timeOrigin + performance.now();
    for (const at of painted) late.push(now - at);
    painted = [];
  };
  window.vagalPainted = (at) => { if (painted.push(at) === 1) done.port2.postMessage(null); };
"""
_FLOOR = f"""() => {{ {_AFTER_FRAME}
  const drawn = new Set(["beats", "skin", "ecg", "course"]);
  const socket = new WebSocket(`ws://${{location.host}}/socket?role=operator`);
  let waiting = [];
  socket.onmessage = (event) => {{
    const message = JSON.parse(event.data);
    if (drawn.has(message.topic)) waiting.push(message.at);
  }};
  const frame = () => {{
    requestAnimationFrame(frame);
    for (const at of waiting) vagalPainted(at);
    waiting = [];
  }};
  requestAnimationFrame(frame);
}}"""
_FRAMES = """(seconds) => new Promise((resolve) => {
  const times = [];
  const frame = (time) => {
    times.push(time);
    if (time - times[0] < seconds * 1000) requestAnimationFrame(frame); else resolve(times);
  };
  requestAnimationFrame(frame);
})"""


@dataclass(frozen=True, slots=True)
class Figure:
    """A row of the table: what was measured, and whether it is as it should be, where that is said."""

    name: str
    measured: str
    target: str = ""
    passed: bool | None = None

    def __str__(self) -> str:
        verdict = {True: "pass", False: "MISS", None: ""}[self.passed]
        return f"{self.name:38s}{self.measured:68s}{self.target:12s}{verdict}".rstrip()


# ---- The page in a browser ----


def blank(context: Any, server: Live) -> Any:
    """A page of the same origin that draws nothing."""
    page = context.new_page()
    page.goto(server.url + "/pages/base.css")
    return page


def floor_ms(context: Any, server: Live) -> Floats:
    """How late the next frame of a page is that draws nothing, from the server's stamp on."""
    page = blank(context, server)
    page.evaluate(_FLOOR)
    late = _late_ms(page, FLOOR_S)
    page.close()
    return late


def _late_ms(page: Any, seconds: float) -> Floats:
    page.evaluate("() => { window.late.length = 0; }")
    page.wait_for_timeout(seconds * 1000)
    return np.array(page.evaluate("() => window.late"))


def latency(context: Any, server: Live) -> Iterator[Figure]:
    """From the server's stamp to the frame that shows it, between two measures of the floor."""
    before = floor_ms(context, server)
    page = context.new_page()
    page.add_init_script(f"(() => {{ {_AFTER_FRAME} }})()")
    page.goto(server.url + "/live")
    page.wait_for_function("() => window.late.length > 3")
    shown = _late_ms(page, PAGE_S)
    page.close()
    floor = np.concatenate([before, floor_ms(context, server)])
    beyond_ms = float(np.percentile(shown, 95) - np.percentile(floor, 50))
    yield Figure("idle floor", _late_text(floor))
    yield Figure("stamp to painted frame", _late_text(shown))
    yield Figure(
        "  p95 beyond the floor's median", f"{beyond_ms:.1f} ms", f"< {LATE_MS:.0f} ms", beyond_ms < LATE_MS
    )


def _late_text(late_ms: Floats) -> str:
    middle, most = np.percentile(late_ms, [50, 95])
    return f"{middle:.1f} ms median, {most:.1f} p95, {late_ms.max():.1f} most ({len(late_ms)} messages)"


def frames_ms(page: Any, seconds: float) -> Floats:
    """From each frame of a page to its next."""
    return np.diff(page.evaluate(_FRAMES, seconds))


def blank_frames_ms(context: Any, server: Live) -> Floats:
    """Frames of a page that draws nothing, for half as long."""
    page = blank(context, server)
    waits_ms = frames_ms(page, FRAMES_S / 2)
    page.close()
    return waits_ms


def pacer_frames_ms(context: Any, server: Live) -> Floats:
    """Frames of the client's page with a pacer that moves."""
    page = context.new_page()
    page.goto(server.url + "/client")
    core = page.locator(".pacer-core")
    core.wait_for(state="visible")
    page.wait_for_timeout(1000)
    waits_ms, sizes = frames_ms(page, FRAMES_S / 2), {core.get_attribute("style")}
    waits_ms = np.concatenate([waits_ms, frames_ms(page, FRAMES_S / 2)])
    sizes.add(core.get_attribute("style"))
    page.close()
    assert len(sizes) > 1, "the pacer does not move"
    return waits_ms


def pacer(context: Any, server: Live) -> Iterator[Figure]:
    """Frames of a running pacer while the session goes on, against a page that draws nothing."""
    before_ms = blank_frames_ms(context, server)
    paced_ms = pacer_frames_ms(context, server)
    bare_ms = np.concatenate([before_ms, blank_frames_ms(context, server)])
    share = float(bare_ms.mean() / paced_ms.mean())
    yield Figure("frames of a page that draws nothing", _frames_text(bare_ms))
    yield Figure("pacer while data stream", _frames_text(paced_ms))
    yield Figure(
        "  its frames against the blank page's",
        f"{100 * share:.1f} %",
        f">= {100 * LEAST_OF_FRAMES:.0f} %",
        share >= LEAST_OF_FRAMES,
    )


def _frames_text(waits_ms: Floats) -> str:
    long = float((waits_ms > LONG_FRAME_MS).mean())
    return f"{1000 / waits_ms.mean():.1f} a second, {100 * long:.1f} % longer than {LONG_FRAME_MS:.0f} ms"


# ---- Page ready ----


def ready(browser: Any, folder: Path) -> Iterator[Figure]:
    """From the start of `vagal live` to its start page, in a browser that is open already."""
    taken_s, bare_s = [], []
    for number in range(READY_TIMES):
        bare_s.append(_bare_s())
        context = browser.new_context(**DESKTOP)
        page = context.new_page()
        began_s = time.perf_counter()
        with live(_home(folder, f"ready-{number}"), "--simulate", "calm") as server:
            page.goto(server.link, wait_until="commit")
            page.wait_for_url(server.url + "/", wait_until="domcontentloaded")
            taken_s.append(time.perf_counter() - began_s)
        context.close()
    middle_s = statistics.median(taken_s)
    yield Figure("interpreter, numpy and pyarrow", f"{statistics.median(bare_s):.2f} s median")
    yield Figure(
        "start to page ready",
        f"{middle_s:.2f} s median, {max(taken_s):.2f} most (of {READY_TIMES})",
        f"< {READY_S} s",
        middle_s < READY_S,
    )


def _bare_s() -> float:
    began_s = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import numpy, pyarrow"], check=True)
    return time.perf_counter() - began_s


def imports(folder: Path) -> Figure:
    """What `vagal live` has imported when its start page, and what that asks for, were answered."""
    told = folder / "imports.txt"
    command = [_VAGAL, "live", "--home", str(_home(folder, "imports")), "--simulate", "calm"]
    with told.open("w") as errors, _started(command, folder, errors, PYTHONPROFILEIMPORTTIME="1") as process:
        link = next(line.split()[-1] for line in process.stdout or () if line.startswith("Live page"))
        with httpx.Client(base_url=link.partition("/open/")[0]) as page:
            for path in (link, "/", "/api/me", "/api/home", "/pages/net.js"):
                assert page.get(path).status_code == 200, path
    modules = {line.rpartition("|")[2].strip() for line in told.read_text().splitlines() if "|" in line}
    assert "starlette.applications" in modules
    heavy = sorted(HEAVY & {name.partition(".")[0] for name in modules})
    return Figure(
        "imported by then",
        f"{len(modules)} modules, of the heavy ones {', '.join(heavy) or 'none'}",
        "none",
        not heavy,
    )


# ---- Beside a recording ----


def cpu_s(process: int) -> float:
    """CPU seconds that a process has taken, its children apart."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * _TICK_S


def descendants(process: int) -> list[int]:
    """Every process below one."""
    below: list[int] = []
    with suppress(OSError):
        for task in Path(f"/proc/{process}/task").iterdir():
            for child in map(int, (task / "children").read_text().split()):
                below += [child, *descendants(child)]
    return below


def _spent_s(processes: Sequence[int]) -> float:
    spent_s = 0.0
    for process in processes:
        with suppress(OSError):
            spent_s += cpu_s(process)
    return spent_s


def settle(processes: Sequence[int]) -> None:
    """Wait until what these started beside them is at rest: the session flow and the analysis come up."""
    deadline_s = time.monotonic() + _SETTLING_S
    while time.monotonic() < deadline_s:
        below = [each for process in processes for each in descendants(process)]
        before_s, began_s = _spent_s(below), time.monotonic()
        time.sleep(2.0)
        if below and (_spent_s(below) - before_s) / (time.monotonic() - began_s) < _SETTLED_SHARE:
            return


@contextmanager
def ended_below(process: int) -> Iterator[None]:
    """End all that a process started, once that itself was ended: nothing of it is wanted."""
    below = descendants(process)
    try:
        yield
    finally:
        for each in below:
            with suppress(ProcessLookupError):
                os.kill(each, signal.SIGKILL)


def loaded(server: Live) -> Figure:
    """Which heavy libraries the recorder's process holds in mid-session, by the files it has mapped."""
    mapped = Path(f"/proc/{server.process.pid}/maps").read_text()
    assert "/numpy/" in mapped
    heavy = sorted(name for name in HEAVY if f"/{name}/" in mapped)
    return Figure(
        "libraries mapped in mid-session",
        f"of the heavy ones {', '.join(heavy) or 'none'}",
        "none",
        not heavy,
    )


def beside(context: Any, server: Live, bare: subprocess.Popen[str]) -> Figure:
    """The whole recorder process with one page that reads, against one without pages, at the same time."""
    page = context.new_page()
    page.goto(server.url + "/live")
    processes = (server.process.pid, bare.pid)
    before_s, began_s = [cpu_s(each) for each in processes], time.perf_counter()
    page.wait_for_timeout(BESIDE_S * 1000)
    took_s = time.perf_counter() - began_s
    live_share, bare_share = (
        (cpu_s(each) - spent_s) / took_s for each, spent_s in zip(processes, before_s, strict=True)
    )
    page.close()
    return Figure(
        "whole recorder process",
        f"{100 * live_share:.1f} % of a core, {100 * bare_share:.1f} without pages (virtual sensors in both)",
    )


def server_figures(measured: Load) -> Iterator[Figure]:
    """The web server's share of a core, and what one slow reader does to the others."""
    for name, share, idle, most in (
        ("web server, 1 session", measured.one, measured.one_idle, ONE_SHARE),
        (f"web server, {SESSIONS} sessions", measured.twenty, measured.twenty_idle, TWENTY_SHARE),
    ):
        told = f"{100 * share:.2f} % of a core beyond {100 * idle:.2f} idle"
        yield Figure(name, told, f"< {100 * most:.0f} %", share < most)
    pairs = zip(measured.others_ms, measured.all_ms, strict=True)
    held_up_ms = statistics.median(
        float(np.percentile(others, 95) - np.percentile(all_read, 95)) for others, all_read in pairs
    )
    yield Figure(f"{READERS} readers, all read", _late_text(np.concatenate(measured.all_ms)))
    yield Figure("  the others, if one never reads", _late_text(np.concatenate(measured.others_ms)))
    yield Figure(
        "  p95 by which it holds others up",
        f"{held_up_ms:+.1f} ms, median of {ROUNDS} rounds in turn",
        f"< {HELD_UP_MS:.0f} ms",
        held_up_ms < HELD_UP_MS,
    )


# ---- All of it ----


def _home(folder: Path, name: str) -> Path:
    """A home that knows the protocol."""
    home = folder / name
    (home / "protocols").mkdir(parents=True)
    (home / "protocols" / "bench.toml").write_text(_PROTOCOL)
    return home


@contextmanager
def _started(
    command: Sequence[str], folder: Path, errors: Any = subprocess.DEVNULL, **more: str
) -> Iterator[subprocess.Popen[str]]:
    """A process that knows nothing of this machine's user; ended with what it started."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=errors,
        text=True,
        env={**kept, "HOME": str(folder), **more},
    )
    try:
        yield process
    finally:
        with ended_below(process.pid):
            process.kill()
            process.wait()
        assert process.stdout is not None
        process.stdout.close()


def in_browser(folder: Path) -> Iterator[Figure]:
    """All that needs a browser."""
    with chromium() as browser:
        yield from ready(browser, folder)
        yield imports(folder)
        recorded = [_VAGAL, "record", "--home", str(_home(folder, "record")), *_RECORDED]
        with live(_home(folder, "live"), *_RECORDED, "--no-browser") as server:
            context = browser.new_context(**DESKTOP)
            with _started(recorded, folder) as bare:
                settle((server.process.pid, bare.pid))
                first = context.new_page()
                first.goto(server.link)
                first.wait_for_url(server.url + "/live")
                first.close()
                yield loaded(server)
                yield beside(context, server, bare)
            yield from latency(context, server)
            yield from pacer(context, server)
            context.close()
            with ended_below(server.process.pid):
                server.kill()


def main() -> None:
    began_s = time.perf_counter()
    for figure in server_figures(load()):
        print(figure, flush=True)
    if Path(CHROMIUM["executable_path"]).exists():
        with tempfile.TemporaryDirectory() as folder:
            for figure in in_browser(Path(folder)):
                print(figure, flush=True)
    else:
        print("live page             skipped: needs Chromium")
    print(f"live page             {time.perf_counter() - began_s:8.0f} s for all of this")


if __name__ == "__main__":
    main()
