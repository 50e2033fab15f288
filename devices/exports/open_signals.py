"""OpenSignals recordings (BITalino, biosignalsplux): text with a JSON header, or HDF5.

Both hold a converter's counts, with a description of each board by its address. File endings say nothing:
packs are handed round with others, so the first bytes decide.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from devices.exports.channels import Found, read_channels
from devices.exports.libraries import failure, library
from devices.exports.open_signals_board import Board, Input, are_counts, board, numbered
from devices.exports.reader import Source, unneeded
from devices.exports.rows import CUT_OFF, Rows, read_rows
from devices.exports.samples import ChannelSamples
from pipeline.errors import InputError
from pipeline.model import Floats, Recording

_TEXT = b"# OpenSignals Text File Format"
_HDF5 = b"\x89HDF\r\n\x1a\n"
_HDF5_HEAD = 65_536  # names of groups stand somewhere near the beginning
_END = b"# EndOfHeader"
_BOM = b"\xef\xbb\xbf"
_SEQUENCE = "nSeq"
_MOST_HEADER, _HEADER_LINES = 262_144, 10
_MOST_SAMPLES = 100_000_000
_MOST_BOARDS = 16


@dataclass(frozen=True, slots=True)
class _Track:
    """One input of a board: its samples in counts, and the numbers of the frames they came in."""

    board: Board
    input: Input
    counts: Floats
    sequence: Floats | None


class OpenSignals:
    """Reads what OpenSignals saves, of one board or several."""

    name = "opensignals"
    label = "OpenSignals (BITalino, biosignalsplux; text and HDF5)"
    proven = True

    def recognises(self, source: Source) -> bool:
        """Whether this is one file that begins as the text does, or HDF5 with a board's raw channels."""
        name = source.only
        if name is None:
            return False
        head = source.head(name)
        if head.removeprefix(_BOM).startswith(_TEXT):
            return True
        head = source.head(name, _HDF5_HEAD) if head.startswith(_HDF5) else b""
        return b"raw" in head and (b"channel" in head or b"plugin" in head)

    def read(self, source: Source, unit: str | None) -> Recording:
        """The recording. Raises InputError that names what is at fault, or why no channel can be read."""
        name = source.only or ""
        where = source.where(name)
        is_text = not source.head(name).startswith(_HDF5)
        cut = False
        if is_text:
            rows, boards = _text(source, name)
            tracks, cut = list(_text_tracks(rows, boards)), rows.cut
        else:
            tracks = _hdf5(source.files[name], where)
        if not tracks or not any(len(track.counts) for track in tracks):
            raise InputError(f"{where}: holds no samples")
        found, lost = _found(where, tracks)
        first = tracks[0].board
        return Recording(
            recording_id=source.title,
            source=self.name,
            sha256=source.sha256,
            duration_s=max(
                float(stream.time_s[-1]) + 1 / stream.rate_hz
                for stream in found.streams.values()
                if stream.rate_hz
            ),
            streams=found.streams,
            started_at=first.started_at,
            devices=tuple({track.board.name: track.board.device for track in tracks}.values()),
            units={
                stream: told.replace("from the header", "from the board's counts")
                for stream, told in found.units.items()
            },
            notices=(
                *found.notices,
                *lost,
                *((CUT_OFF,) if cut else ()),
                *unneeded(unit, "the board is known from the file"),
            ),
        )


def _found(where: str, tracks: Sequence[_Track]) -> tuple[Found, Iterator[str]]:
    """The streams of all inputs, and notices on frames that were lost."""
    counted = [are_counts(track.counts, track.input.bits) for track in tracks]
    channels = [track.board.channel(track.input) for track in tracks]
    for index, channel in enumerate(channels):
        if channel.unit == "mV" and not counted[index]:  # an amplitude needs no unit
            channels[index] = replace(channel, unit="")

    def load(index: int) -> ChannelSamples | str:
        track, unit = tracks[index], channels[index].unit
        if unit == "uS" and not counted[index]:
            return "holds other numbers than the board's counts, so its unit is not known"
        times_s, gaps = numbered(
            track.board.rate_hz, track.sequence, track.board.sequences, len(track.counts)
        )
        values = track.board.converted(track.input, track.counts) if unit else track.counts
        return ChannelSamples(times_s, values.copy(), gaps)

    found = read_channels(where, channels, load)
    gaps = next((stream.gaps for stream in found.streams.values() if stream.gaps), ())
    missing = sum(gap.missing or 0 for gap in gaps)
    places = "one place" if len(gaps) == 1 else f"{len(gaps)} places"
    frames = "1 frame was" if missing == 1 else f"{missing} frames were"
    told = (f"{frames} lost in {places}; nothing is computed across a gap",)
    return found, iter(told if gaps else ())


def _text(source: Source, name: str) -> tuple[Rows, list[tuple[Board, tuple[str, ...]]]]:
    """The rows of a text file, and the boards with the names of their columns. Raises InputError."""
    lines = source.files[name][:_MOST_HEADER].removeprefix(_BOM).splitlines()[:_HEADER_LINES]
    end = next((number for number, line in enumerate(lines, 1) if line.startswith(_END)), None)
    described = next(
        (number for number, line in enumerate(lines, 1) if line.startswith((b"# {", b"#{"))), None
    )
    if end is None or described is None or described > end:
        raise InputError(f"{source.where(name, 1)}: its header has no description of a board, or no end")
    where = source.where(name, described)
    try:
        told = json.loads(lines[described - 1].lstrip(b"# "))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where}: the description of the board is damaged") from error
    if not isinstance(told, dict) or not 0 < len(told) <= _MOST_BOARDS:
        raise InputError(f"{where}: describes no board")
    boards = [_text_board(where, str(address), each) for address, each in told.items()]
    width = sum(len(columns) for _, columns in boards)
    return read_rows(source, name, b"\t", width, end), boards


def _text_board(where: str, address: str, told: Any) -> tuple[Board, tuple[str, ...]]:
    columns, labels, sensors = (_texts(told, key) for key in ("column", "label", "sensor"))
    if not labels or not set(labels) <= set(columns):
        raise InputError(f"{where}: names no columns, or channels that are none of them")
    return board(where, address, told, labels, sensors), columns


def _texts(told: Any, key: str) -> tuple[str, ...]:
    found = told.get(key) if isinstance(told, dict) else None
    return tuple(map(str, found)) if isinstance(found, list) else ()


def _text_tracks(rows: Rows, boards: Sequence[tuple[Board, tuple[str, ...]]]) -> Iterator[_Track]:
    first = 0  # the boards' columns stand side by side
    for each, columns in boards:
        sequence = rows.floats(first + columns.index(_SEQUENCE)) if _SEQUENCE in columns else None
        for which in each.inputs:
            yield _Track(each, which, rows.floats(first + columns.index(which.label)), sequence)
        first += len(columns)


def _hdf5(content: bytes, where: str) -> list[_Track]:
    """The tracks of an HDF5 file. Raises InputError for a damaged one, and without the library for it."""
    h5py = library("h5py", where)
    try:
        with h5py.File(io.BytesIO(content), "r") as file:
            addresses = list(file)[:_MOST_BOARDS]
            return [track for address in addresses for track in _hdf5_tracks(h5py, file, address, where)]
    except InputError:
        raise
    except Exception as error:  # the library raises whatever the damage leads to
        raise InputError(f"{where}: the HDF5 file is damaged ({failure(error)})") from error


def _hdf5_tracks(h5py: Any, file: Any, address: str, where: str) -> Iterator[_Track]:
    group = _member(h5py, file, address, h5py.Group)
    raw = _member(h5py, group, "raw", h5py.Group) if group is not None else None
    if raw is None:
        return
    told = {key: group.attrs[key] for key in ("device", "date", "time", "sampling rate", "resolution")}
    numbers = [f"channel_{int(each)}" for each in group.attrs["channels"]]
    held = [_member(h5py, raw, number, h5py.Dataset) for number in numbers]
    if any(each is None for each in held):
        raise InputError(f"{where}: lacks one of the channels it names, {', '.join(numbers)}")
    sensors = [_text_of(each.attrs.get("sensor", "")) for each in held]
    told |= {key: _text_of(told[key]) for key in ("device", "date", "time")}
    described = board(where, address, told, numbers, sensors)
    counter = _member(h5py, raw, _SEQUENCE, h5py.Dataset)
    for which, dataset in zip(described.inputs, held, strict=True):
        counts = _samples(dataset, where)
        numbered_ = _samples(counter, where) if counter is not None else None
        if numbered_ is not None and len(numbered_) != len(counts):
            numbered_ = None
        yield _Track(described, which, counts, numbered_)


def _member(h5py: Any, group: Mapping[str, Any], name: str, kind: type) -> Any:
    """A group's own member of such a kind; None if there is none, or only a link into another file."""
    if not isinstance(group.get(name, getlink=True), h5py.HardLink):  # type: ignore[call-overload]
        return None
    member = group[name]
    return member if isinstance(member, kind) else None


def _samples(dataset: Any, where: str) -> Floats:
    """All of a channel. Raises InputError for one that lies in another file, or is too large to be one."""
    if dataset.external or dataset.is_virtual:
        raise InputError(f"{where}: refused, its samples lie in another file")
    if dataset.size is None or dataset.size > _MOST_SAMPLES or dataset.dtype.kind not in "iuf":
        raise InputError(f"{where}: {dataset.name} holds no samples, or too many")
    values: Floats = np.asarray(dataset[()], dtype=np.float64).reshape(-1)
    return values


def _text_of(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
