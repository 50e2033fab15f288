"""EDF+ files: one for each sampled signal, as each sensor has a clock of its own; annotations in each.

Samples are 16-bit integers over the range of the signal. A stream with gaps is written as EDF+D, in which
time is left out. A record is a whole number of samples: what is left over at the end of a run, less than a
record, is not written, rather than filled up with samples that nobody took.

Kemp & Olivan 2003 (Clin Neurophysiol 114:1755).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from devices.exports.writers.runs import Runs
from devices.exports.writers.tables import TIME_DIGITS, decimal
from devices.exports.writers.writer import Exported, Outgoing, one_line
from pipeline.errors import InsufficientDataError
from pipeline.manifest import software
from pipeline.model import Floats, Stream, unit_of

_LOWEST, _HIGHEST = -32768, 32767
_MARGIN = 0.01  # of the range, so that no sample looks like a saturated one
_SHORTEST_SHARE = 0.1  # of a second, for a record
_TEXT = 120
_LARGEST = 9e6  # in eight signs, with a minus
_NO_DATE = datetime(1985, 1, 1)  # stands for a date that is not told
_LABELS = {
    "ecg": "ECG",
    "eda": "EDA",
    "ppg": "PPG",
    "respiration": "Resp",
    "skin_temperature": "Skin temperature",
    "acc_x": "Acc X",
    "acc_y": "Acc Y",
    "acc_z": "Acc Z",
}
_DIMENSIONS = {"µV": "uV", "µS": "uS", "°C": "degC", "mg": "g", "a.u.": ""}
_SCALES = {"mg": 1e-3}
_SEXES = {"female": "F", "male": "M"}
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")

Annotation = tuple[float, float | None, str]


class EdfPlus:
    """Writes an EDF+ file for each sampled stream."""

    name = "edf"

    def files(self, session: Outgoing) -> Iterator[Exported | str]:
        """A file for each sampled stream. Raises InsufficientDataError if there is none."""
        if not session.sampled:
            raise InsufficientDataError(
                f"{session.name}: holds no sampled signal, which is all that EDF+ takes; "
                "`--to kubios` or `--to csv` write its beats"
            )
        for stream in session.sampled:
            known = _complete(stream)
            if not len(known):
                yield f"{stream.name}: every sample is missing"
                continue
            if _largest(known) > _LARGEST:
                yield f"{stream.name}: its numbers are too large for the header"
                continue
            records = _Records.of(known)
            if records.lost:
                yield f"{stream.name}: {records.lost} of {len(known)} samples, at the ends of runs"
            if records.starts_s:
                yield Exported(f"{session.name}_{stream.name}.edf", _file(session, known, records))
        if session.events:
            named = ", ".join(stream.name for stream in session.events)
            yield f"{named}: single values have no place in EDF+"

    def around(self, _: Sequence[Outgoing]) -> Iterator[Exported]:
        """Nothing: each file stands by itself."""
        yield from ()


def _complete(stream: Stream) -> Stream:
    """The stream without rows in which a value is missing: EDF has no word for that, but for missing time."""
    known = np.all([np.isfinite(values) for values in stream.columns.values()], axis=0)
    columns = {name: values[known] for name, values in stream.columns.items()}
    return replace(stream, time_s=stream.time_s[known], columns=columns, arrival_s=None, device_time_s=None)


def _largest(stream: Stream) -> float:
    return max(float(np.max(np.abs(values))) for values in stream.columns.values())


@dataclass(frozen=True, eq=False)
class _Records:
    """Where records lie, `size` samples and `length` seconds (as the header has it) each.

    `starts_s` are by the session's clock, `rows` the first row of each; `lost` samples are in none.
    """

    size: int
    length: str
    starts_s: Sequence[float]
    rows: Sequence[int]
    lost: int
    continuous: bool

    @classmethod
    def of(cls, stream: Stream) -> _Records:
        runs = Runs.of(stream)
        counts = [run.stop - run.start for run in runs.rows]
        size = _record_size(runs.rate_hz, counts)
        length = _eight(size / runs.rate_hz)
        starts_s: list[float] = []
        rows: list[int] = []
        for run in runs.rows:
            its_rows = range(run.start, run.stop - size + 1, size)
            free_s = starts_s[-1] + float(length) if starts_s else -math.inf
            first_s = max(float(stream.time_s[run.start]), free_s)
            starts_s += [first_s + number * float(length) for number in range(len(its_rows))]
            rows += its_rows
        return cls(size, length, starts_s, rows, len(stream) - size * len(rows), len(runs.rows) == 1)


def _record_size(rate_hz: float, counts: Sequence[int]) -> int:
    """Samples in a record of up to a second: of the sizes that leave over the fewest, the largest."""
    most = max(1, math.floor(rate_hz))
    least = max(1, math.ceil(rate_hz * _SHORTEST_SHARE))
    sizes = np.arange(most, least - 1, -1)
    left_over = np.sum(np.asarray(counts)[:, None] % sizes, axis=0)
    return int(sizes[np.argmin(left_over)])


def _file(session: Outgoing, stream: Stream, records: _Records) -> bytes:
    began_s = _header_start(session, records.starts_s[0])
    signals = [_Signal.of(column, values) for column, values in stream.columns.items()]
    lists = _annotation_lists(session, records, began_s)
    width = max(map(len, lists))
    width += width % 2
    picked = np.asarray(records.rows)[:, None] + np.arange(records.size)
    parts: list[NDArray[np.uint8]] = [_bytes(signal.digital[picked]) for signal in signals]
    noted = np.frombuffer(b"".join(each.ljust(width, b"\0") for each in lists), np.uint8)
    parts.append(noted.reshape(len(lists), width))
    head = _header(session, records, signals, began_s, width // 2)
    return head + np.concatenate(parts, axis=1).tobytes()


def _header_start(session: Outgoing, first_s: float) -> float:
    """The session's time at the header's clock, which counts whole seconds; records tell the rest."""
    second = session.started_at.microsecond / 1e6 if session.started_at is not None else 0.0
    return math.floor(second + first_s) - second


def _bytes(digital: NDArray[np.int16]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(digital, dtype="<i2").view(np.uint8)


@dataclass(frozen=True, eq=False)
class _Signal:
    """A column as integers, and what the header says of it."""

    label: str
    dimension: str
    low: str
    high: str
    digital: NDArray[np.int16]

    @classmethod
    def of(cls, column: str, values: Floats) -> _Signal:
        unit, stem = unit_of(column), column.rsplit("_", 1)[0]
        values = values * _SCALES.get(unit, 1.0)
        low, high = _range(float(np.min(values)), float(np.max(values)))
        steps = (_HIGHEST - _LOWEST) / (float(high) - float(low))
        digital = np.rint((values - float(low)) * steps + _LOWEST)
        label = _LABELS.get(stem, stem.replace("_", " "))[:16]
        dimension = _DIMENSIONS.get(unit, unit)[:8]
        return cls(label, dimension, low, high, np.clip(digital, _LOWEST, _HIGHEST).astype(np.int16))


def _range(low: float, high: float) -> tuple[str, str]:
    """The ends of the range as the header takes them, in eight signs, a little beyond the values."""
    margin = max(_MARGIN * (high - low), 1e-6)
    while True:
        ends = _eight(low - margin), _eight(high + margin)
        if float(ends[0]) < low and float(ends[1]) > high:
            return ends
        margin *= 2


def _eight(value: float) -> str:
    """A number in eight signs, as exact as they allow. Raises ValueError for one beyond ten million."""
    for digits in range(7, -1, -1):
        text = decimal(value, digits)
        if len(text) <= 8:
            return text
    raise ValueError(f"{value} takes more than eight signs")


def _annotation_lists(session: Outgoing, records: _Records, began_s: float) -> list[bytes]:
    r"""The bytes of each record's annotations: its own time, then some of the session's.

    `+onset[\x15duration]\x14text\x14\x00`, onsets from the start in the header.
    """
    noted = [
        b"%s%s\x14%s\x14\0"
        % (
            _onset(at_s - began_s),
            b"\x15" + decimal(length_s, TIME_DIGITS).encode() if length_s and length_s > 0 else b"",
            text.encode(),
        )
        for at_s, length_s, text in _annotations(session)
    ]
    count = len(records.starts_s)
    return [
        _onset(start_s - began_s) + b"\x14\x14\0" + b"".join(noted[number::count])
        for number, start_s in enumerate(records.starts_s)
    ]


def _annotations(session: Outgoing) -> list[Annotation]:
    """Phases, markers and ratings by the session's clock."""
    recording = session.recording
    found: list[Annotation] = [
        (each.start_s, each.duration_s, f"phase {each.kind}: {each.name}") for each in recording.phases
    ]
    for marker in session.markers:
        length_s = marker.end_s - marker.time_s if marker.end_s is not None else None
        found.append(
            (marker.time_s, length_s, f"{marker.kind}: {marker.text}" if marker.text else marker.kind)
        )
    found += [
        (each.time_s, None, f"rating {each.scale}: {decimal(each.value, 3)}") for each in recording.ratings
    ]
    return [(at_s, length_s, one_line(text)[:_TEXT]) for at_s, length_s, text in sorted(found, key=_time)]


def _time(annotation: Annotation) -> float:
    return annotation[0]


def _onset(at_s: float) -> bytes:
    """A time as annotations have it, with its sign."""
    text = decimal(at_s, TIME_DIGITS)
    return (text if text.startswith("-") else f"+{text}").encode()


def _header(
    session: Outgoing, records: _Records, signals: Sequence[_Signal], began_s: float, noted: int
) -> bytes:
    """256 bytes of the file, 256 of each signal and of the annotations."""
    count = len(signals) + 1
    began = (session.started_at or _NO_DATE) + timedelta(seconds=began_s)
    fixed = (
        ("0", 8),
        (f"{session.client} {_SEXES.get(session.recording.conditions.get('sex', ''), 'X')} X X", 80),
        (_equipment(session, began), 80),
        (f"{began:%d.%m.%y}" if session.started_at else "01.01.85", 8),
        (f"{began:%H.%M.%S}", 8),
        (f"{256 * (1 + count)}", 8),
        ("EDF+C" if records.continuous else "EDF+D", 44),
        (f"{len(records.starts_s)}", 8),
        (records.length, 8),
        (f"{count}", 4),
    )
    columns = (
        (16, [*(each.label for each in signals), "EDF Annotations"]),
        (80, [""] * count),
        (8, [*(each.dimension for each in signals), ""]),
        (8, [*(each.low for each in signals), "-1"]),
        (8, [*(each.high for each in signals), "1"]),
        (8, [f"{_LOWEST}"] * count),
        (8, [f"{_HIGHEST}"] * count),
        (80, [""] * count),
        (8, [*(f"{records.size}" for _ in signals), f"{noted}"]),
        (32, [""] * count),
    )
    of_signals = ((text, width) for width, texts in columns for text in texts)
    return b"".join(_field(text, width) for text, width in (*fixed, *of_signals))


def _equipment(session: Outgoing, began: datetime) -> str:
    date = f"{began:%d}-{_MONTHS[began.month - 1]}-{began:%Y}" if session.started_at else "X"
    told = (
        f" simulated_session_{session.number}"
        if session.recording.simulated
        else f" session_{session.number}"
    )
    return f"Startdate {date} X X vagal_{software()['version']}{told}"


def _field(text: str, width: int) -> bytes:
    return text.encode("ascii", errors="replace")[:width].ljust(width)
