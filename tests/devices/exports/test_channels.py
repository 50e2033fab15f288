"""Which channels are taken for which signal, in which unit, and what is said of the others."""

from __future__ import annotations

import numpy as np
import pytest

from devices.exports.channels import Channel, read_channels
from devices.exports.samples import ChannelSamples
from pipeline.errors import InputError
from pipeline.model import Floats

ALIKE = np.linspace(1.0, 2.0, 400)


def load(values: Floats = ALIKE, ends: tuple[float, float] | None = None) -> ChannelSamples:
    return ChannelSamples(np.arange(len(values)) / 100.0, values.copy(), ends=ends)


@pytest.mark.parametrize(
    ("name", "unit", "column", "scale"),
    [
        ("ECG", "uV", "ecg_uv", 1.0),
        ("ECG", "mV", "ecg_uv", 1e3),
        ("EKG - ERS100C", "mV", "ecg_uv", 1e3),
        ("ECG II", "\u00b5V", "ecg_uv", 1.0),
        ("ECG II", "\u03bcV", "ecg_uv", 1.0),
        ("ECG II", "\ufffdV", "ecg_uv", 1.0),
        ("ECG II", "Â\u00b5V", "ecg_uv", 1.0),
        ("MLII", "mV", "ecg_uv", 1e3),
        ("V5", "mV", "ecg_uv", 1e3),
        ("aVR", "mV", "ecg_uv", 1e3),
        ("ECG1-ECG2", "nV", "ecg_uv", 1e-3),
        ("ECG", "", "ecg_au", 1.0),
        ("ECG", "adu", "ecg_au", 1.0),
        ("EDA", "uS", "eda_us", 1.0),
        ("EDA - GSR100C", "microsiemens", "eda_us", 1.0),
        ("GSR", "umho", "eda_us", 1.0),
        ("Skin conductance", "nS", "eda_us", 1e-3),
        ("Pleth", "", "ppg_au", 1.0),
        ("BVP", "nW", "ppg_au", 1.0),
        ("Pulse wave", "mV", "ppg_au", 1.0),
        ("Resp thorax", "uV", "respiration_au", 1.0),
        ("RESP - RSP100C", "Volts", "respiration_au", 1.0),
        ("Breathing belt", "%", "respiration_au", 1.0),
        ("Temp finger", "degC", "skin_temperature_c", 1.0),
        ("SKT100C", "\u00b0C", "skin_temperature_c", 1.0),
    ],
)
def test_name_and_unit_make_a_signal(name: str, unit: str, column: str, scale: float) -> None:
    found = read_channels("file", [Channel(name, unit, 100.0)], lambda _: load())
    (stream,) = found.streams.values()
    assert list(stream.columns) == [column]
    np.testing.assert_allclose(stream.value, ALIKE * scale)
    assert stream.rate_hz == 100.0


@pytest.mark.parametrize(
    ("name", "unit", "rate_hz", "reason"),
    [
        ("Fp1", "uV", 256.0, "none of the signals"),
        ("I", "bpm", 256.0, "none of the signals"),
        ("Response", "mV", 256.0, "none of the signals"),
        ("Temp rectal", "degC", 1.0, "none of the signals"),
        ("", "", 1.0, "a channel without a name"),
        ("ECG", "bpm", 1.0, "is in bpm, not in a voltage"),
        ("ECG rate", "bpm", 1.0, "derived"),
        ("EDA", "kOhm", 4.0, "is in kOhm, not in µS"),
        ("EDA", "", 4.0, "is in no unit, not in µS"),
        ("EDA", "V", 4.0, "is in V, not in µS"),
        ("EDA filtered, differentiated", "microsiemens", 4.0, "derived"),
        ("EDA phasic", "uS", 4.0, "derived"),
        ("Resp rate", "rpm", 1.0, "derived"),
        ("Resp", "bpm", 1.0, "a rate and not a wave"),
        ("Pulse", "bpm", 1.0, "a rate and not a wave"),
        ("Skin temp", "F", 1.0, "not in °C"),
        ("ACC X", "g", 50.0, "needs x, y and z"),
        ("ACC X", "V", 50.0, "is in V, not in g"),
        ("ECG", "uV", 0.0, "0 Hz is no sampling rate"),
        ("ECG", "uV", float("nan"), "nan Hz is no sampling rate"),
    ],
)
def test_others_are_left_out_with_the_reason(name: str, unit: str, rate_hz: float, reason: str) -> None:
    with pytest.raises(InputError, match=reason) as caught:
        read_channels("a.edf", [Channel(name, unit, rate_hz)], lambda _: load())
    assert str(caught.value).startswith("a.edf: holds no channel vagal can use (")


@pytest.mark.parametrize(
    ("channel", "values", "reason"),
    [
        (Channel("EDA", "uS", 4.0), ALIKE - 1.5, "falls below zero"),
        (Channel("EDA", "S", 4.0), ALIKE, "lies at 1500000 µS"),
        (Channel("Skin temp", "C", 4.0), ALIKE + 300, "lies at 302 °C"),
        (Channel("ECG", "uV", 4.0), ALIKE * 1e12, "no sensor gives"),
        (Channel("ECG", "uV", 4.0), ALIKE * np.nan, "holds no samples"),
        (Channel("ECG", "uV", 4.0), np.empty(0), "holds no samples"),
    ],
    ids=["below zero", "siemens", "kelvin", "absurd", "missing", "empty"],
)
def test_values_that_cannot_be_are_not_trusted(channel: Channel, values: Floats, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        read_channels("file", [channel], lambda _: load(values))


def test_the_better_of_two_is_read_and_the_other_if_that_one_is_at_fault() -> None:
    channels = [Channel("ECG V5", "mV", 100.0), Channel("ECG II", "mV", 100.0), Channel("EDA", "uS", 100.0)]
    found = read_channels("file", channels, lambda index: load(ALIKE + index))
    assert found.streams["ecg"].value[0] == 2000.0
    assert found.notices == ("left out ECG V5: another channel is read for ecg",)
    found = read_channels("file", channels, lambda index: "is broken" if index == 1 else load())
    assert found.streams["ecg"].value[0] == 1000.0
    assert found.notices == ("left out ECG II: is broken",)
    assert found.units == {"ecg": "mV (from the header)", "eda": "uS (from the header)"}


def test_a_raw_channel_comes_before_a_filtered_one() -> None:
    channels = [Channel("EDA filtered", "uS", 10.0), Channel("EDA raw", "uS", 100.0)]
    assert read_channels("file", channels, lambda _: load()).streams["eda"].rate_hz == 100.0


def test_three_axes_are_one_stream() -> None:
    channels = [Channel(f"Accelerometer_{axis}", "g", 25.0) for axis in "XZY"]
    found = read_channels("file", channels, lambda index: load(ALIKE + index))
    acc = found.streams["acc"]
    assert {name: values[0] for name, values in acc.columns.items()} == {
        "acc_x_mg": 1000.0,
        "acc_y_mg": 3000.0,
        "acc_z_mg": 2000.0,
    }


def test_only_what_is_used_is_loaded_and_strangers_are_counted() -> None:
    channels = [Channel(f"EEG {number}", "uV", 256.0) for number in range(12)] + [Channel("ECG", "uV", 256.0)]
    loaded: list[int] = []

    def noted(index: int) -> ChannelSamples:
        loaded.append(index)
        return load()

    found = read_channels("file", channels, noted)
    assert loaded == [12]
    assert found.notices[0].endswith("EEG 7 (uV) and 4 more: none of the signals vagal reads")


def test_an_amplifiers_output_is_read_without_a_unit() -> None:
    found = read_channels("file", [Channel("ECG", "V", 100.0)], lambda _: load())
    assert list(found.streams["ecg"].columns) == ["ecg_au"]
    assert "an amplifier's output" in found.notices[0]


def test_saturation_is_told_and_infinity_is_missing() -> None:
    values = np.minimum(np.linspace(0, 2, 400), 1.5)
    values[7] = np.inf
    found = read_channels("file", [Channel("ECG", "uV", 100.0)], lambda _: load(values, (-1.5, 1.5)))
    assert np.isnan(found.streams["ecg"].value[7])
    assert found.notices == ("ECG lies at the end of its range for 25% of the time: is it saturated?",)


def test_what_mostly_lies_at_the_end_of_its_range_is_left_out() -> None:
    values = np.minimum(np.linspace(0, 9, 400), 1.5)
    with pytest.raises(InputError, match="EDA: lies at the end of its range for 83% of the time"):
        read_channels("file", [Channel("EDA", "uS", 100.0)], lambda _: load(values, (-1.5, 1.5)))


def test_none_is_needed_where_there_are_beats() -> None:
    found = read_channels("file", [Channel("Fp1", "uV", 100.0)], lambda _: load(), needed=False)
    assert (found.streams, found.notices) == ({}, ("left out Fp1 (uV): none of the signals vagal reads",))
