"""The control point of Polar sensors: answers that are lost, odd, or never come, and a missing service."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pytest
from bumble.att import ATT_Error, ErrorCode
from bumble.core import UUID
from bumble.gatt import Service

from devices.connection import scan, supervise
from devices.drivers import polar
from devices.drivers.heart_rate import HeartRateMeasurement
from devices.drivers.polar import Polar
from devices.drivers.polar_frames import (
    Command,
    Measurement,
    Settings,
    Status,
)
from devices.virtual import polar as virtual
from devices.virtual.peripheral import Body, Label, commanded
from devices.virtual.polar import VirtualPolarH10, VirtualVeritySense
from devices.virtual.radio import VirtualRadio
from devices.virtual.strap import VirtualStrap
from pipeline.clock import Clock, run
from tests.devices.air import (
    CONNECTED,
    QUIET,
    SPEED,
    Notebook,
    SteadyBody,
    background,
    until,
)
from tests.devices.air import (
    STOPPED as LINK_STOPPED,
)
from tests.devices.drivers.polar_room import (
    ASK_ACC,
    ASK_ECG,
    ASK_PPG,
    ECG_COLUMNS,
    START_ECG,
    START_H10_ACC,
    START_PPI,
    STOP_ACC,
    STOP_ECG,
    STOP_PPI,
    PolarRoom,
    assert_true_samples,
    in_room_with,
)

ECG, PPG, ACC, PPI, GYROSCOPE, MAGNETOMETER, SKIN_TEMPERATURE = Measurement


class TestControlPoint:
    @pytest.mark.parametrize(
        ("command", "answer"),
        [
            pytest.param(
                bytes([1, ACC]), "f0010200000004c80064003200190001011000" + "0203080004000200", id="settings"
            ),
            pytest.param(bytes([1, PPG]), "f0010103", id="settings of what it has not"),
            pytest.param(START_ECG, "f002000000", id="start"),
            pytest.param(bytes([3, ECG]), "f0030006", id="stop of what is not running"),
            pytest.param(bytes([2, PPG]), "f0020103", id="start of what it has not"),
            pytest.param(bytes([2, ECG]), "f0020008", id="start without a rate"),
            pytest.param(bytes.fromhex("02000001810001010e00"), "f0020008", id="another rate"),
            pytest.param(bytes.fromhex("0200000182000101" + "1000"), "f0020007", id="another resolution"),
            pytest.param(bytes.fromhex("0202000119000101100002011000"), "f0020209", id="another range"),
            pytest.param(bytes.fromhex("0904"), "f0090405", id="another operation"),
            pytest.param(b"", "f0000005", id="nothing"),
        ],
    )
    def test_the_virtual_h10_answers(self, command: bytes, answer: str):
        async def scenario(here: PolarRoom) -> None:
            answers = []
            here.sensor.answer = lambda _, payload: answers.append(payload)  # type: ignore[method-assign]
            here.sensor._commanded(command)
            assert answers == [bytes.fromhex(answer)]

        in_room_with(VirtualPolarH10, scenario)

    def test_a_control_point_that_never_answers_costs_time_but_not_the_heart_rate(self):
        async def scenario(here: PolarRoom) -> None:
            here.sensor.answer = lambda *_: None  # type: ignore[method-assign]
            async with here.supervised():
                await until(lambda: len(here.heard("heart_rate")) == 30)
            assert here.notes.links == [
                (1, CONNECTED, ""),
                (1, QUIET, "no ecg so far"),
                (1, QUIET, "no acc so far"),
                (1, LINK_STOPPED, ""),
            ]
            assert here.sensor.commands == [ASK_ECG, ASK_ECG, ASK_ACC, ASK_ACC]

        in_room_with(VirtualPolarH10, scenario)

    def test_nor_where_so_much_is_offered_that_there_is_no_time_to_ask_for_all(self):
        async def scenario(here: PolarRoom) -> None:
            here.sensor.answer = lambda *_: None  # type: ignore[method-assign]
            async with here.supervised():
                await until(lambda: len(here.heard("heart_rate")) == 30)
            assert here.notes.links == [
                (1, CONNECTED, ""),
                (1, QUIET, "no ppg so far"),
                (1, QUIET, "no acc so far"),
                (1, LINK_STOPPED, ""),
            ]
            asked = [STOP_PPI, ASK_PPG, ASK_PPG, ASK_ACC, ASK_ACC, START_PPI, STOP_PPI]
            assert here.sensor.commands == asked

        in_room_with(VirtualVeritySense, scenario)

    @pytest.mark.parametrize(
        ("lost", "commands"),
        [
            pytest.param(0, [ASK_ECG, ASK_ECG, START_ECG], id="settings"),
            pytest.param(1, [ASK_ECG, START_ECG, START_ECG, STOP_ECG, START_ECG], id="a start that worked"),
        ],
    )
    def test_after_a_lost_answer_it_is_asked_once_more(self, lost: int, commands: list[bytes]):
        async def scenario(here: PolarRoom) -> None:
            answer, answers = here.sensor.answer, itertools.count()

            def losing(characteristic: Any, payload: bytes) -> None:
                if next(answers) != lost:
                    answer(characteristic, payload)

            here.sensor.answer = losing  # type: ignore[method-assign]
            async with here.supervised():
                await until(lambda: len(here.heard("acc")) == 3)
                assert here.sensor.commands == [*commands, ASK_ACC, START_H10_ACC]
            assert here.notes.events == [(1, CONNECTED), (1, LINK_STOPPED)]
            assert_true_samples(here.decoded()["ecg"], ECG_COLUMNS, virtual.UNSET_S)

        in_room_with(VirtualPolarH10, scenario)

    @pytest.mark.parametrize("command", [ASK_ECG, START_ECG], ids=["settings", "start"])
    def test_a_stream_that_is_never_answered_for_is_told_missing_and_the_others_flow(self, command: bytes):
        async def scenario(here: PolarRoom) -> None:
            obey = here.sensor._obey

            def ignoring(told: Command) -> tuple[Status, Settings]:
                if bytes(told) == command:
                    raise ATT_Error(ErrorCode.UNLIKELY_ERROR)
                return obey(told)

            here.sensor._obey = ignoring  # type: ignore[method-assign]
            async with here.supervised():
                await until(lambda: len(here.heard("acc")) == 20)
                assert here.sensor.commands.count(command) == 2
            assert here.notes.links == [
                (1, CONNECTED, ""),
                (1, QUIET, "no ecg so far"),
                (1, LINK_STOPPED, ""),
            ]

        in_room_with(VirtualPolarH10, scenario)

    def test_a_command_that_fails_once_costs_nothing(self):
        async def scenario(here: PolarRoom) -> None:
            obey, failures = here.sensor._obey, iter([True])

            def failing(told: Command) -> tuple[Status, Settings]:
                if next(failures, False):
                    raise ATT_Error(ErrorCode.UNLIKELY_ERROR)
                return obey(told)

            here.sensor._obey = failing  # type: ignore[method-assign]
            async with here.supervised():
                await until(lambda: here.heard("ecg") and here.heard("acc"))
                assert here.sensor.commands == [ASK_ECG, ASK_ECG, START_ECG, ASK_ACC, START_H10_ACC]
            assert here.notes.events == [(1, CONNECTED), (1, LINK_STOPPED)]

        in_room_with(VirtualPolarH10, scenario)

    def test_a_stream_that_is_said_to_run_and_does_not_is_told_missing(self):
        async def scenario(here: PolarRoom) -> None:
            here.sensor.refusals[ECG] = Status.ALREADY_IN_STATE
            async with here.supervised():
                await until(lambda: len(here.heard("acc")) == 20)
                started = [ASK_ECG, START_ECG, STOP_ECG, START_ECG, ASK_ACC, START_H10_ACC]
                assert here.sensor.commands == started
            assert here.sensor.commands[6:] == [STOP_ECG, STOP_ACC]
            assert here.notes.links[1:2] == [(1, QUIET, "no ecg so far")]

        in_room_with(VirtualPolarH10, scenario)

    def test_settings_that_cannot_be_read_are_told_by_a_missing_stream(self):
        async def scenario(here: PolarRoom) -> None:
            answer = here.sensor.answer

            def cut(characteristic: Any, payload: bytes) -> None:
                answer(characteristic, payload[:-1] if payload[:3] == b"\xf0\x01\x00" else payload)

            here.sensor.answer = cut  # type: ignore[method-assign]
            async with here.supervised():
                await until(lambda: len(here.heard("acc")) == 20)
            assert here.notes.links[1:2] == [(1, QUIET, "no ecg so far")]

        in_room_with(VirtualPolarH10, scenario)

    def test_answers_to_others_are_not_taken_for_ours(self):
        async def scenario(here: PolarRoom) -> None:
            answer = here.sensor.answer

            def chattering(characteristic: object, payload: bytes) -> None:
                for each in (b"\x01\x05", b"\x0f", bytes([0xF0, 1, MAGNETOMETER, 3]), payload):
                    answer(characteristic, each)  # type: ignore[arg-type]

            here.sensor.answer = chattering  # type: ignore[method-assign, assignment]
            async with here.supervised():
                await until(lambda: len(here.heard("acc")) == 2)
                assert here.sensor.commands == [ASK_ECG, START_ECG, ASK_ACC, START_H10_ACC]

        in_room_with(VirtualPolarH10, scenario)


class WithoutService(VirtualStrap):
    """A Polar sensor of old firmware."""

    LABEL = Label("Polar OH1 1A2B3C4D", "C0:00:00:00:00:13", model="OH1", serial="1")


class Mute(VirtualStrap):
    """One whose control point does not list its features and never answers, and which has no data."""

    def __init__(self, radio: VirtualRadio, clock: Clock, body: Body, label: Label) -> None:
        super().__init__(radio, clock, body, label)
        control = commanded(polar.CONTROL, self.commanded, value=b"\0", answers=True)
        self.device.add_services([Service(UUID(polar.SERVICE), [control])])

    def commanded(self, _: bytes) -> None:
        """Acknowledge the command, and no more."""


@pytest.mark.parametrize(
    ("make", "missing"),
    [(WithoutService, []), (Mute, ["ecg", "ppg", "acc"])],  # the others are slow
    ids=["no service", "no data"],
)
def test_without_a_whole_service_the_heart_rate_flows(make: type[VirtualStrap], missing: list[str]):
    async def main(clock: Clock) -> Notebook:
        notes = Notebook(clock)
        async with (
            VirtualRadio() as radio,
            make(radio, clock, SteadyBody(), WithoutService.LABEL) as sensor,
            background(sensor.run()),
        ):
            (found,) = await scan(radio.radio, until=bool)
            link = supervise(replace(found, driver=Polar()), "polar", notes, radio.radio, str)
            async with background(link):
                await until(lambda: len(notes.payloads) == 20)
        return notes

    notes = run(main, SPEED)
    assert notes.links == [
        (1, CONNECTED, ""),
        *((1, QUIET, f"no {channel} so far") for channel in missing),
        (1, LINK_STOPPED, ""),
    ]
    assert {channel for _, channel, *_ in notes.notifications} == {"heart_rate"}
    assert HeartRateMeasurement.from_bytes(notes.payloads[-1]).heart_rate_bpm == 75
