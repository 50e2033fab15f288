"""`analysis.toml`: every choice of a study in one file, read with care and written back complete.

What a key may be stands in `CHOICES`, once: reading, writing, the sensitivity analysis and the page for
researchers go by it.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pipeline.errors import InputError
from pipeline.exclusions import Rules
from pipeline.guidance.files import listed
from pipeline.heart.spectrum import Detrend, PsdMethod
from pipeline.model import Phase, Recording
from pipeline.parameters import Correction, Parameters

AUTO = "auto"  # of psd: Lomb if any usable window has a gap, else Welch
SENSITIVITY = "sensitivity"
_SHORTEST_PHASE_S = 1.0


@dataclass(frozen=True, slots=True)
class Choice:
    """A key of the file: what it may be, in words, and the value that a TOML value stands for.

    `taken` raises ValueError or TypeError for what cannot be. A sensitivity analysis may vary what `varies`.
    """

    key: str
    words: str
    note: str
    taken: Callable[[object], object]
    varies: bool = True


@dataclass(frozen=True, slots=True)
class Level:
    """One other value of one choice, for the sensitivity analysis."""

    choice: str
    value: object

    @property
    def text(self) -> str:
        """The value as the file says it."""
        return _toml(self.value).strip('"')


@dataclass(frozen=True, slots=True)
class Analysing:
    """All that decides what comes out of a study: settings, rules of exclusion, choices to vary.

    `phase_edges_s` are left off each phase's beginning and end. `seed` is for whatever draws at random; the
    analysis itself never does.
    """

    parameters: Parameters = field(default_factory=Parameters)
    rules: Rules = field(default_factory=Rules)
    phase_edges_s: tuple[float, float] = (0.0, 0.0)
    seed: int = 0
    sensitivity: tuple[Level, ...] = ()

    @property
    def hash(self) -> str:
        """Twelve hexadecimal digits over everything; equal for equal choices, on every machine."""
        return _hash(self.as_toml())

    @property
    def analysis_hash(self) -> str:
        """The same over what changes the values of a recording: the parameters, and the edges of phases."""
        return _hash(json.dumps([asdict(self.parameters), self.phase_edges_s], sort_keys=True))

    def value(self, key: str) -> object:
        """What was chosen for a key of the file."""
        for held in (self.parameters, self.rules, self):
            if key in _names(held):
                return getattr(held, key)
        raise KeyError(key)

    def with_value(self, key: str, value: object) -> Analysing:
        """The same with one key's value put otherwise."""
        change: dict[str, Any] = {key: value}
        if key in _names(self.parameters):
            return replace(self, parameters=replace(self.parameters, **change))
        if key in _names(self.rules):
            return replace(self, rules=replace(self.rules, **change))
        return replace(self, **change)

    def with_level(self, level: Level) -> Analysing:
        """The main analysis with one choice varied, and nothing further to vary."""
        return replace(self, sensitivity=()).with_value(level.choice, level.value)

    @property
    def value_levels(self) -> tuple[Level, ...]:
        """The levels that change values, which a recording is to be analysed with as well."""
        return tuple(
            level for level in self.sensitivity if self.with_level(level).analysis_hash != self.analysis_hash
        )

    def prepared(self, recording: Recording) -> Recording:
        """The recording with the edges left off its phases; a phase that has no second left is left out."""
        if not any(self.phase_edges_s):
            return recording
        kept = tuple(phase for phase in map(self._without_edges, recording.phases) if phase is not None)
        return replace(recording, phases=kept)

    def _without_edges(self, phase: Phase) -> Phase | None:
        head_s, tail_s = self.phase_edges_s
        start_s, end_s = phase.start_s + head_s, phase.end_s - tail_s
        return replace(phase, start_s=start_s, end_s=end_s) if end_s - start_s >= _SHORTEST_PHASE_S else None

    def as_toml(self) -> str:
        """The file that says all this again, defaults and what each key may be included."""
        lines = [
            "# Every choice of this analysis. Read it again with: vagal batch ... --params analysis.toml",
            "",
        ]
        for choice in CHOICES:
            lines += [f"# {choice.note} ({choice.words})", f"{choice.key} = {_toml(self.value(choice.key))}"]
        lines += [
            "",
            "# Each value here is tried in place of the one above, one at a time.",
            f"[{SENSITIVITY}]",
        ]
        for key in dict.fromkeys(level.choice for level in self.sensitivity):
            values = [level.value for level in self.sensitivity if level.choice == key]
            lines.append(f"{key} = [{', '.join(_toml(value) for value in values)}]")
        return "\n".join(lines) + "\n"


def read_analysing(path: Path) -> Analysing:
    """What a file chooses, over the defaults. Raises InputError: the file, the key, what it may be."""
    try:
        facts = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: is not a TOML text file ({error})") from error
    varied = facts.pop(SENSITIVITY, {})
    analysing = Analysing()
    for key, value in facts.items():
        analysing = analysing.with_value(key, _taken(path, key, value))
    if analysing.parameters.step_s > analysing.parameters.window_s:
        raise InputError(f"{path}: step_s: is longer than window_s, which would leave stretches out")
    return replace(analysing, sensitivity=tuple(_levels(path, varied, analysing)))


def _taken(path: Path, key: str, value: object, place: str = "") -> object:
    choice = BY_KEY.get(key)
    if choice is None:
        raise InputError(f"{path}: {place}{key}: there is no such key; use {listed(list(BY_KEY))}")
    try:
        return choice.taken(value)
    except (TypeError, ValueError):
        raise InputError(f"{path}: {place}{key}: {_shown(value)} cannot be; use {choice.words}") from None


def _levels(path: Path, varied: object, main: Analysing) -> Iterator[Level]:
    """The other values to try, each once; the main analysis' own is no other."""
    if not isinstance(varied, Mapping):
        raise InputError(f"{path}: {SENSITIVITY}: must be a table: [{SENSITIVITY}]")
    place = f"{SENSITIVITY}."
    for key, values in varied.items():
        choice = BY_KEY.get(key)
        if choice is not None and not choice.varies:
            able = listed([each.key for each in CHOICES if each.varies])
            raise InputError(f"{path}: {place}{key}: cannot be varied; use {able}")
        if not isinstance(values, list) or not values:
            raise InputError(f"{path}: {place}{key}: must be a list of values to try: {key} = [ ... ]")
        seen = [main.value(key)] if choice is not None else []
        for value in values:
            if (taken := _taken(path, key, value, place)) not in seen:
                seen.append(taken)
                yield Level(key, taken)


def _number(lowest: float, highest: float) -> Callable[[object], float]:
    def taken(value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not lowest <= value <= highest:
            raise ValueError
        return float(value)

    return taken


def _pair(lowest: float, highest: float, *, rising: bool) -> Callable[[object], tuple[float, float]]:
    number = _number(lowest, highest)

    def taken(value: object) -> tuple[float, float]:
        if not isinstance(value, list) or len(value) != 2:
            raise ValueError
        first, last = number(value[0]), number(value[1])
        if rising and first >= last:
            raise ValueError
        return first, last

    return taken


def _correction(value: object) -> Correction:
    return Correction(_text(value))


def _detrend(value: object) -> Detrend:
    return Detrend(_text(value))


def _psd(value: object) -> PsdMethod | None:
    return None if value == AUTO else PsdMethod(_text(value))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _seed(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**32:
        raise ValueError
    return value


def _quoted(words: Any) -> str:
    return listed([f'"{word}"' for word in words])


CHOICES = (
    Choice("correction", _quoted(Correction), "intervals that are not normal to normal", _correction),
    Choice("detrend", _quoted(Detrend), "what is taken out before a spectrum", _detrend),
    Choice("psd", _quoted([AUTO, *PsdMethod]), "how a spectrum is estimated", _psd),
    Choice("hf_band", "two rising numbers from 0.04 to 1, in Hz", "HF band", _pair(0.04, 1.0, rising=True)),
    Choice(
        "scr_min_us", "a number from 0.001 to 1, in µS", "the smallest skin response", _number(0.001, 1.0)
    ),
    Choice(
        "normalised", "true or false", "LF and HF in normalised units, and their ratio", _flag, varies=False
    ),
    Choice("window_s", "a number from 10 to 86400, in s", "windows", _number(10.0, 86_400.0), varies=False),
    Choice(
        "step_s",
        "a number from 1 to 86400, in s",
        "from window to window",
        _number(1.0, 86_400.0),
        varies=False,
    ),
    Choice("max_artefact_pct", "a number from 0 to 100, in %", "more excludes a signal", _number(0.0, 100.0)),
    Choice("min_coverage", "a number from 0 to 1", "less excludes a signal", _number(0.0, 1.0)),
    Choice(
        "phase_edges_s",
        "two numbers from 0 to 3600, in s",
        "left off each phase's beginning and end",
        _pair(0.0, 3600.0, rising=False),
    ),
    Choice("seed", "a whole number from 0 to 4294967295", "for what draws at random", _seed, varies=False),
)
BY_KEY: Mapping[str, Choice] = MappingProxyType({choice.key: choice for choice in CHOICES})


def _toml(value: object) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(_toml(each) for each in value)}]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str) or value is None:
        return f'"{AUTO if value is None else value}"'
    return repr(value)


def _shown(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 40 else f"{shown[:39]}…"


def _names(held: Any) -> set[str]:
    return {each.name for each in fields(held)} & BY_KEY.keys()


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
