"""A hash over the values of tables, whatever files they lie in: equal for equal values, bit for bit.

Compression, row groups and the version of a library change a file and no value. Sentences are no values: what
became of a recording is its status, whatever words say why.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

SENTENCES = frozenset({"reason", "notices", "null_reasons"})


class ValuesHash:
    """Of one table added in pieces, in the order of its rows; the order of its columns does not matter."""

    def __init__(self) -> None:
        self._columns: dict[str, Any] = {}

    def add(self, rows: pa.Table | pa.RecordBatch) -> None:
        """Take further rows in, of the same columns."""
        for name in rows.schema.names:
            if name in SENTENCES:
                continue
            digest = self._columns.setdefault(name, hashlib.sha256())
            digest.update(_bytes(rows.column(name)))

    def hexdigest(self) -> str:
        told = [f"{name} {digest.hexdigest()}\n" for name, digest in sorted(self._columns.items())]
        return hashlib.sha256("".join(told).encode()).hexdigest()


def values_hash(paths: Iterable[Path]) -> str:
    """Over the values of parquet files; those that are not there count for nothing."""
    digest = hashlib.sha256()
    for path in sorted(paths, key=lambda path: path.name):
        if path.is_file():
            table = ValuesHash()
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches():
                    table.add(batch)
            digest.update(f"{path.name} {table.hexdigest()}\n".encode())
    return digest.hexdigest()


def _bytes(column: pa.ChunkedArray | pa.Array) -> bytes:
    """Numbers as doubles, with one NaN for what is missing and one zero; text as JSON, a line each."""
    if pa.types.is_string(column.type):
        return "".join(json.dumps(value) + "\n" for value in column.to_pylist()).encode()
    values = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
    canonical = np.where(np.isnan(values), np.nan, values) + 0.0
    return bytes(np.ascontiguousarray(canonical, "<f8").tobytes())
