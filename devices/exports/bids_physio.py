"""BIDS physiological recordings: *_physio.tsv.gz, a table without a header, and the json that describes it.

The json (`SamplingFrequency`, `StartTime`, `Columns`, a description for each column) may lie beside the table
or in a folder above, for many recordings at once; what is nearer overrides. `cardiac` is an electrocardiogram
or a pulse wave, which only a description tells.

Source: Brain Imaging Data Structure 1.10, "Physiological recordings" and "The Inheritance Principle".
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from devices.exports.channels import Channel, read_channels
from devices.exports.limits import LARGEST
from devices.exports.reader import Source, gunzipped, unneeded
from devices.exports.samples import ChannelSamples
from devices.exports.tables import Layout, floats_of, layout_of
from pipeline.errors import InputError
from pipeline.model import Marker, Recording

_TABLE = re.compile(r"(.*_)?physio\.tsv\.gz")
_SIDECAR = re.compile(r"(.*_)?physio\.json")
_GZIP = 31  # zlib's word for: with the header of gzip
_ECG = re.compile(r"\be[ck]g|electrocardio", re.IGNORECASE)
_PULSE = re.compile(r"pulse|\bppg|pleth|oxim|\bbvp", re.IGNORECASE)
_MOST_HZ = 50_000.0
_MOST_COLUMNS = 1_000
_SLOW_HZ = 100.0  # no electrocardiogram is sampled slower


@dataclass(frozen=True, slots=True)
class _Description:
    """What the json files say together."""

    rate_hz: float
    start_s: float
    columns: tuple[str, ...]
    of_column: Mapping[str, Mapping[str, Any]]


class BidsPhysio:
    """Reads one BIDS physiological recording with its descriptions."""

    name = "bids-physio"
    label = "BIDS *_physio.tsv.gz with its json"
    proven = True

    def recognises(self, source: Source) -> bool:
        """Whether there is one such table, of numbers."""
        name = _table(source)
        if name is None:
            return False
        try:
            head = zlib.decompressobj(_GZIP).decompress(source.head(name), 4096)
        except zlib.error:
            return False
        layout = layout_of(head)
        return layout is not None and not layout.names

    def read(self, source: Source, unit: str | None) -> Recording:
        """The recording. Raises InputError that names the file and what is wrong with it."""
        name = _table(source) or ""
        said = _description(source, name)
        content = gunzipped(source.files[name], where=source.where(name))
        if not content.strip():
            raise InputError(f"{source.where(name)}: holds no samples")
        layout = Layout(b"\t", said.columns, len(said.columns), 1)

        def samples(column: int) -> ChannelSamples:
            where = lambda line: source.where(name, line)  # noqa: E731
            values = floats_of(where, content, layout, [column])[column].copy()
            return ChannelSamples(np.arange(len(values)) / said.rate_hz, values)

        guessed: list[str] = []
        found = read_channels(str(source.path), _channels(said, guessed), samples)
        ends_s = [float(stream.time_s[-1]) for stream in found.streams.values()]
        duration_s = max(ends_s) + 1 / said.rate_hz
        return Recording(
            recording_id=source.title,
            source=self.name,
            sha256=source.sha256,
            duration_s=duration_s,
            streams=found.streams,
            markers=_scan(said, duration_s),
            units=found.units,
            notices=(
                *guessed,
                *found.notices,
                *_late(said),
                *unneeded(unit, "the json names the units"),
            ),
        )


def _table(source: Source) -> str | None:
    """The name of the table, if there is exactly one."""
    names = [name for name in source.files if _TABLE.fullmatch(PurePosixPath(name).name)]
    return names[0] if len(names) == 1 else None


def _description(source: Source, name: str) -> _Description:
    """What applies to the table, the nearest json last. Raises InputError for what is missing or wrong."""
    table = PurePosixPath(name)
    said: dict[str, Any] = {}
    applying = [other for other in source.files if _applies(PurePosixPath(other), table)]
    for other in sorted(applying, key=lambda each: (each.count("/"), each)):
        said |= _json(source, other)
    where = source.where(name)
    if not applying:
        raise InputError(f"{where}: there is no json that describes it, beside it or above; copy that, too")
    columns = _names(said.get("Columns"))
    if not columns:
        raise InputError(f'{where}: its json needs "Columns", the names of the columns')
    rate_hz = _number(said.get("SamplingFrequency"))
    if rate_hz is None or not 0 < rate_hz <= _MOST_HZ:
        raise InputError(f'{where}: its json needs "SamplingFrequency", a number of samples a second')
    start_s = _number(said.get("StartTime", 0))
    if start_s is None:
        raise InputError(f'{where}: "StartTime" in its json is not a number of seconds')
    of_column = {column: said[column] for column in columns if isinstance(said.get(column), dict)}
    return _Description(rate_hz, start_s, columns, of_column)


def _applies(sidecar: PurePosixPath, table: PurePosixPath) -> bool:
    """Whether a json lies beside or above the table, and says nothing that the table's name does not."""
    if not _SIDECAR.fullmatch(sidecar.name) or sidecar.parent not in table.parents:
        return False
    return set(sidecar.stem.split("_")) <= set(table.name.partition(".")[0].split("_"))


def _json(source: Source, name: str) -> dict[str, Any]:
    try:
        said = json.loads(source.files[name])
    except (ValueError, RecursionError) as error:
        raise InputError(f"{source.where(name)}: is not json ({str(error)[:80]})") from error
    if not isinstance(said, dict):
        raise InputError(f"{source.where(name)}: is json, but describes no columns")
    return said


def _names(columns: object) -> tuple[str, ...]:
    """The names in a list of names; none for anything else."""
    if not isinstance(columns, list) or len(columns) > _MOST_COLUMNS:
        return ()
    names = tuple(column for column in columns if isinstance(column, str))
    return names if len(names) == len(columns) else ()


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < LARGEST:
        return None
    return float(value)


def _channels(said: _Description, guessed: list[str]) -> Sequence[Channel]:
    """The columns as channels; `guessed` takes a sentence where a description was wanting."""
    channels = []
    for column in said.columns:
        about = said.of_column.get(column, {})
        unit = about.get("Units", "")
        words = " ".join(text for text in about.values() if isinstance(text, str))
        name = column
        if column.lower() == "cardiac":
            name = f"{column} {'ecg' if _is_ecg(words) else 'ppg'}"
            if not _ECG.search(words) and not _PULSE.search(words):
                fast = f", though {said.rate_hz:g} Hz would do for either" if said.rate_hz >= _SLOW_HZ else ""
                guessed.append(
                    f"the json does not say whether {column} is an electrocardiogram or a pulse wave; it is "
                    f"read as a pulse wave{fast}"
                )
        channels.append(Channel(name, unit if isinstance(unit, str) else "", said.rate_hz))
    return channels


def _is_ecg(words: str) -> bool:
    return _ECG.search(words) is not None and _PULSE.search(words) is None


def _scan(said: _Description, duration_s: float) -> tuple[Marker, ...]:
    """The start of the scan, which BIDS counts from, where it lies inside the recording."""
    at_s = -said.start_s
    return (Marker(at_s, "scan", "the scan starts"),) if 0 < at_s < duration_s else ()


def _late(said: _Description) -> Iterator[str]:
    if said.start_s > 0:
        yield f"the recording starts {said.start_s:g} s after the scan; times count from its own start"
