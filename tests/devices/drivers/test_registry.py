"""The drivers there are: each is told by its advert, tried without hardware, and made again."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Any

import pytest

from devices.connection import Found, scan
from devices.device_information import undescribed
from devices.driver import Advert, Driver
from devices.drivers.bitalino import Bitalino
from devices.drivers.generic import Generic
from devices.drivers.registry import description_of, driver_of, drivers
from devices.virtual.catalogue import SENSORS, virtual_sensor
from devices.virtual.client import SimulatedClient
from devices.virtual.radio import VirtualRadio
from devices.virtual.traits import Traits
from pipeline.clock import Clock, run
from pipeline.errors import InputError
from pipeline.knowledge import data_path
from tests.devices.air import SPEED

EVERY = drivers(data_path() / "sensors")
NAMES = [driver.name for driver in EVERY]
READ_BY = {
    "heart_rate": "heart_rate",
    "polar_h10": "polar_h10",
    "polar_verity": "polar_optical",
    "bitalino": "bitalino",
    "shimmer3r": "shimmer",
    "shimmer3": "shimmer",
    "healthypi_move": "healthypi_move",
    "edamove": "edamove",
    "generic": "generic:esp32-eda",
}
STREAMS = {"rr", "pp", "heart_rate", "eda", "scl", "ecg", "ppg", "acc", "skin_temperature"}


@pytest.fixture(scope="module")
def found() -> dict[str, Found]:
    """How a scan sees each virtual sensor, all in one room."""

    async def main(clock: Clock) -> dict[str, Found]:
        async with VirtualRadio() as radio:
            body = SimulatedClient(1, Traits(), start_s=clock.now())
            worn = {
                name: virtual_sensor(name, number, radio, clock, body) for number, name in enumerate(SENSORS)
            }
            for sensor in worn.values():
                await sensor.start()
            seen = await scan(radio.radio, until=lambda seen: len(seen) == len(worn), known=EVERY)
            for sensor in worn.values():
                await sensor.stop()
        by_address = {each.advert.address: each for each in seen}
        return {name: by_address[sensor.label.address] for name, sensor in worn.items()}

    return run(main, SPEED)


def test_each_driver_can_be_tried_without_hardware() -> None:
    assert set(READ_BY.values()) == set(NAMES)


@pytest.mark.parametrize("sensor", SENSORS)
def test_a_sensor_s_advert_is_claimed_by_its_driver_and_by_none_before(
    sensor: str, found: dict[str, Found]
) -> None:
    claimed = [driver.name for driver in EVERY if driver.recognises(found[sensor].advert)]
    assert claimed[0] == READ_BY[sensor]
    driver = found[sensor].driver
    assert driver is not None
    assert driver.name == READ_BY[sensor]


def test_only_the_strap_s_driver_claims_what_another_reads(found: dict[str, Found]) -> None:
    claims = {
        name: [driver.name for driver in EVERY if driver.recognises(each.advert)]
        for name, each in found.items()
    }
    assert {name: more for name, (_, *more) in claims.items() if more} == {
        "polar_h10": ["heart_rate"],
        "polar_verity": ["heart_rate"],
    }


def test_names_are_unique() -> None:
    assert len(set(NAMES)) == len(NAMES)


def test_without_a_folder_there_are_those_that_come_with_vagal() -> None:
    assert [driver.name for driver in drivers()] == [name for name in NAMES if name != "generic:esp32-eda"]


@pytest.mark.parametrize("driver", EVERY, ids=NAMES)
def test_a_driver_says_what_it_is_and_that_no_hardware_has_confirmed_it(driver: Driver) -> None:
    assert all(text.strip() for text in (driver.name, driver.label, driver.models, driver.source))
    assert driver.streams
    assert set(driver.streams) <= STREAMS
    assert not driver.hardware_verified


@pytest.mark.parametrize("driver", EVERY, ids=NAMES)
def test_a_driver_can_be_made_again_of_what_a_session_stores(driver: Driver) -> None:
    stored = json.loads(json.dumps(asdict(undescribed(driver))))
    again = driver_of(stored)
    assert type(again) is type(driver)
    assert again is not None
    assert (again.name, again.label, again.streams) == (driver.name, driver.label, driver.streams)
    assert description_of(again) == description_of(driver)
    if isinstance(driver, Generic):
        assert isinstance(again, Generic)
        assert again.sensor == replace(driver.sensor, advertised_name=None, advertised_service=None)


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param({"driver": "from-the-future"}, id="a later version's"),
        pytest.param({"driver": "generic:esp32-eda"}, id="described, but the description is not there"),
        pytest.param({"driver": "generic:esp32-eda", "description": None}, id="no description"),
        pytest.param({"driver": ""}, id="no name"),
    ],
)
def test_of_an_unknown_name_none_is_made(facts: dict[str, Any]) -> None:
    assert driver_of(facts) is None


def test_of_a_session_s_bitalino_gain_and_offset_are_known() -> None:
    described = {driver.name: undescribed(driver).description for driver in drivers()}
    (conversion,) = (each for each in described.values() if each is not None)
    assert described["bitalino"] == conversion
    assert json.loads(conversion) == {
        "conversion": {"gain_v_per_us": 0.132, "offset_v": 0.0, "supply_v": 3.3, "bits": 10}
    }


@pytest.mark.parametrize(
    "description",
    [None, '{"conversion": {"gain_v_per_us": 0.12}}', "{"],
    ids=["of an older session", "another conversion", "broken"],
)
def test_only_a_self_built_sensor_is_made_of_its_description(description: str | None) -> None:
    assert isinstance(driver_of({"driver": "bitalino", "description": description}), Bitalino)


def test_the_name_a_self_built_sensor_advertises_is_not_stored() -> None:
    (own,) = (driver for driver in EVERY if isinstance(driver, Generic))
    stored = undescribed(own)
    assert own.sensor.advertised_name == "MyEDA"
    assert "MyEDA" not in json.dumps(asdict(stored))
    again = driver_of(asdict(stored))
    assert again is not None
    assert not again.recognises(Advert("C0:00:00:00:00:0C", "MyEDA", (own.sensor.service,), -60))


def test_a_stored_description_that_is_broken_is_told() -> None:
    with pytest.raises(InputError, match="stored description of a sensor"):
        driver_of({"driver": "generic:mine", "description": "{}"})
