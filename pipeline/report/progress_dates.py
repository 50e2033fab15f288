"""The dates that all charts of a client's sessions share, and the spans that their tables have a row for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from pipeline.grammar import day
from pipeline.language import text, texts
from pipeline.report import svg

INSET = 0.025  # of the width: no dot stands on an edge

_MOST_ROWS = 40
_DAY_S = 86_400
_WEEK_DAYS, _YEAR_DAYS = 7, 300


@dataclass(frozen=True, slots=True)
class Dates:
    """From a date to a share of the width."""

    first: datetime
    last: datetime

    @classmethod
    def of(cls, moments: Iterable[datetime]) -> Dates:
        """The dates from the first to the last of some moments."""
        found = sorted(moments)
        return cls(found[0], found[-1])

    @property
    def days(self) -> float:
        return (self.last - self.first).total_seconds() / _DAY_S

    def share(self, at: datetime) -> float:
        """Where a date lies, 0 to 1; in the middle if there is but one."""
        if self.days <= 0:
            return 0.5
        part = (at - self.first).total_seconds() / _DAY_S / self.days
        return INSET + (1 - 2 * INSET) * min(max(part, 0.0), 1.0)

    def edges(self, start: datetime, end: datetime) -> tuple[float, float]:
        """Shares around what lies between two dates, out to the edge of the plot at its ends."""
        first = 0.0 if start <= self.first else self.share(start) - INSET / 2
        last = 1.0 if end >= self.last else self.share(end) + INSET / 2
        return first, last

    def labels(self, y: float) -> list[str]:
        """The first and last date, and one between where there is room for it."""
        if self.days < 1:
            return [svg.text(0.5, y, day(self.first), anchor="middle")]
        told = month if self.days > _YEAR_DAYS else short_day
        parts = [svg.text(0, y, told(self.first)), svg.text(1, y, told(self.last), anchor="end")]
        if self.days >= _WEEK_DAYS:
            middle = told(self.first + (self.last - self.first) / 2)
            parts.append(svg.text(0.5, y, middle, anchor="middle", css="wide"))
        return parts


def short_day(at: date) -> str:
    """A date without its year, the month shortened."""
    return text("progress_page.short_day", day=at.day, month=_short_month(at))


def month(at: date) -> str:
    """A month, shortened, and its year."""
    return text("progress_page.short_month", month=_short_month(at), year=at.year)


def _short_month(at: date) -> str:
    return texts("progress_page.months")[at.month - 1]


def monday_of(at: date) -> date:
    """The Monday of a date's week."""
    return date(at.year, at.month, at.day) - timedelta(days=at.weekday())


def spans(moments: list[datetime]) -> list[tuple[str, list[int]]]:
    """What a table has rows for: each moment, or months, quarters or years if there are too many.

    Each with the places in `moments` of those in it.
    """
    if len(moments) <= _MOST_ROWS:
        return [(day(at), [place]) for place, at in enumerate(moments)]
    for name in (_month_of, _quarter_of, _year_of):
        rows: dict[str, list[int]] = {}
        for place, at in enumerate(moments):
            rows.setdefault(name(at), []).append(place)
        if len(rows) <= _MOST_ROWS:
            break
    return list(rows.items())


def _month_of(at: date) -> str:
    return month(at)


def _quarter_of(at: date) -> str:
    return text("progress_page.quarter", quarter=(at.month + 2) // 3, year=at.year)


def _year_of(at: date) -> str:
    return str(at.year)
