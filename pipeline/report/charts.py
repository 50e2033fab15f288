"""The charts: what is drawn, its legend, and the same as a table for those who can't see it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from markupsafe import Markup

from pipeline.beats import Beats
from pipeline.eda import Eda, Responses
from pipeline.hrv import LF, Spectrum
from pipeline.model import Bools, Floats, Phase, PhaseKind
from pipeline.report import svg
from pipeline.report import wording as w
from pipeline.report.figures import NONE, Quantity, clock, number, percent
from pipeline.report.svg import BLUE, COLUMNS, GREY, INK, ORANGE, SOFT, Scale
from pipeline.report.tables import Table, plain

_HEAD, _FOOT, _EVENTS = 20, 20, 15  # pixels for phase labels, the time axis, and numbers of markers
_WIDE_PX, _NARROW_PX = 610, 290  # the least a plot is wide on paper, and on a phone
_TABLE_ROWS = 20
_LEAST_RANGE_MS = 200.0
_REACH = 0.5  # excluded beats may widen the scale by so much of what normal ones take
_TINTS = {PhaseKind.STRESSOR: svg.WARM, PhaseKind.PACED: svg.COOL}


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing with its title, unit, legend of (swatch, text), table, and a note under it."""

    title: str
    unit: str
    drawing: Markup
    legend: tuple[tuple[str, str], ...] = ()
    table: Table | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """A numbered moment of the list of markers."""

    number: int
    time_s: float


@dataclass(frozen=True, slots=True)
class Axis:
    """The time axis that all charts of a session share."""

    duration_s: float
    phases: tuple[Phase, ...]
    events: tuple[Event, ...] = ()

    def share(self, time_s: float) -> float:
        """Where a moment lies, 0 to 1."""
        return min(max(time_s / self.duration_s, 0.0), 1.0) if self.duration_s > 0 else 0.0

    def columns(self, time_s: Floats) -> Floats:
        """Where moments lie, in columns of the stretched drawing."""
        return np.clip(time_s / max(self.duration_s, 1e-9), 0.0, 1.0) * COLUMNS

    @property
    def foot(self) -> int:
        return _FOOT + (_EVENTS if self.events else 0)

    def span(self) -> float:
        """The step of a table of about twenty rows."""
        choices = (10, 20, 30, 60, 120, 300, 600, 900, 1800, 3600)
        return float(next((s for s in choices if self.duration_s / s <= _TABLE_ROWS), 7200))

    def steps(self) -> list[tuple[float, float]]:
        """The stretches that a table has a row for; at most 300 of them."""
        step = max(self.span(), self.duration_s / 300)
        starts = np.arange(0.0, max(self.duration_s - 1e-6, 1e-6), step).tolist()
        return [(start, min(start + step, self.duration_s)) for start in starts]


def strip(axis: Axis, rows: Sequence[tuple[str, Sequence[tuple[float, float]], Sequence[tuple[float, float]]]],
          description: str) -> Chart:  # fmt: skip
    """Where each signal can be used: (name, spans usable, spans excluded) per row, no data elsewhere."""
    height = 24 * len(rows) + _FOOT
    parts = [svg.hatch("strip-x")]
    for row, (name, usable, excluded) in enumerate(rows):
        top = 24 * row + 3
        parts.append(
            f'<rect x="0" y="{top}" width="100%" height="16" fill="#fff" stroke="{GREY}" stroke-dasharray="3 3"/>'
        )
        parts += [svg.band(axis.share(a), axis.share(b), top, 16, BLUE) for a, b in _merged(usable, axis)]
        parts += [
            svg.band(axis.share(a), axis.share(b), top + 5, 11, ORANGE) for a, b in _merged(excluded, axis)
        ]
        parts.append(svg.axis_label(top + 8, name))
    parts += _time_labels(axis, height - _FOOT)
    legend = (("block", w.USABLE_KEY), ("low", w.EXCLUDED_KEY), ("empty", w.GAP_KEY))
    drawing = svg.drawing("strip", w.QUALITY_STRIP, description, height, parts, css="plot names")
    return Chart(w.QUALITY_STRIP, "", drawing, legend)


def tachogram(axis: Axis, beats: Beats, words: w.HeartWords, gaps: Sequence[tuple[float, float]]) -> Chart:
    """Intervals against time: normal ones as a line that no gap and no excluded beat is bridged by."""
    height = _HEAD + 190 + axis.foot
    nn, nn_ms = beats.nn, beats.interval_ms[beats.nn]
    scale = _interval_scale(beats, _HEAD + 6, height - axis.foot - 4)
    x = axis.columns(beats.time_s)
    line = svg.path(x[nn], scale.at_all(nn_ms), beats.pairs[nn])
    shown = ~nn & np.isfinite(beats.interval_ms)
    clipped = np.clip(scale.at_all(beats.interval_ms[shown]), scale.end + 1, scale.start - 1)
    marks = svg.ticks_at(x[shown], clipped, 9)
    content = [
        *_ground(axis, height, gaps, "tacho-x"),
        *_levels(scale, 4),
        svg.stretched(svg.stroke(line, BLUE) + svg.stroke(marks, ORANGE, 2), height),
    ]
    title, excluded = w.tachogram_title(words), int(np.count_nonzero(~nn))
    low, high = (float(nn_ms.min()), float(nn_ms.max())) if len(nn_ms) else (0.0, 0.0)
    told = w.tachogram_description(words, low, high, excluded, axis.duration_s)
    at_edge = bool(np.any((clipped <= scale.end + 1) | (clipped >= scale.start - 1)))
    return Chart(
        title,
        w.MILLISECONDS,
        svg.drawing("tacho", title, told if len(nn_ms) else w.no_normal_beats(words), height, content),
        legend=(
            ("line", words.interval),
            *((("tick", w.EXCLUDED_BEAT),) if excluded else ()),
            *((("hatch", w.GAP_KEY),) if gaps else ()),
        ),
        table=_interval_table(axis, beats, words),
        note=w.AT_EDGE if at_edge else "",
    )


def _interval_scale(beats: Beats, top: float, bottom: float) -> Scale:
    nn_ms = beats.interval_ms[beats.nn]
    if not len(nn_ms):
        return Scale(500.0, 1100.0, bottom, top)
    low, high = float(nn_ms.min()), float(nn_ms.max())
    reach = _REACH * max(high - low, _LEAST_RANGE_MS)
    others = beats.interval_ms[~beats.nn & np.isfinite(beats.interval_ms)]
    near = others[(others > low - reach) & (others < high + reach)]
    return Scale(*svg.rounded_range(np.concatenate([nn_ms, near]), 4, _LEAST_RANGE_MS), bottom, top)


def _interval_table(axis: Axis, beats: Beats, words: w.HeartWords) -> Table:
    rows = []
    for start_s, end_s in axis.steps():
        inside = beats.between(start_s, end_s)
        nn_ms = inside.interval_ms[inside.nn]
        told = (
            [number(float(v)) for v in (np.median(nn_ms), nn_ms.min(), nn_ms.max())]
            if len(nn_ms)
            else [NONE] * 3
        )
        rows.append([w.until(start_s, end_s), *told, number(len(inside) - len(nn_ms))])
    return plain(w.table_of(w.tachogram_title(words)), w.tachogram_head(words), rows)


def skin(axis: Axis, eda: Eda, scrs: Responses, gaps: Sequence[tuple[float, float]]) -> Chart:
    """Tonic level above, phasic part and responses below; excluded spans are greyed."""
    tall, low_lane = 120, 62
    height = _HEAD + tall + low_lane + axis.foot
    valid, x = eda.valid, axis.columns(eda.time_s)
    linked = valid & np.append(False, valid[:-1]) & ~eda.after_gap
    tonic, phasic = eda.tonic_us[valid], eda.phasic_us[valid]
    upper = Scale(*svg.rounded_range(tonic, 4, 0.5), _HEAD + tall - 4, _HEAD + 6)
    lower = Scale(*svg.rounded_range(phasic, 2, 0.2), height - axis.foot - 14, _HEAD + tall + 12)
    onsets = axis.columns(scrs.onset_s)
    ticks = svg.ticks_at(onsets, np.full(len(onsets), height - axis.foot - 6.0), 8)
    content = [
        *_ground(axis, height, gaps, "skin-x", _spans(eda, ~valid)),
        *_levels(upper, 3),
        svg.level(_HEAD + tall + 4, GREY),
        *_levels(lower, 1),
        svg.stretched(
            svg.stroke(svg.path(x[valid], upper.at_all(tonic), linked[valid]), BLUE, 1.75)
            + svg.stroke(svg.path(x[valid], lower.at_all(phasic), linked[valid]), ORANGE, 1.25, "4 2")
            + svg.stroke(ticks, INK, 1.25),
            height,
        ),
    ]
    return Chart(
        w.SKIN_TITLE,
        w.MICROSIEMENS,
        svg.drawing("skin", w.SKIN_TITLE, _skin_told(eda, scrs), height, content),
        legend=(
            ("line", w.TONIC),
            ("dash", w.PHASIC),
            ("bar", w.RESPONSES),
            *((("grey", w.ARTEFACT),) if not np.all(valid) else ()),
            *((("hatch", w.GAP_KEY),) if gaps else ()),
        ),
        table=_skin_table(axis, eda, scrs),
    )


def _skin_told(eda: Eda, scrs: Responses) -> str:
    tonic = eda.tonic_us[eda.valid]
    if not len(tonic):
        return w.NO_USABLE_SKIN
    artefact = percent(100 * float(np.mean(~eda.valid)), 1)
    return w.skin_description(float(tonic.min()), float(tonic.max()), len(scrs), artefact)


def _skin_table(axis: Axis, eda: Eda, scrs: Responses) -> Table:
    rows = []
    for start_s, end_s in axis.steps():
        inside = eda.rows(start_s, end_s)
        valid = eda.valid[inside]
        mean = number(float(np.mean(eda.tonic_us[inside][valid])), 2) if np.any(valid) else NONE
        excluded = percent(100 * float(np.mean(~valid))) if len(valid) else NONE
        rows.append([w.until(start_s, end_s), mean, number(len(scrs.between(start_s, end_s))), excluded])
    return plain(w.table_of(w.SKIN_TITLE), w.SKIN_HEAD, rows)


def rate_course(axis: Axis, measure: Callable[[float, float], float | None], baseline: Phase | None,
                baseline_bpm: float | None, words: w.HeartWords) -> Chart | None:  # fmt: skip
    """The rate in means of half a minute, with the baseline's level; None without a single one."""
    block_s = max(30.0, axis.duration_s / 480)
    starts = np.arange(int(axis.duration_s // block_s)) * block_s
    means = [measure(start, start + block_s) for start in starts.tolist()]
    known = np.array([mean is not None for mean in means], dtype=bool)
    if not np.any(known):
        return None
    values = np.array([mean for mean in means if mean is not None])
    height = _HEAD + 120 + axis.foot
    around = np.append(values, baseline_bpm) if baseline_bpm is not None else values
    scale = Scale(*svg.rounded_range(around, 4, 8.0), height - axis.foot - 4, _HEAD + 6)
    linked = known & np.append(False, known[:-1])
    x = axis.columns(starts + block_s / 2)[known]
    data = svg.stroke(svg.path(x, scale.at_all(values), linked[known]), BLUE, 1.75)
    dots = svg.stroke(
        "".join(f"M{a:.4g} {b:.1f}h0" for a, b in zip(x, scale.at_all(values), strict=True)), BLUE, 5
    )
    base = [svg.level(scale.at(baseline_bpm), ORANGE, "6 4")] if baseline_bpm is not None else []
    content = [
        *_ground(axis, height, (), "rate-x"),
        *_levels(scale, 4),
        *base,
        svg.stretched(data + dots, height),
    ]
    told = w.rate_description(words, float(values.min()), float(values.max()), baseline_bpm)
    rows = [
        [w.until(start, start + block_s), number(mean, 1) if mean is not None else NONE]
        for start, mean in zip(starts.tolist(), means, strict=True)
    ]
    legend = (("dots", f"{w.HALF_MINUTES} {w.seconds(block_s)}"),)
    if baseline is not None and base:
        legend += (("orange-dash", f"{w.BASELINE_MEAN} {baseline.name}"),)
    return Chart(
        w.rate_course_title(words),
        w.BEATS_PER_MIN,
        svg.drawing("rate", w.rate_course_title(words), told, height, content),
        legend,
        plain(w.table_of(w.rate_course_title(words)), w.rate_head(words), rows),
    )


def ratings(axis: Axis, scale_name: str, values: Sequence[tuple[float, float]], key: str) -> Chart:
    """Self-report at its moments, never joined by a line."""
    axis = replace(axis, events=())
    height = _HEAD + 74 + axis.foot
    top = max(10.0, *(value for _, value in values))
    scale = Scale(min(0.0, *(value for _, value in values)), top, height - axis.foot - 6, _HEAD + 14)
    content = [*_ground(axis, height, (), f"{key}-x"), *_levels(scale, 2)]
    for at_s, value in values:
        x = f"{100 * axis.share(at_s):.2f}%"
        content.append(f'<circle cx="{x}" cy="{scale.at(value):.1f}" r="4.5" fill="{BLUE}"/>')
        content.append(
            svg.text(axis.share(at_s), scale.at(value) - 7, _plain_number(value), anchor="middle", fill=INK)
        )
    title = w.rating_title(scale_name)
    drawing = svg.drawing(key, title, w.rating_description(values), height, content)
    rows = [[clock(at_s), _plain_number(value)] for at_s, value in values]
    return Chart(title, "", drawing, table=plain(w.table_of(title), (w.TIME, w.RATED), rows))


def _plain_number(value: float) -> str:
    return number(value, 0 if value == round(value) else 1)


@dataclass(frozen=True, slots=True)
class Dot:
    """A phase's value in a comparison; None where there is none."""

    name: str
    value: float | None
    paced: bool = False
    baseline: bool = False


def comparison(key: str, label: str, quantity: Quantity, dots: Sequence[Dot]) -> Chart | None:
    """One measure across phases: unpaced first, paced apart and hollow; None if no phase has a value."""
    values = np.array([dot.value for dot in dots if dot.value is not None])
    if not len(values):
        return None
    ordered = [dot for dot in dots if not dot.paced] + [dot for dot in dots if dot.paced]
    floor = 0.0 if quantity.key == "scr_per_min" else None
    least = max(0.2 * float(np.abs(values).max()), 1e-6)
    low, high = svg.rounded_range(values, 3, least, floor)
    across = Scale(low, high, 0.02, 0.98)
    apart = 8 if any(dot.paced for dot in ordered) and not ordered[0].paced else 0
    height = 24 * len(ordered) + apart + _FOOT
    content: list[str] = []
    content += [svg.upright(across.at(v), 0, height - _FOOT, svg.GRID) for v in svg.steps(low, high, 3)]
    baseline = next((dot.value for dot in dots if dot.baseline and dot.value is not None), None)
    if baseline is not None:
        unpaced = sum(not dot.paced for dot in ordered)
        content.append(svg.upright(across.at(baseline), 0, 24 * unpaced, SOFT, "4 3"))
    for row, dot in enumerate(ordered):
        y = 24 * row + 12 + (apart if dot.paced else 0)
        content += _dot_row(dot, y, across, quantity)
        if dot.paced and apart and not ordered[row - 1].paced:
            content.append(svg.level(y - 16, GREY))
    content += [
        svg.text(across.at(v), height - 5, _tick(v, low, high), anchor="middle")
        for v in svg.steps(low, high, 3)
    ]
    told = [
        (d.name, quantity.with_unit(d.value) if d.value is not None else w.NOT_ESTIMABLE) for d in ordered
    ]
    drawing = svg.drawing(key, label, w.side_by_side(label, told), height, content, css="plot rows")
    return Chart(label, quantity.unit, drawing)


def _dot_row(dot: Dot, y: float, across: Scale, quantity: Quantity) -> list[str]:
    parts = [
        svg.level(y, "#eceff2"),
        svg.text(0, y + 4, svg.shortened(dot.name, 19), anchor="end", dx=-8, fill=INK),
    ]
    if dot.value is None:
        return [*parts, svg.text(1, y + 4, NONE, dx=8)]
    x = f"{100 * across.at(dot.value):.2f}%"
    look = f'fill="#fff" stroke="{ORANGE}" stroke-width="2"' if dot.paced else f'fill="{BLUE}"'
    parts.append(f'<circle cx="{x}" cy="{y}" r="5" {look}/>')
    parts.append(svg.text(1, y + 4, quantity.text(dot.value), dx=8, fill=INK, css="value"))
    return parts


def spectra(curves: Sequence[tuple[str, Spectrum]]) -> Chart:
    """Densities up to 0.4 Hz of at most two phases: the first solid, the second dashed."""
    height, top_hz = 190, 0.4
    inside = [(name, each.frequency_hz <= top_hz, each) for name, each in curves]
    peak = max(float(each.psd_ms2_hz[rows].max()) for _, rows, each in inside)
    scale = Scale(*svg.rounded_range(np.array([0.0, peak]), 4, max(peak, 1.0), 0.0), height - _FOOT - 2, 20)
    content = [
        svg.band(LF[0] / top_hz, LF[1] / top_hz, 14, height - _FOOT - 14, "#f1f4f7"),
        *_levels(scale, 4),
    ]
    for name, low_hz, high_hz in (("LF", *LF), ("HF", LF[1], top_hz)):
        content.append(svg.text((low_hz + high_hz) / 2 / top_hz, 10, name, anchor="middle"))
    looks = ((BLUE, ""), (ORANGE, "5 3"))
    lines = ""
    for (_, rows, each), (color, dash) in zip(inside, looks, strict=False):
        x = each.frequency_hz[rows] / top_hz * COLUMNS
        lines += svg.stroke(
            svg.path(x, scale.at_all(each.psd_ms2_hz[rows]), _all_linked(len(x))), color, 1.75, dash
        )
    content.append(svg.stretched(lines, height))
    content += [svg.text(f / top_hz, height - 5, f"{f:g}", anchor="middle") for f in (0.1, 0.2, 0.3)]
    content.append(svg.text(1, height - 5, "0.4 Hz", anchor="end"))
    peaks = [(name, each.peak_hz(*_SHOWN)) for name, each in curves]
    drawing = svg.drawing("spectrum", w.SPECTRUM, w.spectrum_description(peaks), height, content)
    legend = tuple(zip(("line", "dash"), (name for name, _ in curves), strict=False))
    return Chart(w.SPECTRUM, w.DENSITY, drawing, legend, _spectrum_table(curves))


_SHOWN = (0.04, 0.40)


def _spectrum_table(curves: Sequence[tuple[str, Spectrum]]) -> Table:
    edges = np.arange(0.04, 0.40, 0.03).round(2).tolist()
    rows = [
        [
            f"{low:.2f} – {low + 0.03:.2f} Hz",
            *(number(each.band_power(low, low + 0.03)) for _, each in curves),
        ]
        for low in edges
    ]
    head = (w.FREQUENCY_HEAD[0], *(f"{name}, {w.FREQUENCY_HEAD[1]}" for name, _ in curves))
    return plain(w.table_of(w.SPECTRUM), head, rows)


def _all_linked(n: int) -> Bools:
    linked = np.ones(n, dtype=bool)
    linked[:1] = False
    return linked


def _ground(axis: Axis, height: float, gaps: Sequence[tuple[float, float]], key: str,
            excluded: Sequence[tuple[float, float]] = ()) -> list[str]:  # fmt: skip
    """What lies under the data: phases, gaps, excluded spans, time, and the numbers of markers."""
    bottom = height - axis.foot
    parts = [svg.hatch(key)]
    for phase in axis.phases:
        if tint := _TINTS.get(phase.kind):
            parts.append(svg.band(axis.share(phase.start_s), axis.share(phase.end_s), 0, bottom, tint))
    parts += [
        svg.band(axis.share(a), axis.share(b), _HEAD, bottom - _HEAD, GREY)
        for a, b in _merged(excluded, axis)
    ]
    parts += [
        svg.band(axis.share(a), axis.share(b), _HEAD, bottom - _HEAD, f"url(#{key})")
        for a, b in _merged(gaps, axis)
    ]
    parts += _phase_labels(axis, bottom)
    parts += _event_numbers(axis, height, bottom)
    return parts + _time_labels(axis, bottom)


def _phase_labels(axis: Axis, bottom: float) -> list[str]:
    parts: list[str] = []
    for index, phase in enumerate(axis.phases, 1):
        start, end = axis.share(phase.start_s), axis.share(phase.end_s)
        if start > 0:
            parts.append(svg.upright(start, 0, bottom))
        texts = [_phase_label(index, phase.name, (end - start) * px) for px in (_WIDE_PX, _NARROW_PX)]
        for text, css in (
            [(texts[0], "")] if texts[0] == texts[1] else zip(texts, ("wide", "narrow"), strict=True)
        ):
            if text:
                parts.append(svg.text(start, 14, text, dx=4, css=f"phase {css}".strip(), fill=INK))
    return parts


def _phase_label(index: int, name: str, room_px: float) -> str:
    """Number and name, the number alone where there is no room, or nothing."""
    whole = f"{index} {name}"
    if svg.fits(whole, room_px):
        return whole
    return str(index) if svg.fits(str(index), room_px) else ""


def _event_numbers(axis: Axis, height: float, bottom: float) -> list[str]:
    """A thin line at each marker, and its number where there is room for one."""
    parts, free = [], {"wide": -1.0, "narrow": -1.0}
    for event in axis.events:
        at = axis.share(event.time_s)
        parts.append(svg.upright(at, _HEAD, bottom + 3, SOFT, "1 3"))
        fitting = []
        for css, px in (("wide", _WIDE_PX), ("narrow", _NARROW_PX)):
            if at * px >= free[css]:
                free[css] = at * px + 7 * len(str(event.number)) + 6
                fitting.append(css)
        if fitting:
            css = "event" if len(fitting) == 2 else f"event {fitting[0]}"
            parts.append(svg.text(at, bottom + 14, str(event.number), anchor="middle", css=css, fill=INK))
    return parts


def _time_labels(axis: Axis, bottom: float) -> list[str]:
    parts = [svg.level(bottom, "#8d99a6")]
    y = bottom + (axis.foot if axis.events else _FOOT) - 5
    for at_s in svg.time_steps(axis.duration_s):
        share = axis.share(at_s)
        anchor = "start" if share == 0 else "end" if share > 0.97 else "middle"
        parts.append(svg.upright(share, bottom, bottom + 4, "#8d99a6"))
        parts.append(svg.text(share, y, clock(at_s), anchor=anchor))
    return parts


def _levels(scale: Scale, about: int) -> list[str]:
    """Grid lines with labels at round values."""
    low, high = min(scale.low, scale.high), max(scale.low, scale.high)
    parts: list[str] = []
    for value in svg.steps(low, high, about):
        parts.append(svg.level(scale.at(value)))
        parts.append(svg.axis_label(scale.at(value), _tick(value, low, high)))
    return parts


def _tick(value: float, low: float, high: float) -> str:
    span = high - low
    return number(value, 0 if span >= 3 and value == round(value) else 1 if span >= 0.3 else 2)


def _spans(eda: Eda, chosen: Bools) -> list[tuple[float, float]]:
    """The stretches of samples that are chosen, as (start_s, end_s)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], chosen.astype(np.int8), [0]])))
    return [
        (float(eda.time_s[a]), float(eda.time_s[b - 1]) + 1 / eda.rate_hz)
        for a, b in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
    ]


def _merged(spans: Sequence[tuple[float, float]], axis: Axis) -> list[tuple[float, float]]:
    """Spans less than a column apart as one: what can't be seen apart isn't drawn apart."""
    least_s = axis.duration_s / COLUMNS
    merged: list[tuple[float, float]] = []
    for start_s, end_s in sorted(spans):
        if merged and start_s - merged[-1][1] <= least_s:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end_s))
        else:
            merged.append((start_s, end_s))
    return merged
