"""participants.tsv: whose a recording is, and what does not fit is one line."""

from pathlib import Path

import pytest

from pipeline.errors import InputError
from pipeline.participants import Participants, join, read_participants

TABLE = "participant_id\tgroup\tage\nsub-01\tcontrol\t31\nsub-02\tpatient\tn/a\n"


def _read(tmp_path: Path, text: str) -> Participants:
    path = tmp_path / "participants.tsv"
    path.write_text(text, encoding="utf-8")
    return read_participants(path)


def test_a_table_by_id(tmp_path: Path) -> None:
    people = _read(tmp_path, TABLE)
    assert dict(people) == {
        "sub-01": {"participant_id": "sub-01", "group": "control", "age": "31"},
        "sub-02": {"participant_id": "sub-02", "group": "patient"},  # n/a is not known
    }


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(TABLE.replace("\t", ","), id="commas"),
        pytest.param(TABLE.replace("\t", ";"), id="semicolons"),
        pytest.param("\ufeff" + TABLE, id="byte order mark"),
        pytest.param(TABLE.replace("\n", "\r\n"), id="windows"),
        pytest.param(TABLE.replace("\n", "\r"), id="old mac"),
        pytest.param("\ufeff" + TABLE.replace("\t", ";").replace("\n", "\r\n"), id="spreadsheet"),
        pytest.param(TABLE.replace("control", '"control"').replace("31", " 31 "), id="quotes and spaces"),
        pytest.param(TABLE + "\n\n\t\t\n", id="empty lines"),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_other_ways_to_write_it(tmp_path: Path, text: str, encoding: str) -> None:
    path = tmp_path / "participants.txt"
    path.write_bytes(text.removeprefix("\ufeff" if encoding == "utf-16" else "").encode(encoding))
    assert dict(read_participants(path)) == dict(_read(tmp_path, TABLE))


@pytest.mark.parametrize(
    ("unit", "whose"),
    [
        ("sub-01/rest.csv", "sub-01"),
        ("sub-01_task-rest.txt", "sub-01"),
        ("sub-01.zip", "sub-01"),
        ("data/SUB-02/ses-1", "sub-02"),
        ("sub-011/rest.csv", None),
        ("xsub-01.csv", None),
        (".", None),
    ],
)
def test_a_recording_is_whose_id_its_path_has(tmp_path: Path, unit: str, whose: str | None) -> None:
    row = _read(tmp_path, TABLE).row_of(unit)
    assert (row and row["participant_id"]) == whose


def test_the_longest_id_wins_and_two_people_are_a_mistake(tmp_path: Path) -> None:
    people = _read(tmp_path, "participant_id\np1\np1-b\np2-b\n")
    assert people.row_of("p1-b/rest.txt") == {"participant_id": "p1-b"}
    with pytest.raises(
        InputError, match="p1-b/p2-b names p1-b and p2-b: say whose it is in a column recording"
    ):
        people.row_of("p1-b/p2-b")


def test_a_column_names_the_recordings(tmp_path: Path) -> None:
    people = _read(tmp_path, "participant_id\trecording\tvisit\na\tx/1.zip\t1\na\t./x/2\t2\nb\ty\\3.zip\t1\n")
    assert len(people) == 2
    joined = join(people, ["x/1.zip", "x/2.csv", "a.csv"])
    assert {unit: row["visit"] for unit, row in joined.rows.items()} == {"x/1.zip": "1", "x/2.csv": "2"}
    assert joined.notices == (
        "participants.tsv: the folder has no y/3.zip",
        "participants.tsv: no row for recording a.csv",
    )


def test_who_finds_no_other_half_is_told(tmp_path: Path) -> None:
    joined = join(_read(tmp_path, TABLE), ["sub-01.csv", *(f"x{number}.csv" for number in range(7))])
    assert list(joined.rows) == ["sub-01.csv"]
    assert joined.notices == (
        "participants.tsv: no recording for participant sub-02",
        "participants.tsv: no row for recording x0.csv, x1.csv, x2.csv, x3.csv, x4.csv and 2 more",
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("participant_id\n", "holds no participants"),
        ("id\tgroup\na\tb\n", "needs the column participant_id, and tabs between columns; it has id, group"),
        ("participant_id group\na b\n", "and tabs between columns; it has participant_id group"),
        ("participant_id\tage\tage\na\t1\t2\n", "the column 'age' is there twice"),
        ("participant_id\tage\na\t1\na\t2\n", "line 3: participant_id 'a' is there twice"),
        ("participant_id\trecording\na\tx\nb\t./x\n", "line 3: recording 'x' is there twice"),
        ("participant_id\tage\na\n", "line 2: has 1 cells, and the first line has 2"),
        ("participant_id\tage\nn/a\t3\n", "line 2: participant_id is empty"),
        ("participant_id\trecording\na\tn/a\n", "line 2: recording is empty"),
        ('participant_id\tage\n"a\t3\n', "is not a table of text"),
    ],
)
def test_a_mistake_is_one_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InputError) as error:
        _read(tmp_path, text)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_another_encoding_is_told(tmp_path: Path) -> None:
    path = tmp_path / "participants.tsv"
    path.write_bytes(TABLE.replace("control", "m\xfcde").encode("latin-1"))
    with pytest.raises(InputError, match="is not a text file in UTF-8: save it as that"):
        read_participants(path)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00p", None], ids=["no text", "not there"])
def test_what_cannot_be_read(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "participants.tsv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=r"participants\.tsv"):
        read_participants(path)
