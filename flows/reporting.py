"""Analyse a session and write its report: what flows, commands and the companion all call.

python -m flows.reporting FOLDER
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from pipeline.errors import VagalError
from pipeline.manifest import sha256_of, software


def write_report(folder: Path) -> Path:
    """Write features, beats, report.json and report.html of a sealed session to derived/; the page's path.

    And resonance.json, where its phases are a resonance assessment. What is there already is kept if session,
    software and parameters are the same. Raises InsufficientDataError if the session holds nothing that can
    be analysed.
    """
    from flows.resonance import write_resonance
    from pipeline.analysis import analyse
    from pipeline.report.page import render
    from pipeline.sealing import write_file, write_table
    from pipeline.store import read_session

    derived = folder / "derived"
    page = derived / "report.html"
    key = sha256_of((folder / "session.json").read_bytes() + json.dumps(software()).encode())
    if page.exists() and _key_of(derived / "report.json") == key:
        return page
    analysis = analyse(read_session(folder))
    derived.mkdir(exist_ok=True)
    write_table(derived / "features.parquet", analysis.windows_table())
    if (beats := analysis.beats_table()) is not None:
        write_table(derived / "beats.parquet", beats)
    write_resonance(derived, analysis)
    write_file(page, render(analysis).encode())
    facts = {"key": key, **analysis.as_json()}
    write_file(
        derived / "report.json", json.dumps(facts, ensure_ascii=False, allow_nan=False, indent=1).encode()
    )
    return page


def _key_of(path: Path) -> str | None:
    try:
        key: str | None = json.loads(path.read_bytes()).get("key")
    except (OSError, ValueError):
        return None
    return key


def main(folder: Path) -> int:
    """Write the report of one session; the exit code."""
    try:
        write_report(folder)
    except VagalError as error:
        print(error)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
