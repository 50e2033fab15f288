"""Sampled signals with a stamp on each row."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from devices.exports.reader import Source
from devices.exports.rows import Rows
from devices.exports.stamped import sampled
from pipeline.errors import InputError
from pipeline.model import Floats, Gap, Stream


def read(stamps_s: Floats) -> tuple[Stream, tuple[str, ...]]:
    count = len(stamps_s)
    rows = Rows(Source(Path("a.csv"), {}), "a.csv", b";", [b""] * count, range(2, count + 2))
    return sampled("ecg", rows, stamps_s, {"ecg_uv": np.zeros(count)})


def test_the_rate_is_that_of_the_stamps_and_what_is_missing_is_a_gap() -> None:
    stamps_s = np.delete(np.arange(100) / 130, slice(40, 50))
    stream, notices = read(stamps_s)
    assert (stream.rate_hz, len(stream), notices) == (130.0, 90, ())
    assert stream.gaps == (Gap(40 / 130, 50 / 130, "samples missing", 10),)


def test_rows_that_do_not_rise_are_left_out() -> None:
    stamps_s = np.arange(100) / 130
    stamps_s[50] = stamps_s[49]
    stream, notices = read(stamps_s)
    assert (len(stream), notices) == (99, ("1 of 100 rows of ecg does not rise in time and is left out",))


@pytest.mark.parametrize(
    ("stamps_s", "message"),
    [
        ([0.0, 1.0, 0.5, 0.6, 0.7], "a.csv line 4: the sensor's time does not rise from here on"),
        ([0.0], "a.csv line 2: holds one sample, which makes no signal"),
        ([0.0, 0.01, 1e5, 1e5 + 0.01], "a.csv line 4: the sensor's time leaps by more than a day"),
        ([0.0, 10.0, 20.0], "a.csv line 2: the sensor's times make 0.1 samples a second of ecg"),
        ([0.0, 1e-6, 2e-6], "a.csv line 2: the sensor's times make 1e+06 samples a second of ecg"),
    ],
    ids=["backwards", "one sample", "leap", "slow", "fast"],
)
def test_what_makes_no_signal(stamps_s: list[float], message: str) -> None:
    with pytest.raises(InputError) as caught:
        read(np.array(stamps_s))
    assert str(caught.value) == message
