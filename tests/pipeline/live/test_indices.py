"""Live values: of one device each, timed as in the sealed session, never old, the same when replayed."""

from collections.abc import Iterator
from time import process_time

import numpy as np
import pytest

from pipeline.heart.artefacts import classify
from pipeline.heart.spectrum import PsdMethod
from pipeline.heart.windows import hrv_columns
from pipeline.live.indices import LiveIndices, Shown

Fed = tuple[float, np.ndarray]


def _strap(rr_ms: np.ndarray, phase_s: float = 0.0) -> Iterator[Fed]:
    """When a strap that sends once a second sends which intervals."""
    due_s = np.ceil(np.cumsum(rr_ms) / 1000 - phase_s) + phase_s
    return ((float(at_s), rr_ms[due_s == at_s]) for at_s in np.unique(due_s))


def _feed(live: LiveIndices, device: str, fed: Fed, stream: str = "rr") -> None:
    live.feed(device, stream, {f"{stream}_ms": fed[1]}, fed[0], None)


def _rr(mean_ms: float, beats: int = 200, seed: int = 1) -> np.ndarray:
    return mean_ms + 40 * np.sin(np.arange(beats)) + np.random.default_rng(seed).normal(0, 10, beats)


def _shown(rr_ms: np.ndarray) -> Shown:
    live = LiveIndices()
    for fed in _strap(rr_ms):
        _feed(live, "a", fed)
    return live.at(float(np.sum(rr_ms)) / 1000)


def test_values_are_those_of_the_beats() -> None:
    rr_ms = _rr(800)
    shown = _shown(rr_ms)
    last_ms = rr_ms[-75:]
    assert shown.heart_rate_bpm == pytest.approx(75, abs=1.5)
    assert shown.rmssd_ms == pytest.approx(np.sqrt(np.mean(np.diff(last_ms) ** 2)), rel=0.05)


@pytest.mark.parametrize("stream", ["rr", "pp"])
def test_a_second_device_is_not_mixed_in(stream: str) -> None:
    alone, both = LiveIndices(), LiveIndices()
    for mine, other in zip(_strap(_rr(800)), _strap(_rr(600, 300), phase_s=0.4), strict=False):
        _feed(alone, "a", mine, stream)
        _feed(both, "a", mine, stream)
        _feed(both, "b", other, stream)
        assert both.at(mine[0]) == alone.at(mine[0])
    assert alone.at(150.0).heart_rate_bpm == pytest.approx(75, abs=1.5)


def test_a_second_skin_sensor_is_not_mixed_in() -> None:
    live = LiveIndices()
    for second in range(20):
        live.feed("a", "eda", {"eda_us": np.full(4, 3.0)}, float(second), 4.0)
        live.feed("b", "eda", {"eda_us": np.full(4, 9.0)}, float(second), 4.0)
    shown = live.at(20.0)
    assert shown.eda_us == 3.0
    assert shown.scl_us == pytest.approx(3.0)


def test_a_strap_goes_before_pulses() -> None:
    live = LiveIndices()
    for pulse, beat in zip(_strap(_rr(600, 300)), _strap(_rr(800)), strict=False):
        _feed(live, "watch", pulse, "pp")
        _feed(live, "strap", beat)
    assert live.at(150.0).heart_rate_bpm == pytest.approx(75, abs=1.5)


def test_no_difference_is_taken_across_a_lost_notification() -> None:
    live, jump_ms = LiveIndices(), np.where(np.arange(300) < 130, 800.0, 1000.0)
    for at_s, rr_ms in _strap(jump_ms):
        if not 102 < at_s < 107:
            _feed(live, "a", (at_s, rr_ms))
        if at_s == 135:
            break
    assert live.at(135.0).rmssd_ms == 0.0


def test_a_stall_and_a_burst_change_nothing() -> None:
    punctual, stalled, rr_ms = LiveIndices(), LiveIndices(), _rr(800)
    for at_s, each_ms in _strap(rr_ms):
        _feed(punctual, "a", (at_s, each_ms))
        _feed(stalled, "a", (125.0 if 120 < at_s < 125 else at_s, each_ms))
    assert stalled.at(160.0) == punctual.at(160.0)


def test_an_old_number_is_never_shown() -> None:
    live = LiveIndices()
    assert live.at(0.0).reasons["rmssd_ms"] == "waiting for the first heartbeat"
    for fed in _strap(_rr(800)):
        _feed(live, "a", fed)
    late = live.at(fed[0] + 6)
    assert late.heart_rate_bpm is late.rmssd_ms is None
    assert late.reasons["heart_rate_bpm"] == "no heartbeat is arriving"


@pytest.mark.parametrize("bad", [0.0, -5.0, float("nan"), 64_000.0], ids=["zero", "negative", "nan", "long"])
def test_an_impossible_interval_costs_a_moment(bad: float) -> None:
    rr_ms = _rr(800)
    live = LiveIndices()
    for index, (at_s, each_ms) in enumerate(_strap(rr_ms)):
        _feed(live, "a", (at_s, np.append(each_ms, bad) if index == 100 else each_ms))
    assert live.at(160.0).heart_rate_bpm == pytest.approx(_shown(rr_ms).heart_rate_bpm, abs=0.5)


def test_a_replay_shows_the_same() -> None:
    assert _shown(_rr(700)) == _shown(_rr(700))


def test_a_moment_costs_little() -> None:
    live = LiveIndices()
    for fed in _strap(_rr(400, 400)):
        _feed(live, "a", fed)
    began = process_time()
    for _ in range(20):
        live.at(fed[0])
    assert process_time() - began < 20 * 0.02


def test_every_column_is_there_and_is_that_of_a_report() -> None:
    """The same code on the same beats: five minutes live are a window of five minutes in a report."""
    live, rr_ms = LiveIndices(), _rr(800, 500)
    for fed in _strap(rr_ms):
        _feed(live, "a", fed)
    beats = classify(np.cumsum(rr_ms) / 1000, rr_ms)
    edges = beats.time_s[-1:] - 300.0, beats.time_s[-1:]
    batch = hrv_columns(beats, *edges, PsdMethod.WELCH, duration_s=float(beats.time_s[-1]))
    columns = live.heart_columns()
    assert columns.keys() == batch.keys()
    for name in ("beats", "sdnn_ms", "rmssd_ms", "lf_ms2", "hf_ms2", "sampen", "dfa_alpha1"):
        assert columns[name] == pytest.approx(float(batch[name][0]), rel=0.01), name


def test_no_column_without_a_beat() -> None:
    assert LiveIndices().heart_columns() == {}


def test_a_level_once_a_minute_is_the_skin_s_level() -> None:
    live = LiveIndices()
    live.feed("edamove", "scl", {"scl_us": np.array([3.2])}, 60.0, 1 / 60)
    shown = live.at(119.0)
    assert (shown.eda_us, shown.scl_us) == (None, 3.2)
    assert shown.reasons["eda_us"] == "the sensor sends a level only"
    live.feed("edamove", "scl", {"scl_us": np.array([np.nan])}, 120.0, 1 / 60)
    assert live.at(121.0).scl_us == 3.2
    assert live.at(60.0 + 151).scl_us is None


def test_pulses_of_several_seconds_at_once_do_not_flicker() -> None:
    live = LiveIndices()
    for arrival_s in range(5, 66, 5):
        live.feed("arm", "pp", {"pp_ms": np.full(5, 1000.0)}, float(arrival_s), None)
    assert [live.at(now_s).heart_rate_bpm for now_s in (65.0, 68.0, 71.0, 74.9)] == [60.0] * 4
    assert live.at(75.1).heart_rate_bpm is None
