"""From a recording to the signals that features are computed from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pipeline.breathing.rate import Sources
from pipeline.edits import Action, Edits, beat_owners, beats_with, spans_with
from pipeline.errors import InsufficientDataError
from pipeline.heart.artefacts import classify
from pipeline.heart.beats import LONGEST_MS, BeatKind, Beats
from pipeline.heart.corrected import interpolated
from pipeline.heart.ecg import rr_intervals
from pipeline.heart.ppg import pulse_intervals
from pipeline.heart.pulse_rate import pulse_rate
from pipeline.model import BEAT_SOURCES, Floats, Recording, Stream
from pipeline.parameters import Correction, Parameters
from pipeline.signals import Signals
from pipeline.skin.decomposition import decompose_eda
from pipeline.skin.responses import responses
from pipeline.skin.signal import Eda, prepare
from pipeline.spans import HEART, SKIN, Stretches, stretches


def with_beats(recording: Recording) -> Recording:
    """The recording with beat intervals from its electrocardiogram or pulse wave, where it has no others."""
    streams = recording.streams
    if any(len(streams.get(name, ())) for name in BEAT_SOURCES):
        return recording
    ecg, ppg = streams.get("ecg"), streams.get("ppg")
    if ecg is not None and ecg.rate_hz and len(ecg):
        found = rr_intervals(ecg)
    elif ppg is not None and ppg.rate_hz and len(ppg):
        found = pulse_intervals(ppg)
    else:
        return recording
    return replace(recording, streams={**streams, found.name: found})


def signals_of(recording: Recording, parameters: Parameters) -> Signals:
    """Beats labelled, skin conductance prepared.

    Raises InsufficientDataError if neither heart nor skin signal is usable.
    """
    skin, beats = prepared_skin(recording), labelled_beats(recording, parameters)
    marked = stretches(recording.markers, HEART)
    signals = Signals(
        parameters=parameters,
        duration_s=recording.duration_s,
        beats=beats,
        series=interpolated(beats) if beats and parameters.correction is Correction.INTERPOLATE else beats,
        eda=skin,
        scrs=responses(skin, parameters.scr_min_us) if skin is not None else None,
        decomposition=decompose_eda(skin) if skin is not None else None,
        skin_temperature=recording.streams.get("skin_temperature"),
        breath=_breath(recording, beats, marked),
        pulse_rate=_unmarked(_pulse_rate(recording), marked),
        psd_method=parameters.psd,
        acc=recording.streams.get("acc"),
        markers=recording.markers,
    )
    _require_something(recording, signals)
    return signals


def labelled_beats(recording: Recording, parameters: Parameters) -> Beats | None:
    """The beat intervals, each with what it is: by the software, then by hand, then by marked spans."""
    if recording.beats is None:
        return None
    beats = _by_hand(_beats(recording.beats, parameters), recording.beats.name, recording.edits)
    return beats.without(stretches(recording.markers, HEART))


def prepared_skin(recording: Recording) -> Eda | None:
    """Skin conductance, smoothed and masked: by the rules, by hand, and by marked spans."""
    eda, temperature = recording.streams.get("eda"), recording.streams.get("skin_temperature")
    if eda is None or not eda.rate_hz or not len(eda):
        return None
    marked = stretches(recording.markers, SKIN)
    kept = None
    if recording.edits is not None:
        marks = recording.edits.marks
        out = zip(marked.start_s.tolist(), marked.end_s.tolist(), strict=True)
        marked = Stretches.of([*out, *spans_with(marks, Action.EXCLUDE)])
        kept = Stretches.of(spans_with(marks, Action.KEEP))
    return prepare(eda.time_s, eda.value, eda.rate_hz, _at(temperature, eda.time_s), marked, kept)


def _by_hand(beats: Beats, stream: str, edits: Edits | None) -> Beats:
    """The beats with what people marked: out as if it were missing, or normal if it is an interval at all."""
    if edits is None or not edits.marks:
        return beats
    owners = beat_owners(edits.marks, stream, beats.time_s)
    interval = (beats.interval_ms > 0) & (beats.interval_ms <= LONGEST_MS)  # NaN is neither
    kind = beats.kind.copy()
    kind[beats_with(edits.marks, owners, Action.KEEP) & interval] = BeatKind.NORMAL
    kind[beats_with(edits.marks, owners, Action.EXCLUDE)] = BeatKind.EXCLUDED
    return replace(beats, kind=kind)


def _breath(recording: Recording, beats: Beats | None, marked: Stretches) -> Sources:
    """What breathing can be read from; not while talking or moving, when breath is no rhythm."""
    acc = _unmarked(recording.streams.get("acc"), marked)
    belt = _unmarked(recording.streams.get("respiration"), marked)
    return Sources(beats, acc, acc_on_chest=recording.conditions.get("acc_site") == "chest", belt=belt)


def _pulse_rate(recording: Recording) -> Stream | None:
    """Of a pulse wave, where that is what beats come from."""
    ppg = recording.streams.get("ppg")
    if recording.beat_source != "pp" or ppg is None or not ppg.rate_hz:
        return None
    return recording.streams.get("ppg_rate") or pulse_rate(ppg, recording.streams.get("acc"))


def _unmarked(stream: Stream | None, marked: Stretches) -> Stream | None:
    """The stream without what lies in marked stretches, as if those were gaps."""
    if stream is None or not len(marked):
        return stream
    kept = ~marked.hold(stream.time_s)
    return Stream(
        stream.name,
        stream.time_s[kept],
        {name: values[kept] for name, values in stream.columns.items()},
        stream.rate_hz,
        gaps=stream.gaps,
    )


def _at(temperature: Stream | None, time_s: Floats) -> Floats | None:
    """Skin temperature at other times; it changes slowly."""
    if temperature is None or not len(temperature):
        return None
    return np.interp(time_s, temperature.time_s, temperature.value)


def _beats(stream: Stream, parameters: Parameters) -> Beats:
    if parameters.correction is not Correction.NONE:
        return classify(stream.time_s, stream.value)
    usable = (stream.value > 0) & (stream.value <= LONGEST_MS)  # NaN is neither
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
