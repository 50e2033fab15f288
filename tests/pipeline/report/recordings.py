"""Small made-up recordings, and what a page says in plain structure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

import numpy as np

from pipeline.model import Gap, Marker, Pacer, Phase, PhaseKind, Rating, Recording, Stream

GUIDED = (
    Phase("Baseline", PhaseKind.BASELINE, 0.0, 180.0),
    Phase("Challenge", PhaseKind.STRESSOR, 180.0, 360.0, strategy="serial subtraction"),
    Phase("Recovery", PhaseKind.RECOVERY, 360.0, 660.0),
    Phase("Paced breathing", PhaseKind.PACED, 660.0, 840.0, pacer=Pacer(6.0)),
)
GAP = Gap(500.0, 520.0, "connection lost", 24)


def beats(duration_s: float, name: str = "rr", gap: Gap | None = None) -> Stream:
    """About 66 beats a minute, 78 in minutes 3 to 6, with breathing, noise and an ectopic beat a minute."""
    rng = np.random.default_rng(7)
    time_s, intervals = [0.0], []
    while time_s[-1] < duration_s:
        now = time_s[-1]
        mean = 770.0 if 180 <= now < 360 else 900.0
        interval = mean + 35 * np.sin(2 * np.pi * 0.25 * now) + rng.normal(0, 12)
        intervals.append(interval * (0.7 if len(intervals) % 66 == 40 else 1.0))
        time_s.append(now + intervals[-1] / 1000)
    ends, interval_ms = np.array(time_s[1:]), np.array(intervals)
    kept = np.ones(len(ends), dtype=bool)
    if gap is not None:
        kept = (ends < gap.start_s) | (ends > gap.end_s)
    return Stream(name, ends[kept], {f"{name}_ms": interval_ms[kept]}, gaps=(gap,) if gap else ())


def conductance(duration_s: float, rate_hz: float = 4.0) -> Stream:
    """A level that rises by a third in minutes 3 to 6, with responses, and a spike that no skin makes."""
    time_s = np.arange(int(duration_s * rate_hz)) / rate_hz
    eda_us = 4 + 1.4 * ((time_s >= 190) & (time_s < 370)) + 0.3 * np.maximum(np.sin(time_s / 4), 0) ** 4
    eda_us[400:408] = 80.0
    return Stream("eda", time_s, {"eda_us": eda_us}, rate_hz=rate_hz)


def recording(duration_s: float = 840.0, **changes: Any) -> Recording:
    """A guided session with everything in it, or what is asked for instead."""
    facts: dict[str, Any] = {
        "recording_id": "r1",
        "source": "session",
        "sha256": "ab" * 32,
        "duration_s": duration_s,
        "streams": {"rr": beats(duration_s, gap=GAP), "eda": conductance(duration_s)},
        "started_at": datetime(2026, 3, 1, 9, 5, tzinfo=UTC),
        "client": "a-014",
        "protocol": "guided-session",
        "phases": GUIDED,
        "markers": (Marker(130.0, "note", "door bell"), Marker(400.0, "span", "talking", end_s=430.0)),
        "ratings": (Rating(170.0, "distress", 2.0), Rating(355.0, "distress", 7.5)),
        "units": {"eda": "µS, as stored"},
    }
    return Recording(**(facts | changes))


@dataclass
class Page(HTMLParser):
    """What stands in a page: tags, headings, words, and null cells with their titles."""

    text: list[str] = field(default_factory=list)
    tags: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    headings: list[tuple[int, str]] = field(default_factory=list)
    open: list[str] = field(default_factory=list)

    _VOID = ("meta", "link", "br", "img")

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self._VOID:
            self.open.append(tag)
        if tag in ("h1", "h2", "h3", "h4"):
            self.headings.append((int(tag[1]), ""))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag, tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open[-1:]:
            self.text.append(data)
        for tag in self.open[::-1]:
            if tag in ("h1", "h2", "h3", "h4"):
                level, words = self.headings[-1]
                self.headings[-1] = (level, words + data)
                break

    @property
    def words(self) -> str:
        """All that a person can read, on one line."""
        return " ".join(" ".join(self.text).split())

    def all(self, tag: str, **attributes: str) -> list[dict[str, str | None]]:
        """The attributes of each such tag."""
        wanted = {name.rstrip("_"): value for name, value in attributes.items()}
        return [found for name, found in self.tags if name == tag and wanted.items() <= found.items()]


def page_of(html: str) -> Page:
    """The page, which must be well formed."""
    page = Page()
    page.feed(html)
    page.close()
    assert page.open == []
    return page
