"""From parts to tables: what was excluded, what is there twice, phases side by side, in whatever order."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flows.batch.gather import gather
from flows.batch.plan import Job, Plan, part_path, plan_batch
from flows.batch.tables import Tables
from flows.batch.work import analyse_unit
from pipeline.errors import InputError
from pipeline.exclusions import ALL, WITHHELD, Step, flow
from pipeline.model import Recording, Stream
from pipeline.sealing import read_table, write_session
from tests.flows.batch.folders import intervals, rows

PHASES = (
    "name,kind,start_s,end_s\nRest,baseline,0,120\nMental task!,stressor,120,240\nRest,recovery,240,340\n"
)


def tables_of(job: Job, order: int = 1) -> tuple[Plan, Tables]:
    """Analyse what is missing, from the first to the last or backwards, and gather."""
    job.parts.mkdir(parents=True, exist_ok=True)
    analysing = job.analysing()
    plan = plan_batch(job, analysing)
    for unit in plan.units[::order]:
        analyse_unit(job, unit, analysing)
    return plan, gather(job, plan, analysing)


@pytest.fixture
def job(tmp_path: Path) -> Job:
    folder = tmp_path / "in"
    for number in range(3):
        path = folder / f"sub-{number}" / "rest.txt"
        path.parent.mkdir(parents=True)
        path.write_text(intervals(number))
        path.with_name("rest.phases.csv").write_text(PHASES)
    return Job(folder, tmp_path / "out")


def strict(job: Job, text: str) -> Job:
    path = job.folder.parent / "analysis.toml"
    path.write_text(text)
    return Job(job.folder, job.out, path)


def test_the_order_in_which_parts_are_made_changes_nothing(job: Job, tmp_path: Path) -> None:
    _, forth = tables_of(job)
    _, back = tables_of(Job(job.folder, tmp_path / "other"), order=-1)
    assert forth.values_hash == back.values_hash
    assert forth.recordings == back.recordings


def test_phases_long_and_wide(job: Job) -> None:
    _, tables = tables_of(job)
    long = read_table(job.out / "phases_long.parquet").to_pylist()
    assert [row["phase"] for row in long] == ["Rest", "Mental task!", "Rest"] * 3
    wide = read_table(job.out / "phases_wide.parquet").to_pylist()
    assert [row["recording_id"] for row in wide] == [row["recording_id"] for row in tables.recordings]
    for name, row in zip(("rest", "mental_task", "rest_2"), long, strict=False):
        assert wide[0][f"{name}__rmssd_ms"] == row["rmssd_ms"]


def test_without_phases_there_are_no_tables_of_them(job: Job) -> None:
    tables_of(job)
    for path in job.folder.rglob("*.csv"):
        path.unlink()
    _, tables = tables_of(job)
    assert (tables.phases_long, tables.phases_wide) == (None, None)
    assert not list(job.out.glob("phases_*"))  # those of the run before are gone
    assert not list(job.out.rglob("*.part"))


def test_the_same_samples_in_other_files_count_once(job: Job) -> None:
    (job.folder / "copy.txt").write_text("\n" + intervals(1))
    _, tables = tables_of(job)
    found = rows(job.out)
    assert {name: row["duplicate_of"] for name, row in found.items() if row["duplicate_of"]} == {
        "sub-1/rest.txt": "copy.txt"
    }
    assert "holds the same as copy.txt" in found["sub-1/rest.txt"]["notices"]
    assert "holds the same as sub-1/rest.txt" in found["copy.txt"]["notices"]
    assert tables.notices == (
        "1 recording repeats another and counts once: see duplicate_of in recordings.parquet",
    )
    assert (found["sub-1/rest.txt"]["status"], found["copy.txt"]["status"]) == ("duplicate", "analysed")
    for name in ("features.parquet", "phases_long.parquet", "phases_wide.parquet"):
        assert "sub-1/rest.txt" not in read_table(job.out / name)["recording_id"].to_pylist()


def test_one_id_in_many_places_is_told_in_few_words(job: Job) -> None:
    for number in range(3, 8):
        shutil.copytree(job.folder / "sub-0", job.folder / f"sub-{number}")
    told = tables_of(job)[1].recordings[1]["notices"]
    assert "the id 'rest' is shared with sub-0/rest.txt, sub-2/rest.txt, sub-3/rest.txt and 4 more" in told


def test_what_a_rule_excludes_is_in_no_table_of_features(job: Job) -> None:
    (job.folder / "sub-1" / "rest.txt").write_text("\n".join(["800", "790", "300"] * 140) + "\n")
    _, tables = tables_of(strict(job, "max_artefact_pct = 20\n"))
    found = rows(job.out)
    assert found["sub-1/rest.txt"]["status"] == "excluded"
    assert found["sub-1/rest.txt"]["reason"].startswith("heart: max_artefact_pct 20, has ")
    for name in ("features", "phases_long", "phases_wide"):
        kept = set(read_table(job.out / f"{name}.parquet")["recording_id"].to_pylist())
        assert kept == {"sub-0/rest.txt", "sub-2/rest.txt"}, name
    assert {each.unit for each in tables.broken} == {"sub-1/rest.txt"}


def test_of_a_recording_that_keeps_a_signal_only_the_other_s_values_are_withheld(job: Job) -> None:
    at_s, rr_ms = np.arange(0, 360, 0.25), np.tile([800.0, 300.0], 330)
    streams = {
        "eda": Stream("eda", at_s, {"eda_us": 2 + 0.1 * np.sin(at_s / 20)}, 4.0),
        "rr": Stream("rr", np.cumsum(rr_ms) / 1000, {"rr_ms": rr_ms}),
    }
    poor = Recording("poor", "virtual", "", 364.0, streams, client="test-1")
    write_session(job.folder / "poor", poor, [])
    _, tables = tables_of(strict(job, "max_artefact_pct = 20\n"))
    kept = [row for row in read_table(tables.features).to_pylist() if row["recording_id"] == "poor"]
    assert kept
    for row in kept:
        assert (row["rmssd_ms"], row["mean_hr_bpm"], row["arousal"]) == (None, None, None)
        assert row["scl_us"] == pytest.approx(2, abs=0.2)
        assert row["null_reasons"].startswith("excluded: heart: max_artefact_pct 20, has ")
    assert rows(job.out)["poor"]["status"] == "analysed"
    assert [step for step in flow(tables.recordings, tables.broken) if step.stage == WITHHELD] == [
        Step(WITHHELD, "heart: max_artefact_pct", ALL, 1)
    ]


def test_a_part_that_is_damaged_is_named(job: Job) -> None:
    plan, _ = tables_of(job)
    part_path(job, plan.units[0]).with_suffix(".parquet").write_bytes(b"PAR1")
    with pytest.raises(InputError, match=part_path(job, plan.units[0]).stem):
        gather(job, plan, job.analysing())


def test_a_part_that_is_missing_is_named(job: Job) -> None:
    plan, _ = tables_of(job)
    part_path(job, plan.units[0]).unlink()
    with pytest.raises(InputError, match=r"sub-0/rest\.txt: has not been analysed yet"):
        gather(job, plan, job.analysing())


def test_columns_of_the_participants_come_last(job: Job) -> None:
    people = job.folder.parent / "participants.tsv"
    people.write_text("participant_id\tgroup\tage\nsub-0\tcontrol\t31\nsub-1\tpatient\tn/a\n")
    _, tables = tables_of(Job(job.folder, job.out, None, people))
    names = read_table(job.out / "features.parquet").column_names
    assert names[-1] == "age"
    told: list[dict[str, Any]] = [dict(row) for row in tables.recordings]
    assert [(row.get("group"), row.get("age")) for row in told] == [
        ("control", "31"),
        ("patient", None),
        (None, None),
    ]
    assert tables.notices == ("participants.tsv: no row for recording sub-2/rest.txt",)
