"""HRV4Training's CSV of mornings: recognised, to say why it cannot be analysed.

One summary a row (date, HR, AVNN, SDNN, rMSSD, pNN50, LF, HF, HRV4T_Recovery_Points and tags), '-' where one
is missing; heads begin with blanks. Layout after public parsers of such files; no real one was at hand.
"""

from __future__ import annotations

from typing import Never

from devices.exports.reader import Source
from devices.exports.rows import header_cells
from pipeline.errors import InputError

_OWN = "hrv4t_recovery_points"
_SUMMARIES = frozenset({"hr", "avnn", "sdnn", "rmssd", "pnn50"})
_DATES = frozenset({"date", "timestamp_measurement"})
_ENOUGH = 4


class Hrv4Training:
    """Refuses HRV4Training's summaries."""

    name = "hrv4training"
    label = "HRV4Training (summaries only: refused)"
    proven = False

    def recognises(self, source: Source) -> bool:
        """Whether this is one table whose header names such summaries of a day."""
        if source.only is None:
            return False
        heads = {head for sign in ",;" for head in header_cells(source, source.only, sign)}
        return bool(heads & _DATES) and (_OWN in heads or len(heads & _SUMMARIES) >= _ENOUGH)

    def read(self, source: Source, unit: str | None) -> Never:  # noqa: ARG002 - what a reader is given
        """Raise InputError: there is nothing to analyse."""
        raise InputError(
            f"{source.path}: is a table of HRV4Training, one summary a morning (rMSSD, SDNN) without "
            "intervals between beats, so nothing can be computed from it; export the RR intervals of a "
            "measurement instead"
        )
