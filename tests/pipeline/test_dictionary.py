"""The page of the indices says what the code says."""

from pipeline.dictionary import entries, page
from pipeline.features import FEATURES, Group
from tests.conftest import REPO

PAGE = REPO / "docs" / "indices.md"


def test_the_page_is_what_the_code_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: make docs"


def test_every_column_is_on_the_page() -> None:
    text = page()
    assert [each["name"] for each in entries()] == [feature.name for feature in FEATURES]
    assert [name for name in (feature.name for feature in FEATURES) if f"| `{name}`" not in text] == []


def test_what_is_measured_says_how_and_after_whom() -> None:
    measured = [each for each in entries() if each["group"] in {Group.HEART, Group.BREATHING, Group.SKIN}]
    assert [each["name"] for each in measured if not (each["formula"] and each["source"])] == []


def test_tables_are_whole() -> None:
    """Each row of a table has as many cells as its head: a bar inside a cell is escaped."""
    width = 0
    for line in page().splitlines():
        bars = line.replace("\\|", "").count("|")
        if line.startswith("|---"):
            assert bars == width
        elif line.startswith("| "):
            width = bars if line.startswith("| column") else width
            assert bars == width, line
