"""The hash of values: of these alone, not of files, pieces or the order of columns."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.batch.values import ValuesHash, values_hash

TABLE = pa.table(
    {
        "name": ["a", None, "µS"],
        "value": [1.5, None, float("nan")],
        "count": [1, None, 3],
        "flag": [True, None, False],
    }
)


def hash_of(*pieces: pa.Table) -> str:
    digest = ValuesHash()
    for piece in pieces:
        digest.add(piece)
    return digest.hexdigest()


@given(st.integers(0, 3), st.integers(0, 3))
def test_pieces_do_not_matter(first: int, second: int) -> None:
    low, high = sorted((first, second))
    assert hash_of(TABLE.slice(0, low), TABLE.slice(low, high - low), TABLE.slice(high)) == hash_of(TABLE)


def test_nor_does_the_order_of_columns() -> None:
    assert hash_of(TABLE.select(["flag", "value", "name", "count"])) == hash_of(TABLE)


def test_a_missing_number_is_one_whatever_it_is_written_as() -> None:
    null, nan = (pa.table({"x": pa.array([1.0, each], pa.float64())}) for each in (None, float("nan")))
    assert hash_of(null) == hash_of(nan)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(TABLE.slice(0, 2), id="a row less"),
        pytest.param(TABLE.take([1, 0, 2]), id="another order"),
        pytest.param(TABLE.rename_columns(["name", "value", "count", "other"]), id="another name"),
        pytest.param(TABLE.set_column(1, "value", pa.array([1.5 + 2**-52, None, None])), id="one bit"),
    ],
)
def test_what_matters(other: pa.Table) -> None:
    assert hash_of(other) != hash_of(TABLE)


def test_sentences_are_no_values() -> None:
    told, reworded = ({"status": ["refused"], "reason": [why]} for why in ("too short", "is too short"))
    assert (
        hash_of(pa.table(told)) == hash_of(pa.table(reworded)) == hash_of(pa.table({"status": ["refused"]}))
    )


def test_files_with_equal_values_are_equal(tmp_path: Path) -> None:
    for folder, compression, rows in (("a", "zstd", 1), ("b", "none", 3)):
        (tmp_path / folder).mkdir()
        pq.write_table(TABLE, tmp_path / folder / "x.parquet", compression=compression, row_group_size=rows)
    hashes = {values_hash([tmp_path / folder / "x.parquet", tmp_path / "none.parquet"]) for folder in "ab"}
    assert len(hashes) == 1
