"""`vagal capture`: what one sensor really sends, written to a file that anyone can play again."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from devices.capture import CaptureFile
from devices.connection import scan, supervise
from flows.live import choose, stop_on_signals
from flows.surroundings import Source
from pipeline.clock import Clock, run
from pipeline.errors import DeviceError, InputError

_SCAN_S = 8.0
_TELL_EVERY_S = 5.0


def capture_sensor(
    source: Source,
    device: str,
    path: Path,
    seconds: float,
    *,
    speed: float | None = None,
    say: Callable[[str], None] = print,
) -> None:
    """Write what a sensor of this name or address sends for so long, or until stopped.

    Raises DeviceError if it is not in reach, InputError if the file is there or cannot be written.
    """
    if path.exists() or not path.parent.is_dir():
        with _new_file(path):  # say so before anybody waits for a scan
            pass
    run(lambda clock: _capture(clock, source, device, path, seconds, say), speed)


async def _capture(
    clock: Clock, source: Source, device: str, path: Path, seconds: float, say: Callable[[str], None]
) -> None:
    with stop_on_signals() as stop:
        async with source.open(clock) as around:
            say(f"Looking for {device} ...")
            [found] = choose(await scan(around.radio, _SCAN_S, known=around.known), [device], say)
            assert found.driver is not None
            with _new_file(path) as file:
                told = Told(CaptureFile(file, clock), say)
                say(f"Capturing {found.driver.label} to {path}. Ctrl-C stops.")
                link = asyncio.create_task(supervise(found, "sensor", told.file, around.radio, lambda _: ""))
                saying = asyncio.create_task(told.keep_telling())
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(seconds):
                        await stop.wait()
                for task in (link, saying):
                    task.cancel()
                await asyncio.gather(link, saying, return_exceptions=True)
    if not told.file.notifications:
        path.unlink()
        if stop.is_set():
            raise DeviceError("stopped before the first notification: nothing was captured")
        raise DeviceError(f"{device} sent nothing: wear it, close other apps that use it, then try again")
    say(f"Wrote {path}: {told.counts}. It holds these signals, and no name, address or serial number.")
    say(f"Look at it in a text editor; `vagal live --replay {path}` plays it again.")


class Told:
    """A capture's file, and a line now and then that says how it goes."""

    def __init__(self, file: CaptureFile, say: Callable[[str], None]) -> None:
        self.file, self._say = file, say

    @property
    def counts(self) -> str:
        """Notifications by channel."""
        each = (f"{count} of {channel}" for channel, count in self.file.notifications.items())
        return ", ".join(each) or "nothing yet"

    async def keep_telling(self) -> None:
        """Say it every five seconds, until cancelled."""
        while True:
            await asyncio.sleep(_TELL_EVERY_S)
            self._say(f"  notifications: {self.counts}")


@contextlib.contextmanager
def _new_file(path: Path) -> Iterator[IO[str]]:
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            yield file
    except FileExistsError:
        raise InputError(f"{path}: is there already: give another name with --out") from None
    except OSError as error:
        why = error.strerror if path.parent.is_dir() else f"there is no folder {path.parent}"
        raise InputError(f"{path}: cannot be written ({why})") from error
