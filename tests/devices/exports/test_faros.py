"""Faros recorders: a real folder of CSV, built EDF, and damage."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from datetime import date, time
from pathlib import Path

import edfio
import numpy as np
import pytest

from devices.exports.faros import FarosEdf, FarosFolder
from devices.exports.formats import read_recording
from devices.exports.reader import Source
from pipeline.errors import InputError
from pipeline.model import Marker, Recording
from tests.devices.exports.damaged import bear_damage
from tests.devices.exports.test_edf import heart

FOLDER = Path("devicely_e4_shimmer_faros") / "Faros_test_data" / "testdir_read"
OWN = "the recorder's own intervals (HRV) are left out: beats are found in its electrocardiogram"
META = {
    "start_time": "2018-10-12 16:54:12",
    "sample_freqs": {"ECG": 250.0, "ACC": 25.0, "Marker": 1.0, "HRV": 5.0},
    "units": {"ECG": "uV", "ACC": "mg", "HRV": "ms"},
}


def folder(**changed: bytes) -> dict[str, bytes]:
    """Ten seconds, the button pressed at 3 and held, and once more at 7."""
    ecg = "".join(f"{value:.1f}\n" for value in heart(10) * 1000)
    files = {
        "meta.json": json.dumps(META).encode(),
        "ECG.csv": f"ECG\n{ecg}".encode(),
        "ACC.csv": b"X,Y,Z\n" + b"1.5,-2.0,1000.0\n" * 250,
        "Marker.csv": b"Marker\n0.0\n0.0\n0.0\n1.0\n1.0\n0.0\n0.0\n1.0\n0.0\n0.0\n",
        "HRV.csv": b"HRV\n" + b"0.0\n" * 50,
    }
    return files | {name.replace("_", "."): content for name, content in changed.items()}


def read(files: Mapping[str, bytes]) -> Recording:
    source = Source(Path("walk"), files)
    assert FarosFolder().recognises(source)
    return FarosFolder().read(source, None)


def test_a_folder() -> None:
    recording = read(folder())
    ecg, acc = recording.streams["ecg"], recording.streams["acc"]
    np.testing.assert_allclose(ecg.columns["ecg_uv"], heart(10) * 1000, atol=0.051)
    assert {name: values[0] for name, values in acc.columns.items()} == {
        "acc_x_mg": 1.5,
        "acc_y_mg": -2.0,
        "acc_z_mg": 1000.0,
    }
    assert (ecg.rate_hz, acc.rate_hz, recording.duration_s) == (250.0, 25.0, 10.0)
    assert recording.markers == (Marker(3.0, "tag", "tag 1"), Marker(7.0, "tag", "tag 2"))
    assert recording.started_at is not None
    assert recording.started_at.replace(tzinfo=None).isoformat() == "2018-10-12T16:54:12"
    assert recording.notices == (OWN,)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (folder(meta_json=b'{"sample_freqs": 1, "start_time": 1}'), "is damaged, or not of a Faros"),
        (folder(meta_json=b'{"sample_freqs": {}, "start_time": ""}'), "0 Hz is no sampling rate of ECG"),
        (folder(meta_json=b'{"sample_freqs": {}, "start_time": '), "is damaged, or not of a Faros"),
        (folder(ECG_csv=b"ECG\n1.0\nx\n"), "ECG.csv line 3: 'x' is not a number"),
        (folder(ECG_csv=b"mV\n1.0\n"), "ECG.csv line 1: needs the header ECG"),
        (folder(ECG_csv=b"ECG\n"), "ECG.csv: holds no samples"),
        (folder(ACC_csv=b"X,Y,Z\n1,2\n1,2,3\n"), "ACC.csv line 2"),
    ],
    ids=["shape", "rates", "cut", "word", "header", "empty", "columns"],
)
def test_damage_is_told_with_its_line(files: Mapping[str, bytes], message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(files)


@pytest.mark.parametrize("name", ["meta.json", "ECG.csv", "Marker.csv"])
def test_folder_damage(name: str) -> None:
    bear_damage(FarosFolder, Path("walk"), folder(), name)


@pytest.mark.parametrize("missing", ["meta.json", "ECG.csv"])
def test_a_folder_may_lack_files_or_not(missing: str) -> None:
    files = {name: content for name, content in folder().items() if name != missing}
    if missing == "meta.json":
        assert not FarosFolder().recognises(Source(Path("walk"), files))
    else:
        assert list(read(files).streams) == ["acc"]


def test_a_real_folder(recordings: Path) -> None:
    _, recording = read_recording(recordings / FOLDER)
    ecg, acc = recording.streams["ecg"], recording.streams["acc"]
    assert (recording.source, len(ecg), len(acc), recording.duration_s) == ("faros-csv", 39_000, 1950, 78.0)
    assert (ecg.value[0], ecg.value[-1]) == (-2134.0, 159.0)
    assert (acc.columns["acc_x_mg"][0], acc.columns["acc_z_mg"][-1]) == (308.5, -859.5)
    assert recording.markers == (Marker(72.0, "tag", "tag 1"),)


def edf(equipment: str) -> bytes:
    seconds = 10
    pressed = np.zeros(seconds)
    pressed[4] = 1
    slope = np.linspace(-1000, 1000, 25 * seconds)
    signals = [
        edfio.EdfSignal(heart(seconds) * 1000, 250, label="ECG", physical_dimension="uV"),
        *(
            edfio.EdfSignal(
                slope,
                25,
                label=f"Accelerometer_{axis}",
                physical_dimension="mg",
            )
            for axis in "XYZ"
        ),
        edfio.EdfSignal(pressed, 1, label="Marker", physical_range=(0, 1), digital_range=(0, 1)),
        edfio.EdfSignal(np.zeros(5 * seconds), 5, label="HRV", physical_dimension="ms"),
    ]
    file = edfio.Edf(
        signals,
        recording=edfio.Recording(startdate=date(2018, 10, 12), equipment_code=equipment),
        starttime=time(16, 54, 12),
        data_record_duration=1,
    )
    buffer = io.BytesIO()
    file.write(buffer)
    return buffer.getvalue()


def test_an_edf_of_a_faros() -> None:
    source = Source(Path("walk.edf"), {"walk.edf": edf("Bittium_Faros_180")})
    assert FarosEdf().recognises(source)
    recording = FarosEdf().read(source, None)
    assert list(recording.streams) == ["ecg", "acc"]
    assert recording.markers == (Marker(4.0, "tag", "tag 1"),)
    assert recording.notices == (OWN,)


def test_an_edf_of_another_is_not_taken_for_one() -> None:
    assert not FarosEdf().recognises(Source(Path("walk.edf"), {"walk.edf": edf("SOMNOscreen")}))
