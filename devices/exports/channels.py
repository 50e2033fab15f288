"""Which channels of a laboratory file are ours, told by name *and* unit.

Such a file may hold anything: forty channels of EEG, a trigger, a rate derived from another channel. What is
not one of the six signals below, or is in a unit that can't be its own, is left out and named. Nothing is
guessed: an amplitude in an unknown unit is `_au`, a conductance in an unknown unit is not read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

from devices.exports.samples import ChannelSamples, fault, scaled, stream_of
from pipeline.errors import InputError
from pipeline.model import Stream

FASTEST_HZ = 50_000.0

_SHOWN = 8  # names in one notice


class Kind(StrEnum):
    """The signals that are read, by the name of their stream."""

    ECG = "ecg"
    EDA = "eda"
    PPG = "ppg"
    RESPIRATION = "respiration"
    SKIN_TEMPERATURE = "skin_temperature"
    ACC = "acc"


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel as its file describes it. `unit` is empty where the file names none."""

    name: str
    unit: str
    rate_hz: float

    def __str__(self) -> str:
        return f"{self.name or 'a channel without a name'}{f' ({self.unit})' if self.unit else ''}"


@dataclass(frozen=True, slots=True)
class Candidate:
    """Channels (three for acceleration) that can be a signal: value * `scale` is in the columns' unit."""

    kind: Kind
    indices: tuple[int, ...]
    columns: tuple[str, ...]
    scale: float


@dataclass(frozen=True)
class Found:
    """The streams of a file, which unit each came in, and what a person should know."""

    streams: dict[str, Stream]
    units: dict[str, str]
    notices: tuple[str, ...]


_COLUMNS = {
    Kind.ECG: ("ecg_uv",),
    Kind.EDA: ("eda_us",),
    Kind.PPG: ("ppg_au",),
    Kind.RESPIRATION: ("respiration_au",),
    Kind.SKIN_TEMPERATURE: ("skin_temperature_c",),
    Kind.ACC: ("acc_x_mg", "acc_y_mg", "acc_z_mg"),
}
_ORDER = {kind: number for number, kind in enumerate(Kind)}
_WITHOUT_UNIT = {Kind.ECG: ("ecg_au",)}

# The first that fits.
_NAMES = {
    Kind.ACC: re.compile(r"\bacc\w*"),
    Kind.SKIN_TEMPERATURE: re.compile(
        r"\bskt\w*|\bskin ?temp\w*|\btemp\w* ?(skin|finger|hand|wrist)\b"
        r"|\b(finger|hand|wrist) ?temp\w*|^temp(erature)?$"
    ),
    Kind.EDA: re.compile(r"\b(eda|gsr|scl|edr|edl)\w*|\bskin ?conduct\w*|\bgalvanic\w*|\belectroderm\w*"),
    Kind.PPG: re.compile(r"\b(ppg|bvp|pleth|photopleth)\w*|\bpulse( wave)?$"),
    Kind.RESPIRATION: re.compile(r"\bresp(?!ons)\w*|\b(rsp|breath|thora|abdo)\w*|\brip\b|\bbelt\b"),
    Kind.ECG: re.compile(r"\b(ecg|ekg|electrocardio)\w*"),
}
# A lead's bare name is an electrocardiogram's only in a unit of voltage.
_LEAD = re.compile(r"i{1,3}|mli{1,3}|m?l?v ?\d|v\dr|ml\d|av[rlf]|mcl ?\d|mod v\d|cm ?\d|cc ?5|d[1-4]")
_BEST_LEAD = re.compile(r"\b(ml|d)?ii\b|\bd2\b|\blead ?2\b")
_DERIVED = re.compile(
    r"\b(rate|differen\w*|deriv\w*|slope|phasic|tonic|integra\w*|rms|average|mean|quality|impedance|interval\w*"
    r"|peaks?|events?|count|variability|hrv?|rr|bpm|trigger|marker)\b"
)
_FILTERED = re.compile(r"\b(filt|filter|smooth)\w*")

_VOLTS = {"nv": 1e-3, "uv": 1.0, "microvolt": 1.0, "mv": 1e3, "millivolt": 1e3, "v": 1e6, "volt": 1e6}
_SIEMENS = {"ns": 1e-3, "us": 1.0, "microsiemen": 1.0, "umho": 1.0, "micromho": 1.0}
_SIEMENS |= {"ms": 1e3, "millisiemen": 1e3, "s": 1e6, "siemen": 1e6}
_CELSIUS = dict.fromkeys(("c", "degc", "degreec", "celsiu", "degcelsiu", "degreecelsiu"), 1.0)
_G = {"mg": 1.0, "g": 1e3, "m/s2": 1e3 / 9.80665}
_SCALES = {Kind.ECG: _VOLTS, Kind.EDA: _SIEMENS, Kind.SKIN_TEMPERATURE: _CELSIUS, Kind.ACC: _G}
_EXPECTED = {Kind.ECG: "a voltage", Kind.EDA: "µS", Kind.SKIN_TEMPERATURE: "°C", Kind.ACC: "g"}
_NO_UNIT = frozenset({"", "au", "arb", "arbunit", "adu", "adc", "raw", "count", "nu", "unit", "bit", "lsb"})
_OF_RATES = frozenset({"bpm", "1/min", "/min", "min1", "brpm", "rpm", "hz", "s", "sec", "ms", "cpm"})


def read_channels(
    where: str,
    channels: Sequence[Channel],
    load: Callable[[int], ChannelSamples | str],
    *,
    silent: Collection[int] = (),
    needed: bool = True,
) -> Found:
    """The streams that a file's channels make, and words on each channel that is left out.

    `load` gives what the channel of an index holds, or why that can't be trusted; only channels that are used
    are loaded, one at a time, and their arrays are changed. `silent` are channels that need no mention.
    Raises InputError, with a reason for each channel, if none is usable but one is `needed`.
    """
    candidates, left_out = candidates_of(channels, silent)
    streams: dict[str, Stream] = {}
    units: dict[str, str] = {}
    notices: list[str] = []
    for candidate in candidates:
        names = ", ".join(channels[index].name for index in candidate.indices)
        first = channels[candidate.indices[0]]
        if candidate.kind in streams:
            left_out.append(f"{names}: another channel is read for {candidate.kind.replace('_', ' ')}")
            continue
        loaded = _loaded(candidate, load)
        if isinstance(loaded, str):
            left_out.append(f"{names}: {loaded}")
            continue
        columns, remarks = scaled(candidate.columns, candidate.scale, loaded, names)
        streams[candidate.kind.value] = stream_of(candidate.kind.value, columns, loaded, first.rate_hz)
        units[candidate.kind.value] = f"{first.unit} (from the header)" if first.unit else "none in the file"
        notices += remarks
    if needed and not streams:
        reasons = "; ".join(left_out) or "there are none"
        raise InputError(f"{where}: holds no channel vagal can use ({reasons})")
    return Found(streams, units, (*notices, *(f"left out {each}" for each in left_out)))


def _loaded(candidate: Candidate, load: Callable[[int], ChannelSamples | str]) -> list[ChannelSamples] | str:
    """What a candidate's channels hold, or why they are not what they are called."""
    loaded = []
    for index in candidate.indices:
        samples = load(index)
        if isinstance(samples, str):
            return samples
        loaded.append(samples)
    return fault(candidate.columns, candidate.scale, loaded) or loaded


def candidates_of(
    channels: Sequence[Channel], silent: Collection[int] = ()
) -> tuple[list[Candidate], list[str]]:
    """Channels that can be one of ours, the better first, and words on those that can't."""
    ranked: list[tuple[tuple[int, bool, bool, int], Candidate]] = []
    strangers: list[str] = []
    left_out: list[str] = []
    axes: dict[tuple[str, str, float], dict[str, int]] = {}
    for index, channel in enumerate(channels):
        if index in silent:
            continue
        name = _words(channel.name)
        if (kind := _kind(channel)) is None:
            strangers.append(str(channel))
        elif (reason := _unfit(kind, channel)) is not None:
            left_out.append(f"{channel.name}: {reason}")
        elif kind is Kind.ACC:
            stem, axis = (name[:-1], name[-1]) if name[-1] in "xyz" else (name, "")
            axes.setdefault((stem, channel.unit, channel.rate_hz), {}).setdefault(axis, index)
        else:
            rank = (_ORDER[kind], bool(_FILTERED.search(name)), not _BEST_LEAD.search(name), index)
            ranked.append((rank, _candidate(kind, (index,), channel.unit)))
    for (_, unit, _), found in axes.items():
        if {"x", "y", "z"} <= found.keys():
            indices = tuple(found[axis] for axis in "xyz")
            ranked.append(((_ORDER[Kind.ACC], False, False, indices[0]), _candidate(Kind.ACC, indices, unit)))
        else:
            left_out += [f"{channels[index].name}: acceleration needs x, y and z" for index in found.values()]
    if strangers:
        more = len(strangers) - _SHOWN
        named = ", ".join(strangers[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
        left_out.insert(0, f"{named}: none of the signals vagal reads")
    return [candidate for _, candidate in sorted(ranked, key=lambda each: each[0])], left_out


def _candidate(kind: Kind, indices: tuple[int, ...], unit: str) -> Candidate:
    scale = _SCALES.get(kind, {}).get(_unit(unit))
    columns = _COLUMNS[kind] if scale is not None else _WITHOUT_UNIT.get(kind, _COLUMNS[kind])
    return Candidate(kind, indices, columns, 1.0 if scale is None else scale)


def _words(name: str) -> str:
    """A channel's name in small letters, its words apart."""
    return " ".join(re.split(r"[\s_\-.:;,/()\[\]]+", name.lower())).strip()


def _kind(channel: Channel) -> Kind | None:
    """Which signal a channel is by its name."""
    name = _words(channel.name)
    for kind, pattern in _NAMES.items():
        if pattern.search(name):
            return kind
    return Kind.ECG if _LEAD.fullmatch(name) and _unit(channel.unit) in _VOLTS else None


def _unfit(kind: Kind, channel: Channel) -> str | None:
    """Why a channel of such a name, unit and rate is not that signal; None if it is."""
    if _DERIVED.search(_words(channel.name)):
        return "is derived from another channel"
    if not 0 < channel.rate_hz <= FASTEST_HZ:
        return f"{channel.rate_hz:g} Hz is no sampling rate"
    unit, known = _unit(channel.unit), _SCALES.get(kind)
    if known is None:
        return f"is in {channel.unit}, a rate and not a wave" if unit in _OF_RATES else None
    if unit in known or (kind in _WITHOUT_UNIT and unit in _NO_UNIT):
        return None
    return f"is in {channel.unit or 'no unit'}, not in {_EXPECTED[kind]}"


def _unit(text: str) -> str:
    """A unit in small letters, without signs that mean nothing, in the singular; micro is u."""
    plain = text.replace("Â", "").replace("²", "2")
    plain = re.sub("[µμ\ufffd]", "u", plain)  # the last is a micro sign in another encoding
    plain = re.sub(r"[\s.^°º*_\-]", "", plain).lower()
    return plain if len(plain) <= 2 else plain.removesuffix("s")
