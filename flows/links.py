"""Links to reports, left with the Prefect flow that made them.

A link leads to a page named after a session, or a hash, alone, which leads on: Prefect hears of no client.
"""

from __future__ import annotations

import contextlib
import re
from pathlib import Path


def leave_link(home: Path, page: Path, name: str, *, text: str, description: str) -> None:
    """Leave a link to a page of a home with the flow that runs; without one the page is there all the same.

    <home>/reports/<name>.html leads on to the page.
    """
    from prefect.artifacts import create_link_artifact

    with contextlib.suppress(Exception):
        create_link_artifact(
            door_to(home, page, name).resolve().as_uri(),
            link_text=text,
            key=_plain(name),
            description=description,
        )


def door_to(home: Path, page: Path, name: str) -> Path:
    """Write the page that leads on to a page of the same home; where it lies."""
    door = home / "reports" / f"{_plain(name)}.html"
    door.parent.mkdir(mode=0o700, exist_ok=True)
    there = "/".join(("..", *page.relative_to(home).parts))
    door.write_text(f'<meta http-equiv="refresh" content="0; url={there}">\n', encoding="utf-8")
    return door


def _plain(name: str) -> str:
    """What Prefect takes for a key, and any system for a file's name."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower())
