"""`vagal devices` and `capture`: which sensors are in reach, and what one of them sends."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from flows.commands.sources import say_note, source_of
from flows.options import FiniteRange, home_option, simulate_option

if TYPE_CHECKING:
    from pipeline.store import Home


@click.command()
@click.option("--seconds", type=FiniteRange(1, 120), default=8.0, show_default=True, help="How long to look.")
@simulate_option
@home_option
def devices(home: Home, seconds: float, simulate: str | None) -> None:
    """Scan: which sensors are in reach, and which kinds are supported."""
    from flows.discovery import describe_devices

    for line in describe_devices(seconds, source_of(home, simulate, None)):
        click.echo(line)


@click.command()
@click.argument("device")
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="The file (default: DEVICE.jsonl)."
)
@click.option(
    "--seconds", type=FiniteRange(1, 86_400), default=300.0, show_default=True, help="How long, at most."
)
@simulate_option
@click.option("--speed", type=FiniteRange(min=1), help="With --simulate: faster than real time.")
@home_option
def capture(
    home: Home, device: str, out: Path | None, seconds: float, simulate: str | None, speed: float | None
) -> None:
    """Write down what a sensor (a name or address) really sends, to look at, give away, or play again."""
    from flows.capturing import capture_sensor

    source = source_of(home, simulate, None, say_note)
    if speed is not None and not source.simulated:
        raise click.UsageError("--speed goes with --simulate: a real heart keeps its own time")
    pace = (speed or 1.0) if source.simulated else None
    capture_sensor(source, device, out, seconds, speed=pace, say=click.echo)
