"""Holds a stored session against what really was: every sample once, or in a gap that is declared."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from devices.virtual.peripheral import Peripheral
from pipeline.journal import Kind
from pipeline.model import Floats, Stream
from pipeline.sealing import read_table, records_of
from tests.flows.rooms import Played

_BEAT_LATE_S = 0.25
_LATEST_S = 0.15
_STARTS_WITHIN_S = 3.0  # of the session's start, connecting included; a later start is a gap
_ENDS_WITHIN_S = 2.0  # of the session's end: what waited for the next notification, and the farewells
_TICK_MS = 1000 / 1024


def payloads(played: Played, device: str) -> list[bytes]:
    """What the session's raw record holds of a device's streams, in order."""
    records = records_of(read_table(played.folder / "raw.parquet"))
    return [
        record.payload
        for record in records
        if record.kind is Kind.DATA
        and record.stream.startswith(f"{device}/")
        and not record.stream.endswith(("/battery", "/control"))
    ]


def assert_raw_is_what_was_sent(played: Played, device: str, sensor: Peripheral) -> None:
    """Raw holds the sensor's log, each notification once and in order.

    At most one of each stream is lost where a link breaks, and at the very end: it was on the air.
    """
    kept, sent = payloads(played, device), [each.payload for each in sensor.sent]
    left = iter(sent)
    assert all(payload in left for payload in kept), "a notification twice, or that was never sent"
    breaks = sum(text.startswith((f"{device}: lost", f"{device}: failed")) for text in links(played))
    assert len(sent) - len(kept) <= (breaks + 1) * len(sensor.outlets)


def assert_samples(
    played: Played,
    stream: Stream,
    truth: Callable[[float, float, float], Floats],
    *,
    within: float,
    drift: float = 0.0,
) -> Floats:
    """Each sample is the body's own, by its value, at its time; a missing one lies in a gap. Errors in s.

    `truth(start_s, end_s, rate_hz)` is what the body had. A stream may be late as a whole, by the radio's
    least latency and the time that the last sample of a notification waits: no more than 0.15 s here. It
    begins 3 s after the session at the latest and ends 2 s before it at the soonest, or two periods of a
    slow one, or a gap says so.
    """
    assert stream.rate_hz is not None
    rate_hz = stream.rate_hz * (1 + drift)
    clock_s = stream.time_s + played.began_s
    born = clock_s > _LATEST_S + 1 / rate_hz  # a sensor may send what it took before there was a client
    clock_s, value = clock_s[born], stream.value[born]
    at = _samples(clock_s * rate_hz, truth, value, within, rate_hz)
    assert np.all(np.diff(at) > 0), "a sample twice"
    for row in np.flatnonzero(np.diff(at) > 1).tolist():
        before_s, after_s = clock_s[row] - played.began_s, clock_s[row + 1] - played.began_s
        _assert_declared(stream, before_s, after_s, 1 / rate_hz)
    _assert_ends(stream, played.recording.duration_s, 1 / rate_hz)
    _assert_gaps_are_empty(stream)
    return np.asarray(clock_s - at / rate_hz)


def _samples(
    at: Floats, truth: Callable[[float, float, float], Floats], value: Floats, within: float, rate_hz: float
) -> NDArray[np.int64]:
    """The number of each sample on the body's clock, by how late the values say that the stream is."""
    part = np.angle(np.mean(np.exp(2j * np.pi * at))) / (2 * np.pi)  # of a period, by which all are late
    latest = round(_LATEST_S * rate_hz) + 1
    first, last = max(math.floor(at[0]) - latest - 1, 0), math.ceil(at[-1]) + 2  # no body was before 0
    own = truth((first - 0.5) / rate_hz, (last + 0.5) / rate_hz, rate_hz)
    worst = np.inf
    for shift in range(latest + 1):
        number = np.round(at - part).astype(np.int64) - shift
        error = float(np.max(np.abs(own[number - first] - value)))
        if error <= within:
            return number
        worst = min(worst, error)
    raise AssertionError(f"no sample of the body: the values differ by {worst:g} at least")


def _assert_ends(stream: Stream, end_s: float, period_s: float) -> None:
    """What is missing at either end is declared, unless it is no more than a start and an end take."""
    first_s, last_s = float(stream.time_s[0]), float(stream.time_s[-1])
    if first_s - period_s >= max(_STARTS_WITHIN_S, 2 * period_s):
        _assert_declared(stream, 0.0, first_s, period_s)
    if end_s - last_s >= max(_ENDS_WITHIN_S, 2 * period_s):
        _assert_declared(stream, last_s, end_s, period_s)


def _assert_gaps_are_empty(stream: Stream) -> None:
    for gap in stream.gaps:
        inside = (stream.time_s > gap.start_s + 1e-9) & (stream.time_s < gap.end_s - 1e-9)
        assert not inside.any(), f"samples inside {gap}"


def _assert_declared(stream: Stream, before_s: float, after_s: float, period_s: float) -> None:
    declared = [
        g for g in stream.gaps if g.start_s <= before_s + 1e-9 and after_s - period_s <= g.end_s + 1e-6
    ]
    assert declared, (
        f"{stream.name}: samples missing from {before_s:.3f} to {after_s:.3f} s, and no gap says so"
    )


def assert_beats(played: Played, stream: Stream, slack_s: float = 1.2) -> Floats:
    """Each beat is one of the client's, by its time and length; a missing one lies in a gap. Errors in s.

    None need be there from the session's first 3 s, and from its last `slack_s`.
    """
    end_s = played.recording.duration_s
    own = np.array(played.client.beats(played.began_s, played.began_s + end_s))
    own_s, own_ms = own[:, 0] - played.began_s, own[:, 1]
    assert np.all(np.diff(stream.time_s) > 0)
    nearest = np.abs(stream.time_s[:, None] - own_s[None, :]).argmin(axis=1)
    assert np.all(np.diff(nearest) > 0), "a beat twice"
    late_s = stream.time_s - own_s[nearest]
    assert np.abs(late_s).max() < _BEAT_LATE_S
    np.testing.assert_allclose(stream.value, own_ms[nearest], atol=_TICK_MS)
    first = min(int(nearest[0]), int(np.searchsorted(own_s, _STARTS_WITHIN_S)))
    missing = set(range(first, len(own_s))) - set(nearest.tolist())
    for beat in missing:
        in_a_gap = any(g.start_s - slack_s <= own_s[beat] <= g.end_s + slack_s for g in stream.gaps)
        assert in_a_gap or own_s[beat] > end_s - slack_s, f"the beat at {own_s[beat]:.2f} s is missing"
    _assert_gaps_are_empty(stream)
    return late_s


def links(played: Played) -> list[str]:
    """What the session tells of its links, without the moment."""
    return [marker.text for marker in played.recording.markers if marker.kind == "link"]


def told_once(played: Played, text: str) -> float:
    """When something was told; exactly once."""
    [at_s] = [marker.time_s for marker in played.recording.markers if marker.text == text]
    return at_s


def apart(gaps: Stream) -> list[float]:
    """The lengths of a stream's gaps, in s."""
    return [gap.end_s - gap.start_s for gap in gaps.gaps]
