"""All that a batch says of itself, on disk: complete, the same each time, and nobody's name in it."""

import csv
import json
from pathlib import Path

import pytest

from flows.batch.account import provenance, told_command, write_account
from pipeline.errors import InputError
from pipeline.exclusions import Rules
from pipeline.parameters import Correction
from pipeline.parameters_file import Analysing, Level, read_analysing
from pipeline.study_columns import dictionary
from tests.flows.batch.study import tables

STUDY = Analysing(rules=Rules(10.0, 0.5), sensitivity=(Level("correction", Correction.NONE),))
COMMAND = ("/home/jane/vagal/.venv/bin/vagal", "batch", "/home/jane/a study", "--out", "results")
FILES = [
    *("analysis.toml", "exclusions.csv", "flow.csv", "sensitivity.csv", "data_dictionary.md"),
    *("methods.md", "checklist.md", "summary.html", "provenance.json"),
]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    assert [path.name for path in write_account(folder, tables(tmp_path, STUDY), STUDY, COMMAND)] == FILES
    return folder


def test_the_settings_come_back(out: Path) -> None:
    assert read_analysing(out / "analysis.toml") == STUDY


def test_exclusions_have_threshold_and_value(out: Path) -> None:
    with (out / "exclusions.csv").open(newline="") as file:
        assert list(csv.DictReader(file)) == [
            {"unit": "d", "signal": "heart", "rule": "max_artefact_pct", "threshold": "10.0", "value": "12.0"}
        ]


def test_the_dictionary_is_the_one_of_the_code(out: Path) -> None:
    assert (out / "data_dictionary.md").read_text(encoding="utf-8") == dictionary()


def test_every_column_of_the_files_is_in_the_dictionary(out: Path) -> None:
    page = dictionary()
    for name in ("exclusions.csv", "flow.csv", "sensitivity.csv"):
        section = page.partition(f"## {name}\n")[2].partition("\n## ")[0]
        head = (out / name).read_text(encoding="utf-8").splitlines()[0].split(",")
        assert [column for column in head if f"| `{column}` |" not in section] == []
        assert section.count("| `") == len(head)


def test_provenance(out: Path) -> None:
    told = json.loads((out / "provenance.json").read_text(encoding="utf-8"))
    assert told["command"] == "vagal batch '~/a study' --out results"
    assert told["hashes"]["settings"] == STUDY.hash
    assert told["parameters"]["rules"] == {"max_artefact_pct": 10.0, "min_coverage": 0.5}
    assert told["parameters"]["sensitivity"] == [{"choice": "correction", "value": "none"}]
    assert {"numpy", "pandas", "pyarrow"} <= told["libraries"].keys()
    assert [each["recording_id"] for each in told["recordings"]] == ["a", "b", "c", "d", "e"]


def test_it_is_the_same_each_time(out: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    again.mkdir()
    write_account(again, tables(tmp_path, STUDY), STUDY, COMMAND)
    assert [(again / name).read_bytes() for name in FILES] == [(out / name).read_bytes() for name in FILES]


def test_nobody_is_named(out: Path) -> None:
    for name in FILES:
        text = (out / name).read_text(encoding="utf-8")
        assert "jane" not in text, name
        assert f"{Path.home()}/" not in text, name


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), ""),
        (("vagal", "batch", "x"), "vagal batch x"),
        (("vagal", str(Path.home() / "x")), "vagal '~/x'"),
        (("vagal", "/Users/j.doe/x", "/data/y"), "vagal '~/x' /data/y"),
        (("vagal", "--out=/home/jane"), "vagal --out=~"),
        (("vagal", r"C:\Users\jane\x"), "vagal '~\\x'"),
    ],
    ids=str,
)
def test_a_command_without_its_users_home(words: tuple[str, ...], told: str) -> None:
    assert told_command(words).replace("'", "") == told.replace("'", "")


def test_without_phases_or_values(tmp_path: Path) -> None:
    bare = tables(tmp_path, STUDY, phases_long=None, recordings=[], broken=(), varied=[], values_hash="")
    assert provenance(bare, STUDY, ())["hashes"]["values"] is None
    assert len(write_account(tmp_path, bare, STUDY, ())) == len(FILES)


def test_a_folder_that_takes_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        write_account(tmp_path / "none", tables(tmp_path, STUDY), STUDY, COMMAND)
