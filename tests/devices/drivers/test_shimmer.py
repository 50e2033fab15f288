"""The streams of a Shimmer3R and a Shimmer3: cut anywhere, interleaved, and found again."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.driver import Advert, Samples
from devices.drivers.shimmer import (
    CABLES,
    ELECTRODES_OFF,
    OUT_OF_RANGE,
    SKIPPED,
    STOPPED,
    Shimmer,
)
from devices.drivers.shimmer_frames import Model, Reading
from devices.virtual.shimmer import PPG_CHANNEL
from pipeline.errors import FrameError
from tests.devices.drivers.shimmer_streams import (
    ACK,
    NACK,
    R3,
    R3R,
    answer,
    assert_is,
    decoded,
    packets,
    stream,
    values,
)


class TestRecognition:
    @pytest.mark.parametrize(
        ("name", "service", "recognised"),
        [
            pytest.param("Shimmer3R-2F31-BLE", CABLES[R3R].service, True, id="Shimmer3R as it says it"),
            pytest.param("Shimmer3-9A5F", CABLES[R3].service, True, id="Shimmer3"),
            pytest.param("S3BLE-9A5F", None, True, id="Shimmer3 in its first firmware with Low Energy"),
            pytest.param("Shimmer3R-2F31", None, True, id="no service in the advert"),
            pytest.param("My shimmer", CABLES[R3].service, True, id="renamed"),
            pytest.param("My shimmer", None, False, id="renamed, no service"),
            pytest.param("RN4678", CABLES[R3].service, False, id="anybody's Microchip module"),
            pytest.param("CYSPP", CABLES[R3R].service, False, id="anybody's Infineon module"),
            pytest.param("", CABLES[R3R].service, False, id="no name"),
            pytest.param("Scale", None, False, id="something else"),
        ],
    )
    def test_it_goes_by_the_name(self, name: str, service: str | None, recognised: bool):
        advert = Advert("C0:00:00:00:00:13", name, (service,) if service else (), -60)
        assert Shimmer().recognises(advert) is recognised


class TestStream:
    @pytest.mark.parametrize("model", Model)
    def test_a_notification_of_packets(self, model: Model):
        found = decoded([stream(packets(10))], model)
        assert_is(found, packets(10))
        assert found.rates_hz == {51.2}

    def test_known_bytes(self):
        # three packets, 640 ticks apart: 2 V at 1 MOhm is 3 µS, 1 V at 287 kOhm is 1000 / 287 µS
        (eda,) = Shimmer().decoder().feed(R3R, bytes.fromhex("000080005545 008082005545 00008500aa8a"))
        np.testing.assert_allclose(eda.columns["eda_us"], [1000 / 287, 1000 / 287, 3.0], rtol=1e-12)
        assert eda.device_time_s is not None
        np.testing.assert_allclose(eda.device_time_s, np.array([32768, 33408, 34048]) / 32768, rtol=1e-15)

    @given(cuts=st.lists(st.integers(1, 60), min_size=1, max_size=40))
    def test_the_stream_may_be_cut_anywhere(self, cuts: list[int]):
        whole = answer(R3R) + ACK + stream(packets(30)) + ACK
        edges = [0, *np.cumsum(cuts).clip(max=len(whole)).tolist(), len(whole)]
        pieces = [whole[start:end] for start, end in pairwise(edges)]
        assert_is(decoded([*pieces, stream(packets(2, first=30))]), packets(32))

    def test_byte_by_byte(self):
        whole = ACK * 5 + answer(R3) + ACK + stream(packets(31))
        assert_is(decoded([bytes([byte]) for byte in whole], R3), packets(30))

    def test_a_packet_in_two_notifications_waits_for_the_next(self):
        whole = stream(packets(10))
        assert_is(decoded([whole[:40], whole[40:42]]), packets(6))
        assert_is(decoded([whole[:40], whole[40:48]]), packets(8))

    @pytest.mark.parametrize("cut", range(7))
    def test_a_connection_may_begin_amid_a_packet(self, cut: int):
        assert_is(decoded([stream(packets(10))[cut:]]), packets(10)[math.ceil(cut / 6) :])

    @pytest.mark.parametrize("rest", range(18))
    def test_or_with_the_end_of_an_earlier_stream(self, rest: int):
        earlier = stream(packets(5))[30 - rest :]
        assert_is(decoded([earlier + ACK, answer(R3R) + ACK + stream(packets(5, first=90))]), packets(5, 90))

    def test_stamps_wrap(self):
        around = packets(20, first=26214 - 10)  # 26214.4 periods make 2^24 ticks
        assert around[-1].ticks < around[0].ticks
        assert_is(decoded([stream(around)]), around)

    def test_stamps_may_be_off_by_a_few_milliseconds(self):
        shaky = [replace(packet, ticks=packet.ticks + 70 * (k % 2)) for k, packet in enumerate(packets(20))]
        assert_is(decoded([stream(shaky)]), shaky)

    def test_packets_that_the_sensor_left_out_are_no_malformed_bytes(self):
        some = packets(10) + packets(10, first=60)
        assert_is(decoded([stream(some)]), some)

    @pytest.mark.parametrize("model", Model)
    @pytest.mark.parametrize(
        "between",
        [
            pytest.param(ACK, id="an acknowledgement"),
            pytest.param(NACK, id="a refusal"),
            pytest.param(b"\xff\x8a\x71\x12", id="a status"),
            pytest.param(b"\x8a\x71\x12", id="a status without acknowledgement"),
        ],
    )
    def test_answers_stand_between_packets(self, model: Model, between: bytes):
        whole = stream(packets(10)) + between + stream(packets(10, first=10))
        assert_is(decoded([whole], model), packets(20))
        assert_is(decoded([whole[:62], whole[62:]], model), packets(20))

    @pytest.mark.parametrize("second", [0, 1])
    @pytest.mark.parametrize("cut", [61, 62, 63, 64, 65, 66, 70])
    def test_newer_shimmer3r_have_a_second_byte_of_status(self, second: int, cut: int):
        whole = stream(packets(10)) + bytes([0xFF, 0x8A, 0x71, 0x12, second]) + stream(packets(10, first=10))
        assert_is(decoded([whole[:cut], whole[cut:]]), packets(20))

    def test_a_sensor_that_was_stopped_by_hand_says_so(self):
        found = decoded([stream(packets(10)), b"\xff\x8a\x71\x00\x00"])
        assert (found.events, found.refused) == ([(STOPPED,)], [])

    def test_the_rate_is_the_answered_one(self):
        slow = packets(10, divider=1024)
        found = decoded([answer(R3, divider=1024) + ACK + stream(slow)], R3)
        assert_is(found, slow)
        assert found.rates_hz == {32.0}

    def test_a_stream_of_before_the_settings_is_as_good(self):
        notifications = [stream(packets(9)), ACK * 5 + answer(R3R), ACK + stream(packets(9, first=400))]
        assert_is(decoded(notifications), packets(9) + packets(9, first=400))

    def test_other_channels_are_nothing_to_it(self):
        assert Shimmer().decoder().feed("battery", stream(packets(10))) == ()


class TestReadings:
    @pytest.mark.parametrize(
        ("reading", "events"),
        [
            pytest.param(Reading(0, 4095), (OUT_OF_RANGE,), id="saturated"),
            pytest.param(Reading(3, 0), (OUT_OF_RANGE,), id="zero"),
            pytest.param(Reading(1, 600), (OUT_OF_RANGE,), id="below the reference"),
        ],
    )
    def test_what_cannot_be_measured_is_missing_and_told(self, reading: Reading, events: tuple[str, ...]):
        some = packets(5)
        some[2] = replace(some[2], reading=reading)
        found = decoded([stream(some)])
        np.testing.assert_array_equal(found.eda_us, values(some)[0])
        assert np.flatnonzero(np.isnan(found.eda_us)).tolist() == [2]
        assert found.events == [events]

    def test_open_electrodes_are_told(self):
        some = packets(5)
        some[2] = replace(some[2], reading=Reading(3, 500))
        found = decoded([stream(some)])
        assert found.eda_us == values(some)[0]
        assert 0 < found.eda_us[2] < 0.001
        assert found.events == [(ELECTRODES_OFF,)]


class TestLoss:
    @pytest.mark.parametrize("garbage", ["01", "00", "0000", "0201ff", "deadbeef", "00112233445566", "8a8a"])
    def test_garbage_costs_no_packet_of_its_notification(self, garbage: str):
        found = decoded([stream(packets(5)) + bytes.fromhex(garbage) + stream(packets(5, first=5))])
        assert (found.eda_us, found.ticks) == values(packets(10))
        assert (found.events, found.refused) == ([(SKIPPED,)], [])

    def test_a_notification_of_nothing_but_garbage_is_malformed(self):
        found = decoded([stream(packets(5)), bytes.fromhex("0102030405060708"), stream(packets(5, first=5))])
        assert (found.eda_us, found.ticks) == values(packets(10))
        assert found.refused == ["Shimmer frame 0102030405060708: not in step with the stream"]

    @pytest.mark.parametrize("lost", range(1, 14))
    def test_a_lost_notification_costs_its_packets_and_no_wrong_value(self, lost: int):
        whole = stream(packets(100))
        chunks = [whole[start : start + 20] for start in range(0, len(whole), 20)]
        del chunks[lost]
        there = [k for k in range(100) if 6 * k + 6 <= 20 * lost or 6 * k >= 20 * (lost + 1)]
        found = decoded(chunks, R3)
        assert (found.eda_us, found.ticks) == values([packets(100)[k] for k in there])
        assert found.refused == []

    @given(at=st.integers(0, 60), length=st.integers(1, 60), size=st.integers(7, 60))
    def test_no_loss_makes_a_value_that_was_never_measured(self, at: int, length: int, size: int):
        whole = stream(packets(60, first=1234))
        chunks = [whole[start : start + size] for start in range(0, len(whole), size)]
        found = decoded([*chunks[:at], *chunks[at + length :], ACK])
        stamped = {packet.reading.eda_us: packet.ticks for packet in packets(60, first=1234)}
        assert len(stamped) == 60
        for eda_us, ticks in zip(found.eda_us, found.ticks, strict=True):
            assert abs(stamped[eda_us] - ticks) <= 160

    def test_a_repeated_notification_costs_nothing(self):
        whole = stream(packets(40))
        chunks = [whole[start : start + 20] for start in range(0, len(whole), 20)]
        found = decoded([*chunks[:4], chunks[3], *chunks[4:], ACK])
        assert set(zip(*values(packets(40)), strict=True)) >= set(zip(found.eda_us, found.ticks, strict=True))
        assert len(found.eda_us) >= 35

    @given(st.data())
    @settings(max_examples=200)
    def test_any_bytes_decode_or_raise_frame_error(self, data: st.DataObject):
        good = bytearray(ACK * 3 + answer(R3R) + ACK + stream(packets(20)))
        for _ in range(data.draw(st.integers(0, 6))):
            at = data.draw(st.integers(0, len(good) - 1))
            good[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
        decoder = Shimmer().decoder()
        model = data.draw(st.sampled_from(Model))
        for payload in (
            *data.draw(st.lists(st.binary(max_size=30), max_size=5)),
            bytes(good),
            stream(packets(9)),
        ):
            try:
                made = decoder.feed(model, payload)
            except FrameError:
                continue
            assert all(isinstance(samples, Samples) for samples in made)

    @given(st.binary(max_size=200))
    def test_it_finds_the_stream_behind_anything(self, anything: bytes):
        decoder = Shimmer().decoder()
        made: list[Samples] = []
        for payload in (anything, *[stream(packets(40, first=1000 + 40 * k)) for k in range(6)]):
            try:
                made += decoder.feed(R3R, payload)
            except FrameError as error:
                if "channels" in error.reason:
                    return
        ticks = {tick for samples in made for tick in (np.asarray(samples.device_time_s) * 32768).tolist()}
        assert {float(packet.ticks) for packet in packets(40, first=1200)} <= ticks


class TestRefusal:
    def test_a_sensor_with_other_channels_is_not_read(self):
        notifications = [answer(R3, (PPG_CHANNEL, 0x1C)), ACK + stream(packets(10)), stream(packets(10))]
        found = decoded(notifications, R3)
        reason = "its packets hold channels 12 1c, not skin conductance (1c) alone"
        assert (found.eda_us, found.events) == ([], [])
        assert found.refused == [f"Shimmer frame {payload.hex()}: {reason}" for payload in notifications]

    def test_what_came_before_the_answer_is_kept(self):
        found = decoded([stream(packets(5)) + answer(R3R, (PPG_CHANNEL,)) + stream(packets(5, first=5))])
        assert (found.eda_us, found.ticks) == values(packets(5))
        assert found.events == [("its packets hold channels 12, not skin conductance (1c) alone",)]
