"""What a batch says of itself, beside its tables: exclusions, sensitivity, methods, provenance, a page.

Nothing here tells who or where it was run: no user's name, no absolute path of a home.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
import platform
import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import asdict, astuple
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.batch.tables import Tables
from pipeline.errors import InputError
from pipeline.exclusions import flow
from pipeline.knowledge import data_path
from pipeline.manifest import software
from pipeline.parameters_file import Analysing
from pipeline.sealing import write_file, write_json
from pipeline.study_columns import dictionary

if TYPE_CHECKING:
    import pandas as pd

SETTINGS = "analysis.toml"
_LIBRARIES = ("numpy", "scipy", "numba", "pandas", "pyarrow")
_HOME = re.compile(r"(?:/home|/Users|[A-Za-z]:\\Users)[/\\][^/\\\s'\"]+|/root(?=[/\s'\"]|$)")


def write_account(out: Path, tables: Tables, analysing: Analysing, command: Sequence[str]) -> list[Path]:
    """Write all of it into the folder; the paths, in order. Raises InputError if that cannot be written.

    `command` are the words of the command line, with which the page says how to run it again.
    """
    contents = _contents(tables, analysing, command)
    try:
        for name, content in contents.items():
            write_file(out / name, content.encode())
        write_json(out / "provenance.json", provenance(tables, analysing, command))
    except OSError as error:
        raise InputError(f"{out}: cannot be written ({error.strerror})") from error
    return [out / name for name in (*contents, "provenance.json")]


def _contents(tables: Tables, analysing: Analysing, command: Sequence[str]) -> dict[str, str]:
    from flows.batch.facts import facts_of
    from flows.batch.methods import checklist_page, methods_page
    from flows.batch.sensitivity import sensitivity
    from flows.batch.summary import render_summary

    phases = _phases(tables)
    facts = facts_of(tables.recordings, phases, analysing)
    varied = sensitivity(analysing, tables.recordings, phases, tables.varied)
    steps = flow(tables.recordings, tables.broken)
    return {
        SETTINGS: analysing.as_toml(),
        "exclusions.csv": _csv(("unit", "signal", "rule", "threshold", "value"), map(astuple, tables.broken)),
        "flow.csv": _csv(("stage", "reason", "group", "units"), map(astuple, steps)),
        "sensitivity.csv": varied.to_csv(index=False, lineterminator="\n"),
        "data_dictionary.md": dictionary(),
        "methods.md": methods_page(facts),
        "checklist.md": checklist_page(facts),
        "summary.html": render_summary(
            tables.recordings,
            tables.broken,
            windows=tables.windows,
            notices=tables.joined.notices if tables.joined else (),
            origin={
                "command": told_command(command),
                "software": facts["software"],
                "settings": analysing.hash,
                "values": tables.values_hash,
            },
        ),
    }


def provenance(tables: Tables, analysing: Analysing, command: Sequence[str]) -> dict[str, Any]:
    """What it takes to run it again and to tell whether the same came out; no time, which always differs."""
    parameters = {key: value for key, value in asdict(analysing).items() if key != "sensitivity"}
    return {
        "command": told_command(command),
        "software": software(),
        "python": platform.python_version(),
        "libraries": {name: found for name in _LIBRARIES if (found := _version(name))},
        "lock_sha256": _lock_sha256(),
        "machine": f"{platform.system()} {platform.machine()}",
        "parameters": {
            **parameters,
            "sensitivity": [{"choice": level.choice, "value": level.text} for level in analysing.sensitivity],
        },
        "hashes": {
            "settings": analysing.hash,
            "analysis": analysing.analysis_hash,
            "values": tables.values_hash or None,
        },
        "recordings": [
            {"recording_id": row["recording_id"], "sha256": row.get("sha256"), "status": str(row["status"])}
            for row in tables.recordings
        ],
    }


def told_command(command: Sequence[str]) -> str:
    """The command line as one may tell it: a home's path, which holds a user's name, is a tilde."""
    home = str(Path.home()).rstrip(os.sep)
    words = [Path(command[0]).name, *command[1:]] if command else []
    return _HOME.sub("~", shlex.join(word.replace(home, "~") if home else word for word in words))


def _phases(tables: Tables) -> pd.DataFrame | None:
    import pandas as pd

    return None if tables.phases_long is None else pd.read_parquet(tables.phases_long)


def _csv(head: Sequence[str], rows: Iterable[Iterable[Any]]) -> str:
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return written.getvalue()


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _lock_sha256() -> str | None:
    """Of the lock in a checkout; an installed package does not know it."""
    lock = data_path().parent / "requirements.lock"
    return hashlib.sha256(lock.read_bytes()).hexdigest() if lock.is_file() else None
