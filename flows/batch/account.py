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
from dataclasses import asdict, astuple, fields
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from flows.batch.tables import Tables
from flows.batch.work import unwritable
from pipeline.edits import FOLDER
from pipeline.exclusions import Exclusion, Step, flow
from pipeline.knowledge import data_path
from pipeline.manifest import software
from pipeline.parameters_file import Analysing
from pipeline.sealing import read_table, write_file, write_json
from pipeline.study_columns import dictionary

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
        write_json(out / "provenance.json", provenance(tables, analysing, command) | _edits(out))
    except OSError as error:
        raise unwritable(out, error) from error
    return [out / name for name in (*contents, "provenance.json")]


def _contents(tables: Tables, analysing: Analysing, command: Sequence[str]) -> dict[str, str]:
    from flows.batch.facts import facts_of
    from flows.batch.methods import checklist_page, methods_page
    from flows.batch.sensitivity import Mean, sensitivity
    from flows.batch.summary import render_summary

    phases = _phases(tables)
    facts = facts_of(tables.recordings, phases, analysing)
    varied = sensitivity(analysing, tables.recordings, phases, tables.varied)
    steps = flow(tables.recordings, tables.broken)
    return {
        SETTINGS: analysing.as_toml(),
        "exclusions.csv": _csv(Exclusion, tables.broken),
        "flow.csv": _csv(Step, steps),
        "sensitivity.csv": _csv(Mean, varied),
        "data_dictionary.md": dictionary(),
        "methods.md": methods_page(facts),
        "checklist.md": checklist_page(facts),
        "summary.html": render_summary(
            tables.recordings,
            tables.broken,
            windows=tables.windows,
            notices=tables.notices,
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


def _edits(out: Path) -> dict[str, Any]:
    """The files of what was marked by hand, with their hashes; nothing if there are none."""
    folder = out / FOLDER
    hashes = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*.csv"))
    }
    return {"edits": hashes} if hashes else {}


def told_command(command: Sequence[str]) -> str:
    """The command line as one may tell it: a home's path, which holds a user's name, is a tilde."""
    home = str(Path.home()).rstrip(os.sep)
    words = [Path(command[0]).name, *command[1:]] if command else []
    return _HOME.sub("~", shlex.join(word.replace(home, "~") if home else word for word in words))


def _phases(tables: Tables) -> list[dict[str, Any]]:
    return [] if tables.phases_long is None else read_table(tables.phases_long).to_pylist()


def _csv(kind: type, rows: Iterable[Any]) -> str:
    """A column for each field of a kind of record; what is None is empty."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(field.name for field in fields(kind))
    writer.writerows(map(astuple, rows))
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
