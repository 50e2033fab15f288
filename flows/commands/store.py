"""`vagal list`, `recover` and `verify`: the stored sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from flows.options import home_option
from pipeline.errors import InputError

if TYPE_CHECKING:
    from pipeline.store import Home


@click.command("list")
@home_option
def list_(home: Home) -> None:
    """The stored sessions."""
    from flows.importing import session_lines

    for line in session_lines(home):
        click.echo(line)


@click.command()
@home_option
def recover(home: Home) -> None:
    """Seal sessions that a crash or power cut left unfinished."""
    from devices.decoding import decode
    from pipeline.store import RecoveryState
    from pipeline.store import recover as recover_sessions

    results = recover_sessions(home, decode)
    for result in results:
        click.echo(result.trouble or f"Recovered {result.folder}")
    if not results:
        click.echo("Nothing to recover: every session is sealed.")
    if any(result.state is RecoveryState.FAILED for result in results):
        raise InputError("some sessions could not be recovered; their journals were left as they are")


@click.command()
@click.argument("sessions", nargs=-1)
@home_option
def verify(sessions: tuple[str, ...], home: Home) -> None:
    """Check that sealed sessions are as they were sealed (all of them, or those named)."""
    from pipeline.store import is_session
    from pipeline.verification import problems_of

    folders = [home.find(name) for name in sessions] or [f for f in home.sessions() if is_session(f)]
    problems = [problem for folder in folders for problem in problems_of(folder)]
    for problem in problems:
        click.echo(problem)
    if problems:
        raise InputError(f"{len(problems)} problems in {len(folders)} sessions")
    click.echo(f"{len(folders)} sessions are as they were sealed.")


def recover_unfinished(home: Home) -> None:
    """At the start of anything that records: seal what a crash left unfinished."""
    from devices.decoding import decode
    from pipeline.store import RecoveryState, recover

    for result in recover(home, decode):
        if result.state is RecoveryState.SEALED:
            click.echo(f"Recovered the unfinished session {result.folder.name}", err=True)
        elif result.state is RecoveryState.FAILED:
            click.echo(result.trouble, err=True)
