"""Welltory: a folder with PPG.csv (a phone's camera) and RR.txt (a chest strap beside it), or RR.txt alone.

PPG.csv has columns time (ms), R, G and B, some 30 frames a second that come unevenly or twice; red carries
the pulse and falls with it. RR.txt is one line of RR intervals in ms with spaces between. It holds no times,
so its beats are laid from the recording's beginning and may lie seconds beside the pulse wave.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from devices.exports.intervals import LONGEST_MS
from devices.exports.reader import Source, unneeded
from devices.exports.rows import CUT_OFF, Rows, header_cells, read_rows, shown
from devices.exports.stamped import sampled
from pipeline.errors import InputError
from pipeline.model import DeviceInfo, Floats, Recording, Stream

_PPG, _RR = "PPG.csv", "RR.txt"
_HEADER = ("time", "r", "g", "b")
_COLUMNS = {"ppg_au": 1, "ppg_green_au": 2, "ppg_blue_au": 3}
_ONE_LINE = re.compile(rb"\d{3,4}(?: \d{3,4})+ ?\d{0,4}\s*")
_CAMERA_HZ = 30.0
_LIKE_A_CAMERA_HZ = (20.0, 45.0)


class Welltory:
    """Reads such folders: streams `ppg` and `rr`."""

    name = "welltory"
    label = "Welltory (folder with PPG.csv and RR.txt, or RR.txt)"
    proven = True

    def recognises(self, source: Source) -> bool:
        """Whether there is such a PPG.csv, whatever lies beside it, or nothing but such an RR.txt."""
        if header_cells(source, _PPG, ",") == _HEADER:
            return True
        return source.only == _RR and _ONE_LINE.fullmatch(source.head(_RR)) is not None

    def read(self, source: Source, unit: str | None) -> Recording:
        """The recording. Raises InputError that names the file and the line."""
        streams: dict[str, Stream] = {}
        notices: list[str] = []
        if _PPG in source.files:
            streams["ppg"], words = _camera(source)
            notices += words
        if _RR in source.files:
            streams["rr"] = _strap(source)
        return Recording(
            recording_id=source.title,
            source=self.name,
            sha256=source.sha256,
            duration_s=max(float(stream.time_s[-1]) for stream in streams.values()),
            streams=streams,
            devices=tuple(_devices(streams, self.name)),
            units={"rr": "ms (as Welltory writes it)"} if "rr" in streams else {},
            notices=(
                *notices,
                *_beside(streams),
                *unneeded(unit, "Welltory writes RR in ms"),
            ),
        )


def _camera(source: Source) -> tuple[Stream, tuple[str, ...]]:
    rows = read_rows(source, _PPG, b",", len(_HEADER), header=1)
    time_s = rows.floats(0) / 1000
    _check_start(rows, time_s)
    columns = {column: rows.floats(at) for column, at in _COLUMNS.items()}
    ppg, words = sampled("ppg", rows, time_s, columns)
    assert ppg.rate_hz is not None
    if _LIKE_A_CAMERA_HZ[0] <= ppg.rate_hz <= _LIKE_A_CAMERA_HZ[1]:
        ppg = replace(ppg, rate_hz=_CAMERA_HZ, gaps=())  # frames tremble: what is late is not yet missing
    return ppg, (*words, *((CUT_OFF,) if rows.cut else ()))


def _check_start(rows: Rows, time_s: Floats) -> None:
    if not 0 <= time_s[0] < 3600:
        raise InputError(f"{rows.where(0)}: {time_s[0] * 1000:g} ms is no time since the recording began")


def _strap(source: Source) -> Stream:
    cells = source.files[_RR].removeprefix(b"\xef\xbb\xbf").split()
    wrong = next((cell for cell in cells if re.fullmatch(rb"\d{1,5}", cell) is None), None)
    rr_ms = np.array([float(cell) for cell in cells]) if wrong is None else np.empty(0)
    if wrong is None and np.any(rr_ms > LONGEST_MS):
        wrong = cells[int(np.argmax(rr_ms))]
    if wrong is not None:
        raise InputError(f"{source.where(_RR, 1)}: {shown(wrong)} is no interval between beats in ms")
    if not len(rr_ms):
        raise InputError(f"{source.where(_RR)}: holds no RR intervals")
    time_s = np.cumsum(np.maximum(rr_ms, 1.0)) / 1000  # time has to rise: a zero takes 1 ms
    return Stream("rr", time_s, {"rr_ms": rr_ms})


def _devices(streams: Mapping[str, Stream], driver: str) -> Iterator[DeviceInfo]:
    if "ppg" in streams:
        yield DeviceInfo(name="phone camera", driver=driver)
    if "rr" in streams:
        yield DeviceInfo(name="chest strap", driver=driver)


def _beside(streams: Mapping[str, Stream]) -> Iterator[str]:
    if len(streams) > 1:
        yield f"{_RR} holds no times: its beats may lie seconds beside the pulse wave"
