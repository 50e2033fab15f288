"""A batch from folder to tables, under Prefect or without: the same functions in the same order.

What was done lies in the output folder and nowhere else. So a run that was ended at any moment is taken up by
the next, whatever engine that uses, and where Prefect fails, the plain functions go on.
"""

from __future__ import annotations

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
from flows.batch.plan import Job, Unit, died_path, missing, plan_batch, read_chunk, write_chunks
from flows.batch.pool import Pool
from flows.batch.progress import BatchProgress
from flows.batch.tables import Tables
from flows.batch.work import unwritable
from pipeline.errors import InUseError, UsageError, VagalError

WORTH_PREFECT = 100  # recordings; Prefect takes 20 s to start

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
    return tables


def _analyse(job: Job, units: Sequence[Unit], engine: Engine, progress: BatchProgress) -> None:
    chunks = write_chunks(job, units)
    prefect = len(units) >= WORTH_PREFECT if engine.prefect is None else engine.prefect
    if prefect:
        orchestration.configure(engine.home)
        with suppress(OSError):  # Prefect does not make the folders above its own
            (engine.home / "prefect").mkdir(parents=True, exist_ok=True)
    if engine.dask is not None:
        from flows.batch.cluster import analyse_on_cluster

        analyse_on_cluster(engine.dask, job, units, chunks, progress, prefect=prefect)
        return
    with Pool(job, engine.workers) as pool:
        if prefect:
            try:
                run_flow(job, chunks, partial(_analyse_chunk, pool, progress))
            except VagalError:
                raise
            except Exception as error:
                reason = str(error).splitlines()[0] if str(error) else type(error).__name__
                progress.say(f"Prefect was not available ({reason}): the batch goes on without it")
        pool.analyse(missing_still(job, units), progress.told)


def _analyse_chunk(pool: Pool, progress: BatchProgress, chunk: Path) -> None:
    pool.analyse(missing_still(*read_chunk(chunk)), progress.told)


def missing_still(job: Job, units: Sequence[Unit]) -> list[Unit]:
    """The units that this run has not tried: what died of its limits is not tried twice."""
    return [unit for unit in missing(job, units) if not died_path(job, unit).is_file()]


def run_flow(job: Job, chunks: Sequence[Path], analyse: Callable[[Path], None], runner: Any = None) -> None:
    """The chunks as tasks of a Prefect flow, which is told paths and no more. Raises what a task raises."""
    from prefect import flow, task
    from prefect.futures import wait
    from prefect.task_runners import ThreadPoolTaskRunner

    @task(name="analyse chunk", persist_result=False)
    def analyse_chunk(chunk: str) -> None:
        analyse(Path(chunk))

    task_runner: Any = runner or ThreadPoolTaskRunner(max_workers=_CHUNKS_AT_ONCE)

    @flow(name="batch", task_runner=task_runner)
    def batch(parts: str) -> None:
        assert parts
        futures = [analyse_chunk.submit(str(chunk)) for chunk in chunks]
        wait(futures)
        for future in futures:
            future.result()

    batch(str(job.parts))


@contextmanager
def _held(job: Job) -> Iterator[None]:
    """Hold the output folder for this run. Raises InUseError, InputError, UsageError."""
    if job.out.resolve() == job.folder.resolve():
        raise UsageError(f"{job.out}: is the folder of the recordings: name another one with --out")
    try:
        job.parts.mkdir(parents=True, exist_ok=True)
        lock = FileLock(job.parts / "lock")
        lock.acquire(timeout=0)
        for path in (*job.parts.glob("*.part"), *job.parts.glob("*.died.json")):
            path.unlink()  # what a run that was ended has left, or could not do
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
