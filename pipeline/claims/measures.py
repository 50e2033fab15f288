"""How measures, and changes of them, are put in words: names, units, sensible digits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from pipeline.figures import HEART_RATE, RMSSD, SCL, SCR_RATE, Quantity, as_percent_change, number, signed
from pipeline.language import reason

HEART_MEASURES = ("mean_hr_bpm", "ln_rmssd")


@dataclass(frozen=True, slots=True)
class Effect:
    """How changes of a measure are put: its number and the key of the amount that it is told as."""

    unit: str
    amount: str
    decimals: int
    convert: Callable[[float], float]

    def texts(self, change: float, low: float, high: float) -> tuple[str, str, str]:
        """Change and interval with signs."""
        shown = [self.convert(value) for value in (change, low, high)]
        one, two, three = (signed(value, self.decimals) for value in shown)
        return self._with_unit(one), two, self._with_unit(three)

    def sizes(self, change: float, low: float, high: float) -> tuple[str, str, str]:
        """The same without signs, the smaller bound first: for a change whose direction is in the verb."""
        shown = sorted((abs(self.convert(low)), abs(self.convert(high))))
        size = abs(self.convert(change))
        one, two, three = (number(value, self.decimals) for value in (size, *shown))
        return self._with_unit(one), two, self._with_unit(three)

    def size(self, value: float) -> str:
        """A change, or a level in the same unit, by itself and without a plus."""
        return self._with_unit(number(self.convert(value), self.decimals))

    def _with_unit(self, text: str) -> str:
        return reason(f"claims.amounts.{self.amount}", number=text)


EFFECTS: Mapping[str, Effect] = MappingProxyType(
    {
        "mean_hr_bpm": Effect("bpm", "bpm", 1, float),
        "ln_rmssd": Effect("%", "percent", 0, as_percent_change),
        "ln_scl": Effect("%", "percent", 0, as_percent_change),
        "scr_per_min": Effect("per min", "per_min", 1, float),
    }
)
# Of a change from one day to others: a ratio, or a difference of counts per minute.
BETWEEN_DAYS: Mapping[str, Effect] = MappingProxyType(
    {
        "ratio": Effect("%", "percent", 0, lambda ratio: 100 * (ratio - 1)),
        "difference": Effect("per min", "per_min", 1, float),
    }
)
# Of what is followed over sessions, by the unit it is stored in: a level, and a change of that.
OVER_SESSIONS: Mapping[str, tuple[Effect, Effect]] = MappingProxyType(
    {
        "share": (
            Effect("%", "percent", 0, lambda share: 100 * share),
            Effect("points", "points", 0, lambda share: 100 * share),
        ),
        "s": (Effect("s", "s", 0, float), Effect("s", "s", 0, float)),
        "bpm": (Effect("bpm", "bpm", 1, float), Effect("bpm", "bpm", 1, float)),
    }
)
IN_PRACTICE = Effect("bpm", "bpm", 1, float)


@dataclass(frozen=True, slots=True)
class Level:
    """How levels of a measure are put: `quantity` as people read it, the key of the amount it is told as."""

    measure: str
    quantity: Quantity
    amount: str

    def told(self, value: float) -> str:
        """The number and its unit."""
        return reason(f"claims.amounts.{self.amount}", number=self.quantity.text(value))


LEVELS: Mapping[str, Level] = MappingProxyType(
    {
        each.measure: each
        for each in (
            Level("mean_hr_bpm", HEART_RATE, "bpm"),
            Level("ln_rmssd", RMSSD, "ms"),
            Level("ln_scl", SCL, "us"),
            Level("scr_per_min", SCR_RATE, "per_min"),
        )
    }
)


def name(measure: str, *, pulse: bool = False) -> str:
    """What a measure is called within a sentence; `pulse` where beats come from a pulse wave."""
    return reason(f"claims.measures.{'pulse_bpm' if pulse and measure == 'mean_hr_bpm' else measure}")


def listed(parts: Sequence[str]) -> str:
    """a, b and c, as one text that any language can say."""
    *before, last = parts
    if not before:
        return last
    said = before[0]
    for each in before[1:]:
        said = reason("claims.comma", first=said, last=each)
    return reason("grammar.and", first=said, last=last)
