"""The plan of a batch: ids, keys that tell what changed, chunks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from flows.batch import plan
from flows.batch.code import code_hash
from flows.batch.plan import (
    PARTS,
    Job,
    Unit,
    chunk_size,
    missing,
    part_path,
    plan_batch,
    read_chunk,
    write_chunks,
)
from flows.batch.work import analyse_unit
from pipeline.errors import InputError, UsageError
from pipeline.exclusions import Status
from tests.flows.batch.folders import folder_of, intervals

PARTICIPANTS = "participant_id\tgroup\tage\nsub-00\tcontrol\t31\n"
PHASES = "name,kind,start_s,end_s\nRest,baseline,0,120\n"


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(folder_of(tmp_path / "in", 3), tmp_path / "out")


def keys(job: Job) -> dict[str, str]:
    return {unit.unit_id: unit.key for unit in plan_batch(job, job.analysing()).units}


def test_ids_are_paths_in_order(job: Job) -> None:
    planned = plan_batch(job, job.analysing())
    assert [unit.unit_id for unit in planned.units] == [
        "noise.dat",
        *(f"sub-00/rest_00{number}.txt" for number in range(3)),
    ]
    refused = planned.units[0].refused
    assert refused is not None
    assert refused.startswith("not a format vagal can read")
    assert planned.beside == 1


def test_keys_are_the_same_wherever_the_folder_lies(job: Job, tmp_path: Path) -> None:
    before = keys(job)
    (tmp_path / "in").rename(tmp_path / "moved")
    assert keys(Job(tmp_path / "moved", job.out)) == before


def _content(job: Job) -> Job:
    (job.folder / "sub-00/rest_000.txt").write_text(intervals(99))
    return job


def _phases(job: Job) -> Job:
    (job.folder / "sub-00/rest_000.phases.csv").write_text(PHASES)
    return job


def _parameters(job: Job) -> Job:
    path = job.folder.parent / "analysis.toml"
    path.write_text("window_s = 120\n")
    return Job(job.folder, job.out, params=path)


def _rules(job: Job) -> Job:
    path = job.folder.parent / "analysis.toml"
    path.write_text("min_coverage = 0.9\n")
    return Job(job.folder, job.out, params=path)


def _participants(job: Job) -> Job:
    path = job.folder.parent / "participants.tsv"
    path.write_text(PARTICIPANTS)
    return Job(job.folder, job.out, participants=path)


def _more(job: Job) -> Job:
    (job.folder / "sub-09.txt").write_text(intervals(9))
    return job


ALL = {f"sub-00/rest_00{number}.txt" for number in range(3)}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param(_content, {"sub-00/rest_000.txt"}, id="a file"),
        pytest.param(_phases, {"sub-00/rest_000.txt"}, id="its phases"),
        pytest.param(_parameters, ALL | {"noise.dat"}, id="parameters"),
        pytest.param(_rules, set(), id="rules only exclude"),
        pytest.param(_participants, ALL, id="the person"),
        pytest.param(_more, set(), id="another file"),
    ],
)
def test_a_key_changes_with_what_its_values_rest_on(
    job: Job, change: Callable[[Job], Job], expected: set[str]
) -> None:
    before, after = keys(job), keys(change(job))
    assert {unit for unit in before if before[unit] != after[unit]} == expected


def test_a_part_that_is_there_is_not_missing(job: Job) -> None:
    units = plan_batch(job, job.analysing()).units
    job.parts.mkdir(parents=True)
    part_path(job, units[1]).write_text("{}")
    assert missing(job, units) == [units[0], *units[2:]]


def test_chunks_come_back_as_they_were(job: Job) -> None:
    units = plan_batch(job, job.analysing()).units
    paths = write_chunks(job, units, 3)
    assert [len(read_chunk(path)[1]) for path in paths] == [3, 1]
    assert [unit for path in paths for unit in read_chunk(path)[1]] == list(units)
    assert read_chunk(paths[0])[0] == job


@pytest.mark.parametrize(
    ("units", "workers", "size"),
    [(1, 8, 1), (12, 8, 1), (60, 2, 8), (1000, 4, 25), (1000, 1, 25), (300, 32, 3)],
    ids=str,
)
def test_chunks_leave_no_process_idle(units: int, workers: int, size: int) -> None:
    assert chunk_size(units, workers) == size


def test_a_chunk_of_other_code_is_not_analysed(job: Job) -> None:
    [chunk] = write_chunks(job, plan_batch(job, job.analysing()).units, 9)
    chunk.write_text(chunk.read_text().replace(code_hash(), "0" * 64))
    with pytest.raises(InputError, match="another version of vagal"):
        read_chunk(chunk)


def test_a_chunk_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="every computer must see the same folders"):
        read_chunk(tmp_path / "00001.json")


def test_other_code_makes_all_keys_anew(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    before = keys(job)
    monkeypatch.setattr(plan, "code_hash", lambda: "0" * 64)
    assert not set(before.values()) & set(keys(job).values())


def test_a_folder_without_recordings_is_told(tmp_path: Path) -> None:
    (tmp_path / "README").write_text("Nothing yet.")
    with pytest.raises(InputError, match="holds no recordings"):
        plan_batch(Job(tmp_path, tmp_path / "out"), Job(tmp_path, tmp_path).analysing())


def test_columns_are_those_of_tables_that_do_not_say_what_they_hold(job: Job) -> None:
    rows = intervals(3).split()
    (job.folder / "lab.csv").write_text(
        "beat,interval\n" + "".join(f"{n},{ms}\n" for n, ms in enumerate(rows))
    )
    told = replace(job, columns="rr=interval[ms]")
    of_table = {each: next(unit for unit in _units(each) if unit.path == "lab.csv") for each in (job, told)}
    assert "name its columns with --columns" in (of_table[job].refused or "")
    assert (of_table[told].refused, of_table[told].columns) == (None, "rr=interval[ms]")
    assert {unit.path for unit in _units(told) if unit.columns} == {"lab.csv"}
    told.parts.mkdir(parents=True)
    assert analyse_unit(told, of_table[told], told.analysing()) is Status.ANALYSED


def test_columns_that_cannot_be_are_wrong_usage(job: Job) -> None:
    with pytest.raises(UsageError, match="nothing is called 'beat'"):
        _units(replace(job, columns="beat=1"))


def _units(job: Job) -> tuple[Unit, ...]:
    return plan_batch(job, job.analysing()).units


def test_what_an_earlier_run_wrote_into_the_folder_is_passed_over(job: Job) -> None:
    before = [unit.unit_id for unit in _units(job)]
    earlier = job.folder / "results"
    (earlier / PARTS).mkdir(parents=True)
    (earlier / "sensitivity.csv").write_text(intervals(5))
    assert [unit.unit_id for unit in _units(job)] == before
