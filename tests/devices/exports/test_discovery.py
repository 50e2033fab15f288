"""What a folder holds: recordings, companions, what lies beside them, and what is none."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest

from devices.exports.discovery import discover
from pipeline.errors import InputError
from tests.devices.exports.test_embrace_plus import EDA as AVRO_EDA
from tests.devices.exports.test_embrace_plus import avro
from tests.devices.exports.test_polar_flow import day

START = 1_644_227_574
EDA = b"%d\n4.0\n" % START + b"0.5\n" * 80
HR = b"%d\n1.0\n" % (START + 10) + b"71.0\n" * 20
RR = b"".join(b"%d\n" % (800 + number % 7) for number in range(60))
HEADER = b"r 1 100 20\nr.dat 16 200 16 0 0 0 0 ECG\n"


def made(place: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(content)
    return place


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param({"a.txt": RR}, {"a.txt": "rr-text"}, id="a file"),
        pytest.param({"a/b/c.txt": RR}, {"a/b/c.txt": "rr-text"}, id="a file in folders"),
        pytest.param(
            {"S02/EDA.csv": EDA, "S02/HR.csv": HR}, {"S02": "empatica-e4"}, id="a folder is one recording"
        ),
        pytest.param(
            {f"day/{number}.avro": avro(eda=AVRO_EDA, tags_us=[number]) for number in range(3)},
            {"day": "embrace-plus"},
            id="files of half an hour are one recording",
        ),
        pytest.param({"EDA.csv": EDA, "HR.csv": HR}, {".": "empatica-e4"}, id="the folder itself"),
        pytest.param({"a.txt": RR, "b.txt": RR}, {"a.txt": "rr-text", "b.txt": "rr-text"}, id="two files"),
        pytest.param(
            {"r.hea": HEADER, "r.dat": bytes(40)}, {"r.hea": "wfdb"}, id="a header and its signals are one"
        ),
        pytest.param(
            {"a.txt": RR, ".hidden.txt": RR, "._a.txt": RR}, {"a.txt": "rr-text"}, id="hidden files"
        ),
    ],
)
def test_recordings(tmp_path: Path, files: dict[str, bytes], expected: dict[str, str]) -> None:
    found = discover(made(tmp_path, files))
    assert {each.path.as_posix(): each.reader for each in found} == expected


@pytest.mark.parametrize(
    "name",
    [
        *(
            "README.md",
            "README",
            "readme.txt",
            "LICENSE",
            "LICENCE.txt",
            "LICENSE.source.txt",
            "PROVENANCE.md",
        ),
        *("dataset_description.json", "participants.tsv", "phases.csv", "a.phases.csv", "labels_1hz.csv"),
        *("analysis.toml", "figure.png"),
    ],
)
def test_what_lies_beside_is_no_recording(tmp_path: Path, name: str) -> None:
    [found] = discover(made(tmp_path, {name: b"0.8\n" * 50}))
    assert (found.reader, found.reason, found.beside) == (None, None, True)


@pytest.mark.parametrize(
    ("name", "content", "reader"),
    [
        ("ppi_samples_1.json", json.dumps([day(datetime(2023, 5, 1), 900, 910)]).encode(), "polar-flow"),
        ("settings.json", b'{"units": "metric"}', None),
        ("lab_physio.json", b'{"SamplingFrequency": 50, "StartTime": 0, "Columns": ["cardiac"]}', None),
        ("empty.json", b"", None),
    ],
    ids=["intervals", "settings", "a description", "empty"],
)
def test_json_is_a_recording_only_where_a_reader_knows_it(
    tmp_path: Path, name: str, content: bytes, reader: str | None
) -> None:
    [found] = discover(made(tmp_path, {name: content}))
    assert (found.reader, found.beside, found.reason) == (reader, reader is None, None)


def test_a_table_is_told_what_will_do_for_many(tmp_path: Path) -> None:
    [found] = discover(made(tmp_path, {"lab.csv": b"timer,hr\n0,515\n8.5,514\n"}))
    assert found.reason is not None
    assert "give it a header that names times and signals with their units" in found.reason


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"\0\1\2\3 of no format", "not a format vagal can read"),
        (b"PK\3\4 and then nothing", "damaged or encrypted"),
    ],
    ids=["empty", "unknown", "a broken zip"],
)
def test_what_cannot_be_read_says_why(tmp_path: Path, content: bytes, reason: str) -> None:
    [found] = discover(made(tmp_path, {"x.bin": content}))
    assert found.reader is None
    assert found.reason is not None
    assert reason in found.reason
    assert str(tmp_path) not in found.reason
    assert found.reason.isprintable()


def test_it_is_sorted_and_leaves_out_what_it_is_told_to(tmp_path: Path) -> None:
    made(tmp_path, {"b/x.txt": RR, "a/x.txt": RR, "c.txt": RR, "out/x.txt": RR})
    found = discover(tmp_path, leave_out=[tmp_path / "out"])
    assert [each.path.as_posix() for each in found] == ["a/x.txt", "b/x.txt", "c.txt"]


def test_a_link_to_a_folder_is_not_followed(tmp_path: Path) -> None:
    made(tmp_path, {"a/x.txt": RR})
    (tmp_path / "a" / "again").symlink_to(tmp_path / "a", target_is_directory=True)
    assert [each.path.as_posix() for each in discover(tmp_path)] == ["a/x.txt"]


def test_there_has_to_be_a_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        discover(tmp_path / "none")
