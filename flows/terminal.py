"""The live view in a terminal: calm, one screen, redrawn in place; plain lines where there is no terminal."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from rich.console import Console, Group
from rich.live import Live
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from flows.recording import Moment, Plan
from pipeline.guidance.protocol import Protocol, Step

_REDRAW_EVERY_S = 0.5  # real seconds: what an eye can use, at any speed
_LINE_EVERY_S = 10.0
_BAR_WIDTH = 40


def _clock(seconds: float) -> str:
    minutes, rest = divmod(max(0, int(seconds)), 60)
    return f"{minutes}:{rest:02d}"


class TerminalView:
    """Shows a session to whoever started it."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False)
        self._live: Live | None = None
        self._protocol: Protocol | None = None
        self._drawn_s = 0.0
        self._step: Step | None = None
        self._begun = False
        self._links: dict[str, str] = {}
        self._skin = True

    def begin(self, plan: Plan, folder: Path) -> None:
        """Say what begins, and open the view."""
        self.follow(plan.protocol)
        delivered = {stream for sensor in plan.sensors if sensor.driver for stream in sensor.driver.streams}
        self._skin = bool(delivered & {"eda", "scl"})
        self._console.print(f"[bold]{plan.protocol.title}[/bold] · {plan.protocol.opening}", soft_wrap=True)
        self._console.print(
            f"Recording {folder.name} · Ctrl-C stops and keeps what was recorded", style="dim"
        )
        if self._console.is_terminal:
            self._live = Live(console=self._console, auto_refresh=False, transient=False)
            self._live.start()

    def follow(self, protocol: Protocol) -> None:
        """Show the steps of this protocol from now on."""
        self._protocol = protocol

    def show(self, moment: Moment) -> None:
        """Draw a moment, unless the last was drawn just now."""
        entered, self._step = moment.step is not self._step, moment.step
        self._begun = self._begun or moment.step is not None
        if not self._live:
            self._tell_changes(moment)
        every_s = _REDRAW_EVERY_S if self._live else _LINE_EVERY_S
        now_s = time.perf_counter()
        if not entered and now_s - self._drawn_s < every_s:
            return
        self._drawn_s = now_s
        if self._live:
            self._live.update(self.screen(moment), refresh=True)
        else:
            print(self._line(moment), flush=True)

    def end(self) -> None:
        """Close the view."""
        if self._live:
            self._live.stop()
        sys.stdout.flush()

    def _tell_changes(self, moment: Moment) -> None:
        """A line for each sensor that is otherwise than before."""
        for device, state in moment.links.items():
            if state != self._links.get(device, "connected"):
                print(f"{_clock(moment.time_s):>6}  {_readable(device)}: {_in_words(state)}", flush=True)
        self._links = dict(moment.links)

    def _line(self, moment: Moment) -> str:
        shown = moment.shown
        return (
            f"{_clock(moment.time_s):>6}  {self._where(moment):<16}"
            f"{_value(shown.heart_rate_bpm, 0):>5} bpm   RMSSD {_value(shown.rmssd_ms, 0):>4} ms   "
            f"skin {_value(shown.eda_us, 2):>6} µS"
        )

    def _where(self, moment: Moment) -> str:
        """The step, or that it has not begun, or is over."""
        if moment.step is not None:
            return moment.step.name
        return "Finishing" if self._begun else "Connecting"

    def screen(self, moment: Moment) -> Group:
        """What a terminal shows of a moment."""
        return Group(
            Padding(self._phases(moment), (1, 0, 0, 0)),
            Padding(self._progress(moment), (0, 0, 1, 0)),
            Text(moment.step.instruction if moment.step else "", style="italic"),
            *_pacer(moment),
            Padding(self._values(moment), (1, 0)),
            _links(moment),
        )

    def _phases(self, moment: Moment) -> Text:
        text = Text()
        for step in self._protocol.steps if self._protocol else ():
            now = step == moment.step
            text.append("● " if now else "○ ", style="blue" if now else "dim")
            text.append(step.name + "   ", style="bold" if now else "dim")
        return text

    def _progress(self, moment: Moment) -> Table:
        row = Table.grid(padding=(0, 1))
        step = moment.step
        if step is None:
            told = "Finishing ..." if self._begun else "Waiting for the sensors ..."
            row.add_row(Text(told, style="dim"))
        elif step.duration_s is None:
            row.add_row(Text(_clock(moment.time_s)))
        else:
            spent_s = moment.time_s - moment.step_began_s
            row.add_row(
                ProgressBar(
                    total=step.duration_s,
                    completed=spent_s,
                    width=_BAR_WIDTH,
                    complete_style="blue",
                    finished_style="blue",
                ),
                Text(f"{_clock(step.duration_s - spent_s)} left"),
            )
        return row

    def _values(self, moment: Moment) -> Table:
        shown = moment.shown
        table = Table.grid(padding=(0, 3))
        rows = (
            ("Heart rate", shown.heart_rate_bpm, 0, "bpm", "heart_rate_bpm"),
            ("RMSSD, last minute", shown.rmssd_ms, 0, "ms", "rmssd_ms"),
            ("Skin conductance", shown.eda_us, 2, "µS", "eda_us"),
        )
        for name, value, digits, unit, key in rows if self._skin else rows[:2]:
            why = "" if value is not None else shown.reasons.get(key, "")
            table.add_row(
                Text(name),
                Text(_value(value, digits), style="bold", justify="right"),
                Text(unit if value is not None else ""),
                Text(why, style="dim"),
            )
        return table


def _pacer(moment: Moment) -> list[Text]:
    """Which way to breathe, where the step has a pacer."""
    if moment.step is None or moment.step.pacer is None:
        return []
    pacer = moment.step.pacer
    breath = (moment.time_s - moment.step_began_s) * pacer.breaths_per_min / 60 % 1
    inhaling = breath < pacer.inhale_share
    full = breath / pacer.inhale_share if inhaling else (1 - breath) / (1 - pacer.inhale_share)
    text = Text("in   " if inhaling else "out  ", style="bold blue")
    return [text.append("█" * round(full * _BAR_WIDTH / 2), style="blue")]


def _value(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _links(moment: Moment) -> Text:
    """A line for each sensor; what is not as it should be stands out."""
    text = Text()
    for device, state in moment.links.items():
        fine = state == "connected"
        text.append(f"{_readable(device)}: ", style="dim")
        text.append(f"{_in_words(state)}\n", style="dim" if fine else "bold yellow")
    return text


def _in_words(state: str) -> str:
    """A state as a person reads it: a link that is down is being tried again."""
    down = state.startswith(("lost", "silent", "failed"))
    return f"{state}; trying again" if down else state


def _readable(device: str) -> str:
    return device.replace("_", " ")
