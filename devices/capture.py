"""What a sensor really sent, in a text file that can be read, checked, given away and played again.

A line is one JSON object. The first says what the sensor is: its driver, model and firmware, no serial
number and no name. Each other one is a notification (time_s, generation, channel, hex) or what became of
the link (time_s, generation, link, reason).
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO, Any

from devices.connection import LinkEvent, Sink
from devices.driver import Driver
from devices.drivers.registry import driver_of
from pipeline.clock import Clock
from pipeline.errors import InputError
from pipeline.manifest import known, software
from pipeline.model import DeviceInfo

VERSION = 1
_KEY = "vagal_capture"


@dataclass(frozen=True, slots=True)
class Notification:
    """Bytes as they came; time counts from when the file was opened."""

    time_s: float
    generation: int
    channel: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class LinkNews:
    """What became of the link."""

    time_s: float
    generation: int
    event: LinkEvent
    reason: str


@dataclass(frozen=True, slots=True)
class Capture:
    """A captured sensor: how it described itself, its driver, and all that came, in order.

    `torn` is whether the file ends amid a line, which is left out.
    """

    info: DeviceInfo
    driver: Driver
    lines: tuple[Notification | LinkNews, ...]
    torn: bool = False

    @property
    def duration_s(self) -> float:
        return self.lines[-1].time_s if self.lines else 0.0


class CaptureFile:
    """A sink that writes a capture as it comes; each line is out before the next.

    `broken` is set, and `error` there, as soon as the file cannot be written.
    """

    def __init__(self, file: IO[str], clock: Clock) -> None:
        self.notifications: dict[str, int] = {}
        self.broken = asyncio.Event()
        self.error: OSError | None = None
        self._file, self._clock, self._began_s = file, clock, clock.now()
        self._described = False

    def described(self, _device: str, _generation: int, info: DeviceInfo) -> None:
        """Write the first line, once."""
        if not self._described:
            self._described = True
            self._write({_KEY: VERSION, "device": asdict(replace(info, serial_hash=None)), **software()})

    def notification(self, _device: str, channel: str, generation: int, payload: bytes) -> None:
        """Write a notification."""
        self.notifications[channel] = self.notifications.get(channel, 0) + 1
        self._write({**self._stamp(generation), "channel": channel, "hex": payload.hex()})

    def link(self, _device: str, generation: int, event: LinkEvent, reason: str) -> None:
        """Write what became of the link; what came before the sensor described itself is not told."""
        if self._described:
            self._write({**self._stamp(generation), "link": event, "reason": reason})

    def _stamp(self, generation: int) -> dict[str, Any]:
        return {"time_s": round(self._clock.now() - self._began_s, 6), "generation": generation}

    def _write(self, facts: dict[str, Any]) -> None:
        try:
            self._file.write(json.dumps(facts, ensure_ascii=False) + "\n")
            self._file.flush()
        except OSError as error:
            self.error = error
            self.broken.set()


def is_capture(path: Path) -> bool:
    """Whether a file begins as a capture does."""
    try:
        with path.open("rb") as file:
            return file.read(64).lstrip().startswith(b'{"%s"' % _KEY.encode())
    except OSError:
        return False


def read_capture(path: Path) -> Capture:
    """A capture from its file. Raises InputError that names the line; a torn last line is left out."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: {getattr(error, 'strerror', None) or 'is not a text file'}") from error
    try:
        first = json.loads(lines[0])
        version, info = first[_KEY], known(DeviceInfo, first["device"])
        if not all(isinstance(fact, str | int | None) for fact in asdict(info).values()):
            raise TypeError("a description is text and numbers")
        driver = driver_of(asdict(info)) if version == VERSION else None
    except (ValueError, KeyError, TypeError, RecursionError, InputError) as error:
        raise InputError(f"{path}: is not a capture (its first line does not describe a sensor)") from error
    if version != VERSION:
        raise InputError(f"{path}: was captured by a later version of vagal (format {version}): update vagal")
    if driver is None:
        raise InputError(f"{path}: there is no driver named {info.driver!r}: update vagal")
    captured = tuple(_lines(path, lines))
    if not any(isinstance(line, Notification) for line in captured):
        raise InputError(f"{path}: holds no notification, so there is nothing to play")
    return Capture(info, driver, captured, torn=bool(lines[-1]))


def _lines(path: Path, lines: list[str]) -> Iterator[Notification | LinkNews]:
    before_s = 0.0
    for number, text in enumerate(lines[1:-1], 2):  # what follows the last line end was never finished
        try:
            line = _line(json.loads(text))
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise InputError(f"{path} line {number}: is no notification ({error})") from None
        if not before_s <= line.time_s < 1e7:
            raise InputError(f"{path} line {number}: time goes back, from {before_s:g} to {line.time_s:g} s")
        before_s = line.time_s
        yield line


def _line(facts: dict[str, Any]) -> Notification | LinkNews:
    at_s, generation = float(facts["time_s"]), int(facts["generation"])
    if not 1 <= generation < 1 << 32:
        raise ValueError("generation counts connections from 1")
    if "link" in facts:
        return LinkNews(at_s, generation, LinkEvent(facts["link"]), str(facts["reason"]))
    channel = str(facts["channel"])
    if not re.fullmatch(r"\w{1,32}", channel):
        raise ValueError("channel is a word")
    return Notification(at_s, generation, channel, bytes.fromhex(facts["hex"]))


async def play(capture: Capture, device: str, sink: Sink, clock: Clock) -> None:
    """Deliver a capture once more, each line at its time from now on; ends with it."""
    began_s, described = clock.now(), 0
    for line in capture.lines:
        await asyncio.sleep(max(0.0, began_s + line.time_s - clock.now()))
        if line.generation > described:
            described = line.generation
            sink.described(device, line.generation, capture.info)
        if isinstance(line, LinkNews):
            sink.link(device, line.generation, line.event, line.reason)
        else:
            sink.notification(device, line.channel, line.generation, line.payload)
