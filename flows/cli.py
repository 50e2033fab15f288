"""The command line: all commands, and what becomes of their failures."""

from __future__ import annotations

import io
import os
import sys

import click

from flows.commands import batch, entries, export, recordings, reports, review, sensors, sessions, store, up
from pipeline.errors import InputError, VagalError

# "\\b" keeps click from filling the lines of the paragraph.
_HELP = """Open biofeedback: from a heart-rate strap and a skin-conductance sensor to a report.

\b
Start here:    vagal demo                 no hardware needed
Your sensors:  vagal devices              what is in reach, what to do if nothing is
A session:     vagal live                 the start page in your browser
A recording:   vagal analyse FILE         of a strap, watch, wristband or laboratory; docs/formats.md

Not a medical device: it measures no hormones, diagnoses nothing and treats nothing.
"""

_SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


@click.group(context_settings=_SETTINGS, help=_HELP)
@click.version_option(package_name="vagal", message="%(prog)s %(version)s")
def cli() -> None:
    """Gather the commands."""


for each in (
    *(sessions.demo, sessions.live, sessions.record),
    *(sensors.devices, sensors.capture),
    *(recordings.import_, recordings.analyse, recordings.events),
    *(reports.report, reports.progress),
    batch.batch,
    up.up,
    review.review,
    entries.enter,
    *(store.list_, store.recover, store.verify),
    export.export,
):
    cli.add_command(each)


def main() -> None:
    """Run the command line: every failure is one line and its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a console that has no "²" still gets its table
    try:
        cli.main(standalone_mode=False)
    except click.exceptions.Exit as leave:
        sys.exit(leave.exit_code)
    except click.ClickException as wrong:
        wrong.show()
        sys.exit(wrong.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except BrokenPipeError:  # the reader of our output has gone: nothing more to say
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except VagalError as error:
        _fail(str(error), error.exit_code)
    except OSError as error:
        _fail(f"{error.filename or 'file'}: {error.strerror or error}", InputError.exit_code)
    except Exception as error:
        if os.environ.get("VAGAL_DEBUG"):
            raise
        _fail(f"a fault in vagal itself ({type(error).__name__}: {error}); VAGAL_DEBUG=1 shows where", 1)


def _fail(message: str, exit_code: int) -> None:
    click.echo(f"vagal: {message}", err=True)
    sys.exit(exit_code)


if __name__ == "__main__":
    main()
