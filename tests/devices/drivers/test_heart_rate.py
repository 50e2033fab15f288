"""Bluetooth SIG, Heart Rate Service 1.0, section 3.1: Heart Rate Measurement (0x2A37)."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.driver import CONTACT_LOST, Advert
from devices.drivers.heart_rate import CHANNEL, SERVICE, HeartRate, HeartRateMeasurement
from devices.drivers.registry import drivers
from pipeline.errors import FrameError

# A field as it may stand in a frame: value, flag bits, bytes.
HEART_RATES = [(62, 0b0, "3e"), (255, 0b0, "ff"), (256, 0b1, "0001"), (300, 0b1, "2c01")]
CONTACTS = [(None, 0b000), (False, 0b100), (True, 0b110)]
ENERGIES = [(None, 0b0000, ""), (0, 0b1000, "0000"), (513, 0b1000, "0102")]
RRS = [
    ((), 0b00000, ""),
    ((0,), 0b10000, "0000"),
    ((1024,), 0b10000, "0004"),
    ((65535, 800, 801), 0b10000, "ffff20032103"),
    (tuple(range(900, 909)), 0b10000, "840385038603870388038903" + "8a038b038c03"),
]

KNOWN = [
    pytest.param(
        HeartRateMeasurement(bpm, contact, energy, rr),
        bytes([bpm_flag | contact_flag | energy_flag | rr_flag])
        + bytes.fromhex(bpm_hex + energy_hex + rr_hex),
        id=f"{bpm} bpm, contact {contact}, energy {energy}, {len(rr)} RR",
    )
    for (bpm, bpm_flag, bpm_hex), (contact, contact_flag), (energy, energy_flag, energy_hex), (
        rr,
        rr_flag,
        rr_hex,
    ) in product(HEART_RATES, CONTACTS, ENERGIES, RRS)
]


@pytest.mark.parametrize(("measurement", "frame"), KNOWN)
def test_every_combination_of_fields_decodes_to_its_values(measurement: HeartRateMeasurement, frame: bytes):
    assert HeartRateMeasurement.from_bytes(frame) == measurement


@pytest.mark.parametrize(("measurement", "frame"), KNOWN)
def test_every_combination_of_fields_encodes_to_its_bytes(measurement: HeartRateMeasurement, frame: bytes):
    assert bytes(measurement) == frame


@pytest.mark.parametrize(
    ("frame", "measurement"),
    [
        pytest.param("013c00", HeartRateMeasurement(60), id="a small rate in two bytes"),
        pytest.param("023c", HeartRateMeasurement(60), id="contact detected by a strap without contact"),
        pytest.param("103c", HeartRateMeasurement(60), id="RR announced, none there"),
        pytest.param("e03c", HeartRateMeasurement(60), id="reserved flags"),
    ],
)
def test_frames_that_are_unusual_but_allowed(frame: str, measurement: HeartRateMeasurement):
    assert HeartRateMeasurement.from_bytes(bytes.fromhex(frame)) == measurement


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        pytest.param("", "empty", id="empty"),
        pytest.param("00", "1 bytes where its flags need 2", id="flags alone"),
        pytest.param("013c", "2 bytes where its flags need 3", id="half a heart rate"),
        pytest.param("083c", "2 bytes where its flags need 4", id="no energy"),
        pytest.param("083c01", "3 bytes where its flags need 4", id="half an energy"),
        pytest.param("193c00", "3 bytes where its flags need 5", id="half an energy before RR"),
        pytest.param("103c00", "1 bytes after the last field", id="half an RR"),
        pytest.param("103c000400", "3 bytes after the last field", id="one RR and a half"),
        pytest.param("003c0004", "2 bytes after the last field", id="RR without their flag"),
    ],
)
def test_bytes_that_do_not_make_a_frame_are_shown(frame: str, reason: str):
    with pytest.raises(FrameError) as error:
        HeartRateMeasurement.from_bytes(bytes.fromhex(frame))
    assert str(error.value) == f"heart rate frame {frame}: {reason}"


@given(st.binary(max_size=32))
def test_any_bytes_decode_or_raise_frame_error(frame: bytes):
    try:
        measurement = HeartRateMeasurement.from_bytes(frame)
    except FrameError:
        return
    assert HeartRateMeasurement.from_bytes(bytes(measurement)) == measurement


def test_the_strap_counts_1024ths_of_a_second():
    measurement = HeartRateMeasurement(60, rr_ticks=(1024, 512, 0, 1))
    assert measurement.rr_ms.tolist() == [1000.0, 500.0, 0.0, 0.9765625]


def test_a_notification_decodes_to_beats_and_heart_rate():
    rr, heart_rate = HeartRate().decoder().feed(CHANNEL, bytes.fromhex("163c00040002"))
    assert (rr.stream, rr.rate_hz, rr.events) == ("rr", None, ())
    np.testing.assert_array_equal(rr.columns["rr_ms"], [1000.0, 500.0])
    assert (heart_rate.stream, heart_rate.rate_hz, heart_rate.events) == ("heart_rate", None, ())
    np.testing.assert_array_equal(heart_rate.columns["heart_rate_bpm"], [60.0])


@pytest.mark.parametrize(
    ("frame", "events"),
    [
        pytest.param("003c", (), id="cannot tell"),
        pytest.param("063c", (), id="on the skin"),
        pytest.param("043c", (CONTACT_LOST,), id="off the skin"),
    ],
)
def test_lost_contact_is_an_event_of_each_frame(frame: str, events: tuple[str, ...]):
    decoder = HeartRate().decoder()
    for _ in range(2):
        told = [event for samples in decoder.feed(CHANNEL, bytes.fromhex(frame)) for event in samples.events]
        assert tuple(told) == events


def test_notifications_of_other_channels_are_not_its_own():
    assert HeartRate().decoder().feed("ecg", b"\x00") == ()


@pytest.mark.parametrize(
    ("uuids", "recognised"),
    [
        pytest.param((SERVICE,), True, id="the service alone"),
        pytest.param(("0000180f-0000-1000-8000-00805f9b34fb", SERVICE), True, id="among others"),
        pytest.param((), False, id="no services"),
        pytest.param(("0000180f-0000-1000-8000-00805f9b34fb",), False, id="another service"),
    ],
)
def test_a_strap_is_recognised_by_its_service(uuids: tuple[str, ...], recognised: bool):
    assert HeartRate().recognises(Advert("C0:00:00:00:00:01", "Strap", uuids, -60)) is recognised


def test_the_driver_is_listed():
    assert [driver.name for driver in drivers()].count("heart_rate") == 1
