"""The intervals in a Kubios report."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from devices.exports.kubios_report import KubiosReport
from devices.exports.reader import Source, open_source
from pipeline.errors import InputError
from pipeline.model import Gap, Recording
from tests.devices.exports.survival import assert_survives

HEAD = b"""HRV ANALYSIS RESULTS - 13-Sep-2018 13:15:19
Measurement date: 12-Sep-2018 09:00:00
  Artifact correction: none
  HF (log):                   ,      7.5356,        -Inf,
"""
SECTION = b"""RR INTERVAL DATA and SPECTRUM ESTIMATES,
      ,    SAMPLE 1,            ,
      ,     RR Data,            ,FFT spectrum,
      ,        Time, RR interval,   Frequency,
      ,         (s),         (s),        (Hz),
      ,       0.766,       0.766,       0.000,
      ,       1.532,       0.766,       0.003,
      ,       2.259,       0.727,            ,
      ,       4.000,       0.800,            ,


"""
REPORT = HEAD + SECTION
TWO = HEAD + (
    b"RR INTERVAL DATA,\n ,Time,RR interval,Time,RR interval,\n ,(s),(s),(s),(s),\n"
    b" ,60.8,0.8,0.7,0.7,\n ,61.6,0.8,1.5,0.8,\n ,,,2.2,0.7,\n"
)


def read(content: bytes, unit: str | None = None) -> Recording:
    source = Source(Path("report.txt"), {"report.txt": content})
    assert KubiosReport().recognises(source)
    return KubiosReport().read(source, unit)


@pytest.mark.parametrize("content", [REPORT, REPORT.replace(b"\n", b"\r\n"), b"\xef\xbb\xbf" + REPORT])
def test_the_section_is_found_by_its_title(content: bytes) -> None:
    recording = read(content)
    rr = recording.streams["rr"]
    assert rr.value.tolist() == [766.0, 766.0, 727.0, 800.0]
    assert rr.time_s.tolist() == [0.766, 1.532, 2.259, 4.0]
    assert rr.gaps == (Gap(2.259, 3.2, "beats missing"),)
    assert recording.started_at is not None
    assert recording.started_at.replace(tzinfo=None) == datetime(2018, 9, 12, 9, 0)
    assert (recording.units, recording.notices) == ({"rr": "s (from the header)"}, ())


def test_samples_stand_side_by_side() -> None:
    recording = read(TWO)
    rr = recording.streams["rr"]
    assert rr.time_s.tolist() == [0.7, 1.5, 2.2, 60.8, 61.6]
    assert rr.gaps == (Gap(2.2, 60.0, "beats missing"),)
    assert recording.notices == ("the report holds 2 samples; the time between them is a gap",)


def test_corrected_intervals_are_told_of() -> None:
    notices = read(REPORT.replace(b"correction: none", b"correction: Very low (automatic)"), "ms").notices
    assert notices == (
        "Kubios corrected these intervals (Very low (automatic)); what it changed is not in the report",
        "--unit ms is not needed: Kubios reports have RR in s",
    )


@pytest.mark.parametrize("date", [b"xx/xx/xx xx:xx:xx", b"03/04/18 10:00:00", b"12-Sep-6018 09:00:00", b""])
def test_a_date_that_says_nothing(date: bytes) -> None:
    assert read(REPORT.replace(b"12-Sep-2018 09:00:00", date)).started_at is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (HEAD, "report.txt: holds no section 'RR INTERVAL DATA'; export the report with RR data"),
        (
            REPORT.replace(b"RR interval,", b"PSD,"),
            "report.txt line 5: the section names no columns Time and RR",
        ),
        (REPORT.replace(b"(s)", b"(ms)"), "report.txt line 9: times and intervals are not in (s)"),
        (REPORT.replace(b"1.532", b"1.x32"), "report.txt line 11: '1.x32' is not a number"),
        (REPORT.replace(b"1.532", b"1.132"), "report.txt line 11: the interval of 0.766 s begins before"),
        (
            TWO.replace(b"60.8", b"1.8").replace(b"61.6", b"2.6"),
            "report.txt: times do not rise, or samples overlap",
        ),
        (REPORT.replace(b"0.766,       0.766", b",      "), "report.txt line 10: '' is not a number"),
        (
            REPORT.replace(b"\n      ,       0.766", b"\n\n      ,       0.766", 1),
            "report.txt line 10: the section holds no",
        ),
        (HEAD + SECTION[: SECTION.index(b"      ,       0.766")], "report.txt: holds no samples"),
    ],
    ids=[
        "no section",
        "no columns",
        "unit",
        "number",
        "overlap",
        "samples overlap",
        "empty row",
        "blank row",
        "no rows",
    ],
)
def test_damage_is_told(content: bytes, message: str) -> None:
    with pytest.raises(InputError) as caught:
        read(content)
    assert str(caught.value).startswith(message)


def test_damaged_files() -> None:
    assert_survives(KubiosReport(), {"report.txt": REPORT})


def test_a_real_report_and_the_series_it_was_made_of(recordings: Path) -> None:
    folder = recordings / "kubios_report"
    source = open_source(folder / "SampleReport_kubios_3.1_standard.txt")
    assert KubiosReport().recognises(source)
    recording = KubiosReport().read(source, None)
    rr = recording.streams["rr"]
    series_ms = np.loadtxt(folder / "SampleExport.txt", comments="#")
    np.testing.assert_allclose(rr.value, series_ms, atol=0.5)
    assert (len(rr), rr.time_s[-1], recording.duration_s) == (423, 299.291, 299.291)
    assert (np.mean(rr.value), np.std(rr.value, ddof=1)) == pytest.approx((707.5437, 92.7945), abs=0.01)
    assert (rr.gaps, recording.started_at) == ((), None)
