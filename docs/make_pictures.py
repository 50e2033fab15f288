"""The README's pictures, made afresh from a simulated session: `make pictures`.

Needs Chromium at /usr/bin/chromium, as Debian and Ubuntu package it.
"""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright
from rich.console import Console

from flows.reporting import write_report
from flows.terminal import TerminalView
from pipeline.guidance.protocol import protocol
from tests.browser import CHROMIUM
from tests.flows.rooms import Played, play

PICTURES = Path(__file__).parent / "pictures"
SHOWN_AT_S = 500.0  # in the recovery, when there is something to see


def terminal(played: Played) -> str:
    """The live view at one moment, as an SVG."""
    moment = min(played.view.moments, key=lambda each: abs(each.time_s - SHOWN_AT_S))
    console = Console(record=True, width=72, force_terminal=True, file=io.StringIO())
    view = TerminalView(console)
    view.follow(protocol("guided-session"))
    console.print(view.screen(moment))
    return console.export_svg(title="vagal live", font_aspect_ratio=0.61)


def shoot(browser: Browser, content: Path, name: str, width: int, height: int) -> None:
    """Take a picture of a page as a browser of this size shows it."""
    page = browser.new_page(viewport={"width": width, "height": height}, device_scale_factor=1.25)
    page.goto(content.as_uri())
    page.screenshot(path=PICTURES / name)
    page.close()


def main() -> None:
    """Make every picture."""
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        played = play(Path(scratch), protocol("guided-session"), client="anna-1")
        report = write_report(played.folder)
        live = Path(scratch) / "live.svg"
        live.write_text(terminal(played))
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(**CHROMIUM)
            shoot(browser, report, "report.png", 860, 1760)
            shoot(browser, report, "report-phone.png", 390, 1180)
            shoot(browser, live, "live-terminal.png", 900, 360)
            browser.close()


if __name__ == "__main__":
    main()
