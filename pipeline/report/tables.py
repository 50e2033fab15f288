"""Tables as records: cells, rows, and the reasons for what is not there, as notes under the table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from string import ascii_lowercase

from pipeline.figures import NONE
from pipeline.grammar import sentence
from pipeline.language import Reason, text, told

_NEEDED = frozenset(
    (
        "regulation.few_blocks",
        *(f"reasons.floors.{each}" for each in ("duration", "covered", "beats", "pairs", "contiguous")),
        *(f"reasons.floors.{each}" for each in ("breaths", "eda", "decomposed")),
    )
)


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in a cell; with a `reason`, why nothing does, and the `mark` of the note that says so.

    `detail` is said in small below it. A cell with a mark and no reason has a note to what stands in it.
    """

    text: str
    reason: str | None = None
    mark: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A row: its head, what is said below that in small, and its cells."""

    head: str
    cells: tuple[Cell, ...]
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Rows that belong together, under a heading of their own if they have one."""

    rows: tuple[Row, ...]
    title: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table with its caption, column heads (label, unit), groups of rows, and notes (mark, text)."""

    caption: str
    head: tuple[tuple[str, str], ...]
    groups: tuple[Group, ...]
    notes: tuple[tuple[str, str], ...] = ()
    words: bool = False  # cells hold words, not numbers

    @property
    def empty(self) -> bool:
        return not any(group.rows for group in self.groups)


@dataclass(slots=True)
class Notes:
    """Hands out a mark to each different reason, in the order they come up.

    Reasons that differ only in how little there was share a note, which says what is needed.
    """

    marks: dict[str, str] = field(default_factory=dict)

    def missing(self, reason: str) -> Cell:
        """The cell of a value that could not be had; its own reason has all the numbers."""
        mark = self.marks.setdefault(_shared(reason), _mark(len(self.marks)))
        return Cell(NONE, told(reason), mark)

    def marked(self, text: str, reason: str) -> Cell:
        """The cell of a value that has a note, such as why it has no interval."""
        return Cell(text, mark=self.missing(reason).mark)

    def listed(self) -> tuple[tuple[str, str], ...]:
        return tuple((mark, sentence(reason)) for reason, mark in self.marks.items())


def _shared(reason: str) -> str:
    """What a note says of a reason: what is needed, where the catalogue has a text for that alone."""
    if isinstance(reason, Reason) and reason.key in _NEEDED:
        return text(f"needed.{reason.key.rpartition('.')[2]}", **reason.values)
    return told(reason)


def _mark(index: int) -> str:
    more, letter = divmod(index, len(ascii_lowercase))
    return ascii_lowercase[letter] * (more + 1)


def plain(caption: str, head: Sequence[str], rows: Sequence[Sequence[str]], *, words: bool = False) -> Table:
    """A table of texts; the first of each row is its head."""
    body = tuple(Row(row[0], tuple(Cell(each) for each in row[1:])) for row in rows)
    return Table(caption, tuple((label, "") for label in head), (Group(body),), words=words)
