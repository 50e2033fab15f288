"""What `vagal devices` says: the sensors in reach, why others can't be used, what is supported, what to do.

Names of devices that are nobody's sensor are never shown: they are the neighbours'.
"""

from __future__ import annotations

import platform
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from devices.connection import Found, scan
from devices.driver import Driver
from devices.unsupported import UNSEEN, Unsupported, explain
from flows.surroundings import Source
from pipeline.clock import Clock, run
from pipeline.errors import DeviceError

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

_WIDEST = 100  # longer lines are hard to read
_NAME_WIDTH = 36  # as wide as an address gets, on macOS
_JOINT = "\ue000"  # a space that no line is broken at, until it is printed
_SIMULATED_SPEED = 50.0

_STREAM_WORDS = {
    "rr": "RR intervals",
    "pp": "pulse intervals",
    "ecg": "ECG",
    "eda": "skin conductance",
    "scl": "skin conductance level",
    "ppg": "pulse wave",
    "acc": "acceleration",
    "respiration": "breathing",
}
_STRENGTHS = ((-60, "strong"), (-75, "good"), (-90, "weak"))  # from so many dBm on
_UNKNOWN_DBM = 20  # systems that do not know the signal say 127

_PLAIN_NAME = re.compile(r"\w[\w .:()+-]{0,35}")  # what every shell takes as it is, in double quotes
_REST = (
    "{rest} without a driver. A sensor that you built yourself can be described in a text file: "
    "docs/own-sensor.md."
)

# Polar's ECG and other measurements are refused until paired; the Heart Rate service never is.
_PAIRED = re.compile(r"polar|pmd", re.IGNORECASE)


class System(StrEnum):
    """Where vagal runs, as far as Bluetooth is concerned."""

    LINUX = "Linux"
    WSL = "Windows Subsystem for Linux"
    MACOS = "macOS"
    WINDOWS = "Windows"
    OTHER = "other"


def system_of(name: str, release: str) -> System:
    """The system with that name and release, as Python's `platform` has them."""
    if name == "Linux" and "microsoft" in release.lower():
        return System.WSL
    known = {"Linux": System.LINUX, "Darwin": System.MACOS, "Windows": System.WINDOWS}
    return known.get(name, System.OTHER)


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to try, and exactly where."""

    what: str
    how: str


_WHERE = {
    System.LINUX: "`systemctl status bluetooth` and `rfkill list` say why, `bluetoothctl power on` turns it "
    "on.",
    System.WSL: "The Windows Subsystem for Linux has none of its own: start vagal in Windows.",
    System.MACOS: "See System Settings > Bluetooth; for your terminal, Privacy & Security > Bluetooth.",
    System.WINDOWS: "See Settings > Bluetooth & devices.",
}

_BLUETOOTH_ON = {
    System.LINUX: "`bluetoothctl power on` turns it on. `systemctl status bluetooth` says whether its "
    "service runs, `rfkill list` whether it is blocked (then `rfkill unblock bluetooth`).",
    System.WSL: "The Windows Subsystem for Linux has none of its own: install and start vagal in Windows.",
    System.MACOS: "System Settings > Bluetooth.",
    System.WINDOWS: "Settings > Bluetooth & devices.",
    System.OTHER: "In the system's settings.",
}
_ALLOWED = {
    System.LINUX: "Some systems ask for the group bluetooth: `groups` lists yours, "
    "`sudo usermod -aG bluetooth $USER` adds it; then log out and in.",
    System.MACOS: "System Settings > Privacy & Security > Bluetooth: switch on the app you type in "
    "(Terminal, iTerm, ...), then quit it and open it again.",
    System.WINDOWS: "Windows asks desktop programs for no permission; on a managed computer its "
    "administrator may have switched Bluetooth off.",
}
_PAIR = {
    System.LINUX: "keep `bluetoothctl` open in another window meanwhile, so that somebody can answer it",
    System.MACOS: "macOS then asks you by itself",
    System.WINDOWS: "or add it under Settings > Bluetooth & devices > Add device",
}
_MACOS_FIRST = (
    "macOS lets a program use Bluetooth only from a terminal that may. If it asks, allow it. If vagal ends "
    "without a word: System Settings > Privacy & Security > Bluetooth, switch on the app you type in, "
    "and start it again."
)


def steps(system: System, kinds: Sequence[Driver], *, heard: bool) -> tuple[Step, ...]:
    """What to try when no sensor was found, in this order; `heard` is whether any other device was."""
    bluetooth = () if heard else tuple(_bluetooth_steps(system))
    return (
        *bluetooth,
        Step(
            "Does another app, watch or phone hold it?",
            "Most straps serve one at a time: close that app, or turn off Bluetooth there. A Polar H10 "
            "serves two once two receivers are allowed in Polar's own app.",
        ),
        Step(
            "Is it worn, and are a strap's electrodes wet?",
            "A strap wakes on the skin: wet it, put it on, wait ten seconds. Other sensors are switched on, "
            "and a watch is told to broadcast its heart rate.",
        ),
        Step("Is its battery good?", "A weak one often still lights up, but no longer sends."),
        Step("Is it near?", "Try within a metre: bodies, metal and USB 3 plugs are in the way."),
        _pairing(system, kinds),
    )


def _bluetooth_steps(system: System) -> Iterator[Step]:
    yield Step("Is Bluetooth on?", _BLUETOOTH_ON[system])
    if system in _ALLOWED:
        yield Step("May vagal use it?", _ALLOWED[system])


def _pairing(system: System, kinds: Sequence[Driver]) -> Step:
    paired = [kind.label for kind in kinds if _PAIRED.search(kind.name)]
    if not paired:
        return Step("Does it need pairing?", "No: a sensor is found without. None of those below needs it.")
    how = f" ({_PAIR[system]})" if system in _PAIR else ""
    return Step(
        "Does it need pairing?",
        f"Not to be found. Only {' and '.join(paired)} may ask for it, when recording starts{how}.",
    )


def describe_devices(seconds: float, source: Source) -> Iterator[str]:
    """Lines: found, what can't be used and why, what to do if nothing was found, what is supported.

    Raises DeviceError if there is no Bluetooth to use.
    """
    system = system_of(platform.system(), platform.release())
    if not source.simulated:
        yield from before_scanning(system)
    found, known = look(seconds, system, source)
    yield from page(found, known, system)


def before_scanning(system: System) -> Iterator[str]:
    """What has to be said first: macOS may end a program that asks for Bluetooth without permission."""
    if system is System.MACOS:
        yield from _printed([("Before the scan", (_MACOS_FIRST,))])
        yield ""


def look(seconds: float, system: System, source: Source) -> tuple[list[Found], Sequence[Driver]]:
    """The devices in reach, and the drivers there are.

    Raises DeviceError, with where to look, if there is no Bluetooth to use.
    """
    if sys.stderr.isatty() and not source.simulated:
        print(f"Listening for {seconds:g} s ...", file=sys.stderr, flush=True)

    async def listen(clock: Clock) -> tuple[list[Found], Sequence[Driver]]:
        async with source.open(clock) as around:
            return await scan(around.radio, seconds, known=around.known), around.known

    try:
        return run(listen, _SIMULATED_SPEED if source.simulated else None)
    except DeviceError as error:
        raise DeviceError(". ".join(filter(None, (str(error), _WHERE.get(system))))) from error


def page(
    found: Sequence[Found], kinds: Sequence[Driver], system: System, width: int | None = None
) -> Iterator[str]:
    """The lines of the whole page; without a width, as wide as the terminal."""
    usable = [sensor for sensor in found if sensor.driver]
    unread = [sensor for sensor in found if not sensor.driver]
    explained = _explained(unread)
    rest = len(unread) - sum(len(sensors) for _, sensors in explained)
    sections: list[tuple[str, Iterable[RenderableType]]] = []
    if usable:
        sections += [
            ("Sensors in reach", _found(usable, system)),
            ("To record from them", _commands(usable)),
        ]
    else:
        sections.append(("Sensors in reach", ("none that vagal can read",)))
    if explained:
        sections.append(("In reach, but not readable as they are", _reasons(explained)))
    if rest:
        sections.append(("Other Bluetooth devices in reach", (_REST.format(rest=rest),)))
    if not usable:
        sections += [
            ("What to try", _steps(steps(system, kinds, heard=bool(found)), heard=bool(found))),
            ("What no scan can show", _reasons([(kind, []) for kind in UNSEEN])),
            ("Without a sensor", (_whole("`vagal demo` or `vagal devices --simulate`"),)),
        ]
    sections.append(("Supported", _supported(kinds)))
    return _printed(sections, width)


def _found(usable: Sequence[Found], system: System) -> Iterator[RenderableType]:
    table = _table()
    table.add_column("Name", no_wrap=True, max_width=_NAME_WIDTH)
    table.add_column("Signal (dBm)", no_wrap=True)
    table.add_column("What it can deliver")
    for sensor in usable:
        assert sensor.driver is not None
        table.add_row(
            _pair(_shown(sensor.advert.name), sensor.advert.address),
            signal(sensor.advert.rssi_dbm),
            _pair(sensor.driver.label, delivered(sensor.driver)),
        )
    yield table
    if system is System.MACOS:
        yield "macOS shows an id in place of the address; it holds on this Mac only."


def _commands(usable: Sequence[Found]) -> Iterator[RenderableType]:
    """What to type to record from the sensors, and how to tell those of one name apart."""
    yield _kept(
        "`vagal live` takes the nearest of each kind. To choose, name one, or several, each with --device:"
    )
    names = Counter(_folded(sensor) for sensor in usable)
    for sensor in usable:
        yield _whole(f"vagal live --device {_argument(sensor, names)}")
    for sensor in usable:
        count = names.pop(_folded(sensor), 0)
        if count > 1:
            name = _shown(sensor.advert.name)
            yield f"{count} are called {name}: choose by address. Hold one close, and its signal rises."


def _argument(sensor: Found, names: Counter[str]) -> str:
    """What --device takes for this sensor: its name where that will do, else its address."""
    name = sensor.advert.name
    if names[_folded(sensor)] > 1 or not _PLAIN_NAME.fullmatch(name):
        return sensor.advert.address
    return f'"{name}"' if re.search(r"[^\w.:+-]", name) else name


def _folded(sensor: Found) -> str:
    return sensor.advert.name.lower()


def _explained(unread: Sequence[Found]) -> list[tuple[Unsupported, list[Found]]]:
    """Those of a known kind: what can be mended first, then the stronger signal."""
    kinds: dict[Unsupported, list[Found]] = {}
    for sensor in unread:  # the strongest come first
        if kind := explain(sensor.advert):
            kinds.setdefault(kind, []).append(sensor)
    return sorted(kinds.items(), key=lambda each: (each[0].remedy, -each[1][0].advert.rssi_dbm))


def _reasons(kinds: Sequence[tuple[Unsupported, Sequence[Found]]]) -> Iterator[RenderableType]:
    """Each kind once, with how many there are and the strongest signal, but without their names."""
    table = _table(header=False)
    for kind, sensors in kinds:
        count = f" ({len(sensors)})" if len(sensors) > 1 else ""
        strongest = f"\n{signal(sensors[0].advert.rssi_dbm)}" if sensors else ""
        table.add_row(f"{kind.kind}{count}{strongest}", _kept(kind.words))
    yield table


def _steps(todo: Sequence[Step], *, heard: bool) -> Iterator[RenderableType]:
    works = "Bluetooth works, since other devices were heard. " if heard else ""
    yield _kept(f"{works}In this order, then `vagal devices` again:")
    table = _table(header=False)
    for number, step in enumerate(todo, start=1):
        table.add_row(f"{number}", _pair(step.what, _kept(step.how)))
    yield table


def _supported(kinds: Sequence[Driver]) -> Iterator[RenderableType]:
    table = _table()
    for column in ("Kind, and models", "What it can deliver", "On hardware"):
        table.add_column(column)
    for kind in kinds:
        checked = "checked" if kind.hardware_verified else "not yet checked"
        table.add_row(_pair(kind.label, kind.models, indent=2), delivered(kind), checked)
    yield table


def delivered(driver: Driver) -> str:
    """A driver's streams in words."""
    return ", ".join(_STREAM_WORDS.get(stream, stream.replace("_", " ")) for stream in driver.streams)


def signal(rssi_dbm: int) -> str:
    """A signal strength in a word and in dBm."""
    if rssi_dbm > _UNKNOWN_DBM:
        return "unknown"
    word = next((word for least, word in _STRENGTHS if rssi_dbm >= least), "very weak")
    return f"{word} {rssi_dbm}"


def _shown(name: str) -> str:
    """A name that cannot steer a terminal, whatever a device calls itself."""
    return "".join(sign if sign.isprintable() else "?" for sign in name) or "(no name)"


def _printed(
    sections: Iterable[tuple[str, Iterable[RenderableType]]], width: int | None = None
) -> Iterator[str]:
    """Lines as the terminal takes them, or plain where there is none."""
    from rich.console import Console
    from rich.padding import Padding
    from rich.text import Text

    console = Console(highlight=False, markup=False, width=width)
    console.width = min(console.width, _WIDEST)
    with console.capture() as capture:
        for number, (heading, parts) in enumerate(sections):
            console.print(Text(("\n" if number else "") + heading, style="bold"))
            for part in parts:
                console.print(Padding(part, (0, 0, 0, 2)))
    return (line.replace(_JOINT, " ").rstrip() for line in capture.get().splitlines())


def _kept(words: str) -> str:
    """Words in which no command, between backticks, is broken over two lines."""
    return re.sub(r"`[^`]*`", lambda command: command[0].replace(" ", _JOINT), words)


def _whole(words: str) -> RenderableType:
    """A line that is never broken, because it is there to be copied."""
    from rich.text import Text

    return Text(words, no_wrap=True, overflow="ignore")


def _pair(first: str, second: str, *, indent: int = 0) -> RenderableType:
    """A line, and below it what is said more quietly."""
    from rich.console import Group
    from rich.padding import Padding
    from rich.text import Text

    return Group(Text(first), Padding(Text(second, style="dim"), (0, 0, 0, indent)))


def _table(*, header: bool = True) -> Table:
    from rich.table import Table

    return Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, show_header=header, header_style="dim")
