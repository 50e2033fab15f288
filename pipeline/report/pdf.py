"""A report's page on paper: a tagged PDF (PDF/UA-1) by WeasyPrint, which draws what a browser would print.

WeasyPrint reads no style sheet inside a drawing and no `desc`, so both are put where it looks.
"""

from __future__ import annotations

import logging
import re

from pipeline.errors import InputError
from pipeline.report.pages import style

_HIDDEN = re.compile(
    r"<details>.*?</details>", re.DOTALL
)  # tables for those who can't see a chart: tags tell it here
_NARROW = re.compile(r'<text [^>]*class="[^"]*\bnarrow\b[^"]*"[^>]*>[^<]*</text>')
_BOLD = re.compile(r'<(text|g) ([^>]*class="(?:phase|value)\b)')
_TOLD = re.compile(r"(<title [^>]*>)([^<]*)(</title>)<desc[^>]*>([^<]*)</desc>")
_POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')
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
    made: bytes = HTML(string=_for_paper(html), url_fetcher=within).write_pdf(pdf_variant="pdf/ua-1")
    return made


def _for_paper(html: str) -> str:
    """The page with what WeasyPrint can't see put right: labels, fonts and descriptions in drawings."""
    html = _POLICY.sub("", _NARROW.sub("", _HIDDEN.sub("", html)))
    html = html.replace("</style>", f"{style('paper.css')}</style>", 1)
    html = _TOLD.sub(r"\1\2. \4\3", html)
    html = _BOLD.sub(r'<\1 font-weight="600" \2', html)
    return html.replace('role="img"', f'role="img" font-family="{_FONT}"')
