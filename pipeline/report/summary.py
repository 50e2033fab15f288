"""The few sentences at the top: chosen by rules from the numbers, never a judgement.

For the first challenge the heart rate and the skin conductance level are told each: how far it moved with
its interval and what was left, that no change was detectable, or why neither can be said. Without a challenge
the levels of the baseline stand there. The last sentence says how much of the session could be used.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.model import Phase
from pipeline.regulation import Reactivity, Recovery, baseline_of
from pipeline.report import figures
from pipeline.report import wording as w
from pipeline.report.figures import THIN, as_percent_change, number, percent, signed
from pipeline.report.outcomes import Outcome, challenges, outcomes

if TYPE_CHECKING:
    from pipeline.analysis import Analysis
    from pipeline.values import Values

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
    beats = analysis.recording.beats
    words = w.heart_words(beats.name if beats is not None else None)
    return [*_changes(analysis, words), *_coverage(analysis)]


def _changes(analysis: Analysis, words: w.HeartWords) -> list[str]:
    found = challenges(analysis)
    if not found:
        return [*_levels(analysis, words), w.NO_CHALLENGE]
    first = {each.reaction.measure: each for each in next(iter(outcomes(analysis)), [])}
    why_none = _why_none(analysis, found[0])
    sentences = [
        change_sentence(subject, found[0].name, first.get(measure), why_none) if recorded else missing
        for measure, subject, recorded, missing in (
            ("mean_hr_bpm", words.rate, analysis.beats is not None, w.NO_HEART),
            ("ln_scl", w.SKIN_LEVEL, analysis.eda is not None, w.NO_SKIN),
        )
    ]
    more = len(found) - 1
    told = w.numbered(more, w.ONE_MORE_CHALLENGE, w.MORE_CHALLENGES)
    return [*sentences, told] if more else sentences


def _why_none(analysis: Analysis, challenge: Phase) -> str:
    """Why a challenge would not have been compared at all."""
    if challenge.paced:
        return w.PACED_CHALLENGE
    no_baseline = baseline_of([each.phase for each in analysis.phases]) is None
    return w.NO_BASELINE if no_baseline else w.NO_RESULT


def change_sentence(
    subject: str, challenge: str, outcome: Outcome | None, why_none: str = w.NO_RESULT
) -> str:
    """What one measure did in a challenge, and what was left of it; `why_none` if there is no outcome."""
    if outcome is None:
        return _not_estimable(subject, challenge, why_none)
    reaction = outcome.reaction
    change, low, high = reaction.change, reaction.low, reaction.high
    if change is None or low is None or high is None:
        return _not_estimable(subject, challenge, reaction.reason or w.NO_RESULT)
    effect = EFFECTS[reaction.measure]
    if not reaction.stands_out:
        return w.NO_CHANGE.format(subject=subject, **_filled(effect.texts(change, low, high), reaction))
    verb = w.ROSE if change > 0 else w.FELL
    filled = _filled(effect.sizes(change, low, high), reaction)
    told = w.CHANGED.format(subject=w.capitalised(subject), verb=verb, **filled)
    return f"{told}; {_left(verb, reaction, outcome.after)}." if outcome.after is not None else f"{told}."


def _filled(texts: tuple[str, str, str], reaction: Reactivity) -> dict[str, str]:
    names = {"challenge": reaction.challenge, "baseline": reaction.baseline}
    return dict(zip(("amount", "low", "high"), texts, strict=True)) | names


def _not_estimable(subject: str, challenge: str, reason: str) -> str:
    return w.CHANGE_NOT_ESTIMABLE.format(subject=subject, challenge=challenge, reason=w.because(reason))


def _left(verb: str, reaction: Reactivity, after: Recovery) -> str:
    if after.share_left is None or after.low is None or after.high is None:
        return w.LEFT_NOT_ESTIMABLE.format(reason=w.because(after.reason or w.NO_RESULT))
    return _left_text(after.share_left, after.low, after.high).format(
        share=percent(100 * after.share_left),
        low=number(100 * after.low),
        high=percent(100 * after.high),
        noun=w.NOUNS[verb],
        further=w.FURTHER[verb],
        beyond=w.BEYOND[verb],
        recovery=after.recovery,
        baseline=reaction.baseline,
    )


def _left_text(share: float, low: float, high: float) -> str:
    """The words for a share; beyond baseline or beyond the challenge only where all of its interval is."""
    if high < -_BACK_AT_BASELINE:
        return w.BEYOND_BASELINE
    if low > 1 + _BACK_AT_BASELINE:
        return w.FURTHER_STILL
    return w.NOTHING_LEFT if share < -_BACK_AT_BASELINE else w.LEFT


def _levels(analysis: Analysis, words: w.HeartWords) -> list[str]:
    """Heart rate, RMSSD and skin conductance level of the baseline, or of the whole session."""
    baseline = baseline_of([each.phase for each in analysis.phases])
    held = next((each for each in analysis.phases if each.phase is baseline), None)
    values = held.values if held is not None else analysis.whole
    heart, skin = analysis.beats is not None, analysis.eda is not None
    told = _told(values, words, heart, skin)
    text = w.LEVELS_OVER_ALL if held is None else w.LEVELS_IN_PHASE
    name = held.phase.name if held is not None else ""
    missing = [sentence for holds, sentence in ((heart, w.NO_HEART), (skin, w.NO_SKIN)) if not holds]
    return [*([text.format(phase=name, values=w.joined(told))] if told else []), *missing]


def _told(values: Values, words: w.HeartWords, heart: bool, skin: bool) -> list[str]:
    told = []
    for name, quantity, recorded in (
        (words.rate, figures.HEART_RATE, heart),
        ("RMSSD", figures.RMSSD, heart),
        (w.SKIN_LEVEL, figures.SCL, skin),
    ):
        if not recorded:
            continue
        value, reason = (
            values.number(quantity.key),
            values.null_reasons.get(quantity.key, w.NOT_COMPUTED),
        )
        shown = (
            quantity.with_unit(value) if value is not None else w.LEVEL_NOT_ESTIMABLE.format(reason=reason)
        )
        told.append(f"{name} {shown}")
    return told


def _coverage(analysis: Analysis) -> list[str]:
    shares = [
        (part["coverage"], text)
        for key, text in (("beats", w.OF_HEARTBEATS), ("eda", w.OF_SKIN))
        if (part := analysis.quality.get(key))
    ]
    if not shares:
        return []
    parts = w.joined([text.format(share=figures.share(share)) for share, text in shares])
    told = w.COVERAGE.format(parts=parts)
    return [f"{told} {w.CARE}" if any(share < _LOW_COVERAGE for share, _ in shares) else told]
