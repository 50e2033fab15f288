"""Shimmer's Consensys CSV: the real file, built variants, damage."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from devices.exports.reader import Source, open_source
from devices.exports.shimmer import Shimmer
from pipeline.errors import InputError
from pipeline.model import Recording
from tests.devices.exports.damaged import bear_damage

START_MS = 1_595_933_810_000


def built(signal: str, unit: str, values: list[float], sign: str = ";", step_ms: float = 20) -> bytes:
    names = f"Shimmer_40AC_Timestamp_Unix_CAL{sign}Shimmer_40AC_{signal}{sign}"
    head = f'"sep={sign}"\r\n{names}\r\nms{sign}{unit}{sign}\r\n'
    rows = (f"{START_MS + n * step_ms:.12E}{sign}{value}{sign}\r\n" for n, value in enumerate(values))
    return (head + "".join(rows)).encode()


def read(content: bytes) -> Recording:
    source = Source(Path("S.csv"), {"S.csv": content})
    assert Shimmer().recognises(source)
    return Shimmer().read(source, None)


@pytest.mark.parametrize("sign", [";", ",", "\t"], ids=["semicolon", "comma", "tab"])
def test_conductance_in_any_separator(sign: str) -> None:
    recording = read(built("GSR_Skin_Conductance_CAL", "uS", [2.0] * 9 + [4.0], sign))
    eda = recording.streams["eda"]
    assert (len(eda), eda.rate_hz, eda.value[0], eda.value[-1]) == (10, 50.0, 2.0, 4.0)
    assert recording.duration_s == pytest.approx(0.2)


def test_resistance_is_read_as_conductance() -> None:
    eda = read(built("GSR_Skin_Resistance_CAL", "kOhms", [100.0, 0.0, 500.0])).streams["eda"]
    np.testing.assert_array_equal(eda.value, [10.0, np.nan, 2.0])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (built("GSR_RAW", "no_units", [1.0] * 3), "has no calibrated column"),
        (
            built("GSR_Skin_Conductance_CAL", "uS", [1.0, 2.0]).replace(b"E+12;2.0", b"E+12;x"),
            "line 5: 'x' is",
        ),
        (built("GSR_Skin_Conductance_CAL", "uS", [1.0]), "no sampling rate"),
        (built("GSR_Skin_Conductance_CAL", "uS", [1.0] * 3, step_ms=-5000), "line 5: the time goes back"),
        (built("GSR_Skin_Conductance_CAL", "kPa", [1.0] * 3), "no channel vagal can use"),
    ],
    ids=["raw only", "a word", "one sample", "falling", "wrong unit"],
)
def test_what_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(content)


def test_damage() -> None:
    content = built("GSR_Skin_Conductance_CAL", "uS", [2.0] * 100)
    assert bear_damage(Shimmer, Path("S.csv"), {"S.csv": content}, "S.csv") > 0


def test_the_real_file(recordings: Path) -> None:
    path = recordings / "devicely_e4_shimmer_faros" / "Shimmer_test_data" / "read_test_data.csv"
    recording = Shimmer().read(open_source(path), None)
    eda = recording.streams["eda"]
    assert set(recording.streams) == {"eda", "ppg", "acc"}
    assert (len(eda), eda.value[0], eda.value[-1]) == (90, 2.493040293040293, 2.4300366300366303)
    assert eda.rate_hz == pytest.approx(51.2, abs=0.1)
    assert str(recording.started_at) == "2020-07-28 10:56:50.034000+00:00"
