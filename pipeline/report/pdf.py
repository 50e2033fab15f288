"""A report's page on paper: a tagged PDF (PDF/UA-1) by WeasyPrint.

Each page names the style sheet that dresses it on paper. What only a screen needs is left out: tables that
repeat a chart, what explains itself by a click. Drawings go in as pictures, which are drawn much sooner.
"""

from __future__ import annotations

import gc
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

from pipeline.errors import InputError
from pipeline.report.pages import style

_STYLE = re.compile(r'<style data-paper="([a-z_]+[.]css)">.*?</style>', re.DOTALL)
_SCREEN_ONLY = re.compile(
    r'<(section|figure) class="[^"]*\bscreen-only\b.*?</\1>|<details.*?</details>'
    r'|<a class="skip".*?</a>|</?a\b[^>]*>|<meta http-equiv="Content-Security-Policy"[^>]*>'
    r'|<text [^>]*class="[^"]*\bnarrow\b[^"]*"[^>]*>[^<]*</text>',
    re.DOTALL,
)
_DRAWING = re.compile(  # with the drawings that are nested in it
    r'<svg class="(?P<css>[^"]*)" width="100%" height="(?P<height>\d+)"(?P<more>[^>]*)>'
    r"<title[^>]*>(?P<title>[^<]*)</title><desc[^>]*>(?P<told>[^<]*)</desc>"
    r"(?P<content>(?:[^<]++|<(?!/?svg\b)|<svg\b.*?</svg>)*+)</svg>",
    re.DOTALL,
)
_PHASE = re.compile(r'(<text [^>]*class="phase\b[^>]*>\d+) [^<]*</text>')
_BOLD = re.compile(r'<(text|g) ([^>]*class="(?:phase|value)\b)')
_FONT = "Liberation Sans, DejaVu Sans, Arial, sans-serif"


def pdf_of(html: str) -> bytes:
    """The page as a PDF. Raises InputError that names what to install if something is missing."""
    try:
        from weasyprint import HTML
        from weasyprint.urls import URLFetcher
    except (ImportError, OSError) as error:  # OSError: Pango is not there
        raise InputError(
            'a PDF needs WeasyPrint and Pango: `pip install "vagal[pdf]"`, then `apt install libpango-1.0-0 '
            "libpangoft2-1.0-0 libharfbuzz-subset0` (macOS: `brew install pango`); or print the page"
        ) from error
    logging.getLogger("weasyprint").setLevel(logging.ERROR)  # it tells of every rule that is for screens
    within = URLFetcher(allowed_protocols=("data",))  # a page brings its pictures along; nothing is fetched
    with _uncollected():
        made: bytes = HTML(string=_for_paper(html), url_fetcher=within).write_pdf(pdf_variant="pdf/ua-1")
    return made


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the search for cycles: boxes live until all is drawn, and looking at them costs an eighth."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _for_paper(html: str) -> str:
    html = _SCREEN_ONLY.sub("", html)
    html = _STYLE.sub(lambda found: f"<style>{style(found[1])}</style>", html, count=1)
    return _DRAWING.sub(_picture, _named_once(html))


def _named_once(html: str) -> str:
    """Phases by name on the first drawing, by number on the others: each letter is laid out by itself."""
    first = _PHASE.search(html)
    end = html.find("</figure>", first.start()) if first else len(html)
    return html[:end] + _PHASE.sub(r"\1</text>", html[end:])


def _picture(drawing: re.Match[str]) -> str:
    """A drawing as a picture that is told by its title and description."""
    content = _BOLD.sub(r'<\1 font-weight="600" \2', drawing["content"])
    height = drawing["height"]
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="100%" height="{height}" overflow="visible" '
        f'font-family="{_FONT}"{drawing["more"]}>{content}</svg>'
    )
    source = f"data:image/svg+xml,{quote(svg)}"
    told = f"{drawing['title']}. {drawing['told']}"
    return f'<img class="{drawing["css"]}" style="height:{height}px" alt="{told}" src="{source}">'
