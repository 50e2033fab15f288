"""RR intervals as text: what is read, how the unit is settled, and what is said of bad lines."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from devices.exports.checked import checked
from devices.exports.reader import Source, open_source
from devices.exports.rr_text import RrText
from pipeline.errors import InputError, UsageError
from pipeline.model import Recording


def source(content: str | bytes, name: str = "rr.txt") -> Source:
    return Source(Path(name), {name: content.encode() if isinstance(content, str) else content})


def read(content: str | bytes, unit: str | None = None) -> Recording:
    given = source(content)
    assert RrText().recognises(given)
    return checked(given, RrText().read(given, unit))


@pytest.mark.parametrize(
    "content",
    [
        "800\n810\n790\n",
        "800\r\n810\r\n790",
        "800\r810\r790\r",
        b"\xef\xbb\xbf800\n810\n790\n",
        "800\n810\n790\n".encode("utf-16"),
        "# Kubios\n\n800\n\n# a note\n810\n790\n\n",
        "RR (ms)\n800\n810\n790\n",
        "RR-Intervalle [ms]\n800.0\n810.0\n790.0\n",
        "rr_s\n0.8\n0.81\n0.79\n",
        "0.8\n0.81\n0.79\n",
        "RR [1/1024 s]\n819.2\n829.44\n808.96\n",
        "timestamp, rr, since_start \n\n1,800,1\n2,810,2\n3,790,3\n",
        'Phone timestamp;"RR-interval [ms]"\na;800\nb;810\nc;790\n',
        "IBI\tquality\n800\t1\n810\t1\n790\t0\n",
        "800,\n810,\n790,\n",
        "800 810 790",
    ],
    ids=[
        "plain", "CRLF", "CR", "BOM", "UTF-16", "comments", "header ms", "header German", "header s",
        "seconds", "1/1024", "comma table", "semicolon table", "tab table", "trailing comma", "one line",
    ],
)  # fmt: skip
def test_one_series_in_many_spellings(content: str | bytes) -> None:
    rr = read(content).streams["rr"]
    np.testing.assert_allclose(rr.columns["rr_ms"], [800.0, 810.0, 790.0])
    np.testing.assert_allclose(rr.time_s, [0.8, 1.61, 2.4])
    assert rr.rate_hz is None


@pytest.mark.parametrize(
    ("content", "unit", "settled", "first_ms"),
    [
        ("800\n810\n", None, "ms (from the median)", 800.0),
        ("0.8\n0.81\n", None, "s (from the median)", 800.0),
        ("0\n0\n", None, "ms (from the median)", 0.0),
        ("-800\n-810\n", None, "ms (from the median)", -800.0),
        ("rr_ms\n50\n60\n", None, "ms (from the header)", 50.0),
        ("RR (s)\n0.8\n", None, "s (from the header)", 800.0),
        ("RR (s)\n800\n", "ms", "ms (as asked)", 800.0),
        ("1024\n1024\n", "1/1024s", "1/1024 s (as asked)", 1000.0),
        ("50\n60\n", "s", "s (as asked)", 50_000.0),
    ],
)
def test_how_the_unit_is_settled(content: str, unit: str | None, settled: str, first_ms: float) -> None:
    recording = read(content, unit)
    assert recording.units == {"rr": settled}
    assert recording.streams["rr"].value[0] == first_ms


def test_bad_intervals_are_kept_and_counted() -> None:
    recording = read("800\n0\n-5\n200\n2500\nnan\nNA\n-\n810\n")
    rr = recording.streams["rr"]
    np.testing.assert_array_equal(rr.value, [800, 0, -5, 200, 2500, np.nan, np.nan, np.nan, 810])
    np.testing.assert_allclose(rr.time_s, [0.8, 0.801, 0.802, 1.002, 3.502, 3.503, 3.504, 3.505, 4.315])
    assert recording.duration_s == rr.time_s[-1]
    assert recording.notices == (
        "4 of 9 intervals are zero, negative or outside 300-2000 ms; they are kept and masked",
        "3 of 9 intervals are missing in the file",
    )


@pytest.mark.parametrize(
    ("content", "notices"),
    [
        ("800\n300\n2000\n", ()),
        (
            "800\n810\n299\n",
            ("1 of 3 intervals is zero, negative or outside 300-2000 ms; it is kept and masked",),
        ),
        ("t,rr\n1,800\n2,810\n", ("only the column of intervals is read, not t",)),
    ],
    ids=["limits included", "one", "other columns"],
)
def test_notices(content: str, notices: tuple[str, ...]) -> None:
    assert read(content).notices == notices


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("800\n" * 16 + "abc\n800\n", "rr.txt line 17: 'abc' is not a number"),
        ("# note\n\n800\n81O\n790\n", "rr.txt line 4: '81O' is not a number"),
        ("800\n8_10\n790\n", "rr.txt line 2: '8_10' is not a number"),
        ("800\n810\ninf\n", "rr.txt line 3: 'inf' is not a number"),
        ("800\n810;N\n790\n", "rr.txt line 2: '810;N' is not a number"),
        ("rr,t\n800,1\nx,2\n790,3\n", "rr.txt line 3: 'x' is not a number"),
        ("800\n810\n1e300\n", "rr.txt line 3: '1e300' is no interval between beats"),
        ("RR (ms)\n", "rr.txt: holds no RR intervals"),
        (
            "50\n60\n55\n",
            "rr.txt: the intervals' median is 55, neither ms nor s; "
            "name their unit with --unit ms, --unit s or --unit 1/1024s",
        ),
        (
            "4000\n5000\n",
            "rr.txt: the intervals' median is 4500, neither ms nor s; "
            "name their unit with --unit ms, --unit s or --unit 1/1024s",
        ),
    ],
    ids=[
        "word", "letter O", "underscore", "infinite", "second column", "in a table", "absurd",
        "only a header", "heart rates", "too long",
    ],
)  # fmt: skip
def test_what_cannot_be_read(content: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        read(content)
    assert str(caught.value) == message


def test_an_unknown_unit_is_wrong_usage() -> None:
    with pytest.raises(UsageError, match="unit 'min': use ms, s or 1/1024s"):
        read("800\n", unit="min")


@pytest.mark.parametrize(
    "content",
    [
        bytes(range(256)),
        b"800\n\x00\n810\n",
        "Dear reader,\nthis is prose.\n",
        "# only a comment\n",
        "0\t0\t39072\n1\t0\t39070\n",
        "# Simple Text Format\n# Sampling Rate (Hz):= 1000.00\n2048\n2050\n",
        "[Params]\nVersion=106\n" + "Key=1\n" * 10 + "800\n" * 100,
        "time,ecg,rr\n" + "1,0.5,\n" * 50,
    ],
    ids=["binary", "null byte", "prose", "comment", "samples", "waveform", "hrm", "sparse column"],
)
def test_what_is_not_taken_for_rr_intervals(content: str | bytes) -> None:
    assert not RrText().recognises(source(content))


def test_several_files_are_not_one_series() -> None:
    assert not RrText().recognises(Source(Path("x"), {"a.txt": b"800\n", "b.txt": b"800\n"}))


@pytest.mark.parametrize(
    ("name", "started"),
    [
        ("2017-06-29 13-11-53.txt", "2017-06-29T13:11:53"),
        ("2017-13-29 13-11-53.txt", None),
        ("morning.txt", None),
    ],
    ids=["Elite HRV", "no such month", "other"],
)
def test_the_start_stands_in_the_file_name(name: str, started: str | None) -> None:
    started_at = RrText().read(source("800\n", name), None).started_at
    assert (started_at and started_at.replace(tzinfo=None).isoformat()) == started
    assert started_at is None or started_at.tzinfo is not None


@pytest.mark.parametrize(
    ("path", "beats", "duration_s", "mean_ms"),
    [
        ("elitehrv_txt/2017-06-29 13-11-53.txt", 4201, 3089.5, 735.4),
        ("rri_txt_polar_hrm/rest_rri.txt", 910, 963.4, 1058.7),
        ("kubios_report/SampleExport.txt", 423, 299.3, 707.54),
        ("welltory_ppg_polar_h10/subject_01/RR.txt", 100, 110.2, 1101.73),
        ("wearablehrv_individual/test_kyto.csv", 2860, 2827.1, 988.5),
    ],
    ids=["Elite HRV", "Polar text", "Kubios", "Welltory", "logger table"],
)
def test_real_files(recordings: Path, path: str, beats: int, duration_s: float, mean_ms: float) -> None:
    recording = RrText().read(open_source(recordings / path), None)
    rr = recording.streams["rr"]
    assert len(rr) == beats
    assert recording.duration_s == pytest.approx(duration_s, abs=0.1)
    assert np.mean(rr.value) == pytest.approx(mean_ms, abs=0.1)


@pytest.mark.parametrize(
    "path",
    ["rri_txt_polar_hrm/exercise_rri.hrm", "wearablehrv_individual/test_vu.txt", "heartpy_samples/data.csv"],
)
def test_other_formats_are_left_alone(recordings: Path, path: str) -> None:
    assert not RrText().recognises(open_source(recordings / path))


def test_the_samples_of_a_pulse_wave_are_no_intervals() -> None:
    phase = np.arange(1000) / 100 * 1.2 * 2 * np.pi
    wave = 500 + 150 * np.sin(phase) + 50 * np.sin(2 * phase)
    assert not RrText().recognises(source("".join(f"{value:.0f}\n" for value in wave)))


@pytest.mark.parametrize("breaths_per_min", [2, 6, 15])
def test_beats_in_deep_slow_breathing_are_no_wave(breaths_per_min: float) -> None:
    at_s = np.cumsum(np.full(600, 0.8))
    beats = 800 + 150 * np.sin(2 * np.pi * breaths_per_min / 60 * at_s)
    assert RrText().recognises(source("".join(f"{value:.0f}\n" for value in beats)))


def test_a_long_text_is_recognised_by_its_beginning_and_read_to_its_end() -> None:
    content = "800\n810\n" * 20_000
    assert len(read(content).streams["rr"]) == 40_000
    assert len(read(content.encode("utf-16")).streams["rr"]) == 40_000
    assert len(read(content.replace("\n", " ")).streams["rr"]) == 40_000


def test_what_is_too_much_for_beats_is_refused() -> None:
    with pytest.raises(InputError, match=r"rr\.txt: more than 20 MB are no RR intervals"):
        read("800\n" * 5_000_001)
