"""The data dictionary of a study: every column of its tables, with unit, source and smallest window.

python -m pipeline.study_columns > data/README.md
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from pipeline.dictionary import head_lines, line, name_of
from pipeline.features import BY_NAME, FEATURES, Feature

_HEAD = """\
# The data dictionary

*Made from the code's own definitions (`make docs`); changes belong there. `vagal batch` writes it, too.*

No value is a number that the data cannot carry: it is null, and `null_reasons` says why. What a study's own
`participants.tsv` knows of people (age, ...) stands in the tables under the names that it has there. How a
feature is computed stands in `docs/indices.md`. What a rule excludes is in `recordings.parquet`, and in no
other table of features.
"""

_HEAD_LINES = ("column", "unit", "what it is", "smallest window", "source")


@dataclass(frozen=True, slots=True)
class Column:
    """A column that is no feature: its name, its unit (empty for none), and one line for a reader."""

    name: str
    unit: str
    summary: str


@dataclass(frozen=True, slots=True)
class StudyTable:
    """A table of a study: the file, what a row of it is, its own columns, and whether the features follow."""

    file: str
    row: str
    own: tuple[Column, ...]
    features: bool = False


_RECORDINGS = (
    Column("status", "", "analysed, excluded (by a rule), duplicate, refused (not to be read) or failed"),
    Column("reason", "", "Why it was excluded, refused or failed"),
    Column("source", "", "The format it was read as"),
    Column("sha256", "", "Of what was read: the same for the same bytes"),
    Column("started_at", "", "When it began, ISO 8601; without a zone where the format knows none"),
    Column("duration_s", "s", "How long it is"),
    Column("duplicate_of", "", "The first recording that holds the very same samples, in whatever files"),
    Column("notices", "", "What should be known about it, in sentences"),
)
_EXCLUSIONS = (
    Column("unit", "", "The recording"),
    Column("signal", "", "heart or skin; a recording is excluded if it keeps no signal"),
    Column("rule", "", "The key of analysis.toml"),
    Column("threshold", "", "What the rule asks for"),
    Column("value", "", "What the signal has"),
)
_FLOW = (
    Column(
        "stage",
        "",
        "found, refused, failed, readable, duplicate, excluded, analysed, signal excluded",
    ),
    Column("reason", "", "The rule, and the signal that broke it"),
    Column("group", "", "A group of the study, or all"),
    Column("units", "", "How many recordings"),
)
_SENSITIVITY = (
    Column("choice", "", "The key of analysis.toml that was varied; main for the main analysis"),
    Column("level", "", "The value it was given"),
    Column("group", "", "A group of the study, or all"),
    Column("phase", "", "The phase"),
    Column("beats", "", "heart or pulse, for what comes from beats: the two are never pooled"),
    Column("feature", "", "The feature"),
    Column("n_values", "", "How many phases, or whole recordings, have a value; a person may have several"),
    Column("n_participants", "", "Of how many people they are; empty where that is not known"),
    Column("mean", "", "The values' mean, in the feature's unit"),
    Column("sd", "", "Their standard deviation, ddof 1"),
    Column("difference", "", "The mean less that of the main analysis"),
)

TABLES = (
    StudyTable(
        "features.parquet",
        "a phase of a recording (without a `window_index`) or a window of it",
        (),
        features=True,
    ),
    StudyTable("recordings.parquet", "a recording that was found, as a whole", _RECORDINGS, features=True),
    StudyTable("phases_long.parquet", "a phase of a recording", (), features=True),
    StudyTable(
        "phases_wide.parquet", "a recording; columns are named phase__feature, the phase in small letters", ()
    ),
    StudyTable("exclusions.csv", "a rule that a signal of a recording breaks", _EXCLUSIONS),
    StudyTable("flow.csv", "a stage of the flow of recordings, for a group", _FLOW),
    StudyTable("sensitivity.csv", "a feature in a phase of a group, with one choice varied", _SENSITIVITY),
)


def described(name: str) -> tuple[str, str, str]:
    """Unit, meaning and smallest window of a column of any of the tables. KeyError for one that none has."""
    if name in BY_NAME:
        feature = BY_NAME[name]
        return feature.unit, feature.summary, str(feature.floor)
    own = {column.name: column for table in TABLES for column in table.own}[name]
    return own.unit, own.summary, ""


def dictionary() -> str:
    """The page, in Markdown."""
    return "\n".join([_HEAD, *_tables(), *_features()]) + "\n"


def _tables() -> Iterator[str]:
    for table in TABLES:
        yield f"## {table.file}\n"
        yield f"A row is {table.row}."
        if table.own:
            yield ""
            yield from head_lines(*_HEAD_LINES[:3])
            yield from (line(f"`{each.name}`", each.unit, each.summary) for each in table.own)
        if table.features:
            yield "\nIts columns are the features below." if not table.own else "\nAnd the features below."
        yield ""


def _features() -> Iterator[str]:
    yield "## Features\n"
    for group, features in groupby(FEATURES, key=lambda feature: feature.group):
        yield f"### {str(group).capitalize()}\n"
        yield from head_lines(*_HEAD_LINES)
        yield from map(_feature_line, features)
        yield ""


def _feature_line(feature: Feature) -> str:
    return line(name_of(feature), feature.unit, feature.summary, str(feature.floor), feature.source)


if __name__ == "__main__":
    print(dictionary(), end="")
