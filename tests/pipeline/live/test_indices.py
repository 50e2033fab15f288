"""Live values: of one device each, timed as in the sealed session, never old, the same when replayed."""

import json
from collections.abc import Iterator
from time import process_time

import numpy as np
import pytest

from pipeline.heart.artefacts import classify
from pipeline.heart.spectrum import PsdMethod
from pipeline.heart.windows import hrv_columns
from pipeline.journal import Kind, Record
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


def _responding(live: LiveIndices, start_s: int, end_s: int, per_min: float = 6.0) -> None:
    """Skin conductance with a response every so often."""
    for second in range(start_s, end_s):
        at_s = second + np.arange(1, 9) / 8
        since_s = at_s % (60 / per_min)
        eda_us = 4 + 0.5 * (np.exp(-since_s / 3) - np.exp(-since_s / 0.8))
        live.feed("a", "eda", {"eda_us": eda_us}, second + 1.0, 8.0)


class TestResponses:
    def test_their_rate_needs_two_valid_minutes(self) -> None:
        live = LiveIndices()
        _responding(live, 0, 100)
        young = live.at(100.0)
        assert young.scr_per_min is None
        assert young.reasons["scr_per_min"] == "needs 120 s of valid skin conductance, there are 94 s"
        _responding(live, 100, 200)
        assert live.at(200.0).scr_per_min == pytest.approx(6, abs=0.5)

    def test_without_samples_there_is_none(self) -> None:
        live = LiveIndices()
        assert live.at(1.0).reasons["scr_per_min"] == "waiting for the skin sensor"
        _responding(live, 0, 200)
        late = live.at(206.0)
        assert (late.scr_per_min, late.reasons["scr_per_min"]) == (None, "no skin signal is arriving")

    def test_a_level_alone_has_none(self) -> None:
        live = LiveIndices()
        live.feed("edamove", "scl", {"scl_us": np.array([3.2])}, 60.0, 1 / 60)
        assert live.at(70.0).reasons["scr_per_min"] == "the sensor sends a level only"


def _event(what: Kind, at_s: float, **facts: object) -> Record:
    return Record(what, "", int(at_s), 0, at_s, at_s, None, json.dumps(facts).encode())


def _all(live: LiveIndices, start_s: int, end_s: int) -> None:
    _responding(live, start_s, end_s)
    rng = np.random.default_rng(start_s)
    for second in range(start_s, end_s):
        live.feed("a", "rr", {"rr_ms": np.array([1000 + rng.normal(0, 20)])}, second + 1.0, None)


class TestMarked:
    @pytest.mark.parametrize("kind", ["talking", "moving", "touching"])
    def test_what_is_marked_drops_out_while_and_after_it_lasts(self, kind: str) -> None:
        live = LiveIndices()
        _all(live, 0, 200)
        live.take(_event(Kind.MARKER, 200.0, kind=kind, span="start"), ())
        _all(live, 200, 230)
        during = live.at(230.0)
        live.take(_event(Kind.MARKER, 230.0, kind=kind, span="end"), ())
        _all(live, 230, 240)
        after = live.at(240.0)
        _all(live, 240, 300)
        for shown, seconds in ((during, 25), (after, 30)):
            assert shown.heart_rate_bpm == pytest.approx(60, abs=1)
            assert shown.rmssd_ms is None
            assert shown.reasons["rmssd_ms"].endswith(f"; marked: {kind} {seconds} s")
        out = kind != "talking"
        assert (during.scl_us is None) == (during.scr_per_min is None) == out
        assert (during.reasons.get("scl_us") == f"marked: {kind}") == out
        assert after.scl_us == pytest.approx(4.1, abs=0.1)
        assert live.at(300.0).rmssd_ms == pytest.approx(28, abs=6)

    def test_a_pause_too(self) -> None:
        live = LiveIndices()
        _all(live, 0, 200)
        live.take(_event(Kind.PAUSE, 200.0, paused=True), ())
        _all(live, 200, 230)
        shown = live.at(230.0)
        assert (shown.rmssd_ms, shown.reasons["scl_us"]) == (None, "marked: pause")
        live.take(_event(Kind.PAUSE, 230.0, paused=False), ())
        _all(live, 230, 300)
        assert live.at(300.0).reasons == {}

    def test_a_moment_takes_nothing_out(self) -> None:
        live, plain = LiveIndices(), LiveIndices()
        for each in (live, plain):
            _all(each, 0, 200)
        live.take(_event(Kind.MARKER, 200.0, kind="mark", text="a thought"), ())
        for each in (live, plain):
            _all(each, 200, 230)
        assert live.at(230.0) == plain.at(230.0)


def test_where_beats_come_from_and_whether() -> None:
    live = LiveIndices()
    assert (live.beat_stream, live.beat_log, live.beats_arrive(0.0)) == (None, None, False)
    live.feed("watch", "pp", {"pp_ms": np.full(5, 900.0)}, 5.0, None)
    assert (live.beat_stream, live.beats_arrive(14.0), live.beats_arrive(16.0)) == ("pp", True, False)
    live.feed("strap", "rr", {"rr_ms": np.full(2, 900.0)}, 6.0, None)
    assert live.beat_log is live.beat_logs["rr"]
    assert len(live.beat_log) == 2
    assert not live.skin_arrives(6.0)
