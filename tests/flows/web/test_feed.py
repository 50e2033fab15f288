"""What the leading screen is told beside the signals: what many unusable beats mean, and only then."""

from __future__ import annotations

from pathlib import Path

import pytest

from devices.virtual.traits import Traits
from flows.recording import Recorder
from flows.web.feed import unusable_beats
from pipeline.guidance.safety import UNUSABLE_BEATS
from tests.flows.rooms import play, resting

SPOILT = Traits(missed_per_min=20.0)


def recorded(home: Path, traits: Traits | None = None) -> Recorder:
    recorder = play(home, resting(150), traits=traits).view.recorder
    assert recorder is not None
    return recorder


@pytest.mark.parametrize(
    ("traits", "said"), [(None, None), (SPOILT, UNUSABLE_BEATS)], ids=["worn well", "worn badly"]
)
def test_many_unusable_beats_are_told_with_what_they_mean(
    tmp_path: Path, traits: Traits | None, said: str | None
) -> None:
    recorder = recorded(tmp_path, traits)
    assert unusable_beats(recorder, recorder.shown["time_s"]) == said


def test_it_is_not_said_while_variability_is_shown(tmp_path: Path) -> None:
    recorder = recorded(tmp_path, SPOILT)
    recorder.shown["values"]["rmssd_ms"] = {"value": 40.0, "why": None}
    assert unusable_beats(recorder, recorder.shown["time_s"]) is None


def test_nor_before_there_is_a_beat(tmp_path: Path) -> None:
    recorder = recorded(tmp_path, SPOILT)
    recorder.live.beat_logs.clear()
    assert unusable_beats(recorder, recorder.shown["time_s"]) is None
