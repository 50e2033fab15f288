"""What a channel holds: whether it can be what its name and unit say, and how it becomes a stream."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from devices.exports.limits import LARGEST
from pipeline.model import Floats, Gap, Stream

_LOOKED_AT = 200_000  # samples, spread over the recording: enough to tell, few enough to sort
_HIGHEST_ECG_UV = 50_000.0  # from trough to crest
_LEAST_US, _MOST_US, _SHARE_BELOW = -0.05, 1000.0, 0.01
_SKIN_C = (0.0, 50.0)
_MOST_MG = 200_000.0
_SATURATED, _DOUBTFUL = 0.5, 0.05  # share of the time at the end of a range
_CAN_SATURATE = ("ecg", "eda", "ppg")


@dataclass(frozen=True, slots=True)
class ChannelSamples:
    """A channel's samples: `time_s` rising and `values` in the file's unit, (n,) each, NaN where missing.

    `ends` are the lowest and the highest value that the recorder can write, where they are known.
    """

    time_s: Floats
    values: Floats
    gaps: tuple[Gap, ...] = ()
    ends: tuple[float, float] | None = None


def fault(columns: Sequence[str], scale: float, loaded: Sequence[ChannelSamples]) -> str | None:
    """Why samples, times `scale`, can't be what these columns say; None if they can."""
    if len({len(each.values) for each in loaded}) > 1:
        return "its axes differ in length"
    some = np.concatenate([_some(each.values) for each in loaded]) * scale
    if not len(some):
        return "holds no samples"
    if np.max(np.abs(some)) > LARGEST:
        return "holds numbers that no sensor gives"
    if columns[0].startswith(_CAN_SATURATE) and (share := _at_end(loaded[0])) > _SATURATED:
        return f"lies at the end of its range for {share:.0%} of the time, so it shows nothing"
    middle = float(np.median(some))
    match columns[0]:
        case "eda_us" if np.mean(some < _LEAST_US) > _SHARE_BELOW:
            return "falls below zero, which no conductance does; its range or unit in the file is wrong"
        case "eda_us" if middle > _MOST_US:
            return f"lies at {middle:.0f} µS, which no skin does; its range or unit in the file is wrong"
        case "skin_temperature_c" if not _SKIN_C[0] <= middle <= _SKIN_C[1]:
            return f"lies at {middle:.0f} °C, which no skin does; its range or unit in the file is wrong"
        case "acc_x_mg" if np.max(np.abs(some)) > _MOST_MG:
            return "goes beyond 200 g, which nobody does; its range or unit in the file is wrong"
    return None


def scaled(
    columns: tuple[str, ...], scale: float, loaded: Sequence[ChannelSamples], names: str
) -> tuple[tuple[str, ...], list[str]]:
    """Scale the values where they lie, a long recording being large; the columns they make, and remarks.

    What is infinite or no number becomes NaN. A voltage too high for a heart is an amplifier's output: its
    column is in arbitrary units.
    """
    some, remarks = _some(loaded[0].values), []
    if columns == ("ecg_uv",):
        low, high = np.percentile(some, (0.5, 99.5)) * scale
        if high - low > _HIGHEST_ECG_UV:
            columns, scale = ("ecg_au",), 1.0
            remarks.append(
                f"{names} swings by {(high - low) / 1000:.0f} mV, an amplifier's output and not a heart's: "
                "it is read without a unit"
            )
    if columns[0].startswith(_CAN_SATURATE) and (share := _at_end(loaded[0])) > _DOUBTFUL:
        remarks.append(f"{names} lies at the end of its range for {share:.0%} of the time: is it saturated?")
    for each in loaded:
        each.values[~(np.abs(each.values) <= LARGEST)] = np.nan
        each.values[:] *= scale
    return columns, remarks


def stream_of(name: str, columns: Sequence[str], loaded: Sequence[ChannelSamples], rate_hz: float) -> Stream:
    """The stream of samples that `scaled` has scaled, a column each."""
    values = {column: each.values for column, each in zip(columns, loaded, strict=True)}
    return Stream(name, loaded[0].time_s, values, rate_hz, gaps=loaded[0].gaps)


def _at_end(samples: ChannelSamples) -> float:
    """The share of samples at an end of the range; 0 where that is not known."""
    if samples.ends is None:
        return 0.0
    low, high = sorted(samples.ends)
    some, near = _some(samples.values), 1e-6 * (high - low)
    return float(np.mean((some <= low + near) | (some >= high - near)))


def _some(values: Floats) -> Floats:
    some = values[:: max(1, len(values) // _LOOKED_AT)]
    return some[np.isfinite(some)]
