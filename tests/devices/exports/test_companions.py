"""Which files come with another: a WFDB record's, and the descriptions that a BIDS recording inherits."""

from __future__ import annotations

from pathlib import Path

import pytest

from devices.exports.companions import companions
from devices.exports.reader import open_source
from pipeline.errors import InputError


def laid(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}")


@pytest.mark.parametrize(
    ("header", "named"),
    [
        ("100 2 360 650000\n100.dat 212 200\n100.dat 212 200\n", ["100.dat", "100.atr"]),
        ("# a note\n\n100 2 360\na.dat 16\nb.dat 16\n# Age: 60\n", ["a.dat", "b.dat", "100.atr"]),
        ("100 1 360\n../a.dat 16\n", ["100.atr"]),
        ("100 1 360\nup/a.dat 16\n", ["100.atr"]),
        ("100 1 360\n/etc/passwd 16\n", ["100.atr"]),
        ("100 1 360\n~ 0\n", ["100.atr"]),
        ("100 1 360\nabsent.dat 16\n", ["100.atr"]),
        ("100/2 1 360 200\nseg1 100\n~ 100\n", ["seg1.hea", "a.dat", "100.atr"]),
        ("100/1 1 360\n100 100\n", ["100.atr"]),
        ("not a header", ["100.atr"]),
        ("", ["100.atr"]),
    ],
    ids=[
        "one file of two signals", "two files, comments", "above", "below", "absolute", "no file", "absent",
        "segments", "segment of itself", "prose", "empty",
    ],
)  # fmt: skip
def test_what_a_wfdb_header_names(tmp_path: Path, header: str, named: list[str]) -> None:
    laid(tmp_path / "r", "100.dat", "a.dat", "b.dat", "up/a.dat", "100.atr", "200.dat", "../a.dat")
    (tmp_path / "r" / "seg1.hea").write_text("seg1 1 360\na.dat 16\n")
    path = tmp_path / "r" / "100.hea"
    path.write_text(header)
    assert [file.name for file in companions(path)] == named


def test_a_header_of_many_names_has_a_bound(tmp_path: Path) -> None:
    (tmp_path / "100.dat").write_text("")
    (tmp_path / "100.hea").write_text("100 9 360\n" + "100.dat 16\n" * 50_000)
    assert companions(tmp_path / "100.hea") == (tmp_path / "100.dat",)


DATA = "sub-01/ses-1/func/sub-01_ses-1_task-rest_physio.tsv.gz"


@pytest.mark.parametrize(
    ("files", "found"),
    [
        (
            ["ds/sub-01/ses-1/func/sub-01_ses-1_task-rest_physio.json"],
            ["sub-01/ses-1/func/sub-01_ses-1_task-rest_physio.json"],
        ),
        (
            ["ds/task-rest_physio.json", "ds/sub-01/sub-01_task-rest_physio.json", "ds/physio.json"],
            ["physio.json", "task-rest_physio.json", "sub-01/sub-01_task-rest_physio.json"],
        ),
        (["ds/task-other_physio.json", "ds/sub-02_physio.json", "ds/task-rest_bold.json"], []),
        (["task-rest_physio.json"], []),
        (["ds/other/task-rest_physio.json"], []),
    ],
    ids=["beside it", "inherited, the farthest first", "of others", "beyond the data set", "not above it"],
)
def test_what_a_bids_recording_inherits(tmp_path: Path, files: list[str], found: list[str]) -> None:
    laid(tmp_path, f"ds/{DATA}", "ds/dataset_description.json", *files)
    others = companions(tmp_path / "ds" / DATA)
    assert [file.relative_to(tmp_path / "ds").as_posix() for file in others] == found


def test_without_a_data_set_four_folders_are_looked_at(tmp_path: Path) -> None:
    laid(tmp_path, "a/b/c/d/e/x_physio.tsv", "a/physio.json", "physio.json")
    assert companions(tmp_path / "a/b/c/d/e/x_physio.tsv") == (tmp_path / "a/physio.json",)


def test_names_are_relative_to_the_highest_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    laid(tmp_path, f"ds/{DATA}", "ds/dataset_description.json", "ds/task-rest_physio.json")
    source = open_source(tmp_path / "ds" / DATA)
    assert set(source.files) == {DATA, "task-rest_physio.json"}
    assert source.where("task-rest_physio.json") == str(tmp_path / "ds" / "task-rest_physio.json")
    monkeypatch.chdir(tmp_path / "ds" / "sub-01")
    inside = open_source(Path("ses-1/func/sub-01_ses-1_task-rest_physio.tsv.gz"))
    assert (set(inside.files), inside.sha256) == (set(source.files), source.sha256)


def test_most_files_come_alone(tmp_path: Path) -> None:
    laid(tmp_path, "a.csv", "a.json", "physio.json")
    assert companions(tmp_path / "a.csv") == ()
    assert set(open_source(tmp_path / "a.csv").files) == {"a.csv"}


def test_a_companion_that_goes_away_is_told_of(tmp_path: Path) -> None:
    laid(tmp_path, "100.dat")
    (tmp_path / "100.hea").write_text("100 1 360\n100.dat 16\n")
    source = open_source(tmp_path / "100.hea")
    (tmp_path / "100.dat").unlink()
    with pytest.raises(InputError, match=r"100\.dat: No such file or directory"):
        _ = source.files["100.dat"]


def test_real_records(recordings: Path) -> None:
    assert set(open_source(recordings / "wfdb_mitdb100" / "100.hea").files) == {
        "100.hea",
        "100.dat",
        "100.atr",
    }
    table = recordings / "bids_physio_ds210/sub-01/func/sub-01_task-rest_run-01_physio.tsv.gz"
    assert set(open_source(table).files) == {f"func/{table.name}", "sub-01_task-rest_physio.json"}
