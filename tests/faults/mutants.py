"""Mutants of a sound file, and a pool of processes that read them under limits and look at the outcome."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import random
import re
import signal
import tempfile
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Self

import numpy as np

from devices.driver import Samples
from devices.exports.formats import read_recording
from devices.plausible import implausible
from pipeline.errors import InputError
from pipeline.model import Recording, Stream

LIMIT_S = 5.0  # of computing, for one file
LIMIT_BYTES = 1_000_000_000  # beyond what reading the sound file took
PATIENCE_S = 120.0  # of waiting: a machine may be busy, a reader must not sleep

_LONGEST_S = 400 * 86_400.0
_LARGEST = 1e12
_LATEST_YEAR = 2300
_LONGEST_MESSAGE = 2000  # all formats by their labels are many
_NUMBER = re.compile(rb"\d+(?:[.,]\d+)?")
_ODD = (
    b"",
    b"0",
    b"-1",
    b"nan",
    b"inf",
    b"-inf",
    b"1e300",
    b"99999999999",
    b"1_0",
    b"0.0001",
    b"x",
    b"4294967295",
)


@dataclass(frozen=True, slots=True)
class Sample:
    """A sound export: one file, or the files of a folder. `victims` are those to mutate, by default all.

    `unpacked` and `packed` undo and redo a compression, for half of the mutants to lie inside it.
    """

    name: str
    files: Mapping[str, bytes]
    folder: bool = False
    victims: tuple[str, ...] = ()
    unpacked: Callable[[bytes], bytes] | None = None
    packed: Callable[[bytes], bytes] | None = None

    def write(self, folder: Path, files: Mapping[str, bytes]) -> Path:
        """Put the files into a folder; what a person would then name to import."""
        for name, content in files.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(content)
        return folder if self.folder else folder / next(iter(self.files))


@dataclass(frozen=True, slots=True)
class Finding:
    """A mutant that was not read as it should be: why, and the file that shows it."""

    sample: str
    number: int
    why: str
    file: str = ""
    content: bytes = field(default=b"", repr=False)

    def __str__(self) -> str:
        shown = self.content.hex() if len(self.content) <= 6000 else f"{len(self.content)} bytes"
        return f"{self.sample} {self.number}: {self.why}\n{self.file}: {shown}"


def _span(rng: random.Random, content: bytes) -> tuple[int, int]:
    first, last = sorted(rng.randint(0, len(content)) for _ in range(2))
    return first, last


def _cut_off(rng: random.Random, content: bytes) -> bytes:
    return content[: rng.randint(0, len(content))]


def _cut_out(rng: random.Random, content: bytes) -> bytes:
    first, last = _span(rng, content)
    return content[:first] + content[last:]


def _emptied(rng: random.Random, content: bytes) -> bytes:
    first, last = _span(rng, content)
    return content[:first] + rng.choice((b"\0", b"\xff", b" ", b"\n", b"0")) * (last - first) + content[last:]


def _flipped(rng: random.Random, content: bytes) -> bytes:
    flipped = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 8, 40))):
        if flipped:
            flipped[rng.randrange(len(flipped))] ^= 1 << rng.randrange(8)
    return bytes(flipped)


def _flipped_early(rng: random.Random, content: bytes) -> bytes:
    """In the first 200 bytes, where most formats say what follows."""
    return _flipped(rng, content[:200]) + content[200:]


def _spliced(rng: random.Random, content: bytes) -> bytes:
    return content[: rng.randint(0, len(content))] + content[rng.randint(0, len(content)) :]


def _swapped(rng: random.Random, content: bytes) -> bytes:
    first, last = _span(rng, content)
    return content[last:] + content[first:last] + content[:first]


def _odd_numbers(rng: random.Random, content: bytes) -> bytes:
    """Numbers in a text that are none, or none that a sensor gives."""
    found = list(_NUMBER.finditer(content))
    for each in sorted(
        rng.sample(found, min(len(found), rng.choice((1, 1, 1, 5)))), key=_start, reverse=True
    ):
        content = content[: each.start()] + rng.choice(_ODD) + content[each.end() :]
    return content


def _start(found: re.Match[bytes]) -> int:
    return found.start()


def _shuffled_lines(rng: random.Random, content: bytes) -> bytes:
    lines = content.split(b"\n")
    first, last = _span(rng, lines)
    part = lines[first:last]
    rng.shuffle(part)
    return b"\n".join(lines[:first] + rng.choice((part, part * 2, part[:1])) + lines[last:])


def _large_words(rng: random.Random, content: bytes) -> bytes:
    """Counts and lengths of a binary file that are far too large, or negative."""
    at = rng.randrange(max(1, min(len(content), rng.choice((64, 512, len(content))) + 1)))
    word = rng.choice(
        (b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\0\0\0\x80", b"\0\0\0\0", b"\x7f\xff\xff\xff")
    )
    return content[:at] + word[: rng.choice((1, 2, 4))] + content[at + 4 :]


MUTATIONS = (
    _cut_off,
    _cut_out,
    _emptied,
    _flipped,
    _flipped_early,
    _spliced,
    _swapped,
    _odd_numbers,
    _odd_numbers,
    _shuffled_lines,
    _large_words,
)


def mutant(sample: Sample, number: int) -> tuple[str, bytes]:
    """The file of a sample that is changed, and its content; the same each time for the same number."""
    rng = random.Random(f"{sample.name} {number}")
    name = rng.choice(sample.victims or tuple(sample.files))
    content = sample.files[name]
    if number % 200 == 0:
        return name, b""
    inside = sample.unpacked is not None and sample.packed is not None and rng.random() < 0.5
    if inside:
        content = sample.unpacked(content)
    for _ in range(rng.choice((1, 1, 1, 2))):
        content = rng.choice(MUTATIONS)(rng, content)
    return name, sample.packed(content) if inside else content


def flaws(recording: Recording, sound: Recording | None) -> Iterator[str]:
    """What of a recording cannot be, or was not told: light, as it runs on each mutant."""
    streams = recording.streams
    if not any(len(stream) for stream in streams.values()):
        yield "a recording without a sample"
    if not 0 <= recording.duration_s <= _LONGEST_S:
        yield f"lasts {recording.duration_s} s"
    if (at := recording.started_at) and not (at.tzinfo and 1970 <= at.year <= _LATEST_YEAR):
        yield f"started at {at}"
    for name, stream in streams.items():
        yield from (f"{name}: {why}" for why in _stream_flaws(stream, recording.duration_s))
        if stream.name != name:
            yield f"{name} is called {stream.name}"
    for marker in recording.markers:
        if not (np.isfinite(marker.time_s) and (marker.end_s is None or marker.end_s >= marker.time_s)):
            yield f"a marker at {marker.time_s} to {marker.end_s}"
    if not all(0 <= phase.start_s < phase.end_s < np.inf for phase in recording.phases):
        yield f"phases {recording.phases}"
    yield from (f"notice {notice!r}" for notice in recording.notices if not _reads_well(notice))
    untold = _implausible(recording) - (_implausible(sound) if sound else set())
    if untold and set(recording.notices) <= (set(sound.notices) if sound else set()):
        yield f"no word on {', '.join(sorted(untold))}"


def _stream_flaws(stream: Stream, duration_s: float) -> Iterator[str]:
    slack_s = 1e-6 + 1 / (stream.rate_hz or np.inf)
    for name, values in {"time_s": stream.time_s, **stream.columns}.items():
        if not isinstance(values, np.ndarray) or values.dtype != np.float64 or values.ndim != 1:
            yield f"{name} is {type(values).__name__} of {getattr(values, 'dtype', '')}"
        elif not np.all(np.isnan(values) | (np.abs(values) <= _LARGEST)):
            yield f"{name} holds {values[np.argmax(np.abs(values))]}"
    if len(stream) and not (stream.time_s[0] >= 0 and stream.time_s[-1] <= duration_s + slack_s):
        yield f"from {stream.time_s[0]} to {stream.time_s[-1]} s in {duration_s} s"
    if np.isnan(stream.time_s).any():
        yield "at no time"
    if stream.rate_hz is not None:
        if not 0 < stream.rate_hz <= 1e6:
            yield f"{stream.rate_hz} Hz"
        elif len(stream) > 2 and not 0.5 < np.median(np.diff(stream.time_s)) * stream.rate_hz < 2:
            yield f"{stream.rate_hz} Hz, but {np.median(np.diff(stream.time_s))} s apart"
    for gap in stream.gaps:
        if not -slack_s <= gap.start_s < gap.end_s <= duration_s + slack_s:
            yield f"{gap} in {duration_s} s"


def _implausible(recording: Recording) -> set[str]:
    """What of a recording's values no body has."""
    streams = recording.streams.values()
    return {word for each in streams for word in implausible(Samples(each.name, each.columns))}


def _reads_well(text: str) -> bool:
    """Whether a terminal can show it, on a line or a few."""
    return text.isprintable() and 0 < len(text) <= _LONGEST_MESSAGE


def tried(path: Path, sound: Recording | None) -> str | None:
    """What is wrong with how a file is read or refused; None if nothing is."""
    try:
        _, recording = read_recording(path)
    except InputError as error:
        message = str(error)
        names = str(path.parent) in message and _reads_well(message)
        return None if names else f"refused with {message[:1000]!r}"
    except Exception:
        return traceback.format_exc(limit=-8)
    return next(flaws(recording, sound), None)


def _sound(path: Path) -> Recording | None:
    """What the sample itself is read as; None if it is refused, as one that holds no more than a summary."""
    try:
        return read_recording(path)[1]
    except InputError:
        return None


def work(connection: Connection) -> None:
    """A worker's life: a sample, then numbers of its mutants, each answered with what is wrong with it."""
    warnings.simplefilter("error")
    logging.disable()
    with tempfile.TemporaryDirectory(prefix="mutants-") as place, contextlib.suppress(EOFError):
        number = 0
        while True:
            sample: Sample = connection.recv()
            number += 1
            folder = Path(place) / str(number)
            folder.mkdir()
            _unlimited()
            sound = _sound(sample.write(folder, sample.files))
            _limited()
            connection.send(None)
            while (each := connection.recv()) is not None:
                connection.send(_mutant_tried(sample, each, folder, sound))


def _mutant_tried(sample: Sample, number: int, folder: Path, sound: Recording | None) -> str | None:
    name, content = mutant(sample, number)
    path = sample.write(folder, {name: content})
    _clock(LIMIT_S)
    why = tried(path, sound)
    _clock(0)
    sample.write(folder, {name: sample.files[name]})
    return why


def _clock(seconds: float) -> None:
    """Have the process killed after so much computing, whatever it is at; 0 takes that back."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_PROF, seconds)


def _unlimited() -> None:
    with contextlib.suppress(ImportError):
        import resource

        resource.setrlimit(
            resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.getrlimit(resource.RLIMIT_AS)[1])
        )


def _limited() -> None:
    """Let the process have no more than LIMIT_BYTES beyond what it has, where the system can tell."""
    with contextlib.suppress(ImportError, OSError):
        import resource

        has = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (has + LIMIT_BYTES, resource.getrlimit(resource.RLIMIT_AS)[1]))


@dataclass
class _Worker:
    """A process, the end of the line to it, and what it is at."""

    process: SpawnProcess
    line: Connection
    at: int | None = None


class Pool:
    """Processes that try mutants. One that dies, or is asleep, is a finding, and another takes its place."""

    def __init__(self, size: int) -> None:
        self._context = multiprocessing.get_context("spawn")
        self._workers = [self._hired() for _ in range(size)]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.process.kill()
            worker.process.join()
            worker.line.close()

    def findings(self, sample: Sample, numbers: Sequence[int]) -> list[Finding]:
        """Try these mutants of a sample."""
        left, found = iter(numbers), list[Finding]()
        for worker in self._workers:
            self._begin(worker, sample)
        busy = [worker for worker in self._workers if self._next(worker, left)]
        while busy:
            heard = wait([worker.line for worker in busy], PATIENCE_S)
            for worker in [each for each in busy if not heard or each.line in heard]:
                why = self._answer(worker, bool(heard))
                if why is not None:
                    assert worker.at is not None
                    found.append(Finding(sample.name, worker.at, why, *mutant(sample, worker.at)))
                if worker.process.exitcode is not None:
                    self._replace(worker)
                    self._begin(worker, sample)
                if not self._next(worker, left):
                    busy.remove(worker)
        for worker in self._workers:
            worker.line.send(None)
        return found

    def _hired(self) -> _Worker:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=work, args=(theirs,), daemon=True)
        process.start()
        theirs.close()
        return _Worker(process, ours)

    def _replace(self, worker: _Worker) -> None:
        worker.line.close()
        fresh = self._hired()
        worker.process, worker.line = fresh.process, fresh.line

    def _begin(self, worker: _Worker, sample: Sample) -> None:
        worker.line.send(sample)
        assert worker.line.poll(PATIENCE_S), f"{sample.name}: the sample itself is not read in {PATIENCE_S} s"
        worker.line.recv()

    def _next(self, worker: _Worker, left: Iterator[int]) -> bool:
        worker.at = next(left, None)
        if worker.at is not None:
            worker.line.send(worker.at)
        return worker.at is not None

    def _answer(self, worker: _Worker, heard: bool) -> str | None:
        """What a worker says of its mutant, or what became of the worker."""
        if heard:
            with contextlib.suppress(EOFError, ConnectionResetError):
                why: str | None = worker.line.recv()
                return why
        worker.process.kill() if not heard else None
        worker.process.join()
        code = worker.process.exitcode
        if not heard:
            return f"no answer in {PATIENCE_S:g} s"
        if code == -signal.SIGPROF:
            return f"more than {LIMIT_S:g} s of computing"
        return f"the process ended with {code}"
