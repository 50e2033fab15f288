"""A batch from folder to tables, under Prefect or without: the same functions in the same order.

What was done lies in the output folder and nowhere else. So a run that was ended at any moment is taken up by
the next, whatever engine that uses, and where Prefect fails, the plain functions go on.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from flows import orchestration
from flows.batch.account import write_account
from flows.batch.gather import gather
from flows.batch.plan import (
    Job,
    Unit,
    chunk_size,
    died_path,
    missing,
    plan_batch,
    read_chunk,
    write_chunks,
)
from flows.batch.pool import Pool
from flows.batch.progress import BatchProgress
from flows.batch.tables import Tables
from flows.batch.work import unwritable
from flows.review_items import write_batch_source
from pipeline.errors import InUseError, UsageError, VagalError

WORTH_PREFECT = 200  # recordings; Prefect takes 13 s of processor time to start

_BEGUN = re.compile(r".+\.[0-9a-f]{8}\.part")  # as pipeline.sealing names what is not whole yet
_CHUNKS_AT_ONCE = 3  # so that processes never wait for the next one


@dataclass(frozen=True, slots=True)
class Engine:
    """What a batch runs on: processes of this computer, or a cluster. `prefect` None: if worth its start.

    `home` is where Prefect keeps its records.
    """

    workers: int
    home: Path
    dask: str | None = None
    prefect: bool | None = None


def run_batch(job: Job, engine: Engine, command: Sequence[str], progress: BatchProgress) -> Tables:
    """Analyse what is not analysed yet, and gather. Raises VagalError."""
    with _held(job):
        analysing = job.analysing()
        plan = plan_batch(job, analysing)
        left = missing(job, plan.units)
        progress.begin(len(plan.units), len(plan.units) - len(left))
        if left:
            _analyse(job, left, engine, progress)
        tables = gather(job, plan, analysing)
        write_account(job.out, tables, analysing, command)
        try:
            columns = {unit.unit_id: unit.columns for unit in plan.units if unit.columns is not None}
            write_batch_source(job.out, job.folder, tables.recordings, columns)
        except OSError as error:
            raise unwritable(job.out, error) from error
    return tables


def _analyse(job: Job, units: Sequence[Unit], engine: Engine, progress: BatchProgress) -> None:
    prefect = len(units) >= WORTH_PREFECT if engine.prefect is None else engine.prefect
    if prefect:
        orchestration.configure(engine.home)
    if engine.dask is not None:
        from flows.batch.cluster import analyse_on_cluster

        analyse_on_cluster(engine.dask, job, units, progress, prefect=prefect)
        return
    with Pool(job, engine.workers) as pool:
        if prefect:
            chunks = write_chunks(job, units, chunk_size(len(units), engine.workers))
            analyse = partial(_analyse_chunk, pool, progress)
            _while_prefect_starts(chunks, analyse)
            at_once = max(_CHUNKS_AT_ONCE, engine.workers)
            run_flow(job, chunks, analyse, progress, at_once=at_once)
        pool.analyse(missing_still(job, units), progress.told)


def _while_prefect_starts(chunks: Sequence[Path], analyse: Callable[[Path], None]) -> None:
    """Analyse chunks from the last one on until Prefect is there: no process waits for it.

    It has all the chunks afterwards; of these nothing is left to do.
    """
    started = threading.Thread(target=_start_prefect, name="vagal-prefect", daemon=True)
    started.start()
    for chunk in reversed(chunks):
        if not started.is_alive():
            break
        analyse(chunk)
    started.join()


def _start_prefect() -> None:
    with suppress(Exception):  # the flow meets the same fault, and says so
        _check_place()
        from prefect.client.orchestration import get_client

        with get_client(sync_client=True) as client:
            client.api_healthcheck()


def _analyse_chunk(pool: Pool, progress: BatchProgress, chunk: Path) -> None:
    pool.analyse(missing_still(*read_chunk(chunk)), progress.told)


def missing_still(job: Job, units: Sequence[Unit]) -> list[Unit]:
    """The units that this run has not tried: what died of its limits is not tried twice."""
    return [unit for unit in missing(job, units) if not died_path(job, unit).is_file()]


def run_flow(
    job: Job,
    chunks: Sequence[Path],
    analyse: Callable[[Path], None],
    progress: BatchProgress,
    *,
    at_once: int = 1,
    dask: str | None = None,
) -> None:
    """The chunks as tasks of a Prefect flow, so many at once or on a Dask cluster, or as many as it can do.

    It is told paths and no more. Where Prefect fails, a line says so. Raises the VagalError of a task.
    """
    try:
        _run_flow(job, chunks, analyse, at_once, dask)
    except VagalError:
        raise
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        progress.say(f"Prefect was not available ({reason}): the batch goes on without it")


def _run_flow(
    job: Job, chunks: Sequence[Path], analyse: Callable[[Path], None], at_once: int, dask: str | None
) -> None:
    _check_place()
    from prefect import flow, task
    from prefect.futures import wait
    from prefect.task_runners import ThreadPoolTaskRunner

    @task(name="analyse chunk", persist_result=False)
    def analyse_chunk(chunk: str) -> None:
        analyse(Path(chunk))

    runner: Any = ThreadPoolTaskRunner(max_workers=at_once)
    if dask is not None:
        from prefect_dask.task_runners import DaskTaskRunner

        runner = DaskTaskRunner(address=dask)

    @flow(name="batch", task_runner=runner)
    def batch(parts: str) -> None:
        assert parts
        futures = [analyse_chunk.submit(str(chunk)) for chunk in chunks]
        wait(futures)
        for future in futures:
            future.result()

    batch(str(job.parts))


def _check_place() -> None:
    """Raise OSError if Prefect's folder cannot be written to: it would try for minutes."""
    kept = Path(os.environ["PREFECT_HOME"])
    if not os.access(kept, os.W_OK):
        raise OSError(f"{kept} cannot be written to")


def _begun(job: Job) -> list[Path]:
    """Pages of a run that was ended while it wrote them; whatever else lies there is not ours."""
    return [path for path in job.out.glob("*.part") if _BEGUN.fullmatch(path.name)]


@contextmanager
def _held(job: Job) -> Iterator[None]:
    """Hold the output folder for this run. Raises InUseError, InputError, UsageError."""
    if job.out.resolve() == job.folder.resolve():
        raise UsageError(f"{job.out}: is the folder of the recordings: name another one with --out")
    try:
        job.parts.mkdir(parents=True, exist_ok=True)
        lock = FileLock(job.parts / "lock")
        lock.acquire(timeout=0)
        for path in (*job.parts.glob("*.part"), *job.parts.glob("*.died.json"), *_begun(job)):
            path.unlink(missing_ok=True)  # what a run that was ended has left, or could not do
    except Timeout:
        raise InUseError(
            f"{job.out}: another batch is writing there: wait for it, or name another --out"
        ) from None
    except OSError as error:
        raise unwritable(job.out, error) from error
    try:
        yield
    finally:
        lock.release()
