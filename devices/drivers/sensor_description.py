"""What a TOML file says of a sensor of one's own; docs/own-sensor.md says how.

All but how the sensor is told by its advert is stored with each session, so that it can be decoded where the
file is gone.
"""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

import numpy as np

from pipeline.errors import InputError

_LEAST_SILENCE_S = 5.0
_SILENT_SAMPLES = 3
_LARGEST = 1e12
_LONGEST_HEADER = 200
_HIGHEST_RATE_HZ = 5000.0
_LONGEST_SILENCE_S = 86_400.0
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_STREAM = re.compile(r"[a-z][a-z0-9_]{0,31}")
_SHORT_UUID = re.compile(r"[0-9a-f]{4}")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_BASE_UUID = "0000{}-0000-1000-8000-00805f9b34fb"


class Dtype(StrEnum):
    """How a sample is written; le: the lowest byte first, be: the highest."""

    U8 = "u8"
    I8 = "i8"
    U16LE = "u16le"
    U16BE = "u16be"
    I16LE = "i16le"
    I16BE = "i16be"
    U32LE = "u32le"
    U32BE = "u32be"
    I32LE = "i32le"
    I32BE = "i32be"
    F32LE = "f32le"
    F32BE = "f32be"

    @property
    def numpy(self) -> np.dtype[Any]:
        """The same for numpy."""
        order = ">" if self.endswith("be") else "<"
        bits = int(re.sub(r"\D", "", self))
        return np.dtype(f"{order}{self[0]}{bits // 8}")


class Unit(StrEnum):
    """What a sample is in, once scaled; the last part of its column's name."""

    MICROSIEMENS = "us"
    MICROVOLTS = "uv"
    MILLISECONDS = "ms"
    BEATS_PER_MINUTE = "bpm"
    CELSIUS = "c"
    MILLI_G = "mg"
    PERCENT = "pct"
    ARBITRARY = "au"


# Streams that other parts know, and the unit they expect.
STREAMS = {
    "eda": Unit.MICROSIEMENS,
    "scl": Unit.MICROSIEMENS,
    "rr": Unit.MILLISECONDS,
    "pp": Unit.MILLISECONDS,
    "heart_rate": Unit.BEATS_PER_MINUTE,
    "ecg": Unit.MICROVOLTS,
    "ppg": Unit.ARBITRARY,
    "skin_temperature": Unit.CELSIUS,
}
_TOP_KEYS = ("name", "label", "service", "characteristic")
_SAMPLE_KEYS = ("stream", "unit", "dtype", "rate_hz", "scale", "offset", "valid_range", "silence_s")
_TAKEN = {"acc", "battery"}  # one has three columns, the other is no signal
EVENT_STREAMS = {"rr", "pp", "heart_rate"}  # their samples come with the beats, not at a rate


@dataclass(frozen=True, slots=True)
class Command:
    """Bytes to write to a characteristic."""

    characteristic: str
    payload: bytes
    response: bool = True


@dataclass(frozen=True, slots=True)
class GenericSensor:
    """A sensor as its file describes it; UUIDs are 128-bit, lower case.

    An advert is its own if it lists `advertised_service` and its name begins with `advertised_name`, as far
    as they are given; a file gives one, a stored description none. A sample is value * `scale` + `offset` in
    `unit`. `counter_at` is the byte of the header that counts notifications and wraps at 256; `stamp_at` is
    where an u32, little-endian, tells the milliseconds at which the notification's last sample was taken.
    `rate_hz` is None for beats.
    """

    name: str
    label: str
    service: str
    characteristic: str
    stream: str
    unit: Unit
    dtype: Dtype
    silence_s: float
    rate_hz: float | None = None
    scale: float = 1.0
    offset: float = 0.0
    header_bytes: int = 0
    counter_at: int | None = None
    stamp_at: int | None = None
    valid_range: tuple[float, float] | None = None
    advertised_name: str | None = None
    advertised_service: str | None = None
    start: Command | None = None
    stop: Command | None = None

    @property
    def column(self) -> str:
        """The name of the samples' column, such as `eda_us`."""
        return f"{self.stream}_{self.unit}"


def read_sensor(path: Path) -> GenericSensor:
    """The sensor that a TOML file describes. Raises InputError with a line for each mistake in it."""
    try:
        facts = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: cannot be read as TOML ({error})") from error
    return _sensor(facts, str(path), stored=False)


def description_json(sensor: GenericSensor) -> str:
    """The description in one line, to be stored with a session.

    Without the advert: a name that a sensor advertises may tell whose it is.
    """
    facts: dict[str, Any] = {key: getattr(sensor, key) for key in _TOP_KEYS}
    facts["samples"] = _given(**{key: getattr(sensor, key) for key in _SAMPLE_KEYS})
    header = _given(bytes=sensor.header_bytes, counter_at=sensor.counter_at, stamp_at=sensor.stamp_at)
    facts["header"] = header
    for word, command in (("start", sensor.start), ("stop", sensor.stop)):
        if command is not None:
            facts[word] = {**asdict(command), "hex": command.payload.hex()}
            del facts[word]["payload"]
    return json.dumps(facts, ensure_ascii=False)


def from_json(text: str) -> GenericSensor:
    """The sensor of a stored description. Raises InputError with a line for each mistake in it.

    It can be decoded and not recognised: what an older version stored of its advert is left out.
    """
    where = "stored description of a sensor"
    try:
        facts = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where}: cannot be read ({error})") from error
    if not isinstance(facts, dict):
        raise InputError(f"{where}: is no table")
    facts.pop("advert", None)
    return _sensor(facts, where, stored=True)


def _given(**facts: object) -> dict[str, object]:
    return {key: value for key, value in facts.items() if value is not None}


@dataclass(slots=True)
class _Table:
    """One table of a description: gives values out, and notes every mistake with its key."""

    facts: dict[str, Any]
    path: str
    mistakes: list[str]
    known: list[str]

    @classmethod
    def of(cls, facts: dict[str, Any], where: str) -> Self:
        return cls(facts, f"{where}: ", [], [])

    def __post_init__(self) -> None:
        self.facts = _given(**self.facts)

    def table(self, key: str) -> _Table:
        """A table in this one; empty if it is not there."""
        inner = self._take(key, {})
        if not isinstance(inner, dict):
            self.wrong(key, "must be a table, written as its own section in square brackets")
            inner = {}
        return _Table(inner, f"{self.path}{key}.", self.mistakes, [])

    def text(self, key: str, default: str | None = "") -> str | None:
        """A text; without a default of None it must be there."""
        value = self._take(key, default)
        if value is not default and (not isinstance(value, str) or not value.strip()):
            self.wrong(key, f"must be a text, not {value!r}")
            return default
        if value == "":
            self.wrong(key, "is missing")
        return None if value is None else str(value)

    def matching(self, key: str, pattern: re.Pattern[str], what: str) -> str:
        value = self.text(key) or ""
        if value and not pattern.fullmatch(value):
            self.wrong(key, f"must be {what}, not {value!r}")
        return value

    def choice(self, key: str, choices: type[StrEnum]) -> Any:
        """A member of the enumeration, or None after a mistake."""
        value = self.text(key)
        if value and value not in list(choices):
            self.wrong(key, f"must be one of {', '.join(choices)}, not {value!r}")
        return choices(value) if value in list(choices) else None

    def uuid(self, key: str, default: str | None = "") -> str | None:
        value = self.text(key, default)
        if not value:
            return value
        lower = value.lower()
        if _SHORT_UUID.fullmatch(lower):
            return _BASE_UUID.format(lower)
        if not _UUID.fullmatch(lower):
            self.wrong(key, f"must be a UUID such as {_BASE_UUID.format('180d')}, not {value!r}")
        return lower

    def number(self, key: str, default: float | None, low: float = -_LARGEST, high: float = _LARGEST) -> Any:
        """A finite number from `low` to `high`, as a float; or the default."""
        value = self._take(key, default)
        if value is default or self._is_number(key, value, low, high):
            return default if value is default else float(value)
        return default

    def whole(self, key: str, default: int | None, high: int) -> Any:
        """A whole number from 0 to `high`; or the default."""
        value = self._take(key, default)
        if value is default:
            return default
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= high:
            self.wrong(key, f"must be a whole number from 0 to {high}, not {_short(value)}")
            return default
        return value

    def range(self, key: str) -> tuple[float, float] | None:
        value = self._take(key, None)
        if value is None:
            return None
        if not isinstance(value, list) or len(value) != 2:
            self.wrong(key, f"must be two numbers, [lowest, highest], not {_short(value)}")
            return None
        if not all(self._is_number(key, each, -_LARGEST, _LARGEST) for each in value):
            return None
        if value[0] >= value[1]:
            self.wrong(key, f"must begin with the lower number, not {_short(value)}")
            return None
        return float(value[0]), float(value[1])

    def flag(self, key: str, *, default: bool) -> bool:
        value = self._take(key, default)
        if not isinstance(value, bool):
            self.wrong(key, f"must be true or false, not {_short(value)}")
            return default
        return value

    def hex(self, key: str) -> bytes:
        value = self.text(key) or ""
        try:
            return bytes.fromhex(value)
        except ValueError:
            self.wrong(key, f"must be bytes in hexadecimal such as '01 0a', not {value!r}")
            return b""

    def wrong(self, key: str, reason: str) -> None:
        self.mistakes.append(f"{self.path}{key} {reason}")

    def end(self) -> None:
        """Note the keys that nobody asked for."""
        for key in self.facts:
            if key not in self.known:
                near = get_close_matches(key, self.known, 1)
                self.wrong(key, f"is no key{f'; is it {near[0]}?' if near else ''}")

    def _take(self, key: str, default: object) -> Any:
        self.known.append(key)
        return self.facts.get(key, default)

    def _is_number(self, key: str, value: object, low: float, high: float) -> bool:
        if isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high:
            return True
        bounds = f" from {low:g} to {high:g}" if (low, high) != (-_LARGEST, _LARGEST) else ""
        self.wrong(key, f"must be a number{bounds}, not {_short(value)}")
        return False


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _sensor(facts: dict[str, Any], where: str, *, stored: bool) -> GenericSensor:
    top = _Table.of(facts, where)
    samples, header = top.table("samples"), top.table("header")
    name = top.matching("name", _NAME, "small letters, digits and hyphens, 32 at most")
    label, service, characteristic = top.text("label"), top.uuid("service"), top.uuid("characteristic")
    start, stop = _command(top, "start"), _command(top, "stop")
    advertised_name, advertised_service = (None, None) if stored else _advert(top)
    stream = samples.matching("stream", _STREAM, "small letters, digits and underscores, such as eda")
    unit = samples.choice("unit", Unit)
    if stream in _TAKEN:
        samples.wrong("stream", f"cannot be {stream}: choose another name")
    if stream in STREAMS and unit not in (None, STREAMS[stream]):
        samples.wrong("unit", f"must be {STREAMS[stream]} for {stream}, not {unit}")
    dtype = samples.choice("dtype", Dtype)
    rate_hz = _rate_hz(samples, stream)
    scale, offset = samples.number("scale", 1.0), samples.number("offset", 0.0)
    if scale == 0:
        samples.wrong("scale", "must not be 0")
    valid_range = samples.range("valid_range")
    silence_s = samples.number(
        "silence_s", max(_LEAST_SILENCE_S, _SILENT_SAMPLES / (rate_hz or 1.0)), 1.0, _LONGEST_SILENCE_S
    )
    header_bytes, counter_at, stamp_at = _header(header, rate_hz)
    for table in (top, samples, header):
        table.end()
    if top.mistakes:
        raise InputError("\n".join(top.mistakes))
    return GenericSensor(
        name=name,
        label=str(label),
        service=str(service),
        characteristic=str(characteristic),
        stream=stream,
        unit=unit,
        dtype=dtype,
        silence_s=silence_s,
        rate_hz=rate_hz,
        scale=scale,
        offset=offset,
        header_bytes=header_bytes,
        counter_at=counter_at,
        stamp_at=stamp_at,
        valid_range=valid_range,
        advertised_name=advertised_name,
        advertised_service=advertised_service,
        start=start,
        stop=stop,
    )


def _advert(top: _Table) -> tuple[str | None, str | None]:
    """The advertised name and service that tell the sensor."""
    advert = top.table("advert")
    name, service = advert.text("name", None), advert.uuid("service", None)
    if isinstance(top.facts.get("advert", {}), dict) and not {"name", "service"} & advert.facts.keys():
        top.wrong("advert", "needs a name, a service, or both, to tell the sensor by")
    advert.end()
    return name, service


def _command(top: _Table, word: str) -> Command | None:
    if word not in top.facts:
        top.known.append(word)
        return None
    table = top.table(word)
    command = Command(
        str(table.uuid("characteristic")), table.hex("hex"), table.flag("response", default=True)
    )
    table.end()
    return command


def _rate_hz(samples: _Table, stream: str) -> float | None:
    rate_hz: float | None = samples.number("rate_hz", None, 1 / 3600, _HIGHEST_RATE_HZ)
    if stream in EVENT_STREAMS and "rate_hz" in samples.facts:
        samples.wrong("rate_hz", f"must be left out: {stream} comes with the beats, not at a rate")
    if stream not in EVENT_STREAMS and "rate_hz" not in samples.facts:
        samples.wrong("rate_hz", "is missing")
    return rate_hz


def _header(header: _Table, rate_hz: float | None) -> tuple[int, int | None, int | None]:
    length = header.whole("bytes", 0, _LONGEST_HEADER)
    counter_at = header.whole("counter_at", None, _LONGEST_HEADER)
    stamp_at = header.whole("stamp_at", None, _LONGEST_HEADER)
    for key, at, size in (("counter_at", counter_at, 1), ("stamp_at", stamp_at, 4)):
        if at is not None and at + size > length:
            header.wrong(key, f"needs a header of {at + size} bytes at least, not {length}")
        if at is not None and rate_hz is None:
            header.wrong(key, "is of use only with a rate")
    if counter_at is not None and stamp_at is not None:
        header.wrong("counter_at", "is of no use beside stamp_at, which tells more")
    return length, counter_at, stamp_at
