"""Numbers and times as a person reads them: sensible digits, a true minus sign, times as m:ss.

The decimal sign, and what groups digits, are the catalogue's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from pipeline.language import text

MINUS = "\u2212"
THIN = "\u202f"  # narrow no-break space: groups digits, keeps a number and its unit together
NONE = "\u2013"

_MOST_PLAIN = 1e6  # from here on Python would write an exponent


@dataclass(frozen=True, slots=True)
class Quantity:
    """A feature as it is shown: its column, the unit's key, decimals, and decimals below `fine_below`."""

    key: str
    unit_key: str
    decimals: int = 0
    fine_below: float = 0.0

    @property
    def unit(self) -> str:
        """The unit as it is written; nothing for a feature without one."""
        return text(f"units.{self.unit_key}") if self.unit_key else ""

    def text(self, value: float) -> str:
        """The number alone."""
        return number(value, self.decimals + (abs(value) < self.fine_below))

    def with_unit(self, value: float) -> str:
        """The number and its unit."""
        return f"{self.text(value)}{THIN}{self.unit}" if self.unit else self.text(value)


HEART_RATE = Quantity("mean_hr_bpm", "bpm", decimals=1)
RMSSD = Quantity("rmssd_ms", "ms", fine_below=20)
SDNN = Quantity("sdnn_ms", "ms", fine_below=20)
LF = Quantity("lf_ms2", "ms2")
HF = Quantity("hf_ms2", "ms2")
SCL = Quantity("scl_us", "us", decimals=1, fine_below=10)
SCR_RATE = Quantity("scr_per_min", "per_min", decimals=1)
SCR_AMPLITUDE = Quantity("scr_amplitude_us", "us", decimals=2)


def number(value: float, decimals: int = 0) -> str:
    """A number with its decimals, thousands set apart; never a negative zero."""
    rounded = round(value, decimals) + 0.0
    return _signs(f"{rounded:,.{decimals}f}")


def shortest(value: float) -> str:
    """A number with no more decimals than it has: 6, 6.5, 5.25."""
    value += 0.0  # never a negative zero
    return _signs(f"{value:,g}" if abs(value) < _MOST_PLAIN else f"{value:,.0f}")


def signed(value: float, decimals: int = 0) -> str:
    """A change: its sign is always there, but for nothing."""
    shown = number(value, decimals)
    return f"+{shown}" if round(value, decimals) > 0 else shown


def percent(value: float, decimals: int = 0) -> str:
    """A number of percent."""
    return f"{number(value, decimals)}{THIN}%"


def share(part: float) -> str:
    """A part of one as percent; what is not quite all or nothing never reads as such."""
    value = 100 * part
    if 99.5 <= value < 100 or 0 < value < 0.5:
        return percent(min(max(value, 0.1), 99.9), 1)
    return percent(value)


def clock(seconds: float) -> str:
    """m:ss, and h:mm:ss from one hour on."""
    whole = math.floor(seconds + 0.5)
    minutes, left = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes}:{left:02d}"
    return f"{minutes // 60}:{minutes % 60:02d}:{left:02d}"


def _signs(shown: str) -> str:
    """A number as Python writes it, with the signs of the language in use."""
    whole, point, decimals = shown.replace("-", MINUS).partition(".")
    if "," in whole:
        whole = whole.replace(",", text("numbers.group"))
    return f"{whole}{text('numbers.decimal')}{decimals}" if point else whole


def as_percent_change(log_change: float) -> float:
    """A difference of logarithms as percent of change."""
    return 100 * math.expm1(log_change)
