"""From notifications to a stream: when each sample was, which came twice, and what each gap is for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from devices.decoding import decode
from devices.driver import Samples
from devices.streams import CONTACT_LOST, LINK_LOST, MISSING, Collected, Incidents, stream_of
from pipeline.journal import Kind, Record
from pipeline.model import Floats, Gap, Marker, Stream
from tests.pipeline.sessions import STRAP, event, heart_rate_frame

RATE_HZ = 10.0
LATE_S = 0.02  # how long after its last sample a notification arrives


@dataclass(frozen=True)
class Came:
    """A notification: samples by their numbers, taken at `RATE_HZ`, the value of each its number."""

    numbers: Sequence[int]
    generation: int = 1
    malformed: int = 0
    stamped: bool = True


def sent(first: int, stop: int, **how: Any) -> list[Came]:
    """Samples in notifications of five."""
    return [Came(range(begin, begin + 5), **how) for begin in range(first, stop, 5)]


def received(
    *notifications: Came, incidents: Incidents | None = None, origin_s: float = 0.0, wrap_s: float = np.inf
) -> Stream:
    """The stream of these notifications, in a session that ends with the last of them.

    A stamp is `origin_s` more than the time at which the sample was taken, and wraps at `wrap_s`.
    """
    parts, at_s = Collected(), 0.0
    for came in notifications:
        numbers = np.array(came.numbers, dtype=np.float64)
        stamps_s = np.fmod(origin_s + numbers / RATE_HZ, wrap_s) if came.stamped else None
        at_s = max(at_s + 0.001, float(numbers[-1]) / RATE_HZ + LATE_S)
        samples = Samples("eda", {"eda_us": numbers}, RATE_HZ, stamps_s, wrap_s if wrap_s < np.inf else None)
        parts.add(samples, record(at_s, generation=came.generation), came.malformed)
    return stream_of("eda", parts, incidents or Incidents(at_s))


def record(at_s: float, stream: str = "sensor/eda", payload: bytes = b"", generation: int = 1) -> Record:
    return Record(Kind.DATA, stream, 0, generation, at_s, 1.8e9 + at_s, None, payload)


def stream_in(
    times_s: Sequence[float], incidents: Incidents, what: Samples, generations: Sequence[int] = ()
) -> Stream:
    """The stream of the same notification at each of these times."""
    parts = Collected()
    for at_s, generation in zip(times_s, generations or [1] * len(times_s), strict=True):
        parts.add(what, record(at_s, generation=generation), 0)
    return stream_of(what.stream, parts, incidents)


def assert_gaps(stream: Stream, *expected: Gap) -> None:
    """Exactly these gaps, their ends to a hundredth of a second."""
    assert [(gap.reason, gap.missing) for gap in stream.gaps] == [(g.reason, g.missing) for g in expected]
    actual_s, expected_s = (
        np.array([(g.start_s, g.end_s) for g in gaps]) for gaps in (stream.gaps, expected)
    )
    np.testing.assert_allclose(actual_s, expected_s, rtol=0, atol=0.01)


class TestReasons:
    @pytest.mark.parametrize(
        ("told_s", "reason"),
        [
            pytest.param((), MISSING, id="nothing was told"),
            pytest.param((98.0,), CONTACT_LOST, id="2 s before"),
            pytest.param((97.9,), MISSING, id="longer before"),
            pytest.param((105.0,), CONTACT_LOST, id="in it"),
            pytest.param((110.0,), CONTACT_LOST, id="at its end"),
            pytest.param((110.1,), MISSING, id="after it"),
            pytest.param((20.0, 99.0, 300.0), CONTACT_LOST, id="among others"),
        ],
    )
    def test_contact_that_was_lost_about_then_is_why(self, told_s: tuple[float, ...], reason: str) -> None:
        assert Incidents(400.0, without_contact_s=told_s).reason(100.0, 110.0) == reason

    def test_a_link_that_was_lost_is_why_whatever_else_was(self) -> None:
        stream = received(
            *sent(0, 50), *sent(80, 150, generation=2), incidents=Incidents(15.0, without_contact_s=(6.0,))
        )
        assert_gaps(stream, Gap(4.92, 7.92, LINK_LOST, 30))

    def test_on_an_unbroken_link_contact_is_why(self) -> None:
        stream = received(*sent(0, 50), *sent(80, 150), incidents=Incidents(15.0, without_contact_s=(6.0,)))
        assert_gaps(stream, Gap(4.92, 7.92, CONTACT_LOST, 30))


class TestStamped:
    def test_nothing_is_missing(self) -> None:
        stream = received(*sent(0, 100))
        assert stream.gaps == ()
        np.testing.assert_allclose(stream.time_s, np.arange(100) / RATE_HZ + LATE_S, rtol=0, atol=1e-6)
        np.testing.assert_array_equal(stream.value, np.arange(100))

    def test_a_single_sample_that_is_missing_is_a_gap_of_one(self) -> None:
        assert_gaps(
            received(*sent(0, 50), Came((50, 51, 53, 54)), *sent(55, 100)), Gap(5.12, 5.22, MISSING, 1)
        )

    @pytest.mark.parametrize("lost", [1, 4, 20], ids=lambda lost: f"{lost} notifications")
    def test_missing_samples_are_counted(self, lost: int) -> None:
        stream = received(*sent(0, 50), *sent(50 + 5 * lost, 200))
        assert_gaps(stream, Gap(4.92, 4.92 + 0.5 * lost, MISSING, 5 * lost))
        assert len(stream) + 5 * lost == 200

    def test_each_loss_is_a_gap(self) -> None:
        stream = received(*sent(0, 50), *sent(55, 100), *sent(120, 150, generation=2))
        assert_gaps(stream, Gap(4.92, 5.42, MISSING, 5), Gap(9.92, 11.92, LINK_LOST, 20))

    def test_a_new_connection_that_lost_nothing_leaves_no_gap(self) -> None:
        assert received(*sent(0, 50), *sent(50, 100, generation=2)).gaps == ()

    def test_a_malformed_notification_that_held_nothing_leaves_no_gap(self) -> None:
        assert received(*sent(0, 50), *sent(50, 100, malformed=1)).gaps == ()

    def test_what_is_sent_again_is_dropped(self) -> None:
        once = received(*sent(0, 100), incidents=Incidents(10.0))
        again = received(
            *sent(0, 50),
            *sent(35, 50, generation=2),
            *sent(50, 100, generation=2),
            incidents=Incidents(10.0),
        )
        assert_same(again, once)

    def test_what_is_sent_again_after_a_loss_is_dropped_and_the_loss_stays(self) -> None:
        stream = received(*sent(0, 50), *sent(40, 50, generation=2), *sent(70, 150, generation=2))
        np.testing.assert_array_equal(stream.value, [*range(50), *range(70, 150)])
        assert_gaps(stream, Gap(4.92, 6.92, LINK_LOST, 20))

    def test_what_was_lost_and_comes_after_all_is_no_gap(self) -> None:
        stream = received(*sent(0, 50), *sent(30, 90, generation=2))
        np.testing.assert_array_equal(stream.value, range(90))
        assert stream.gaps == ()

    def test_device_time_is_stored_as_it_was_sent(self) -> None:
        stream = received(*sent(0, 100), origin_s=6.0e8)
        np.testing.assert_array_equal(stream.device_time_s, 6.0e8 + np.arange(100) / RATE_HZ)

    def test_also_where_it_wraps(self) -> None:
        stream = received(*sent(0, 100), origin_s=507.0, wrap_s=512.0)
        stored_s = stream.device_time_s
        np.testing.assert_array_equal(stored_s, np.fmod(507.0 + np.arange(100) / RATE_HZ, 512.0))
        np.testing.assert_allclose(np.diff(stream.time_s), 1 / RATE_HZ, rtol=0, atol=1e-6)
        assert stream.gaps == ()

    def test_also_where_what_came_again_was_dropped(self) -> None:
        stream = received(*sent(0, 50), *sent(40, 100, generation=2), origin_s=100.0)
        np.testing.assert_array_equal(stream.device_time_s, 100.0 + np.arange(100) / RATE_HZ)

    def test_a_notification_without_stamps_has_none_stored(self) -> None:
        stream = received(*sent(0, 50), *sent(50, 55, stamped=False), *sent(55, 100))
        expected_s = np.arange(100) / RATE_HZ
        expected_s[50:55] = np.nan
        np.testing.assert_array_equal(stream.device_time_s, expected_s)
        np.testing.assert_array_equal(stream.value, range(100))

    def test_arrival_is_that_of_the_notification(self) -> None:
        stream = received(*sent(0, 50))
        expected_s = np.repeat(np.arange(5, 51, 5) - 1, 5) / RATE_HZ + LATE_S
        np.testing.assert_allclose(np.asarray(stream.arrival_s), expected_s, rtol=0, atol=1e-9)


class TestUnstamped:
    def test_nothing_is_missing(self) -> None:
        stream = received(*sent(0, 100, stamped=False))
        assert (stream.device_time_s, stream.gaps) == (None, ())
        np.testing.assert_allclose(stream.time_s, np.arange(100) / RATE_HZ + LATE_S, rtol=0, atol=1e-6)

    def test_a_short_pause_is_the_radio_s(self) -> None:
        stream = received(*sent(0, 50, stamped=False), *sent(55, 100, stamped=False))
        assert (len(stream), stream.gaps) == (95, ())

    def test_a_longer_one_is_a_gap_and_counted(self) -> None:
        stream = received(*sent(0, 50, stamped=False), *sent(70, 200, stamped=False))
        assert_gaps(stream, Gap(4.92, 6.92, MISSING, 20))

    def test_with_another_connection_the_link_is_why(self) -> None:
        stream = received(*sent(0, 50, stamped=False), *sent(70, 200, stamped=False, generation=2))
        assert_gaps(stream, Gap(4.92, 6.92, LINK_LOST, 20))

    def test_what_is_sent_again_cannot_be_told(self) -> None:
        again = received(*sent(0, 50, stamped=False), *sent(40, 100, stamped=False, generation=2))
        assert len(again) == 110


class TestEnd:
    """The gap from the last sample, at 9.92 s, to the end of the session."""

    @pytest.mark.parametrize(
        ("end_s", "lost", "told_s", "gaps"),
        [
            pytest.param(12.9, False, (), [], id="soon"),
            pytest.param(13.0, False, (), [Gap(9.92, 13.0, MISSING, 31)], id="later"),
            pytest.param(12.9, True, (), [], id="soon, without a link"),
            pytest.param(20.0, True, (), [Gap(9.92, 20.0, LINK_LOST, 101)], id="without a link"),
            pytest.param(20.0, False, (9.0,), [Gap(9.92, 20.0, CONTACT_LOST, 101)], id="without contact"),
            pytest.param(20.0, True, (9.0,), [Gap(9.92, 20.0, LINK_LOST, 101)], id="without either"),
        ],
    )
    @pytest.mark.parametrize("stamped", [True, False], ids=["stamped", "unstamped"])
    def test_it_is_a_gap_with_its_reason(
        self, stamped: bool, end_s: float, lost: bool, told_s: tuple[float, ...], gaps: list[Gap]
    ) -> None:
        assert_gaps(received(*sent(0, 100, stamped=stamped), incidents=Incidents(end_s, lost, told_s)), *gaps)

    @pytest.mark.parametrize(("end_s", "gaps"), [(419.0, []), (421.0, [Gap(300, 421, MISSING, 2)])])
    def test_a_stream_of_one_a_minute_may_pause_for_two(self, end_s: float, gaps: list[Gap]) -> None:
        level = Samples("scl", {"scl_us": np.array([4.0])}, rate_hz=1 / 60)
        assert_gaps(stream_in(range(60, 301, 60), Incidents(end_s), level), *gaps)


class TestEvents:
    """Single values that have no length, as a strap's heart rate."""

    RATE = Samples("heart_rate", {"heart_rate_bpm": np.array([70.0])})

    def test_they_are_when_they_arrived(self) -> None:
        stream = stream_in([1.0, 2.1, 3.0], Incidents(3.0), self.RATE)
        np.testing.assert_array_equal(stream.time_s, [1.0, 2.1, 3.0])
        np.testing.assert_array_equal(stream.arrival_s, [1.0, 2.1, 3.0])
        assert (stream.rate_hz, stream.device_time_s, stream.gaps) == (None, None, ())

    def test_two_at_a_time_rise_by_a_millisecond(self) -> None:
        stream = stream_in([1.0, 1.0, 1.0], Incidents(1.0), self.RATE)
        np.testing.assert_allclose(stream.time_s, [1.0, 1.001, 1.002], rtol=0, atol=1e-12)

    @pytest.mark.parametrize(("again_s", "gaps"), [(4.9, ()), (5.0, (Gap(2.0, 5.0, MISSING),))])
    def test_a_pause_of_three_seconds_is_a_gap(self, again_s: float, gaps: tuple[Gap, ...]) -> None:
        stream = stream_in([1.0, 2.0, again_s, again_s + 1], Incidents(again_s + 1), self.RATE)
        assert stream.gaps == gaps

    def test_a_lost_link_is_why_and_how_many_is_not_known(self) -> None:
        stream = stream_in([1.0, 2.0, 12.0, 13.0], Incidents(30.0, lost=True), self.RATE, [1, 1, 2, 2])
        assert stream.gaps == (Gap(2.0, 12.0, LINK_LOST), Gap(13.0, 30.0, LINK_LOST))


class TestBeats:
    def test_a_gap_ends_where_the_first_interval_after_begins(self) -> None:
        beat = Samples("rr", {"rr_ms": np.array([1000.0])})
        times_s = [*range(1, 31), *range(40, 71)]
        stream = stream_in(times_s, Incidents(70.0), beat, [1] * 30 + [2] * 31)
        assert_gaps(stream, Gap(30.0, 39.0, LINK_LOST))

    @pytest.mark.parametrize(("later_s", "gaps"), [(0.3, ()), (0.5, (Gap(20.02, 20.52, MISSING),))])
    def test_stamped_pulses_tell_a_pause_of_less_than_a_beat(
        self, later_s: float, gaps: tuple[Gap, ...]
    ) -> None:
        parts = Collected()
        for number in range(1, 41):
            stamp_s = number + (later_s if number > 20 else 0.0)
            pulse = Samples("pp", {"pp_ms": np.array([1000.0])}, device_time_s=np.array([500.0 + stamp_s]))
            parts.add(pulse, record(stamp_s + LATE_S), 0)
        assert_gaps(stream_of("pp", parts, Incidents(41.0)), *gaps)

    def test_an_interval_that_is_no_length_takes_no_time(self) -> None:
        beats = Samples("rr", {"rr_ms": np.array([1000.0, 0.0, np.nan, -5.0])})
        stream = stream_in(range(1, 11), Incidents(10.0), beats)
        np.testing.assert_array_equal(stream.value, [1000.0, 0.0, np.nan, -5.0] * 10)
        np.testing.assert_allclose(stream.time_s[::4], np.arange(1, 11), rtol=0, atol=0.01)
        assert stream.gaps == ()


@pytest.mark.parametrize(
    "made",
    [
        pytest.param([{"eda_us": np.ones(5), "raw_au": np.ones(4)}] * 2, id="of uneven length"),
        pytest.param([{"eda_us": np.ones(5)}, {"eda_au": np.ones(5)}], id="of another name"),
        pytest.param([{"eda_us": np.ones(5), "raw_au": np.ones(5)}, {"eda_us": np.ones(5)}], id="missing"),
        pytest.param([{"eda_us": np.ones(5)}, {"eda_us": np.ones(5), "raw_au": np.ones(5)}], id="added"),
    ],
)
def test_columns_that_no_driver_should_make_are_refused(made: Sequence[dict[str, Floats]]) -> None:
    parts = Collected()
    for at_s, columns in enumerate(made):
        parts.add(Samples("eda", columns, RATE_HZ), record(float(at_s)), 0)
    with pytest.raises((IndexError, ValueError)):
        stream_of("eda", parts, Incidents(2.0))


def assert_same(actual: Stream, expected: Stream) -> None:
    """The same samples at the same times, and the same gaps; not when they arrived."""
    np.testing.assert_array_equal(actual.value, expected.value)
    np.testing.assert_allclose(actual.time_s, expected.time_s, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(actual.device_time_s, expected.device_time_s)
    assert actual.gaps == expected.gaps


STRAP_AT = "heart_rate/heart_rate"


def strap(at_s: float, device: str = "heart_rate", generation: int = 1, bpm: int = 70) -> Record:
    """A beat of a second."""
    frame = bytearray(heart_rate_frame([1000.0]))
    frame[1] = bpm
    return record(at_s, f"{device}/heart_rate", bytes(frame), generation)


def linked(at_s: float, happened: str, device: str = "heart_rate") -> Record:
    return event(Kind.LINK, at_s, {"event": happened, "reason": ""}, device)


def described(device: str = "heart_rate", at_s: float = 0.0, **more: Any) -> Record:
    return event(Kind.DEVICE, at_s, {**STRAP, **more}, device)


def said(*records: Record) -> list[Marker]:
    """What a session tells of its devices."""
    return list(decode(records)[1])


class TestSaid:
    @pytest.mark.parametrize(
        ("percent", "low"), [(None, False), (16, False), (15, True), (0, True), (100, False), (255, False)]
    )
    def test_a_low_battery_is_told_of_a_description(self, percent: int | None, low: bool) -> None:
        expected = [Marker(3.0, "link", f"heart_rate: battery low ({percent} %)")] if low else []
        assert said(described(at_s=3.0, battery_pct=percent)) == expected

    @pytest.mark.parametrize(("percent", "low"), [(16, False), (15, True), (0, True), (101, False)])
    def test_a_low_battery_is_told_of_a_notification(self, percent: int, low: bool) -> None:
        expected = [Marker(9.0, "link", f"heart_rate: battery low ({percent} %)")] if low else []
        assert said(described(), record(9.0, "heart_rate/battery", bytes([percent]))) == expected

    def test_a_low_battery_is_told_once_until_it_was_charged(self) -> None:
        levels = [14, 13, 12, 80, 15]
        told = said(
            described(battery_pct=15),
            *(record(1.0 + s, "heart_rate/battery", bytes([level])) for s, level in enumerate(levels)),
        )
        assert [(marker.time_s, marker.text) for marker in told] == [
            (0.0, "heart_rate: battery low (15 %)"),
            (5.0, "heart_rate: battery low (15 %)"),
        ]

    def test_a_description_that_is_repeated_is_no_charge(self) -> None:
        told = said(
            described(battery_pct=87),
            record(1.0, "heart_rate/battery", bytes([9])),
            described(at_s=2.0, battery_pct=87),
            record(3.0, "heart_rate/battery", bytes([9])),
        )
        assert [marker.text for marker in told] == ["heart_rate: battery low (9 %)"]

    def test_an_empty_battery_notification_is_malformed(self) -> None:
        assert said(described(), record(2.0, "heart_rate/battery")) == [
            Marker(2.0, "link", "heart_rate: malformed frame")
        ]

    def test_values_that_no_body_has_are_told_as_they_come_and_go(self) -> None:
        rates_bpm = [70, 5, 6, 70, 5, 70]
        told = said(described(), *(strap(1.0 + s, bpm=bpm) for s, bpm in enumerate(rates_bpm)))
        assert [(marker.time_s, marker.text) for marker in told] == [
            (2.0, "heart_rate: heart_rate_bpm outside 20 to 300"),
            (5.0, "heart_rate: heart_rate_bpm outside 20 to 300"),
        ]

    def test_each_device_speaks_for_itself(self) -> None:
        told = said(
            described(),
            described("heart_rate_2"),
            strap(1.0, bpm=5),
            strap(1.1, "heart_rate_2", bpm=5),
            strap(2.0, bpm=5),
            strap(2.1, "heart_rate_2", bpm=5),
        )
        assert [(marker.time_s, marker.text.partition(":")[0]) for marker in told] == [
            (1.0, "heart_rate"),
            (1.1, "heart_rate_2"),
        ]


class TestDecoded:
    def test_a_stream_s_second_and_third_device_are_named(self) -> None:
        devices = ("heart_rate", "heart_rate_2", "heart_rate_3")
        records = [strap(1.0 + s + n / 10, device) for s in range(3) for n, device in enumerate(devices)]
        streams, _ = decode([*map(described, devices), *records])
        assert list(streams) == [
            "rr",
            "heart_rate",
            "rr_heart_rate_2",
            "heart_rate_heart_rate_2",
            "rr_heart_rate_3",
            "heart_rate_heart_rate_3",
        ]
        np.testing.assert_allclose(streams["heart_rate_heart_rate_3"].time_s, [1.2, 2.2, 3.2])

    @pytest.mark.parametrize(
        ("happened", "reason"),
        [
            pytest.param(["connected"], MISSING, id="connected"),
            pytest.param(["connected", "lost"], LINK_LOST, id="lost"),
            pytest.param(["connected", "silent"], LINK_LOST, id="silent"),
            pytest.param(["connected", "lost", "failed"], LINK_LOST, id="failed"),
            pytest.param(["connected", "lost", "stopped"], LINK_LOST, id="stopped after that"),
            pytest.param(["connected", "stopped"], MISSING, id="stopped"),
            pytest.param(["connected", "lost", "connected"], MISSING, id="back"),
        ],
    )
    def test_a_stream_that_ends_early_says_why(self, happened: list[str], reason: str) -> None:
        beats = [strap(float(s)) for s in range(1, 21)]
        links = [linked(20.0 + n / 10, each) for n, each in enumerate(happened)]
        streams, _ = decode([described(), *beats, *links, event(Kind.END, 60.0, {})])
        for stream in streams.values():
            assert_gaps(stream, Gap(20.0, 60.0, reason))

    def test_what_one_device_lost_is_not_the_other_s(self) -> None:
        both = [strap(s + n / 10, device) for s in range(1, 21) for n, device in enumerate(("a", "b"))]
        more = [strap(float(s), "b") for s in range(22, 60)]
        records = [described("a"), described("b"), *both, linked(21.0, "lost", "a"), *more]
        streams, _ = decode([*records, event(Kind.END, 60.0, {})])
        assert_gaps(streams["heart_rate"], Gap(20.0, 60.0, LINK_LOST))
        assert streams["heart_rate_b"].gaps == ()

    def test_a_pause_without_contact_says_so_in_every_stream_of_the_device(self) -> None:
        off = [record(float(s), STRAP_AT, bytes([0x04, 0])) for s in range(20, 45)]
        beats = [strap(float(s)) for s in (*range(1, 20), *range(46, 70))]
        records = sorted([*beats, *off], key=lambda each: each.arrival_s)
        streams, markers = decode([described(), *records])
        assert_gaps(streams["rr"], Gap(19.0, 45.0, CONTACT_LOST))
        assert streams["heart_rate"].gaps == ()
        np.testing.assert_array_equal(streams["heart_rate"].value[19:44], np.nan)
        assert [(marker.time_s, marker.text) for marker in markers] == [(20.0, "heart_rate: contact lost")]

    def test_no_records_are_no_streams(self) -> None:
        assert decode([]) == ({}, ())


@pytest.mark.parametrize(("end_s", "gaps"), [(64.9, 0), (69.0, 1)], ids=["not due yet", "one has not come"])
def test_what_comes_every_five_seconds_is_not_missed_before_it_is_due(end_s: float, gaps: int) -> None:
    parts = Collected()
    for at_s in range(5, 61, 5):
        parts.add(Samples("pp", {"pp_ms": np.full(5, 1000.0)}), record(float(at_s)), 0)
    assert len(stream_of("pp", parts, Incidents(end_s)).gaps) == gaps
