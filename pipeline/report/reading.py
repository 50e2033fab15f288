"""What each metric is, and what it is not: a term that every place which shows the metric links to."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.grammar import capitalised
from pipeline.language import text, texts
from pipeline.report.names import FROM_PULSE, HeartWords, label, measure

# In the order of the page; the catalogue has `reading.<id>.term` and `reading.<id>.text`.
_TERMS = (
    "usable",
    "rate",
    "rmssd",
    "sdnn",
    "lf_hf",
    "skin",
    "breathing",
    "arousal",
    "interval",
    "left",
    "half_time",
    "distress",
    "one_session",
    "proxies",
)
_LABELS = {
    "mean_hr_bpm": "rate",
    "rmssd_ms": "rmssd",
    "sdnn_ms": "sdnn",
    "lf_ms2": "lf_hf",
    "hf_ms2": "lf_hf",
    "scl_us": "skin",
    "scr_per_min": "skin",
    "scr_amplitude_us": "skin",
}
_MEASURES = {"mean_hr_bpm": "rate", "ln_rmssd": "rmssd", "ln_scl": "skin", "scr_per_min": "skin"}
_SAID = {
    "phases.arousal": "arousal",
    "arousal.title": "arousal",
    "phases.breathing": "breathing",
    "breathing_chart.title": "breathing",
    "course.skin_title": "skin",
    "phases.responses": "skin",
    "quality.usable_beats": "usable",
    "quality.usable_eda": "usable",
}
_HEADS = {
    ("beside.head", 1): "distress",
    ("beside.head", 2): "distress",
    ("beside.head", 3): "arousal",
    ("beside.head", 4): "arousal",
    ("change.head", 2): "interval",
    ("change.head", 5): "left",
    ("recovery_chart.table_head", 1): "half_time",
    ("recovery_chart.table_head", 4): "left",
    ("since_last.head", 1): "rate",
    ("since_last.head", 4): "skin",
    ("since_last.head", 5): "distress",
}


@dataclass(frozen=True, slots=True)
class Term:
    """A metric, what it is and is not, and the id that links go to."""

    id: str
    term: str
    text: str


def terms(words: HeartWords) -> tuple[Term, ...]:
    """All of them, with the pulse's own caution where beats come from there."""
    filled = {"rate": capitalised(words.rate), "variability": words.variability}
    return tuple(
        Term(each, text(f"reading.{each}.term", **filled), text(f"reading.{each}.text", **filled))
        for each in (*_TERMS, *(["pulse"] if words is FROM_PULSE else []))
    )


def anchors(words: HeartWords) -> dict[str, str]:
    """The id of the term that goes with a word on the page: heads of columns and rows, titles of charts."""
    return {
        **{label(key, words): term for key, term in _LABELS.items()},
        **{measure(key, words): term for key, term in _MEASURES.items()},
        **{text(key): term for key, term in _SAID.items()},
        **{texts(key)[place]: term for (key, place), term in _HEADS.items()},
    }
