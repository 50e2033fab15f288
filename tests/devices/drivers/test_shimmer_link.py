"""A Shimmer3R and a Shimmer3 over the virtual radio: started, taken over, found again, and timed."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest
from bumble.core import UUID
from bumble.gatt import Service

from devices import decoding
from devices.connection import Found, scan, supervise
from devices.drivers.shimmer import (
    STOPPED,
    Shimmer,
)
from devices.drivers.shimmer_frames import Reading
from devices.virtual.peripheral import Body, Label, Peripheral, Quartz, notifying
from devices.virtual.radio import VirtualRadio
from devices.virtual.shimmer import CHUNK_BYTES, VirtualShimmer3, VirtualShimmer3R
from pipeline.clock import Clock, run
from pipeline.journal import Kind, Record
from pipeline.model import Floats, Stream
from tests.devices.air import CONNECTED, FAILED, LOST, PAIRED, SPEED, Notebook, background, until
from tests.devices.air import STOPPED as ENDED
from tests.devices.drivers.shimmer_streams import (
    Decoded,
    decoded,
)
from tests.pipeline.sessions import event

START_COMMANDS = ["20", "8b00", "08040000", "058002", "2104", "01", "07"]


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
                await asyncio.sleep(560.0)
            found = here.arrived
            assert (found.events, found.refused) == ([], [])
            assert np.count_nonzero(np.diff(found.ticks) < 0) == 2
            assert set((np.diff(found.ticks) % (1 << 24)).tolist()) == {640.0}
            assert len(found.ticks) >= 51.2 * 550
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
