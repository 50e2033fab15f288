"""`vagal report` and `progress`: of a session, and of a client's sessions side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from flows.options import home_option

if TYPE_CHECKING:
    from pipeline.store import Home


@click.command()
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


@click.command()
@click.argument("client")
@home_option
@click.option(
    "--audience",
    type=click.Choice(["clinician", "client"]),
    default="clinician",
    show_default=True,
    help="Whose edition.",
)
@click.option("--pdf", is_flag=True, help="As a PDF, with tags for screen readers.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option(
    "--release", metavar="NAME", help="Release the client edition, in this name: it is a draft until then."
)
def progress(client: str, home: Home, audience: str, pdf: bool, as_json: bool, release: str | None) -> None:
    """What changed over a client's sessions, how sure that is, what was practised; the report's path."""
    from datetime import datetime

    from flows.progressing import release_progress, write_pdf, write_progress

    if as_json and (pdf or audience != "clinician"):
        raise click.UsageError(
            "--json prints what both editions rest on: it goes with neither --pdf nor --audience"
        )
    if release is not None:
        written = release_progress(home, client, release, datetime.now().astimezone())
    else:
        written = write_progress(home, client)
    if as_json:
        click.echo(written.facts.read_text(encoding="utf-8"))
    else:
        page = written.page(audience)
        click.echo(write_pdf(page) if pdf else page)
