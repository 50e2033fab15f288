"""What the columns of a table are: as a person says it, or as a header that leaves no doubt does."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline.errors import UsageError

EXAMPLE = "time=NAME[ms],ecg=NAME[mV],eda=NAME[uS]"

_VOLTAGE = {"uV": 1.0, "mV": 1e3, "V": 1e6}
_INTERVAL = {"ms": 1.0, "s": 1e3, "1/1024s": 1000 / 1024}
_ACCELERATION = {"mg": 1.0, "g": 1e3, "m/s2": 1e3 / 9.80665}
_ARBITRARY = {"au": 1.0}


@dataclass(frozen=True, slots=True)
class Role:
    """What a column can be: its stream, its column there, and what takes each unit to that column's.

    A resistance is turned round: `inverse` lists such units. Without a unit it is the only one there is.
    """

    stream: str
    column: str
    units: Mapping[str, float]
    inverse: tuple[str, ...] = ()
    beats: bool = False

    @property
    def only_unit(self) -> str | None:
        """The unit of a column that can have no other."""
        return next(iter(self.units)) if len(self.units) == 1 else None


TIME = "time"
ISO = "date"  # the unit of times that are written as dates
ROLES: dict[str, Role] = {
    TIME: Role(TIME, "time_s", {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9, "min": 60.0, ISO: 1e-6}),
    "ecg": Role("ecg", "ecg_uv", _VOLTAGE),
    "ppg": Role("ppg", "ppg_au", _ARBITRARY),
    "eda": Role("eda", "eda_us", {"uS": 1.0, "nS": 1e-3, "kOhm": 1e3, "Ohm": 1e6}, ("kOhm", "Ohm")),
    "respiration": Role("respiration", "respiration_au", _ARBITRARY),
    "skin_temperature": Role("skin_temperature", "skin_temperature_c", {"C": 1.0}),
    "acc_x": Role("acc", "acc_x_mg", _ACCELERATION),
    "acc_y": Role("acc", "acc_y_mg", _ACCELERATION),
    "acc_z": Role("acc", "acc_z_mg", _ACCELERATION),
    "heart_rate": Role("heart_rate", "heart_rate_bpm", {"bpm": 1.0}),
    "rr": Role("rr", "rr_ms", _INTERVAL, beats=True),
    "pp": Role("pp", "pp_ms", _INTERVAL, beats=True),
}
_RATE = "rate"
_MOST_HZ = 50_000.0
_ITEM = re.compile(r"\s*(?P<role>[^=\[\]]+?)\s*=\s*(?P<column>.*?)\s*(\[(?P<unit>[^\[\]]*)\])?\s*")


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its role, its name or number (from 1) in the table, and its unit if it was said."""

    role: str
    column: str
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """What columns are. `rate_hz` stands for a column of times where there is none."""

    columns: tuple[Column, ...]
    rate_hz: float | None = None

    def of(self, role: str) -> Column | None:
        """The column of a role."""
        return next((each for each in self.columns if each.role == role), None)


def read_columns(text: str) -> ColumnMap:
    """What `--columns` says, such as "time=t[ms],ecg=ECG[mV]" or "rate=100,ppg=1".

    Raises UsageError with what to write instead.
    """
    columns: dict[str, Column] = {}
    rate_hz = None
    for item in re.split(r",(?![^\[]*\])", text):
        found = _ITEM.fullmatch(item)
        if found is None or not found["column"]:
            raise UsageError(
                f"--columns: {item.strip()!r} is no ROLE=COLUMN[UNIT]; use for example {EXAMPLE}"
            )
        role = found["role"].strip().lower()
        if role == _RATE:
            rate_hz = _rate_hz(found["column"])
        elif role not in ROLES:
            raise UsageError(f"--columns: nothing is called {role!r}; use {', '.join([*ROLES, _RATE])}")
        elif role in columns:
            raise UsageError(f"--columns: {role} is named twice")
        else:
            columns[role] = Column(role, found["column"], _known_unit(role, found["unit"]))
    chosen = ColumnMap(tuple(columns.values()), rate_hz)
    _check(chosen)
    return chosen


def _rate_hz(text: str) -> float:
    try:
        rate_hz = float(text)
    except ValueError:
        rate_hz = math.nan
    if not 0 < rate_hz <= _MOST_HZ:
        raise UsageError(f"--columns: rate={text} is no number of samples a second")
    return rate_hz


def _known_unit(role: str, unit: str | None) -> str | None:
    if unit is None:
        return ROLES[role].only_unit
    known = {_plain(each): each for each in ROLES[role].units}
    plain = _plain(unit.replace(" ", ""))
    if plain not in known:
        raise UsageError(f"--columns: {role} is not read in {unit!r}; use {', '.join(ROLES[role].units)}")
    return known[plain]


def _check(chosen: ColumnMap) -> None:
    signals = [each.role for each in chosen.columns if each.role != TIME]
    if not signals:
        raise UsageError(f"--columns: names no signal; use for example {EXAMPLE}")
    axes = [role for role in signals if ROLES[role].stream == "acc"]
    if axes and len(axes) < 3:
        raise UsageError("--columns: acceleration needs acc_x, acc_y and acc_z")
    timed = chosen.of(TIME) is not None
    if timed and chosen.rate_hz is not None:
        raise UsageError("--columns: name a column of times or a rate, not both")
    if not timed and chosen.rate_hz is None and not all(ROLES[role].beats for role in signals):
        raise UsageError("--columns: name the column of times, time=NAME[ms], or the rate, rate=100")


def evident(names: Sequence[str]) -> ColumnMap | None:
    """What a header says without doubt: names and units of ours, a time among them; None if it does not."""
    columns: dict[str, Column] = {}
    for number, name in enumerate(names, 1):
        role, unit = _EVIDENT.get(_plain(name), (None, None))
        if role is not None and role not in columns:
            columns[role] = Column(role, str(number), unit)
    found = ColumnMap(tuple(columns.values()))
    try:
        _check(found)
    except UsageError:
        return None
    return found if TIME in columns else None


def named_unit(role: str, name: str) -> str | None:
    """The unit in a column's name, for a column of that role: "ECG (mV)" is in mV."""
    plain = _plain(name)
    units = {unit: _plain(unit) for unit in ROLES[role].units}
    # A column that is called "v" need not be in volts; one that is called "ms" is in milliseconds.
    ends = [
        unit for unit, end in units.items() if plain.endswith(f"_{end}") or (plain == end and len(end) > 1)
    ]
    return max(ends, key=len) if ends else ROLES[role].only_unit


def _plain(text: str) -> str:
    """Letters and digits in small, whatever lies between them as one "_"."""
    plain = text.strip().replace("µ", "u").replace("μ", "u").replace("Ω", "ohm").replace("Ω", "ohm").lower()
    return re.sub(r"[^a-z0-9]+", "_", plain).strip("_")


_ALIASES = {"timestamp": TIME, "temperature_skin": "skin_temperature", "hr": "heart_rate"}
_EVIDENT = {
    f"{name}_{_plain(unit)}": (role, unit)
    for name, role in ({role: role for role in ROLES} | _ALIASES).items()
    for unit in ROLES[role].units
    if unit != ISO
}
