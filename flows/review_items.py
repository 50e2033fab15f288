"""What there is to review: a session, or an output folder's recordings in an order that tells nothing."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from flows.importing import Reading
from pipeline.edits import FILE, FOLDER, Edits, edits_of_unit, read_edits
from pipeline.edits import edits_path as path_of_unit
from pipeline.errors import InputError, UsageError
from pipeline.exclusions import Status
from pipeline.model import Recording
from pipeline.sealing import write_file, write_json
from pipeline.store import Home, is_session, read_session

SOURCE = ".source.json"  # in an output folder: where what was analysed lies, on this computer
ORDER = "order.json"  # beside the marks
_SEED_BITS = 32


@dataclass(frozen=True, slots=True)
class Item:
    """A recording to look at. `unit` is for the terminal only: a page is never told it."""

    unit: str
    read: Callable[[], Recording]
    out: Path | None
    folder: Path | None = None

    def path(self, rater: str) -> Path:
        """Where what a rater marks is written."""
        if self.out is not None:
            return path_of_unit(self.out, self.unit, rater)
        assert self.folder is not None
        return self.folder / FILE

    def edits(self) -> Edits:
        """What all raters have marked."""
        if self.out is not None:
            return read_edits(*edits_of_unit(self.out, self.unit).values())
        assert self.folder is not None
        return read_edits(self.folder / FILE)


def items_of(home: Home, what: str) -> list[Item]:
    """A session, or the recordings that an output folder was made of, by name.

    Raises InputError or UsageError with one line.
    """
    path = Path(what)
    if path.is_dir() and not is_session(path):
        return _items_of_output(path.resolve(), home)
    if path.is_file():
        raise UsageError(f"{what}: is a file: review what vagal analyse --out DIR makes of it, or import it")
    folder = home.find(what)
    return [Item(folder.name, lambda: read_session(folder), None, folder)]


def write_source(out: Path, home: Home, what: str, how: Reading) -> None:
    """Keep where the recording lies that an output folder was made of; for this computer only."""
    path = Path(what)
    found = path if path.exists() else home.find(what)
    reading = {name: str(value) for name, value in asdict(how).items() if value is not None}
    write_json(out / SOURCE, {"recording": str(found.resolve()), "reading": reading})


def write_batch_source(
    out: Path, folder: Path, recordings: Sequence[Mapping[str, Any]], columns: Mapping[str, str]
) -> None:
    """Keep where the recordings of a batch lie, which can be looked at, and what columns of tables are."""
    units = [row["recording_id"] for row in recordings if row["status"] in (Status.ANALYSED, Status.EXCLUDED)]
    write_json(out / SOURCE, {"folder": str(folder.resolve()), "units": units, "columns": dict(columns)})


def _items_of_output(out: Path, home: Home) -> list[Item]:
    try:
        facts = json.loads((out / SOURCE).read_bytes())
        if "recording" in facts:
            how = Reading(**{name: facts["reading"].get(name) for name in ("unit", "columns")})
            path = str(facts["recording"])
            return [Item(Path(path).name, lambda: _read(home, path, how), out)]
        folder, units = Path(facts["folder"]), [str(unit) for unit in facts["units"]]
        mapped = {str(unit): str(told) for unit, told in facts["columns"].items()}
    except FileNotFoundError:
        raise UsageError(
            f"{out}: is neither a session nor what vagal analyse --out or vagal batch --out wrote"
        ) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{out / SOURCE}: cannot be read ({error!r}): run the analysis again") from None
    if astray := next((unit for unit in units if Path(unit).is_absolute() or ".." in Path(unit).parts), None):
        raise InputError(f"{out / SOURCE}: {astray!r} leads out of the folder: run the analysis again")
    if not units:
        raise UsageError(f"{out}: holds no recording that could be analysed; its summary.html says why")
    return [Item(unit, _reader(home, folder, unit, mapped.get(unit)), out) for unit in units]


def _reader(home: Home, folder: Path, unit: str, columns: str | None) -> Callable[[], Recording]:
    path = folder / unit
    if not path.exists() and unit == folder.name:
        path = folder  # the folder itself was the recording
    return lambda: _read(home, str(path), Reading(columns=columns))


def _read(home: Home, path: str, how: Reading) -> Recording:
    from flows.analysing import read_any  # what reads and analyses takes its time to load

    return read_any(home, path, how)[0]


def in_order(items: Sequence[Item], rater: str) -> list[Item]:
    """The items in this rater's own order, drawn from a seed that is kept beside the marks."""
    if len(items) < 2 or items[0].out is None:
        return list(items)
    seed = _seed(items[0].out / FOLDER / ORDER)

    def drawn(item: Item) -> str:
        return hashlib.sha256(f"{seed}/{rater}/{item.unit}".encode()).hexdigest()

    return sorted(items, key=drawn)


def _seed(path: Path) -> int:
    try:
        if path.exists():
            return int(json.loads(path.read_bytes())["seed"])
        path.parent.mkdir(exist_ok=True)
        seed = secrets.randbits(_SEED_BITS)
        write_file(path, json.dumps({"seed": seed}).encode())
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror})") from error
    except (ValueError, KeyError, TypeError):
        raise InputError(f"{path}: holds no seed; without the file a new order is drawn") from None
    return seed
