"""Where the sensors of a command come from, by its options."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from flows.surroundings import Source
    from pipeline.store import Home


def pace_of(source: Source, speed: float | None) -> float | None:
    """The speed of simulated time; None where time is real."""
    return (speed or 1.0) if source.simulated else None


def checked_source(
    home: Home, devices: tuple[str, ...], simulate: str | None, replay: str | None, speed: float | None
) -> Source:
    """The source that was asked for, if the other options go with it."""
    if replay is not None and devices:
        raise click.UsageError("--device goes with sensors in reach: a replay brings its own")
    source = source_of(home, simulate, replay, say_note)
    if speed is not None and not source.simulated:
        raise click.UsageError("--speed goes with --simulate or --replay: a real heart keeps its own time")
    return source


def source_of(
    home: Home, simulate: str | None, replay: str | None, note: Callable[[str], None] | None = None
) -> Source:
    """Where sensors come from: Bluetooth, unless another source was asked for.

    A wrong description of a sensor of one's own is noted, or, without `note`, raised.
    """
    from flows.surroundings import bluetooth, replayed, simulated

    if simulate is not None and replay is not None:
        raise click.UsageError("--simulate and --replay exclude each other")
    if simulate is not None:
        return simulated(home, simulate, note)
    return replayed(home, replay) if replay is not None else bluetooth(home, note)


def say_note(trouble: str) -> None:
    """What is passed over, beside what a command prints."""
    click.echo(f"Note: {trouble}", err=True)
