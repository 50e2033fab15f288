"""`vagal import`, `analyse` and `events`: what others have recorded, and what is in a recording."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from flows.options import FiniteRange, client_option, home_option, reading_options
from pipeline.errors import VagalError

if TYPE_CHECKING:
    from pipeline.store import Home


@click.command("import")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@home_option
@client_option(required=True)
@reading_options
def import_(paths: tuple[Path, ...], home: Home, client: str, **how: Any) -> None:
    """Turn exports of straps, watches, wristbands and laboratories into sessions, with their reports.

    A file, a folder or a zip is known by what it holds: docs/formats.md lists all formats. A table of your
    own is mapped with --columns.
    """
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


@click.command()
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
@click.option(
    "--edits",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="What was marked by hand, as vagal review writes it (default: a session's own).",
)
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
    edits: Path | None,
    as_json: bool,
    out: Path | None,
    **how: Any,
) -> None:
    """Indices of a recording or a stored session, without storing anything unless --out says where."""
    from flows.analysing import analyse_input, summary_lines, write_analysis
    from flows.importing import Reading
    from flows.review_items import write_source
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
    analysis = analyse_input(home, what, Reading(**how), parameters, edits)
    if out is not None:
        for path in write_analysis(analysis, out):
            click.echo(f"Wrote {path}", err=True)
        write_source(out, home, what, Reading(**how))
    if as_json:
        click.echo(json.dumps(analysis.as_json(), ensure_ascii=False, allow_nan=False))
    else:
        for line in summary_lines(analysis):
            click.echo(line)


@click.command()
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
