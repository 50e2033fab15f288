"""WFDB records, as PhysioNet keeps them: a header, signals, and annotations of beats.

The header (.hea, text) names the files of the signals and how they are packed; annotations of a person or a
program lie beside it (.atr). Where beats are annotated, intervals are taken from them: somebody looked.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

import numpy as np

from devices.exports.channels import read_channels
from devices.exports.intervals import gaps
from devices.exports.reader import Source, unneeded
from devices.exports.wfdb_file import Segments, Signals, opened_record, started_at
from pipeline.errors import InputError
from pipeline.heart.beats import BeatKind
from pipeline.model import Floats, Marker, Recording, Stream

_RECORD_LINE = re.compile(rb"[ \t]*[-\w]+(?:/(\d{1,9}))?[ \t]+(\d{1,9})(?:[ \t]+[\d.]+.*)?")
_OF_SEGMENTS = re.compile(rb"(\s*#.*\n)*\s*[-\w]+/\d")
_SIGNAL_LINE = re.compile(rb"[ \t]*[~\w][-\w]*(\.\w+)?[ \t]+\d+(x\d+)?(:\d+)?(\+\d+)?([ \t].*)?")

# Annotations that stand for a beat (WFDB Applications Guide, annotation codes), and those of normal ones.
_NORMAL = frozenset("NLRB")
_BEATS = _NORMAL | frozenset("AaJSVrFejnE/fQ?")
_OF_FLUTTER = frozenset("[]!")


class WfdbRecord:
    """Reads a WFDB record, its segments joined, and the beats that are annotated in it."""

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
            opened = opened_record(source, name, Path(folder))
            notes = _Notes.read(source, name, opened)
            duration_s = opened.frames / opened.rate_hz
            beats = notes.beats(duration_s)
            found = read_channels(opened.where, opened.channels, opened.samples, needed=beats is None)
        return Recording(
            recording_id=source.title,
            source=self.name,
            sha256=source.sha256,
            duration_s=duration_s,
            streams=found.streams if beats is None else {"rr": beats, **found.streams},
            started_at=started_at(opened.header),
            markers=tuple(notes.markers(duration_s)),
            units=found.units,
            notices=(
                *notes.notices(beats),
                *found.notices,
                *unneeded(unit, "the header names the units"),
            ),
        )


def _header_name(source: Source) -> str | None:
    """The file that is the record's header; None if there is none, or several but no one of segments."""
    found = [name for name in source.files if name.endswith(".hea") and _is_header(source.head(name))]
    if source.path.name in found:  # with those of its segments
        return source.path.name
    if len(found) > 1:
        found = [name for name in found if _OF_SEGMENTS.match(source.head(name))]
    return found[0] if len(found) == 1 else None


def _is_header(head: bytes) -> bool:
    lines = [line.strip() for line in head.splitlines()]
    told = [line for line in lines if line and not line.startswith(b"#")]
    if not told or not (record := _RECORD_LINE.fullmatch(told[0])):
        return False
    named = int(record[1] or record[2])  # segments, or signals
    return len(told) <= 1 + named and all(_SIGNAL_LINE.fullmatch(line) for line in told[1:2])


@dataclass(frozen=True)
class _Notes:
    """The annotations beside a record, in order of time: (n,) each."""

    name: str
    time_s: Floats
    symbols: tuple[str, ...]
    texts: tuple[str, ...]

    @classmethod
    def read(cls, source: Source, header_name: str, opened: Signals | Segments) -> _Notes:
        name = str(PurePosixPath(header_name).with_suffix(".atr"))
        if name not in source.files:
            return cls(name, np.empty(0), (), ())
        import wfdb

        Path(f"{opened.path}.atr").write_bytes(source.files[name])
        try:
            read = wfdb.rdann(opened.path, "atr")
            time_s = np.asarray(read.sample, dtype=np.float64) / (read.fs or opened.rate_hz)
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
