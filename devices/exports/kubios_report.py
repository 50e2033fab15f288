"""Report of Kubios HRV as text: the intervals of its section "RR INTERVAL DATA".

A comma table with padded cells, CRLF. The section's header names pairs of columns `Time` (s, the end of the
interval) and `RR interval` (s), one pair for each sample that was analysed; empty cells below a shorter
column are its end. The results above it are Kubios' own and not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime

import numpy as np

from devices.exports.intervals import LONGEST_MS, gaps
from devices.exports.reader import Source, unneeded
from devices.exports.rows import Rows, read_rows
from pipeline.errors import InputError
from pipeline.model import Floats, Recording, Stream

_TITLE = b"HRV ANALYSIS RESULTS"
_SECTION = b"RR INTERVAL DATA"
_HEADER_ROWS = 8
_MEASURED = re.compile(rb"^Measurement date:[ \t]*(\S[^\r\n]*)", re.MULTILINE)
_CORRECTED = re.compile(rb"^[ \t]*Artifact correction:[ \t]*([ -+\-.-~]+)", re.MULTILINE)
_DATES = ("%d-%b-%Y %H:%M:%S", "%Y-%m-%d %H:%M:%S")  # 03/04/18 may be either month: not read
_YEARS = (1990, 2100)
_ROUNDED_S = 0.002


class KubiosReport:
    """Reads the RR intervals of a Kubios report: stream `rr`."""

    name = "kubios-report"
    label = "Kubios HRV report (.txt)"
    proven = True

    def recognises(self, source: Source) -> bool:
        """Whether this is one file with the title of such a report."""
        return source.only is not None and _TITLE in source.head(source.only, 200)

    def read(self, source: Source, unit: str | None) -> Recording:
        """The recording. Raises InputError that names the file and the line."""
        name = source.only or ""
        content = source.files[name]
        rows, pairs = _section(source, name, content)
        samples = sorted((_sample(rows, pair) for pair in pairs), key=lambda sample: float(sample[0][0]))
        time_s, rr_ms = (np.concatenate(parts) for parts in zip(*samples, strict=True))
        _check(source, name, time_s, rr_ms)
        duration_s = float(time_s[-1])
        return Recording(
            recording_id=source.title,
            source=self.name,
            sha256=source.sha256,
            duration_s=duration_s,
            streams={"rr": Stream("rr", time_s, {"rr_ms": rr_ms}, gaps=gaps(time_s, rr_ms, duration_s))},
            started_at=_measured_at(content),
            units={"rr": "s (from the header)"},
            notices=(
                *_notices(content, len(samples)),
                *unneeded(unit, "Kubios reports have RR in s"),
            ),
        )


def _section(source: Source, name: str, content: bytes) -> tuple[Rows, Sequence[int]]:
    """The section's rows below its header, and the columns of `Time`, each left of its intervals."""
    lines = content.splitlines()
    first = next((row for row, line in enumerate(lines) if line.strip().startswith(_SECTION)), None)
    if first is None:
        raise InputError(
            f"{source.where(name)}: holds no section {_SECTION.decode()!r}; export the report with RR data"
        )
    for row in range(first + 1, min(first + 1 + _HEADER_ROWS, len(lines))):
        heads = [cell.strip().lower() for cell in lines[row].split(b",")]
        pairs = [
            column
            for column in range(len(heads) - 1)
            if heads[column : column + 2] == [b"time", b"rr interval"]
        ]
        if pairs:
            return _below(source, name, row, lines, pairs), pairs
    raise InputError(f"{source.where(name, first + 1)}: the section names no columns Time and RR interval")


def _below(source: Source, name: str, header: int, lines: Sequence[bytes], pairs: Sequence[int]) -> Rows:
    """The rows below the header; a row after the units that is blank ends the section."""
    units = [cell.strip() for cell in lines[header + 1].split(b",")] if header + 1 < len(lines) else []
    if any(units[column : column + 2] != [b"(s)", b"(s)"] for column in pairs):
        raise InputError(f"{source.where(name, header + 2)}: times and intervals are not in (s)")
    rows = read_rows(source, name, b",", pairs[0] + 2, header=header + 2)
    blank = next((row for row in range(header + 2, len(lines)) if not lines[row].strip(b" ,")), len(lines))
    within = sum(number <= blank for number in rows.numbers)
    if not within:
        raise InputError(f"{source.where(name, header + 3)}: the section holds no RR intervals")
    return rows.first(within)


def _sample(rows: Rows, column: int) -> tuple[Floats, Floats]:
    """One sample's times in s and intervals in ms."""
    filled = sum(bool(cell) for cell in rows.cells(column))
    if not filled:
        raise InputError(f"{rows.where(0)}: holds no RR intervals")
    whole = rows.first(filled)
    time_s, rr_s = whole.floats(column), whole.floats(column + 1)
    off = rr_s[1:] - np.diff(time_s) > _ROUNDED_S
    if off.any():
        row = int(np.argmax(off)) + 1
        raise InputError(
            f"{rows.where(row)}: the interval of {rr_s[row]:g} s begins before the one before ended"
        )
    return time_s, np.round(rr_s * 1000, 6)


def _check(source: Source, name: str, time_s: Floats, rr_ms: Floats) -> None:
    if np.any(rr_ms > LONGEST_MS):
        raise InputError(f"{source.where(name)}: {float(np.max(rr_ms)):g} ms is no interval between beats")
    if time_s[0] <= 0 or np.any(np.diff(time_s) <= 0):
        raise InputError(f"{source.where(name)}: times do not rise, or samples overlap; report one at a time")


def _measured_at(content: bytes) -> datetime | None:
    """The date of measurement, local; None where there is none, or day and month cannot be told apart."""
    if (found := _MEASURED.search(content)) is None:
        return None
    for layout in _DATES:
        with suppress(ValueError, OverflowError, OSError):
            when = datetime.strptime(found[1].decode("ascii").strip(), layout).astimezone()
            return when if _YEARS[0] <= when.year <= _YEARS[1] else None
    return None


def _notices(content: bytes, samples: int) -> Iterator[str]:
    found = _CORRECTED.search(content)
    method = found[1].decode("ascii", errors="ignore").strip() if found else ""
    if method.lower() not in ("", "none", "-"):
        yield f"Kubios corrected these intervals ({method[:40]}); what it changed is not in the report"
    if samples > 1:
        yield f"the report holds {samples} samples; the time between them is a gap"
