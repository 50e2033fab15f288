"""Fitbit's exports of heart rate and its variability: recognised, to say why they cannot be analysed.

Google Takeout holds "Heart Rate Variability Details" (one RMSSD each 5 min of sleep), "Daily Heart Rate
Variability Summary" (one a night) and heart_rate-*.json (beats/min with a confidence). None has intervals
between beats. Layout after public parsers of such files; no real one was at hand.
"""

from __future__ import annotations

import re
from typing import Never

from devices.exports.reader import Source
from devices.exports.rows import header_cells
from pipeline.errors import InputError

_DETAILS = frozenset({"timestamp", "rmssd", "coverage", "low_frequency", "high_frequency"})
_DAILY = frozenset({"timestamp", "rmssd", "nremhr", "entropy"})
_HEART_RATE = re.compile(
    rb'\s*\[\s*\{\s*"dateTime"\s*:\s*"[^"]*"\s*,\s*"value"\s*:\s*\{\s*"(?:bpm|confidence)"\s*:', re.DOTALL
)


class Fitbit:
    """Refuses Fitbit's summaries."""

    name = "fitbit"
    label = "Fitbit (summaries only: refused)"
    proven = False

    def recognises(self, source: Source) -> bool:
        """Whether this is one of those files."""
        return _what(source) is not None

    def read(self, source: Source, unit: str | None) -> Never:  # noqa: ARG002 - what a reader is given
        """Raise InputError: there is nothing to analyse."""
        raise InputError(
            f"{source.path}: is {_what(source)} of Fitbit, without intervals between beats, so nothing can "
            "be computed from it; Fitbit exports none: record with a chest strap and import its RR "
            "intervals instead"
        )


def _what(source: Source) -> str | None:
    """What the file holds; None for one that is not Fitbit's."""
    if source.only is None:
        return None
    heads = set(header_cells(source, source.only, ","))
    if heads >= _DETAILS:
        return "a table of RMSSD, one value each 5 min,"
    if heads >= _DAILY:
        return "a table of RMSSD, one value a night,"
    if _HEART_RATE.match(source.head(source.only).removeprefix(b"\xef\xbb\xbf")):
        return "the heart rate (beats/min)"
    return None
