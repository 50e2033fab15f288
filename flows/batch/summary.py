"""summary.html: what a batch found, read, analysed and excluded, and how good it is, on one page for a phone.

Nothing is fetched from anywhere. What comes from files stands on it escaped.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np

from flows.batch.sensitivity import beats_of
from pipeline.exclusions import ALL, WITHHELD, Exclusion, Signal, Status, Step, flow, withheld
from pipeline.figures import NONE, number, percent, shortest
from pipeline.language import plural, text, texts
from pipeline.model import Floats
from pipeline.report import svg
from pipeline.report.charts import Chart
from pipeline.report.pages import environment, style
from pipeline.report.svg import Scale
from pipeline.report.tables import Table, plain

Rows = Sequence[Mapping[str, Any]]

_STYLES = ("style.css", "batch.css")
_BINS = 20
_HEIGHT, _FOOT, _HEAD = 132, 22, 16
_MOST_LISTED = 200  # recordings that could not be used; recordings.parquet has them all
_FEATURES = (("mean_hr_bpm", 1), ("rmssd_ms", 1), ("sdnn_ms", 1), ("scl_us", 2), ("scr_per_min", 1))
_QUALITY = (
    ("nn_coverage", 100.0, Signal.HEART),
    ("artefact_pct", 1.0, Signal.HEART),
    ("eda_coverage", 100.0, Signal.SKIN),
)


def render_summary(
    recordings: Rows,
    broken: Sequence[Exclusion],
    *,
    windows: int,
    notices: Sequence[str],
    origin: Mapping[str, str],
) -> str:
    """The page. `recordings` are rows of recordings.parquet; `origin` what it takes to reproduce it."""
    steps = flow(recordings, broken)
    return (
        environment()
        .get_template("batch.html.j2")
        .render(
            css="\n".join(style(name) for name in _STYLES),
            figures=_figures(steps, windows),
            notices=notices,
            flow=_flow_table(steps),
            formats=_formats(recordings),
            unused=_unused(recordings),
            charts=[chart for each in _QUALITY if (chart := _histogram(recordings, *each))],
            groups=_groups(_without(recordings, broken)),
            origin=[(text(f"batch.origin.{key}"), value) for key, value in origin.items() if value],
            anchors={},
        )
    )


def _figures(steps: Sequence[Step], windows: int) -> list[tuple[str, str]]:
    """Number and what it counts, of all groups together."""
    counts: Counter[str] = Counter()
    for step in steps:
        if step.group == ALL:
            counts[step.stage] += step.units
    shown = ("found", "readable", Status.ANALYSED, Status.EXCLUDED)
    figures = [(number(counts[stage]), text(f"batch.stage.{stage}")) for stage in shown]
    return [*figures, (number(windows), text("batch.windows"))]


def _flow_table(steps: Sequence[Step]) -> Table:
    """A row for each stage and reason, a column for each group."""
    groups = list(dict.fromkeys(step.group for step in steps))
    units = {(step.stage, step.reason, step.group): step.units for step in steps}
    order = {stage: place for place, stage in enumerate(_STAGES)}
    kinds = sorted({key[:2] for key in units}, key=lambda kind: (order[kind[0]], kind[1]))
    rows = [[_stage(*kind), *(number(units.get((*kind, group), 0)) for group in groups)] for kind in kinds]
    heads = [text("batch.stage.head"), *(text("batch.all") if group == ALL else group for group in groups)]
    return plain(text("batch.flow.caption"), heads, rows)


_STAGES = (
    *("found", Status.REFUSED, Status.FAILED, "readable"),
    *(Status.DUPLICATE, Status.EXCLUDED, Status.ANALYSED, WITHHELD),
)


def _stage(stage: str, reason: str) -> str:
    said = text(f"batch.stage.{stage.replace(' ', '_')}")
    if not reason:
        return said
    signal, rule = reason.split(": ")
    return text("batch.stage.because", stage=said, signal=text(f"batch.signal.{signal}"), rule=rule)


def _formats(recordings: Rows) -> Table:
    counts = Counter(row["source"] for row in recordings if row.get("source"))
    rows = [[name, number(count)] for name, count in sorted(counts.items())]
    return plain(text("batch.formats.caption"), texts("batch.formats.head"), rows)


def _unused(recordings: Rows) -> Table:
    """Every recording that was not analysed, and why."""
    unused = [row for row in recordings if row["status"] != Status.ANALYSED]
    rows = [
        [str(row["recording_id"]), text(f"batch.stage.{row['status']}"), str(row.get("reason") or NONE)]
        for row in unused[:_MOST_LISTED]
    ]
    if len(unused) > _MOST_LISTED:
        rows.append([plural("batch.more", len(unused) - _MOST_LISTED), "", ""])
    return plain(text("batch.unused.caption"), texts("batch.unused.head"), rows, words=True)


def _without(recordings: Rows, broken: Sequence[Exclusion]) -> Rows:
    """The rows without what excluded signals gave, which recordings.parquet keeps."""
    by_unit: dict[str, list[Exclusion]] = defaultdict(list)
    for each in broken:
        by_unit[each.unit].append(each)
    return [
        {**row, **dict.fromkeys(withheld(by_unit.get(str(row["recording_id"]), ())))} for row in recordings
    ]


def _groups(recordings: Rows) -> Table:
    """Mean and standard deviation over whole recordings, for all and by group."""
    kept = [row for row in recordings if row["status"] == Status.ANALYSED]
    named = sorted({row["group"] for row in kept if isinstance(row.get("group"), str)})
    sources = sorted({beats_of(row.get("beat_source")) for row in kept})
    rows = []
    for group, beats in product((ALL, *named), sources):
        own = [
            row
            for row in kept
            if group in (ALL, row.get("group")) and beats == beats_of(row.get("beat_source"))
        ]
        cells = [_mean_and_sd(_numbers(own, name), decimals) for name, decimals in _FEATURES]
        said = text("batch.all") if group == ALL else group
        rows += [[_named(said, beats), number(len(own)), *cells]] if own else []
    return plain(text("batch.groups.caption"), texts("batch.groups.head"), rows)


def _named(group: str, beats: str) -> str:
    """A group with the kind of its beats."""
    if not beats:
        return text("batch.groups.without", group=group)
    return text("batch.groups.from", group=group, beats=text(f"batch.beats.{beats}"))


def _mean_and_sd(values: Floats, decimals: int) -> str:
    if not len(values):
        return NONE
    spread = number(float(values.std(ddof=1)), decimals) if len(values) > 1 else NONE
    return text("batch.mean_and_sd", mean=number(float(values.mean()), decimals), sd=spread)


def _histogram(recordings: Rows, name: str, factor: float, signal: Signal) -> Chart | None:
    """How many recordings have how much of a quality, in percent; None where none has any."""
    kept = [row for row in recordings if row["status"] in (Status.ANALYSED, Status.EXCLUDED)]
    has = [row for row in kept if signal is Signal.SKIN or row.get("beat_source")]
    values = factor * _numbers(has, name)
    if not len(values):
        return None
    counts = np.histogram(np.clip(values, 0, 100), bins=_BINS, range=(0.0, 100.0))[0]
    title, middle = text(f"batch.quality.{name}"), float(np.median(values))
    told = plural("batch.quality.told", len(values), median=percent(middle, 1))
    rows = [
        [text("batch.quality.span", low=shortest(low), high=shortest(low + 100 / _BINS)), number(int(count))]
        for low, count in zip(np.arange(_BINS) * 100 / _BINS, counts, strict=True)
        if count
    ]
    return Chart(
        title,
        text("batch.quality.unit"),
        svg.drawing(f"q-{name}", title, told, _HEIGHT, _bars(counts)),
        (),
        plain(text("page.as_table", title=title), texts("batch.quality.head"), rows),
        told,
    )


def _bars(counts: np.ndarray[Any, np.dtype[np.intp]]) -> list[str]:
    most, base = int(counts.max()), _HEIGHT - _FOOT
    scale = Scale(0.0, float(most), base, _HEAD)
    bars = [
        svg.band(
            (place + 0.08) / _BINS, (place + 0.92) / _BINS, scale.at(count), base - scale.at(count), svg.BLUE
        )
        for place, count in enumerate(counts.tolist())
        if count
    ]
    marks = [svg.text(share, base + 16, percent(100 * share), anchor=anchor) for share, anchor in _MARKS]
    levels = [
        svg.level(base, svg.INK),
        svg.axis_label(base, number(0)),
        svg.axis_label(scale.at(most), number(most)),
    ]
    return [svg.level(scale.at(most)), *bars, *levels, *marks]


_MARKS = ((0.0, "start"), (0.5, "middle"), (1.0, "end"))


def _numbers(rows: Rows, name: str) -> Floats:
    """The values that are there."""
    found = [row.get(name) for row in rows]
    return np.array([value for value in found if value is not None and value == value], dtype=np.float64)
