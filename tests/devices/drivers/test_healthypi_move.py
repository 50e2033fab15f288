"""HealthyPi Move: packed little-endian i32 in 1/100 µS, 32 a second (firmware, app/src/ble_module.c)."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.driver import Advert
from devices.drivers.healthypi_move import CHANNEL, SERVICE, ConductanceFrame, HealthyPiMove
from devices.drivers.registry import drivers
from pipeline.errors import FrameError

HEART_RATE_SERVICE = "0000180d-0000-1000-8000-00805f9b34fb"


@pytest.mark.parametrize(
    ("frame", "hundredths_us", "eda_us"),
    [
        pytest.param("00000000", (0,), [0.0], id="zero"),
        pytest.param("d2040000", (1234,), [12.34], id="one sample"),
        pytest.param("01000000ffffffff", (1, -1), [0.01, -0.01], id="two samples, the second below zero"),
        pytest.param("9cffffff10270000", (-100, 10000), [-1.0, 100.0], id="the ends of the range"),
    ],
)
def test_known_frames(frame: str, hundredths_us: tuple[int, ...], eda_us: list[float]):
    decoded = ConductanceFrame.from_bytes(bytes.fromhex(frame))
    assert decoded == ConductanceFrame(hundredths_us)
    assert bytes(decoded) == bytes.fromhex(frame)
    np.testing.assert_allclose(decoded.eda_us, eda_us, rtol=1e-15)


@given(st.lists(st.integers(-100, 10_000), min_size=1, max_size=32))
def test_encoding_and_decoding_are_each_other_backwards(values: list[int]):
    frame = ConductanceFrame(tuple(values))
    assert bytes(frame) == struct.pack(f"<{len(values)}i", *values)
    assert ConductanceFrame.from_bytes(bytes(frame)) == frame


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        pytest.param("", "0 bytes are not whole 4-byte samples", id="empty"),
        pytest.param("d20400", "3 bytes are not whole 4-byte samples", id="a byte short"),
        pytest.param("d204000000", "5 bytes are not whole 4-byte samples", id="a byte over"),
        pytest.param("11270000", "outside -1 to 100 µS, so not skin conductance", id="above 100 µS"),
        pytest.param("9bffffff", "outside -1 to 100 µS, so not skin conductance", id="below -1 µS"),
        pytest.param(
            "d2040000a0860100", "outside -1 to 100 µS, so not skin conductance", id="ECG after one that fits"
        ),
    ],
)
def test_what_is_not_skin_conductance_is_shown(frame: str, reason: str):
    with pytest.raises(FrameError) as error:
        ConductanceFrame.from_bytes(bytes.fromhex(frame))
    assert str(error.value) == f"HealthyPi Move frame {frame}: {reason}"


@given(st.binary(max_size=64))
def test_any_bytes_decode_or_raise_frame_error(frame: bytes):
    try:
        decoded = ConductanceFrame.from_bytes(frame)
    except FrameError:
        return
    assert bytes(decoded) == frame


def test_a_notification_decodes_to_regular_samples():
    (eda,) = HealthyPiMove().decoder().feed(CHANNEL, struct.pack("<8i", *range(200, 208)))
    assert (eda.stream, eda.rate_hz, eda.events) == ("eda", 32.0, ())
    np.testing.assert_allclose(eda.columns["eda_us"], np.arange(200, 208) / 100, rtol=1e-15)


def test_notifications_of_other_channels_are_not_its_own():
    assert HealthyPiMove().decoder().feed("ecg", b"\x00") == ()


@pytest.mark.parametrize(
    ("name", "uuids", "driver"),
    [
        pytest.param("healthypi move", (HEART_RATE_SERVICE,), "healthypi_move", id="as the firmware says it"),
        pytest.param("", (SERVICE,), "healthypi_move", id="by its service"),
        pytest.param("Strap", (HEART_RATE_SERVICE,), "heart_rate", id="a strap is not the watch"),
        pytest.param("Scale", (), None, id="something else"),
    ],
)
def test_the_watch_goes_before_the_heart_rate_it_also_advertises(
    name: str, uuids: tuple[str, ...], driver: str | None
):
    advert = Advert("C0:00:00:00:00:02", name, uuids, -60)
    assert next((each.name for each in drivers() if each.recognises(advert)), None) == driver
