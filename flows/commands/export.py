"""`vagal export`: stored sessions in the formats of other programs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flows.options import home_option

if TYPE_CHECKING:
    from pipeline.store import Home


@click.command()
@click.argument("sessions", metavar="SESSION...", nargs=-1, required=True)
@home_option
@click.option(
    "--to",
    "target",
    required=True,
    type=click.Choice(["kubios", "csv", "bids", "edf"]),
    help="Beat intervals as text for Kubios, tidy tables, a BIDS data set, or EDF+ with annotations.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="A new or empty folder (default: export-FORMAT, here).",
)
@click.option(
    "--dates", is_flag=True, help="With start times and session ids; without, an export holds no date."
)
def export(sessions: tuple[str, ...], home: Home, target: str, out: Path | None, dates: bool) -> None:
    """Write stored sessions for Kubios, spreadsheets and statistics, BIDS or EDF+ (an id, or "last").

    Under the client's pseudonym and a number; no names, serial numbers, notes or check-ins go out.
    """
    from flows.exporting import export as export_sessions

    folder = out or Path(f"export-{target}")
    refused = False
    for told in export_sessions(home, sessions, target, folder, dates=dates):
        if told.refused is not None:
            click.echo(f"vagal: {told.refused}", err=True)
            refused = True
            continue
        files = f"{len(told.files)} files" if len(told.files) != 1 else "1 file"
        click.echo(f"{told.session_id} -> {told.name}: {files}")
        for sentence in told.left_out:
            click.echo(f"Note: not in the export: {sentence}", err=True)
    if refused:
        sys.exit(1)
    click.echo(f"Wrote {folder}")
