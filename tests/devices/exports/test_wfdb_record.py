"""WFDB records: written by the reference library, damaged and hostile ones, and one from MIT-BIH."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
import wfdb

from devices.exports.discovery import discover
from devices.exports.formats import read_recording
from devices.exports.reader import Source
from devices.exports.wfdb_record import WfdbRecord
from pipeline.errors import InputError
from pipeline.heart.beats import BeatKind
from pipeline.model import Floats, Gap, Marker, Recording
from pipeline.preparation import with_beats
from tests.devices.exports.damaged import bear_damage
from tests.devices.exports.test_edf import heart

RATE_HZ, SECONDS = 250, 20


def signals() -> Floats:
    skin = 5 + np.sin(np.arange(SECONDS * RATE_HZ) / 2000)
    return np.column_stack([np.zeros(SECONDS * RATE_HZ), heart(), skin])


def record(
    folder: Path,
    fmt: str = "16",
    names: tuple[str, str, str] = ("EEG Fp1", "ECG II", "EDA"),
    units: tuple[str, str, str] = ("mV", "mV", "uS"),
    beats: Mapping[float, str] | None = None,
    rhythm: Mapping[float, str] | None = None,
    start: datetime | None = None,
) -> dict[str, bytes]:
    """The files of a record with three signals, and annotations at these seconds."""
    wfdb.wrsamp(
        "walk",
        RATE_HZ,
        list(units),
        list(names),
        p_signal=signals(),
        fmt=[fmt] * 3,
        adc_gain=[200.0] * 3,
        baseline=[0] * 3,
        base_datetime=start,
        write_dir=str(folder),
    )
    if beats or rhythm:
        notes = {**dict.fromkeys(rhythm or {}, "+"), **(beats or {})}
        at = sorted(notes)
        wfdb.wrann(
            "walk",
            "atr",
            np.array([round(each * RATE_HZ) for each in at]),
            symbol=[notes[each] for each in at],
            aux_note=[(rhythm or {}).get(each, "") if notes[each] == "+" else "" for each in at],
            write_dir=str(folder),
        )
    return {file.name: file.read_bytes() for file in sorted(folder.iterdir())}


def read(files: Mapping[str, bytes], unit: str | None = None) -> Recording:
    source = Source(Path("walk.hea"), files)
    assert WfdbRecord().recognises(source)
    return WfdbRecord().read(source, unit)


@pytest.mark.parametrize("fmt", ["16", "212", "24", "32", "80"])
def test_signals_in_every_packing(tmp_path: Path, fmt: str) -> None:
    if fmt == "80":  # eight bits hold no more
        files = record(tmp_path, "16")
        files["walk.hea"] = files["walk.hea"].replace(b"walk.dat 16", b"walk.dat 80")
        files["walk.dat"] = (np.frombuffer(files["walk.dat"], "<i2") // 10 + 128).astype(np.uint8).tobytes()
        files["walk.hea"] = files["walk.hea"].replace(b" 200.0(0)", b" 20.0(0)")
    else:
        files = record(tmp_path, fmt)
    recording = read(files)
    coarse = 0.05 if fmt == "80" else 0.0025
    np.testing.assert_allclose(recording.streams["ecg"].columns["ecg_uv"], heart() * 1000, atol=1001 * coarse)
    np.testing.assert_allclose(
        recording.streams["eda"].columns["eda_us"], signals()[:, 2], atol=1.001 * coarse
    )
    assert recording.duration_s == SECONDS
    assert recording.streams["ecg"].rate_hz == RATE_HZ
    assert recording.units == {"ecg": "mV (from the header)", "eda": "uS (from the header)"}
    assert recording.notices == ("left out EEG Fp1 (mV): none of the signals vagal reads",)
    assert (recording.recording_id, recording.source, recording.started_at) == ("walk", "wfdb", None)


def test_beats_are_found_where_none_are_annotated(tmp_path: Path) -> None:
    recording = with_beats(read(record(tmp_path)))
    assert recording.beat_source == "ecg"
    assert recording.beats is not None
    np.testing.assert_allclose(recording.beats.value, 800.0, atol=1.0)


def test_annotated_beats_are_the_intervals(tmp_path: Path) -> None:
    beats = {0.4: "N", 1.2: "N", 1.8: "V", 2.8: "N", 3.6: "L", 4.4: "~", 5.2: "N"}
    recording = read(record(tmp_path, beats=beats, rhythm={0.2: "(AFIB"}))
    rr = recording.streams["rr"]
    np.testing.assert_allclose(rr.columns["rr_ms"], [800, 600, 1000, 800, 1600])
    np.testing.assert_allclose(rr.time_s, [1.2, 1.8, 2.8, 3.6, 5.2])
    normal, ectopic = BeatKind.NORMAL, BeatKind.ECTOPIC
    assert rr.columns["annotated_kind"].tolist() == [normal, ectopic, ectopic, normal, normal]
    assert recording.markers == (Marker(0.2, "rhythm", "AFIB"),)
    assert recording.notices[0] == "beats are those annotated in walk.atr: 6, of which not normal: 1 V"
    assert recording.beat_source == "rr"


def test_no_interval_reaches_across_flutter(tmp_path: Path) -> None:
    beats = {0.4: "N", 1.2: "N", 2.0: "[", 9.0: "]", 9.6: "N", 10.4: "N"}
    rr = read(record(tmp_path, beats=beats)).streams["rr"]
    np.testing.assert_allclose(rr.columns["rr_ms"], [800, 800])
    assert [gap for gap in rr.gaps if gap.start_s < 5] == [
        Gap(0.0, 0.4, "beats missing"),
        Gap(1.2, 9.6, "beats missing"),
    ]


def test_annotations_without_beats(tmp_path: Path) -> None:
    recording = read(record(tmp_path, rhythm={0.2: "(N"}))
    assert "rr" not in recording.streams
    assert recording.notices[0] == "walk.atr annotates no beats"


def test_beats_alone_are_enough(tmp_path: Path) -> None:
    names = ("EEG Fp1", "EEG Fp2", "EEG C3")
    recording = read(record(tmp_path, names=names, beats={0.4: "N", 1.2: "N", 2.0: "N"}))
    assert list(recording.streams) == ["rr"]
    with pytest.raises(InputError, match="holds no channel vagal can use"):
        read({name: content for name, content in record(tmp_path, names=names).items() if name != "walk.atr"})


def test_a_start(tmp_path: Path) -> None:
    started_at = read(record(tmp_path, start=datetime(2020, 5, 6, 7, 8, 9))).started_at
    assert started_at is not None
    assert started_at.replace(tzinfo=None).isoformat() == "2020-05-06T07:08:09"


@pytest.mark.parametrize(
    "gain", [b"walk.dat 16\n", b"walk.dat 16 0 16 0 0 0 0 ECG II\n"], ids=["none", "zero"]
)
def test_a_signal_without_a_gain_has_no_unit(tmp_path: Path, gain: bytes) -> None:
    files = record(tmp_path)
    lines = files["walk.hea"].splitlines(keepends=True)
    named = gain if b"ECG" in gain else b"walk.dat 16 0 16 0 0 0 0 ECG\n"
    files["walk.hea"] = lines[0] + lines[1] + named + lines[3]
    assert list(read(files).streams["ecg"].columns) == ["ecg_au"]


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (b"walk 1 250 5000\n/etc/passwd 16 200 16 0 0 0 0 ECG\n", None),
        (b"walk 1 250 5000\n../walk.dat 16 200 16 0 0 0 0 ECG\n", None),
        (b"walk 1 250 5000\nhttp://a.b/c 16 200 16 0 0 0 0 ECG\n", None),
        (
            b"walk 1 250 5000\nother.dat 16 200 16 0 0 0 0 ECG\n",
            "other.dat is missing; keep it in the same folder",
        ),
        (
            b"walk 3 250 5000\nwalk.dat 16 200 16 0 0 0 0 ECG\n",
            "names no signals, or not their number or rate",
        ),
        (b"walk 0 250 5000\n", "names no signals"),
        (b"walk/2 1 250 5000\na 2500\nb 2500\n", "a.hea is missing; keep it in the same folder"),
        (b"walk/2 1 250 5000\nwalk 2500\n~ 2500\n", "is a segment of segments"),
        (b"walk/2 1 250 0\n~ 0\n~ 0\n", "its segments hold nothing"),
        (b"walk/1 1 250 5000\n../a 5000\n", None),
        (
            b"walk 1 250 900000000000\nwalk.dat 16 200 16 0 0 0 0 ECG\n",
            "walk.dat is shorter than the header says",
        ),
        (b"walk 1 250 20000\nwalk.dat 16 200 16 0 0 0 0 ECG\n", "walk.dat is damaged or shorter"),
        (b"walk 1 0 5000\nwalk.dat 16 200 16 0 0 0 0 ECG\n", "names no signals, or not their number or rate"),
        (b"walk 1 250 5000\nwalk.dat 999 200 16 0 0 0 0 ECG\n", "walk.dat is damaged or shorter"),
    ],
    ids=[
        "absolute",
        "above",
        "address",
        "missing",
        "signals",
        "none",
        "segments",
        "segment of itself",
        "empty segments",
        "segment above",
        "absurd",
        "short",
        "rate",
        "packing",
    ],
)
def test_hostile_and_damaged_headers(tmp_path: Path, header: bytes, message: str | None) -> None:
    files = record(tmp_path) | {"walk.hea": header}
    source = Source(Path("walk.hea"), files)
    if message is None:
        assert not WfdbRecord().recognises(source)
        return
    with pytest.raises(InputError, match=message) as caught:
        read(files)
    assert str(caught.value).startswith("walk.hea: ")


def segments(
    folder: Path, header: bytes = b"all/3 3 250 15000\na 5000\n~ 5000\nb 5000\n"
) -> dict[str, bytes]:
    """A record of two segments of 20 s, with as much of nothing between them."""
    files = record(folder)
    alone = files.pop("walk.hea")
    names = {"a.hea": alone.replace(b"walk 3", b"a 3"), "b.hea": alone.replace(b"walk 3", b"b 3")}
    return {"all.hea": header, **names, **files}


def test_segments_are_joined(tmp_path: Path) -> None:
    recording = WfdbRecord().read(Source(Path("all.hea"), segments(tmp_path)), None)
    ecg = recording.streams["ecg"]
    assert (recording.duration_s, len(ecg)) == (60.0, 15_000)
    assert ecg.gaps == (Gap(20.0, 40.0, "samples missing"),)
    assert np.flatnonzero(np.isnan(ecg.value)).tolist() == list(range(5000, 10_000))
    np.testing.assert_array_equal(ecg.value[:5000], ecg.value[10_000:])


def test_a_segment_may_lack_a_signal(tmp_path: Path) -> None:
    files = segments(tmp_path)
    files["b.hea"] = files["b.hea"].replace(b"ECG II", b"EEG Fp2")
    recording = WfdbRecord().read(Source(Path("all.hea"), files), None)
    assert recording.streams["ecg"].gaps == (Gap(20.0, 60.0, "samples missing"),)
    assert recording.streams["eda"].gaps == (Gap(20.0, 40.0, "samples missing"),)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (b"all/2 3 250 9000\na 5000\nb 4000\n", "b.hea: is not as long or as fast as all.hea says"),
        (b"all/2 3 500 10000\na 5000\nb 5000\n", "a.hea: is not as long or as fast as all.hea says"),
        (
            b"all/2 3 250 900005000\na 5000\n~ 900000000\n",
            "is too long to be joined; import the header of each",
        ),
    ],
    ids=["length", "rate", "mostly nothing"],
)
def test_segments_that_can_not_be(tmp_path: Path, header: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        WfdbRecord().read(Source(Path("all.hea"), segments(tmp_path, header)), None)


def test_segments_are_no_recordings_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "made").mkdir()
    (tmp_path / "data").mkdir()
    for name, content in segments(tmp_path / "made").items():
        (tmp_path / "data" / name).write_bytes(content)
    assert [(found.path.name, found.reader) for found in discover(tmp_path / "data")] == [("all.hea", "wfdb")]
    assert read_recording(tmp_path / "data" / "all.hea")[1].duration_s == 60.0


def test_a_length_left_out_is_the_files(tmp_path: Path) -> None:
    files = record(tmp_path)
    files["walk.hea"] = files["walk.hea"].replace(b"walk 3 250 5000", b"walk 3 250")
    assert read(files).duration_s == SECONDS


def test_several_headers_are_not_one_record(tmp_path: Path) -> None:
    files = record(tmp_path)
    assert not WfdbRecord().recognises(Source(tmp_path, {**files, "run.hea": files["walk.hea"]}))
    assert not WfdbRecord().recognises(Source(tmp_path, {"walk.hea": b"\x00" * 40}))


@pytest.mark.parametrize("name", ["walk.hea", "walk.dat", "walk.atr"])
def test_damage(tmp_path: Path, name: str) -> None:
    beats = {0.4 + 0.8 * number: "N" for number in range(20)}
    bear_damage(WfdbRecord, Path("walk.hea"), record(tmp_path, beats=beats), name)


def test_a_real_record(recordings: Path) -> None:
    _, recording = read_recording(recordings / "wfdb_mitdb100" / "100.hea")
    rr, ecg = recording.streams["rr"], recording.streams["ecg"]
    assert (recording.source, len(rr), len(ecg), ecg.rate_hz) == ("wfdb", 2272, 650_000, 360.0)
    assert recording.duration_s == pytest.approx(1805.556, abs=1e-3)
    assert (ecg.value[0], ecg.value[-1]) == (-145.0, -1280.0)  # as rdsamp prints them, in µV
    assert rr.value[0] == pytest.approx(293 / 0.36)  # samples 77 and 370
    assert int(np.sum(rr.columns["annotated_kind"] == BeatKind.ECTOPIC)) == 68  # before and after each
    assert recording.notices == (
        "beats are those annotated in 100.atr: 2273, of which not normal: 33 A, 1 V",
        "left out V5: another channel is read for ecg",
    )


def test_r_peaks_agree_with_the_annotations_of_a_real_record(recordings: Path) -> None:
    _, recording = read_recording(recordings / "wfdb_mitdb100" / "100.hea")
    annotated = recording.streams["rr"]
    found = with_beats(
        Recording("100", "wfdb", "", recording.duration_s, {"ecg": recording.streams["ecg"]})
    ).beats
    assert found is not None
    at = np.searchsorted(found.time_s, annotated.time_s)
    near = np.minimum(
        np.abs(found.time_s[np.clip(at, 0, len(found) - 1)] - annotated.time_s),
        np.abs(found.time_s[np.clip(at - 1, 0, len(found) - 1)] - annotated.time_s),
    )
    assert np.mean(near < 0.02) > 0.98
