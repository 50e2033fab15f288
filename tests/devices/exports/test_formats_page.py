"""docs/formats.md tells of every reader, and of which a real file was seen."""

from __future__ import annotations

import pytest

from devices.exports.column_map import ROLES, read_columns
from devices.exports.formats import readers
from devices.exports.reader import Reader
from tests.conftest import REPO

PAGE = (REPO / "docs" / "formats.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.split("|")[1:-1]] for line in PAGE.splitlines() if line.startswith("|")
]


@pytest.mark.parametrize("reader", readers(), ids=lambda reader: reader.name)
def test_every_reader_has_its_row(reader: Reader) -> None:
    [row] = [row for row in ROWS if row[1] == f"`{reader.name}`"]
    assert (row[0], row[3].startswith("yes")) == (reader.label, reader.proven)


def test_every_role_and_unit_is_on_the_page() -> None:
    told = {role: row[1] for row in ROWS for role in ROLES if f"`{role}`" in row[0]}
    missing = [
        (role, unit)
        for role, each in ROLES.items()
        for unit in each.units
        if unit not in ("au", "date") and unit not in told[role]
    ]
    assert missing == []


def test_the_examples_can_be_read() -> None:
    examples = [line.split('"')[1] for line in PAGE.splitlines() if '--columns "' in line]
    assert len(examples) > 1
    assert all(read_columns(example).columns for example in examples)
