"""EDF+: samples within a step of sixteen bits, lost time left out, annotations in their places."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from devices.exports.writers.edf_plus import EdfPlus
from pipeline.errors import InsufficientDataError
from pipeline.model import Gap, Stream
from tests.devices.exports.writers.made import (
    SECRETS,
    files,
    left_out,
    read_back,
    session,
    streams,
    told,
    wave,
)

GAP = Gap(20.0, 25.0, "link lost")
STEPS = 65_535


def step(stream: Stream) -> float:
    return 1.02 * float(np.ptp(stream.value)) / STEPS


@pytest.mark.parametrize("gap", [None, GAP], ids=["whole", "gap"])
def test_samples_are_read_back_within_half_a_step(tmp_path: Path, gap: Gap | None) -> None:
    ecg = wave(gap=gap)
    made = files(EdfPlus(), session(streams=streams(ecg)))
    [content] = made.values()
    assert content[192:197] == (b"EDF+D" if gap else b"EDF+C")
    back = read_back(tmp_path, made, "_ecg.edf")
    found = back.streams["ecg"]
    written = len(found)
    assert len(ecg) - written < 26  # less than 0.1 s of each run
    np.testing.assert_allclose(found.value[:1000], ecg.value[:1000], atol=0.51 * step(ecg))
    np.testing.assert_allclose(found.time_s[:1000], ecg.time_s[:1000] - ecg.time_s[0], atol=1e-4)
    assert len(found.gaps) == (gap is not None)
    if gap:
        [lost] = found.gaps
        assert (lost.start_s, lost.end_s) == pytest.approx((20.0 - 1.25, 25.0 - 1.25), abs=0.11)


def test_annotations_lie_where_things_happened(tmp_path: Path) -> None:
    eda = session().recording.streams["eda"]
    shifted = Stream("eda", eda.time_s + 2.75, eda.columns, eda.rate_hz)
    back = read_back(tmp_path, files(EdfPlus(), session(streams=streams(shifted))), "_eda.edf")
    found = {marker.text: (marker.time_s, marker.end_s) for marker in back.markers}
    assert found["phase stressor: Challenge"] == pytest.approx((177.25, 357.25))
    assert found["note: door bell"] == (127.25, None)
    assert found["span: talking"] == (397.25, 427.25)
    assert found["rating distress: 7.5"] == (352.25, None)
    assert "phase baseline: Baseline" not in found  # it began before the first sample


@pytest.mark.parametrize(
    ("dates", "began"),
    [(False, None), (True, datetime(2026, 3, 1, 9, 5, 1, 590_000, UTC))],
    ids=["left out", "asked for"],
)
def test_dates_go_out_only_where_they_were_asked_for(
    tmp_path: Path, dates: bool, began: datetime | None
) -> None:
    local = datetime(2026, 3, 1, 9, 5, 0, 340_000).astimezone()  # as the recorder's clock had it
    made = files(EdfPlus(), session(streams=streams(wave()), dates=dates, started_at=local))
    back = read_back(tmp_path, made, "_ecg.edf")
    assert told(made, (*SECRETS, *(() if dates else ("2026", "01.03.26")))) == []
    assert (back.started_at and back.started_at.replace(tzinfo=UTC)) == began


@pytest.mark.parametrize("scale", [1e-6, 1.0, 8e6], ids=["tiny", "usual", "large"])
@pytest.mark.parametrize("offset", [0.0, 0.9])
def test_any_range_fits_the_header(tmp_path: Path, scale: float, offset: float) -> None:
    values = scale * (offset + 0.1 * np.sin(np.arange(600) / 9))
    ppg = Stream("ppg", np.arange(600) / 50, {"ppg_au": values}, 50.0)
    back = read_back(tmp_path, files(EdfPlus(), session(streams=streams(ppg))), "_ppg.edf").streams["ppg"]
    np.testing.assert_allclose(back.value, values, atol=max(2e-10, 1e-5 * scale))


def test_a_flat_signal_is_written(tmp_path: Path) -> None:
    eda = Stream("eda", np.arange(40) / 4, {"eda_us": np.full(40, 3.0)}, 4.0)
    made = files(EdfPlus(), session(streams=streams(eda)))
    assert read_back(tmp_path, made, "_eda.edf").streams["eda"].value == pytest.approx(3.0, abs=1e-6)


def test_what_has_no_place_is_said() -> None:
    lost = Stream("ppg", np.arange(10) / 50, {"ppg_au": np.full(10, np.nan)}, 50.0)
    huge = Stream("ecg", np.arange(10) / 50, {"ecg_au": np.full(10, 1e9)}, 50.0)
    found = left_out(EdfPlus(), session(streams={**session().recording.streams, **streams(lost, huge)}))
    assert found == [
        "ppg: every sample is missing",
        "ecg: its numbers are too large for the header",
        "rr: single values have no place in EDF+",
    ]


def test_beats_alone_are_refused() -> None:
    with pytest.raises(InsufficientDataError, match="no sampled signal"):
        list(EdfPlus().files(session(streams=streams(session().recording.streams["rr"]))))


def test_another_library_reads_the_same(tmp_path: Path) -> None:
    edfio = pytest.importorskip("edfio", reason='needs pip install "vagal[formats]"')
    ecg = wave()
    [(name, content)] = files(EdfPlus(), session(streams=streams(ecg))).items()
    (tmp_path / name).write_bytes(content)
    edf = edfio.read_edf(tmp_path / name)
    [signal] = edf.signals
    assert (signal.label, signal.physical_dimension, edf.patient.code, edf.patient.sex) == (
        "ECG",
        "uV",
        "a-014",
        "X",
    )
    assert signal.sampling_frequency == pytest.approx(130 * 1.003, rel=1e-6)
    np.testing.assert_allclose(signal.data, ecg.value[: len(signal.data)], atol=0.51 * step(ecg))
    assert [each.text for each in edf.annotations][:2] == ["phase baseline: Baseline", "note: door bell"]
