"""Recordings that others have made: `read` gives one of any supported format, or that of a pandas frame."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from pipeline.model import Recording

__all__ = ["read"]


def read(
    what: str | Path | pd.DataFrame, *, unit: str | None = None, columns: str | None = None
) -> Recording:
    """The recording in a file or folder of any supported format, or in a frame with columns of signals.

    `columns` says what those are, as `--columns` does ("time=t[ms],ecg=ECG[mV]"), where their names do not
    (`time_s`, `rr_ms`, `eda_us`, `ecg_uv` ...). `unit` is that of a list of RR intervals. Raises InputError
    for what cannot be read, UsageError for an unknown unit or a column that is not there.
    """
    from devices.exports.column_map import read_columns  # all that readers need is imported only by who reads

    mapped = None if columns is None else read_columns(columns)
    if isinstance(what, str | Path):
        from devices.exports.formats import read_recording

        return read_recording(Path(what), unit, mapped)[1]
    from devices.exports.frames import recording_of

    return recording_of(what, mapped)
