"""`vagal review`: look at beats and skin conductance, and mark what is to be left out or kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from flows.options import home_option

if TYPE_CHECKING:
    from pipeline.store import Home


@click.command()
@click.argument("what", metavar="SESSION|OUT")
@home_option
@click.option(
    "--rater",
    default="me",
    show_default=True,
    help="Who marks: small letters, digits, hyphens. Each rater sees their own marks only.",
)
@click.option("--agreement", is_flag=True, help="Print how far raters agree, and open no page.")
@click.option("--browser/--no-browser", default=True, help="Open the page in this computer's browser.")
@click.option("--port", type=click.IntRange(1, 65_535), help="Serve the page at this port.")
def review(what: str, home: Home, rater: str, agreement: bool, browser: bool, port: int | None) -> None:
    """Look at beats and skin conductance in the browser and mark them; raw data stay as they are.

    OUT is a folder that `vagal analyse --out` or `vagal batch --out` wrote. What is marked goes to edits.csv
    in a session's folder, or to OUT/edits, and the next report or analysis heeds it.
    """
    from flows.review_items import items_of
    from pipeline.edits import rater_name

    items = items_of(home, what)
    if agreement:
        from flows.rating import agreement_lines

        for line in agreement_lines(items):
            click.echo(line)
        return

    from flows.reviewing import Desk
    from flows.web.review import review_server, serve_review

    desk = Desk(items, rater_name(rater), lambda line: click.echo(f"vagal: {line}", err=True))
    with review_server(home, desk, port) as server:
        serve_review(server, click.echo, open_browser=browser)
