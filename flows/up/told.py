"""What is told of the watched folder, to the home page and in the terminal.

<home>/up/inbox.json, touched at each look; what is older than a minute is told no more.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.up.ledger import Arrival, State
from flows.up.place import Place, write_private

if TYPE_CHECKING:  # it brings the readers, which no page needs
    from flows.up.inbox import Left, Look

_FRESH_S = 60.0


def facts_of(
    folder: Path, look: Look, waiting: Sequence[Arrival], taken: Sequence[Arrival], refused: Sequence[Left]
) -> dict[str, Any]:
    """What the home page shows: what is on its way, what stays where it is and why, what came in."""
    left = [each for each in (*look.left, *refused) if each.reason is not None]
    copying = [each.path for each in look.left if each.reason is None]
    return {
        "folder": str(folder),
        "trouble": look.trouble,
        "waiting": sorted({*copying, *(each.path for each in waiting)}),
        "left": [
            {"path": each.path, "reason": each.reason} for each in sorted(left, key=lambda one: one.path)
        ],
        "taken": [
            {
                "client": each.client,
                "path": each.path,
                "session": each.session,
                "reason": each.reason,
                "at": datetime.fromtimestamp(each.changed_s).astimezone().isoformat(timespec="seconds"),
            }
            for each in taken
        ],
    }


def tell(place: Place, facts: dict[str, Any]) -> None:
    """Leave what is told for the home page."""
    write_private(place.inbox, facts)


def told(home: Path) -> dict[str, Any] | None:
    """What is told of a home's folder; None where none is watched now."""
    path = Place(home).inbox
    try:
        if time.time() - path.stat().st_mtime > _FRESH_S:
            return None
        facts = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return facts if isinstance(facts, dict) else None


def lines_of(arrivals: Sequence[Arrival]) -> Iterator[str]:
    """A line for the terminal on each arrival that is dealt with."""
    for each in arrivals:
        if each.state is State.REFUSED:
            yield f"Left     {each.path}: {each.reason}"
        elif each.reason is not None:
            yield f"Session  {each.session} of {each.client}, from {each.path}; no report: {each.reason}"
        else:
            yield f"Report   {each.session} of {each.client}, from {each.path}"
