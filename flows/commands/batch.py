"""`vagal batch`: a folder of recordings becomes one table, with a reason for each that failed."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flows.options import FiniteRange, columns_option, home_option

if TYPE_CHECKING:
    from flows.batch.tables import Tables
    from pipeline.store import Home

_SHOWN = 5  # reasons told in the terminal; recordings.parquet has them all


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@home_option
@click.option(
    "--out",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Write tables and pages there; run again to go on where a run was ended.",
)
@click.option(
    "--params", type=click.Path(dir_okay=False, path_type=Path), help="The study's choices, analysis.toml."
)
@click.option(
    "--participants",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Who the people are, participants.tsv.",
)
@columns_option
@click.option("--workers", type=click.IntRange(1, 256), help="Processes at once (default: one to a core).")
@click.option(
    "--dask", metavar="ADDRESS", help="A Dask cluster's scheduler instead, such as tcp://HOST:8786."
)
@click.option(
    "--prefect/--no-prefect",
    default=None,
    help="Under Prefect, or not (default: from 200 recordings to do on).",
)
@click.option(
    "--limit-s",
    type=FiniteRange(1, 86_400),
    default=120.0,
    show_default=True,
    help="The time one recording may take, s.",
)
@click.option(
    "--limit-mb",
    type=click.IntRange(200),
    default=2000,
    show_default=True,
    help="The memory one recording may take, MB.",
)
def batch(
    folder: Path,
    home: Home,
    out: Path,
    params: Path | None,
    participants: Path | None,
    columns: str | None,
    workers: int | None,
    dask: str | None,
    prefect: bool | None,
    limit_s: float,
    limit_mb: int,
) -> None:
    """Analyse every recording in a folder: one tidy table, and a reason for each that failed."""
    if workers is not None and dask is not None:
        raise click.UsageError("--workers is for this computer, --dask for a cluster: use one of them.")
    from flows.batch.flow import Engine, run_batch
    from flows.batch.plan import Job
    from flows.batch.pool import usual_workers
    from flows.batch.progress import BatchProgress

    job = Job(folder.resolve(), out.resolve(), params, participants, limit_s, limit_mb, columns)
    engine = Engine(workers or usual_workers(), home.path, dask, prefect)
    with BatchProgress() as progress:
        tables = run_batch(job, engine, sys.argv, progress)
    for line in _summary(out, tables):
        click.echo(line)
    if all(row["status"] in ("failed", "refused") for row in tables.recordings):
        sys.exit(1)


def _summary(out: Path, tables: Tables) -> Iterator[str]:
    """Counts, the commonest reasons, and where things lie."""
    counts = Counter(row["status"] for row in tables.recordings)
    told = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
    beside = f"; {tables.beside} other files" if tables.beside else ""
    yield f"Recordings   {len(tables.recordings)}: {told}{beside}"
    unused = [row for row in tables.recordings if row["status"] in ("failed", "refused")]
    for row in unused[:_SHOWN]:
        yield f"  {row['status']}: {row['recording_id']}: {row['reason']}"
    if len(unused) > _SHOWN:
        yield f"  and {len(unused) - _SHOWN} more, in recordings.parquet"
    yield from (f"  {notice}" for notice in tables.notices)
    yield f"Windows      {tables.windows}"
    yield f"Values       {tables.values_hash}"
    yield f"Summary      {out / 'summary.html'}"
