"""What a batch has to do: its recordings, each with a key that changes when anything its values rest on does.

A recording's id is its path below the folder, so it is the same on every machine and no two have the same.
"""

from __future__ import annotations

import hashlib
import json
import math
import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from devices.exports.column_map import read_columns
from devices.exports.discovery import SESSION, Found, discover
from flows.batch.code import code_hash
from flows.batch.phases import phases_beside
from pipeline.edits import edits_of_unit
from pipeline.errors import InputError
from pipeline.parameters_file import Analysing, read_analysing
from pipeline.participants import Joined, Row, join, read_participants
from pipeline.sealing import write_file

PARTS = ".parts"

_LARGEST_CHUNK = 25  # recordings to a task of an orchestrator
_CHUNKS_EACH = 4  # for a process, so that none is idle for long while the last ones end
_LAYOUT = 2  # of a part; another number makes all parts anew
_READERS = 4  # threads that hash files
_PATHS = ("params", "participants")


@dataclass(frozen=True, slots=True)
class Job:
    """One batch, as paths: what every process that works on it is told.

    `seconds` and `megabytes` are what one recording may take. `columns` says, as `--columns` does, what the
    columns are of tables that do not say it themselves.
    """

    folder: Path
    out: Path
    params: Path | None = None
    participants: Path | None = None
    seconds: float = 120.0
    megabytes: int = 2000
    columns: str | None = None

    @property
    def parts(self) -> Path:
        return self.out / PARTS

    def analysing(self) -> Analysing:
        """What the parameters file asks for. Raises InputError that names the file and the key."""
        return read_analysing(self.params) if self.params else Analysing()

    def as_json(self) -> dict[str, Any]:
        """The job as plain values, paths absolute."""
        facts = asdict(self)
        return facts | {name: str(path.resolve()) for name, path in facts.items() if isinstance(path, Path)}

    @classmethod
    def from_json(cls, facts: Mapping[str, Any]) -> Job:
        """The job that `as_json` told of."""
        paths = {name: Path(facts[name]) if facts[name] else None for name in _PATHS}
        told = {"folder": Path(facts["folder"]), "out": Path(facts["out"]), **paths}
        return cls(**{**facts, **told})


@dataclass(frozen=True, slots=True)
class Unit:
    """A recording to analyse, or what looked like one: then `refused` says why no reader takes it.

    `columns` are those of a table that does not name them itself. Paths are relative to the job's folder;
    `phases` is the file that names its phases. `person` is the participant's row.
    """

    unit_id: str
    path: str
    reader: str | None
    refused: str | None
    phases: str | None
    key: str
    person: Mapping[str, str | None] = field(default_factory=dict)
    columns: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """The units of a job in order of id, how many other files lie among them, and whose they are."""

    units: tuple[Unit, ...]
    beside: int
    joined: Joined | None


def plan_batch(job: Job, analysing: Analysing) -> Plan:
    """What there is to analyse. Raises InputError if the folder holds nothing that could be a recording.

    Raises UsageError for columns that cannot be.
    """
    if job.columns is not None:
        read_columns(job.columns)
    earlier = [place.parent for place in job.folder.rglob(PARTS)]  # what other runs wrote into the folder
    found = discover(job.folder, leave_out=(job.out, *earlier))
    candidates = {_unit_id(job, each): each for each in found if not each.beside}
    if not candidates:
        raise InputError(f"{job.folder}: holds no recordings")
    joined = join(read_participants(job.participants), list(candidates)) if job.participants else None
    rows = joined.rows if joined else {}
    make = partial(_unit, job, _rests_on(analysing))
    with ThreadPoolExecutor(_READERS) as threads:
        units = threads.map(make, candidates, candidates.values(), map(rows.get, candidates))
        return Plan(tuple(sorted(units, key=lambda unit: unit.unit_id)), len(found) - len(candidates), joined)


def _unit_id(job: Job, found: Found) -> str:
    return job.folder.resolve().name if found.path == Path() else found.path.as_posix()


def _rests_on(analysing: Analysing) -> list[str]:
    """What of the parameters file a recording's values rest on."""
    varied = [f"{level.choice} {level.text}" for level in analysing.value_levels]
    return [analysing.analysis_hash, *varied]


def _unit(job: Job, parameters: list[str], unit_id: str, found: Found, person: Row | None) -> Unit:
    phases = None
    if found.reader != SESSION and (found.reader is not None or found.unmapped):
        phases = phases_beside(job.folder, found.path)
    row = dict(person or {})
    columns = job.columns if found.unmapped else None
    refused = found.reason if found.reader is None and columns is None else None
    rests_on = {
        "layout": _LAYOUT,
        "code": code_hash(),
        "unit": unit_id,
        "reader": found.reader,
        "refused": refused,
        "columns": columns,
        "content": [_digest(job.folder / file) for file in found.files],
        "phases": phases and [phases.as_posix(), _digest(job.folder / phases)],
        "parameters": parameters,
        "participant": row,
    }
    if edits := edits_of_unit(job.out, unit_id):
        rests_on["edits"] = [_digest(path) for path in edits.values()]
    return Unit(
        unit_id=unit_id,
        path=found.path.as_posix(),
        reader=found.reader,
        refused=refused,
        phases=phases.as_posix() if phases else None,
        person=row,
        columns=columns,
        key=hashlib.sha256(json.dumps(rests_on, sort_keys=True).encode()).hexdigest()[:24],
    )


def _digest(path: Path) -> str:
    """Of the bytes as they lie on disk: quick, and a zip need not be opened for it."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        return f"cannot be read: {error.strerror}"


def missing(job: Job, units: Iterable[Unit]) -> list[Unit]:
    """The units whose part is not there yet; one whose process died is tried again."""
    return [unit for unit in units if not part_path(job, unit).is_file()]


def part_path(job: Job, unit: Unit) -> Path:
    """The file that says what became of a unit; it is written last, so where it is the part is whole."""
    return job.parts / f"{unit.key}.json"


def died_path(job: Job, unit: Unit) -> Path:
    """The file that says that the process which analysed a unit died, or had to be ended."""
    return job.parts / f"{unit.key}.died.json"


def outcomes(job: Job, units: Iterable[Unit]) -> Iterator[tuple[Unit, dict[str, Any]]]:
    """Each unit and what became of it, one at a time."""
    for unit in units:
        places = (part_path(job, unit), died_path(job, unit))
        path = next((each for each in places if each.is_file()), None)
        if path is None:
            raise InputError(f"{unit.unit_id}: has not been analysed yet: run the same command again")
        yield unit, json.loads(path.read_bytes())


def chunk_size(units: int, workers: int) -> int:
    """How many recordings make a chunk, so that all processes have work whatever there is to do."""
    return min(_LARGEST_CHUNK, max(1, math.ceil(units / (workers * _CHUNKS_EACH))))


def write_chunks(job: Job, units: Sequence[Unit], size: int) -> list[Path]:
    """The units in files of `size` each, so that a task of an orchestrator need only be told a path."""
    folder = job.parts / "chunks"
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.json"):
        old.unlink()
    paths = []
    told = {"job": job.as_json(), "code": code_hash()}
    for number, first in enumerate(range(0, len(units), size), 1):
        chunk = {**told, "units": [asdict(unit) for unit in units[first : first + size]]}
        paths.append(folder / f"{number:05d}.json")
        write_file(paths[-1], json.dumps(chunk).encode())
    return paths


def read_chunk(path: Path) -> tuple[Job, list[Unit]]:
    """The job and the units of a chunk's file. Raises InputError where it is not there, or of other code."""
    try:
        facts = json.loads(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}: every computer must see the same folders") from error
    if facts["code"] != code_hash():
        raise InputError(f"{platform.node()} has another version of vagal, or of numpy: install the same one")
    return Job.from_json(facts["job"]), [Unit(**unit) for unit in facts["units"]]
