"""Strategies: what a person can do to settle, as data, read from data/strategies or a home's own folder."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pipeline.guidance.files import Table, read_table
from pipeline.knowledge import data_path

KEYS = ("title", "kind", "aim", "steps", "not_when", "minutes", "evidence")
EVIDENCE_KEYS = ("grade", "sentence")


class StrategyKind(StrEnum):
    """What a strategy works with."""

    BREATHING = "breathing"
    GROUNDING = "grounding"
    REAPPRAISAL = "reappraisal"
    IMAGERY = "imagery"
    MOVEMENT = "movement"
    SOCIAL_SUPPORT = "social support"
    COMPASSION = "compassion"


class Grade(StrEnum):
    """How well it is supported: trials pooled; a few; little; handed down and hardly tested."""

    GOOD = "good"
    SOME = "some"
    WEAK = "weak"
    TRADITIONAL = "traditional"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a strategy: a grade, and one sentence that names its source or says there is none."""

    grade: Grade
    sentence: str


@dataclass(frozen=True, slots=True)
class Strategy:
    """Something to practise: short sentences a person hears, what for, and when not."""

    name: str
    title: str
    kind: StrategyKind
    aim: str
    steps: tuple[str, ...]
    not_when: str
    minutes: float
    evidence: Evidence


def strategies(own: Path | None = None) -> dict[str, Strategy]:
    """Every strategy by its id, which is its file's name; those in `own`/strategies take others' places.

    `own` is a home. Raises InputError, which names the file, if one cannot be read.
    """
    return {name: read_strategy(path) for name, path in strategy_paths(own).items()}


def strategy_paths(own: Path | None = None) -> dict[str, Path]:
    """The ids there are, and where each strategy lies, unread."""
    folders = [data_path() / "strategies", *([own / "strategies"] if own is not None else [])]
    return {path.stem: path for folder in folders for path in sorted(folder.glob("*.toml"))}


def read_strategy(path: Path) -> Strategy:
    """The strategy of a file. Raises InputError, which names it, if it cannot be read."""
    table = read_table(path)
    table.only(KEYS)
    steps = table.texts("steps")
    if not steps:
        raise table.wrong("steps is empty: write at least one short sentence")
    return Strategy(
        name=path.stem,
        title=table.text("title"),
        kind=StrategyKind(table.choice("kind", list(StrategyKind))),
        aim=table.text("aim"),
        steps=steps,
        not_when=table.text("not_when"),
        minutes=table.number("minutes", 0.5, 120),
        evidence=_evidence(table),
    )


def _evidence(table: Table) -> Evidence:
    found = table.table_or_none("evidence")
    if found is None:
        raise table.wrong('evidence is needed: evidence = { grade = "weak", sentence = "..." }')
    found.only(EVIDENCE_KEYS)
    return Evidence(Grade(found.choice("grade", list(Grade))), found.text("sentence"))
