"""How a body wears one sensor: well, or not at all for a while."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from devices.virtual.peripheral import Body
from pipeline.model import Floats

Sense = Callable[[float, float, float], Floats]


class Wearing:
    """A body as one sensor feels it. Off the skin there is no beat, no conductance and no motion."""

    def __init__(self, body: Body) -> None:
        self._body, self.worn = body, True

    def beats(self, start_s: float, end_s: float) -> Sequence[tuple[float, float]]:
        return self._body.beats(start_s, end_s) if self.worn else ()

    def eda_us(self, start_s: float, end_s: float, rate_hz: float) -> Floats:
        return self._felt(self._body.eda_us, start_s, end_s, rate_hz)

    def ecg_uv(self, start_s: float, end_s: float, rate_hz: float) -> Floats:
        return self._felt(self._body.ecg_uv, start_s, end_s, rate_hz)

    def ppg_au(self, start_s: float, end_s: float, rate_hz: float) -> Floats:
        return self._felt(self._body.ppg_au, start_s, end_s, rate_hz)

    def acc_mg(self, start_s: float, end_s: float, rate_hz: float) -> Floats:
        return self._felt(self._body.acc_mg, start_s, end_s, rate_hz)

    def _felt(self, sense: Sense, start_s: float, end_s: float, rate_hz: float) -> Floats:
        felt = sense(start_s, end_s, rate_hz)
        return felt if self.worn else np.zeros_like(felt)
