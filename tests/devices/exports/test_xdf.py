"""XDF files: built chunk by chunk as the specification has them, damaged, and real ones without a heart."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.exports.formats import read_recording
from devices.exports.reader import Source
from devices.exports.xdf import Xdf
from devices.streams import MISSING
from pipeline.errors import InputError
from pipeline.model import Floats, Marker, Recording
from pipeline.preparation import with_beats
from tests.devices.exports.damaged import bear_damage
from tests.devices.exports.test_edf import heart

HEADER, STREAM, SAMPLES, OFFSET, BOUNDARY, FOOTER = range(1, 7)
LAYOUTS = {"float32": "f", "double64": "d", "int16": "h", "int32": "i"}
ECG_HZ, SECONDS = 250, 20
ECG = heart(SECONDS, ECG_HZ)
SKIN = 5 + np.sin(np.arange(4 * SECONDS) / 20)

Labels = Sequence[tuple[str, str]]


def chunk(tag: int, content: bytes) -> bytes:
    body = struct.pack("<H", tag) + content
    return b"\4" + struct.pack("<I", len(body)) + body


def of(number: int, content: bytes = b"") -> bytes:
    return struct.pack("<I", number) + content


def described(labels: Labels) -> str:
    channels = (f"<channel><label>{label}</label><unit>{unit}</unit></channel>" for label, unit in labels)
    return f"<desc><channels>{''.join(channels)}</channels></desc>" if labels else "<desc />"


def header(
    number: int, name: str, kind: str, rate_hz: float, count: int, layout: str, labels: Labels = ()
) -> bytes:
    text = (
        f'<?xml version="1.0"?><info><name>{name}</name><type>{kind}</type>'
        f"<channel_count>{count}</channel_count>"
        f"<nominal_srate>{rate_hz}</nominal_srate><channel_format>{layout}</channel_format>"
        f"{described(labels)}</info>"
    )
    return chunk(STREAM, of(number, text.encode()))


def samples(number: int, layout: str, time_s: Sequence[float] | Floats, rows: Any) -> bytes:
    """A chunk of samples, each with its time."""
    packed = b"".join(
        b"\x08" + struct.pack("<d", at) + struct.pack(f"<{len(row)}{LAYOUTS[layout]}", *row)
        for at, row in zip(time_s, rows, strict=True)
    )
    return chunk(SAMPLES, of(number, b"\4" + struct.pack("<I", len(time_s)) + packed))


def texts(number: int, time_s: Sequence[float], words: Sequence[str]) -> bytes:
    packed = b"".join(
        b"\x08" + struct.pack("<d", at) + b"\1" + bytes([len(word.encode())]) + word.encode()
        for at, word in zip(time_s, words, strict=True)
    )
    return chunk(SAMPLES, of(number, b"\1" + bytes([len(words)]) + packed))


def offset(number: int, at_s: float, by_s: float) -> bytes:
    return chunk(OFFSET, of(number, struct.pack("<dd", at_s, by_s)))


def signal(
    number: int,
    name: str,
    kind: str,
    rate_hz: float,
    columns: Sequence[Floats],
    labels: Labels = (),
    *,
    layout: str = "double64",
    from_s: float = 100.0,
    time_s: Floats | None = None,
) -> bytes:
    """A stream of numbers: its header, and its samples in two chunks."""
    rows = np.column_stack(columns).tolist()
    time_s = from_s + np.arange(len(rows)) / rate_hz if time_s is None else time_s
    half = len(rows) // 2
    return (
        header(number, name, kind, rate_hz, len(columns), layout, labels)
        + samples(number, layout, time_s[:half], rows[:half])
        + samples(number, layout, time_s[half:], rows[half:])
    )


def markers(number: int, time_s: Sequence[float], words: Sequence[str], kind: str = "Markers") -> bytes:
    return header(number, "Events", kind, 0, 1, "string") + texts(number, time_s, words)


def xdf(*chunks: bytes, when: str = "2024-03-19T14:38:04+0100") -> bytes:
    info = f'<?xml version="1.0"?><info><version>1.0</version><datetime>{when}</datetime></info>'
    return b"XDF:" + chunk(HEADER, info.encode()) + b"".join(chunks)


def read(content: bytes, unit: str | None = None) -> Recording:
    source = Source(Path("lab.xdf"), {"lab.xdf": content})
    assert Xdf().recognises(source)
    return Xdf().read(source, unit)


def rounded(recording: Recording) -> tuple[Marker, ...]:
    return tuple(replace(marker, time_s=round(marker.time_s, 6)) for marker in recording.markers)


HEART = signal(1, "Amp", "ECG", ECG_HZ, [ECG], [("ECG", "millivolts")])


def test_signals_of_two_streams_on_one_clock() -> None:
    skin = signal(2, "Shimmer", "GSR", 4, [SKIN], [("EDA", "microsiemens")], from_s=100.5)
    recording = read(xdf(HEART, skin, markers(3, [101.0, 119.5], ["begin", "end"])))
    ecg, eda = recording.streams["ecg"], recording.streams["eda"]
    np.testing.assert_allclose(ecg.value, ECG * 1000)
    np.testing.assert_allclose(ecg.time_s, np.arange(len(ECG)) / ECG_HZ, atol=1e-6)
    np.testing.assert_allclose(eda.value, SKIN)
    np.testing.assert_allclose(eda.time_s, 0.5 + np.arange(len(SKIN)) / 4, atol=1e-6)
    assert (ecg.rate_hz, eda.rate_hz) == (250.0, 4.0)
    assert rounded(recording) == (Marker(1.0, "event", "begin"), Marker(19.5, "event", "end"))
    assert recording.started_at == datetime(2024, 3, 19, 13, 38, 4, tzinfo=UTC)
    assert recording.duration_s == pytest.approx(20.5)
    assert recording.units == {
        "ecg": "millivolts (from the header)",
        "eda": "microsiemens (from the header)",
    }
    assert (recording.recording_id, recording.source, recording.notices) == ("lab", "xdf", ())


def test_clocks_of_two_computers_are_put_on_one() -> None:
    skin = signal(2, "Shimmer", "GSR", 4, [SKIN], [("EDA", "uS")], from_s=5000.0)
    offsets = b"".join(offset(2, 5000.0 + 5 * step, -4899.0) for step in range(5))
    recording = read(xdf(HEART, skin, offsets))
    assert recording.streams["eda"].time_s[0] == pytest.approx(1.0, abs=1e-6)


def test_beats_are_found_in_the_electrocardiogram() -> None:
    beats = with_beats(read(xdf(HEART))).beats
    assert beats is not None
    np.testing.assert_allclose(beats.value, 800.0, atol=1.0)


@pytest.mark.parametrize(
    ("name", "kind", "labels", "stream"),
    [
        ("Amp", "ECG", [("ECG", "mV")], "ecg"),
        ("Amp", "ECG", (), "ecg"),
        ("Polar ECG", "", [("1", "uV")], "ecg"),
        ("Amp", "EEG", [("Fz", "uV"), ("ECG", "uV")], "ecg"),
        ("Band", "Respiration", (), "respiration"),
        ("Finger", "PPG", [("Ch1", "")], "ppg"),
        ("Belt", "Misc", [("RESP", "")], "respiration"),
    ],
    ids=["label", "kind", "name", "among EEG", "kind of breath", "kind of pulse", "label of breath"],
)
def test_what_is_ours_by_label_kind_or_name(name: str, kind: str, labels: Labels, stream: str) -> None:
    columns = [ECG] * max(1, len(labels))
    recording = read(xdf(signal(1, name, kind, ECG_HZ, columns, labels)))
    assert list(recording.streams) == [stream]


def test_a_break_is_a_gap_and_moves_nothing() -> None:
    time_s = 100 + np.arange(len(SKIN)) / 4 + np.where(np.arange(len(SKIN)) < 40, 0, 30)
    eda = read(xdf(signal(1, "Shimmer", "GSR", 4, [SKIN], [("EDA", "uS")], time_s=time_s))).streams["eda"]
    np.testing.assert_allclose(eda.time_s, time_s - 100, atol=1e-6)
    [gap] = eda.gaps
    assert (gap.reason, gap.missing) == (MISSING, 120)
    assert [gap.start_s, gap.end_s] == pytest.approx([10.0, 40.0])


def test_a_rate_that_is_not_what_the_header_says() -> None:
    time_s = 100 + np.arange(len(ECG)) / 130
    recording = read(xdf(signal(1, "Amp", "ECG", ECG_HZ, [ECG], [("ECG", "mV")], time_s=time_s)))
    assert recording.streams["ecg"].rate_hz == pytest.approx(130, abs=0.001)
    assert recording.streams["ecg"].gaps == ()
    assert recording.notices == ("Amp (ECG, 1 channel, 250 Hz) has 130 samples a second and is read so",)


@pytest.mark.parametrize(
    ("name", "kind", "labels", "scale", "stream"),
    [
        ("Polar H10", "RR", (), 1.0, "rr"),
        ("HRM", "Misc", [("RR interval", "ms")], 1.0, "rr"),
        ("HRM", "Misc", [("RR-interval", "s")], 0.001, "rr"),
        ("Verity", "PPI", (), 1.0, "pp"),
        ("HRM", "Misc", [("HR", "bpm"), ("IBI", "ms")], 1.0, "rr"),
    ],
    ids=["kind", "label", "seconds", "pulse", "beside a rate"],
)
def test_intervals_are_beats(name: str, kind: str, labels: Labels, scale: float, stream: str) -> None:
    intervals = np.array([800.0, 810, 790, 805, 795] * 8)
    columns = [np.full(len(intervals), 71.0)] * (len(labels) - 1) + [intervals * scale]
    time_s = 100.3 + np.cumsum(intervals) / 1000
    kept = header(1, name, kind, 0, len(columns), "double64", labels)
    recording = read(xdf(kept, samples(1, "double64", time_s, np.column_stack(columns).tolist())))
    beats = recording.streams[stream]
    np.testing.assert_allclose(beats.value, intervals)
    np.testing.assert_allclose(np.diff(beats.time_s), intervals[1:] / 1000)
    assert recording.units == {stream: "ms"}
    assert recording.notices == ()


def test_missing_intervals_are_left_out_and_too_long_ones_refused() -> None:
    time_s, head = [101.0, 102.0, 103.0, 104.0], header(1, "H10", "RR", 0, 1, "double64")
    beats = read(xdf(head, samples(1, "double64", time_s, [[1000.0], [float("nan")], [990.0], [0.0]])))
    assert beats.streams["rr"].value.tolist() == [1000.0, 990.0, 0.0]
    with pytest.raises(InputError, match=r"H10 \(RR, 1 channel, irregular\) holds an interval of 1e\+06 ms"):
        read(xdf(head, samples(1, "double64", time_s, [[1000.0], [1e6], [990.0], [980.0]])))


def test_numbered_events_are_markers() -> None:
    events = header(2, "Triggers", "Markers", 0, 1, "int32") + samples(2, "int32", [101.0, 102.5], [[7], [9]])
    assert rounded(read(xdf(HEART, events))) == (Marker(1.0, "event", "7"), Marker(2.5, "event", "9"))


def test_samples_without_a_time_follow_at_the_rate() -> None:
    plain = [
        (b"\x08" + struct.pack("<d", 100.0) if row == 0 else b"\0") + struct.pack("<d", value)
        for row, value in enumerate(ECG.tolist())
    ]
    held = chunk(SAMPLES, of(1, b"\4" + struct.pack("<I", len(plain)) + b"".join(plain)))
    recording = read(xdf(header(1, "Amp", "ECG", ECG_HZ, 1, "double64", [("ECG", "mV")]), held))
    np.testing.assert_allclose(recording.streams["ecg"].time_s, np.arange(len(ECG)) / ECG_HZ, atol=1e-6)


def test_a_file_that_breaks_off_is_read_as_far_as_it_is_whole() -> None:
    content = xdf(HEART)
    whole = len(content) - len(ECG) // 2 * 17 - 16  # less the second chunk
    recording = read(content[:-100])
    assert len(recording.streams["ecg"]) == len(ECG) // 2
    left_out = f"{len(content) - 100 - whole:,} of {len(content) - 100:,} bytes"
    assert recording.notices == (f"the file breaks off or is damaged: the last {left_out} are left out",)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (xdf(), "lab.xdf: holds no samples; in it are no streams"),
        (xdf(header(1, "Amp", "ECG", 250, 1, "float32")), "in it are Amp .ECG, 1 channel, 250 Hz"),
        (
            xdf(signal(1, "Amp", "EEG", ECG_HZ, [ECG], [("Fz", "uV")]), markers(2, [101.0], ["go"])),
            r"holds nothing vagal can use; in it are Amp \(EEG, 1 channel, 250 Hz\), Events \(Markers, 1 ",
        ),
        (
            xdf(HEART, markers(2, [9e6], ["late"])),
            "its streams lie more than a week apart, so their clocks can't be put on one",
        ),
        (
            xdf(*(header(number, f"S{number}", "EEG", 9, 1, "int16") for number in range(1, 16))),
            "S12 .EEG, 1 channel, 9 Hz. and 3 more$",
        ),
    ],
    ids=["nothing", "no samples", "nothing of ours", "a week", "many"],
)
def test_what_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        read(content)
    assert str(caught.value).startswith("lab.xdf: ")


@pytest.mark.parametrize(
    "wrong",
    [
        b'<?xml version="1.0"?><!DOCTYPE info [<!ENTITY a "aa">]><info><name>&a;</name></info>',
        b"<info><name>x</name><channel_count>99999999</channel_count></info>",
        b"<info>",
    ],
    ids=["entities", "channels", "xml"],
)
def test_a_header_that_cannot_be_ends_what_is_read(wrong: bytes) -> None:
    recording = read(xdf(HEART, chunk(STREAM, of(2, wrong)), HEART))
    assert list(recording.streams) == ["ecg"]
    assert "the file breaks off or is damaged" in recording.notices[0]


def test_a_count_of_samples_is_not_believed() -> None:
    many = chunk(SAMPLES, of(1, b"\x08" + struct.pack("<Q", 1 << 60) + bytes(90)))
    assert len(read(xdf(HEART, many)).streams["ecg"]) == len(ECG)


@given(st.integers(2, 200), st.sampled_from([4.0, 10.0, 64.0]), st.floats(-1e6, 1e6))
def test_times_begin_with_the_first_sample(count: int, rate_hz: float, from_s: float) -> None:
    eda = read(
        xdf(signal(1, "S", "GSR", rate_hz, [np.full(count, 2.0)], [("EDA", "uS")], from_s=from_s))
    ).streams["eda"]
    np.testing.assert_allclose(eda.time_s, np.arange(count) / rate_hz, atol=1e-5)
    assert eda.gaps == ()


@pytest.mark.parametrize("head", [b"", b"XDF", b"\0XDF:"], ids=["empty", "short", "elsewhere"])
def test_other_files_are_not_taken_for_it(head: bytes) -> None:
    assert not Xdf().recognises(Source(Path("x"), {"x": head}))


def test_a_unit_is_not_needed() -> None:
    assert read(xdf(HEART), "ms").notices == ("--unit ms is not needed: streams name their units",)


def test_damage(capfd: pytest.CaptureFixture[str]) -> None:
    beats = header(4, "H10", "RR", 0, 1, "float32") + samples(
        4, "float32", np.arange(101.0, 120), [[1000.0]] * 19
    )
    offsets = b"".join(offset(1, 100.0 + 5 * step, 0.5) for step in range(4))
    content = xdf(HEART, beats, offsets, markers(3, [101.0, 110.0], ["begin", "end"]))
    assert bear_damage(Xdf, Path("lab.xdf"), {"lab.xdf": content}, "lab.xdf") >= 5
    assert capfd.readouterr() == ("", "")


def test_a_real_file_damaged(recordings: Path) -> None:
    name = "minimal.xdf"
    content = (recordings / "xdf_examples" / name).read_bytes()
    assert bear_damage(Xdf, Path(name), {name: content}, name) == 30


def test_a_real_file_holds_no_heart(recordings: Path) -> None:
    with pytest.raises(InputError, match=r"BioSemi \(EEG, 8 channels, 100 Hz\)"):
        read_recording(recordings / "xdf_examples" / "clock_resets.xdf")
