"""Scenarios of one's own: what is wrong in a file is told in one line."""

from pathlib import Path

import pytest

from devices.virtual.scenario import Fault, FaultKind, Scenario
from devices.virtual.scenario import scenario as read
from pipeline.errors import InputError


def test_a_scenario_of_one_s_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('sensors = ["heart_rate", "shimmer3"]\n[[fault]]\nkind = "silent"\nat_s = 5\nsensor = 1')
    fault = Fault(FaultKind.SILENT, 5, None, 1)
    assert read(str(path)) == Scenario("mine", "mine", "", ("heart_rate", "shimmer3"), (fault,))


@pytest.mark.parametrize(
    ("scenario", "said"),
    [
        (
            'sensors = ["heart_rate"]\n[[fault]]\nkind = "explosion"',
            "fault 1: kind must be one of out of range",
        ),
        (
            'sensors = ["heart_rate"]\n[[fault]]\nkind = "silent"\nsensor = 7',
            "sensor is a number from 0 to 0",
        ),
        ('sensors = ["heart_rate"]\n[[fault]]\nkind = "silent"\nat_s = "five"', "fault 1: at_s is a number"),
        ('sensors = ["heart_rate"]\n[[fault]]\nkind = "silent"\nat_s = -5', "at_s is a time in seconds"),
        ('sensors = ["heart_rate"]\n[[fault]]\nkind = "silent"\nat_s = nan', "fault 1: at_s is a number"),
        ('sensors = ["heart_rate"]\n[[fault]]\nkind = "silent"\nwhen = 5', "there is no key 'when'"),
        ('sensors = "heart_rate"', 'needs sensors = ["..."], one or more'),
        ("sensors = []", 'needs sensors = ["..."], one or more'),
        ("", 'needs sensors = ["..."], one or more'),
    ],
)
def test_a_mistake_in_a_scenario_is_told(scenario: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(scenario)
    with pytest.raises(InputError) as error:
        read(str(path))
    assert said in str(error.value)
    assert "\n" not in str(error.value)
