"""Sessions on their way out, and what a writer makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from devices.exports.formats import read_recording
from devices.exports.writers.writer import Exported, Outgoing, Writer
from pipeline.model import DeviceInfo, Gap, Marker, Recording, Stream
from tests.pipeline.report.recordings import recording

SECRETS = ("H10 1234ABCD", "feedfacefeedface", "Anna", "2026-03-01T10-05-00-beef")


def session(*, dates: bool = False, number: int = 2, **changes: Any) -> Outgoing:
    """A guided session with beats, skin conductance, a gap, a marker, ratings and things to keep back."""
    made = replace(
        recording(),
        recording_id=SECRETS[3],
        devices=(DeviceInfo(SECRETS[0], "heart_rate", "H10", SECRETS[1]),),
        markers=(*recording().markers, Marker(5.0, "link", f"{SECRETS[0]}: connected")),
        conditions={"posture": "sitting", "sex": "another", "age": "30-to-39"},
    )
    return Outgoing(replace(made, **changes), number, dates)


def wave(duration_s: float = 60.0, rate_hz: float = 130.0, *, gap: Gap | None = None) -> Stream:
    """An electrocardiogram of sorts, whose clock is 0.3 % fast, with a gap."""
    time_s = 1.25 + np.arange(int(duration_s * rate_hz)) / (rate_hz * 1.003)
    since_s = (time_s % 0.9) - 0.45
    beat_uv = 1000 * np.exp(-((since_s / 0.012) ** 2)) + 150 * np.exp(-(((since_s - 0.25) / 0.05) ** 2))
    ecg_uv = np.rint(beat_uv + np.random.default_rng(1).normal(0, 8, len(time_s)))
    kept = np.ones(len(time_s), dtype=bool)
    if gap is not None:
        kept = (time_s < gap.start_s) | (time_s > gap.end_s)
    gaps = (gap,) if gap else ()
    return Stream("ecg", time_s[kept], {"ecg_uv": ecg_uv[kept]}, rate_hz, gaps=gaps)


def streams(*these: Stream) -> dict[str, Stream]:
    return {stream.name: stream for stream in these}


def files(writer: Writer, *sessions: Outgoing) -> dict[str, bytes]:
    """What is written, by path."""
    made = [file for each in sessions for file in writer.files(each) if isinstance(file, Exported)]
    shared = [replace(each, recording=replace(each.recording, streams={})) for each in sessions]
    return {file.path: file.content for file in (*made, *writer.around(shared))}


def left_out(writer: Writer, session: Outgoing) -> list[str]:
    return [made for made in writer.files(session) if isinstance(made, str)]


def read_back(folder: Path, made: dict[str, bytes], ending: str) -> Recording:
    """The one file that ends so, read as any export is; the others lie beside it."""
    for name, content in made.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    [path] = [folder / name for name in made if name.endswith(ending)]
    return read_recording(path)[1]


def told(made: dict[str, bytes], secrets: Sequence[str] = SECRETS) -> list[str]:
    """Which of the things to keep back stand in a file or its name."""
    everything = "".join(made).encode() + b"".join(made.values())
    return [secret for secret in secrets if secret.encode() in everything]
