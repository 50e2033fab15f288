"""A BIDS data set: read back, and passed by the validator of the standard where it is there."""

import gzip
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from devices.exports.writers.bids_physio import BidsPhysio
from pipeline.model import Gap, Stream
from tests.devices.exports.writers.made import (
    SECRETS,
    files,
    left_out,
    read_back,
    session,
    streams,
    told,
    wave,
)

SUBJECT = "sub-aX014"
STEM = f"{SUBJECT}/ses-02/beh/{SUBJECT}_ses-02_task-guidedsession"
GAP = Gap(20.0, 25.0, "link lost")


def acceleration() -> Stream:
    time_s = np.arange(200) / 25
    axes = {f"acc_{axis}_mg": np.arange(200.0) - 100 for axis in "xyz"}
    axes["acc_y_mg"][7] = np.nan
    return Stream("acc", time_s, axes, 25.0)


def said(made: dict[str, bytes], ending: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(made[f"{STEM}_{ending}"])
    return found


def test_samples_are_read_back_at_the_sensor_s_rate_with_the_gap_missing(tmp_path: Path) -> None:
    ecg = wave(gap=GAP)
    back = read_back(tmp_path, files(BidsPhysio(), session(streams=streams(ecg))), "-ecg_physio.tsv.gz")
    found = back.streams["ecg"]
    known = np.isfinite(found.value)
    np.testing.assert_array_equal(found.value[known], ecg.value)
    np.testing.assert_allclose(found.time_s[known], ecg.time_s - ecg.time_s[0], atol=0.5 / 130)
    assert found.rate_hz == pytest.approx(130 * 1.003)
    lost_s = np.sum(~known) / 130.39
    assert lost_s == pytest.approx(5.0, abs=0.02)


def test_what_the_json_says() -> None:
    made = files(BidsPhysio(), session(streams=streams(wave(), acceleration())))
    ecg = said(made, "recording-ecg_physio.json")
    assert (ecg["Columns"], ecg["StartTime"], ecg["cardiac"]) == (
        ["cardiac"],
        1.25,
        {"Description": "Electrocardiogram, one lead", "Units": "µV"},
    )
    acc = said(made, "recording-acc_physio.json")
    assert (acc["Columns"], acc["acc_x"]["Units"]) == (["acc_x", "acc_y", "acc_z"], "g")
    lines = gzip.decompress(made[f"{STEM}_recording-acc_physio.tsv.gz"]).splitlines()
    assert (lines[0], lines[7]) == (b"-0.1\t-0.1\t-0.1", b"-0.093\tn/a\t-0.093")


def test_weeks_between_two_samples_are_not_filled_up() -> None:
    far = Stream("eda", np.array([0.0, 0.25, 9e6]), {"eda_us": np.ones(3)}, 4.0)
    assert left_out(BidsPhysio(), session(streams=streams(far))) == [
        "eda: 36000001 rows with its gaps filled up; `--to csv` has none"
    ]


def test_beats_are_read_back_as_they_were(tmp_path: Path) -> None:
    rr = session().recording.streams["rr"]
    back = read_back(tmp_path, files(BidsPhysio(), session()), "acq-rr_beh.tsv").streams["rr"]
    np.testing.assert_array_equal(back.value, rr.value)


def test_events_are_phases_markers_and_ratings_in_order() -> None:
    lines = files(BidsPhysio(), session())[f"{STEM}_events.tsv"].decode().splitlines()
    assert [tuple(line.split("\t")[:6]) for line in lines[1:5]] == [
        ("0", "180", "phase", "baseline", "Baseline", "n/a"),
        ("130", "0", "marker", "note", "door bell", "n/a"),
        ("170", "0", "rating", "distress", "n/a", "2"),
        ("180", "180", "phase", "stressor", "Challenge", "n/a"),
    ]


def test_who_and_which_sessions() -> None:
    made = files(BidsPhysio(), session(), session(number=3, simulated=True))
    assert made["participants.tsv"].decode().splitlines()[1:] == [f"{SUBJECT}\ta-014\t30-to-39\tother"]
    assert made[f"{SUBJECT}/{SUBJECT}_sessions.tsv"].decode().splitlines() == [
        "session_id\tprotocol\tsimulated\tposture",
        "ses-02\tguided-session\tfalse\tsitting",
        "ses-03\tguided-session\ttrue\tsitting",
    ]


def test_pseudonyms_that_differ_by_a_hyphen_stay_apart() -> None:
    made = files(BidsPhysio(), session(client="ab-1"), session(client="ab1"))
    assert {name.partition("/")[0] for name in made if "/" in name} == {"sub-abX1", "sub-ab1"}


def test_dates_go_out_only_where_they_were_asked_for() -> None:
    assert told(files(BidsPhysio(), session()), (*SECRETS, "2026-")) == []
    dated = files(BidsPhysio(), session(dates=True))
    assert (
        dated[f"{SUBJECT}/{SUBJECT}_sessions.tsv"].decode().splitlines()[1].split("\t")[1]
        == "2026-03-01T09:05:00"
    )


@pytest.mark.parametrize("dates", [False, True])
def test_the_validator_of_the_standard_finds_no_error(tmp_path: Path, dates: bool) -> None:
    validator = shutil.which("bids-validator-deno")
    if validator is None:
        pytest.skip("needs the BIDS validator: pip install bids-validator-deno")
    full = session(
        dates=dates, streams={**session().recording.streams, **streams(wave(gap=GAP), acceleration())}
    )
    for name, content in files(BidsPhysio(), full, session(dates=dates, number=3, client="b")).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    ended = subprocess.run([validator, str(tmp_path), "--json"], capture_output=True, text=True, check=False)
    issues = json.loads(ended.stdout)["issues"]["issues"]
    assert [issue for issue in issues if issue["severity"] == "error"] == []
