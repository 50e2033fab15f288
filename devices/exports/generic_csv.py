"""A table of signals whose columns a header names without doubt, or a person does (`--columns`).

Nothing is guessed from the size of numbers: a table whose columns can't be known is refused, with the line
that says how to map them. Times are in a unit, or dates in ISO 8601, those without a zone being local. A
clock that is near 0 at the first sample counts from the start of a recording, and the recording keeps it, as
`--phases` does; of any other the first sample is the start.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from devices.exports.column_map import EXAMPLE, ISO, ROLES, TIME, Column, ColumnMap, evident, named_unit
from devices.exports.evenly import evenly
from devices.exports.limits import LARGEST, UNIX_S
from devices.exports.reader import Source, unneeded
from devices.exports.tables import Layout, dates_of, floats_of, layout_of
from devices.plausible import RANGES
from pipeline.errors import InputError, UsageError
from pipeline.model import Floats, Recording, Stream
from pipeline.timing import rising

_LONGEST_S = 40 * 86_400.0
_NEAR_S = 60.0  # of 0: what begins later counts from elsewhere
_TOLD_S = 0.01
_SHOWN = 12


def how_to_map(source: Source) -> str | None:
    """How to say what the columns of a table of numbers are, as a message goes on; None for what is none."""
    layout = _layout(source)
    if layout is None:
        return None
    if layout.names:
        names = [repr(name) for name in layout.names[:_SHOWN]]
        rest = len(layout.names) - len(names)
        has = f"its columns are {', '.join(names)}" + (f" and {rest} more" if rest else "")
    elif layout.width == 1:
        has = "it has one column and no header, so its NAME is 1"
    else:
        has = f"it has no header, so a NAME is a number from 1 to {layout.width}"
    return (
        "a table that does not say what it holds; name its columns and their units with "
        f"--columns {EXAMPLE}, or rate=100 (samples a second) where there are no times; {has}"
    )


class GenericCsv:
    """Reads one table; `columns` as a person mapped them, else as the header says."""

    name = "table"
    label = "CSV with named columns (time_s, ecg_uv, eda_us ... or --columns)"
    proven = True

    def __init__(self, columns: ColumnMap | None = None) -> None:
        self.columns = columns

    def recognises(self, source: Source) -> bool:
        """Whether this is one table whose header names times and signals with their units."""
        layout = _layout(source)
        return layout is not None and evident(layout.names) is not None

    def read(self, source: Source, unit: str | None) -> Recording:
        """The recording. Raises InputError with the line; UsageError for a column that is not there."""
        layout = _layout(source)
        mapped = self.columns or evident(layout.names if layout else ())
        if layout is None or mapped is None or source.only is None:
            raise InputError(f"{source.path}: is not one table of numbers, with as many cells in each row")
        return _Reading(source, source.only, layout, mapped, "as asked" if self.columns else None).recording(
            self.name, unit
        )


def _layout(source: Source) -> Layout | None:
    return None if source.only is None else layout_of(source.head(source.only))


@dataclass(frozen=True)
class _Reading:
    """A table being read; `how` says how units were settled, None: by the header."""

    source: Source
    name: str
    layout: Layout
    mapped: ColumnMap
    how: str | None

    def recording(self, format_name: str, unit: str | None) -> Recording:
        indices = {each.role: self._index(each) for each in self.mapped.columns}
        units = {each.role: self._unit(each, indices[each.role]) for each in self.mapped.columns}
        content = self.source.files[self.name]
        wanted = sorted({at for role, at in indices.items() if units[role] != ISO})
        numbers = floats_of(self._where, content, self.layout, wanted)
        clock_s, zoned = None, True
        if TIME in indices:
            if units[TIME] == ISO:
                clock_s, zoned = dates_of(self._where, content, self.layout, indices[TIME])
            else:
                clock_s = numbers[indices[TIME]]
            clock_s = self._clock(clock_s * ROLES[TIME].units[units[TIME]])
        values = {
            role: self._values(role, units[role], numbers[at]) for role, at in indices.items() if role != TIME
        }
        start_s = self._start(clock_s, values)
        signals = list(self._signals(values, clock_s, start_s))
        made = (*(stream for stream, _ in signals), *self._beats(values, clock_s, start_s))
        streams = {stream.name: stream for stream in made if len(stream)}
        if not streams:
            raise InputError(f"{self.source.path}: holds no samples")
        stated = self.how or "from the header"
        began = _moment(start_s, zoned) if clock_s is not None else None
        return Recording(
            recording_id=self.source.title,
            source=format_name,
            sha256=self.source.sha256,
            duration_s=max(_end(stream) for stream in streams.values()),
            streams=streams,
            started_at=began,
            units={ROLES[role].stream: f"{units[role]} ({stated})" for role in values},
            notices=(
                *(notice for _, notices in signals for notice in notices),
                *(_start_notice(start_s) if began is None else ()),
                *self._unread(set(indices.values())),
                *unneeded(unit, "the columns have their units"),
            ),
        )

    def _where(self, line: int | None) -> str:
        return self.source.where(self.name, line)

    def _index(self, column: Column) -> int:
        if column.column in self.layout.names:
            return self.layout.names.index(column.column)
        if (
            column.column.isascii()
            and column.column.isdigit()
            and 1 <= int(column.column) <= self.layout.width
        ):
            return int(column.column) - 1
        there = ", ".join(self.layout.names[:_SHOWN]) or f"numbers from 1 to {self.layout.width}"
        raise UsageError(f"--columns: {self.source.path} has no column {column.column!r}; it has {there}")

    def _unit(self, column: Column, index: int) -> str:
        if column.unit is not None:
            return column.unit
        found = named_unit(column.role, self.layout.names[index]) if self.layout.names else None
        if found is None and column.role == TIME and self._holds_dates(index):
            return ISO
        if found is None:
            example = next(iter(ROLES[column.role].units))
            raise UsageError(
                f"--columns: name the unit of {column.role}: {column.role}={column.column}[{example}] "
                f"(one of {', '.join(ROLES[column.role].units)})"
            )
        return found

    def _holds_dates(self, index: int) -> bool:
        lines = self.source.head(self.name).splitlines()
        cells = lines[self.layout.first_line - 1].split(self.layout.delimiter)
        try:
            datetime.fromisoformat(cells[index].decode().strip(' "'))
        except (ValueError, IndexError):
            return False
        return True

    def _clock(self, clock_s: Floats) -> Floats:
        """The times, once they are known to be some."""
        if not len(clock_s):
            raise InputError(f"{self.source.path}: holds no samples")
        missing = ~np.isfinite(clock_s)
        if missing.any():
            raise InputError(
                f"{self.source.path}: row {int(np.argmax(missing)) + 1} of the table has no time"
            )
        falls = np.diff(clock_s) < 0
        if falls.any():
            raise InputError(
                f"{self.source.path}: the time goes back after row {int(np.argmax(falls)) + 1} of the table; "
                "split the file there"
            )
        if clock_s[-1] - clock_s[0] > _LONGEST_S:
            raise InputError(
                f"{self.source.path}: its times span {(clock_s[-1] - clock_s[0]) / 86_400:.0f} days; "
                "is their unit right?"
            )
        return clock_s

    def _values(self, role: str, unit: str, numbers: Floats) -> Floats:
        """The numbers in the unit of the role's column. Raises InputError for what no sensor gives."""
        scale = ROLES[role].units[unit]
        with np.errstate(divide="ignore"):
            values: Floats = scale / numbers if unit in ROLES[role].inverse else numbers * scale
        values[np.isinf(values)] = np.nan  # a resistance of zero is an open question, not a conductance
        if np.any(np.abs(values) > LARGEST):
            raise InputError(f"{self.source.path}: {role} holds numbers that no sensor gives")
        low, high = RANGES.get(ROLES[role].column, (-np.inf, np.inf))
        known = values[np.isfinite(values)]
        if role == "ecg" and len(known):
            known = known - np.median(known)  # an electrode's offset is no amplitude
        if len(known) and np.mean((known < low) | (known > high)) > 0.5:
            raise InputError(
                f"{self.source.path}: most values of {role} lie outside {low:g} to {high:g} "
                f"({ROLES[role].column}); is its unit right?"
            )
        return values

    def _start(self, clock_s: Floats | None, values: Mapping[str, Floats]) -> float:
        """When the recording starts, on the table's clock: at its 0, or with the first sample or interval."""
        if clock_s is None:
            return 0.0
        starts = [float(clock_s[0])] if any(not ROLES[role].beats for role in values) else []
        for role, column in values.items():
            present = np.flatnonzero(np.isfinite(column) & (column > 0))
            if ROLES[role].beats and len(present):
                starts.append(float(clock_s[present[0]] - column[present[0]] / 1000))
        start_s = min(starts, default=float(clock_s[0]))
        return 0.0 if 0 <= start_s < _NEAR_S else start_s

    def _signals(
        self, values: Mapping[str, Floats], clock_s: Floats | None, start_s: float
    ) -> Iterator[tuple[Stream, tuple[str, ...]]]:
        sampled = [role for role in values if not ROLES[role].beats]
        for name in dict.fromkeys(ROLES[role].stream for role in sampled):
            columns = {ROLES[role].column: values[role] for role in sampled if ROLES[role].stream == name}
            present = np.any([np.isfinite(column) for column in columns.values()], axis=0)
            # A sensor that is slower than the table leaves most cells empty; one that failed for once, a few.
            kept = np.mean(present) < 0.5 if len(present) else False
            rows = np.flatnonzero(present) if kept else np.arange(len(present))
            yield self._signal(
                name, {column: each[rows] for column, each in columns.items()}, rows, clock_s, start_s
            )

    def _signal(
        self, name: str, columns: dict[str, Floats], rows: np.ndarray, clock_s: Floats | None, start_s: float
    ) -> tuple[Stream, tuple[str, ...]]:
        if clock_s is None:
            assert self.mapped.rate_hz is not None
            return Stream(name, rows / self.mapped.rate_hz, columns, self.mapped.rate_hz), ()
        if len(rows) < 2:
            return Stream(name, clock_s[rows] - start_s, columns), ()
        times = evenly(clock_s[rows] - start_s)
        if times is None:
            raise InputError(
                f"{self.source.path}: the times make no signal of 0.1 to 50,000 samples a second; "
                "is their unit right?"
            )
        moved = (
            (f"the times of {name} are uneven, and spread evenly: by up to {times.moved_s * 1000:.0f} ms",)
            if times.moved_s
            else ()
        )
        return Stream(name, times.time_s, columns, times.rate_hz, gaps=times.gaps), moved

    def _beats(
        self, values: Mapping[str, Floats], clock_s: Floats | None, start_s: float
    ) -> Iterator[Stream]:
        for role in values:
            if not ROLES[role].beats:
                continue
            interval_ms = values[role]
            if clock_s is None:
                ends_s = np.cumsum(np.where(interval_ms > 1, interval_ms, 1.0)) / 1000
            else:
                present = np.isfinite(interval_ms)
                interval_ms, ends_s = interval_ms[present], rising(clock_s[present] - start_s)
            yield Stream(role, ends_s, {ROLES[role].column: interval_ms})

    def _unread(self, read: Collection[int]) -> Iterator[str]:
        names = [name for at, name in enumerate(self.layout.names) if at not in read and name]
        if names:
            more = len(names) - _SHOWN
            yield f"not read: {', '.join(names[:_SHOWN])}" + (f" and {more} more" if more > 0 else "")


def _end(stream: Stream) -> float:
    return float(stream.time_s[-1]) + (1 / stream.rate_hz if stream.rate_hz else 0.0)


def _start_notice(start_s: float) -> Iterator[str]:
    """Words where the times of the recording, and so those of its phases, are not those of the table."""
    if abs(start_s) > _TOLD_S:
        yield f"the table's times begin at {start_s:.6g} s; that is 0 s here, also for phases"


def _moment(start_s: float, zoned: bool) -> datetime | None:
    """The moment that a clock since 1970 stands for; None for one that counts from elsewhere."""
    if not UNIX_S[0] < start_s < UNIX_S[1]:
        return None
    moment = datetime.fromtimestamp(start_s, UTC)
    try:
        return moment if zoned else moment.replace(tzinfo=None).astimezone()
    except (ValueError, OverflowError, OSError):
        return None
