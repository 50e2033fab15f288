"""`participants.tsv`: who the people of a study are, and which recordings are theirs (BIDS).

A table of text as editors and spreadsheets write it (UTF-8, or UTF-16 with its mark; any line ends) with the
column participant_id, n/a for what is not known, and whatever else a study knows of people (group, age). A
recording is a person's if the column `recording` (or `path`) names it, or else if a part of its path is the
id or begins with it: sub-01/rest.csv, sub-01_task-rest.txt.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pipeline.errors import InputError

ID = "participant_id"
GROUP = "group"
NOT_KNOWN = ("", "n/a")
_NAMES_RECORDING = ("recording", "path")
_MOST_NAMED = 5
_DELIMITERS = ("\t", ";", ",")
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

Row = Mapping[str, str]  # a cell that is not known is not there


@dataclass(frozen=True, slots=True, eq=False)
class Participants(Mapping[str, Row]):
    """The people by id; of one who has a row for each of several recordings, the first.

    `by_path` has the rows that name a recording; empty if the table has no column for that.
    """

    path: Path
    columns: tuple[str, ...]
    people: Mapping[str, Row]
    by_path: Mapping[str, Row]

    def __getitem__(self, participant: str) -> Row:
        return self.people[participant]

    def __iter__(self) -> Iterator[str]:
        return iter(self.people)

    def __len__(self) -> int:
        return len(self.people)

    def row_of(self, unit: str) -> Row | None:
        """The row that goes with a recording, named by its path within the folder; None if none does.

        Raises InputError if its path names two people.
        """
        if self.by_path:
            ways = (unit, PurePosixPath(unit).with_suffix("").as_posix()) if unit.strip(".") else ()
            return next((self.by_path[way] for way in ways if way in self.by_path), None)
        named = [person for person in self.people if _names(unit, person)]
        longest = [person for person in named if len(person) == max(map(len, named))]
        if len(longest) > 1:
            both = " and ".join(longest)
            raise InputError(f"{self.path}: {unit} names {both}: say whose it is in a column recording")
        return self.people[longest[0]] if longest else None


@dataclass(frozen=True, slots=True)
class Joined:
    """The row that goes with each recording that has one, and what found no other half, a line each."""

    rows: Mapping[str, Row]
    notices: tuple[str, ...]


def read_participants(path: Path) -> Participants:
    """A table of participants, its columns set apart by tabs, or else by what its first line has: `;` or `,`.

    Raises InputError for a table that cannot be used: no column participant_id, an id that is there twice.
    """
    columns, lines = _table(path)
    if ID not in columns:
        listed = ", ".join(columns)
        raise InputError(f"{path}: needs the column {ID}, and tabs between columns; it has {listed}")
    if twice := next((name for name in columns if columns.count(name) > 1), None):
        raise InputError(f"{path}: the column {twice!r} is there twice")
    naming = next((name for name in _NAMES_RECORDING if name in columns), None)
    people: dict[str, Row] = {}
    by_path: dict[str, Row] = {}
    for number, cells in lines:
        where = f"{path} line {number}"
        if len(cells) != len(columns):
            raise InputError(f"{where}: has {len(cells)} cells, and the first line has {len(columns)}")
        row = {name: cell for name, cell in zip(columns, cells, strict=True) if cell not in NOT_KNOWN}
        if missing := next((name for name in (ID, naming) if name and name not in row), None):
            raise InputError(f"{where}: {missing} is empty")
        if naming is None and row[ID] in people:
            raise InputError(f"{where}: {ID} {row[ID]!r} is there twice; each has one row")
        if naming is not None:
            way = row[naming].replace("\\", "/").removeprefix("./").rstrip("/")
            if way in by_path:
                raise InputError(f"{where}: {naming} {way!r} is there twice; each has one row")
            by_path[way] = row
        people.setdefault(row[ID], row)
    if not people:
        raise InputError(f"{path}: holds no participants")
    return Participants(path, columns, people, by_path)


def join(participants: Participants, units: Sequence[str]) -> Joined:
    """The rows that go with recordings. Raises InputError as `row_of` does."""
    found = {unit: row for unit in units if (row := participants.row_of(unit)) is not None}
    used = {id(row) for row in found.values()}
    named = participants.by_path or participants.people
    idle = [name for name in named if id(named[name]) not in used]
    lacking = "the folder has no" if participants.by_path else "no recording for participant"
    alone = [unit for unit in units if unit not in found]
    return Joined(
        found,
        (
            *_notice(participants.path, lacking, idle),
            *_notice(participants.path, "no row for recording", alone),
        ),
    )


def _names(unit: str, person: str) -> bool:
    """Whether a part of a path is an id, or begins with it and goes on with no letter or digit."""
    own = person.casefold()
    parts = [part.casefold() for part in PurePosixPath(unit).parts]
    return any(part == own or (part.startswith(own) and not part[len(own)].isalnum()) for part in parts)


def _table(path: Path) -> tuple[tuple[str, ...], list[tuple[int, list[str]]]]:
    try:
        content = path.read_bytes()
        text = content.decode("utf-16" if content.startswith(_UTF_16) else "utf-8-sig")
        first = next(iter(text.splitlines()), "")
        delimiter = next((each for each in _DELIMITERS if each in first), _DELIMITERS[0])
        reader = csv.reader(io.StringIO(text, newline=None), delimiter=delimiter, strict=True)
        rows = [(reader.line_num, [cell.strip() for cell in row]) for row in reader]
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is not a text file in UTF-8: save it as that") from error
    except (ValueError, csv.Error) as error:
        raise InputError(f"{path}: is not a table of text ({error})") from error
    rows = [(number, cells) for number, cells in rows if any(cells)]
    if not rows:
        raise InputError(f"{path}: is empty")
    return tuple(rows[0][1]), rows[1:]


def _notice(path: Path, what: str, names: Sequence[str]) -> list[str]:
    if not names:
        return []
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return [f"{path.name}: {what} {', '.join(names[:_MOST_NAMED])}{more}"]
