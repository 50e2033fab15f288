"""From a journal to a sealed session: raw first, manifest last, journal deleted after that.

Every file is written under a temporary name, synced, read back, renamed, and its folder synced. So at
each moment the journal or the manifest is there and whole, and sealing can be repeated after a crash.
A journal that could not be read in full is kept, as journal.damaged.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import InputError
from pipeline.events import check_ins_of, conditions_of, markers_of, notes_of, phases_of, ratings_of
from pipeline.journal import Kind, Reading, Record, read_journal, sync_folder
from pipeline.manifest import hashes_of, known, manifest_of, sha256_of
from pipeline.model import SCHEMA_VERSION, DeviceInfo, Marker, Recording, Stream, unit_of

Decode = Callable[[Iterable[Record]], tuple[dict[str, Stream], tuple[Marker, ...]]]

_RAW = pa.schema(
    [
        ("kind", pa.int8()),
        ("stream", pa.string()),
        ("sequence", pa.uint64()),
        ("generation", pa.uint32()),
        ("arrival_s", pa.float64()),
        ("wall_s", pa.float64()),
        ("device_time_s", pa.float64()),
        ("bytes", pa.binary()),
    ]
)


def seal(folder: Path, decode: Decode, *, recovered: bool = False) -> Recording:
    """Seal the session in `folder` from its journal. Raises InputError if the journal has no header."""
    reading = read_journal(folder / "journal.bin")
    recording = assemble(folder.name, reading.records, decode)
    recording = replace(recording, recovered=recovered, notices=(*recording.notices, *_damage(reading)))
    sealed = write_session(folder, recording, reading.records)
    _retire(folder, reading)
    return sealed


def retire_journal(folder: Path) -> None:
    """Do with the journal of a sealed session what `seal` does last: keep a damaged one, delete any other."""
    _retire(folder, read_journal(folder / "journal.bin"))


def _retire(folder: Path, reading: Reading) -> None:
    journal = folder / "journal.bin"
    if reading.whole:
        journal.unlink()
    else:
        journal.replace(folder / "journal.damaged")
    sync_folder(folder)


def _damage(reading: Reading) -> tuple[str, ...]:
    """The sentence that tells of a journal which could not be read in full; none for a torn tail."""
    if reading.whole:
        return ()
    lost = {0: "no record is missing", 1: "about 1 record is missing"}
    return (
        f"{reading.damaged_bytes} bytes of the journal could not be read; "
        f"{lost.get(reading.missing, f'about {reading.missing} records are missing')}; "
        "the journal was kept as journal.damaged",
    )


def damaged_files(folder: Path) -> list[str]:
    """The sealed files that are not as the manifest has them, one sentence a file; empty if all are."""
    try:
        expected = hashes_of(json.loads((folder / "session.json").read_bytes()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return [f"{folder / 'session.json'}: cannot be read ({error})"]
    return [trouble for file, sha256 in expected.items() if (trouble := _trouble(folder / file, sha256))]


def _trouble(path: Path, sha256: str) -> str | None:
    try:
        content = path.read_bytes()
    except OSError as error:
        return f"{path}: {error.strerror}"
    return None if sha256_of(content) == sha256 else f"{path}: has changed since it was sealed"


def write_session(folder: Path, recording: Recording, records: Sequence[Record]) -> Recording:
    """Write raw, streams and manifest of a session; return it with its hash."""
    (folder / "streams").mkdir(parents=True, exist_ok=True)
    _sweep(folder)
    raw = _raw_table(records)
    sealed = replace(recording, sha256=write_table(folder / "raw.parquet", raw))
    files = {
        name: (f"streams/{name}.parquet", write_table(folder / f"streams/{name}.parquet", _table(stream)))
        for name, stream in recording.streams.items()
    }
    manifest = manifest_of(sealed, files, _write_shown(folder, records))
    write_file(folder / "session.json", json.dumps(manifest, ensure_ascii=False, indent=1).encode())
    return sealed


def _sweep(folder: Path) -> None:
    """Delete what a sealing that was killed left half written; nobody else seals this session now."""
    for left in (*folder.glob("*.part"), *folder.glob("streams/*.part")):
        left.unlink()


def _write_shown(folder: Path, records: Sequence[Record]) -> tuple[str, str] | None:
    """Write what the live page showed; the file and its hash, or None if it showed nothing."""
    shown = [{"arrival_s": r.arrival_s, **r.facts} for r in records if r.kind is Kind.SHOWN]
    if not shown:
        return None
    return "shown.parquet", write_table(folder / "shown.parquet", pa.Table.from_pylist(shown))


def assemble(session_id: str, records: Sequence[Record], decode: Decode) -> Recording:
    """The recording that a session's records tell of."""
    headers = [record.facts for record in records if record.kind is Kind.HEADER]
    if not headers:
        raise InputError(f"session {session_id}: its journal holds no readable header; it was left as it is")
    header = headers[0]
    duration_s = max(record.arrival_s for record in records)
    streams, news = decode(records)
    return Recording(
        recording_id=session_id,
        source="session",
        sha256="",
        duration_s=duration_s,
        streams=streams,
        started_at=datetime.fromtimestamp(header["started_wall_s"], UTC).astimezone(),
        client=header["client"],
        protocol=header["protocol"],
        phases=phases_of(records, duration_s),
        markers=tuple(sorted((*markers_of(records, duration_s), *news), key=lambda marker: marker.time_s)),
        ratings=ratings_of(records),
        check_ins=check_ins_of(records),
        notes=notes_of(records),
        devices=_devices(records),
        conditions=conditions_of(records),
        units=_units(records, streams),
        simulated=header["simulated"],
    )


def _units(records: Sequence[Record], streams: Mapping[str, Stream]) -> dict[str, str]:
    """How the unit of RR intervals is known: straps count as their protocol says, others as described."""
    drivers = {r.facts["driver"] for r in records if r.kind is Kind.DEVICE}
    described = any(driver.startswith("generic:") for driver in drivers)
    if "rr" not in streams or described:
        return {}
    return {"rr": "1/1024 s (from the protocol)"}


def _devices(records: Sequence[Record]) -> tuple[DeviceInfo, ...]:
    """Each sensor as it described itself; what it did not say again stays."""
    told: dict[str, dict[str, Any]] = {}
    for record in records:
        if record.kind is Kind.DEVICE:
            said = {name: fact for name, fact in record.facts.items() if fact is not None}
            told[record.stream] = {**told.get(record.stream, {}), **said}
    return tuple(known(DeviceInfo, facts) for facts in told.values())


def _raw_table(records: Sequence[Record]) -> pa.Table:
    columns = {
        "kind": [int(r.kind) for r in records],
        "stream": [r.stream for r in records],
        "sequence": [r.sequence for r in records],
        "generation": [r.generation for r in records],
        "arrival_s": [r.arrival_s for r in records],
        "wall_s": [r.wall_s for r in records],
        "device_time_s": [r.device_time_s for r in records],
        "bytes": [r.payload for r in records],
    }
    return pa.table(columns, schema=_RAW.with_metadata({"schema_version": str(SCHEMA_VERSION)}))


def records_of(raw: pa.Table) -> list[Record]:
    """The journal records that a raw table was made of."""
    return [
        Record(
            kind=Kind(row["kind"]),
            stream=row["stream"],
            sequence=row["sequence"],
            generation=row["generation"],
            arrival_s=row["arrival_s"],
            wall_s=row["wall_s"],
            device_time_s=row["device_time_s"],
            payload=row["bytes"],
        )
        for row in raw.to_pylist()
    ]


def _table(stream: Stream) -> pa.Table:
    times = {"time_s": stream.time_s, "arrival_s": stream.arrival_s, "device_time_s": stream.device_time_s}
    columns = {name: values for name, values in times.items() if values is not None}
    columns |= dict(stream.columns)
    fields = [
        pa.field(n, pa.float64(), metadata={"unit": "s" if n in times else unit_of(n)}) for n in columns
    ]
    return pa.table(columns, schema=pa.schema(fields, metadata={"schema_version": str(SCHEMA_VERSION)}))


def write_table(path: Path, table: pa.Table) -> str:
    """Write a parquet file whole or not at all, read it back, and return its SHA-256."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd", write_page_checksum=True)
    content = sink.getvalue().to_pybytes()
    return write_file(path, content, check=lambda written: _rows(written) == table.num_rows)


def write_file(path: Path, content: bytes, check: Callable[[Path], bool] | None = None) -> str:
    """Write a file whole or not at all, on disk when this returns; its SHA-256.

    Others may write the same file meanwhile: each writes under a name of its own, and the last one stays.
    """
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    try:
        _write_synced(temporary, content)
        if temporary.read_bytes() != content or (check is not None and not check(temporary)):
            raise InputError(f"{path}: what was written does not read back; is the disk failing?")
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):  # the first error tells more
            temporary.unlink()
        raise
    sync_folder(path.parent)
    return sha256_of(content)


def write_json(path: Path, value: Any) -> None:
    """Write a value as JSON that any reader takes: no NaN, no infinity."""
    write_file(path, json.dumps(value, ensure_ascii=False, allow_nan=False, indent=1).encode())


def _write_synced(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _rows(path: Path) -> int:
    rows: int = read_table(path).num_rows
    return rows


def read_table(path: Path) -> pa.Table:
    """Read a parquet file, page checksums verified. Raises InputError with the file's name."""
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:  # read_table would import pandas
            return file.read()
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{path}: cannot be read ({str(error).splitlines()[0]})") from error


def stream_from(name: str, facts: Mapping[str, object], table: pa.Table) -> Stream:
    """A stream from its file and its description in the manifest."""
    from pipeline.manifest import gaps_from

    columns = {column: table[column].to_numpy() for column in table.column_names}
    rate_hz = facts["rate_hz"]
    return Stream(
        name=name,
        time_s=columns.pop("time_s"),
        arrival_s=columns.pop("arrival_s", None),
        device_time_s=columns.pop("device_time_s", None),
        columns=columns,
        rate_hz=float(rate_hz) if isinstance(rate_hz, int | float) else None,
        gaps=gaps_from(facts),
    )
