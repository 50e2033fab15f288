"""Log of a Garmin watch by a Connect IQ data field: `stamp;KIND;value`, one event a row, no header.

HEART_RATE_VARIABILITY is an RR interval in ms, HEART_RATE is in beats/min. The stamp (ISO 8601 with zone)
says when a value reached the phone, so beats are timed by what they add up to. A log may span days with
hours between: those are gaps.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from devices.exports.intervals import arrived, check_lengths, loss_notices
from devices.exports.reader import Source, unneeded
from devices.exports.rows import CUT_OFF, Rows, local_start, read_rows
from pipeline.errors import InputError
from pipeline.model import DeviceInfo, Floats, Recording, Stream
from pipeline.timing import rising

_BEAT, _RATE = b"HEART_RATE_VARIABILITY", b"HEART_RATE"
_ROW = re.compile(rb"\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:?\d\d);[A-Z][A-Z_]+;-?[\d.]+")
_ACC = "acc.csv"  # raw acceleration, in no unit that is documented
_LOOKED_AT = 3


class ConnectIq:
    """Reads the log: streams `rr` and `heart_rate`."""

    name = "connect-iq"
    label = "Garmin Connect IQ log (stamp;kind;value)"
    proven = True

    def recognises(self, source: Source) -> bool:
        """Whether one file begins with rows of such events, and no other but acc.csv lies beside it."""
        logs = _logs(source)
        return len(logs) == 1 and set(source.files) - {_ACC} == set(logs)

    def read(self, source: Source, unit: str | None) -> Recording:
        """The recording. Raises InputError that names the file and the line."""
        (name,) = _logs(source)
        rows = read_rows(source, name, b";", 3)
        kinds = rows.cells(1)
        stamps_s = rows.stamps_s(0)
        beats, rates = _of_kind(rows, kinds, _BEAT), _of_kind(rows, kinds, _RATE)
        if beats is None:
            raise InputError(
                f"{source.where(name)}: holds no {_BEAT.decode()}, so no intervals between beats"
            )
        places, rr_ms = beats
        check_lengths(lambda beat: rows.where(places[beat]), rr_ms)
        time_s = stamps_s - stamps_s[0]
        before_s = max(float(max(rr_ms[0], 0.0)) / 1000 - float(time_s[places[0]]), 0.0)
        time_s = time_s + before_s
        duration_s = float(time_s[-1])
        rr = arrived("rr", {"rr_ms": rr_ms}, time_s[places], duration_s)
        streams = {"rr": rr}
        if rates is not None:
            streams["heart_rate"] = _heart_rate(time_s[rates[0]], rates[1])
        return Recording(
            recording_id=source.title,
            source=self.name,
            sha256=source.sha256,
            duration_s=max([duration_s, *(float(stream.time_s[-1]) for stream in streams.values())]),
            streams=streams,
            started_at=local_start(rows.first(1).cells(0)[0], float(stamps_s[0]) - before_s),
            devices=(DeviceInfo(name="Garmin watch", driver=self.name),),
            notices=(*_notices(source, rows, kinds, rr), *unneeded(unit, "the log has RR in ms")),
        )


def _logs(source: Source) -> list[str]:
    """The files whose first whole lines are such events."""
    return [name for name in sorted(source.files) if _is_log(source.head(name))]


def _is_log(head: bytes) -> bool:
    lines = head.removeprefix(b"\xef\xbb\xbf").splitlines()[:_LOOKED_AT]
    return len(lines) > 1 and all(_ROW.fullmatch(line.strip()) for line in lines[:-1])


def _of_kind(rows: Rows, kinds: Sequence[bytes], kind: bytes) -> tuple[Sequence[int], Floats] | None:
    """The places of one kind's rows, and their values."""
    places = [place for place, each in enumerate(kinds) if each == kind]
    if not places:
        return None
    chosen = replace(
        rows,
        lines=[rows.lines[place] for place in places],
        numbers=[rows.numbers[place] for place in places],
    )
    return places, chosen.floats(2)


def _heart_rate(time_s: Floats, rate_bpm: Floats) -> Stream:
    measured = np.where(rate_bpm > 0, rate_bpm, np.nan)  # 0: the watch has no reading
    return Stream("heart_rate", rising(time_s), {"heart_rate_bpm": measured})


def _notices(source: Source, rows: Rows, kinds: Sequence[bytes], rr: Stream) -> Iterator[str]:
    yield from loss_notices(rr)
    others = sorted(_word(kind) for kind in Counter(kinds) if kind not in (_BEAT, _RATE))
    if others:
        yield f"only beats and heart rate are read, not {', '.join(others[:10])}"
    yield from (f"{name} is not read" for name in sorted(source.files) if name != rows.name)
    if rows.cut:
        yield CUT_OFF


def _word(kind: bytes) -> str:
    text = kind.decode(errors="replace")[:40]
    return text if text.isprintable() else repr(text)
