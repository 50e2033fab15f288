"""Processes of this computer that analyse recordings, each with the time and memory that one may take.

A recording that takes more, or whose process dies, is a failed row; its process is replaced and the others go
on. Every process is new (nothing is forked), computes with one thread in linear algebra, and ends with the
one that started it.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from flows.batch.plan import Job, Unit, part_path
from flows.batch.work import write_died
from pipeline.errors import InputError
from pipeline.exclusions import Status

Told = Callable[[Unit, Status], None]

_PYTHON = (sys.executable, "-P", "-m")  # -P: not what happens to lie in the current folder
_LOOK_EVERY_S = 0.05
_STARTS = 2  # a process may be ended by what has nothing to do with the recording: each gets a second one
_THREADS = ("OMP", "OPENBLAS", "MKL", "BLIS", "VECLIB", "NUMEXPR", "NUMBA", "GOTO")
_ONE_THREAD = {f"{each}_NUM_THREADS": "1" for each in _THREADS} | {"VECLIB_MAXIMUM_THREADS": "1"}


class Worker:
    """A process that analyses one recording at a time; `analyse` may be called once it was `started`."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._lock = threading.Lock()
        self._deadline_s: float | None = None
        self._why: str | None = None
        self._gone = False  # the system may take a moment to say so itself
        self._process = subprocess.Popen(
            [*_PYTHON, "flows.batch.worker", json.dumps(job.as_json())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            env={**os.environ, **_ONE_THREAD},
        )

    def started(self) -> bool:
        """Wait until it has its imports behind it; False if it ended over them."""
        return self._read() is not None

    @property
    def alive(self) -> bool:
        return not self._gone and self._process.poll() is None

    def analyse(self, unit: Unit) -> tuple[dict[str, Any] | None, str | None]:
        """Its answer, or None and, where it was ended for its limits, why."""
        assert self._process.stdin is not None
        with self._lock:
            self._deadline_s = time.monotonic() + self._job.seconds
        try:
            self._process.stdin.write(json.dumps(asdict(unit)) + "\n")
            self._process.stdin.flush()
            answer = self._read()
        except OSError:  # it is gone
            answer = None
        with self._lock:
            self._deadline_s = None
            self._gone = answer is None or self._why is not None
        return answer, self._why

    def watch(self) -> None:
        """End the process if the recording it works on has taken all it may."""
        with self._lock:
            if self._deadline_s is None or self._why is not None:
                return
            if time.monotonic() > self._deadline_s:
                self._why = f"took longer than {self._job.seconds:g} s"
            elif resident_bytes(self._process.pid) > self._job.megabytes * 1_000_000:
                self._why = f"needed more than {self._job.megabytes} MB of memory"
            if self._why is not None:
                self._process.kill()

    def end(self) -> None:
        """Kill it: whatever it was about to write is written under a name of its own, or not at all."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def _read(self) -> dict[str, Any] | None:
        assert self._process.stdout is not None
        try:
            answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        except (OSError, ValueError):  # cut short, or none at all
            return None
        return answer


class Pool:
    """So many processes at once, started when there is something to do.

        with Pool(job, workers) as pool:
            pool.analyse(units, told)

    `analyse` may be called from several threads; they share the processes.
    """

    def __init__(self, job: Job, workers: int) -> None:
        self._job = job
        self._workers: list[Worker] = []
        self._own = threading.local()
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._threads = ThreadPoolExecutor(workers)
        self._watch = threading.Thread(target=self._watch_all, daemon=True)

    def __enter__(self) -> Self:
        self._watch.start()
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self._closed.set()
        with self._lock:
            workers = list(self._workers)
        for worker in workers:
            worker.end()
        self._threads.shutdown(cancel_futures=True)
        self._watch.join()

    def analyse(self, units: Iterable[Unit], told: Told) -> None:
        """Make the part of each unit; `told` hears of each as it is done, in any order, from this thread.

        Raises InputError if the output folder takes no more, or no process can be started.
        """
        waiting = {self._threads.submit(self._one, unit): unit for unit in units}
        try:
            while waiting:
                done, _ = wait(waiting, return_when=FIRST_COMPLETED)
                for future in done:
                    told(waiting.pop(future), future.result())
        finally:
            _cancel(waiting)

    def _one(self, unit: Unit) -> Status:
        """What became of one unit, with a second process where the first died of it."""
        why: str | None = None
        for _ in range(_STARTS):
            if self._closed.is_set():
                raise InputError("the batch was ended: run the same command again to go on")
            answer, why = self._worker().analyse(unit)
            if answer is not None and "stop" in answer:
                raise InputError(answer["stop"])
            if answer is not None:
                return Status(answer["status"])
            if part_path(self._job, unit).is_file():  # it died with its work done
                return Status(json.loads(part_path(self._job, unit).read_bytes())["status"])
            if why is not None or self._closed.is_set():
                break
        if not self._closed.is_set():
            write_died(self._job, unit, why or "the process that analysed it crashed")
        return Status.FAILED

    def _worker(self) -> Worker:
        """The process of the thread that calls; a new one if the last is gone."""
        worker: Worker | None = getattr(self._own, "worker", None)
        if worker is not None and worker.alive:
            return worker
        if worker is not None:
            self._retire(worker)
        self._own.worker = worker = Worker(self._job)
        with self._lock:
            self._workers.append(worker)
        if not worker.started() and not self._closed.is_set():
            raise InputError("no process to analyse with could be started: is there memory to spare?")
        return worker

    def _retire(self, worker: Worker) -> None:
        worker.end()
        with self._lock:
            if worker in self._workers:
                self._workers.remove(worker)

    def _watch_all(self) -> None:
        while not self._closed.wait(_LOOK_EVERY_S):
            with self._lock:
                workers = list(self._workers)
            for worker in workers:
                worker.watch()


def _cancel(waiting: Iterable[Future[Status]]) -> None:
    for future in waiting:
        future.cancel()


def resident_bytes(process_id: int) -> int:
    """The memory a process holds; 0 where the system does not tell, so that there is no limit there."""
    try:
        pages = int(Path(f"/proc/{process_id}/statm").read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def usual_workers() -> int:
    """One process to a core."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
