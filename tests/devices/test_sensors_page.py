"""docs/sensors.md tells of every driver and every scenario, in the code's own words."""

from devices.drivers.registry import drivers
from devices.virtual.scenario import scenario, scenarios
from tests.conftest import REPO

PAGE = (REPO / "docs" / "sensors.md").read_text()


def test_every_driver_is_on_the_page() -> None:
    told = [word for driver in drivers() for word in (driver.label, driver.models, driver.source)]
    assert [word for word in told if word not in PAGE] == []


def test_every_scenario_is_on_the_page() -> None:
    rows = [f"| `{name}` | {scenario(name).summary} |" for name in scenarios()]
    assert [row for row in rows if row not in PAGE.splitlines()] == []


def test_no_driver_claims_hardware() -> None:
    assert not any(driver.hardware_verified for driver in drivers())
    assert "None has been checked on hardware yet" in PAGE
