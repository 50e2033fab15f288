"""One recording, from its file to its part: feature rows as parquet, all else as JSON, which is written last.

Whatever a recording holds, it becomes a part: its values, or the reason why there are none.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from devices.exports.column_map import read_columns
from devices.exports.discovery import SESSION
from devices.exports.formats import read_recording
from flows.batch.phases import PhasesFrom, with_phases
from flows.batch.plan import Job, Unit, died_path, part_path
from flows.batch.sensitivity import REPORTED
from pipeline.analysis import Analysis, analyse
from pipeline.edits import FILE as EDITS
from pipeline.edits import edits_of_unit, with_edits
from pipeline.errors import InputError, VagalError, legible
from pipeline.exclusions import Status
from pipeline.model import Recording
from pipeline.parameters_file import Analysing, Level
from pipeline.store import read_session

if TYPE_CHECKING:
    import pyarrow as pa

_BASIS = ("beat_source", "device", "eda_site", "psd_method", "detrend", "params_hash", "version")
_TOLD = ("recording_id", "participant_id", "group")  # what a study knows better than a recording


def analyse_unit(job: Job, unit: Unit, analysing: Analysing) -> Status:
    """Make a unit's part, unless it is there; what became of the recording.

    Raises InputError if the part cannot be written, MemoryError if memory does not suffice.
    """
    path = part_path(job, unit)
    if path.is_file():
        return Status(json.loads(path.read_bytes())["status"])
    facts = _facts(job, unit, analysing)
    write_part(path, json.dumps(facts, ensure_ascii=False, allow_nan=False).encode())
    with contextlib.suppress(OSError):
        died_path(job, unit).unlink()
    return Status(facts["status"])


def write_died(job: Job, unit: Unit, reason: str) -> None:
    """Note that the process died which analysed a unit. Raises InputError if that cannot be written."""
    facts = _unread(Status.FAILED, reason)
    write_part(died_path(job, unit), json.dumps(facts).encode())


def _facts(job: Job, unit: Unit, analysing: Analysing) -> dict[str, Any]:
    """What the part's JSON holds; the feature rows of what could be analysed are written already."""
    if unit.refused is not None:
        return _unread(Status.REFUSED, unit.refused)
    recording: Recording | None = None
    try:
        recording, phases_from = _read(job, unit)
        analysis = analyse(analysing.prepared(recording), analysing.parameters)
        varied = [row for level in analysing.value_levels for row in _varied(recording, analysing, level)]
    except VagalError as error:
        return _unread(Status.REFUSED, _relative(job, unit, str(error)), recording)
    except (MemoryError, KeyboardInterrupt):
        raise
    except Exception as error:
        reason = f"a fault in vagal itself ({type(error).__name__}: {_relative(job, unit, str(error))})"
        return _unread(Status.FAILED, reason.splitlines()[0], recording)
    table = _named(unit, analysis.windows_table())
    write_table_part(part_path(job, unit).with_suffix(".parquet"), table)
    return {
        **_unread(Status.ANALYSED, None, analysis.recording),
        "phases_from": phases_from and str(phases_from),
        "phases": [phase.name for phase in analysis.recording.phases] if phases_from else [],
        "rows": table.num_rows,
        "windows": len(analysis.windows),
        "whole": _whole(analysis, table),
        "notices": [str(each) for each in analysis.warnings],
        "edits_sha256": list(recording.edits.sha256) if recording.edits else [],
        "varied": varied,
    }


def _read(job: Job, unit: Unit) -> tuple[Recording, PhasesFrom | None]:
    path = job.folder / unit.path
    if unit.reader == SESSION:
        recording = read_session(path)
    else:
        columns = read_columns(unit.columns) if unit.columns is not None else None
        recording = read_recording(path, columns=columns)[1]
    own = [path / EDITS] if unit.reader == SESSION else []
    recording = with_edits(recording, *own, *edits_of_unit(job.out, unit.unit_id).values())
    phases = job.folder / unit.phases if unit.phases else None
    return with_phases(recording, phases, path.name if path.is_dir() else path.stem)


def _unread(status: Status, reason: str | None, recording: Recording | None = None) -> dict[str, Any]:
    """What is known of a recording before it is analysed."""
    began = recording.started_at if recording else None
    return {
        "status": str(status),
        "reason": reason,
        "own_id": recording.recording_id if recording else None,
        "source": recording.source if recording else None,
        "sha256": recording.sha256 if recording else None,
        "content": recording and _content(recording),
        "started_at": began.isoformat() if began else None,
        "duration_s": recording.duration_s if recording else None,
    }


def _content(recording: Recording) -> str | None:
    """A hash over what was measured: equal for equal samples, whatever files they came in."""
    if not any(len(stream) for stream in recording.streams.values()):
        return None
    digest = hashlib.sha256()
    for name, stream in sorted(recording.streams.items()):
        digest.update(f"{name} {len(stream)} {stream.rate_hz}\n".encode())
        for column, values in sorted({"time_s": stream.time_s, **stream.columns}.items()):
            digest.update(column.encode() + np.ascontiguousarray(values, "<f8").tobytes())
    return digest.hexdigest()


def _relative(job: Job, unit: Unit, text: str) -> str:
    """A message on one line, without the unit's own path, which stands beside it.

    Others are told from the folder on, whose place differs between machines.
    """
    own, folder = legible(f"{job.folder / unit.path}: "), legible(f"{job.folder}{os.sep}")
    return " ".join(text.removeprefix(own).replace(folder, "").split())


def _whole(analysis: Analysis, table: pa.Table) -> dict[str, Any]:
    """The values of the whole recording, and what they rest on."""
    row: dict[str, Any] = next(iter(table.slice(0, 1).select(list(_BASIS)).to_pylist()), {})
    reasons = "; ".join(f"{name}: {why}" for name, why in analysis.whole.null_reasons.items())
    return {**row, **analysis.whole.features, "null_reasons": reasons or None}


def _varied(recording: Recording, analysing: Analysing, level: Level) -> Iterator[dict[str, Any]]:
    """The reported values under another choice, of the whole and of each phase; none if nothing is usable."""
    other = analysing.with_level(level)
    try:
        analysis = analyse(other.prepared(recording), other.parameters)
    except VagalError:
        return
    told = {"choice": level.choice, "value": level.text}
    yield told | {name: analysis.whole.number(name) for name in REPORTED}
    for each in analysis.phases:
        yield told | {"phase": each.phase.name} | {name: each.values.number(name) for name in REPORTED}


def _named(unit: Unit, table: pa.Table) -> pa.Table:
    """The rows under the unit's id, with what is known of the person; unknown columns come last."""
    import pyarrow as pa

    for name, text in {"recording_id": unit.unit_id, **unit.person}.items():
        known = name in table.column_names
        if known and (text is None or name not in _TOLD):
            continue  # a participants' table may not overwrite a measure
        column = pa.array([text] * table.num_rows, pa.string())
        if known:
            table = table.set_column(table.column_names.index(name), name, column)
        else:
            table = table.append_column(name, column)
    return table


def write_table_part(path: Path, table: pa.Table) -> None:
    """Write a table whole or not at all. Raises InputError if it cannot be written."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    write_part(path, sink.getvalue().to_pybytes())


def write_part(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, under a name of this process' own until it is whole and on disk.

    Two processes may write the same part, with the same content. Raises InputError if it cannot be written.
    """
    temporary = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise unwritable(path.parent.parent, error) from error


def unwritable(out: Path, error: OSError) -> InputError:
    """What to tell when the output folder takes no more; what is done is kept."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return InputError(f"{out}: the disk is full: make room, then run the same command again to go on")
    return InputError(f"{out}: cannot be written ({error.strerror or error})")
