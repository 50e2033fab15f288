"""Device time to session time: on simulated samples whose true time is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from pipeline.device_clock import Aligned, device_times

ECG_S = 1 / 130
LATENCY_S = 0.015  # the least; no fit can know it
OFFSET_S = 8.2e8  # seconds since 2000, as some devices count


@dataclass(frozen=True)
class Sent:
    """What a device sent, and when each sample was truly taken."""

    true_s: np.ndarray
    device_s: np.ndarray
    arrival_s: np.ndarray
    connection: np.ndarray
    period_s: float | None = ECG_S
    wrap_s: float | None = None

    def __getitem__(self, rows: np.ndarray | slice) -> Sent:
        arrays = ("true_s", "device_s", "arrival_s", "connection")
        return replace(self, **{name: getattr(self, name)[rows] for name in arrays})

    def with_device(self, device_s: np.ndarray) -> Sent:
        return replace(self, device_s=device_s)

    def stepped(self, row: int, by_s: float) -> Sent:
        return self.with_device(self.device_s + np.where(np.arange(len(self.device_s)) >= row, by_s, 0.0))

    @property
    def aligned(self) -> Aligned:
        return device_times(self.device_s, self.arrival_s, self.connection, self.period_s, self.wrap_s)


def _sent(
    seconds: float = 300.0,
    period_s: float = ECG_S,
    batch: int = 73,
    ppm: float = 40.0,
    stalls: Sequence[tuple[float, float]] = (),
    seed: int = 1,
) -> Sent:
    """Even samples in notifications of `batch`; a stall is a start and a length, and ends in a burst."""
    count = round(seconds / period_s)
    true_s = 5 + np.arange(count) * period_s
    last = np.minimum((np.arange(count) // batch + 1) * batch, count) - 1
    return _notified(true_s, last, ppm, stalls, seed, period_s)


def _notified(
    true_s: np.ndarray,
    last: np.ndarray,
    ppm: float,
    stalls: Sequence[tuple[float, float]],
    seed: int,
    period_s: float | None,
) -> Sent:
    """Samples, each sent as soon as the sample `last` was taken."""
    rows, packet = np.unique(last, return_inverse=True)
    arrival_s = true_s[rows] + LATENCY_S + np.random.default_rng(seed).exponential(0.02, len(rows))
    for start_s, length_s in stalls:
        held = (arrival_s > start_s) & (arrival_s < start_s + length_s)
        arrival_s[held] = start_s + length_s + 0.002 * np.arange(held.sum())
    arrival_s = (np.maximum.accumulate(arrival_s) + 1e-9 * np.arange(len(rows)))[packet]  # no two at once
    device_s = true_s * (1 + ppm * 1e-6) + OFFSET_S
    return Sent(true_s, device_s, arrival_s, np.zeros(len(true_s)), period_s)


def _joined(*parts: Sent) -> Sent:
    arrays = ("true_s", "device_s", "arrival_s", "connection")
    joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in arrays}
    return replace(parts[0], **joined)


def _resent(sent: Sent, at_s: float, pause_s: float, notifications: int, buffered: bool) -> tuple[Sent, int]:
    """The link is lost; the last notifications come once more, then what was buffered: it, and the first."""
    resumes_s = at_s + pause_s
    before, lost = sent.arrival_s <= at_s, (sent.arrival_s > at_s) & (sent.arrival_s <= resumes_s)
    again = np.isin(sent.arrival_s, np.unique(sent.arrival_s[before])[-notifications:])
    old, held, after = sent[again], sent[lost], sent[sent.arrival_s > resumes_s]
    burst = [old, held] if buffered else [old]
    begin_s, rest = resumes_s, []
    for part in burst:
        arrival_s, packet = np.unique(part.arrival_s, return_inverse=True)
        rest.append(replace(part, arrival_s=begin_s + 0.003 * packet))
        begin_s += 0.003 * len(arrival_s)
    rest.append(replace(after, arrival_s=np.maximum(after.arrival_s, begin_s)))
    resumed = _joined(*rest)
    resumed = replace(resumed, connection=np.ones(len(resumed.true_s)))
    return _joined(sent[before], resumed), int(before.sum())


def _error_s(sent: Sent, aligned: Aligned) -> np.ndarray:
    return aligned.time_s - sent.true_s[aligned.kept] - LATENCY_S


def _assert_timed(sent: Sent, starts: Sequence[int] = (0,), dropped: Sequence[int] = ()) -> Aligned:
    """Every sample but the `dropped` is kept, is where it truly was, and runs begin at `starts`."""
    aligned = sent.aligned
    assert np.flatnonzero(~aligned.kept).tolist() == list(dropped)
    assert np.flatnonzero(aligned.run_start).tolist() == list(starts)
    error_s = np.abs(_error_s(sent, aligned))
    assert np.all(np.diff(aligned.time_s) > 0)
    assert np.median(error_s) < 0.01
    assert error_s.max() < 0.03
    return aligned


class TestOneClock:
    @pytest.mark.parametrize("seconds", [1.6, 3, 10, 30, 120, 1200, 10800], ids="{}s".format)
    @pytest.mark.parametrize("ppm", [-2000, -28, 0, 28, 2000], ids="{}ppm".format)
    def test_drift_is_found_in_any_length(self, ppm: float, seconds: float) -> None:
        _assert_timed(_sent(seconds, ppm=ppm))

    @pytest.mark.parametrize("ppm", [-2000, 2000], ids="{}ppm".format)
    @pytest.mark.parametrize(("period_s", "batch"), [(ECG_S, 1), (0.25, 8), (0.001, 15), (0.02, 36)], ids=str)
    def test_at_any_rate_and_batch(self, period_s: float, batch: int, ppm: float) -> None:
        _assert_timed(_sent(200, period_s, batch, ppm, stalls=[(50, 4)]))

    def test_a_long_session_is_timed_to_the_millisecond(self) -> None:
        sent = _sent(10800, ppm=-28, stalls=[(500 * k, k % 7) for k in range(1, 20)])
        assert np.abs(_error_s(sent, sent.aligned)).max() < 0.001

    @pytest.mark.parametrize("seed", range(4))
    @pytest.mark.parametrize("batch", [1, 5, 73], ids="batch-{}".format)
    def test_stalls_and_bursts_lose_nothing(self, batch: int, seed: int) -> None:
        _assert_timed(_sent(180, batch=batch, seed=seed, stalls=[(5, 3), (60, 5), (90, 2), (178, 9)]))

    def test_a_session_half_of_which_is_stalled(self) -> None:
        _assert_timed(_sent(40, stalls=[(25 - 2, 12), (38, 8)]))

    def test_a_break_without_a_loss_begins_no_run(self) -> None:
        sent = _sent(60)
        broken = replace(sent, connection=np.where(np.arange(len(sent.true_s)) < 40 * 73, 1.0, 2.0))
        _assert_timed(broken)

    @pytest.mark.parametrize("period_s", [ECG_S, 0.01, 0.001], ids="{:.4f}s".format)
    def test_jittered_stamps(self, period_s: float) -> None:
        sent = _sent(120, period_s, 15)
        jitter_s = np.random.default_rng(2).uniform(-0.002, 0.002, len(sent.true_s))
        _assert_timed(sent.with_device(sent.device_s + jitter_s))

    def test_stamps_in_whole_milliseconds(self) -> None:
        sent = _sent(120)
        _assert_timed(sent.with_device(np.round(sent.device_s, 3)))

    @pytest.mark.parametrize("ppm", [-1500, 1500], ids="{}ppm".format)
    @pytest.mark.parametrize("period_s", [0.001, 0.0005], ids="{:.4f}s".format)
    def test_stamps_so_coarse_that_neighbours_share_them(self, period_s: float, ppm: float) -> None:
        sent = _sent(60, period_s, 15, ppm)
        sent = sent.with_device(np.round(sent.device_s, 3))
        assert sent.aligned.kept.all()
        assert np.abs(_error_s(sent, sent.aligned)).max() < 0.01


class TestWraps:
    @pytest.mark.parametrize("batch", [1, 16], ids="batch-{}".format)
    def test_several_in_a_session_one_stalled(self, batch: int) -> None:
        _assert_timed(_wrapping(_sent(1700, 1 / 128, batch, stalls=[(505, 15), (1000, 12)])))

    @pytest.mark.parametrize("batch", [1, 16, 130], ids="batch-{}".format)
    def test_within_a_notification(self, batch: int) -> None:
        sent = _wrapping(_sent(600, 1 / 128, batch))
        wrapped = np.flatnonzero(np.diff(sent.device_s) < 0) + 1
        assert batch == 1 or np.any(wrapped % batch)
        _assert_timed(sent)

    @pytest.mark.parametrize("pause_s", [3, 100, 300, 512, 1400, 3000], ids="{}s".format)
    def test_a_reconnection_over_it(self, pause_s: float) -> None:
        sent = _wrapping(_sent(480 + pause_s + 60, 1 / 128, 16))
        kept = (sent.arrival_s < 485) | (sent.arrival_s > 485 + pause_s)
        broken = replace(sent, connection=(sent.true_s > 485).astype(float))[kept]
        _assert_timed(broken, [0, int(np.argmax(broken.connection))])

    def test_a_resend_over_it(self) -> None:
        sent = _wrapping(_sent(700, 1 / 128, 16))
        [wrap] = np.flatnonzero(np.diff(sent.device_s) < 0)[:1]
        sent, first = _resent(sent, sent.arrival_s[wrap] + 0.2, 300.0, notifications=4, buffered=True)
        _assert_timed(sent, dropped=range(first, first + 64))


def _wrapping(sent: Sent) -> Sent:
    ticks = np.floor((sent.device_s - OFFSET_S) * 32768) % 2**24
    return replace(sent.with_device(ticks / 32768), wrap_s=512.0)


class TestClockSet:
    @pytest.mark.parametrize("by_s", [-10_000.0, -30.0, -3.0, -0.5, 0.5, 1.0, 3600.0, 2e8], ids=str)
    @pytest.mark.parametrize("row", [73 * 100, 73 * 100 + 40, 73 * 300 - 1], ids="row-{}".format)
    @pytest.mark.parametrize("stalls", [[], [(75.8, 2.5)]], ids=["", "stalled"])
    def test_within_a_connection(self, row: int, by_s: float, stalls: list[tuple[float, float]]) -> None:
        _assert_timed(_sent(300, stalls=stalls).stepped(row, by_s))

    def test_back_and_forth(self) -> None:
        sent = _sent(600).stepped(20_000, -3.0).stepped(40_000, 3600.0).stepped(60_000, -3597.0)
        _assert_timed(sent)

    @pytest.mark.parametrize("batch", [1, 10], ids="batch-{}".format)
    def test_a_counter_reset_repeats_every_stamp(self, batch: int) -> None:
        sent = _sent(200, 0.01, batch)
        counter_s = np.arange(20_000) * 0.01
        _assert_timed(sent.with_device(np.where(counter_s < 100, counter_s, counter_s - 100)))

    def test_back_by_whole_periods(self) -> None:
        sent = _sent(200, 0.01, 10)
        counter_s = np.arange(20_000) * 0.01
        _assert_timed(sent.with_device(np.where(counter_s < 100, counter_s, counter_s - 3)))

    def test_at_each_connection(self) -> None:
        sent = _sent(400)
        connection = np.floor(sent.true_s / 50)
        running = (sent.true_s % 50) > 10
        began_s = sent.device_s[np.searchsorted(connection, connection)]
        restarted = replace(sent.with_device(sent.device_s - began_s), connection=connection)[running]
        starts = np.flatnonzero(np.diff(restarted.connection, prepend=-1.0))
        _assert_timed(restarted, starts.tolist())

    @pytest.mark.parametrize("ppm", [-2000, 2000], ids="{}ppm".format)
    def test_a_short_connection_borrows_the_slope(self, ppm: float) -> None:
        sent = _sent(400, 0.25, 8, ppm).stepped(1400, -300.0)[:1480]  # of ten notifications, in 20 s
        restarted = replace(sent, connection=(np.arange(1480) >= 1400).astype(float))
        _assert_timed(restarted, [0, 1400])


class TestReconnection:
    @pytest.mark.parametrize("pause_s", [0.5, 20.0, 600.0], ids="{}s".format)
    @pytest.mark.parametrize("ppm", [-2000, 28, 2000], ids="{}ppm".format)
    def test_two_notifications_of_a_clock_that_went_on(self, ppm: float, pause_s: float) -> None:
        sent = _sent(120 + pause_s + 20, ppm=ppm)
        first = int(np.searchsorted(sent.true_s, 125 + pause_s) // 73 * 73)
        kept = np.r_[0 : 73 * 200, first : first + 146]
        broken = replace(sent, connection=np.arange(len(sent.true_s)) >= first)[kept]
        late = replace(broken, connection=broken.connection.astype(float))
        late.arrival_s[73 * 200 :] += 0.1  # fitted alone, they would be late
        _assert_timed(late, [0, 73 * 200])

    def test_many_short_ones(self) -> None:
        sent = _sent(3000, ppm=2000)
        connection = np.floor(np.arange(len(sent.true_s)) / 73 / 100)
        kept = np.arange(len(sent.true_s)) // 73 % 100 < 3
        broken = replace(sent, connection=connection)[kept]
        _assert_timed(broken, np.flatnonzero(np.diff(broken.connection, prepend=-1.0)).tolist())


class TestLosses:
    @pytest.mark.parametrize("batch", [1, 8, 73], ids="batch-{}".format)
    @pytest.mark.parametrize("jitter_s", [0.0, 0.0005], ids=["exact", "jittered"])
    def test_missing_notifications_begin_a_run_there(self, batch: int, jitter_s: float) -> None:
        rng = np.random.default_rng(3)
        sent = _sent(300, batch=batch, stalls=[(100, 4)])
        sent = sent.with_device(sent.device_s + rng.uniform(-jitter_s, jitter_s, len(sent.true_s)))
        packet = np.arange(len(sent.true_s)) // batch
        kept = np.flatnonzero(~np.isin(packet, rng.integers(1, packet[-1], 30)))
        _assert_timed(sent[kept], [0, *(np.flatnonzero(np.diff(kept) > 1) + 1).tolist()])

    @pytest.mark.parametrize("missing", [1, 2, 1000], ids="{}-samples".format)
    def test_missing_samples_within_a_notification(self, missing: int) -> None:
        kept = np.r_[0:10_000, 10_000 + missing : 30_000]
        _assert_timed(_sent(250)[kept], [0, 10_000])

    def test_a_break_over_which_nothing_is_lost(self) -> None:
        sent = _sent(120)
        _assert_timed(replace(sent, connection=np.floor(np.arange(len(sent.true_s)) / 730)))


class TestResends:
    @pytest.mark.parametrize("buffered", [True, False], ids=["rest-buffered", "rest-lost"])
    @pytest.mark.parametrize("notifications", [1, 6], ids="{}-again".format)
    @pytest.mark.parametrize("pause_s", [2.0, 20.0, 100.0], ids="{}s".format)
    @pytest.mark.parametrize("batch", [5, 73], ids="batch-{}".format)
    def test_after_a_reconnection(
        self, batch: int, pause_s: float, notifications: int, buffered: bool
    ) -> None:
        sent, first = _resent(_sent(300, batch=batch), 80.0, pause_s, notifications, buffered)
        starts = [0] if buffered else [0, first]
        _assert_timed(sent, starts, range(first, first + notifications * batch))

    def test_of_a_single_sample(self) -> None:
        sent = _sent(300, 0.05, batch=1)
        again = replace(sent[slice(999, 1000)], arrival_s=sent.arrival_s[999:1000] + 0.001)
        _assert_timed(_joined(sent[slice(0, 1000)], again, sent[slice(1000, None)]), dropped=[1000])

    @pytest.mark.parametrize("batch", [1, 8], ids="batch-{}".format)
    def test_everything_twice(self, batch: int) -> None:
        sent = _sent(100, batch=batch)[:12_000]
        rows = np.arange(12_000).reshape(-1, batch)
        twice = sent[np.concatenate([rows, rows], axis=1).ravel()]
        second = np.tile(np.repeat([False, True], batch), len(rows))
        twice = replace(twice, arrival_s=np.maximum.accumulate(twice.arrival_s + 5e-10 * second))
        _assert_timed(twice, dropped=np.flatnonzero(second).tolist())

    @pytest.mark.parametrize("later_s", [0.01, 20.0], ids="{}s-later".format)
    def test_of_the_last_notification(self, later_s: float) -> None:
        sent = _sent(100)[: 73 * 170]
        again = sent[slice(73 * 169, None)]
        again = replace(again, arrival_s=again.arrival_s + later_s, connection=again.connection + 1)
        _assert_timed(_joined(sent, again), dropped=range(73 * 170, 73 * 171))

    def test_is_no_clock_set_back_by_as_much(self) -> None:
        sent = _sent(300)
        resent, first = _resent(sent, 80.0, 5.0, 6, buffered=True)
        set_back = sent.stepped(first, -6 * 73 * ECG_S)
        assert resent.aligned.kept.sum() == len(sent.true_s)
        assert set_back.aligned.kept.all()


class TestEvents:
    @pytest.mark.parametrize("by_s", [0.0, -3.0, -200.0, 3600.0], ids=str)
    @pytest.mark.parametrize("seed", range(3))
    def test_beats_of_a_clock_that_is_set(self, seed: int, by_s: float) -> None:
        beats = _beats(seed, ppm=300).stepped(350, by_s)
        _assert_timed(beats)

    def test_a_new_connection_begins_a_run(self) -> None:
        beats = _beats(4)
        _assert_timed(replace(beats, connection=np.floor(np.arange(700) / 100)), range(0, 700, 100))

    def test_beats_sent_once_a_second(self) -> None:
        true_s = _beats(5).true_s
        last = np.searchsorted(true_s, np.ceil(true_s), "right") - 1
        sent = _notified(true_s, last, 40, [(100, 4)], 5, None)
        error_s = _error_s(sent, sent.aligned)
        assert np.abs(error_s).max() < 0.1
        assert sent.aligned.run_start.sum() == 1

    def test_a_beat_delivered_twice(self) -> None:
        beats = _beats(6)
        twice = beats[np.insert(np.arange(700), 400, 399)]
        twice.arrival_s[400] += 0.01
        _assert_timed(twice, dropped=[400])


def _beats(seed: int, ppm: float = 0.0) -> Sent:
    true_s = 5 + np.cumsum(np.random.default_rng(seed).uniform(0.7, 1.0, 700))
    return _notified(true_s, np.arange(700), ppm, [(200, 5)], seed, None)


GARBAGE = [np.nan, np.inf, -np.inf, -5.0, 0.0, 1e10, 1e300]


class TestGarbage:
    @pytest.mark.parametrize("stamp", GARBAGE, ids=str)
    @pytest.mark.parametrize(
        "rows", [slice(0, 1), slice(500, 503), slice(7300, 7519), slice(-40, None)], ids=str
    )
    def test_stamps_that_are_none(self, rows: slice, stamp: float) -> None:
        sent = _sent(120)
        device_s = sent.device_s.copy()
        device_s[rows] = stamp
        aligned = _assert_timed_but(sent.with_device(device_s), rows)
        assert aligned.run_start.sum() == 1

    @pytest.mark.parametrize("stamp", GARBAGE, ids=str)
    @pytest.mark.parametrize("period_s", [ECG_S, None], ids=["samples", "events"])
    def test_no_stamp_at_all_leaves_the_arrivals(self, period_s: float | None, stamp: float) -> None:
        sent = _sent(60, 1.0, 1)
        aligned = replace(sent.with_device(np.full(60, stamp)), period_s=period_s).aligned
        assert aligned.kept.all()
        np.testing.assert_allclose(aligned.time_s, sent.arrival_s)

    @pytest.mark.parametrize("count", [0, 1])
    @pytest.mark.parametrize("period_s", [ECG_S, None], ids=["samples", "events"])
    @pytest.mark.parametrize("wrap_s", [512.0, None], ids=["wraps", ""])
    def test_next_to_nothing(self, count: int, period_s: float | None, wrap_s: float | None) -> None:
        aligned = replace(_sent(1)[:count], period_s=period_s, wrap_s=wrap_s).aligned
        assert aligned.kept.tolist() == aligned.run_start.tolist() == [True] * count
        np.testing.assert_allclose(aligned.time_s, _sent(1).arrival_s[:count])


def _assert_timed_but(sent: Sent, rows: slice) -> Aligned:
    """All are kept and in order; those outside of `rows` are where they were, the others nearly so."""
    aligned = sent.aligned
    assert aligned.kept.all()
    assert np.all(np.diff(aligned.time_s) > 0)
    error_s = np.abs(_error_s(sent, aligned))
    assert error_s[rows].max() < 0.4
    error_s[rows] = 0.0
    assert error_s.max() < 0.1
    assert np.median(error_s) < 0.01
    return aligned


ANY = st.floats(allow_nan=True, allow_infinity=True) | st.sampled_from([0.0, 1.0, 1.0, 511.9, 1e10])
LIKELY = st.floats(-1, 20, allow_nan=False).map(lambda value: round(value, 2))


class TestProperties:
    @given(
        st.integers(0, 25).flatmap(
            lambda count: st.tuples(*(npst.arrays(float, count, elements=ANY | LIKELY) for _ in range(3)))
        ),
        st.sampled_from([None, 0.1, ECG_S]),
        st.sampled_from([None, 512.0, 1.0]),
    )
    @settings(max_examples=400, deadline=None)
    def test_anything_gives_rising_times(self, arrays, period_s: float | None, wrap_s: float | None) -> None:
        device_s, arrival_s, connection = arrays
        aligned = device_times(device_s, arrival_s, connection, period_s, wrap_s)
        assert len(aligned.kept) == len(device_s)
        assert len(aligned.time_s) == len(aligned.run_start) == aligned.kept.sum()
        assert np.isfinite(aligned.time_s).all()
        assert np.all(np.diff(aligned.time_s) > 0)
        assert aligned.run_start[:1].all()

    @given(
        st.integers(0, 25).flatmap(
            lambda count: st.tuples(*(npst.arrays(float, count, elements=LIKELY) for _ in range(2)))
        ),
        st.sampled_from([None, 0.1]),
    )
    @settings(deadline=None)
    def test_no_time_lies_after_its_arrival(self, arrays, period_s: float | None) -> None:
        device_s, arrival_s = arrays[0], np.sort(arrays[1])
        aligned = device_times(device_s, arrival_s, np.zeros(len(device_s)), period_s)
        assert np.all(aligned.time_s <= arrival_s[aligned.kept] + 1e-3)

    @given(st.floats(-1e4, 1e4), st.integers(0, 5))
    @settings(max_examples=20, deadline=None)
    def test_a_constant_on_the_device_clock_changes_nothing(self, constant_s: float, seed: int) -> None:
        sent = _eventful(seed)
        aligned, moved = sent.aligned, sent.with_device(sent.device_s + constant_s).aligned
        assert moved.kept.tolist() == aligned.kept.tolist()
        assert moved.run_start.tolist() == aligned.run_start.tolist()
        np.testing.assert_allclose(moved.time_s, aligned.time_s, rtol=0, atol=1e-6)

    @given(st.floats(-1e4, 1e4), st.integers(0, 5))
    @settings(max_examples=20, deadline=None)
    def test_later_arrivals_are_later_times(self, shift_s: float, seed: int) -> None:
        sent = _eventful(seed)
        aligned, moved = sent.aligned, replace(sent, arrival_s=sent.arrival_s + shift_s).aligned
        assert moved.kept.tolist() == aligned.kept.tolist()
        np.testing.assert_allclose(moved.time_s, aligned.time_s + shift_s, rtol=0, atol=1e-6)

    @given(st.integers(1, 200), st.integers(0, 5))
    @settings(max_examples=20, deadline=None)
    def test_other_notifications_are_the_same_samples(self, batch: int, seed: int) -> None:
        _assert_timed(_sent(120, batch=batch, seed=seed, stalls=[(50, 3)]).stepped(9000, -3.0))


def _eventful(seed: int) -> Sent:
    """A stall, a resend with a loss, and a clock that is set."""
    sent, _ = _resent(_sent(200, batch=20, seed=seed, stalls=[(40, 3)]), 80.0, 5.0, 3, buffered=False)
    return sent.stepped(18_000, -3.0)
