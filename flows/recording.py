"""The recorder: sensors to journal to sealed session, in one light process.

It imports neither Prefect nor scipy, waits for no browser and no analysis, and its order of work is
fixed: stamp and journal a notification, then queue it for decoding. The queue may overflow; the journal
is already written.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from devices.capture import Capture, play
from devices.connection import Found, LinkEvent, Radio, supervise
from devices.decoding import LiveDecoder, decode
from devices.driver import Samples
from flows.conduct.conductor import Conductor
from pipeline.clock import Clock
from pipeline.errors import InputError
from pipeline.guidance.protocol import Protocol as SessionProtocol
from pipeline.guidance.protocol import Step
from pipeline.guidance.strategies import Strategy, strategies
from pipeline.journal import Journal, Kind, Record
from pipeline.live.indices import LiveIndices, Shown
from pipeline.live.shown import WARMING_UP, Analysed, phase_name, shown_at, shown_facts, unanalysed, values
from pipeline.manifest import software
from pipeline.model import DeviceInfo, Recording
from pipeline.sealing import seal
from pipeline.store import Home, make_folder, recording_lock

_QUEUE_LENGTH = 4096
_SHOW_EVERY_S = 1.0
NOT_ANALYSED = "no analysis runs beside this recording"
_FIRST_DATA_S = 30.0  # a protocol starts when every sensor has delivered, or after this long


Sensor = Found | Capture


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be recorded: whom, along which protocol, from which sensors."""

    client: str
    protocol: SessionProtocol
    sensors: Sequence[Sensor]
    simulated: bool = False
    conditions: Mapping[str, str] = field(default_factory=dict)
    attended: bool = False  # somebody at a page begins it, and has a last word


@dataclass(frozen=True, slots=True)
class Moment:
    """What a view shows: where in the session we are, the live values, and how each sensor is."""

    time_s: float
    step: Step | None
    step_began_s: float
    shown: Shown
    links: Mapping[str, str]


class View(Protocol):
    """Something that shows a session; it may drop moments, never delay them."""

    def begin(self, plan: Plan, folder: Path) -> None: ...

    def show(self, moment: Moment) -> None: ...

    def end(self) -> None: ...


Attend = Callable[["Recorder"], Awaitable[None]]


class Recorder:
    """One running session. Also the sink that the sensors' links deliver to.

    `conductor` leads it through its protocol. `heard` is called with what is decoded, `relayed` too, with
    the sensor's name; `analysed` is the latest news of the analyst, `sequence` the latest record's number.
    """

    def __init__(
        self,
        plan: Plan,
        folder: Path,
        journal: Journal,
        view: View,
        hear: Callable[[Step], None] = lambda _: None,
        strategies: Mapping[str, Strategy] | None = None,
    ) -> None:
        self.plan, self.folder, self._journal, self._view = plan, folder, journal, view
        self.conductor = Conductor(
            plan.protocol,
            self.event,
            journal.now_s,
            hear,
            attended=plan.attended,
            strategies=strategies,
        )
        self.heard: Callable[[Samples, float], None] = lambda _, __: None
        self.relayed: Callable[[str, Samples], None] = lambda _, __: None
        self.live, self.analysed = LiveIndices(), unanalysed(WARMING_UP)
        self.shown: dict[str, Any] = {}
        self.sequence = 0
        self.named_sensors = _named(plan.sensors)
        self.fault: str | None = None  # of whatever attends: never the recording's
        self._queue: asyncio.Queue[Record] = asyncio.Queue(_QUEUE_LENGTH)
        self._decoder = LiveDecoder()
        self._delivered: set[str] = set()
        self._links: dict[str, str] = {}
        self._news: dict[tuple[str, str], tuple[str, ...]] = {}
        self._phase: str | None = None
        self._undecoded = 0
        self._broken: OSError | None = None
        self._broke = asyncio.Event()

    def notification(self, device: str, channel: str, generation: int, payload: bytes) -> None:
        """Journal one notification, then hand it on."""
        self._journalled(lambda: self._journal.append(Kind.DATA, f"{device}/{channel}", payload, generation))

    def described(self, device: str, generation: int, info: DeviceInfo) -> None:
        """Journal how a sensor described itself."""
        facts = json.dumps(asdict(info), ensure_ascii=False).encode()
        self._journalled(lambda: self._journal.append(Kind.DEVICE, device, facts, generation))

    def link(self, device: str, generation: int, event: LinkEvent, reason: str) -> None:
        """Journal what became of a link."""
        facts = json.dumps({"event": event, "reason": reason}, ensure_ascii=False).encode()
        self._journalled(lambda: self._journal.append(Kind.LINK, device, facts, generation))
        if event is not LinkEvent.PAIRED:  # it is connected before and after
            told = event is not LinkEvent.CONNECTED and reason
            self._links[device] = f"{event} ({reason})" if told else event

    def event(self, kind: Kind, facts: Mapping[str, Any]) -> Record:
        """Journal what happened in the session. Raises OSError if that cannot be written."""
        try:
            record = self._queued(self._journal.event(kind, facts))
        except OSError as error:
            self._break(error)
            raise
        if kind is Kind.PHASE:
            self._phase = phase_name(facts)
        return record

    def answered(self, analysed: Analysed) -> None:
        """Take news of the analyst; only what it was computed from is journalled, so it can be again."""
        self._journalled(lambda: self._journal.event(Kind.ANALYSED, analysed.record))
        self.analysed = analysed

    def _journalled(self, write: Callable[[], Record]) -> None:
        """Write a record and queue it. Called back by the links, so a full disk is kept for `broken`."""
        try:
            self._queued(write())
        except OSError as error:
            self._break(error)

    def _queued(self, record: Record) -> Record:
        self.sequence = record.sequence
        try:
            self._queue.put_nowait(record)
        except asyncio.QueueFull:  # decoding is behind: it is redone from the journal when sealing
            self._undecoded += 1
        return record

    def _break(self, error: OSError) -> None:
        self._broken = error
        self._broke.set()

    async def broken(self) -> None:
        """Raise as soon as the journal can no longer be written; never return."""
        await self._broke.wait()
        assert self._broken is not None
        raise _stopped(self.folder, self._journal.now_s(), self._broken) from self._broken

    async def first_data(self) -> None:
        """Wait until every sensor has delivered, but not for ever."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_FIRST_DATA_S):
                while len(self._delivered) < len(self.plan.sensors):
                    await asyncio.sleep(0.25)

    async def decode_queued(self) -> None:
        """Decode what arrives and feed the live values, until cancelled."""
        while True:
            self._decode(await self._queue.get())

    def _decode_waiting(self) -> None:
        """Decode all there is: what is shown follows from every record before it, and so can be redone."""
        while not self._queue.empty():
            self._decode(self._queue.get_nowait())

    def _decode(self, record: Record) -> None:
        try:
            self._feed(record)
        except Exception:  # the journal has it; live values are not worth a recording
            self._undecoded += 1

    def _feed(self, record: Record) -> None:
        device = record.stream.partition("/")[0]
        decoded = self._decoder.feed(record)
        self.live.take(record, decoded)
        for samples in decoded:
            self._news[device, samples.stream] = samples.events
            if len(samples):
                self._delivered.add(device)
                self.heard(samples, record.arrival_s)
                self.relayed(device, samples)

    async def keep_showing(self) -> None:
        """Compute, store and show the live values each second, until cancelled."""
        while True:
            await asyncio.sleep(_SHOW_EVERY_S)
            now_s = self._journal.now_s()
            self._decode_waiting()
            shown = shown_at(self.live, now_s)
            facts = shown_facts(now_s, shown, self.analysed, self._phase)
            self._journalled(partial(self._journal.event, Kind.SHOWN, facts))
            self.shown = facts | {"values": values(now_s, shown, self.analysed)}
            self._view.show(self._moment(now_s, shown))

    def _moment(self, now_s: float, shown: Shown) -> Moment:
        engine = self.conductor.engine
        return Moment(now_s, engine.step, engine.step_began_s or 0.0, shown, self.states())

    def states(self) -> dict[str, str]:
        """What each sensor's link is, and what the sensor had to say last."""
        states = {}
        for device, link in self._links.items():
            news = [event for (who, _), events in self._news.items() if who == device for event in events]
            states[device] = ", ".join(dict.fromkeys([link, *news]))
        return states

    async def keep_synced(self) -> None:
        """Bound what a power cut can take, until cancelled."""
        try:
            await self._journal.keep_synced()
        except OSError as error:
            self._break(error)

    def finish(self) -> None:
        """Journal the end, if it can still be written."""
        with contextlib.suppress(OSError):
            self._journal.event(Kind.END, {"undecoded": self._undecoded})


async def record(
    plan: Plan,
    home: Home,
    clock: Clock,
    radio: Radio,
    view: View,
    *,
    stop: asyncio.Event,
    began: Callable[[Recorder], None] = lambda _: None,
    hear: Callable[[Step], None] = lambda _: None,
    attend: Attend | None = None,
) -> tuple[Path, Recording]:
    """Record along the plan until its protocol ends or `stop` is set, then seal; the session's folder.

    `began` is called with the recorder once the journal is on disk; `hear` with each step as it begins.
    `attend` runs beside the recording, which does not notice if it fails.
    """
    known = _strategies(home) if attend else {}
    folder = make_folder(home.new_session(plan.client, clock.wall()))
    with recording_lock(folder):
        began_s = clock.now()
        try:
            with Journal(folder / "journal.bin", clock, _header(plan)) as journal:
                recorder = Recorder(plan, folder, journal, view, hear, known)
                view.begin(plan, folder)
                began(recorder)
                if attend is None:
                    recorder.answered(unanalysed(NOT_ANALYSED))
                try:
                    await _run(recorder, home, clock, radio, attend, stop)
                finally:
                    recorder.finish()
                    view.end()
            return folder, seal(folder, decode)
        except OSError as error:
            raise _stopped(folder, clock.now() - began_s, error) from error


def _strategies(home: Home) -> Mapping[str, Strategy]:
    """Those there are; where one of one's own cannot be read, those that come with vagal."""
    try:
        return strategies(home.path)
    except InputError:
        return strategies()


def _stopped(folder: Path, at_s: float, error: OSError) -> InputError:
    return InputError(
        f"recording stopped at {int(at_s) // 60}:{int(at_s) % 60:02d}, the disk cannot be written "
        f"({error.strerror}): what was recorded is safe in {folder}; make room, then run `vagal recover`"
    )


def _header(plan: Plan) -> dict[str, Any]:
    drivers = [sensor.driver for sensor in plan.sensors if sensor.driver]
    moving = [driver.name for driver in drivers if "acc" in driver.streams]
    # Where acceleration is the chest's alone it tells of breathing.
    site = {"acc_site": "chest"} if moving == ["polar_h10"] else {}
    return {
        "client": plan.client,
        "protocol": plan.protocol.name,
        "sensors": [driver.name for driver in drivers],
        "devices": [name for name, _ in _named(plan.sensors)],  # the first has a stream's plain name
        "simulated": plan.simulated,
        "conditions": {**site, **plan.conditions},
        "software": software(),
    }


async def _run(
    recorder: Recorder,
    home: Home,
    clock: Clock,
    radio: Radio,
    attend: Attend | None,
    stop: asyncio.Event,
) -> None:
    """Links and live values beside the protocol.

    The end of the protocol, `stop`, a full disk or the end of all captures ends the recording.
    """
    streaming = [
        asyncio.create_task(
            play(sensor, device, recorder, clock)
            if isinstance(sensor, Capture)
            else supervise(sensor, device, recorder, radio, home.hash_serial)
        )
        for device, sensor in _named(recorder.plan.sensors)
    ]
    deciding = [
        asyncio.create_task(recorder.conductor.run(recorder.first_data)),
        asyncio.create_task(stop.wait()),
        asyncio.create_task(recorder.broken()),
        asyncio.create_task(asyncio.wait(streaming)),  # a link goes on until it is cancelled
    ]
    beside = [
        *streaming,
        asyncio.create_task(recorder.decode_queued()),
        asyncio.create_task(recorder.keep_showing()),
        asyncio.create_task(recorder.keep_synced()),
        *([asyncio.create_task(_attended(attend, recorder))] if attend else []),
    ]
    try:
        done, _ = await asyncio.wait(deciding, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (*deciding, *beside):
            task.cancel()
        await asyncio.gather(*deciding, *beside, return_exceptions=True)
    for task in (*done, *(task for task in streaming if task.done() and not task.cancelled())):
        task.result()


async def _attended(attend: Attend, recorder: Recorder) -> None:
    try:
        await attend(recorder)
    except Exception as error:
        recorder.fault = repr(error)


def _named(sensors: Sequence[Sensor]) -> list[tuple[str, Sensor]]:
    """A short name for each sensor: its driver's, numbered where two share one."""
    names: list[tuple[str, Sensor]] = []
    counts: Counter[str] = Counter()
    for sensor in sensors:
        assert sensor.driver is not None
        name = sensor.driver.name.replace(":", "_")
        counts[name] += 1
        names.append((name if counts[name] == 1 else f"{name}_{counts[name]}", sensor))
    return names
