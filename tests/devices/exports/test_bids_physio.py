"""BIDS physiological recordings: what the json says, from near and far, and what it has to say."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from devices.exports.bids_physio import BidsPhysio
from devices.exports.formats import read_recording
from devices.exports.reader import Source
from pipeline.errors import InputError
from pipeline.model import Marker, Recording
from tests.devices.exports.damaged import bear_damage

TABLE = "sub-01/func/sub-01_task-rest_physio.tsv.gz"
BESIDE, ABOVE = "sub-01/func/sub-01_task-rest_physio.json", "task-rest_physio.json"
PATH = Path("ds") / TABLE
SAID: Mapping[str, Any] = {
    "SamplingFrequency": 50,
    "StartTime": 0,
    "Columns": ["cardiac", "respiratory", "trigger"],
    "cardiac": {"Description": "pulse oximeter"},
}
ROWS = b"".join(b"%d\t%d\t0\n" % (row % 40, row % 200) for row in range(500))
UNDECIDED = (
    "the json does not say whether cardiac is an electrocardiogram or a pulse wave; "
    "it is read as a pulse wave"
)


def files(rows: bytes = ROWS, **said: Any) -> dict[str, bytes]:
    described = {name: value for name, value in {**SAID, **said}.items() if value is not None}
    return {TABLE: gzip.compress(rows, mtime=0), BESIDE: json.dumps(described).encode()}


def read(held: Mapping[str, bytes], unit: str | None = None) -> Recording:
    source = Source(PATH, held, Path("ds"))
    assert BidsPhysio().recognises(source)
    return BidsPhysio().read(source, unit)


def test_columns_become_streams() -> None:
    recording = read(files())
    assert {name: list(stream.columns) for name, stream in recording.streams.items()} == {
        "ppg": ["ppg_au"],
        "respiration": ["respiration_au"],
    }
    ppg = recording.streams["ppg"]
    assert (ppg.rate_hz, len(ppg), ppg.time_s[1], recording.duration_s) == (50, 500, 0.02, 10.0)
    np.testing.assert_array_equal(ppg.value[:41], [*range(40), 0])
    assert (recording.recording_id, recording.started_at, recording.markers) == (
        "sub-01_task-rest_physio",
        None,
        (),
    )
    assert [notice for notice in recording.notices if "trigger" not in notice] == []


@pytest.mark.parametrize(
    ("cardiac", "column", "first", "told"),
    [
        ({"Description": "ECG, lead II", "Units": "mV"}, "ecg_uv", 1000.0, False),
        ({"LongName": "Electrocardiogram"}, "ecg_au", 1.0, False),
        ({"Description": "Pulse oximeter at the finger", "Units": "V"}, "ppg_au", 1.0, False),
        ({"LongName": "photoplethysmogram"}, "ppg_au", 1.0, False),
        ({"Description": "heart"}, "ppg_au", 1.0, True),
        (None, "ppg_au", 1.0, True),
        ("cardiac", "ppg_au", 1.0, True),
    ],
    ids=["ECG in mV", "ECG, no unit", "oximeter", "PPG", "it does not say", "nothing said", "no description"],
)
def test_what_cardiac_is_stands_in_the_json(cardiac: Any, column: str, first: float, told: bool) -> None:
    recording = read(files(cardiac=cardiac))
    stream = next(stream for stream in recording.streams.values() if column in stream.columns)
    assert stream.columns[column][1] == first
    assert (UNDECIDED in recording.notices) == told


def test_what_could_be_an_electrocardiogram_is_told_of() -> None:
    assert (
        f"{UNDECIDED}, though 1000 Hz would do for either"
        in read(files(SamplingFrequency=1000, cardiac=None)).notices
    )


@pytest.mark.parametrize(
    ("unit", "read_as"),
    [("uS", [2.0, 3.0]), ("microsiemens", [2.0, 3.0]), ("nS", [0.002, 0.003]), ("V", None), (None, None)],
)
def test_skin_conductance_is_read_in_its_unit_only(unit: str | None, read_as: list[float] | None) -> None:
    said = {"Columns": ["cardiac", "eda"], "eda": {"Units": unit} if unit else {}}
    eda = read(files(b"1\t2\n2\t3\n" * 100, **said)).streams.get("eda")
    assert (None if eda is None else eda.columns["eda_us"][:2].tolist()) == read_as


def test_the_nearest_json_overrides() -> None:
    held = files(SamplingFrequency=None)
    held[ABOVE] = json.dumps({"SamplingFrequency": 100, "StartTime": -3}).encode()
    held["sub-01/sub-01_physio.json"] = json.dumps({"SamplingFrequency": 25}).encode()
    recording = read(held)
    assert recording.streams["ppg"].rate_hz == 25
    assert recording.markers == ()


def test_the_json_of_others_says_nothing() -> None:
    held = files()
    for name in ("sub-02/func/physio.json", "task-other_physio.json", "sub-01/func/sub-01_bold.json"):
        held[name] = b'{"SamplingFrequency": 1}'
    assert read(held).streams["ppg"].rate_hz == 50


@pytest.mark.parametrize(
    ("start", "markers", "told"),
    [
        (-4.5, (Marker(4.5, "scan", "the scan starts"),), False),
        (0, (), False),
        (-99, (), False),
        (2, (), True),
    ],
    ids=["before the scan", "with it", "over before the scan", "after it began"],
)
def test_the_start_of_the_scan(start: float, markers: tuple[Marker, ...], told: bool) -> None:
    recording = read(files(StartTime=start))
    assert recording.markers == markers
    assert (
        "the recording starts 2 s after the scan; times count from its own start" in recording.notices
    ) == told


def test_missing_samples_are_missing() -> None:
    ppg = read(files(b"1\t1\t0\nn/a\t2\t0\n3\t3\t0\n" * 100)).streams["ppg"]
    np.testing.assert_array_equal(ppg.value[:3], [1, np.nan, 3])


@pytest.mark.parametrize(
    ("held", "message"),
    [
        ({TABLE: files()[TABLE]}, "there is no json that describes it, beside it or above; copy that, too"),
        (files(Columns=None), 'its json needs "Columns", the names of the columns'),
        (files(Columns=[]), 'its json needs "Columns", the names of the columns'),
        (files(Columns="cardiac"), 'its json needs "Columns", the names of the columns'),
        (files(SamplingFrequency=None), 'its json needs "SamplingFrequency", a number of samples a second'),
        (files(SamplingFrequency="50"), 'its json needs "SamplingFrequency", a number of samples a second'),
        (files(SamplingFrequency=0), 'its json needs "SamplingFrequency", a number of samples a second'),
        (files(SamplingFrequency=1e99), 'its json needs "SamplingFrequency", a number of samples a second'),
        (files(StartTime="now"), '"StartTime" in its json is not a number of seconds'),
    ],
    ids=[
        "no json", "no columns", "empty columns", "a word for columns", "no rate", "a word for a rate",
        "zero rate", "absurd rate", "a word for a start",
    ],
)  # fmt: skip
def test_what_the_json_has_to_say(held: dict[str, bytes], message: str) -> None:
    with pytest.raises(InputError) as caught:
        read(held)
    assert str(caught.value) == f"{PATH}: {message}"


@pytest.mark.parametrize(
    ("sidecar", "message"),
    [
        (b"{", "is not json"),
        (b"[1]", "is json, but describes no columns"),
        (b"\xff\xfe\x00", "is not json"),
        (b"[" * 200_000, "is not json"),
    ],
    ids=["cut off", "a list", "binary", "nested without end"],
)
def test_what_is_no_description(sidecar: bytes, message: str) -> None:
    with pytest.raises(InputError, match=rf"^ds/{BESIDE}: {message}"):
        read({**files(), BESIDE: sidecar})


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (ROWS + b"2\t2\n", "line 501: holds 2 cells, not 3"),
        (b"1\t1\t0\n2\tx\t0\n", "line 2: 'x' is not a number"),
        (b"1\t1\t0\n2\tinf\t0\n", "holds numbers that no sensor gives"),
        (b"1\t1\n" * 9, "line 1: holds 2 cells, not 3"),
    ],
    ids=["short row", "word", "infinite", "fewer columns than said"],
)
def test_damage_is_told_with_its_line(rows: bytes, message: str) -> None:
    with pytest.raises(InputError) as caught:
        read(files(rows))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "held",
    [
        {},
        {TABLE: b"1\t2\n"},
        {TABLE: gzip.compress(b"cardiac\trespiratory\n1\t2\n")},
        {TABLE: gzip.compress(b"prose, not numbers\n")},
        {"a.tsv.gz": gzip.compress(b"1\t2\n")},
        {TABLE: gzip.compress(ROWS), "b_physio.tsv.gz": gzip.compress(ROWS)},
    ],
    ids=["nothing", "not packed", "a header", "prose", "another name", "two tables"],
)
def test_what_is_no_physio(held: dict[str, bytes]) -> None:
    assert not BidsPhysio().recognises(Source(PATH, held, Path("ds")))


def test_a_bomb_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("devices.exports.contents.MAX_BYTES", 1_000_000)
    with pytest.raises(InputError, match="unpacks to more than 1 MB"):
        read(files(b"1\t1\t0\n" * 200_000))


@pytest.mark.parametrize("name", [TABLE, BESIDE])
def test_damage_is_borne(name: str) -> None:
    assert bear_damage(BidsPhysio, PATH, files(), name) > 5


def test_a_real_recording(recordings: Path) -> None:
    folder = recordings / "bids_physio_ds210" / "sub-01" / "func"
    _, recording = read_recording(folder / "sub-01_task-rest_run-01_physio.tsv.gz")
    ppg, respiration = recording.streams["ppg"], recording.streams["respiration"]
    assert (recording.source, recording.duration_s, ppg.rate_hz) == ("bids-physio", 612.0, 50.0)
    assert (len(ppg), ppg.value[0], ppg.value[-1]) == (30_600, -290.0, 1202.0)
    assert (len(respiration), respiration.value[0], respiration.value[-1]) == (30_600, -2609.0, -2875.0)
    assert recording.notices == (UNDECIDED,)
