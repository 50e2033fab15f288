"""From the parts of a batch to its tables: one recording at a time in order of id, written in row groups.

features.parquet has the rows of phases and windows, phases_long.parquet those of phases that were named,
phases_wide.parquet a row for each recording with such, recordings.parquet one for each that was found. What
a rule excludes is not in the first three. Whatever order parts were made in, the tables are the same.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from flows.batch.plan import Job, Plan, Unit, outcomes, part_path
from flows.batch.tables import FEATURES as FEATURES_FILE
from flows.batch.tables import PHASES_LONG, PHASES_WIDE, RECORDINGS, Tables
from flows.batch.values import values_hash
from flows.batch.work import unwritable
from pipeline.errors import InputError
from pipeline.exclusions import Exclusion, Status, exclusion_reason, exclusions, wholly_excluded, withheld
from pipeline.features import BY_NAME, FEATURES, Group
from pipeline.parameters_file import Analysing
from pipeline.sealing import read_table

_GROUP_ROWS = 20_000  # rows held before they are written
_TABLES_HELD = 64  # a small table takes more memory than its values
_MOST_NAMED = 3
_MOST_PHASES = 60  # the wide table has columns for; with more names there is nothing to hold side by side
_ARROW = {"text": pa.string(), "count": pa.int64(), "flag": pa.bool_(), "number": pa.float64()}
_MEASURED = (Group.DATA, Group.HEART, Group.BREATHING, Group.SKIN, Group.INDICES)
_WHO = ("recording_id", "participant_id", "group", "beat_source", "device")
_OWN = pa.schema(
    [
        ("status", pa.string()),
        ("reason", pa.string()),
        ("source", pa.string()),
        ("sha256", pa.string()),
        ("started_at", pa.string()),
        ("duration_s", pa.float64()),
        ("duplicate_of", pa.string()),
        ("notices", pa.string()),
    ]
)


def gather(job: Job, plan: Plan, analysing: Analysing) -> Tables:
    """Write the tables. Raises InputError if a part is missing, or the folder takes no more."""
    try:
        return _gather(job, plan, analysing)
    except OSError as error:
        raise unwritable(job.out, error) from error


def _gather(job: Job, plan: Plan, analysing: Analysing) -> Tables:
    schema = _schema(analysing, _people(plan.units))
    rows: list[dict[str, Any]] = []
    varied: list[dict[str, Any]] = []
    broken: list[Exclusion] = []
    windows, same = 0, _Same()
    with (
        _Writer(job, FEATURES_FILE, schema) as features,
        _Writer(job, PHASES_LONG, schema) as phases,
        _Writer(job, PHASES_LONG, schema, job.parts / "phases_all.parquet") as all_phases,
    ):
        for unit, facts in outcomes(job, plan.units):
            row = _row(unit, facts)
            rows.append(row)
            same.add(row, facts)
            if row["status"] == Status.DUPLICATE:
                continue
            of_unit = exclusions([row], analysing.rules)
            if row["recording_id"] in wholly_excluded([row], of_unit):
                row |= {"status": str(Status.EXCLUDED), "reason": exclusion_reason(unit.unit_id, of_unit)}
            broken += of_unit
            varied += [{"recording_id": unit.unit_id, **each} for each in facts.get("varied", ())]
            if facts["status"] != Status.ANALYSED:
                continue
            table = _part(job, unit, facts, schema)
            is_phase = pc.is_null(table["window_index"])
            if facts["phases"]:
                all_phases.add(table.filter(is_phase))
            if row["status"] == Status.EXCLUDED:
                continue
            table = _withheld(table, of_unit)
            features.add(table)
            windows += facts["windows"]
            if facts["phases"]:
                phases.add(table.filter(is_phase))
    same.tell()
    with _Writer(job, RECORDINGS, _recordings_schema(schema)) as recordings:
        recordings.add(pa.Table.from_pylist(rows, schema=_recordings_schema(schema)))
    _write_wide(job, schema, phases.rows)
    made = [job.out / name for name in (FEATURES_FILE, RECORDINGS, PHASES_LONG, PHASES_WIDE)]
    return Tables(
        recordings=rows,
        varied=varied,
        broken=tuple(broken),
        beside=plan.beside,
        features=made[0],
        phases_long=job.parts / "phases_all.parquet" if all_phases.rows else None,
        phases_wide=made[3] if phases.rows else None,
        windows=windows,
        joined=plan.joined,
        values_hash=values_hash(made),
    )


class _Writer:
    """A parquet file that takes its place only when it is whole; one without rows is no file."""

    def __init__(self, job: Job, name: str, schema: pa.Schema, place: Path | None = None) -> None:
        self.rows = 0
        self._place = place or job.out / name
        self._temporary = job.parts / f"{self._place.name}.{'all' if place else 'out'}.part"
        self._held: list[pa.Table] = []
        self._schema = schema
        self._writer = pq.ParquetWriter(self._temporary, schema, compression="zstd", write_page_checksum=True)

    def __enter__(self) -> Self:
        return self

    def add(self, table: pa.Table) -> None:
        self.rows += table.num_rows
        self._held.append(table)
        if sum(each.num_rows for each in self._held) >= _GROUP_ROWS:
            self._write()
        elif len(self._held) >= _TABLES_HELD:
            self._held = [pa.concat_tables(self._held).combine_chunks()]

    def _write(self) -> None:
        self._writer.write_table(pa.concat_tables(self._held))
        self._held.clear()

    def __exit__(
        self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        if kind is None and self._held:
            self._write()
        self._writer.close()
        if kind is not None:
            return
        if self.rows:
            self._temporary.replace(self._place)
        else:
            self._temporary.unlink()
            self._place.unlink(missing_ok=True)


def _people(units: Sequence[Unit]) -> list[str]:
    """The columns that the participants' table adds, in its order."""
    return [
        name for name in dict.fromkeys(name for unit in units for name in unit.person) if name not in BY_NAME
    ]


def _schema(analysing: Analysing, people: Sequence[str]) -> pa.Schema:
    """Of the feature table: the columns of any analysis, then those of the participants' table."""
    kept = [each for each in FEATURES if analysing.parameters.normalised or not each.opt_in]
    columns = [(each.name, _ARROW[each.kind]) for each in kept]
    return pa.schema([*columns, *((name, pa.string()) for name in people)])


def _recordings_schema(schema: pa.Schema) -> pa.Schema:
    return pa.schema(
        [schema.field("recording_id"), *_OWN, *(each for each in schema if each.name != "recording_id")]
    )


def _row(unit: Unit, facts: Mapping[str, Any]) -> dict[str, Any]:
    """A unit's row of recordings.parquet."""
    row = {name: facts.get(name) for name in _OWN.names if name != "notices"}
    whole: Mapping[str, Any] = facts.get("whole", {})
    if facts["status"] == Status.ANALYSED:
        row |= {"start_s": 0.0, "end_s": facts["duration_s"]}
    person = {name: value for name, value in unit.person.items() if name in _WHO or name not in BY_NAME}
    told = "; ".join(facts.get("notices", ()))
    return {"recording_id": unit.unit_id, **row, **whole, **person, "notices": told or None}


class _Same:
    """Recordings with one id, which are told apart; and with the same samples, whatever files hold them.

    Of those the first in order of id counts: the others would be the same person's data twice.
    """

    def __init__(self) -> None:
        self._by_id: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self._by_content: dict[str, list[dict[str, Any]]] = defaultdict(list)

    def add(self, row: dict[str, Any], facts: Mapping[str, Any]) -> None:
        if facts["own_id"]:
            self._by_id[facts["own_id"]].append(row)
        if facts["content"]:
            found = self._by_content[facts["content"]]
            found.append(row)
            if len(found) > 1:
                first = found[0]["recording_id"]
                row |= {
                    "status": str(Status.DUPLICATE),
                    "reason": f"the same samples as {first}",
                    "duplicate_of": first,
                }

    def tell(self) -> None:
        """Say it in the rows' notices."""
        for own_id, rows in self._by_id.items():
            for row, others in _others(rows):
                _notice(row, f"the id {own_id!r} is shared with {others}: they are told apart by path")
        for rows in self._by_content.values():
            for row, others in _others(rows):
                _notice(row, f"holds the same as {others}")


def _others(rows: Sequence[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], str]]:
    """Each of several rows, and the other ones in words."""
    for row in rows if len(rows) > 1 else ():
        others = [each["recording_id"] for each in rows[: _MOST_NAMED + 1] if each is not row][:_MOST_NAMED]
        more = f" and {len(rows) - 1 - len(others)} more" if len(rows) - 1 > len(others) else ""
        yield row, ", ".join(others) + more


def _notice(row: dict[str, Any], said: str) -> None:
    row["notices"] = f"{row['notices']}; {said}" if row["notices"] else said


def _part(job: Job, unit: Unit, facts: Mapping[str, Any], schema: pa.Schema) -> pa.Table:
    """The feature rows of a unit. Raises InputError if they are not all there."""
    path = part_path(job, unit).with_suffix(".parquet")
    table = read_table(path)
    if table.num_rows != facts["rows"]:
        raise InputError(f"{path}: is damaged: delete it and the file {path.stem}.json, and run again")
    for name in schema.names:
        if name not in table.column_names:
            table = table.append_column(name, pa.nulls(table.num_rows, pa.string()))
    return table.select(schema.names).cast(schema)


def _withheld(table: pa.Table, broken: Sequence[Exclusion]) -> pa.Table:
    """The rows without what an excluded signal gave, and why."""
    names = withheld(broken)
    if not names:
        return table
    why = "; ".join(f"excluded: {each.reason}" for each in broken)
    for place, name in enumerate(table.column_names):
        if name in names:
            table = table.set_column(
                place, table.field(place), pa.nulls(table.num_rows, table.field(place).type)
            )
        if name == "null_reasons":
            told = [f"{why}; {each}" if each else why for each in table[name].to_pylist()]
            table = table.set_column(place, table.field(place), pa.array(told, pa.string()))
    return table


def _write_wide(job: Job, schema: pa.Schema, rows: int) -> None:
    """One row for each recording, a column for each phase and feature."""
    if not rows:
        (job.out / PHASES_WIDE).unlink(missing_ok=True)
        return
    names = _phase_names(job)
    measured = [each for each in schema if _is_measured(each.name)]
    who = [each for each in schema if each.name in _WHO or each.name not in BY_NAME]
    wide = pa.schema(
        [*who, *(pa.field(f"{name}__{each.name}", each.type) for name in names for each in measured)]
    )
    with _Writer(job, PHASES_WIDE, wide) as writer:
        for phases in _by_recording(job):
            row = {each.name: phases[0][1][each.name] for each in who}
            for name, values in phases:
                if name in names:
                    row |= {f"{name}__{each.name}": values[each.name] for each in measured}
            writer.add(pa.Table.from_pylist([row], schema=wide))


def _is_measured(name: str) -> bool:
    return name in BY_NAME and BY_NAME[name].group in _MEASURED and BY_NAME[name].kind in ("number", "count")


def _by_recording(job: Job) -> Iterator[list[tuple[str, Mapping[str, Any]]]]:
    """The phases of each recording with names that are good for columns, each once."""
    with pq.ParquetFile(job.out / PHASES_LONG) as file:
        rows = (row for batch in file.iter_batches(1000) for row in batch.to_pylist())
        for _, phases in groupby(rows, key=lambda row: row["recording_id"]):
            seen: Counter[str] = Counter()
            named = []
            for row in phases:
                name = re.sub(r"\W+", "_", row["phase"].lower()).strip("_") or "phase"
                seen[name] += 1
                named.append((f"{name}_{seen[name]}" if seen[name] > 1 else name, row))
            yield named


def _phase_names(job: Job) -> list[str]:
    """The names for the wide table: the most common ones, in the order in which they mostly come."""
    count: Counter[str] = Counter()
    places: Counter[str] = Counter()
    for phases in _by_recording(job):
        for place, (name, _) in enumerate(phases):
            count[name] += 1
            places[name] += place
    kept = sorted(count, key=lambda name: (-count[name], name))[:_MOST_PHASES]
    return sorted(kept, key=lambda name: (places[name] / count[name], name))
