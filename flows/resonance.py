"""A client's resonance assessments as they are stored: written beside a report, read for the next pacer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pipeline.errors import InputError
from pipeline.guidance.resonance import Assessment, Verdict
from pipeline.sealing import write_json
from pipeline.store import Home

if TYPE_CHECKING:
    from pipeline.analysis import Analysis

FILE = "resonance.json"


class LastResonance(NamedTuple):
    """The rate that a client's last assessment named, its ISO date and session, and the rates like it."""

    rate_bpm: float
    date: str
    session_id: str
    alternatives_bpm: tuple[float, ...]


def write_resonance(derived: Path, analysis: Analysis) -> Path | None:
    """Write the assessment of a session to derived/; None, and no file, where its phases are none."""
    path = derived / FILE
    if analysis.resonance is None:
        path.unlink(missing_ok=True)
        return None
    write_json(path, analysis.resonance.as_json())
    return path


def read_resonance(path: Path) -> Assessment:
    """The assessment in a file. Raises InputError if it cannot be read or is none."""
    try:
        return Assessment.from_json(json.loads(path.read_bytes()))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({error})") from error


def latest_resonance(home: Home, client: str, *, simulated: bool = False) -> LastResonance | None:
    """What a client's newest assessment named; None if it named no rate, or there is none.

    A damaged file is passed over, and so is a session that could not be assessed: the one before counts. What
    a simulated session found sets no real person's pacer, nor the reverse.
    """
    folders = [folder for folder in home.sessions_path.joinpath(client).glob("*") if folder.name[0] != "."]
    for path in (folder / "derived" / FILE for folder in sorted(folders, reverse=True)):
        try:
            found = read_resonance(path)
            manifest = json.loads((path.parents[1] / "session.json").read_bytes())
            alike = bool(manifest["simulated"]) is simulated
        except (InputError, OSError, ValueError, KeyError, TypeError):
            continue
        if not alike:
            continue
        dated = found.dated
        if found.verdict is Verdict.NOT_ASSESSED or dated.date is None:
            continue
        if found.best_bpm is None:
            return None
        return LastResonance(found.best_bpm, dated.date, dated.session_id, found.not_distinguishable_bpm)
    return None


def own_rate_bpm(home: Home, client: str, *, simulated: bool) -> float | None:
    """The client's own rate for a pacer, by the latest assessment."""
    found = latest_resonance(home, client, simulated=simulated)
    return found.rate_bpm if found else None
