"""Streams that dry up or never begin, sensors that want to be paired, and what is told of each."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from devices.connection import Found
from devices.driver import Link
from devices.drivers import heart_rate
from devices.drivers.heart_rate import HeartRate
from pipeline.errors import PairingError
from tests.devices.air import (
    CONNECTED,
    FAILED,
    PAIRED,
    QUIET,
    SILENT,
    STOPPED,
    Room,
    in_room,
    until,
)


class Two(HeartRate):
    """A driver that names each second notification of a strap another channel."""

    def __init__(self, *expected: str) -> None:
        self.expected, self.count, self.stops = expected, 0, 0

    def _channel(self, _: bytes) -> str:
        self.count += 1
        return "odd" if self.count % 2 else "even"

    async def start(self, link: Link) -> None:
        await link.subscribe(heart_rate.MEASUREMENT, self._channel, silence_s=None)
        for channel in self.expected:
            link.expect(channel, 5.0)

    async def stop(self, link: Link) -> None:
        self.stops += 1


async def found(here: Room, driver: Any) -> Found:
    return replace(await here.found(), driver=driver)


class TestStreams:
    def test_a_stream_that_never_begins_beside_another_is_told_once_and_ends_nothing(self):
        async def scenario(here: Room) -> None:
            async with here.supervised(await found(here, Two("odd", "even", "ecg"))):
                await until(lambda: len(here.notes.payloads) >= 60)
            assert here.notes.links == [
                (1, CONNECTED, ""),
                (1, QUIET, "no ecg so far"),
                (1, STOPPED, ""),
            ]

        in_room(scenario)

    def test_a_stream_that_begins_late_is_told(self):
        class Late(Two):
            def _channel(self, payload: bytes) -> str:
                return "ecg" if self.count > 20 and self.count % 2 else super()._channel(payload)

        late = Late("odd", "ecg")

        async def scenario(here: Room) -> None:
            async with here.supervised(await found(here, late)):
                await until(lambda: len(here.notes.payloads) >= 12)
                late.count = 21
                await until(lambda: len(here.notes.links) >= 3)
            assert here.notes.links[1:3] == [(1, QUIET, "no ecg so far"), (1, CONNECTED, "ecg began")]

        in_room(scenario)

    def test_one_stream_that_dries_up_ends_the_link_and_the_sensor_is_told_to_stop(self):
        class Drying(Two):
            def _channel(self, payload: bytes) -> str:
                super()._channel(payload)
                return "even" if self.count < 20 else "odd"

        drying = Drying("odd", "even")

        async def scenario(here: Room) -> None:
            async with here.supervised(await found(here, drying)):
                await until(lambda: (1, SILENT) in here.notes.events)
                stopped = drying.stops
            assert here.notes.links[1] == (1, QUIET, "no odd so far")
            assert (1, SILENT, "no even for 5 s") in here.notes.links
            assert stopped == 1

        in_room(scenario)

    def test_what_nobody_expects_ends_nothing_when_it_stops(self):
        class Stray(Two):
            def _channel(self, payload: bytes) -> str:
                super()._channel(payload)
                return "stray" if self.count == 3 else "odd"

        async def scenario(here: Room) -> None:
            async with here.supervised(await found(here, Stray("odd"))):
                await until(lambda: len(here.notes.payloads) >= 30)
            assert here.notes.events == [(1, CONNECTED), (1, STOPPED)]

        in_room(scenario)

    def test_what_a_driver_cannot_name_or_bear_is_kept_all_the_same(self):
        class Clumsy(HeartRate):
            async def start(self, link: Link) -> None:
                def fails(_: bytes) -> Any:
                    raise IndexError

                await link.subscribe(heart_rate.MEASUREMENT, fails, silence_s=None, heard=fails)
                link.expect("unnamed", 5.0)

        async def scenario(here: Room) -> None:
            async with here.supervised(await found(here, Clumsy())):
                await until(lambda: len(here.notes.payloads) >= 10)
            assert here.notes.events == [(1, CONNECTED), (1, STOPPED)]
            assert {channel for _, channel, _, _ in here.notes.notifications} == {"unnamed"}
            assert here.notes.payloads == [sent.payload for sent in here.strap.sent]

        in_room(scenario)


class TestPairing:
    def test_a_sensor_that_wants_it_is_paired_and_streams(self):
        async def scenario(here: Room) -> None:
            here.strap.require_pairing()
            async with here.supervised():
                await until(lambda: len(here.notes.payloads) >= 5)
            assert here.notes.events == [(1, CONNECTED), (1, PAIRED), (1, STOPPED)]
            assert here.notes.payloads == [sent.payload for sent in here.strap.sent]

        in_room(scenario)

    def test_what_pairing_does_not_help_is_not_paired_for_ever(self):
        class Refusing(HeartRate):
            starts = 0

            async def start(self, link: Link) -> None:
                self.starts += 1
                raise PairingError("pair it")

        refusing = Refusing()

        async def scenario(here: Room) -> None:
            async with here.supervised(await found(here, refusing)):
                await until(lambda: len(here.notes.links) >= 12)
            assert here.notes.events[:6] == [
                event for generation in (1, 2, 3) for event in ((generation, CONNECTED), (generation, FAILED))
            ]
            assert {reason for _, event, reason in here.notes.links if event is FAILED} == {"pair it"}
            attempts = sum(event is CONNECTED for _, event, _ in here.notes.links)
            assert attempts + 2 - 1 <= refusing.starts <= attempts + 2  # twice after a pairing, and no more

        in_room(scenario)


def test_a_fault_of_ours_is_another_attempt(monkeypatch: pytest.MonkeyPatch):
    async def scenario(here: Room) -> None:
        sensor = await here.found()
        real, failures = HeartRate.start, [0]

        async def fails_once(self: HeartRate, link: Link) -> None:
            if not failures[0]:
                failures[0] = 1
                raise ZeroDivisionError
            await real(self, link)

        monkeypatch.setattr(HeartRate, "start", fails_once)
        async with here.supervised(sensor):
            await until(lambda: here.notes.payloads)
            await asyncio.sleep(0.1)
        assert here.notes.links[1] == (1, FAILED, "ZeroDivisionError")

    in_room(scenario)
