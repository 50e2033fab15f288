from dataclasses import replace

import numpy as np

from pipeline.analysis import analyse
from pipeline.language import text
from pipeline.report.quality import trust
from tests.pipeline.report.recordings import beats, recording


def test_what_is_said_of_unreadable_beats_is_said_once() -> None:
    rough = beats(840.0)
    off = np.random.default_rng(3).choice([0.4, 1.0, 2.4], len(rough), p=[0.4, 0.2, 0.4])
    rough = replace(rough, columns={"rr_ms": rough.columns["rr_ms"] * off})
    warnings = trust(analyse(recording(streams={"rr": rough}))).warnings
    assert text("quality.unreadable_heart") in warnings
    assert len([each for each in warnings if "often the sensor" in each]) == 1
