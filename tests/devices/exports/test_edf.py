"""EDF, EDF+ and BDF: files written by another library, every quirk of a header, damage, and real files."""

from __future__ import annotations

import io
import tracemalloc
import warnings
from datetime import date, time
from pathlib import Path

import edfio
import numpy as np
import pytest

from devices.exports.edf import Edf
from devices.exports.edf_file import FIXED_BYTES
from devices.exports.formats import read_recording
from devices.exports.reader import Source
from pipeline.errors import InputError
from pipeline.model import Floats, Gap, Marker, Recording
from pipeline.preparation import with_beats
from tests.devices.exports.damaged import bear_damage

ECG_HZ, EDA_HZ, SECONDS = 250, 4, 20


def heart(seconds: int = SECONDS, rate_hz: int = ECG_HZ) -> Floats:
    """A narrow wave every 0.8 s, in mV."""
    time_s = np.arange(seconds * rate_hz) / rate_hz
    return np.exp(-(((time_s % 0.8 - 0.4) / 0.012) ** 2)) + 0.02 * np.sin(time_s)


def skin(seconds: int = SECONDS) -> Floats:
    return 5.0 + np.sin(np.arange(seconds * EDA_HZ) / 40)


def written(
    kind: str = "edf", annotations: tuple[edfio.EdfAnnotation, ...] | None = (), **header: object
) -> bytes:
    """A file of one heart, one skin and one stranger."""
    signal = edfio.EdfSignal if kind == "edf" else edfio.BdfSignal
    whole = edfio.Edf if kind == "edf" else edfio.Bdf
    signals = [
        signal(np.zeros(SECONDS * 10), 10, label="Fp1", physical_dimension="uV", physical_range=(-1, 1)),
        signal(heart(), ECG_HZ, label="ECG II", physical_dimension="mV"),
        signal(skin(), EDA_HZ, label="EDA", physical_dimension="uS", physical_range=(0, 25)),
    ]
    file = whole(
        signals,  # type: ignore[arg-type]
        recording=edfio.Recording(startdate=date(2021, 3, 4), equipment_code="X"),
        starttime=time(10, 20, 30),
        data_record_duration=1,
        annotations=annotations,
    )
    buffer = io.BytesIO()
    file.write(buffer)
    return buffer.getvalue()


def read(content: bytes, unit: str | None = None) -> Recording:
    source = Source(Path("night.edf"), {"night.edf": content})
    assert Edf().recognises(source)
    return Edf().read(source, unit)


def with_field(content: bytes, at: int, text: str, size: int = 8) -> bytes:
    return content[:at] + text.encode("latin-1").ljust(size) + content[at + size :]


def field(column: int, row: int, signals: int) -> int:
    """Where a signal's field begins in the header."""
    widths = (16, 80, 8, 8, 8, 8, 8, 80, 8, 32)
    return FIXED_BYTES + sum(widths[:column]) * signals + widths[column] * row


@pytest.mark.parametrize(("kind", "step"), [("edf", 2e-5), ("bdf", 1e-7)])
@pytest.mark.parametrize("annotations", [(), None], ids=["with annotations", "without"])
def test_what_another_library_wrote(
    kind: str, step: float, annotations: tuple[edfio.EdfAnnotation, ...] | None
) -> None:
    recording = read(written(kind, annotations))
    ecg, eda = recording.streams["ecg"], recording.streams["eda"]
    assert list(recording.streams) == ["ecg", "eda"]
    np.testing.assert_allclose(ecg.columns["ecg_uv"], heart() * 1000, atol=1000 * step)
    np.testing.assert_allclose(eda.columns["eda_us"], skin(), atol=25 * step)
    np.testing.assert_allclose(ecg.time_s, np.arange(len(heart())) / ECG_HZ, atol=1e-12)
    assert (ecg.rate_hz, eda.rate_hz, recording.duration_s) == (250.0, 4.0, 20.0)
    assert recording.started_at is not None
    assert recording.started_at.replace(tzinfo=None).isoformat() == "2021-03-04T10:20:30"
    assert recording.units == {"ecg": "mV (from the header)", "eda": "uS (from the header)"}
    assert recording.notices == ("left out Fp1 (uV): none of the signals vagal reads",)
    assert (recording.recording_id, recording.source) == ("night", "edf")


def test_beats_are_found_in_the_electrocardiogram() -> None:
    recording = with_beats(read(written()))
    assert recording.beat_source == "ecg"
    assert recording.beats is not None
    np.testing.assert_allclose(recording.beats.value, 800.0, atol=1.0)


def test_annotations_become_markers() -> None:
    notes = (
        edfio.EdfAnnotation(3.5, None, "door"),
        edfio.EdfAnnotation(1.25, 4.0, "Entspannung über"),
        edfio.EdfAnnotation(500.0, None, "too late"),
        edfio.EdfAnnotation(2.0, None, ""),
    )
    recording = read(written(annotations=notes))
    assert recording.markers == (
        Marker(1.25, "annotation", "Entspannung über", 5.25),
        Marker(3.5, "annotation", "door"),
    )
    assert (
        recording.notices[-1] == "1 of 3 annotations lies outside the recording; no marker is made of those"
    )


def test_a_start_between_two_seconds() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        content = written(annotations=(edfio.EdfAnnotation(1.0, None, "one"),))
    later = content.replace(b"+0\x14\x14\x00", b"+0.25\x14\x14\x00"[:6].ljust(6, b"\0"), 1)
    assert later != content
    moved = read(later)
    assert moved.started_at is not None
    assert moved.duration_s == 20.0


def discontinuous(starts_s: list[str]) -> bytes:
    """A file that leaves time out: what the records themselves say of their beginning."""
    content = written().replace(b"EDF+C", b"EDF+D")
    head = FIXED_BYTES * 5
    record = (len(content) - head) // SECONDS
    out = bytearray(content)
    for number, start in enumerate(starts_s):
        own = (10 + ECG_HZ + EDA_HZ) * 2
        at = head + number * record + own
        size = record - own
        out[at : at + size] = f"+{start}\x14\x14\0".encode()[:size].ljust(size, b"\0")
    return bytes(out)


def test_time_that_was_left_out_is_a_gap() -> None:
    starts = [str(number if number < 5 else number + 60) for number in range(SECONDS)]
    recording = read(discontinuous(starts))
    ecg = recording.streams["ecg"]
    assert recording.duration_s == 80.0
    assert ecg.gaps == (Gap(5.0, 65.0, "not recorded"),)
    assert (ecg.time_s[5 * ECG_HZ - 1], ecg.time_s[5 * ECG_HZ]) == (pytest.approx(4.996), 65.0)


@pytest.mark.parametrize("starts", [["0", "5", "3"], ["0", "x"]], ids=["backwards", "no number"])
def test_damaged_times_of_records(starts: list[str]) -> None:
    later = [str(number) for number in range(10, 10 + SECONDS - len(starts))]
    with pytest.raises(InputError, match="the times of its records are damaged"):
        read(discontinuous([*starts, *later]))


@pytest.mark.parametrize(
    ("identification", "day", "expected"),
    [
        ("Startdate 16-MAR-2020 X X X", "16.03.20", "2020-03-16"),
        ("Startdate 16-mar-1950 X X X", "16.03.50", "1950-03-16"),
        ("Startdate X X X X", "01.01.85", None),
        ("", "01.01.85", None),
        ("", "02.03.99", "1999-03-02"),
        ("", "31.02.20", None),
        ("", "nonsense", None),
    ],
)
def test_dates(identification: str, day: str, expected: str | None) -> None:
    content = with_field(with_field(written(), 88, identification, 80), 168, day)
    started_at = read(content).started_at
    assert (started_at and started_at.date().isoformat()) == expected


@pytest.mark.parametrize(
    ("column", "text", "reason"),
    [
        (3, "word", "its range in the header is no number"),
        (4, "0", "which is wrong"),
        (5, "32767", "which is wrong"),
        (6, "-32760", "which is wrong"),
        (5, "15000", "leaves the range that its header names"),
        (3, "-25", "falls below zero"),
        (2, "mV", "is in mV, not in µS"),
    ],
    ids=["no number", "no physical range", "no digital range", "few steps", "outside", "negative", "unit"],
)
def test_a_channel_whose_header_is_wrong_is_left_out(column: int, text: str, reason: str) -> None:
    recording = read(with_field(written(), field(column, 2, 4), text))
    assert "eda" not in recording.streams
    assert any(notice.startswith("left out EDA: ") and reason in notice for notice in recording.notices)


@pytest.mark.parametrize(
    ("at", "text", "message"),
    [
        (252, "0", "0 signals can't be"),
        (244, "-1", "damaged"),
        (244, "none", "'none' is no duration of a record"),
        (236, "word", "'word' is no number of records"),
        (field(8, 1, 4), "-5", "a signal with -5 samples"),
        (field(8, 1, 4), "x", "'x' is no number of samples"),
        (field(8, 1, 4), "9999999", "ends before its first record"),
    ],
)
def test_damaged_headers(at: int, text: str, message: str) -> None:
    size = 4 if at == 252 else 8
    with pytest.raises(InputError, match=message) as caught:
        read(with_field(written(), at, text, size))
    assert str(caught.value).startswith("night.edf: ")


@pytest.mark.parametrize(("promised", "told"), [("-1", False), ("20", False), ("30", True)])
def test_the_number_of_records(promised: str, told: bool) -> None:
    recording = read(with_field(written(), 236, promised))
    assert recording.duration_s == 20.0
    assert recording.notices[0].startswith("the file ends after 20 of 30 records") is told


def test_a_file_of_nothing_but_strangers_says_so() -> None:
    content = written()
    for row in (1, 2):
        content = with_field(content, field(0, row, 4), f"EEG {row}", 16)
    with pytest.raises(InputError, match=r"holds no channel vagal can use \(Fp1 \(uV\), EEG 1 \(mV\), EEG 2"):
        read(content)


@pytest.mark.parametrize(
    "head",
    [b"", b"0", b"0       ", b"1" * 256, b"0       " + b" " * 248],
    ids=["empty", "short", "version", "other", "no count"],
)
def test_other_files_are_not_taken_for_it(head: bytes) -> None:
    assert not Edf().recognises(Source(Path("x"), {"x": head}))


def test_a_unit_is_not_needed() -> None:
    assert read(written(), "ms").notices[-1] == "--unit ms is not needed: the file names its units"


@pytest.mark.parametrize("kind", ["edf", "bdf"])
def test_damage(kind: str) -> None:
    files = {"night.edf": written(kind, (edfio.EdfAnnotation(3.5, None, "door"),))}
    assert bear_damage(Edf, Path("night.edf"), files, "night.edf") >= 1


def test_a_long_recording_costs_what_its_one_channel_does() -> None:
    hours, channels = 2, 20
    content = written_night(hours, channels)
    tracemalloc.start()
    try:
        ecg = read(content).streams["ecg"]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(ecg) == hours * 3600 * ECG_HZ
    assert peak < 5 * ecg.value.nbytes + 50_000_000


def written_night(hours: int, channels: int) -> bytes:
    """Hours of one heart among many channels of EEG."""
    labels = ["ECG"] + [f"EEG {number}" for number in range(1, channels)]
    cells = {0: labels, 2: ["uV"] * channels, 3: ["-3276.8"] * channels, 4: ["3276.7"] * channels}
    cells |= {5: ["-32768"] * channels, 6: ["32767"] * channels, 8: [str(ECG_HZ)] * channels}
    widths = (16, 80, 8, 8, 8, 8, 8, 80, 8, 32)
    header = "".join(
        text.ljust(width)
        for column, width in enumerate(widths)
        for text in cells.get(column, [""] * channels)
    )
    fixed = "0".ljust(8) + " " * 160 + "04.03.2110.20.30" + str(256 * (channels + 1)).ljust(52)
    fixed += str(hours * 3600).ljust(8) + "1".ljust(8) + str(channels).ljust(4)
    beat = (heart(4) * 1000).astype("<i2").reshape(4, ECG_HZ)
    block = np.zeros((4, channels, ECG_HZ), "<i2")
    block[:, 0] = beat
    return fixed.encode() + header.encode() + block.tobytes() * (hours * 900)


def test_a_real_file_with_a_wrong_range_is_refused(recordings: Path) -> None:
    with pytest.raises(InputError, match="EDA: lies at the end of its range for 97% of the time"):
        read_recording(recordings / "opensignals_plux" / "eda_slow_signal.edf")
