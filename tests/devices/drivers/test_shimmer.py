"""The streams of a Shimmer3R and a Shimmer3: cut anywhere, interleaved, found again, and over the radio."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np
import pytest
from bumble.core import UUID
from bumble.gatt import Service
from hypothesis import given, settings
from hypothesis import strategies as st

from devices import decoding
from devices.connection import Found, scan, supervise
from devices.driver import Advert, Samples
from devices.drivers.shimmer import (
    CABLES,
    ELECTRODES_OFF,
    OUT_OF_RANGE,
    SKIPPED,
    STOPPED,
    Shimmer,
)
from devices.drivers.shimmer_frames import Inquiry, Model, Packet, Reading
from devices.virtual.peripheral import Body, Label, Peripheral, Quartz, notifying
from devices.virtual.radio import VirtualRadio
from devices.virtual.shimmer import CHUNK_BYTES, PPG_CHANNEL, VirtualShimmer3, VirtualShimmer3R
from pipeline.clock import Clock, run
from pipeline.errors import FrameError
from pipeline.journal import Kind, Record
from pipeline.model import Floats, Stream
from tests.devices.air import CONNECTED, FAILED, LOST, PAIRED, SPEED, Notebook, background, until
from tests.devices.air import STOPPED as ENDED
from tests.pipeline.sessions import event

R3, R3R = Model.SHIMMER3, Model.SHIMMER3R
ACK, NACK = b"\xff", b"\xfe"
START_COMMANDS = ["20", "8b00", "08040000", "058002", "2104", "01", "07"]


def packets(count: int, first: int = 0, divider: int = 640) -> list[Packet]:
    """Packets with a conductance that rises; numbered from `first`, stamped as the sensor counts."""
    return [
        Packet(k * divider % (1 << 24), Reading.of(2 + k % 977 / 100)) for k in range(first, first + count)
    ]


def stream(of: Sequence[Packet]) -> bytes:
    return b"".join(map(bytes, of))


def answer(model: Model, channels: tuple[int, ...] = (0x1C,), divider: int = 640) -> bytes:
    """An inquiry's answer with its acknowledgement."""
    return ACK + bytes(Inquiry(divider, bytes(model.setup_bytes), channels))


@dataclass
class Decoded:
    """Everything that notifications decoded to."""

    eda_us: list[float] = field(default_factory=list)
    ticks: list[float] = field(default_factory=list)
    events: list[tuple[str, ...]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    rates_hz: set[float | None] = field(default_factory=set)


def decoded(notifications: Sequence[bytes], model: Model = R3R) -> Decoded:
    decoder, found = Shimmer().decoder(), Decoded()
    for payload in notifications:
        try:
            made = decoder.feed(model, payload)
        except FrameError as error:
            found.refused.append(str(error))
            continue
        for samples in made:
            assert samples.stream == "eda"
            assert samples.wrap_s == 512.0
            assert samples.device_time_s is not None
            found.eda_us += samples.columns["eda_us"].tolist()
            found.ticks += (samples.device_time_s * 32768).tolist()
            found.rates_hz.add(samples.rate_hz)
            if samples.events:
                found.events.append(samples.events)
    return found


def values(of: Sequence[Packet]) -> tuple[list[float], list[float]]:
    return [packet.reading.eda_us for packet in of], [float(packet.ticks) for packet in of]


def assert_is(found: Decoded, of: Sequence[Packet]) -> None:
    """The same packets, and nothing to be told."""
    assert (found.eda_us, found.ticks) == values(of)
    assert (found.events, found.refused) == ([], [])


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


class Sweat:
    """Skin whose conductance goes slowly through all four ranges."""

    def beats(self, start_s: float, end_s: float) -> Sequence[tuple[float, float]]:
        return []

    def eda_us(self, start_s: float, end_s: float, rate_hz: float) -> Floats:
        time_s = np.arange(math.ceil(start_s * rate_hz), math.ceil(end_s * rate_hz)) / rate_hz
        return np.asarray(np.exp(1.2 + 2.0 * np.sin(time_s / 17)))

    def ecg_uv(self, start_s: float, end_s: float, rate_hz: float) -> Floats:
        raise NotImplementedError

    ppg_au = acc_mg = ecg_uv


Virtual = VirtualShimmer3 | VirtualShimmer3R
Make = Callable[[VirtualRadio, Clock, Body], Virtual]
BOTH = pytest.mark.parametrize("make", [VirtualShimmer3R, VirtualShimmer3], ids=["Shimmer3R", "Shimmer3"])


@dataclass
class Here:
    """A virtual Shimmer on the air, and a notebook."""

    clock: Clock
    radio: VirtualRadio
    sensor: Virtual
    notes: Notebook

    async def found(self) -> Found:
        (found,) = await scan(self.radio.radio, until=bool)
        return replace(found, driver=Shimmer())

    async def supervise(self) -> None:
        await supervise(await self.found(), "skin", self.notes, self.radio.radio, str)

    @property
    def payloads(self) -> list[bytes]:
        """What came over the sensor's cable."""
        return [
            payload for _, channel, _, payload in self.notes.notifications if channel == self.sensor.model
        ]

    @property
    def arrived(self) -> Decoded:
        """What the notifications of all connections decode to, each by a decoder of its own."""
        whole = Decoded()
        for generation in self.notes.generations():
            part = decoded(
                [p for _, c, g, p in self.notes.notifications if (c, g) == (self.sensor.model, generation)],
                self.sensor.model,
            )
            whole.eda_us += part.eda_us
            whole.ticks += part.ticks
            whole.events += part.events
            whole.refused += part.refused
        return whole


def on_air(
    make: Make, scenario: Callable[[Here], Coroutine[None, None, None]], quartz: Quartz | None = None
) -> None:
    async def main(clock: Clock) -> None:
        async with VirtualRadio() as radio, make(radio, clock, Sweat()) as sensor:
            sensor.quartz = quartz or Quartz()
            async with background(sensor.run()):
                await scenario(Here(clock, radio, sensor, Notebook(clock)))

    run(main, SPEED)


def truth(ticks: Sequence[float], quartz: Quartz, began_s: float) -> tuple[Floats, Floats]:
    """When samples with these stamps were taken, and what an auto-ranging sensor made of the skin then."""
    steps = np.diff(np.array(ticks, dtype=np.int64)) % (1 << 24)
    counted = np.concatenate([[0], np.cumsum(steps)]) + int(ticks[0])
    unwrapped = counted + (1 << 24) * round(((quartz.at(began_s) * 32768) - ticks[0]) / (1 << 24))
    k = np.round((unwrapped - round(quartz.offset_s * 32768)) / 640)
    time_s = k / quartz.actual_hz(51.2)
    eda_us = np.exp(1.2 + 2.0 * np.sin(time_s / 17))
    return time_s, np.array([Reading.of(value).eda_us for value in eda_us.tolist()])


class TestOnTheAir:
    @BOTH
    def test_it_is_set_started_and_stopped(self, make: Make):
        async def scenario(here: Here) -> None:
            async with background(here.supervise()):
                await until(lambda: len(here.arrived.eda_us) >= 200)
                assert here.sensor.streaming
                assert [command.hex() for command in here.sensor.commands] == START_COMMANDS
            assert [command.hex() for command in here.sensor.commands] == [*START_COMMANDS, "20"]
            assert not here.sensor.streaming
            assert here.notes.events == [(1, CONNECTED), (1, ENDED)]
            assert here.payloads == [sent.payload for sent in here.sensor.sent]

        on_air(make, scenario)

    @BOTH
    def test_every_sample_is_the_body_s(self, make: Make):
        async def scenario(here: Here) -> None:
            began_s = here.clock.now()
            async with background(here.supervise()):
                await until(lambda: len(here.arrived.eda_us) >= 1000)
            found = here.arrived
            assert (found.events, found.refused) == ([], [])
            assert set((np.diff(found.ticks) % (1 << 24)).tolist()) == {640.0}
            _, eda_us = truth(found.ticks, here.sensor.quartz, began_s)
            np.testing.assert_allclose(found.eda_us, eda_us, rtol=1e-9)

        on_air(make, scenario)

    @BOTH
    def test_notifications_do_not_align_with_packets(self, make: Make):
        async def scenario(here: Here) -> None:
            async with background(here.supervise()):
                await until(lambda: len(here.arrived.eda_us) >= 100)
            sizes = {len(payload) for payload in here.payloads}
            assert max(sizes) == CHUNK_BYTES[here.sensor.model]
            assert max(sizes) % 6 != 0

        on_air(make, scenario)

    @BOTH
    def test_a_sensor_that_streams_already_is_taken_over(self, make: Make):
        async def scenario(here: Here) -> None:
            here.sensor.begin()
            async with background(here.supervise()):
                await until(lambda: len(here.arrived.eda_us) >= 300)
            assert here.notes.events == [(1, CONNECTED), (1, ENDED)]
            assert (here.arrived.events, here.arrived.refused) == ([], [])

        on_air(make, scenario)

    @BOTH
    def test_one_that_streams_other_channels_is_taken_over(self, make: Make):
        async def scenario(here: Here) -> None:
            here.sensor.sensors, here.sensor.divider = bytes([0x04, 0x01, 0]), 256
            here.sensor.begin()
            async with background(here.supervise()):
                await until(lambda: len(here.arrived.eda_us) >= 300)
            assert here.sensor.channels == (0x1C,)
            assert set(np.diff(here.arrived.ticks).tolist()) == {640.0}

        on_air(make, scenario)

    @BOTH
    def test_it_comes_back_amid_the_stream(self, make: Make):
        async def scenario(here: Here) -> None:
            began_s = here.clock.now()
            async with background(here.supervise()):
                await until(lambda: len(here.arrived.eda_us) >= 200)
                here.sensor.out_of_range()
                await asyncio.sleep(5.3)
                here.sensor.in_range()
                await until(lambda: here.notes.generations() == [1, 2])
                await until(lambda: len(here.arrived.eda_us) >= 600)
            assert here.notes.events == [(1, CONNECTED), (1, LOST), (2, CONNECTED), (2, ENDED)]
            assert here.payloads == [sent.payload for sent in here.sensor.sent]
            found = here.arrived
            assert (found.events, found.refused) == ([], [])
            _, eda_us = truth(found.ticks, here.sensor.quartz, began_s)
            np.testing.assert_allclose(found.eda_us, eda_us, rtol=1e-9)

        on_air(make, scenario)

    @BOTH
    def test_one_that_wants_to_be_paired_is(self, make: Make):
        async def scenario(here: Here) -> None:
            here.sensor.require_pairing()
            async with background(here.supervise()):
                await until(lambda: len(here.arrived.eda_us) >= 100)
            assert here.notes.events == [(1, CONNECTED), (1, PAIRED), (1, ENDED)]

        on_air(make, scenario)

    @BOTH
    def test_its_button_stops_it_and_it_is_started_again(self, make: Make):
        async def scenario(here: Here) -> None:
            async with background(here.supervise()):
                await until(lambda: len(here.arrived.eda_us) >= 200)
                here.sensor.press_button()
                await until(lambda: here.notes.generations() == [1, 2])
                await until(lambda: len(here.arrived.eda_us) >= 400)
            assert here.notes.links[1][2] == "no data for 5 s"
            assert here.arrived.events == [(STOPPED,)]

        on_air(make, scenario)

    @BOTH
    def test_a_status_amid_the_stream_disturbs_nothing(self, make: Make):
        async def scenario(here: Here) -> None:
            async with background(here.supervise()):
                await until(lambda: len(here.arrived.eda_us) >= 100)
                for _ in range(5):
                    here.sensor.push_status()
                    await asyncio.sleep(0.37)
                await until(lambda: len(here.arrived.eda_us) >= 300)
            found = here.arrived
            assert (found.events, found.refused) == ([], [])
            assert set(np.diff(found.ticks).tolist()) == {640.0}

        on_air(make, scenario)

    @BOTH
    def test_more_channels_than_asked_for_are_refused(self, make: Make):
        async def scenario(here: Here) -> None:
            here.sensor.stubborn = True
            async with background(here.supervise()):
                await until(lambda: (2, FAILED) in here.notes.events)
            assert here.notes.links[1] == (
                1,
                FAILED,
                "the Shimmer cannot be read: its packets hold channels 12 1c,"
                " not skin conductance (1c) alone",
            )
            assert "07" not in [command.hex() for command in here.sensor.commands]

        on_air(make, scenario)

    @BOTH
    def test_a_recording_to_its_card_is_told(self, make: Make):
        async def scenario(here: Here) -> None:
            here.sensor.logging = True
            async with background(here.supervise()):
                await until(lambda: (1, FAILED) in here.notes.events)
            assert here.notes.links[1] == (
                1,
                FAILED,
                "the Shimmer takes no settings: stop its recording to the card, or switch off its"
                " synchronisation, then try again",
            )

        on_air(make, scenario)

    @BOTH
    def test_one_that_answers_nothing_is_told(self, make: Make):
        async def scenario(here: Here) -> None:
            here.sensor.muted = True
            async with background(here.supervise()):
                await until(lambda: (1, FAILED) in here.notes.events)
            assert here.notes.links[1] == (
                1,
                FAILED,
                "the Shimmer does not stop: switch it off and on, then try again",
            )

        on_air(make, scenario)

    def test_a_shimmer_without_low_energy_data_is_told(self):
        label = Label("Shimmer3-0001", "C0:00:00:00:00:15", model="Other", serial="1")

        async def main(clock: Clock) -> str:
            other = Service(UUID("181D"), [notifying("00002a9d-0000-1000-8000-00805f9b34fb")])
            async with VirtualRadio() as radio, Peripheral(radio, clock, Sweat(), label, [other], []):
                (found,) = await scan(radio.radio, until=bool)
                notes = Notebook(clock)
                link = supervise(replace(found, driver=Shimmer()), "skin", notes, radio.radio, str)
                async with background(link):
                    await until(lambda: (1, FAILED) in notes.events)
            return notes.links[1][2]

        assert run(main, SPEED) == "this Shimmer has no data over Bluetooth Low Energy: only newer radios do"

    def test_two_sensors_of_one_driver_do_not_hear_each_other(self):
        async def main(clock: Clock) -> list[bool]:
            driver, notes, body = Shimmer(), Notebook(clock), Sweat()
            async with (
                VirtualRadio() as radio,
                VirtualShimmer3R(radio, clock, body) as one,
                VirtualShimmer3(radio, clock, body) as other,
            ):
                devices = await scan(radio.radio, until=lambda found: len(found) == 2)
                links = [
                    supervise(replace(each, driver=driver), each.advert.name, notes, radio.radio, str)
                    for each in devices
                ]
                async with (
                    background(one.run()),
                    background(other.run()),
                    background(links[0]),
                    background(links[1]),
                ):
                    await until(lambda: len(notes.payloads) >= 300)
            for sensor in (one, other):
                assert [
                    payload for device, *_, payload in notes.notifications if device == sensor.label.name
                ] == [sent.payload for sent in sensor.sent]
            return [one.streaming, other.streaming]

        assert run(main, SPEED) == [False, False]


class TestALongSession:
    QUARTZ = Quartz(drift=80e-6, offset_s=500.0)  # wraps after 12 s, and again 512 s later

    @BOTH
    def test_wraps_drift_and_chunks_together(self, make: Make, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(decoding, "driver_of", lambda _: Shimmer())
        timed: list[tuple[float, bytes, str]] = []

        class Timing(Notebook):
            def notification(self, device: str, channel: str, generation: int, payload: bytes) -> None:
                super().notification(device, channel, generation, payload)
                timed.append((self.clock.now(), payload, channel))

        async def scenario(here: Here) -> None:
            here.notes = Timing(here.clock)
            began_s = here.clock.now()
            async with background(here.supervise()):
                await asyncio.sleep(680.0)
            found = here.arrived
            assert (found.events, found.refused) == ([], [])
            assert np.count_nonzero(np.diff(found.ticks) < 0) == 2
            assert set((np.diff(found.ticks) % (1 << 24)).tolist()) == {640.0}
            assert len(found.ticks) >= 51.2 * 670
            time_s, eda_us = truth(found.ticks, self.QUARTZ, began_s)
            np.testing.assert_allclose(found.eda_us, eda_us, rtol=1e-9)

            eda = session_stream(timed)
            assert eda.gaps == ()
            assert eda.rate_hz == 51.2
            np.testing.assert_array_equal(eda.columns["eda_us"], found.eda_us)
            late_s = eda.time_s - time_s
            assert 0 <= late_s.min() < late_s.max() < 0.08  # the end of a packet waits for its notification
            assert np.ptp(late_s) < 0.005

        on_air(make, scenario, self.QUARTZ)


def session_stream(timed: Sequence[tuple[float, bytes, str]]) -> Stream:
    """The stream of a session in which these notifications arrived."""
    device = event(Kind.DEVICE, 0.0, {"name": "Shimmer", "driver": "shimmer"}, "skin")
    records = [
        Record(Kind.DATA, f"skin/{channel}", number, 1, arrival_s, 0, None, payload)
        for number, (arrival_s, payload, channel) in enumerate(timed)
    ]
    streams, markers = decoding.decode([device, *records])
    assert markers == ()
    return streams["eda"]
