"""The command line: the one place that sees everything. What a command needs is imported inside it."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from flows.enter import enter
from flows.options import (
    FiniteRange,
    browser_option,
    client_option,
    home_option,
    protocol_option,
    reading_options,
    session_options,
    simulate_option,
)
from flows.progress import progress
from pipeline.errors import InputError, VagalError

if TYPE_CHECKING:
    from flows.live import Outcome
    from flows.surroundings import Source
    from flows.web.page import Page
    from pipeline.guidance.protocol import Protocol
    from pipeline.store import Home

# "\\b" keeps click from filling the lines of the paragraph.
_HELP = """Open biofeedback: from a heart-rate strap and a skin-conductance sensor to a report.

\b
Start here:    vagal demo                 no hardware needed
Your sensors:  vagal devices              what is in reach, what to do if nothing is
A session:     vagal live                 the start page in your browser
A recording:   vagal analyse FILE         Empatica E4 folder or zip, RR intervals as text

Not a medical device: it measures no hormones, diagnoses nothing and treats nothing.
"""

_SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


@click.group(context_settings=_SETTINGS, help=_HELP)
@click.version_option(package_name="vagal", message="%(prog)s %(version)s")
def cli() -> None:
    """Gather the commands."""


@cli.command()
@home_option
@click.option(
    "--speed",
    type=FiniteRange(min=1),
    default=12.0,
    show_default=True,
    help="How much faster than real time.",
)
@protocol_option("guided-session")
@browser_option
def demo(home: Home, speed: float, protocol_name: str, browser: bool) -> None:
    """A simulated client, from virtual strap and skin sensor to live page and report."""
    from flows.live import run_session
    from flows.surroundings import simulated
    from flows.web.hosting import linger, show
    from flows.web.page import Page
    from pipeline.guidance.protocol import protocol

    _recover(home)
    click.echo("A simulated client, virtual sensors. No hardware, no network.")
    source, plan = simulated(home, "calm"), protocol(protocol_name, home.path)
    with closing(Page(home)) as page:
        show(page, "/live", click.echo, open_browser=browser)
        _tell(run_session(home, "demo", plan, source, speed=speed, page=page, say=click.echo))
        linger(page, click.echo)


@cli.command()
@session_options
@protocol_option("guided-session")
@browser_option
@click.option("--port", type=click.IntRange(1, 65535), help="The page's port (default: 8601, or a free one).")
@click.option(
    "--lan",
    metavar="ADDRESS",
    help="Let a second screen in from the local network, at this address of this computer (docs/live.md).",
)
def live(browser: bool, port: int | None, lan: str | None, **options: Any) -> None:
    """A guided session from your sensors in the browser, and its report."""

    def page() -> Page:
        from flows.web.page import Page

        return Page(options["home"], port=port, lan=lan)

    (_host if browser else _session)(**options, page=page)


@cli.command()
@session_options
@protocol_option("free")
def record(**options: Any) -> None:
    """The same as live without a screen to look at: plain lines, until stopped."""
    from rich.console import Console

    from flows.terminal import TerminalView

    _session(**options, view=TerminalView(Console(force_terminal=False, highlight=False)))


def _host(
    home: Home,
    client: str,
    protocol_name: str,
    devices: tuple[str, ...],
    simulate: str | None,
    replay: str | None,
    speed: float | None,
    page: Callable[[], Page],
) -> None:
    """Serve the start page, with what was asked for chosen already."""
    from flows.web.hosting import host, show
    from flows.web.lobby import Defaults

    source = _checked_source(home, devices, simulate, replay, speed)
    plan = _plan(home, protocol_name, source)
    _recover(home)
    defaults = Defaults(client, plan.name, devices, source.told if source.simulated else None, plan)
    with closing(page()) as opened:
        show(opened, "/", click.echo)
        host(opened, home, source, defaults, speed=_pace(source, speed), say=click.echo)


def _session(
    home: Home,
    client: str,
    protocol_name: str,
    devices: tuple[str, ...],
    simulate: str | None,
    replay: str | None,
    speed: float | None,
    view: Any = None,
    page: Callable[[], Page] | None = None,
) -> None:
    """Record one session and report it; a page shows it, where there is one."""
    from flows.live import run_session

    source = _checked_source(home, devices, simulate, replay, speed)
    plan = _plan(home, protocol_name, source)
    _recover(home)
    pace = _pace(source, speed)
    with _opened(page) as shown:
        _tell(
            run_session(
                home, client, plan, source, wanted=devices, speed=pace, view=view, page=shown, say=click.echo
            )
        )


@contextmanager
def _opened(page: Callable[[], Page] | None) -> Iterator[Page | None]:
    """A page for one session, its address said."""
    if page is None:
        yield None
        return
    from flows.web.hosting import show

    with closing(page()) as opened:
        show(opened, "/live", click.echo, open_browser=False)
        yield opened


def _plan(home: Home, name: str, source: Source) -> Protocol:
    """The protocol that was named, else the one that goes with the source, else the default."""
    from pipeline.guidance.protocol import protocol

    own = source.protocol if not _given("protocol_name") else None
    return own or protocol(name, home.path)


def _given(option: str) -> bool:
    """Whether a person gave this option."""
    source = click.get_current_context().get_parameter_source(option)
    return source is not click.core.ParameterSource.DEFAULT


def _pace(source: Source, speed: float | None) -> float | None:
    """The speed of simulated time; None where time is real."""
    return (speed or 1.0) if source.simulated else None


def _checked_source(
    home: Home, devices: tuple[str, ...], simulate: str | None, replay: str | None, speed: float | None
) -> Source:
    """The source that was asked for, if the other options go with it."""
    if replay is not None and devices:
        raise click.UsageError("--device goes with sensors in reach: a replay brings its own")
    source = _source(home, simulate, replay, _note)
    if speed is not None and not source.simulated:
        raise click.UsageError("--speed goes with --simulate or --replay: a real heart keeps its own time")
    return source


def _source(
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


def _note(trouble: str) -> None:
    click.echo(f"Note: {trouble}", err=True)


def _tell(outcome: Outcome) -> None:
    """What a session left behind, and what it cost."""
    if outcome.warning:
        click.echo(f"Warning: {outcome.warning}", err=True)
    duration_s = max(outcome.recording.duration_s, 1.0)
    click.echo(f"\nSession  {outcome.folder}")
    click.echo(f"Report   {outcome.report}")
    click.echo(
        f"CPU      recorder {outcome.recorder_cpu_s:.1f} s for {duration_s / 60:.0f} min of session "
        f"({100 * outcome.recorder_cpu_s / duration_s:.1f} % of a core at speed 1), "
        f"everything {outcome.tree_cpu_s:.1f} s"
    )


def _recover(home: Home) -> None:
    """At the start of anything that records: seal what a crash left unfinished."""
    from devices.decoding import decode
    from pipeline.store import RecoveryState, recover

    for result in recover(home, decode):
        if result.state is RecoveryState.SEALED:
            click.echo(f"Recovered the unfinished session {result.folder.name}", err=True)
        elif result.state is RecoveryState.FAILED:
            click.echo(result.trouble, err=True)


@cli.command()
@click.option("--seconds", type=FiniteRange(1, 120), default=8.0, show_default=True, help="How long to look.")
@simulate_option
@home_option
def devices(home: Home, seconds: float, simulate: str | None) -> None:
    """Scan: which sensors are in reach, and which kinds are supported."""
    from flows.discovery import describe_devices

    for line in describe_devices(seconds, _source(home, simulate, None)):
        click.echo(line)


@cli.command()
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

    source = _source(home, simulate, None, _note)
    if speed is not None and not source.simulated:
        raise click.UsageError("--speed goes with --simulate: a real heart keeps its own time")
    pace = (speed or 1.0) if source.simulated else None
    capture_sensor(source, device, out, seconds, speed=pace, say=click.echo)


@cli.command("import")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@home_option
@client_option(required=True)
@reading_options
def import_(paths: tuple[Path, ...], home: Home, client: str, **how: Any) -> None:
    """Turn exports (Empatica E4 folder or zip, RR text) into sessions, with their reports."""
    from flows.importing import Reading, import_recording
    from flows.reporting import write_report

    worst = 0
    for path in paths:
        click.echo(f"Reading {path} ...", err=True)
        try:
            folder, notices = import_recording(home, path, client, Reading(**how))
            for notice in notices:
                click.echo(f"Note: {notice}", err=True)
            click.echo(f"Session  {folder}")
            click.echo(f"Report   {write_report(folder)}")
        except VagalError as error:  # the others may be fine
            click.echo(f"vagal: {error}", err=True)
            worst = max(worst, error.exit_code)
    sys.exit(worst)


@cli.command()
@click.argument("what", metavar="PATH|SESSION")
@home_option
@click.option(
    "--window",
    "window_s",
    type=FiniteRange(10, 86_400),
    default=300.0,
    show_default=True,
    help="Window length, s.",
)
@click.option(
    "--step",
    "step_s",
    type=FiniteRange(1, 86_400),
    default=30.0,
    show_default=True,
    help="From one window to the next, s.",
)
@reading_options
@click.option(
    "--correction",
    type=click.Choice(["exclude", "interpolate", "none"]),
    default="exclude",
    show_default=True,
    help="What becomes of intervals that are not normal.",
)
@click.option("--no-correction", is_flag=True, help="The same as --correction none: the plain values.")
@click.option(
    "--detrend",
    type=click.Choice(["none", "linear", "smoothness_priors"]),
    default="linear",
    show_default=True,
    help="What is taken out before spectra; smoothness_priors as in Kubios.",
)
@click.option(
    "--psd",
    type=click.Choice(["welch", "lomb"]),
    help="How spectra are estimated; left out: Lomb if a usable window has a gap, else Welch.",
)
@click.option("--normalised", is_flag=True, help="LF and HF in normalised units and LF/HF, too.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), help="Write table, JSON and report there."
)
def analyse(
    what: str,
    home: Home,
    window_s: float,
    step_s: float,
    correction: str,
    no_correction: bool,
    detrend: str,
    psd: str | None,
    normalised: bool,
    as_json: bool,
    out: Path | None,
    **how: Any,
) -> None:
    """Indices of a recording or a stored session, without storing anything unless --out says where."""
    from flows.analysing import analyse_input, summary_lines, write_analysis
    from flows.importing import Reading
    from pipeline.heart.spectrum import Detrend, PsdMethod
    from pipeline.parameters import Correction, Parameters

    parameters = Parameters(
        window_s,
        step_s,
        correction=Correction.NONE if no_correction else Correction(correction),
        detrend=Detrend(detrend),
        psd=PsdMethod(psd) if psd else None,
        normalised=normalised,
    )
    analysis = analyse_input(home, what, Reading(**how), parameters)
    if out is not None:
        for path in write_analysis(analysis, out):
            click.echo(f"Wrote {path}", err=True)
    if as_json:
        click.echo(json.dumps(analysis.as_json(), ensure_ascii=False, allow_nan=False))
    else:
        for line in summary_lines(analysis):
            click.echo(line)


@cli.command()
@click.argument("what", metavar="PATH|SESSION")
@home_option
@click.option(
    "--window",
    "window_s",
    type=(float, float),
    default=(1.0, 4.0),
    show_default=True,
    help="Where after the marker a response has to begin, s.",
)
@reading_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Write tables and JSON there.")
def events(
    what: str, home: Home, window_s: tuple[float, float], as_json: bool, out: Path | None, **how: Any
) -> None:
    """What skin and heart did after each marker: latency, amplitude, heart rate second by second."""
    from flows.events import events_of, print_events, write_events
    from flows.importing import Reading

    found = events_of(home, what, Reading(**how), window_s)
    if out is not None:
        for path in write_events(found, out):
            click.echo(f"Wrote {path}", err=True)
    if as_json:
        click.echo(json.dumps(found.as_json(), ensure_ascii=False, allow_nan=False))
    else:
        print_events(found)


@cli.command()
@click.argument("session", default="last")
@home_option
@click.option(
    "--audience",
    type=click.Choice(["clinician", "client"]),
    default="clinician",
    show_default=True,
    help="Whose edition.",
)
@click.option("--pdf", is_flag=True, help="As a PDF, with tags for screen readers.")
@click.option(
    "--text", "as_text", is_flag=True, help="Print five lines of plain text to paste into a record."
)
@click.option(
    "--release", metavar="NAME", help="Release the client edition, in this name: it is a draft until then."
)
@click.option("--out", type=click.Path(path_type=Path), help="A file or folder to put it in, too.")
def report(
    session: str,
    home: Home,
    audience: str,
    pdf: bool,
    as_text: bool,
    release: str | None,
    out: Path | None,
) -> None:
    """Write the report of a stored session (an id, the beginning of one, or "last"); its path."""
    from flows.reporting import edition, record_text, release_client_edition
    from pipeline.claims.claim import Audience

    if as_text and (pdf or out is not None or audience != "clinician"):
        raise click.UsageError("--text prints five lines: it goes with neither --pdf, --out nor --audience")
    folder = home.find(session)
    if release is not None:
        click.echo(release_client_edition(folder, release), err=True)
    click.echo(record_text(folder) if as_text else edition(folder, Audience(audience), pdf=pdf, out=out))


cli.add_command(progress)
cli.add_command(enter)


@cli.command("list")
@home_option
def list_(home: Home) -> None:
    """The stored sessions."""
    from flows.importing import session_lines

    for line in session_lines(home):
        click.echo(line)


@cli.command()
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


@cli.command()
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
