"""What things are called: intervals and their rate by where they come from, measures, choices."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from pipeline.grammar import capitalised
from pipeline.guidance.known_names import strategy_name
from pipeline.language import text, text_or, told
from pipeline.model import Phase


@dataclass(frozen=True, slots=True)
class HeartWords:
    """What intervals, their variability and their rate are called; `table` is where the catalogue says it."""

    table: str

    @property
    def interval(self) -> str:
        return text(f"{self.table}.interval")

    @property
    def intervals(self) -> str:
        return text(f"{self.table}.intervals")

    @property
    def variability(self) -> str:
        return text(f"{self.table}.variability")

    @property
    def rate(self) -> str:
        return text(f"{self.table}.rate")

    @property
    def rate_label(self) -> str:
        return text(f"{self.table}.rate_label")


FROM_STRAP, FROM_PULSE = HeartWords("heart"), HeartWords("pulse")


def heart_words(stream: str | None) -> HeartWords:
    """The words for intervals from a stream: `pp` comes from the pulse, all else from the heart."""
    return FROM_PULSE if stream == "pp" else FROM_STRAP


def label(key: str, words: HeartWords) -> str:
    """A column's head: short."""
    return words.rate_label if key == "mean_hr_bpm" else text(f"labels.{key}")


def measure(key: str, words: HeartWords) -> str:
    """A measure's name in full, as it begins a line."""
    return capitalised(words.rate) if key == "mean_hr_bpm" else text(f"measures.{key}")


def phase_name(phase: Phase) -> str:
    """What a phase is called: one of a protocol that the software brings, in the language in use."""
    return told(phase.name)


def numbered(place: int, phase: Phase) -> str:
    """A phase with its number among all, from 1."""
    return f"{place} {phase_name(phase)}"


def strategy(name: str) -> str:
    """What a strategy is called in the language in use, from the title that is stored."""
    return told(strategy_name(name))


def choice(table: str, chosen: Enum) -> str:
    """What one of a closed set of choices is called."""
    return text(f"{table}.{chosen.name.lower()}")


def known(table: str, name: str) -> str:
    """What something is called if the catalogue knows it; else the name that it came with."""
    return text_or(f"{table}.{name.replace(' ', '_')}", name)
