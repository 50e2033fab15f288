"""The data dictionary says what the code says, and has every column."""

import pytest

from pipeline.features import FEATURES
from pipeline.study_columns import TABLES, described, dictionary
from tests.conftest import REPO


def test_the_stored_dictionary_is_what_the_code_says() -> None:
    assert (REPO / "data" / "README.md").read_text(encoding="utf-8") == dictionary(), "run: make docs"


def test_every_feature_and_every_own_column_is_in_it() -> None:
    page = dictionary()
    own = [column.name for table in TABLES for column in table.own]
    assert [
        name for name in (*own, *(feature.name for feature in FEATURES)) if f"| `{name}`" not in page
    ] == []


def test_tables_are_whole() -> None:
    width = 0
    for line in dictionary().splitlines():
        bars = line.replace("\\|", "").count("|")
        if line.startswith("|---"):
            assert bars == width
        elif line.startswith("| "):
            width = bars if line.startswith("| column") else width
            assert bars == width, line


def test_a_column_is_described() -> None:
    assert described("sdnn_ms")[0] == "ms"
    assert described("duration_s") == ("s", "How long it is", "")
    with pytest.raises(KeyError):
        described("shoe_size")
