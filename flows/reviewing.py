"""A rater's desk: what of a recording is shown, in parts of any size, and what the rater marks of it."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from flows.entering import now
from flows.review_items import Item, in_order
from pipeline.edits import EDA, Action, Edit, History, append_edit, read_edits
from pipeline.errors import InputError, InsufficientDataError, UsageError
from pipeline.heart.beats import Beats
from pipeline.model import Floats, Recording, Stream
from pipeline.parameters import Parameters
from pipeline.preparation import labelled_beats, prepared_skin, with_beats
from pipeline.skin.signal import Eda, stretches_of

MOST_POINTS = 4000
_KEPT = 2  # recordings in memory: this one, and the one before
_MERGED = 1 / 500  # of what is shown: masks nearer to each other are drawn as one


@dataclass(frozen=True, eq=False)
class Shown:
    """What of a recording is looked at: the software's own labels and mask, and an ECG where there is one."""

    duration_s: float
    stream: str | None
    beats: Beats | None
    ecg: Stream | None
    eda: Eda | None

    @classmethod
    def of(cls, recording: Recording) -> Shown:
        """Label and mask a recording, without what was marked of it."""
        recording = replace(with_beats(recording), edits=None)
        ecg = recording.streams.get("ecg")
        return cls(
            recording.duration_s,
            recording.beats.name if recording.beats is not None else None,
            labelled_beats(recording, Parameters()),
            ecg if ecg is not None and len(ecg) else None,
            prepared_skin(recording),
        )

    def about(self) -> dict[str, Any]:
        """What there is, and the range that most intervals lie in."""
        beats = self.beats
        normal = beats.interval_ms[beats.nn] if beats is not None else np.empty(0)
        low, high = np.percentile(normal, (0.1, 99.9)).tolist() if len(normal) else (300.0, 1500.0)
        return {
            "duration_s": self.duration_s,
            "stream": self.stream,
            "intervals": len(beats) if beats is not None else 0,
            "range_ms": [low, high],
            "doubtful_s": _doubtful_s(beats) if beats is not None else [],
            "ecg": self.ecg is not None,
            "eda": self.eda is not None,
        }

    def part(self, start_s: float, end_s: float, points: int) -> dict[str, Any]:
        """What there is from `start_s` to `end_s`, in no more than about so many points each."""
        told: dict[str, Any] = {"start_s": start_s, "end_s": end_s}
        if self.beats is not None:
            told["beats"] = _beats_part(self.beats, start_s, end_s, points)
        if self.ecg is not None:
            told["ecg"] = _signal_part(self.ecg.time_s, self.ecg.value, start_s, end_s, points)
        if (eda := self.eda) is not None:
            told["eda"] = _signal_part(eda.time_s, eda.eda_us, start_s, end_s, points)
            told["masked"] = _masked(eda, start_s, end_s)
        return told


def _doubtful_s(beats: Beats) -> list[float]:
    """Where each run of intervals begins that are not normal."""
    out = ~beats.nn
    begins = out & ~np.concatenate([[False], out[:-1]])
    return [float(time_s) for time_s in beats.time_s[begins]]


def _beats_part(beats: Beats, start_s: float, end_s: float, points: int) -> dict[str, Any]:
    """Each interval; or, of more than `points`, the shortest and longest of several, and the worst kind."""
    rows = slice(*np.searchsorted(beats.time_s, (start_s, end_s)))
    time_s, ms, kind = beats.time_s[rows], beats.interval_ms[rows], beats.kind[rows]
    if len(time_s) <= points:
        return {"time": time_s.tolist(), "ms": _json(ms), "kind": kind.tolist()}
    starts = np.arange(0, len(time_s), -(-len(time_s) // points))
    return {
        "time": time_s[starts].tolist(),
        "low": _json(np.fmin.reduceat(ms, starts)),
        "high": _json(np.fmax.reduceat(ms, starts)),
        "kind": np.maximum.reduceat(kind, starts).tolist(),
    }


def _signal_part(time_s: Floats, values: Floats, start_s: float, end_s: float, points: int) -> dict[str, Any]:
    """Samples, one beyond each edge; or, of more than `points`, the lowest and highest of several."""
    first, last = np.searchsorted(time_s, (start_s, end_s)).tolist()
    rows = slice(max(first - 1, 0), last + 1)
    time_s, values = time_s[rows], values[rows]
    if len(time_s) <= points:
        return {"time": np.round(time_s, 4).tolist(), "low": _json(values), "high": None}
    starts = np.arange(0, len(time_s), -(-len(time_s) // points))
    return {
        "time": np.round(time_s[starts], 4).tolist(),
        "low": _json(np.fmin.reduceat(values, starts)),
        "high": _json(np.fmax.reduceat(values, starts)),
    }


def _masked(eda: Eda, start_s: float, end_s: float) -> list[list[float]]:
    """The stretches that are not used; those that could not be told apart when drawn as one."""
    rows = eda.rows(start_s, end_s)
    time_s, out = eda.time_s[rows], ~eda.valid[rows]
    nearest_s = (end_s - start_s) * _MERGED
    found: list[list[float]] = []
    for run in stretches_of(out, eda.after_gap[rows]):
        begin_s, over_s = float(time_s[run.start]), float(time_s[run.stop - 1]) + 1.0 / eda.rate_hz
        if found and begin_s - found[-1][1] < nearest_s:
            found[-1][1] = over_s
        else:
            found.append([begin_s, over_s])
    return found


def _json(values: Floats) -> list[float | None]:
    return [value if math.isfinite(value) else None for value in np.round(values, 4).tolist()]


class Desk:
    """One rater's desk: recordings by number, from 0, and what they mark. Any thread may call its methods.

    What goes wrong with a file is told by `say`, to the terminal: it may name the recording, which a page
    must not.
    """

    def __init__(self, items: Sequence[Item], rater: str, say: Callable[[str], object] = str) -> None:
        self.rater, self._say = rater, say
        self._items = in_order(items, rater)
        self._guard = threading.Lock()
        self._shown = lru_cache(maxsize=_KEPT)(lambda number: Shown.of(self._items[number].read()))

    def about(self) -> dict[str, Any]:
        """The rater, and for each recording how much was marked and how far they have looked."""
        return {"rater": self.rater, "recordings": [self._progress(item) for item in self._items]}

    def _progress(self, item: Item) -> dict[str, Any]:
        history = self._history(item)
        return {"marks": len(history.done), "reviewed_s": history.reviewed_s}

    def recording(self, number: int) -> dict[str, Any]:
        """What there is of a recording, and what is marked of it."""
        return {**self._look(number).about(), **self._state(number)}

    def part(self, number: int, start_s: float, end_s: float, points: int) -> dict[str, Any]:
        """See `Shown.part`. Raises UsageError for what is no part."""
        if not (np.isfinite((start_s, end_s)).all() and start_s < end_s and 1 <= points <= MOST_POINTS):
            raise UsageError(f"a part begins before it ends, and has up to {MOST_POINTS} points")
        return self._look(number).part(start_s, end_s, points)

    def mark(self, number: int, facts: Mapping[str, Any]) -> dict[str, Any]:
        """Do what the page asks for: {"do": action, "time_s", "end_s", "stream", "reason"}; all marks then.

        Raises UsageError or InputError with one line; then nothing was written.
        """
        try:
            action = Action(str(facts.get("do")))
        except ValueError:
            raise UsageError(f"do: choose from {', '.join(Action)}") from None
        shown, item = self._look(number), self._item(number)
        with self._guard:
            edit = self._edit(action, facts, self._history(item), shown)
            with self._unnamed():
                _append(item.path(self.rater), edit)
            return self._state(number)

    def _edit(self, action: Action, facts: Mapping[str, Any], history: History, shown: Shown) -> Edit:
        when = now().isoformat(timespec="milliseconds")
        if action in (Action.UNDO, Action.REDO):
            held = history.done if action is Action.UNDO else history.undone
            if not held:
                raise UsageError(f"there is nothing to {action}")
            return replace(held[-1], action=action, reason="", when=when)
        stream = "" if action is Action.REVIEWED else str(facts.get("stream"))
        if action is not Action.REVIEWED and stream not in (shown.stream, EDA if shown.eda else None):
            raise UsageError(f"stream {stream[:20]!r}: this recording has none such")
        try:
            time_s, end_s = (float(facts.get(name, "")) for name in ("time_s", "end_s"))
        except (TypeError, ValueError):
            raise UsageError("time_s and end_s are numbers") from None
        end_s = min(end_s, shown.duration_s)
        reason = " ".join(str(facts.get("reason") or "").split())
        return Edit(time_s, end_s, stream, action, reason, self.rater, when)

    def _state(self, number: int) -> dict[str, Any]:
        history = self._history(self._item(number))
        marks = [
            {name: getattr(mark, name) for name in ("time_s", "end_s", "stream", "action", "reason")}
            for mark in history.done
        ]
        return {
            "marks": marks,
            "reviewed_s": history.reviewed_s,
            "can_undo": bool(history.done),
            "can_redo": bool(history.undone),
        }

    def _history(self, item: Item) -> History:
        with self._unnamed():
            return read_edits(item.path(self.rater)).by.get(self.rater, History())

    def _item(self, number: int) -> Item:
        if not 0 <= number < len(self._items):
            raise UsageError("there is no such recording")
        return self._items[number]

    def _look(self, number: int) -> Shown:
        self._item(number)
        with self._guard, self._unnamed():
            return self._shown(number)

    @contextmanager
    def _unnamed(self) -> Iterator[None]:
        """Pass on that a file could not be used, without its name."""
        try:
            yield
        except (InputError, InsufficientDataError) as error:
            self._say(str(error))
            raise InputError("a file cannot be used: the terminal in which vagal runs says why") from error


def _append(path: Path, edit: Edit) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{path.parent}: cannot be written ({error.strerror})") from error
    append_edit(path, edit)
