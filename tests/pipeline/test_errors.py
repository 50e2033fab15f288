"""Text that a file has a part in is shown on one line, whatever is in it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import legible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("lab.txt: 21 °C, 3 µS", "lab.txt: 21 °C, 3 µS"),
        ("a\nb\tc\xa0d", "a b c d"),
        ("Interval=23\0", "Interval=23\\x00"),
        ("\x1b[2Jgone", "\\x1b[2Jgone"),
        ("\u202eleft", "\\u202eleft"),
        ("\udc80.txt", "\\udc80.txt"),
        ("", ""),
    ],
    ids=["plain", "blanks", "null", "escape", "direction", "no text", "empty"],
)
def test_what_cannot_be_printed_is_escaped(text: str, shown: str) -> None:
    assert legible(text) == shown


def test_what_nobody_would_read_is_cut() -> None:
    assert legible("a" * 1500) == "a" * 1500
    assert legible("a" * 1501) == "a" * 1498 + " …"


@given(st.text(alphabet=st.characters(exclude_categories=[])))
def test_any_text_can_be_shown(text: str) -> None:
    shown = legible(text)
    assert shown.isprintable()
    assert shown.encode().decode() == shown
    assert legible(shown) == shown
