"""A batch on a Dask cluster whose computers see the same folders: a task is told the path of a chunk.

    python -m flows.batch.cluster [PORT]

starts a cluster of two workers on this computer to try it on. A task may be run twice, when a worker dies:
what it has made is there, and is not made again.
"""

from __future__ import annotations

import atexit
import json
import sys
import threading
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from flows.batch.flow import missing_still, run_flow
from flows.batch.plan import Job, Unit, outcomes, part_path, read_chunk
from flows.batch.pool import Pool
from flows.batch.progress import BatchProgress
from pipeline.errors import DeviceError, InputError, UsageError
from pipeline.exclusions import Status

PORT = 8786
_CONNECT_S = 10
_RETRIES = 3


def analyse_on_cluster(
    address: str,
    job: Job,
    units: Sequence[Unit],
    chunks: Sequence[Path],
    progress: BatchProgress,
    *,
    prefect: bool,
) -> None:
    """Analyse every chunk there. Raises DeviceError if no cluster answers, InputError if units are left."""
    try:
        import distributed
    except ImportError as error:
        raise UsageError('--dask needs more libraries: pip install "vagal[dask]"') from error
    by_chunk = {str(chunk): read_chunk(chunk)[1] for chunk in chunks}
    try:
        client: Any = distributed.Client(  # type: ignore[no-untyped-call]
            address, timeout=_CONNECT_S
        )
    except (OSError, ValueError) as error:
        why = "is it running? (make cluster starts one)"
        raise DeviceError(f"no cluster answers at {address}: {why}") from error
    with client:
        if prefect:
            from prefect_dask.task_runners import DaskTaskRunner

            run_flow(job, chunks, analyse_chunk, DaskTaskRunner(address=address))
            _tell(job, units, progress)
        else:
            futures = client.map(analyse_chunk, list(by_chunk), pure=False, retries=_RETRIES)
            for future in distributed.as_completed(futures):  # type: ignore[no-untyped-call]
                if isinstance(future.exception(), InputError):
                    raise future.exception()
                _tell(job, by_chunk[list(by_chunk)[futures.index(future)]], progress)
    if left := missing_still(job, units):
        raise InputError(
            f"{len(left)} recordings were not analysed, as workers of the cluster were lost or do not see "
            f"{job.folder}: run the same command again to go on"
        )


def analyse_chunk(chunk: str | Path) -> None:
    """Analyse what is missing of a chunk, in a process beside this one. Raises InputError."""
    job, units = read_chunk(Path(chunk))
    with _BUSY:
        _pool(json.dumps(job.as_json())).analyse(missing_still(job, units), lambda _, __: None)


_BUSY = threading.Lock()  # one process for each worker of the cluster, however many threads that has


@lru_cache(maxsize=1)
def _pool(job: str) -> Pool:
    """The process that a worker keeps from chunk to chunk."""
    pool = Pool(Job.from_json(json.loads(job)), 1).__enter__()
    atexit.register(pool.__exit__, None, None, None)
    return pool


def _tell(job: Job, units: Sequence[Unit], progress: BatchProgress) -> None:
    there = [unit for unit in units if part_path(job, unit).is_file()]
    for unit, facts in outcomes(job, there):
        progress.told(unit, Status(facts["status"]))


def main(port: int) -> None:
    """Run a cluster of two workers until Ctrl-C."""
    from distributed import LocalCluster

    cluster: Any = LocalCluster(  # type: ignore[no-untyped-call]
        n_workers=2, threads_per_worker=1, scheduler_port=port, dashboard_address=None, host="127.0.0.1"
    )
    with cluster:
        print(
            f"Two workers at {cluster.scheduler_address}; Ctrl-C ends them. In another terminal:", flush=True
        )
        print(f"  vagal batch DIR --out OUT --dask {cluster.scheduler_address}", flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            print("Ended.")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else PORT)
