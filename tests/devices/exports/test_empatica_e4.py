"""Empatica E4 exports: known content, damaged content, and real sessions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from devices.exports.empatica_e4 import EmpaticaE4
from devices.exports.formats import read_recording
from devices.exports.reader import Source
from pipeline.errors import InputError
from pipeline.heart.artefacts import classify
from pipeline.heart.beats import BeatKind
from pipeline.model import DeviceInfo, Gap, Marker, Recording

START = 1_644_227_574
PEOPLE = tuple(f"S0{number}" for number in range(2, 10))
TAGS = {"S02": 9, "S03": 9, "S04": 9}  # the others pressed seven times

EDA = b"%d.000000\r\n4.000000\r\n0.000000\r\n0.5\r\n0.75\r\n1.0\r\n" % START
TEMP = b"%d.00\n4.000000\n34.79\n34.81\n" % (START + 1)
ACC = b"%d, %d, %d\n32.0, 32.0, 32.0\n64,0,-64\n32,16,8\n" % (START, START, START)
PULSE = np.exp(-(((np.arange(64 * 40) / 64 % 0.8 - 0.3) / 0.08) ** 2))
BVP = b"%d.000000\r\n64.000000\r\n" % START + b"".join(b"%.4f\r\n" % value for value in PULSE * 100)
FLAT = b"%d.000000\r\n64.000000\r\n" % START + b"0.00\r\n" * len(PULSE)
IBI = b"%d.000000, IBI\n1.5,0.75\n2.25,0.75\n5.0,1.0\n" % START


def read(files: Mapping[str, bytes], unit: str | None = None) -> Recording:
    source = Source(Path("S99"), files)
    assert EmpaticaE4().recognises(source)
    return EmpaticaE4().read(source, unit)


def test_every_sensor_in_its_unit_and_time() -> None:
    recording = read({"EDA.csv": EDA, "TEMP.csv": TEMP, "ACC.csv": ACC})
    eda, temperature, acc = (recording.streams[name] for name in ("eda", "skin_temperature", "acc"))
    assert (eda.rate_hz, eda.time_s.tolist()) == (4.0, [0.25, 0.5, 0.75])
    assert {name: values.tolist() for name, values in eda.columns.items()} == {"eda_us": [0.5, 0.75, 1.0]}
    assert temperature.time_s.tolist() == [1.0, 1.25]
    assert temperature.columns["skin_temperature_c"].tolist() == [34.79, 34.81]
    assert acc.columns["acc_x_mg"].tolist() == [1000.0, 500.0]
    assert acc.columns["acc_z_mg"].tolist() == [-1000.0, 125.0]
    assert recording.started_at == datetime(2022, 2, 7, 9, 52, 54, tzinfo=UTC)
    assert recording.duration_s == 1.5
    assert recording.devices == (DeviceInfo(name="Empatica E4", driver="empatica-e4"),)
    assert (recording.recording_id, recording.source, recording.notices) == ("S99", "empatica-e4", ())


def test_only_the_zero_before_measuring_is_left_off() -> None:
    silent = b"%d\n4\n0.0\n0.0\n0.1\n" % START
    assert read({"EDA.csv": silent}).streams["eda"].value.tolist() == [0.0, 0.1]


def test_beats_come_from_ibi_only_without_bvp() -> None:
    recording = read({"IBI.csv": IBI})
    pp = recording.streams["pp"]
    assert pp.time_s.tolist() == [1.5, 2.25, 5.0]
    assert pp.columns["pp_ms"].tolist() == [750.0, 750.0, 1000.0]
    assert np.isnan(pp.columns["quality"]).all()
    assert pp.gaps == (Gap(2.25, 4.0, "no usable pulse"),)
    assert recording.notices == ("beats are pulse intervals from IBI.csv, as there is no BVP.csv",)


@pytest.mark.parametrize("ibi", [IBI, IBI + b"5.0,1.0\n", b"damaged"], ids=["sound", "repeated", "damaged"])
def test_ibi_is_not_looked_at_if_bvp_holds_pulses(ibi: bytes) -> None:
    alone, beside = read({"BVP.csv": BVP}), read({"BVP.csv": BVP, "IBI.csv": ibi})
    assert len(alone.streams["pp"]) > 20
    assert beside.streams["pp"].time_s.tolist() == alone.streams["pp"].time_s.tolist()
    assert beside.notices == alone.notices == ("beats are pulse intervals from BVP.csv",)


def test_beats_come_from_ibi_if_bvp_holds_no_pulse() -> None:
    recording = read({"BVP.csv": FLAT, "IBI.csv": IBI})
    assert recording.streams["pp"].time_s.tolist() == [1.5, 2.25, 5.0]
    assert len(recording.streams["ppg"]) == 64 * 40
    assert recording.notices == ("beats are pulse intervals from IBI.csv, as BVP.csv holds no usable pulse",)


def test_ibi_may_begin_before_the_sensor_it_stands_in_for() -> None:
    later = FLAT.replace(b"%d" % START, b"%d" % (START + 2))
    recording = read({"BVP.csv": later, "IBI.csv": IBI})
    assert (recording.streams["pp"].time_s[0], recording.streams["ppg"].time_s[0]) == (1.5, 2.0)


def test_no_beats_at_all_are_told_of() -> None:
    recording = read({"BVP.csv": FLAT, "IBI.csv": b"%d, IBI\n" % START})
    assert len(recording.streams["pp"]) == 0
    assert recording.notices == (
        "there are no beats, as BVP.csv holds no usable pulse",
        "IBI.csv holds no samples",
    )


@pytest.mark.parametrize(
    ("rows", "ends_s", "pp_ms", "left_out"),
    [
        (b"6,0\n", [6.0], [0.0], None),
        (b"6,-1\n", [6.0], [-1000.0], None),
        (b"6,30\n", [6.0], [30_000.0], None),
        (b"6,nan\n", [6.0], [np.nan], None),
        (b"5.0,1.0\n", [], [], "1 of 4 rows in IBI.csv does not rise in time and is left out"),
        (b"4,1\n4,1\n6,1\n", [6.0], [1000.0], "2 of 6 rows in IBI.csv do not rise in time and are left out"),
        (b"nan,1\n6,1\n", [6.0], [1000.0], "1 of 5 rows in IBI.csv does not rise in time and is left out"),
    ],
    ids=["zero", "negative", "too long", "missing", "repeated", "backwards", "no time"],
)  # fmt: skip
def test_bad_rows_of_ibi(rows: bytes, ends_s: list[float], pp_ms: list[float], left_out: str | None) -> None:
    recording = read({"EDA.csv": EDA, "IBI.csv": IBI + rows})
    pp = recording.streams["pp"]
    assert pp.time_s.tolist() == [1.5, 2.25, 5.0, *ends_s]
    np.testing.assert_array_equal(pp.columns["pp_ms"], [750.0, 750.0, 1000.0, *pp_ms])
    assert recording.notices[1:] == ((left_out,) if left_out else ())
    assert classify(pp.time_s, pp.value).kind.tolist()[3:] == [
        BeatKind.NORMAL if each == 1000.0 else BeatKind.IMPLAUSIBLE for each in pp_ms
    ]


@pytest.mark.parametrize("interval_s", [b"0", b"-1", b"nan"])
def test_an_interval_that_is_not_positive_covers_no_time(interval_s: bytes) -> None:
    pp = read({"IBI.csv": IBI + b"7.0,%b\n8.0,1.0\n" % interval_s}).streams["pp"]
    assert pp.gaps == (Gap(2.25, 4.0, "no usable pulse"), Gap(5.0, 7.0, "no usable pulse"))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("tags.csv", b"%d\n%d.25\n" % (START, START + 1)),
        ("tags_S99.csv", b"%d.00\r\n\r\n%d.250000\r\n" % (START, START + 1)),
        ("tags.csv", b"2022-02-07 09:52:55.25\n2022-02-07 09:52:54\n"),
    ],
    ids=["plain", "renamed, blank line", "ISO, out of order"],
)
def test_tags_become_markers(name: str, content: bytes) -> None:
    assert read({"EDA.csv": EDA, "TEMP.csv": TEMP, name: content}).markers == (
        Marker(0.0, "tag", "tag 1"),
        Marker(1.25, "tag", "tag 2"),
    )


@pytest.mark.parametrize("content", [b"", b"\n"], ids=["no bytes", "blank"])
def test_an_empty_tag_file_is_no_tags(content: bytes) -> None:
    recording = read({"EDA.csv": EDA, "tags.csv": content})
    assert (recording.markers, recording.notices) == ((), ())


def test_tags_outside_the_recording_are_told_of() -> None:
    recording = read({"EDA.csv": EDA, "tags.csv": b"%d\n%d\n" % (START - 60, START + 1)})
    assert recording.markers == (Marker(1.0, "tag", "tag 2"),)
    assert recording.notices == (
        "1 of 2 tags lies outside the recording; no marker is made of what lies there",
    )


def test_empty_files_and_a_needless_unit_are_told_of() -> None:
    recording = read({"EDA.csv": EDA, "BVP.csv": b"", "IBI.csv": b"%d, IBI\n" % START}, unit="ms")
    assert set(recording.streams) == {"eda"}
    assert recording.notices == (
        "BVP.csv holds no samples",
        "IBI.csv holds no samples",
        "--unit ms is not needed: E4 files have fixed units",
    )


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("EDA.csv", EDA + b"abc\r\n", "EDA.csv line 7: 'abc' is not a number"),
        ("EDA.csv", EDA.replace(b"0.75", b""), "EDA.csv line 5: '' is not a number"),
        ("EDA.csv", EDA.replace(b"0.75", b"1_0"), "EDA.csv line 5: '1_0' is not a number"),
        ("EDA.csv", EDA.replace(b"0.75", b"inf"), "EDA.csv line 5: 'inf' is not a number a sensor gives"),
        ("BVP.csv", b"%d\n64\n1e300\n" % START, "BVP.csv line 3: '1e300' is not a number a sensor gives"),
        ("EDA.csv", EDA.replace(b"0.75", b"1,2"), "EDA.csv line 5: holds 2 numbers, not 1"),
        ("EDA.csv", EDA.replace(b"\n4.0", b"\n-4"), "EDA.csv line 2: '-400000' is not a sampling rate in Hz"),
        ("EDA.csv", EDA.replace(b"\n4.000000", b"\n0"), "EDA.csv line 2: '0' is not a sampling rate in Hz"),
        ("EDA.csv", EDA.replace(b"\n4.0", b"\nx"), "EDA.csv line 2: 'x00000' is not a sampling rate in Hz"),
        ("BVP.csv", b"yesterday\n64\n1\n", "BVP.csv line 1: 'yesterday' is not a start time"),
        ("ACC.csv", ACC + b"1,2\n", "ACC.csv line 5: holds 2 numbers, not 3"),
        ("ACC.csv", ACC + b"1,2\n3,4,5,6\n", "ACC.csv line 5: holds 2 numbers, not 3"),
        ("IBI.csv", IBI + b"6.0;1.0\n", "IBI.csv line 5: '6.0;1.0' is not a number"),
        ("tags.csv", b"%d\nnoon\n" % START, "tags.csv line 2: 'noon' is not a time"),
    ],
    ids=[
        "word", "blank", "underscore", "infinite", "absurd", "two columns", "negative rate", "zero rate",
        "rate a word", "no start", "short row", "rows that even out", "wrong separator", "tag",
    ],
)  # fmt: skip
def test_damage_is_told_with_its_line(name: str, content: bytes, message: str) -> None:
    with pytest.raises(InputError) as caught:
        read({"TEMP.csv": TEMP, "EDA.csv": EDA, name: content})
    assert str(caught.value) == f"S99/{message}"


def test_files_of_different_days_are_no_session() -> None:
    with pytest.raises(InputError, match="the files are of different sessions"):
        read({"EDA.csv": EDA, "TEMP.csv": TEMP.replace(b"%d" % (START + 1), b"%d" % (START + 90_000))})


def test_temperature_alone_is_no_session() -> None:
    with pytest.raises(InputError, match=r"needs samples in BVP\.csv, EDA\.csv or IBI\.csv"):
        read({"TEMP.csv": TEMP})


@pytest.mark.parametrize(
    "files",
    [{}, {"data.csv": EDA}, {"EDA.csv": b"time,eda\n0,0.5\n"}, {"EDA.csv": b"4.0\n0.5\n"}],
    ids=["nothing", "other name", "other header", "no stamp"],
)
def test_what_is_no_e4(files: Mapping[str, bytes]) -> None:
    assert not EmpaticaE4().recognises(Source(Path("x"), files))


@pytest.fixture(scope="module", params=PEOPLE)
def real(request: pytest.FixtureRequest, recordings: Path) -> tuple[str, Recording]:
    """A person, and what a wristband recorded of them."""
    person: str = request.param
    return person, read_recording(recordings / "stress_predict_e4" / person)[1]


def test_real_sessions(real: tuple[str, Recording]) -> None:
    person, recording = real
    pp, eda = recording.streams["pp"], recording.streams["eda"]
    coverage = np.sum(pp.value) / 1000 / recording.duration_s
    print(f"{person}: coverage {coverage:.2f}, median {60_000 / np.median(pp.value):.1f} beats/min")
    assert recording.duration_s == pytest.approx(3350, abs=230)
    assert coverage > 0.14
    assert 50 < 60_000 / np.median(pp.value) < 110
    assert eda.value.min() >= 0
    assert 0.1 < np.median(eda.value) < 10
    assert len(recording.markers) == TAGS.get(person, 7)
    assert ("acc" in recording.streams) == (person in ("S02", "S03"))


def test_real_intervals_and_gaps_fill_the_session(real: tuple[str, Recording]) -> None:
    _, recording = real
    pp = recording.streams["pp"]
    open_s = sum(gap.end_s - gap.start_s for gap in pp.gaps)
    assert open_s + np.sum(pp.value) / 1000 == pytest.approx(recording.duration_s, abs=6)


def test_a_folder_and_its_zip_are_the_same_recording(recordings: Path) -> None:
    _, folder = read_recording(recordings / "stress_predict_e4" / "S02")
    _, packed = read_recording(recordings / "stress_predict_e4" / "S02_as_e4_zip.zip")
    assert packed.streams.keys() == folder.streams.keys()
    for name, stream in folder.streams.items():
        np.testing.assert_array_equal(packed.streams[name].time_s, stream.time_s)
        for column, values in stream.columns.items():
            np.testing.assert_array_equal(packed.streams[name].columns[column], values)
    assert (packed.markers, packed.started_at, packed.duration_s) == (
        folder.markers,
        folder.started_at,
        folder.duration_s,
    )


def test_the_curated_variant_with_iso_dates(recordings: Path) -> None:
    _, recording = read_recording(recordings / "physionet_e4_exercise" / "AEROBIC" / "S01")
    assert recording.started_at == datetime(2013, 3, 3, 17, 43, 37, tzinfo=UTC)
    assert set(recording.streams) == {"ppg", "eda", "skin_temperature", "acc", "ppg_rate", "pp"}
    assert [marker.time_s for marker in recording.markers[:2]] == [179.0, 357.0]
    assert len(recording.markers) == 12


def test_one_file_of_an_export_is_not_taken_for_rr_intervals(recordings: Path) -> None:
    _, recording = read_recording(recordings / "stress_predict_e4" / "S02" / "EDA.csv")
    assert (recording.source, set(recording.streams)) == ("empatica-e4", {"eda"})
