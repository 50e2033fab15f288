"""Pandas frames in: read as the file is that they would be saved to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from devices.exports import read
from pipeline.errors import InputError, UsageError

RR_MS = np.random.default_rng(1).normal(850, 20, 60)
BEATS = pd.DataFrame({"time_s": 100 + np.cumsum(RR_MS) / 1000, "rr_ms": RR_MS})
NOON = pd.date_range("2024-05-01 12:00", periods=400, freq="250ms", tz="Europe/Madrid", name="when")
EDA = pd.DataFrame({"EDA": 4 + np.sin(np.arange(400) / 40)}, index=NOON)


def test_it_is_what_the_file_would_be(tmp_path: Path) -> None:
    path = tmp_path / "beats.csv"
    BEATS.to_csv(path, index=False)
    here, there = read(BEATS), read(path)
    assert here.sha256 == there.sha256
    np.testing.assert_array_equal(here.streams["rr"].time_s, there.streams["rr"].time_s)
    np.testing.assert_array_equal(here.streams["rr"].value, RR_MS)
    assert (here.recording_id, here.source, here.units) == ("frame", "table", there.units)


def test_it_starts_where_its_first_interval_does() -> None:
    beats = read(BEATS).streams["rr"]
    np.testing.assert_allclose(beats.time_s, np.cumsum(RR_MS) / 1000)


def test_a_named_index_of_moments_is_the_time() -> None:
    recording = read(EDA, columns="time=when,eda=EDA[uS]")
    assert recording.started_at is not None
    assert recording.started_at.isoformat() == "2024-05-01T10:00:00+00:00"
    eda = recording.streams["eda"]
    assert (eda.rate_hz, len(eda), recording.duration_s) == (4.0, 400, 100.0)


def test_intervals_need_no_times() -> None:
    beats = read(BEATS[["rr_ms"]], columns="rr=rr_ms").streams["rr"]
    np.testing.assert_allclose(beats.time_s, np.cumsum(RR_MS) / 1000)


def test_what_comes_out_goes_in() -> None:
    beats = read(BEATS).streams["rr"]
    again = read(beats.to_frame()).streams["rr"]
    np.testing.assert_allclose(again.time_s, beats.time_s)
    np.testing.assert_array_equal(again.value, beats.value)


@pytest.mark.parametrize(
    ("frame", "why"),
    [
        pytest.param(EDA, "name its columns and their units with --columns", id="unit not said"),
        pytest.param(pd.DataFrame(), "holds no table of numbers", id="empty"),
        pytest.param(BEATS.head(0), "holds no table of numbers", id="no rows"),
        pytest.param(pd.DataFrame({"time_s": ["a"], "rr_ms": ["b"]}), "no table of numbers", id="words"),
        pytest.param(BEATS.iloc[::-1], "the time goes back", id="backwards"),
        pytest.param(BEATS.assign(time_s=np.nan), "row 1 of the table has no time", id="no times"),
        pytest.param(BEATS.assign(rr_ms=np.inf), "frame", id="infinite"),
    ],
)
def test_what_cannot_be_read(frame: pd.DataFrame, why: str) -> None:
    with pytest.raises(InputError, match=why) as caught:
        read(frame)
    assert str(caught.value).startswith("frame")


def test_a_column_that_is_not_there() -> None:
    with pytest.raises(UsageError, match="frame has no column 'ECG'; it has when, EDA"):
        read(EDA, columns="time=when,ecg=ECG[mV]")


def test_a_path_may_be_text(tmp_path: Path) -> None:
    path = tmp_path / "rr.txt"
    path.write_text("\n".join(str(round(rr)) for rr in RR_MS))
    assert read(str(path), unit="ms").streams["rr"].value.tolist() == [round(rr) for rr in RR_MS]
