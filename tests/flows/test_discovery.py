"""What `vagal devices` says, whole, of devices that a scan finds over the virtual radio."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import click
import pytest
from bleak.backends.device import BLEDevice

from devices.connection import Found, scan
from devices.driver import Advert, Driver
from devices.drivers.heart_rate import HeartRate
from devices.virtual.peripheral import Body, Label, Peripheral
from devices.virtual.radio import VirtualRadio
from devices.virtual.strap import VirtualStrap
from flows.discovery import (
    System,
    before_scanning,
    delivered,
    describe_devices,
    look,
    page,
    signal,
    steps,
    system_of,
)
from flows.surroundings import bluetooth, simulated
from pipeline.clock import Clock, run
from pipeline.errors import DeviceError
from pipeline.store import Home
from tests.devices.air import SPEED, Scale, SteadyBody

Kind = Callable[[VirtualRadio, Clock, Body, Label], Peripheral]


class Treadmill(Scale):
    SERVICE = "00001826-0000-1000-8000-00805f9b34fb"


class Band(HeartRate):
    """A driver of the test's own: the page stays the same whatever else is supported."""

    name = "polar_band"
    label = "Band"
    models = "Any band"
    hardware_verified = True
    streams = ("step_count", "skin_temperature")


class Strap(HeartRate):
    models = "Straps of this maker and of that one, and many more of the same kind"


KINDS: tuple[Driver, ...] = (Band(), Strap())


@pytest.fixture(autouse=True)
def _no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)


def heard(*devices: tuple[Kind, str, int]) -> list[Found]:
    """What a scan finds of devices with these names and signals, the first at ...:01."""

    async def main(clock: Clock) -> list[Found]:
        async with AsyncExitStack() as stack:
            radio = await stack.enter_async_context(VirtualRadio())
            for number, (kind, name, dbm) in enumerate(devices, start=1):
                label = Label(name, f"C0:00:00:00:00:{number:02X}", "Model", "1", signal_dbm=dbm)
                await stack.enter_async_context(kind(radio, clock, SteadyBody(), label))
            return await scan(radio.radio, 3.0)

    return run(main, SPEED)


def strap(name: str, address: str = "C0:00:00:00:00:01", dbm: int = -50) -> Found:
    return Found(Advert(address, name, (), dbm), HeartRate(), BLEDevice(address, name, None))


def printed(found: list[Found], system: System = System.LINUX, width: int = 80) -> str:
    return "\n".join(page(found, KINDS, system, width)) + "\n"


def commands(*found: Found) -> list[str]:
    lines = printed(list(found)).splitlines()
    return [line.strip().removeprefix("vagal live --device ") for line in lines if "  vagal live --" in line]


SUPPORTED = """\
Supported
  Kind, and models                 What it can deliver           On hardware
  Band                             step count, skin temperature  checked
    Any band
  Heart-rate strap                 RR intervals, heart rate      not yet checked
    Straps of this maker and of
    that one, and many more of
    the same kind
"""


class TestPage:
    def test_sensors_first_then_what_is_explained_then_a_count(self) -> None:
        found = heard(
            (VirtualStrap, "Chest strap", -88),
            (Scale, "Bob's TV", -30),
            (Scale, "Anna's Apple Watch", -40),
            (Scale, "Forerunner 265", -70),
            (VirtualStrap, "Chest strap", -48),
            (Scale, "fenix 7", -64),
            (VirtualStrap, "fenix 7 that shares", -61),
            (Treadmill, "Gym 4", -80),
            (Scale, "Empatica E4", -76),
            (Scale, "Carol's hearing aid", -50),
        )
        assert printed(found) == (
            """\
Sensors in reach
  Name                 Signal (dBm)  What it can deliver
  Chest strap          strong -48    Heart-rate strap
  C0:00:00:00:00:05                  RR intervals, heart rate
  fenix 7 that shares  good -61      Heart-rate strap
  C0:00:00:00:00:07                  RR intervals, heart rate
  Chest strap          weak -88      Heart-rate strap
  C0:00:00:00:00:01                  RR intervals, heart rate

To record from them
  `vagal live` takes the nearest of each kind. To choose, name one, or several,
  each with --device:
  vagal live --device C0:00:00:00:00:05
  vagal live --device "fenix 7 that shares"
  vagal live --device C0:00:00:00:00:01
  2 are called Chest strap: choose by address. Hold one close, and its signal
  rises.

In reach, but not readable as they are
  Garmin watch (2)   It hides its heart rate until "Broadcast Heart Rate" is on
  good -64           (in its settings, under Wrist Heart Rate). As a rule it
                     then sends heart rate without RR intervals: a strap is
                     better.
  Empatica E4        How it streams is not public. Record on the wristband,
  weak -76           download the session, then `vagal import FILE`.
  Apple Watch        It does not show its heart rate to other devices, and has
  strong -40         no setting for it.
  Fitness equipment  A bike, treadmill, speed or power sensor tells of the
  weak -80           exercise, not of the heart.

Other Bluetooth devices in reach
  2 without a driver. A sensor that you built yourself can be described in a
  text file: docs/own-sensor.md.

"""
            + SUPPORTED
        )

    def test_nothing_in_reach_is_a_list_of_what_to_try(self) -> None:
        assert printed([]) == (
            """\
Sensors in reach
  none that vagal can read

What to try
  In this order, then `vagal devices` again:
  1  Is Bluetooth on?
     `bluetoothctl power on` turns it on. `systemctl status bluetooth` says
     whether its service runs, `rfkill list` whether it is blocked (then
     `rfkill unblock bluetooth`).
  2  May vagal use it?
     Some systems ask for the group bluetooth: `groups` lists yours,
     `sudo usermod -aG bluetooth $USER` adds it; then log out and in.
  3  Does another app, watch or phone hold it?
     Most straps serve one at a time: close that app, or turn off Bluetooth
     there. A Polar H10 serves two once two receivers are allowed in Polar's own
     app.
  4  Is it worn, and are a strap's electrodes wet?
     A strap wakes on the skin: wet it, put it on, wait ten seconds. Other
     sensors are switched on, and a watch is told to broadcast its heart rate.
  5  Is its battery good?
     A weak one often still lights up, but no longer sends.
  6  Is it near?
     Try within a metre: bodies, metal and USB 3 plugs are in the way.
  7  Does it need pairing?
     Not to be found. Only Band may ask for it, when recording starts (keep
     `bluetoothctl` open in another window meanwhile, so that somebody can
     answer it).

What no scan can show
  A strap with ANT+ only                older Garmin straps, say: this needs one
                                        with Bluetooth.
  A sensor with classic Bluetooth only  a Shimmer3 that is not set to Bluetooth
                                        Low Energy, say.
  A sensor on a cable                   the eSense Skin Response, say: it works
                                        with its own app only.

Without a sensor
  `vagal demo` or `vagal devices --simulate`

"""
            + SUPPORTED
        )

    def test_names_of_other_peoples_devices_are_not_told(self) -> None:
        told = printed(heard((Scale, "Carol's hearing aid", -50), (Scale, "Anna's Apple Watch", -40)))
        assert [name for name in ("Carol", "Anna", "C0:00") if name in told] == []

    def test_with_other_devices_heard_bluetooth_is_not_in_question(self) -> None:
        lines = printed(heard((Scale, "Bob's TV", -30))).splitlines()
        at = lines.index("What to try")
        assert [lines[at + row].strip() for row in (1, 2, 3)] == [
            "Bluetooth works, since other devices were heard. In this order, then",
            "`vagal devices` again:",
            "1  Does another app, watch or phone hold it?",
        ]

    def test_the_id_of_a_mac_is_whole_and_explained(self) -> None:
        address = "5D3C1F0A-7F5B-4B9E-9A63-0F2B7C6D8E11"
        told = printed([strap("TICKR", address)], System.MACOS)
        assert told.startswith(
            f"""\
Sensors in reach
  Name                                  Signal (dBm)  What it can deliver
  TICKR                                 strong -50    Heart-rate strap
  {address}                RR intervals, heart rate
  macOS shows an id in place of the address; it holds on this Mac only.
"""
        )

    @pytest.mark.parametrize("width", [60, 80, 100, 200])
    @pytest.mark.parametrize("system", System)
    def test_no_line_is_wider_than_the_terminal_or_than_can_be_read(self, system: System, width: int) -> None:
        for found in ([], heard((VirtualStrap, "Chest strap", -50), (Scale, "Oura", -50))):
            assert max(map(len, page(found, KINDS, system, width))) <= min(width, 100)

    def test_a_terminal_gets_the_same_words_with_emphasis(self, monkeypatch: pytest.MonkeyPatch) -> None:
        plain = printed([])
        monkeypatch.setenv("FORCE_COLOR", "1")
        monkeypatch.setenv("TERM", "xterm-256color")
        styled = printed([])
        unstyled = "\n".join(line.rstrip() for line in click.unstyle(styled).splitlines()) + "\n"
        assert (styled != plain, unstyled) == (True, plain)


class TestCommands:
    @pytest.mark.parametrize(
        ("name", "argument"),
        [
            ("TICKR", "TICKR"),
            ("HRM-Dual:123456", "HRM-Dual:123456"),
            ("Polar H10 A1B2C3D4", '"Polar H10 A1B2C3D4"'),
            ("Gürtel", "Gürtel"),
            ("", "C0:00:00:00:00:01"),
            ("-rf", "C0:00:00:00:00:01"),
            ('a"; $HOME', "C0:00:00:00:00:01"),
            ("100 %PATH%", "C0:00:00:00:00:01"),
            ("evil\x1b[31m", "C0:00:00:00:00:01"),
            ("long" * 20, "C0:00:00:00:00:01"),
        ],
    )
    def test_what_can_be_pasted_into_any_shell(self, name: str, argument: str) -> None:
        assert commands(strap(name)) == [argument]

    def test_names_that_differ_in_case_only_are_the_same(self) -> None:
        assert commands(strap("tickr"), strap("TICKR", "C0:00:00:00:00:02"), strap("H9")) == [
            "C0:00:00:00:00:01",
            "C0:00:00:00:00:02",
            "H9",
        ]


def test_a_name_cannot_steer_the_terminal() -> None:
    told = printed([strap("evil\x1b[31m\r\n\u202egnihton\ue000")])
    assert "  evil?[31m???gnihton?  strong -50" in told


@pytest.mark.parametrize(
    ("rssi_dbm", "words"),
    [
        (-40, "strong -40"),
        (-60, "strong -60"),
        (-61, "good -61"),
        (-75, "good -75"),
        (-76, "weak -76"),
        (-90, "weak -90"),
        (-91, "very weak -91"),
        (127, "unknown"),
    ],
)
def test_signal(rssi_dbm: int, words: str) -> None:
    assert signal(rssi_dbm) == words


@pytest.mark.parametrize(
    ("streams", "words"),
    [
        (("rr", "heart_rate"), "RR intervals, heart rate"),
        (("ecg", "acc"), "ECG, acceleration"),
        (("pp", "ppg"), "pulse intervals, pulse wave"),
        (("eda", "scl"), "skin conductance, skin conductance level"),
        (("respiration", "breath_depth"), "breathing, breath depth"),
    ],
)
def test_streams_are_told_in_words(streams: tuple[str, str], words: str) -> None:
    band = Band()
    band.streams = streams
    assert delivered(band) == words


@pytest.mark.parametrize(
    ("name", "release", "system"),
    [
        ("Linux", "6.8.0-45-generic", System.LINUX),
        ("Linux", "5.15.153.1-microsoft-standard-WSL2", System.WSL),
        ("Linux", "4.4.0-19041-Microsoft", System.WSL),
        ("Darwin", "23.6.0", System.MACOS),
        ("Windows", "11", System.WINDOWS),
        ("FreeBSD", "14.1", System.OTHER),
    ],
)
def test_system(name: str, release: str, system: System) -> None:
    assert system_of(name, release) == system


BLUETOOTH, ALLOWED = "Is Bluetooth on?", "May vagal use it?"
ALWAYS = [
    "Does another app, watch or phone hold it?",
    "Is it worn, and are a strap's electrodes wet?",
    "Is its battery good?",
    "Is it near?",
    "Does it need pairing?",
]


class TestSteps:
    @pytest.mark.parametrize(
        ("system", "first", "places"),
        [
            (System.LINUX, [BLUETOOTH, ALLOWED], ("bluetoothctl power on", "rfkill list", "group bluetooth")),
            (System.WSL, [BLUETOOTH], ("start vagal in Windows",)),
            (System.MACOS, [BLUETOOTH, ALLOWED], ("System Settings > Privacy & Security > Bluetooth",)),
            (System.WINDOWS, [BLUETOOTH, ALLOWED], ("Settings > Bluetooth & devices",)),
            (System.OTHER, [BLUETOOTH], ("the system's settings",)),
        ],
    )
    def test_each_system_has_its_places(
        self, system: System, first: list[str], places: tuple[str, ...]
    ) -> None:
        todo = steps(system, KINDS, heard=False)
        assert [step.what for step in todo] == first + ALWAYS
        assert [place for place in places if not any(place in step.how for step in todo)] == []
        assert [step.what for step in steps(system, KINDS, heard=True)] == ALWAYS

    def test_pairing_names_the_drivers_that_may_ask_for_it(self) -> None:
        assert [steps(System.WINDOWS, kinds, heard=True)[-1].how for kinds in (KINDS, KINDS[1:])] == [
            "Not to be found. Only Band may ask for it, when recording starts (or add it under Settings > "
            "Bluetooth & devices > Add device).",
            "No: a sensor is found without. None of those below needs it.",
        ]


def test_macos_is_told_before_the_scan_that_may_end_the_program() -> None:
    assert [list(before_scanning(system)) for system in (System.LINUX, System.MACOS)] == [
        [],
        [
            "Before the scan",
            "  macOS lets a program use Bluetooth only from a terminal that may. If it asks,",
            "  allow it. If vagal ends without a word: System Settings > Privacy & Security >",
            "  Bluetooth, switch on the app you type in, and start it again.",
            "",
        ],
    ]


def test_the_simulated_room_shows_a_strap(tmp_path: Path) -> None:
    lines = list(describe_devices(3.0, simulated(Home(tmp_path), "calm")))
    assert lines[0] == "Sensors in reach"
    assert '  vagal live --device "Virtual HR strap"' in lines
    assert "What to try" not in lines


@pytest.mark.parametrize(
    ("system", "where"),
    [
        (
            System.LINUX,
            ". `systemctl status bluetooth` and `rfkill list` say why, `bluetoothctl power on` turns it on.",
        ),
        (System.WSL, ". The Windows Subsystem for Linux has none of its own: start vagal in Windows."),
        (System.OTHER, ""),
    ],
)
def test_without_bluetooth_one_line_says_where_to_look(
    system: System, where: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nowhere")
    with pytest.raises(DeviceError) as error:
        look(1.0, system, bluetooth(Home(tmp_path)))
    unavailable = "No Bluetooth service answers on this computer: start it, or use --simulate"
    assert str(error.value) == unavailable + where
