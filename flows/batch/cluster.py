"""A batch on a Dask cluster whose computers see the same folders: a task is told the path of a chunk.

    python -m flows.batch.cluster [PORT]

starts a cluster of two workers on this computer to try it on. A task may be run twice, when a worker dies:
what it has made is there, and is not made again.
"""

from __future__ import annotations

import atexit
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from flows.batch.flow import missing_still, run_flow
from flows.batch.plan import Job, Unit, chunk_size, outcomes, read_chunk, write_chunks
from flows.batch.pool import Pool
from flows.batch.progress import BatchProgress
from pipeline.errors import DeviceError, InputError, UsageError
from pipeline.exclusions import Status

PORT = 8786
_CONNECT_S = 10
_RETRIES = 3


def analyse_on_cluster(
    address: str, job: Job, units: Sequence[Unit], progress: BatchProgress, *, prefect: bool
) -> None:
    """Analyse every unit there. Raises DeviceError if no cluster answers, InputError if units are left."""
    try:
        import distributed
    except ImportError as error:
        raise UsageError('--dask needs more libraries: pip install "vagal[dask]"') from error
    try:
        client: Any = distributed.Client(  # type: ignore[no-untyped-call]
            address, timeout=_CONNECT_S
        )
    except (OSError, ValueError) as error:
        why = "is it running? (make cluster starts one)"
        raise DeviceError(f"no cluster answers at {address}: {why}") from error
    with client:
        try:
            client.wait_for_workers(1, timeout=_CONNECT_S)
        except TimeoutError as error:
            raise DeviceError(f"the cluster at {address} has no workers: start some") from error
        chunks = write_chunks(job, units, chunk_size(len(units), len(client.nthreads())))
        if prefect:
            run_flow(job, chunks, analyse_chunk, progress, dask=address)
            _tell(job, units, progress)
        waiting = {str(chunk): missing_still(*read_chunk(chunk)) for chunk in chunks}
        _map(client, job, {chunk: of_chunk for chunk, of_chunk in waiting.items() if of_chunk}, progress)
    if left := missing_still(job, units):
        raise InputError(
            f"{len(left)} recordings were not analysed, as workers of the cluster were lost or do not see "
            f"{job.folder}: run the same command again to go on"
        )


def _map(client: Any, job: Job, chunks: Mapping[str, Sequence[Unit]], progress: BatchProgress) -> None:
    """Each chunk as a task. Raises the InputError of one; what a lost worker leaves is seen later."""
    import distributed

    futures = client.map(analyse_chunk, list(chunks), pure=False, retries=_RETRIES)
    units = {future.key: of_chunk for future, of_chunk in zip(futures, chunks.values(), strict=True)}
    for future in distributed.as_completed(futures):  # type: ignore[no-untyped-call]
        if isinstance(error := future.exception(), InputError):
            raise error
        _tell(job, units[future.key], progress)


def analyse_chunk(chunk: str | Path) -> None:
    """Analyse what is missing of a chunk, in a process beside this one. Raises InputError."""
    job, units = read_chunk(Path(chunk))
    with _BUSY:
        _pool(job).analyse(missing_still(job, units), lambda _, __: None)


_BUSY = threading.Lock()  # one process for each worker of the cluster, however many threads that has
_KEPT: dict[Job, Pool] = {}


def _pool(job: Job) -> Pool:
    """The process that a worker keeps from chunk to chunk of one job."""
    if job not in _KEPT:
        _end_kept()
        _KEPT[job] = Pool(job, 1).__enter__()
    return _KEPT[job]


@atexit.register
def _end_kept() -> None:
    while _KEPT:
        _KEPT.popitem()[1].__exit__(None, None, None)


def _tell(job: Job, units: Sequence[Unit], progress: BatchProgress) -> None:
    left = {unit.unit_id for unit in missing_still(job, units)}
    for unit, facts in outcomes(job, [unit for unit in units if unit.unit_id not in left]):
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
