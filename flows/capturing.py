"""`vagal capture`: what one sensor really sends, written to a file that anyone can play again."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from devices.capture import CaptureFile
from devices.connection import Found, scan, supervise
from flows.live import choose, stop_on_signals, unless
from flows.surroundings import Source, Surroundings
from pipeline.clock import Clock, run
from pipeline.errors import DeviceError, InputError

_SCAN_S = 8.0
_TELL_EVERY_S = 5.0

Say = Callable[[str], None]


def capture_sensor(
    source: Source,
    device: str,
    path: Path | None,
    seconds: float,
    *,
    speed: float | None = None,
    say: Say = print,
) -> Path:
    """Write what a sensor of this name or address sends for so long, or until stopped; the file's path.

    Without a path the file is named after the driver and the time: a sensor's name would tell whose it is.
    Raises DeviceError if the sensor is not in reach, InputError if the file is there or cannot be written.
    """
    if path is not None:
        _check(path)  # before anybody waits for a scan
    return run(lambda clock: _capture(clock, source, device, path, seconds, say), speed)


def _check(path: Path) -> None:
    if path.exists():
        raise InputError(f"{path}: is there already: give another name with --out")
    if not path.parent.is_dir():
        raise InputError(f"{path}: there is no folder {path.parent}")


async def _capture(
    clock: Clock, source: Source, device: str, path: Path | None, seconds: float, say: Say
) -> Path:
    with stop_on_signals() as stop:
        async with source.open(clock) as around:
            say(f"Looking for {device} ...")
            reach = await unless(stop, scan(around.radio, _SCAN_S, known=around.known))
            [found] = choose(reach, [device], say)
            path = path or _named_after(found, clock)
            with _new_file(path) as file:
                captured = CaptureFile(file, clock)
                say(f"Capturing to {path}. Ctrl-C stops.")
                await _stream(found, captured, around, stop, seconds, say)
    if captured.error is not None:
        raise InputError(f"{path}: could not be written to its end ({captured.error.strerror}): make room")
    if not captured.notifications:
        path.unlink()
        if stop.is_set():
            raise DeviceError("stopped before the first notification: nothing was captured")
        raise DeviceError(f"{device} sent nothing: wear it, close other apps that use it, then try again")
    say(f"Wrote {path}: {_counts(captured)}. It holds these signals, and no name, address or serial number.")
    say(f"Look at it in a text editor; `vagal live --replay {path}` plays it again.")
    return path


def _named_after(found: Found, clock: Clock) -> Path:
    assert found.driver is not None
    stamp = datetime.fromtimestamp(clock.wall(), UTC).astimezone().strftime("%Y-%m-%dT%H-%M-%S")
    return Path(f"{found.driver.name.replace(':', '-')}-{stamp}.jsonl")


async def _stream(
    found: Found, captured: CaptureFile, around: Surroundings, stop: asyncio.Event, seconds: float, say: Say
) -> None:
    """Write what comes, until stopped, or for so long, or until the disk is full."""
    ends = [asyncio.create_task(event.wait()) for event in (stop, captured.broken)]
    beside = [
        asyncio.create_task(supervise(found, "sensor", captured, around.radio, lambda _: "")),
        asyncio.create_task(_keep_telling(captured, say)),
    ]
    await asyncio.wait(ends, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for task in (*ends, *beside):
        task.cancel()
    await asyncio.gather(*ends, *beside, return_exceptions=True)


async def _keep_telling(captured: CaptureFile, say: Say) -> None:
    """Say how many notifications came, every five seconds, until cancelled."""
    while True:
        await asyncio.sleep(_TELL_EVERY_S)
        say(f"  notifications: {_counts(captured)}")


def _counts(captured: CaptureFile) -> str:
    """Notifications by channel."""
    each = (f"{count} of {channel}" for channel, count in captured.notifications.items())
    return ", ".join(each) or "nothing yet"


@contextlib.contextmanager
def _new_file(path: Path) -> Iterator[IO[str]]:
    """A file that was not there before; what is left in a buffer when it closes is lost with the disk."""
    try:
        file = path.open("x", encoding="utf-8", newline="\n")
    except FileExistsError:
        raise InputError(f"{path}: is there already: give another name with --out") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror})") from error
    try:
        yield file
    finally:
        with contextlib.suppress(OSError):  # told already
            file.close()
