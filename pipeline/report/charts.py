"""The charts: what is drawn, its legend, and the same as a table for those who can't see it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from markupsafe import Markup

from pipeline.figures import NONE, Quantity, clock, number, percent
from pipeline.grammar import capitalised
from pipeline.heart.beats import Beats
from pipeline.heart.spectrum import LF, Spectrum
from pipeline.language import text, texts
from pipeline.model import Bools, Floats, Phase
from pipeline.report import svg
from pipeline.report.axis import FOOT, HEAD, Axis, Spans
from pipeline.report.names import HeartWords
from pipeline.report.svg import BLUE, COLUMNS, GREY, INK, ORANGE, SOFT, Scale
from pipeline.report.tables import Table, plain
from pipeline.skin.responses import Responses
from pipeline.skin.signal import Eda

_LEAST_RANGE_MS = 200.0
_REACH = 0.25  # excluded beats may widen the scale by so much of what normal ones take
_BLOCK_S, _MOST_BLOCKS = 30.0, 480
_ROW = 24
_SHOWN_HZ = (0.04, 0.40)
_PER_THOUSAND = 1000.0
_USUAL, _SPIKE = 0.995, 4.0  # a spike: beyond so many times what all but half a percent of samples lie below


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing with its title, unit, legend of (swatch, text), table, and a note under it.

    Paper does without one that is for the screen only.
    """

    title: str
    unit: str
    drawing: Markup
    legend: tuple[tuple[str, str], ...] = ()
    table: Table | None = None
    note: str = ""
    screen_only: bool = False


def strip(axis: Axis, rows: Sequence[tuple[str, Spans, Spans]], told: str) -> Chart:
    """Where each signal can be used: (name, usable, excluded) per row, no data elsewhere."""
    height = _ROW * len(rows) + FOOT
    parts: list[str] = []
    for row, (name, usable, excluded) in enumerate(rows):
        top = _ROW * row + 3
        parts.append(
            f'<rect width="100%" y="{top}" height="16" fill="#fff" stroke="{GREY}" stroke-dasharray="3 3"/>'
        )
        parts += axis.bands(usable, top, 16, BLUE)
        parts += axis.bands(excluded, top + 5, 11, ORANGE)
        parts.append(svg.axis_label(top + 8, name))
    parts += axis.times(height - FOOT, FOOT)
    return Chart(
        text("quality.strip"),
        "",
        svg.drawing("strip", text("quality.strip"), told, height, parts),
        (
            ("block", text("quality.usable_key")),
            ("low", text("quality.excluded_key")),
            ("empty", text("quality.gap_key")),
        ),
    )


def tachogram(axis: Axis, beats: Beats, words: HeartWords, gaps: Spans, marked: Spans = ()) -> Chart:
    """Intervals against time: normal ones as a line that bridges no gap and no excluded beat."""
    height = HEAD + 180 + axis.foot
    scale = _interval_scale(beats, HEAD + 6, height - axis.foot - 4)
    nn, x = beats.nn, axis.columns(beats.time_s)
    line = svg.path(x[nn], scale.at_all(beats.interval_ms[nn]), beats.pairs[nn])
    known = np.isfinite(beats.interval_ms)
    excluded, taken_out = ~nn & known & ~beats.excluded, beats.excluded & known
    y, others_y = (
        np.clip(scale.at_all(beats.interval_ms[rows]), scale.end + 1, scale.start - 1)
        for rows in (excluded, taken_out)
    )
    ticks = svg.stroke(svg.ticks_at(x[excluded], y, 9), ORANGE, 2)
    ticks += svg.stroke(svg.ticks_at(x[taken_out], others_y, 6), SOFT, 1) if np.any(taken_out) else ""
    content = [
        *axis.ground(height, "tacho-x", gaps, marked=marked),
        *levels(scale, 4),
        svg.stretched(svg.stroke(line, BLUE) + ticks, height),
    ]
    title = words.intervals
    shown = (
        ("line", words.interval, True),
        ("tick", text("course.excluded_interval"), bool(np.any(excluded))),
        ("marked", text("quality.marked_key"), bool(marked)),
        ("hatch", text("quality.gap_key"), bool(gaps)),
    )
    y = np.concatenate([y, others_y])
    at_edge = np.any((y <= scale.end + 1) | (y >= scale.start - 1))
    return Chart(
        title,
        text("units.ms"),
        svg.drawing("tacho", title, _intervals_told(axis, beats, words), height, content),
        tuple((swatch, said) for swatch, said, holds in shown if holds),
        _interval_table(axis, beats, title),
        text("course.at_edge") if at_edge else "",
    )


def _interval_scale(beats: Beats, top: float, bottom: float) -> Scale:
    """Room for all normal intervals, and for excluded ones that are not far off."""
    nn_ms = beats.interval_ms[beats.nn]
    if not len(nn_ms):
        return Scale(400.0, 1200.0, bottom, top)
    low, high = float(nn_ms.min()), float(nn_ms.max())
    reach = _REACH * max(high - low, _LEAST_RANGE_MS)
    others = beats.interval_ms[~beats.nn & np.isfinite(beats.interval_ms)]
    near = others[(others > low - reach) & (others < high + reach)]
    return Scale(*svg.rounded_range(np.concatenate([nn_ms, near]), _LEAST_RANGE_MS), bottom, top)


def _intervals_told(axis: Axis, beats: Beats, words: HeartWords) -> str:
    nn_ms = beats.interval_ms[beats.nn]
    if not len(nn_ms):
        return text("course.no_normal_interval", interval=words.interval)
    return text(
        "course.intervals_told",
        intervals=words.intervals,
        duration=clock(axis.duration_s),
        low=number(float(nn_ms.min())),
        high=number(float(nn_ms.max())),
        excluded=number(int(np.count_nonzero(~beats.nn))),
    )


def _interval_table(axis: Axis, beats: Beats, title: str) -> Table:
    rows = []
    for start_s, end_s in axis.table_steps():
        inside = beats.between(start_s, end_s)
        nn_ms = inside.interval_ms[inside.nn]
        told = (np.median(nn_ms), nn_ms.min(), nn_ms.max()) if len(nn_ms) else ()
        shown = [number(float(value)) for value in told] or [NONE] * 3
        rows.append([span(start_s, end_s), *shown, number(len(inside) - len(nn_ms))])
    return plain(text("page.as_table", title=title), texts("course.interval_head"), rows)


def span(start_s: float, end_s: float) -> str:
    """A stretch of time in words."""
    return text("grammar.from_to", start=clock(start_s), end=clock(end_s))


def skin(axis: Axis, eda: Eda, scrs: Responses, gaps: Spans, marked: Spans = ()) -> Chart:
    """Tonic level above, phasic part and responses below; excluded spans are greyed."""
    upper_px, lower_px = 118, 74
    edge = HEAD + upper_px
    height = edge + lower_px + axis.foot
    valid, x = eda.valid, axis.columns(eda.time_s)
    linked = (valid & np.append(False, valid[:-1]) & ~eda.after_gap)[valid]
    tonic, phasic = eda.tonic_us[valid], eda.phasic_us[valid]
    upper = Scale(*svg.rounded_range(tonic, 0.5), edge - 5, HEAD + 6)
    lower = Scale(*phasic_range(phasic), height - axis.foot - 14, edge + 9)
    clipped = phasic > lower.high
    onsets = axis.columns(scrs.onset_s)
    ticks = svg.ticks_at(onsets, np.full(len(onsets), height - axis.foot - 6.0), 8)
    content = [
        *axis.ground(height, "skin-x", gaps, spans_of(eda, ~valid & ~eda.marked), marked),
        *levels(upper, 3),
        svg.level(edge, GREY),
        *levels(lower, 3),
        svg.stretched(
            svg.stroke(svg.path(x[valid], upper.at_all(tonic), linked, smooth=True), BLUE, 1.75)
            + svg.stroke(
                svg.path(x[valid], lower.at_all(np.minimum(phasic, lower.high)), linked),
                ORANGE,
                1.25,
                "4 2",
            )
            + svg.stroke(ticks, INK, 1.25),
            height,
        ),
    ]
    shown = (
        ("line", text("course.tonic"), True),
        ("dash", text("course.phasic"), True),
        ("bar", text("course.response"), bool(len(scrs))),
        ("grey", text("course.artefact"), not np.all(valid | eda.marked)),
        ("marked", text("quality.marked_key"), bool(marked)),
        ("hatch", text("quality.gap_key"), bool(gaps)),
    )
    return Chart(
        text("course.skin_title"),
        text("units.us"),
        svg.drawing("skin", text("course.skin_title"), _skin_told(eda, scrs), height, content),
        tuple((swatch, said) for swatch, said, holds in shown if holds),
        _skin_table(axis, eda, scrs),
        text("course.phasic_beyond", high=number(float(phasic.max()), 1)) if np.any(clipped) else "",
    )


def phasic_range(phasic: Floats) -> tuple[float, float]:
    """Room for the phasic part, but for a rare spike that would flatten all the rest."""
    if not len(phasic):
        return svg.rounded_range(phasic, 0.2)
    usual = float(np.quantile(phasic, _USUAL))
    shown = phasic if phasic.max() <= _SPIKE * usual else phasic[phasic <= 1.5 * usual]
    return svg.rounded_range(shown, 0.2)


def _skin_told(eda: Eda, scrs: Responses) -> str:
    tonic = eda.tonic_us[eda.valid]
    if not len(tonic):
        return text("course.no_usable_skin")
    return text(
        "course.skin_told",
        low=number(float(tonic.min()), 2),
        high=number(float(tonic.max()), 2),
        responses=number(len(scrs)),
        excluded=percent(100 * float(np.mean(~eda.valid)), 1),
    )


def _skin_table(axis: Axis, eda: Eda, scrs: Responses) -> Table:
    rows = []
    for start_s, end_s in axis.table_steps():
        inside = eda.rows(start_s, end_s)
        valid = eda.valid[inside]
        mean = number(float(np.mean(eda.tonic_us[inside][valid])), 2) if np.any(valid) else NONE
        excluded = percent(100 * float(np.mean(~valid))) if len(valid) else NONE
        rows.append([span(start_s, end_s), mean, number(len(scrs.between(start_s, end_s))), excluded])
    return plain(text("page.as_table", title=text("course.skin_title")), texts("course.skin_head"), rows)


def spans_of(eda: Eda, chosen: Bools) -> list[tuple[float, float]]:
    """The stretches of samples that are chosen, as (start_s, end_s)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], chosen.astype(np.int8), [0]])))
    return [
        (float(eda.time_s[first]), float(eda.time_s[end - 1]) + 1 / eda.rate_hz)
        for first, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
    ]


def rate_course(
    axis: Axis,
    measure: Callable[[Floats, Floats], Floats],
    baseline: tuple[Phase, float] | None,
    words: HeartWords,
) -> Chart | None:
    """The rate in means of half a minute, and the baseline's level where breathing is free.

    `measure` gives (k,) means between (k,) starts and ends, NaN without one. None without a single mean.
    """
    block_s = max(_BLOCK_S, axis.duration_s / _MOST_BLOCKS)
    starts = np.arange(int(axis.duration_s // block_s), dtype=np.float64) * block_s
    means = measure(np.asarray(starts), np.asarray(starts + block_s))
    known = np.isfinite(means)
    if not np.any(known):
        return None
    values = means[known]
    height = HEAD + 120 + axis.foot
    around = np.append(values, baseline[1]) if baseline else values
    scale = Scale(*svg.rounded_range(around, 8.0), height - axis.foot - 4, HEAD + 6)
    x = axis.columns(np.asarray(starts + block_s / 2, dtype=np.float64))[known]
    y = scale.at_all(values)
    line = svg.path(x, y, (known & np.append(False, known[:-1]))[known])
    level = _baseline_level(axis, scale.at(baseline[1])) if baseline else ""
    dots = "".join(f"M{a:.4g} {b:.1f}h0" for a, b in zip(x.tolist(), y.tolist(), strict=True))
    drawn = svg.stroke(level, ORANGE, 1.25, "6 4") + svg.stroke(line, BLUE, 1.75) + svg.stroke(dots, BLUE, 5)
    content = [*axis.ground(height, "rate-x"), *levels(scale, 4), svg.stretched(drawn, height)]
    title = capitalised(words.rate)
    steps = axis.table_steps()
    over = measure(*(np.array(edge, dtype=np.float64) for edge in zip(*steps, strict=True)))
    rows = [
        [span(start_s, end_s), number(mean, 1) if np.isfinite(mean) else NONE]
        for (start_s, end_s), mean in zip(steps, over.tolist(), strict=True)
    ]
    legend = [("dots", text("change.block_means", seconds=number(block_s)))]
    told = [
        text("change.rate_told", rate=words.rate, low=number(values.min(), 1), high=number(values.max(), 1))
    ]
    if baseline:
        legend.append(("orange-dash", text("change.baseline_mean", baseline=baseline[0].name)))
        told.append(
            text("change.rate_baseline_told", baseline=baseline[0].name, level=number(baseline[1], 1))
        )
    return Chart(
        title,
        text("units.bpm"),
        svg.drawing("rate", title, " ".join(told), height, content),
        tuple(legend),
        plain(text("page.as_table", title=title), (text("course.time"), text("units.bpm")), rows),
    )


def _baseline_level(axis: Axis, y: float) -> str:
    """Path data of the baseline's level, broken where breathing is paced."""
    ends = axis.columns(
        np.array([[phase.start_s, phase.end_s] for phase in axis.phases if phase.pacer is None])
    )
    return "".join(f"M{start:.4g} {y:.1f}H{end:.4g}" for start, end in ends.tolist())


def ratings(axis: Axis, scale_name: str, values: Sequence[tuple[float, float]], key: str) -> Chart:
    """Self-report at its moments, never joined by a line."""
    axis = replace(axis, events=())
    height = HEAD + 70 + axis.foot
    low, high = min(0.0, *(value for _, value in values)), max(10.0, *(value for _, value in values))
    scale = Scale(low, high, height - axis.foot - 6, HEAD + 14)
    content = [*axis.ground(height, f"{key}-x"), *levels(scale, 2)]
    for at_s, value in values:
        share, y = axis.share(at_s), scale.at(value)
        content.append(f'<circle cx="{svg.percentage(share)}" cy="{y:.1f}" r="4.5" fill="{BLUE}"/>')
        content.append(svg.text(share, y - 7, exact(value), anchor="middle", fill=INK))
    title = text("course.rating_title", scale=scale_name)
    told = "; ".join(
        text("course.rating_told", value=exact(value), time=clock(at_s)) for at_s, value in values
    )
    rows = [[clock(at_s), exact(value)] for at_s, value in values]
    table = plain(text("page.as_table", title=title), (text("course.time"), text("course.rating")), rows)
    return Chart(title, "", svg.drawing(key, title, told, height, content), table=table)


def exact(value: float) -> str:
    """A number with a decimal only if it has one."""
    return number(value, 0 if value == round(value) else 1)


@dataclass(frozen=True, slots=True)
class Dot:
    """A phase's value in a comparison, None where there is none, and its interval if it has one."""

    name: str
    value: float | None
    paced: bool = False
    baseline: bool = False
    interval: tuple[float, float] | None = None


def comparison(key: str, title: str, quantity: Quantity, dots: Sequence[Dot]) -> Chart | None:
    """One measure across phases: unpaced first, paced apart and hollow; None if no phase has a value."""
    values = np.array([dot.value for dot in dots if dot.value is not None])
    if not len(values):
        return None
    around = np.append(values, [edge for dot in dots for edge in dot.interval or ()])
    ordered = sorted(dots, key=lambda dot: dot.paced)
    unpaced = sum(not dot.paced for dot in ordered)
    apart = 8 if 0 < unpaced < len(ordered) else 0
    height = _ROW * len(ordered) + apart + FOOT
    floor = 0.0 if quantity.key == "scr_per_min" else None
    low, high = svg.rounded_range(around, max(0.2 * float(np.abs(values).max()), 1e-6), floor)
    across = Scale(low, high, 0.02, 0.98)
    content = [svg.upright(across.at(value), 0, height - FOOT, svg.GRID) for value in svg.steps(low, high, 3)]
    baseline = next((dot.value for dot in dots if dot.baseline and dot.value is not None), None)
    if baseline is not None:
        content.append(svg.upright(across.at(baseline), 0, _ROW * unpaced, SOFT, "4 3"))
    if apart:
        content.append(svg.level(_ROW * unpaced + apart / 2, GREY))
    at = [_ROW * row + 12 + (apart if dot.paced else 0) for row, dot in enumerate(ordered)]
    content += _intervals(ordered, at, across, height)
    content += _dot_rows(ordered, at, across, quantity)
    content += _value_labels(across, height - 5)
    told = "; ".join(f"{dot.name}: {_value_told(dot, quantity)}" for dot in ordered)
    described = text("phases.compared_told", measure=title, values=told)
    return Chart(title, quantity.unit, svg.drawing(key, title, described, height, content, css="plot rows"))


def _value_told(dot: Dot, quantity: Quantity) -> str:
    return quantity.with_unit(dot.value) if dot.value is not None else text("phases.not_estimable")


def _value_labels(across: Scale, y: float) -> list[str]:
    values = svg.steps(across.low, across.high, 3)
    return [svg.text(across.at(value), y, _tick(value, values), anchor="middle") for value in values]


def _dot_rows(dots: Sequence[Dot], at: Sequence[float], across: Scale, quantity: Quantity) -> list[str]:
    """Each phase's name, its dot on a thin line, and the number."""
    lines = "".join(f'<line x2="100%" y1="{y}" y2="{y}"/>' for y in at)
    names, values, drawn = [], [], []
    for dot, y in zip(dots, at, strict=True):
        names.append(svg.text(0, y + 4, svg.shortened(dot.name, 18), dx=-8))
        values.append(svg.text(1, y + 4, NONE if dot.value is None else quantity.text(dot.value), dx=8))
        if dot.value is not None:
            look = f' fill="#fff" stroke="{ORANGE}" stroke-width="2"' if dot.paced else ""
            drawn.append(f'<circle cx="{svg.percentage(across.at(dot.value))}" cy="{y}" r="5"{look}/>')
    return [
        f'<g stroke="#eceff2">{lines}</g>',
        f'<g text-anchor="end" fill="{INK}">{"".join(names)}</g>',
        f'<g fill="{BLUE}">{"".join(drawn)}</g>',
        f'<g class="value" fill="{INK}">{"".join(values)}</g>',
    ]


def _intervals(dots: Sequence[Dot], at: Sequence[float], across: Scale, height: int) -> list[str]:
    """A bar for each interval, in the colour of its dot."""
    bars = {BLUE: "", ORANGE: ""}
    for dot, y in zip(dots, at, strict=True):
        if dot.interval is not None:
            start, end = (COLUMNS * across.at(edge) for edge in dot.interval)
            bars[ORANGE if dot.paced else BLUE] += f"M{start:.0f} {y:g}H{end:.0f}"
    drawn = "".join(svg.stroke(data, color, 2.5) for color, data in bars.items() if data)
    return [f'<g stroke-opacity=".45">{svg.stretched(drawn, height)}</g>'] if drawn else []


def spectrum(key: str, phase: str, found: Spectrum, *, paced: bool) -> Chart:
    """The density of one phase up to 0.4 Hz, on a scale of its own; a paced one is dashed."""
    height, top_hz = 150, _SHOWN_HZ[1]
    rows = found.frequency_hz <= top_hz
    density = found.psd_ms2_hz[rows] / _PER_THOUSAND
    scale = Scale(*svg.rounded_range(density, 1e-3, 0.0), height - FOOT - 2, 20)
    x = np.asarray(found.frequency_hz[rows] / top_hz * COLUMNS)
    linked = np.append(False, np.ones(max(len(x) - 1, 0), dtype=bool))[: len(x)]
    line = svg.stroke(
        svg.path(x, scale.at_all(density), linked), ORANGE if paced else BLUE, 1.75, "5 3" if paced else ""
    )
    edges = [share / top_hz for share in LF]
    content = [
        svg.band(edges[0], edges[1], 0, height - FOOT, "#f1f4f7"),
        *levels(scale, 4),
        svg.stretched(line, height),
        svg.text(sum(edges) / 2, 13, text("labels.lf_ms2"), anchor="middle"),
        svg.text((edges[1] + 1) / 2, 13, text("labels.hf_ms2"), anchor="middle"),
        svg.level(height - FOOT, SOFT),
        *(svg.text(at / top_hz, height - 5, number(at, 1), anchor="middle") for at in (0.1, 0.2, 0.3)),
        svg.text(1, height - 5, text("phases.up_to_hz"), anchor="end"),
    ]
    peak = found.peak_hz(*_SHOWN_HZ)
    told = (
        text("phases.spectrum_told", peak=number(peak, 3))
        if peak is not None
        else text("methods.no_spectrum")
    )
    title = text("phases.spectrum", phase=phase)
    return Chart(
        title,
        text("units.density"),
        svg.drawing(key, title, told, height, content),
        table=plain(text("page.as_table", title=title), texts("phases.spectrum_head"), _band_rows(found)),
    )


def _band_rows(found: Spectrum) -> list[list[str]]:
    edges = np.arange(0.04, 0.385, 0.03).tolist()
    return [
        [f"{number(low, 2)}{NONE}{number(low + 0.03, 2)}", number(found.band_power(low, low + 0.03))]
        for low in edges
        if low + 0.03 <= _SHOWN_HZ[1] + 1e-9
    ]


def levels(scale: Scale, about: int) -> list[str]:
    """Grid lines with labels at round values."""
    values = svg.steps(scale.low, scale.high, about)
    return [
        part
        for value in values
        for part in (svg.level(scale.at(value)), svg.axis_label(scale.at(value), _tick(value, values)))
    ]


def _tick(value: float, values: Sequence[float]) -> str:
    """A label with the decimals that the values beside it need."""
    decimals = next((d for d in range(4) if all(abs(v - round(v, d)) < 1e-9 for v in values)), 4)
    return number(value, decimals)
