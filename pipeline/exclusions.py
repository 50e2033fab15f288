"""Which recordings a study leaves out, by which rule, and the flow of units from found to analysed.

A rule judges a signal by its values over the whole recording. A recording whose every signal breaks a rule is
excluded; of one that keeps a signal only the other's values are withheld.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pipeline.features import FEATURES, Group

ALL = "all"
WITHHELD = "signal excluded"  # the stage of analysed units of which one signal was left out


class Status(StrEnum):
    """What became of a unit that was found."""

    ANALYSED = "analysed"
    EXCLUDED = "excluded"
    DUPLICATE = "duplicate"
    REFUSED = "refused"
    FAILED = "failed"


class Signal(StrEnum):
    """What a rule judges."""

    HEART = "heart"
    SKIN = "skin"


@dataclass(frozen=True, slots=True)
class Rules:
    """From when on a signal counts; as they stand by default nothing is excluded.

    `max_artefact_pct` of intervals, or samples, that are not usable; `min_coverage`, the share of the time
    that valid signal fills.
    """

    max_artefact_pct: float = 100.0
    min_coverage: float = 0.0


@dataclass(frozen=True, slots=True)
class Exclusion:
    """A rule that a signal of a unit breaks: the threshold, and what the unit has."""

    unit: str
    signal: Signal
    rule: str
    threshold: float
    value: float

    @property
    def reason(self) -> str:
        """In words, as they stand in the table of recordings."""
        return f"{self.signal}: {self.rule} {self.threshold:g}, has {self.value:.3g}"


@dataclass(frozen=True, slots=True)
class Step:
    """How many units of a group came to a stage of the flow, or left it for a reason."""

    stage: str
    reason: str
    group: str
    units: int


_ARTEFACT_PCT = {Signal.HEART: "artefact_pct", Signal.SKIN: "eda_artefact_pct"}
_COVERAGE = {Signal.HEART: "nn_coverage", Signal.SKIN: "eda_coverage"}
_GIVES = {Signal.HEART: (Group.HEART, Group.INDICES), Signal.SKIN: (Group.SKIN, Group.INDICES)}


def exclusions(recordings: Sequence[Mapping[str, Any]], rules: Rules) -> list[Exclusion]:
    """The rules that recordings break, in their order; those that were not analysed break none."""
    return [each for row in recordings if _was_analysed(row) for each in _broken(row, rules)]


def wholly_excluded(recordings: Sequence[Mapping[str, Any]], broken: Sequence[Exclusion]) -> set[str]:
    """The units of which no signal is left."""
    lost: dict[str, set[Signal]] = {}
    for each in broken:
        lost.setdefault(each.unit, set()).add(each.signal)
    rows = {str(row["recording_id"]): row for row in recordings}
    return {unit for unit, signals in lost.items() if not set(_signals(rows[unit])) - signals}


def exclusion_reason(unit: str, broken: Sequence[Exclusion]) -> str:
    """Why a unit is excluded, in words."""
    return "; ".join(each.reason for each in broken if each.unit == unit)


def withheld(broken: Sequence[Exclusion]) -> set[str]:
    """The names of the features that excluded signals gave, and of the indices made of them."""
    groups = {group for each in broken for group in _GIVES[each.signal]}
    return {feature.name for feature in FEATURES if feature.group in groups}


def flow(recordings: Sequence[Mapping[str, Any]], broken: Sequence[Exclusion]) -> list[Step]:
    """The flow of units, over all and by group, from found to analysed.

    Found, not readable, readable, duplicates, excluded by rule, analysed, and how many of those lost a
    signal. A unit that breaks several rules is counted for the first.
    """
    groups = sorted({group for row in recordings if (group := _text(row, "group"))})
    return [step for group in (ALL, *groups) for step in _flow_of(group, recordings, broken)]


def _flow_of(
    group: str, recordings: Sequence[Mapping[str, Any]], broken: Sequence[Exclusion]
) -> Iterator[Step]:
    rows = [row for row in recordings if group in (ALL, _text(row, "group"))]
    status = Counter(str(row["status"]) for row in rows)
    readable = len(rows) - status[Status.REFUSED] - status[Status.FAILED]
    yield Step("found", "", group, len(rows))
    for left in (Status.REFUSED, Status.FAILED):
        if status[left]:
            yield Step(left, "", group, status[left])
    yield Step("readable", "", group, readable)
    if status[Status.DUPLICATE]:
        yield Step(Status.DUPLICATE, "", group, status[Status.DUPLICATE])
    first = {each.unit: f"{each.signal}: {each.rule}" for each in reversed(broken)}
    excluded = [first.get(str(row["recording_id"]), "") for row in rows if row["status"] == Status.EXCLUDED]
    partly = [
        first[unit]
        for row in rows
        if row["status"] == Status.ANALYSED and (unit := str(row["recording_id"])) in first
    ]
    yield from _by_rule(Status.EXCLUDED, group, excluded)
    yield Step(Status.ANALYSED, "", group, status[Status.ANALYSED])
    yield from _by_rule(WITHHELD, group, partly)


def _by_rule(stage: str, group: str, rules: Sequence[str]) -> Iterator[Step]:
    for rule, units in sorted(Counter(rules).items()):
        yield Step(stage, rule, group, units)


def _broken(row: Mapping[str, Any], rules: Rules) -> Iterator[Exclusion]:
    unit = str(row["recording_id"])
    for signal in _signals(row):
        artefacts, coverage = _value(row, _ARTEFACT_PCT[signal]), _value(row, _COVERAGE[signal])
        if artefacts is not None and artefacts > rules.max_artefact_pct:
            yield Exclusion(unit, signal, "max_artefact_pct", rules.max_artefact_pct, artefacts)
        if coverage is not None and coverage < rules.min_coverage:
            yield Exclusion(unit, signal, "min_coverage", rules.min_coverage, coverage)


def _signals(row: Mapping[str, Any]) -> list[Signal]:
    """The signals that a recording has."""
    has = {
        Signal.HEART: _text(row, "beat_source"),
        Signal.SKIN: _value(row, _COVERAGE[Signal.SKIN]) is not None,
    }
    return [signal for signal in Signal if has[signal]]


def _was_analysed(row: Mapping[str, Any]) -> bool:
    return row["status"] in (Status.ANALYSED, Status.EXCLUDED)


def _value(row: Mapping[str, Any], name: str) -> float | None:
    value = row.get(name)
    return None if value is None or value != value else float(value)  # NaN is no value


def _text(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    return value if isinstance(value, str) else ""
