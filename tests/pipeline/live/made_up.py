"""A body for tests of the running analysis: each second a notification of every signal, without a radio."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pipeline.journal import Kind, Record

RATE_HZ = 4


@dataclass(frozen=True)
class MadeUp:
    """Samples of one stream."""

    stream: str
    columns: Mapping[str, np.ndarray]
    rate_hz: float | None

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))


def decode(record: Record) -> Sequence[MadeUp]:
    """Beats, and a second of skin conductance with a response a minute, as the payload says."""
    if record.kind is not Kind.DATA:
        return ()
    said = json.loads(record.payload)
    at_s = record.arrival_s - 1 + np.arange(1, RATE_HZ + 1) / RATE_HZ
    found = [MadeUp("rr", {"rr_ms": np.array(said["rr_ms"])}, None)] if said.get("rr_ms") else []
    if said.get("skin", True):
        since_s = at_s % 60
        response_us = 0.4 * (np.exp(-since_s / 4) - np.exp(-since_s / 1.0))
        found.append(MadeUp("eda", {"eda_us": 4 + 0.3 * np.sin(at_s / 90) + response_us}, float(RATE_HZ)))
    return found


@dataclass
class Session:
    """Records of a session; `silent` (from, to) has no beats, `events` (s, kind, facts) are journalled."""

    seconds: int
    events: Sequence[tuple[float, Kind, dict[str, Any]]] = ()
    silent: tuple[float, float] = (np.inf, np.inf)
    skinless: tuple[float, float] = (np.inf, np.inf)
    seed: int = 1
    mean_ms: float = 850.0
    _sequence: int = field(default=0, init=False)

    def records(self) -> Iterator[Record]:
        rng, beat_s, waiting = np.random.default_rng(self.seed), 0.0, sorted(self.events, key=lambda e: e[0])
        yield self._record(Kind.HEADER, 0.0, {"conditions": {}})
        for second in range(1, self.seconds + 1):
            while waiting and waiting[0][0] < second:
                at_s, kind, facts = waiting.pop(0)
                yield self._record(kind, at_s, facts)
            rr_ms = []
            while True:
                next_ms = self.mean_ms + 40 * np.sin(2 * np.pi * 0.25 * beat_s) + rng.normal(0, 8)
                if beat_s + next_ms / 1000 > second:
                    break
                beat_s += next_ms / 1000
                rr_ms.append(round(float(next_ms), 3))
            heard = [] if self.silent[0] <= second < self.silent[1] else rr_ms
            skin = not self.skinless[0] <= second < self.skinless[1]
            yield self._record(Kind.DATA, float(second), {"rr_ms": heard, "skin": skin}, "made/up")

    def _record(self, kind: Kind, at_s: float, facts: dict[str, Any], stream: str = "") -> Record:
        self._sequence += 1
        return Record(kind, stream, self._sequence - 1, 0, at_s, at_s, None, json.dumps(facts).encode())


def phase(at_s: float, name: str, kind: str = "baseline", **more: Any) -> tuple[float, Kind, dict[str, Any]]:
    return at_s, Kind.PHASE, {"name": name, "kind": kind, **more}


def span(start_s: float, end_s: float, kind: str) -> list[tuple[float, Kind, dict[str, Any]]]:
    return [
        (start_s, Kind.MARKER, {"kind": kind, "span": "start"}),
        (end_s, Kind.MARKER, {"kind": kind, "span": "end"}),
    ]
