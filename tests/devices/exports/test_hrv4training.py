"""HRV4Training's summaries are recognised and refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from devices.exports.hrv4training import Hrv4Training
from devices.exports.reader import Source
from pipeline.errors import InputError

HEADER = b"date, HR, AVNN, SDNN, rMSSD, pNN50, LF, HF, HRV4T_Recovery_Points, sleep_quality\n"
ROW = b"2020-04-10, 55, 1090, 62, 48, -, 0.1, 0.2, 8.1, -\n"


@pytest.mark.parametrize(
    "content",
    [
        HEADER + ROW,
        b"\xef\xbb\xbf" + HEADER.replace(b"\n", b"\r\n") + ROW,
        (HEADER + ROW).replace(b",", b";"),
        b"timestamp_measurement,HR,AVNN,SDNN,rMSSD,pNN50\n",
        b"date,HRV4T_Recovery_Points\n",
    ],
    ids=["plain", "BOM", "semicolons", "stamp", "few columns"],
)
def test_it_is_recognised_and_refused(content: bytes) -> None:
    source = Source(Path("MyMeasurements.csv"), {"MyMeasurements.csv": content})
    assert Hrv4Training().recognises(source)
    with pytest.raises(InputError) as caught:
        Hrv4Training().read(source, None)
    assert str(caught.value).startswith(
        "MyMeasurements.csv: is a table of HRV4Training, one summary a morning"
    )
    assert str(caught.value).endswith("export the RR intervals of a measurement instead")


@pytest.mark.parametrize(
    "content", [b"date,HR\n", b"rr_ms\n800\n", b"HR,AVNN,SDNN,rMSSD,pNN50\n", b"", b"\xff\x00"]
)
def test_what_is_not_hrv4trainings(content: bytes) -> None:
    assert not Hrv4Training().recognises(Source(Path("a"), {"a": content}))


def test_a_folder_is_not_one_table() -> None:
    assert not Hrv4Training().recognises(Source(Path("x"), {"a": HEADER, "b": HEADER}))
