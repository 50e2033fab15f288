"""What links cost and how well they keep time: CPU, sealing, alignment on the simulated client, reconnection.

python tests/benchmarks/links.py
"""

from __future__ import annotations

import asyncio
import itertools
import random
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from bumble.core import UUID
from bumble.gatt import Service

from devices.connection import LinkEvent, scan, supervise
from devices.decoding import decode
from devices.drivers import heart_rate
from devices.drivers.heart_rate import HeartRateMeasurement
from devices.drivers.registry import drivers
from devices.virtual import strap
from devices.virtual.catalogue import SENSORS
from devices.virtual.client import SimulatedClient
from devices.virtual.peripheral import Outlet, Peripheral, notifying
from devices.virtual.radio import VirtualRadio
from devices.virtual.room import Room, simulated_room
from devices.virtual.scenario import Fault, FaultKind, Scenario, scenario
from flows.recording import Plan, Recorder, record
from pipeline.clock import Clock, SimulatedLoop, run
from pipeline.heart.ecg import rr_intervals
from pipeline.journal import Journal, Kind, Record
from pipeline.knowledge import data_path
from pipeline.manifest import known
from pipeline.model import DeviceInfo, Floats, Stream
from pipeline.sealing import read_table, records_of, seal
from pipeline.store import Home
from tests.flows.delivered import assert_samples
from tests.flows.rooms import FAST, Played, Watched, play, resting

FLOOD = 10_000
ALONE_S, TOGETHER_S, ALIGNED_S, REAL_S = 60.0, 1200.0, 300.0, 6.0
DRIFT_PPM = 300.0
LOSSES, AWAY_S = 30, 3.0

_NUMBERS = itertools.count()


@dataclass
class Metered(Watched):
    """A view that reads what recording cost, from the first record to the last: not scanning, not sealing."""

    cpu_s: float = 0.0
    wall_s: float = 0.0

    def begin(self, plan: Plan, folder: Path) -> None:
        self.cpu_s, self.wall_s = time.process_time(), time.perf_counter()

    def end(self) -> None:
        self.cpu_s, self.wall_s = time.process_time() - self.cpu_s, time.perf_counter() - self.wall_s


def raw(played: Played) -> list[Record]:
    return records_of(read_table(played.folder / "raw.parquet"))


def data_of(records: Iterable[Record]) -> list[Record]:
    return [each for each in records if each.kind is Kind.DATA]


# ---- CPU ----


def flooded(home: Path) -> None:
    """A strap that sends a hundred times a second, without intervals: nobody has so many beats."""

    async def main(clock: Clock) -> None:
        payload = bytes(HeartRateMeasurement(heart_rate_bpm=64, contact=True))
        measurement = notifying(heart_rate.MEASUREMENT)
        outlet = Outlet(heart_rate.CHANNEL, measurement, 0.01, lambda *_: (payload,))
        services = [Service(UUID(heart_rate.SERVICE), [measurement])]
        async with (
            VirtualRadio() as air,
            Peripheral(air, clock, SimulatedClient(), strap.LABEL, services, [outlet]) as sensor,
        ):
            streaming = asyncio.create_task(sensor.run())
            plan = Plan("bench", resting(FLOOD / 100), await scan(air.radio, until=bool), simulated=True)
            folder, _ = await record(plan, Home(home), clock, air.radio, view, stop=asyncio.Event())
            streaming.cancel()
        kept = len(data_of(records_of(read_table(folder / "raw.parquet"))))
        speed = kept / view.cpu_s
        print(f"whole path            {speed:8.0f} notifications per CPU second, virtual radio included")

    view = Metered()
    run(main, FAST)


def fed(home: Path, records: list[Record]) -> float:
    """CPU seconds of a recorder that is handed these notifications at their times, with no radio below it."""
    events = [each for each in records if each.kind in (Kind.DATA, Kind.DEVICE)]

    async def main(clock: Clock) -> float:
        folder = home / f"fed-{next(_NUMBERS)}"
        folder.mkdir(parents=True)
        with Journal(folder / "journal.bin", clock, {}) as journal:
            recorder = Recorder(Plan("bench", resting(1), ()), folder, journal, Watched())
            beside = [
                asyncio.create_task(work)
                for work in (recorder.decode_queued(), recorder.keep_showing(), recorder.keep_synced())
            ]
            began_s = time.process_time()
            for each in events:
                await asyncio.sleep(max(each.arrival_s - journal.now_s(), 0.0))
                if each.kind is Kind.DEVICE:
                    recorder.described(each.stream, each.generation, known(DeviceInfo, each.facts))
                else:
                    device, _, channel = each.stream.partition("/")
                    recorder.notification(device, channel, each.generation, each.payload)
            await asyncio.sleep(1.0)
            spent_s = time.process_time() - began_s
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
            return spent_s

    return run(main, FAST)


def cost_line(name: str, whole_s: float, alone_s: float, notifications: int, seconds: float) -> str:
    return (
        f"{name:22s}{100 * whole_s / seconds:7.2f} % of a core with its virtual sensors, "
        f"{100 * alone_s / seconds:5.2f} % the recorder alone; {notifications / seconds:5.1f} notifications/s"
    )


def each_kind(home: Path) -> None:
    """CPU at speed 1: the same work as when it is done at once, for so many seconds of session."""
    for name in SENSORS:
        view = Metered()
        scene = Scenario(name, name, name, (name,))
        played = play(home, resting(ALONE_S), scene=scene, shown_by=view)
        records, seconds = raw(played), played.recording.duration_s
        print(cost_line(name, view.cpu_s, fed(home, records), len(data_of(records)), seconds))


def four_at_once(home: Path) -> Played:
    """Twenty minutes of four sensors, of which all that follows is made."""
    view = Metered()
    played = play(home, resting(TOGETHER_S), scene=scenario("four-sensors"), shown_by=view)
    records, seconds = raw(played), played.recording.duration_s
    alone_s = fed(home, records)
    print(cost_line("four at once", view.cpu_s, alone_s, len(data_of(records)), seconds))
    print(f"recorder alone        {len(data_of(records)) / alone_s:8.0f} notifications per CPU second")
    return played


def in_real_time(home: Path) -> None:
    view = Metered()
    play(home, resting(REAL_S), scene=scenario("four-sensors"), shown_by=view, speed=1.0)
    print(
        f"four at once, really  {100 * view.cpu_s / view.wall_s:7.2f} % of a core during {view.wall_s:.1f} s "
        f"at speed 1, connecting included, for {REAL_S:.0f} s of protocol"
    )


def sealing(home: Path, played: Played) -> None:
    """From the journal, as it was, to the sealed session; not for the first time, so without imports."""
    records = raw(played)
    folder = home / "sealed"
    folder.mkdir()
    (folder / "journal.bin").write_bytes(b"VAGALJ1\n" + b"".join(map(bytes, records)))
    began_s, cpu_s = time.perf_counter(), time.process_time()
    seal(folder, decode)
    took_s, cpu_s = time.perf_counter() - began_s, time.process_time() - cpu_s
    began_s = time.process_time()
    decode(records)
    decoding_s = time.process_time() - began_s
    print(
        f"sealing               {took_s:8.2f} s wall, {cpu_s:.2f} s CPU, {decoding_s:.2f} to decode, for "
        f"{TOGETHER_S / 60:.0f} min of four sensors ({len(records)} records)"
    )


# ---- Alignment ----


@dataclass(frozen=True, slots=True)
class Sampled:
    """A stream at a steady rate: whose it is, what its body has, how far its values are rounded."""

    sensor: int
    device: str
    sense: str
    within: float


SAMPLED = {
    ("ecg", 130.0): Sampled(0, "strap", "ecg_uv", 0.51),
    ("acc", 25.0): Sampled(0, "strap", "acc_mg", 0.51),
    ("ppg", 55.0): Sampled(1, "arm band", "ppg_au", 0.51),
    ("acc", 52.0): Sampled(1, "arm band", "acc_mg", 0.13),
    ("eda", 51.2): Sampled(2, "Shimmer", "eda_us", 0.02),
    ("eda", 10.0): Sampled(3, "BITalino", "eda_us", 0.03),
}
MAIN = ("ecg", "ppg", "eda")  # the streams by which devices are compared


@dataclass
class LateAir:
    """A radio that is late by 10 to 60 ms, now and then by 300, and keeps notifications in order."""

    sensor: Peripheral
    rng: random.Random
    next_s: float = 0.0

    def __post_init__(self) -> None:
        self._send = self.sensor.device.notify_subscriber
        self.sensor.device.notify_subscriber = self.notify_subscriber  # type: ignore[method-assign]

    async def notify_subscriber(self, *sent: Any) -> None:
        now_s = asyncio.get_running_loop().time()
        waits = self.next_s > now_s  # then this one goes with it
        late_s = 0.3 if self.rng.random() < 0.01 else self.rng.uniform(0.01, 0.06)
        self.next_s = self.next_s + 1e-4 if waits else now_s + late_s
        await asyncio.sleep(self.next_s - now_s)
        await self._send(*sent)


async def late_air(room: Room, *_: object) -> None:
    for number, sensor in enumerate(room.sensors):
        LateAir(sensor, random.Random(number))


def truth_of(played: Played, sense: str) -> Callable[[float, float, float], Floats]:
    feels: Callable[[float, float, float], Floats] = getattr(played.client, sense)
    if sense != "acc_mg":
        return feels
    return lambda start_s, end_s, rate_hz: feels(start_s, end_s, rate_hz)[:, 0]


def beats_late_s(played: Played, stream: Stream) -> Floats:
    """How late each beat is: which it is of the client's, the intervals tell."""
    own = np.array(played.client.beats(0.0, played.began_s + played.recording.duration_s))
    shifts = range(len(own) - len(stream) + 1)
    first = min(shifts, key=lambda k: float(np.abs(own[k : k + len(stream), 1] - stream.value).max()))
    assert np.abs(own[first : first + len(stream), 1] - stream.value).max() < 1, "not the client's beats"
    return np.asarray(stream.time_s + played.began_s - own[first : first + len(stream), 0])


def late_of_all_s(played: Played, drift: dict[int, float]) -> dict[tuple[str, str], Floats]:
    """By device and stream, how late each sample is, in s."""
    late_s = {}
    for name, stream in played.recording.streams.items():
        kind = name.partition("_")[0]
        if kind in ("rr", "pp"):
            late_s["strap" if kind == "rr" else "arm band", kind] = beats_late_s(played, stream)
        elif stream.rate_hz is not None:
            known_as = SAMPLED[kind, stream.rate_hz]
            truth, ppm = truth_of(played, known_as.sense), drift.get(known_as.sensor, 0.0)
            errors_s = assert_samples(played, stream, truth, within=known_as.within, drift=ppm * 1e-6)
            late_s[known_as.device, kind] = errors_s
    return late_s


def peaks_apart_s(played: Played) -> Floats:
    """From the R peaks in the electrocardiogram to the beats that the same strap tells without a stamp."""
    streams = played.recording.streams
    peak_s, beat_s = rr_intervals(streams["ecg"]).time_s, streams["rr"].time_s
    beat_s = beat_s[(beat_s > peak_s[0]) & (beat_s < peak_s[-1])]
    return np.asarray(beat_s - peak_s[np.abs(beat_s[:, None] - peak_s[None, :]).argmin(axis=1)])


def told_ms(late_s: Floats) -> str:
    middle, most = np.percentile(np.abs(late_s), [50, 95]) * 1000
    return f"{middle:5.1f} median, {most:5.1f} p95"


def alignment(title: str, played: Played, drift: dict[int, float] | None = None) -> None:
    late_s = late_of_all_s(played, drift or {})
    print(f"alignment, {title}: ms that stream time is off true time")
    for (device, name), errors_s in late_s.items():
        spread_ms = 1000 * float(np.percentile(np.abs(errors_s - np.median(errors_s)), 95))
        print(
            f"  {device:9s} {name:4s} {told_ms(errors_s)}; as a whole {1000 * np.median(errors_s):+6.1f}, "
            f"about that {spread_ms:4.1f} p95"
        )
    medians_ms = {at: 1000 * float(np.median(each)) for at, each in late_s.items() if at[1] in MAIN}
    pairs = ", ".join(
        f"{one[0]} - {two[0]} {first - second:+.1f}"
        for (one, first), (two, second) in itertools.combinations(medians_ms.items(), 2)
    )
    print(f"  between devices: {pairs}")
    print(
        f"  beats of the strap and R peaks of its electrocardiogram: {told_ms(peaks_apart_s(played))} apart"
    )


def drifting() -> Scenario:
    four = scenario("four-sensors")
    ppm = [DRIFT_PPM, -DRIFT_PPM] * 2
    faults = tuple(Fault(FaultKind.DRIFT, sensor=each, amount=amount) for each, amount in enumerate(ppm))
    return Scenario("drifting", four.title, four.summary, four.sensors, faults)


def alignments(home: Path, calm: Played) -> None:
    alignment(f"calm, {TOGETHER_S / 60:.0f} min", calm)
    scene = drifting()
    played = play(home, resting(ALIGNED_S), scene=scene, happening=late_air)
    drift = {fault.sensor: fault.amount for fault in scene.faults}
    minutes = f"{ALIGNED_S / 60:.0f} min"
    alignment(
        f"clocks {DRIFT_PPM:+.0f} and {-DRIFT_PPM:+.0f} ppm, radio 10-60 ms late, {minutes}", played, drift
    )


# ---- Reconnection ----


@dataclass
class Listener:
    """A sink that waits for the next sample."""

    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    def notification(self, device: str, channel: str, generation: int, payload: bytes) -> None:
        if not channel.endswith(("battery", "control")):
            self.arrived.set()

    def described(self, device: str, generation: int, info: DeviceInfo) -> None: ...

    def link(self, device: str, generation: int, event: LinkEvent, reason: str) -> None: ...

    async def sample(self) -> None:
        self.arrived.clear()
        await self.arrived.wait()


@contextmanager
def turns_counted() -> Iterator[Callable[[], int]]:
    """How often the event loop has turned since, as a function."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SimulatedLoop)
    select, turns = loop.pace.select, itertools.count()

    def counting(timeout: float | None = None) -> Any:
        next(turns)
        return select(timeout)

    loop.pace.select = counting  # type: ignore[method-assign]
    began = next(turns)
    yield lambda: next(turns) - began
    del loop.pace.select


async def hangs_up(sensor: Peripheral) -> None:
    await sensor.drop_link()


async def out_of_range(sensor: Peripheral) -> None:
    sensor.out_of_range()
    await asyncio.sleep(AWAY_S)
    sensor.in_range()


Mishap = Callable[[Peripheral], Awaitable[None]]


def losses(name: str, mishap: Mishap) -> tuple[list[float], list[int]]:
    """Seconds, and turns of the event loop, from each loss to the next sample."""

    async def main(clock: Clock) -> tuple[list[float], list[int]]:
        rng, seconds, turns = random.Random(1), list[float](), list[int]()
        async with simulated_room(clock, scene=Scenario(name, name, name, (name,))) as room:
            [found] = await scan(room.radio, until=bool, known=drivers(data_path() / "sensors"))
            listener = Listener()
            link = asyncio.create_task(supervise(found, "sensor", listener, room.radio, str))
            for _ in range(LOSSES):
                await listener.sample()
                await asyncio.sleep(rng.uniform(2.0, 12.0))
                with turns_counted() as counted:
                    began_s = clock.now()
                    await mishap(room.sensors[0])
                    await listener.sample()
                    seconds.append(clock.now() - began_s)
                    turns.append(counted())
            link.cancel()
            await asyncio.gather(link, return_exceptions=True)
        return seconds, turns

    return run(main, FAST)


def reconnection() -> None:
    for name in ("heart_rate", "polar_h10", "shimmer3r", "bitalino"):
        for title, mishap in (("hangs up", hangs_up), (f"out of range for {AWAY_S:.0f} s", out_of_range)):
            seconds, turns = losses(name, mishap)
            late_s, late = np.percentile(seconds, [50, 95]), np.percentile(turns, [50, 95])
            print(
                f"{name:10s} {title:23s}{late_s[0]:5.2f} s median, {late_s[1]:5.2f} p95 from the loss to the "
                f"next sample ({late[0]:.0f} and {late[1]:.0f} turns of the event loop, {LOSSES} losses)"
            )


def main() -> None:
    began_s = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        flooded(home)
        each_kind(home)
        in_real_time(home)
        four = four_at_once(home)
        sealing(home, four)
        alignments(home, four)
    reconnection()
    print(f"links                 {time.perf_counter() - began_s:8.0f} s for all of this")


if __name__ == "__main__":
    main()
