"""docs/psychoeducation.md tells of every card that ships, every fact it can go with, every key."""

from pathlib import Path

import pytest

from pipeline.guidance.psychoeducation import KEYS, SOURCE_KEYS, Card, Fit, cards
from pipeline.guidance.strategies import Grade
from tests.conftest import REPO

PAGE = (REPO / "docs" / "psychoeducation.md").read_text(encoding="utf-8")
EXAMPLE = PAGE.partition("```text\n")[2].partition("```")[0]
ROWS = [line for line in PAGE.splitlines() if line.startswith("|")]


@pytest.mark.parametrize("card", list(cards().values()), ids=lambda each: each.name)
def test_every_card_is_on_the_page_with_grade_practice_and_sources(card: Card) -> None:
    (row,) = [row for row in ROWS if row.startswith(f"| `{card.name}` | {card.grade} | ")]
    first = [(each.author.replace(",", "").partition(" and ")[0], each.year) for each in card.sources]
    names = ", ".join(f"{_surname(author)} {year}" for author, year in first)
    assert row.endswith(f" | `{card.practice.name}` | {names} |")


def _surname(author: str) -> str:
    return " ".join(author.split()[:2]) if author.startswith("van ") else author.split()[0]


def test_facts_stand_in_the_order_in_which_they_count() -> None:
    named = [row.split("`")[1] for row in ROWS if row.count("`") == 2]
    assert [name for name in named if name in list(Fit)] == [str(fit) for fit in Fit]


def test_every_key_and_every_grade_is_on_the_page() -> None:
    assert [word for word in (*KEYS, *Grade) if f"`{word}`" not in PAGE] == []
    assert [word for word in SOURCE_KEYS if f"{word} = " not in PAGE] == []


def test_the_example_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "psychoeducation").mkdir()
    (tmp_path / "psychoeducation" / "door.md").write_text(EXAMPLE, encoding="utf-8")
    door = cards(tmp_path)["door"]
    assert (door.title, door.fits, len(door.paragraphs)) == (
        "A pause before the door",
        (Fit.REACTION, Fit.ANY),
        2,
    )
