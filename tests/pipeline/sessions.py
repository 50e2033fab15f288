"""Small sessions for tests: a journal as a recorder would have left it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipeline.journal import Kind, Record

HEADER = {
    "client": "c1",
    "protocol": "guided-session",
    "simulated": True,
    "started_wall_s": 1.8e9,
    "clock_epoch_s": 0.0,
    "conditions": {"posture": "sitting"},
}
STRAP = {"name": "Strap", "driver": "heart_rate", "model": "S", "serial_hash": "ab", "firmware": "1"}


def event(kind: Kind, at_s: float, facts: dict[str, Any], stream: str = "") -> Record:
    return Record(kind, stream, 0, 0, at_s, 1.8e9 + at_s, None, json.dumps(facts).encode())


def heart_rate_frame(rr_ms: Sequence[float]) -> bytes:
    ticks = [round(rr * 1.024) for rr in rr_ms]
    return bytes([0x16, 70]) + b"".join(tick.to_bytes(2, "little") for tick in ticks)


def records(minutes: float = 2.0, *, ended: bool = True) -> list[Record]:
    """A strap at 75 beats a minute, one phase of a minute and one after it, a marker and a rating."""
    seconds = int(minutes * 60)
    made = [
        event(Kind.HEADER, 0.0, HEADER),
        event(Kind.DEVICE, 0.5, STRAP, "heart_rate"),
        event(Kind.PHASE, 1.0, {"name": "Baseline", "kind": "baseline"}),
    ]
    for second in range(1, seconds + 1):
        beats = [800.0 + 20 * (second % 3)] * (1 if second % 4 else 2)
        made.append(
            Record(
                Kind.DATA,
                "heart_rate/heart_rate",
                0,
                1,
                float(second),
                1.8e9 + second,
                None,
                heart_rate_frame(beats),
            )
        )
        if second == 30:
            made.append(event(Kind.MARKER, 30.5, {"kind": "note", "text": "door – <b>bang</b>"}))
            made.append(event(Kind.RATING, 30.6, {"scale": "distress", "value": 4}))
        if second == 60:
            pacer = {"breaths_per_min": 6.0, "inhale_share": 0.4}
            made.append(event(Kind.PHASE, 60.5, {"name": "Paced", "kind": "paced", "pacer": pacer}))
    if ended:
        made.append(event(Kind.END, seconds + 0.5, {}))
    return numbered(made)


def numbered(made: Sequence[Record]) -> list[Record]:
    """The same records with the sequence that a journal gives them."""
    return [replace(record, sequence=number) for number, record in enumerate(made)]


def write_journal(folder: Path, made: Sequence[Record]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "journal.bin"
    path.write_bytes(b"VAGALJ1\n" + b"".join(bytes(record) for record in made))
    return path
