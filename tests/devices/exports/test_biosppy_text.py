"""BioSPPy's Simple Text Format: real files, built ones, damage."""

from __future__ import annotations

from pathlib import Path

import pytest

from devices.exports.biosppy_text import BiosppyText
from devices.exports.reader import Source, open_source
from pipeline.analysis import analyse
from pipeline.errors import InputError
from pipeline.model import Recording
from tests.devices.exports.damaged import bear_damage

HEAD = b"# Simple Text Format\n# Sampling Rate (Hz):= 100.00\n# Resolution:= 12\n# Labels:= ECG"


def read(content: bytes) -> Recording:
    source = Source(Path("a.txt"), {"a.txt": content})
    assert BiosppyText().recognises(source)
    return BiosppyText().read(source, None)


def test_two_columns_and_a_row_cut_off() -> None:
    recording = read(HEAD + b"\tResp\n1.0\t7.0\n2.0\t8.0\n3.0")
    assert recording.streams["ecg"].columns["ecg_au"].tolist() == [1.0, 2.0]
    assert recording.streams["respiration"].columns["respiration_au"].tolist() == [7.0, 8.0]
    assert (recording.duration_s, recording.notices) == (0.02, ("the last line is cut off and left out",))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (HEAD + b"\n1\nx\n", "line 6: 'x' is not a number"),
        (HEAD + b"\n1_0\n", "line 5: '1_0' is not a number"),
        (HEAD + b"\n1 2\n", "line 5: holds 2 numbers, not 1"),
        (HEAD + b"\n", "holds no samples"),
        (HEAD.replace(b"100.00", b"0"), "line 2: '0' is not a sampling rate"),
        (HEAD.replace(b"# Labels", b"# Lab"), "no '# Labels:='"),
        (HEAD.replace(b"ECG", b"EDA") + b"\n1\n2\n", "EDA: is in no unit"),
    ],
    ids=["word", "underscore", "columns", "empty", "rate", "labels", "counts of conductance"],
)
def test_what_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(content)


def test_damage() -> None:
    content = HEAD + b"\n" + b"2044.0\n" * 200
    assert bear_damage(BiosppyText, Path("a.txt"), {"a.txt": content}, "a.txt") > 0


@pytest.mark.parametrize(
    ("name", "stream", "samples", "first", "beats"),
    [
        ("ecg", "ecg", 15_000, 2044.0, 14),
        ("ppg", "ppg", 20_000, 2065.0, 28),
        ("resp", "respiration", 60_000, 2094.0, 0),
    ],
    ids=["ecg", "ppg", "resp"],
)  # fmt: skip
def test_real_files(recordings: Path, name: str, stream: str, samples: int, first: float, beats: int) -> None:
    recording = BiosppyText().read(open_source(recordings / "biosppy_examples" / f"{name}.txt"), None)
    found = recording.streams[stream]
    assert (len(found), found.rate_hz, found.value[0]) == (samples, 1000.0, first)
    if beats:
        analysed = analyse(recording).beats
        assert analysed is not None
        assert len(analysed.time_s) == beats
