"""What the live page shows at a moment, in one form: what is stored of it, and what the page gets.

The recorder makes it once a second from its own live values and the latest answer of the analysis; a replay
makes it again from the stored records. numpy at most: it is part of the recorder.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from pipeline.live.indices import SHOWN_NAMES, LiveIndices, Shown

WARMING_UP = "warming up"
OUTDATED_S = 20.0  # session time; an answer is asked for every 5 s

_NUMBERS = ("arousal", "rhythm_concentration", "resp_rate_bpm")  # of the analysis; each has a reason if None
_COURSE = (
    "heart_rate_bpm",
    "rmssd_ms",
    "scl_us",
    "scr_per_min",
    "arousal",
    "rhythm_concentration",
    "resp_rate_bpm",
)


@dataclass(frozen=True, slots=True)
class Row:
    """A measure in the baseline, in the running phase so far, and the difference; None, and `why`, if not.

    `digits` is how many decimals a page shows of it.
    """

    name: str
    unit: str
    digits: int
    baseline: float | None = None
    phase: float | None = None
    difference: float | None = None
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """The running phase against the baseline; `seconds` of the phase so far, pauses left out."""

    baseline: str | None = None
    phase: str | None = None
    seconds: float = 0.0
    rows: tuple[Row, ...] = ()

    def message(self) -> dict[str, Any]:
        """The page's topic `table`."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Analysed:
    """What the analysis says of the session up to `at_s`, from the records up to `upto`.

    Each value or None, and then `reasons` has why. `at_s` None: there is no analysis at present.
    """

    at_s: float | None = None
    upto: int | None = None
    arousal: float | None = None
    arousal_low: float | None = None
    arousal_high: float | None = None
    arousal_basis: str | None = None
    rhythm_concentration: float | None = None
    resp_rate_bpm: float | None = None
    resp_source: str | None = None
    resp_confidence: float | None = None
    table: Comparison = field(default_factory=Comparison)
    reasons: Mapping[str, str] = field(default_factory=dict)

    @property
    def record(self) -> dict[str, Any]:
        """What a journal record of it holds: enough to compute it again, or why there is none."""
        if self.at_s is None:
            return {"why": self.reasons[_NUMBERS[0]]}
        return {"at_s": self.at_s, "upto": self.upto}

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> Self:
        """From the JSON object that `dataclasses.asdict` makes of one, every number as it was."""
        table = facts["table"]
        rows = tuple(Row(**row) for row in table["rows"])
        return cls(**{**facts, "table": Comparison(**{**table, "rows": rows})})


def unanalysed(why: str) -> Analysed:
    """No analysis, and why: while it warms up, or after it stopped."""
    return Analysed(reasons=dict.fromkeys(_NUMBERS, why))


def shown_at(live: LiveIndices, now_s: float) -> Shown:
    """The live values at `now_s`; never raises: they are not worth a recording."""
    try:
        return live.at(now_s)
    except Exception as error:
        failed = f"live values failed ({type(error).__name__})"
        return Shown(reasons=dict.fromkeys(SHOWN_NAMES, failed))


def shown_facts(now_s: float, shown: Shown, analysed: Analysed, phase: str | None) -> dict[str, Any]:
    """What a SHOWN record holds, flat, always the same keys; a row of shown.parquet.

    `phase` is the running phase's name. `reasons` tells of each value that is None why, as "name: why"
    joined by "; "; None where there is nothing to tell.
    """
    current = _current(now_s, analysed)
    why = {**{name: shown.reasons[name] for name in SHOWN_NAMES if name in shown.reasons}, **current.reasons}
    return {
        "time_s": now_s,
        "phase": phase,
        **{name: getattr(shown, name) for name in SHOWN_NAMES},
        "arousal": current.arousal,
        "arousal_low": current.arousal_low,
        "arousal_high": current.arousal_high,
        "arousal_basis": current.arousal_basis,
        "rhythm_concentration": current.rhythm_concentration,
        "resp_rate_bpm": current.resp_rate_bpm,
        "resp_source": current.resp_source,
        "resp_confidence": current.resp_confidence,
        "analysed_s": current.at_s,
        "reasons": "; ".join(f"{name}: {words}" for name, words in why.items()) or None,
    }


def values(now_s: float, shown: Shown, analysed: Analysed) -> dict[str, Any]:
    """The page's topic `values`: what `shown_facts` stores, each value beside why it is None."""
    current = _current(now_s, analysed)

    def value(held: Shown | Analysed, name: str, **more: Any) -> dict[str, Any]:
        return {"value": getattr(held, name), "why": held.reasons.get(name), **more}

    return {
        "time_s": now_s,
        **{name: value(shown, name) for name in SHOWN_NAMES},
        "arousal": value(
            current,
            "arousal",
            low=current.arousal_low,
            high=current.arousal_high,
            basis=current.arousal_basis,
        ),
        "rhythm_concentration": value(current, "rhythm_concentration"),
        "resp_rate_bpm": value(
            current, "resp_rate_bpm", source=current.resp_source, confidence=current.resp_confidence
        ),
        "analysed_s": current.at_s,
    }


def course_point(facts: Mapping[str, Any]) -> dict[str, Any]:
    """One point of the page's topic `course`, of what a SHOWN record holds."""
    band = {"low": facts["arousal_low"], "high": facts["arousal_high"]}
    return {"time_s": facts["time_s"], **{name: facts[name] for name in _COURSE}, **band}


def _current(now_s: float, analysed: Analysed) -> Analysed:
    """The analysis, if it is of now: an old number is never shown."""
    if analysed.at_s is not None and now_s - analysed.at_s > OUTDATED_S:
        return unanalysed("the analysis has not answered for a while")
    return analysed


def phase_name(facts: Mapping[str, Any]) -> str | None:
    """The name that a phase record begins; None for one that only ends the phase before."""
    name: str | None = facts.get("name") or None
    return name
