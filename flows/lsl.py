"""Live streams for other programs over the Lab Streaming Layer (LSL): what is decoded, as it comes.

The recorder only leaves samples in a queue; a thread of its own pushes them. Where it can't keep up samples
are dropped, never the recording delayed. Nothing of the client goes out: a stream is named after its sensor's
driver. Whoever is in the network can receive it.
"""

from __future__ import annotations

import queue
import threading
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np

from devices.driver import Samples
from pipeline.errors import UsageError
from pipeline.model import unit_of

_WAITING = 1000  # notifications
_GOODBYE_S = 2.0
_BEATS = ("rr_ms", "pp_ms")


@dataclass(frozen=True, slots=True)
class _Heard:
    device: str
    samples: Samples
    at_s: float  # by the clock of LSL


def library() -> ModuleType:
    """The LSL library, ready. Raises UsageError if it is not installed: long before anything is recorded."""
    try:
        pylsl = import_module("pylsl")
        pylsl.library_version()
    except (ImportError, OSError, RuntimeError) as error:  # the package, or the library it wraps
        reason = (str(error).splitlines() or ["it does not load"])[0]
        raise UsageError(f'--lsl needs the LSL library: pip install "vagal[lsl]" ({reason})') from error
    return pylsl


class Outlets:
    """An LSL stream for each stream of each sensor, from its first sample on.

    `dropped` counts notifications that were not sent, `fault` is why sending ended, if it did. Each
    stream says so where `simulated` is set before the first.
    """

    def __init__(self, pylsl: ModuleType) -> None:
        self._pylsl = pylsl
        self._waiting: queue.Queue[_Heard | None] = queue.Queue(_WAITING)
        self._outlets: dict[tuple[str, str], Any] = {}
        self._thread = threading.Thread(target=self._run, name="lsl", daemon=True)
        self.dropped = 0
        self.fault: str | None = None
        self.simulated = False
        self._thread.start()

    def hear(self, device: str, samples: Samples) -> None:
        """Leave samples to be sent; returns at once."""
        try:
            self._waiting.put_nowait(_Heard(device, samples, self._pylsl.local_clock()))
        except queue.Full:
            self.dropped += 1

    def close(self) -> None:
        """Send what waits, and end the streams; waits for that a little."""
        try:
            self._waiting.put(None, timeout=_GOODBYE_S)
        except queue.Full:
            return
        self._thread.join(_GOODBYE_S)

    def _run(self) -> None:
        while (heard := self._waiting.get()) is not None:
            if self.fault is not None:
                self.dropped += 1
                continue
            try:
                self._send(heard)
            except Exception as error:  # whatever it is, it is not the recording's
                self.fault = repr(error)
        self._outlets.clear()

    def _send(self, heard: _Heard) -> None:
        samples = heard.samples
        key = heard.device, samples.stream
        if key not in self._outlets:
            self._outlets[key] = self._pylsl.StreamOutlet(self._info(heard))
        rows = np.column_stack([*samples.columns.values()]).astype(float)
        for row, at_s in zip(rows.tolist(), times_s(samples, heard.at_s), strict=True):
            self._outlets[key].push_sample(row, at_s)

    def _info(self, heard: _Heard) -> Any:
        samples, name = heard.samples, f"vagal {heard.device} {heard.samples.stream}"
        info = self._pylsl.StreamInfo(
            name,
            samples.stream.upper(),
            len(samples.columns),
            samples.rate_hz or self._pylsl.IRREGULAR_RATE,
            "double64",
            name.replace(" ", "-"),
        )
        if self.simulated:
            info.desc().append_child_value("simulated", "true")
        channels = info.desc().append_child("channels")
        for column in samples.columns:
            channel = channels.append_child("channel")
            channel.append_child_value("label", column)
            channel.append_child_value("unit", unit_of(column))
        return info


def times_s(samples: Samples, at_s: float) -> list[float]:
    """When each sample was taken, the last one at `at_s`: by the rate, or by what beats last."""
    count = len(samples)
    if samples.rate_hz is not None:
        before_s = np.arange(count - 1, -1, -1) / samples.rate_hz
    else:
        first, values = next(iter(samples.columns.items()))
        lasting_s = np.nan_to_num(values / 1000) if first in _BEATS else np.zeros(count)
        before_s = np.append(np.cumsum(lasting_s[:0:-1])[::-1], 0.0)
    found: list[float] = (at_s - before_s).tolist()
    return found
