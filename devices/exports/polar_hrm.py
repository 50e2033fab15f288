"""Polar .hrm, of Polar ProTrainer and older watches: sections in brackets, keys, and a table of heart data.

`Interval=238` says that [HRData] holds RR intervals in ms, one a line; any other interval is that of heart
rates, which no variability can be computed from. Date and start are local time. [IntTimes] holds laps, whose
first cell is when one ended.

Source: Polar, "Polar HRM file format", version 1.07.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from devices.exports.intervals import LONGEST_MS
from devices.exports.reader import Source, unneeded
from pipeline.errors import InputError
from pipeline.model import DeviceInfo, Floats, Marker, Recording, Stream

_PARAMS, _DATA, _LAPS = "Params", "HRData", "IntTimes"
_BEATS = "238"
_RATES = ("1", "2", "5", "15", "30", "60", "120", "240", "480", "204")
_SECTION = re.compile(r"\[([A-Za-z0-9-]+)\]")
_CLOCK = re.compile(r"(\d{1,2}):(\d\d):(\d\d(?:\.\d+)?)")
_MOST_BYTES = 20_000_000  # a month of beats
_AT_END_S = 2.0  # the last lap ends with the recording
_LENGTH_SHARE, _LENGTH_S = 0.02, 5.0


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    text: str


class PolarHrm:
    """Reads RR intervals and laps from a .hrm file."""

    name = "polar-hrm"
    label = "Polar .hrm"
    proven = True

    def recognises(self, source: Source) -> bool:
        """Whether this is one file that begins with the section [Params] and its version."""
        if source.only is None:
            return False
        head = source.head(source.only).removeprefix(b"\xef\xbb\xbf").lstrip()
        return head.startswith(b"[Params]") and b"Version=" in head[:200]

    def read(self, source: Source, unit: str | None) -> Recording:
        """The recording: stream `rr`, laps as tags. Raises InputError with the line."""
        name = source.only or ""
        sections = _sections(source, name)
        keys = dict(line.text.partition("=")[::2] for line in sections.get(_PARAMS, ()))
        _check_mode(source, keys.get("Interval", "").strip())
        rr_ms = _intervals(source, name, sections.get(_DATA, ()))
        time_s = np.cumsum(np.where(rr_ms > 1, rr_ms, 1.0)) / 1000  # time has to rise: a bad one takes 1 ms
        duration_s = float(time_s[-1])
        return Recording(
            recording_id=source.title,
            source=self.name,
            sha256=source.sha256,
            duration_s=duration_s,
            streams={"rr": Stream("rr", time_s, {"rr_ms": rr_ms})},
            started_at=_started_at(keys),
            markers=_laps(sections.get(_LAPS, ()), duration_s),
            devices=(DeviceInfo(name="Polar heart-rate monitor", driver=self.name),),
            units={"rr": "ms (as the format has it)"},
            notices=(
                *_length_notice(keys.get("Length", ""), duration_s),
                *unneeded(unit, "a .hrm counts in ms"),
            ),
        )


def _sections(source: Source, name: str) -> dict[str, list[_Line]]:
    """The lines of each section that are not blank; of a section that comes twice, the first."""
    content = source.files[name]
    if len(content) > _MOST_BYTES:
        raise InputError(
            f"{source.where(name)}: holds more than {_MOST_BYTES // 1_000_000} MB, which is no .hrm"
        )
    sections: dict[str, list[_Line]] = {}
    current: list[_Line] = []
    for number, raw in enumerate(content.removeprefix(b"\xef\xbb\xbf").splitlines(), 1):
        text = raw.decode("cp1252", errors="replace").strip()
        if found := _SECTION.fullmatch(text):
            current = []
            sections.setdefault(found[1], current)
        elif text:
            current.append(_Line(number, text))
    return sections


def _check_mode(source: Source, interval: str) -> None:
    """Raise InputError unless the table holds beats."""
    if interval == _BEATS:
        return
    if interval in _RATES:
        every = "" if interval == "204" else f", one for every {interval} s"
        raise InputError(
            f"{source.path}: holds heart rates{every}, from which no variability can be computed; "
            "record and export with RR intervals switched on"
        )
    raise InputError(f"{source.path}: Interval={interval[:20]} in [Params] is no interval of a .hrm file")


def _intervals(source: Source, name: str, lines: Sequence[_Line]) -> Floats:
    """The first cell of each line, in ms. Raises InputError."""
    if not lines:
        raise InputError(f"{source.where(name)}: holds no RR intervals in [{_DATA}]")
    rr_ms = np.empty(len(lines))
    for row, line in enumerate(lines):
        cell = line.text.split()[0]
        if not (cell.isascii() and cell.isdigit()):
            raise InputError(f"{source.where(name, line.number)}: {line.text[:40]!r} is not an RR interval")
        rr_ms[row] = float(cell)
        if rr_ms[row] > LONGEST_MS:
            raise InputError(f"{source.where(name, line.number)}: {cell[:40]!r} is no interval between beats")
    return rr_ms


def _started_at(keys: dict[str, str]) -> datetime | None:
    """Local date and time; None where they are none."""
    day, clock = keys.get("Date", "").strip(), _CLOCK.fullmatch(keys.get("StartTime", "").strip())
    if clock is None or not re.fullmatch(r"\d{8}", day, re.ASCII):
        return None
    seconds = float(clock[3])
    try:
        naive = datetime.strptime(f"{day} {int(clock[1]):02}:{clock[2]}", "%Y%m%d %H:%M")
        return naive.replace(
            second=int(seconds), microsecond=round(seconds % 1 * 1e6) % 1_000_000
        ).astimezone()
    except (ValueError, OverflowError, OSError):
        return None


def _seconds(text: str) -> float | None:
    found = _CLOCK.fullmatch(text.strip())
    return None if found is None else int(found[1]) * 3600 + int(found[2]) * 60 + float(found[3])


def _laps(lines: Sequence[_Line], duration_s: float) -> tuple[Marker, ...]:
    """A tag for each press of the lap button; the last lap ends with the recording and is none."""
    ends_s = sorted({end_s for line in lines if (end_s := _seconds(line.text.split("\t")[0])) is not None})
    inside = [end_s for end_s in ends_s if 0 < end_s < duration_s - _AT_END_S]
    return tuple(Marker(end_s, "tag", f"lap {number}") for number, end_s in enumerate(inside, 1))


def _length_notice(length: str, duration_s: float) -> Iterator[str]:
    stated_s = _seconds(length)
    if stated_s is not None and abs(stated_s - duration_s) > max(_LENGTH_S, _LENGTH_SHARE * stated_s):
        yield f"the intervals add up to {duration_s:.0f} s, but the file says it lasted {stated_s:.0f} s"
