"""Beat intervals as text: each unbroken stretch by itself, a pulse's never called RR."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from devices.exports.column_map import read_columns
from devices.exports.formats import read_recording
from devices.exports.writers.kubios_rr import KubiosRr
from pipeline.errors import InsufficientDataError
from pipeline.model import Stream
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
from tests.pipeline.report.recordings import beats


def test_intervals_are_read_back_as_they_were(tmp_path: Path) -> None:
    ticks = np.round(beats(300).value * 1.024) * 1000 / 1024  # as a strap counts
    rr = Stream("rr", 3 + np.cumsum(ticks) / 1000, {"rr_ms": ticks})
    made = files(KubiosRr(), session(streams=streams(rr)))
    assert list(made) == ["a-014_session-02_rr.txt", "a-014_session-02_rr_phases.csv"]
    back = read_back(tmp_path, made, "_rr.txt").streams["rr"]
    np.testing.assert_array_equal(back.value, ticks)


def test_a_gap_parts_files() -> None:
    made = files(KubiosRr(), session())
    parts = [name for name in made if name.endswith(".txt")]
    assert parts == ["a-014_session-02_rr_part-001_from-0s.txt", "a-014_session-02_rr_part-002_from-519s.txt"]
    lengths = [len(made[name].splitlines()) for name in parts]
    assert sum(lengths) == len(session().recording.streams["rr"])


def test_phases_are_by_the_file_s_own_time() -> None:
    made = files(KubiosRr(), session())
    lines = made["a-014_session-02_rr_part-002_from-519s_phases.csv"].decode().splitlines()
    name, kind, start_s, end_s, in_session_s = lines[2].split(",")
    assert (lines[0], name, kind) == (
        "name,kind,start_s,end_s,start_in_session_s",
        "Paced breathing",
        "paced",
    )
    assert float(in_session_s) == 660.0
    assert float(start_s) == pytest.approx(660.0 - 519.4, abs=0.5)
    assert float(end_s) - float(start_s) == pytest.approx(180.0, abs=1.5)


def test_a_pulse_is_named_as_such_and_read_back_as_one(tmp_path: Path) -> None:
    made = files(KubiosRr(), session(streams=streams(beats(120, "pp"))))
    [name] = [name for name in made if name.endswith(".txt")]
    assert name == "a-014_session-02_pp-from-pulse.txt"
    (tmp_path / name).write_bytes(made[name])
    _, back = read_recording(tmp_path / name, columns=read_columns("pp=1[ms]"))
    assert list(back.streams) == ["pp"]


def test_a_second_strap_has_a_file_of_its_own() -> None:
    other = replace(beats(120), name="rr_polar_h10")
    made = files(KubiosRr(), session(streams=streams(beats(120), other), phases=()))
    assert list(made) == ["a-014_session-02_rr.txt", "a-014_session-02_rr-polar_h10.txt"]


def test_beats_are_found_where_there_is_only_an_electrocardiogram() -> None:
    made = files(KubiosRr(), session(streams=streams(wave()), phases=()))
    assert list(made) == ["a-014_session-02_rr-from-ecg.txt"]


def test_what_is_too_short_is_left_out_and_said() -> None:
    rr = beats(120)
    kept = (rr.time_s < 90) | (rr.time_s > 105)
    short = Stream("rr", rr.time_s[kept], {"rr_ms": rr.value[kept]})
    count = int(np.sum(rr.time_s > 105))
    assert left_out(KubiosRr(), session(streams=streams(short))) == [
        f"rr: {count} of {len(short)} intervals, missing ones or in stretches shorter than 30 s between "
        "gaps; `--to csv` has them"
    ]


@pytest.mark.parametrize(
    ("these", "words"),
    [
        (streams(session().recording.streams["eda"]), "holds no beats"),
        (streams(beats(20)), "never follow each other for 30 s"),
        ({}, "holds no beats"),
    ],
    ids=["skin alone", "too short", "nothing"],
)
def test_without_beats_there_is_nothing_for_kubios(these: dict[str, Stream], words: str) -> None:
    with pytest.raises(InsufficientDataError, match=words):
        list(KubiosRr().files(session(streams=these)))


def test_nothing_tells_who_or_when() -> None:
    assert told(files(KubiosRr(), session()), (*SECRETS, "2026-")) == []
