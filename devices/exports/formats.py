"""The export formats that can be read. A new format is a file of its own and a line here."""

from __future__ import annotations

from pathlib import Path

from devices.exports.empatica_e4 import EmpaticaE4
from devices.exports.reader import Reader, Source, open_source
from devices.exports.rr_text import RrText
from pipeline.errors import InputError
from pipeline.model import Recording


def readers() -> tuple[Reader, ...]:
    """All readers, the more specific first."""
    return (EmpaticaE4(), RrText())


def read_recording(path: Path, unit: str | None = None) -> tuple[Source, Recording]:
    """Read an export of any supported format. `unit` tells what a file of RR intervals counts in.

    Raises InputError for what can't be read, UsageError for an unknown unit.
    """
    source = open_source(path)
    for reader in readers():
        if reader.recognises(source):
            return source, reader.read(source, unit)
    supported = ", ".join(reader.label for reader in readers())
    raise InputError(f"{path}: not a format vagal can read; supported: {supported}")
