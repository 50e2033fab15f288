"""A batch from folder to tables: the same values whatever it runs on, a row for everything that was found."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from filelock import FileLock

from flows.batch.flow import Engine, run_batch
from flows.batch.plan import Job
from flows.batch.progress import BatchProgress
from flows.batch.tables import Tables
from flows.batch.values import values_hash
from pipeline.errors import InputError, InUseError, UsageError
from pipeline.sealing import read_table
from tests.flows.batch.folders import folder_of, hash_of, intervals, rows, run

PHASES = "name,kind,start_s,end_s\nRest,baseline,0,120\nTask,stressor,120,240\nRest,recovery,240,340\n"
PARTICIPANTS = "participant_id\tgroup\tage\nsub-00\tcontrol\t31\nsub-01\tpatients\t44\n"
PARAMETERS = "min_coverage = 0.5\n[sensitivity]\ncorrection = ['none']\n"


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve recordings of two people, one of two beats, two with phases, two that are the same."""
    place = tmp_path_factory.mktemp("study")
    folder = folder_of(place / "in", 12)
    for number in (0, 11):
        stem = folder / f"sub-0{number // 10}" / f"rest_{number:03d}"
        stem.with_name(f"{stem.name}.phases.csv").write_text(PHASES)
    (folder / "sub-01" / "rest_000.txt").write_text(intervals(0))
    (folder / "sub-00" / "short.txt").write_text("800\n810\n")
    (place / "participants.tsv").write_text(PARTICIPANTS)
    (place / "analysis.toml").write_text(PARAMETERS)
    return place


def job_of(study: Path, out: Path) -> Job:
    return Job(study / "in", out, study / "analysis.toml", study / "participants.tsv")


@pytest.fixture(scope="module")
def plain(study: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Tables]:
    out = tmp_path_factory.mktemp("plain")
    with BatchProgress() as progress:
        tables = run_batch(job_of(study, out), Engine(2, out / "home"), ["vagal", "batch"], progress)
    return out, tables


def test_a_row_for_everything_that_was_found(plain: tuple[Path, Tables]) -> None:
    found = rows(plain[0])
    assert list(found) == sorted(found)
    assert len(found) == 15
    assert found["noise.dat"]["status"] == "refused"
    assert found["noise.dat"]["reason"].startswith("not a format vagal can read")
    good = found["sub-00/rest_001.txt"]
    assert (good["status"], good["group"], good["age"], good["source"]) == (
        "analysed",
        "control",
        "31",
        "rr-text",
    )
    assert 60 < good["mean_hr_bpm"] < 80


def test_the_same_id_and_the_same_content_are_told(plain: tuple[Path, Tables]) -> None:
    told = rows(plain[0])["sub-01/rest_000.txt"]["notices"]
    assert "the id 'rest_000' is shared with sub-00/rest_000.txt" in told
    assert "holds the same as sub-00/rest_000.txt" in told


def test_windows_and_phases(plain: tuple[Path, Tables]) -> None:
    out, tables = plain
    features = read_table(out / "features.parquet").to_pylist()
    assert sum(row["window_index"] is not None for row in features) == tables.windows > 0
    long = read_table(out / "phases_long.parquet").to_pylist()
    assert [(row["recording_id"], row["phase"]) for row in long] == [
        (recording, phase)
        for recording in ("sub-00/rest_000.txt", "sub-01/rest_011.txt")
        for phase in ("Rest", "Task", "Rest")
    ]
    [first, _] = read_table(out / "phases_wide.parquet").to_pylist()
    assert first["participant_id"] == "sub-00"
    assert first["rest__mean_hr_bpm"] == long[0]["mean_hr_bpm"]
    assert first["rest_2__mean_hr_bpm"] == long[2]["mean_hr_bpm"]


def test_the_hash_is_of_the_files_that_lie_there(plain: tuple[Path, Tables]) -> None:
    out, tables = plain
    assert values_hash(out.glob("*.parquet")) == tables.values_hash == hash_of(out)


def test_a_second_run_does_nothing_again(study: Path, plain: tuple[Path, Tables]) -> None:
    out, tables = plain
    before = {path: path.stat().st_mtime_ns for path in (out / ".parts").glob("*.json")}
    with BatchProgress() as progress:
        again = run_batch(job_of(study, out), Engine(1, out / "home"), ["vagal", "batch"], progress)
    assert progress.counts == {}
    assert again.values_hash == tables.values_hash
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_another_rule_excludes_without_analysing_again(study: Path, plain: tuple[Path, Tables]) -> None:
    out, _ = plain
    strict = study / "strict.toml"
    strict.write_text("max_artefact_pct = 0\nmin_coverage = 1\n[sensitivity]\ncorrection = ['none']\n")
    job = Job(study / "in", out, strict, study / "participants.tsv")
    with BatchProgress() as progress:
        tables = run_batch(job, Engine(1, out / "home"), ["vagal", "batch"], progress)
        assert progress.counts == {}
        excluded = {row["recording_id"] for row in tables.recordings if row["status"] == "excluded"}
        assert excluded
        kept = (
            set(pq.read_table(out / "features.parquet").column("recording_id").to_pylist())
            if tables.windows
            else set()
        )
        assert not kept & excluded
        run_batch(job_of(study, out), Engine(1, out / "home"), ["vagal", "batch"], progress)


def test_one_worker_in_a_process_of_its_own_gives_the_same(
    study: Path, plain: tuple[Path, Tables], tmp_path: Path
) -> None:
    options = ["--params", str(study / "analysis.toml"), "--participants", str(study / "participants.tsv")]
    ended = run(study / "in", tmp_path / "out", "--workers", "1", *options)
    assert (ended.returncode, hash_of(tmp_path / "out")) == (0, plain[1].values_hash), ended.stderr
    assert ended.stdout.startswith("Recordings   15: 13 analysed, 1 duplicate, 1 refused; 3 other files\n")


def test_all_failed_is_exit_1(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "noise.dat").write_bytes(b"\0\1\2")
    ended = run(tmp_path / "in", tmp_path / "out")
    assert ended.returncode == 1
    assert ended.stderr == ""
    assert "refused: noise.dat: not a format vagal can read" in ended.stdout


def small(tmp_path: Path) -> Job:
    return Job(folder_of(tmp_path / "in", 1), tmp_path / "out")


def test_an_output_folder_is_held_by_one_run(tmp_path: Path) -> None:
    job = small(tmp_path)
    job.parts.mkdir(parents=True)
    with (
        FileLock(job.parts / "lock"),
        pytest.raises(InUseError, match="another batch"),
        BatchProgress() as progress,
    ):
        run_batch(job, Engine(1, tmp_path), [], progress)


def test_the_output_may_not_be_the_input(tmp_path: Path) -> None:
    job = small(tmp_path)
    with pytest.raises(UsageError, match="another one"), BatchProgress() as progress:
        run_batch(Job(job.folder, job.folder), Engine(1, tmp_path), [], progress)


def test_what_cannot_be_written_to_is_one_line(tmp_path: Path) -> None:
    job = small(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"), BatchProgress() as progress:
        run_batch(Job(job.folder, tmp_path / "file" / "out"), Engine(1, tmp_path), [], progress)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own, of 8 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "none", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("needs to be allowed to mount a small disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def remount(disk: Path, how: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{how}", str(disk)], check=True)


def test_a_read_only_folder_is_one_line(disk: Path) -> None:
    folder = folder_of(disk.parent / "in", 1)
    remount(disk, "ro")
    ended = run(folder, disk / "out")
    assert (ended.returncode, ended.stdout) == (3, "")
    assert ended.stderr == f"vagal: {disk / 'out'}: cannot be written (Read-only file system)\n"


@pytest.mark.prove
@pytest.mark.parametrize(
    "full_at",
    [
        pytest.param(0.02, id="lock and first part"),
        pytest.param(0.3, id="parts"),
        pytest.param(0.6, id="tables"),
        pytest.param(0.85, id="pages"),
    ],
)
def test_a_full_disk_is_one_line_and_the_next_run_goes_on(disk: Path, full_at: float) -> None:
    folder = folder_of(disk.parent / "in", 3)
    assert run(folder, disk / "out").returncode == 0
    needed = sum(path.stat().st_blocks * 512 for path in disk.rglob("*"))
    expected = hash_of(disk / "out")
    shutil.rmtree(disk / "out")
    remount(disk, f"size={int(full_at * needed)}")
    ended = run(folder, disk / "out")
    assert ended.returncode == 3
    full = "the disk is full: make room, then run the same command again to go on"
    assert ended.stderr.splitlines()[-1] == f"vagal: {disk / 'out'}: {full}"
    assert "Traceback" not in ended.stderr
    remount(disk, "size=8m")
    assert run(folder, disk / "out").returncode == 0
    assert hash_of(disk / "out") == expected
    assert not list(disk.rglob("*.part"))


@pytest.mark.prove
def test_under_prefect_with_a_server_of_its_own(
    study: Path, plain: tuple[Path, Tables], tmp_path: Path
) -> None:
    """In a home that is not there yet. What the server keeps are paths of chunks, and nobody's name."""
    options = ["--params", str(study / "analysis.toml"), "--participants", str(study / "participants.tsv")]
    home = tmp_path / "new" / "home"
    ended = run(study / "in", tmp_path / "out", "--prefect", *options, VAGAL_HOME=str(home))
    assert (ended.returncode, hash_of(tmp_path / "out")) == (0, plain[1].values_hash), ended.stderr
    assert "Prefect was not available" not in ended.stderr
    assert "Traceback" not in ended.stderr
    with closing(sqlite3.connect(home / "prefect" / "prefect.db")) as database:
        assert database.execute("SELECT name, state_type FROM flow_run").fetchall()[0][1] == "COMPLETED"
        tasks = database.execute("SELECT state_type, count(*) FROM task_run GROUP BY 1").fetchall()
    assert tasks == [("COMPLETED", len(list((tmp_path / "out" / ".parts" / "chunks").glob("*.json"))))]
    kept = b"".join(path.read_bytes() for path in home.rglob("prefect.db*"))
    assert not [name for name in (b"sub-00", b"rest_001", b"rmssd") if name in kept]


@pytest.mark.parametrize("option", ["--workers=2", "--dask=tcp://127.0.0.1:9"])
def test_without_prefect_or_a_cluster(tmp_path: Path, option: str) -> None:
    """Prefect whose server does not answer is told of in one line; a cluster that does not, too."""
    job = small(tmp_path)
    ended = run(job.folder, job.out, option, "--prefect", PREFECT_API_URL="http://127.0.0.1:9/api")
    if "dask" in option:
        assert ended.returncode == 3
        assert "no cluster answers at tcp://127.0.0.1:9" in ended.stderr.splitlines()[-1]
    else:
        assert ended.returncode == 0
        assert "Prefect was not available" in ended.stderr
        assert json.loads((job.out / "provenance.json").read_bytes())["hashes"]["values"]
