"""A recording that can be worn: virtual sensors feel the beats and the skin of somebody who was recorded."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from devices.virtual.scenario import Scenario
from devices.virtual.waveforms import AHEAD_S, BEHIND_S, chest_mg, ecg_uv, pulse_au
from pipeline.errors import InsufficientDataError
from pipeline.guidance.protocol import Protocol, Step
from pipeline.model import Floats, Phase, PhaseKind, Recording, Stream

_HELD_S = 2.0  # a slower stream than this has holes, not samples


class RecordedBody:
    """Somebody who does what a recording says, from the moment `begin` is called.

    Until then there is no beat, and the skin is as in the beginning. Where the recording has no skin
    conductance the sensor measures none: 0 µS, as on a dry table.
    """

    def __init__(self, recording: Recording) -> None:
        self._beats, self._eda = recording.beats, recording.streams.get("eda")
        self._began_s = math.inf

    def begin(self, now_s: float) -> None:
        """Start the recording, unless it has been started."""
        if math.isinf(self._began_s):
            self._began_s = now_s

    def beats(self, start_s: float, end_s: float) -> Sequence[tuple[float, float]]:
        if self._beats is None or math.isinf(self._began_s):
            return ()
        rows = slice(*np.searchsorted(self._beats.time_s, (start_s - self._began_s, end_s - self._began_s)))
        interval_ms = np.nan_to_num(self._beats.value[rows])
        at_s = self._beats.time_s[rows] + self._began_s
        return list(zip(at_s.tolist(), interval_ms.tolist(), strict=True))

    def eda_us(self, start_s: float, end_s: float, rate_hz: float) -> Floats:
        return self._held(self._eda, _times(start_s, end_s, rate_hz) - self._began_s)

    def ecg_uv(self, start_s: float, end_s: float, rate_hz: float) -> Floats:
        time_s = _times(start_s, end_s, rate_hz)
        return ecg_uv(self._beats_around(start_s, end_s), time_s)

    def ppg_au(self, start_s: float, end_s: float, rate_hz: float) -> Floats:
        time_s = _times(start_s, end_s, rate_hz)
        return pulse_au(self._beats_around(start_s, end_s), time_s)

    def acc_mg(self, start_s: float, end_s: float, rate_hz: float) -> Floats:
        return chest_mg(np.zeros(len(_times(start_s, end_s, rate_hz))))

    def _beats_around(self, start_s: float, end_s: float) -> list[float]:
        return [beat_s for beat_s, _ in self.beats(start_s - BEHIND_S, end_s + AHEAD_S)]

    def _held(self, stream: Stream | None, at_s: Floats) -> Floats:
        """A stream's values at other times; 0 where it has none nearby."""
        if stream is None or not len(stream):
            return np.zeros(len(at_s))
        if math.isinf(self._began_s):
            at_s = np.full(len(at_s), stream.time_s[0])
        value = np.interp(at_s, stream.time_s, np.nan_to_num(stream.value))
        after = np.clip(np.searchsorted(stream.time_s, at_s), 1, len(stream) - 1)
        nearest_s = np.minimum(np.abs(at_s - stream.time_s[after - 1]), np.abs(stream.time_s[after] - at_s))
        return np.where(nearest_s < _HELD_S, value, 0.0)


def _times(start_s: float, end_s: float, rate_hz: float) -> Floats:
    """The times k / rate_hz, for each integer k, from `start_s` to before `end_s`."""
    first, last = math.ceil(start_s * rate_hz), math.ceil(end_s * rate_hz)
    return np.arange(first, last) / rate_hz


def worn(recording: Recording) -> Scenario:
    """The sensors it takes to record this once more. Raises InsufficientDataError if there is none."""
    eda = recording.streams.get("eda")
    sensors = [
        name
        for name, has in (
            ("heart_rate", recording.beats is not None and len(recording.beats)),
            ("healthypi_move", eda is not None and len(eda)),
        )
        if has
    ]
    if not sensors:
        raise InsufficientDataError(
            f"{recording.recording_id}: has neither beats nor skin conductance to wear"
        )
    return Scenario("worn", "A recording, worn", recording.recording_id, tuple(sensors))


def protocol_of(recording: Recording) -> Protocol:
    """The recording's phases as a protocol, with what lies between them."""
    steps: list[Step] = []
    at_s = 0.0
    for phase in sorted(recording.phases, key=lambda phase: phase.start_s):
        if phase.start_s > at_s:
            steps.append(_unnamed(phase.start_s - at_s))
            at_s = phase.start_s
        if phase.end_s > at_s:  # of two that overlap, the second is the shorter by that
            steps.append(_step(phase, phase.end_s - at_s))
            at_s = phase.end_s
    if recording.duration_s - at_s > 0:
        steps.append(_unnamed(recording.duration_s - at_s))
    return Protocol(
        name=recording.protocol or "recorded",
        title="A recording, worn by virtual sensors",
        summary="The phases of a recording.",
        opening=f"{recording.recording_id}, once more.",
        steps=tuple(steps),
    )


def _step(phase: Phase, duration_s: float) -> Step:
    instruction = phase.instruction or ""
    return Step(phase.name, phase.kind, duration_s, instruction, phase.strategy, phase.pacer)


def _unnamed(duration_s: float) -> Step:
    return Step("Between phases", PhaseKind.OTHER, duration_s, "")


def with_some_beats(recording: Recording) -> Recording:
    """The recording with beats from its electrocardiogram or pulse wave, where it has no others."""
    if recording.beats is not None:
        return recording
    from pipeline.preparation import with_beats  # scipy: only where a wave has to be read

    return with_beats(recording)
