"""From a recording to its analysis: beats, skin conductance, phases, windows, reactivity, quality."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.errors import InsufficientDataError
from pipeline.heart import spectrum as hrv
from pipeline.heart.artefacts import classify
from pipeline.heart.beats import BeatKind, Beats
from pipeline.manifest import software
from pipeline.model import Floats, Phase, PhaseKind, Recording, Stream
from pipeline.reference import with_reference
from pipeline.regulation import Measure, Reactivity, Recovery, baseline_of, following, reactivity, recovery
from pipeline.skin.responses import Responses, responses
from pipeline.skin.signal import Eda, prepare
from pipeline.stretch import Parameters, Signals, Values

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_LOW_COVERAGE = 0.8
_MANY_ARTEFACTS_PCT = 5.0


@dataclass(frozen=True, slots=True)
class PhaseValues:
    """A phase and its values."""

    phase: Phase
    values: Values


@dataclass(frozen=True)
class Analysis:
    """All that a report, a table or a researcher gets from a recording."""

    recording: Recording
    parameters: Parameters
    signals: Signals
    whole: Values
    phases: tuple[PhaseValues, ...]
    windows: tuple[Values, ...]
    reactivity: tuple[Reactivity, ...]
    recovery: tuple[Recovery, ...]
    quality: Mapping[str, Any]
    warnings: tuple[str, ...]

    @property
    def beats(self) -> Beats | None:
        return self.signals.beats

    @property
    def eda(self) -> Eda | None:
        return self.signals.eda

    @property
    def scrs(self) -> Responses | None:
        return self.signals.scrs

    @property
    def psd_method(self) -> hrv.PsdMethod | None:
        return self.signals.psd_method

    def rows(self) -> list[dict[str, Any]]:
        """A row for each sliding window, columns as in the data dictionary."""
        phases = self.recording.phases
        return [
            self._row(index, window, _phase_around(window.start_s, window.end_s, phases))
            for index, window in enumerate(self.windows)
        ]

    def phase_rows(self) -> list[dict[str, Any]]:
        """A row for each phase, as a window that is exactly the phase: `window_index` is None."""
        return [self._row(None, each.values, each.phase) for each in self.phases]

    def _row(self, index: int | None, window: Values, phase: Phase | None) -> dict[str, Any]:
        recording = self.recording
        return {
            "recording_id": recording.recording_id,
            "session_id": recording.recording_id if recording.source == "session" else None,
            "participant_id": recording.client,
            "phase": phase.name if phase else None,
            "phase_kind": str(phase.kind) if phase else None,
            "strategy": phase.strategy if phase else None,
            "window_index": index,
            "start_s": window.start_s,
            "end_s": window.end_s,
            "beat_source": recording.beats.name if recording.beats is not None else None,
            "device": ", ".join(device.name for device in recording.devices) or None,
            "paced": phase is not None and phase.paced,
            "pacer_bpm": phase.pacer.breaths_per_min if phase and phase.pacer else None,
            "psd_method": str(self.psd_method) if self.psd_method else None,
            "detrend": str(self.parameters.detrend),
            **window.features,
            "version": software()["version"],
            "null_reasons": "; ".join(f"{name}: {why}" for name, why in window.null_reasons.items()) or None,
        }

    def windows_table(self) -> pa.Table:
        """The feature table for a parquet file: the rows of the phases, then those of the windows."""
        import pyarrow as pa

        return pa.Table.from_pylist(self.phase_rows() + self.rows())

    def to_frame(self) -> pd.DataFrame:
        """The feature table as a pandas frame, with the rows of `windows_table`."""
        import pandas as pd

        return pd.DataFrame(self.phase_rows() + self.rows())

    def as_json(self) -> dict[str, Any]:
        """The whole analysis as one JSON object, as `vagal analyse --json` prints it.

        `windows` are the sliding windows only; the values of phases stand under `phases`.
        """
        recording, started_at = self.recording, self.recording.started_at
        return {
            "recording": {
                "source": recording.source,
                "format": recording.source,
                "sha256": recording.sha256,
                "started_at": started_at.isoformat() if started_at else None,
                "started_at_unix": started_at.timestamp() if started_at else None,
                "duration_s": recording.duration_s,
                "simulated": recording.simulated,
                "phases": [asdict(phase) for phase in recording.phases],
                "units": dict(recording.units),
            },
            "parameters": asdict(self.parameters) | {"psd_method": self.psd_method},
            "whole": dict(self.whole.features),
            "whole_null_reasons": dict(self.whole.null_reasons),
            "phases": [
                {"name": each.phase.name, "kind": each.phase.kind, **asdict(each.values)}
                for each in self.phases
            ],
            "reactivity": [asdict(each) for each in self.reactivity],
            "recovery": [asdict(each) for each in self.recovery],
            "windows": self.rows(),
            "quality": dict(self.quality),
            "warnings": list(self.warnings),
            "software": software(),
        }


def analyse(recording: Recording, parameters: Parameters | None = None) -> Analysis:
    """Analyse a recording. Raises InsufficientDataError if neither heart nor skin signal is usable."""
    parameters = parameters or Parameters()
    signals = _signals(recording, parameters)
    _require_something(recording, signals)
    recording = with_reference(recording, signals.valid_seconds)
    spans = _windows(recording.duration_s, parameters)
    stretches = [(phase.start_s, phase.end_s) for phase in recording.phases] + spans
    if signals.beats is not None:
        signals = replace(signals, psd_method=hrv.choose_psd_method(signals.beats, stretches))
    reactions, recoveries = _regulation(recording.phases, signals)
    quality = _quality(recording, signals)
    return Analysis(
        recording=recording,
        parameters=parameters,
        signals=signals,
        whole=signals.values(0.0, recording.duration_s),
        phases=tuple(
            PhaseValues(phase, signals.values(phase.start_s, phase.end_s, phase.pacer))
            for phase in recording.phases
        ),
        windows=tuple(_window(signals, start_s, end_s, recording.phases) for start_s, end_s in spans),
        reactivity=reactions,
        recovery=recoveries,
        quality=quality,
        warnings=(*recording.notices, *_quality_warnings(quality)),
    )


def _signals(recording: Recording, parameters: Parameters) -> Signals:
    beats, eda = recording.beats, recording.streams.get("eda")
    temperature = recording.streams.get("skin_temperature")
    prepared = None
    if eda is not None and eda.rate_hz and len(eda):
        prepared = prepare(eda.time_s, eda.value, eda.rate_hz, _at(temperature, eda.time_s))
    return Signals(
        parameters=parameters,
        duration_s=recording.duration_s,
        beats=_beats(beats, parameters) if beats is not None else None,
        eda=prepared,
        scrs=responses(prepared, parameters.scr_min_us) if prepared is not None else None,
        skin_temperature=temperature,
        psd_method=None,
    )


def _at(temperature: Stream | None, time_s: Floats) -> Floats | None:
    """Skin temperature at other times; it changes slowly."""
    if temperature is None or not len(temperature):
        return None
    return np.interp(time_s, temperature.time_s, temperature.value)


def _beats(stream: Stream, parameters: Parameters) -> Beats:
    if parameters.correction != "none":
        return classify(stream.time_s, stream.value)
    usable = np.isfinite(stream.value) & (stream.value > 0)
    kind = np.where(usable, BeatKind.NORMAL, BeatKind.IMPLAUSIBLE).astype(np.int8)
    return Beats(stream.time_s, stream.value, kind)


def _require_something(recording: Recording, signals: Signals) -> None:
    has_beats = signals.beats is not None and np.any(signals.beats.nn)
    has_skin = signals.eda is not None and np.any(signals.eda.valid)
    if has_beats or has_skin:
        return
    found = ", ".join(f"{len(stream)} samples of {name}" for name, stream in recording.streams.items())
    raise InsufficientDataError(
        f"{recording.recording_id}: nothing usable, no normal heartbeat interval and no valid skin "
        f"conductance ({found or 'no signal at all'})"
    )


def _windows(duration_s: float, parameters: Parameters) -> list[tuple[float, float]]:
    last_s = duration_s - parameters.window_s
    starts = np.arange(0.0, last_s + 1e-9, parameters.step_s) if last_s >= 0 else np.empty(0)
    return [(float(start_s), float(start_s) + parameters.window_s) for start_s in starts]


def _window(signals: Signals, start_s: float, end_s: float, phases: Sequence[Phase]) -> Values:
    """The values of a window, paced as the phase that holds it."""
    phase = _phase_around(start_s, end_s, phases)
    return signals.values(start_s, end_s, phase.pacer if phase else None)


def _phase_around(start_s: float, end_s: float, phases: Sequence[Phase]) -> Phase | None:
    """The phase that holds the whole window; a window across two belongs to neither."""
    for phase in phases:
        if phase.start_s - 1e-6 <= start_s and end_s <= phase.end_s + 1e-6:
            return phase
    return None


def _measures(signals: Signals) -> dict[str, Measure]:
    return {
        "mean_hr_bpm": signals.block_heart_rate_bpm,
        "ln_rmssd": signals.block_ln_rmssd,
        "ln_scl": signals.block_ln_scl,
        "scr_per_min": signals.block_scr_per_min,
    }


def _regulation(
    phases: Sequence[Phase], signals: Signals
) -> tuple[tuple[Reactivity, ...], tuple[Recovery, ...]]:
    """Each unpaced challenge against the unpaced baseline, and what the recovery after it left."""
    baseline = baseline_of(phases)
    reactions: list[Reactivity] = []
    recoveries: list[Recovery] = []
    if baseline is None:
        return (), ()
    for challenge in phases:
        if challenge.kind is not PhaseKind.STRESSOR or challenge.paced:
            continue
        after = following(phases, challenge)
        for name, measure in _measures(signals).items():
            reactions.append(reactivity(name, measure, baseline, challenge))
            if after is not None:
                recoveries.append(recovery(measure, reactions[-1], baseline, challenge, after))
    return tuple(reactions), tuple(recoveries)


def _quality(recording: Recording, signals: Signals) -> dict[str, Any]:
    """What can be trusted: coverage, artefacts by kind, gaps with their reasons."""
    quality: dict[str, Any] = {"gaps": []}
    for name, stream in recording.streams.items():
        quality["gaps"] += [{"stream": name, **asdict(gap)} for gap in stream.gaps]
    beats, eda = signals.beats, signals.eda
    if beats is not None and recording.beats is not None:
        quality["beats"] = {
            "source": recording.beats.name,
            "intervals": len(beats),
            "coverage": min(1.0, beats.covered_s(0.0, recording.duration_s) / recording.duration_s),
            "artefact_pct": beats.corrected_pct,
            "kinds": {kind.name.lower(): count for kind, count in beats.counts.items()},
        }
    if eda is not None:
        expected = max(recording.duration_s * eda.rate_hz, 1.0)
        quality["eda"] = {
            "coverage": min(1.0, float(np.count_nonzero(eda.valid)) / expected),
            "removed": dict(eda.removed),
            "responses": 0 if signals.scrs is None else len(signals.scrs.onset_s),
        }
    return quality


def _quality_warnings(quality: Mapping[str, Any]) -> list[str]:
    warnings = []
    heart, skin = quality.get("beats"), quality.get("eda")
    if heart is None:
        warnings.append("there is no heart signal")
    elif heart["coverage"] < _LOW_COVERAGE:
        warnings.append(f"usable heartbeats cover only {100 * heart['coverage']:.0f} % of the recording")
    if heart is not None and heart["artefact_pct"] > _MANY_ARTEFACTS_PCT:
        warnings.append(
            f"{heart['artefact_pct']:.1f} % of beat intervals are irregular or wrongly detected and were "
            "excluded; this is often the sensor and is not a diagnosis"
        )
    if skin is None:
        warnings.append("there is no skin-conductance signal")
    elif skin["coverage"] < _LOW_COVERAGE:
        warnings.append(
            f"usable skin conductance covers only {100 * skin['coverage']:.0f} % of the recording"
        )
    elif not skin["responses"]:
        warnings.append("no skin response was seen with this sensor today")
    return warnings
