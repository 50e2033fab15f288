"""A small made-up study: two groups, two phases, and a recording that could not be read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from flows.batch.tables import PHASES_LONG, Tables
from pipeline.exclusions import Status, exclusions
from pipeline.parameters_file import Analysing
from pipeline.participants import Joined

ANALYSED = ("a", "b", "c", "d")
GROUPS = {"a": "control", "b": "control", "c": "patient", "d": "patient", "e": None}
REST, TASK = 40.0, 30.0  # RMSSD of recording a


def recordings(**changes: Any) -> list[dict[str, Any]]:
    """Rows of recordings.parquet."""
    rows = [
        {
            "recording_id": name,
            "status": Status.ANALYSED,
            "reason": None,
            "source": "rr-text",
            "sha256": 16 * f"{place:04x}",
            "participant_id": f"p-{name}",
            "group": GROUPS[name],
            "age": 30 + place,
            "duration_s": 600.0 + 60 * place,
            "beat_source": "rr",
            "nn_coverage": 1.0 - 0.1 * place,
            "artefact_pct": 4.0 * place,
            "eda_coverage": None,
            "rmssd_ms": REST + 2 * place,
            "mean_hr_bpm": 60.0 + place,
        }
        | changes
        for place, name in enumerate(ANALYSED)
    ]
    refused = {"recording_id": "e", "status": Status.REFUSED, "reason": "e.csv: is <empty>", "source": None}
    return [*rows, refused]


def phases() -> list[dict[str, Any]]:
    """Rows of phases_long.parquet: the task takes 10 ms of RMSSD from everybody."""
    return [
        {
            "recording_id": name,
            "participant_id": f"p-{name}",
            "group": GROUPS[name],
            "phase": phase,
            "paced": False,
            "beat_source": "rr",
            "rmssd_ms": value + 2 * place,
        }
        for place, name in enumerate(ANALYSED)
        for phase, value in (("Rest", REST), ("Task", TASK))
    ]


def varied(choice: str, value: str, shift: float) -> list[dict[str, Any]]:
    """Values under another choice: that much more RMSSD, in phases and as a whole."""
    rows = [
        {"recording_id": row["recording_id"], "phase": row["phase"], "rmssd_ms": row["rmssd_ms"] + shift}
        for row in phases()
    ]
    rows += [
        {"recording_id": row["recording_id"], "rmssd_ms": row["rmssd_ms"] + shift}
        for row in recordings()[:-1]
    ]
    return [{**row, "choice": choice, "value": value} for row in rows]


def tables(folder: Path, analysing: Analysing, **changes: Any) -> Tables:
    """The tables of the study, its phases on disk."""
    path = folder / PHASES_LONG
    pq.write_table(pa.Table.from_pylist(phases()), path)
    rows = recordings()
    facts: dict[str, Any] = {
        "recordings": rows,
        "varied": varied("correction", "none", 5.0),
        "broken": tuple(exclusions(rows, analysing.rules)),
        "beside": 1,
        "features": folder / "features.parquet",
        "phases_long": path,
        "windows": 1234,
        "joined": Joined({}, ("participants.tsv: no recording for participant p-x",)),
        "values_hash": "cafe" * 16,
    }
    return Tables(**(facts | changes))
