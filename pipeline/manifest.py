"""session.json: a recording's description as plain JSON, and back."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import datetime
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any, TypeVar

import numpy as np

from pipeline.errors import InputError
from pipeline.model import (
    SCHEMA_VERSION,
    CheckIn,
    DeviceInfo,
    Gap,
    Marker,
    Note,
    Pacer,
    Phase,
    PhaseKind,
    Rating,
    Recording,
    Stream,
    unit_of,
)

T = TypeVar("T", CheckIn, DeviceInfo, Gap, Marker, Note, Pacer, Phase, Rating)


def software() -> dict[str, str]:
    """Name and version of what wrote a file."""
    return {"name": "vagal", "version": _version()}


@lru_cache(maxsize=1)
def _version() -> str:
    try:
        return version("vagal")
    except PackageNotFoundError:
        return "unknown"


def manifest_of(
    recording: Recording, files: Mapping[str, tuple[str, str]], shown: tuple[str, str] | None = None
) -> dict[str, Any]:
    """The manifest of a recording whose streams lie in `files`: name -> (file, sha256).

    `shown` is the file of what the live page showed, if it showed anything.
    """
    manifest = {
        "schema_version": SCHEMA_VERSION,
        "session_id": recording.recording_id,
        "client": recording.client,
        "source": recording.source,
        "started_at": recording.started_at and recording.started_at.isoformat(timespec="milliseconds"),
        "duration_s": round(recording.duration_s, 3),
        "protocol": recording.protocol,
        "phases": [asdict(phase) for phase in recording.phases],
        "markers": [asdict(marker) for marker in recording.markers],
        "ratings": [asdict(rating) for rating in recording.ratings],
        "check_ins": [asdict(check_in) for check_in in recording.check_ins],
        "notes": [asdict(note) for note in recording.notes],
        "conditions": dict(recording.conditions),
        "devices": [asdict(device) for device in recording.devices],
        "streams": {
            name: _describe(stream, recording.duration_s, *files[name])
            for name, stream in recording.streams.items()
        },
        "units": dict(recording.units),
        "notices": list(recording.notices),
        "simulated": recording.simulated,
        "recovered": recording.recovered,
        "raw": {"file": "raw.parquet", "sha256": recording.sha256},
        "software": software(),
    }
    if shown is not None:
        manifest["shown"] = dict(zip(("file", "sha256"), shown, strict=True))
    return manifest


def hashes_of(manifest: Mapping[str, Any]) -> dict[str, str]:
    """The hash of every file that a manifest vouches for. Raises KeyError, TypeError or AttributeError."""
    described = [manifest["raw"], *manifest["streams"].values()]
    if "shown" in manifest:  # sessions sealed before it was hashed have none
        described.append(manifest["shown"])
    return {facts["file"]: facts["sha256"] for facts in described}


def _describe(stream: Stream, duration_s: float, file: str, sha256: str) -> dict[str, Any]:
    return {
        "unit": unit_of(next(iter(stream.columns))),
        "rate_hz": stream.rate_hz,
        "channels": list(stream.columns),
        "samples": len(stream),
        "coverage": round(coverage(stream, duration_s), 4),
        "gaps": [asdict(gap) for gap in stream.gaps],
        "file": file,
        "sha256": sha256,
    }


def coverage(stream: Stream, duration_s: float) -> float:
    """The part of a session that a stream's samples account for, 0 to 1."""
    if duration_s <= 0 or not len(stream):
        return 0.0
    if stream.rate_hz is not None:
        covered_s = len(stream) / stream.rate_hz
    elif stream.name in ("rr", "pp"):
        intervals_s = stream.value / 1000
        covered_s = float(np.sum(intervals_s[(intervals_s > 0) & (intervals_s < 3)]))
    else:
        covered_s = float(stream.time_s[-1] - stream.time_s[0])
    return min(1.0, covered_s / duration_s)


def recording_of(manifest: Mapping[str, Any], streams: Mapping[str, Stream]) -> Recording:
    """The recording a manifest describes. Raises InputError for one from a later version."""
    if manifest["schema_version"] > SCHEMA_VERSION:
        raise InputError(
            f"session {manifest['session_id']} was written by a later version of vagal "
            f"(format {manifest['schema_version']}, this one reads up to {SCHEMA_VERSION}): update vagal"
        )
    started_at = manifest["started_at"]
    return Recording(
        recording_id=manifest["session_id"],
        source=manifest["source"],
        sha256=manifest["raw"]["sha256"],
        duration_s=manifest["duration_s"],
        streams=streams,
        started_at=datetime.fromisoformat(started_at) if started_at else None,
        client=manifest["client"],
        protocol=manifest["protocol"],
        phases=tuple(phase_from(facts) for facts in manifest["phases"]),
        markers=tuple(known(Marker, facts) for facts in manifest["markers"]),
        ratings=tuple(known(Rating, facts) for facts in manifest["ratings"]),
        check_ins=tuple(known(CheckIn, facts) for facts in manifest.get("check_ins", ())),
        notes=tuple(known(Note, facts) for facts in manifest.get("notes", ())),  # the first had none
        devices=tuple(known(DeviceInfo, facts) for facts in manifest["devices"]),
        conditions=manifest["conditions"],
        units=manifest["units"],
        notices=tuple(manifest["notices"]),
        simulated=manifest["simulated"],
        recovered=manifest["recovered"],
    )


def known(kind: type[T], facts: Mapping[str, Any]) -> T:
    """A value from its JSON object; what this version does not know of is passed over."""
    return kind(**{field.name: facts[field.name] for field in fields(kind) if field.name in facts})


def phase_from(facts: Mapping[str, Any]) -> Phase:
    """A phase from its JSON object; what this version does not know of is passed over."""
    pacer = facts.get("pacer")
    return known(
        Phase, {**facts, "kind": PhaseKind(facts["kind"]), "pacer": known(Pacer, pacer) if pacer else None}
    )


def gaps_from(facts: Mapping[str, Any]) -> tuple[Gap, ...]:
    """The gaps in a stream's description."""
    return tuple(known(Gap, gap) for gap in facts["gaps"])


def sha256_of(content: bytes) -> str:
    """The hash that a manifest records."""
    return hashlib.sha256(content).hexdigest()
