"""Which reader takes a source, in which order, and what is said where none does."""

from __future__ import annotations

from pathlib import Path

import pytest

from devices.exports.column_map import read_columns
from devices.exports.formats import read_recording, readers, recognise, why_not
from devices.exports.reader import Source
from pipeline.errors import InputError
from tests.devices.exports.test_contents import RR, written, zip_of


def test_every_reader_has_its_own_name_and_label() -> None:
    assert (
        len({reader.name for reader in readers()})
        == len({reader.label for reader in readers()})
        == len(readers())
    )


def test_plain_text_comes_last() -> None:
    assert [reader.name for reader in readers()][-2:] == ["table", "rr-text"]


@pytest.mark.parametrize(
    "files",
    [{}, {"a": b""}, {"a": bytes(range(256)) * 20}, {"a": b"\xff" * 9000, "b": b"{" * 9000}, {"a": b"["}],
    ids=["nothing", "empty", "binary", "two", "brackets"],
)  # fmt: skip
def test_what_nobody_recognises(files: dict[str, bytes]) -> None:
    assert recognise(Source(Path("x"), files)) is None


def test_an_unknown_format_says_where_those_that_are_known_stand(tmp_path: Path) -> None:
    path = written(tmp_path, bytes(range(256)), "x.bin")
    with pytest.raises(InputError) as caught:
        read_recording(path)
    assert str(caught.value).startswith(f"{path}: not a format vagal can read: docs/formats.md lists")


def test_a_zipped_text_is_read_like_the_text(tmp_path: Path) -> None:
    _, plain = read_recording(written(tmp_path, RR, "day.txt"))
    _, packed = read_recording(written(tmp_path, zip_of(("x/day.txt", RR)), "day.zip"))
    assert packed.streams["rr"].value.tolist() == plain.streams["rr"].value.tolist()


def test_a_table_that_does_not_say_what_it_holds_is_told_how_it_can() -> None:
    assert why_not(Source(Path("x"), {"x.csv": b"timer,hr\n0,515\n8.5,514\n"})) == (
        "a table that does not say what it holds; name its columns and their units with "
        "--columns time=NAME[ms],ecg=NAME[mV],eda=NAME[uS], or rate=100 (samples a second) where there are "
        "no times; its columns are 'timer', 'hr'"
    )


def test_columns_that_are_named_go_before_any_format(tmp_path: Path) -> None:
    path = written(tmp_path, b"".join(b"%d\n" % (800 + number % 7) for number in range(100)), "wave.txt")
    _, recording = read_recording(path, columns=read_columns("rate=100,ppg=1"))
    assert (recording.source, set(recording.streams)) == ("table", {"ppg"})
