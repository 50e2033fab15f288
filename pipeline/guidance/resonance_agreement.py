"""Which rate each criterion ranks best, and whether most mean the same one. No weights: they count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from pipeline.guidance.resonance_criteria import Criterion, Measured
from pipeline.language import reason, together

NO_DIFFERENCE = reason("reasons.resonance.no_difference")

_LOWEST_IS_BEST = frozenset({Criterion.LF_PEAKS})
# How close to the best a value ties with it: a share of the best, or a plain difference. The project's
# choice: a twentieth of the amplitude, and twice that for power, which goes with its square.
AMPLITUDE_TIE_SHARE = 0.05
_TIE_SHARE: Mapping[Criterion, float] = MappingProxyType(
    {Criterion.AMPLITUDE: AMPLITUDE_TIE_SHARE, Criterion.LF_POWER: 0.1, Criterion.LF_PEAK: 0.1}
)
_TIE_BY: Mapping[Criterion, float] = MappingProxyType(
    {Criterion.SYNCHRONY: 0.05, Criterion.SMOOTHNESS: 0.05, Criterion.LF_PEAKS: 0.0}
)


@dataclass(frozen=True, slots=True)
class Agreement:
    """The rates that a criterion ranks best, several if they tie; `reason` why it does not count."""

    criterion: Criterion
    best_bpm: tuple[float, ...]
    reason: str | None = None

    @property
    def counts(self) -> bool:
        return self.reason is None


def agreement(measured: Mapping[float, Sequence[Measured]]) -> tuple[Agreement, ...]:
    """Each criterion's best rates, of all rates' criteria.

    A criterion counts only if every rate has a value, and not all of them tie.
    """
    by_criterion = zip(*(measured[rate] for rate in sorted(measured, reverse=True)), strict=True)
    rates = sorted(measured, reverse=True)
    return tuple(_ranked(rates, values) for values in by_criterion)


def leader(agreeing: Mapping[float, int], ranked: Sequence[Agreement]) -> tuple[float | None, str | None]:
    """The rate that more than half of the counting criteria rank best, and no other as many; or why none."""
    counting = sum(each.counts for each in ranked)
    most = max(agreeing.values(), default=0)
    ahead = [rate for rate, count in agreeing.items() if count == most]
    if not counting:
        return None, reason("reasons.resonance.none_tells")
    if len(ahead) > 1:
        rates = [reason("numbers.plain", value=rate) for rate in sorted(ahead)]
        return None, reason("reasons.resonance.as_many", rates=together("grammar.and", rates))
    if 2 * most <= counting:
        return None, reason("reasons.resonance.at_most", most=most, counting=counting)
    return ahead[0], None


def _ranked(rates: Sequence[float], values: Sequence[Measured]) -> Agreement:
    criterion = values[0].criterion
    known = [each.value for each in values if each.value is not None]
    if not known:
        return Agreement(criterion, (), values[0].reason)
    if len(known) < len(values):
        return Agreement(criterion, (), reason("reasons.resonance.not_every"))
    best = _best(criterion, dict(zip(rates, known, strict=True)))
    return Agreement(criterion, best, NO_DIFFERENCE if len(best) == len(rates) else None)


def _best(criterion: Criterion, by_rate: Mapping[float, float]) -> tuple[float, ...]:
    sign = -1.0 if criterion in _LOWEST_IS_BEST else 1.0
    top = max(sign * value for value in by_rate.values())
    near = _TIE_SHARE.get(criterion, 0.0) * abs(top) + _TIE_BY.get(criterion, 0.0)
    return tuple(rate for rate, value in by_rate.items() if top - sign * value <= near)
