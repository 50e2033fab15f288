"""CSV of a Bluetooth logger: header `timestamp, rr, since_start `, a blank line, then a beat a row.

`timestamp` is when a beat arrived (ms since 1970; two beats of one packet lie some 12 ms apart), `rr` its
interval in ms, `since_start` the intervals added up (ms). What was lost over the air is missing from that sum
too, so it would put beats side by side that were not: losses are found by the arrivals, and time within a
run is what its intervals add up to.
"""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

from devices.exports.intervals import arrived, check_lengths, loss_notices
from devices.exports.reader import Source, unneeded
from devices.exports.rows import CUT_OFF, STAMP, header_cells, read_rows
from pipeline.errors import InputError
from pipeline.model import Recording

_HEADER = ("timestamp", "rr", "since_start")
_STAMPS_MS = (1e12, 4e12)  # 2001 to 2096
_LONGEST_BEFORE_MS = 3_600_000.0  # from the start to the first beat


class BleLogger:
    """Reads the logger's CSV: stream `rr`."""

    name = "ble-logger"
    label = "Bluetooth RR logger CSV (timestamp, rr, since_start)"
    proven = True

    def recognises(self, source: Source) -> bool:
        """Whether this is one file with that header."""
        return source.only is not None and header_cells(source, source.only, ",")[:3] == _HEADER

    def read(self, source: Source, unit: str | None) -> Recording:
        """The recording. Raises InputError that names the file and the line."""
        rows = read_rows(source, source.only or "", b",", len(_HEADER), header=1)
        stamps_ms, rr_ms, since_ms = (rows.floats(column, most=STAMP) for column in range(3))
        wrong = (stamps_ms < _STAMPS_MS[0]) | (stamps_ms > _STAMPS_MS[1])
        if wrong.any():
            row = int(np.argmax(wrong))
            raise InputError(f"{rows.where(row)}: {stamps_ms[row]:g} is no time in ms since 1970")
        check_lengths(rows.where, rr_ms)
        before_ms = since_ms[0] if rr_ms[0] <= since_ms[0] <= _LONGEST_BEFORE_MS else max(rr_ms[0], 0.0)
        start_s = (stamps_ms[0] - before_ms) / 1000
        arrival_s = rows.never_falling(stamps_ms / 1000) - start_s
        rr = arrived("rr", {"rr_ms": rr_ms}, arrival_s, float(arrival_s[-1]))
        return Recording(
            recording_id=source.title,
            source=self.name,
            sha256=source.sha256,
            duration_s=max(float(arrival_s[-1]), float(rr.time_s[-1])),
            streams={"rr": rr},
            started_at=datetime.fromtimestamp(start_s, UTC),
            notices=(
                *loss_notices(rr),
                *((CUT_OFF,) if rows.cut else ()),
                *unneeded(unit, "the logger writes RR in ms"),
            ),
        )
