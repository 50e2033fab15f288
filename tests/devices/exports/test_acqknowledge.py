"""AcqKnowledge files: built header by header as older versions have them, damaged, and real ones."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from devices.exports.acqknowledge import AcqKnowledge
from devices.exports.formats import read_recording
from devices.exports.reader import Source
from pipeline.errors import InputError
from pipeline.model import Floats, Marker, Recording
from pipeline.preparation import with_beats
from tests.devices.exports.damaged import bear_damage
from tests.devices.exports.test_edf import heart

SECONDS, BASE_HZ = 20, 250
VERSION = 38  # 3.7.0
GRAPH_BYTES, CHANNEL_BYTES, MARKER_BYTES = 512, 252, 12


@dataclass(frozen=True)
class Built:
    """A channel to be written: counts of `scale` in its unit, every `divider`-th sample."""

    name: bytes
    unit: bytes
    values: Floats
    divider: int = 1
    scale: float = 0.001

    @property
    def counts(self) -> np.ndarray[tuple[int, ...], np.dtype[np.int16]]:
        return np.round(self.values / self.scale).astype("<i2")


HEART = Built(b"ECG100C", b"mV", heart(SECONDS, BASE_HZ))
SKIN = Built(b"EDA100C", b"microsiemens", 5 + np.sin(np.arange(SECONDS * BASE_HZ // 5) / 400), 5)
STRANGER = Built(b"EMG100C", b"mV", np.zeros(SECONDS * BASE_HZ))


def graph(channels: int, sample_time_ms: float = 1000 / BASE_HZ, order: str = "<") -> bytes:
    return struct.pack(f"{order}hiihhhd", 0, VERSION, GRAPH_BYTES, channels, 0, 0, sample_time_ms).ljust(
        GRAPH_BYTES, b"\0"
    )


def header(channel: Built, number: int, order: str = "<") -> bytes:
    named = struct.pack(f"{order}ih40s4xhdd", CHANNEL_BYTES, number, channel.name, 0, 0.0, 1.0)
    counted = struct.pack(
        f"{order}20siddhhhd128sh",
        channel.unit,
        len(channel.values),
        channel.scale,
        0.0,
        number,
        0,
        0,
        0.0,
        b"",
        channel.divider,
    )
    return (named + counted).ljust(CHANNEL_BYTES, b"\0")


def interleaved(channels: Sequence[Built]) -> bytes:
    counts = [channel.counts.tolist() for channel in channels]
    out: list[int] = []
    for tick in range(SECONDS * BASE_HZ):
        out += [
            held[tick // channel.divider]
            for channel, held in zip(channels, counts, strict=True)
            if tick % channel.divider == 0
        ]
    return np.array(out, "<i2").tobytes()


def markers(events: Sequence[tuple[int, bytes]]) -> bytes:
    items = [struct.pack("<ihhhh", tick, 0, 0, 0, len(text)) + text + b"\0" for tick, text in events]
    return struct.pack("<ii", 8 + sum(map(len, items)), len(items)) + b"".join(items)


def acq(*channels: Built, events: Sequence[tuple[int, bytes]] = ()) -> bytes:
    parts = [graph(len(channels))]
    parts += [header(channel, number) for number, channel in enumerate(channels)]
    parts.append(struct.pack("<hh", 4, 0))
    parts += [struct.pack("<hh", 2, 2) for _ in channels]
    return b"".join(parts) + interleaved(channels) + markers(events)


def read(content: bytes, unit: str | None = None) -> Recording:
    source = Source(Path("lab.acq"), {"lab.acq": content})
    assert AcqKnowledge().recognises(source)
    return AcqKnowledge().read(source, unit)


def test_channels_at_their_own_rates() -> None:
    recording = read(acq(STRANGER, HEART, SKIN, events=[(0, b"Segment 1"), (500, b"door"), (500, b"door")]))
    ecg, eda = recording.streams["ecg"], recording.streams["eda"]
    np.testing.assert_allclose(ecg.columns["ecg_uv"], HEART.values * 1000, atol=0.51)
    np.testing.assert_allclose(eda.columns["eda_us"], SKIN.values, atol=0.00051)
    assert (ecg.rate_hz, eda.rate_hz, recording.duration_s) == (250.0, 50.0, 20.0)
    assert recording.markers == (Marker(2.0, "event", "door"),)
    assert recording.units == {"ecg": "mV (from the header)", "eda": "microsiemens (from the header)"}
    assert recording.notices == ("left out EMG100C (mV): none of the signals vagal reads",)
    assert (recording.recording_id, recording.source, recording.started_at) == ("lab", "acqknowledge", None)


def test_beats_are_found_in_the_electrocardiogram() -> None:
    beats = with_beats(read(acq(HEART))).beats
    assert beats is not None
    np.testing.assert_allclose(beats.value, 800.0, atol=1.0)


def test_a_seam_is_a_break() -> None:
    recording = read(acq(HEART, events=[(0, b"Segment 1"), (2500, b"Segment 2")]))
    ecg = recording.streams["ecg"]
    assert np.flatnonzero(np.isnan(ecg.value)).tolist() == [2500]
    assert recording.markers == ()
    assert recording.notices == ("recorded in 2 stretches; the time between is not in it",)
    beats = with_beats(recording).beats
    assert beats is not None
    begins_s = beats.time_s - beats.value / 1000
    assert len(beats) > 10
    assert not np.any((begins_s < 10.0) & (beats.time_s > 10.0))


@pytest.mark.parametrize(
    ("name", "unit", "scale", "reason"),
    [
        (b"EDA filtered, differentiated", b"microsiemens", 0.001, "is derived from another channel"),
        (b"EDA100C", b"Volts", 0.001, "is in Volts, not in µS"),
        (b"EDA100C", b"microsiemens", -0.001, "falls below zero"),
    ],
    ids=["derived", "unit", "negative"],
)
def test_channels_that_are_left_out(name: bytes, unit: bytes, scale: float, reason: str) -> None:
    content = acq(HEART, Built(name, unit, SKIN.values * np.sign(scale), 5))
    assert any(reason in notice for notice in read(content).notices)


@pytest.mark.parametrize(
    ("field", "at", "value", "message"),
    [
        ("<d", 16, 0.0, "is no .acq file, or damaged"),
        ("<d", 16, float("nan"), "is no .acq file, or damaged"),
        ("<i", GRAPH_BYTES + 88, 2_000_000_000, "is cut short"),
        ("<i", GRAPH_BYTES + 88, -5, "is no .acq file, or damaged"),
        ("<h", GRAPH_BYTES + 250, 32_749, "is no .acq file, or damaged"),
    ],
    ids=["no time", "nan", "too many", "negative", "dividers"],
)
def test_headers_that_cannot_be(field: str, at: int, value: float, message: str) -> None:
    content = bytearray(acq(HEART, Built(b"RESP", b"Volts", SKIN.values, 5)))
    if field == "<h":  # two dividers that only meet again after an age
        struct.pack_into("<h", content, GRAPH_BYTES + CHANNEL_BYTES + 250, 32_719)
    struct.pack_into(field, content, at, value)
    with pytest.raises(InputError, match=message) as caught:
        read(bytes(content))
    assert str(caught.value).startswith("lab.acq: ")


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"\0" * 12,
        graph(0)[:12],
        graph(3)[:11],
        b"\0\0" + struct.pack("<iih", 38, 5, 3),
        b"PK\x03\x04" + b"\0" * 8,
    ],
    ids=["empty", "zeros", "no channels", "short", "no length", "zip"],
)
def test_other_files_are_not_taken_for_it(head: bytes) -> None:
    assert not AcqKnowledge().recognises(Source(Path("x"), {"x": head}))


def test_a_unit_is_not_needed() -> None:
    assert read(acq(HEART), "ms").notices == ("--unit ms is not needed: the file names its units",)


def test_damage(capfd: pytest.CaptureFixture[str]) -> None:
    content = acq(HEART, SKIN, events=[(0, b"Segment 1"), (500, b"door")])
    assert bear_damage(AcqKnowledge, Path("lab.acq"), {"lab.acq": content}, "lab.acq") >= 9
    assert capfd.readouterr() == ("", "")


REAL = pytest.mark.parametrize(
    ("version", "started_at"),
    [("3.9.1", None), ("4.4.0", datetime(2016, 2, 2, 16, 30, 56, 276_000, tzinfo=UTC))],
)


@REAL
def test_real_files(recordings: Path, version: str, started_at: datetime | None) -> None:
    _, recording = read_recording(recordings / "acqknowledge" / f"physio-{version}-c.acq")
    found = {name: (len(stream), stream.rate_hz) for name, stream in recording.streams.items()}
    assert found == {"ecg": (61_893, 1000.0), "eda": (123_787, 2000.0), "respiration": (241, 3.90625)}
    assert recording.streams["ecg"].value[0] == pytest.approx(349.365, abs=1e-3)
    assert recording.streams["eda"].value[-1] == pytest.approx(3.95508, abs=1e-5)
    assert recording.duration_s == pytest.approx(61.8935)
    assert recording.started_at == started_at
    assert recording.markers[0] == Marker(4.309, "event", "Breathe In")
    assert len(recording.markers) == 7
    assert recording.notices == ("left out EDA filtered, differentiated: is derived from another channel",)


@REAL
def test_real_files_damaged(recordings: Path, version: str, started_at: datetime | None) -> None:
    name = f"physio-{version}-c.acq"
    content = (recordings / "acqknowledge" / name).read_bytes()
    assert bear_damage(AcqKnowledge, Path(name), {name: content}, name) >= 3
