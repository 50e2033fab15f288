"""Drawing: charts that stretch with the page while their text keeps its size, without a script.

Across, everything is a percentage of the plot; down, it is pixels. Lines live in a nested drawing of
`COLUMNS` units that is stretched to the plot, with strokes that don't scale. Labels of the vertical axis
stand left of zero, in the margin that the style sheet leaves.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from markupsafe import Markup, escape

from pipeline.model import Bools, Floats

COLUMNS = 720
BLUE, ORANGE, INK, SOFT, GRID = "#1f5f99", "#a64b08", "#1d2733", "#4d5a68", "#dfe5eb"
WARM, COOL, GREY, MARK = "#fcefe2", "#e6f0f9", "#d5dbe1", "#e2daec"
_LETTER_PX = 6.3
_ROUNDING_STEPS = 8  # to an eighth of a range or so, as round numbers go


@dataclass(frozen=True, slots=True)
class Scale:
    """From a value to a place: `low` at `start`, `high` at `end`."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    def at_all(self, values: Floats) -> Floats:
        return self.start + (values - self.low) / (self.high - self.low) * (self.end - self.start)


def steps(low: float, high: float, about: int) -> list[float]:
    """About so many round numbers that lie in a range; (1, 2 or 5) x 10^k apart."""
    step = _round_step((high - low) / about)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(k * step, 10) for k in range(first, last + 1)]


def rounded_range(values: Floats, least: float, floor: float | None = None) -> tuple[float, float]:
    """A range of round numbers around values, at least `least` wide, and from `floor` if one is given."""
    low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, least)
    if floor is not None:
        low = floor
        high = max(high, low + least)
    missing = max(least - (high - low), 0.0)
    low, high = low - missing / 2, high + missing / 2
    step = _round_step((high - low) / _ROUNDING_STEPS)
    return math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step


def _round_step(least: float) -> float:
    power = 10.0 ** math.floor(math.log10(least))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least * 0.999)


def time_steps(duration_s: float) -> list[float]:
    """Moments to label on a time axis, on round minutes where possible: as many as a phone has room for."""
    most = 7.6 if duration_s < 3600 else 4.9
    choices = (5, 10, 20, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 14400, 21600, 43200, 86400)
    step = next((s for s in choices if duration_s / s <= most), math.ceil(duration_s / most))
    return [float(k * step) for k in range(math.floor(duration_s / step) + 1)]


def path(x: Floats, y: Floats, linked: Bools, *, smooth: bool = False) -> str:
    """Path data through points, x in columns rising, y in pixels.

    A point that is not `linked` to the one before begins a new line. Where there are more than two points to
    a column, those of every two become their lowest and highest, in the order they came in: no peak is lost,
    and the size has a bound. Of a `smooth` line the first point of each column is enough.
    """
    if len(x) > (COLUMNS if smooth else 2 * COLUMNS):
        x, y, linked = _firsts(x, y, linked) if smooth else _thinned(x, y, linked)
    # from place to place as tenths of a column or pixel: shorter than places, and nothing adds up to an error
    across, down = (np.round(10 * values).astype(np.int64) for values in (x, y))
    alone = np.append(~linked[1:], True) & ~linked if len(x) else linked  # a dot, by its round end
    starts = linked & ~np.append(True, linked[:-1]) if len(x) else linked
    to_x, to_y = (np.where(linked, np.diff(at, prepend=0), at).tolist() for at in (across, down))
    parts = [
        f"{'l' if first else ' '}{_tenths(dx)} {_tenths(dy)}"
        if joined
        else f"M{_tenths(dx)} {_tenths(dy)}{'h0' if single else ''}"
        for dx, dy, joined, single, first in zip(
            to_x, to_y, linked.tolist(), alone.tolist(), starts.tolist(), strict=True
        )
    ]
    return "".join(parts).replace(" -", "-")


def area(x: Floats, low: Floats, high: Floats) -> str:
    """Path data of the shape between two lines over the same places."""
    around = np.concatenate([x, x[::-1]]), np.concatenate([high, low[::-1]])
    return path(*around, np.append(False, np.ones(2 * len(x) - 1, dtype=bool))) + "z" if len(x) else ""


@lru_cache(maxsize=1 << 14)  # few places, many points
def _tenths(value: int) -> str:
    """A number of tenths as a decimal, without the zero before the point."""
    whole, rest = divmod(abs(value), 10)
    digits = f"{whole or ''}.{rest}" if rest else str(whole)
    return f"-{digits}" if value < 0 else digits


def _firsts(x: Floats, y: Floats, linked: Bools) -> tuple[Floats, Floats, Bools]:
    """The first point of each column; one is linked if nothing on the way to it was unlinked."""
    firsts = np.flatnonzero(np.diff(np.floor(x), prepend=-1.0))
    breaks = np.cumsum(~linked)[firsts]
    return x[firsts], y[firsts], np.append(False, breaks[1:] == breaks[:-1])


def _thinned(x: Floats, y: Floats, linked: Bools) -> tuple[Floats, Floats, Bools]:
    column = np.floor(x / 2).astype(np.intp)
    firsts = np.flatnonzero(np.diff(column, prepend=-1))
    chosen, joined = [], []
    for first, end in zip(firsts.tolist(), [*firsts[1:].tolist(), len(x)], strict=True):
        low, high = first + int(np.argmin(y[first:end])), first + int(np.argmax(y[first:end]))
        chosen += [min(low, high), max(low, high)][: 1 if low == high else 2]
        joined += [bool(linked[first]), True][: 1 if low == high else 2]
    # Half a column and a pixel are enough where a column holds many points, and make the page smaller.
    return np.floor(2 * x[chosen]) / 2, np.round(y[chosen]), np.array(joined, dtype=bool)


def _short(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def ticks_at(x: Floats, y: Floats, length: float) -> str:
    """Path data of short upright ticks centred on points; those that would cover each other are one."""
    places = sorted({(round(px), round(py)) for px, py in zip(x.tolist(), y.tolist(), strict=True)})
    return "".join(f"M{px} {_short(py - length / 2)}v{_short(length)}" for px, py in places)


def stroke(data: str, color: str, width: float = 1.25, dash: str = "") -> str:
    """A line from path data; its width doesn't stretch with the drawing."""
    dashes = f' stroke-dasharray="{dash}"' if dash else ""
    return (
        f'<path d="{data}" fill="none" stroke="{color}" stroke-width="{width}" stroke-linejoin="round" '
        f'stroke-linecap="{"butt" if dash else "round"}"{dashes} vector-effect="non-scaling-stroke"/>'
        if data
        else ""
    )


def stretched(content: str, height: int) -> str:
    """A nested drawing of `COLUMNS` units across and pixels down."""
    return (
        f'<svg viewBox="0 0 {COLUMNS} {height}" preserveAspectRatio="none" width="100%" height="{height}">'
        f"{content}</svg>"
    )


def band(start: float, end: float, top: float, height: float, fill: str = "") -> str:
    """A filled box between two shares of the width (0 to 1); without a fill, that of the group it is in."""
    filled = f' fill="{fill}"' if fill else ""
    return (
        f'<rect x="{percentage(start)}" width="{percentage(max(end - start, 0.0015))}" y="{_short(top)}" '
        f'height="{_short(height)}"{filled}/>'
    )


def level(y: float, color: str = GRID, dash: str = "") -> str:
    """A horizontal line across the plot."""
    dashes = f' stroke-dasharray="{dash}"' if dash else ""
    return f'<line x2="100%" y1="{_short(y)}" y2="{_short(y)}" stroke="{color}"{dashes}/>'


def upright(share: float, top: float, bottom: float, color: str = GREY, dash: str = "") -> str:
    """A vertical line at a share of the width."""
    dashes = f' stroke-dasharray="{dash}"' if dash else ""
    x = percentage(share)
    return f'<line x1="{x}" x2="{x}" y1="{_short(top)}" y2="{_short(bottom)}" stroke="{color}"{dashes}/>'


def uprights(shares: Sequence[float], top: float, bottom: float) -> str:
    """Path data of vertical lines at shares of the width, for a stretched drawing."""
    return "".join(f"M{_short(COLUMNS * share)} {_short(top)}V{_short(bottom)}" for share in shares)


def text(
    share: float,
    y: float,
    content: str,
    *,
    anchor: str = "start",
    dx: float = 0,
    css: str = "",
    fill: str = SOFT,
) -> str:
    """Words at a share of the width, escaped."""
    attributes = "".join(
        f' {name}="{value}"'
        for name, value, default in (
            ("text-anchor", anchor, "start"),
            ("dx", dx, 0),
            ("class", css, ""),
            ("fill", fill, SOFT),  # which the drawing sets for all text
        )
        if value != default
    )
    return f'<text x="{percentage(share)}" y="{_short(y)}"{attributes}>{escape(content)}</text>'


def centred(words: Sequence[str], css: str = "", fill: str = "") -> str:
    """Words that are centred on their places, as a group."""
    attributes = "".join(f' {name}="{value}"' for name, value in (("class", css), ("fill", fill)) if value)
    return f'<g text-anchor="middle"{attributes}>{"".join(words)}</g>'


def axis_label(y: float, content: str) -> str:
    """A label in the margin left of the plot."""
    return f'<text x="0" dx="-7" y="{_short(y + 4)}" text-anchor="end">{escape(content)}</text>'


def drawing(
    key: str, title: str, description: str, height: int, content: Sequence[str], css: str = "plot"
) -> Markup:
    """The whole drawing with its name and description for those who can't see it."""
    return Markup(  # noqa: S704 - all text in it is escaped where it is put in
        f'<svg class="{css}" width="100%" height="{height}" fill="{SOFT}" font-size="12" '
        f'role="img" aria-labelledby="{key}-t {key}-d">'
        f'<title id="{key}-t">{escape(title)}</title><desc id="{key}-d">{escape(description)}</desc>'
        f"{''.join(content)}</svg>"
    )


def hatch(key: str) -> str:
    """A fill for time that holds nothing usable."""
    return (
        f'<defs><pattern id="{key}" width="6" height="6" patternUnits="userSpaceOnUse" '
        f'patternTransform="rotate(45)"><rect width="6" height="6" fill="#f1f3f5"/>'
        f'<line x1="0" x2="0" y1="0" y2="6" stroke="#aab4be" stroke-width="2"/></pattern></defs>'
    )


def fits(content: str, room_px: float) -> bool:
    """Whether words of the size of labels fit into so many pixels."""
    return room_for(content) <= room_px


def room_for(content: str) -> float:
    """How many pixels words of the size of labels take, with some air."""
    return len(content) * _LETTER_PX + 8


def shortened(content: str, letters: int) -> str:
    """Words cut to a length, with an ellipsis where something went."""
    return content if len(content) <= letters else content[: letters - 1].rstrip() + "…"


def percentage(share: float) -> str:
    """A share of the width as a length."""
    return f"{100 * share:.2f}".rstrip("0").rstrip(".") + "%"
