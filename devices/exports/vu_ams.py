"""VU-AMS: beats of an ambulatory ECG as text. `Subject Id: ...`, a header, then one R peak a row, with tabs.

Columns `R-peak time` (dd-mm-yy/HH:MM:SS.mmm, local time without a zone), `ibi_cumulative`, `ibi` (ms, the
interval that ends at this peak; 0 in the first row, which ends none), `interpolated` ("O" for an original
beat) and label codes (-9999: none). An interpolated interval was not measured, so it counts as missing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import numpy as np

from devices.exports.intervals import check_lengths, gaps
from devices.exports.reader import Source, unneeded
from devices.exports.rows import CUT_OFF, Rows, header_cells, read_rows, shown
from pipeline.errors import InputError
from pipeline.model import Bools, DeviceInfo, Floats, Recording, Stream

_SUBJECT = b"Subject Id:"
_PEAK, _INTERVAL, _INTERPOLATED = "r-peak time", "ibi", "interpolated"
_ORIGINAL = b"O"
_STAMP = re.compile(rb"(\d\d)-(\d\d)-(\d\d)/(\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?")
_LONGEST_STEP_S = 86_400.0


class VuAms:
    """Reads the R peaks that VU-DAMS exports: stream `rr`."""

    name = "vu-ams"
    label = "VU-AMS R peaks (.txt)"
    proven = True

    def recognises(self, source: Source) -> bool:
        """Whether this is one file that begins with a subject and names R peaks and intervals."""
        if source.only is None or not source.head(source.only).startswith(_SUBJECT):
            return False
        return {_PEAK, _INTERVAL} <= set(header_cells(source, source.only, "\t", line=2))

    def read(self, source: Source, unit: str | None) -> Recording:
        """The recording. Raises InputError that names the file and the line."""
        name = source.only or ""
        heads = header_cells(source, name, "\t", line=2)
        rows = read_rows(source, name, b"\t", len([head for head in heads if head]), header=2)
        peaks = [_peak(rows, row, cell) for row, cell in enumerate(rows.cells(heads.index(_PEAK)))]
        rr_ms = rows.floats(heads.index(_INTERVAL))
        made_up = _made_up(rows, heads)
        time_s = np.array([(peak - peaks[0]).total_seconds() for peak in peaks])
        _check(rows, time_s, rr_ms)
        first = 1 if rr_ms[0] == 0 else 0
        if len(rr_ms) <= first:
            raise InputError(f"{source.where(name)}: holds no interval between beats")
        begin_s = 0.0 if first else -max(rr_ms[0], 0.0) / 1000
        ends_s = time_s[first:] - begin_s
        measured_ms = np.where(made_up, np.nan, rr_ms)[first:]
        return Recording(
            recording_id=source.title,
            source=self.name,
            sha256=source.sha256,
            duration_s=float(ends_s[-1]),
            streams={"rr": _stream(ends_s, measured_ms)},
            started_at=(peaks[0] + timedelta(seconds=begin_s)).replace(tzinfo=None).astimezone(),
            devices=(DeviceInfo(name="VU-AMS", driver=self.name),),
            notices=(
                *_made_up_notices(int(np.sum(made_up)), len(rr_ms)),
                *((CUT_OFF,) if rows.cut else ()),
                *unneeded(unit, "VU-AMS writes intervals in ms"),
            ),
        )


def _stream(ends_s: Floats, rr_ms: Floats) -> Stream:
    return Stream("rr", ends_s, {"rr_ms": rr_ms}, gaps=gaps(ends_s, rr_ms, float(ends_s[-1])))


def _peak(rows: Rows, row: int, cell: bytes) -> datetime:
    """The moment of a peak; UTC stands for the local time, so that differences are right."""
    found = _STAMP.fullmatch(cell)
    if found is not None:
        day, month, year, hour, minute, second = (int(part) for part in found.groups()[:6])
        microsecond = int((found[7] or b"0").ljust(6, b"0"))
        try:
            return datetime(2000 + year, month, day, hour, minute, second, microsecond, tzinfo=UTC)
        except ValueError:
            pass
    raise InputError(f"{rows.where(row)}: {shown(cell)} is not a time (dd-mm-yy/HH:MM:SS.mmm)")


def _made_up(rows: Rows, heads: tuple[str, ...]) -> Bools:
    if _INTERPOLATED not in heads:
        return np.zeros(len(rows), dtype=bool)
    cells = rows.cells(heads.index(_INTERPOLATED))
    return np.array([cell != _ORIGINAL for cell in cells], dtype=bool)


def _check(rows: Rows, time_s: Floats, rr_ms: Floats) -> None:
    steps_s = np.diff(time_s)
    if np.any(steps_s <= 0):
        raise InputError(
            f"{rows.where(int(np.argmax(steps_s <= 0)) + 1)}: this R peak is not after the one before"
        )
    if np.any(steps_s > _LONGEST_STEP_S):
        row = int(np.argmax(steps_s > _LONGEST_STEP_S)) + 1
        raise InputError(f"{rows.where(row)}: this R peak is more than a day after the one before")
    check_lengths(rows.where, rr_ms)


def _made_up_notices(made_up: int, count: int) -> Iterator[str]:
    if made_up:
        were = "was" if made_up == 1 else "were"
        yield f"{made_up} of {count} intervals {were} interpolated by VU-DAMS, not measured, and left empty"
