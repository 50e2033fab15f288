"""What a stored session showed, made again from its raw records."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from devices.decoding import LiveDecoder
from pipeline.journal import Kind
from pipeline.live.replay import shown_again as made_again
from pipeline.sealing import read_table, records_of


def shown_again(folder: Path) -> list[dict[str, Any]]:
    """The facts of every SHOWN record of a sealed session, from raw.parquet through the live path."""
    records = records_of(read_table(folder / "raw.parquet"))
    return list(made_again(records, lambda: LiveDecoder().feed))


def shown_then(folder: Path) -> list[dict[str, Any]]:
    """The facts of every SHOWN record of a sealed session, as they were stored."""
    records = records_of(read_table(folder / "raw.parquet"))
    return [record.facts for record in records if record.kind is Kind.SHOWN]
