"""WFDB records, as PhysioNet keeps them: a header, signals, and annotations of beats.

The header (.hea, text) names the files of the signals and how they are packed; annotations of a person or a
program lie beside it (.atr). Where beats are annotated, intervals are taken from them: somebody looked.

The library reads files, and would follow any path or address that a header names. It gets a private folder
with copies of the files that the source holds, and no others.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from devices.exports.channels import Channel, read_channels
from devices.exports.intervals import gaps
from devices.exports.reader import Source
from devices.exports.samples import Samples
from pipeline.errors import InputError
from pipeline.heart.beats import BeatKind
from pipeline.model import Floats, Marker, Recording, Stream

_RECORD_LINE = re.compile(rb"[ \t]*[-\w]+(/\d+)?[ \t]+\d+([ \t]+[\d.]+.*)?")
_SIGNAL_LINE = re.compile(rb"[ \t]*[~\w][-\w]*(\.\w+)?[ \t]+\d+(x\d+)?(:\d+)?(\+\d+)?([ \t].*)?")
_GAIN = re.compile(r"-?\d*\.?\d+(e[+-]?\d+)?", re.IGNORECASE)
_LOCAL = "vagal-own-copy"  # the record's name in the private folder
_BLOCK = 1 << 20  # frames
_WHOLE = frozenset({"8", "508", "516", "524"})  # formats that can't be read from the middle
_MOST_PER_BYTE = {"508": 1000, "516": 1000, "524": 1000}  # samples; FLAC packs silence well
_FASTEST_HZ = 50_000.0

# Annotations that stand for a beat (WFDB Applications Guide, annotation codes), and those of normal ones.
_NORMAL = frozenset("NLRB")
_BEATS = _NORMAL | frozenset("AaJSVrFejnE/fQ?")
_OF_FLUTTER = frozenset("[]!")


@dataclass(frozen=True)
class _Opened:
    """A header and its files in a private folder."""

    where: str
    path: str
    header: Any  # wfdb.Record
    calibrated: tuple[bool, ...]
    counted: bool  # whether the header says how long the record is

    @property
    def frames(self) -> int:
        return int(self.header.sig_len)

    @property
    def channels(self) -> list[Channel]:
        header = self.header
        return [
            Channel(
                header.sig_name[index] or "",
                header.units[index] if self.calibrated[index] else "",
                float(header.fs * header.samps_per_frame[index]),
            )
            for index in range(header.n_sig)
        ]

    def samples(self, index: int) -> Samples:
        """A signal in its physical unit, read in blocks."""
        import wfdb

        each = self.header.samps_per_frame[index]
        whole = self.header.fmt[index] in _WHOLE or any(self.header.skew) or not self.counted
        step = self.frames if whole else _BLOCK
        values = np.empty(self.frames * each)
        for first in range(0, self.frames, step):
            last = min(first + step, self.frames)
            try:
                part = wfdb.rdrecord(
                    self.path,
                    sampfrom=first,
                    sampto=last if self.counted else None,
                    channels=[index],
                    smooth_frames=False,
                )
                values[first * each : last * each] = part.e_p_signal[0]
            except Exception as error:  # a decoder may fail in any way on damaged bytes
                raise InputError(
                    f"{self.where}: {self.header.file_name[index]} is damaged or shorter than the header says"
                ) from error
        return Samples(np.arange(len(values)) / (self.header.fs * each), values, ends=self._ends(index))

    def _ends(self, index: int) -> tuple[float, float] | None:
        """The range of the converter, where the header tells how many bits it has."""
        header = self.header
        if not header.adc_res[index]:
            return None
        half, zero = 2 ** (header.adc_res[index] - 1), header.adc_zero[index] or 0
        gain, baseline = header.adc_gain[index], header.baseline[index]
        return (zero - half - baseline) / gain, (zero + half - 1 - baseline) / gain


class WfdbRecord:
    """Reads a WFDB record of one segment, and the beats that are annotated in it."""

    name = "wfdb"
    label = "WFDB (.hea with .dat and .atr, as PhysioNet has them)"
    proven = True

    def recognises(self, source: Source) -> bool:
        """Whether there is exactly one header of a record."""
        return _header_name(source) is not None

    def read(self, source: Source, unit: str | None) -> Recording:
        """The recording: `rr` if beats are annotated, and the signals that are ours. Raises InputError."""
        name = _header_name(source)
        assert name is not None, "recognised before it is read"
        with TemporaryDirectory(prefix="vagal-") as folder:
            opened = _opened(source, name, Path(folder))
            notes = _Notes.read(source, name, opened)
            duration_s = opened.frames / opened.header.fs
            beats = notes.beats(duration_s)
            found = read_channels(opened.where, opened.channels, opened.samples, needed=beats is None)
        return Recording(
            recording_id=source.title,
            source=self.name,
            sha256=source.sha256,
            duration_s=duration_s,
            streams=found.streams if beats is None else {"rr": beats, **found.streams},
            started_at=_started_at(opened.header),
            markers=tuple(notes.markers(duration_s)),
            units=found.units,
            notices=(
                *notes.notices(beats),
                *found.notices,
                *(() if unit is None else (f"--unit {unit} is not needed: the header names the units",)),
            ),
        )


def _header_name(source: Source) -> str | None:
    """The file that is the record's header; None if there is none, or several."""
    found = [name for name in source.files if name.endswith(".hea") and _is_header(source.head(name))]
    if source.path.name in found:  # with those of its segments
        return source.path.name
    return found[0] if len(found) == 1 else None


def _is_header(head: bytes) -> bool:
    lines = [line.strip() for line in head.splitlines()]
    told = [line for line in lines if line and not line.startswith(b"#")]
    if not told or not _RECORD_LINE.fullmatch(told[0]):
        return False
    return all(_SIGNAL_LINE.fullmatch(line) for line in told[1:2])


def _opened(source: Source, name: str, folder: Path) -> _Opened:
    """The record, copied into the folder. Raises InputError."""
    where = source.where(name)
    try:
        import wfdb
    except ImportError:
        raise InputError(f'{where}: to read it, run pip install "vagal[formats]"') from None
    (folder / f"{_LOCAL}.hea").write_bytes(source.files[name])
    path = str(folder / _LOCAL)
    try:
        header = wfdb.rdheader(path)
    except Exception as error:  # a decoder may fail in any way on damaged bytes
        raise InputError(f"{where}: is no header of a WFDB record, or damaged") from error
    if isinstance(header, wfdb.MultiRecord):
        raise InputError(f"{where}: is a record of several segments; import the header of each segment")
    lines = _signal_lines(source.files[name])
    if not header.n_sig or len(lines) != header.n_sig or not 0 < header.fs <= _FASTEST_HZ:
        raise InputError(f"{where}: names no signals, or not their number or rate")
    for field, fallback in (("samps_per_frame", 1), ("skew", 0), ("byte_offset", 0)):
        setattr(header, field, [each or fallback for each in getattr(header, field)])
    sizes = {each: _copied(source, name, each, folder) for each in header.file_name}
    counted = header.sig_len is not None
    if not counted:
        header.sig_len = _length(header, sizes)
    for file, size in sizes.items():
        samples = sum(n for n, of in zip(header.samps_per_frame, header.file_name, strict=True) if of == file)
        most = size * _MOST_PER_BYTE.get(header.fmt[header.file_name.index(file)], 1)
        if not 0 < header.sig_len * samples <= most:
            raise InputError(f"{where}: {file} is shorter than the header says, or empty")
    return _Opened(where, path, header, tuple(map(_is_calibrated, lines)), counted)


def _copied(source: Source, header_name: str, name: str, folder: Path) -> int:
    """The size of a file that a header names, once it is in the folder."""
    within = str(PurePosixPath(header_name).with_name(name)) if name else ""
    if "/" in name or within not in source.files or name.startswith(_LOCAL + "."):
        raise InputError(f"{source.where(header_name)}: {name} is missing; keep it in the same folder")
    content = source.files[within]
    (folder / name).write_bytes(content)
    return len(content)


def _length(header: Any, sizes: dict[str, int]) -> int:
    """How many frames there are, where a header leaves that to the size of its first file."""
    from wfdb.io._signal import BYTES_PER_SAMPLE

    first = header.file_name[0]
    samples = sum(n for n, of in zip(header.samps_per_frame, header.file_name, strict=True) if of == first)
    each = BYTES_PER_SAMPLE.get(header.fmt[0], 2)
    return int((sizes[first] - header.byte_offset[0]) / (samples * each))


def _signal_lines(content: bytes) -> list[str]:
    lines = [line.strip() for line in content.decode("ascii", "ignore").splitlines()]
    return [line for line in lines if line and not line.startswith("#")][1:]


def _is_calibrated(line: str) -> bool:
    """Whether a signal's line gives it a gain; without one, or with 0, its unit is the library's guess."""
    fields = line.split()
    gain = _GAIN.match(fields[2]) if len(fields) > 2 else None
    return gain is not None and float(gain[0]) != 0


def _started_at(header: Any) -> datetime | None:
    """The start by the recorder's clock, which names no zone; None without a date."""
    if header.base_date is None or header.base_time is None:
        return None
    try:
        return datetime.combine(header.base_date, header.base_time).astimezone()
    except (ValueError, OverflowError, OSError):
        return None


@dataclass(frozen=True)
class _Notes:
    """The annotations beside a record, in order of time: (n,) each."""

    name: str
    time_s: Floats
    symbols: tuple[str, ...]
    texts: tuple[str, ...]

    @classmethod
    def read(cls, source: Source, header_name: str, opened: _Opened) -> _Notes:
        name = str(PurePosixPath(header_name).with_suffix(".atr"))
        if name not in source.files:
            return cls(name, np.empty(0), (), ())
        import wfdb

        Path(f"{opened.path}.atr").write_bytes(source.files[name])
        try:
            read = wfdb.rdann(opened.path, "atr")
            time_s = np.asarray(read.sample, dtype=np.float64) / (read.fs or opened.header.fs)
            texts = [str(text or "").strip("\0 (") for text in read.aux_note]
            symbols = [str(symbol) for symbol in read.symbol]
        except Exception as error:  # a decoder may fail in any way on damaged bytes
            raise InputError(f"{source.where(name)}: is damaged, or no file of annotations") from error
        order = np.argsort(time_s, kind="stable").tolist()
        return cls(
            name, time_s[order], tuple(symbols[each] for each in order), tuple(texts[each] for each in order)
        )

    def beats(self, duration_s: float) -> Stream | None:
        """Intervals between annotated beats, none across flutter; None if there are fewer than two beats.

        `annotated_kind` is a BeatKind: ECTOPIC before and after a beat that is not normal.
        """
        at = [row for row, symbol in enumerate(self.symbols) if symbol in _BEATS]
        at = [row for row in at if 0 <= self.time_s[row] <= duration_s]
        kept = [at[0]] if at else []
        for row in at[1:]:
            if self.time_s[row] > self.time_s[kept[-1]]:
                kept.append(row)
        if len(kept) < 2:
            return None
        odd = np.array([self.symbols[row] not in _NORMAL for row in kept])
        flutter = np.cumsum([symbol in _OF_FLUTTER for symbol in self.symbols])[kept]
        times_s = self.time_s[kept]
        adjacent = np.diff(flutter) == 0
        ends_s, rr_ms = times_s[1:][adjacent], np.diff(times_s)[adjacent] * 1000
        kind = np.where(odd[1:] | odd[:-1], BeatKind.ECTOPIC.value, BeatKind.NORMAL.value)[adjacent]
        columns = {"rr_ms": rr_ms, "annotated_kind": kind.astype(np.float64)}
        return Stream("rr", ends_s, columns, gaps=gaps(ends_s, rr_ms, duration_s))

    def markers(self, duration_s: float) -> Iterator[Marker]:
        """A marker for each annotation that has a text and is no beat: changes of rhythm, comments."""
        for at_s, symbol, text in zip(self.time_s.tolist(), self.symbols, self.texts, strict=True):
            if text and symbol not in _BEATS and 0 <= at_s <= duration_s:
                yield Marker(at_s, "rhythm" if symbol == "+" else "annotation", text)

    def notices(self, beats: Stream | None) -> Iterator[str]:
        """Where beats are from, and what the annotations say of them."""
        if beats is None:
            if self.symbols:
                yield f"{self.name} annotates no beats"
            return
        odd = Counter(symbol for symbol in self.symbols if symbol in _BEATS - _NORMAL)
        named = ", ".join(f"{count} {symbol}" for symbol, count in odd.most_common())
        others = f", of which not normal: {named}" if odd else ", all normal"
        count = sum(symbol in _BEATS for symbol in self.symbols)
        yield f"beats are those annotated in {self.name}: {count}{others}"
