"""Polar sensors over the virtual radio: which streams start and with what settings, and what arrives."""

from __future__ import annotations

import asyncio

import pytest

from devices.driver import CONTACT_LOST, Advert
from devices.drivers import heart_rate
from devices.drivers.polar import MOVEMENT, Polar
from devices.drivers.polar_frames import (
    Measurement,
    Settings,
    Status,
)
from devices.virtual import polar as virtual
from devices.virtual.peripheral import Body, Quartz
from devices.virtual.polar import VirtualPolar, VirtualPolarH10, VirtualVeritySense
from devices.virtual.radio import VirtualRadio
from devices.virtual.wearing import Wearing
from pipeline.clock import Clock
from tests.devices.air import (
    CONNECTED,
    LOST,
    PAIRED,
    SILENT,
    until,
)
from tests.devices.air import (
    STOPPED as LINK_STOPPED,
)
from tests.devices.drivers.polar_room import (
    ACC_COLUMNS,
    ASK_ACC,
    ASK_ECG,
    ASK_PPG,
    ECG_COLUMNS,
    PPG_COLUMNS,
    START_ECG,
    START_H10_ACC,
    START_PPG,
    START_PPI,
    START_VERITY_ACC,
    STOP_ACC,
    STOP_ECG,
    STOP_PPG,
    STOP_PPI,
    NumberedBody,
    PolarRoom,
    assert_true_samples,
    in_room_with,
)

ECG, PPG, ACC, PPI, GYROSCOPE, MAGNETOMETER, SKIN_TEMPERATURE = Measurement


class TestH10:
    def test_it_is_found_by_its_name(self):
        async def scenario(here: PolarRoom) -> None:
            found = await here.found()
            assert found.advert == Advert(
                "C0:00:00:00:00:11", "Virtual Polar H10", (heart_rate.SERVICE,), -50
            )
            assert Polar().recognises(found.advert)

        in_room_with(VirtualPolarH10, scenario)

    def test_what_it_offers_is_started_with_settings_it_offers_and_stopped_at_the_end(self):
        async def scenario(here: PolarRoom) -> None:
            async with here.supervised():
                await until(lambda: len(here.heard("ecg")) == 4)
                assert here.sensor.commands == [ASK_ECG, START_ECG, ASK_ACC, START_H10_ACC]
                assert here.sensor.running == {
                    ECG: Settings((130,), (14,)),
                    ACC: Settings((25,), (16,), (4,)),
                }
            assert here.sensor.commands[4:] == [STOP_ECG, STOP_ACC]
            assert here.sensor.running == {}
            assert here.notes.events == [(1, CONNECTED), (1, LINK_STOPPED)]

        in_room_with(VirtualPolarH10, scenario)

    def test_everything_arrives_and_decodes_to_what_the_body_did_when_it_did(self):
        async def scenario(here: PolarRoom) -> None:
            async with here.supervised():
                await until(lambda: len(here.heard("acc")) == 12)
            for channel in ("heart_rate", "ecg", "acc"):
                assert here.heard(channel) == here.sent(channel)
            assert {(len(payload) - 10) // 3 for payload in here.heard("ecg")} == {65}
            streams = here.decoded()
            assert set(streams) == {"rr", "heart_rate", "ecg", "acc"}
            assert_true_samples(streams["ecg"], ECG_COLUMNS, virtual.UNSET_S)
            assert_true_samples(streams["acc"], ACC_COLUMNS, virtual.UNSET_S)
            assert len(streams["ecg"]) == 65 * len(here.sent("ecg"))
            assert len(streams["acc"]) == 25 * 12
            assert set(streams["rr"].columns["rr_ms"].tolist()) == {819 * 1000 / 1024}

        in_room_with(VirtualPolarH10, scenario)

    @pytest.mark.parametrize("drift", [-300e-6, 300e-6, 0.01], ids=str)
    def test_a_clock_that_drifts_stamps_samples_as_it_counts(self, drift: float):
        def make(radio: VirtualRadio, clock: Clock, body: Body) -> VirtualPolar:
            sensor = VirtualPolarH10(radio, clock, body)
            sensor.quartz = Quartz(drift, 5000.0)
            return sensor

        async def scenario(here: PolarRoom) -> None:
            async with here.supervised():
                await until(lambda: len(here.heard("ecg")) == 20)
            ecg = here.decoded()["ecg"]
            assert_true_samples(ecg, ECG_COLUMNS, 5000.0)
            arrival_s = [sent.time_s for sent in here.sensor.sent if sent.channel == "ecg"]
            late_s = here.sensor.quartz.at(arrival_s[-1]) - ecg.device_time_s[-1]
            assert virtual.LAG_S <= late_s <= virtual.LAG_S + 0.01

        in_room_with(make, scenario)

    def test_streams_that_were_never_stopped_are_stopped_and_started_anew(self):
        async def scenario(here: PolarRoom) -> None:
            here.sensor.left_streaming()
            here.sensor.running[ACC] = Settings((200,), (16,), (8,))
            async with here.supervised():
                await until(lambda: len(here.heard("acc")) == 5)
                assert here.sensor.commands == [
                    *(ASK_ECG, START_ECG, STOP_ECG, START_ECG),
                    *(ASK_ACC, START_H10_ACC, STOP_ACC, START_H10_ACC),
                ]
            assert here.notes.events == [(1, CONNECTED), (1, LINK_STOPPED)]
            assert here.heard("ecg") == here.sent("ecg")
            assert_true_samples(here.decoded()["acc"], ACC_COLUMNS, virtual.UNSET_S)
            assert here.sensor.running == {}

        in_room_with(VirtualPolarH10, scenario)

    def test_after_a_disconnection_it_is_taken_over_and_what_was_due_meanwhile_is_lost(self):
        async def scenario(here: PolarRoom) -> None:
            async with here.supervised():
                await until(lambda: len(here.heard("ecg", 1)) == 6)
                here.sensor.out_of_range()
                await asyncio.sleep(8.0)
                assert set(here.sensor.running) == {ECG, ACC}
                here.sensor.in_range()
                await until(lambda: len(here.heard("acc", 2)) == 6)
            assert here.notes.events == [(1, CONNECTED), (1, LOST), (2, CONNECTED), (2, LINK_STOPPED)]
            assert here.sensor.commands[4:8] == [ASK_ECG, START_ECG, STOP_ECG, START_ECG]
            for channel in ("heart_rate", "ecg", "acc"):
                assert here.heard(channel) == here.sent(channel)
            for generation in (1, 2):
                assert_true_samples(here.decoded(generation)["ecg"], ECG_COLUMNS, virtual.UNSET_S)
                assert_true_samples(here.decoded(generation)["acc"], ACC_COLUMNS, virtual.UNSET_S)
            before_s, after_s = (here.decoded(each)["ecg"].device_time_s for each in (1, 2))
            assert before_s is not None
            assert after_s is not None
            assert after_s[0] - before_s[-1] > 8.0

        in_room_with(VirtualPolarH10, scenario)

    def test_a_connection_whose_answers_are_missing_decodes_all_the_same(self):
        async def scenario(here: PolarRoom) -> None:
            async with here.supervised():
                await until(lambda: len(here.heard("acc")) == 5)
            here.notes.notifications = [each for each in here.notes.notifications if each[1] != "control"]
            assert_true_samples(here.decoded()["ecg"], ECG_COLUMNS, virtual.UNSET_S)
            assert_true_samples(here.decoded()["acc"], ACC_COLUMNS, virtual.UNSET_S)

        in_room_with(VirtualPolarH10, scenario)

    @pytest.mark.parametrize("status", [Status.IN_CHARGER, Status.NOT_SUPPORTED, Status.INVALID_MTU])
    def test_without_a_stream_that_is_refused_the_others_flow(self, status: Status):
        async def scenario(here: PolarRoom) -> None:
            here.sensor.refusals[ECG] = status
            async with here.supervised():
                await until(lambda: len(here.heard("acc")) == 40)
            assert here.notes.events == [(1, CONNECTED), (1, LINK_STOPPED)]
            assert here.heard("ecg") == []
            assert here.decoded()["ecg"].events == (f"not started: {status.name.lower().replace('_', ' ')}",)
            assert here.sensor.commands[4:] == [STOP_ACC]

        in_room_with(VirtualPolarH10, scenario)

    def test_a_stream_that_dries_up_ends_the_link(self):
        async def scenario(here: PolarRoom) -> None:
            async with here.supervised():
                await until(lambda: len(here.heard("ecg")) == 6)
                del here.sensor.running[ECG]
                await until(lambda: here.heard("ecg", 2))
            assert here.notes.links[1] == (1, SILENT, "no ecg for 5 s")

        in_room_with(VirtualPolarH10, scenario)

    def test_it_pairs_where_that_is_asked_for(self):
        async def scenario(here: PolarRoom) -> None:
            here.sensor.require_pairing()
            async with here.supervised():
                await until(lambda: len(here.heard("acc")) == 3)
            assert here.notes.events == [(1, CONNECTED), (1, PAIRED), (1, LINK_STOPPED)]
            assert here.sensor.running == {}

        in_room_with(VirtualPolarH10, scenario)

    def test_off_the_strap_it_disconnects_after_45_seconds(self):
        body = Wearing(NumberedBody())

        async def scenario(here: PolarRoom) -> None:
            async with here.supervised():
                await until(lambda: len(here.heard("heart_rate")) == 10)
                body.worn, off_s = False, here.clock.now()
                await until(lambda: (1, LOST) in here.notes.events)
                assert 44.0 <= here.notes.link_s[1] - off_s <= 47.0
                body.worn = True
                await until(lambda: here.heard("ecg", 2))
                await asyncio.sleep(60.0)
            assert [event for _, event in here.notes.events] == [CONNECTED, LOST, CONNECTED, LINK_STOPPED]

        in_room_with(VirtualPolarH10, scenario, body)


class TestVeritySense:
    def test_what_it_offers_is_started_and_stopped(self):
        async def scenario(here: PolarRoom) -> None:
            async with here.supervised():
                await until(lambda: len(here.heard("acc")) == 4)
                assert here.sensor.commands == [
                    *(STOP_PPI, ASK_PPG, START_PPG, ASK_ACC, START_VERITY_ACC, START_PPI),
                ]
                assert set(here.sensor.running) == {PPG, ACC, PPI}
            assert here.sensor.commands[6:] == [STOP_PPG, STOP_ACC, STOP_PPI]
            assert here.sensor.running == {}

        in_room_with(VirtualVeritySense, scenario)

    def test_everything_arrives_and_decodes_to_what_the_body_did_when_it_did(self):
        async def scenario(here: PolarRoom) -> None:
            async with here.supervised():
                await until(lambda: len(here.heard("ppi")) == 4)
            assert here.notes.events == [
                (1, CONNECTED),
                (1, LINK_STOPPED),
            ]  # intervals begin late, and slowly
            for channel in ("heart_rate", "ppg", "acc", "ppi"):
                assert here.heard(channel) == here.sent(channel)
            streams = here.decoded()
            assert set(streams) == {"rr", "heart_rate", "ppg", "acc", "pp"}
            assert len(streams["rr"]) == 0
            assert_true_samples(streams["ppg"], PPG_COLUMNS, 0.0)
            assert_true_samples(streams["acc"], ACC_COLUMNS, 0.0, atol=virtual.ACC_MG / 2)
            assert streams["pp"].device_time_s is None
            assert set(streams["pp"].columns["pp_ms"].tolist()) == {800.0}
            assert 24 <= len(streams["pp"]) <= 26
            assert streams["pp"].events == ()

        in_room_with(VirtualVeritySense, scenario)

    def test_intervals_begin_some_25_seconds_after_their_start(self):
        async def scenario(here: PolarRoom) -> None:
            async with here.supervised():
                await until(lambda: START_PPI in here.sensor.commands)
                begun_s = here.clock.now()
                await until(lambda: here.heard("ppi"))
                assert 24.0 <= here.clock.now() - begun_s <= 31.0

        in_room_with(VirtualVeritySense, scenario)

    def test_one_that_was_never_stopped_is_taken_over(self):
        async def scenario(here: PolarRoom) -> None:
            here.sensor.left_streaming()
            await asyncio.sleep(40.0)
            async with here.supervised():
                await until(lambda: len(here.heard("ppi")) == 2)
                assert here.sensor.commands == [
                    *(STOP_PPI, ASK_PPG, START_PPG, STOP_PPG, START_PPG),
                    *(ASK_ACC, START_VERITY_ACC, STOP_ACC, START_VERITY_ACC, START_PPI),
                ]
            assert here.notes.events == [(1, CONNECTED), (1, LINK_STOPPED)]

        in_room_with(VirtualVeritySense, scenario)

    def test_movement_and_lost_contact_are_told(self):
        async def scenario(here: PolarRoom) -> None:
            assert isinstance(here.sensor, VirtualVeritySense)
            here.sensor.moving, here.sensor.contact = True, False
            async with here.supervised():
                await until(lambda: here.heard("ppi"))
            pp = here.decoded()["pp"]
            assert pp.events == (MOVEMENT, CONTACT_LOST)
            assert set(pp.columns["pp_ms"].tolist()) == {800.0}

        in_room_with(VirtualVeritySense, scenario)

    def test_in_the_charger_only_the_heart_rate_flows(self):
        async def scenario(here: PolarRoom) -> None:
            here.sensor.refusals = dict.fromkeys((PPG, ACC, PPI), Status.IN_CHARGER)
            async with here.supervised():
                await until(lambda: len(here.heard("heart_rate")) == 60)
            assert here.notes.events == [(1, CONNECTED), (1, LINK_STOPPED)]
            assert {channel for _, channel, *_ in here.notes.notifications} == {"heart_rate", "control"}

        in_room_with(VirtualVeritySense, scenario)
