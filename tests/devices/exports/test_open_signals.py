"""OpenSignals files: built as text and as HDF5 for each board, damaged, and real ones."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from devices.exports.formats import read_recording
from devices.exports.open_signals import OpenSignals
from devices.exports.open_signals_board import are_counts, numbered
from devices.exports.reader import Source
from devices.exports.rows import CUT_OFF
from devices.streams import MISSING
from pipeline.errors import InputError
from pipeline.model import DeviceInfo, Recording
from tests.devices.exports.damaged import bear_damage

ADDRESS = "00:07:80:3B:46:61"
COUNTS = [512, 256, 1023, 0]
NEWLINE = "\n"

Told = dict[str, Any]


def told(sensor: str = "EDA", device: str = "bitalino_rev", bits: int = 10, **other: Any) -> Told:
    """The description of a board with one sensor in A3, as its text header has it."""
    return {
        "sensor": [sensor],
        "column": ["nSeq", "I1", "A3"],
        "label": ["A3"],
        "resolution": [4, 1, bits],
        "sampling rate": 100,
        "device": device,
        "date": "2019-9-3",
        "time": "15:18:36.344",
        **other,
    }


def text(rows: Sequence[str], *boards: Told) -> bytes:
    described = {f"{ADDRESS}{number or ''}": board for number, board in enumerate(boards)}
    head = ("# OpenSignals Text File Format", f"# {json.dumps(described)}", "# EndOfHeader")
    return NEWLINE.join((*head, *rows, "")).encode()


def one(board: Told, counts: Sequence[float] = COUNTS) -> bytes:
    return text([f"{row % 16}\t0\t{count}\t" for row, count in enumerate(counts)], board)


def hdf5(
    board: Mapping[str, Any],
    counts: Sequence[int] = COUNTS,
    change: Callable[[h5py.Group], None] = lambda _: None,
) -> bytes:
    file = io.BytesIO()
    with h5py.File(file, "w") as held:
        group = held.create_group(ADDRESS)
        for key in ("device", "date", "time", "sampling rate"):
            group.attrs[key] = board[key]
        group.attrs["channels"], group.attrs["resolution"] = [3], board["resolution"][-1:]
        raw = group.create_group("raw")
        raw.create_dataset("channel_3", data=np.array(counts)[:, None]).attrs["sensor"] = board["sensor"][0]
        raw.create_dataset("nSeq", data=np.arange(len(counts))[:, None] % 16)
        change(group)
    return file.getvalue()


def read(content: bytes, unit: str | None = None) -> Recording:
    source = Source(Path("lab.txt"), {"lab.txt": content})
    assert OpenSignals().recognises(source)
    return OpenSignals().read(source, unit)


FORMS = pytest.mark.parametrize("form", [one, hdf5], ids=["text", "hdf5"])


@FORMS
def test_a_board_in_either_form(form: Callable[[Told], bytes]) -> None:
    recording = read(form(told()))
    eda = recording.streams["eda"]
    np.testing.assert_allclose(eda.value, [12.5, 6.25, 25 * 1023 / 1024, 0.0])
    np.testing.assert_allclose(eda.time_s, [0.0, 0.01, 0.02, 0.03])
    assert eda.rate_hz == 100.0
    assert recording.duration_s == pytest.approx(0.04)
    assert recording.started_at == datetime(2019, 9, 3, 15, 18, 36, 344_000).astimezone()
    assert recording.units == {"eda": "uS (from the board's counts)"}
    assert recording.devices == (DeviceInfo(name="bitalino_rev", driver="opensignals", model="bitalino_rev"),)
    assert (recording.recording_id, recording.source, recording.notices) == ("lab", "opensignals", ())


@FORMS
@pytest.mark.parametrize(
    ("sensor", "device", "bits", "column", "value"),
    [
        ("EDABITREV", "bitalino_rev", 10, "eda_us", 12.5),
        ("EDA", "biosignalsplux", 16, "eda_us", 512 / 65536 * 25),
        ("EDA", "channeller", 16, "eda_us", 512 / 65536 * 25),
        ("ECG", "bitalino", 10, "ecg_uv", 0.0),
        ("ECGBIT", "bitalino_rev", 10, "ecg_uv", 0.0),
        ("ECG", "biosignalsplux", 16, "ecg_au", 512.0),
        ("BVP", "biosignalsplux", 16, "ppg_au", 512.0),
        ("PZT", "bitalino_rev", 10, "respiration_au", 512.0),
    ],
    ids=[
        "EDA",
        "EDA of plux",
        "EDA of an older plux",
        "ECG",
        "ECG by its code",
        "ECG of plux",
        "pulse",
        "breath",
    ],
)
def test_what_counts_mean(
    form: Callable[[Told], bytes], sensor: str, device: str, bits: int, column: str, value: float
) -> None:
    [stream] = read(form(told(sensor, device, bits))).streams.values()
    assert list(stream.columns) == [column]
    assert stream.value[0] == pytest.approx(value)


def test_the_heart_swings_about_the_middle() -> None:
    ecg = read(one(told("ECG"), [0, 512, 1023])).streams["ecg"]
    np.testing.assert_allclose(ecg.value, [-1500.0, 0.0, 1500 * 511 / 512])


@FORMS
@pytest.mark.parametrize(
    ("board", "counts", "message"),
    [
        (told("EDA", "bitalino"), COUNTS, "EDA: is in counts, not in µS"),
        (told("EDA", "unheard"), COUNTS, "EDA: is in counts, not in µS"),
        (
            told("EDA"),
            [1, 2, 1024],
            "EDA: holds other numbers than the board's counts, so its unit is not known",
        ),
        (told("EMG"), COUNTS, "EMG: none of the signals vagal reads"),
        (told() | {"sampling rate": 0}, COUNTS, "0 is not a sampling rate in Hz"),
        (told(bits=99), COUNTS, "is not a resolution in bits for each of 1 channels"),
        (told(), [], "holds no samples"),
    ],
    ids=["the first BITalino", "another board", "no counts", "another sensor", "no rate", "bits", "empty"],
)
def test_what_is_refused(
    form: Callable[[Told, Sequence[int]], bytes], board: Told, counts: Sequence[int], message: str
) -> None:
    with pytest.raises(InputError, match=message) as caught:
        read(form(board, counts))
    assert str(caught.value).startswith("lab.txt")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"# OpenSignals Text File Format\n1\t2\t\n", "line 1: its header has no description of a board"),
        (one(told()).replace(b"# EndOfHeader\n", b""), "line 1: its header has no description of a board"),
        (one(told()).replace(b'{"sensor"', b'{"sensor'), "line 2: the description of the board is damaged"),
        (one(told(label=["A4"])), "line 2: names no columns, or channels that are none of them"),
        (one(told() | {"sensor": []}), "line 2: names 0 sensors for 1 channels"),
        (one(told(), [512, 1, 2]).replace(b"\t512\t", b"\tx\t"), "line 4: 'x' is not a number"),
        (text(["1\t2\t"], {}), "line 2: names no columns"),
        (text(["1\t2\t"]), "line 2: describes no board"),
    ],
    ids=["no header", "no end", "damaged", "labels", "sensors", "no number", "an empty board", "no board"],
)
def test_texts_that_cannot_be(content: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(content)


def test_a_heart_in_other_numbers_than_counts_is_read_without_a_unit() -> None:
    [ecg] = read(one(told("ECG"), [0.5, -0.25, 1.5])).streams.values()
    assert {name: values.tolist() for name, values in ecg.columns.items()} == {"ecg_au": [0.5, -0.25, 1.5]}


def test_two_boards_stand_side_by_side() -> None:
    second = told("ECG", "bitalino", label=["A1"], column=["nSeq", "A1"], resolution=[4, 10])
    recording = read(text([f"{row}\t0\t512\t{row}\t512\t" for row in range(5)], told(), second))
    np.testing.assert_allclose(recording.streams["eda"].value, [12.5] * 5)
    np.testing.assert_allclose(recording.streams["ecg"].value, [0.0] * 5)
    assert [device.name for device in recording.devices] == ["bitalino_rev", "bitalino"]


def test_lost_frames_are_a_gap() -> None:
    rows = [f"{number % 16}\t0\t512\t" for number in (*range(40), *range(43, 83))]
    recording = read(text(rows, told()))
    eda = recording.streams["eda"]
    [gap] = eda.gaps
    assert (gap.reason, gap.missing) == (MISSING, 3)
    assert [gap.start_s, gap.end_s] == pytest.approx([0.4, 0.43])
    assert eda.time_s[40] == pytest.approx(0.43)
    assert recording.notices == ("3 frames were lost in one place; nothing is computed across a gap",)


@pytest.mark.parametrize(
    ("sequence", "period", "steps"),
    [
        ([0, 1, 2, 3, 4], None, [0, 1, 2, 3, 4]),
        ([14, 15, 0, 1, 3], 16, [0, 1, 2, 3, 5]),
        ([65_534, 65_535, 0, 1, 2], None, [0, 1, 2, 3, 4]),
        ([0, 1, 900_000, 900_001, 900_002], None, [0, 1, 2, 3, 4]),
        (None, 16, [0, 1, 2, 3, 4]),
    ],
    ids=["whole", "of four bits", "begins anew", "damaged", "none"],
)
def test_times_from_the_numbers_of_frames(
    sequence: list[float] | None, period: int | None, steps: list[int]
) -> None:
    time_s, _ = numbered(10.0, None if sequence is None else np.array(sequence, float), period, 5)
    np.testing.assert_allclose(time_s * 10, steps)


@pytest.mark.parametrize(
    ("values", "sound"),
    [([0.0, 1023.0], True), ([1024.0], False), ([-1.0], False), ([0.5], False), ([np.nan], False)],
    ids=["counts", "too large", "negative", "broken", "missing"],
)
def test_are_counts(values: list[float], sound: bool) -> None:
    assert are_counts(np.array(values), 10) is sound


def test_a_last_line_that_is_cut_is_left_out() -> None:
    recording = read(one(told()) + b"4\t0")
    assert (len(recording.streams["eda"]), recording.notices) == (4, (CUT_OFF,))


def replaced(name: str, put: Callable[[h5py.Group], None]) -> Callable[[h5py.Group], None]:
    def change(group: h5py.Group) -> None:
        del group["raw"][name]
        put(group["raw"])

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (replaced("channel_3", lambda _: None), "lacks one of the channels it names, channel_3"),
        (
            replaced("channel_3", lambda raw: raw.__setitem__("channel_3", h5py.ExternalLink("x.h5", "/a"))),
            "lacks one of the channels it names",
        ),
        (
            replaced(
                "channel_3",
                lambda raw: raw.create_dataset("channel_3", (4,), "u2", external=[("x.bin", 0, 8)]),
            ),
            "refused, its samples lie in another file",
        ),
        (
            replaced(
                "channel_3", lambda raw: raw.create_dataset("channel_3", (1 << 40,), "u2", chunks=(64,))
            ),
            "holds no samples, or too many",
        ),
        (
            replaced("channel_3", lambda raw: raw.create_dataset("channel_3", data=[b"a"])),
            "holds no samples, or too many",
        ),
        (lambda group: group.attrs.__delitem__("resolution"), "the HDF5 file is damaged"),
        (lambda group: group.__delitem__("raw"), "holds no samples"),
    ],
    ids=["gone", "a link", "another file", "too many", "texts", "no resolution", "nothing raw"],
)
def test_hdf5_that_is_refused(change: Callable[[h5py.Group], None], message: str) -> None:
    content = hdf5(told(), change=change)
    with pytest.raises(InputError, match=message) as caught:
        OpenSignals().read(Source(Path("lab.h5"), {"lab.h5": content}), None)
    assert str(caught.value).startswith("lab.h5: ")


def test_numbers_of_frames_that_do_not_fit_are_not_used() -> None:
    change = replaced("nSeq", lambda raw: raw.create_dataset("nSeq", data=[0, 9]))
    assert read(hdf5(told(), change=change)).streams["eda"].gaps == ()


@pytest.mark.parametrize(
    "head",
    [b"", b"# OpenSignals", b"\x89HDF\r\n\x1a\n" + bytes(500), b"# Simple Text Format"],
    ids=["empty", "short", "other HDF5", "other text"],
)
def test_other_files_are_not_taken_for_it(head: bytes) -> None:
    assert not OpenSignals().recognises(Source(Path("x"), {"x": head}))


def test_a_unit_is_not_needed() -> None:
    assert read(one(told()), "ms").notices == ("--unit ms is not needed: the board is known from the file",)


@FORMS
def test_damage(form: Callable[[Told, Sequence[int]], bytes], capfd: pytest.CaptureFixture[str]) -> None:
    content = form(told(), [500 + row % 40 for row in range(300)])
    assert bear_damage(OpenSignals, Path("lab"), {"lab": content}, "lab") >= 4
    assert capfd.readouterr() == ("", "")


PLUX, BITALINO = "opensignals_plux", "bitalino_ecg_opensignals"


@pytest.mark.parametrize(
    ("path", "column", "rate_hz", "count", "first", "last"),
    [
        (f"{BITALINO}/SampleECG.txt", "ecg_uv", 1000.0, 22_350, -46.875, -41.015625),
        (f"{PLUX}/bvp_sample.txt", "ppg_au", 1000.0, 27_300, 39_072.0, 22_044.0),
        (f"{PLUX}/ecg_5_min.h5", "ecg_au", 1000.0, 300_000, 32_604.0, 32_790.0),
        (f"{PLUX}/eda_hot_surface.txt", "eda_us", 1000.0, 37_050, 11.25488, 13.18359),
        (f"{PLUX}/eda_slow_signal.h5", "eda_us", 100.0, 2820, 17.886353, 14.014053),
        (f"{PLUX}/eda_slow_signal.txt", "eda_us", 100.0, 2820, 17.886353, 14.014053),
    ],
)
def test_real_files(
    recordings: Path, path: str, column: str, rate_hz: float, count: int, first: float, last: float
) -> None:
    [stream] = read_recording(recordings / path)[1].streams.values()
    assert (list(stream.columns), stream.rate_hz, len(stream), stream.gaps) == ([column], rate_hz, count, ())
    assert [stream.value[0], stream.value[-1]] == pytest.approx([first, last])


def test_text_and_hdf5_of_one_recording_are_the_same(recordings: Path) -> None:
    plain, packed = (
        read_recording(recordings / PLUX / f"eda_slow_signal.{ending}")[1] for ending in ("txt", "h5")
    )
    np.testing.assert_array_equal(plain.streams["eda"].value, packed.streams["eda"].value)
    assert (plain.started_at, plain.devices, plain.units) == (
        packed.started_at,
        packed.devices,
        packed.units,
    )
