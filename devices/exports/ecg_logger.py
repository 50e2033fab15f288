"""ECGLogger: one CSV of a Polar H10's electrocardiogram, with heart rate and RR where a packet of them came.

Columns time (ns since 1970), ecg (no unit in the file; mV by its size), hr (beats/min), rr (ms). The time is
of the ECG sample; beats stand beside whichever sample was the latest when they came, so they are timed by
what they add up to.
"""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

from devices.exports.intervals import arrived, check_lengths, loss_notices
from devices.exports.reader import Source, unneeded
from devices.exports.rows import CUT_OFF, STAMP, Rows, header_cells, read_rows
from devices.exports.stamped import sampled
from pipeline.errors import InputError
from pipeline.model import DeviceInfo, Floats, Recording, Stream
from pipeline.timing import rising

_HEADER = ("time", "ecg", "hr", "rr")
_UV = 1000.0  # one mV
_STAMPS_NS = (1e18, 4e18)  # 2001 to 2096


class EcgLogger:
    """Reads ECGLogger's CSV: streams `ecg`, `rr` and `heart_rate`."""

    name = "ecg-logger"
    label = "ECGLogger CSV (Polar H10)"
    proven = True

    def recognises(self, source: Source) -> bool:
        """Whether this is one file with that header."""
        return source.only is not None and header_cells(source, source.only, ",") == _HEADER

    def read(self, source: Source, unit: str | None) -> Recording:
        """The recording. Raises InputError that names the file and the line."""
        rows = read_rows(source, source.only or "", b",", len(_HEADER), header=1)
        stamps_ns = rows.floats(0, most=STAMP)
        wrong = (stamps_ns < _STAMPS_NS[0]) | (stamps_ns > _STAMPS_NS[1])
        if wrong.any():
            row = int(np.argmax(wrong))
            raise InputError(f"{rows.where(row)}: {stamps_ns[row]:g} is no time in ns since 1970")
        time_s = (stamps_ns - stamps_ns[0]) / 1e9
        ecg, odd = sampled("ecg", rows, time_s, {"ecg_uv": rows.floats(1, missing=True) * _UV})
        duration_s = float(ecg.time_s[-1])
        streams = {"ecg": ecg}
        for stream in (_beats(rows, time_s, duration_s), _heart_rate(rows, time_s)):
            if stream is not None:
                streams[stream.name] = stream
        return Recording(
            recording_id=source.title,
            source=self.name,
            sha256=source.sha256,
            duration_s=max([duration_s, *(float(stream.time_s[-1]) for stream in streams.values())]),
            streams=streams,
            started_at=datetime.fromtimestamp(stamps_ns[0] / 1e9, UTC),
            devices=(DeviceInfo(name="Polar H10", driver=self.name),),
            units={"ecg": "mV (as the app writes it; the file names no unit)"},
            notices=(
                *odd,
                *(loss_notices(streams["rr"]) if "rr" in streams else ()),
                *((CUT_OFF,) if rows.cut else ()),
                *unneeded(unit, "ECGLogger writes RR in ms"),
            ),
        )


def _beats(rows: Rows, time_s: Floats, duration_s: float) -> Stream | None:
    rr_ms = rows.floats(3, missing=True)
    came = np.isfinite(rr_ms)
    check_lengths(rows.where, rr_ms)
    if not came.any():
        return None
    return arrived("rr", {"rr_ms": rr_ms[came]}, np.maximum.accumulate(time_s)[came], duration_s)


def _heart_rate(rows: Rows, time_s: Floats) -> Stream | None:
    rate_bpm = rows.floats(2, missing=True)
    came = rate_bpm > 0  # 0: the strap has no contact
    if not came.any():
        return None
    return Stream("heart_rate", rising(time_s[came]), {"heart_rate_bpm": rate_bpm[came]})
