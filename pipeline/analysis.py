"""From a recording to its analysis: beats, skin conductance, phases, windows, reactivity, quality."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.breathing.pacing import Adherence, adherence
from pipeline.edits import check_edits
from pipeline.features import BY_NAME, FEATURES
from pipeline.guidance.known_names import with_known_names
from pipeline.guidance.resonance import Assessment, assessment_of
from pipeline.heart.beats import BeatKind, Beats
from pipeline.heart.corrected import corrected_times
from pipeline.heart.spectrum import PsdMethod, choose_psd_method
from pipeline.indices.components import heart_note
from pipeline.indices.session import SessionIndices, Wearer, session_indices
from pipeline.manifest import software
from pipeline.model import Floats, Phase, Recording
from pipeline.parameters import Parameters
from pipeline.preparation import signals_of, with_beats
from pipeline.quality import quality_of, quality_warnings
from pipeline.reference import with_reference
from pipeline.regulation.curves import Curve
from pipeline.regulation.estimates import Estimate
from pipeline.regulation.near_baseline import NearBaseline
from pipeline.regulation.phases import baseline_of
from pipeline.regulation.reactivity import Reactivity
from pipeline.regulation.recovery import Recovery
from pipeline.regulation.self_report import Beside
from pipeline.regulation.session import Regulation
from pipeline.signals import Signals
from pipeline.skin.responses import Responses
from pipeline.skin.signal import Eda
from pipeline.values import Spans, Table, Values, spans

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class PhaseValues:
    """A phase, its values and, if it had a pacer, how that was followed."""

    phase: Phase
    values: Values
    pacing: Adherence | None


@dataclass(frozen=True)
class Analysis:
    """All that a report, a table or a researcher gets from a recording."""

    recording: Recording
    parameters: Parameters
    signals: Signals
    whole: Values
    phases: tuple[PhaseValues, ...]
    windows: Table
    reactivity: tuple[Reactivity, ...]
    recovery: tuple[Recovery, ...]
    estimates: tuple[Estimate, ...]
    curves: tuple[Curve, ...]
    near_baseline: tuple[NearBaseline, ...]
    beside: tuple[Beside, ...]
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
    def psd_method(self) -> PsdMethod | None:
        return self.signals.psd_method

    @cached_property
    def resonance(self) -> Assessment | None:
        """The resonance assessment that its phases make; None where they make none."""
        recording = self.recording
        return assessment_of(recording.recording_id, recording.started_at, recording.phases, self.signals)

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
        own = {"window_index": index, "start_s": window.start_s, "end_s": window.end_s}
        own |= {"paced": window.paced, "pacer_bpm": window.pacer_bpm, "speaking": window.speaking}
        reasons = "; ".join(f"{name}: {why}" for name, why in window.null_reasons.items())
        row = {
            **self._recorded(),
            **own,
            **self._phase_cells(phase),
            **window.features,
            "null_reasons": reasons or None,
        }
        return {name: row[name] for name in self._columns()}

    def _columns(self) -> list[str]:
        """The table's columns: all but those that have to be asked for and were not."""
        return [each.name for each in FEATURES if self.parameters.normalised or not each.opt_in]

    def _recorded(self) -> dict[str, Any]:
        """The cells that all rows of a recording share."""
        recording = self.recording
        return {
            "recording_id": recording.recording_id,
            "session_id": recording.recording_id if recording.source == "session" else None,
            "participant_id": recording.client,
            "group": None,
            "beat_source": recording.beat_source,
            "device": ", ".join(device.name for device in recording.devices) or None,
            "eda_site": recording.conditions.get("eda_site"),
            "psd_method": str(self.psd_method) if self.psd_method else None,
            "detrend": str(self.parameters.detrend),
            "params_hash": self.parameters.hash,
            "version": software()["version"],
        }

    def _phase_cells(self, phase: Phase | None) -> dict[str, Any]:
        if phase is None:
            names = ("phase", "phase_kind", "strategy", "condition_order")
            return dict.fromkeys(names)
        return {
            "phase": phase.name,
            "phase_kind": str(phase.kind),
            "strategy": phase.strategy,
            "condition_order": 1 + self.recording.phases.index(phase),
        }

    def windows_table(self) -> pa.Table:
        """The feature table for a parquet file: the rows of the phases, then those of the windows.

        Of one schema for every recording, whatever it lacks.
        """
        import pyarrow as pa

        kinds = {"text": pa.string(), "count": pa.int64(), "flag": pa.bool_(), "number": pa.float64()}
        schema = pa.schema([(name, kinds[BY_NAME[name].kind]) for name in self._columns()])
        return pa.Table.from_pylist(self.phase_rows() + self.rows(), schema=schema)

    def beats_table(self) -> pa.Table | None:
        """Every beat interval with its label and where its end should have been; None without beats."""
        import pyarrow as pa

        beats = self.beats
        if beats is None:
            return None
        columns = {
            "time_s": beats.time_s,
            "corrected_time_s": corrected_times(beats),
            "interval_ms": beats.interval_ms,
            "kind": [BeatKind(kind).name.lower() for kind in beats.kind.tolist()],
            "nn": beats.nn,
        }
        return pa.table(columns)

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
                {
                    "name": each.phase.name,
                    "kind": each.phase.kind,
                    **asdict(each.values),
                    "pacing": asdict(each.pacing) if each.pacing else None,
                }
                for each in self.phases
            ],
            "reactivity": [asdict(each) for each in self.reactivity],
            "recovery": [asdict(each) for each in self.recovery],
            "estimates": [asdict(each) for each in self.estimates],
            "curves": [asdict(each) for each in self.curves],
            "near_baseline": [asdict(each) for each in self.near_baseline],
            "beside": [asdict(each) for each in self.beside],
            "windows": self.rows(),
            "quality": dict(self.quality),
            "warnings": list(self.warnings),
            "software": software(),
        }


def analyse(recording: Recording, parameters: Parameters | None = None) -> Analysis:
    """Analyse a recording.

    Raises InsufficientDataError if neither heart nor skin signal is usable, InputError if its edits are of
    another recording.
    """
    parameters = parameters or Parameters()
    recording = with_beats(recording)
    check_edits(recording)
    signals = signals_of(recording, parameters)
    recording = with_known_names(with_reference(recording, signals.valid_seconds))
    whole = _spans(recording, np.zeros(1), np.array([recording.duration_s]))
    windows = _spans(recording, *_windows(recording.duration_s, parameters))
    phases = _spans(recording, *_edges(recording.phases))
    if signals.series is not None and signals.psd_method is None:
        signals = replace(signals, psd_method=_psd_method(signals.series, whole, phases, windows))
    signals = replace(signals, indices=_indices(recording, signals))
    told = tuple(
        PhaseValues(phase, held, _pacing(phase, signals))
        for phase, held in zip(recording.phases, signals.table(phases), strict=True)
    )
    regulation = Regulation.of([(each.phase, each.values) for each in told], recording.ratings, signals)
    quality = quality_of(recording, signals)
    return Analysis(
        recording=recording,
        parameters=parameters,
        signals=signals,
        whole=signals.table(whole)[0],
        phases=told,
        windows=signals.table(windows),
        estimates=regulation.estimates,
        reactivity=regulation.reactivity,
        recovery=regulation.recovery,
        curves=regulation.curves,
        near_baseline=regulation.near_baseline,
        beside=regulation.beside,
        quality=quality,
        warnings=(*recording.notices, *quality_warnings(quality)),
    )


def _indices(recording: Recording, signals: Signals) -> SessionIndices:
    wearer = Wearer(
        noted=heart_note(recording.conditions),
        pulse=recording.beat_source == "pp",
        at_wrist=not signals.breath.acc_on_chest,
    )
    baseline = baseline_of(recording.phases)
    return session_indices(
        signals.of_arousal, wearer, baseline, recording.phases, recording.markers, recording.duration_s
    )


def _pacing(phase: Phase, signals: Signals) -> Adherence | None:
    if phase.pacer is None:
        return None
    return adherence(signals.breath, phase.pacer, phase.start_s, phase.end_s)


def _spans(recording: Recording, start_s: Floats, end_s: Floats) -> Spans:
    return spans(start_s, end_s, recording.phases, recording.markers)


def _edges(phases: Sequence[Phase]) -> tuple[Floats, Floats]:
    return np.array([phase.start_s for phase in phases]), np.array([phase.end_s for phase in phases])


def _windows(duration_s: float, parameters: Parameters) -> tuple[Floats, Floats]:
    last_s = duration_s - parameters.window_s
    start_s = np.arange(0.0, last_s + 1e-9, parameters.step_s) if last_s >= 0 else np.empty(0)
    return start_s, start_s + parameters.window_s


def _psd_method(beats: Beats, *stretches: Spans) -> PsdMethod:
    edges = (zip(each.start_s.tolist(), each.end_s.tolist(), strict=True) for each in stretches)
    return choose_psd_method(beats, chain.from_iterable(edges))


def _phase_around(start_s: float, end_s: float, phases: Sequence[Phase]) -> Phase | None:
    """The phase that holds the whole window; a window across two belongs to neither."""
    for phase in phases:
        if phase.start_s - 1e-6 <= start_s and end_s <= phase.end_s + 1e-6:
            return phase
    return None
