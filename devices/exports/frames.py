"""A pandas frame of signals, read as the table in a file that it would be saved to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from devices.exports.checked import checked
from devices.exports.column_map import ColumnMap
from devices.exports.generic_csv import GenericCsv, how_to_map
from devices.exports.reader import Source
from pipeline.errors import InputError
from pipeline.model import Recording

if TYPE_CHECKING:
    import pandas as pd

_NAME = "frame"


def recording_of(frame: pd.DataFrame, columns: ColumnMap | None = None) -> Recording:
    """The recording of a frame, whose hash is that of its values. An index with a name is a column, too.

    Raises InputError if its columns do not say what they hold and `columns` does not either.
    """
    text = frame.to_csv(index=frame.index.name is not None, lineterminator="\n")
    source, reader = Source(Path(_NAME), {_NAME: text.encode()}), GenericCsv(columns)
    if columns is None and not reader.recognises(source):
        raise InputError(f"{_NAME}: {how_to_map(source) or 'holds no table of numbers'}")
    return checked(source, reader.read(source, None))
