"""One recording becomes a part: its values, or the reason why there are none."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from flows.batch import work
from flows.batch.plan import Job, Unit, died_path, part_path, plan_batch
from flows.batch.work import analyse_unit, unwritable, write_died, write_part
from pipeline.errors import InputError
from pipeline.exclusions import Status
from pipeline.sealing import read_table
from tests.flows.batch.folders import intervals

PHASES = "name,kind,start_s,end_s\nRest,baseline,0,120\nTask,stressor,120,240\n"


@pytest.fixture
def job(tmp_path: Path) -> Job:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.txt").write_text(intervals(1))
    (folder / "a.phases.csv").write_text(PHASES)
    job = Job(folder, tmp_path / "out")
    job.parts.mkdir(parents=True)
    return job


def units_of(job: Job) -> dict[str, Unit]:
    return {unit.unit_id: unit for unit in plan_batch(job, job.analysing()).units}


def part_of(job: Job, name: str = "a.txt") -> dict[str, Any]:
    unit = units_of(job)[name]
    analyse_unit(job, unit, job.analysing())
    facts: dict[str, Any] = json.loads(part_path(job, unit).read_bytes())
    return facts


def test_what_a_part_says(job: Job) -> None:
    part = part_of(job)
    assert (part["status"], part["reason"], part["source"]) == ("analysed", None, "rr-text")
    assert (part["phases"], part["phases_from"]) == (["Rest", "Task"], "phases file")
    table = read_table(part_path(job, units_of(job)["a.txt"]).with_suffix(".parquet"))
    assert table.num_rows == part["rows"] == part["windows"] + 2
    assert set(table["recording_id"].to_pylist()) == {"a.txt"}
    assert part["whole"]["mean_hr_bpm"] == pytest.approx(70, abs=2)


def test_a_part_that_is_there_is_left_as_it_is(job: Job) -> None:
    unit = units_of(job)["a.txt"]
    part_path(job, unit).write_text('{"status": "refused"}')
    assert analyse_unit(job, unit, job.analysing()) is Status.REFUSED
    assert part_path(job, unit).read_text() == '{"status": "refused"}'


def test_a_part_takes_the_place_of_the_note_that_a_process_died(job: Job) -> None:
    unit = units_of(job)["a.txt"]
    write_died(job, unit, "crashed")
    assert json.loads(died_path(job, unit).read_bytes())["status"] == "failed"
    assert analyse_unit(job, unit, job.analysing()) is Status.ANALYSED
    assert not died_path(job, unit).exists()


def _short(job: Job) -> None:
    (job.folder / "a.txt").write_text("no number\n" * 3)


def _empty(job: Job) -> None:
    (job.folder / "a.txt").write_text("rr_ms\n")


def _bad_phases(job: Job) -> None:
    (job.folder / "a.phases.csv").write_text("name,kind,start_s,end_s\nRest,baseline,x,120\n")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(_short, "not a format vagal can read", id="no format"),
        pytest.param(_empty, "holds no RR intervals", id="no beats"),
        pytest.param(_bad_phases, "a.phases.csv line 2: ", id="phases"),
    ],
)
def test_a_refusal_says_where_without_the_place_of_the_folder(
    job: Job, change: Callable[[Job], None], said: str
) -> None:
    change(job)
    part = part_of(job)
    assert part["status"] == "refused"
    assert part["reason"].startswith(said)
    assert str(job.folder) not in part["reason"]


def test_a_fault_in_the_analysis_is_a_failed_row(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError(f"in {job.folder}/a.txt\nand a second line")

    monkeypatch.setattr(work, "analyse", broken)
    part = part_of(job)
    assert part["status"] == "failed"
    assert part["reason"] == "a fault in vagal itself (ZeroDivisionError: in a.txt and a second line)"
    assert part["sha256"]  # what was read is known


def test_who_a_recording_is_of_stands_in_its_rows_and_overwrites_no_measure(job: Job) -> None:
    people = job.folder.parent / "participants.tsv"
    people.write_text("participant_id\tgroup\tage\tmean_hr_bpm\na\tcontrol\tn/a\t300\n")
    job = replace(job, participants=people)
    part_of(job)
    table = read_table(part_path(job, units_of(job)["a.txt"]).with_suffix(".parquet"))
    assert set(table["participant_id"].to_pylist()) == {"a"}
    assert set(table["group"].to_pylist()) == {"control"}
    assert max(table["mean_hr_bpm"].to_pylist()) < 100


def test_choices_that_change_values_are_varied(job: Job) -> None:
    settings = job.folder.parent / "analysis.toml"
    settings.write_text("[sensitivity]\ncorrection = ['none']\nmin_coverage = [0.9]\n")
    varied = part_of(replace(job, params=settings))["varied"]
    assert [(row["choice"], row["value"], row.get("phase")) for row in varied] == [
        ("correction", "none", None),
        ("correction", "none", "Rest"),
        ("correction", "none", "Task"),
    ]
    assert varied[0]["rmssd_ms"] is not None


def test_content_is_of_the_samples_and_not_of_the_file(job: Job) -> None:
    (job.folder / "b.txt").write_text(intervals(1) + "\n\n")
    (job.folder / "c.txt").write_text(intervals(2))
    parts = {name: part_of(job, f"{name}.txt") for name in "abc"}
    assert parts["a"]["sha256"] != parts["b"]["sha256"]
    assert parts["a"]["content"] == parts["b"]["content"] != parts["c"]["content"]


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOSPC, "the disk is full: make room, then run the same command again to go on"),
        (errno.EDQUOT, "the disk is full: make room, then run the same command again to go on"),
        (errno.EROFS, "cannot be written (Read-only file system)"),
    ],
)
def test_what_an_output_folder_that_takes_no_more_says(number: int, said: str) -> None:
    error = OSError(number, "Read-only file system")
    assert str(unwritable(Path("out"), error)) == f"out: {said}"


def test_a_part_is_whole_or_not_there(job: Job) -> None:
    taken = job.parts / "taken.json"
    taken.mkdir()  # a folder cannot be replaced by a file
    with pytest.raises(InputError, match="cannot be written"):
        write_part(taken, b"{}")
    assert list(job.parts.iterdir()) == [taken]
