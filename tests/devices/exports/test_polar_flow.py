"""Polar Flow's account export: pulse intervals are read, summaries refused."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from devices.exports.polar_flow import PolarFlow
from devices.exports.reader import Source
from pipeline.errors import InputError
from pipeline.model import Recording
from tests.devices.exports.survival import assert_survives

NIGHT = datetime(2023, 5, 1, 23, 50)


def day(began: datetime, *pp_ms: float, device: str = "A") -> dict[str, Any]:
    """A day's pulses, each stamped with the whole second in which it ended."""
    ends = [began + timedelta(milliseconds=sum(pp_ms[: beat + 1])) for beat in range(len(pp_ms))]
    samples = [
        {"sampleDateTime": end.replace(microsecond=0).isoformat(), "pulseLength": each}
        for end, each in zip(ends, pp_ms, strict=True)
    ]
    return {
        "date": began.date().isoformat(),
        "devicePpiSamplesList": [{"deviceId": device, "ppiSamples": samples}],
    }


STEADY = [900, 940, 910, 880] * 40


def read(content: object, unit: str | None = None) -> Recording:
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    source = Source(Path("ppi_samples_1.json"), {"ppi_samples_1.json": data})
    assert PolarFlow().recognises(source)
    return PolarFlow().read(source, unit)


def test_pulses_add_up() -> None:
    recording = read([day(NIGHT, *STEADY)], unit="ms")
    pp = recording.streams["pp"]
    assert (pp.value.tolist(), pp.gaps) == ([float(each) for each in STEADY], ())
    np.testing.assert_allclose(np.diff(pp.time_s) * 1000, pp.value[1:], rtol=0.01)
    assert recording.started_at is not None
    assert abs(recording.started_at.replace(tzinfo=None) - NIGHT) < timedelta(seconds=2)
    assert (recording.beat_source, recording.notices) == (
        "pp",
        ("--unit ms is not needed: pulseLength is in ms",),
    )


def test_days_are_put_in_order_and_what_lies_between_is_a_gap() -> None:
    later = NIGHT + timedelta(days=2)
    recording = read([day(later, *STEADY), day(NIGHT, *STEADY)])
    (gap,) = recording.streams["pp"].gaps
    assert gap.end_s - gap.start_s == pytest.approx(2 * 86_400 - sum(STEADY) / 1000, abs=2)
    assert len(recording.notices) == 1


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_a_stamp_may_have_a_zone_and_a_pulse_be_missing(missing: int) -> None:
    content = day(NIGHT, 900, 900, 900)
    samples = content["devicePpiSamplesList"][0]["ppiSamples"]
    for sample in samples:
        sample["sampleDateTime"] += "+02:00"
    samples[missing]["pulseLength"] = None
    recording = read([content])
    assert np.flatnonzero(np.isnan(recording.streams["pp"].value)).tolist() == [missing]
    assert recording.started_at is not None
    assert recording.started_at.utcoffset() == timedelta(hours=2)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ([{"date": "2023-05-01", "devicePpiSamplesList": []}], "holds no pulse intervals"),
        (
            [{"date": "2023-05-01", "devicePpiSamplesList": {"a": 1}}],
            "the JSON is not laid out like Polar Flow's",
        ),
        ([day(NIGHT, *STEADY), day(NIGHT, *STEADY, device="B")], "two devices measured at once"),
        ([day(NIGHT, 900, 99_999)], "'99999' is no interval between pulses in ms"),
        (
            json.dumps([day(NIGHT, 900)]).replace("900", '"900"').encode(),
            "'900' is no interval between pulses",
        ),
        (
            json.dumps([day(NIGHT, 900)]).replace("2023-05-01T23:50:00", "noon").encode(),
            "'noon' is not a date",
        ),
        (json.dumps([day(NIGHT, 900)]).encode()[:-9], "the JSON is damaged or cut off"),
    ],
    ids=["empty", "layout", "two devices", "absurd", "text", "stamp", "cut off"],
)
def test_what_cannot_be_read(content: object, reason: str) -> None:
    with pytest.raises(InputError) as caught:
        read(content)
    assert str(caught.value).startswith(f"ppi_samples_1.json: {reason}")


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (
            {
                "deviceDays": [
                    {"date": "2024-05-05", "samples": [{"heartRate": 50, "secondsFromDayStart": 1}]}
                ]
            },
            "the all-day heart rate",
        ),
        ({"exportVersion": "1.6", "startTime": "2024-05-05T10:00:00", "exercises": []}, "a training session"),
    ],
    ids=["247ohr", "training session"],
)
def test_summaries_are_refused_with_what_to_export(content: object, what: str) -> None:
    with pytest.raises(InputError) as caught:
        read(content)
    assert f"is {what} of Polar Flow" in str(caught.value)
    assert "export ppi_samples_*.json instead" in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"{}", b'{"exercises": []}', b'"devicePpiSamplesList"', b"\xff"])
def test_what_is_not_polar_flows(content: bytes) -> None:
    assert not PolarFlow().recognises(Source(Path("a"), {"a": content}))


def test_damaged_files() -> None:
    assert_survives(PolarFlow(), {"ppi.json": json.dumps([day(NIGHT, *STEADY)]).encode()})
