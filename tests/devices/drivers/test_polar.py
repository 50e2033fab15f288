"""Polar sensors: how they are recognised, and what their frames decode to and when."""

from __future__ import annotations

import struct
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.driver import CONTACT_LOST, Advert, Decoder, Samples
from devices.drivers import heart_rate, polar
from devices.drivers.polar import MOVEMENT, STOPPED, Polar, channel_of, chosen
from devices.drivers.polar_frames import (
    Answer,
    DataFrame,
    Ints,
    Measurement,
    Operation,
    PulseInterval,
    Settings,
    Status,
    delta_content,
    interval_content,
    raw_content,
)
from pipeline.errors import FrameError

ECG, PPG, ACC, PPI, GYROSCOPE, MAGNETOMETER, SKIN_TEMPERATURE = Measurement

START_S = 700_000_000.0  # of a sensor's clock, since 2000


@pytest.mark.parametrize(
    ("name", "uuids", "recognised"),
    [
        pytest.param("Polar H10 1A2B3C4D", (heart_rate.SERVICE,), True, id="H10"),
        pytest.param("Polar OH1 1A2B3C4D", (heart_rate.SERVICE,), True, id="OH1"),
        pytest.param("Polar Sense 1A2B3C4D", (heart_rate.SERVICE,), True, id="Verity Sense"),
        pytest.param("polar verity sense", (), True, id="Verity Sense by its full name"),
        pytest.param("", (heart_rate.SERVICE, polar.SERVICE), True, id="by the service"),
        pytest.param("Polar H9 1A2B3C4D", (heart_rate.SERVICE,), False, id="H9 has no such service"),
        pytest.param("Polar H7 1A2B3C4D", (heart_rate.SERVICE,), False, id="nor has H7"),
        pytest.param("Bipolar H10", (heart_rate.SERVICE,), False, id="another maker"),
        pytest.param("Polar Vantage", (), False, id="a watch"),
    ],
)
def test_sensors_are_recognised_by_name_or_service(name: str, uuids: tuple[str, ...], recognised: bool):
    assert Polar().recognises(Advert("C0:00:00:00:00:01", name, uuids, -60)) is recognised


@pytest.mark.parametrize(
    ("measurement", "offered", "picked"),
    [
        pytest.param(ECG, Settings((130,), (14,)), Settings((130,), (14,)), id="H10 ECG"),
        pytest.param(
            ACC,
            Settings((200, 100, 50, 25), (16,), (8, 4, 2)),
            Settings((25,), (16,), (4,)),
            id="H10 acceleration",
        ),
        pytest.param(ACC, Settings((26, 52), (16,), (8,)), Settings((26,), (16,), (8,)), id="26 Hz"),
        pytest.param(ACC, Settings((50,), (16,), (8,)), Settings((50,), (16,), (8,)), id="OH1 acceleration"),
        pytest.param(
            ACC, Settings((10, 20), (16,), (2,)), Settings((20,), (16,), (2,)), id="nothing will do"
        ),
        pytest.param(
            PPG,
            Settings((28, 44, 55, 135), (22, 24), channels=(4,)),
            Settings((55,), (24,), channels=(4,)),
            id="PPG",
        ),
        pytest.param(PPG, Settings((0,), factors=(0.5,)), Settings(), id="a rate of zero and a factor"),
        pytest.param(PPI, Settings(), Settings(), id="nothing offered"),
    ],
)
def test_one_of_each_offered_setting_is_chosen(measurement: Measurement, offered: Settings, picked: Settings):
    assert chosen(measurement, offered) == picked


@pytest.mark.parametrize(
    ("frame", "channel"),
    [
        pytest.param("00", "ecg", id="ECG"),
        pytest.param("01", "ppg", id="PPG"),
        pytest.param("82", "acc", id="acceleration, with a high bit"),
        pytest.param("03ff", "ppi", id="pulse intervals"),
        pytest.param("07", "skin_temperature", id="skin temperature"),
        pytest.param("3f", "other", id="unknown"),
        pytest.param("", "other", id="empty"),
    ],
)
def test_frames_are_told_apart_by_their_measurement(frame: str, channel: str):
    assert channel_of(bytes.fromhex(frame)) == channel


def answered(
    decoder: Decoder, measurement: Measurement, settings: Settings, told: Settings | None = None
) -> None:
    """Let a decoder hear how a measurement is started."""
    for operation, said in ((Operation.SETTINGS, settings), (Operation.START, told or Settings())):
        answer = Answer(operation, measurement, Status.OK, bytes(said))
        assert decoder.feed("control", bytes(answer)) == ()


def framed(
    measurement: Measurement, content: bytes, stamp_s: float = START_S, kind: int = 0, delta: bool = False
) -> bytes:
    return bytes(DataFrame(measurement, round(stamp_s * 1e9), kind, delta, content))


def fed(decoder: Decoder, payload: bytes) -> Samples:
    (samples,) = decoder.feed(channel_of(payload), payload)
    return samples


class TestValues:
    def test_the_heart_rate_decodes_as_any_strap_s(self):
        rr, bpm = Polar().decoder().feed("heart_rate", bytes.fromhex("103c0004"))
        np.testing.assert_array_equal(rr.columns["rr_ms"], [1000.0])
        np.testing.assert_array_equal(bpm.columns["heart_rate_bpm"], [60.0])

    def test_ecg_is_in_microvolts(self):
        samples = fed(Polar().decoder(), framed(ECG, bytes.fromhex("0280ff" + "e80300")))
        assert (samples.stream, samples.rate_hz) == ("ecg", 130.0)
        np.testing.assert_array_equal(samples.columns["ecg_uv"], [-32766.0, 1000.0])

    @pytest.mark.parametrize(("kind", "width"), [(0, 1), (1, 2), (2, 3)])
    def test_raw_acceleration_is_in_mg_whatever_its_width(self, kind: int, width: int):
        content = raw_content(np.array([[1, -100, 127]]), width)
        samples = fed(Polar().decoder(), framed(ACC, content, kind=kind))
        assert {name: column.tolist() for name, column in samples.columns.items()} == {
            "acc_x_mg": [1.0],
            "acc_y_mg": [-100.0],
            "acc_z_mg": [127.0],
        }

    @pytest.mark.parametrize(
        ("kind", "factor", "mg"),
        [
            pytest.param(1, 0.25, 25.0, id="type 1 counts in mg"),
            pytest.param(1, None, 100.0, id="type 1 without a factor is mg"),
            pytest.param(0, 2.0**-11, 100 * 1000 / 2**11, id="type 0 counts in g"),
            pytest.param(0, None, 100 * 8000 / 2**15, id="type 0 without a factor is ±8 g in 16 bits"),
            pytest.param(1, 0.0, 100.0, id="a factor of zero is none"),
        ],
    )
    def test_delta_acceleration_has_a_factor(self, kind: int, factor: float | None, mg: float):
        decoder = Polar().decoder()
        told = Settings(factors=() if factor is None else (factor,))
        answered(decoder, ACC, Settings((52,), (16,), (8,)), told)
        content = delta_content(np.array([[100, 0, -100], [100, 4, -100]]), 16)
        samples = fed(decoder, framed(ACC, content, kind=kind, delta=True))
        np.testing.assert_allclose(samples.columns["acc_x_mg"], [mg, mg], rtol=1e-12)
        np.testing.assert_allclose(samples.columns["acc_z_mg"], [-mg, -mg], rtol=1e-12)

    def test_a_factor_among_the_settings_counts_too(self):
        decoder = Polar().decoder()
        answered(decoder, ACC, Settings((52,), factors=(0.5,)))
        samples = fed(decoder, framed(ACC, delta_content(np.array([[8, 8, 8]]), 16), kind=1, delta=True))
        np.testing.assert_array_equal(samples.columns["acc_x_mg"], [4.0])

    def test_settings_that_come_in_two_parts_count(self):
        decoder = Polar().decoder()
        settings = bytes(Settings((50,), (16,), (8,)))
        for part, more in ((settings[:3], True), (settings[3:], False)):
            decoder.feed("control", bytes(Answer(Operation.SETTINGS, ACC, Status.OK, part, more)))
        assert fed(decoder, framed(ACC, bytes(6), kind=1)).rate_hz == 50.0

    @pytest.mark.parametrize("delta", [False, True])
    def test_ppg_has_three_channels_and_ambient_light(self, delta: bool):
        counts = np.array([[100_000, -5, 7, 1], [100_100, -6, 7, 2]])
        content = delta_content(counts, 22) if delta else raw_content(counts, 3)
        samples = fed(Polar().decoder(), framed(PPG, content, delta=delta))
        assert (samples.stream, samples.rate_hz) == ("ppg", 55.0 if delta else 135.0)
        assert {name: column.tolist() for name, column in samples.columns.items()} == {
            "ppg_1_au": [100_000.0, 100_100.0],
            "ppg_2_au": [-5.0, -6.0],
            "ppg_3_au": [7.0, 7.0],
            "ppg_ambient_au": [1.0, 2.0],
        }

    def test_ppg_with_other_channels_has_numbers_only(self):
        decoder = Polar().decoder()
        answered(decoder, PPG, Settings((55,), (22,), channels=(2,)))
        samples = fed(decoder, framed(PPG, delta_content(np.array([[1, 2]]), 22), delta=True))
        assert {name: column.tolist() for name, column in samples.columns.items()} == {
            "ppg_1_au": [1.0],
            "ppg_2_au": [2.0],
        }

    @pytest.mark.parametrize(
        ("claimed_hz", "rate_hz"),
        [
            pytest.param(55, 55.0, id="Verity Sense from 2.1.0"),
            pytest.param(135, 55.0, id="Verity Sense before"),
            pytest.param(130, 135.0, id="OH1"),
        ],
    )
    def test_a_wrong_ppg_rate_is_put_right(self, claimed_hz: int, rate_hz: float):
        decoder = Polar().decoder()
        answered(decoder, PPG, Settings((claimed_hz,), (22,), channels=(4,)))
        assert fed(decoder, framed(PPG, bytes(12))).rate_hz == rate_hz

    def test_skin_temperature_is_in_degrees(self):
        decoder = Polar().decoder()
        answered(decoder, SKIN_TEMPERATURE, Settings((1,)))
        samples = fed(decoder, framed(SKIN_TEMPERATURE, struct.pack("<2f", 32.5, 33.25)))
        assert (samples.stream, samples.rate_hz) == ("skin_temperature", 1.0)
        np.testing.assert_array_equal(samples.columns["skin_temperature_c"], [32.5, 33.25])
        np.testing.assert_array_equal(samples.device_time_s, [START_S - 1, START_S])

    @pytest.mark.parametrize(
        ("frame", "reason"),
        [
            pytest.param(framed(ECG, bytes(3), kind=1), "raw frame type 1 of ecg is not known", id="ECG 1"),
            pytest.param(
                framed(ECG, bytes(3), delta=True), "delta frame type 0 of ecg is not known", id="delta ECG"
            ),
            pytest.param(framed(ACC, bytes(9), kind=3), "raw frame type 3 of acc is not known", id="ACC 3"),
            pytest.param(framed(PPG, bytes(9), kind=5), "raw frame type 5 of ppg is not known", id="PPG 5"),
            pytest.param(framed(PPI, bytes(6), kind=1), "only raw frame type 0 of ppi is known", id="PPI 1"),
            pytest.param(framed(ECG, bytes(4)), "4 bytes are not whole 3-byte samples", id="a byte over"),
            pytest.param(framed(ECG, b""), "0 bytes are not whole 3-byte samples", id="no samples"),
            pytest.param(b"\x00\x01", "2 bytes where the head alone has 10", id="cut short"),
            pytest.param(b"\x3f" + bytes(9), "measurement type 63 is not known", id="unknown measurement"),
            pytest.param(b"", "0 bytes where the head alone has 10", id="empty"),
        ],
    )
    def test_what_the_protocol_does_not_have_is_shown(self, frame: bytes, reason: str):
        with pytest.raises(FrameError) as error:
            Polar().decoder().feed(channel_of(frame), frame)
        assert str(error.value) == f"Polar frame {frame.hex()}: {reason}"

    @pytest.mark.parametrize("measurement", [GYROSCOPE, MAGNETOMETER])
    def test_what_somebody_else_started_is_no_stream_of_ours(self, measurement: Measurement):
        frame = framed(measurement, bytes(6))
        assert Polar().decoder().feed(channel_of(frame), frame) == ()

    def test_other_channels_are_not_its_own(self):
        assert Polar().decoder().feed("eda", b"\x00") == ()

    @given(
        st.lists(
            st.tuples(st.sampled_from(["control", "heart_rate", ""]), st.binary(max_size=60)), max_size=8
        )
    )
    def test_any_bytes_decode_or_raise_frame_error(self, notifications: list[tuple[str, bytes]]):
        decoder = Polar().decoder()
        for channel, payload in notifications:
            with suppress(FrameError):
                assert all(
                    isinstance(each, Samples)
                    for each in decoder.feed(channel or channel_of(payload), payload)
                )

    @given(st.data())
    def test_a_frame_with_wrong_bytes_decodes_or_raises_frame_error(self, data: st.DataObject):
        decoder = Polar().decoder()
        answered(decoder, ACC, Settings((52,), (16,), (8,), channels=(3,)), Settings(factors=(0.25,)))
        answered(decoder, PPG, Settings((55,), (22,), channels=(4,)))
        whole = data.draw(
            st.sampled_from(
                [
                    framed(ECG, bytes(range(195))),
                    framed(ACC, delta_content(np.arange(60).reshape(20, 3) % 7, 16), kind=1, delta=True),
                    framed(PPG, delta_content(np.arange(80).reshape(20, 4) % 900, 22), delta=True),
                    framed(PPI, bytes(range(18))),
                    bytes(Answer(Operation.SETTINGS, ACC, 0, bytes(Settings((52,), (16,), factors=(0.5,))))),
                ]
            )
        )
        frame = bytearray(whole)
        for at in data.draw(st.lists(st.integers(0, len(whole) - 1), max_size=4)):
            frame[at] = data.draw(st.integers(0, 255))
        cut = bytes(frame[: data.draw(st.integers(0, len(frame)))])
        for payload in (cut, whole):
            with suppress(FrameError):
                for samples in decoder.feed("control" if whole[0] == 0xF0 else channel_of(payload), payload):
                    assert len({len(column) for column in samples.columns.values()}) <= 1


class TestIntervals:
    INTERVALS = (PulseInterval(0, 800, 8), PulseInterval(60, 900, 12), PulseInterval(0, 1000, 30))

    def test_each_has_its_expected_error(self):
        samples = fed(Polar().decoder(), framed(PPI, interval_content(self.INTERVALS), 0.0))
        assert (samples.stream, samples.rate_hz, samples.device_time_s) == ("pp", None, None)
        np.testing.assert_array_equal(samples.columns["pp_ms"], [800, 900, 1000])
        np.testing.assert_array_equal(samples.columns["pp_error_ms"], [8, 12, 30])

    def test_a_stamp_is_the_end_of_the_last(self):
        samples = fed(Polar().decoder(), framed(PPI, interval_content(self.INTERVALS)))
        np.testing.assert_allclose(
            samples.device_time_s, [START_S - 1.9, START_S - 1.0, START_S], rtol=0, atol=2e-7
        )

    def test_an_empty_frame_has_none(self):
        assert len(fed(Polar().decoder(), framed(PPI, b""))) == 0

    @pytest.mark.parametrize(
        ("changed", "events"),
        [
            pytest.param({}, (), id="cannot tell of contact"),
            pytest.param({"contact": True}, (), id="well"),
            pytest.param({"blocker": True}, (MOVEMENT,), id="movement"),
            pytest.param({"contact": False}, (CONTACT_LOST,), id="no contact"),
            pytest.param({"contact": False, "blocker": True}, (MOVEMENT, CONTACT_LOST), id="both"),
        ],
    )
    def test_flags_are_events_and_the_intervals_stay_as_they_came(
        self, changed: dict[str, bool], events: tuple[str, ...]
    ):
        flagged = replace(self.INTERVALS[1], **changed)
        content = interval_content([self.INTERVALS[0], flagged, self.INTERVALS[2]])
        samples = fed(Polar().decoder(), framed(PPI, content, 0.0))
        assert samples.events == events
        np.testing.assert_array_equal(samples.columns["pp_ms"], [800, 900, 1000])


class TestControl:
    @pytest.mark.parametrize(
        ("answer", "told"),
        [
            pytest.param(
                Answer(Operation.START, PPG, Status.IN_CHARGER),
                [("ppg", "not started: in charger")],
                id="charger",
            ),
            pytest.param(
                Answer(Operation.SETTINGS, ECG, Status.NOT_SUPPORTED),
                [("ecg", "not started: not supported")],
                id="not supported",
            ),
            pytest.param(
                Answer(Operation.START, PPI, 77), [("pp", "not started: status 77")], id="new status"
            ),
            pytest.param(Answer(Operation.START, ECG, Status.ALREADY_IN_STATE), [], id="started anew then"),
            pytest.param(Answer(Operation.STOP, ECG, Status.ALREADY_IN_STATE), [], id="stopped already"),
            pytest.param(Answer(Operation.START, GYROSCOPE, Status.IN_CHARGER), [], id="not ours"),
        ],
    )
    def test_a_refusal_is_an_event(self, answer: Answer, told: list[tuple[str, str]]):
        heard = Polar().decoder().feed("control", bytes(answer))
        assert [(samples.stream, event) for samples in heard for event in samples.events] == told
        assert all(len(samples) == 0 for samples in heard)

    def test_a_stop_by_the_sensor_is_an_event_of_each_stream(self):
        heard = Polar().decoder().feed("control", bytes([1, ECG, GYROSCOPE, PPI]))
        assert [(samples.stream, samples.events) for samples in heard] == [
            ("ecg", (STOPPED,)),
            ("pp", (STOPPED,)),
        ]

    def test_what_is_no_answer_is_shown(self):
        with pytest.raises(FrameError, match="is no answer of the control point"):
            Polar().decoder().feed("control", b"\x0f\x05")


def ecg_frame(first: int, count: int, rate_hz: float, origin_s: float = START_S) -> bytes:
    """Samples first, first + 1, ... of a sensor that takes so many a second."""
    samples: Ints = np.arange(first, first + count).reshape(-1, 1) % 1000
    return framed(ECG, raw_content(samples, 3), origin_s + (first + count - 1) / rate_hz)


class TestTimes:
    def test_the_stamp_belongs_to_the_last_sample_and_a_first_frame_is_spread_at_the_nominal_rate(self):
        samples = fed(Polar().decoder(), ecg_frame(0, 73, 130))
        np.testing.assert_allclose(samples.device_time_s, START_S + np.arange(73) / 130, rtol=0, atol=1e-6)

    @pytest.mark.parametrize("off", [-0.04, -0.01, 0.0, 0.01, 0.04])
    @pytest.mark.parametrize("counts", [(65,), (73,), (65, 73, 70, 66)], ids=["65", "73", "mixed"])
    def test_a_rate_that_is_off_nominal_is_found_between_stamps(self, off: float, counts: tuple[int, ...]):
        decoder, rate_hz, first, times_s = Polar().decoder(), 130 * (1 + off), 0, []
        for turn in range(12):
            count = counts[turn % len(counts)]
            times_s.append(fed(decoder, ecg_frame(first, count, rate_hz)).device_time_s)
            first += count
        true_s = START_S + np.arange(first) / rate_hz
        found_s = np.concatenate(times_s)
        assert np.all(np.diff(found_s) > 0)
        np.testing.assert_allclose(found_s[counts[0] :], true_s[counts[0] :], rtol=0, atol=1e-6)

    @pytest.mark.parametrize("lost", [(1,), (4, 5), (3, 6, 9)], ids=str)
    def test_lost_frames_move_no_sample(self, lost: tuple[int, ...]):
        decoder, rate_hz, times_s, kept = Polar().decoder(), 131.3, [], []
        for turn in range(12):
            if turn not in lost:
                times_s.append(fed(decoder, ecg_frame(turn * 73, 73, rate_hz)).device_time_s)
                kept.append(np.arange(turn * 73, turn * 73 + 73))
        found_s, true_s = np.concatenate(times_s), START_S + np.concatenate(kept) / rate_hz
        assert np.all(np.diff(found_s) > 0)
        settled = 73 * 2 if lost[0] == 1 else 73  # until two frames follow each other
        np.testing.assert_allclose(found_s[settled:], true_s[settled:], rtol=0, atol=1e-6)

    @pytest.mark.parametrize(
        "origin_s",
        [
            pytest.param(0.0, id="2000"),
            pytest.param(599_616_000.0, id="2019"),
            pytest.param(8e8, id="set"),
            pytest.param(1.8e10, id="2570"),
        ],
    )
    def test_it_does_not_matter_what_year_the_sensor_thinks_it_is(self, origin_s: float):
        decoder = Polar().decoder()
        parts = [fed(decoder, ecg_frame(first, 65, 130, origin_s)) for first in (65, 130)]
        found_s = np.concatenate([part.device_time_s for part in parts])
        np.testing.assert_allclose(found_s - origin_s, np.arange(65, 195) / 130, rtol=0, atol=1e-5)

    def test_a_clock_that_is_set_begins_anew(self):
        decoder = Polar().decoder()
        fed(decoder, ecg_frame(0, 65, 130))
        for origin_s in (START_S - 1e6, START_S + 1e6, START_S):
            samples = fed(decoder, ecg_frame(65, 65, 130, origin_s))
            np.testing.assert_allclose(
                samples.device_time_s, origin_s + np.arange(65, 130) / 130, rtol=0, atol=1e-6
            )

    def test_no_stamp_is_no_time(self):
        assert fed(Polar().decoder(), framed(ECG, bytes(30), 0.0)).device_time_s is None

    @pytest.mark.parametrize(
        ("claimed_hz", "real_hz"), [(135, 135), (55, 28), (None, 44)], ids=["firmware", "mode", "unsaid"]
    )
    def test_two_frames_that_agree_on_another_rate_are_believed(self, claimed_hz: int | None, real_hz: int):
        decoder = Polar().decoder()
        if claimed_hz is not None:
            answered(decoder, PPG, Settings((claimed_hz,), (22,), channels=(4,)))
        content = delta_content(np.zeros((20, 4), dtype=np.int64), 22)
        parts = [
            fed(decoder, framed(PPG, content, START_S + turn * 20 / real_hz, delta=True)) for turn in range(5)
        ]
        assert [part.rate_hz for part in parts[2:]] == [real_hz] * 3
        found_s = np.concatenate([part.device_time_s for part in parts[2:]])
        np.testing.assert_allclose(np.diff(found_s), 1 / real_hz, rtol=0, atol=1e-6)

    def test_a_loss_is_not_mistaken_for_another_rate(self):
        decoder = Polar().decoder()
        turns = (0, 1, 3, 5, 7, 9, 10)
        rates_hz = {fed(decoder, ecg_frame(turn * 65, 65, 130)).rate_hz for turn in turns}
        assert rates_hz == {130.0}

    def test_a_first_frame_that_comes_twice_costs_no_other(self):
        decoder = Polar().decoder()
        for turn in (0, 0, 2, 3):  # one is lost, so the time since the first is not the nominal one
            samples = fed(decoder, ecg_frame(turn * 65, 65, 130))
            true_s = START_S + np.arange(turn * 65, turn * 65 + 65) / 130
            np.testing.assert_allclose(samples.device_time_s, true_s, rtol=0, atol=1e-6)

    def test_streams_have_times_of_their_own(self):
        decoder = Polar().decoder()
        for turn in range(4):
            ecg = fed(decoder, ecg_frame(turn * 65, 65, 130))
            acc = fed(decoder, framed(ACC, bytes(6 * 13), START_S + 7 + turn * 13 / 25, kind=1))
        np.testing.assert_allclose(np.diff(ecg.device_time_s), 1 / 130, rtol=0, atol=1e-6)
        np.testing.assert_allclose(np.diff(acc.device_time_s), 1 / 25, rtol=0, atol=1e-6)
