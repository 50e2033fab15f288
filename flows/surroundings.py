"""Where a session's sensors come from: Bluetooth, a simulated client, a recording that is worn, a capture."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from devices.capture import Capture, is_capture, read_capture
from devices.connection import Found, Radio
from devices.driver import Driver
from devices.drivers.registry import drivers
from pipeline.clock import Clock
from pipeline.errors import InputError
from pipeline.guidance.protocol import Protocol, Step, protocol
from pipeline.knowledge import data_path
from pipeline.model import Recording
from pipeline.store import Home, is_session, read_session


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The radio to find sensors with, or a capture that stands for one, and who is told of each step.

    `enough` says when nothing more is to be found; it is never so with a real radio. `known` are the
    drivers to look for.
    """

    radio: Radio
    hear: Callable[[Step], None] = lambda _: None
    simulated: bool = False
    enough: Callable[[Sequence[Found]], bool] = lambda _: False
    capture: Capture | None = None
    known: Sequence[Driver] = ()


Note = Callable[[str], None]
Opening = Callable[[Clock], AbstractAsyncContextManager[Surroundings]]


@dataclass(frozen=True, slots=True)
class Source:
    """How to open the surroundings of a session, and what a person is told of them first.

    `protocol` is the one that goes with them, if there is one.
    """

    open: Opening
    simulated: bool = True
    protocol: Protocol | None = None
    told: str = ""


def bluetooth(home: Home, note: Note | None = None) -> Source:
    """The radio of this computer. What is wrong with a sensor of one's own is noted, or, without, raised."""
    known = _known(home, note)

    @asynccontextmanager
    async def opened(_: Clock) -> AsyncIterator[Surroundings]:
        yield Surroundings(Radio(), known=known)

    return Source(opened, simulated=False)


def simulated(home: Home, name: str, note: Note | None = None) -> Source:
    """A simulated client in a scenario. Raises UsageError if there is none of that name.

    Sensors of one's own are looked for, too, and after them the example of one.
    """
    from devices.virtual.scenario import scenario

    scene = scenario(name)
    own = _known(home, note)
    known = (*own, *(each for each in drivers(data_path() / "sensors") if each.name not in _names(own)))

    @asynccontextmanager
    async def opened(clock: Clock) -> AsyncIterator[Surroundings]:
        from devices.virtual.room import simulated_room

        async with simulated_room(clock, scene=scene) as room:
            yield Surroundings(
                room.radio,
                lambda step: room.client.hear(clock.now(), step.kind, step.pacer),
                simulated=True,
                enough=_all(len(scene.sensors)),
                known=known,
            )

    return Source(opened, told=f"Simulated. {scene.title}: {scene.summary}")


def replayed(home: Home, what: str) -> Source:
    """A captured sensor played again, or a stored session or an export worn by virtual sensors."""
    path = Path(what)
    if is_capture(path):
        return _captured(read_capture(path))
    return _worn(_recording(home, what))


def _recording(home: Home, what: str) -> Recording:
    path = Path(what)
    if path.exists() and not is_session(path):
        from flows.importing import Reading, read_input

        try:
            return read_input(path, Reading())[1]
        except InputError as error:
            raise InputError(f"{error}; a capture or a stored session can be replayed, too") from error
    return read_session(home.find(what))


def _captured(capture: Capture) -> Source:
    @asynccontextmanager
    async def opened(_: Clock) -> AsyncIterator[Surroundings]:
        yield Surroundings(Radio(), simulated=True, capture=capture)

    told = f"Playing what a sensor once sent: {capture.driver.label}"
    if capture.torn:
        told += "; the last line of the file is not whole, and left out"
    return Source(opened, protocol=protocol("free"), told=told)


def _worn(recording: Recording) -> Source:
    from devices.virtual.recorded import RecordedBody, protocol_of, with_some_beats, worn

    recording = with_some_beats(recording)
    scene = worn(recording)

    @asynccontextmanager
    async def opened(clock: Clock) -> AsyncIterator[Surroundings]:
        from devices.virtual.room import room_of

        body = RecordedBody(recording)
        async with room_of(clock, body, scene) as room:
            yield Surroundings(
                room.radio,
                lambda _: body.begin(clock.now()),
                simulated=True,
                enough=_all(len(scene.sensors)),
                known=drivers(data_path() / "sensors"),
            )

    told = f"Virtual sensors wear the recording {recording.recording_id}"
    if recording.beat_source == "pp":
        told += "; its pulse intervals go out as RR intervals, so its report speaks of RR"
    return Source(opened, protocol=protocol_of(recording), told=told)


def _known(home: Home, note: Note | None) -> tuple[Driver, ...]:
    """All drivers; where a description of a sensor of one's own is wrong, those that come with vagal."""
    try:
        return drivers(home.path / "sensors")
    except InputError as error:
        if note is None:
            raise
        note(f"{error}; sensors of your own are passed over")
        return drivers()


def _names(kinds: Sequence[Driver]) -> set[str]:
    return {kind.name for kind in kinds}


def _all(count: int) -> Callable[[Sequence[Found]], bool]:
    return lambda found: len(found) >= count
