"""Tidy tables: every sample, gaps as gaps, and a dictionary that names each column."""

import csv
from pathlib import Path

import numpy as np
import pytest

from devices.exports.writers.tidy_csv import TidyCsv
from pipeline.errors import InsufficientDataError
from pipeline.model import Gap
from tests.devices.exports.writers.made import SECRETS, files, read_back, session, streams, told, wave

FOLDER = "a-014_session-02"


def rows(made: dict[str, bytes], name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(made[f"{FOLDER}/{name}.csv"].decode().splitlines()))


def test_a_table_for_each_stream_and_each_thing_that_happened() -> None:
    names = ("rr", "eda", "phases", "markers", "ratings", "gaps", "conditions")
    assert list(files(TidyCsv(), session())) == [
        *(f"{FOLDER}/{name}.csv" for name in names),
        f"{FOLDER}/README.md",
    ]


def test_samples_are_read_back_as_they_were(tmp_path: Path) -> None:
    ecg = wave(gap=Gap(20.0, 25.0, "link lost"))
    back = read_back(tmp_path, files(TidyCsv(), session(streams=streams(ecg))), "ecg.csv").streams["ecg"]
    np.testing.assert_array_equal(back.value, ecg.value)
    np.testing.assert_allclose(np.diff(back.time_s), np.diff(ecg.time_s), atol=2e-9)
    assert back.rate_hz == pytest.approx(130 * 1.003, abs=0.001)
    assert len(back.gaps) == 1


def test_beats_are_read_back_as_they_were(tmp_path: Path) -> None:
    rr = session().recording.streams["rr"]
    back = read_back(tmp_path, files(TidyCsv(), session()), "/rr.csv").streams["rr"]
    np.testing.assert_array_equal(back.value, rr.value)
    np.testing.assert_allclose(back.time_s, rr.time_s, atol=1e-8)


def test_what_happened_stands_in_tables() -> None:
    made = files(TidyCsv(), session())
    assert [row["name"] for row in rows(made, "phases")] == [
        "Baseline",
        "Challenge",
        "Recovery",
        "Paced breathing",
    ]
    assert rows(made, "phases")[3]["pacer_breaths_per_min"] == "6"
    assert [(row["kind"], row["text"], row["end_s"]) for row in rows(made, "markers")] == [
        ("note", "door bell", ""),
        ("span", "talking", "430"),
    ]
    assert [row["value"] for row in rows(made, "ratings")] == ["2", "7.5"]
    assert rows(made, "gaps") == [
        {
            "stream": "rr",
            "start_s": "500",
            "end_s": "520",
            "reason": "connection lost",
            "missing_samples": "24",
        }
    ]


def test_the_dictionary_names_every_column() -> None:
    made = files(TidyCsv(), session())
    readme = made.pop(f"{FOLDER}/README.md").decode()
    for name, content in made.items():
        assert f"{name.rpartition('/')[2]} |" in readme
        assert all(column in readme for column in content.decode().splitlines()[0].split(","))


def test_a_simulated_session_says_so_in_every_name() -> None:
    made = files(TidyCsv(), session(simulated=True))
    assert all(name.startswith("a-014_session-02_simulated/") for name in made)


def test_dates_go_out_only_where_they_were_asked_for() -> None:
    assert told(files(TidyCsv(), session()), (*SECRETS, "2026-")) == []
    assert told(files(TidyCsv(), session(dates=True)), (*SECRETS, "2026-03-01T09:05:00")) == [
        SECRETS[3],
        "2026-03-01T09:05:00",
    ]


def test_a_session_without_signals_has_no_tables() -> None:
    with pytest.raises(InsufficientDataError, match="no samples"):
        list(TidyCsv().files(session(streams={})))
