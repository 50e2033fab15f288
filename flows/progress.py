"""`vagal progress`: the progress report of a client. What the command needs is imported inside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from flows.options import home_option

if TYPE_CHECKING:
    from pipeline.store import Home


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
