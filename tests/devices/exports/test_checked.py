"""What every recording goes through: words on what no body has, and text that a terminal can show."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from devices.exports.checked import checked
from devices.exports.reader import Source
from pipeline.errors import InputError
from pipeline.model import DeviceInfo, Floats, Marker, Recording, Stream

SOURCE = Source(Path("lab.txt"), {"lab.txt": b""})
ECG = Stream("ecg", np.arange(4) / 130, {"ecg_uv": np.arange(4.0)}, 130.0)


def recording(*streams: Stream, **fields: Any) -> Recording:
    return Recording("a", "b", "c", 60.0, {each.name: each for each in streams}, **fields)


def of(name: str, columns: Mapping[str, list[float]]) -> Stream:
    values: dict[str, Floats] = {column: np.array(each) for column, each in columns.items()}
    return Stream(name, np.arange(1.0, 1 + len(next(iter(values.values())))), values)


@pytest.mark.parametrize(
    ("stream", "words"),
    [
        (of("eda", {"eda_us": [2.0, 300.0]}), ["eda_us outside -0.5 to 100"]),
        (of("acc", {"acc_x_mg": [9e4], "acc_y_mg": [0.0]}), ["acc_x_mg outside -16500 to 16500"]),
        (of("rr", {"rr_ms": [0.0, 800.0, np.nan]}), [
            "1 of 3 intervals is zero, negative or outside 300-2000 ms; it is kept and masked",
            "1 of 3 intervals is missing in the file",
        ]),
        (of("pp", {"pp_ms": [800.0]}), []),
        (of("ecg", {"ecg_uv": [np.nan, -19_000.0]}), []),
        (of("respiration", {"respiration_au": [1e9]}), []),
    ],
    ids=["skin", "one axis", "beats", "sound beats", "sound", "no unit"],
)  # fmt: skip
def test_values_that_no_body_has_are_told_of_once(stream: Stream, words: list[str]) -> None:
    plain = checked(SOURCE, recording(stream, notices=("a first word",)))
    assert plain.notices == ("a first word", *words)
    assert checked(SOURCE, plain).notices == plain.notices
    assert plain.streams[stream.name] is stream


def test_text_of_a_file_is_made_fit_to_be_shown() -> None:
    given = checked(
        SOURCE,
        recording(
            ECG,
            notices=("left out \x00\x1b[2J", "two\nlines\xa0"),
            units={"ecg": "\x7fV"},
            markers=(Marker(1.0, "event", "a\tb\x07"),),
            devices=(DeviceInfo("\ud800", "b", model="\x01"), DeviceInfo("plain", "b")),
        ),
    )
    assert given.notices == ("left out \\x00\\x1b[2J", "two lines ")
    assert given.units == {"ecg": "\\x7fV"}
    assert given.markers == (Marker(1.0, "event", "a b\\x07"),)
    assert [(each.name, each.model) for each in given.devices] == [("\\ud800", "\\x01"), ("plain", None)]


@pytest.mark.parametrize(("year", "known"), [(1969, False), (1970, True), (2300, True), (6018, False)])
def test_a_start_far_from_any_life_is_not_known(year: int, known: bool) -> None:
    began = datetime(year, 2, 8, tzinfo=UTC)
    given = checked(SOURCE, recording(ECG, started_at=began))
    told = () if known else (f"it says that it began on {year}-02-08, so when it did is not known",)
    assert (given.started_at, given.notices) == (began if known else None, told)


@pytest.mark.parametrize(
    ("at", "refused"),
    [
        ([0, 1, 2, 3, 4, 5], False),
        ([0, 1, 2, 9, 10, 30], False),
        ([0, 6, 12, 18, 19, 30], True),
        ([0, 0.1, 0.2, 0.3, 9], True),
    ],
    ids=["even", "with gaps", "mostly missing", "crowded"],
)
def test_a_signal_lies_as_its_rate_says(at: list[float], refused: bool) -> None:
    stream = Stream("ppg", np.array(at) / 64, {"ppg_au": np.zeros(len(at))}, 64.0)
    if not refused:
        assert checked(SOURCE, recording(stream)).notices == ()
        return
    with pytest.raises(InputError, match=r"^lab.txt: most samples of ppg are missing or out of order"):
        checked(SOURCE, recording(stream))
