"""Skin conductance of which everything is known: responses of one shape on a slow level."""

import math
from types import SimpleNamespace

import numpy as np

from pipeline.model import Floats
from pipeline.skin.levels import skin_columns
from pipeline.skin.responses import Responses
from pipeline.skin.signal import Eda
from pipeline.skin.sympathetic import sympathetic_powers

RISE_S = math.log(3 / 0.75) * 3 * 0.75 / (3 - 0.75)  # of the response below
HALF_RECOVERY_S = 2.85  # of the response below, by its formula
RATES = [1.0, 2.0, 4.0, 8.0, 15.0, 32.0, 128.0, 256.0, 1000.0]


def bateman(time_s: Floats, onset_s: float, amplitude_us: float) -> Floats:
    """A response as two exponentials, 0.75 and 3 s, scaled to its amplitude."""

    def shape(since_s: Floats) -> Floats:
        return np.exp(-since_s / 3) - np.exp(-since_s / 0.75)

    since_s = np.clip(time_s - onset_s, 0, None)
    return np.asarray(amplitude_us * shape(since_s) / shape(np.array(RISE_S)))


def times(length_s: float, rate_hz: float) -> Floats:
    return np.asarray(np.arange(round(length_s * rate_hz)) / rate_hz)


def signal(time_s: Floats, onsets_s: Floats, amplitudes_us: Floats, noise_us: float = 0.0) -> Floats:
    level = 3 + 0.5 * np.sin(2 * np.pi * time_s / 900)
    noise = np.random.default_rng(1).normal(0, noise_us, len(time_s))
    return level + noise + sum(bateman(time_s, *each) for each in zip(onsets_s, amplitudes_us, strict=True))


def train() -> tuple[Floats, Floats]:
    rng = np.random.default_rng(0)
    return np.arange(20, 580, 20.0) + rng.uniform(-3, 3, 28), rng.uniform(0.1, 1, 28)


def still(time_s: Floats, level_us: float = 5.0) -> Floats:
    """A level on which nothing happens but a sensor's noise."""
    return level_us + np.random.default_rng(2).normal(0, 1e-4, len(time_s))


def window(eda: Eda, scrs: Responses, start_s: float, end_s: float) -> SimpleNamespace:
    """The columns of one window as plain numbers, None where there is none."""
    columns = skin_columns(eda, scrs, np.array([start_s]), np.array([end_s]))
    return SimpleNamespace(**{name: _plain(column[0]) for name, column in columns.items()})


def power(eda: Eda, start_s: float, end_s: float) -> float | None:
    """EDASymp of one window."""
    return _plain(sympathetic_powers(eda, np.array([start_s]), np.array([end_s]))[0])


def _plain(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
