"""Beat intervals for Kubios HRV and its like: one interval a line, in ms, as recorded, nothing else.

Such a file has no times, so a gap in one would join two beats that do not follow each other: each unbroken
stretch is a file of its own. A table beside each says where it begins and where the phases lie in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from devices.exports.writers.tables import csv, texts
from devices.exports.writers.writer import Exported, Outgoing, is_beats
from pipeline.errors import InsufficientDataError
from pipeline.heart.beats import adjacent
from pipeline.model import Floats, Stream
from pipeline.preparation import with_beats

_LEAST_S = 30.0  # a shorter stretch carries no variability
_PHASE_COLUMNS = ("name", "kind", "start_s", "end_s", "start_in_session_s")
_DIGITS = 7  # a strap's 1/1024 s to the last bit


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Intervals that follow each other without a gap, and when the first one begins."""

    start_s: float
    end_s: float
    interval_ms: Floats


class KubiosRr:
    """Writes beat intervals as Kubios HRV reads them."""

    name = "kubios"

    def files(self, session: Outgoing) -> Iterator[Exported | str]:
        """A text for each unbroken stretch of beats, with its phases. Raises InsufficientDataError."""
        found = [(stream, list(_stretches(stream))) for stream in _beats(session)]
        if not found:
            raise InsufficientDataError(f"{session.name}: holds no beats, and nothing to find any in")
        if not any(map(_is_long, (stretch for _, stretches in found for stretch in stretches))):
            raise InsufficientDataError(
                f"{session.name}: its beats never follow each other for {_LEAST_S:g} s without a gap; "
                "`--to csv` writes them with their times"
            )
        for stream, stretches in found:
            long = [stretch for stretch in stretches if _is_long(stretch)]
            for number, stretch in enumerate(long, 1):
                part = (
                    f"_part-{number:03d}_from-{max(0.0, stretch.start_s):.0f}s" if len(stretches) > 1 else ""
                )
                stem = f"{session.name}_{_source(stream)}{part}"
                lines = texts(stretch.interval_ms, _DIGITS)
                yield Exported(f"{stem}.txt", "".join(f"{line}\n" for line in lines).encode())
                if phases := _phases(session, stretch):
                    yield Exported(f"{stem}_phases.csv", csv(_PHASE_COLUMNS, phases))
            lost = len(stream) - sum(len(stretch.interval_ms) for stretch in long)
            if lost:
                yield (
                    f"{stream.name}: {lost} of {len(stream)} intervals, missing ones or in stretches "
                    f"shorter than {_LEAST_S:g} s between gaps; `--to csv` has them"
                )

    def around(self, _: Sequence[Outgoing]) -> Iterator[Exported]:
        """Nothing: each file stands by itself."""
        yield from ()


def _beats(session: Outgoing) -> list[Stream]:
    """Every stream of beat intervals; where there is none, the beats of an ECG or a pulse wave."""
    streams = with_beats(session.recording).streams.values()
    return [stream for stream in streams if len(stream) and is_beats(stream)]


def _source(stream: Stream) -> str:
    """What the intervals are, as a file name says it: a pulse's are never called RR."""
    first = next(iter(stream.columns)).removesuffix("_ms")
    if stream.name == "ecg_rr":
        return "rr-from-ecg"
    origin = "pp-from-pulse" if first == "pp" else first
    return origin if stream.name == first else f"{origin}-{stream.name.removeprefix(f'{first}_')}"


def _is_long(stretch: _Stretch) -> bool:
    return stretch.end_s - stretch.start_s >= _LEAST_S


def _stretches(stream: Stream) -> Iterator[_Stretch]:
    interval_ms, time_s = stream.value, stream.time_s
    firsts = np.flatnonzero(~adjacent(time_s, interval_ms)).tolist()
    for first, last in zip(firsts, [*firsts[1:], len(stream)], strict=True):
        rows = slice(first, last)
        if np.isfinite(interval_ms[first]):  # a missing one stands alone
            start_s = float(time_s[first] - interval_ms[first] / 1000)
            yield _Stretch(start_s, float(time_s[last - 1]), interval_ms[rows])


def _phases(session: Outgoing, stretch: _Stretch) -> list[tuple[str, str, float, float, float]]:
    """The phases by the file's own time, which is what its intervals add up to, and by the session's.

    `vagal analyse FILE --phases` takes them; in Kubios they are the beginnings and ends of samples.
    """
    length_s = float(np.sum(stretch.interval_ms)) / 1000
    rows = []
    for phase in session.recording.phases:
        start_s = max(0.0, phase.start_s - stretch.start_s)
        end_s = min(length_s, phase.end_s - stretch.start_s)
        if end_s > start_s:
            rows.append((phase.name, phase.kind.value, start_s, end_s, start_s + stretch.start_s))
    return rows
