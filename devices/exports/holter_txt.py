"""Beats of a Holter recording as text: a line of eight digits, then `seconds  label`, one beat a row.

Labels are single letters: N normal, S and V early beats from above and from within the ventricles, X what
cannot be used. An interval lies between two beats in adjacent rows; what X stands for is a gap. Where the
recording began is not known.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from devices.exports.intervals import gaps
from devices.exports.reader import Source, unneeded
from devices.exports.rows import Rows, read_rows, shown
from pipeline.errors import InputError
from pipeline.model import Bools, DeviceInfo, Floats, Recording, Stream

_FIRST = re.compile(rb"\d{8}")
_ROW = re.compile(rb"\s*(\d{1,7}\.\d{1,6})\s+([A-Za-z?])\s*")
_UNUSABLE, _NORMAL = "X", "N"
_LOOKED_AT = 3
_LONGEST_STEP_S = 86_400.0


class HolterTxt:
    """Reads such beat times: stream `rr`."""

    name = "holter-txt"
    label = "Holter beat times with labels (.txt)"
    proven = True

    def recognises(self, source: Source) -> bool:
        """Whether this is one file with eight digits on the first line and labelled times below."""
        if source.only is None:
            return False
        lines = source.head(source.only).splitlines()
        below = lines[1 : 1 + _LOOKED_AT]
        return len(lines) > 1 and bool(_FIRST.fullmatch(lines[0].strip())) and all(map(_ROW.fullmatch, below))

    def read(self, source: Source, unit: str | None) -> Recording:
        """The recording. Raises InputError that names the file and the line."""
        rows = read_rows(source, source.only or "", b"\t", 1, header=1)
        time_s, labels = _beats(rows)
        usable = np.array([label != _UNUSABLE for label in labels])
        ended = usable[1:] & usable[:-1]
        if not ended.any():
            raise InputError(f"{source.path}: holds no two usable beats in a row, so no interval")
        ends_s, rr_ms = time_s[1:][ended], np.round(np.diff(time_s)[ended] * 1000, 3)
        duration_s = float(time_s[-1])
        return Recording(
            recording_id=source.title,
            source=self.name,
            sha256=source.sha256,
            duration_s=duration_s,
            streams={"rr": Stream("rr", ends_s, {"rr_ms": rr_ms}, gaps=gaps(ends_s, rr_ms, duration_s))},
            devices=(DeviceInfo(name="Holter", driver=self.name),),
            notices=(
                *_notices(labels, usable),
                *unneeded(unit, "the times are in s"),
            ),
        )


def _beats(rows: Rows) -> tuple[Floats, Sequence[str]]:
    found = [_ROW.fullmatch(line) for line in rows.lines]
    if not all(found[:-1]):
        row = next(row for row, each in enumerate(found) if each is None)
        raise InputError(f"{rows.where(row)}: {shown(rows.lines[row])} is not a time and a label")
    whole = [each for each in found if each is not None]  # a last line that is cut off is not
    time_s = np.array([float(each[1]) for each in whole])
    steps_s = np.diff(time_s)
    wrong = (steps_s <= 0) | (steps_s > _LONGEST_STEP_S)
    if wrong.any():
        fault = (
            "is not after the one before" if steps_s[np.argmax(wrong)] <= 0 else "is more than a day later"
        )
        raise InputError(f"{rows.where(int(np.argmax(wrong)) + 1)}: this beat {fault}")
    return time_s, [each[2].decode().upper() for each in whole]


def _notices(labels: Sequence[str], usable: Bools) -> Iterator[str]:
    count = Counter(labels)
    if unusable := count.pop(_UNUSABLE, 0):
        yield f"{unusable} of {len(labels)} rows are labelled {_UNUSABLE}; no interval is made of them"
    beats = int(np.sum(usable))
    count.pop(_NORMAL, None)
    for label, times in sorted(count.items()):
        yield f"{times} of {beats} beats {'is' if times == 1 else 'are'} labelled {label}; intervals are kept"
