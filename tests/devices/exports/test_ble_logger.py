"""The Bluetooth logger's CSV: beats in bursts, and losses that its running sum hides."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from devices.exports.ble_logger import BleLogger
from devices.exports.reader import Source, open_source
from devices.exports.vu_ams import VuAms
from pipeline.errors import InputError
from pipeline.model import Floats, Recording, Stream
from tests.devices.exports.survival import assert_survives

START_MS = 1_688_126_380_000


def table(rr_ms: Floats, lost: slice = slice(0, 0)) -> bytes:
    """Beats from 5 s after the start, each sent at the next full second, two of one second 12 ms apart."""
    end_ms = 5000 + np.cumsum(rr_ms)
    arrival_ms = np.ceil(end_ms / 1000) * 1000
    arrival_ms += 12 * (np.diff(arrival_ms, prepend=-1) == 0)
    kept = np.ones(len(rr_ms), dtype=bool)
    kept[lost] = False
    since_ms = 5000 + np.cumsum(rr_ms[kept])
    rows = zip(START_MS + arrival_ms[kept], rr_ms[kept], since_ms, strict=True)
    return b"timestamp, rr, since_start \n\n" + b"".join(b"%d,%d,%d\n" % row for row in rows)


STEADY = table(np.resize([820.0, 790.0, 760.0, 800.0], 400))


def read(content: bytes, unit: str | None = None) -> Recording:
    source = Source(Path("kyto.csv"), {"kyto.csv": content})
    assert BleLogger().recognises(source)
    return BleLogger().read(source, unit)


def test_beats_of_an_unbroken_link() -> None:
    recording = read(STEADY)
    rr = recording.streams["rr"]
    assert (len(rr), rr.value[:3].tolist()) == (400, [820.0, 790.0, 760.0])
    np.testing.assert_allclose(np.diff(rr.time_s) * 1000, rr.value[1:], rtol=0.003)
    assert recording.started_at == datetime.fromtimestamp(START_MS / 1000, UTC).replace(microsecond=180_000)
    assert [gap.reason for gap in rr.gaps] == ["nothing came yet"]


def test_a_loss_that_the_running_sum_hides_is_a_gap() -> None:
    recording = read(table(np.resize([820.0, 790.0, 760.0, 800.0], 400), lost=slice(200, 225)))
    rr = recording.streams["rr"]
    (gap,) = rr.gaps[1:]
    assert gap.end_s - gap.start_s == pytest.approx(25 * 0.7925, abs=1.1)
    assert int(np.argmax(np.diff(rr.time_s))) == 199
    assert any(notice.startswith("beats are missing 2 times") for notice in recording.notices)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (b"123,800,800\n", "kyto.csv line 2: 123 is no time in ms since 1970"),
        (b"%d,70000,800\n" % START_MS, "kyto.csv line 2: 70000 ms is no interval between beats"),
        (b"%d,x,800\n" % START_MS, "kyto.csv line 2: 'x' is not a number"),
        (b"%d,800,800\n" % (START_MS + 900_000), "kyto.csv line 4: the time goes back; split the file there"),
    ],
    ids=["stamp", "interval", "word", "backwards"],
)
def test_damage_is_told_with_its_line(row: bytes, message: str) -> None:
    with pytest.raises(InputError) as caught:
        read(STEADY.replace(b"\n", b"\n" + row, 1))
    assert str(caught.value) == message


@pytest.mark.parametrize("content", [b"timestamp,rr\n1,800\n", b"timestamp;rr;since_start\n", b"", b"\xff"])
def test_what_is_no_ble_logger(content: bytes) -> None:
    assert not BleLogger().recognises(Source(Path("a"), {"a": content}))


def test_damaged_files() -> None:
    assert_survives(BleLogger(), {"kyto.csv": STEADY})


def test_a_needless_unit_is_told_of() -> None:
    assert read(STEADY, unit="s").notices[-1] == "--unit s is not needed: the logger writes RR in ms"


@pytest.mark.parametrize(
    ("name", "beats", "first_ms", "started", "spent_s", "summed_s"),
    [
        ("test_kyto.csv", 2860, 672.0, "2023-06-30T11:59:40", 3224.0, 2827.1),
        ("test_rhythm.csv", 2604, 919.0, "2023-06-30T11:58:01", 3307.8, 2556.6),
        ("test_heartmath.csv", 3042, 945.0, "2023-06-30T12:04:12", 2957.0, 2791.1),
    ],
    ids=["Kyto", "Rhythm24", "HeartMath"],
)
def test_real_recordings(
    recordings: Path, name: str, beats: int, first_ms: float, started: str, spent_s: float, summed_s: float
) -> None:
    source = open_source(recordings / "wearablehrv_individual" / name)
    assert BleLogger().recognises(source)
    recording = BleLogger().read(source, None)
    rr = recording.streams["rr"]
    assert (len(rr), rr.value[0]) == (beats, first_ms)
    assert recording.started_at is not None
    assert recording.started_at.isoformat(timespec="seconds") == f"{started}+00:00"
    assert recording.duration_s == pytest.approx(spent_s, abs=0.1)
    assert np.sum(rr.value) / 1000 == pytest.approx(summed_s, abs=0.1)
    missing_s = sum(gap.end_s - gap.start_s for gap in rr.gaps)
    assert missing_s == pytest.approx(spent_s - summed_s, abs=3)


def test_real_beats_meet_those_of_an_ecg_worn_beside(recordings: Path) -> None:
    """VU-AMS wrote local time, two hours ahead; the apps deliver a beat some 1.5 s late."""
    folder = recordings / "wearablehrv_individual"
    beside = VuAms().read(open_source(folder / "test_vu.txt"), None).streams["rr"]
    strap = BleLogger().read(open_source(folder / "test_rhythm.csv"), None)
    assert strap.started_at is not None
    began_s = strap.started_at.timestamp() - datetime(2023, 6, 30, 12, 8, 59, 580_000, UTC).timestamp()
    share = max(_agreement(strap.streams["rr"], beside, began_s - late_s) for late_s in np.arange(0, 3, 0.02))
    assert share > 0.8  # a tenth, by the running sum


def _agreement(rr: Stream, beside: Stream, shift_s: float) -> float:
    """The part of the intervals that are within 30 ms of the one beside that ends nearest."""
    ends_s = rr.time_s + shift_s
    after = np.clip(np.searchsorted(beside.time_s, ends_s), 1, len(beside) - 1)
    sooner = ends_s - beside.time_s[after - 1] < beside.time_s[after] - ends_s
    both = (ends_s > 0) & (ends_s < beside.time_s[-1])
    off_ms = np.abs(beside.value[after - sooner] - rr.value)[both]
    return float(np.mean(off_ms < 30))
