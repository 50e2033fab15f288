"""Files that are empty, or that somebody gave another ending, of every format."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from devices.exports.formats import read_recording
from pipeline.errors import InputError
from tests.faults.mutants import Sample, tried
from tests.faults.samples import ONE_FILE, REAL
from tests.faults.test_mutants import EVERY, made

ENDINGS = ("", ".bin", ".csv", ".json", ".edf", ".fit", ".hea", ".zip", ".jpg")


@EVERY
def test_an_empty_file_is_refused_by_name(name: str, tmp_path: Path) -> None:
    given = made(name)
    path = given.write(tmp_path, dict.fromkeys(given.files, b""))
    with pytest.raises(InputError) as caught:
        read_recording(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert str(caught.value).isprintable()


@EVERY
def test_one_empty_file_among_others_does_no_harm(name: str, tmp_path: Path) -> None:
    given = made(name)
    for number, each in enumerate(given.files):
        folder = tmp_path / str(number)
        folder.mkdir()
        assert tried(given.write(folder, {**given.files, each: b""}), None) is None


def renamed(given: Sample, ending: str) -> Sample:
    [content] = given.files.values()
    return replace(given, files={f"recording{ending}": content})


@pytest.mark.parametrize("ending", ENDINGS, ids=[ending or "none" for ending in ENDINGS])
@pytest.mark.parametrize("name", [*ONE_FILE, *REAL])
def test_a_format_is_told_by_content_whatever_the_ending(name: str, ending: str, tmp_path: Path) -> None:
    given = made(name)
    wrong = renamed(given, ending)
    path = wrong.write(tmp_path, wrong.files)
    try:
        _, right = read_recording(given.write(tmp_path, given.files))
    except InputError:  # a summary, which is told to be one under any name
        with pytest.raises(InputError, match="nothing can be"):
            read_recording(path)
        return
    _, recording = read_recording(path)
    assert (recording.source, list(recording.streams)) == (right.source, list(right.streams))
    assert recording.sha256 == right.sha256
