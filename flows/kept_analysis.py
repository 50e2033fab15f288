"""An analysis as it is kept beside a report, so that a page can be made anew without analysing again.

<session>/derived/analysis.parquet: a row for each array, and the records around them as JSON in its metadata.
Arrays that are the session's own are named, not stored. What was one object is one object again. It can be
rebuilt, and is read only by the version that wrote it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from pipeline.errors import InputError
from pipeline.language import Reason
from pipeline.sealing import read_table, write_table

if TYPE_CHECKING:
    from pipeline.analysis import Analysis
    from pipeline.model import Recording

FILE = "analysis.parquet"
_KEY, _FACTS = b"key", b"facts"


def keep_analysis(derived: Path, analysis: Analysis, recording: Recording, key: str) -> None:
    """Write the analysis of a stored session to derived/; `key` says what it rests on."""
    writing = _Writing(recording)
    facts = json.dumps(writing.plain(analysis))
    table = pa.table(
        {
            "dtype": [array.dtype.str for array in writing.arrays],
            "shape": pa.array([array.shape for array in writing.arrays], pa.list_(pa.int64())),
            "bytes": pa.array([array.tobytes() for array in writing.arrays], pa.binary()),
        }
    )
    write_table(derived / FILE, table.replace_schema_metadata({_KEY: key, _FACTS: facts}))


def kept_analysis(derived: Path, recording: Recording, key: str) -> Analysis | None:
    """The analysis that is kept, if it rests on what `key` says; None if there is none, or it is damaged."""
    path = derived / FILE
    if not path.is_file():
        return None
    try:
        table = read_table(path)
        metadata = table.schema.metadata or {}
        if metadata.get(_KEY) != key.encode():
            return None
        analysis: Analysis = _Reading(recording, table).made(json.loads(metadata[_FACTS]))
    except (InputError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
        return None
    return analysis


class _Writing:
    """From records to JSON, arrays put aside."""

    def __init__(self, recording: Recording) -> None:
        self.arrays: list[np.ndarray[Any, Any]] = []
        self._names = {id(array): name for name, array in _own_arrays(recording).items()}
        self._places: dict[int, int] = {}
        self._held: list[object] = []  # an id is good for as long as its object lives

    def plain(self, value: Any) -> Any:
        """A value as JSON has it: what JSON has no word for is a list that begins with its kind."""
        if isinstance(value, Reason):
            return ["reason", value.key, self._pairs(value.values)]
        if isinstance(value, Enum):
            return ["enum", _name_of(value), value.value]
        if value is None or isinstance(value, bool | int | float | str):
            return value
        if isinstance(value, np.generic):
            return value.item()
        if isinstance(value, datetime):
            return ["datetime", value.isoformat()]
        if isinstance(value, tuple | list):
            return [type(value).__name__, [self.plain(each) for each in value]]
        if isinstance(value, Mapping):
            return ["dict", self._pairs(value)]
        return self._once(value)

    def _pairs(self, value: Mapping[Any, Any]) -> list[Any]:
        return [[self.plain(key), self.plain(each)] for key, each in value.items()]

    def _once(self, value: Any) -> Any:
        """A record or an array: where it was met before, its number."""
        if id(value) in self._places:
            return ["again", self._places[id(value)]]
        if id(value) in self._names:
            return ["own", self._names[id(value)]]
        made = self._array(value) if isinstance(value, np.ndarray) else self._record(value)
        self._places[id(value)] = len(self._places)
        self._held.append(value)
        return made

    def _array(self, value: np.ndarray[Any, Any]) -> Any:
        if value.dtype == object:
            return ["objects", [self.plain(each) for each in value.tolist()]]
        self.arrays.append(value)
        return ["array", len(self.arrays) - 1]

    def _record(self, value: Any) -> Any:
        if not is_dataclass(value):
            raise TypeError(f"{type(value).__name__} cannot be kept")
        facts = {field.name: self.plain(getattr(value, field.name)) for field in fields(value)}
        return ["record", _name_of(value), facts]


class _Reading:
    """The same way back."""

    def __init__(self, recording: Recording, table: pa.Table) -> None:
        self._own, self._rows, self._met = _own_arrays(recording), table.to_pylist(), list[Any]()
        self._kinds: Mapping[str, Callable[..., Any]] = {
            "reason": lambda key, values: Reason(key, self._dict(values)),
            "enum": lambda name, value: _class_of(name)(value),
            "datetime": datetime.fromisoformat,
            "tuple": lambda values: tuple(map(self.made, values)),
            "list": lambda values: list(map(self.made, values)),
            "dict": self._dict,
            "again": lambda place: self._met[place],
            "own": lambda name: self._own[name],
            "objects": lambda values: self._meet(np.array(list(map(self.made, values)), dtype=object)),
            "array": lambda row: self._meet(_array(self._rows[row])),
            "record": self._record,
        }

    def made(self, plain: Any) -> Any:
        """What a list that begins with its kind stands for; anything else is itself."""
        return self._kinds[plain[0]](*plain[1:]) if isinstance(plain, list) else plain

    def _dict(self, pairs: list[Any]) -> dict[Any, Any]:
        return {self.made(key): self.made(each) for key, each in pairs}

    def _record(self, name: str, facts: dict[str, Any]) -> Any:
        kind = _class_of(name)
        if set(facts) != {field.name for field in fields(kind)}:
            raise ValueError(f"{name} has other fields now")
        made = object.__new__(kind)
        for field, value in facts.items():
            object.__setattr__(made, field, self.made(value))  # frozen, and whole when it was kept
        return self._meet(made)

    def _meet(self, value: Any) -> Any:
        self._met.append(value)
        return value


def _own_arrays(recording: Recording) -> dict[str, np.ndarray[Any, Any]]:
    """The arrays of a session's streams, by a name."""
    return {
        f"{stream.name}/{name}": array
        for stream in recording.streams.values()
        for name, array in (
            ("at", stream.time_s),
            ("arrival", stream.arrival_s),
            ("device", stream.device_time_s),
            *((f"of {column}", values) for column, values in stream.columns.items()),
        )
        if array is not None
    }


def _array(row: Mapping[str, Any]) -> np.ndarray[Any, Any]:
    return np.frombuffer(row["bytes"], np.dtype(row["dtype"])).reshape(row["shape"])


def _name_of(value: object) -> str:
    return f"{type(value).__module__}:{type(value).__qualname__}"


def _class_of(name: str) -> Any:
    """One of our own records or closed sets: a file can ask for nothing else."""
    module, _, kind = name.partition(":")
    found = getattr(import_module(module), kind) if module.startswith("pipeline.") else None
    if not (isinstance(found, type) and (is_dataclass(found) or issubclass(found, Enum))):
        raise ValueError(f"{name} is no record of an analysis")
    return found
