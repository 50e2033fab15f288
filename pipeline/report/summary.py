"""The few sentences at the top: chosen by rules from the numbers, never a judgement.

For the first challenge the heart rate and the skin conductance level are told each: how far it moved with
its interval and what was left, that no change was detectable, or why neither can be said. Without a challenge
the levels of the baseline stand there. The last sentence says how much of the session could be used.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.model import PhaseKind
from pipeline.regulation import Reactivity, Recovery, baseline_of
from pipeline.report import figures
from pipeline.report import wording as w
from pipeline.report.figures import THIN, as_percent_change, number, percent, signed

if TYPE_CHECKING:
    from pipeline.analysis import Analysis, PhaseValues
    from pipeline.stretch import Values

_LOW_COVERAGE = 0.8
_BACK_AT_BASELINE = 0.005  # a share that rounds to 0 %


@dataclass(frozen=True, slots=True)
class Effect:
    """How changes of a measure are put: a factor for its number and what follows it."""

    unit: str
    decimals: int
    convert: Callable[[float], float]
    fine_below: float = 0.0

    def texts(self, change: float, low: float, high: float) -> tuple[str, str, str]:
        """Change and interval with signs, all with the decimals that the change is given with."""
        shown = [self.convert(value) for value in (change, low, high)]
        decimals = self.decimals + (abs(shown[0]) < self.fine_below)
        one, two, three = (signed(value, decimals) for value in shown)
        return self._with_unit(one), two, self._with_unit(three)

    def sizes(self, change: float, low: float, high: float) -> tuple[str, str, str]:
        """The same without signs, the smaller bound first: for a change whose direction is in the verb."""
        shown = sorted((abs(self.convert(low)), abs(self.convert(high))))
        size = abs(self.convert(change))
        decimals = self.decimals + (size < self.fine_below)
        one, two, three = (number(value, decimals) for value in (size, *shown))
        return self._with_unit(one), two, self._with_unit(three)

    def _with_unit(self, text: str) -> str:
        return f"{text}{THIN}{self.unit}"


EFFECTS = {
    "mean_hr_bpm": Effect("bpm", 0, float, fine_below=10),
    "ln_rmssd": Effect("%", 0, as_percent_change),
    "ln_scl": Effect("%", 0, as_percent_change),
    "scr_per_min": Effect("per min", 1, float),
}


def in_short(analysis: Analysis) -> list[str]:
    """The sentences, each complete."""
    return [*_changes(analysis), *_coverage(analysis)]


def _changes(analysis: Analysis) -> list[str]:
    challenges = [each.phase.name for each in analysis.phases if each.phase.kind is PhaseKind.STRESSOR]
    if not challenges:
        return [w.NO_CHALLENGE, *_levels(analysis)]
    words = w.heart_words(analysis.recording.beats.name if analysis.recording.beats is not None else None)
    sentences = []
    for measure, subject, recorded, missing in (
        ("mean_hr_bpm", words.rate, analysis.beats is not None, w.NO_HEART),
        ("ln_scl", w.SKIN_LEVEL, analysis.eda is not None, w.NO_SKIN),
    ):
        sentences.append(_change(analysis, measure, subject, challenges[0]) if recorded else missing)
    more = len(challenges) - 1
    return [*sentences, w.more_challenges(more)] if more else sentences


def _change(analysis: Analysis, measure: str, subject: str, challenge: str) -> str:
    reaction = next(
        (r for r in analysis.reactivity if r.measure == measure and r.challenge == challenge), None
    )
    if reaction is None:
        held = baseline_of([each.phase for each in analysis.phases])
        return (
            w.change_not_estimable(subject, challenge, w.NO_BASELINE if held is None else w.NO_RESULT) + "."
        )
    after = next((r for r in analysis.recovery if r.measure == measure and r.challenge == challenge), None)
    return reaction_sentence(subject, reaction, after)


def reaction_sentence(subject: str, reaction: Reactivity, after: Recovery | None) -> str:
    """What one measure did in a challenge, and what was left of it."""
    change, low, high = reaction.change, reaction.low, reaction.high
    if change is None or low is None or high is None:
        return w.change_not_estimable(subject, reaction.challenge, reaction.reason or w.NO_RESULT) + "."
    effect = EFFECTS[reaction.measure]
    if not reaction.stands_out:
        amount, *interval = effect.texts(change, low, high)
        return (
            w.no_change(subject, amount, (interval[0], interval[1]), reaction.challenge, reaction.baseline)
            + "."
        )
    verb = w.ROSE if change > 0 else w.FELL
    amount, *interval = effect.sizes(change, low, high)
    told = w.changed(
        w.capitalised(subject),
        verb,
        amount,
        (interval[0], interval[1]),
        reaction.challenge,
        reaction.baseline,
    )
    return f"{told}; {_left(verb, reaction, after)}." if after is not None else f"{told}."


def _left(verb: str, reaction: Reactivity, after: Recovery) -> str:
    if after.share_left is None:
        return w.left_not_estimable(after.reason or w.NO_RESULT)
    if after.share_left < -_BACK_AT_BASELINE:
        return w.nothing_left(verb, after.recovery, reaction.baseline)
    share = percent(100 * after.share_left)
    if after.share_left > 1 + _BACK_AT_BASELINE:
        return w.further(verb, share, after.recovery)
    return w.left(verb, share, after.recovery)


def _levels(analysis: Analysis) -> list[str]:
    """Heart rate, RMSSD and skin conductance level of the baseline, or of the whole session."""
    held = _held_against(analysis.phases)
    where, values = (
        (w.in_phase(held.phase.name), held.values) if held is not None else (w.OVER_ALL, analysis.whole)
    )
    words = w.heart_words(analysis.recording.beats.name if analysis.recording.beats is not None else None)
    told = _told(values, words)
    missing = [
        sentence
        for signal, sentence in ((analysis.beats, w.NO_HEART), (analysis.eda, w.NO_SKIN))
        if signal is None
    ]
    return [*([w.levels(where, told)] if told else []), *missing]


def _held_against(phases: Sequence[PhaseValues]) -> PhaseValues | None:
    held = baseline_of([each.phase for each in phases])
    return next((each for each in phases if each.phase is held), None)


def _told(values: Values, words: w.HeartWords) -> list[str]:
    shown = ((words.rate, figures.HEART_RATE), ("RMSSD", figures.RMSSD), (w.SKIN_LEVEL, figures.SCL))
    return [
        f"{name} {quantity.with_unit(value)}"
        for name, quantity in shown
        if (value := values.features.get(quantity.key)) is not None
    ]


def _coverage(analysis: Analysis) -> list[str]:
    shares = [
        (part["coverage"], what)
        for key, what in (("beats", w.HEART_SIGNAL), ("eda", w.SKIN_SIGNAL))
        if (part := analysis.quality.get(key))
    ]
    parts = [f"{figures.share(share)} ({what})" for share, what in shares]
    low = any(share < _LOW_COVERAGE for share, _ in shares)
    return [w.coverage(parts, low)] if parts else []
