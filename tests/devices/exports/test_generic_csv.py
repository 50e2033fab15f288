"""Tables of signals: headers that say it all, columns that a person names, and what is not believed."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from devices.exports.column_map import read_columns
from devices.exports.formats import read_recording
from devices.exports.generic_csv import GenericCsv, how_to_map
from devices.exports.reader import Source
from pipeline.errors import InputError, UsageError
from pipeline.model import Gap, Recording
from tests.devices.exports.damaged import bear_damage


def source(content: str | bytes) -> Source:
    return Source(Path("x.csv"), {"x.csv": content.encode() if isinstance(content, str) else content})


def read(content: str | bytes, columns: str | None = None) -> Recording:
    given = source(content)
    if columns is not None:
        return GenericCsv(read_columns(columns)).read(given, None)
    assert GenericCsv().recognises(given)
    return GenericCsv().read(given, None)


def rows(header: str, count: int, *cells: str) -> str:
    """A table whose cells are formats of the row's number."""
    lines = (",".join(cell.format(n=number, s=number / 100) for cell in cells) for number in range(count))
    return "\n".join([header, *lines]) + "\n"


WHOLE = rows("time_s,ecg_uv,eda_us,note", 500, "{s}", "{n}", "2.5", "x")


def test_a_header_of_our_own_names() -> None:
    recording = read(WHOLE)
    ecg, eda = recording.streams["ecg"], recording.streams["eda"]
    assert (ecg.rate_hz, len(ecg), ecg.time_s[1], ecg.columns["ecg_uv"][-1]) == (100, 500, 0.01, 499)
    assert set(eda.columns["eda_us"]) == {2.5}
    assert (recording.source, recording.duration_s, recording.started_at) == ("table", 5.0, None)
    assert recording.units == {"ecg": "uV (from the header)", "eda": "uS (from the header)"}
    assert recording.notices == ("not read: note",)


@pytest.mark.parametrize(
    ("columns", "stream", "column", "first"),
    [
        ("rate=100,ecg=v[mV]", "ecg", "ecg_uv", 2000.0),
        ("rate=100,ecg=2[uV]", "ecg", "ecg_uv", 2.0),
        ("rate=100,eda=v[uS]", "eda", "eda_us", 2.0),
        ("rate=100,eda=r[kOhm]", "eda", "eda_us", 5.0),
        ("rate=100,skin_temperature=t", "skin_temperature", "skin_temperature_c", 32.0),
        ("rate=100,respiration=v", "respiration", "respiration_au", 2.0),
        ("time=ms[ms],ppg=v", "ppg", "ppg_au", 2.0),
        ("time=ms,ppg=v", "ppg", "ppg_au", 2.0),
        ("rate=100,acc_x=v[g],acc_y=v[g],acc_z=v[g]", "acc", "acc_y_mg", 2000.0),
    ],
)
def test_columns_that_a_person_names(columns: str, stream: str, column: str, first: float) -> None:
    content = rows("ms,v,r,t", 300, "{n}0", "2", "200", "32")
    found = read(content, columns).streams[stream]
    assert (found.rate_hz, found.columns[column][0], len(found)) == (100.0, first, 300)


def test_beats_end_at_their_times() -> None:
    recording = read("time_s,rr_ms\n10.8,800\n11.7,900\n12.6,\n13.5,900\n")
    rr = recording.streams["rr"]
    np.testing.assert_allclose(rr.time_s, [10.8, 11.7, 13.5])
    assert rr.columns["rr_ms"].tolist() == [800, 900, 900]
    assert (rr.rate_hz, recording.duration_s) == (None, pytest.approx(13.5))


def test_beats_without_times_follow_each_other() -> None:
    rr = read("beat,RR\n1,0.8\n2,0.9\n", "rr=RR[s]").streams["rr"]
    np.testing.assert_allclose(rr.time_s, [0.8, 1.7])


def test_beats_beside_a_signal_share_its_clock() -> None:
    content = "time_s,ecg_uv,rr_ms\n" + "".join(
        f"{100 + n / 100},{n},{'800' if n % 80 == 79 else ''}\n" for n in range(400)
    )
    recording = read(content)
    ecg, rr = recording.streams["ecg"], recording.streams["rr"]
    assert (ecg.time_s[0], rr.time_s[0]) == (pytest.approx(0.01), pytest.approx(0.8))
    np.testing.assert_allclose(np.diff(rr.time_s), 0.8)


@pytest.mark.parametrize(
    ("first", "second", "columns", "started"),
    [
        ("1644227574", "1644227575", "time=t[s],ppg=v", datetime(2022, 2, 7, 9, 52, 54, tzinfo=UTC)),
        (
            "2022-02-07T09:52:54Z",
            "2022-02-07T09:52:55Z",
            "time=t,ppg=v",
            datetime(2022, 2, 7, 9, 52, 54, tzinfo=UTC),
        ),
        (
            "2022-02-07T10:52:54+01:00",
            "2022-02-07T10:52:55+01:00",
            "time=t,ppg=v",
            datetime(2022, 2, 7, 9, 52, 54, tzinfo=UTC),
        ),
        (
            "2022-02-07 09:52:54",
            "2022-02-07 09:52:55",
            "time=t,ppg=v",
            datetime(2022, 2, 7, 9, 52, 54).astimezone(),
        ),
        ("60", "61", "time=t[s],ppg=v", None),
    ],
    ids=["unix", "UTC", "zone", "local", "seconds of its own"],
)
def test_when_it_began(first: str, second: str, columns: str, started: datetime | None) -> None:
    recording = read(f"t,v\n{first},1\n{second},2\n", columns)
    assert recording.started_at == started
    assert recording.streams["ppg"].time_s.tolist() == [0.0, 1.0]


@pytest.mark.parametrize(
    ("header", "rows", "time_s", "duration_s"),
    [
        ("time_s,eda_us", "1.5,2\n2.5,2\n", [1.5, 2.5], 3.5),
        ("time_s,rr_ms", "1.2,800\n2.1,900\n", [1.2, 2.1], 2.1),
        ("time_s,rr_ms", "0,800\n0.9,900\n", [0.8, 1.7], 1.7),
        ("time_s,eda_us", "-5,2\n-4,2\n", [0.0, 1.0], 2.0),
        ("time_s,eda_us", "59.9,2\n60.9,2\n", [59.9, 60.9], 61.9),
    ],
    ids=["from the start of a session", "beats", "an interval before 0", "before 0", "nearly a minute"],
)
def test_a_clock_near_zero_is_kept(header: str, rows: str, time_s: list[float], duration_s: float) -> None:
    recording = read(f"{header}\n{rows}")
    (stream,) = recording.streams.values()
    assert stream.time_s.tolist() == pytest.approx(time_s)
    assert (recording.duration_s, recording.started_at) == (pytest.approx(duration_s), None)


@pytest.mark.parametrize(
    ("first_s", "said"),
    [
        ("0", ()),
        ("59", ()),
        ("145.25", ("the table's times begin at 145.25 s; that is 0 s here, also for phases",)),
        ("-5", ("the table's times begin at -5 s; that is 0 s here, also for phases",)),
        ("1644227574", ()),
    ],
    ids=["0", "near 0", "from elsewhere", "before 0", "unix"],
)
def test_another_zero_is_told(first_s: str, said: tuple[str, ...]) -> None:
    assert read(f"time_s,eda_us\n{first_s},2\n{float(first_s) + 1},2\n").notices == said


def test_a_gap_is_told() -> None:
    content = "time_s,eda_us\n" + "".join(f"{n / 4},2\n" for n in range(100) if not 40 <= n < 60)
    eda = read(content).streams["eda"]
    assert (eda.rate_hz, eda.gaps) == (4.0, (Gap(10.0, 15.0, "samples missing", 20),))


def test_a_slower_sensor_has_its_own_rate() -> None:
    content = "time_s,ecg_uv,eda_us\n" + "".join(
        f"{n / 100},{n},{2 if n % 25 == 0 else ''}\n" for n in range(1000)
    )
    streams = read(content).streams
    assert (streams["ecg"].rate_hz, streams["eda"].rate_hz, len(streams["eda"])) == (100, 4, 40)


@pytest.mark.parametrize(
    ("content", "columns", "message"),
    [
        (rows("t,v", 99, "{s}", "9999999"), "time=t[s],eda=v[uS]", "most values of eda lie outside"),
        (rows("t,v", 99, "{s}", "{n}"), "time=t[s],ecg=v[V]", "most values of ecg lie outside"),
        (rows("t,v", 99, "{n}", "1"), "time=t[min],ppg=v", "the times make no signal"),
        (rows("t,v", 99, "5", "1"), "time=t[s],ppg=v", "the times make no signal"),
        ("t,v\n0,1\n1,1\n0.5,1\n", "time=t[s],ppg=v", "the time goes back after row 2 of the table"),
        ("t,v\n0,1\n,1\n2,1\n", "time=t[s],ppg=v", "row 2 of the table has no time"),
        ("t,v\n0,1\n9000000,1\n", "time=t[s],ppg=v", "its times span 104 days; is their unit right?"),
        ("t,v\n0,1\n1,x\n", "time=t[s],ppg=v", "line 3: 'x' is not a number"),
        ("t,v\n0,1\n1,1e12\n", "time=t[s],ppg=v", "ppg holds numbers that no sensor gives"),
        ("prose\n", "rate=9,ppg=1", "is not one table of numbers"),
    ],
    ids=[
        "conductance", "voltage", "minutes", "one moment", "back", "no time", "too long", "word", "absurd",
        "prose",
    ],
)  # fmt: skip
def test_what_is_not_believed(content: str, columns: str, message: str) -> None:
    with pytest.raises(InputError, match=r"x\.csv") as caught:
        read(content, columns)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ("rate=9,ppg=w", "--columns: x.csv has no column 'w'; it has t, v"),
        ("rate=9,ppg=3", "--columns: x.csv has no column '3'; it has t, v"),
        ("rate=9,ecg=v", "--columns: name the unit of ecg: ecg=v[uV] (one of uV, mV, V)"),
        ("time=t,ppg=v", "--columns: name the unit of time: time=t[s] (one of s, ms, us, ns, min, date)"),
    ],
    ids=["no such name", "no such number", "no unit", "no unit of time"],
)
def test_what_is_wrong_usage(columns: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        read("t,v\n0,1\n1,2\n", columns)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("content", "has"),
    [
        ("a,b\n1,2\n", "its columns are 'a', 'b'"),
        ("1,2\n3,4\n", "it has no header, so a NAME is a number from 1 to 2"),
        ("1\n2\n", "it has one column and no header, so its NAME is 1"),
        (",".join("abcdefghijklmnop") + "\n" + ",".join("1" * 16) + "\n", "'l' and 4 more"),
    ],
    ids=["header", "none", "one column", "many"],
)
def test_how_to_map_names_what_there_is(content: str, has: str) -> None:
    assert (how_to_map(source(content)) or "").endswith(has)
    assert not GenericCsv().recognises(source(content))


def test_what_is_no_table_has_no_advice() -> None:
    assert how_to_map(source("prose\n")) is None
    assert how_to_map(Source(Path("x"), {"a": b"1,2\n", "b": b"1,2\n"})) is None


def test_damage_is_borne() -> None:
    bear_damage(GenericCsv, Path("x.csv"), {"x.csv": WHOLE.encode()}, "x.csv")
    mapped = read_columns("time=time_s[s],ecg=ecg_uv[uV],eda=eda_us[uS]")
    bear_damage(lambda: GenericCsv(mapped), Path("x.csv"), {"x.csv": WHOLE.encode()}, "x.csv")


@pytest.mark.parametrize(
    ("path", "columns", "samples", "rate_hz", "first", "last"),
    [
        ("heartpy_samples/data.csv", "rate=100,ppg=1", 2483, 100.0, 530, 494),
        ("heartpy_samples/data2.csv", "time=timer[ms],ppg=hr", 15_000, 116.988, 515, 496),
        ("heartpy_samples/data3.csv", "time=datetime,ppg=hr", 68_476, 100.418, 326, 496),
        ("neurokit_bio/bio_resting_8min_100hz.csv", "rate=100,ppg=PhotoSensor", 50_682, 100.0, 5, 5),
    ],
)
def test_real_tables(
    recordings: Path, path: str, columns: str, samples: int, rate_hz: float, first: float, last: float
) -> None:
    _, recording = read_recording(recordings / path, columns=read_columns(columns))
    ppg = recording.streams["ppg"]
    assert (len(ppg), ppg.rate_hz, ppg.value[0], ppg.value[-1]) == (samples, rate_hz, first, last)
    with pytest.raises(InputError, match="name its columns and their units with --columns"):
        read_recording(recordings / path)
