"""`vagal up`: all that a clinic's computer runs all day."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from flows.commands.sources import source_of
from flows.commands.store import recover_unfinished
from flows.options import browser_option, home_option

if TYPE_CHECKING:
    from pipeline.store import Home


@click.command()
@home_option
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder to watch: recordings, in a folder for each client (default: inbox in the home).",
)
@click.option("--port", type=click.IntRange(1, 65535), help="The page's port (default: 8601, or a free one).")
@click.option(
    "--lan",
    metavar="ADDRESS",
    help="Let a second screen in from the local network, at this address of this computer (docs/live.md).",
)
@browser_option
def up(home: Home, folder: Path | None, port: int | None, lan: str | None, browser: bool) -> None:
    """For a clinic's computer: the pages, and a folder whose recordings are imported and reported."""
    from flows.up.running import run_up

    recover_unfinished(home)
    run_up(home, source_of(home, None, None), folder, port=port, lan=lan, browser=browser, say=click.echo)
