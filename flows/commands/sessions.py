"""`vagal demo`, `live` and `record`: a session and its report."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import click

from flows.commands.sources import checked_source, pace_of
from flows.commands.store import recover_unfinished
from flows.options import FiniteRange, browser_option, home_option, protocol_option, session_options
from pipeline.errors import InputError

if TYPE_CHECKING:
    from flows.live import Outcome
    from flows.lsl import Outlets
    from flows.surroundings import Source
    from flows.web.page import Page
    from pipeline.guidance.protocol import Protocol
    from pipeline.store import Home


@click.command()
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

    recover_unfinished(home)
    click.echo("A simulated client, virtual sensors. No hardware, no network.")
    source, plan = simulated(home, "calm"), protocol(protocol_name, home.path)
    with closing(Page(home)) as page:
        show(page, "/live", click.echo, open_browser=browser)
        _tell(run_session(home, "demo", plan, source, speed=speed, page=page, say=click.echo))
        linger(page, click.echo)


@click.command()
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


@click.command()
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
    conditions: tuple[str, ...],
    simulate: str | None,
    replay: str | None,
    speed: float | None,
    lsl: bool,
    page: Callable[[], Page],
) -> None:
    """Serve the start page, with what was asked for chosen already."""
    from flows.web.hosting import host, show
    from flows.web.lobby import Defaults

    if lsl:
        raise click.UsageError("--lsl goes with record and live --no-browser: each start is one session")
    if conditions:
        raise click.UsageError("--conditions goes with record and live --no-browser: the start page asks")
    source = checked_source(home, devices, simulate, replay, speed)
    plan = _plan(home, protocol_name, source)
    recover_unfinished(home)
    defaults = Defaults(client, plan.name, devices, source.told if source.simulated else None, plan)
    with closing(page()) as opened:
        show(opened, "/", click.echo)
        host(opened, home, source, defaults, speed=pace_of(source, speed), say=click.echo)


def _session(
    home: Home,
    client: str,
    protocol_name: str,
    devices: tuple[str, ...],
    conditions: tuple[str, ...],
    simulate: str | None,
    replay: str | None,
    speed: float | None,
    lsl: bool,
    view: Any = None,
    page: Callable[[], Page] | None = None,
) -> None:
    """Record one session and report it; a page shows it, where there is one."""
    from flows.live import run_session

    with _outlets(lsl) as outlets:  # first: nobody is asked anything if that fails
        source = checked_source(home, devices, simulate, replay, speed)
        plan = _plan(home, protocol_name, source)
        said = conditions_of(home, client, conditions, source)
        recover_unfinished(home)
        with _opened(page) as shown:
            _tell(
                run_session(
                    home,
                    client,
                    plan,
                    source,
                    wanted=devices,
                    conditions=said,
                    speed=pace_of(source, speed),
                    view=view,
                    page=shown,
                    outlets=outlets,
                    say=click.echo,
                )
            )


def conditions_of(home: Home, client: str, told: tuple[str, ...], source: Source) -> dict[str, str]:
    """The conditions given; else those that a person at a terminal answers, before any sensor is looked for.

    What the next session of a real client may offer again is kept.
    """
    from flows.asking import ask_conditions, conditions_from, somebody_can_answer
    from flows.web.lobby import keep_conditions
    from pipeline.conditions import kept_conditions

    if not told and not somebody_can_answer():
        return {}
    before = _kept(home, client)
    said = conditions_from(told) if told else ask_conditions(before, _answer, _say)
    if said and not source.simulated:
        keep_conditions(home, client, kept_conditions({**before, **said} if told else said))
    return said


def _kept(home: Home, client: str) -> Mapping[str, str]:
    from pipeline.profile import read_profile

    try:
        return read_profile(home.path, client).conditions
    except InputError:  # what cannot be read is no reason not to record
        return {}


def _answer(question: str) -> str:
    click.echo(f"{question} ", nl=False, err=True)
    try:
        return input()
    except EOFError:
        return ""


def _say(line: str) -> None:
    click.echo(line, err=True)


@contextmanager
def _outlets(wanted: bool) -> Iterator[Outlets | None]:
    """LSL streams for one session, if they are wanted; at its end, whether any were lost on the way."""
    if not wanted:
        yield None
        return
    from flows.lsl import Outlets, library

    with closing(Outlets(library())) as opened:
        yield opened
    if opened.fault is not None:
        click.echo(f"Warning: LSL streams ended early ({opened.fault}); the recording is whole", err=True)
    elif opened.dropped:
        lost = f"{opened.dropped} notifications were not sent over LSL"
        click.echo(f"Note: {lost}; the recording is whole", err=True)


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
