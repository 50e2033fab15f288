"""A BIDS data set: *_physio.tsv.gz of each sampled signal, beats as a table, phases and markers as events.

Rows of a physio table lie at even steps of the sensor's true rate; where samples are missing stands n/a.
Beats have no rate, so they are no physio: they stand in *_beh.tsv, one a row.

Source: Brain Imaging Data Structure 1.10, "Physiological recordings", "Behavioral experiments", "Data summary
files", "Privacy" (dates are left out unless asked for).
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from devices.exports.writers.runs import Runs
from devices.exports.writers.tables import TIME_DIGITS, Cell, table, texts, tsv
from devices.exports.writers.writer import Exported, Outgoing, is_beats
from pipeline.errors import InsufficientDataError
from pipeline.manifest import software
from pipeline.model import Floats, Stream, unit_of

_BIDS = "1.10.0"
_SAID_OF_PERSON = ("age", "sex")  # conditions that go to participants.tsv
_SEXES = {"another": "other"}
_CARDIAC = {"ecg": "Electrocardiogram, one lead", "ppg": "Pulse wave (photoplethysmogram)"}
_MOST_ROWS = 20_000_000  # two days of an electrocardiogram
_MG_PER_G = 1000.0  # "mg" would be a weight to other readers

_EVENTS = ("onset", "duration", "trial_type", "kind", "text", "rating", "strategy", "pacer_breaths_per_min")
_EVENTS_SAID = {
    "onset": {"Description": "From the start of the session", "Units": "s"},
    "duration": {"Description": "0 for a moment", "Units": "s"},
    "trial_type": {
        "Description": "What the row is",
        "Levels": {
            "phase": "A step of the session",
            "marker": "A moment or span that somebody pointed at",
            "rating": "What the person said on a scale",
        },
    },
    "kind": {"Description": "Of a phase what it is for, of a marker what was marked, of a rating its scale"},
    "text": {"Description": "A phase's name, or what was typed at a marker"},
    "rating": {"Description": "The value on the scale"},
    "strategy": {"Description": "What the person practised in the phase"},
    "pacer_breaths_per_min": {"Description": "Rate of the breathing pacer", "Units": "1/min"},
}
_PARTICIPANTS_SAID = {
    "pseudonym": {"Description": "The client's pseudonym; in participant_id an X stands for its hyphens"},
    "age_band": {"Description": "Age in years, in bands as it was asked"},
    "sex": {
        "Description": "As it was answered",
        "Levels": {"female": "female", "male": "male", "other": "other"},
    },
}


class BidsPhysio:
    """Writes a BIDS data set."""

    name = "bids"

    def files(self, session: Outgoing) -> Iterator[Exported | str]:
        """A table and its json for each stream, and the events. Raises InsufficientDataError."""
        if not session.streams:
            raise InsufficientDataError(f"{session.name}: holds no samples of any signal")
        for stream in session.sampled:
            if _length(stream) > _MOST_ROWS:
                yield f"{stream.name}: {_length(stream)} rows with its gaps filled up; `--to csv` has none"
                continue
            stem = _stem(session, recording=stream.name)
            yield Exported(f"{stem}_physio.tsv.gz", gzip.compress(_physio(stream), mtime=0))
            yield Exported(f"{stem}_physio.json", _json(_physio_said(session, stream)))
        for stream in session.events:
            stem = _stem(session, acq=stream.name)
            columns = [texts(stream.time_s, TIME_DIGITS), *_cells(stream.columns)]
            yield Exported(f"{stem}_beh.tsv", table(("time_s", *stream.columns), columns, "\t"))
            yield Exported(f"{stem}_beh.json", _json(_beats_said(session, stream)))
        yield Exported(f"{_stem(session)}_events.tsv", tsv(_EVENTS, _events(session)))
        yield Exported(f"{_stem(session)}_events.json", _json(_EVENTS_SAID))

    def around(self, sessions: Sequence[Outgoing]) -> Iterator[Exported]:
        """What a data set needs beside its recordings: who, which sessions, and what it is."""
        simulated = any(session.recording.simulated for session in sessions)
        by_client: dict[str, list[Outgoing]] = {}
        for session in sessions:
            by_client.setdefault(session.client, []).append(session)
        yield Exported("dataset_description.json", _json(_dataset(simulated)))
        yield Exported("README.md", _readme(simulated).encode())
        names = ("participant_id", "pseudonym", "age_band", "sex")
        yield Exported("participants.tsv", tsv(names, [_participant(each) for each in by_client.values()]))
        yield Exported("participants.json", _json(_PARTICIPANTS_SAID))
        for client, its in by_client.items():
            subject = _subject(client)
            yield Exported(f"{subject}/{subject}_sessions.tsv", _sessions(its))
            yield Exported(f"{subject}/{subject}_sessions.json", _json(_sessions_said(its)))


def _subject(client: str) -> str:
    """A label has letters and digits only; an X, which no pseudonym has, keeps two of them apart."""
    return f"sub-{client.replace('-', 'X')}"


def _label(text: str) -> str:
    return "".join(sign for sign in text if sign.isascii() and sign.isalnum())


def _stem(session: Outgoing, **entities: str) -> str:
    """The path of a session's file up to its suffix; entities in the order of the standard."""
    subject, ses = _subject(session.client), f"ses-{session.number:02d}"
    parts = [subject, ses, f"task-{_label(session.recording.protocol or '') or 'recording'}"]
    parts += [f"{name}-{_label(text)}" for name, text in entities.items()]
    return f"{subject}/{ses}/beh/{'_'.join(parts)}"


def _json(said: Mapping[str, Any]) -> bytes:
    return (json.dumps(said, ensure_ascii=False, allow_nan=False, indent=2) + "\n").encode()


def _cells(columns: Mapping[str, Floats]) -> list[list[str]]:
    return [texts(values, missing="n/a") for values in columns.values()]


def _physio(stream: Stream) -> bytes:
    """The rows at even steps, without a header, as a physio table has to be."""
    places = Runs.of(stream).grid()
    columns = {}
    for name, values in stream.columns.items():
        columns[name] = np.full(places[-1] + 1, np.nan)
        columns[name][places] = values / _MG_PER_G if unit_of(name) == "mg" else values
    return table((), _cells(columns), "\t")


def _length(stream: Stream) -> int:
    """How many rows a physio table of a stream has, gaps included."""
    return int(Runs.of(stream).grid()[-1]) + 1


def _physio_said(session: Outgoing, stream: Stream) -> dict[str, Any]:
    names = {column: _column(stream, column) for column in stream.columns}
    return {
        "SamplingFrequency": round(Runs.of(stream).rate_hz, 7),
        "StartTime": round(float(stream.time_s[0]), TIME_DIGITS),
        "Columns": list(names.values()),
        "PhysioType": "generic",
        **_said_of_task(session),
        **{name: _column_said(stream, column) for column, name in names.items()},
    }


def _said_of_task(session: Outgoing) -> dict[str, Any]:
    recording = session.recording
    return {
        "TaskName": recording.protocol or "recording",
        "SoftwareVersions": f"vagal {software()['version']}",
        **({"Simulated": True} if recording.simulated else {}),
    }


def _column(stream: Stream, column: str) -> str:
    """A column's name: that of the standard where it has one, else ours without the unit."""
    if len(stream.columns) == 1 and (kind := _kind(stream)) is not None:
        return "respiratory" if kind == "respiration" else "cardiac"
    return column.rsplit("_", 1)[0]


def _kind(stream: Stream) -> str | None:
    """Which of the signals that the standard names a stream is."""
    kinds = (*_CARDIAC, "respiration")
    return next((kind for kind in kinds if next(iter(stream.columns)) in (f"{kind}_uv", f"{kind}_au")), None)


def _column_said(stream: Stream, column: str) -> dict[str, str]:
    unit = unit_of(column)
    told = _CARDIAC.get(_kind(stream) or "", column.rsplit("_", 1)[0].replace("_", " "))
    return {"Description": told, "Units": "g" if unit == "mg" else unit or "a.u."}


def _beats_said(session: Outgoing, stream: Stream) -> dict[str, Any]:
    said: dict[str, Any] = {"time_s": {"Description": "From the start of the session", "Units": "s"}}
    if is_beats(stream):
        said["time_s"]["Description"] += ", the end of the interval"
    for column in stream.columns:
        told = {"rr_ms": "R peak to R peak, as recorded", "pp_ms": "Pulse to pulse, as recorded; not RR"}
        said[column] = {"Description": told.get(column, column.rsplit("_", 1)[0].replace("_", " "))}
        if unit := unit_of(column):
            said[column]["Units"] = unit
    return {**_said_of_task(session), **said}


def _events(session: Outgoing) -> list[tuple[Cell, ...]]:
    recording = session.recording
    rows: list[tuple[Cell, ...]] = []
    onsets_s: list[float] = []
    for phase in recording.phases:
        pacer_bpm = phase.pacer.breaths_per_min if phase.pacer else None
        told = ("phase", phase.kind.value, phase.name, None, phase.strategy, pacer_bpm)
        rows.append((phase.start_s, phase.duration_s, *told))
        onsets_s.append(phase.start_s)
    for marker in session.markers:
        length_s = marker.end_s - marker.time_s if marker.end_s is not None else 0.0
        rows.append((marker.time_s, length_s, "marker", marker.kind, marker.text, None, None, None))
        onsets_s.append(marker.time_s)
    for rating in recording.ratings:
        rows.append((rating.time_s, 0.0, "rating", rating.scale, None, rating.value, None, None))
        onsets_s.append(rating.time_s)
    return [rows[at] for at in np.argsort(onsets_s, kind="stable").tolist()]


def _participant(sessions: Sequence[Outgoing]) -> tuple[Cell, ...]:
    """Who the client is, by what was answered first."""
    said: dict[str, str] = {}
    for session in sessions:
        said = {**session.recording.conditions, **said}
    sex = said.get("sex")
    return _subject(sessions[0].client), sessions[0].client, said.get("age"), _SEXES.get(sex or "", sex)


def _sessions(sessions: Sequence[Outgoing]) -> bytes:
    """One row a session: protocol, simulated or not, conditions; when it began only if dates go out."""
    asked = _asked(sessions)
    dated = any(session.dates for session in sessions)
    names = ("session_id", *(("acq_time",) if dated else ()), "protocol", "simulated", *asked)
    rows = []
    for session in sorted(sessions, key=lambda each: each.number):
        recording, began = session.recording, session.started_at
        when = (f"{began:%Y-%m-%dT%H:%M:%S}" if began else None,) if dated else ()
        answers = (recording.conditions.get(name) for name in asked)
        simulated = "true" if recording.simulated else "false"
        rows.append((f"ses-{session.number:02d}", *when, recording.protocol, simulated, *answers))
    return tsv(names, rows)


def _asked(sessions: Sequence[Outgoing]) -> list[str]:
    """The conditions that any session has, without those that are of the person."""
    return sorted(
        {name for session in sessions for name in session.recording.conditions} - {*_SAID_OF_PERSON}
    )


def _sessions_said(sessions: Sequence[Outgoing]) -> dict[str, Any]:
    return {
        "protocol": {"Description": "The protocol that was followed; n/a for a free recording or an import"},
        "simulated": {
            "Description": "Whether the session was made without a person",
            "Levels": {"true": "simulated", "false": "recorded of a person"},
        },
        **{name: {"Description": f"Answered before the session: {name}"} for name in _asked(sessions)},
    }


def _dataset(simulated: bool) -> dict[str, Any]:
    return {
        "Name": "Biofeedback sessions recorded with vagal"
        + (", simulated ones among them" if simulated else ""),
        "BIDSVersion": _BIDS,
        "DatasetType": "raw",
        "GeneratedBy": [{"Name": "vagal", "Version": software()["version"]}],
    }


def _readme(simulated: bool) -> str:
    told = (
        "Sessions marked as simulated in *_sessions.tsv were made without a person.\n\n" if simulated else ""
    )
    return (
        "# Biofeedback sessions\n\n"
        f"{told}"
        "Signals are as recorded: nothing is corrected, filtered or masked. Each sampled signal has its own "
        "*_physio.tsv.gz, at the true rate of its sensor; where samples are missing stands n/a. Intervals "
        "between beats have no rate and stand in *_beh.tsv, one a row, with the time each ends. Times count "
        "from the start of the session.\n"
    )
