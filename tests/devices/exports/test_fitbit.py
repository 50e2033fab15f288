"""Fitbit's summaries are recognised and refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from devices.exports.fitbit import Fitbit
from devices.exports.reader import Source
from pipeline.errors import InputError


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (
            b"timestamp,rmssd,coverage,low_frequency,high_frequency\n2022-05-01T01:05:00,42.1,0.98,900.1,800.2\n",
            "5 min",
        ),
        (b"timestamp,rmssd,nremhr,entropy\n2022-05-01T00:00:00,42.1,55.2,2.9\n", "a night"),
        (
            b'[{\n  "dateTime" : "05/01/22 00:00:05",\n  "value" : {\n    "bpm" : 60\n  }\n}]',
            "heart rate",
        ),
        (b'[{"dateTime":"05/01/22 00:00:05","value":{"bpm":60,"confidence":2}}]', "heart rate"),
    ],
    ids=["details", "daily", "heart rate", "heart rate, compact"],
)
def test_it_is_recognised_and_refused(content: bytes, what: str) -> None:
    source = Source(Path("fitbit.csv"), {"fitbit.csv": content})
    assert Fitbit().recognises(source)
    with pytest.raises(InputError) as caught:
        Fitbit().read(source, None)
    assert str(caught.value).startswith("fitbit.csv: is ")
    assert what in str(caught.value)
    assert str(caught.value).endswith("record with a chest strap and import its RR intervals instead")


@pytest.mark.parametrize(
    "content", [b"timestamp,rr\n", b"[]", b'[{"dateTime":"x","value":"12"}]', b"", b"\xff\x00"]
)
def test_what_is_not_fitbits(content: bytes) -> None:
    assert not Fitbit().recognises(Source(Path("a"), {"a": content}))
