"""The pictures of a progress report, from what progress found: bands, levels and dots in a measure's unit."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time
from statistics import fmean

from pipeline.claims.practice import told_about
from pipeline.figures import HEART_RATE, NONE, RMSSD, SCL, SCR_RATE, Quantity, number
from pipeline.grammar import joined
from pipeline.language import plural, text, texts, told
from pipeline.progress.measures import Scale
from pipeline.progress.progress import Baseline, MeasureProgress, Role
from pipeline.progress.sessions import SessionValues
from pipeline.progress.transfer import Area
from pipeline.progress.transfer import Course as Followed
from pipeline.progress.verdicts import REFERENCE_N
from pipeline.report import progress_charts as drawn
from pipeline.report.charts import Chart
from pipeline.report.names import HeartWords, known, measure
from pipeline.report.progress_charts import Course, Dot, Level, Look, Stretch, Usual
from pipeline.report.progress_dates import spans
from pipeline.report.tables import Table, plain

QUANTITIES: Mapping[str, Quantity] = {
    "ln_rmssd": RMSSD,
    "mean_hr_bpm": HEART_RATE,
    "ln_scl": SCL,
    "scr_per_min": SCR_RATE,
}

_NORMAL_95 = 1.96
_ROOM = 1.5  # times the band: as far as limits may stretch a picture
_LEAST = {"ln_rmssd": 3.0, "mean_hr_bpm": 1.5, "ln_scl": 3.0, "scr_per_min": 6.0}
_LOOKS = {
    Role.HABITUATION: Look.HABITUATION,
    Role.REFERENCE: Look.COUNTED,
    Role.LATER: Look.COUNTED,
    Role.EARLIER: Look.APART,
    Role.LEFT_OUT: Look.APART,
}
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_SKIN = ("ln_scl", "scr_per_min")
_LEFT = "share_left_"  # may be below nothing: beyond the baseline
_UNITS = {"share": "percent", "ms": "ms", "bpm": "bpm", "µS": "us", "/min": "per_min"}
_FOUR_WEEKS_S = 28 * 86_400


@dataclass(frozen=True, slots=True)
class Ground:
    """What all pictures of a client need: when each session was, by its id, and what with."""

    moments: Mapping[str, datetime]
    sessions: tuple[SessionValues, ...]
    words: HeartWords

    def at(self, session_id: str) -> datetime | None:
        return self.moments.get(session_id)

    def day(self, iso: str, *, end: bool = False) -> datetime:
        """The first or last moment of a day on which there was a session, else its noon."""
        day = datetime.fromisoformat(iso).date()
        on_it = sorted(at for at in self.moments.values() if at.date() == day)
        if on_it:
            return on_it[-1 if end else 0]
        return datetime.combine(day, time(12), tzinfo=next(iter(self.moments.values())).tzinfo)


@dataclass(frozen=True, slots=True)
class Picture:
    """A chart, and what each letter in it stands for."""

    chart: Chart
    letters: tuple[tuple[str, str], ...] = ()


def standing(ground: Ground, found: MeasureProgress) -> Picture | None:
    """A measure's baselines around the reference and its band; None without a dated value."""
    placed = [(each, at) for each in found.baselines if (at := ground.at(each.session_id)) is not None]
    dots = tuple(Dot(at, each.value, _LOOKS[each.role], each.low, each.high) for each, at in placed)
    stretches = _stretches(ground, found.measure)
    course = Course(
        dots,
        usual=usual(ground, found),
        latest=_latest(ground, found),
        means=_means([dot for dot in dots if dot.look is Look.COUNTED], found.scale),
        trend=_trend(placed, found),
        stretches=tuple(Stretch(letter, start) for letter, start, _ in stretches),
    )
    title = text("progress_page.at_rest", measure=measure(found.measure, ground.words))
    key = f"standing-{found.measure.replace('_', '-')}"
    chart = drawn.course(
        key,
        title,
        QUANTITIES[found.measure].unit,
        _told(found, title),
        course,
        log=found.scale is Scale.LN,
        least=_LEAST[found.measure],
        legend=_legend(course),
        table=_table(title, placed, QUANTITIES[found.measure]),
    )
    if chart is None:
        return None
    shown = stretches if len(stretches) > 1 else []
    return Picture(chart, tuple((letter, name) for letter, _, name in shown))


def calm(ground: Ground, found: MeasureProgress) -> Chart | None:
    """The client's picture: dots, the band of usual ups and downs, no numbers; None without a value."""
    dated = [
        (at, each.value, each.role)
        for each in found.baselines
        if (at := ground.at(each.session_id)) is not None and each.value is not None
    ]
    moved = any(role is Role.EARLIER for _, _, role in dated)
    shown = (Role.REFERENCE, Role.LATER) if moved else (Role.HABITUATION, Role.REFERENCE, Role.LATER)
    placed = [(at, value, _LOOKS[role]) for at, value, role in dated if role in shown]
    band = usual(ground, found)
    plain_band = replace(band, limits=()) if band else None
    title = text("progress_page.client.picture")
    note = text("progress_page.client.picture_note" if band else "progress_page.client.no_band_note")
    return drawn.course(
        "calm",
        title,
        "",
        text("progress_page.client.picture_told" if band else "progress_page.client.no_band_told"),
        Course(tuple(Dot(at, value, look) for at, value, look in placed), usual=plain_band, reference=False),
        log=found.scale is Scale.LN,
        least=_LEAST[found.measure],
        numbers=False,
        legend=_calm_legend(placed, band),
        table=_places(title, placed, band) if band else None,
        note=" ".join([note, *([text("progress_page.client.earlier_note")] if moved else [])]),
    )


def _calm_legend(placed: Sequence[tuple[datetime, float, Look]], band: Usual | None) -> list[tuple[str, str]]:
    looks = {look for _, _, look in placed}
    shown = (
        ("counted", "own", Look.COUNTED in looks),
        ("habituation", "first", Look.HABITUATION in looks),
        ("usual", "band", band is not None),
    )
    return [(css, text(f"progress_page.legend.{key}")) for css, key, holds in shown if holds]


def _places(title: str, placed: Sequence[tuple[datetime, float, Look]], band: Usual) -> Table:
    """Where each session lies beside the band, in words; of many, how many lie where."""
    rows = []
    for name, places in spans([at for at, _, _ in placed]):
        where = [_place(placed[place][1], band) for place in places]
        said = [
            text(f"progress_page.places.{key}")
            if len(where) == 1
            else text(
                "progress_page.client.counted",
                where=text(f"progress_page.places.{key}"),
                count=where.count(key),
            )
            for key in ("inside", "above", "below")
            if key in where
        ]
        rows.append([name, joined(said)])
    return plain(
        text("page.as_table", title=title), texts("progress_page.client.picture_head"), rows, words=True
    )


def _place(value: float, band: Usual) -> str:
    return "above" if value > band.high else "below" if value < band.low else "inside"


def usual(ground: Ground, found: MeasureProgress) -> Usual | None:
    """The reference with the band that nineteen of twenty single sessions would lie in if nothing changed."""
    reference = found.reference
    if reference is None or not ground.moments:
        return None
    reach = _NORMAL_95 * found.reliability.sigma
    return Usual(
        ground.day(reference.first),
        max(ground.moments.values()),
        reference.value,
        _moved(found.scale, reference.value, -reach),
        _moved(found.scale, reference.value, reach),
        _limits(found, reference.value, _ROOM * reach),
    )


def _limits(found: MeasureProgress, reference: float, most: float) -> tuple[float, ...]:
    """What a mean of five has to pass; none where it is so far off that it would press all else together."""
    changes = (found.detectable_down, found.detectable)
    limits = tuple(_changed(found, change) for change in changes if change is not None)
    low, high = (_moved(found.scale, reference, by) for by in (-most, most))
    return limits if all(low <= limit <= high for limit in limits) else ()


def _means(dots: Sequence[Dot], scale: Scale | None) -> tuple[Level, ...]:
    """The means of each five sessions, where there are too many to look at one by one."""
    known = [(dot.at, dot.value) for dot in dots if dot.value is not None]
    if not drawn.many(len(known)):
        return ()
    blocks = (known[start : start + REFERENCE_N] for start in range(0, len(known), REFERENCE_N))
    return tuple(
        Level(block[0][0], block[-1][0], _mean([value for _, value in block], scale))
        for block in blocks
        if len(block) == REFERENCE_N
    )


def _mean(values: Sequence[float], scale: Scale | None) -> float:
    """A mean on the scale that a measure is compared on, if there is one, in its unit."""
    if scale is None:
        return fmean(values)
    if scale is Scale.LN:
        return math.exp(fmean(math.log(value) for value in values))
    return fmean(math.sqrt(max(value, 0.0)) for value in values) ** 2


def _moved(scale: Scale, value: float, by: float) -> float:
    """A value in its unit, moved on its scale."""
    if scale is Scale.LN:
        return value * math.exp(by)
    return max(math.sqrt(max(value, 0.0)) + by, 0.0) ** 2


def _changed(found: MeasureProgress, change: float) -> float:
    """The reference after a change as it is told: a ratio, or in the unit."""
    assert found.reference is not None
    value = found.reference.value
    return value * change if found.scale is Scale.LN else max(value + change, 0.0)


def _latest(ground: Ground, found: MeasureProgress) -> Level | None:
    """The latest level, with the interval of its change from the reference."""
    level, change = found.latest, found.change
    if level is None or found.reference is None or change is None:
        return None
    low, high = (_changed(found, end) for end in (change.low, change.high))
    return Level(ground.day(level.first), ground.day(level.last, end=True), level.value, low, high)


def _trend(
    placed: Sequence[tuple[Baseline, datetime]], found: MeasureProgress
) -> tuple[tuple[datetime, float], tuple[datetime, float]] | None:
    """The ends of the trend's line: its slope, through the median of what is left of each baseline."""
    counted = [
        (at, each.value)
        for each, at in placed
        if each.value is not None and each.role in (Role.REFERENCE, Role.LATER)
    ]
    change = found.trend.change
    if change is None or len(counted) < 2 or (found.scale is Scale.LN and change <= 0):
        return None
    slope = math.log(change) if found.scale is Scale.LN else change
    start, end = counted[0][0], counted[-1][0]
    scaled = [math.log(value) if found.scale is Scale.LN else value for _, value in counted]
    left = sorted(
        value - slope * (at - start).total_seconds() / _FOUR_WEEKS_S
        for (at, _), value in zip(counted, scaled, strict=True)
    )
    middle = (left[(len(left) - 1) // 2] + left[len(left) // 2]) / 2
    last = middle + slope * (end - start).total_seconds() / _FOUR_WEEKS_S
    first_value, last_value = (math.exp(v) if found.scale is Scale.LN else v for v in (middle, last))
    return (start, first_value), (end, last_value)


def _stretches(ground: Ground, name: str) -> list[tuple[str, datetime, str]]:
    """Each run of sessions with one sensor: letter, start, what it was. Those without one belong to none."""
    runs: list[tuple[str, datetime, str]] = []
    for session in ground.sessions:
        at, what = ground.at(session.session_id), _sensor(session, name)
        if at is None or what is None or (runs and runs[-1][2] == what):
            continue
        runs.append((_LETTERS[len(runs) % len(_LETTERS)], at, what))
    return runs


def _sensor(session: SessionValues, name: str) -> str | None:
    """What a session's values of a measure came from, in words; None if there was nothing."""
    parts: tuple[str | None, ...]
    if name in _SKIN:
        parts = (session.eda_device, session.eda_site)
    else:
        source = known("streams", session.beat_source) if session.beat_source else None
        parts = (session.device, source)
    return ", ".join(part for part in parts if part) or None


def _legend(course: Course) -> list[tuple[str, str]]:
    looks = {dot.look for dot in course.dots if dot.value is not None}
    shown = (
        ("counted", Look.COUNTED in looks),
        ("habituation", Look.HABITUATION in looks),
        ("apart", Look.APART in looks),
        ("usual", course.usual is not None),
        ("limits", course.usual is not None and bool(course.usual.limits)),
        ("reference", course.usual is not None),
        ("means", bool(course.means)),
        ("latest", course.latest is not None),
        ("trend", course.trend is not None),
        ("device", len(course.stretches) > 1),
    )
    return [(key, text(f"progress_page.legend.{key}")) for key, holds in shown if holds]


def _told(found: MeasureProgress, title: str) -> str:
    """The picture in words: how many values, between what, and the band."""
    quantity = QUANTITIES[found.measure]
    values = [each.value for each in found.baselines if each.value is not None]
    if not values:
        return title
    told = [
        plural(
            "progress_page.course_told",
            len(values),
            title=title,
            low=quantity.text(min(values)),
            high=quantity.with_unit(max(values)),
        )
    ]
    if found.reference is not None:
        reach = _NORMAL_95 * found.reliability.sigma
        low, high = (_moved(found.scale, found.reference.value, by) for by in (-reach, reach))
        told.append(
            text(
                "progress_page.usual_told",
                reference=quantity.with_unit(found.reference.value),
                low=quantity.text(low),
                high=quantity.with_unit(high),
            )
        )
    return " ".join(told)


def _table(title: str, placed: Sequence[tuple[Baseline, datetime]], quantity: Quantity) -> Table:
    """A row a session; of many, a row a month, quarter or year."""
    rows = []
    for name, places in spans([at for _, at in placed]):
        inside = [placed[place][0] for place in places]
        values = sorted(each.value for each in inside if each.value is not None)
        counted = sum(each.role in (Role.REFERENCE, Role.LATER) for each in inside)
        shown = [quantity.text(v) for v in (_median(values), values[0], values[-1])] if values else [NONE] * 3
        rows.append([name, *shown, number(len(inside)), number(counted)])
    return plain(text("page.as_table", title=title), texts("progress_page.course_head"), rows)


def _median(values: Sequence[float]) -> float:
    return (values[(len(values) - 1) // 2] + values[len(values) // 2]) / 2


def followed(ground: Ground, course: Followed, key: str) -> Chart | None:
    """One quantity of transfer over the sessions; None without a dated value."""
    look = Look.PACED if course.area is Area.PACED else Look.COUNTED
    placed = [(point, at) for point in course.points if (at := ground.at(point.session_id)) is not None]
    title = followed_title(course, ground.words)
    as_share = course.unit == "share"
    values = [(at, 100 * point.value if as_share else point.value) for point, at in placed]
    if not values:
        return None
    low, high = (number(end, 1) for end in (min(v for _, v in values), max(v for _, v in values)))
    dots = tuple(Dot(at, value, look) for at, value in values)
    means = _means(dots, None)
    rows = []
    for name, places in spans([at for at, _ in values]):
        inside = sorted(values[place][1] for place in places)
        rows.append(
            [name, *(number(v, 1) for v in (_median(inside), inside[0], inside[-1])), number(len(inside))]
        )
    return drawn.course(
        key,
        title,
        unit_of(course),
        plural("progress_page.course_told", len(values), title=title, low=low, high=high),
        Course(
            dots,
            means=means,
            marks=(0.0,) if course.quantity.startswith(_LEFT) else (),
        ),
        least=100.0 if as_share else 4.0,
        floor=0.0 if as_share and not course.quantity.startswith(_LEFT) else None,
        table=plain(text("page.as_table", title=title), texts("progress_page.followed_head"), rows),
        note=text("progress_page.means_note") if means else "",
    )


def unit_of(course: Followed) -> str:
    """The unit of a quantity, as it is written."""
    return text(f"units.{_UNITS[course.unit]}") if course.unit in _UNITS else course.unit


def followed_title(course: Followed, words: HeartWords) -> str:
    """What a quantity of transfer is called, and what it belongs to."""
    if course.area is Area.REST:
        return measure(course.quantity, words)
    kind, _, name = course.quantity.partition("_left_")
    kind, _, name = course.quantity.partition("_time_") if not name else (kind, "", name)
    about = measure(name, words) if name else ""
    told = text(f"progress_page.quantities.{kind}", measure=about)
    return text("progress_page.about", name=told, about=_about(course)) if course.about else told


def _about(course: Followed) -> str:
    about = told(told_about(course))
    return text("progress_page.a_minute", rate=about) if course.area is Area.PACED else about
